// SPDX-License-Identifier: BSL-1.0
// Stacks and queues over each reclaimer: all pairs of operations at once, some triples, and nodes that go from one container to another.
#include <pawl/backoff.hpp>
#include <pawl/queue.hpp>
#include <pawl/stack.hpp>

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "model/scenarios.hpp"
#include "several.hpp"

namespace scenarios {
namespace {

/// What one thread does. reclaim: frees what it has retired, as far as nobody protects it.
enum class does {
  push,
  push_copy,
  push_moved,
  emplace,
  pop,
  pop_into,
  push_two,
  pop_all,
  empty,
  reclaim,
  push_several,
  pop_two,
  pop_three
};
using steps = std::vector<does>;

const char* name_of(does what) {
  switch (what) {
    case does::push:
      return "push";
    case does::push_copy:
      return "push(const T&)";
    case does::push_moved:
      return "push(T&&)";
    case does::emplace:
      return "emplace";
    case does::pop:
      return "pop";
    case does::pop_into:
      return "try_pop(T&)";
    case does::push_two:
      return "push_range";
    case does::pop_all:
      return "pop_all";
    case does::empty:
      return "empty";
    case does::reclaim:
      return "reclaim";
    case does::push_several:
      return "push two at once";
    case does::pop_two:
      return "pop two at once";
    case does::pop_three:
      return "pop three at once";
  }
  return "";
}
std::string name_of(const steps& all) {
  std::string text;
  for (const does each : all) text += (text.empty() ? "" : ", ") + std::string(name_of(each));
  return text;
}

constexpr int most_values = 16;
constexpr int untouched = -2;  // what a pop that finds nothing leaves in place

/// All that a pop_all found.
struct values {
  int all[most_values] = {};
  int count = 0;
  friend bool operator==(const values&, const values&) = default;
};

template <class Container>
constexpr bool is_queue = false;
template <class T, class R, class Backoff>
constexpr bool is_queue<pawl::queue<T, R, Backoff>> = true;

template <class Container>
constexpr bool over_a_pool = std::is_same_v<typename Container::reclaimer_type, pool>;

/// A container of numbers, each pushed once. What a number's pusher knew, its popper may read: `known` would be a race otherwise. All that
/// happens is a history, which must have an order in which a stack or a queue does the same.
template <class Container>
class shared {
  using spec = std::conditional_t<is_queue<Container>, model::spec::queue<int>, model::spec::stack<int>>;

 public:
  explicit shared(Container& all) : all_(all) {}

  void push(int value) {
    known_[value].set(value);
    const bool done = history_.call([&] { return all_.try_push(value); }, [value](spec& s) { return s.try_push(value); });
    model::require(done, "there is room");
  }
  /// By a member that throws where there is no room.
  template <class Push>
  void push_by(int value, Push member) {
    known_[value].set(value);
    history_.call([&] { member(all_, value); }, [value](spec& s) { s.push(value); });
  }
  void push_two(int first) {
    known_[first].set(first);
    known_[first + 1].set(first + 1);
    const auto push = [first](auto& to) {
      const int both[] = {first, first + 1};
      to.push_range(both);
    };
    history_.call([&] { push(all_); }, push);
  }
  void pop() {
    const std::optional<int> found = history_.call([&] { return all_.try_pop(); }, [](spec& s) { return s.try_pop(); });
    if (found) took(*found);
  }
  void pop_into() {
    const int found = history_.call(
        [&] {
          int value = untouched;
          return all_.try_pop(value) ? value : (model::require(value == untouched, "it is left as it was"), untouched);
        },
        [](spec& s) { return s.try_pop().value_or(untouched); });
    if (found != untouched) took(found);
  }
  void pop_all() {
    const auto pop = [](auto& from) {
      values found;
      found.count = static_cast<int>(from.pop_all(found.all) - found.all);
      return found;
    };
    const values found = history_.call([&] { return pop(all_); }, pop);
    for (int i = 0; i < found.count; ++i) took(found.all[i]);
  }
  // Over a fixed pool, what a warp's threads do together.
  void push_several(int first) {
    known_[first].set(first);
    known_[first + 1].set(first + 1);
    const std::size_t done = history_.call([&] { return ::push_several(all_, {first, first + 1}); },
                                           [first](spec& s) {
                                             s.push(first);
                                             s.push(first + 1);
                                             return std::size_t{2};
                                           });
    model::require(done == 2, "there is room");
  }
  void pop_several(std::size_t most) {
    const values found = history_.call(
        [&] {
          values popped;
          for (const int each : ::pop_several(all_, most)) popped.all[popped.count++] = each;
          return popped;
        },
        [most](spec& s) {
          values popped;
          for (std::size_t i = 0; i < most; ++i) {
            if (const std::optional<int> each = s.try_pop()) popped.all[popped.count++] = *each;
          }
          return popped;
        });
    for (int i = 0; i < found.count; ++i) took(found.all[i]);
  }
  void empty() {
    history_.call([&] { return all_.empty(); }, [](spec& s) { return s.empty(); });
  }
  void run(const steps& what, int first_value) {
    for (const does each : what) {
      switch (each) {
        case does::push:
          push(first_value++);
          break;
        case does::push_copy:
          push_by(first_value++, [](Container& to, const int& value) { to.push(value); });
          break;
        case does::push_moved:
          push_by(first_value++, [](Container& to, int value) { to.push(std::move(value)); });
          break;
        case does::emplace:
          push_by(first_value++, [](Container& to, int value) { to.emplace(value); });
          break;
        case does::push_two:
          push_two(first_value);
          first_value += 2;
          break;
        case does::pop:
          pop();
          break;
        case does::pop_into:
          pop_into();
          break;
        case does::pop_all:
          pop_all();
          break;
        case does::empty:
          empty();
          break;
        case does::reclaim:
          if constexpr (!over_a_pool<Container>) {
            Container::reclaimer_type::default_domain().reclaim();
          }
          break;
        case does::push_several:
          if constexpr (over_a_pool<Container>) push_several(first_value);
          first_value += 2;
          break;
        case does::pop_two:
          if constexpr (over_a_pool<Container>) pop_several(2);
          break;
        case does::pop_three:
          if constexpr (over_a_pool<Container>) pop_several(3);
          break;
      }
    }
  }

