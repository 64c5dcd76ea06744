// SPDX-License-Identifier: BSL-1.0
// What a check says while it runs, and how long it took.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <stdexcept>

namespace pawl::inline v0::model::detail {

inline void validate(bool wrong, const char* message) {
  if (wrong) throw std::invalid_argument(message);
}

class stopwatch {
 public:
  explicit stopwatch(bool shows) : shows_(shows && isatty(STDERR_FILENO) != 0) {}
  stopwatch(const stopwatch&) = delete;
  stopwatch& operator=(const stopwatch&) = delete;
  ~stopwatch() {
    if (shown_) std::fputs("\r\033[K", stderr);
  }

  [[nodiscard]] double seconds() const noexcept { return std::chrono::duration<double>(clock::now() - begin_).count(); }
  /// Now and then shows how far the check is. `wanted`: executions in all, or 0 where that is not known; then `explored` is the part
  /// that is done, as far as one can guess.
  void show(std::uint64_t executions, std::uint64_t blocked, std::uint64_t wanted, double explored) {
    if (!shows_ || ++calls_ % 64 != 0) return;
    const clock::time_point now = clock::now();
    if (now - last_ < std::chrono::milliseconds(500)) return;
    last_ = now;
    shown_ = true;
    const double passed = seconds();
    const auto done = static_cast<double>(executions + blocked);
    const double part = wanted != 0 ? done / static_cast<double>(wanted) : explored;
    std::fprintf(stderr, "\r\033[K%llu executions, %llu blocked, %.0f/s", static_cast<unsigned long long>(executions),
                 static_cast<unsigned long long>(blocked), done / passed);
    if (part > 0) std::fprintf(stderr, "; about %.2g %% done, %.0f s left", part * 100, passed / part - passed);
  }

 private:
  using clock = std::chrono::steady_clock;

  const bool shows_;
  bool shown_ = false;
  std::uint64_t calls_ = 0;
  const clock::time_point begin_ = clock::now();
  clock::time_point last_ = begin_;
};

}  // namespace pawl::inline v0::model::detail
