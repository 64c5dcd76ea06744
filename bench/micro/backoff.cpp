// SPDX-License-Identifier: BSL-1.0
// A counter by compare-and-swap, with each backoff: what waiting after a failure gains, and what having a backoff costs without one.
#include "pawl/backoff.hpp"

#include <cstdint>

#include <benchmark/benchmark.h>

#include "pawl/atomic.hpp"

namespace {

alignas(128) pawl::atomic<std::uint64_t> counter{0};

template <class Backoff>
void count(benchmark::State& state) {
  for (auto _ : state) {
    Backoff backoff;
    std::uint64_t seen = counter.load(std::memory_order_relaxed);
    while (!counter.compare_exchange_weak(seen, seen + 1)) {
      backoff();
      seen = counter.load(std::memory_order_relaxed);
    }
  }
}
BENCHMARK(count<pawl::no_backoff>)->ThreadRange(1, 4)->UseRealTime();
BENCHMARK(count<pawl::exponential_backoff>)->ThreadRange(1, 4)->UseRealTime();
BENCHMARK(count<pawl::yield_backoff>)->ThreadRange(1, 4)->UseRealTime();

}  // namespace
