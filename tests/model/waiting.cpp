// SPDX-License-Identifier: BSL-1.0
// wait, notify_one and notify_all in checked programs: a right use is explored completely, a lost notification is a deadlock.

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <set>
#include <string>

#include "catch.hpp"
#include "model/modelled_room.hpp"
#include "model/names.hpp"

namespace {

using namespace names;

// Explored completely and without a violation, in so many executions.
template <class Body>
void holds(std::uint64_t executions, Body body) {
  const model::report r = model::check(body);
  INFO((r.violation ? r.violation->message + "\n" + r.violation->trace : ""));
  CHECK(r.ok());
  CHECK(r.complete);
  CHECK(r.executions == executions);
}
template <class Body>
model::violation violates(kind expected, Body body) {
  const model::report r = model::check(body);
  REQUIRE(r.violation.has_value());
  INFO(r.violation->message << "\n" << r.violation->trace);
  CHECK(std::string(to_string(r.violation->kind)) == to_string(expected));
  CHECK_FALSE(r.complete);
  // The replay string runs exactly this execution.
  model::options o;
  o.replay = r.violation->replay;
  const model::report again = model::check(o, body);
  REQUIRE(again.violation);
  CHECK(again.violation->message == r.violation->message);
  CHECK(again.violation->length == r.violation->length);
  return *r.violation;
}
bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// A waits for one value and answers by the next, and so on.
template <class T>
void ping_pong(int rounds) {
  atomic<T> ball{T(0)};
  model::var<int> hits{0};
  const auto play = [&](int first) {
    for (int i = first; i < 2 * rounds; i += 2) {
      // In the other's hands while the number is of the other kind.
      for (T seen = ball.load(acquire); seen != T(i); seen = ball.load(acquire)) ball.wait(seen, acquire);
      hits.set(hits.get() + 1);
      const int next = i + 1;
      ball.store(T(next), release);
      ball.notify_one();
    }
  };
  together([&] { play(0); }, [&] { play(1); });
  model::require(hits.get() == 2 * rounds, "a hit is lost");
}

// Two threads wait for what main stores.
template <class Notify>
void two_wait(Notify notify) {
  atomic<int> x{0};
  model::thread a([&] { x.wait(0, relaxed); });
  model::thread b([&] { x.wait(0, relaxed); });
  x.store(1, relaxed);
  notify(x);
  a.join();
  b.join();
}

}  // namespace

TEST_CASE("waiting: one hands over to another, explored completely") {
  holds(1, [] {
    atomic<int> x{0};
    model::var<int> data{0};
    model::thread a([&] {
      data.set(1);
      x.store(1, release);
      x.notify_one();
    });
    x.wait(0, acquire);
    model::require(data.get() == 1 && x.load(relaxed) == 1, "it has changed");
    a.join();
  });
  const auto clean = [](auto body) {
    const model::report r = model::check(body);
    INFO((r.violation ? r.violation->message + "\n" + r.violation->trace : ""));
    CHECK(r.ok());
    CHECK(r.complete);
    CHECK(r.executions < 300);
  };
  clean([] { ping_pong<int>(1); });
  clean([] { ping_pong<int>(2); });
  clean([] { ping_pong<std::uint8_t>(1); });
  clean([] { ping_pong<std::uint64_t>(2); });
}

TEST_CASE("waiting: a notification that is forgotten, or comes too early, is a deadlock") {
  const auto forgotten = violates(kind::deadlock, [] {
    atomic<int> x{0};
    model::thread a([&] { x.store(1); });
    x.wait(0);
    a.join();
  });
  CHECK(contains(forgotten.message, "thread 0 waits for ever at waiting.cpp:"));
  CHECK(contains(forgotten.message, "nobody notifies"));
  CHECK(contains(forgotten.trace, "sleeps"));

  const auto early = violates(kind::deadlock, [] {
    atomic<int> x{0};
    model::thread a([&] {
      x.notify_all();
      x.store(1);
    });
    x.wait(0);
    a.join();
  });
  CHECK(contains(early.message, "the notify_all of thread 1 (waiting.cpp:"));
  CHECK(contains(early.message, "comes when nothing was stored that this thread has not seen"));

  // By a thread that doesn't know of the change.
  violates(kind::deadlock, [] {
    atomic<int> x{0};
    atomic<bool> stored{false};
    model::thread a([&] {
      x.store(1, relaxed);
      stored.store(true, relaxed);
    });
    model::thread b([&] {
      while (!stored.load(relaxed)) B::pause();
      x.notify_all();
    });
    x.wait(0, relaxed);
    a.join();
    b.join();
  });
  holds(1, [] {
    atomic<int> x{0};
    atomic<bool> stored{false};
    model::thread a([&] {
      x.store(1, relaxed);
      stored.store(true, release);
    });
    model::thread b([&] {
      while (!stored.load(acquire)) B::pause();
      x.notify_all();
    });
    x.wait(0, relaxed);
    a.join();
    b.join();
  });
  // A change that is notified, but undone.
  violates(kind::deadlock, [] {
    atomic<int> x{0};
    model::thread a([&] {
      x.store(1);
      x.notify_all();
      x.store(0);
    });
    x.wait(0);
    a.join();
  });
}

