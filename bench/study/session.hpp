// SPDX-License-Identifier: BSL-1.0
// A run of the study: every point again and again, interleaved, each beside the hand-over that it was measured under.
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "point.hpp"

namespace study {

/// A point at a number of threads, and what each repetition gave.
struct series {
  const point* what = nullptr;
  unsigned threads = 1;
  std::vector<double> ops_per_second;
  std::vector<double> handover;  // nanoseconds; empty where the threads share one processor
  std::vector<fairness> fair;    // empty where it is not measured
};

/// The series of the points at these numbers of threads, in the order in which they are measured: those that will be compared, that is
/// one structure, workload and number of threads, one after the other.
std::vector<series> lay_out(const points& all, const std::vector<unsigned>& threads);

/// Called before each measurement with how many are done.
using progress = std::function<void(std::size_t done, std::size_t of, const series& next)>;

/// How often each is measured, for how long, and when the whole has to end: on a busy machine everything takes longer than its window,
/// and then there are fewer repetitions, of all points.
struct schedule {
  unsigned repetitions = 1;
  std::chrono::nanoseconds length{};
  std::chrono::nanoseconds limit = std::chrono::hours(24);
};

/// Measures all in turn, again and again: A B C A B C. So whatever the machine does meanwhile, it does to each of them.
void run(std::vector<series>& all, const schedule& s, const progress& report);

}  // namespace study
