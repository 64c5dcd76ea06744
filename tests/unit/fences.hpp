// SPDX-License-Identifier: BSL-1.0
// What fences do for store buffering.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "soak.hpp"
#include "store_buffering.hpp"

/// How often both threads read the old value, where one's fence between its store and its load is `first` and the other's `second`, as often
/// as a third of a second lets them go along the row. (Store and load are the compiler's, whose orders are constants without optimization, too:
/// of others it makes seq_cst.)
template <class First, class Second>
std::size_t both_read_old_with(First first, Second second) {
  const auto step_with = [](auto& fence) {
    return [&fence](std::uint32_t& mine, const std::uint32_t& other) {
      __atomic_store_n(&mine, 1U, __ATOMIC_RELAXED);
      fence();
      return __atomic_load_n(&other, __ATOMIC_RELAXED);
    };
  };
  const auto end = std::chrono::steady_clock::now() + soak_times * std::chrono::milliseconds(300);
  return both_read_old<std::uint32_t>(step_with(first), step_with(second),
                                      [end] { return std::chrono::steady_clock::now() < end; });
}
