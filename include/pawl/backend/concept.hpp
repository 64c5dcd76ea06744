// SPDX-License-Identifier: BSL-1.0
// What a backend is: how one atomic operation is executed. A backend is a stateless type; its functions work on plain unsigned
// words, which `atomic<T, B>` makes of a T. Mandatory are the functions below; a backend that can do more (fetch_add, exchange, ...)
// declares it under the same signature, and what it leaves out is built of compare_exchange_weak. (fetch_add_floating and
// store_add_floating, where there are both, take a float or a double itself.)
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>

#include "../detail/config.hpp"

namespace pawl::inline v0 {

namespace detail {

template <class B>
struct order_of {
  using type = std::memory_order;
};
template <class B>
  requires requires { typename B::memory_order; }
struct order_of<B> {
  using type = typename B::memory_order;
};

}  // namespace detail

/// The type of B's order parameters: `std::memory_order`, unless B has a `memory_order` of its own, made implicitly from the
/// standard one, which may carry the place of the access (the model's does).
template <class B>
using order_t = typename detail::order_of<B>::type;

namespace detail {

template <class B>
consteval bool double_width() {
  if constexpr (requires {
                  { B::has_double_width } -> std::convertible_to<bool>;
                }) {
    return B::has_double_width;
  } else {
    return false;
  }
}

template <class B, class W>
concept executes_on = requires(W& object, const W& source, W& expected, W desired, order_t<B> order) {
  { B::load(source, order) } noexcept -> std::same_as<W>;
  { B::store(object, desired, order) } noexcept -> std::same_as<void>;
  { B::compare_exchange_weak(object, expected, desired, order, order) } noexcept -> std::same_as<bool>;
};

}  // namespace detail

/// A type that executes atomic operations. `compare_exchange_weak(object, expected, desired, success, failure)` is one attempt: it
/// may fail spuriously, and writes what it read to `expected` when it fails.
template <class B>
concept is_backend = detail::executes_on<B, std::uint8_t> && detail::executes_on<B, std::uint16_t> &&
                     detail::executes_on<B, std::uint32_t> && detail::executes_on<B, std::uint64_t> &&
                     (!detail::double_width<B>() || detail::executes_on<B, uint128>) && requires(order_t<B> order) {
                       { B::name } -> std::convertible_to<const char*>;
                       { B::thread_fence(order) } noexcept;
                       { B::pause() } noexcept;
                       requires std::convertible_to<std::memory_order, order_t<B>>;
                     };

}  // namespace pawl::inline v0
