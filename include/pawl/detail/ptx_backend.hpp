// SPDX-License-Identifier: BSL-1.0
// The backend's operations as kernels execute them: which instructions an order is made of, and words of one and two bytes.
//
// The mapping is the one that was proved for PTX (D. Lustig, S. Sahasrabuddhe, O. Giroux, "A Formal Analysis of the NVIDIA PTX Memory
// Consistency Model", ASPLOS 2019), and nvcc's own: only a fence can be sequentially consistent, so a seq_cst operation has one in front of
// it and is itself acquire (what it reads) or relaxed (what it only writes: the fence has released already).
#pragma once

#include "ptx.hpp"

#if defined(__CUDA_ARCH__)

#include <atomic>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace pawl::inline v0::detail::ptx {

// Each calls f with the order that the instruction has; all are resolved at compile time where the order is a constant.

template <class Scope, class F>
PAWL_HOST_DEVICE auto with_load_order(std::memory_order order, F f) noexcept {
  if (order == std::memory_order_relaxed) return f(relaxed{});
  if (order == std::memory_order_seq_cst) fence<sc, Scope>();
  return f(acquire{});
}

// Operations without a result, too: a `red` may be relaxed or release.
template <class Scope, class F>
PAWL_HOST_DEVICE void with_store_order(std::memory_order order, F f) noexcept {
  if (order == std::memory_order_release || order == std::memory_order_acq_rel) return f(release{});
  if (order == std::memory_order_seq_cst) fence<sc, Scope>();
  return f(relaxed{});
}

template <class Scope, class F>
PAWL_HOST_DEVICE auto with_order(std::memory_order order, F f) noexcept {
  if (order == std::memory_order_relaxed) return f(relaxed{});
  if (order == std::memory_order_release) return f(release{});
  if (order == std::memory_order_acq_rel) return f(acq_rel{});
  if (order == std::memory_order_seq_cst) fence<sc, Scope>();
  return f(acquire{});
}

// An instruction has one order, for success and for failure.
PAWL_HOST_DEVICE constexpr std::memory_order both_orders(std::memory_order success, std::memory_order failure) noexcept {
  if (failure == std::memory_order_seq_cst) return failure;
  if (failure == std::memory_order_relaxed) return success;
  if (success == std::memory_order_relaxed) return failure;
  return success == std::memory_order_release ? std::memory_order_acq_rel : success;
}

// One or two bytes, and the aligned word of four bytes around them, on which their read-modify-writes are made: its other bytes are
// written as they were found, in the same atomic operation.
template <class W>
class part {
 public:
  PAWL_HOST_DEVICE explicit part(W& object) noexcept
      : word_(reinterpret_cast<std::uint32_t*>(reinterpret_cast<std::uintptr_t>(&object) & ~std::uintptr_t{3})),
        shift_(static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(&object) & 3) * 8) {}

  PAWL_HOST_DEVICE std::uint32_t& word() const noexcept { return *word_; }
  PAWL_HOST_DEVICE W of(std::uint32_t word) const noexcept { return static_cast<W>(word >> shift_); }
  PAWL_HOST_DEVICE std::uint32_t alone(W value) const noexcept { return std::uint32_t{value} << shift_; }
  PAWL_HOST_DEVICE std::uint32_t others() const noexcept { return ~alone(static_cast<W>(~W{0})); }
  PAWL_HOST_DEVICE std::uint32_t with(std::uint32_t word, W value) const noexcept { return (word & others()) | alone(value); }

 private:
  std::uint32_t* word_;
  unsigned shift_;
};

template <class Order, class Scope, class W, class F>
PAWL_HOST_DEVICE W replace_part(W& object, F f) noexcept {
  const part<W> target(object);
  // relaxed: what a failed attempt found goes nowhere; the one that succeeds reads by Order
  std::uint32_t word = ld<relaxed, Scope>(target.word());
  for (;;) {
    const W old = target.of(word);
    const std::uint32_t found = cas<Order, Scope>(target.word(), word, target.with(word, f(old)));
    if (found == word) return old;
    word = found;
  }
}

template <class V>
inline constexpr bool is_part = sizeof(V) < 4;

/// What backend::cuda is in device code; Scope is PTX's.
template <class Scope>
struct backend {
#if __CUDA_ARCH__ >= 900
  static constexpr bool has_double_width = true;
#else
  static constexpr bool has_double_width = false;
#endif

