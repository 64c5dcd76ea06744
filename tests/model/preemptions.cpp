// SPDX-License-Identifier: BSL-1.0
// The exhaustive mode with a preemption bound: everything that few interruptions can lead to, and nothing else.

#include <set>
#include <string>

#include "catch.hpp"
#include "model/names.hpp"

namespace {

using namespace names;
using outcomes = std::set<std::string>;

template <class Body>
model::report within(unsigned preemptions, Body body, model::options o = {}) {
  o.preemption_bound = preemptions;
  return model::check(o, body);
}

// Two threads whose steps must come in turns for the last to be made: so one interrupts the other `preemptions` times.
void in_turns(unsigned preemptions) {
  const unsigned steps = preemptions + 2;
  atomic<unsigned> made{0};
  const auto every_second = [&](unsigned first) {
    for (unsigned step = first; step < steps; step += 2) {
      unsigned before = step;
      made.compare_exchange_strong(before, step + 1, relaxed);
    }
  };
  together([&] { every_second(0); }, [&] { every_second(1); });
  model::require(made.load(relaxed) != steps, "the steps come in turns");
}

void store_buffering() {
  atomic<int> x{0};
  atomic<int> y{0};
  together(
      [&] {
        x.store(1, relaxed);
        model::observe("a", y.load(relaxed));
      },
      [&] {
        y.store(1, relaxed);
        model::observe("b", x.load(relaxed));
      });
}
void message_passing() {
  atomic<int> x{0};
  atomic<int> y{0};
  together(
      [&] {
        x.store(1, relaxed);
        y.store(1, release);
      },
      [&] {
        model::observe("y", y.load(acquire));
        model::observe("x", x.load(relaxed));
      });
}
void two_stores_each() {
  atomic<int> x{0};
  atomic<int> y{0};
  together(
      [&] {
        x.store(1, relaxed);
        y.store(2, relaxed);
      },
      [&] {
        y.store(1, relaxed);
        x.store(2, relaxed);
      });
  model::observe("x", x.load(relaxed));
  model::observe("y", y.load(relaxed));
}
template <class Order>
void independent_reads(Order order) {
  atomic<int> x{0};
  atomic<int> y{0};
  model::thread writes_x([&] { x.store(1, order); });
  model::thread writes_y([&] { y.store(1, order); });
  together(
      [&] {
        model::observe("a", x.load(order));
        model::observe("b", y.load(order));
      },
      [&] {
        model::observe("c", y.load(order));
        model::observe("d", x.load(order));
      });
  writes_x.join();
  writes_y.join();
}
void weak_cas() {
  atomic<int> x{0};
  const auto set = [&x](const char* name, int value) {
    int expected = 0;
    model::observe(name, x.compare_exchange_weak(expected, value, relaxed));
  };
  together([&] { set("a", 1); }, [&] { set("b", 2); });
}
void freed_memory() {
  const auto make = [](const char* name) {
    void* const first = pawl::environment<B>::allocate(8, 8);
    pawl::environment<B>::deallocate(first, 8, 8);
    void* const second = pawl::environment<B>::allocate(8, 8);
    pawl::environment<B>::deallocate(second, 8, 8);
    model::observe(name, first == second);
  };
  together([&] { make("a"); }, [&] { make("b"); });
}
// Each waits for the other, again and again.
void ping_pong() {
  atomic<int> ball{0};
  const auto wait_for = [&ball](int value) {
    while (ball.load(acquire) != value) B::pause();
  };
  together(
      [&] {
        wait_for(1);
        ball.store(2, release);
        wait_for(3);
        model::observe("last", ball.load(relaxed));
      },
      [&] {
        ball.store(1, release);
        wait_for(2);
        ball.store(3, release);
      });
}

// With a bound that bounds nothing it is the exhaustive mode, by another way.
template <class Body>
void agrees(Body body, const model::options& o = {}) {
  const model::report all = model::check(o, body);
  const model::report bounded = within(20, body, o);
  CHECK(all.complete);
  CHECK(bounded.ok());
  CHECK_FALSE(bounded.complete);
  CHECK(bounded.outcomes == all.outcomes);
  CHECK(bounded.executions == all.executions);
}

}  // namespace

TEST_CASE("what needs so many preemptions is found with as many, and not with one less") {
  for (const unsigned needed : {0U, 1U, 2U, 3U}) {
    CAPTURE(needed);
    const auto body = [needed] { in_turns(needed); };
    const model::report found = within(needed, body);
    REQUIRE(found.violation);
    CHECK(found.violation->kind == kind::requirement);
    CHECK(found.preemptions == needed);
    // With a higher bound it is still found first with the fewest.
    CHECK(within(needed + 2, body).preemptions == needed);
    if (needed == 0) continue;
    const model::report clean = within(needed - 1, body);
    CHECK(clean.ok());
    CHECK_FALSE(clean.complete);
    CHECK(clean.preemptions == needed - 1);
  }
}

