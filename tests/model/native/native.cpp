// SPDX-License-Identifier: BSL-1.0
// PAWL_BACKEND=model: a program that names no backend runs under the checker as it is, whichever header it includes first, and outside of
// a check as it would elsewhere.
#define PAWL_BACKEND model
#include <pawl/hash_map.hpp>
#include <pawl/model.hpp>
#include <pawl/pawl.hpp>

#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace {

namespace model = pawl::model;
static_assert(std::is_same_v<pawl::native, pawl::backend::model>);

// The program: it says nothing of backends. Thread is model::thread in a check, a real one outside.
template <class Thread, class Stack>
int moves_through(Stack& s) {
  int sum = 0;
  Thread pushes([&s] {
    s.push(1);
    s.push(2);
  });
  Thread pops([&s, &sum] {
    for (int i = 0; i < 2; ++i) {
      if (const std::optional<int> found = s.try_pop()) sum += *found;
    }
  });
  pushes.join();
  pops.join();
  while (const std::optional<int> found = s.try_pop()) sum += *found;
  return sum;
}
template <class Thread>
int stack_of_ints() {
  pawl::stack<int> s;
  return moves_through<Thread>(s);
}
template <class Thread>
int queue_of_ints() {
  pawl::queue<int> q;
  return moves_through<Thread>(q);
}
template <class Thread>
int stack_over_a_pool() {
  pawl::stack<int, pawl::tagged_pool<>> s;
  return moves_through<Thread>(s);
}
template <class Thread>
int map_of_ints() {
  pawl::hash_map<int, int> m;
  Thread a([&m] { m.insert(1, 1); });
  Thread b([&m] { m.insert(1, 1); });
  a.join();
  b.join();
  return m.find(1).value_or(0) + static_cast<int>(m.size());
}

template <class Body>
void holds(int expected, Body body) {
  const model::report r = model::check([=] { model::require(body() == expected, "what came out is what went in"); });
  INFO((r.violation ? r.violation->message + "\n" + r.violation->trace : ""));
  CHECK(r.ok());
  CHECK(r.complete);
  CHECK(r.executions > 1);
}

void publishes(std::memory_order order) {
  pawl::atomic<bool> ready{false};
  model::var<int> data{0};
  model::thread writer([&] {
    data.set(1);
    ready.store(true, order);
  });
  model::thread reader([&] {
    if (ready.load(std::memory_order_acquire)) model::require(data.get() == 1, "what was published");
  });
  writer.join();
  reader.join();
}

}  // namespace

TEST_CASE("containers that name no backend are explored") {
  holds(3, stack_of_ints<model::thread>);
  holds(3, queue_of_ints<model::thread>);
  holds(3, stack_over_a_pool<model::thread>);
  holds(2, map_of_ints<model::thread>);
}

TEST_CASE("a race by way of an atomic that names no backend is found") {
  CHECK(model::check([] { publishes(std::memory_order_release); }).complete);
  const model::report r = model::check([] { publishes(std::memory_order_relaxed); });
  REQUIRE(r.violation);
  CHECK(r.violation->kind == model::violation_kind::data_race);
  CHECK(r.violation->message.find("native.cpp:") != std::string::npos);
}

TEST_CASE("a backoff pauses as the checker wants, with no backend named") {
  const model::report r = model::check([] {
    pawl::atomic_flag<> lock;
    model::var<int> count{0};
    const auto adds = [&] {
      pawl::exponential_backoff wait;
      while (lock.test_and_set(std::memory_order_acquire)) wait();
      count.set(count.get() + 1);
      lock.clear(std::memory_order_release);
    };
    model::thread a(adds);
    model::thread b(adds);
    a.join();
    b.join();
  });
  INFO((r.violation ? r.violation->message + "\n" + r.violation->trace : ""));
  CHECK(r.complete);
  CHECK(r.executions == 2);
}

TEST_CASE("outside of a check the same program runs on real threads") {
  for (int i = 0; i < 100; ++i) {
    CHECK(stack_of_ints<std::thread>() == 3);
    CHECK(queue_of_ints<std::thread>() == 3);
    CHECK(stack_over_a_pool<std::thread>() == 3);
    CHECK(map_of_ints<std::thread>() == 2);
  }
  pawl::atomic<int> x{1};
  CHECK(x.fetch_add(2) == 1);
  CHECK(x.exchange(7) == 3);
  CHECK(x.load() == 7);
}
