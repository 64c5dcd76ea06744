// SPDX-License-Identifier: BSL-1.0
// xenium's reclaimers: see pawl.cpp for what a scheme is.
// Before xenium's headers, which use std::array without it; clang names the template where it is parsed.
#include <array>

#include <xenium/reclamation/generic_epoch_based.hpp>
#include <xenium/reclamation/hazard_pointer.hpp>
#include <xenium/reclamation/quiescent_state_based.hpp>

#include "entry.hpp"

namespace reclamation {
namespace {

template <class Reclaimer>
struct xenium_scheme {
  static constexpr const char* library = "xenium";
  struct node : counted, Reclaimer::template enable_concurrent_ptr<node> {};
  using cell = typename Reclaimer::template concurrent_ptr<node, 0>;
  using guard_ptr = typename cell::guard_ptr;

  struct thread {
    // There is no exchange: so a compare-and-swap loop, as its own containers have.
    static void replace(cell& c, node* fresh) {
      guard_ptr old;
      typename cell::marked_ptr expected;
      do {
        old.acquire(c, std::memory_order_acquire);
        expected = old;
      } while (!c.compare_exchange_weak(expected, fresh, std::memory_order_acq_rel, std::memory_order_relaxed));
      old.reclaim();
    }
    static void retire(node* n) {
      guard_ptr guard{typename cell::marked_ptr(n)};
      guard.reclaim();
    }
    template <class F>
    static void stall(const cell& c, F f) {
      guard_ptr guard;
      guard.acquire(c, std::memory_order_acquire);
      f();
    }
    static void pass() {}
  };
  struct reader {
    explicit reader(thread& /*t*/) {}
    static std::uint64_t read(const cell& c) {
      guard_ptr guard;
      guard.acquire(c, std::memory_order_acquire);
      return guard->value;
    }
  };
  // There is no call for it: threads that retire and leave advance it by and by.
  static void settle() {
    for (int i = 0; i < 1000; ++i) thread::retire(new node);
  }
};

struct xenium_hazards : xenium_scheme<xenium::reclamation::hazard_pointer<>::with<
                            xenium::policy::allocation_strategy<xenium::reclamation::hp_allocation::static_strategy<3>>>> {
  static constexpr const char* variant = "hazard_pointer";
  static constexpr const char* guarantee = "bounded garbage";
};
struct xenium_epochs : xenium_scheme<xenium::reclamation::epoch_based<>> {
  static constexpr const char* variant = "epoch_based";
  static constexpr const char* guarantee = "garbage bounded while no reader stalls";
};
struct xenium_quiescent : xenium_scheme<xenium::reclamation::quiescent_state_based> {
  static constexpr const char* variant = "quiescent_state_based";
  static constexpr const char* guarantee = "garbage bounded while every thread keeps saying that it does not read";
};

}  // namespace

void add_xenium(std::vector<entry>& all) {
  all.push_back(entry_of<xenium_hazards>());
  all.push_back(entry_of<xenium_epochs>());
  all.push_back(entry_of<xenium_quiescent>());
}

}  // namespace reclamation
