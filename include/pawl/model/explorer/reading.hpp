// SPDX-License-Identifier: BSL-1.0
// Loads: of a new one, which stores it may read, one straight ahead and the others laid aside; of a recorded one, what it read.
// A part of explorer.hpp.
#pragma once

#include "../explorer.hpp"

namespace pawl::inline v0::model::detail {

inline uint128 explorer::take_freed(std::uint32_t l) {
  act();
  thread& mine = *mine_;
  const access a{l, acquire};
  if (mine.next != initial) return read(a, update()).value;
  park(waiting::turn);
  const buffer<stamp>& freed = graph_.at(l).stores;
  stamp taken = initial;
  if (chooser_.chooses()) {
    std::size_t left = chooser_.pick_store(graph_.left_in(l) + 1);
    if (left > graph_.left_in(l)) stop(outcome::diverged);
    for (std::size_t i = freed.size(); i-- > 1 && left != 0;) {
      if (!graph_.read_by_any(l, freed[i]) && --left == 0) taken = freed[i];
    }
  } else {
    for (std::size_t i = 1; i < freed.size(); ++i) {
      if (!graph_.read_by_any(l, freed[i])) lay_aside(load_event(a, update(), freed[i], false));
    }
  }
  arrive_at_load(graph_.append(load_event(a, update(), taken, false)), true);
  return graph_.value_of(l, taken);
}

[[gnu::noinline]] inline auto explorer::read_in_trial(const access& a, update f) -> seen {
  uint128 value = 0;
  if (!mine_->loop.answer(a.location, value)) did_something();
  uint128 desired = 0;
  const bool succeeds = f && f(value, desired);
  return {value, initial, succeeds, desired};
}

[[gnu::noinline]] inline auto explorer::read_anew(const access& a, update f) -> seen {
  park(waiting::turn);
  if (chooser_.chooses()) return read_chosen(a, f);

  const location& where = graph_.at(a.location);
  const std::size_t last = where.stores.size() - 1;
  uint128 desired = 0;
  const event latest = candidate(a, f, where.stores[last], true, desired);
  for (std::size_t p = last, floor = first_readable(a); p-- > floor;) {
    uint128 other = 0;
    const event e = candidate(a, f, where.stores[p], false, other);
    // Another read-modify-write has read this store. Of the two, one comes first; that it is this one, a revisit of the other's load
    // finds out.
    const bool taken = e.exclusive && !graph_.free_at(a.location, p + 1);
    if (!consistent_with(e)) continue;
    if (taken) {
      revisit_in_passing(a, e, other);
    } else {
      lay_aside(e);
    }
  }
  const uint128 value = graph_.value_of(a.location, latest.rf);
  const stamp s = graph_.append(latest);
  arrive_at_load(s, a.feeds_fences);
  mine_->loop.read(s, a.location, value);
  return {value, latest.rf, latest.exclusive, desired};
}

// A load of the running thread that reads this store; a weak compare-and-swap that could succeed is also laid aside as one that fails.
inline event explorer::candidate(const access& a, update f, stamp from, bool latest, uint128& desired) {
  const bool succeeds = f && f(graph_.value_of(a.location, from), desired);
  if (a.weak && succeeds && may_fail_for_nothing(a.location, running_)) {
    event failing = load_event(a, f, from, false);
    failing.spurious = true;
    if (latest || consistent_with(failing)) lay_aside(failing);
  }
  return load_event(a, f, from, succeeds);
}

// The first position that the running thread may read.
inline std::size_t explorer::first_readable(const access& a) const noexcept {
  const std::size_t floor = graph_.floor(a.location, graph_.threads[running_].now);
  if (!a.woken) return floor;
  const std::size_t notified = graph_.floor(a.location, mine_->known_when_woken);
  return floor < notified ? notified : floor;
}

// One of the stores that may be read, the latest where the chosen one may not.
inline auto explorer::read_chosen(const access& a, update f) -> seen {
  if (chooser_.searches()) return read_next(a, f);
  if (notes_alternatives_) find_ways(a, f, first_readable(a));
  const location& where = graph_.at(a.location);
  const std::size_t floor = first_readable(a);
  const std::size_t last = where.stores.size() - 1;
  std::size_t behind = chooser_.pick_store(last - floor + 1);
  if (behind > last - floor) stop(outcome::diverged);
  event e{};
  uint128 value = 0;
  uint128 desired = 0;
  for (;; behind = 0) {
    const stamp from = where.stores[last - behind];
    value = graph_.value_of(a.location, from);
    const bool could = f && f(value, desired);
    e = load_event(a, f, from, could);
    if (could && a.weak && may_fail_for_nothing(a.location, running_) && chooser_.pick_failure()) {
      e = load_event(a, f, from, false);
      e.spurious = true;
    }
    if (behind == 0 || (!(e.exclusive && graph_.taken(a.location, from)) && consistent_with(e))) break;
    if (chooser_.follows_script()) stop(outcome::diverged);
  }
  if (chooser_.follows_script() && e.spurious != chooser_.pick_failure()) stop(outcome::diverged);
  const stamp s = graph_.append(e);
  arrive_at_load(s, a.feeds_fences);
  mine_->loop.read(s, a.location, value);
  return {value, e.rf, e.exclusive, desired};
}

// What the search comes to: each store that may be read, and each way to read it.
inline auto explorer::read_next(const access& a, update f) -> seen {
  find_ways(a, f, chooser_.latest_only ? graph_.at(a.location).stores.size() - 1 : first_readable(a));
  const event e = next_way();
  const stamp s = graph_.append(e);
  arrive_at_load(s, a.feeds_fences);
  const uint128 value = graph_.value_of(a.location, e.rf);
  mine_->loop.read(s, a.location, value);
  uint128 desired = 0;
  if (e.exclusive) f(value, desired);
  return {value, e.rf, e.exclusive, desired};
}

// All ways to read, from the latest store down to that at `floor`.
inline void explorer::find_ways(const access& a, update f, std::size_t floor) {
  const location& where = graph_.at(a.location);
  const std::size_t last = where.stores.size() - 1;
  uint128 ignored = 0;
  ways_.clear();
  for (std::size_t p = last + 1; p-- > floor;) {
    const stamp from = where.stores[p];
    const bool succeeds = f && f(graph_.value_of(a.location, from), ignored);
    event e = load_event(a, f, from, succeeds);
    if (!(succeeds && graph_.taken(a.location, from)) && (p == last || consistent_with(e))) ways_.push_back(e);
    if (succeeds && a.weak && may_fail_for_nothing(a.location, running_)) {
      e = load_event(a, f, from, false);
      e.spurious = true;
      if (p == last || consistent_with(e)) ways_.push_back(e);
    }
  }
}

template <class F>
void explorer::for_each_alternative(stamp last, F f) const {
  if (last == initial) return;
  const event& e = graph_.get(last);
  if (e.kind != kind::load && !(e.kind == kind::store && e.exclusive)) return;
  const stamp read = e.kind == kind::load ? e.rf : graph_.at(e.location).stores[e.position - 1U];
  stamp before = read;  // (One store may be read in two ways, one after the other.)
  for (std::size_t i = ways_.size(); i-- > 0;) {
    const stamp other = ways_[i].rf;
    if (other != read && other != before) f(other);
    before = other;
  }
}

inline event explorer::next_way() {
  const std::size_t way = chooser_.pick(ways_.size());
  if (way == ways_.size()) stop(outcome::diverged);
  return ways_[way];
}

// Serves this thread's next recorded event, a load.
inline auto explorer::serve_read(const access& a, update f) -> seen {
  thread& mine = *mine_;
  const stamp s = mine.next;
  event& e = graph_.get(s);
  if (e.kind != kind::load || e.location != a.location) [[unlikely]]
    stop(outcome::diverged);
  const stamp from = e.rf;
  if (from != initial && !graph_.get(from).known()) {
    mine.waits_for = from;
    park(waiting::store);
  }
  const uint128 value = graph_.value_of(a.location, from);
  uint128 desired = 0;
  const bool could = f && f(value, desired);
  if (e.fresh) return serve_revisited(a, f, s, could, desired);
  // (A spurious failure could have succeeded.)
  if (could != (e.exclusive || e.spurious)) [[unlikely]]
    stop(outcome::diverged);
  const bool succeeds = e.exclusive;
  mine.next = e.next;
  arrive_at_load(s, a.feeds_fences);
  mine.loop.read(s, a.location, value);
  --left_;
  return {value, from, succeeds, desired};
}

// A load that a revisit made read from another store: what becomes of it, is settled here.
[[gnu::noinline]] inline auto explorer::serve_revisited(const access& a, update f, stamp s, bool succeeds, uint128 desired)
    -> seen {
  event& e = graph_.get(s);
  const uint128 value = graph_.value_of(a.location, e.rf);
  const stamp from = e.rf;
  e.exclusive = succeeds;
  e.fresh = false;
  graph_.reorder(s, succeeds || !f ? a.order : a.failure);
  mine_->next = e.next;
  arrive_at_load(s, a.feeds_fences);
  mine_->loop.read(s, a.location, value);
  --left_;
  if (succeeds && a.weak) failing_ = {s, a.failure};
  // The program sees the new value when the graph is known to be consistent.
  park(succeeds ? waiting::own_store : waiting::turn);
  return {value, from, succeeds, desired};
}

inline event explorer::load_event(const access& a, update f, stamp from, bool succeeds) const noexcept {
  const memory_order order = f && !succeeds ? a.failure : a.order;
  return {0,
          a.location,
          from,
          0,
          static_cast<std::uint8_t>(running_),
          kind::load,
          static_cast<std::uint8_t>(order),
          succeeds,
          false,
          false,
          false,
          false,
          a.woken};
}

inline bool explorer::may_fail_for_nothing(std::uint32_t l, unsigned whose) const noexcept {
  unsigned so_far = 0;
  for (const stamp load : graph_.at(l).loads) {
    if (graph_.get(load).spurious && graph_.get(load).thread == whose) ++so_far;
  }
  return so_far < spurious_failures_;
}

// The load that was revisited is that of a weak compare-and-swap, and succeeds: it may fail, too.
inline void explorer::lay_aside_failing() {
  if (failing_.load == initial) return;
  const event& e = graph_.get(failing_.load);
  if (may_fail_for_nothing(e.location, e.thread)) {
    event& failing = shelf_.push(graph_, 0)[failing_.load];
    failing.spurious = true;
    failing.exclusive = false;
    failing.order = static_cast<std::uint8_t>(failing_.order);
  }
  failing_.load = initial;
}

}  // namespace pawl::inline v0::model::detail
