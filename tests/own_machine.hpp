// SPDX-License-Identifier: BSL-1.0
// The instructions of the backends that the tests write themselves, as a user would who takes nothing of pawl's: the compiler's built-ins,
// and for 16 bytes, of which these would make a call, assembly where we have some.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

#if defined(__SANITIZE_THREAD__)
#define TESTS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TESTS_TSAN 1
#endif
#endif
#if !defined(TESTS_TSAN)
#define TESTS_TSAN 0
#endif

struct own_machine {
#if defined(__x86_64__) && !TESTS_TSAN  // which sees no assembly
  static constexpr bool has_double_width = true;
#else
  static constexpr bool has_double_width = false;
#endif

  template <class W>
  static W load(const W& object, std::memory_order order) noexcept {
    if constexpr (sizeof(W) == 16) {
      W found = 0;
      exchange_pair(const_cast<W&>(object), found, found);
      return found;
    } else {
      return __atomic_load_n(&object, static_cast<int>(order));
    }
  }
  template <class W>
  static void store(W& object, std::type_identity_t<W> desired, std::memory_order order) noexcept {
    if constexpr (sizeof(W) == 16) {
      W found = 0;
      while (!exchange_pair(object, found, desired)) {
      }
    } else {
      __atomic_store_n(&object, desired, static_cast<int>(order));
    }
  }
  template <class W>
  static bool compare_exchange_weak(W& object, W& expected, std::type_identity_t<W> desired, std::memory_order success,
                                    std::memory_order failure) noexcept {
    if constexpr (sizeof(W) == 16) {
      return exchange_pair(object, expected, desired);
    } else {
      return __atomic_compare_exchange_n(&object, &expected, desired, true, static_cast<int>(success), static_cast<int>(failure));
    }
  }
  static void thread_fence(std::memory_order order) noexcept {
#if TESTS_TSAN
    // TSan ignores fences, but sees that each comes after another.
    static std::uint32_t word = 0;
    __atomic_fetch_add(&word, 1U, __ATOMIC_SEQ_CST);
    static_cast<void>(order);
#else
    __atomic_thread_fence(static_cast<int>(order));
#endif
  }
  static void pause() noexcept { asm volatile("" ::: "memory"); }

 private:
  template <class W>
  static bool exchange_pair(W& object, W& expected, W desired) noexcept {
    bool done = false;
#if defined(__x86_64__)
    auto low = static_cast<std::uint64_t>(expected);
    auto high = static_cast<std::uint64_t>(expected >> 64U);
    asm volatile("lock cmpxchg16b %1"
                 : "=@ccz"(done), "+m"(object), "+a"(low), "+d"(high)
                 : "b"(static_cast<std::uint64_t>(desired)), "c"(static_cast<std::uint64_t>(desired >> 64U))
                 : "memory");
    expected = (static_cast<W>(high) << 64U) | low;
#endif
    return done;
  }
};
