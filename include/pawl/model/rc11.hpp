// SPDX-License-Identifier: BSL-1.0
// RC11's condition on seq_cst (O. Lahav, V. Vafeiadis, J. Kang, C.-K. Hur, D. Dreyer, "Repairing Sequential Consistency in C/C++11", PLDI
// 2017, section 4): its relation psc has no cycle. In the paper's words, with po program order, mo modification order, rb from a load to the
// stores after the one that it reads, and eco any way along one location:
//
//   scb = po ∪ (po to another location; hb; po to another location) ∪ hb on one location ∪ mo ∪ rb
//   psc = ([E_sc] ∪ [F_sc]; hb?); scb; ([E_sc] ∪ hb?; [F_sc])  ∪  [F_sc]; (hb ∪ hb; eco; hb); [F_sc]
//
// C++20 asks for more: there what a load reads comes before it, too, whether or not the two synchronize. See total_order.hpp.
#pragma once

#include <cstddef>

#include "graph.hpp"
#include "total_order.hpp"

namespace pawl::inline v0::model::detail {

class rc11_order {
 public:
  /// Whether psc has no cycle. Looks at events whose clocks are known.
  bool allows(const graph& g) {
    find(g);
    return sorter_.exists(nodes_, [this, &g](stamp i, stamp j) { return precedes(g, i, j); });
  }

 private:
  struct neighbours {
    stamp next = initial;  // the first event of the same thread after it that is not on the same location
    stamp last = initial;  // the last one before it
  };

  static bool object(const graph& g, const event& e) noexcept {
    return (e.kind == kind::load || e.kind == kind::store) && g.at(e.location).is == location::purpose::object;
  }
  static bool together(const event& a, const event& b) noexcept {
    return a.kind != kind::fence && b.kind != kind::fence && a.location == b.location;
  }

  void find(const graph& g) {
    nodes_.clear();
    order_of_thread_.clear();
    around_.resize(g.events.size());
    for (neighbours& each : around_) each = neighbours{};
    for (unsigned t = 0; t < max_threads; ++t) {
      // A thread's events have ascending stamps, but for those that a revisit kept: by time, and a load before its own store.
      const std::size_t first = order_of_thread_.size();
      for (std::size_t i = 0; i < g.events.size(); ++i) {
        const auto s = static_cast<stamp>(i);
        const event& e = g.events[i];
        if (e.thread != t || !g.get(s).known() || !(object(g, e) || e.kind == kind::fence)) continue;
        std::size_t place = order_of_thread_.size();
        while (place > first && in_program_order(g, s, order_of_thread_[place - 1])) --place;
        order_of_thread_.insert(place, s);
        if (e.ordered() == seq_cst || e.light) nodes_.push_back(s);
      }
      for (std::size_t i = first; i < order_of_thread_.size(); ++i) {
        const event& e = g.get(order_of_thread_[i]);
        neighbours& mine = around_[static_cast<std::size_t>(order_of_thread_[i])];
        for (std::size_t j = i + 1; j < order_of_thread_.size() && mine.next == initial; ++j) {
          if (!together(e, g.get(order_of_thread_[j]))) mine.next = order_of_thread_[j];
        }
        for (std::size_t j = i; j-- > first && mine.last == initial;) {
          if (!together(e, g.get(order_of_thread_[j]))) mine.last = order_of_thread_[j];
        }
      }
    }
  }

  // po, of two events of one thread.
  static bool in_program_order(const graph& g, stamp a, stamp b) noexcept {
    const std::uint16_t time_a = g.time_of(a);
    const std::uint16_t time_b = g.time_of(b);
    if (time_a != time_b) return time_a < time_b;
    return g.get(a).kind == kind::load && g.get(b).kind == kind::store;  // of one read-modify-write
  }
  static bool happens_before(const graph& g, stamp a, stamp b) noexcept {
    if (g.get(a).thread == g.get(b).thread) return in_program_order(g, a, b);
    return g.has(g.of(b).happens, a);
  }
  // Coherence: mo, rb, reads-from, and all that they lead to.
  static bool extended_coherence(const graph& g, stamp a, stamp b) noexcept {
    return together(g.get(a), g.get(b)) && total_order::key(g, a) < total_order::key(g, b);
  }
  [[nodiscard]] bool before_in_scb(const graph& g, stamp a, stamp b) const noexcept {
    if (a == b) return false;
    const event& first = g.get(a);
    const event& second = g.get(b);
    if (first.thread == second.thread && in_program_order(g, a, b)) return true;
    const stamp from = around_[static_cast<std::size_t>(a)].next;
    const stamp to = around_[static_cast<std::size_t>(b)].last;
    if (from != initial && to != initial && (from == to || happens_before(g, from, to))) return true;
    if (!together(first, second)) return false;
    if (happens_before(g, a, b)) return true;
    return second.kind == kind::store && total_order::key(g, a) < total_order::key(g, b);  // mo, rb
  }
  [[nodiscard]] bool precedes(const graph& g, stamp i, stamp j) const noexcept {
    const event& first = g.get(i);
    const event& second = g.get(j);
    // Light fences are ordered against heavy ones only.
    if (first.light && !second.heavy) return false;
    if (second.light && !first.heavy) return false;
    const bool from_fence = first.kind == kind::fence;
    const bool to_fence = second.kind == kind::fence;
    if (!from_fence && !to_fence) return before_in_scb(g, i, j);
    if (from_fence && to_fence && happens_before(g, i, j)) return true;
    const auto after_first = [&](stamp a) { return a == i || (from_fence && happens_before(g, i, a)); };
    const auto before_second = [&](stamp b) { return b == j || (to_fence && happens_before(g, b, j)); };
    for (const stamp a : order_of_thread_) {
      if (!after_first(a)) continue;
      for (const stamp b : order_of_thread_) {
        if (!before_second(b)) continue;
        if (before_in_scb(g, a, b)) return true;
        if (from_fence && to_fence && extended_coherence(g, a, b)) return true;
      }
    }
    return false;
  }

  buffer<stamp> nodes_;
  buffer<stamp> order_of_thread_;  // the events of thread zero in program order, then those of thread one, ...
  buffer<neighbours> around_;
  topological_sorter sorter_;
};

}  // namespace pawl::inline v0::model::detail
