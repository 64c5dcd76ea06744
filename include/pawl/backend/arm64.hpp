// SPDX-License-Identifier: BSL-1.0
// backend::arm64_llsc: load-exclusive and store-exclusive, which every arm64 processor has. backend::arm64_lse: the instructions of
// FEAT_LSE, which armv8.1-a has; it exists only where the compiler may use them (__ARM_FEATURE_ATOMICS). backend::arm64 is the better of
// the two. Both on one object, and together with std::atomic, are right: the mapping of orders is the same (ldar, stlr, and acquiring
// and releasing forms; see detail/arm64_llsc.hpp).
//
// Plain loads, stores and fences are the compiler's: it does them well. 16 bytes: ldxp and stxp, or casp; a load of 16 bytes writes back
// what it read, so it needs writable memory.
#pragma once

#include "builtin.hpp"

#if defined(__aarch64__)

#include <concepts>

#include "../detail/arm64_cas.hpp"
#include "../detail/arm64_llsc.hpp"
#include "../detail/arm64_lse.hpp"

namespace pawl::inline v0::backend {

// Under a sanitizer, and where a kernel is compiled, all is the built-ins'.
#if PAWL_TSAN || PAWL_ASAN || defined(__CUDA_ARCH__)

struct arm64_llsc : builtin {
  static constexpr const char* name = "arm64_llsc";
};
#if defined(__ARM_FEATURE_ATOMICS)
struct arm64_lse : builtin {
  static constexpr const char* name = "arm64_lse";
};
#endif

#else

struct arm64_llsc : builtin {
  static constexpr const char* name = "arm64_llsc";

