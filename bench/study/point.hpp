// SPDX-License-Identifier: BSL-1.0
// What the study measures: points, each one thing by one library, at every number of threads.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fairness.hpp"
#include "measure.hpp"

namespace study {

/// What one trial gave; fairness where that is measured, too.
struct outcome {
  outcome(double ops) : ops_per_second(ops) {}  // NOLINT(google-explicit-constructor): most points are a number
  outcome(double ops, fairness f) : ops_per_second(ops), fair(f) {}

  double ops_per_second;
  std::optional<fairness> fair;
};

/// The numbers of threads for which a workload makes sense.
struct thread_range {
  unsigned fewest = 1;
  unsigned most = ~0U;
};

struct point {
  std::string structure;  // atomic, counter, lock, stack, queue, hash_map
  std::string library;    // pawl, std, POSIX, boost, or floor: what the bare instructions reach
  std::string variant;
  std::string guarantee;  // only equal ones are compared
  std::string workload;
  std::function<outcome(const trial&)> run;  // makes the object afresh
  thread_range threads{};
  double share = 1;  // of the time that a repetition lasts
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
