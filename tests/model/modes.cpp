// SPDX-License-Identifier: BSL-1.0
// The ways to run other than through all executions: at random, by priorities, by a replay string; and what a report shows.
#include <pawl/atomic.hpp>
#include <pawl/model.hpp>
#include <pawl/stack.hpp>

#include <set>
#include <stdexcept>
#include <string>

#include "catch.hpp"

namespace {

using B = pawl::backend::model;
namespace model = pawl::model;
template <class T>
using atomic = pawl::atomic<T, B>;

// Store buffering: both loads may read 0, unless everything is seq_cst.
void store_buffering() {
  atomic<int> x{0};
  atomic<int> y{0};
  int a = 0;
  int b = 0;
  model::thread first([&] {
    x.store(1, std::memory_order_relaxed);
    a = y.load(std::memory_order_relaxed);
  });
  model::thread second([&] {
    y.store(1, std::memory_order_relaxed);
    b = x.load(std::memory_order_relaxed);
  });
  first.join();
  second.join();
  model::observe("a", a);
  model::observe("b", b);
}

// Two stores to one location in different orders: the modification order is seen by nobody but the last load.
void two_stores_each() {
  atomic<int> x{0};
  atomic<int> y{0};
  model::thread first([&] {
    x.store(1, std::memory_order_relaxed);
    y.store(2, std::memory_order_relaxed);
  });
  model::thread second([&] {
    y.store(1, std::memory_order_relaxed);
    x.store(2, std::memory_order_relaxed);
  });
  first.join();
  second.join();
  model::observe("x", x.load(std::memory_order_relaxed));
  model::observe("y", y.load(std::memory_order_relaxed));
}

// An increment is lost where both loads come before both stores.
void lost_increment() {
  atomic<int> x{0};
  const auto increment = [&x] {
    const int seen = x.load(std::memory_order_relaxed);
    x.store(seen + 1, std::memory_order_relaxed);
  };
  model::thread first(increment);
  model::thread second(increment);
  first.join();
  second.join();
  model::require(x.load(std::memory_order_relaxed) == 2, "no increment is lost");
}

// Relaxed publication of plain data.
void unpublished_data() {
  atomic<int> flag{0};
  model::var<int> data{0};
  model::thread writes([&] {
    data.set(1);
    flag.store(1, std::memory_order_relaxed);
  });
  model::thread reads([&] {
    if (flag.load(std::memory_order_acquire) == 1) model::require(data.get() == 1, "what was published");
  });
  writes.join();
  reads.join();
}

// A weak compare-and-swap that is trusted not to fail for nothing.
void trusting_weak() {
  atomic<int> x{0};
  int expected = 0;
  model::require(x.compare_exchange_weak(expected, 1, std::memory_order_relaxed, std::memory_order_relaxed),
                 "nobody else is there");
}

// A thread waits for a value that nobody stores.
void waits_for_ever() {
  atomic<int> x{0};
  model::thread other([&] { x.store(1, std::memory_order_relaxed); });
  while (x.load(std::memory_order_relaxed) != 2) B::pause();
  other.join();
}

// One thread starts another, and there's a third, so that threads are numbered differently in different orders.
void nested_threads() {
  atomic<int> x{0};
  model::thread first([&] {
    model::thread inner([&] { x.fetch_add(1, std::memory_order_relaxed); });
    inner.join();
  });
  model::thread second([&] {
    model::thread inner([&] { x.store(x.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); });
    inner.join();
  });
  first.join();
  second.join();
  model::require(x.load(std::memory_order_relaxed) == 2, "no increment is lost");
}

template <class Body>
model::report run(model::mode how, Body body, std::uint64_t seed = 1) {
  model::options o;
  o.mode = how;
  o.seed = seed;
  o.max_executions = 3000;
  return model::check(o, body);
}

// A violation is found, and its replay string runs that very execution.
template <class Body>
void replays(model::mode how, model::violation_kind kind, Body body) {
  const model::report found = run(how, body);
  REQUIRE(found.violation);
  CHECK(found.violation->kind == kind);
  CHECK_FALSE(found.complete);
  model::options o;
  o.replay = found.violation->replay;
  const model::report again = model::check(o, body);
  REQUIRE(again.violation);
  CHECK(again.violation->kind == kind);
  CHECK(again.violation->trace == found.violation->trace);
  CHECK(again.violation->message == found.violation->message);
  CHECK(again.violation->replay == found.violation->replay);
  CHECK_FALSE(again.complete);
}

constexpr model::mode all_modes[] = {model::mode::exhaustive, model::mode::random, model::mode::pct};
constexpr model::mode random_modes[] = {model::mode::random, model::mode::pct};

}  // namespace

TEST_CASE("a replay string runs exactly the execution that failed, whichever mode found it") {
  for (const model::mode how : all_modes) {
    CAPTURE(static_cast<int>(how));
    replays(how, model::violation_kind::requirement, lost_increment);
    replays(how, model::violation_kind::data_race, unpublished_data);
    replays(how, model::violation_kind::requirement, trusting_weak);
    replays(how, model::violation_kind::requirement, nested_threads);
    replays(how, model::violation_kind::livelock, waits_for_ever);
  }
}

TEST_CASE("a replay string of another program, or none at all, is refused or reported") {
  model::options o;
  o.replay = "not one!";
  CHECK_THROWS_AS(model::check(o, lost_increment), std::invalid_argument);
  o.replay = run(model::mode::exhaustive, lost_increment).violation->replay;
  const model::report other = model::check(o, store_buffering);
  CHECK_FALSE(other.complete);
  CHECK(other.executions + other.blocked <= 1);
}

