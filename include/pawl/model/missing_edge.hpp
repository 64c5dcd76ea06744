// SPDX-License-Identifier: BSL-1.0
// Why one step does not happen before another: which memory orders would have to be stronger.
//
// From the first step a way leads to the second through stores and the loads that read them, if one does: along each thread, from a store
// to what reads it, on through read-modify-writes (a release sequence), to started and from joined threads. It would be happens-before but
// for some stores that don't release and some loads that don't acquire. A walk over the steps, which applies the rules of graph.hpp to
// one moment instead of clocks, finds the way that lacks the fewest; among those the one with the fewest reads, and the last of these.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "history.hpp"
#include "words.hpp"

namespace pawl::inline v0::model::detail {

class missing_edge {
 public:
  /// Between what thread `first` did at this time and what thread `second` does at the end of the run.
  missing_edge(const recorded_run& run, unsigned first, std::uint16_t time, unsigned second)
      : run_(run), first_(first), time_(time), second_(second) {
    for (unsigned t = 0; t < max_threads; ++t) held_[t] = to_acquire_[t] = released_[t] = none;
    carried_.resize(run.all().events.size());
    for (int& each : carried_) each = none;
    for (std::size_t i = 0; i < run.size(); ++i) walk(i);
  }

  /// To be put behind a message.
  [[nodiscard]] std::string as_text() const {
    if (held_[second_] == none) {
      return "; thread " + std::to_string(second_) + " reads no store that thread " + std::to_string(first_) +
             " makes afterwards, nor one that follows from such a store: no stronger order could help";
    }
    std::string text;
    for (int w = held_[second_]; w != none; w = ways_[index(w)].before) {
      if (ways_[index(w)].by == means::load) text = of_read(w) + text;
    }
    return text;
  }

 private:
  static constexpr int none = -1;
  // What the last part of a way is. passed: a read-modify-write hands on what it has read.
  enum class means : std::uint8_t { begin, store, passed, load };
  struct way {
    unsigned missing = 0;  // orders
    unsigned reads = 0;
    int before = none;  // the way to where this part begins
    std::size_t at = 0;  // the step that is this part
    means by = means::begin;
    bool lacks = false;  // whether its order is missing
  };

  static std::size_t index(int w) noexcept { return static_cast<std::size_t>(w); }
  [[nodiscard]] bool is_better(const way& a, const way& b) const noexcept {
    return a.missing != b.missing ? a.missing < b.missing : a.reads <= b.reads;
  }
  void offer(int& place, const way& found) {
    if (place != none && !is_better(found, ways_[index(place)])) return;
    place = static_cast<int>(ways_.size());
    ways_.push_back(found);
  }
  void offer(int& place, int known) {
    if (known != none && (place == none || is_better(ways_[index(known)], ways_[index(place)]))) place = known;
  }
  // The way goes on by this step.
  [[nodiscard]] way after(int before, std::size_t i, means by, bool lacks = false) const noexcept {
    const way& so_far = ways_[index(before)];
    return {so_far.missing + (lacks ? 1U : 0U), so_far.reads + (by == means::store ? 0U : 1U), before, i, by, lacks};
  }

