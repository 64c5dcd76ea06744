// SPDX-License-Identifier: BSL-1.0
// Programs over pawl's own templates, small enough to be explored completely: explored by containers.cpp, and by the order report once for
// each weakened memory order. Each states what holds at its end; races, uses after free and leaks the checker finds by itself.
#pragma once

#include <pawl/atomic.hpp>
#include <pawl/hash_map.hpp>
#include <pawl/hazard_pointer.hpp>
#include <pawl/model.hpp>
#include <pawl/queue.hpp>
#include <pawl/stack.hpp>

#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace scenarios {

using B = pawl::backend::model;
namespace model = pawl::model;
using hazards = pawl::hazard_pointers<B>;
using pool = pawl::tagged_pool<B>;

/// `large`: takes seconds, so it is explored by the order report and the soak only where no smaller one finds anything.
struct scenario {
  std::string name;
  std::function<void()> body;
  bool large = false;
};

// ---- Stacks and queues -----------------------------------------------------------------------------------------------------------

/// What one thread does. reclaim: frees what it has retired, as far as nobody protects it.
enum class does { push, pop, push_two, pop_all, reclaim };
using steps = std::vector<does>;

inline const char* name_of(does what) {
  switch (what) {
    case does::push:
      return "push";
    case does::pop:
      return "pop";
    case does::push_two:
      return "push_range";
    case does::pop_all:
      return "pop_all";
    case does::reclaim:
      return "reclaim";
  }
  return "";
}
inline std::string name_of(const steps& all) {
  std::string text;
  for (const does each : all) text += (text.empty() ? "" : ", ") + std::string(name_of(each));
  return text;
}

inline constexpr int most_values = 16;

/// Elements are numbers, each pushed once. What its pusher knew of one, its popper may read: `known` would be a race otherwise.
template <class Container>
class shared {
 public:
  explicit shared(Container& all) : all_(all) {}

