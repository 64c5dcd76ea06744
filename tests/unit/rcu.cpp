// SPDX-License-Identifier: BSL-1.0
#include <pawl/hash_map.hpp>
#include <pawl/rcu.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "../watchdog.hpp"
#include "allocations.hpp"
#include "domains.hpp"
#include "minimal_backend.hpp"
#include "verify.hpp"

namespace {

using domains::on_a_thread;
using epochs = domains::epochs;
using object = domains::object<epochs>;
using pawl::rcu_domain;

// What C++26 says of the types. (rcu_default_domain may throw where C++26's doesn't: the page says so.)
static_assert(std::is_same_v<rcu_domain, pawl::epochs<>> && std::is_same_v<decltype(pawl::rcu_default_domain()), rcu_domain&>);
static_assert(!std::is_copy_constructible_v<rcu_domain> && !std::is_copy_assignable_v<rcu_domain>);
static_assert(noexcept(std::declval<object&>().retire()) && noexcept(std::declval<object&>().retire({})));
static_assert(noexcept(pawl::rcu_synchronize()) && noexcept(pawl::rcu_barrier()));
template <class Domain>
concept lockable = requires(Domain& d, object& o) {
  { d.lock() } noexcept -> std::same_as<void>;
  { d.try_lock() } noexcept -> std::same_as<bool>;
  { d.unlock() } noexcept -> std::same_as<void>;
  { rcu_synchronize(d) } noexcept -> std::same_as<void>;
  { rcu_barrier(d) } noexcept -> std::same_as<void>;
  { o.retire({}, d) } noexcept -> std::same_as<void>;
};
static_assert(lockable<rcu_domain> && lockable<pawl::epochs<minimal_backend>>);
struct copyable : pawl::rcu_obj_base<copyable> {};
static_assert(std::is_copy_constructible_v<copyable> && std::is_copy_assignable_v<copyable>);

template <class Domain>
bool is_held(Domain& domain, int expected_alive) {
  domain.reclaim();
  return object::alive == expected_alive;
}

template <class B>
void every_member_does_what_it_says() {
  const int before = object::alive;
  {
    pawl::epochs<B> domain;
    // Nested; also retired in a section of one's own.
    domain.lock();
    verify(domain.try_lock());
    (new object)->retire({}, domain);
    verify(is_held(domain, before + 1));
    domain.unlock();
    verify(is_held(domain, before + 1));
    domain.unlock();
    verify(is_held(domain, before));
    for (int i = 0; i < 1000; ++i) domain.lock();
    (new object)->retire({}, domain);
    for (int i = 0; i < 999; ++i) domain.unlock();
    verify(is_held(domain, before + 1));
    domain.unlock();
    verify(is_held(domain, before));
    {
      const std::scoped_lock section(domain);
      rcu_retire(new object, std::default_delete<object>(), domain);
      verify(is_held(domain, before + 1));
    }
    {
      std::unique_lock section(domain, std::try_to_lock);
      verify(section.owns_lock());
      verify(is_held(domain, before));  // retired before this section
      section.unlock();
    }
    (new object)->retire({}, domain);
    rcu_synchronize(domain);
    rcu_barrier(domain);
    verify(object::alive == before);
    on_a_thread([&] { domains::retire_some<epochs>(domain, 3); });
    const auto stats = domain.stats();
    verify(stats.retired == 7 && stats.reclaimed == 4 && stats.records == 2);
    verify(is_held(domain, before));  // what the ended thread retired, by one that has a record of its own
  }
  verify(object::alive == before);
}

template <class B>
void kept_readers_do_what_they_say() {
  using kept = typename pawl::epochs<B>::reader;
  static_assert(!std::is_copy_constructible_v<kept> && !std::is_copy_assignable_v<kept>);
  static_assert(noexcept(std::declval<kept&>().lock()) && noexcept(std::declval<kept&>().unlock()));
  const int before = object::alive;
  {
    pawl::epochs<B> domain;
    kept one(domain);
    kept other(domain);
    // Nested, and of more than one.
    one.lock();
    verify(one.try_lock());
    (new object)->retire({}, domain);
    verify(is_held(domain, before + 1));
    one.unlock();
    verify(is_held(domain, before + 1));
    one.unlock();
    verify(is_held(domain, before));
    // Each section holds, however they overlap: which ends first makes no difference.
    for (const bool one_first : {true, false}) {
      one.lock();
      domain.lock();
      other.lock();
      (new object)->retire({}, domain);
      (one_first ? one : other).unlock();
      verify(is_held(domain, before + 1));
      domain.unlock();
      verify(is_held(domain, before + 1));
      (one_first ? other : one).unlock();
      verify(is_held(domain, before));
    }
    {
      const std::scoped_lock section(one);
      rcu_retire(new object, std::default_delete<object>(), domain);
      verify(is_held(domain, before + 1));
    }
    {
      std::unique_lock section(other, std::try_to_lock);
      verify(section.owns_lock());
      verify(is_held(domain, before));  // retired before this section
    }
    // Many at once, each holds by itself.
    {
      std::vector<std::unique_ptr<kept>> many;
      for (int i = 0; i < 50; ++i) many.push_back(std::make_unique<kept>(domain));
      for (auto& each : many) {
        each->lock();
        (new object)->retire({}, domain);
        verify(is_held(domain, before + 1));
        each->unlock();
      }
      verify(is_held(domain, before));
    }
    // Other threads' sections, and what an ended thread leaves.
    on_a_thread([&] {
      kept theirs(domain);
      theirs.lock();
      (new object)->retire({}, domain);
      on_a_thread([&] { verify(is_held(domain, before + 1)); });
      theirs.unlock();
      verify(is_held(domain, before));
    });
    one.lock();  // not held up by the ended thread's
    one.unlock();
    (new object)->retire({}, domain);
    rcu_synchronize(domain);
    rcu_barrier(domain);
    verify(object::alive == before);
  }
  verify(object::alive == before);
}

/// Another thread, in a critical section until it is told to leave.
template <class Domain>
class sleeper {
 public:
  explicit sleeper(Domain& domain)
      : thread_([this, &domain] {
          const std::scoped_lock section(domain);
          stage_ = 1;
          while (stage_ != 2) std::this_thread::yield();
        }) {
    while (stage_ != 1) std::this_thread::yield();
  }
  sleeper(const sleeper&) = delete;
  sleeper& operator=(const sleeper&) = delete;
  ~sleeper() { wake(); }
  void wake() {
    if (!thread_.joinable()) return;
    stage_ = 2;
    thread_.join();
  }

