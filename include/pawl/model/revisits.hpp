// SPDX-License-Identifier: BSL-1.0
// Revisits: what a new store changes for the loads that were there before it (TruSt's backward revisits, see explorer.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

#include "buffer.hpp"
#include "graph.hpp"
#include "notifications.hpp"
#include "shelf.hpp"

namespace pawl::inline v0::model::detail {

class revisits {
 public:
  revisits(const graph& g, shelf& laid_aside) noexcept : graph_(g), shelf_(laid_aside) {}

  // Lays aside each graph in which a load that was there before the newest event, a store, reads from it. What was added after the load
  // and is not in the store's past goes; and only if all of it is what a straight run adds, so that no graph comes twice.
  void lay_aside(stamp store) {
    const clock& past = graph_.of(store).past;
    const std::uint32_t l = graph_.get(store).location;
    kept_.resize(static_cast<std::size_t>(store));
    for (bool& each : kept_) each = true;
    // The older the load, the more goes: from the newest on, until something would go that may not.
    for (stamp s = store; s-- > 0;) {
      if (graph_.has(past, s)) continue;
      if (!maximal(s, store)) return;
      const event& e = graph_.get(s);
      if (e.kind == kind::load && e.location == l) lay_aside_revisited(s, store);
      kept_[static_cast<std::size_t>(s)] = false;
    }
  }

 private:
  [[nodiscard]] bool maximal(stamp x, stamp store) const noexcept {
    const event& e = graph_.get(x);
    if (e.kind == kind::fence || e.kind == kind::turn) return true;
    if (e.spurious) return false;
    const location& where = graph_.at(e.location);
    const auto was_there = [&](stamp s) { return s != store && (s <= x || graph_.has(graph_.of(store).past, s)); };
    if (e.kind == kind::store) {
      for (const stamp load : where.loads) {
        if (graph_.get(load).rf == x && was_there(load)) return false;
      }
    }
    if (where.unordered()) return e.kind == kind::store || e.rf == initial;
    const std::size_t place = graph_.position_of(e.kind == kind::load ? e.rf : x);
    for (std::size_t p = place + 1; p < where.stores.size(); ++p) {
      if (was_there(where.stores[p])) return false;
    }
    return true;
  }
  [[nodiscard]] bool stays(stamp s) const noexcept { return s == initial || kept_[static_cast<std::size_t>(s)]; }

  // The last position that events of what stays, the load apart, forbid to pass: graph::floor of the graph to come.
  [[nodiscard]] std::size_t floor_of_kept(std::uint32_t l, const clock& happens_before, stamp load, stamp store) const noexcept {
    const location& where = graph_.at(l);
    std::size_t lowest = 0;
    for (std::size_t p = 1; p < where.stores.size(); ++p) {
      const stamp s = where.stores[p];
      if (s != store && stays(s) && graph_.has(happens_before, s)) lowest = p;
    }
    for (const stamp s : where.loads) {
      // The store's own load, where it has one, is the event before it.
      if (s == load || !stays(s) || !graph_.has(happens_before, s)) continue;
      const std::size_t p = graph_.position_of(graph_.get(s).rf);
      if (p > lowest) lowest = p;
    }
    return lowest;
  }

  void lay_aside_revisited(stamp load, stamp store) {
    const event& e = graph_.get(store);
    const location& where = graph_.at(e.location);
    if (where.unordered()) {
      // A sleeping thread is woken by what is for it, only.
      if (where.is == location::purpose::wakes && !wakes(graph_, observed_before(graph_, load), graph_.of(store).before)) return;
      std::size_t last = where.stores.size() - 1;
      while (where.stores[last] == store || !stays(where.stores[last])) --last;
      return lay_aside_revisited_at(load, store, last);
    }
    std::size_t after_load = floor_of_kept(e.location, graph_.of(load).before, load, store);
    if (graph_.get(load).woken) {
      const std::size_t after_notification = floor_of_kept(e.location, known_when_woken(graph_, load), load, store);
      if (after_load < after_notification) after_load = after_notification;
    }
    if (e.exclusive) {
      // Exactly behind what it read.
      const std::size_t read = graph_.position_of(where_read(store));
      if (read >= after_load) lay_aside_revisited_at(load, store, read);
      return;
    }
    std::size_t after = floor_of_kept(e.location, graph_.of(store).before, load, store);
    if (after < after_load) after = after_load;
    for (std::size_t p = after; p < where.stores.size(); ++p) {
      if (p == after || (where.stores[p] != store && stays(where.stores[p]))) lay_aside_revisited_at(load, store, p);
    }
  }
  [[nodiscard]] stamp where_read(stamp exclusive_store) const noexcept {
    return graph_.at(graph_.get(exclusive_store).location).stores[graph_.get(exclusive_store).position - 1U];
  }
  // The store stands behind the kept one at position `behind`.
  void lay_aside_revisited_at(stamp load, stamp store, std::size_t behind) {
    const std::uint32_t l = graph_.get(store).location;
    const location& where = graph_.at(l);
    for (std::size_t p = behind + 1; p < where.stores.size(); ++p) {
      if (where.stores[p] == store || !stays(where.stores[p])) continue;
      if (graph_.get(where.stores[p]).exclusive) return;  // between a read-modify-write and what it read
      break;
    }
    // Stamps and positions close up.
    places_.resize(static_cast<std::size_t>(store));
    std::size_t size = 0;
    for (stamp s = 0; s < store; ++s) {
      if (stays(s)) places_[static_cast<std::size_t>(s)] = static_cast<stamp>(size++);
    }
    event* const copies = shelf_.push_room(size + 1, true);
    for (stamp s = 0; s < store; ++s) {
      if (!stays(s)) continue;
      event copy = graph_.get(s);
      if (copy.kind == kind::load && copy.rf != initial) copy.rf = places_[static_cast<std::size_t>(copy.rf)];
      if (copy.kind == kind::store)
        copy.position = new_position(copy.location, copy.position, store, copy.location == l ? behind : no_place);
      if (s == load) {
        copy.rf = static_cast<stamp>(size);
        copy.exclusive = copy.spurious = false;
        copy.fresh = true;
      }
      copies[places_[static_cast<std::size_t>(s)]] = copy;
    }
    event last = graph_.get(store);
    last.position = static_cast<std::uint16_t>(new_position(l, behind, store, no_place) + 1);
    copies[size] = last;
  }
  static constexpr std::size_t no_place = ~std::size_t{0};
  // Where a kept store at `position` will stand, the new one behind `behind` counted.
  [[nodiscard]] std::uint16_t new_position(std::uint32_t l, std::size_t position, stamp store, std::size_t behind) const noexcept {
    std::uint16_t place = 0;
    for (std::size_t p = 1; p <= position; ++p) {
      const stamp s = graph_.at(l).stores[p];
      if (s != store && stays(s)) ++place;
    }
    if (behind != no_place && position > behind) ++place;
    return place;
  }

  const graph& graph_;
  shelf& shelf_;
  buffer<bool> kept_;  // by stamp: what stays in the graph that is laid aside
  buffer<stamp> places_;  // of what stays, there
};

}  // namespace pawl::inline v0::model::detail
