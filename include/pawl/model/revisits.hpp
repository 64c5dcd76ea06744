// SPDX-License-Identifier: BSL-1.0
// Revisits: what a new store changes for the loads that were there before it (TruSt's backward revisits, see explorer.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "buffer.hpp"
#include "graph.hpp"
#include "notifications.hpp"
#include "shelf.hpp"

namespace pawl::inline v0::model::detail {

/// A store that comes next, and is not in the graph yet.
struct coming_store {
  event what;  // an exclusive one with its position
  clock before;  // what happens before it
  clock past;  // its past in program order and reads-from
  const event* load = nullptr;  // its own, where that is not in the graph either
};

class revisits {
 public:
  revisits(const graph& g, shelf& laid_aside) noexcept : graph_(g), shelf_(laid_aside) {}

  // Lays aside each graph in which a load that is there before the store reads from it. What was added after the load and is not in the
  // store's past goes; and only if all of it is what a straight run adds, so that no graph comes twice.
  void lay_aside(const coming_store& store) {
    const stamp oldest = oldest_concerned(store);
    if (oldest == initial) return;
    // The older the load, the more goes: from the newest on, until something would go that may not.
    for (auto s = static_cast<stamp>(graph_.events.size()); s-- > oldest;) {
      const event& e = graph_.get(s);
      if (store.past.has(e.thread, e.time)) continue;
      if (!maximal(s, store)) return;
      if (e.kind == kind::load && e.location == store.what.location) revisit(s, store);
    }
  }

 private:
  // The first load of the location that is not in the store's past; initial: there is none.
  [[nodiscard]] stamp oldest_concerned(const coming_store& store) const noexcept {
    for (const stamp load : graph_.at(store.what.location).loads) {
      if (!graph_.has(store.past, load)) return load;
    }
    return initial;
  }
  // Whether s stays when all goes that was added after `last` and is not in the store's past. (The initial store is before all.)
  [[nodiscard]] bool stays(stamp s, stamp last, const coming_store& store) const noexcept {
    return s <= last || graph_.has(store.past, s);
  }
  // Whether x is what a straight run would have added, of what stays with it: a load of the latest store, or that store, unread.
  [[nodiscard]] bool maximal(stamp x, const coming_store& store) const noexcept {
    const event& e = graph_.get(x);
    if (e.kind == kind::fence || e.kind == kind::turn) return true;
    if (e.spurious) return false;
    const location& where = graph_.at(e.location);
    if (e.kind == kind::store) {
      // By a load that stays, that is: none in the store's past, where x would be, too, and so one that was there before x.
      for (const stamp* load = where.loads.begin(); load != where.loads.end() && *load < x; ++load) {
        if (graph_.get(*load).rf == x) return false;
      }
    }
    if (where.unordered()) return e.kind == kind::store || e.rf == initial;
    const std::size_t place = graph_.position_of(e.kind == kind::load ? e.rf : x);
    for (std::size_t p = where.stores.size() - 1; p > place; --p) {
      if (stays(where.stores[p], x, store)) return false;
    }
    return true;
  }

  // The last position that events of what stays, the load apart, forbid to pass: graph::floor of the graph to come.
  [[nodiscard]] std::size_t floor_of_kept(const clock& happens_before, stamp load, const coming_store& store) const noexcept {
    const location& where = graph_.at(store.what.location);
    std::size_t lowest = 0;
    for (std::size_t p = where.stores.size() - 1; p > lowest; --p) {
      if (graph_.has(happens_before, where.stores[p]) && stays(where.stores[p], load, store)) lowest = p;
    }
    for (const stamp s : where.loads) {
      const std::size_t p = graph_.position_of(graph_.get(s).rf);
      if (p > lowest && s != load && graph_.has(happens_before, s) && stays(s, load, store)) lowest = p;
    }
    return lowest;
  }

