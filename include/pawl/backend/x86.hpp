// SPDX-License-Identifier: BSL-1.0
// backend::x86: LOCK-prefixed instructions. The compiler's built-in where it emits the best one (it turns a fetch_add whose result
// is unused into `lock add`, which inline assembly can't), our own where it doesn't: the seq_cst fence and store, and 16 bytes.
#pragma once

#include "builtin.hpp"

#if defined(__x86_64__)

namespace pawl::inline v0::backend {

struct x86 : builtin {
  static constexpr const char* name = "x86";

  template <class W>
  static void store(W& object, std::type_identity_t<W> desired, std::memory_order order) noexcept {
    if constexpr (sizeof(W) <= 8) {
      // A seq_cst store is one xchg; some tunings of g++ would make it mov and mfence, four times as slow.
      if (order == std::memory_order_seq_cst) {
        builtin::exchange(object, desired, order);
      } else {
        builtin::store(object, desired, order);
      }
    } else {
      builtin::store(object, desired, order);
    }
  }

  static void thread_fence(std::memory_order order) noexcept {
#if !PAWL_TSAN && !PAWL_ASAN && !defined(__CUDA_ARCH__)
    // A locked instruction on the thread's own stack, always in its cache, orders everything that mfence orders for ordinary
    // memory, for a quarter of its cost. The stack's value does not change. 64 bytes down, in the red zone: at the stack pointer itself
    // lie spilled variables, and to load one of them again would wait for the locked instruction (seen: 12 ns instead of 3).
    if (order == std::memory_order_seq_cst) {
      asm volatile("lock orl $0, -64(%%rsp)" ::: "memory", "cc");
      return;
    }
#endif
    builtin::thread_fence(order);
  }
};

static_assert(is_backend<x86>);

}  // namespace pawl::inline v0::backend

#endif
