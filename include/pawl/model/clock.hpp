// SPDX-License-Identifier: BSL-1.0
// Vector clocks: how far each thread had come when something happened (L. Lamport, 1978; C. Fidge and F. Mattern, 1988).
#pragma once

#include <cstdint>

namespace pawl::inline v0::model::detail {

/// Threads of one execution, main among them.
inline constexpr unsigned max_threads = 8;

/// One time per thread. All of a thread's events up to that time are in the past that the clock describes.
///
/// The loops are each one or two instructions on a register that holds the whole clock. That is why none sets a single time: the
/// processor can't hand a part just stored on to a load of the whole, but waits until it is in the cache.
struct alignas(16) clock {
  std::uint16_t time[max_threads] = {};

  void join(const clock& other) noexcept {
    for (unsigned t = 0; t < max_threads; ++t) time[t] = time[t] < other.time[t] ? other.time[t] : time[t];
  }
  /// One step of a thread.
  void tick(unsigned thread) noexcept;
  /// Whether all of the other is in this past, but for what one thread did.
  [[nodiscard]] bool has_all(const clock& other, unsigned but_for) const noexcept;
  [[nodiscard]] bool has(unsigned thread, std::uint16_t when) const noexcept { return when <= time[thread]; }
};

/// For each thread a clock of ones in its place, and zero elsewhere.
struct unit_clocks {
  clock of[max_threads];
  constexpr unit_clocks() noexcept {
    for (unsigned t = 0; t < max_threads; ++t) of[t].time[t] = 1;
  }
};
inline constexpr unit_clocks units;

inline void clock::tick(unsigned thread) noexcept {
  const clock& one = units.of[thread];
  for (unsigned t = 0; t < max_threads; ++t) time[t] = static_cast<std::uint16_t>(time[t] + one.time[t]);
}
inline bool clock::has_all(const clock& other, unsigned but_for) const noexcept {
  const clock& ignored = units.of[but_for];
  std::uint16_t missing = 0;
  for (unsigned t = 0; t < max_threads; ++t) {
    const bool is_missing = other.time[t] > time[t];
    missing = static_cast<std::uint16_t>(missing | (is_missing ? 1 - ignored.time[t] : 0));
  }
  return missing == 0;
}

}  // namespace pawl::inline v0::model::detail