TEST_CASE("waiting: of several that wait, notify_one wakes one, whichever") {
  const auto found = violates(kind::deadlock, [] { two_wait([](auto& x) { x.notify_one(); }); });
  CHECK(contains(found.message, "waits for ever at waiting.cpp:"));
  CHECK(contains(found.message, "the notify_one of thread 0 (waiting.cpp:"));
  CHECK((contains(found.message, "wakes thread 1") || contains(found.message, "wakes thread 2")));

  holds(1, [] { two_wait([](auto& x) { x.notify_all(); }); });
  // Each thread sees the change at once, or is woken by one of the two, and not both by the same.
  holds(7, [] {
    two_wait([](auto& x) {
      x.notify_one();
      x.notify_one();
    });
  });
  // One is woken by the first and passes it on.
  const auto passed_on = [](bool passes) {
    return [=] {
      atomic<int> x{0};
      const auto wait = [&] {
        x.wait(0);
        if (passes) x.notify_one();
      };
      model::thread a(wait);
      model::thread b(wait);
      x.store(1);
      x.notify_one();
      a.join();
      b.join();
    };
  };
  CHECK(model::check(passed_on(true)).complete);
  violates(kind::deadlock, passed_on(false));
}

TEST_CASE("waiting: one that waits for another change may take a notification away") {
  // b waits for 1 to change: it may sleep when the 2 is notified, and then a sleeps on.
  const auto changes = [](bool all) {
    return [=] {
      atomic<int> x{0};
      model::thread a([&] { x.wait(0); });
      model::thread b([&] { x.wait(1); });
      x.store(1);
      x.store(2);
      if (all) {
        x.notify_all();
      } else {
        x.notify_one();
      }
      a.join();
      b.join();
    };
  };
  CHECK(model::check(changes(true)).complete);
  violates(kind::deadlock, changes(false));
  // But one that waits for the value that is notified has no claim to it: it has not slept since before the change.
  const model::report r = model::check([] {
    atomic<int> x{0};
    model::thread a([&] { x.wait(0); });
    model::thread b([&] {
      if (x.load() == 1) x.wait(1);
    });
    x.store(1);
    x.notify_one();
    a.join();
    x.store(2);
    x.notify_all();
    b.join();
  });
  INFO((r.violation ? r.violation->message + "\n" + r.violation->trace : ""));
  CHECK(r.complete);
}

TEST_CASE("waiting: one that comes after a notification does not take it away") {
  const auto comes_after = [](std::memory_order to, std::memory_order from) {
    return [=] {
      atomic<int> x{0};
      atomic<bool> notified{false};
      model::thread a([&] { x.wait(0, relaxed); });
      model::thread b([&] {
        if (notified.load(from)) x.wait(0, relaxed);
      });
      x.store(1, relaxed);
      x.notify_one();
      notified.store(true, to);
      a.join();
      b.join();
    };
  };
  CHECK(model::check(comes_after(release, acquire)).complete);
  // It may still read the old 0, and be one of the two that the notification is for.
  violates(kind::deadlock, comes_after(relaxed, relaxed));
}

