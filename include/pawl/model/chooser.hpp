// SPDX-License-Identifier: BSL-1.0
// How a single execution is chosen where not all are explored: at random, by random priorities, as it is written in a replay string, or as
// the next of all those that have few preemptions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "buffer.hpp"
#include "choice_tree.hpp"
#include "clock.hpp"
#include "event.hpp"
#include "replay_text.hpp"

namespace pawl::inline v0::model::detail {

/// Who goes next and what it reads, in an execution that is chosen and not explored.
class chooser {
 public:
  /// explore: nothing is chosen here. random: each choice for itself. priorities: the thread of the highest priority goes, and at a few
  /// steps, drawn before, it gets the lowest (S. Burckhardt, P. Kothari, M. Musuvathi, S. Nagarakatte, "A Randomized Scheduler with
  /// Probabilistic Guarantees of Finding Bugs", ASPLOS 2010). script: as written. bounded: all choices, one after the other, that interrupt
  /// no more than `preemption_bound` times a thread that could go on: see choice_tree.hpp. One that ends, waits, or comes to the end of a
  /// loop's iteration is not interrupted.
  enum class way : std::uint8_t { explore, random, priorities, script, bounded };

  way how = way::explore;
  bool bounded_preemptions = false;
  unsigned preemption_bound = 0;
  bool latest_only = false;  // enough where every atomic is seq_cst: then all else is a matter of who goes next
  buffer<choice> script;

  [[nodiscard]] bool chooses() const noexcept { return how != way::explore; }
  /// Whether executions are drawn.
  [[nodiscard]] bool samples() const noexcept { return how == way::random || how == way::priorities; }
  /// Whether all ways are gone.
  [[nodiscard]] bool searches() const noexcept { return how == way::bounded; }
  /// The search begins, without any preemption, and is to go so far.
  void search(unsigned most_preemptions) noexcept {
    how = way::bounded;
    most_preemptions_ = most_preemptions;
    preemption_bound = 0;
    withheld_ = false;
    tree_.begin();
  }
  /// Goes over to the next execution. All with fewer preemptions come first, so that the first that violates something has the fewest.
  /// `raises`: when there is none, to more preemptions. False where the search is over.
  bool next_execution(bool raises) noexcept {
    if (tree_.next()) return true;
    if (!raises || !withheld_ || preemption_bound == most_preemptions_) return false;
    ++preemption_bound;
    withheld_ = false;
    tree_.begin();
    return true;
  }
  [[nodiscard]] double explored() const noexcept { return tree_.explored(); }
  /// One of so many ways of a search; `count`: the program has no more as many as before.
  std::size_t pick(std::size_t count) { return tree_.choose(count); }
  void seed(std::uint64_t s) noexcept { state_ = s * 0x9e3779b97f4a7c15U + 1; }

