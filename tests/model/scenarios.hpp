// SPDX-License-Identifier: BSL-1.0
// Programs over pawl's own templates, small enough to be explored completely: explored by containers.cpp, and by the order report once for
// each weakened memory order. Each states what holds at its end; races, uses after free and leaks the checker finds by itself.
#pragma once

#include "scenarios/atomics.hpp"
#include "scenarios/base.hpp"
#include "scenarios/hazard_pointers.hpp"
#include "scenarios/lists.hpp"
#include "scenarios/maps.hpp"
#include "scenarios/pools.hpp"

namespace scenarios {

inline std::vector<scenario> all() {
  std::vector<scenario> found;
  add_atomics(found);
  add_fences(found);
  add_pools(found);
  add_hazard_pointers(found);
  add_stacks_and_queues(found);
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
