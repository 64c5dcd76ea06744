// SPDX-License-Identifier: BSL-1.0
// Epochs in the child of a fork: the critical sections of threads that are not there are over, and nobody waits for them.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <utility>

#include <unistd.h>

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

thread_local bool poor = false;

/// Gives no memory to a poor thread: it gets no record.
template <class T>
struct poor_allocator {
  using value_type = T;
  poor_allocator() = default;
  template <class U>
  explicit poor_allocator(const poor_allocator<U>& /*other*/) noexcept {}
  T* allocate(std::size_t n) {
    if (poor) throw std::bad_alloc();
    return std::allocator<T>().allocate(n);
  }
  void deallocate(T* memory, std::size_t n) noexcept { std::allocator<T>().deallocate(memory, n); }
  friend bool operator==(const poor_allocator&, const poor_allocator&) = default;
};
using poor_domain = pawl::epochs<pawl::native, poor_allocator<std::byte>>;

void lock_poor(poor_domain& domain) {
  poor = true;
  domain.lock();
  poor = false;
}
auto sleeps_in_a_poor_section(poor_domain& domain) {
  return [&domain](auto sleep) {
    lock_poor(domain);
    sleep();
    domain.unlock();
  };
}
template <class Domain>
int alive_after_reclaim(Domain& domain) {
  domain.reclaim();
  return object::alive;
}

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

TEST_CASE("in a child a vanished thread's section without a record is over, and the forking thread's is not") {
  object::alive = 0;
  poor_domain domain;
  const sleeper reader(sleeps_in_a_poor_section(domain));
  (new object)->retire({}, domain);
  CHECK(alive_after_reclaim(domain) == 1);
  CHECK(in_forked_child([&] { return alive_after_reclaim(domain); }) == 0);
  CHECK(in_forked_child([&] {
          rcu_synchronize(domain);
          rcu_barrier(domain);
          return object::alive.load();
        }) == 0);
  // One of the child's, too.
  CHECK(in_forked_child([&] {
          const std::optional<sleeper> childs(std::in_place, sleeps_in_a_poor_section(domain));
          const int held = alive_after_reclaim(domain);
          return 10 * held + in_forked_child([&] { return alive_after_reclaim(domain); });
        }) == 10);
  CHECK(alive_after_reclaim(domain) == 1);  // here the reader is there
}

TEST_CASE("in a child the forking thread's sections without a record go on, those of others are over") {
  object::alive = 0;
  poor_domain domain;
  const sleeper reader(sleeps_in_a_poor_section(domain));
  lock_poor(domain);
  lock_poor(domain);
  const auto ends_both = [&domain] {
    (new object)->retire({}, domain);
    const int in_both = alive_after_reclaim(domain);
    domain.unlock();
    const int in_one = alive_after_reclaim(domain);
    domain.unlock();
    return 100 * in_both + 10 * in_one + alive_after_reclaim(domain);
  };
  CHECK(in_forked_child(ends_both) == 110);
  // Whether or not the parent has changed what it was left.
  CHECK(in_forked_child([&] { return in_forked_child(ends_both); }) == 110);
  CHECK(in_forked_child([&] {
          lock_poor(domain);
          domain.unlock();
          return in_forked_child(ends_both);
        }) == 110);
  CHECK(in_forked_child([&] {
          domain.unlock();
          domain.unlock();
          return in_forked_child([&] {
            (new object)->retire({}, domain);
            return alive_after_reclaim(domain);
          });
        }) == 0);
  domain.unlock();
  domain.unlock();
}

TEST_CASE("sections without records in more domains than a thread can note are kept in a child, and held until they end") {
  object::alive = 0;
  poor_domain domains[4];
  for (poor_domain& each : domains) lock_poor(each);
  for (poor_domain& each : domains) (new object)->retire({}, each);
  CHECK(in_forked_child([&] {
          const auto alive = [&domains] {
            for (poor_domain& each : domains) each.reclaim();
            return object::alive.load();
          };
          const int held = alive();
          for (poor_domain& each : domains) each.unlock();
          return 10 * held + alive();
        }) == 40);
  // One that came when there was no room, and one when there was.
  domains[0].unlock();
  lock_poor(domains[3]);
  CHECK(in_forked_child([&] {
          const auto alive = [&domains] {
            domains[3].reclaim();
            return object::alive.load();
          };
          const int in_both = alive();
          domains[3].unlock();
          const int in_one = alive();
          domains[3].unlock();
          return 10 * (10 * in_both + in_one) + alive();
        }) % 256 ==
        443 % 256);
  domains[3].unlock();
  for (int i = 1; i < 4; ++i) domains[i].unlock();
  // And there is room again.
  const sleeper reader(sleeps_in_a_poor_section(domains[3]));
  (new object)->retire({}, domains[3]);
  CHECK(in_forked_child([&] { return alive_after_reclaim(domains[3]); }) == 3);
  for (poor_domain& each : domains) each.reclaim();
}