  template <class W>
  PAWL_ALWAYS_INLINE static W load(const W& object, std::memory_order order) noexcept {
    if constexpr (sizeof(W) == 16) {
      return detail::arm64_pair::load(object, detail::halves_of_load(order));
    } else {
// FEAT_LRCPC, of armv8.3-a. g++ 12 and clang 14 have no macro for it, so we take FEAT_JSCVT, which is of armv8.3-a, too, as the sign.
#if defined(__ARM_FEATURE_RCPC) || defined(__ARM_FEATURE_JCVT)
      // An acquire load may be done before an stlr that stands before it; a seq_cst one may not, and stays ldar.
      if (order == std::memory_order_acquire) return load_rcpc(object);
#endif
      return builtin::load(object, order);
    }
  }
  template <class W>
  PAWL_ALWAYS_INLINE static void store(W& object, std::type_identity_t<W> desired, std::memory_order order) noexcept {
    if constexpr (sizeof(W) == 16) {
      detail::arm64_pair::exchange(object, desired, detail::halves_of_store(order));
    } else {
      builtin::store(object, desired, order);
    }
  }
  template <class W>
  PAWL_ALWAYS_INLINE static bool compare_exchange_weak(W& object, W& expected, std::type_identity_t<W> desired,
                                                       std::memory_order success, std::memory_order failure) noexcept {
    if constexpr (sizeof(W) == 16) {
      return detail::arm64_pair::compare_exchange(object, expected, desired, detail::halves_of(success, failure));
    } else {
      return detail::arm64_exclusive::compare_exchange_weak(object, expected, desired, detail::halves_of(success, failure));
    }
  }
  template <class W>
  PAWL_ALWAYS_INLINE static bool compare_exchange_strong(W& object, W& expected, std::type_identity_t<W> desired,
                                                         std::memory_order success, std::memory_order failure) noexcept {
    if constexpr (sizeof(W) == 16) {
      return detail::arm64_pair::compare_exchange(object, expected, desired, detail::halves_of(success, failure));
    } else {
      return detail::arm64_exclusive::compare_exchange_strong(object, expected, desired, detail::halves_of(success, failure));
    }
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W exchange(W& object, std::type_identity_t<W> desired, std::memory_order order) noexcept {
    if constexpr (sizeof(W) == 16) {
      return detail::arm64_pair::exchange(object, desired, detail::halves_of(order));
    } else {
      return detail::arm64_loops::exchange(object, desired, detail::halves_of(order));
    }
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static W fetch_add(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return detail::arm64_loops::fetch_add(object, operand, detail::halves_of(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static W fetch_sub(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return detail::arm64_loops::fetch_sub(object, operand, detail::halves_of(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static W fetch_and(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return detail::arm64_loops::fetch_and(object, operand, detail::halves_of(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static W fetch_or(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return detail::arm64_loops::fetch_or(object, operand, detail::halves_of(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static W fetch_xor(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return detail::arm64_loops::fetch_xor(object, operand, detail::halves_of(order));
  }
  template <std::integral W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static W fetch_min(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return detail::arm64_loops::fetch_min(object, operand, detail::halves_of(order));
  }
  template <std::integral W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static W fetch_max(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return detail::arm64_loops::fetch_max(object, operand, detail::halves_of(order));
  }
  template <std::integral W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static W fetch_add_sat(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return detail::arm64_loops::fetch_add_sat(object, operand, detail::halves_of(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static W fetch_inc_wrap(W& object, std::type_identity_t<W> limit, std::memory_order order) noexcept {
    return detail::arm64_loops::fetch_inc_wrap(object, limit, detail::halves_of(order));
  }
  template <std::integral W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static W fetch_inc_below(W& object, std::type_identity_t<W> limit, std::memory_order order) noexcept {
    return detail::arm64_loops::fetch_inc_below(object, limit, detail::halves_of(order));
  }

  // The same loops, but their read acquires nothing.
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static void store_add(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    detail::arm64_loops::fetch_add(object, operand, detail::halves_of_store(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static void store_sub(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    detail::arm64_loops::fetch_sub(object, operand, detail::halves_of_store(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static void store_and(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    detail::arm64_loops::fetch_and(object, operand, detail::halves_of_store(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static void store_or(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    detail::arm64_loops::fetch_or(object, operand, detail::halves_of_store(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static void store_xor(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    detail::arm64_loops::fetch_xor(object, operand, detail::halves_of_store(order));
  }
  template <std::integral W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static void store_min(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    detail::arm64_loops::fetch_min(object, operand, detail::halves_of_store(order));
  }
  template <std::integral W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static void store_max(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    detail::arm64_loops::fetch_max(object, operand, detail::halves_of_store(order));
  }

 private:
#if defined(__ARM_FEATURE_RCPC) || defined(__ARM_FEATURE_JCVT)
  template <class W>
  PAWL_ALWAYS_INLINE static W load_rcpc(const W& object) noexcept {
    W value;
    if constexpr (sizeof(W) == 8) {
      asm volatile("ldapr %x0, %1" : "=r"(value) : "Q"(object) : "memory");
    } else if constexpr (sizeof(W) == 4) {
      asm volatile("ldapr %w0, %1" : "=r"(value) : "Q"(object) : "memory");
    } else if constexpr (sizeof(W) == 2) {
      asm volatile("ldaprh %w0, %1" : "=r"(value) : "Q"(object) : "memory");
    } else {
      asm volatile("ldaprb %w0, %1" : "=r"(value) : "Q"(object) : "memory");
    }
    return value;
  }
#endif
};

#if defined(__ARM_FEATURE_ATOMICS)

// What has no instruction stays a loop: the bounded and the saturating ones, and an exchange of 16 bytes.
struct arm64_lse : arm64_llsc {
  static constexpr const char* name = "arm64_lse";

  template <class W>
  PAWL_ALWAYS_INLINE static W load(const W& object, std::memory_order order) noexcept {
    if constexpr (sizeof(W) == 16) {
      return detail::load16(object, detail::halves_of_load(order));  // casp of zero with zero
    } else {
      return arm64_llsc::load(object, order);
    }
  }
  /// One instruction, so it doesn't fail spuriously.
  template <class W>
  PAWL_ALWAYS_INLINE static bool compare_exchange_weak(W& object, W& expected, std::type_identity_t<W> desired,
                                                       std::memory_order success, std::memory_order failure) noexcept {
    return compare_exchange_strong(object, expected, desired, success, failure);
  }
  template <class W>
  PAWL_ALWAYS_INLINE static bool compare_exchange_strong(W& object, W& expected, std::type_identity_t<W> desired,
                                                         std::memory_order success, std::memory_order failure) noexcept {
    [[maybe_unused]] const detail::halves order = detail::halves_of(success, failure);
    if constexpr (sizeof(W) == 16) {
      return detail::arm64_instructions::compare_exchange_pair(object, expected, desired, order);
    } else {
#if defined(__clang__)
      // Its own comparison is an instruction shorter. It takes the form that both orders together ask for.
      return builtin::compare_exchange_strong(object, expected, desired, success, failure);
#else
      return detail::arm64_instructions::compare_exchange(object, expected, desired, order);
#endif
    }
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W exchange(W& object, std::type_identity_t<W> desired, std::memory_order order) noexcept {
    if constexpr (sizeof(W) == 16) {
      return detail::arm64_pair::exchange(object, desired, detail::halves_of(order));
    } else {
      return detail::arm64_instructions::exchange(object, desired, detail::halves_of(order));
    }
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static W fetch_add(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return detail::arm64_instructions::fetch_add(object, operand, detail::halves_of(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static W fetch_sub(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return detail::arm64_instructions::fetch_add(object, static_cast<W>(W{0} - operand), detail::halves_of(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static W fetch_and(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return detail::arm64_instructions::fetch_clear(object, static_cast<W>(~operand), detail::halves_of(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static W fetch_or(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return detail::arm64_instructions::fetch_or(object, operand, detail::halves_of(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static W fetch_xor(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return detail::arm64_instructions::fetch_xor(object, operand, detail::halves_of(order));
  }
  template <std::integral W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static W fetch_min(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return detail::arm64_instructions::fetch_min(object, operand, detail::halves_of(order));
  }
  template <std::integral W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static W fetch_max(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return detail::arm64_instructions::fetch_max(object, operand, detail::halves_of(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static void store_add(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    detail::arm64_instructions::store_add(object, operand, detail::halves_of_store(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static void store_sub(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    detail::arm64_instructions::store_add(object, static_cast<W>(W{0} - operand), detail::halves_of_store(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static void store_and(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    detail::arm64_instructions::store_clear(object, static_cast<W>(~operand), detail::halves_of_store(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static void store_or(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    detail::arm64_instructions::store_or(object, operand, detail::halves_of_store(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static void store_xor(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    detail::arm64_instructions::store_xor(object, operand, detail::halves_of_store(order));
  }
  template <std::integral W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static void store_min(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    detail::arm64_instructions::store_min(object, operand, detail::halves_of_store(order));
  }
  template <std::integral W>
    requires(sizeof(W) <= 8)
  PAWL_ALWAYS_INLINE static void store_max(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    detail::arm64_instructions::store_max(object, operand, detail::halves_of_store(order));
  }
};

#endif
#endif

static_assert(is_backend<arm64_llsc>);
#if defined(__ARM_FEATURE_ATOMICS)
static_assert(is_backend<arm64_lse>);
using arm64 = arm64_lse;
#else
using arm64 = arm64_llsc;
#endif

}  // namespace pawl::inline v0::backend

#endif
