// SPDX-License-Identifier: BSL-1.0
// Who frees memory that others may read, and when: hazard pointers, epochs, RCU and reference counts, each with its classic mistakes.
#include "mutants.hpp"

using namespace mutants;

namespace {

// What a reader reads and a writer replaces and frees.
struct record {
  explicit record(int initial) : value(initial) {}
  model::var<int> value;
};

// ---- Hazard pointers: M. Michael, "Hazard Pointers: Safe Memory Reclamation for Lock-Free Objects", TPDS 2004 ---------------------------

enum class hazard_mistake { none, no_fence, no_validation };

template <hazard_mistake Mistake>
void hazard_pointer() {
  atomic<record*> shared{model::make<record>(1)};
  atomic<record*> hazard{nullptr};
  record* kept = nullptr;
  together(
      [&] {
        // (1) acquire: pairs with (4), so the record is written before it is read. (Of this load and the one that validates, one would do.)
        record* seen = shared.load(acquire);
        for (;;) {
          hazard.store(seen, relaxed);
          // (2) seq_cst: pairs with (5). Either the writer sees this hazard, or we see that the record was replaced.
          if constexpr (Mistake != hazard_mistake::no_fence) B::thread_fence(seq_cst);
          if constexpr (Mistake == hazard_mistake::no_validation) break;
          record* const again = shared.load(acquire);
          if (again == seen) break;
          seen = again;
        }
        model::require(seen->value.get() != 0, "a record has a value");
        // (3) release: pairs with (6), so the record is read before it is freed
        hazard.store(nullptr, release);
      },
      [&] {
        // (4) release: publishes the record to (1)
        record* const old = shared.exchange(model::make<record>(2), release);
        // (5) seq_cst: pairs with (2)
        B::thread_fence(seq_cst);
        // (6) acquire: pairs with (3)
        if (hazard.load(acquire) == old) {
          kept = old;
        } else {
          model::destroy(old);
        }
      });
  model::destroy(kept);
  model::destroy(shared.load(relaxed));
}

// ---- Epochs: K. Fraser, "Practical Lock Freedom", 2004 ----------------------------------------------------------------------------------

enum class epoch_mistake { none, skips_a_slot, no_fence, one_advance };

template <epoch_mistake Mistake>
void epochs() {
  constexpr unsigned writer = 0;
  constexpr unsigned reader = 1;
  constexpr unsigned unpinned = 0;
  constexpr unsigned looked_at = Mistake == epoch_mistake::skips_a_slot ? 1 : 2;
  constexpr unsigned advances_needed = Mistake == epoch_mistake::one_advance ? 1 : 2;
  atomic<record*> shared{model::make<record>(1)};
  atomic<unsigned> global{1};
  atomic<unsigned> slots[2];  // of each thread: the epoch in which it is pinned
  record* kept = nullptr;

  const auto pin = [&](unsigned me) {
    // relaxed: an old epoch only holds the next advance back
    slots[me].store(global.load(relaxed), relaxed);
    // (1) seq_cst: pairs with (5). Either who advances sees this slot, or we see what was unlinked before.
    if constexpr (Mistake != epoch_mistake::no_fence) B::thread_fence(seq_cst);
  };
  // (2) release: pairs with (6), so what was read is read before it is freed
  const auto unpin = [&](unsigned me) { slots[me].store(unpinned, release); };
  const auto try_advance = [&] {
    const unsigned now = global.load(relaxed);
    // (5) seq_cst: pairs with (1)
    B::thread_fence(seq_cst);
    for (unsigned i = 0; i < looked_at; ++i) {
      const unsigned pinned = slots[i].load(relaxed);
      if (pinned != unpinned && pinned != now) return;
    }
    // (6) acquire: pairs with (2)
    B::thread_fence(acquire);
    // relaxed: here the one who advances is the one who frees
    global.store(now + 1, relaxed);
  };
  together(
      [&] {
        pin(reader);
        // (3) acquire: pairs with (4), so the record is written before it is read
        model::require(shared.load(acquire)->value.get() != 0, "a record has a value");
        unpin(reader);
      },
      [&] {
        pin(writer);
        // (4) release: publishes the record to (3)
        record* const old = shared.exchange(model::make<record>(2), release);
        const unsigned retired_in = global.load(relaxed);
        unpin(writer);
        try_advance();
        try_advance();
        // A reader that was there in the epoch of the exchange lets one advance pass, and stops the second.
        if (global.load(relaxed) >= retired_in + advances_needed) {
          model::destroy(old);
        } else {
          kept = old;
        }
      });
  model::destroy(kept);
  model::destroy(shared.load(relaxed));
}

// ---- RCU: M. Desnoyers, P. McKenney, A. Stern, M. Dagenais, J. Walpole, "User-Level Implementations of Read-Copy Update", TPDS 2012 -----

enum class rcu_mistake { none, no_grace_period };

template <rcu_mistake Mistake>
void rcu() {
  atomic<record*> shared{model::make<record>(1)};
  atomic<bool> reading{false};
  together(
      [&] {
        reading.store(true, relaxed);
        // (1) seq_cst: pairs with (5). Either the writer sees that we read, or we see the new record.
        B::thread_fence(seq_cst);
        // (2) acquire: pairs with (4), so the record is written before it is read
        model::require(shared.load(acquire)->value.get() != 0, "a record has a value");
        // (3) release: pairs with (6), so the record is read before it is freed
        reading.store(false, release);
      },
      [&] {
        // (4) release: publishes the record to (2)
        record* const old = shared.exchange(model::make<record>(2), release);
        if constexpr (Mistake != rcu_mistake::no_grace_period) {
          // (5) seq_cst: pairs with (1)
          B::thread_fence(seq_cst);
          // (6) acquire: pairs with (3)
          while (reading.load(acquire)) B::pause();
        }
        model::destroy(old);
      });
  model::destroy(shared.load(relaxed));
}

// ---- Reference count --------------------------------------------------------------------------------------------------------------------

enum class count_mistake { none, decrement_relaxed };

template <count_mistake Mistake>
void reference_count() {
  struct counted {
    model::var<int> value{1};
    atomic<int> owners{2};
  };
  // acq_rel: release pairs with the acquire of the last owner, so all others' uses come before the end
  constexpr auto decrement = Mistake == count_mistake::decrement_relaxed ? relaxed : acq_rel;
  auto* const object = model::make<counted>();
  const auto use_and_let_go = [object] {
    model::require(object->value.get() == 1, "an owned object has its value");
    if (object->owners.fetch_sub(1, decrement) == 1) model::destroy(object);
  };
  together(use_and_let_go, use_and_let_go);
}

}  // namespace

TEST_CASE("a hazard pointer without its fence, or not validated") {
  passes(hazard_pointer<hazard_mistake::none>);
  caught(kind::use_after_free, "", hazard_pointer<hazard_mistake::no_fence>);
  caught(kind::use_after_free, "", hazard_pointer<hazard_mistake::no_validation>);
}
TEST_CASE("epochs that pass a pinned thread, pin without a fence, or free too early") {
  passes(epochs<epoch_mistake::none>);
  caught(kind::use_after_free, "", epochs<epoch_mistake::skips_a_slot>);
  caught(kind::use_after_free, "", epochs<epoch_mistake::no_fence>);
  caught(kind::use_after_free, "", epochs<epoch_mistake::one_advance>);
}
TEST_CASE("RCU without a grace period") {
  passes(rcu<rcu_mistake::none>);
  caught(kind::use_after_free, "", rcu<rcu_mistake::no_grace_period>);
}
TEST_CASE("a reference count whose decrement is relaxed") {
  passes(reference_count<count_mistake::none>);
  // The free races with the other's last use.
  caught(kind::use_after_free, "while it is used", reference_count<count_mistake::decrement_relaxed>);
}
