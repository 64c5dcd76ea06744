// SPDX-License-Identifier: BSL-1.0
// Which of the planted mistakes is made. Included before pawl's headers, of which the build has a copy that asks.
#pragma once

#include <type_traits>

namespace planted {

inline int chosen = 0;  // none
inline bool is_chosen(int number) noexcept { return chosen == number; }

/// Where the compiler computes, nothing is wrong.
constexpr bool is(int number) noexcept {
  if (std::is_constant_evaluated()) return false;
  return is_chosen(number);
}

}  // namespace planted
