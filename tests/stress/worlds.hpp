// SPDX-License-Identifier: BSL-1.0
// Where containers live in the stress tests: backends of our own, and worlds, each a reclaimer with the way in which containers get it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <type_traits>

#include <pawl/hazard_pointer.hpp>
#include <pawl/rcu.hpp>
#include <pawl/tagged_pool.hpp>

#include "own_machine.hpp"
#include "threads.hpp"

namespace stress {

/// A user's backend: the mandatory functions, nothing else and nothing of pawl's, so that everything optional is built of a weak compare-and-swap.
struct minimal {
  using machine = own_machine;
  static constexpr const char* name = "minimal";
  static constexpr bool has_double_width = machine::has_double_width;

  template <class W>
  static W load(const W& object, std::memory_order order) noexcept {
    return machine::load(object, order);
  }
  template <class W>
  static void store(W& object, std::type_identity_t<W> desired, std::memory_order order) noexcept {
    machine::store(object, desired, order);
  }
  template <class W>
  static bool compare_exchange_weak(W& object, W& expected, std::type_identity_t<W> desired, std::memory_order success,
                                    std::memory_order failure) noexcept {
    return machine::compare_exchange_weak(object, expected, desired, success, failure);
  }
  static void thread_fence(std::memory_order order) noexcept { machine::thread_fence(order); }
  static void pause() noexcept { machine::pause(); }
};

/// The same, but it sleeps at the worst moments: before any access another thread may run, once or for long, and a weak
/// compare-and-swap may fail without a reason. So what takes two cores a day happens in every test.
struct restless : minimal {
  static constexpr const char* name = "restless";

  static void rest() noexcept {
    thread_local constinit dice chance{0};
    thread_local constinit const void* seeded = nullptr;
    if (seeded == nullptr) {
      seeded = &chance;
      chance = dice(reinterpret_cast<std::uintptr_t>(&chance) >> 6U);
    }
    const std::uint32_t rolled = chance.below(2048);
    if (rolled == 0) {
      std::this_thread::sleep_for(std::chrono::microseconds(1));
    } else if (rolled < 64) {
      std::this_thread::yield();
    }
  }
  template <class W>
  static W load(const W& object, std::memory_order order) noexcept {
    rest();
    return machine::load(object, order);
  }
  template <class W>
  static void store(W& object, std::type_identity_t<W> desired, std::memory_order order) noexcept {
    rest();
    machine::store(object, desired, order);
  }
  template <class W>
  static bool compare_exchange_weak(W& object, W& expected, std::type_identity_t<W> desired, std::memory_order success,
                                    std::memory_order failure) noexcept {
    rest();
    thread_local constinit std::uint32_t attempts = 0;
    if (++attempts % 8 == 0) {
      expected = machine::load(object, failure);
      return false;
    }
    return machine::compare_exchange_weak(object, expected, desired, success, failure);
  }
};
static_assert(pawl::is_backend<minimal> && pawl::is_backend<restless>);

/// Containers that are given no reclaimer: the process's domain, or a pool each.
template <class R>
struct unnamed {
  using reclaimer = R;
  template <class Container>
  Container make() {
    return Container();
  }
};

/// Containers that share one reclaimer, which the world owns.
template <class R>
struct shared {
  using reclaimer = R;
  R domain;
  template <class Container>
  Container make() {
    return Container(domain);
  }
};

/// The same with a fixed pool that is large enough for every test.
template <class B>
struct fixed {
  using reclaimer = pawl::tagged_pool<B>;
  reclaimer domain{std::size_t{1} << 20U};
  template <class Container>
  Container make() {
    return Container(domain);
  }
};

/// The same with one that is small, since a map has as many buckets as its pool has room for.
template <class B>
struct small_fixed {
  using reclaimer = pawl::tagged_pool<B>;
  reclaimer domain{1024};
  template <class Container>
  Container make() {
    return Container(domain);
  }
};

using default_hazards = unnamed<pawl::hazard_pointers<>>;
using own_hazards = shared<pawl::hazard_pointers<>>;
using builtin_hazards = shared<pawl::hazard_pointers<pawl::backend::builtin>>;
using restless_hazards = shared<pawl::hazard_pointers<restless>>;
using own_epochs = shared<pawl::epochs<>>;
using restless_epochs = shared<pawl::epochs<restless>>;
using own_pool = unnamed<pawl::tagged_pool<>>;
using shared_pool = shared<pawl::tagged_pool<>>;
using fixed_pool = fixed<pawl::native>;
using builtin_pool = shared<pawl::tagged_pool<pawl::backend::builtin>>;
using restless_pool = shared<pawl::tagged_pool<restless>>;
using restless_fixed_pool = fixed<restless>;
using small_fixed_pool = small_fixed<pawl::native>;
using restless_small_pool = small_fixed<restless>;

}  // namespace stress