  template <class W>
  PAWL_HOST_DEVICE static W load(const W& object, std::memory_order order) noexcept {
    return with_load_order<Scope>(order, [&]<class Order>(Order) { return ld<Order, Scope>(object); });
  }
  template <class W>
  PAWL_HOST_DEVICE static void store(W& object, std::type_identity_t<W> desired, std::memory_order order) noexcept {
    with_store_order<Scope>(order, [&]<class Order>(Order) { st<Order, Scope>(object, desired); });
  }

  /// Spurious failures: of one byte, where a neighbour in its word changes meanwhile.
  template <class W>
  PAWL_HOST_DEVICE static bool compare_exchange_weak(W& object, W& expected, std::type_identity_t<W> desired,
                                                     std::memory_order success, std::memory_order failure) noexcept {
    if constexpr (sizeof(W) == 1) {
      return with_order<Scope>(both_orders(success, failure), [&]<class Order>(Order) {
        const part<W> target(object);
        // relaxed: for the neighbours' sake; what the caller gets to know comes of the compare-and-swap
        const std::uint32_t word = target.with(ld<relaxed, Scope>(target.word()), expected);
        const std::uint32_t found = cas<Order, Scope>(target.word(), word, target.with(word, desired));
        expected = target.of(found);
        return found == word;
      });
    } else {
      return with_order<Scope>(both_orders(success, failure), [&]<class Order>(Order) {
        const W wanted = expected;
        expected = cas<Order, Scope>(object, wanted, static_cast<W>(desired));
        return expected == wanted;
      });
    }
  }
  template <class W>
    requires(sizeof(W) != 1)
  PAWL_HOST_DEVICE static bool compare_exchange_strong(W& object, W& expected, std::type_identity_t<W> desired,
                                                       std::memory_order success, std::memory_order failure) noexcept {
    return compare_exchange_weak(object, expected, desired, success, failure);
  }

  template <class W>
  PAWL_HOST_DEVICE static W exchange(W& object, std::type_identity_t<W> desired, std::memory_order order) noexcept {
    return with_order<Scope>(order, [&]<class Order>(Order) {
      if constexpr (is_part<W>) {
        return replace_part<Order, Scope>(object, [&](W) { return desired; });
      } else {
        return exch<Order, Scope>(object, desired);
      }
    });
  }

  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_HOST_DEVICE static W fetch_add(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return with_order<Scope>(order, [&]<class Order>(Order) {
      if constexpr (is_part<W>) {
        return replace_part<Order, Scope>(object, [&](W old) { return static_cast<W>(old + operand); });
      } else {
        return atom<add, Order, Scope, number<W>>(object, operand);
      }
    });
  }
  // PTX subtracts by adding.
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_HOST_DEVICE static W fetch_sub(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return fetch_add(object, static_cast<W>(W{0} - operand), order);
  }