  void walk(std::size_t i) {
    const step& each = run_.at(i);
    int& held = held_[each.thread];
    if (each.thread == first_ && held == none && each.time >= time_) offer(held, way{});
    if (each.says == step::about::starts) offer(held_[each.other], held);
    if (each.says == step::about::joins) {
      if (each.other == first_ && held_[first_] == none) offer(held_[first_], way{});
      offer(held, held_[each.other]);
    }
    if (run_.acquiring_fence(each)) offer(held, to_acquire_[each.thread]);
    if (run_.releasing_fence(each)) offer(released_[each.thread], held);
    if (run_.loads(each) && run_.source(each) != initial) load(i, carried_[index(run_.source(each))]);
    if (run_.stores(each)) store(i);
  }
  void load(std::size_t i, int message) {
    const step& each = run_.at(i);
    if (message == none) return;
    if (acquires(run_.of(each).ordered())) return offer(held_[each.thread], after(message, i, means::load));
    way lacking = after(message, i, means::load, true);
    if (recorded_run::feeds_fences(each)) {
      offer(to_acquire_[each.thread], after(message, i, means::load));
    } else {
      lacking.reads += 2;  // it takes another operation to read here: rather a read that comes later
    }
    offer(held_[each.thread], lacking);
  }
  void store(std::size_t i) {
    const step& each = run_.at(i);
    int& message = carried_[index(each.event)];
    if (run_.updates(each)) {
      const stamp read = run_.source(each);
      if (read != initial && carried_[index(read)] != none) offer(message, after(carried_[index(read)], i, means::passed));
    }
    const int held = held_[each.thread];
    const int fenced = released_[each.thread];
    const bool lacks = !releases(run_.of(each).ordered());
    if (lacks && fenced != none) offer(message, after(fenced, i, means::store));
    if (held != none) offer(message, after(held, i, means::store, lacks));
  }

  // What is missing where this load reads; empty where nothing is.
  [[nodiscard]] std::string of_read(int w) const {
    const way& read = ways_[index(w)];
    std::string through;
    int source = read.before;
    for (; ways_[index(source)].by == means::passed; source = ways_[index(source)].before) {
      const step& update = run_.at(ways_[index(source)].at);
      through = " by way of thread " + std::to_string(update.thread) + "'s " + update.operation + " at " + text_of(update.where) +
                through;
    }
    const way& written = ways_[index(source)];
    if (!read.lacks && !written.lacks) return "";
    const step& load = run_.at(read.at);
    const step& store = run_.at(written.at);
    std::string text = "; thread " + std::to_string(load.thread) + " reads at " + text_of(load.where) + through + " what thread " +
                       std::to_string(store.thread) + " stored at " + text_of(store.where) +
                       (ways_[index(written.before)].by == means::begin ? " afterwards" : "") + ", but ";
    if (written.lacks) text += of_store(written.at);
    if (written.lacks && read.lacks) text += " and ";
    if (read.lacks) text += of_load(read.at);
    return text;
  }
  [[nodiscard]] std::string of_store(std::size_t i) const {
    std::string text = std::string("that store is ") + text_of(run_.of(run_.at(i)).ordered());
    const std::size_t early = run_.last_before(i, [this](const step& s) { return run_.releasing_fence(s); });
    if (early != run_.size())
      return text + ", and the release fence at " + text_of(run_.at(early).where) +
             " comes too early (release, or a later fence, is needed)";
    return text + " (release, or a release fence before it, is needed)";
  }
  [[nodiscard]] std::string of_load(std::size_t i) const {
    const step& s = run_.at(i);
    const std::string order = text_of(run_.of(s).ordered());
    if (!recorded_run::feeds_fences(s)) {
      const std::string returning = std::string("fetch_") + (s.operation + std::string_view("store_").size());
      return std::string("this ") + s.operation + " is " + order + ", and no fence orders what it reads (acquire, or " + returning +
             " and an acquire fence after it, is needed)";
    }
    const std::size_t late = run_.first_after(i, [this](const step& each) { return run_.acquiring_fence(each); });
    if (late != run_.size())
      return "this load is " + order + ", and the acquire fence at " + text_of(run_.at(late).where) +
             " comes too late (acquire, or an earlier fence, is needed)";
    return "this load is " + order + " (acquire, or an acquire fence after it, is needed)";
  }

  const recorded_run& run_;
  const unsigned first_;
  const std::uint16_t time_;
  const unsigned second_;
  buffer<way> ways_;
  // The best way to: what a thread's next step comes after; what an acquire fence would add to that; what a relaxed store would pass on.
  int held_[max_threads];
  int to_acquire_[max_threads];
  int released_[max_threads];
  buffer<int> carried_;  // and what an acquire load of this store would come after
};

}  // namespace pawl::inline v0::model::detail
