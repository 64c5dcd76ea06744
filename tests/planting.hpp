// SPDX-License-Identifier: BSL-1.0
// Which of the planted mistakes is made, see planting.py. Included before pawl's headers, of which the build has a copy that asks.
#pragma once

#include <cstdlib>
#include <type_traits>

namespace planted {

inline bool is_chosen(int number) noexcept {
  static const int chosen = [] {
    const char* const named = std::getenv("PAWL_PLANTED");
    return named == nullptr ? 0 : std::atoi(named);
  }();
  return chosen == number;
}

/// Where the compiler computes, none is.
constexpr bool is(int number) noexcept {
  if (std::is_constant_evaluated()) return false;
  return is_chosen(number);
}

}  // namespace planted
