// SPDX-License-Identifier: BSL-1.0
// wait and notify beside std::atomic's: a ball that two threads hand to each other, and a notification that nobody waits for.
#include "pawl/atomic.hpp"

#include <atomic>
#include <cstdint>
#include <thread>

#include <benchmark/benchmark.h>

namespace {

// Counts up by turns: main's are the even numbers. One iteration is there and back. With `rest`, each holds the ball for longer than the
// other spins, so that the other sleeps.
template <class Atomic, bool Rest>
void hand_over(benchmark::State& state) {
  using number = typename Atomic::value_type;
  static constexpr auto rest = [] {
    if constexpr (Rest) std::this_thread::sleep_for(std::chrono::microseconds(100));
  };
  Atomic ball{0};
  constexpr number stop = ~number{0};
  std::thread other([&] {
    for (number n = 0;; n += 2) {
      ball.wait(n, std::memory_order_acquire);
      if (ball.load(std::memory_order_acquire) == stop) return;
      rest();
      ball.store(n + 2, std::memory_order_release);
      ball.notify_one();
    }
  });
  number n = 0;
  for (auto _ : state) {
    rest();
    ball.store(n + 1, std::memory_order_release);
    ball.notify_one();
    ball.wait(n + 1, std::memory_order_acquire);
    n += 2;
  }
  ball.store(stop, std::memory_order_release);
  ball.notify_one();
  other.join();
}
template <class Atomic>
void notify_nobody(benchmark::State& state) {
  static Atomic lonely{0};
  for (auto _ : state) lonely.notify_one();
}
template <class Atomic>
void store_and_notify_nobody(benchmark::State& state) {
  static Atomic lonely{0};
  for (auto _ : state) {
    lonely.store(1, std::memory_order_release);
    lonely.notify_one();
  }
}

using pawl4 = pawl::atomic<std::uint32_t>;
using pawl8 = pawl::atomic<std::uint64_t>;
using std4 = std::atomic<std::uint32_t>;
using std8 = std::atomic<std::uint64_t>;

BENCHMARK(notify_nobody<pawl4>);
BENCHMARK(notify_nobody<std4>);
BENCHMARK(notify_nobody<pawl8>);
BENCHMARK(notify_nobody<std8>);
BENCHMARK(store_and_notify_nobody<pawl4>);
BENCHMARK(store_and_notify_nobody<std4>);
BENCHMARK(store_and_notify_nobody<pawl8>);
BENCHMARK(store_and_notify_nobody<std8>);
BENCHMARK(hand_over<pawl4, false>)->UseRealTime();
BENCHMARK(hand_over<std4, false>)->UseRealTime();
BENCHMARK(hand_over<pawl8, false>)->UseRealTime();
BENCHMARK(hand_over<std8, false>)->UseRealTime();
BENCHMARK(hand_over<pawl4, true>)->UseRealTime();
BENCHMARK(hand_over<std4, true>)->UseRealTime();
BENCHMARK(hand_over<pawl8, true>)->UseRealTime();
BENCHMARK(hand_over<std8, true>)->UseRealTime();

}  // namespace
