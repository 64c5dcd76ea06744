// SPDX-License-Identifier: BSL-1.0
// A push and a pop, over each reclaimer.
#include "pawl/queue.hpp"

#include <cstdint>
#include <memory>

#include <benchmark/benchmark.h>

#include "pawl/tagged_pool.hpp"

namespace {

using value = std::uint64_t;

template <class Queue>
void push_pop(benchmark::State& state) {
  static std::unique_ptr<Queue> shared;
  if (state.thread_index() == 0) shared = std::make_unique<Queue>();
  for (auto _ : state) {
    shared->push(1);
    benchmark::DoNotOptimize(shared->try_pop());
  }
  if (state.thread_index() == 0) shared.reset();
}
BENCHMARK(push_pop<pawl::queue<value, pawl::tagged_pool<>>>)->ThreadRange(1, 4)->UseRealTime();
BENCHMARK(push_pop<pawl::queue<value>>)->ThreadRange(1, 4)->UseRealTime();

}  // namespace
