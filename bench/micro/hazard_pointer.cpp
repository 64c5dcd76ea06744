// SPDX-License-Identifier: BSL-1.0
// What a reader pays for memory that stays: beside a plain load, which is unsafe, and one uncontended compare-and-swap.
#include "pawl/hazard_pointer.hpp"

#include <cstdint>

#include <benchmark/benchmark.h>

#include "pawl/atomic.hpp"

namespace {

struct object : pawl::hazard_pointer_obj_base<object> {
  std::uint64_t value = 0;
};
object target;
alignas(128) pawl::atomic<object*> source{&target};
alignas(128) pawl::atomic<std::uint64_t> word{0};

void plain_load(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(source.load(std::memory_order_acquire));
}
BENCHMARK(plain_load);

void protect_read_reset(benchmark::State& state) {
  pawl::hazard_pointer guard = pawl::make_hazard_pointer();
  for (auto _ : state) {
    benchmark::DoNotOptimize(guard.protect(source)->value);
    guard.reset_protection();
  }
}
BENCHMARK(protect_read_reset);

void make_protect_read_end(benchmark::State& state) {
  for (auto _ : state) {
    pawl::hazard_pointer guard = pawl::make_hazard_pointer();
    benchmark::DoNotOptimize(guard.protect(source)->value);
  }
}
BENCHMARK(make_protect_read_end);

void one_compare_and_swap(benchmark::State& state) {
  for (auto _ : state) {
    std::uint64_t seen = word.load(std::memory_order_relaxed);
    benchmark::DoNotOptimize(word.compare_exchange_strong(seen, seen + 1));
  }
}
BENCHMARK(one_compare_and_swap);

// Allocation, retirement and the scans that free what was retired.
void make_and_retire(benchmark::State& state) {
  for (auto _ : state) (new object)->retire();
}
BENCHMARK(make_and_retire)->ThreadRange(1, 2)->UseRealTime();

}  // namespace
