// SPDX-License-Identifier: BSL-1.0
// The model backend's memory order: a std::memory_order and the place in the program where it was named.
#pragma once

#include <atomic>
#include <cstdint>

namespace pawl::inline v0::model::detail {

/// File and line of an access. (Without padding, so that it is copied as two words and not in parts.)
struct place {
  const char* file = "";
  int line = 0;
  std::uint32_t after = 0;  // 1 of what names no place: the one that its thread named last
};

/// Made of std::memory_order where it is named, or by the default argument of the operation, which names the caller's place.
class placed_order {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): stands for std::memory_order everywhere
  constexpr placed_order(std::memory_order order, const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept
      : file_(file), line_(line), order_(order) {}
  constexpr explicit operator std::memory_order() const noexcept { return order_; }
  /// Another order at the same place.
  [[nodiscard]] constexpr placed_order with(std::memory_order order) const noexcept { return {order, file_, line_}; }
  [[nodiscard]] constexpr detail::place where() const noexcept { return {file_, line_}; }

 private:
  // (Not a place and an order: these go in two registers.)
  const char* file_;
  int line_;
  std::memory_order order_;
};

}  // namespace pawl::inline v0::model::detail
