// SPDX-License-Identifier: BSL-1.0
#include <pawl/queue.hpp>

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
    auto list = world.template make<pawl::queue<T, typename World::reclaimer>>();
    stress::mix(trial, list, threads, true);
  }
  REQUIRE(trial.failure() == "");
}

}  // namespace

TEMPLATE_TEST_CASE("what goes into a queue comes out once, each producer's in order", "", stress::default_hazards,
                   stress::own_hazards, stress::builtin_hazards, stress::restless_hazards, stress::own_pool, stress::shared_pool,
                   stress::fixed_pool, stress::builtin_pool, stress::restless_pool, stress::restless_fixed_pool, stress::own_epochs,
                   stress::restless_epochs) {
  mixed<TestType, ticket>(4);
}

TEMPLATE_TEST_CASE("move-only elements go through a queue", "", stress::default_hazards, stress::restless_hazards) {
  mixed<TestType, owned_ticket>(3);
}

TEMPLATE_TEST_CASE("a queue that a thread has pushed to is not empty when the thread pops", "", stress::default_hazards,
                   stress::restless_hazards, stress::own_pool, stress::restless_pool, stress::restless_fixed_pool) {
  stress::trial trial;
  TestType world;
  auto list = world.template make<pawl::queue<ticket, typename TestType::reclaimer>>();
  stress::put_then_take(trial, list, 4);
  REQUIRE(trial.failure() == "");
}

TEMPLATE_TEST_CASE("a queue's push fails on a fixed pool only when all of it is in use", "", pawl::native, stress::restless) {
  for (const unsigned threads : {2U, 4U}) {
    stress::trial trial(stress::duration / 2);
    stress::fill_to_capacity<pawl::queue<ticket, pawl::tagged_pool<TestType>>>(trial, threads);
    REQUIRE(trial.failure() == "");
  }
}

TEMPLATE_TEST_CASE("a queue on a small fixed pool loses no node", "", pawl::native, stress::restless) {
  stress::trial trial;
  stress::run_out<pawl::queue<ticket, pawl::tagged_pool<TestType>>>(trial, 4, 3);
  REQUIRE(trial.failure() == "");
}

TEMPLATE_TEST_CASE("a range lies in a queue in one piece", "", stress::default_hazards, stress::restless_hazards, stress::own_pool,
                   stress::restless_pool) {
  constexpr unsigned producers = 3;
  constexpr std::uint64_t length = 4;
  stress::trial trial;
  TestType world;
  auto list = world.template make<pawl::queue<ticket, typename TestType::reclaimer>>();
  std::atomic<unsigned> at_work{producers};
  trial.run(producers + 1, [&](unsigned self) {
    if (self < producers) {
      for (std::uint64_t number = 0; trial.goes_on();) {
        std::vector<ticket> range;
        for (std::uint64_t i = 0; i < length; ++i) range.push_back(ticket::make(self, number++));
        list.push_range(range);
        // Or else the consumer could stay far behind.
        while (number % 256 == 0 && trial.goes_on() && !list.empty()) std::this_thread::yield();
      }
      at_work.fetch_sub(1, std::memory_order_release);
      return;
    }
    ticket before = ticket::make(0, length - 1);
    for (;;) {
      const bool last_look = at_work.load(std::memory_order_acquire) == 0;
      const std::optional<ticket> one = list.try_pop();
      if (!one) {
        trial.expect(before.number % length == length - 1, "a queue is empty, but part of a range did not come out");
        if (last_look || !trial.failure().empty()) break;
        continue;
      }
      trial.expect(one->whole(), "a broken element came out");
      if (before.number % length != length - 1) {
        trial.expect(one->producer == before.producer && one->number == before.number + 1, "an element lay between two of a range");
      }
      before = *one;
    }
  });
  REQUIRE(trial.failure() == "");
}

// All or nothing: a thread puts in two at a time, so an even number is there at any instant.
TEMPLATE_TEST_CASE("a queue's pop_all takes all at one instant", "", stress::default_hazards, stress::restless_hazards,
                   stress::own_pool, stress::restless_pool) {
  stress::trial trial;
  TestType world;
  auto list = world.template make<pawl::queue<ticket, typename TestType::reclaimer>>();
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
          trial.expect(all[i].producer == all[i + 1].producer && all[i].number + 1 == all[i + 1].number, "not first in, first out");
        }
      }
    }
  });
  REQUIRE(trial.failure() == "");
}
