// SPDX-License-Identifier: BSL-1.0
// plant INCLUDE COPY [TESTS PROGRAM]: copies the headers of INCLUDE to COPY, with all of mistakes.hpp planted in them, each behind
// planted::is(its number), and writes the file TESTS, which tells ctest to run PROGRAM for each. Stops where a mistake's text is not in its
// header exactly once.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "mistakes.hpp"

namespace {

using planted::edit;
using planted::mistake;

std::string read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  return {std::istreambuf_iterator<char>(in), {}};
}
void write(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary);
  if (!(out << text).flush()) throw std::runtime_error("cannot write " + file.string());
}

std::size_t times_in(const std::string& text, const std::string& part) {
  std::size_t times = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++times;
  return times;
}

// A place in a header, and what each of the mistakes there puts in its place. One may lie in another, which comes first.
struct place {
  std::size_t begin;
  std::size_t end;
  bool operator<(const place& other) const { return begin != other.begin ? begin < other.begin : end > other.end; }
};
using plan = std::map<place, std::map<int, std::string>>;

void add(plan& all, const mistake& one, const edit& each, const std::string& header) {
  const std::string marked(each.at);
  const std::size_t first = marked.find('`');
  const std::size_t last = marked.rfind('`');
  const std::string where = "planted mistake \"" + std::string(one.name) + "\": ";
  if (first == last || std::count(marked.begin(), marked.end(), '`') != 2) {
    throw std::runtime_error(where + "not two backquotes in: " + marked);
  }
  const std::string before = marked.substr(0, first);
  const std::string replaced = marked.substr(first + 1, last - first - 1);
  const std::string whole = before + replaced + marked.substr(last + 1);
  const std::size_t times = times_in(header, whole);
  if (times != 1) {
    throw std::runtime_error(where + std::string(one.header) + " has this text " + std::to_string(times) +
                             " times, and not once:\n" + whole);
  }
  const std::size_t begin = header.find(whole) + before.size();
  if (!all[{begin, begin + replaced.size()}].emplace(planted::number_of(one), each.with).second) {
    throw std::runtime_error(where + "twice in one place");
  }
}

bool is_statement(const std::string& text) {
  const std::size_t last = text.find_last_not_of(" \n");
  return last != std::string::npos && (text[last] == ';' || text[last] == '}');
}

// All within the line where it was, so that lines keep their numbers, and traces can be read beside the header.
std::string choice(const std::string& right, const std::map<int, std::string>& wrong) {
  std::ostringstream text;
  if (right.empty() || is_statement(right)) {
    for (const auto& [number, with] : wrong) text << "if (planted::is(" << number << ")) { " << with << " } else ";
    text << "{ " << right << " }";
  } else {
    text << "(";
    for (const auto& [number, with] : wrong) text << "planted::is(" << number << ") ? (" << with << ") : ";
    text << "(" << right << "))";
  }
  return text.str();
}

// The header's text from `begin` to `end`, where `next` is the first place from there on.
std::string with_mistakes(const std::string& header, std::size_t begin, std::size_t end, const plan& all,
                          plan::const_iterator& next) {
  std::string changed;
  while (next != all.end() && next->first.begin < end) {
    const auto& [where, wrong] = *next++;
    if (where.end > end) throw std::runtime_error("planted mistakes overlap: " + wrong.begin()->second);
    changed += header.substr(begin, where.begin - begin);
    changed += choice(with_mistakes(header, where.begin, where.end, all, next), wrong);
    begin = where.end;
  }
  return changed + header.substr(begin, end - begin);
}
std::string with_mistakes(const std::string& header, const plan& all) {
  plan::const_iterator next = all.begin();
  return with_mistakes(header, 0, header.size(), all, next);
}

void plant(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::set<std::string> with_some;
  std::set<std::string> names;
  for (const mistake& each : planted::mistakes()) {
    with_some.emplace(each.header);
    if (!names.emplace(each.name).second) throw std::runtime_error("two planted mistakes are named " + std::string(each.name));
  }
  for (const std::filesystem::directory_entry& file : std::filesystem::recursive_directory_iterator(from)) {
    if (!file.is_regular_file()) continue;
    const std::string name = file.path().lexically_relative(from).generic_string();
    const std::string header = read(file.path());
    plan here;
    for (const mistake& one : planted::mistakes()) {
      if (one.header != name) continue;
      for (const edit& each : one.edits) add(here, one, each, header);
    }
    with_some.erase(name);
    write(to / name, with_mistakes(header, here));
  }
  if (!with_some.empty()) throw std::runtime_error("mistakes are to be planted in " + *with_some.begin() + ", which is not there");
}

void write_tests(const std::filesystem::path& file, const std::string& program) {
  std::ostringstream tests;
  const auto add_test = [&](const std::string& name, const std::string& argument) {
    const std::string quoted = "[==[planted/" + name + "]==]";
    tests << "add_test(" << quoted << " [==[" << program << "]==] [==[" << argument << "]==])\n"
          << "set_tests_properties(" << quoted << " PROPERTIES LABELS model TIMEOUT 120)\n";
  };
  add_test("without a mistake, nothing is found", "--clean");
  add_test("what is no mistake is not caught, nor is one of another kind", "--self-check");
  for (const mistake& each : planted::mistakes()) add_test(std::string(each.name), std::string(each.name));
  write(file, tests.str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 5) {
    std::cerr << "usage: plant INCLUDE COPY [TESTS PROGRAM]\n";
    return 2;
  }
  try {
    plant(argv[1], argv[2]);
    if (argc == 5) write_tests(argv[3], argv[4]);
  } catch (const std::exception& wrong) {
    std::cerr << wrong.what() << '\n';
    return 1;
  }
}