TEST_CASE("waiting: who was woken reads nothing older than what was notified, whoever comes first by number") {
  std::set<std::uint64_t> executions;
  int order[] = {0, 1, 2, 3};
  do {
    const model::report r = model::check([&order] {
      atomic<int> x{0};
      const auto role = [&x](int which) {
        if (which < 2) x.wait(0, relaxed);
        if (which == 2) {
          x.store(1, relaxed);
          x.notify_one();
          x.notify_one();
        }
        if (which == 3) x.store(2, relaxed);
      };
      model::thread a([&] { role(order[0]); });
      model::thread b([&] { role(order[1]); });
      model::thread c([&] { role(order[2]); });
      model::thread d([&] { role(order[3]); });
      a.join();
      b.join();
      c.join();
      d.join();
    });
    CHECK(r.complete);
    executions.insert(r.executions);
  } while (std::next_permutation(std::begin(order), std::end(order)));
  // Each wait reads the 1 or the 2 at once, or is woken by one of the two notifications and reads what is not before the 1. With the 1 before
  // the 2: neither sleeps: 2 * 2; one does: 2 * 2 * (2 * 2); both do: 2 * (2 * 2). With the 2 before the 1: 2 * 2, 2 * 2 * (2 * 1), 2.
  CHECK(executions == std::set<std::uint64_t>{28 + 14});
}

TEST_CASE("waiting: neither side synchronizes by itself") {
  const auto passes = [](std::memory_order to, std::memory_order from, bool two) {
    return [=] {
      atomic<int> x{0};
      model::var<int> data{0};
      const auto reads = [&] {
        x.wait(0, from);
        static_cast<void>(data.get());
      };
      model::thread a(reads);
      model::thread b([&] {
        if (two) reads();
      });
      data.set(1);
      x.store(1, to);
      x.notify_one();
      if (two) x.notify_one();
      a.join();
      b.join();
    };
  };
  for (const bool two : {false, true}) {
    CHECK(model::check(passes(release, acquire, two)).complete);
    const auto found = violates(kind::data_race, passes(relaxed, acquire, two));
    CHECK(contains(found.message, "that store is relaxed"));
    violates(kind::data_race, passes(release, relaxed, two));
  }
}

TEST_CASE("waiting: atomic_ref and atomic_flag, and what other operations change") {
  holds(1, [] {
    int object = 0;
    model::thread a([&] {
      const pawl::atomic_ref<int, B> x(object);
      x.fetch_add(1);
      x.notify_one();
    });
    const pawl::atomic_ref<int, B> x(object);
    x.wait(0);
    a.join();
  });
  holds(1, [] {
    int object = 0;
    const auto waits = [&] { pawl::atomic_ref<int, B>(object).wait(0, relaxed); };
    model::thread a(waits);
    model::thread b(waits);
    pawl::atomic_ref<int, B> x(object);
    x.store_add(1, relaxed);
    x.notify_all();
    a.join();
    b.join();
  });
  violates(kind::deadlock, [] {
    int object = 0;
    const auto waits = [&] { pawl::atomic_ref<int, B>(object).wait(0); };
    model::thread a(waits);
    model::thread b(waits);
    pawl::atomic_ref<int, B> x(object);
    x.exchange(1);
    x.notify_one();
    a.join();
    b.join();
  });
  holds(1, [] {
    pawl::atomic_flag<B> flag;
    model::thread a([&] {
      flag.test_and_set(release);
      flag.notify_one();
    });
    flag.wait(false, acquire);
    a.join();
    model::require(flag.test(), "set");
  });
  holds(1, [] {
    pawl::atomic_flag<B> flag;
    flag.test_and_set();
    const auto waits = [&] { flag.wait(true); };
    model::thread a(waits);
    model::thread b(waits);
    flag.clear();
    flag.notify_all();
    a.join();
    b.join();
  });
  violates(kind::deadlock, [] {
    pawl::atomic_flag<B> flag;
    model::thread a([&] { flag.test_and_set(); });
    flag.wait(false);
    a.join();
  });
  // A value in the place of another's, 16 bytes, a failed compare-and-swap.
  struct wide {
    std::uint64_t first, second;
  };
  holds(1, [] {
    atomic<wide> x{wide{1, 2}};
    model::thread a([&] {
      x.store({1, 3});
      x.notify_one();
    });
    x.wait({1, 2});
    model::require(x.load().second == 3, "changed");
    a.join();
  });
  violates(kind::deadlock, [] {
    atomic<wide> x{wide{1, 2}};
    model::thread a([&] {
      x.store({1, 2});  // no change
      x.notify_one();
    });
    x.wait({1, 2});
    a.join();
  });
}