 private:
  std::atomic<int> stage_{0};
  std::thread thread_;
};

/// Two threads that see to it that there is always a short section open.
class relay {
 public:
  explicit relay(rcu_domain& domain) : runners_{std::thread([&] { run(domain, 0); }), std::thread([&] { run(domain, 1); })} {
    while (turn_ < 4) std::this_thread::yield();
  }
  relay(const relay&) = delete;
  relay& operator=(const relay&) = delete;
  ~relay() {
    stop_ = true;
    for (auto& each : runners_) each.join();
  }

 private:
  void run(rcu_domain& domain, long self) {
    for (long mine = self; await(mine); mine += 2) {
      const std::scoped_lock section(domain);
      ++turn_;
      if (!await(mine + 2)) return;
    }
  }
  bool await(long turn) {
    while (turn_ < turn && !stop_) std::this_thread::yield();
    return !stop_;
  }
  std::atomic<long> turn_{0};
  std::atomic<bool> stop_{false};
  std::thread runners_[2];  // NOLINT(modernize-use-default-member-init): the threads need the domain
};

}  // namespace

TEST_CASE("every member of an epoch domain does what it says, over every backend") {
  const watchdog hangs("a member of an epoch domain");
  every_member_does_what_it_says<pawl::native>();
  every_member_does_what_it_says<pawl::backend::builtin>();
  every_member_does_what_it_says<minimal_backend>();
}

TEST_CASE("readers that are kept do what they say, over every backend") {
  kept_readers_do_what_they_say<pawl::native>();
  kept_readers_do_what_they_say<pawl::backend::builtin>();
  kept_readers_do_what_they_say<minimal_backend>();
}

