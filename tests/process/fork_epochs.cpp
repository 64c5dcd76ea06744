// SPDX-License-Identifier: BSL-1.0
// Epochs in the child of a fork: the critical sections of threads that are not there are over, and nobody waits for them.
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <pawl/rcu.hpp>

#include "catch.hpp"
#include "forked.hpp"

namespace {

/// Does something on a thread of its own, which sleeps in the midst of it until the end of this.
class sleeper {
 public:
  template <class F>
  explicit sleeper(F f)
      : thread_([this, f] {
          f([this] {
            stage_ = 1;
            while (stage_ != 2) std::this_thread::yield();
          });
        }) {
    while (stage_ != 1) std::this_thread::yield();
  }
  sleeper(const sleeper&) = delete;
  sleeper& operator=(const sleeper&) = delete;
  ~sleeper() {
    stage_ = 2;
    thread_.join();
  }

 private:
  std::atomic<int> stage_{0};
  std::thread thread_;
};

struct object : pawl::rcu_obj_base<object> {
  static inline std::atomic<int> alive{0};
  object() { ++alive; }
  object(const object&) = delete;
  object& operator=(const object&) = delete;
  ~object() { --alive; }
};

auto sleeps_in_a_section(pawl::epochs<>& domain) {
  return [&domain](auto sleep) {
    const std::scoped_lock section(domain);
    sleep();
  };
}

}  // namespace

TEST_CASE("in a child a vanished thread's critical section is over, for whoever looks first, and the forking thread's is not") {
  object::alive = 0;
  {
    pawl::epochs<> domain;
    const sleeper reader(sleeps_in_a_section(domain));
    (new object)->retire({}, domain);
    domain.reclaim();
    CHECK(object::alive == 1);
    CHECK(in_forked_child([&] {
            domain.reclaim();
            return object::alive.load();
          }) == 0);
    CHECK(in_forked_child([&] {
            rcu_synchronize(domain);
            rcu_barrier(domain);
            return object::alive.load();
          }) == 0);
    domain.lock();
    CHECK(in_forked_child([&] {
            (new object)->retire({}, domain);
            domain.reclaim();
            const int in_my_section = object::alive;  // the one that was retired in it
            domain.unlock();
            rcu_barrier(domain);
            return 10 * in_my_section + object::alive;
          }) == 10);
    domain.unlock();
    domain.reclaim();
    CHECK(object::alive == 1);  // here the reader is there
  }
  CHECK(object::alive == 0);
}

TEST_CASE("the same of readers that are kept") {
  object::alive = 0;
  pawl::epochs<> domain;
  const sleeper reader([&domain](auto sleep) {
    pawl::epochs<>::reader kept(domain);
    const std::scoped_lock section(kept);
    sleep();
  });
  (new object)->retire({}, domain);
  domain.reclaim();
  CHECK(object::alive == 1);
  CHECK(in_forked_child([&] {
          rcu_barrier(domain);
          return object::alive.load();
        }) == 0);
  pawl::epochs<>::reader mine(domain);
  mine.lock();
  CHECK(in_forked_child([&] {
          (new object)->retire({}, domain);
          domain.reclaim();
          const int in_my_section = object::alive;
          mine.unlock();
          rcu_barrier(domain);
          return 10 * in_my_section + object::alive;
        }) == 10);
  mine.unlock();
}

TEST_CASE("in a child of a child, too") {
  object::alive = 0;
  pawl::epochs<> domain;
  CHECK(in_forked_child([&] {
          const sleeper reader(sleeps_in_a_section(domain));
          (new object)->retire({}, domain);
          domain.reclaim();
          const int held = object::alive;
          return 10 * held + in_forked_child([&] {
                   domain.reclaim();
                   return object::alive.load();
                 });
        }) == 10);
}

TEST_CASE("in a child nobody waits for a barrier that a vanished thread was in, nor for a deleter") {
  object::alive = 0;
  pawl::epochs<> domain;
  std::optional<sleeper> reader(std::in_place, sleeps_in_a_section(domain));
  (new object)->retire({}, domain);
  std::atomic<bool> begun{false};
  std::thread waits([&] {
    begun = true;
    rcu_barrier(domain);
  });
  while (!begun) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // by now it is in it
  CHECK(in_forked_child([&] {
          const int before = object::alive;
          (new object)->retire({}, domain);
          rcu_barrier(domain);
          for (int i = 0; i < 5000; ++i) (new object)->retire({}, domain);
          rcu_barrier(domain);
          // What the vanished barrier had taken is lost with it; all else is freed.
          return 10 * before + object::alive;
        }) == 11);
  reader.reset();
  waits.join();
  CHECK(object::alive == 0);

  const sleeper in_deleter([&domain](auto sleep) {
    static int ignored = 0;
    rcu_retire(&ignored, [sleep](int*) { sleep(); }, domain);
    domain.reclaim();
  });
  CHECK(in_forked_child([&] {
          (new object)->retire({}, domain);
          rcu_barrier(domain);
          return object::alive.load();
        }) == 0);
}
