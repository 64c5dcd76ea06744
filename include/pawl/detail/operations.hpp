// SPDX-License-Identifier: BSL-1.0
// The optional functions of a backend: taken from it where it has them, built of compare_exchange_weak where it hasn't. Built here
// once, so that no container and no atomic asks again what a backend can do.
#pragma once

#include <concepts>
#include <limits>
#include <type_traits>

#include "../backend/concept.hpp"

PAWL_HOST_DEVICE_BEGIN

namespace pawl::inline v0::detail {

/// Another order, named at the same place as `order`.
template <class B>
constexpr order_t<B> same_place(order_t<B> order, std::memory_order other) noexcept {
  if constexpr (std::is_same_v<order_t<B>, std::memory_order>) {
    return other;
  } else {
    return order.with(other);
  }
}

/// The order of a failed compare-and-swap: the success order without its release half.
template <class B>
constexpr order_t<B> failure_order(order_t<B> success) noexcept {
  const auto order = static_cast<std::memory_order>(success);
  if (order == std::memory_order_acq_rel) return same_place<B>(success, std::memory_order_acquire);
  if (order == std::memory_order_release) return same_place<B>(success, std::memory_order_relaxed);
  return success;
}

/// Replaces the word by f(word), where f only computes, and returns the old word. Lock-free: a failed attempt means that another one
/// succeeded (or that the hardware lost its reservation).
template <class B, class W, class F>
PAWL_INLINE_ORDER PAWL_HOST_DEVICE inline W replace(W& object, F f, order_t<B> order) noexcept {
  // relaxed: what a failed attempt read goes nowhere; the attempt that succeeds reads again, under `order`
  const order_t<B> relaxed = same_place<B>(order, std::memory_order_relaxed);
  W old = B::load(object, relaxed);
  while (!B::compare_exchange_weak(object, old, f(old), order, relaxed)) {
  }
  return old;
}

template <class B, class W>
PAWL_INLINE_ORDER PAWL_HOST_DEVICE inline bool compare_exchange_strong(W& object, W& expected, std::type_identity_t<W> desired,
                                                                       order_t<B> success, order_t<B> failure) noexcept {
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
PAWL_INLINE_ORDER PAWL_HOST_DEVICE inline W exchange(W& object, std::type_identity_t<W> desired, order_t<B> order) noexcept {
  if constexpr (requires { B::exchange(object, desired, order); }) {
    return B::exchange(object, desired, order);
  } else {
    return replace<B>(object, [desired](W) noexcept { return desired; }, order);
  }
}

/// Makes a word that is 0 or 1 a 1, and returns what it was.
template <class B, class W>
PAWL_INLINE_ORDER PAWL_HOST_DEVICE inline W test_and_set(W& object, order_t<B> order) noexcept {
  if constexpr (requires { B::test_and_set(object, order); }) {
    return B::test_and_set(object, order);
  } else {
    return exchange<B>(object, W{1}, order);
  }
}

template <class B, class W>
PAWL_INLINE_ORDER PAWL_HOST_DEVICE inline W fetch_add(W& object, std::type_identity_t<W> operand, order_t<B> order) noexcept {
  if constexpr (requires { B::fetch_add(object, operand, order); }) {
    return B::fetch_add(object, operand, order);
  } else {
    return replace<B>(object, [operand](W old) noexcept { return static_cast<W>(old + operand); }, order);
  }
}

template <class B, class W>
PAWL_INLINE_ORDER PAWL_HOST_DEVICE inline W fetch_sub(W& object, std::type_identity_t<W> operand, order_t<B> order) noexcept {
  if constexpr (requires { B::fetch_sub(object, operand, order); }) {
    return B::fetch_sub(object, operand, order);
  } else {
    return replace<B>(object, [operand](W old) noexcept { return static_cast<W>(old - operand); }, order);
  }
}

template <class B, class W>
PAWL_INLINE_ORDER PAWL_HOST_DEVICE inline W fetch_and(W& object, std::type_identity_t<W> operand, order_t<B> order) noexcept {
  if constexpr (requires { B::fetch_and(object, operand, order); }) {
    return B::fetch_and(object, operand, order);
  } else {
    return replace<B>(object, [operand](W old) noexcept { return static_cast<W>(old & operand); }, order);
  }
}

template <class B, class W>
PAWL_INLINE_ORDER PAWL_HOST_DEVICE inline W fetch_or(W& object, std::type_identity_t<W> operand, order_t<B> order) noexcept {
  if constexpr (requires { B::fetch_or(object, operand, order); }) {
    return B::fetch_or(object, operand, order);
  } else {
    return replace<B>(object, [operand](W old) noexcept { return static_cast<W>(old | operand); }, order);
  }
}

template <class B, class W>
PAWL_INLINE_ORDER PAWL_HOST_DEVICE inline W fetch_xor(W& object, std::type_identity_t<W> operand, order_t<B> order) noexcept {
  if constexpr (requires { B::fetch_xor(object, operand, order); }) {
    return B::fetch_xor(object, operand, order);
  } else {
    return replace<B>(object, [operand](W old) noexcept { return static_cast<W>(old ^ operand); }, order);
  }
}

// The smaller and the larger depend on the sign: V is the signed or unsigned integer that the word stands for. Both always write, also
// where nothing changes: the release half of the order would be lost otherwise.

template <class B, class V, class W>
PAWL_INLINE_ORDER PAWL_HOST_DEVICE inline V fetch_min(W& object, V operand, order_t<B> order) noexcept {
  static_assert(sizeof(V) == sizeof(W));
  if constexpr (requires(V& value) { B::fetch_min(value, operand, order); }) {
    return B::fetch_min(reinterpret_cast<V&>(object), operand, order);
  } else {
    const auto min = [operand](W old) noexcept {
      return static_cast<W>(operand < static_cast<V>(old) ? operand : static_cast<V>(old));
    };
    return static_cast<V>(replace<B>(object, min, order));
  }
}

template <class B, class V, class W>
PAWL_INLINE_ORDER PAWL_HOST_DEVICE inline V fetch_max(W& object, V operand, order_t<B> order) noexcept {
  static_assert(sizeof(V) == sizeof(W));
  if constexpr (requires(V& value) { B::fetch_max(value, operand, order); }) {
    return B::fetch_max(reinterpret_cast<V&>(object), operand, order);
  } else {
    const auto max = [operand](W old) noexcept {
      return static_cast<W>(operand > static_cast<V>(old) ? operand : static_cast<V>(old));
    };
    return static_cast<V>(replace<B>(object, max, order));
  }
}

// Three more, which LL/SC does in one loop and nobody has an instruction for on a CPU. (GPUs have the second: CUDA's atomicInc.)

/// A sum that stops at the smallest and the largest value of V.
template <std::integral V>
constexpr V saturating_sum(V a, V b) noexcept {
  V sum{};
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return std::is_signed_v<V> && b < V{0} ? std::numeric_limits<V>::min() : std::numeric_limits<V>::max();
}

template <class B, class V, class W>
PAWL_INLINE_ORDER PAWL_HOST_DEVICE inline V fetch_add_sat(W& object, V operand, order_t<B> order) noexcept {
  static_assert(sizeof(V) == sizeof(W));
  if constexpr (requires(V& value) { B::fetch_add_sat(value, operand, order); }) {
    return B::fetch_add_sat(reinterpret_cast<V&>(object), operand, order);
  } else {
    const auto sum = [operand](W old) noexcept { return static_cast<W>(saturating_sum(static_cast<V>(old), operand)); };
    return static_cast<V>(replace<B>(object, sum, order));
  }
}

template <class B, class W>
PAWL_INLINE_ORDER PAWL_HOST_DEVICE inline W fetch_inc_wrap(W& object, std::type_identity_t<W> limit, order_t<B> order) noexcept {
  if constexpr (requires { B::fetch_inc_wrap(object, limit, order); }) {
    return B::fetch_inc_wrap(object, limit, order);
  } else {
    return replace<B>(object, [limit](W old) noexcept { return old >= limit ? W{0} : static_cast<W>(old + 1); }, order);
  }
}

/// Where it stores nothing it is a load.
template <class B, class V, class W>
PAWL_INLINE_ORDER PAWL_HOST_DEVICE inline V fetch_inc_below(W& object, V limit, order_t<B> order) noexcept {
  static_assert(sizeof(V) == sizeof(W));
  if constexpr (requires(V& value) { B::fetch_inc_below(value, limit, order); }) {
    return B::fetch_inc_below(reinterpret_cast<V&>(object), limit, order);
  } else {
    const order_t<B> failure = failure_order<B>(order);
    W old = B::load(object, failure);
    while (static_cast<V>(old) < limit && !B::compare_exchange_weak(object, old, static_cast<W>(old + 1), order, failure)) {
    }
    return static_cast<V>(old);
  }
}

// Without a result (C++26, P3111): a backend that has a shorter instruction for it
// says so by store_add and its like.

template <class B, class W>
PAWL_INLINE_ORDER PAWL_HOST_DEVICE inline void store_add(W& object, std::type_identity_t<W> operand, order_t<B> order) noexcept {
  if constexpr (requires { B::store_add(object, operand, order); }) {
    B::store_add(object, operand, order);
  } else {
    static_cast<void>(fetch_add<B>(object, operand, order));
  }
}

template <class B, class W>
PAWL_INLINE_ORDER PAWL_HOST_DEVICE inline void store_sub(W& object, std::type_identity_t<W> operand, order_t<B> order) noexcept {
  if constexpr (requires { B::store_sub(object, operand, order); }) {
    B::store_sub(object, operand, order);
  } else {
    static_cast<void>(fetch_sub<B>(object, operand, order));
  }
}

template <class B, class W>
PAWL_INLINE_ORDER PAWL_HOST_DEVICE inline void store_and(W& object, std::type_identity_t<W> operand, order_t<B> order) noexcept {
  if constexpr (requires { B::store_and(object, operand, order); }) {
    B::store_and(object, operand, order);
  } else {
    static_cast<void>(fetch_and<B>(object, operand, order));
  }
}

template <class B, class W>
PAWL_INLINE_ORDER PAWL_HOST_DEVICE inline void store_or(W& object, std::type_identity_t<W> operand, order_t<B> order) noexcept {
  if constexpr (requires { B::store_or(object, operand, order); }) {
    B::store_or(object, operand, order);
  } else {
    static_cast<void>(fetch_or<B>(object, operand, order));
  }
}

template <class B, class W>
PAWL_INLINE_ORDER PAWL_HOST_DEVICE inline void store_xor(W& object, std::type_identity_t<W> operand, order_t<B> order) noexcept {
  if constexpr (requires { B::store_xor(object, operand, order); }) {
    B::store_xor(object, operand, order);
  } else {
    static_cast<void>(fetch_xor<B>(object, operand, order));
  }
}

template <class B, class V, class W>
PAWL_INLINE_ORDER PAWL_HOST_DEVICE inline void store_min(W& object, V operand, order_t<B> order) noexcept {
  if constexpr (requires(V& value) { B::store_min(value, operand, order); }) {
    B::store_min(reinterpret_cast<V&>(object), operand, order);
  } else {
    static_cast<void>(fetch_min<B>(object, operand, order));
  }
}

template <class B, class V, class W>
PAWL_INLINE_ORDER PAWL_HOST_DEVICE inline void store_max(W& object, V operand, order_t<B> order) noexcept {
  if constexpr (requires(V& value) { B::store_max(value, operand, order); }) {
    B::store_max(reinterpret_cast<V&>(object), operand, order);
  } else {
    static_cast<void>(fetch_max<B>(object, operand, order));
  }
}

}  // namespace pawl::inline v0::detail

PAWL_HOST_DEVICE_END
