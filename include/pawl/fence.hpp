// SPDX-License-Identifier: BSL-1.0
// Asymmetric fences (C++ proposal P1202R5, D. Goldblatt): a pair of fences of which the frequent one costs nothing where the system
// offers membarrier, and the rare one pays for both.
#pragma once

#include "detail/atomic_value.hpp"
#include "environment.hpp"

PAWL_HOST_DEVICE_BEGIN

namespace pawl::inline v0 {

/// The frequent side: orders this thread's accesses before it with those after it, against every heavy fence of another thread. A
/// light fence orders nothing against another light one. seq_cst is the order it is for; weaker orders are plain fences, which are
/// free on x86-64 anyway. Wait-free.
template <class B = native>
PAWL_HOST_DEVICE void asymmetric_thread_fence_light(order_t<B> order = detail::seq_cst<B>(__builtin_FILE(),
                                                                                          __builtin_LINE())) noexcept {
  if (static_cast<std::memory_order>(order) == std::memory_order_seq_cst) {
    if constexpr (requires { environment<B>::light_fence(order.where()); }) {
      environment<B>::light_fence(order.where());
    } else {
      environment<B>::light_fence();
    }
  } else {
    B::thread_fence(order);
  }
}

/// The rare side: a full fence on every processor that runs a thread of this process. A system call of one to some ten microseconds.
/// Returns when every light fence is ordered against it: where the kernel says that it has no memory for it, tries again.
template <class B = native>
PAWL_HOST_DEVICE void asymmetric_thread_fence_heavy(order_t<B> order = detail::seq_cst<B>(__builtin_FILE(),
                                                                                          __builtin_LINE())) noexcept {
  if (static_cast<std::memory_order>(order) == std::memory_order_seq_cst) {
    if constexpr (requires { environment<B>::heavy_fence(order.where()); }) {
      while (!environment<B>::heavy_fence(order.where())) B::pause();
    } else {
      while (!environment<B>::heavy_fence()) B::pause();
    }
  } else {
    B::thread_fence(order);
  }
}

}  // namespace pawl::inline v0

PAWL_HOST_DEVICE_END
