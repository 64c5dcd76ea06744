// SPDX-License-Identifier: BSL-1.0
// The host's asymmetric fence: readers pay nothing, the rare reclaimer pays a system call that runs a full fence on every processor
// with a thread of this process. (P. E. McKenney and M. Desnoyers; as a C++ proposal: D. Goldblatt, P1202R5.)
#pragma once

#include <atomic>

#include "host_atomic.hpp"

#if defined(__linux__)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace pawl::inline v0::detail {

enum class asymmetric_state : int { unknown, membarrier, fallback };

// Constant-initialized and settled by the first heavy fence. Until then, and for ever where membarrier is missing, light is a full
// fence: so no order of initialization matters. One for the process: see process_globals.hpp for how.
// NOLINTNEXTLINE(misc-definitions-in-headers)
[[gnu::weak, gnu::visibility("default")]] constinit host_atomic<asymmetric_state> asymmetric{asymmetric_state::unknown};

/// Registers for membarrier; the registration survives fork. Of racing callers the first answer stays: once a light fence may have
/// relied on membarrier, no later failure to register may turn the heavy side into a mere fence.
[[gnu::cold]] inline asymmetric_state settle_asymmetric() noexcept {
  auto state = asymmetric.load(std::memory_order_relaxed);
  if (state != asymmetric_state::unknown) return state;
  state = asymmetric_state::fallback;
#if defined(__linux__)
  if (syscall(__NR_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0) state = asymmetric_state::membarrier;
#endif
  // relaxed: the value is all that matters. A light fence that still reads `unknown` is a full one, which is always right.
  auto settled = asymmetric_state::unknown;
  return asymmetric.compare_exchange_strong(settled, state, std::memory_order_relaxed, std::memory_order_relaxed) ? state : settled;
}

/// The same, where it is mostly settled.
inline asymmetric_state settled_asymmetric() noexcept {
  const auto state = asymmetric.load(std::memory_order_relaxed);  // relaxed: see settle_asymmetric
  return state != asymmetric_state::unknown ? state : settle_asymmetric();
}

/// The compiler moves no access across it; the processor may. (As std::atomic_signal_fence, of which clang 14 makes an instruction on
/// RISC-V.)
inline void compiler_fence() noexcept { asm volatile("" ::: "memory"); }

// Out of line, so that the code of a protection holds no locked instruction.
template <class B>
[[gnu::cold, gnu::noinline]] void full_fence() noexcept {
  B::thread_fence(std::memory_order_seq_cst);
}

/// Orders this thread's accesses before it with those after it, against any heavy fence of another thread.
template <class B>
void light_fence() noexcept {
  // relaxed: see settle_asymmetric
  if (asymmetric.load(std::memory_order_relaxed) == asymmetric_state::membarrier) [[likely]] {
    compiler_fence();
  } else {
    full_fence<B>();
  }
}

/// The same for a caller who knows the state, which never changes once it is settled: so it may come from the line at hand.
template <class B>
void light_fence(asymmetric_state settled) noexcept {
  if (settled == asymmetric_state::membarrier) [[likely]] {
    compiler_fence();
  } else {
    full_fence<B>();
  }
}

/// The other side. False where the kernel had no memory for it: then nothing was ordered, and the caller must not rely on it.
template <class B>
bool heavy_fence() noexcept {
  auto state = asymmetric.load(std::memory_order_relaxed);
  if (state == asymmetric_state::unknown) state = settle_asymmetric();
  B::thread_fence(std::memory_order_seq_cst);
#if defined(__linux__)
  if (state == asymmetric_state::membarrier) return syscall(__NR_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
#endif
  return true;
}

}  // namespace pawl::inline v0::detail
