// SPDX-License-Identifier: BSL-1.0
// Makes a user's backend pawl::native, before any header of pawl's: so all unit and stress tests run over it (./dev soak own). It has the
// mandatory functions and nothing of pawl's. Included by the compiler's command line, with -DPAWL_BACKEND=own -DPAWL_DETAIL_BACKEND_own=100.
#pragma once

#include <atomic>
#include <type_traits>

#include "own_machine.hpp"

namespace pawl::inline v0::backend {

struct own {
  static constexpr const char* name = "own";
  static constexpr bool has_double_width = own_machine::has_double_width;

  template <class W>
  static W load(const W& object, std::memory_order order) noexcept {
    return own_machine::load(object, order);
  }
  template <class W>
  static void store(W& object, std::type_identity_t<W> desired, std::memory_order order) noexcept {
    own_machine::store(object, desired, order);
  }
  template <class W>
  static bool compare_exchange_weak(W& object, W& expected, std::type_identity_t<W> desired, std::memory_order success,
                                    std::memory_order failure) noexcept {
    return own_machine::compare_exchange_weak(object, expected, desired, success, failure);
  }
  static void thread_fence(std::memory_order order) noexcept { own_machine::thread_fence(order); }
  static void pause() noexcept { own_machine::pause(); }
};

}  // namespace pawl::inline v0::backend