 private:
  void took(int value) {
    model::require(value >= 0 && value < most_values, "it is a value that was pushed");
    model::require(known_[value].get() == value, "what its pusher knew is known");
    // Each once: the second popper would race with the first, or find it.
    known_[value].set(-1);
  }

  model::linearizable<spec> history_;
  Container& all_;
  model::var<int> known_[most_values]{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
};

int pushes_in(const steps& what) {
  int sum = 0;
  for (const does each : what) {
    const bool one = each == does::push || each == does::push_copy || each == does::push_moved || each == does::emplace;
    sum += one ? 1 : each == does::push_two || each == does::push_several ? 2 : 0;
  }
  return sum;
}

/// Up to three threads at once, on a container with some elements; afterwards everything is popped, and each element was popped once.
template <class Container>
void run_threads(Container& container, int before, const std::vector<steps>& threads) {
  shared<Container> all(container);
  int next = 0;
  for (; next < before; ++next) all.push(next);
  int first[3] = {};
  for (std::size_t i = 0; i < threads.size(); ++i) {
    first[i] = next;
    next += pushes_in(threads[i]);
  }
  const auto run = [&](std::size_t i) { return [&, i] { all.run(threads[i], first[i]); }; };
  if (threads.size() == 2) {
    at_once(run(0), run(1));
  } else {
    at_once(run(0), run(1), run(2));
  }
  all.pop_all();
  all.pop();
}

enum class nodes_of { fixed_pool, growing_pool, hazard_pointers, epochs };

template <class Container>
scenario container_scenario(nodes_of nodes, int before, const std::vector<steps>& threads, bool large = false) {
  std::string name = is_queue<Container> ? "queue" : "stack";
  if (nodes == nodes_of::fixed_pool) name += " over a pool";
  if (nodes == nodes_of::growing_pool) name += " over a growing pool";
  if (nodes == nodes_of::epochs) name += " over epochs";
  name += " of " + std::to_string(before) + ": ";
  for (std::size_t i = 0; i < threads.size(); ++i) name += (i == 0 ? "" : " | ") + name_of(threads[i]);
  return {name,
          [=] {
            if constexpr (over_a_pool<Container>) {
              if (nodes == nodes_of::fixed_pool) {
                pool shared_pool(12);
                Container c(shared_pool);
                return run_threads(c, before, threads);
              }
            }
            Container c;
            run_threads(c, before, threads);
          },
          large};
}

template <class Container>
void add_container(std::vector<scenario>& all, nodes_of nodes) {
  using enum does;
  const bool frees = nodes == nodes_of::hazard_pointers || nodes == nodes_of::epochs;
  const bool growing_queue = nodes == nodes_of::growing_pool && is_queue<Container>;
  const auto add = [&](int before, std::vector<steps> threads, bool large = false) {
    all.push_back(container_scenario<Container>(nodes, before, threads, large));
  };
  const does single[] = {push, pop, push_two, pop_all, empty};
  for (std::size_t i = 0; i < std::size(single); ++i) {
    for (std::size_t j = i; j < std::size(single); ++j) {
      for (const int before : {0, 2}) {
        steps first{single[i]};
        if (frees && (single[i] == pop || single[i] == pop_all)) first.push_back(reclaim);
        // (On an empty one 1.1 million executions, of a pool that grows thrice.)
        const bool many = growing_queue && single[i] == push_two && single[j] == push_two;
        add(before, {first, {single[j]}}, many);
      }
    }
  }
  // The same by other members.
  const does by_others[] = {push_copy, push_moved, emplace, pop_into};
  for (std::size_t i = 0; i < std::size(by_others); ++i) {
    steps first{by_others[i]};
    if (frees && by_others[i] == pop_into) first.push_back(reclaim);
    for (const int before : {0, 2}) {
      for (const does other : single) add(before, {first, {other}});
      for (std::size_t j = i; j < std::size(by_others); ++j) add(before, {first, {by_others[j]}});
    }
  }
  // Nodes that come back while they are read.
  if (frees) {
    add(2, {{pop, pop, reclaim}, {pop}});
    add(0, {{push, pop, reclaim}, {pop}});
    add(0, {{push, pop_all, reclaim}, {pop}});
    add(1, {{pop, push, reclaim}, {pop_all}});
    add(1, {{pop, push, reclaim}, {empty}});
  } else {
    add(0, {{push, pop}, {push, pop}}, growing_queue);
    add(1, {{pop, pop, push}, {pop}});
    add(2, {{pop, push}, {pop}});
    add(1, {{pop, push}, {push}});
    add(2, {{pop, push, pop}, {pop}});
    add(1, {{pop, push}, {pop_all}});
    add(0, {{push, pop_all}, {pop}});
    add(1, {{pop, push}, {empty}});
    add(1, {{pop, pop, push}, {empty}});
    add(1, {{pop_all, push_two}, {pop}});
    add(2, {{pop, pop, push}, {push}});
  }
  // (Of a growing pool, these come to a block that is not there.)
  const bool growing_stack = nodes == nodes_of::growing_pool && !is_queue<Container>;
  add(0, {{push}, {push}, {pop}});
  // Of a queue over a growing pool more than twenty million executions. (Three threads grow a pool at once under the stack, and push at once
  // over a fixed pool.)
  if (!growing_queue) add(0, {{push}, {push}, {push}}, growing_stack || (is_queue<Container> && !frees));
  add(0, {{push}, {push}, {pop_all}}, growing_queue);
  add(0, {{push_two}, {push}, {pop}}, growing_queue);
  add(1, {{push}, {pop}, {pop}});
  add(1, {{push}, {pop}, {pop_all}});
  add(1, {{push}, {pop}, {empty}});
  add(2, {{pop}, {pop}, {pop}});
  add(2, {{pop}, {pop}, {pop_all}});
}

// Several at once, as a warp's threads do: with each other operation, and with nodes that come back.
template <class Container>
void add_several(std::vector<scenario>& all) {
  using enum does;
  const auto add = [&](int before, std::vector<steps> threads, bool large = false) {
    all.push_back(container_scenario<Container>(nodes_of::fixed_pool, before, threads, large));
  };
  for (const does other : {push, pop, push_two, pop_all, empty, push_several, pop_two, pop_three}) {
    for (const int before : {0, 1, 3}) {
      add(before, {{pop_two}, {other}});
      add(before, {{push_several}, {other}});
    }
    add(3, {{pop_three}, {other}});
  }
  add(2, {{pop, push}, {pop_two}});
  add(2, {{pop, pop, push}, {pop_two}});
  add(3, {{pop, push, pop}, {pop_three}});
  add(0, {{push_several}, {pop_two, push}});
  add(2, {{pop_two, push_several}, {pop_two}});
  add(2, {{pop_two, push_several}, {pop, push}});
  add(1, {{push, pop_two}, {push, pop_two}});
  add(2, {{pop_all, push_two}, {pop_three}});
  add(1, {{push}, {pop}, {pop_two}});
  add(1, {{push}, {push}, {pop_three}});
  add(2, {{pop}, {empty}, {pop_three}});
}

// A pop of several is late on the top, which has come to another place by then, over a node that a third thread made: it must not look
// there.
scenario late_pop_of_two(bool into_a_stack) {
  return {std::string("stack over a pool: pop two at once | the top goes over to ") +
              (into_a_stack ? "another stack" : "the free nodes") + " | a new node goes there",
          [into_a_stack] {
            pool nodes(4);
            pawl::stack<int, pool> here(nodes);
            pawl::stack<int, pool> elsewhere(nodes);
            here.push(1);
            here.push(2);
            std::vector<int> late;
            model::thread pops([&] { late = pop_several(here, 2); });
            int over_there = 0;
            model::thread makes([&] {
              elsewhere.push(3);
              if (!into_a_stack) over_there += elsewhere.try_pop() ? 1 : 0;
            });
            const std::optional<int> early = here.try_pop();
            if (early && into_a_stack) elsewhere.push(4);
            pops.join();
            makes.join();
            const std::size_t left = early ? 1 : 0;
            model::require(late.size() == 2 - left, "each element is popped once");
            model::require(!here.try_pop(), "there was no other");
            while (elsewhere.try_pop()) ++over_there;
            model::require(over_there == (early && into_a_stack ? 2 : 1), "what the other stack was given is there");
          }};
}

// While one thread is in the midst of a pop, the head leaves, and comes back in front of another node: the ABA problem.
scenario comes_back() {
  return {"stack over a pool: pop | the head comes back in front of another", [] {
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
          }};
}
// A pop is late on a node that lies in a stack by now, over one that a third thread made: it must not look there.
scenario late_pop() {
  return {"queue over a pool: pop | the first node goes over to a stack | the stack has a new node", [] {
            pool nodes(4);
            pawl::queue<int, pool> here(nodes);
            pawl::stack<int, pool> elsewhere(nodes);
            here.push(1);
            std::optional<int> late;
            model::thread pops([&] { late = here.try_pop(); });
            model::thread makes([&] { elsewhere.push(2); });
            const std::optional<int> early = here.try_pop();
            if (early) elsewhere.push(3);
            pops.join();
            makes.join();
            model::require(early.has_value() != late.has_value() && (early ? early : late) == 1,
                           "the queue's element is popped once");
            model::require(!here.try_pop(), "there was no other");
            int over_there = 0;
            while (elsewhere.try_pop()) ++over_there;
            model::require(over_there == (early ? 2 : 1), "what the stack was given is there");
          }};
}
// A push is late on a node that has since become a part of another container on the same pool.
template <class Other>
scenario late_push(const std::string& other) {
  return {"queue over a pool: push | the last node goes over to a " + other, [] {
            pool nodes(4);
            pawl::queue<int, pool> here(nodes);
            Other elsewhere(nodes);
            model::thread pushes([&] { here.push(1); });
            model::thread replaces([&] {
              here.push(2);
              if (here.try_pop()) elsewhere.push(3);
            });
            pushes.join();
            replaces.join();
            int left = 0;
            while (here.try_pop()) ++left;
            int over_there = 0;
            while (elsewhere.try_pop()) ++over_there;
            model::require(left + over_there == 2 && over_there == 1, "nothing is lost, and nothing is in the wrong container");
          }};
}

}  // namespace

void add_stacks_and_queues(std::vector<scenario>& all) {
  using pawl::queue;
  using pawl::stack;
  using nodes = nodes_of;
  for (const nodes of : {nodes::fixed_pool, nodes::growing_pool}) {
    add_container<stack<int, pool>>(all, of);
    add_container<queue<int, pool>>(all, of);
  }
  add_several<stack<int, pool>>(all);
  add_several<queue<int, pool>>(all);
  all.push_back(late_pop_of_two(true));
  all.push_back(late_pop_of_two(false));
  add_container<stack<int, hazards>>(all, nodes::hazard_pointers);
  add_container<queue<int, hazards>>(all, nodes::hazard_pointers);
  add_container<stack<int, epochs>>(all, nodes::epochs);
  add_container<queue<int, epochs>>(all, nodes::epochs);
  all.push_back(comes_back());
  all.push_back(late_pop());
  all.push_back(late_push<stack<int, pool>>("stack"));
  all.push_back(late_push<queue<int, pool>>("queue"));
  // A backoff pauses, and a loop that pauses is a waiting loop to the checker.
  using enum does;
  using backoff = pawl::exponential_backoff;
  for (scenario each : {container_scenario<stack<int, pool, backoff>>(nodes::fixed_pool, 1, {{push}, {pop}}),
                        container_scenario<stack<int, hazards, backoff>>(nodes::hazard_pointers, 1, {{push}, {pop}}),
                        container_scenario<queue<int, pool, backoff>>(nodes::fixed_pool, 1, {{push}, {push, pop}}),
                        container_scenario<queue<int, hazards, backoff>>(nodes::hazard_pointers, 1, {{push}, {push, pop}})}) {
    each.name += ", with a backoff";
    all.push_back(each);
  }
}

}  // namespace scenarios
