// SPDX-License-Identifier: BSL-1.0
// Stores: where in the modification order a new one may stand, and what it changes for loads that were there before.
// A part of explorer.hpp.
#pragma once

#include "../explorer.hpp"

namespace pawl::inline v0::model::detail {

inline void explorer::serve_store(std::uint32_t l) {
  const stamp s = mine_->next;
  const event& e = graph_.get(s);
  if (e.kind != kind::store || e.location != l) [[unlikely]]
    stop(outcome::diverged);
  mine_->next = e.next;
  arrive_at_store(s);
  --left_;
}

[[gnu::noinline]] inline void explorer::write_anew(const access& a, uint128 value, bool exclusive, stamp from) {
  park(exclusive ? waiting::own_store : waiting::turn);

  const location& where = graph_.at(a.location);
  const std::size_t end = where.stores.size();
  event e{value,     a.location, initial, 0, static_cast<std::uint8_t>(running_), kind::store, static_cast<std::uint8_t>(a.order),
          exclusive, false,      false};
  if (chooser_.chooses()) {
    write_chosen(e, from);
    return;
  }
  if (exclusive) {
    e.position = static_cast<std::uint16_t>(graph_.position_of(from) + 1);
    revisits_.lay_aside(coming(e));
    if (!graph_.free_at(a.location, e.position)) stop(outcome::dropped);
    arrive_at_store(graph_.append(e));
    if (e.position != end && needs_check(e) && !consistent()) stop(outcome::dropped);
    return;
  }
  for (std::size_t p = first_place(a.location); p < end; ++p) {
    e.position = static_cast<std::uint16_t>(p);
    if (graph_.free_at(a.location, p) && consistent_with(e)) lay_aside(e);
  }
  revisits_.lay_aside(coming(e));
  e.position = static_cast<std::uint16_t>(end);
  arrive_at_store(graph_.append(e));
}

// A store of the running thread, as it is when it comes.
inline coming_store explorer::coming(const event& store) const noexcept {
  return {store, graph_.threads[running_].now, graph_.threads[running_].past};
}

// The first position at which the running thread may store.
inline std::size_t explorer::first_place(std::uint32_t l) const noexcept {
  const location& where = graph_.at(l);
  if (where.unordered()) return where.stores.size();  // its stores have no order
  return graph_.floor(l, graph_.threads[running_].now) + 1;
}

inline void explorer::write_chosen(event& e, stamp from) {
  const std::size_t end = graph_.at(e.location).stores.size();
  e.position = static_cast<std::uint16_t>(end);
  if (e.exclusive) {
    e.position = static_cast<std::uint16_t>(graph_.position_of(from) + 1);
  } else if (chooser_.searches()) {
    ways_.clear();
    for (std::size_t p = end + 1; p-- > (chooser_.latest_only ? end : first_place(e.location));) {
      e.position = static_cast<std::uint16_t>(p);
      if (graph_.free_at(e.location, p) && (p == end || consistent_with(e))) ways_.push_back(e);
    }
    e = next_way();
  } else {
    const std::size_t first = first_place(e.location);
    const std::size_t behind = chooser_.pick_store(end - first + 1);
    if (behind > end - first) stop(outcome::diverged);
    e.position = static_cast<std::uint16_t>(end - behind);
    if (behind != 0 && !(graph_.free_at(e.location, e.position) && consistent_with(e))) {
      if (chooser_.follows_script()) stop(outcome::diverged);
      e.position = static_cast<std::uint16_t>(end);
    }
  }
  arrive_at_store(graph_.append(e));
  // A read-modify-write that didn't read the latest store: its load was found to be consistent, its store may not be.
  if (e.exclusive && e.position != end && needs_check(e) && !consistent()) stop(outcome::dropped);
}

// A read-modify-write that reads what another has read, for the revisits of that other one only.
inline void explorer::revisit_in_passing(const access& a, const event& load, uint128 desired) {
  const auto position = static_cast<std::uint16_t>(graph_.position_of(load.rf) + 1);
  coming_store store = coming({desired, a.location, initial, position, static_cast<std::uint8_t>(running_), kind::store,
                               static_cast<std::uint8_t>(a.order), true, false, false});
  store.load = &load;
  if (load.rf != initial) store.past.join(graph_.of(load.rf).past);
  revisits_.lay_aside(store);
}

}  // namespace pawl::inline v0::model::detail
