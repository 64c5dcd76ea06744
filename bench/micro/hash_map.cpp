// SPDX-License-Identifier: BSL-1.0
// Single operations on a map of 2^16 elements.
#include "pawl/hash_map.hpp"

#include <cstdint>

#include <benchmark/benchmark.h>

namespace {

using map = pawl::hash_map<std::uint64_t, std::uint64_t>;
constexpr std::uint64_t elements = 1U << 16;

constexpr std::uint64_t key(std::uint64_t n) { return (n % elements + 1) * 0x9E37'79B9'7F4A'7C15U; }

map& filled() {
  static map all;
  if (all.empty()) {
    for (std::uint64_t i = 0; i < elements; ++i) all.insert(key(i), i);
  }
  return all;
}

template <class F>
void all_keys(benchmark::State& state, F operation) {
  map& m = filled();
  // A stride, so that neighbours in time aren't neighbours in memory; another start for each thread.
  std::uint64_t n = 40'503 * static_cast<std::uint64_t>(state.thread_index());
  for (auto _ : state) {
    operation(m, key(n));
    n += 40'503;
  }
}

void find(benchmark::State& state) {
  all_keys(state, [](map& m, std::uint64_t k) { benchmark::DoNotOptimize(m.find(k)); });
}
BENCHMARK(find)->ThreadRange(1, 2)->UseRealTime();

void find_missing(benchmark::State& state) {
  all_keys(state, [](map& m, std::uint64_t k) { benchmark::DoNotOptimize(m.find(~k)); });
}
BENCHMARK(find_missing);

void update(benchmark::State& state) {
  all_keys(state, [](map& m, std::uint64_t k) { benchmark::DoNotOptimize(m.update(k, [](std::uint64_t v) { return v + 1; })); });
}
BENCHMARK(update)->ThreadRange(1, 2)->UseRealTime();

void erase_insert(benchmark::State& state) {
  all_keys(state, [](map& m, std::uint64_t k) {
    benchmark::DoNotOptimize(m.erase(k));
    benchmark::DoNotOptimize(m.insert(k, k));
  });
}
BENCHMARK(erase_insert);

}  // namespace
