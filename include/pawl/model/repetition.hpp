// SPDX-License-Identifier: BSL-1.0
// Loops with effects that lead nowhere: threads that undo each other's steps, and are all where they were before.
//
// Each iteration that ends in pause() and has changed something leaves a note of the state in which its thread is: a hash of its stack and
// its registers. When all threads stand at such an end, or wait for one that does, a cut is looked for, one earlier end for each of them,
// so that what has happened between the cut and now can happen for ever:
//
// - Each thread has gone on since the cut, and is in the same state, with the same plain memory, of which nothing was written between.
// - The cut is closed: nothing in it reads from what comes after, and in each location's modification order its stores come first.
// - The last value of each location is that at the cut. All that was read since the cut was stored since, or was the last at the cut.
//
// Then the steps between, repeated, are consistent: a load of the next round that read the last store at the cut reads the last store of
// this one, which has the same value. All constraints between rounds point forward, for coherence as for the order S. And the schedule is
// fair: each thread goes on in each round, and no store is overlooked for longer than a round. (Only a spurious failure is no part of
// this: it need not come again.)
//
// What is no livelock may still have no end: a thread may try again and again while another, which could help it, isn't run. So there is a
// bound on how often a thread does the same in such a loop: it then stops there, and the check is not complete.
#pragma once

#include <cstddef>
#include <cstdint>

#include "buffer.hpp"
#include "graph.hpp"

namespace pawl::inline v0::model::detail {

/// The state of a thread at the end of an iteration.
struct iteration_end {
  std::uint64_t local;  // its stack and registers
  std::uint64_t iteration;  // the same, and what the iteration has read
  std::uint64_t memory;  // what other threads may look at, atomics apart; 0: nobody has looked, since `local` was new
  std::uint32_t acts;  // what the thread had done so far that is no event
  std::uint16_t time;  // its clock
};

class repetition {
 public:
  void begin() noexcept {
    for (buffer<iteration_end>& each : ends_) each.clear();
  }
  /// Whether the thread was in this state before.
  [[nodiscard]] bool knows(unsigned thread, std::uint64_t local) const noexcept {
    for (const iteration_end& each : ends_[thread]) {
      if (each.local == local) return true;
    }
    return false;
  }
  void add(unsigned thread, const iteration_end& end) { ends_[thread].push_back(end); }
  /// Whether the thread has done nothing since the end of an iteration.
  [[nodiscard]] bool rests(unsigned thread, std::uint16_t time, std::uint32_t acts) const noexcept {
    const buffer<iteration_end>& mine = ends_[thread];
    return !mine.empty() && mine[mine.size() - 1].time == time && mine[mine.size() - 1].acts == acts;
  }
  /// How often the thread has read what it has read last, and came to the same state.
  [[nodiscard]] unsigned times(unsigned thread) const noexcept {
    const buffer<iteration_end>& mine = ends_[thread];
    if (mine.empty()) return 0;
    unsigned found = 0;
    for (const iteration_end& each : mine) found += each.iteration == mine[mine.size() - 1].iteration ? 1U : 0U;
    return found;
  }
  /// The cut from which on the threads in `resting`, given as bits, can go on as they did for ever. Of the others all is in the cut.
  bool find_cut(const graph& g, unsigned resting, clock& cut) const {
    for (unsigned t = 0; t < max_threads; ++t) cut.time[t] = g.threads[t].now.time[t];
    unsigned tries = 1000;
    return find_cut(g, resting, 0, cut, tries);
  }
  static bool is_in(const graph& g, const clock& cut, stamp s) noexcept {
    return s == initial || g.time_of(s) <= cut.time[g.get(s).thread];
  }

 private:
  bool find_cut(const graph& g, unsigned resting, unsigned thread, clock& cut, unsigned& tries) const {
    if (thread == max_threads) return tries-- != 0 && comes_again(g, cut);
    if ((resting & (1U << thread)) == 0) return find_cut(g, resting, thread + 1, cut, tries);
    const buffer<iteration_end>& mine = ends_[thread];
    const iteration_end& now = mine[mine.size() - 1];
    // The latest first: the shortest round.
    for (std::size_t i = mine.size() - 1; i-- > 0 && tries != 0;) {
      const iteration_end& then = mine[i];
      if (then.local != now.local || then.memory != now.memory || then.memory == 0 || then.acts != now.acts ||
          then.time == now.time)
        continue;
      cut.time[thread] = then.time;
      if (find_cut(g, resting, thread + 1, cut, tries)) return true;
    }
    return false;
  }
  static bool comes_again(const graph& g, const clock& cut) noexcept {
    for (const location* each : g.locations) {
      const buffer<stamp>& stores = each->stores;
      std::size_t last = 0;
      while (last + 1 < stores.size() && is_in(g, cut, stores[last + 1])) ++last;
      for (std::size_t p = last + 1; p < stores.size(); ++p) {
        if (is_in(g, cut, stores[p])) return false;
      }
      const auto value = [&](stamp s) { return s == initial ? each->initial_value : g.get(s).value; };
      if (value(stores[last]) != value(stores[stores.size() - 1])) return false;
      for (const stamp load : each->loads) {
        const event& e = g.get(load);
        const bool from_before = is_in(g, cut, e.rf);
        if (is_in(g, cut, load) ? !from_before : e.spurious || (from_before && e.rf != stores[last])) return false;
      }
    }
    return true;
  }

  buffer<iteration_end> ends_[max_threads];
};

}  // namespace pawl::inline v0::model::detail
