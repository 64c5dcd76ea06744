// SPDX-License-Identifier: BSL-1.0
#include <pawl/spin_lock.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include "minimal_backend.hpp"
#include "together.hpp"
#include "verify.hpp"
#include "watchdog.hpp"

namespace {

using pawl::backend::builtin;

// Calls check.operator()<Lock>() for every lock, with every policy, over backend B.
template <class B, class Check>
void for_each_lock_over(Check& check) {
  check.template operator()<pawl::tas_lock<B>>();
  check.template operator()<pawl::ttas_lock<B>>();
  check.template operator()<pawl::ttas_lock<B, pawl::no_backoff>>();
  check.template operator()<pawl::ttas_lock<B, pawl::exponential_backoff>>();
  check.template operator()<pawl::ticket_lock<B>>();
  check.template operator()<pawl::ticket_lock<B, std::uint8_t>>();
  check.template operator()<pawl::ticket_lock<B, std::uint32_t>>();
  check.template operator()<pawl::mcs_lock<B>>();
}
// And over every backend that this machine has, and a user's.
template <class Check>
void for_each_lock(Check check) {
  for_each_lock_over<builtin>(check);
#if defined(__x86_64__)
  for_each_lock_over<pawl::backend::x86>(check);
#endif
  for_each_lock_over<minimal_backend>(check);
}

template <class Lock>
constexpr bool promises =
    noexcept(std::declval<Lock&>().lock()) && noexcept(std::declval<Lock&>().try_lock()) &&
    noexcept(std::declval<Lock&>().unlock()) && std::is_nothrow_default_constructible_v<Lock> &&
    std::is_trivially_destructible_v<Lock> && !std::is_copy_constructible_v<Lock> && !std::is_copy_assignable_v<Lock>;
static_assert(promises<pawl::tas_lock<>> && promises<pawl::ttas_lock<>> && promises<pawl::ticket_lock<>> &&
              promises<pawl::mcs_lock<>>);

constinit pawl::tas_lock<> constant_tas;
constinit pawl::ttas_lock<> constant_ttas;
constinit pawl::ttas_lock<minimal_backend, pawl::no_backoff> constant_ttas_without_backoff;
constinit pawl::ticket_lock<> constant_ticket;
constinit pawl::ticket_lock<builtin, std::uint16_t> constant_short_ticket;
constinit pawl::mcs_lock<> constant_mcs;
constinit pawl::mcs_lock<minimal_backend> constant_minimal_mcs;

// Sections of two threads that exclude each other, if a counter that is not atomic counts them all.
constexpr int rounds = 3000;
template <class Lock, class Section>
int sections_of_two_threads(Section section) {
  Lock lock;
  int plain = 0;
  const auto body = [&] {
    for (int i = 0; i < rounds; ++i) section(lock, plain);
  };
  together(body, body);
  return plain;
}

}  // namespace

TEST_CASE("spin locks are held by one, and free again after unlock") {
  for_each_lock([]<class Lock>() {
    Lock lock;
    for (int i = 0; i < 600; ++i) {  // more than the values of a small ticket
      if (i % 2 == 0) {
        lock.lock();
      } else {
        verify(lock.try_lock());
      }
      verify(!lock.try_lock());
      std::thread([&lock] { verify(!lock.try_lock()); }).join();
      verify(!lock.try_lock());
      lock.unlock();
      if (i == 40 && sizeof(Lock) != 2) break;  // small tickets are two bytes
    }
    verify(lock.try_lock());
    lock.unlock();
  });
}

TEST_CASE("a ticket lock's numbers come round") {
  pawl::ticket_lock<builtin, std::uint8_t> small;
  pawl::ticket_lock<builtin, std::uint16_t> larger;
  for (int i = 0; i < 200'000; ++i) {
    std::scoped_lock both(small, larger);
    if (small.try_lock() || larger.try_lock()) FAIL("it is held, for the " << i << "th time");
  }
  CHECK((small.try_lock() && larger.try_lock()));
  const watchdog dog("a lock of small tickets");
  CHECK(sections_of_two_threads<pawl::ticket_lock<pawl::native, std::uint8_t>>([](auto& lock, int& plain) {
          const std::scoped_lock holder(lock);
          count_in_section(plain);
        }) == 2 * rounds);
}

TEST_CASE("spin locks are constant-initialized, and free then") {
  const auto free = [](auto&... locks) {
    (verify(locks.try_lock()), ...);
    (verify(!locks.try_lock()), ...);
    (locks.unlock(), ...);
  };
  free(constant_tas, constant_ttas, constant_ttas_without_backoff, constant_ticket, constant_short_ticket, constant_mcs,
       constant_minimal_mcs);
}

TEST_CASE("spin locks exclude, over every backend") {
  const watchdog dog("a spin lock");
  for_each_lock([]<class Lock>() {
    verify(sections_of_two_threads<Lock>([](Lock& lock, int& plain) {
             const std::scoped_lock holder(lock);
             count_in_section(plain);
           }) == 2 * rounds);
    verify(sections_of_two_threads<Lock>([](Lock& lock, int& plain) {
             while (!lock.try_lock()) std::this_thread::yield();
             count_in_section(plain);
             lock.unlock();
           }) == 2 * rounds);
  });
}

TEST_CASE("two spin locks by one scoped_lock, by two threads in opposite orders") {
  const watchdog dog("a scoped_lock of two spin locks");
  for_each_lock([]<class Lock>() {
    Lock first;
    Lock second;
    int plain = 0;
    const auto body = [&plain](Lock& a, Lock& b) {
      for (int i = 0; i < rounds; ++i) {
        const std::scoped_lock holder(a, b);
        count_in_section(plain);
      }
    };
    together([&] { body(first, second); }, [&] { body(second, first); });
    verify(plain == 2 * rounds);
  });
}

