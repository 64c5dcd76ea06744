// SPDX-License-Identifier: BSL-1.0
// Single operations on a map of 2^16 elements, over each kind of reclaimer.
#include "pawl/hash_map.hpp"
#include "pawl/rcu.hpp"
#include "pawl/tagged_pool.hpp"

#include <cstdint>
#include <functional>
#include <type_traits>

#include <benchmark/benchmark.h>

namespace {

constexpr std::uint64_t elements = 1U << 16;

template <class R>
using map = pawl::hash_map<std::uint64_t, std::uint64_t, std::hash<std::uint64_t>, std::equal_to<std::uint64_t>, R>;
using hazards = pawl::hazard_pointers<>;
using epochs = pawl::epochs<>;
using pool = pawl::tagged_pool<>;  // growing; fixed_pool: the same of a fixed size
struct fixed_pool : pawl::tagged_pool<> {
  fixed_pool() : tagged_pool(elements) {}
};

constexpr std::uint64_t key(std::uint64_t n) { return (n % elements + 1) * 0x9E37'79B9'7F4A'7C15U; }

template <class R>
auto& filled() {
  static R domain;
  static map<std::conditional_t<std::is_same_v<R, fixed_pool>, pool, R>> all(domain, elements);
  if (all.empty()) {
    for (std::uint64_t i = 0; i < elements; ++i) all.insert(key(i), i);
  }
  return all;
}

template <class R, class F>
void all_keys(benchmark::State& state, F operation) {
  auto& m = filled<R>();
  // A stride, so that neighbours in time aren't neighbours in memory; another start for each thread.
  std::uint64_t n = 40'503 * static_cast<std::uint64_t>(state.thread_index());
  for (auto _ : state) {
    operation(m, key(n));
    n += 40'503;
  }
}

template <class R>
void find(benchmark::State& state) {
  all_keys<R>(state, [](auto& m, std::uint64_t k) { benchmark::DoNotOptimize(m.find(k)); });
}
BENCHMARK_TEMPLATE(find, hazards)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK_TEMPLATE(find, epochs)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK_TEMPLATE(find, pool)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK_TEMPLATE(find, fixed_pool)->ThreadRange(1, 2)->UseRealTime();

template <class R>
void find_missing(benchmark::State& state) {
  all_keys<R>(state, [](auto& m, std::uint64_t k) { benchmark::DoNotOptimize(m.find(~k)); });
}
BENCHMARK_TEMPLATE(find_missing, hazards);
BENCHMARK_TEMPLATE(find_missing, epochs);
BENCHMARK_TEMPLATE(find_missing, pool);
BENCHMARK_TEMPLATE(find_missing, fixed_pool);

template <class R>
void update(benchmark::State& state) {
  all_keys<R>(state,
              [](auto& m, std::uint64_t k) { benchmark::DoNotOptimize(m.update(k, [](std::uint64_t v) { return v + 1; })); });
}
BENCHMARK_TEMPLATE(update, hazards)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK_TEMPLATE(update, epochs)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK_TEMPLATE(update, pool)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK_TEMPLATE(update, fixed_pool)->ThreadRange(1, 2)->UseRealTime();

template <class R>
void erase_insert(benchmark::State& state) {
  all_keys<R>(state, [](auto& m, std::uint64_t k) {
    benchmark::DoNotOptimize(m.erase(k));
    benchmark::DoNotOptimize(m.insert(k, k));
  });
}
BENCHMARK_TEMPLATE(erase_insert, hazards);
BENCHMARK_TEMPLATE(erase_insert, epochs);
BENCHMARK_TEMPLATE(erase_insert, pool);
BENCHMARK_TEMPLATE(erase_insert, fixed_pool);

}  // namespace
