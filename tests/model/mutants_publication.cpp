// SPDX-License-Identifier: BSL-1.0
// Objects that one thread makes and another finds by a pointer, and compare-and-swaps that fail: the classic mistakes.
#include "mutants.hpp"

using namespace mutants;

namespace {

struct object {
  explicit object(int initial) : value(initial) {}
  model::var<int> value;
};

// ---- Double-checked locking: S. Meyers, A. Alexandrescu, "C++ and the Perils of Double-Checked Locking", Dr. Dobb's Journal 2004 --------

enum class double_check_mistake { none, relaxed };

template <double_check_mistake Mistake>
void double_checked_locking() {
  constexpr auto publish = Mistake == double_check_mistake::relaxed ? relaxed : release;
  constexpr auto find = Mistake == double_check_mistake::relaxed ? relaxed : acquire;
  atomic<object*> instance{nullptr};
  pawl::atomic_flag<B> locked;
  const auto use = [&] {
    // (1) acquire: pairs with (4), so the object is made before it is used
    object* found = instance.load(find);
    if (found == nullptr) {
      // (2) acquire: pairs with (3)
      while (locked.test_and_set(acquire)) B::pause();
      // relaxed: the lock orders it
      found = instance.load(relaxed);
      if (found == nullptr) {
        found = model::make<object>(1);
        // (4) release: pairs with (1)
        instance.store(found, publish);
      }
      // (3) release: pairs with (2)
      locked.clear(release);
    }
    model::require(found->value.get() == 1, "the instance is as it was made");
  };
  together(use, use);
  model::destroy(instance.load(relaxed));
}

// ---- Insertion where nothing is: who comes second uses what the first has inserted ------------------------------------------------------

enum class insert_mistake { none, failure_relaxed, loser_keeps_nothing };

template <insert_mistake Mistake>
void insert_if_absent() {
  constexpr auto failure = Mistake == insert_mistake::failure_relaxed ? relaxed : acquire;
  atomic<object*> slot{nullptr};
  const auto insert_and_use = [&] {
    object* const mine = model::make<object>(1);
    object* found = nullptr;
    // (1) release: publishes the object to (2), which is the same compare-and-swap where it fails
    // (2) acquire: pairs with (1), so the object is made before it is used
    if (slot.compare_exchange_strong(found, mine, release, failure)) {
      found = mine;
    } else if constexpr (Mistake != insert_mistake::loser_keeps_nothing) {
      model::destroy(mine);
    }
    model::require(found->value.get() == 1, "what is in the slot is as it was made");
  };
  together(insert_and_use, insert_and_use);
  model::destroy(slot.load(relaxed));
}

// ---- A weak compare-and-swap fails for nothing, as load-linked/store-conditional does ---------------------------------------------------

enum class claim_mistake { none, any_failure_is_a_change };

template <claim_mistake Mistake>
void claim() {
  atomic<int> owner{0};
  bool claimed[2] = {};
  const auto try_claim = [&](int me) {
    int seen = 0;
    // relaxed: nothing is protected by it here
    while (!owner.compare_exchange_weak(seen, me, relaxed)) {
      if (Mistake == claim_mistake::any_failure_is_a_change || seen != 0) return false;
    }
    return true;
  };
  together([&] { claimed[0] = try_claim(1); }, [&] { claimed[1] = try_claim(2); });
  model::require(claimed[0] != claimed[1], "not exactly one of two threads has claimed what was free");
}

}  // namespace

TEST_CASE("double-checked locking that publishes and finds by relaxed accesses") {
  passes(double_checked_locking<double_check_mistake::none>);
  caught(kind::data_race, "plain data is read", double_checked_locking<double_check_mistake::relaxed>);
}
TEST_CASE("an insertion that fails relaxed and uses what it read, or forgets its own object") {
  passes(insert_if_absent<insert_mistake::none>);
  caught(kind::data_race, "plain data is read", insert_if_absent<insert_mistake::failure_relaxed>);
  caught(kind::leak, "never freed", insert_if_absent<insert_mistake::loser_keeps_nothing>);
}
TEST_CASE("a weak compare-and-swap whose failure is taken for a change") {
  passes(claim<claim_mistake::none>);
  caught(kind::requirement, "not exactly one", claim<claim_mistake::any_failure_is_a_change>);
}
