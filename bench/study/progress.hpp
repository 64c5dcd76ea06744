// SPDX-License-Identifier: BSL-1.0
// How far a long run is: a bar on a terminal, a line now and then elsewhere.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>

namespace study {

class progress_bar {
 public:
  void operator()(std::size_t done, std::size_t of, const std::string& what) {
    const auto now = std::chrono::steady_clock::now();
    const double elapsed = std::chrono::duration<double>(now - begin_).count();
    const double left = done == 0 ? 0 : elapsed / static_cast<double>(done) * static_cast<double>(of - done);
    if (terminal_) {
      if (now - shown_ < std::chrono::milliseconds(100) && done != of) return;
      constexpr std::size_t width = 30;
      const std::size_t full = width * done / of;
      std::fprintf(stderr, "\r\033[K[%s%s] %3zu%%  %s left  %s", std::string(full, '=').c_str(),
                   std::string(width - full, ' ').c_str(), 100 * done / of, clock(left).c_str(), what.c_str());
      if (done == of) std::fprintf(stderr, "\r\033[K");
    } else if (10 * done / of != tenths_ || done == 0) {
      tenths_ = 10 * done / of;
      std::fprintf(stderr, "measuring: %3zu%%, %s elapsed\n", 100 * done / of, clock(elapsed).c_str());
    }
    std::fflush(stderr);
    shown_ = now;
  }

 private:
  static std::string clock(double seconds) {
    const auto whole = std::lround(seconds);
    return std::to_string(whole / 60) + (whole % 60 < 10 ? ":0" : ":") + std::to_string(whole % 60);
  }

  const bool terminal_ = isatty(STDERR_FILENO) != 0;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point shown_;
  std::size_t tenths_ = 0;
};

}  // namespace study
