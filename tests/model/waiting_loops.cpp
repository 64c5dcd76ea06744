// SPDX-License-Identifier: BSL-1.0
// Loops that wait, and what a thread keeps of having waited.
#include <optional>
#include <set>
#include <string>

#include <pawl/atomic.hpp>
#include <pawl/model.hpp>
#include <pawl/spin_lock.hpp>

#include "catch.hpp"
#include "names.hpp"

namespace {

using namespace names;

using outcomes = std::set<std::string>;

/// A lock that knows whether it had to wait for it; `Wrong`: and is then given back by a relaxed store.
template <bool Wrong>
class lock_with_memory {
 public:
  bool lock() {
    bool contended = false;
    while (held_.load(relaxed) != 0 || held_.exchange(1, acquire) != 0) {
      contended = true;
      B::pause();
    }
    return contended;
  }
  void unlock(bool contended) { held_.store(0, Wrong && contended ? relaxed : release); }

 private:
  pawl::atomic<int, B> held_{0};
};
template <bool Wrong>
void three_count() {
  lock_with_memory<Wrong> lock;
  model::var<int> count{0};
  const auto once = [&] {
    const bool contended = lock.lock();
    count.set(count.get() + 1);
    lock.unlock(contended);
  };
  model::thread a(once);
  model::thread b(once);
  model::thread c(once);
  a.join();
  b.join();
  c.join();
  model::require(count.get() == 3);
}

/// A thread stores 1 to `steps`; another waits for the last of them, and tells what `wait` has returned.
template <class Wait>
auto tells(int steps, Wait wait) {
  return [steps, wait] {
    pawl::atomic<int, B> x{0};
    model::thread a([&] {
      for (int i = 1; i <= steps; ++i) x.store(i, relaxed);
    });
    model::thread b([&] { model::observe("kept", wait(x)); });
    a.join();
    b.join();
  };
}

template <class Lock>
void locks(unsigned threads) {
  Lock lock;
  const auto once = [&] {
    lock.lock();
    lock.unlock();
  };
  model::thread a(once);
  model::thread b(once);
  std::optional<model::thread> c;
  if (threads == 3) c.emplace(once);
  a.join();
  b.join();
  if (c) c->join();
}

model::options strictly(std::optional<bool> how) {
  model::options o;
  o.strict = how;
  return o;
}

}  // namespace

TEST_CASE("what a lock does only after it has waited is seen") {
  const model::report found = model::check(three_count<true>);
  REQUIRE(!found.ok());
  CHECK(found.violation->kind == model::violation_kind::data_race);
  model::options again;
  again.replay = found.violation->replay;
  const model::report replayed = model::check(again, three_count<true>);
  REQUIRE(!replayed.ok());
  CHECK(replayed.violation->kind == model::violation_kind::data_race);

  CHECK(!model::check(strictly(true), three_count<true>).ok());
  for (const auto mode : {model::mode::random, model::mode::pct}) {
    model::options o;
    o.mode = mode;
    CHECK(!model::check(o, three_count<true>).ok());
  }
  const model::report right = model::check(three_count<false>);
  CHECK(right.ok());
  CHECK(right.complete);
  const model::report all = model::check(strictly(true), three_count<false>);
  CHECK(all.complete);
  CHECK(all.strict);
  CHECK(all.executions > right.executions);
}

TEST_CASE("by their last iterations alone, loops hide what the first has left") {
  const model::report hidden = model::check(strictly(false), three_count<true>);
  CHECK(hidden.complete);
  CHECK(!hidden.strict);
  CHECK(hidden.executions == model::check(strictly(false), three_count<false>).executions);
}

TEST_CASE("what a thread keeps from waiting has all its values, wherever it is kept") {
  const auto last_read = tells(2, [](const pawl::atomic<int, B>& x) {
    int last = -1;
    for (int now = x.load(relaxed); now != 2; now = x.load(relaxed)) {
      last = now;
      B::pause();
    }
    return last;
  });
  const auto saturating = tells(1, [](const pawl::atomic<int, B>& x) {
    int times = 0;
    while (x.load(relaxed) == 0) {
      if (times < 2) ++times;
      B::pause();
    }
    return times;
  });
  const auto on_the_heap = tells(1, [](const pawl::atomic<int, B>& x) {
    int* const waited = model::make<int>(0);
    while (x.load(relaxed) == 0) {
      *waited = 1;
      B::pause();
    }
    const int result = *waited;
    model::destroy(waited);
    return result;
  });
  for (const std::optional<bool> how : {std::optional<bool>(), std::optional<bool>(true)}) {
    const model::report last = model::check(strictly(how), last_read);
    CHECK(last.complete);
    CHECK(last.strict);
    CHECK(last.outcomes == outcomes{"kept=-1", "kept=0", "kept=1"});
    CHECK(model::check(strictly(how), saturating).outcomes == outcomes{"kept=0", "kept=1", "kept=2"});
    CHECK(model::check(strictly(how), on_the_heap).outcomes == outcomes{"kept=0", "kept=1"});
  }
}

TEST_CASE("a loop that counts in another thread's frame, or in memory of its own, does not only wait") {
  const auto gives_up = [](bool on_the_heap) {
    return [on_the_heap] {
      pawl::atomic<int, B> x{0};
      int in_this_frame = 0;
      int* const tries = on_the_heap ? model::make<int>(0) : &in_this_frame;
      model::thread a([&] { x.store(1, relaxed); });
      model::thread b([&x, tries] {
        while (x.load(relaxed) == 0 && *tries < 5) {
          ++*tries;
          B::pause();
        }
      });
      a.join();
      b.join();
      model::observe("tries", *tries);
      if (on_the_heap) model::destroy(tries);
    };
  };
  for (const bool on_the_heap : {false, true}) {
    const model::report r = model::check(strictly(false), gives_up(on_the_heap));
    CHECK(r.complete);
    CHECK(r.outcomes == outcomes{"tries=0", "tries=1", "tries=2", "tries=3", "tries=4", "tries=5"});
  }
}

TEST_CASE("locks whose waiting follows a step of their own have as many executions as there are orders in which they are taken") {
  CHECK(model::check([] { locks<pawl::ticket_lock<B>>(2); }).executions == 2);
  CHECK(model::check([] { locks<pawl::ticket_lock<B>>(3); }).executions == 6);
  CHECK(model::check([] { locks<pawl::ttas_lock<B>>(2); }).executions == 2);
  CHECK(model::check([] { locks<pawl::ttas_lock<B>>(3); }).executions == 6);
}

TEST_CASE("a program that never waits is explored strictly at once") {
  const model::report r = model::check([] {
    pawl::atomic<int, B> x{0};
    model::thread a([&] { x.store(1, relaxed); });
    static_cast<void>(x.load(relaxed));
    a.join();
  });
  CHECK(r.complete);
  CHECK(r.strict);
}