  /// Another execution begins; the longest so far had so many events.
  void begin(std::size_t longest) noexcept {
    step_ = 0;
    preemptions_ = 0;
    last_ = bounded_preemptions || searches() ? 0 : max_threads;  // the main thread begins
    gives_way_ = false;
    committed_ = max_threads;
    tree_.to_root();
    lowest_ = 0;
    for (std::uint32_t& each : priority_) each = 1000 + static_cast<std::uint32_t>(next() % 1000000);
    for (std::size_t& each : changes_) each = next() % (longest + 1);
  }
  /// Of the threads that may go on, given as bits, not none. max_threads: the script names one that may not.
  unsigned pick_thread(unsigned enabled) {
    const bool last_could = last_ < max_threads && !gives_way_ && (enabled & (1U << last_)) != 0;
    gives_way_ = false;
    unsigned picked = max_threads;
    if (how == way::script) {
      picked = step_ < script.size() ? script[step_].thread : lowest_of(enabled);
      if ((enabled & (1U << picked)) == 0) return max_threads;
    } else if (committed_ != max_threads) {
      picked = std::exchange(committed_, max_threads);
    } else if (last_could && (bounded_preemptions || searches()) && preemptions_ >= preemption_bound) {
      picked = last_;
      withheld_ = withheld_ || enabled != 1U << last_;
    } else if (how == way::bounded) {
      // Who could go on comes first: so the first execution has no preemption, and the next ones have few.
      const auto count = static_cast<std::size_t>(__builtin_popcount(enabled));
      const std::size_t taken = tree_.choose(count);
      if (taken == count) return max_threads;
      const unsigned others = last_could ? enabled & ~(1U << last_) : enabled;
      const auto nth = static_cast<unsigned>(taken);
      picked = !last_could ? nth_of(enabled, nth) : nth == 0 ? last_ : nth_of(others, nth - 1);
    } else if (how == way::random) {
      picked = nth_of(enabled, static_cast<unsigned>(next() % static_cast<unsigned>(__builtin_popcount(enabled))));
    } else {
      for (const std::size_t each : changes_) {
        if (each == step_ && last_ < max_threads) yield(last_);
      }
      for (unsigned t = 0; t < max_threads; ++t) {
        if ((enabled & (1U << t)) != 0 && (picked == max_threads || priority_[t] > priority_[picked])) picked = t;
      }
    }
    if (last_could && picked != last_) ++preemptions_;
    last_ = picked;
    return picked;
  }
  /// An iteration of a loop has ended that may wait for another thread.
  void yield(unsigned thread) noexcept {
    priority_[thread] = lowest_ < 1000 ? 999 - lowest_++ : 0;
    if (thread == last_) gives_way_ = true;
  }
  /// The thread that was picked last is who goes next: what it did first is no event that another could come before.
  void commit() noexcept { committed_ = last_; }
  /// How far behind the latest of `count` stores a load reads, or a store stands.
  std::size_t pick_store(std::size_t count) {
    if (how == way::bounded) return tree_.choose(count);
    if (how == way::script) return step_ < script.size() ? script[step_].behind : 0;
    // Mostly the latest: a stale read says more where the rest of the execution is one that is common.
    if (latest_only || count < 2 || next() % 4 != 0) return 0;
    return next() % count;
  }
  /// Whether a weak compare-and-swap fails that could succeed.
  bool pick_failure() noexcept {
    if (how == way::script) return step_ < script.size() && script[step_].spurious;
    return next() % 8 == 0;
  }
  /// Whether the script goes on with a loop's tried iteration that did something.
  [[nodiscard]] bool turns() const noexcept { return how == way::script && step_ < script.size() && script[step_].turn; }
  /// Whether the script goes on, as far as this thread is concerned, with a notification that is an event.
  [[nodiscard]] bool notifies(unsigned thread) const noexcept {
    for (std::size_t i = step_; i < script.size(); ++i) {
      if (script[i].thread == thread) return script[i].notification;
    }
    return false;
  }
  /// An event was added.
  void step() noexcept { ++step_; }
  [[nodiscard]] bool follows_script() const noexcept { return how == way::script; }
  /// Whether the script has no more events.
  [[nodiscard]] bool script_is_over() const noexcept { return step_ >= script.size(); }

 private:
  static unsigned lowest_of(unsigned set) noexcept { return static_cast<unsigned>(__builtin_ctz(set)); }
  static unsigned nth_of(unsigned set, unsigned n) noexcept {
    for (; n > 0; --n) set &= set - 1;
    return lowest_of(set);
  }
  // SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, OOPSLA 2014).
  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }

  std::uint64_t state_ = 0;
  std::size_t step_ = 0;
  unsigned last_ = max_threads;
  unsigned preemptions_ = 0;
  bool gives_way_ = false;  // the last thread's iteration of a loop has ended: to go over to another is no preemption
  unsigned committed_ = max_threads;
  choice_tree tree_;
  unsigned most_preemptions_ = 0;
  bool withheld_ = false;  // there were more ways, with more preemptions
  unsigned lowest_ = 0;
  std::uint32_t priority_[max_threads] = {};
  std::size_t changes_[3] = {};
};

}  // namespace pawl::inline v0::model::detail
