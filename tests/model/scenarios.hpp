// SPDX-License-Identifier: BSL-1.0
// Programs over pawl's own templates, small enough to be explored completely: explored by containers.cpp, and by the order report once for
// each weakened memory order. Each states what holds at its end; races, uses after free and leaks the checker finds by itself.
#pragma once

#include <pawl/atomic.hpp>
#include <pawl/hazard_pointer.hpp>
#include <pawl/model.hpp>
#include <pawl/rcu.hpp>
#include <pawl/tagged_pool.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace scenarios {

using B = pawl::backend::model;
namespace model = pawl::model;
template <class T>
using atomic = pawl::atomic<T, B>;
using hazards = pawl::hazard_pointers<B>;
using epochs = pawl::epochs<B>;
using pool = pawl::tagged_pool<B>;

/// `large`: takes seconds, so ./dev test leaves it to ./dev soak, and the order report explores it only where no smaller one finds anything.
/// `huge`: takes minutes; the order report leaves it out.
struct scenario {
  std::string name;
  std::function<void()> body;
  bool large = false;
  bool reuse = false;  // freed memory comes back
  bool huge = false;  // then large, too
};

/// Runs the functions at once, each in a thread of its own.
template <class... F>
void at_once(F&&... each) {
  model::thread threads[] = {model::thread(std::forward<F>(each))...};
  for (model::thread& t : threads) t.join();
}

// Each in a file of its own, in scenarios/.
void add_atomics(std::vector<scenario>& all);
void add_atomic_pairs(std::vector<scenario>& all);
void add_fences(std::vector<scenario>& all);
void add_pools(std::vector<scenario>& all);
void add_hazard_pointers(std::vector<scenario>& all);
void add_hazard_pairs(std::vector<scenario>& all);
void add_epochs(std::vector<scenario>& all);
void add_epoch_pairs(std::vector<scenario>& all);
void add_stacks_and_queues(std::vector<scenario>& all);
void add_maps(std::vector<scenario>& all);
void add_pooled_maps(std::vector<scenario>& all);
void add_sets(std::vector<scenario>& all);
void add_waiting(std::vector<scenario>& all);
void add_spin_locks(std::vector<scenario>& all);
void add_llsc(std::vector<scenario>& all);

inline std::vector<scenario> all() {
  std::vector<scenario> found;
  add_atomics(found);
  add_atomic_pairs(found);
  add_fences(found);
  add_pools(found);
  add_hazard_pointers(found);
  add_hazard_pairs(found);
  add_epochs(found);
  add_epoch_pairs(found);
  add_stacks_and_queues(found);
  add_maps(found);
  add_pooled_maps(found);
  add_sets(found);
  add_waiting(found);
  add_spin_locks(found);
  add_llsc(found);
  return found;
}

/// Explores one. A weak compare-and-swap that fails for nothing is one more turn of the same loop.
inline model::report explore(const scenario& s, std::uint64_t most = 0) {
  model::options o;
  o.spurious_failures = 0;
  o.reuse = s.reuse;
  o.max_executions = most;
  return model::check(o, s.body);
}

}  // namespace scenarios
