// SPDX-License-Identifier: BSL-1.0
// Scenarios for planted mistakes that those of scenarios.hpp don't come by.
#pragma once

#include <pawl/hash_map.hpp>
#include <pawl/model.hpp>
#include <pawl/queue.hpp>
#include <pawl/stack.hpp>

#include <functional>
#include <string>
#include <vector>

#include "model/scenarios/replaced.hpp"

namespace planted {

using namespace scenarios;

// While one thread is in the midst of a pop, the head leaves and comes back in front of another node, for the `lives`th time.
// (Over a pool that grows: a thread has free nodes at hand, so there are far fewer executions.)
inline void comes_back_after(int lives) {
  pool nodes;
  pawl::stack<int, pool> here(nodes);
  pawl::stack<int, pool> elsewhere(nodes);
  pawl::stack<int, pool> aside(nodes);
  here.push(1);
  here.push(2);
  int popped = 0;
  model::thread pops([&] { popped += here.try_pop() ? 1 : 0; });
  int replaced = 0;
  model::thread replaces([&] {
    replaced += here.try_pop() ? 1 : 0;
    replaced += here.try_pop() ? 1 : 0;
    // The nodes come back in the other order, so the lower one goes elsewhere, and the upper one lives on.
    elsewhere.push(3);
    for (int life = 1; life < lives; ++life) {
      aside.push(4);
      model::require(aside.try_pop() == 4, "it was pushed");
    }
    here.push(5);
  });
  pops.join();
  replaces.join();
  popped += replaced;
  while (here.try_pop()) ++popped;
  model::require(elsewhere.try_pop() == 3 && !elsewhere.try_pop(), "the other stack holds its own");
  model::require(popped == 3, "each element is popped once");
}

// What is pushed, and seen to be there, is there for the next pop.
template <class Queue>
void seen_then_popped(Queue& queue) {
  model::thread pushes([&] { queue.push(1); });
  const bool there = !queue.empty();
  const bool popped = queue.try_pop().has_value();
  pushes.join();
  model::require(popped || !there, "nobody else pops");
  model::require(popped || queue.try_pop() == 1, "what was pushed is there");
}

// No pop_all: where a push is lost, that may come to no end of the list.
template <class Queue>
void pushed_then_popped(Queue& queue) {
  model::thread pushes([&] { queue.push(1); });
  queue.push(2);
  pushes.join();
  const int sum = queue.try_pop().value_or(0) + queue.try_pop().value_or(0);
  model::require(sum == 3, "what was pushed is there");
}

// While a push_range is between its two steps, tail_ lags by two nodes, and head_ comes to them.
inline void tail_lags_by_two() {
  pawl::queue<int, hazards> queue;
  model::thread pushes([&] {
    const int both[] = {1, 2};
    queue.push_range(both);
  });
  int popped = queue.try_pop() ? 1 : 0;
  popped += queue.try_pop() ? 1 : 0;
  hazards::default_domain().reclaim();
  queue.push(3);
  pushes.join();
  while (queue.try_pop()) ++popped;
  model::require(popped == 3, "each element is popped once");
}

// The slot that protects is not in the thread's newest chunk of slots.
inline void more_slots_than_a_chunk_has() {
  replaced_object<hazards, pawl::hazard_pointer_obj_base> o;
  model::thread reads([&] {
    auto guard = pawl::make_hazard_pointer<B>();
    auto second = pawl::make_hazard_pointer<B>();
    auto third = pawl::make_hazard_pointer<B>();
    auto fourth = pawl::make_hazard_pointer<B>();
    o.read(guard.protect(o.source));
  });
  o.replace_and_reclaim();
  reads.join();
}

// No hash.
struct same {
  std::size_t operator()(int key) const noexcept { return static_cast<std::size_t>(key); }
};
using map = pawl::hash_map<int, int, same, std::equal_to<int>, hazards>;

// A map of two elements in one bucket: by their hashes 1 is before 7, with no bucket's head between.
struct two_elements {
  map m;
  two_elements() {
    m.insert(1, 10);
    m.insert(7, 70);
  }
};

// An element is erased and freed while it is looked for, by a thread that comes to it from the one before.
inline void found_while_erased() {
  two_elements both;
  map& m = both.m;
  model::thread erases([&] {
    m.erase(7);
    hazards::default_domain().reclaim();
  });
  const int found = m.find(7).value_or(0);
  erases.join();
  model::require(found == 0 || found == 70, "a value is its key's");
}

// An insert and an update that meet an element while it is erased.
inline void beside_erased(bool updates) {
  map m;
  m.insert(1, 10);
  bool gone = false;
  model::thread erases([&] { gone = m.erase(1); });
  if (updates) {
    m.update(1, [](int) { return 11; });
  } else {
    m.insert(7, 70);
  }
  erases.join();
  model::require(gone && !m.contains(1), "it was there, so it was erased");
  model::require(updates || m.find(7) == 70, "what was inserted behind it is there");
}

inline std::vector<scenario> more() {
  std::vector<scenario> found;
  found.push_back({"stack over a growing pool: pop | the head comes back in front of another", [] { comes_back_after(1); }});
  found.push_back({"stack over a growing pool: pop | the head comes back so in its fourth life", [] { comes_back_after(4); }});
  found.push_back({"queue: push | seen not to be empty, pop", [] {
                     pawl::queue<int, hazards> queue;
                     seen_then_popped(queue);
                   }});
  found.push_back({"queue over a pool: push | seen not to be empty, pop", [] {
                     pool nodes(4);
                     pawl::queue<int, pool> queue(nodes);
                     seen_then_popped(queue);
                   }});
  found.push_back({"queue: push | push", [] {
                     pawl::queue<int, hazards> queue;
                     pushed_then_popped(queue);
                   }});
  found.push_back({"queue over a pool: push | push", [] {
                     pool nodes(4);
                     pawl::queue<int, pool> queue(nodes);
                     pushed_then_popped(queue);
                   }});
  found.push_back({"queue: push_range | pop, pop, reclaim, push", tail_lags_by_two});
  found.push_back({"stack over a growing pool: push | push", [] {
                     pawl::stack<int, pool> stack;
                     at_once([&] { stack.push(1); }, [&] { stack.push(2); });
                     const auto last = stack.try_pop();
                     const auto first = stack.try_pop();
                     model::require(last && first && *last + *first == 3 && stack.empty(), "what was pushed is there, once");
                   }});
  found.push_back({"hazard pointer: protect by the first of four | replace and retire", more_slots_than_a_chunk_has});
  found.push_back({"hash_map of two: erase, reclaim | find", found_while_erased});
  found.push_back({"hash_map beside an erased element: erase | insert behind it", [] { beside_erased(false); }});
  found.push_back({"hash_map beside an erased element: erase | update", [] { beside_erased(true); }});
  return found;
}

}  // namespace planted
