// SPDX-License-Identifier: BSL-1.0
// The pool seen through a stack: nodes at hand in the thread's cache, nodes fetched from the shared list, and a fixed pool.
#include "pawl/tagged_pool.hpp"

#include <cstdint>

#include <benchmark/benchmark.h>

#include "pawl/stack.hpp"

namespace {

using stack = pawl::stack<std::uint64_t, pawl::tagged_pool<>>;

void use(benchmark::State& state, pawl::tagged_pool<>& pool) {
  stack values(pool);
  const auto depth = state.range(0);
  for (auto _ : state) {
    for (std::int64_t i = 0; i < depth; ++i) values.push(1);
    for (std::int64_t i = 0; i < depth; ++i) benchmark::DoNotOptimize(values.try_pop());
  }
  state.SetItemsProcessed(state.iterations() * depth);
}

void growing(benchmark::State& state) {
  pawl::tagged_pool<> pool;
  use(state, pool);
}
BENCHMARK(growing)->Arg(1)->Arg(16)->Arg(4096);

void fixed(benchmark::State& state) {
  pawl::tagged_pool<> pool(4096);
  use(state, pool);
}
BENCHMARK(fixed)->Arg(1)->Arg(16)->Arg(4096);

}  // namespace
