// SPDX-License-Identifier: BSL-1.0
// Pools that threads bind, grow and use at once. A growing pool's blocks are a few nodes each in the model, and its chains are one.
#include <pawl/queue.hpp>
#include <pawl/stack.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>

#include "model/scenarios.hpp"
#include "several.hpp"

namespace scenarios {
namespace {

// What a pool's allocator has given, and the thread for which it has nothing.
struct budget {
  int given = 0;
  unsigned without = ~0U;
  static unsigned this_thread() { return model::detail::active->steps().running(); }
};
template <class T>
struct metered {
  using value_type = T;
  explicit metered(budget& its_budget) noexcept : its(&its_budget) {}
  template <class U>
  metered(const metered<U>& other) noexcept : its(other.its) {}  // NOLINT(google-explicit-constructor): as allocators are
  T* allocate(std::size_t n) {
    // A block of words. (The model makes the threads' caches as if before all of them.)
    if (sizeof(T) == 8 && budget::this_thread() == its->without) throw std::bad_alloc();
    ++its->given;
    return static_cast<T*>(pawl::environment<B>::allocate(n * sizeof(T), alignof(T)));
  }
  void deallocate(T* memory, std::size_t n) noexcept { pawl::environment<B>::deallocate(memory, n * sizeof(T), alignof(T)); }
  friend bool operator==(const metered&, const metered&) = default;
  budget* its;
};
using metered_pool = pawl::tagged_pool<B, metered<std::byte>>;
using metered_stack = pawl::stack<int, metered_pool>;

// A push that may find no memory: then it had no effect.
int push_or_not(metered_stack& s, int value) {
  try {
    s.push(value);
    return value;
  } catch (const std::bad_alloc&) {
    return 0;
  }
}
int pop_all(metered_stack& s) {
  int sum = 0;
  while (const auto each = s.try_pop()) sum += *each;
  return sum;
}

}  // namespace

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
  // Nodes that were used before, taken several at once.
  const auto several = [&add](const std::string& name, int free, auto other) {
    add("two nodes at once of " + std::to_string(free) + " free ones | " + name, [free, other] {
      pool nodes(3);
      stack s(nodes);
      stack elsewhere(nodes);
      for (int i = 0; i < free; ++i) s.push(0);
      while (s.try_pop()) {
      }
      std::size_t pushed = 0;
      int others = 0;
      at_once([&] { pushed = push_several(s, {1, 2}); }, [&] { others = other(elsewhere); });
      model::require(static_cast<int>(pushed) + others >= 2, "there was a node for each, or all were in use");
      std::size_t found = 0;
      while (s.try_pop()) ++found;
      while (elsewhere.try_pop()) ++found;
      model::require(found == pushed + static_cast<std::size_t>(others), "each is in one place");
      for (int i = 0; i < 3; ++i) model::require(s.try_push(i), "all nodes are there");
      model::require(!s.try_push(3), "and no other");
    });
  };
  for (const int free : {0, 1, 2, 3}) {
    several("one", free, [](stack& s) { return s.try_push(3) ? 1 : 0; });
    several("two", free, [](stack& s) { return static_cast<int>(push_several(s, {3, 4})); });
    several("one comes and goes", free, [](stack& s) {
      if (s.try_push(3)) static_cast<void>(s.try_pop());
      return s.try_push(4) ? 1 : 0;
    });
    several("two come and go", free, [](stack& s) {
      push_several(s, {3, 4});
      pop_several(s, 2);
      return s.try_push(5) ? 1 : 0;
    });
  }
  for (const bool back : {false, true}) {
    add(std::string("two nodes at once, late on a free one | it comes into a stack") + (back ? " and out, with a new one" : "") +
            " | that had a new one",
        [back] {
          pool nodes(4);
          stack s(nodes);
          stack elsewhere(nodes);
          s.push(0);
          static_cast<void>(s.try_pop());
          std::size_t pushed = 0;
          std::size_t popped = 0;
          at_once([&] { pushed = push_several(s, {1, 2}); },
                  [&] {
                    elsewhere.push(3);
                    if (back) popped = pop_several(elsewhere, 2).size();
                  },
                  [&] { elsewhere.push(4); });
          model::require(pushed == 2, "there was room");
          std::size_t found = 0;
          while (s.try_pop()) ++found;
          while (elsewhere.try_pop()) ++found;
          model::require(found + popped == 4, "each is in one place");
        });
  }
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
  // In the model a chain is one node, and the blocks have one, two, five and ten nodes of a stack of int.
  add(
      "spill | spill, and no more memory for what comes next",
      [] {
        budget memory;
        metered_pool nodes{metered<std::byte>(memory)};
        metered_stack s(nodes);
        for (int i = 0; i < 6; ++i) s.push(1);
        int first = 0;
        int second = 0;
        const auto pop_three = [&s](int& sum) {
          for (int i = 0; i < 3; ++i) sum += s.try_pop().value_or(0);
        };
        at_once([&] { pop_three(first); }, [&] { pop_three(second); });
        // Two nodes are left unused, and each of the threads has spilled one.
        const int before = memory.given;
        for (int i = 0; i < 4; ++i) s.push(1);
        model::require(memory.given == before, "what they freed comes back");
        model::require(first + second == 6 && pop_all(s) == 4, "each is popped once");
      },
      true);
  add("refill | refill, and no more memory for it", [] {
    budget memory;
    metered_pool nodes{metered<std::byte>(memory)};
    metered_stack s(nodes);
    for (int i = 0; i < 8; ++i) s.push(0);
    model::require(pop_all(s) == 0 && s.empty(), "they come back");
    // All nodes of three blocks are made; six are in the depot. Each thread takes one.
    const int before = memory.given;
    at_once([&] { s.push(1); }, [&] { s.push(10); });
    model::require(memory.given == before, "they take what was freed");
    model::require(pop_all(s) == 11, "all are there");
  });
  const auto without_memory = [&add](int before, bool other_pops) {
    add(std::string("push without memory | ") + (other_pops ? "pop three, spill" : "push") + ", with " + std::to_string(before) +
            " before",
        [before, other_pops] {
          budget memory;
          metered_pool nodes{metered<std::byte>(memory)};
          metered_stack s(nodes);
          for (int i = 0; i < before; ++i) s.push(100);
          int first = 0;
          int second = 0;
          at_once(
              [&] {
                memory.without = budget::this_thread();
                first = push_or_not(s, 1);
                first += push_or_not(s, 2);
              },
              [&] {
                if (other_pops) {
                  for (int i = 0; i < 3; ++i) second -= s.try_pop().value_or(0);
                } else {
                  s.push(10);
                  second = 10;
                }
              });
          memory.without = ~0U;
          s.push(1000);
          model::require(pop_all(s) == 1000 + 100 * before + first + second, "what failed had no effect, and all else is there");
        });
  };
  without_memory(0, false);
  without_memory(1, false);
  without_memory(3, true);
  add("a first container finds no memory; then one with larger elements comes", [] {
    budget memory;
    metered_pool nodes{metered<std::byte>(memory)};
    {
      const metered_stack never_used(nodes);
    }
    metered_pool others{metered<std::byte>(memory)};
    memory.without = budget::this_thread();
    bool failed = false;
    try {
      const metered_stack none(others);
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    memory.without = ~0U;
    pawl::stack<std::array<long, 3>, metered_pool> larger(others);
    larger.push({1, 2, 3});
    model::require(failed && larger.try_pop()->at(2) == 3, "it fixes the size");
    bool refused = false;
    try {
      const pawl::stack<std::array<long, 4>, metered_pool> too_large(others);
    } catch (const std::invalid_argument&) {
      refused = true;
    }
    model::require(refused, "the next one has to fit");
  });
  add("two stacks and a queue on one pool, of different elements, each thread with two of them", [] {
    pool nodes;
    stack here(nodes);
    queue between(nodes);
    pawl::stack<bool, pool> there(nodes);  // smaller
    here.push(1);
    int found = 0;
    at_once(
        [&] {
          if (const auto one = here.try_pop()) between.push(*one);
        },
        [&] {
          if (const auto one = between.try_pop()) there.push(*one == 1);
          found = there.try_pop().value_or(false) ? 1 : 0;
        });
    model::require(found + between.try_pop().value_or(0) == 1, "it is in one place");
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
