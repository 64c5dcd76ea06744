// SPDX-License-Identifier: BSL-1.0
// backend::builtin: the compiler's __atomic built-ins, on any target that g++ or clang has. Those of which it makes a call (of 16 bytes; on
// arm64 without LSE, where g++ and clang call __aarch64_*; of 1 and 2 bytes on RISC-V, where g++ 12 calls libatomic) are taken from
// detail/uncalled.hpp: no attribute keeps a header's functions from being compiled so, and no flag may be needed.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "../detail/double_width.hpp"
#include "../detail/uncalled.hpp"
#include "concept.hpp"

namespace pawl::inline v0 {

namespace detail {

#if PAWL_TSAN
// TSan ignores fences. A read-modify-write of one word by every fence orders the same accesses in a way that it sees: of two
// fences, the later one in the word's modification order synchronizes with the earlier.
[[gnu::weak, gnu::visibility("default")]] constinit std::uint32_t tsan_fence_word = 0;  // NOLINT(misc-definitions-in-headers)
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
  static constexpr bool has_double_width = detail::has_double_width;

  template <class W>
  PAWL_INLINE_ORDER static W load(const W& object, std::memory_order order) noexcept {
    if constexpr (sizeof(W) == 16) {
      return detail::load16(object, detail::halves_of_load(order));
    } else {
      return __atomic_load_n(&object, static_cast<int>(order));
    }
  }

  template <class W>
  PAWL_INLINE_ORDER static void store(W& object, std::type_identity_t<W> desired, std::memory_order order) noexcept {
    if constexpr (sizeof(W) == 16) {
      detail::exchange16(object, desired, detail::halves_of_store(order));
    } else {
      __atomic_store_n(&object, desired, static_cast<int>(order));
    }
  }

  template <class W>
  PAWL_INLINE_ORDER static bool compare_exchange_weak(W& object, W& expected, std::type_identity_t<W> desired,
                                                      std::memory_order success, std::memory_order failure) noexcept {
    if constexpr (sizeof(W) == 16) {
      return detail::compare_exchange16(object, expected, desired, detail::halves_of(success, failure));
    } else if constexpr (detail::compiler_calls<W>) {
      return detail::uncalled<W>::compare_exchange_weak(object, expected, desired, detail::halves_of(success, failure));
    } else {
      return __atomic_compare_exchange_n(&object, &expected, desired, true, static_cast<int>(success), static_cast<int>(failure));
    }
  }

  template <class W>
  PAWL_INLINE_ORDER static bool compare_exchange_strong(W& object, W& expected, std::type_identity_t<W> desired,
                                                        std::memory_order success, std::memory_order failure) noexcept {
    if constexpr (sizeof(W) == 16) {
      return detail::compare_exchange16(object, expected, desired, detail::halves_of(success, failure));
    } else if constexpr (detail::compiler_calls<W>) {
      return detail::uncalled<W>::compare_exchange_strong(object, expected, desired, detail::halves_of(success, failure));
    } else {
      return __atomic_compare_exchange_n(&object, &expected, desired, false, static_cast<int>(success), static_cast<int>(failure));
    }
  }

  template <class W>
  PAWL_INLINE_ORDER static W exchange(W& object, std::type_identity_t<W> desired, std::memory_order order) noexcept {
    if constexpr (sizeof(W) == 16) {
      return detail::exchange16(object, desired, detail::halves_of(order));
    } else if constexpr (detail::compiler_calls<W>) {
      return detail::uncalled<W>::exchange(object, desired, detail::halves_of(order));
    } else {
      return __atomic_exchange_n(&object, desired, static_cast<int>(order));
    }
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_INLINE_ORDER static W fetch_add(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    if constexpr (detail::compiler_calls<W>) {
      return detail::uncalled<W>::fetch_add(object, operand, detail::halves_of(order));
    } else {
      return __atomic_fetch_add(&object, operand, static_cast<int>(order));
    }
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_INLINE_ORDER static W fetch_sub(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    if constexpr (detail::compiler_calls<W>) {
      return detail::uncalled<W>::fetch_sub(object, operand, detail::halves_of(order));
    } else {
      return __atomic_fetch_sub(&object, operand, static_cast<int>(order));
    }
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_INLINE_ORDER static W fetch_and(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    if constexpr (detail::compiler_calls<W>) {
      return detail::uncalled<W>::fetch_and(object, operand, detail::halves_of(order));
    } else {
      return __atomic_fetch_and(&object, operand, static_cast<int>(order));
    }
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_INLINE_ORDER static W fetch_or(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    if constexpr (detail::compiler_calls<W>) {
      return detail::uncalled<W>::fetch_or(object, operand, detail::halves_of(order));
    } else {
      return __atomic_fetch_or(&object, operand, static_cast<int>(order));
    }
  }
  template <class W>
    requires(sizeof(W) <= 8)
  PAWL_INLINE_ORDER static W fetch_xor(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    if constexpr (detail::compiler_calls<W>) {
      return detail::uncalled<W>::fetch_xor(object, operand, detail::halves_of(order));
    } else {
      return __atomic_fetch_xor(&object, operand, static_cast<int>(order));
    }
  }

  static void thread_fence(std::memory_order order) noexcept { detail::builtin_fence(order); }

  static void pause() noexcept {
#if defined(__x86_64__) && !defined(__CUDA_ARCH__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) && !defined(__CUDA_ARCH__)
    // yield is a nop on most cores; isb empties the pipeline, which takes some tens of cycles and leaves them to others.
    asm volatile("isb" ::: "memory");
#elif defined(__riscv) && !defined(__CUDA_ARCH__)
    // `pause` of Zihintpause, as the fence without effect that it is encoded as: a processor or assembler may be older.
    asm volatile(".insn i 0x0f, 0, x0, x0, 0x010" ::: "memory");
#else
    asm volatile("" ::: "memory");
#endif
  }
};

static_assert(is_backend<builtin>);

}  // namespace backend
}  // namespace pawl::inline v0
