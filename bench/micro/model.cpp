// SPDX-License-Identifier: BSL-1.0
// How many executions the model checker explores in a second: items are complete executions. The making of a check, its stacks and its
// arena, is part of each iteration, so the programs are those with enough executions to outweigh it.
#include "pawl/model.hpp"

#include <cstdint>

#include <benchmark/benchmark.h>

#include "pawl/atomic.hpp"
#include "pawl/hazard_pointer.hpp"
#include "pawl/queue.hpp"
#include "pawl/stack.hpp"
#include "pawl/tagged_pool.hpp"

namespace {

namespace model = pawl::model;
using B = pawl::backend::model;
using pool = pawl::tagged_pool<B>;

template <class Body>
void explore(benchmark::State& state, Body body) {
  model::options o;
  o.spurious_failures = 0;
  std::uint64_t executions = 0;
  std::uint64_t steps = 0;
  for (auto _ : state) {
    const model::report r = model::check(o, body);
    if (!r.ok() || !r.complete) return state.SkipWithError("the program is wrong, or was not explored completely");
    executions += r.executions;
    steps += r.steps;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(executions));
  const auto each = static_cast<double>(state.iterations());
  state.counters["executions"] = static_cast<double>(executions) / each;
  state.counters["steps"] = static_cast<double>(steps) / each;
}

// Runs f(0), f(1), ... in so many threads.
template <class F>
void at_once(std::int64_t threads, F f, std::uint32_t first = 0) {
  if (threads == first) return;
  model::thread one([=] { f(first); });
  at_once(threads, f, first + 1);
  one.join();
}

void additions(benchmark::State& state) {
  explore(state, [threads = state.range(0)] {
    pawl::atomic<int, B> x{0};
    at_once(threads, [&](std::uint32_t /*thread*/) {
      x.fetch_add(1, std::memory_order_relaxed);
      x.fetch_add(1, std::memory_order_relaxed);
    });
  });
}
BENCHMARK(additions)->DenseRange(4, 5)->Unit(benchmark::kMillisecond);

// A Treiber stack of nodes that are there before: its links are indices, counted up against ABA.
class tagged_stack {
 public:
  void push(std::uint32_t node) {
    std::uint64_t old = head_.load(std::memory_order_relaxed);
    do {
      next_[node].store(static_cast<std::uint32_t>(old), std::memory_order_relaxed);
    } while (!head_.compare_exchange_strong(old, with(old, node), std::memory_order_release, std::memory_order_relaxed));
  }
  void pop() {
    std::uint64_t old = head_.load(std::memory_order_acquire);
    while (static_cast<std::uint32_t>(old) != none) {
      const std::uint32_t after = next_[static_cast<std::uint32_t>(old)].load(std::memory_order_relaxed);
      if (head_.compare_exchange_strong(old, with(old, after), std::memory_order_acquire, std::memory_order_acquire)) return;
    }
  }

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  static std::uint64_t with(std::uint64_t old, std::uint32_t node) { return ((old >> 32U) + 1) << 32U | node; }

  pawl::atomic<std::uint32_t, B> next_[3];
  pawl::atomic<std::uint64_t, B> head_{none};
};
void bare_stack(benchmark::State& state) {
  explore(state, [threads = state.range(0)] {
    tagged_stack stack;
    at_once(threads, [&](std::uint32_t thread) {
      stack.push(thread);
      stack.pop();
    });
  });
}
BENCHMARK(bare_stack)->DenseRange(2, 3)->Unit(benchmark::kMillisecond);

// A container's push and pop in each thread.
template <class Container>
void push_pop(std::int64_t threads, Container& container) {
  at_once(threads, [&](std::uint32_t /*thread*/) {
    container.try_push(1);
    model::require(container.try_pop().has_value(), "a thread finds what it pushed, or another element");
  });
}
void stack_over_a_pool(benchmark::State& state) {
  explore(state, [] {
    pool nodes(2);
    pawl::stack<int, pool> stack(nodes);
    push_pop(2, stack);
  });
}
BENCHMARK(stack_over_a_pool)->Unit(benchmark::kMillisecond);

void queue_over_hazard_pointers(benchmark::State& state) {
  explore(state, [] {
    pawl::hazard_pointers<B> domain;
    pawl::queue<int, pawl::hazard_pointers<B>> queue(domain);
    push_pop(2, queue);
  });
}
BENCHMARK(queue_over_hazard_pointers)->Unit(benchmark::kMillisecond);

}  // namespace