TEST_CASE(
    "of sections in more domains than a thread can note, those of threads that are not there are over when the child's have "
    "ended") {
  object::alive = 0;
  poor_domain domains[4];
  // The forking thread is in sections of the first three; others are in the first, the third and the last.
  for (int i = 0; i < 3; ++i) lock_poor(domains[i]);
  const sleeper first(sleeps_in_a_poor_section(domains[0]));
  const sleeper third(sleeps_in_a_poor_section(domains[2]));
  const sleeper last(sleeps_in_a_poor_section(domains[3]));
  // Only now does this thread get records.
  const auto retire_in_each = [&domains] {
    for (poor_domain& each : domains) (new object)->retire({}, each);
  };
  const auto alive = [&domains] {
    for (poor_domain& each : domains) each.reclaim();
    return object::alive.load();
  };
  CHECK(in_forked_child([&] {
          lock_poor(domains[2]);
          domains[2].unlock();
          lock_poor(domains[3]);
          retire_in_each();
          const int held = alive();
          domains[3].unlock();
          const int still_held = alive();
          domains[2].unlock();  // the last one that was not noted: now all is known
          return 10 * (held + still_held) + alive();
        }) == 82);
  CHECK(in_forked_child([&] {
          retire_in_each();
          domains[0].unlock();
          domains[2].unlock();
          const int in_the_second = alive();
          domains[1].unlock();
          return 10 * in_the_second + alive();
        }) == 10);
  // A section of another thread of the child outlasts them.
  CHECK(in_forked_child([&] {
          std::optional<sleeper> childs(std::in_place, sleeps_in_a_poor_section(domains[2]));
          lock_poor(domains[3]);
          retire_in_each();
          for (int i = 0; i < 3; ++i) domains[i].unlock();
          const int held = alive();
          domains[3].unlock();
          const int in_the_childs = alive();
          childs.reset();
          return 10 * (10 * held + in_the_childs) + alive();
        }) == 310 % 256);
  // And in a child of the child, whether or not the first has changed anything.
  for (const bool changes : {false, true}) {
    CHECK(in_forked_child([&] {
            for (poor_domain& each : domains) {
              if (!changes) break;
              lock_poor(each);
              each.unlock();
            }
            return in_forked_child([&] {
              retire_in_each();
              const int held = alive();
              for (int i = 0; i < 3; ++i) domains[i].unlock();
              return 10 * held + alive();
            });
          }) == 40);
  }
  retire_in_each();
  CHECK(alive() == 4);  // here all readers are there
  for (int i = 0; i < 3; ++i) domains[i].unlock();
  CHECK(alive() == 3);
}

TEST_CASE("in a child nobody waits for the sections of threads that are not there, though its own were not all noted") {
  object::alive = 0;
  poor_domain domains[4];
  for (int i = 0; i < 3; ++i) lock_poor(domains[i]);
  const sleeper last(sleeps_in_a_poor_section(domains[3]));
  CHECK(in_forked_child([&] {
          alarm(10);
          rcu_synchronize(domains[3]);
          (new object)->retire({}, domains[3]);
          rcu_barrier(domains[3]);
          return object::alive.load();
        }) == 0);
  // Once all is known in a child, it is in the child's children, too.
  for (const bool changes : {false, true}) {
    CHECK(in_forked_child([&] {
            if (changes) {
              lock_poor(domains[3]);
              domains[3].unlock();
            }
            for (int i = 0; i < 3; ++i) domains[i].unlock();
            for (int i = 0; i < 3; ++i) lock_poor(domains[i]);
            return in_forked_child([&] {
              (new object)->retire({}, domains[3]);
              return alive_after_reclaim(domains[3]);
            });
          }) == 0);
  }
  for (int i = 0; i < 3; ++i) domains[i].unlock();
}

TEST_CASE("sections without records that are too many to count are never over, whoever ends some of them") {
  pawl::detail::section_count<pawl::native> sections;
  constexpr int too_many = (1 << 22) + 5;
  for (int i = 0; i < too_many; ++i) sections.open(std::memory_order_relaxed);
  CHECK(sections.any(std::memory_order_relaxed));
  for (int i = 0; i < too_many - 1; ++i) sections.close(std::memory_order_relaxed);
  CHECK(sections.any(std::memory_order_relaxed));
  sections.close(std::memory_order_relaxed);
}