  void push(int value) {
    known_[value].set(value);
    model::require(all_.try_push(value), "there is room");
  }
  void push_two(int first) {
    known_[first].set(first);
    known_[first + 1].set(first + 1);
    const int both[] = {first, first + 1};
    all_.push_range(both);
  }
  void pop() {
    if (const std::optional<int> found = all_.try_pop()) took(*found);
  }
  void pop_all() {
    int found[most_values];
    int* const end = all_.pop_all(found);
    // What was pushed by one thread, in one order.
    for (int* each = found; each != end; ++each) took(*each);
  }
  void run(const steps& what, int first_value) {
    for (const does each : what) {
      switch (each) {
        case does::push:
          push(first_value++);
          break;
        case does::push_two:
          push_two(first_value);
          first_value += 2;
          break;
        case does::pop:
          pop();
          break;
        case does::pop_all:
          pop_all();
          break;
        case does::reclaim:
          if constexpr (std::is_same_v<typename Container::reclaimer_type, hazards>) hazards::default_domain().reclaim();
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

  Container& all_;
  model::var<int> known_[most_values]{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
};

inline int pushes_in(const steps& what) {
  int sum = 0;
  for (const does each : what) sum += each == does::push ? 1 : each == does::push_two ? 2 : 0;
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
  model::thread a([&] { all.run(threads[0], first[0]); });
  model::thread b([&] { all.run(threads[1], first[1]); });
  if (threads.size() == 2) {
    a.join();
    b.join();
  } else {
    model::thread c([&] { all.run(threads[2], first[2]); });
    a.join();
    b.join();
    c.join();
  }
  all.pop_all();
  model::require(!container.try_pop(), "pop_all leaves nothing");
}

template <class Container>
scenario container_scenario(const std::string& container, int before, const std::vector<steps>& threads, bool large = false) {
  std::string name = container + " of " + std::to_string(before) + ": ";
  for (std::size_t i = 0; i < threads.size(); ++i) name += (i == 0 ? "" : " | ") + name_of(threads[i]);
  if constexpr (std::is_same_v<typename Container::reclaimer_type, hazards>) {
    return {name,
            [=] {
              Container c;
              run_threads(c, before, threads);
            },
            large};
  } else {
    return {name,
            [=] {
              pool nodes(12);
              Container c(nodes);
              run_threads(c, before, threads);
            },
            large};
  }
}
template <class Container>
scenario growing_scenario(const std::string& container, int before, const std::vector<steps>& threads, bool large = false) {
  scenario made = container_scenario<Container>(container, before, threads, large);
  made.body = [=] {
    Container c;
    run_threads(c, before, threads);
  };
  return made;
}

template <class Container>
void add_container(std::vector<scenario>& all, const std::string& name) {
  using enum does;
  constexpr bool with_hazards = std::is_same_v<typename Container::reclaimer_type, hazards>;
  const steps single[] = {{push}, {pop}, {push_two}, {pop_all}};
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t j = i; j < 4; ++j) {
      for (const int before : {0, 2}) {
        steps first = single[i];
        if (with_hazards && (single[i][0] == pop || single[i][0] == pop_all)) first.push_back(reclaim);
        all.push_back(container_scenario<Container>(name, before, {first, single[j]}));
      }
    }
  }
  if constexpr (!with_hazards) {
    all.push_back(container_scenario<Container>(name, 0, {{push, pop}, {push, pop}}, true));
    all.push_back(container_scenario<Container>(name, 1, {{pop, pop, push}, {pop}}));
    all.push_back(container_scenario<Container>(name, 2, {{pop, push}, {pop}}));
    all.push_back(container_scenario<Container>(name, 1, {{pop, push}, {push}}));
    all.push_back(container_scenario<Container>(name, 2, {{pop, push, pop}, {pop}}, true));
    all.push_back(growing_scenario<Container>(name + " over a growing pool", 1, {{pop}, {push}}));
    all.push_back(growing_scenario<Container>(name + " over a growing pool", 1, {{pop, pop}, {push}}));
    all.push_back(growing_scenario<Container>(name + " over a growing pool", 2, {{pop, pop, push}, {push}}));
  } else {
    all.push_back(container_scenario<Container>(name, 2, {{pop, pop, reclaim}, {pop}}, true));
    all.push_back(container_scenario<Container>(name, 0, {{push, pop, reclaim}, {pop}}));
  }
  all.push_back(container_scenario<Container>(name, 0, {{push}, {push}, {pop}}));
  all.push_back(container_scenario<Container>(name, 1, {{push}, {pop}, {pop}}, true));
}

// While one thread is in the midst of a pop, the head leaves, and comes back in front of another node: the ABA problem.
inline scenario comes_back() {
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
inline scenario late_pop() {
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
            model::require(early.has_value() != late.has_value() && (early ? early : late) == 1, "the queue's element is popped once");
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

// ---- Hazard pointers -------------------------------------------------------------------------------------------------------------

struct watched : pawl::hazard_pointer_obj_base<watched, void (*)(watched*)> {
  model::var<int> value{7};
};

inline void add_hazard_pointers(std::vector<scenario>& all) {
  const auto end = [](watched* object) { model::destroy(object); };
  all.push_back({"hazard pointer: protect and read | replace and retire", [end] {
                   auto& domain = pawl::hazard_pointer_default_domain<B>();
                   pawl::atomic<watched*, B> source{model::make<watched>()};
                   model::thread reads([&] {
                     auto guard = pawl::make_hazard_pointer<B>();
                     watched* const found = guard.protect(source);
                     model::require(found->value.get() == 7, "it is alive");
                   });
                   model::thread replaces([&] {
                     watched* const old = source.exchange(model::make<watched>(), std::memory_order_acq_rel);
                     old->retire(+end, domain);
                     domain.reclaim();
                   });
                   reads.join();
                   replaces.join();
                   source.load(std::memory_order_relaxed)->retire(+end, domain);
                 }});
  all.push_back({"hazard pointer: all of a thread's slots are in use, one ends on another thread | made", [] {
                   std::optional<pawl::basic_hazard_pointer<B>> handed{pawl::make_hazard_pointer<B>()};
                   auto second = pawl::make_hazard_pointer<B>();
                   auto third = pawl::make_hazard_pointer<B>();
                   model::thread ends([&] { handed.reset(); });
                   auto again = pawl::make_hazard_pointer<B>();
                   ends.join();
                   model::require(!again.empty(), "it has a slot");
                 }});
  all.push_back({"hazard pointer: a thread ends with objects retired, its joiner frees them", [end] {
                   auto& domain = pawl::hazard_pointer_default_domain<B>();
                   pawl::atomic<watched*, B> source{model::make<watched>()};
                   model::thread reads([&] {
                     auto guard = pawl::make_hazard_pointer<B>();
                     model::require(guard.protect(source)->value.get() == 7, "it is alive");
                   });
                   model::thread outer([&] {
                     model::thread retires([&] {
                       auto guard = pawl::make_hazard_pointer<B>();
                       watched* const old = guard.protect(source);
                       source.store(model::make<watched>(), std::memory_order_release);
                       old->retire(+end, domain);
                     });
                     retires.join();
                     domain.reclaim();
                   });
                   reads.join();
                   outer.join();
                   source.load(std::memory_order_relaxed)->retire(+end, domain);
                 }});
}

// ---- Maps ------------------------------------------------------------------------------------------------------------------------

// No hash: the order of the elements is that of the keys, and their buckets are the lower bits'.
struct same {
  std::size_t operator()(int key) const noexcept { return static_cast<std::size_t>(key); }
};
using map = pawl::hash_map<int, int, same, std::equal_to<int>, hazards>;

inline void add_map(std::vector<scenario>& all, const std::string& name, std::function<int(map&)> first,
                    std::function<int(map&)> second, std::function<bool(map&, int, int)> holds, bool large = false) {
  all.push_back({"hash_map: " + name,
                 [=] {
                   map m;
                   m.insert(1, 10);
                   int a = 0;
                   int b = 0;
                   model::thread one([&] { a = first(m); });
                   model::thread two([&] { b = second(m); });
                   one.join();
                   two.join();
                   model::require(holds(m, a, b), "the results have an order, and the map is what it leaves");
                 },
                 large});
}

// A map with room for more than it holds, so that operations come to buckets that nobody has used, and to pieces of the directory that
// nobody has allocated.
inline void add_roomy_map(std::vector<scenario>& all, const std::string& name, std::function<int(map&)> first,
                          std::function<int(map&)> second, std::function<bool(map&, int, int)> holds) {
  all.push_back({"hash_map with unused buckets: " + name, [=] {
                   map m(5);
                   int a = 0;
                   int b = 0;
                   model::thread one([&] { a = first(m); });
                   model::thread two([&] { b = second(m); });
                   one.join();
                   two.join();
                   model::require(holds(m, a, b), "the results have an order, and the map is what it leaves");
                 }});
}

// What a thread did before it changed the map, another one may read that sees the change. `sees` says whether it does.
inline void add_telling_map(std::vector<scenario>& all, const std::string& name, std::function<void(map&)> change,
                            std::function<bool(map&)> sees) {
  all.push_back({"hash_map tells: " + name, [=] {
                   map m;
                   m.insert(1, 10);
                   model::var<int> known{0};
                   model::thread one([&] {
                     known.set(1);
                     change(m);
                   });
                   model::thread two([&] {
                     if (sees(m)) model::require(known.get() == 1, "what came before the change");
                   });
                   one.join();
                   two.join();
                 }});
}

inline void add_maps(std::vector<scenario>& all) {
  add_telling_map(all, "erase | not found", [](map& m) { m.erase(1); }, [](map& m) { return !m.contains(1); });
  add_telling_map(all, "erase | inserted", [](map& m) { m.erase(1); }, [](map& m) { return m.insert(1, 11); });
  add_telling_map(all, "erase | not erased", [](map& m) { m.erase(1); }, [](map& m) { return !m.erase(1); });
  add_telling_map(all, "insert | found", [](map& m) { m.insert(2, 20); }, [](map& m) { return m.contains(2); });
  add_telling_map(
      all, "update | found", [](map& m) { m.update(1, [](int) { return 11; }); }, [](map& m) { return m.find(1) == 11; });
  add_telling_map(
      all, "update | updated", [](map& m) { m.update(1, [](int) { return 11; }); },
      [](map& m) {
        bool seen = false;
        m.update(1, [&seen](int old) {
          seen = old == 11;
          return 12;
        });
        return seen;
      });
  add_roomy_map(
      all, "insert | find, one key", [](map& m) { return m.insert(5, 50) ? 1 : 0; }, [](map& m) { return m.find(5).value_or(0); },
      [](map& m, int a, int b) { return a == 1 && (b == 0 || b == 50) && m.find(5) == 50; });
  add_roomy_map(
      all, "insert | insert, one key", [](map& m) { return m.insert(5, 50) ? 1 : 0; },
      [](map& m) { return m.insert(5, 51) ? 1 : 0; },
      [](map& m, int a, int b) { return a + b == 1 && m.find(5) == (a == 1 ? 50 : 51); });
  add_roomy_map(
      all, "insert | insert, two keys", [](map& m) { return m.insert(5, 50) ? 1 : 0; },
      [](map& m) { return m.insert(7, 70) ? 1 : 0; },
      [](map& m, int a, int b) { return a + b == 2 && m.find(5) == 50 && m.find(7) == 70; });
  add_map(
      all, "insert | insert, one key", [](map& m) { return m.insert(2, 20) ? 1 : 0; },
      [](map& m) { return m.insert(2, 21) ? 1 : 0; },
      [](map& m, int a, int b) { return a + b == 1 && m.find(2) == (a == 1 ? 20 : 21); });
  add_map(
      all, "insert | erase, one key", [](map& m) { return m.insert(2, 20) ? 1 : 0; }, [](map& m) { return m.erase(2) ? 1 : 0; },
      [](map& m, int a, int b) { return a == 1 && m.contains(2) == (b == 0); });
  add_map(
      all, "erase | erase, one key", [](map& m) { return m.erase(1) ? 1 : 0; }, [](map& m) { return m.erase(1) ? 1 : 0; },
      [](map& m, int a, int b) { return a + b == 1 && !m.contains(1); });
  add_map(
      all, "erase, reclaim | find",
      [](map& m) {
        const bool erased = m.erase(1);
        hazards::default_domain().reclaim();
        return erased ? 1 : 0;
      },
      [](map& m) { return m.find(1).value_or(0); },
      [](map& m, int a, int b) { return a == 1 && (b == 0 || b == 10) && !m.contains(1); });
  add_map(
      all, "update, reclaim | visit",
      [](map& m) {
        const bool updated = m.update(1, [](int old) { return old + 1; });
        hazards::default_domain().reclaim();
        return updated ? 1 : 0;
      },
      [](map& m) {
        int seen = 0;
        m.visit(1, [&seen](int, int value) { seen = value; });
        return seen;
      },
      [](map& m, int a, int b) { return a == 1 && (b == 10 || b == 11) && m.find(1) == 11; });
  add_map(
      all, "update | update, one key", [](map& m) { return m.update(1, [](int old) { return old + 1; }) ? 1 : 0; },
      [](map& m) { return m.update(1, [](int old) { return old + 2; }) ? 1 : 0; },
      [](map& m, int a, int b) { return a + b == 2 && m.find(1) == 13; });
  add_map(
      all, "insert | insert, two keys", [](map& m) { return m.insert(2, 20) ? 1 : 0; },
      [](map& m) { return m.insert(3, 30) ? 1 : 0; },
      [](map& m, int a, int b) { return a + b == 2 && m.find(1) == 10 && m.find(2) == 20 && m.find(3) == 30 && m.size() == 3; },
      true);
}

inline std::vector<scenario> all() {
  std::vector<scenario> found;
  add_container<pawl::stack<int, pool>>(found, "stack over a pool");
  add_container<pawl::queue<int, pool>>(found, "queue over a pool");
  add_container<pawl::stack<int, hazards>>(found, "stack");
  add_container<pawl::queue<int, hazards>>(found, "queue");
  found.push_back(comes_back());
  found.push_back(late_pop());
  found.push_back(late_push<pawl::stack<int, pool>>("stack"));
  found.push_back(late_push<pawl::queue<int, pool>>("queue"));
  add_hazard_pointers(found);
  add_maps(found);
  return found;
}

/// Explores one. A weak compare-and-swap that fails for nothing is one more turn of the same loop.
inline model::report explore(const scenario& s, std::uint64_t most = 0) {
  model::options o;
  o.spurious_failures = 0;
  o.max_executions = most;
  return model::check(o, s.body);
}

}  // namespace scenarios