TEST_CASE("a bound that bounds nothing leaves the outcomes and the executions of the exhaustive mode") {
  agrees(store_buffering);
  agrees(message_passing);
  agrees(two_stores_each);
  agrees([] {  // nobody reads which of the two stores came last
    atomic<int> x{0};
    together([&] { x.store(1, relaxed); }, [&] { x.store(2, relaxed); });
  });
  agrees([] { independent_reads(relaxed); });
  agrees([] { independent_reads(seq_cst); });
  agrees(weak_cas);
  agrees([] {
    atomic<int> x{0};
    const auto add_twice = [&] {
      x.fetch_add(1, relaxed);
      x.fetch_add(1, relaxed);
    };
    model::thread third(add_twice);
    together(add_twice, add_twice);
    third.join();
  });
  model::options o;
  o.reuse = true;
  agrees(freed_memory, o);
  o.reuse = false;
  o.memory_model = model::memory_model::rc11;
  agrees([] { independent_reads(seq_cst); }, o);
}

TEST_CASE("without preemption one thread ends before the other begins, but may be read late") {
  model::options o;
  CHECK(within(0, store_buffering).outcomes == outcomes{"a=0 b=0", "a=0 b=1", "a=1 b=0"});
  CHECK(within(20, store_buffering).preemptions == 2);  // more there can't be
  CHECK(within(1, store_buffering).outcomes == outcomes{"a=0 b=0", "a=0 b=1", "a=1 b=0", "a=1 b=1"});
  o.memory_model = model::memory_model::sc;
  CHECK(within(0, store_buffering, o).outcomes == outcomes{"a=0 b=1", "a=1 b=0"});
  CHECK(within(1, store_buffering, o).outcomes == outcomes{"a=0 b=1", "a=1 b=0", "a=1 b=1"});
}

TEST_CASE("a thread that waits gives way for free, and comes back") {
  const model::report r = within(0, ping_pong);
  INFO((r.violation ? r.violation->message + "\n" + r.violation->trace : ""));
  CHECK(r.ok());
  CHECK(r.outcomes == outcomes{"last=3"});
  // What comes after the waiting goes wrong, in the thread that comes first.
  const model::report found = within(0, [] {
    atomic<int> x{0};
    together(
        [&] {
          x.store(1, relaxed);
          while (x.load(relaxed) != 2) B::pause();
          model::require(false, "it was woken");
        },
        [&] {
          int expected = 1;
          x.compare_exchange_strong(expected, 2, relaxed);
        });
  });
  REQUIRE(found.violation);
  CHECK(found.violation->kind == kind::requirement);
}

TEST_CASE("a thread that waits for ever is found without preemption") {
  const model::report r = within(0, [] {
    atomic<int> x{0};
    model::thread other([&] { x.store(1, relaxed); });
    while (x.load(relaxed) != 2) B::pause();
    other.join();
  });
  REQUIRE(r.violation);
  CHECK(r.violation->kind == kind::livelock);
}

TEST_CASE("a loop that gives up after some tries is none that waits") {
  const auto body = [] {
    atomic<int> x{0};
    together(
        [&] {
          int tries = 0;
          while (x.load(relaxed) == 0 && tries < 3) {
            ++tries;
            B::pause();
          }
          model::observe("tries", tries);
        },
        [&] { x.store(1, relaxed); });
  };
  const outcomes all{"tries=0", "tries=1", "tries=2", "tries=3"};
  CHECK(within(0, body).outcomes == all);
  // Nothing stale is read: so each of its iterations gives way for free.
  model::options o;
  o.memory_model = model::memory_model::sc;
  CHECK(within(0, body, o).outcomes == all);
}

TEST_CASE("a replay string of a bounded search runs the execution that failed") {
  const auto replays = [](auto body) {
    const model::report found = within(3, body);
    REQUIRE(found.violation);
    model::options o;
    o.replay = found.violation->replay;
    const model::report again = model::check(o, body);
    REQUIRE(again.violation);
    CHECK(again.violation->kind == found.violation->kind);
    CHECK(again.violation->trace == found.violation->trace);
    CHECK(again.violation->replay == found.violation->replay);
  };
  replays([] { in_turns(3); });
  replays([] {
    atomic<int> ball{0};
    model::var<int> data{0};
    together(
        [&] {
          while (ball.load(relaxed) != 1) B::pause();
          data.set(1);
        },
        [&] {
          data.set(2);
          ball.store(1, release);
        });
  });
}

TEST_CASE("a program too large to be explored ends with a bound, and says what was left out") {
  const auto body = [] {
    atomic<int> x{0};
    const auto add = [&] {
      for (int i = 0; i < 5; ++i) x.fetch_add(1, relaxed);
    };
    model::thread a(add);
    model::thread b(add);
    model::thread c(add);
    model::thread d(add);
    a.join();
    b.join();
    c.join();
    d.join();
    model::require(x.load(relaxed) == 20, "an addition is lost");
  };
  const model::report r = within(1, body);  // of 11,732,745,024 executions
  CHECK(r.ok());
  CHECK_FALSE(r.complete);
  CHECK(r.bounds == "a bound of 1 preemptions");
  // Four threads in any order, and one that is interrupted, behind one of its first four additions, for some of the others.
  CHECK(r.executions > 24);
  model::options o;
  o.max_executions = 10;
  const model::report few = within(1, body, o);
  CHECK(few.executions + few.repeated + few.blocked == 10);
  CHECK(few.bounds.find("a bound of 10 executions") != std::string::npos);
  o.max_executions = 0;
  o.max_steps = 5;
  CHECK(within(1, body, o).bounds.find("a bound on the steps") != std::string::npos);
}