TEST_CASE("readers that come and go on a thread allocate once") {
  rcu_domain domain;
  {
    const rcu_domain::reader first(domain);
  }
  const std::size_t blocks = allocations::live_blocks();
  for (int i = 0; i < 1000; ++i) {
    rcu_domain::reader next(domain);
    next.lock();
    next.unlock();
  }
  CHECK(allocations::live_blocks() == blocks);
}

TEST_CASE("rcu_synchronize and rcu_barrier wait for readers that are kept") {
  rcu_domain domain;
  for (const bool barrier : {false, true}) {
    std::atomic<int> stage{0};
    std::thread reads([&] {
      rcu_domain::reader kept(domain);
      kept.lock();
      stage = 1;
      while (stage != 2) std::this_thread::yield();
      kept.unlock();
    });
    while (stage != 1) std::this_thread::yield();
    std::atomic<bool> returned{false};
    std::thread waits([&] {
      barrier ? rcu_barrier(domain) : rcu_synchronize(domain);
      returned = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const bool early = returned;
    stage = 2;
    waits.join();
    reads.join();
    CHECK_FALSE(early);
  }
}

TEST_CASE("the names of C++26 alone: the default domain of epochs") {
  const int before = object::alive;
  rcu_domain& domain = pawl::rcu_default_domain();
  CHECK(&domain == &rcu_domain::default_domain());
  {
    const std::scoped_lock section(domain);
    (new object)->retire();
    pawl::rcu_retire(new object);
    domain.reclaim();
    CHECK(object::alive == before + 2);
  }
  pawl::rcu_synchronize();
  pawl::rcu_barrier();
  CHECK(object::alive == before);
}

TEST_CASE("what every domain promises, of epochs") {
  domains::retire_runs_the_deleter_that_it_was_given_once<epochs>();
  domains::the_base_may_stand_elsewhere_than_the_object<epochs>();
  domains::a_deleter_may_retire_more_and_reclaim<epochs>();
  domains::what_a_thread_retired_is_freed_after_its_end_by_others<epochs>();
  domains::the_end_of_a_domain_frees_all_that_was_retired_to_it<epochs>();
  domains::domains_are_apart<epochs>();
  domains::readers_never_see_an_object_after_its_end<epochs>();
  domains::retire_and_read_work_while_thread_locals_end<epochs>();
  domains::a_domain_takes_an_allocator_and_all_its_memory_goes_back<epochs>([](auto& domain) {
    domain.lock();
    domain.unlock();
  });
}

TEST_CASE("rcu_synchronize waits for who reads already, and not for who begins later") {
  const watchdog hangs("rcu_synchronize");
  rcu_domain domain;
  sleeper reader(domain);
  std::atomic<bool> over{false};
  std::thread waiting([&] {
    rcu_synchronize(domain);
    over = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK_FALSE(over);
  const relay later(domain);
  reader.wake();
  waiting.join();  // though there is a section open at any time
}

TEST_CASE("rcu_barrier frees what other threads retired: idle, ended, running, in a deleter") {
  const watchdog hangs("rcu_barrier");
  rcu_domain domain;
  const int before = object::alive;
  on_a_thread([&] { domains::retire_some<epochs>(domain, 5); });
  std::atomic<int> stage{0};
  std::thread idle([&] {
    domains::retire_some<epochs>(domain, 5);
    stage = 1;
    while (stage != 2) std::this_thread::yield();
  });
  while (stage != 1) std::this_thread::yield();
  std::atomic<bool> in_deleter{false};
  std::atomic<bool> deleted{false};
  std::thread deleting([&] {
    rcu_retire(
        new object,
        [&](object* p) {
          in_deleter = true;
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
          delete p;
          deleted = true;
        },
        domain);
    domain.reclaim();
  });
  while (!in_deleter) std::this_thread::yield();
  rcu_barrier(domain);
  CHECK(deleted);
  CHECK(object::alive == before);
  stage = 2;
  idle.join();
  deleting.join();

  // Several at once, each after retirements of its own, while a thread goes on.
  std::atomic<bool> right{true};
  std::vector<std::thread> all;
  for (int i = 0; i < 3; ++i) {
    all.emplace_back([&] {
      for (int n = 0; n < 50; ++n) {
        bool ended = false;
        std::thread other([&] { rcu_retire(&ended, [](bool* p) { *p = true; }, domain); });
        other.join();
        rcu_barrier(domain);
        right = right && ended;
        domains::retire_some<epochs>(domain, 3);
      }
    });
  }
  for (auto& each : all) each.join();
  rcu_barrier(domain);
  CHECK(right);
  CHECK(object::alive == before);

  // It waits for readers.
  sleeper reader(domain);
  std::atomic<bool> over{false};
  domains::retire_some<epochs>(domain, 1);
  std::thread waiting([&] {
    rcu_barrier(domain);
    over = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK_FALSE(over);
  CHECK(object::alive == before + 1);
  reader.wake();
  waiting.join();
  CHECK(object::alive == before);
}

namespace {

struct moved {};
struct throwing_deleter {
  static inline int moves = 0;  // that go well
  throwing_deleter() = default;
  // NOLINTNEXTLINE(performance-noexcept-move-constructor): that it throws is the test
  throwing_deleter(throwing_deleter&& /*other*/) {
    if (moves-- == 0) throw moved();
  }
  void operator()(object* /*p*/) const {}
};

}  // namespace

TEST_CASE("rcu_retire has no effect where it throws") {
  rcu_domain domain;
  object kept;
  domain.lock();  // makes the record
  domain.unlock();
  bool threw = true;
  for (int moves = 0; threw; ++moves) {
    throwing_deleter::moves = moves;
    const std::size_t blocks = allocations::live_blocks();
    threw = false;
    try {
      rcu_retire(&kept, throwing_deleter(), domain);
    } catch (const moved&) {
      threw = true;
    }
    if (threw) {
      CHECK(allocations::live_blocks() == blocks);
      CHECK(domain.stats().retired == 0);
    } else {
      CHECK(moves >= 1);
      CHECK(domain.stats().retired == 1);
    }
  }
  throwing_deleter::moves = 1000;  // where it is freed, too, it is moved
  std::size_t failures = 0;
  for (bool happened = true; happened; ++failures) {
    const auto before = domain.stats().retired;
    on_a_thread([&] {
      const allocations::failing now(failures + 1);
      threw = false;
      try {
        rcu_retire(&kept, [](object*) {}, domain);
      } catch (const std::bad_alloc&) {
        threw = true;
      }
      happened = now.happened();
    });
    CHECK(domain.stats().retired == before + (threw ? 0U : 1U));
  }
  CHECK(failures > 1);
  domain.reclaim();
  CHECK(domain.stats().retired == domain.stats().reclaimed);
  CHECK(kept.lives());
}

TEST_CASE("sections and retirements need no memory, and a section without a record holds all back") {
  rcu_domain domain;
  const int before = object::alive;
  std::vector<object*> objects(5);
  for (auto& each : objects) each = new object;
  on_a_thread([&] {
    std::optional<allocations::failing> now(std::in_place, 1, true);
    domain.lock();
    for (auto* each : objects) each->retire({}, domain);
    const bool failed = now->happened();
    now.reset();
    verify(failed);
    on_a_thread([&] { domain.reclaim(); });
    verify(object::alive == before + 5);
    domain.lock();  // now with a record
    verify(is_held(domain, before + 5));
    domain.unlock();
    verify(is_held(domain, before + 5));
    domain.unlock();
    verify(is_held(domain, before));
  });
  CHECK(domain.stats().retired == 5);
  CHECK(domain.stats().reclaimed == 5);
}

TEST_CASE("a section without a record that ends in a container's callback is over") {
  rcu_domain domain;
  pawl::hash_map<int, int, std::hash<int>, std::equal_to<int>, rcu_domain> map(domain);
  map.insert(1, 1);
  on_a_thread([&] {
    {
      const allocations::failing now(1, true);
      domain.lock();
      verify(now.happened());
    }
    map.visit(1, [&](int, int) { domain.unlock(); });  // by now the thread has a record
    const int before = object::alive;
    (new object)->retire({}, domain);
    verify(is_held(domain, before));
  });
}

#if defined(__linux__)
TEST_CASE("an exception that leaves a deleter of an epoch domain ends the program, and one that it catches does no harm") {
  domains::an_exception_that_leaves_a_deleter_ends_the_program<epochs>();
}
#endif

TEST_CASE("records stay few while threads come and go") {
  rcu_domain domain;
  for (int i = 0; i < 200; ++i) {
    on_a_thread([&] {
      const std::scoped_lock section(domain);
      domains::retire_some<epochs>(domain, 1);
    });
  }
  CHECK(domain.stats().records == 1);
}

TEST_CASE("a sleeping reader holds back all that was retired since, and nothing from long before") {
  rcu_domain domain;
  const int before = object::alive;
  domains::retire_some<epochs>(domain, 1);
  {
    const sleeper old_reader(domain);
    domain.reclaim();  // waits for that reader from here on
  }
  sleeper reader(domain);
  CHECK(is_held(domain, before));
  domains::retire_some<epochs>(domain, 20000);
  CHECK(is_held(domain, before + 20000));
  reader.wake();
  CHECK(is_held(domain, before));
}

// Each object is retired in a section that is open since the one before: so no step can free what is new, and all of it has to wait.
TEST_CASE("garbage peaks below its bound and above half of it, and comes back to that after a stall") {
  rcu_domain domain;
  const auto garbage = [&domain] {
    const auto now = domain.stats();
    return static_cast<std::size_t>(now.retired - now.reclaimed);
  };
  const auto peak_of = [&](int rounds) {
    std::size_t peak = 0;
    for (int i = 0; i < rounds; ++i) {
      domain.lock();
      domains::retire_some<epochs>(domain, 1);
      peak = std::max(peak, garbage());
      domain.unlock();
    }
    return peak;
  };
  constexpr std::size_t most = rcu_domain::most_unreclaimed(1, 1);
  const std::size_t at_first = peak_of(20000);
  CHECK(at_first <= most);
  CHECK(2 * at_first >= most);
  // While this section is open everything piles up.
  domain.lock();
  CHECK(peak_of(20000) >= 20000);
  domain.unlock();
  SECTION("after a barrier") { rcu_barrier(domain); }
  SECTION("after another thread has taken over, and freed") { domain.reclaim(); }
  SECTION("by retiring more") { peak_of(25000); }
  CHECK(peak_of(20000) <= most);
}

TEST_CASE("steps are rarer where there are many readers to look at") {
  rcu_domain domain;
  constexpr std::size_t readers = 3000;
  std::deque<rcu_domain::reader> kept;
  for (std::size_t i = 0; i < readers; ++i) kept.emplace_back(domain);
  constexpr std::size_t most = rcu_domain::most_unreclaimed(1, 1, readers);
  static_assert(most > 2 * rcu_domain::most_unreclaimed(1, 1));
  std::size_t peak = 0;
  for (int i = 0; i < 30000; ++i) {
    const std::scoped_lock section(kept[static_cast<std::size_t>(i) % readers]);
    domains::retire_some<epochs>(domain, 1);
    const auto now = domain.stats();
    peak = std::max(peak, static_cast<std::size_t>(now.retired - now.reclaimed));
  }
  CHECK(peak <= most);
  CHECK(2 * peak >= most);
}

TEST_CASE("memory comes back where readers are many and short, though there is always one") {
  const watchdog hangs("a relay of readers");
  rcu_domain domain;
  const int before = object::alive;
  const std::size_t due = std::max<std::size_t>(pawl::environment<pawl::native>::tuning.scan_threshold, 2 * 3);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  const auto reclaimed = [&domain] { return static_cast<std::size_t>(domain.stats().reclaimed); };
  {
    const relay readers(domain);
    while (reclaimed() < 20 * due && std::chrono::steady_clock::now() < end) {
      domains::retire_some<epochs>(domain, 64);
      // A reader that the scheduler takes off its core is a long one: it is not to fill the memory meanwhile.
      if (static_cast<std::size_t>(object::alive - before) > 10 * due) std::this_thread::yield();
    }
    CHECK(reclaimed() >= 20 * due);
  }
  domain.reclaim();
  CHECK(object::alive == before);
}
