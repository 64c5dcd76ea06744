// SPDX-License-Identifier: BSL-1.0
// Linux's futex: a thread sleeps in the kernel while a word has a value.
#pragma once

#include <cstdint>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pawl::inline v0::detail {

/// Threads of one process sleep on the address of a word.
struct futex_sleep {
  /// Returns at once where the word is not `seen`, else when it is woken; or for nothing, after a signal. The kernel compares and lies down
  /// in one step, as far as `wake` is concerned.
  template <class B>
  static void sleep(const std::uint32_t& word, std::uint32_t seen) noexcept {
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
  }
  /// Wakes threads that sleep on the word. It is not accessed. One thread: who lay down first, apart from real-time threads.
  static void wake(const std::uint32_t& word, bool one) noexcept {
    constexpr std::uint32_t all = 0x7fffffff;
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, one ? 1U : all, nullptr, nullptr, 0);
  }
};

}  // namespace pawl::inline v0::detail