TEST_CASE("the random modes find what the exhaustive one finds, and never say that they saw everything") {
  const model::report all = model::check(store_buffering);
  CHECK(all.complete);
  CHECK(all.executions == 4);
  CHECK(all.outcomes.size() == 4);
  const model::report orders = model::check(two_stores_each);
  CHECK(orders.outcomes.size() == 4);
  for (const model::mode how : random_modes) {
    CAPTURE(static_cast<int>(how));
    const model::report some = run(how, store_buffering);
    CHECK(some.ok());
    CHECK_FALSE(some.complete);
    CHECK(some.executions == 3000);
    CHECK(some.outcomes == all.outcomes);
    CHECK(run(how, two_stores_each).outcomes == orders.outcomes);
  }
}

TEST_CASE("the seed decides what the random modes do") {
  for (const model::mode how : random_modes) {
    const model::report first = run(how, lost_increment, 5);
    const model::report second = run(how, lost_increment, 5);
    CHECK(first.executions == second.executions);
    CHECK(first.violation->replay == second.violation->replay);
  }
}

TEST_CASE("a preemption bound keeps a thread going that can") {
  model::options o;
  o.mode = model::mode::random;
  o.max_executions = 2000;
  o.preemption_bound = 0;
  o.memory_model = model::memory_model::sc;
  // Without preemption one thread ends before the other begins, and under sc it can't read anything stale.
  CHECK(model::check(o, lost_increment).ok());
  o.preemption_bound = 1;
  CHECK_FALSE(model::check(o, lost_increment).ok());
  o.mode = model::mode::exhaustive;  // see preemptions.cpp
  CHECK_FALSE(model::check(o, lost_increment).ok());
  o.preemption_bound = 0;
  CHECK(model::check(o, lost_increment).ok());
}

TEST_CASE("under sc all atomics behave as if they were seq_cst") {
  model::options o;
  o.memory_model = model::memory_model::sc;
  const model::report r = model::check(o, store_buffering);
  CHECK(r.complete);
  CHECK(r.outcomes == std::set<std::string>{"a=0 b=1", "a=1 b=0", "a=1 b=1"});
  CHECK(model::check(o, two_stores_each).outcomes == std::set<std::string>{"x=1 y=2", "x=2 y=1", "x=2 y=2"});
}

TEST_CASE("a trace says what was read, what else could have been, and which edge is missing") {
  const model::report r = model::check(unpublished_data);
  REQUIRE(r.violation);
  const auto says = [&r](const char* text) { return (r.violation->message + r.violation->trace).find(text) != std::string::npos; };
  CHECK(says("modes.cpp:"));
  CHECK(says("store relaxed, stores 1"));
  CHECK(says("load acquire, reads 1 from 1 by thread 1"));
  CHECK(says("could have read the initial 0"));
  CHECK(says("that store is relaxed (release, or a release fence before it, is needed)"));
  CHECK_FALSE(says("this load is"));
  CHECK(r.violation->dot.find("digraph") == 0);
  CHECK(r.violation->dot.find("reads from") != std::string::npos);
}

TEST_CASE("the shortest trace that is found in a while is shown") {
  // The failure needs one step; in most executions many come before it.
  const model::report r = model::check([] {
    atomic<int> x{0};
    model::thread works([&] {
      for (int i = 1; i < 4; ++i) x.store(i, std::memory_order_relaxed);
    });
    model::thread looks([&] { model::require(x.load(std::memory_order_relaxed) == 0, "still zero"); });
    works.join();
    looks.join();
  });
  REQUIRE(r.violation);
  std::size_t lines = 0;
  for (const char each : r.violation->trace) lines += each == '\n' ? 1U : 0U;
  CHECK(lines == r.violation->length);
  CHECK(lines <= 9);
}

TEST_CASE("rc11 allows what C++20's rule for S forbids") {
  // Independent reads of independent writes: the writes are relaxed, so nothing is between what is written and what is read.
  const auto body = [] {
    atomic<int> x{0};
    atomic<int> y{0};
    int seen[4] = {};
    model::thread writes_x([&] { x.store(1, std::memory_order_relaxed); });
    model::thread writes_y([&] { y.store(1, std::memory_order_relaxed); });
    model::thread reads_x([&] {
      seen[0] = x.load(std::memory_order_seq_cst);
      seen[1] = y.load(std::memory_order_seq_cst);
    });
    model::thread reads_y([&] {
      seen[2] = y.load(std::memory_order_seq_cst);
      seen[3] = x.load(std::memory_order_seq_cst);
    });
    writes_x.join();
    writes_y.join();
    reads_x.join();
    reads_y.join();
    model::require(!(seen[0] == 1 && seen[1] == 0 && seen[2] == 1 && seen[3] == 0), "all see the writes in one order");
  };
  model::options o;
  const model::report cpp20 = model::check(o, body);
  CHECK(cpp20.ok());
  CHECK(cpp20.complete);
  CHECK(cpp20.executions == 15);
  o.memory_model = model::memory_model::rc11;
  const model::report rc11 = model::check(o, body);
  REQUIRE(rc11.violation);
  CHECK(rc11.violation->kind == model::violation_kind::requirement);
}

TEST_CASE("what is not there is refused") {
  CHECK_THROWS_AS(model::thread([] {}), std::logic_error);
  const model::report nested = model::check([] { model::check(lost_increment); });
  REQUIRE(nested.violation);
  CHECK(nested.violation->kind == model::violation_kind::exception);
}
