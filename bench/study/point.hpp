// SPDX-License-Identifier: BSL-1.0
// What the study measures: points, each one thing by one library, at every number of threads.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "measure.hpp"

namespace study {

struct point {
  std::string structure;  // atomic, counter, lock, stack, queue, hash_map
  std::string library;    // pawl, std, boost, or floor: what the bare instructions reach
  std::string variant;
  std::string guarantee;  // only equal ones are compared
  std::string workload;
  std::function<double(const trial&)> run;  // makes the object afresh, and returns operations per second
  unsigned only_threads = 0;                // where a workload makes sense for one number of threads alone
};

using points = std::vector<point>;

// Each adds those of one structure. Points of one structure and workload stand together and are measured one after the other.
void add_atomics(points& all);
void add_counters(points& all);
void add_locks(points& all);
void add_stacks(points& all);
void add_queues(points& all);
void add_maps(points& all);

inline points all_points() {
  points all;
  for (auto* add : {add_atomics, add_counters, add_locks, add_stacks, add_queues, add_maps}) add(all);
  return all;
}

}  // namespace study
