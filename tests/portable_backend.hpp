// SPDX-License-Identifier: BSL-1.0
// The host as it is where the system has no futex: threads sleep by portable_sleep.
#pragma once

#include <pawl/detail/portable_sleep.hpp>
#include <pawl/environment.hpp>

struct portable_backend : pawl::backend::builtin {
  static constexpr const char* name = "portable";
};
static_assert(pawl::is_backend<portable_backend>);

template <>
struct pawl::environment<portable_backend> : pawl::environment<pawl::backend::builtin> {
  using waiting = pawl::detail::host_waiting<portable_backend, environment, pawl::detail::portable_sleep>;
  template <class W, class Until>
  static void wait(const W& object, Until until, std::memory_order order) noexcept {
    waiting::wait(object, until, order);
  }
  template <class W>
  static void notify_one(const W& object) noexcept {
    waiting::notify(&object, true);
  }
  template <class W>
  static void notify_all(const W& object) noexcept {
    waiting::notify(&object, false);
  }
};