  // One instruction for one and two bytes, too: on the word around, by an operand that leaves the neighbours what they are.
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_HOST_DEVICE static W fetch_and(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    if constexpr (is_part<W>) {
      const part<W> target(object);
      return target.of(fetch_and(target.word(), target.alone(operand) | target.others(), order));
    } else {
      return fetch_bits<bit_and>(object, operand, order);
    }
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_HOST_DEVICE static W fetch_or(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    if constexpr (is_part<W>) {
      const part<W> target(object);
      return target.of(fetch_or(target.word(), target.alone(operand), order));
    } else {
      return fetch_bits<bit_or>(object, operand, order);
    }
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_HOST_DEVICE static W fetch_xor(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    if constexpr (is_part<W>) {
      const part<W> target(object);
      return target.of(fetch_xor(target.word(), target.alone(operand), order));
    } else {
      return fetch_bits<bit_xor>(object, operand, order);
    }
  }

  template <std::integral V>
  PAWL_HOST_DEVICE static V fetch_min(V& object, std::type_identity_t<V> operand, std::memory_order order) noexcept {
    return fetch_extreme<min>(object, operand, order);
  }
  template <std::integral V>
  PAWL_HOST_DEVICE static V fetch_max(V& object, std::type_identity_t<V> operand, std::memory_order order) noexcept {
    return fetch_extreme<max>(object, operand, order);
  }

  // Without a result: `red`, where there is one.
  template <class W>
    requires(sizeof(W) == 4 || sizeof(W) == 8)
  PAWL_HOST_DEVICE static void store_add(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    reduce<add, number<W>>(object, operand, order);
  }
  template <class W>
    requires(sizeof(W) == 4 || sizeof(W) == 8)
  PAWL_HOST_DEVICE static void store_sub(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    store_add(object, static_cast<W>(W{0} - operand), order);
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_HOST_DEVICE static void store_and(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    if constexpr (is_part<W>) {
      const part<W> target(object);
      store_and(target.word(), target.alone(operand) | target.others(), order);
    } else {
      reduce<bit_and, bits<sizeof(W)>>(object, operand, order);
    }
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_HOST_DEVICE static void store_or(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    if constexpr (is_part<W>) {
      const part<W> target(object);
      store_or(target.word(), target.alone(operand), order);
    } else {
      reduce<bit_or, bits<sizeof(W)>>(object, operand, order);
    }
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_HOST_DEVICE static void store_xor(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    if constexpr (is_part<W>) {
      const part<W> target(object);
      store_xor(target.word(), target.alone(operand), order);
    } else {
      reduce<bit_xor, bits<sizeof(W)>>(object, operand, order);
    }
  }
  template <std::integral V>
    requires(sizeof(V) == 4 || sizeof(V) == 8)
  PAWL_HOST_DEVICE static void store_min(V& object, std::type_identity_t<V> operand, std::memory_order order) noexcept {
    reduce<min, number<V>>(object, operand, order);
  }
  template <std::integral V>
    requires(sizeof(V) == 4 || sizeof(V) == 8)
  PAWL_HOST_DEVICE static void store_max(V& object, std::type_identity_t<V> operand, std::memory_order order) noexcept {
    reduce<max, number<V>>(object, operand, order);
  }

  // Floating point: a float in global memory loses subnormal numbers by it (PTX ISA, `atom`), which become zeros of their sign.
  template <std::floating_point V>
    requires(sizeof(V) <= 8)
  PAWL_HOST_DEVICE static V fetch_add_floating(V& object, std::type_identity_t<V> operand, std::memory_order order) noexcept {
    return with_order<Scope>(order, [&]<class Order>(Order) { return atom<add, Order, Scope, number<V>>(object, operand); });
  }
  template <std::floating_point V>
    requires(sizeof(V) <= 8)
  PAWL_HOST_DEVICE static void store_add_floating(V& object, std::type_identity_t<V> operand, std::memory_order order) noexcept {
    reduce<add, number<V>>(object, operand, order);
  }

  PAWL_HOST_DEVICE static void thread_fence(std::memory_order order) noexcept {
    if (order == std::memory_order_relaxed) return;
    // PTX has no weaker fence than acq_rel.
    if (order == std::memory_order_seq_cst) return fence<sc, Scope>();
    fence<acq_rel, Scope>();
  }

  /// Some 30 ns, up to twice as long, in which the thread's warp issues nothing.
  PAWL_HOST_DEVICE static void pause() noexcept { asm volatile("nanosleep.u32 32;" ::: "memory"); }

 private:
  template <class Op, class W>
  PAWL_HOST_DEVICE static W fetch_bits(W& object, W operand, std::memory_order order) noexcept {
    return with_order<Scope>(order, [&]<class Order>(Order) { return atom<Op, Order, Scope, bits<sizeof(W)>>(object, operand); });
  }

  template <class Op, class V>
  PAWL_HOST_DEVICE static V fetch_extreme(V& object, V operand, std::memory_order order) noexcept {
    return with_order<Scope>(order, [&]<class Order>(Order) {
      if constexpr (is_part<V>) {
        using word = std::make_unsigned_t<V>;
        return static_cast<V>(replace_part<Order, Scope>(reinterpret_cast<word&>(object), [&](word old) {
          const V value = static_cast<V>(old);
          const bool replaces = std::is_same_v<Op, min> ? operand < value : operand > value;
          return replaces ? static_cast<word>(operand) : old;
        }));
      } else {
        return atom<Op, Order, Scope, number<V>>(object, operand);
      }
    });
  }

  template <class Op, class Type, class V>
  PAWL_HOST_DEVICE static void reduce(V& object, V operand, std::memory_order order) noexcept {
    with_store_order<Scope>(order, [&]<class Order>(Order) { red<Op, Order, Scope, Type>(object, operand); });
  }
};

}  // namespace pawl::inline v0::detail::ptx

#endif