TEST_CASE("waiting: an atomic that has ended is not waited for, nor notified") {
  violates(kind::use_after_free, [] {
    auto* const x = model::make<atomic<int>>(0);
    model::thread a([x] {
      x->store(1);
      x->notify_one();  // the other may have gone on by then
    });
    x->wait(0);
    model::destroy(x);
    a.join();
  });
}

TEST_CASE("waiting: a lock that sleeps") {
  const auto locked = [](bool wakes_all, unsigned threads, bool checks) {
    return [=] {
      // 0: free; 1: locked; 2: and somebody may sleep (U. Drepper, "Futexes Are Tricky")
      atomic<int> lock{0};
      model::var<unsigned> count{0};
      const auto add = [&] {
        int seen = 0;
        if (!lock.compare_exchange_strong(seen, 1, acquire, relaxed)) {
          while (lock.exchange(2, acquire) != 0) lock.wait(2, relaxed);
        }
        count.set(count.get() + 1);
        if (lock.exchange(0, release) == 2 || !checks) {
          if (wakes_all) {
            lock.notify_all();
          } else {
            lock.notify_one();
          }
        }
      };
      model::thread a(add);
      model::thread b(add);
      if (threads > 2) {
        model::thread c(add);
        c.join();
      }
      a.join();
      b.join();
      model::require(count.get() == threads, "two threads held the lock");
    };
  };
  for (const bool all : {false, true}) {
    const model::report two = model::check(locked(all, 2, true));
    INFO((two.violation ? two.violation->message + "\n" + two.violation->trace : ""));
    CHECK(two.complete);
    CHECK(two.executions < 100);
  }
  const model::report three = model::check(locked(false, 3, true));
  INFO((three.violation ? three.violation->message + "\n" + three.violation->trace : ""));
  CHECK(three.complete);
}

TEST_CASE("waiting: the random modes wake, too") {
  for (const model::mode mode : {model::mode::random, model::mode::pct}) {
    model::options o;
    o.mode = mode;
    o.max_executions = 500;
    const model::report plays = model::check(o, [] { ping_pong<int>(3); });
    INFO((plays.violation ? plays.violation->message + "\n" + plays.violation->trace : ""));
    CHECK(plays.ok());
    CHECK(plays.executions == 500);
    const auto both = [] {
      two_wait([](auto& x) {
        x.notify_one();
        x.notify_one();
      });
    };
    const model::report two = model::check(o, both);
    CHECK(two.ok());
    CHECK(two.executions + two.blocked == 500);
    CHECK(two.executions > 400);

    const auto one = [] { two_wait([](auto& x) { x.notify_one(); }); };
    const model::report lost = model::check(o, one);
    REQUIRE(lost.violation);
    CHECK(lost.violation->kind == kind::deadlock);
    model::options again;
    again.replay = lost.violation->replay;
    const model::report replayed = model::check(again, one);
    REQUIRE(replayed.violation);
    CHECK(replayed.violation->trace == lost.violation->trace);
  }
}

// ---- The host's waiting room -------------------------------------------------------------------------------------------------------

namespace {

using scenarios::modelled_room;
using scenarios::modelled_sleep;

struct deaf_sleep : modelled_sleep {
  static void wake(const std::uint32_t&, bool) noexcept {}
};
struct no_heavy_fence : pawl::environment<B> {
  static bool heavy_fence() noexcept { return true; }
};
struct no_light_fence : pawl::environment<B> {
  static void light_fence(fences) noexcept {}
};

// One thread waits, another stores and notifies, by relaxed accesses alone.
template <class W, class Environment = pawl::environment<B>, class Sleep = modelled_sleep>
void one_waits() {
  modelled_room<W, Environment, Sleep> r;
  together([&] { r.wait(0); },
           [&] {
             r.set(1);
             r.notify(true);
           });
}
}  // namespace

TEMPLATE_TEST_CASE("waiting: the host's room needs both of its fences, and the call", "", std::uint8_t, std::uint32_t) {
  violates(kind::deadlock, one_waits<TestType, no_heavy_fence>);
  violates(kind::deadlock, one_waits<TestType, no_light_fence>);
  violates(kind::deadlock, one_waits<TestType, pawl::environment<B>, deaf_sleep>);
}
