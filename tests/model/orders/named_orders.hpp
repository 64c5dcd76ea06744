// SPDX-License-Identifier: BSL-1.0
// Every memory order and every asymmetric fence that the headers name, found in their text; and why no scenario comes by some of them.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// A place that names an order which is not relaxed, or calls an asymmetric fence.
struct named_order {
  std::string file;  // from pawl/ on
  int line;
  std::string what;  // acquire, release, acq_rel, seq_cst, consume, light fence, heavy fence
  std::string text;  // of the line
};

/// C++ without its comments and the contents of its strings, line for line.
inline std::string code_of(const std::string& source) {
  std::string code;
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source.compare(i, 2, "//") == 0) {
      while (i < source.size() && source[i] != '\n') ++i;
      code += '\n';
    } else if (source.compare(i, 2, "/*") == 0) {
      for (; i < source.size() && source.compare(i, 2, "*/") != 0; ++i) code += source[i] == '\n' ? "\n" : "";
      ++i;
    } else if (source[i] == '"') {
      for (++i; i < source.size() && source[i] != '"' && source[i] != '\n'; ++i) i += source[i] == '\\' ? 1U : 0U;
      code += "\"\"";
    } else {
      code += source[i];
    }
  }
  return code;
}

/// Of one file. A name that is called, such as `release()`, is no order.
inline std::vector<named_order> orders_named_in(const std::string& file, const std::string& source) {
  static const std::regex name(R"(\b(?:memory_order(?:_|::))?(acquire|release|acq_rel|seq_cst|consume)\b(?!\s*\())");
  static const std::regex fence(R"(\b(light|heavy)_fence\s*\()");
  std::vector<named_order> found;
  std::istringstream lines(code_of(source));
  std::istringstream texts(source);
  std::string code;
  std::string text;
  for (int n = 1; std::getline(lines, code) && std::getline(texts, text); ++n) {
    const std::size_t first = text.find_first_not_of(' ');
    const auto add = [&](const std::string& what) {
      found.push_back({file, n, what, first == std::string::npos ? "" : text.substr(first)});
    };
    for (std::sregex_iterator each(code.begin(), code.end(), name); each != std::sregex_iterator(); ++each) add(each->str(1));
    for (std::sregex_iterator each(code.begin(), code.end(), fence); each != std::sregex_iterator(); ++each)
      add(each->str(1) + " fence");
  }
  return found;
}

/// Of all headers in a folder that holds pawl/, sorted; the checker's own, which name orders as data, left out.
inline std::vector<named_order> orders_named_below(const std::filesystem::path& include) {
  std::vector<std::filesystem::path> headers;
  for (const auto& each : std::filesystem::recursive_directory_iterator(include)) {
    if (each.path().extension() == ".hpp") headers.push_back(each.path());
  }
  std::sort(headers.begin(), headers.end());
  std::vector<named_order> found;
  for (const auto& each : headers) {
    const std::string file = each.lexically_relative(include).generic_string();
    if (file.rfind("pawl/model", 0) == 0) continue;
    std::ifstream in(each);
    std::stringstream source;
    source << in.rdbuf();
    for (named_order& one : orders_named_in(file, source.str())) found.push_back(std::move(one));
  }
  if (found.empty()) throw std::runtime_error("no memory order below " + include.string());
  return found;
}

/// Why no scenario comes by a place. By the begin of the file's name and a piece of the line ("": the whole file, all of which is of that
/// kind); empty where nothing is known.
inline std::string reason_unmet(const named_order& at) {
  struct entry {
    const char* file;
    const char* piece;
    const char* why;
  };
  static constexpr const char* no_access =
      "No access: compares, maps or defaults an order that the caller names; the access stands where that one is named.";
  static constexpr const char* executes =
      "Executes orders that callers name. Checked by the instructions that come out (tests/codegen), and by tests/unit and "
      "tests/stress on "
      "each machine.";
  static constexpr const char* threads_end =
      "The host's threads: their tables, and who takes over what one leaves. In the model each execution has its own "
      "(model/environment.hpp). "
      "Checked by tests/process/threads.cpp, unloading.cpp, fork.cpp and fork_epochs.cpp, also under ThreadSanitizer.";
  static constexpr const char* one_for_the_process =
      "The host's objects that a process has once. In the model each execution has its own (model/environment.hpp). Checked by "
      "tests/process/sharing.cpp, unloading.cpp and fork.cpp, also under ThreadSanitizer.";
  static constexpr const char* host_fence =
      "The host's asymmetric fences themselves, and where a system has none, full ones; in the model they are events of their own. "
      "Checked by "
      "tests/unit/membarrier.cpp and fence.cpp, and by all of tests/stress.";
  static constexpr const char* device =
      "Of CUDA's environment, in which a fence is one of the device. Checked by tests/cuda, in whose interpreter threads "
      "interleave.";
  static constexpr const char* in_a_child =
      "In a fork's child, for what threads left that are not there; the model forks no process. Checked by "
      "tests/process/fork_epochs.cpp.";
  static constexpr entry entries[] = {
      {"pawl/atomic.hpp", "default_order(", no_access},
      {"pawl/atomic_ref.hpp", "default_order(", no_access},
      {"pawl/llsc.hpp", "default_order(", no_access},
      {"pawl/fence.hpp", "", no_access},
      {"pawl/cuda/", "std::memory_order order =", no_access},
      {"pawl/detail/atomic_value.hpp", "seq_cst", no_access},
      {"pawl/detail/operations.hpp", "if (order == ", no_access},
      {"pawl/detail/order_halves.hpp", "", no_access},
      {"pawl/detail/waiting_room.hpp", "static constexpr auto", no_access},
      {"pawl/backend/", "", executes},
      {"pawl/detail/arm64_", "", executes},
      {"pawl/detail/riscv64_", "", executes},
      {"pawl/detail/ptx", "", executes},
      {"pawl/detail/cuda_environment.hpp", "", device},
      {"pawl/detail/membarrier.hpp", "", host_fence},
      {"pawl/environment.hpp", "_fence", host_fence},
      {"pawl/detail/host_threads.hpp", "", threads_end},
      {"pawl/detail/thread_table.hpp", "sections_apart", in_a_child},
      {"pawl/detail/thread_table.hpp", "", threads_end},
      {"pawl/detail/process_globals.hpp", "", one_for_the_process},
      {"pawl/detail/library_end.hpp", "", one_for_the_process},
      {"pawl/detail/epoch_record.hpp", "each->since.store(0,", in_a_child},
      {"pawl/detail/epoch_record.hpp", "pin.store(idle, std", in_a_child},
  };
  for (const entry& each : entries) {
    if (at.file.rfind(each.file, 0) == 0 && at.text.find(each.piece) != std::string::npos) return each.why;
  }
  return "";
}
