// SPDX-License-Identifier: BSL-1.0
// backend::builtin: the compiler's __atomic built-ins, on any target that g++ or clang has.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "../detail/double_width.hpp"
#include "concept.hpp"

namespace pawl::inline v0 {

namespace detail {

#if PAWL_TSAN
// TSan ignores fences. A read-modify-write of one word by every fence orders the same accesses in a way that it sees: of two
// fences, the later one in the word's modification order synchronizes with the earlier.
[[gnu::visibility("hidden")]] inline constinit std::uint32_t tsan_fence_word = 0;
#endif

inline void builtin_fence(std::memory_order order) noexcept {
#if PAWL_TSAN
  __atomic_fetch_add(&tsan_fence_word, 0U, __ATOMIC_SEQ_CST);
  __tsan_atomic_thread_fence(static_cast<int>(order));
#else
  __atomic_thread_fence(static_cast<int>(order));
#endif
}

}  // namespace detail

namespace backend {

struct builtin {
  static constexpr const char* name = "builtin";
  static constexpr bool has_double_width = detail::has_cmpxchg16b;

  template <class W>
  static W load(const W& object, std::memory_order order) noexcept {
    if constexpr (sizeof(W) == 16) {
      return detail::load16b(object);
    } else {
      return __atomic_load_n(&object, static_cast<int>(order));
    }
  }

  template <class W>
  static void store(W& object, std::type_identity_t<W> desired, std::memory_order order) noexcept {
    if constexpr (sizeof(W) == 16) {
      detail::store16b(object, desired);
    } else {
      __atomic_store_n(&object, desired, static_cast<int>(order));
    }
  }

  template <class W>
  static bool compare_exchange_weak(W& object, W& expected, std::type_identity_t<W> desired, std::memory_order success,
                                    std::memory_order failure) noexcept {
    if constexpr (sizeof(W) == 16) {
      return detail::cmpxchg16b(object, expected, desired);
    } else {
      return __atomic_compare_exchange_n(&object, &expected, desired, true, static_cast<int>(success), static_cast<int>(failure));
    }
  }

  template <class W>
  static bool compare_exchange_strong(W& object, W& expected, std::type_identity_t<W> desired, std::memory_order success,
                                      std::memory_order failure) noexcept {
    if constexpr (sizeof(W) == 16) {
      return detail::cmpxchg16b(object, expected, desired);
    } else {
      return __atomic_compare_exchange_n(&object, &expected, desired, false, static_cast<int>(success), static_cast<int>(failure));
    }
  }

  template <class W>
    requires(sizeof(W) <= 8)
  static W exchange(W& object, std::type_identity_t<W> desired, std::memory_order order) noexcept {
    return __atomic_exchange_n(&object, desired, static_cast<int>(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  static W fetch_add(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return __atomic_fetch_add(&object, operand, static_cast<int>(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  static W fetch_sub(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return __atomic_fetch_sub(&object, operand, static_cast<int>(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  static W fetch_and(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return __atomic_fetch_and(&object, operand, static_cast<int>(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  static W fetch_or(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return __atomic_fetch_or(&object, operand, static_cast<int>(order));
  }
  template <class W>
    requires(sizeof(W) <= 8)
  static W fetch_xor(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    return __atomic_fetch_xor(&object, operand, static_cast<int>(order));
  }

  static void thread_fence(std::memory_order order) noexcept { detail::builtin_fence(order); }

  static void pause() noexcept {
#if defined(__x86_64__) && !defined(__CUDA_ARCH__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) && !defined(__CUDA_ARCH__)
    asm volatile("isb" ::: "memory");
#else
    asm volatile("" ::: "memory");
#endif
  }
};

static_assert(is_backend<builtin>);

}  // namespace backend
}  // namespace pawl::inline v0
