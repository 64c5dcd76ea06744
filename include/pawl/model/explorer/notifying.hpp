// SPDX-License-Identifier: BSL-1.0
// Waiting to be notified, and notifying: see notifications.hpp.
// A part of explorer.hpp.
#pragma once

#include "../explorer.hpp"

namespace pawl::inline v0::model::detail {

inline void explorer::sleep(std::uint32_t l) {
  act();
  thread& mine = *mine_;
  mine.slept_since = mine.loop.last_load();
  mine.sleeping = true;
  notifications_.waits(l, running_);
  if (chooser_.chooses()) {
    sleep_chosen(l);
  } else if (!notifications_.competition(l)) {
    block();
  } else {
    const std::uint32_t wakes_here = notifications_.wakes_of(l, graph_);
    const access a{wakes_here, relaxed, relaxed, false};
    if (mine.next == initial) {
      park(waiting::turn);
      const buffer<stamp>& ones = graph_.at(wakes_here).stores;
      for (std::size_t i = 1; i < ones.size(); ++i) {
        if (wakes_running(ones[i])) lay_aside(load_event(a, update(), ones[i], false));
      }
      arrive_at_load(graph_.append(load_event(a, update(), initial, false)), false);
      block();
    }
    const stamp by = read(a, update()).from;
    if (by == initial) block();
    mine.known_when_woken = graph_.of(by).before;
  }
  mine.sleeping = false;
}

inline void explorer::notify(std::uint32_t l, bool one, const place& where) {
  act();
  if (one) notifications_.notifies_one(l);
  notifications::notification n{l, one, static_cast<std::uint8_t>(running_), initial, {}, where};
  // (A replay may be the only run: there the script knows.)
  if (one && (chooser_.how == chooser::way::script ? chooser_.notifies(running_) : notifications_.competition(l))) {
    write({notifications_.wakes_of(l, graph_), relaxed}, 0, false, initial);
    n.event = arrivals_.back();
    n.known = graph_.of(n.event).before;
  } else {
    n.known = graph_.threads[running_].now;
  }
  notifications_.add(n);
}

// Whether this notification of one, a store, may be what wakes the running thread.
inline bool explorer::wakes_running(stamp one) const noexcept {
  return !graph_.read_by_any(graph_.get(one).location, one) && detail::wakes(graph_, mine_->slept_since, graph_.of(one).before);
}

// Where executions are chosen a thread sleeps until something may wake it, and it is the scheduler's choice when it does.
inline void explorer::sleep_chosen(std::uint32_t l) {
  thread& mine = *mine_;
  park(waiting::notification);
  const notifications::notification* by_all = nullptr;
  notifications_.for_each_waking(graph_, mine.slept_since, [&by_all](const notifications::notification& n) {
    if (n.event == initial) by_all = &n;
  });
  if (by_all != nullptr) {
    mine.known_when_woken = by_all->known;
    return;
  }
  const std::uint32_t wakes_here = notifications_.wakes_of(l, graph_);
  const buffer<stamp>& ones = graph_.at(wakes_here).stores;
  std::size_t left = chooser_.pick_store(graph_.left_in(wakes_here) + 1);
  stamp by = initial;
  for (std::size_t i = ones.size(); i-- > 1 && (by == initial || left != 0);) {
    if (graph_.read_by_any(wakes_here, ones[i])) continue;
    if (left != 0) --left;
    if (wakes_running(ones[i])) by = ones[i];
  }
  mine.known_when_woken = graph_.of(by).before;
  arrive_at_load(graph_.append(load_event({wakes_here, relaxed, relaxed, false}, update(), by, false)), false);
}

}  // namespace pawl::inline v0::model::detail
