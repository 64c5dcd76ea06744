// SPDX-License-Identifier: BSL-1.0
// pawl's headers as text: their code without comments, and what stands in it that no container and no reclaimer may say.
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace header_text {

/// A header's code: comments, strings and directives are blank, lines stay. Empty where there is no such file.
inline std::string code_of(const std::string& path) {
  std::ifstream file(path);
  if (!file) return {};
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::string code;
  bool directive = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "//") == 0) i = std::min(text.find('\n', i), text.size() - 1);
    if (text[i] == '#') directive = true;
    if (text[i] == '\n') directive = false;
    if (text[i] == '"') {
      do ++i;
      while (i < text.size() && (text[i] != '"' || text[i - 1] == '\\'));
      continue;
    }
    code += directive ? ' ' : text[i];
  }
  return code;
}

inline bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Where the word, or what ends in an underscore and begins one, stands in the code.
inline std::vector<std::size_t> places_of(std::string_view code, std::string_view word) {
  std::vector<std::size_t> found;
  for (std::size_t i = code.find(word); i != std::string::npos; i = code.find(word, i + 1)) {
    const char after = i + word.size() < code.size() ? code[i + word.size()] : ' ';
    if ((i > 0 && is_word(code[i - 1])) || (is_word(word.back()) && word.back() != '_' && is_word(after))) continue;
    found.push_back(i);
  }
  return found;
}
inline std::size_t line_of(std::string_view code, std::size_t at) {
  return 1 + static_cast<std::size_t>(std::count(code.begin(), code.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

/// The code from `from` to the bracket that closes the one there, and behind it.
inline std::size_t behind(std::string_view code, std::size_t from, char open, char close) {
  std::size_t depth = 0;
  for (std::size_t i = from; i < code.size(); ++i) {
    if (code[i] == open) ++depth;
    if (code[i] == close && --depth == 0) return i + 1;
  }
  return code.size();
}

struct finding {
  std::size_t line;
  std::string what;
};

/// Something that a header may say all the same, with what stands around it.
struct excuse {
  std::string_view header;
  std::string_view text;
};

// A word in the code stands in the text of an excuse.
inline bool is_excused(std::string_view header, std::string_view code, std::size_t at, const std::vector<excuse>& excuses) {
  return std::any_of(excuses.begin(), excuses.end(), [&](const excuse& each) {
    if (each.header != header) return false;
    const std::size_t first = at < each.text.size() ? 0 : at - each.text.size() + 1;
    const std::size_t found = code.find(each.text, first);
    return found != std::string_view::npos && found <= at;
  });
}

/// Memory, threads, atomics and fences of somebody else's; and casts, without which nobody gets at what is in an atomic or a `plain`.
inline void forbidden_words(std::string_view header, std::string_view code, const std::vector<excuse>& excuses,
                            std::vector<finding>& findings) {
  constexpr std::array words{std::string_view("thread_local"),
                             std::string_view("__thread"),
                             std::string_view("extern"),  // objects
                             std::string_view("new"),
                             std::string_view("delete"),
                             std::string_view("malloc"),
                             std::string_view("__builtin_malloc"),
                             std::string_view("calloc"),
                             std::string_view("realloc"),
                             std::string_view("aligned_alloc"),
                             std::string_view("mmap"),
                             std::string_view("std::make_unique"),
                             std::string_view("std::make_shared"),
                             std::string_view("std::shared_ptr"),
                             std::string_view("std::vector"),
                             std::string_view("std::string"),
                             std::string_view("std::function"),
                             std::string_view("std::map"),
                             std::string_view("std::pmr"),
                             std::string_view("throw"),
                             std::string_view("try"),
                             std::string_view("catch"),  // control
                             std::string_view("std::atomic"),
                             std::string_view("std::atomic_"),
                             std::string_view("__atomic_"),
                             std::string_view("__sync_"),
                             std::string_view("asm"),
                             std::string_view("__asm__"),
                             std::string_view("volatile"),  // accesses
                             std::string_view("std::mutex"),
                             std::string_view("std::this_thread"),
                             std::string_view("std::thread"),
                             std::string_view("pthread_"),
                             std::string_view("reinterpret_cast"),
                             std::string_view("const_cast"),
                             std::string_view("memcpy"),
                             std::string_view("__builtin_memcpy"),
                             std::string_view("memmove"),
                             std::string_view("static_cast<void*>"),
                             std::string_view("static_cast<const void*>"),
                             std::string_view("static_cast<std::byte*>"),
                             std::string_view("static_cast<const std::byte*>"),
                             std::string_view("static_cast<unsigned char*>"),
                             std::string_view("static_cast<const unsigned char*>")};
  for (const std::string_view word : words) {
    for (const std::size_t at : places_of(code, word)) {
      // A function that is deleted.
      if (word == "delete" && code.substr(at).starts_with("delete;") && code.substr(0, at).ends_with("= ")) continue;
      if (is_excused(header, code, at, excuses)) continue;
      findings.push_back({line_of(code, at), std::string(word)});
    }
  }
}

/// After `static` comes a constant, or a function: its name, parameters and a body.
inline void static_data(std::string_view header, std::string_view code, const std::vector<excuse>& excuses,
                        std::vector<finding>& findings) {
  for (const std::size_t at : places_of(code, "static")) {
    const std::string_view from = code.substr(at);
    if (from.starts_with("static constexpr ") || is_excused(header, code, at, excuses)) continue;
    const std::size_t first = from.find_first_of("(;={");
    const std::size_t next = from.find_first_of(";{", first);
    if (from[first] == '(' && from[next] == '{') continue;
    findings.push_back({line_of(code, at), "static data"});
  }
}

// What a declaration of a namespace says apart from what precedes any: template heads, attributes, macros.
inline std::string bare_declaration(std::string_view text) {
  std::string bare;
  for (std::size_t i = 0; i < text.size();) {
    if (text.substr(i).starts_with("[[")) {
      i = behind(text, i, '[', ']');
    } else if (text.substr(i).starts_with("template <")) {
      i = behind(text, i + 9, '<', '>');
    } else if (text.substr(i).starts_with("PAWL_")) {
      while (i < text.size() && is_word(text[i])) ++i;
    } else {
      bare += text[i++];
    }
  }
  const std::size_t first = bare.find_first_not_of(" \n");
  return first == std::string::npos ? "" : bare.substr(first);
}

// Whether a declaration that ends before `;`, a body or an initializer is of a variable that is no constant.
inline bool is_variable(const std::string& declaration) {
  if (declaration.empty()) return false;
  for (const std::string_view word :
       {"constexpr", "using", "typedef", "static_assert", "concept", "struct", "class", "union", "enum", "namespace", "friend"}) {
    const auto found = places_of(declaration, word);
    if (!found.empty() && (word == "constexpr" || declaration.find_first_of("(=") > found.front())) return false;
  }
  const std::size_t parameters = declaration.find('(');
  if (parameters == std::string::npos || declaration.compare(parameters, 2, "(*") == 0) return true;
  // What is initialized by a call. (`operator=` and its like come before their parameters and stand at a function's name.)
  const std::size_t equals = declaration.find(" = ");
  return equals != std::string::npos && equals < parameters;
}

/// Variables of namespaces, which need no word to be ones.
inline void namespace_data(std::string_view code, std::vector<finding>& findings) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < code.size(); ++i) {
    if (code[i] == '}') begin = i + 1;  // a namespace's
    if (code[i] != ';' && code[i] != '{') continue;
    const std::string declaration = bare_declaration(code.substr(begin, i - begin));
    if (code[i] == '{') {
      if (declaration.starts_with("namespace")) {
        begin = i + 1;
        continue;
      }
      const std::size_t end = behind(code, i, '{', '}');
      // A requires-expression is a part of what it constrains; the bodies of what is no variable go to no end that matters.
      const bool goes_on = declaration.ends_with("requires ") || places_of(declaration, "concept").size() == 1 ||
                           declaration.find("= ") != std::string::npos;
      if (!goes_on && is_variable(declaration)) findings.push_back({line_of(code, i), "a variable of a namespace: " + declaration});
      i = end - 1;
      if (!goes_on) begin = end;
      continue;
    }
    if (is_variable(declaration)) findings.push_back({line_of(code, i), "a variable of a namespace: " + declaration});
    begin = i + 1;
  }
}

/// What an atomic holds is given to functions that name an order, and to nothing else.
inline void bare_accesses(std::string_view code, std::vector<finding>& findings) {
  for (const std::string_view held : {"cell_.word", "cell_.value", "*object_"}) {
    for (std::size_t at = code.find(held); at != std::string_view::npos; at = code.find(held, at + 1)) {
      std::string_view before = code.substr(0, at);
      if (before.ends_with("set_.")) before.remove_suffix(5);  // an atomic_flag's
      const bool is_argument =
          before.size() > 1 && before.ends_with('(') && (is_word(before[before.size() - 2]) || before[before.size() - 2] == '>');
      if (!is_argument || !code.substr(at + held.size()).starts_with(", "))
        findings.push_back({line_of(code, at), "a bare " + std::string(held)});
    }
  }
}

inline std::vector<finding> all_findings(std::string_view header, std::string_view code, const std::vector<excuse>& excuses) {
  std::vector<finding> findings;
  forbidden_words(header, code, excuses, findings);
  static_data(header, code, excuses, findings);
  namespace_data(code, findings);
  bare_accesses(code, findings);
  return findings;
}

}  // namespace header_text
