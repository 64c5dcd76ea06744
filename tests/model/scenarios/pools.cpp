// SPDX-License-Identifier: BSL-1.0
// Pools that threads bind, grow and use at once. A growing pool's blocks are a few nodes each in the model, and its chains are one.
#include <pawl/queue.hpp>
#include <pawl/stack.hpp>

#include <optional>

#include "model/scenarios.hpp"

namespace scenarios {

void add_pools(std::vector<scenario>& all) {
  using stack = pawl::stack<int, pool>;
  using queue = pawl::queue<int, pool>;
  const auto add = [&all](const std::string& name, std::function<void()> body, bool large = false) {
    all.push_back({"pool: " + name, std::move(body), large});
  };
  const auto pops = [](stack& s, int most) {
    int sum = 0;
    for (int i = 0; i < most; ++i) sum += s.try_pop().value_or(0);
    return sum;
  };

  const auto first_container = [&add](const std::string& name, auto on) {
    add("its first containers are made at once, " + name, [on] {
      on([](pool& nodes) {
        at_once(
            [&nodes] {
              stack s(nodes);
              s.push(1);
              model::require(s.try_pop() == 1, "it is a stack of its own");
            },
            [&nodes] { stack s(nodes); });
      });
    });
  };
  first_container("growing", [](auto run) {
    pool nodes;
    run(nodes);
  });
  first_container("fixed", [](auto run) {
    pool nodes(2);
    run(nodes);
  });
  add("two queues are made at once on a fixed pool", [] {
    pool nodes(2);
    queue first(nodes);
    at_once(
        [&nodes] {
          queue q(nodes);
          q.push(1);
          model::require(q.try_pop() == 1, "it is a queue of its own");
        },
        [&nodes] { queue q(nodes); });
  });
  add("a queue goes | a queue comes, on a fixed pool", [] {
    pool nodes(2);
    std::optional<queue> first(std::in_place, nodes);
    at_once([&first] { first.reset(); },
            [&nodes] {
              queue q(nodes);
              q.push(1);
              model::require(q.try_pop() == 1, "it is a queue of its own");
            });
  });
  add("the last nodes of a fixed pool", [] {
    pool nodes(2);
    stack s(nodes);
    s.push(1);
    int pushed = 0;
    at_once([&] { pushed = s.try_push(2) ? 2 : 0; }, [&] { static_cast<void>(s.try_pop()); });
    model::require(pushed == 2, "there was one node left");
  });
  add("full | full, on a fixed pool", [] {
    pool nodes(1);
    stack s(nodes);
    int first = 0;
    int second = 0;
    at_once([&] { first = s.try_push(1) ? 1 : 0; }, [&] { second = s.try_push(2) ? 1 : 0; });
    model::require(first + second == 1, "one node is for one of them");
  });
  for (const int before : {0, 1, 2}) {
    add("both grow it, with " + std::to_string(before) + " before", [before, pops] {
      stack s;
      for (int i = 0; i < before; ++i) s.push(1);
      at_once([&] { s.push(10); }, [&] { s.push(100); });
      model::require(pops(s, before + 3) == 110 + before, "all are there");
    });
  }
  add(
      "both grow it by several blocks",
      [pops] {
        stack s;
        at_once(
            [&] {
              s.push(1);
              s.push(2);
            },
            [&] {
              s.push(10);
              s.push(20);
            });
        model::require(pops(s, 5) == 33, "all are there");
      },
      true);
  add("one grows it, the other reads in a block that it didn't make", [] {
    stack s;
    s.push(1);
    int found = 0;
    at_once([&] { s.push(10); }, [&] { found = s.try_pop().value_or(0); });
    model::require(found == 1 || found == 10, "one of the two was there");
  });
  // What one thread frees beyond its cache, another one takes.
  add("spill | refill", [pops] {
    stack s;
    for (int i = 1; i <= 3; ++i) s.push(i);
    int found = 0;
    at_once([&] { found = pops(s, 3); },
            [&] {
              s.push(10);
              s.push(20);
            });
    model::require(found + pops(s, 5) == 36, "all are there, once");
  });
  add(
      "spill | spill",
      [pops] {
        stack here;
        for (int i = 1; i <= 6; ++i) here.push(i);
        int first = 0;
        int second = 0;
        at_once([&] { first = pops(here, 3); }, [&] { second = pops(here, 3); });
        model::require(first + second == 21, "each is popped once");
      },
      true);
  add("refill | refill, from the depot", [pops] {
    stack s;
    for (int i = 0; i < 4; ++i) s.push(0);
    model::require(pops(s, 4) == 0, "they come back");  // two chains go to the depot
    at_once([&] { s.push(1); }, [&] { s.push(10); });
    model::require(pops(s, 3) == 11, "all are there");
  });
  add("a third thread is told of a node in a block that another made", [] {
    pool nodes;
    stack here(nodes);
    stack there(nodes);
    here.push(1);
    int found = 0;
    at_once(
        [&] {
          here.push(10);
          here.push(20);
        },
        [&] {
          if (const auto first = here.try_pop()) there.push(*first);
        },
        [&] { found = there.try_pop().value_or(0); });
    model::require(found == 0 || found == 1 || found == 10 || found == 20, "it is a value that was pushed");
  });
}

}  // namespace scenarios
