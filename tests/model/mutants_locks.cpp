// SPDX-License-Identifier: BSL-1.0
// Locks and what stands in for them, each with its classic mistakes.
#include "mutants.hpp"

using namespace mutants;

namespace {

// ---- Spin lock -----------------------------------------------------------------------------------------------------------------------

enum class spin_lock_mistake { none, unlock_relaxed };

template <spin_lock_mistake Mistake>
void spin_lock() {
  constexpr auto unlock = Mistake == spin_lock_mistake::unlock_relaxed ? relaxed : release;
  pawl::atomic_flag<B> locked;
  model::var<int> count{0};
  const auto add = [&] {
    // (1) acquire: pairs with (2), so the section comes after the one before
    while (locked.test_and_set(acquire)) B::pause();
    count.set(count.get() + 1);
    // (2) release: pairs with (1)
    locked.clear(unlock);
  };
  together(add, add);
}

// ---- Ticket lock: D. Reed, R. Kanodia, "Synchronization with Eventcounts and Sequencers", CACM 1979 ------------------------------------

enum class ticket_lock_mistake { none, serving_relaxed };

template <ticket_lock_mistake Mistake>
void ticket_lock() {
  constexpr auto unlock = Mistake == ticket_lock_mistake::serving_relaxed ? relaxed : release;
  atomic<unsigned> next{0};
  atomic<unsigned> serving{0};
  model::var<int> count{0};
  const auto add = [&] {
    // relaxed: a ticket says who, the wait says when
    const unsigned mine = next.fetch_add(1, relaxed);
    // (1) acquire: pairs with (2), so the section comes after the one before
    while (serving.load(acquire) != mine) B::pause();
    count.set(count.get() + 1);
    // (2) release: pairs with (1)
    serving.store(mine + 1, unlock);
  };
  together(add, add);
}

// ---- Peterson's lock: G. Peterson, "Myths about the Mutual Exclusion Problem", Information Processing Letters 1981 ----------------------

enum class peterson_mistake { none, release_acquire };

template <peterson_mistake Mistake>
void peterson() {
  // seq_cst: of two threads that enter at once, one sees the other's wish. Release and acquire order no store before a later load.
  constexpr auto store = Mistake == peterson_mistake::release_acquire ? release : seq_cst;
  constexpr auto load = Mistake == peterson_mistake::release_acquire ? acquire : seq_cst;
  atomic<bool> wants[2];
  atomic<unsigned> yields{0};
  model::var<int> count{0};
  const auto enter = [&](unsigned me) {
    const unsigned other = 1 - me;
    wants[me].store(true, store);
    yields.store(me, store);
    while (wants[other].load(load) && yields.load(load) == me) B::pause();
    count.set(count.get() + 1);
    // Pairs with the load of the other's wish.
    wants[me].store(false, store);
  };
  together([&] { enter(0); }, [&] { enter(1); });
}

// ---- Seqlock: H. Boehm, "Can Seqlocks Get Along with Programming Language Memory Models?", MSPC 2012 ------------------------------------

enum class seqlock_mistake { none, reader_without_fence, writer_without_fence };

template <seqlock_mistake Mistake>
void seqlock() {
  atomic<unsigned> version{0};  // odd while somebody writes
  atomic<int> left{0};
  atomic<int> right{0};
  together(
      [&] {
        version.store(1, relaxed);
        // (1) release: pairs with (4), so who reads a new half reads an odd version or a newer one after it
        if constexpr (Mistake != seqlock_mistake::writer_without_fence) B::thread_fence(release);
        left.store(1, relaxed);
        right.store(1, relaxed);
        // (2) release: pairs with (3)
        version.store(2, release);
      },
      [&] {
        // (3) acquire: pairs with (2), so who reads the new version reads the new halves
        const unsigned before = version.load(acquire);
        const int l = left.load(relaxed);
        const int r = right.load(relaxed);
        // (4) acquire: pairs with (1)
        if constexpr (Mistake != seqlock_mistake::reader_without_fence) B::thread_fence(acquire);
        const bool accepted = before % 2 == 0 && version.load(relaxed) == before;
        if (accepted) model::require(l == r, "a torn read is accepted");
      });
}

// ---- Two locks, tried: who fails at the second gives the first one back, and starts over -----------------------------------------------

enum class two_locks_mistake { none, opposite_orders };

template <two_locks_mistake Mistake>
void two_locks() {
  pawl::atomic_flag<B> locks[2];
  model::var<int> count{0};
  const auto add = [&](unsigned first, unsigned second) {
    for (;;) {
      // (1) acquire: pairs with (2), so the section comes after the one before
      if (!locks[first].test_and_set(acquire)) {
        if (!locks[second].test_and_set(acquire)) break;
        locks[first].clear(release);
      }
      B::pause();
    }
    count.set(count.get() + 1);
    // (2) release: pairs with (1)
    locks[second].clear(release);
    locks[first].clear(release);
  };
  together([&] { add(0, 1); },
           [&] {
             if constexpr (Mistake == two_locks_mistake::opposite_orders) {
               add(1, 0);
             } else {
               add(0, 1);
             }
           });
}
// The orders are opposite, but one of the two threads waits for its second lock: so the other gives way.
void two_locks_one_patient() {
  pawl::atomic_flag<B> locks[2];
  model::var<int> count{0};
  const auto add = [&] {
    count.set(count.get() + 1);
    // (2) release: pairs with (1)
    locks[0].clear(release);
    locks[1].clear(release);
  };
  together(
      [&] {
        for (;;) {
          // (1) acquire: pairs with (2)
          if (!locks[0].test_and_set(acquire)) {
            if (!locks[1].test_and_set(acquire)) break;
            locks[0].clear(release);
          }
          B::pause();
        }
        add();
      },
      [&] {
        while (locks[1].test_and_set(acquire)) B::pause();
        while (locks[0].test_and_set(acquire)) B::pause();
        add();
      });
}

}  // namespace

TEST_CASE("a spin lock whose unlock is relaxed") {
  passes(spin_lock<spin_lock_mistake::none>);
  caught(kind::data_race, "plain data", spin_lock<spin_lock_mistake::unlock_relaxed>);
}
TEST_CASE("a ticket lock that calls the next one relaxed") {
  passes(ticket_lock<ticket_lock_mistake::none>);
  caught(kind::data_race, "plain data", ticket_lock<ticket_lock_mistake::serving_relaxed>);
}
TEST_CASE("Peterson's lock by release and acquire") {
  passes(peterson<peterson_mistake::none>);
  caught(kind::data_race, "plain data", peterson<peterson_mistake::release_acquire>);
}
TEST_CASE("a seqlock without one of its fences") {
  passes(seqlock<seqlock_mistake::none>);
  caught(kind::requirement, "torn", seqlock<seqlock_mistake::reader_without_fence>);
  caught(kind::requirement, "torn", seqlock<seqlock_mistake::writer_without_fence>);
}
TEST_CASE("two locks that each thread takes in its own order, and gives back where the second is taken") {
  passes(two_locks<two_locks_mistake::none>);
  caught(kind::livelock, "undo each other's steps", two_locks<two_locks_mistake::opposite_orders>);
  // Here one of the two may try for as long as the other holds a lock and isn't run: without an end, but not for ever.
  const model::report r = model::check(two_locks_one_patient);
  INFO((r.violation ? r.violation->message + "\n" + r.violation->trace : ""));
  CHECK(r.ok());
}
