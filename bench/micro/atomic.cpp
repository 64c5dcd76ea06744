// SPDX-License-Identifier: BSL-1.0
// One atomic operation, by one thread and by two on the same line.
#include "pawl/atomic.hpp"

#include <cstdint>

#include <benchmark/benchmark.h>

#include "pawl/tagged.hpp"

namespace {

using word = pawl::atomic<std::uint64_t>;

alignas(128) word shared{0};
alignas(128) pawl::atomic<double> real{0};
alignas(128) pawl::atomic_flag<> flag;
alignas(128) pawl::atomic<pawl::tagged<void*>> wide{};

template <class F>
void every_thread(const char* name, F operation) {
  benchmark::RegisterBenchmark(name,
                               [operation](benchmark::State& state) {
                                 for (auto _ : state) operation();
                               })
      ->ThreadRange(1, 2)
      ->UseRealTime();
}

const bool registered = [] {
  every_thread("load", [] { benchmark::DoNotOptimize(shared.load()); });
  every_thread("store/release", [] { shared.store(1, std::memory_order_release); });
  every_thread("store/seq_cst", [] { shared.store(1); });
  every_thread("exchange", [] { benchmark::DoNotOptimize(shared.exchange(1)); });
  every_thread("fetch_add", [] { benchmark::DoNotOptimize(shared.fetch_add(1)); });
  every_thread("store_add", [] { shared.store_add(1); });
  every_thread("fetch_or", [] { benchmark::DoNotOptimize(shared.fetch_or(1)); });
  every_thread("fetch_max", [] { benchmark::DoNotOptimize(shared.fetch_max(1)); });
  every_thread("fetch_add/double", [] { benchmark::DoNotOptimize(real.fetch_add(1)); });
  every_thread("fetch_update", [] { benchmark::DoNotOptimize(shared.fetch_update([](std::uint64_t v) { return v + 1; })); });
  every_thread("compare_exchange/8", [] {
    std::uint64_t seen = shared.load(std::memory_order_relaxed);
    benchmark::DoNotOptimize(shared.compare_exchange_strong(seen, seen + 1));
  });
  every_thread("compare_exchange/16", [] {
    auto seen = wide.load(std::memory_order_relaxed);
    benchmark::DoNotOptimize(wide.compare_exchange_strong(seen, seen.next(nullptr)));
  });
  every_thread("test_and_set, clear", [] {
    benchmark::DoNotOptimize(flag.test_and_set(std::memory_order_acquire));
    flag.clear(std::memory_order_release);
  });
  every_thread("thread_fence/seq_cst", [] { pawl::native::thread_fence(std::memory_order_seq_cst); });
  every_thread("pause", [] { pawl::native::pause(); });
  return true;
}();

}  // namespace
