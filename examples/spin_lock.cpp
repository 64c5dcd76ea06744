// SPDX-License-Identifier: BSL-1.0
// A spin lock, made of one atomic_flag.
//
// Shows what acquire and release are for: the flag alone says who is in, the two orders see to it that who comes in finds what the last
// one left. Four threads move money between two accounts, which are plain integers; no unit may be lost, and whoever holds the lock
// must find the full sum.
//
// What to look at: `lock` and `unlock`. A spin lock is for critical sections of a few instructions: where the holder is preempted,
// everybody waits for it. A std::mutex sleeps then, and a lock-free structure goes on. (pawl has such locks ready, fair ones among them:
// spin_lock.hpp, and locks.cpp here.)
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <thread>
#include <vector>

#include <pawl/atomic.hpp>
#include <pawl/backoff.hpp>

namespace {

class spin_lock {  // Lockable, so std::scoped_lock takes it
 public:
  void lock() noexcept {
    pawl::yield_backoff backoff;
    // (1) acquire: pairs with (2), so what the last holder wrote is there to be read. Without it, reads of the critical section could
    // be done before the flag was ours, and find what the last holder had not finished.
    while (busy_.test_and_set(std::memory_order_acquire)) {
      // Waits by reading, which leaves the line in all the waiting cores' caches; test_and_set takes it away from the others.
      // relaxed: only a hint when to try again, (1) decides
      while (busy_.test(std::memory_order_relaxed)) backoff();
    }
  }
  // May fail only where the lock is held.
  bool try_lock() noexcept {
    // acquire: as (1)
    return !busy_.test_and_set(std::memory_order_acquire);
  }
  void unlock() noexcept {
    // (2) release: pairs with (1). Without it, writes of the critical section could become visible after the next holder's reads.
    busy_.clear(std::memory_order_release);
  }

 private:
  pawl::atomic_flag<> busy_;
};

struct bank {
  static constexpr std::int64_t all_money = 1000;

  spin_lock lock;
  std::int64_t first = all_money;  // this and all below: plain, guarded by `lock`
  std::int64_t second = 0;
  std::int64_t transfers = 0;
  std::int64_t wrong_sums = 0;

  void transfer(std::int64_t amount) {
    const std::scoped_lock holder(lock);
    if (first + second != all_money) ++wrong_sums;
    first -= amount;
    if (transfers % 10'000 == 0) std::this_thread::yield();  // so that others find the lock held, even on one core
    second += amount;
    ++transfers;
  }
};

}  // namespace

int main() {
  constexpr std::int64_t thread_count = 4;
  constexpr std::int64_t transfers_each = 200'000;

  bank shared;
  std::vector<std::thread> threads;
  threads.reserve(thread_count);
  for (std::int64_t number = 0; number < thread_count; ++number) {
    threads.emplace_back([&shared, number] {
      for (std::int64_t i = 0; i < transfers_each; ++i) shared.transfer(number % 2 == 0 ? 1 : -1);
    });
  }
  for (auto& each : threads) each.join();

  std::printf("%lld transfers, %lld times a wrong sum\n", static_cast<long long>(shared.transfers),
              static_cast<long long>(shared.wrong_sums));
  std::printf("first account %lld, second %lld\n", static_cast<long long>(shared.first), static_cast<long long>(shared.second));
  const bool right = shared.transfers == thread_count * transfers_each && shared.wrong_sums == 0 &&
                     shared.first == bank::all_money && shared.second == 0;
  return right ? 0 : 1;
}
