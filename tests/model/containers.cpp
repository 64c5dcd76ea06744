// SPDX-License-Identifier: BSL-1.0
// pawl's own stack and queue, over a fixed pool: all executions of the pairs of operations.
#include <pawl/model.hpp>
#include <pawl/queue.hpp>
#include <pawl/stack.hpp>

#include <optional>
#include <string>

#include "catch.hpp"

namespace {

using B = pawl::backend::model;
namespace model = pawl::model;
using pool = pawl::tagged_pool<B>;

// What the two threads do: push a value of their own, pop, or both. The containers hold one element before.
enum class does { push, pop, both };

template <class Container>
void explore(does first, does second) {
  model::options o;
  o.spurious_failures = 0;  // a weak failure is one more turn of the same loop
  const model::report r = model::check(o, [=] {
    pool nodes(4);
    Container c(nodes);
    model::require(c.try_push(0), "there is room");
    int pushed = 1;
    int popped = 0;
    const auto act = [&c](does what, int value, int& found) {
      if (what != does::pop) model::require(c.try_push(value), "there is room");
      if (what != does::push) {
        const std::optional<int> taken = c.try_pop();
        model::require(taken.has_value(), "an element was there all the time");
        found = *taken;
      }
    };
    int found_a = -1;
    int found_b = -1;
    model::thread a([&] { act(first, 1, found_a); });
    model::thread b([&] { act(second, 2, found_b); });
    a.join();
    b.join();
    for (const does each : {first, second}) {
      if (each != does::pop) ++pushed;
      if (each != does::push) ++popped;
    }
    model::require(found_a != found_b || found_a == -1, "an element was popped twice");
    while (c.try_pop()) ++popped;
    model::require(pushed == popped, "an element is lost");
  });
  INFO((r.violation ? r.violation->message + "\n" + r.violation->trace : ""));
  CHECK(r.ok());
  CHECK(r.complete);
  CHECK(r.executions > 1);
}

}  // namespace

TEST_CASE("two threads push to a stack, or push and pop") {
  explore<pawl::stack<int, pool>>(does::push, does::push);
  explore<pawl::stack<int, pool>>(does::push, does::pop);
  explore<pawl::stack<int, pool>>(does::both, does::push);
}
TEST_CASE("two threads push to a queue, or push and pop") {
  explore<pawl::queue<int, pool>>(does::push, does::push);
  explore<pawl::queue<int, pool>>(does::push, does::pop);
}

// The ABA problem: while one thread is in the midst of a pop, the head leaves, and comes back in front of another node.
TEST_CASE("a node that comes back between a pop's load and its compare-and-swap is another life of it") {
  model::options o;
  o.spurious_failures = 0;
  const model::report r = model::check(o, [] {
    pool nodes(4);
    pawl::stack<int, pool> here(nodes);
    pawl::stack<int, pool> elsewhere(nodes);
    here.push(1);
    here.push(2);
    int popped = 0;
    model::thread pops([&] { popped += here.try_pop() ? 1 : 0; });
    int replaced = 0;
    model::thread replaces([&] {
      replaced += here.try_pop() ? 1 : 0;
      replaced += here.try_pop() ? 1 : 0;
      elsewhere.push(3);
      here.push(4);
    });
    pops.join();
    replaces.join();
    popped += replaced;
    while (here.try_pop()) ++popped;
    model::require(elsewhere.try_pop() == 3 && !elsewhere.try_pop(), "the other stack holds its own");
    model::require(popped == 3, "each element of the three is popped once");
  });
  INFO((r.violation ? r.violation->message + "\n" + r.violation->trace : ""));
  CHECK(r.ok());
  CHECK(r.complete);
}
