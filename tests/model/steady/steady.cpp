// SPDX-License-Identifier: BSL-1.0
// The steady state of a check: when all its buffers have grown, nothing is allocated any more, whatever the number of executions and steps.
// A program of its own, since it counts all calls of malloc and operator new (the linker sends them here, see CMakeLists.txt).
#include <pawl/atomic.hpp>
#include <pawl/hazard_pointer.hpp>
#include <pawl/model.hpp>
#include <pawl/queue.hpp>
#include <pawl/stack.hpp>
#include <pawl/tagged_pool.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "catch.hpp"

namespace {

std::uint64_t allocations = 0;

}  // namespace

extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names
void* __real_malloc(std::size_t bytes);
void* __real_realloc(void* memory, std::size_t bytes);
void* __real_calloc(std::size_t number, std::size_t bytes);
void* __wrap_malloc(std::size_t bytes) {
  ++allocations;
  return __real_malloc(bytes);
}
void* __wrap_realloc(void* memory, std::size_t bytes) {
  ++allocations;
  return __real_realloc(memory, bytes);
}
void* __wrap_calloc(std::size_t number, std::size_t bytes) {
  ++allocations;
  return __real_calloc(number, bytes);
}
// NOLINTEND(bugprone-reserved-identifier)
}

// (Out of line: g++ takes the pair of free and an inlined operator new for a mistake.)
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  if (void* const memory = std::malloc(bytes)) return memory;  // which counts
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*bytes*/) noexcept { std::free(memory); }

namespace {

using B = pawl::backend::model;
namespace model = pawl::model;

struct cost {
  std::uint64_t allocations;
  std::uint64_t steps;
  std::uint64_t executions;
};
template <class Body>
cost cost_of(std::uint64_t executions, Body body) {
  model::options o;
  o.max_executions = executions;
  o.spurious_failures = 0;
  const std::uint64_t before = allocations;
  const model::report r = model::check(o, body);
  REQUIRE(r.ok());
  return {allocations - before, r.steps, r.executions + r.blocked};
}

/// More executions cost no more allocations, but for buffers that double now and then.
template <class Body>
void is_steady(Body body) {
  const cost some = cost_of(500, body);
  const cost many = cost_of(20'000, body);
  CAPTURE(some.allocations, many.allocations, many.steps, many.executions);
  REQUIRE(many.executions >= 10 * some.executions);
  CHECK(some.allocations > 0);  // they are counted
  CHECK(many.allocations <= some.allocations + 40);
}

template <class... F>
void at_once(F&&... each) {
  model::thread threads[] = {model::thread(std::forward<F>(each))...};
  for (model::thread& t : threads) t.join();
}

}  // namespace

TEST_CASE("nothing is allocated in the steady state: additions") {
  is_steady([] {
    pawl::atomic<int, B> x{0};
    const auto adds = [&x] {
      x.fetch_add(1);
      x.fetch_add(1);
    };
    at_once(adds, adds, adds, adds, adds);
  });
}
TEST_CASE("nothing is allocated in the steady state: a lock that threads wait for, and plain data") {
  is_steady([] {
    pawl::atomic<bool, B> held{false};
    model::var<int> data{0};
    const auto uses = [&] {
      for (int i = 0; i < 2; ++i) {
        while (held.exchange(true, std::memory_order_acquire)) B::pause();
        data.set(data.get() + 1);
        held.store(false, std::memory_order_release);
      }
    };
    at_once(uses, uses, uses, uses);
  });
}
TEST_CASE("nothing is allocated in the steady state: a stack over a pool") {
  is_steady([] {
    pawl::tagged_pool<B> nodes(8);
    pawl::stack<int, pawl::tagged_pool<B>> s(nodes);
    const auto use = [&s] {
      s.push(1);
      static_cast<void>(s.try_pop());
    };
    at_once(use, use, use);
  });
}
TEST_CASE("nothing is allocated in the steady state: a queue over hazard pointers, whose nodes are the check's") {
  is_steady([] {
    pawl::queue<int, pawl::hazard_pointers<B>> q;
    const auto use = [&q] {
      q.push(1);
      static_cast<void>(q.try_pop());
    };
    at_once(use, use, use);
  });
}
