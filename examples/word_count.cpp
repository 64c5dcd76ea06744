// SPDX-License-Identifier: BSL-1.0
// Counts the words of files, on several threads, in one pawl::hash_map:
//
//   word_count --threads 4 --top 20 FILE...
//
// Shows how threads share a map whose values change all the time. An element of a hash_map never changes, so update() and upsert()
// make a new node for each new value; that is right for values that change now and then, and too much for a counter. Here the value
// *holds* an atomic: a word that the map knows costs one look-up, without a copy of the word, and one addition.
//
// What to look at: `counter`, `count_words`, and how `text_blocks` cuts a file between words, so that all threads work on one big file
// in bounded memory (a block per thread, and the longest word).
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <future>
#include <iostream>
#include <limits>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <pawl/atomic.hpp>
#include <pawl/hash_map.hpp>

namespace {

struct counter {
  explicit counter(std::uint64_t first) noexcept : value(first) {}
  mutable pawl::atomic<std::uint64_t> value;  // mutable: visitors are given a const counter&
};

// With a transparent hash and equality, a std::string_view into the block finds its std::string.
struct text_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

using word_map = pawl::hash_map<std::string, counter, text_hash, std::equal_to<>>;

constexpr char lower(char c) noexcept { return static_cast<char>(c | 0x20); }
constexpr bool is_letter(char c) noexcept { return 'a' <= lower(c) && lower(c) <= 'z'; }

void count_words(word_map& words, std::string& text) {
  const auto add_one = [](const std::string&, const counter& known) noexcept {
    // relaxed: an addition publishes nothing but itself and loses none; main reads the sums after std::future has joined the threads
    known.value.store_add(1, std::memory_order_relaxed);
  };
  for (auto end = text.begin();;) {
    const auto word = std::find_if(end, text.end(), is_letter);
    if (word == text.end()) return;
    end = std::find_if_not(word, text.end(), is_letter);
    std::transform(word, end, word, lower);
    words.insert_or_visit(std::string_view(word, end), std::uint64_t{1}, add_one);
  }
}

// The text of all files, in blocks that end between words. Reading is one stream, so it is behind a lock: a thread holds it while the
// system copies a block, a small part of the time that it then counts.
class text_blocks {
 public:
  explicit text_blocks(std::vector<std::string> files) : files_(std::move(files)) {}

  // The next block; false where there is none.
  bool next(std::string& block) {
    const std::scoped_lock lock(mutex_);
    if (!open_file()) return false;
    block.swap(begun_word_);
    begun_word_.clear();
    for (;;) {
      const std::size_t old_size = block.size();
      block.resize(old_size + block_size);
      const std::size_t got = std::fread(block.data() + old_size, 1, block_size, file_.get());
      block.resize(old_size + got);
      if (got < block_size) {
        if (std::ferror(file_.get()) != 0) report();
        file_.reset();
        ++current_;
        return true;
      }
      const auto new_part = block.rend() - static_cast<std::ptrdiff_t>(old_size);
      const auto cut = std::find_if_not(block.rbegin(), new_part, is_letter);
      if (cut != new_part) {
        begun_word_.assign(cut.base(), block.end());
        block.erase(cut.base(), block.end());
        return true;
      }
      // All letters: a word of more than a block. Read on behind it.
    }
  }

  // Call it when the threads have ended.
  [[nodiscard]] bool any_failed() const noexcept { return failed_; }

 private:
  static constexpr std::size_t block_size = std::size_t{1} << 20U;
  struct closer {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };

  bool open_file() {
    for (; !file_ && current_ < files_.size();) {
      file_.reset(std::fopen(files_[current_].c_str(), "rb"));
      if (file_) break;
      report();
      ++current_;
    }
    return file_ != nullptr;
  }
  void report() {
    const std::string why = std::generic_category().message(errno);
    std::cerr << "word_count: " << files_[current_] << ": " << why << '\n';
    failed_ = true;
  }

