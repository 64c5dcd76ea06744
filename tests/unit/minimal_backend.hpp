// SPDX-License-Identifier: BSL-1.0
// A user's backend: the mandatory functions and nothing else, with nothing of pawl's. Every third weak attempt fails spuriously.
#pragma once

#include <atomic>
#include <type_traits>

#include <pawl/backend.hpp>

#include "own_machine.hpp"

struct minimal_backend {
  static constexpr const char* name = "minimal";
  static constexpr bool has_double_width = own_machine::has_double_width;
  static inline thread_local unsigned attempts = 0;

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
    if (attempts++ % 3 == 0) {
      const W found = load(object, failure);
      if (found == expected) return false;  // spurious, where it could have succeeded
    }
    return own_machine::compare_exchange_weak(object, expected, desired, success, failure);
  }
  static void thread_fence(std::memory_order order) noexcept { own_machine::thread_fence(order); }
  static void pause() noexcept { own_machine::pause(); }
};
static_assert(pawl::is_backend<minimal_backend>);
