// SPDX-License-Identifier: BSL-1.0
// backend::riscv64: AMO instructions, and LR with SC for what has none (1 and 2 bytes, compare-and-swap, the bounded and the saturating
// ones). Orders are mapped as by the psABI's "RISC-V atomics mappings", loads, stores and fences, too: g++ 12 has stronger fences there. That
// is table A.6 of the RISC-V manual, volume I, but for the seq_cst store. RISC-V has no 16-byte compare-and-swap that every processor would
// have.
#pragma once

#include "builtin.hpp"

#if defined(__riscv) && __riscv_xlen == 64 && defined(__riscv_atomic)

#include <concepts>

#include "../detail/riscv64_narrow.hpp"
#include "../detail/riscv64_words.hpp"

namespace pawl::inline v0::backend {

// Under a sanitizer, and where a kernel is compiled, all is the built-ins'.
#if PAWL_TSAN || PAWL_ASAN || defined(__CUDA_ARCH__)

struct riscv64 : builtin {
  static constexpr const char* name = "riscv64";
};

#else

struct riscv64 : builtin {
  static constexpr const char* name = "riscv64";

  template <class W>
  PAWL_ALWAYS_INLINE static W load(const W& object, std::memory_order order) noexcept {
    if (order == std::memory_order_seq_cst) asm volatile("fence rw,rw" ::: "memory");
    const W value = builtin::load(object, std::memory_order_relaxed);
    if (detail::acquires(order)) asm volatile("fence r,rw" ::: "memory");
    return value;
  }
  template <class W>
  PAWL_ALWAYS_INLINE static void store(W& object, std::type_identity_t<W> desired, std::memory_order order) noexcept {
    // A seq_cst store must not be overtaken by a seq_cst load behind it. Those of table A.6 begin with a fence, and see to that, but those of
    // table A.7 don't, and the psABI allows both in one program. It takes this one instruction where there is one, else a fence behind.
    if constexpr (sizeof(W) >= 4) {
      if (order == std::memory_order_seq_cst) {
        detail::riscv64_words::store_exchange(object, desired);
        return;
      }
    }
    if (detail::releases(order)) asm volatile("fence rw,w" ::: "memory");
    // (Of a relaxed built-in g++ 12 makes an amoswap.)
    if constexpr (sizeof(W) == 8) {
      asm volatile("sd %z1, %0" : "=m"(object) : "rJ"(desired) : "memory");
    } else if constexpr (sizeof(W) == 4) {
      asm volatile("sw %z1, %0" : "=m"(object) : "rJ"(desired) : "memory");
    } else if constexpr (sizeof(W) == 2) {
      asm volatile("sh %z1, %0" : "=m"(object) : "rJ"(desired) : "memory");
    } else {
      asm volatile("sb %z1, %0" : "=m"(object) : "rJ"(desired) : "memory");
    }
    if (order == std::memory_order_seq_cst) asm volatile("fence rw,rw" ::: "memory");
  }
  static void thread_fence(std::memory_order order) noexcept {
    if (order == std::memory_order_seq_cst) {
      asm volatile("fence rw,rw" ::: "memory");
    } else if (order == std::memory_order_acq_rel) {
      asm volatile("fence.tso" ::: "memory");
    } else if (order == std::memory_order_release) {
      asm volatile("fence rw,w" ::: "memory");
    } else if (order != std::memory_order_relaxed) {
      asm volatile("fence r,rw" ::: "memory");
    }
  }
  template <class W>
  PAWL_ALWAYS_INLINE static bool compare_exchange_weak(W& object, W& expected, std::type_identity_t<W> desired,
                                                       std::memory_order success, std::memory_order failure) noexcept {
    return with<W>::compare_exchange_weak(object, expected, desired, detail::halves_of(success, failure));
  }
  template <class W>
  PAWL_ALWAYS_INLINE static bool compare_exchange_strong(W& object, W& expected, std::type_identity_t<W> desired,
                                                         std::memory_order success, std::memory_order failure) noexcept {
    return with<W>::compare_exchange_strong(object, expected, desired, detail::halves_of(success, failure));
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W exchange(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return with<W>::exchange(object, operand, detail::halves_of(order));
  }
  /// An amoor, where an exchange of one byte is a loop.
  template <class W>
  PAWL_ALWAYS_INLINE static W test_and_set(W& object, std::memory_order order) noexcept {
    return with<W>::fetch_or(object, W{1}, detail::halves_of(order));
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_add(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return with<W>::fetch_add(object, operand, detail::halves_of(order));
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_sub(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return with<W>::fetch_add(object, static_cast<W>(W{0} - operand), detail::halves_of(order));
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_and(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return with<W>::fetch_and(object, operand, detail::halves_of(order));
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_or(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return with<W>::fetch_or(object, operand, detail::halves_of(order));
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_xor(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return with<W>::fetch_xor(object, operand, detail::halves_of(order));
  }
  template <std::integral W>
  PAWL_ALWAYS_INLINE static W fetch_min(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return with<W>::fetch_min(object, operand, detail::halves_of(order));
  }
  template <std::integral W>
  PAWL_ALWAYS_INLINE static W fetch_max(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return with<W>::fetch_max(object, operand, detail::halves_of(order));
  }
  template <std::integral W>
  PAWL_ALWAYS_INLINE static W fetch_add_sat(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return with<W>::fetch_add_sat(object, operand, detail::halves_of(order));
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_inc_wrap(W& object, std::type_identity_t<W> limit, std::memory_order order) noexcept {
    return with<W>::fetch_inc_wrap(object, limit, detail::halves_of(order));
  }
  template <std::integral W>
  PAWL_ALWAYS_INLINE static W fetch_inc_below(W& object, std::type_identity_t<W> limit, std::memory_order order) noexcept {
    return with<W>::fetch_inc_below(object, limit, detail::halves_of(order));
  }

  // An AMO whose result goes to `zero`. Of 1 and 2 bytes only and, or and xor have one: the others are fetch_add and its like.
  template <class W>
    requires(sizeof(W) >= 4)
  PAWL_ALWAYS_INLINE static void store_add(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    with<W>::store_add(object, operand, detail::halves_of(order));
  }
  template <class W>
  PAWL_ALWAYS_INLINE static void store_and(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    with<W>::store_and(object, operand, detail::halves_of(order));
  }
  template <class W>
  PAWL_ALWAYS_INLINE static void store_or(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    with<W>::store_or(object, operand, detail::halves_of(order));
  }
  template <class W>
  PAWL_ALWAYS_INLINE static void store_xor(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    with<W>::store_xor(object, operand, detail::halves_of(order));
  }
  template <std::integral W>
    requires(sizeof(W) >= 4)
  PAWL_ALWAYS_INLINE static void store_min(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    with<W>::store_min(object, operand, detail::halves_of(order));
  }
  template <std::integral W>
    requires(sizeof(W) >= 4)
  PAWL_ALWAYS_INLINE static void store_max(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    with<W>::store_max(object, operand, detail::halves_of(order));
  }
  template <class W>
    requires(sizeof(W) >= 4)
  PAWL_ALWAYS_INLINE static void store_sub(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    with<W>::store_add(object, static_cast<W>(W{0} - operand), detail::halves_of(order));
  }

 private:
  template <class W>
  using with = std::conditional_t<(sizeof(W) < 4), detail::riscv64_narrow, detail::riscv64_words>;
};

#endif

static_assert(is_backend<riscv64>);

}  // namespace pawl::inline v0::backend

#endif
