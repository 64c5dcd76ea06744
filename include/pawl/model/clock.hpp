// SPDX-License-Identifier: BSL-1.0
// Vector clocks: how far each thread had come when something happened (L. Lamport, 1978; C. Fidge and F. Mattern, 1988).
#pragma once

#include <cstdint>

namespace pawl::inline v0::model::detail {

/// Threads of one execution, main among them.
inline constexpr unsigned max_threads = 8;

/// One time per thread. All of a thread's events up to that time are in the past that the clock describes.
struct clock {
  std::uint16_t time[max_threads] = {};

  void join(const clock& other) noexcept {
    for (unsigned t = 0; t < max_threads; ++t) time[t] = time[t] < other.time[t] ? other.time[t] : time[t];
  }
  /// Whether all of the other is in this past, but for what one thread did. (Without a branch per thread, so that it is one comparison of
  /// two registers.)
  [[nodiscard]] bool has_all(const clock& other, unsigned but_for) const noexcept {
    clock without = other;
    without.time[but_for] = 0;
    unsigned missing = 0;
    for (unsigned t = 0; t < max_threads; ++t) missing |= without.time[t] > time[t] ? 1U : 0U;
    return missing == 0;
  }
  [[nodiscard]] bool has(unsigned thread, std::uint16_t when) const noexcept { return when <= time[thread]; }
};

}  // namespace pawl::inline v0::model::detail
