// SPDX-License-Identifier: BSL-1.0
// Loops with effects: threads that undo each other's steps for ever are found, and nobody else is taken for them.

#include <string>

#include "catch.hpp"
#include "model/names.hpp"

namespace {

using namespace names;

// Each thread takes two locks, in opposite orders, and starts over where the second is taken: while go_on(thread) says so.
template <class GoOn>
void opposite_orders(GoOn go_on) {
  pawl::atomic_flag<B> locks[2];
  const auto take = [&](unsigned me) {
    do {
      if (!locks[me].test_and_set(acquire)) {
        const bool both = !locks[1 - me].test_and_set(acquire);
        if (both) locks[1 - me].clear(release);
        locks[me].clear(release);
        if (both) return;
      }
      B::pause();
    } while (go_on(me));
  };
  model::thread a([&] { take(0); });
  model::thread b([&] { take(1); });
  a.join();
  b.join();
}
const auto for_ever = [](unsigned /*thread*/) { return true; };

// No livelock, though where it can't be seen that a thread is elsewhere than before, that may be all that is found out.
template <class Body>
void never_stuck(Body body) {
  const model::report r = model::check(body);
  INFO((r.violation ? r.violation->message + "\n" + r.violation->trace : ""));
  CHECK(r.ok());
  CHECK(r.complete == r.bounds.empty());
}
// Clean; `complete`, or else not because a loop did the same too often.
template <class Body>
void clean(bool complete, Body body, const model::options& o = {}) {
  const model::report r = model::check(o, body);
  INFO((r.violation ? r.violation->message + "\n" + r.violation->trace : "") << r.bounds);
  CHECK(r.ok());
  CHECK(r.complete == complete);
  CHECK((r.bounds.find("repetitions") == std::string::npos) == complete);
}

}  // namespace

TEST_CASE("threads that undo each other's steps are a livelock, by whichever mode") {
  const auto body = [] { opposite_orders(for_ever); };
  model::options o;
  const auto found = [&] {
    const model::report r = model::check(o, body);
    REQUIRE(r.violation);
    CHECK(r.violation->kind == kind::livelock);
    CHECK(r.violation->message.find("undo each other's steps") != std::string::npos);
    // What comes again are the steps of both.
    const std::size_t again = r.violation->trace.find("again and again:\n");
    REQUIRE(again != std::string::npos);
    CHECK(r.violation->trace.find("thread 1", again) != std::string::npos);
    CHECK(r.violation->trace.find("thread 2", again) != std::string::npos);
    model::options only;
    only.replay = r.violation->replay;
    const model::report replayed = model::check(only, body);
    REQUIRE(replayed.violation);
    CHECK(replayed.violation->trace == r.violation->trace);
  };
  found();
  o.preemption_bound = 2;
  found();
  o.preemption_bound.reset();
  o.mode = model::mode::random;
  found();
}

TEST_CASE("threads that give up after some tries are no livelock, wherever they count") {
  clean(true, [] {
    int tries[2] = {};
    opposite_orders([tries](unsigned me) mutable { return ++tries[me] < 2; });
  });
  // In memory that the checker doesn't follow, and where it does.
  never_stuck([] {
    int tries[2] = {};  // on the main thread's stack
    opposite_orders([&](unsigned me) { return ++tries[me] < 5; });
  });
  never_stuck([] {
    int* const tries[2] = {model::make<int>(0), model::make<int>(0)};
    opposite_orders([&](unsigned me) { return ++*tries[me] < 5; });
    model::destroy(tries[0]);
    model::destroy(tries[1]);
  });
  never_stuck([] {
    model::var<int> tries[2] = {0, 0};
    opposite_orders([&](unsigned me) {
      tries[me].set(tries[me].get() + 1);
      return tries[me].get() < 5;
    });
  });
  // An atomic's value is read, so no iteration is like another.
  clean(true, [] {
    atomic<int> tries[2] = {0, 0};
    opposite_orders([&](unsigned me) { return tries[me].fetch_add(1, relaxed) < 1; });
  });
}

TEST_CASE("a loop with effects that another thread ends is none for ever") {
  // By a store that is read late as often as one likes, but not for ever.
  clean(false, [] {
    atomic<int> go{0};
    atomic<int> scratch{0};
    model::thread waits([&] {
      while (go.load(relaxed) == 0) {
        scratch.store(1, relaxed);
        B::pause();
      }
    });
    go.store(1, relaxed);
    waits.join();
  });
  // By a thread that is alive, and never interrupted for ever.
  clean(false, [] {
    atomic<int> lock{1};
    atomic<int> scratch{0};
    model::thread tries([&] {
      while (lock.exchange(1, acquire) == 1) {
        scratch.store(1, relaxed);
        B::pause();
      }
    });
    model::thread holds([&] {
      scratch.store(2, relaxed);
      lock.store(0, release);
    });
    tries.join();
    holds.join();
  });
  // By one that waits, and would go on if it looked at the right moment.
  clean(false, [] {
    atomic<int> lock{1};
    atomic<int> done{0};
    model::thread opens_and_closes([&] {
      while (done.load(relaxed) == 0) {
        lock.store(0, relaxed);
        lock.store(1, relaxed);
        B::pause();
      }
    });
    model::thread waits([&] {
      while (lock.load(relaxed) == 1) B::pause();
      done.store(1, relaxed);
    });
    opens_and_closes.join();
    waits.join();
  });
  // A weak compare-and-swap doesn't fail for nothing for ever.
  model::options o;
  o.spurious_failures = 9;
  clean(
      false,
      [] {
        atomic<int> x{0};
        atomic<int> scratch{0};
        int expected = 0;
        while (!x.compare_exchange_weak(expected, 1, relaxed)) {
          scratch.store(1, relaxed);
          B::pause();
        }
      },
      o);
}

TEST_CASE("a thread alone that gets nowhere is a livelock, also while others wait for it") {
  const model::report r = model::check([] {
    atomic<int> go{0};
    atomic<int> scratch{0};
    model::thread tries([&] {
      while (go.load(relaxed) == 0) {
        scratch.store(1, relaxed);
        B::pause();
      }
    });
    model::thread waits([&] {
      while (go.load(relaxed) == 0) B::pause();
    });
    tries.join();
    waits.join();
  });
  REQUIRE(r.violation);
  CHECK(r.violation->kind == kind::livelock);
}

TEST_CASE("without a bound on repetitions there is still one on steps") {
  model::options o;
  o.repetitions = 0;
  o.max_steps = 30;
  const auto one_lock = [] {
    atomic<int> lock{1};
    atomic<int> scratch{0};
    model::thread tries([&] {
      while (lock.load(acquire) == 1) {
        scratch.store(1, relaxed);
        B::pause();
      }
    });
    lock.store(0, release);
    tries.join();
  };
  const model::report r = model::check(o, one_lock);
  CHECK(r.ok());
  CHECK(r.bounds == "a bound on the steps of an execution");
}

TEST_CASE("loops with effects that lead somewhere are explored completely") {
  clean(true, [] {  // what changes is read only to be compared
    atomic<int> x{0};
    model::thread counts([&] {
      while (x.load(relaxed) < 5) {
        x.store_add(1, relaxed);
        B::pause();
      }
    });
    counts.join();
  });
  clean(true, [] {
    atomic<int> x{0};
    const auto count = [&] {
      while (x.fetch_add(1, relaxed) < 5) B::pause();
    };
    model::thread a(count);
    model::thread b(count);
    a.join();
    b.join();
  });
}