  void revisit(stamp load, const coming_store& store) {
    const location& where = graph_.at(store.what.location);
    const auto stays_at = [&](std::size_t p) { return stays(where.stores[p], load, store); };
    const std::size_t end = where.stores.size();
    if (where.unordered()) {
      // A sleeping thread is woken by what is for it, only.
      if (where.is == location::purpose::wakes && !wakes(graph_, observed_before(graph_, load), store.before)) return;
      std::size_t last = end - 1;
      while (!stays_at(last)) --last;
      return lay_aside_behind(last, load, store);
    }
    const auto next_that_stays = [&](std::size_t p) {
      do ++p;
      while (p < end && !stays_at(p));
      return p;
    };
    // Whether a store may stand before that at this position: not between a read-modify-write and what it read.
    const auto is_free = [&](std::size_t p) { return p == end || !graph_.get(where.stores[p]).exclusive; };
    const auto floor_of_load = [&] {
      const std::size_t floor = floor_of_kept(graph_.of(load).before, load, store);
      if (!graph_.get(load).woken) return floor;
      const std::size_t notified = floor_of_kept(known_when_woken(graph_, load), load, store);
      return floor < notified ? notified : floor;
    };
    if (store.what.exclusive) {
      // Exactly behind what it read.
      const std::size_t read = store.what.position - 1U;
      const std::size_t next = next_that_stays(read);
      if (is_free(next) && (next == end || floor_of_load() <= read)) lay_aside_behind(read, load, store);
      return;
    }
    const std::size_t after_load = floor_of_load();
    std::size_t after = floor_of_kept(store.before, load, store);
    if (after < after_load) after = after_load;
    for (std::size_t p = after; p < end; ++p) {
      if ((p == after || stays_at(p)) && is_free(next_that_stays(p))) lay_aside_behind(p, load, store);
    }
  }
  // The store stands behind the kept one at position `behind`, and the load reads it.
  void lay_aside_behind(std::size_t behind, stamp load, const coming_store& store) {
    // Stamps close up: up to the load all stay. (Positions close up when the graph is served.)
    const auto size = static_cast<stamp>(graph_.events.size());
    const auto up_to_load = static_cast<std::size_t>(load) + 1;
    places_.resize(graph_.events.size());
    std::size_t kept = up_to_load;
    for (auto s = static_cast<stamp>(up_to_load); s < size; ++s) {
      if (graph_.has(store.past, s)) places_[static_cast<std::size_t>(s)] = static_cast<stamp>(kept++);
    }
    const std::size_t all = kept + (store.load == nullptr ? 1 : 2);
    event* const copies = shelf_.push_room(all, true);
    const auto place_of = [&](stamp s) { return s <= load ? s : places_[static_cast<std::size_t>(s)]; };
    event* next = copies;
    const auto copy = [&](const event& e) {
      *next = e;
      if (e.rf > load) next->rf = place_of(e.rf);
      ++next;
    };
    for (std::size_t i = 0; i < up_to_load; ++i) copy(graph_.events[i]);
    for (auto s = static_cast<stamp>(up_to_load); s < size; ++s) {
      if (graph_.has(store.past, s)) copy(graph_.get(s));
    }
    if (store.load != nullptr) copy(*store.load);
    *next = store.what;
    next->position = static_cast<std::uint16_t>(behind + 1);
    const buffer<stamp>& stores = graph_.at(store.what.location).stores;
    for (std::size_t p = behind + 1; p < stores.size(); ++p) {
      if (stays(stores[p], load, store)) ++copies[place_of(stores[p])].position;
    }
    event& revisited = copies[load];
    revisited.rf = static_cast<stamp>(all - 1);
    revisited.exclusive = revisited.spurious = false;
    revisited.fresh = true;
  }

  const graph& graph_;
  shelf& shelf_;
  buffer<stamp> places_;  // of what stays, there
};

}  // namespace pawl::inline v0::model::detail
