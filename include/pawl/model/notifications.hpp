// SPDX-License-Identifier: BSL-1.0
// Waiting on an atomic and being notified, as the standard has it ([atomics.wait]): a thread that found the old value in some store X sleeps
// until a notification that is for it. That is one which a store Y happens before that stands behind X in the modification order.
//
// A wait that returns reads another value in the end, and an execution in which it reads that at once has no more constraints than one in
// which it slept before. So to explore all that can follow a wait, its load alone is enough, and what a thread that sleeps could read next
// is found as in any loop that waits: by a revisit. What is left to find are threads that sleep for ever. With one thread that waits, or
// with notify_all alone, that is seen in the finished graph: no notification in it is for the sleeping thread. So neither is an event.
//
// notify_one is more, where several threads wait on one atomic: it wakes one, so the others may stay asleep. There it is a store to a
// location of its own, and to sleep is a load from there, which reads the notification that ends the sleep, or the initial store: none
// does. No two sleeps read the same. Which threads wait on what, and whether anybody calls notify_one, only the runs show: when it turns out
// that an atomic has such a location the check begins again, as it does for a new thread (see setup.hpp).
//
// Neither side synchronizes with the other. But a thread that was woken reads nothing older than what happened before the notification:
// the letter of the standard lets it, and would so let one thread be woken again and again by what others sleep for. No implementation
// does, since the wake comes after the store.
#pragma once

#include <cstddef>
#include <cstdint>

#include "buffer.hpp"
#include "graph.hpp"
#include "place.hpp"

namespace pawl::inline v0::model::detail {

/// Whether a notification, before which all in `known` happened, is for a thread that sleeps since this load.
inline bool wakes(const graph& g, stamp load, const clock& known) noexcept {
  const event& e = g.get(load);
  const buffer<stamp>& stores = g.at(e.location).stores;
  for (std::size_t p = stores.size() - 1; p > g.position_of(e.rf); --p) {
    if (g.has(known, stores[p])) return true;
  }
  return false;
}
/// The load that its thread made just before this event.
inline stamp observed_before(const graph& g, stamp s) noexcept {
  stamp found = initial;
  for (std::size_t i = 0; i < g.events.size(); ++i) {
    const event& e = g.events[i];
    const auto other = static_cast<stamp>(i);
    if (e.kind == kind::load && e.thread == g.get(s).thread && g.get(other).known() && g.time_of(other) + 1 == g.time_of(s))
      found = other;
  }
  return found;
}
/// What happened before the notification that woke this load's thread.
inline const clock& known_when_woken(const graph& g, stamp load) noexcept {
  return g.of(g.get(observed_before(g, load)).rf).before;
}

/// What a check knows of waits, and the notifications of one run.
class notifications {
 public:
  struct notification {
    std::uint32_t location;
    bool one;
    std::uint8_t thread;
    stamp event;  // initial: it is none
    clock known;  // what happened before it
    place where;
  };

  void new_run() noexcept { of_run_.clear(); }
  /// From now on all that was learned is taken into account.
  void begin() noexcept {
    for (known_location& each : known_) each.competition = each.waiting_threads > 1 && each.notifies_one;
    learned_ = false;
  }
  /// Whether that makes a difference: nothing explored so far counts.
  [[nodiscard]] bool must_begin_again() const noexcept { return learned_; }

  void waits(std::uint32_t l, unsigned thread) {
    known_location& here = at(l);
    const unsigned bit = 1U << thread;
    if ((here.threads & bit) != 0) return;
    here.threads |= bit;
    ++here.waiting_threads;
    learn(here);
  }
  void notifies_one(std::uint32_t l) {
    at(l).notifies_one = true;
    learn(at(l));
  }
  /// Whether threads compete for the notifications of one.
  [[nodiscard]] bool competition(std::uint32_t l) { return at(l).competition; }
  /// The location of those notifications.
  std::uint32_t wakes_of(std::uint32_t l, graph& g) {
    if (at(l).wakes == none) at(l).wakes = g.add_location(location::purpose::wakes);
    return at(l).wakes;
  }
  void add(const notification& n) { of_run_.push_back(n); }
  [[nodiscard]] const buffer<notification>& of_run() const noexcept { return of_run_; }

  /// Calls f(n) for each notification for the thread that sleeps since this load, and that no other thread was woken by.
  template <class F>
  void for_each_waking(const graph& g, stamp load, F f) const {
    for (const notification& each : of_run_) {
      if (each.location != g.get(load).location || !wakes(g, load, each.known)) continue;
      if (each.event == initial || !g.read_by_any(g.get(each.event).location, each.event)) f(each);
    }
  }
  [[nodiscard]] bool can_wake(const graph& g, stamp load) const noexcept {
    bool found = false;
    for_each_waking(g, load, [&found](const notification&) { found = true; });
    return found;
  }

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  struct known_location {
    unsigned threads = 0;  // that have ever waited on it, as bits
    unsigned waiting_threads = 0;  // how many
    bool notifies_one = false;
    bool competition = false;
    std::uint32_t wakes = none;
  };

  known_location& at(std::uint32_t l) {
    while (known_.size() <= l) known_.push_back({});
    return known_[l];
  }
  void learn(const known_location& here) noexcept {
    learned_ = learned_ || (!here.competition && here.waiting_threads > 1 && here.notifies_one);
  }

  buffer<known_location> known_;  // by location, kept over runs
  buffer<notification> of_run_;
  bool learned_ = false;
};

}  // namespace pawl::inline v0::model::detail
