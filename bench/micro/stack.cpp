// SPDX-License-Identifier: BSL-1.0
// A push and a pop, over each reclaimer.
#include "pawl/stack.hpp"

#include <cstdint>
#include <memory>

#include <benchmark/benchmark.h>

#include "pawl/tagged_pool.hpp"

namespace {

using value = std::uint64_t;

template <class Stack>
void push_pop(benchmark::State& state) {
  static std::unique_ptr<Stack> shared;
  if (state.thread_index() == 0) shared = std::make_unique<Stack>();
  for (auto _ : state) {
    shared->push(1);
    benchmark::DoNotOptimize(shared->try_pop());
  }
  if (state.thread_index() == 0) shared.reset();
}
BENCHMARK(push_pop<pawl::stack<value, pawl::tagged_pool<>>>)->ThreadRange(1, 4)->UseRealTime();
BENCHMARK(push_pop<pawl::stack<value>>)->ThreadRange(1, 4)->UseRealTime();

void push_many_pop_all(benchmark::State& state) {
  pawl::stack<value, pawl::tagged_pool<>> stack;
  std::unique_ptr<value[]> out = std::make_unique<value[]>(256);
  for (auto _ : state) {
    for (value i = 0; i < 256; ++i) stack.push(i);
    benchmark::DoNotOptimize(stack.pop_all(out.get()));
  }
  state.SetItemsProcessed(state.iterations() * 256);
}
BENCHMARK(push_many_pop_all);

}  // namespace
