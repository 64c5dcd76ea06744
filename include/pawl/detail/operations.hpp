// SPDX-License-Identifier: BSL-1.0
// The optional functions of a backend: taken from it where it has them, built of compare_exchange_weak where it hasn't. Built here
// once, so that no container and no atomic asks again what a backend can do.
#pragma once

#include <type_traits>

#include "../backend/concept.hpp"

namespace pawl::inline v0::detail {

/// Replaces the word by f(word) and returns the old word. Lock-free: a failed attempt means that another one succeeded (or that the
/// hardware lost its reservation).
template <class B, class W, class F>
W fetch_update(W& object, F f, order_t<B> order, order_t<B> failure) noexcept {
  // `failure` orders this read as well: its value may be the one that the caller gets.
  W old = B::load(object, failure);
  while (!B::compare_exchange_weak(object, old, f(old), order, failure)) {
  }
  return old;
}

template <class B, class W>
bool compare_exchange_strong(W& object, W& expected, std::type_identity_t<W> desired, order_t<B> success, order_t<B> failure) noexcept {
  if constexpr (requires { B::compare_exchange_strong(object, expected, desired, success, failure); }) {
    return B::compare_exchange_strong(object, expected, desired, success, failure);
  } else {
    // A weak failure that found the expected value was spurious: again.
    const W wanted = expected;
    do {
      expected = wanted;
      if (B::compare_exchange_weak(object, expected, desired, success, failure)) return true;
    } while (expected == wanted);
    return false;
  }
}

template <class B, class W>
W exchange(W& object, std::type_identity_t<W> desired, order_t<B> order, order_t<B> failure) noexcept {
  if constexpr (requires { B::exchange(object, desired, order); }) {
    return B::exchange(object, desired, order);
  } else {
    return fetch_update<B>(object, [desired](W) noexcept { return desired; }, order, failure);
  }
}

template <class B, class W>
W fetch_add(W& object, std::type_identity_t<W> operand, order_t<B> order, order_t<B> failure) noexcept {
  if constexpr (requires { B::fetch_add(object, operand, order); }) {
    return B::fetch_add(object, operand, order);
  } else {
    return fetch_update<B>(object, [operand](W old) noexcept { return static_cast<W>(old + operand); }, order, failure);
  }
}

}  // namespace pawl::inline v0::detail