TEST_CASE("a unique_lock of a spin lock gives up where it is held") {
  for_each_lock([]<class Lock>() {
    Lock lock;
    std::unique_lock outer(lock);
    std::thread([&lock] { verify(!std::unique_lock(lock, std::try_to_lock).owns_lock()); }).join();
    outer.unlock();
    std::thread([&lock] { verify(std::unique_lock(lock, std::try_to_lock).owns_lock()); }).join();
  });
}

TEST_CASE("several spin locks of one thread are unlocked in any order, while others wait for them") {
  const watchdog dog("spin locks unlocked in any order");
  for_each_lock([]<class Lock>() {
    Lock locks[3];
    int plain[3]{};
    const auto body = [&](unsigned seed) {
      for (unsigned i = 0; i < rounds; ++i) {
        for (Lock& each : locks) each.lock();
        for (int& each : plain) count_in_section(each);
        const unsigned first = (i + seed) % 3;
        const unsigned then = (first + 1 + i % 2) % 3;
        locks[first].unlock();
        locks[then].unlock();
        locks[3 - first - then].unlock();
      }
    };
    together([&] { body(0); }, [&] { body(1); });
    for (const int each : plain) verify(each == 2 * rounds);
  });
}

TEST_CASE("a thread leaves nothing behind in a spin lock when it ends") {
  for_each_lock([]<class Lock>() {
    Lock lock;
    int plain = 0;
    for (int i = 0; i < 50; ++i) {
      std::thread([&] {
        const std::scoped_lock holder(lock);
        ++plain;
      }).join();
    }
    const std::scoped_lock holder(lock);
    verify(plain == 50);
  });
}

namespace {

// How many threads have paused, which a thread does first when it has joined the queue.
struct announcing : builtin {
  static constexpr const char* name = "announcing";
  static inline std::atomic<int> waiting{0};
  static void pause() noexcept {
    thread_local bool waits = false;
    if (!waits) waiting.fetch_add(1);
    waits = true;
    std::this_thread::yield();
  }
};
static_assert(pawl::is_backend<announcing>);

template <class Lock>
std::vector<int> order_of_service(int threads) {
  Lock lock;
  std::vector<int> order;
  std::vector<std::thread> all;
  announcing::waiting = 0;
  lock.lock();
  for (int i = 0; i < threads; ++i) {
    all.emplace_back([&, i] {
      const std::scoped_lock holder(lock);
      order.push_back(i);
    });
    while (announcing::waiting <= i) std::this_thread::yield();
  }
  lock.unlock();
  for (std::thread& each : all) each.join();
  return order;
}

}  // namespace

TEST_CASE("fair locks serve in the order in which threads come") {
  const watchdog dog("a fair lock");
  const std::vector<int> in_order{0, 1, 2, 3, 4, 5};
  for (int i = 0; i < 20; ++i) {
    CHECK(order_of_service<pawl::ticket_lock<announcing>>(6) == in_order);
    CHECK(order_of_service<pawl::ticket_lock<announcing, std::uint8_t>>(6) == in_order);
    CHECK(order_of_service<pawl::mcs_lock<announcing>>(6) == in_order);
  }
}

namespace {

struct pausing : builtin {
  static constexpr const char* name = "pausing";
  static inline std::atomic<int> pauses{0};
  static void pause() noexcept { pauses.fetch_add(1); }
};

// How often who waits pauses, while the lock is held for some milliseconds.
template <class Lock>
int pauses_while_held() {
  Lock lock;
  pausing::pauses = 0;
  lock.lock();
  std::thread other([&lock] { const std::scoped_lock holder(lock); });
  while (pausing::pauses == 0) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  lock.unlock();
  other.join();
  return pausing::pauses;
}

}  // namespace

TEST_CASE("who waits for long gives the processor away instead of pausing") {
  const int most = static_cast<int>(pawl::detail::patience<pausing>::most_pauses);
  CHECK(pauses_while_held<pawl::tas_lock<pausing>>() == most);
  CHECK(pauses_while_held<pawl::ticket_lock<pausing>>() == most);
  CHECK(pauses_while_held<pawl::mcs_lock<pausing>>() == most);
  CHECK(pauses_while_held<pawl::ttas_lock<pausing>>() == 127);  // yield_backoff's 1, 2, ... 64
}

TEST_CASE("a ttas_lock waits as its backoff says, and by one pause after another without one") {
  CHECK(pauses_while_held<pawl::ttas_lock<pausing, pawl::no_backoff>>() > 1000);
  CHECK(pauses_while_held<pawl::ttas_lock<pausing, pawl::exponential_backoff>>() > 1000);
}

TEST_CASE("who waits for a ticket pauses once for each who comes before") {
  const watchdog dog("a ticket lock");
  pawl::ticket_lock<pausing> lock;
  pausing::pauses = 0;
  lock.lock();
  std::vector<std::thread> all;
  const int most = static_cast<int>(pawl::detail::patience<pausing>::most_pauses);
  for (int before = 1; before <= 3; ++before) {
    const int paused = pausing::pauses;
    all.emplace_back([&lock] { const std::scoped_lock holder(lock); });
    // All looks but the last are that long; the last begins below the bound.
    const int looks = (most + before - 1) / before;
    while (pausing::pauses < paused + looks * before) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    CHECK(pausing::pauses == paused + looks * before);
  }
  lock.unlock();
  for (std::thread& each : all) each.join();
}
