// SPDX-License-Identifier: BSL-1.0
// load_linked and store_conditional beside the compare-and-swap that they are made of, by one thread and by two on one line.
#include "pawl/llsc.hpp"

#include <cstdint>

#include <benchmark/benchmark.h>

#include "pawl/atomic.hpp"
#include "pawl/tagged.hpp"

namespace {

constexpr auto relaxed = std::memory_order_relaxed;

template <class Cell>
struct alignas(128) line {
  Cell cell{};
};

// Adds one, until it succeeds.
template <class T>
void add_by_llsc(benchmark::State& state) {
  static line<pawl::llsc<T>> shared;
  for (auto _ : state) {
    for (;;) {
      auto link = shared.cell.load_linked(relaxed);
      if (link.store_conditional(static_cast<T>(link.value() + 1))) break;
    }
  }
}
template <class T>
void add_by_cas(benchmark::State& state) {
  static line<pawl::atomic<T>> shared;
  for (auto _ : state) {
    T seen = shared.cell.load(relaxed);
    while (!shared.cell.compare_exchange_weak(seen, static_cast<T>(seen + 1))) {
    }
  }
}
// What an llsc of 4 bytes is inside, written out.
void add_by_cas_of_a_tagged_value(benchmark::State& state) {
  using word = pawl::tagged<std::uint32_t>;
  static line<pawl::atomic<word>> shared;
  for (auto _ : state) {
    word seen = shared.cell.load(relaxed);
    while (!shared.cell.compare_exchange_weak(seen, seen.next(seen.value + 1))) {
    }
  }
}
template <class T>
void validate(benchmark::State& state) {
  static line<pawl::llsc<T>> shared;
  auto link = shared.cell.load_linked();
  for (auto _ : state) benchmark::DoNotOptimize(link.validate());
}

BENCHMARK(add_by_cas<std::uint32_t>)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(add_by_cas_of_a_tagged_value)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(add_by_llsc<std::uint32_t>)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(add_by_llsc<std::uint8_t>);
BENCHMARK(validate<std::uint32_t>);
BENCHMARK(add_by_cas<std::uint64_t>)->ThreadRange(1, 2)->UseRealTime();
// Where the machine has 16 bytes.
template <class B>
bool add_of_8_bytes() {
  if constexpr (B::has_double_width) {
    benchmark::RegisterBenchmark("add_by_llsc<std::uint64_t>", add_by_llsc<std::uint64_t>)->ThreadRange(1, 2)->UseRealTime();
    benchmark::RegisterBenchmark("validate<std::uint64_t>", validate<std::uint64_t>);
  }
  return true;
}
const bool registered = add_of_8_bytes<pawl::native>();

}  // namespace