  std::mutex mutex_;  // guards all below
  std::vector<std::string> files_;
  std::size_t current_ = 0;
  std::unique_ptr<std::FILE, closer> file_;
  std::string begun_word_;  // letters at the end of the last block
  bool failed_ = false;
};

struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct options {
  std::size_t threads = std::max(1U, std::thread::hardware_concurrency());
  std::size_t top = std::numeric_limits<std::size_t>::max();
  bool help = false;
  std::vector<std::string> files;
};

std::size_t parse_number(const std::string& option, std::string_view text, std::size_t limit) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number == 0 || number > limit) {
    throw usage_error(option + " takes a number from 1 to " + std::to_string(limit) + ", not '" + std::string(text) + "'");
  }
  return number;
}

options parse(const std::vector<std::string>& arguments) {
  options parsed;
  bool only_files = false;
  for (auto each = arguments.begin(); each != arguments.end(); ++each) {
    const std::string& argument = *each;
    if (only_files || !argument.starts_with('-')) {
      parsed.files.push_back(argument);
    } else if (argument == "--") {
      only_files = true;
    } else if (argument == "--help") {
      parsed.help = true;
    } else if (argument == "--threads" || argument == "--top") {
      if (++each == arguments.end()) throw usage_error(argument + " takes a number");
      if (argument == "--top") {
        parsed.top = parse_number(argument, *each, std::numeric_limits<std::size_t>::max());
      } else {
        parsed.threads = parse_number(argument, *each, 1024);
      }
    } else {
      throw usage_error("unknown option '" + argument + "'");
    }
  }
  if (parsed.files.empty() && !parsed.help) throw usage_error("no files");
  return parsed;
}

constexpr std::string_view help =
    "usage: word_count [--threads N] [--top N] [--] FILE...\n"
    "Counts words (runs of A-Z and a-z, in lower case) and prints `count word`, the most frequent first, equal counts by "
    "alphabet.\n"
    "  --threads N   threads that count, 1 to 1024; without it, as many as there are processors\n"
    "  --top N       only the N most frequent words; without it, all\n"
    "Exit status: 0, 1 where a file could not be read (the others are counted), 2 for wrong options.\n";

bool print(const word_map& words, std::size_t top) {
  // Nobody erases, and a growing map moves no element: so the keys stay where they are.
  std::vector<std::pair<std::uint64_t, std::string_view>> sorted;
  words.visit_all([&sorted](const std::string& word, const counter& count) {
    // relaxed: see count_words
    sorted.emplace_back(count.value.load(std::memory_order_relaxed), word);
  });
  const auto end = sorted.begin() + static_cast<std::ptrdiff_t>(std::min(top, sorted.size()));
  const auto goes_first = [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; };
  std::nth_element(sorted.begin(), end, sorted.end(), goes_first);  // does nothing where `end` is the end of all
  std::sort(sorted.begin(), end, goes_first);
  for (auto each = sorted.begin(); each != end; ++each) std::cout << each->first << ' ' << each->second << '\n';
  return static_cast<bool>(std::cout.flush());
}

int run(const options& chosen) {
  text_blocks input(chosen.files);
  word_map words;
  std::vector<std::future<void>> threads;
  threads.reserve(chosen.threads);
  for (std::size_t i = 0; i < chosen.threads; ++i) {
    threads.push_back(std::async(std::launch::async, [&input, &words] {
      for (std::string block; input.next(block);) count_words(words, block);
    }));
  }
  for (auto& each : threads) each.get();  // throws what a thread threw
  if (!print(words, chosen.top)) throw std::runtime_error("can't write the result");
  return input.any_failed() ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  try {
    const options chosen = parse({argv + 1, argv + argc});
    if (!chosen.help) return run(chosen);
    std::cout << help;
    return std::cout.flush() ? 0 : 1;
  } catch (const usage_error& error) {
    std::cerr << "word_count: " << error.what() << "; word_count --help lists the options\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "word_count: " << error.what() << '\n';
    return 1;
  }
}
