// SPDX-License-Identifier: BSL-1.0
#include <pawl/stack.hpp>

#include <optional>
#include <vector>

#include "catch.hpp"
#include "lists.hpp"

namespace {

using stress::owned_ticket;
using stress::ticket;

template <class World, class T>
void mixed(unsigned threads) {
  stress::trial trial;
  World world;
  {
    auto list = world.template make<pawl::stack<T, typename World::reclaimer>>();
    stress::mix(trial, list, threads, false);
  }
  REQUIRE(trial.failure() == "");
}

}  // namespace

TEMPLATE_TEST_CASE("what goes into a stack comes out once", "", stress::default_hazards, stress::own_hazards,
                   stress::builtin_hazards, stress::restless_hazards, stress::own_pool, stress::shared_pool, stress::fixed_pool,
                   stress::builtin_pool, stress::restless_pool, stress::restless_fixed_pool, stress::own_epochs,
                   stress::restless_epochs) {
  mixed<TestType, ticket>(4);
}

TEMPLATE_TEST_CASE("move-only elements go through a stack", "", stress::default_hazards, stress::restless_hazards) {
  mixed<TestType, owned_ticket>(3);
}

TEMPLATE_TEST_CASE("a stack that a thread has pushed to is not empty when the thread pops", "", stress::default_hazards,
                   stress::restless_hazards, stress::own_pool, stress::restless_pool, stress::restless_fixed_pool) {
  stress::trial trial;
  TestType world;
  auto list = world.template make<pawl::stack<ticket, typename TestType::reclaimer>>();
  stress::put_then_take(trial, list, 4);
  REQUIRE(trial.failure() == "");
}

TEMPLATE_TEST_CASE("a stack's push fails on a fixed pool only when all of it is in use", "", pawl::native, stress::restless) {
  for (const unsigned threads : {2U, 4U}) {
    stress::trial trial(stress::duration / 2);
    stress::fill_to_capacity<pawl::stack<ticket, pawl::tagged_pool<TestType>>>(trial, threads);
    REQUIRE(trial.failure() == "");
  }
}

TEMPLATE_TEST_CASE("a stack on a small fixed pool loses no node", "", pawl::native, stress::restless) {
  stress::trial trial;
  stress::run_out<pawl::stack<ticket, pawl::tagged_pool<TestType>>>(trial, 4, 3);
  REQUIRE(trial.failure() == "");
}

// A range is pushed at once, so what a single consumer pops from the middle of one goes on with the rest of that range, unless something
// was pushed onto it in between: then that comes first, and the rest follows later, still in its order.
TEMPLATE_TEST_CASE("a range lies in a stack in one piece", "", stress::default_hazards, stress::restless_hazards, stress::own_pool,
                   stress::restless_pool) {
  constexpr unsigned producers = 3;
  constexpr std::uint64_t length = 4;
  stress::trial trial;
  TestType world;
  auto list = world.template make<pawl::stack<ticket, typename TestType::reclaimer>>();
  std::atomic<unsigned> at_work{producers};
  trial.run(producers + 1, [&](unsigned self) {
    if (self < producers) {
      for (std::uint64_t number = 0; trial.goes_on();) {
        std::vector<ticket> range;
        for (std::uint64_t i = 0; i < length; ++i) range.push_back(ticket::make(self, number++));
        list.push_range(range);
        while (trial.goes_on() && !list.empty()) std::this_thread::yield();
      }
      at_work.fetch_sub(1, std::memory_order_release);
      return;
    }
    // The ranges that we are in the middle of, innermost last: by the number that comes next, and its producer.
    std::vector<ticket> open;
    for (;;) {
      const bool last_look = at_work.load(std::memory_order_acquire) == 0;
      const std::optional<ticket> one = list.try_pop();
      if (!one) {
        trial.expect(open.empty(), "a stack is empty, but part of a range did not come out");
        if (last_look) break;
        continue;
      }
      trial.expect(one->whole(), "a broken element came out");
      if (one->number % length == length - 1) {
        open.push_back(*one);
      } else {
        const bool goes_on = !open.empty() && open.back().producer == one->producer && open.back().number == one->number + 1;
        trial.expect(goes_on, "an element lay between two of a range");
        if (!goes_on) break;
        open.back() = *one;
      }
      if (one->number % length == 0) open.pop_back();
    }
  });
  REQUIRE(trial.failure() == "");
}

// All or nothing: a thread puts in two at a time, so an even number is there at any instant.
TEMPLATE_TEST_CASE("a stack's pop_all takes all at one instant", "", stress::default_hazards, stress::restless_hazards,
                   stress::own_pool, stress::restless_pool) {
  stress::trial trial;
  TestType world;
  auto list = world.template make<pawl::stack<ticket, typename TestType::reclaimer>>();
  trial.run(4, [&](unsigned self) {
    for (std::uint64_t number = 0; trial.goes_on(); number += 2) {
      if (self < 2) {
        list.push_range(std::vector<ticket>{ticket::make(self, number), ticket::make(self, number + 1)});
      } else {
        std::vector<ticket> all;
        list.pop_all(std::back_inserter(all));
        trial.expect(all.size() % 2 == 0, "pop_all took a part of what was pushed at once");
        for (std::size_t i = 0; i + 1 < all.size(); i += 2) {
          trial.expect(all[i].whole() && all[i + 1].whole(), "a broken element came out");
          trial.expect(all[i].producer == all[i + 1].producer && all[i].number == all[i + 1].number + 1, "not last in, first out");
        }
      }
    }
  });
  REQUIRE(trial.failure() == "");
}
