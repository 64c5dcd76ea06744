// SPDX-License-Identifier: BSL-1.0
// The single total order S of seq_cst operations ([atomics.order]): a graph is consistent only if the edges that it must contain have
// no cycle. Nodes are the seq_cst accesses, a read-modify-write being one, and the fences: seq_cst ones, and the two
// asymmetric ones.
#pragma once

#include "graph.hpp"

namespace pawl::inline v0::model::detail {

/// Whether nodes can be put into an order.
class topological_sorter {
 public:
  /// So that of any two for which precedes(nodes[i], nodes[j]) the first comes first.
  template <class Node, class Precedes>
  bool exists(const buffer<Node>& nodes, Precedes precedes) {
    const std::size_t n = nodes.size();
    if (n < 2) return true;
    degree_.resize(n);
    edges_.resize(n * n);
    for (std::uint32_t& each : degree_) each = 0;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        const bool edge = i != j && precedes(nodes[i], nodes[j]);
        edges_[i * n + j] = edge;
        if (edge) ++degree_[j];
      }
    }
    // Nodes without an edge from one that is left go first, until none is left, or all that are left are on cycles or behind them.
    std::size_t left = n;
    for (bool again = true; again;) {
      again = false;
      for (std::size_t i = 0; i < n; ++i) {
        if (degree_[i] != 0) continue;
        degree_[i] = gone;
        --left;
        again = true;
        for (std::size_t j = 0; j < n; ++j) {
          if (edges_[i * n + j]) --degree_[j];
        }
      }
    }
    return left == 0;
  }

 private:
  static constexpr std::uint32_t gone = ~std::uint32_t{0};
  buffer<std::uint32_t> degree_;
  buffer<bool> edges_;
};

class total_order {
 public:
  /// Whether S exists. Looks at events whose clocks are known.
  bool exists(const graph& g) {
    find_nodes(g);
    return sorter_.exists(nodes_, [&g](const node& i, const node& j) { return precedes(g, i, j); });
  }

  /// Places of accesses to one location, so that a < b says that a is coherence-ordered before b.
  static std::uint32_t key(const graph& g, stamp s) noexcept {
    const event& e = g.get(s);
    return e.kind == kind::store ? 2U * e.position : 2U * static_cast<std::uint32_t>(g.position_of(e.rf)) + 1;
  }

 private:
  static constexpr std::uint32_t any_location = ~std::uint32_t{0};

  struct node {
    stamp at;
    std::uint32_t location;  // any_location: a fence
    std::uint32_t key;
  };

  void find_nodes(const graph& g) {
    nodes_.clear();
    for (std::size_t i = 0; i < g.events.size(); ++i) {
      const auto s = static_cast<stamp>(i);
      const event& e = g.events[i];
      if (!g.get(s).known() || !(e.ordered() == seq_cst || e.light)) continue;
      if (e.kind == kind::fence) {
        nodes_.push_back({s, any_location, 0});
      } else if (e.kind == kind::store && e.exclusive) {
        // One node with its load, which came before.
        for (node& each : nodes_) {
          if (each.location == e.location && g.get(each.at).thread == e.thread && g.time_of(each.at) == g.time_of(s))
            each.key = key(g, s);
        }
      } else {
        nodes_.push_back({s, e.location, key(g, s)});
      }
    }
  }

  // Whether i comes before j in S.
  static bool precedes(const graph& g, const node& i, const node& j) noexcept {
    // Light fences are ordered against heavy ones only (D. Goldblatt, P1202R5).
    if (g.get(i.at).light && !g.get(j.at).heavy) return false;
    if (g.get(j.at).light && !g.get(i.at).heavy) return false;
    const unsigned thread = g.get(i.at).thread;
    const std::uint16_t time = g.time_of(i.at);
    // i happens before j by a path that begins and ends in program order: strongly, in the standard's words.
    if (g.get(j.at).thread == thread) {
      if (time < g.time_of(j.at)) return true;
    } else if (g.of(j.at).before.has(thread, static_cast<std::uint16_t>(time + 1))) {
      return true;
    }
    if (i.location != any_location && j.location != any_location) return i.location == j.location && i.key < j.key;
    // With a fence: what it happens before, or what happens before it, in its place. One location is enough.
    if (i.location != any_location) return i.key < greatest_before(g, j, i.location);
    if (j.location != any_location) return least_after(g, i, j.location) < j.key;
    for (std::uint32_t l = 0; l < g.locations.size(); ++l) {
      if (g.at(l).is != location::purpose::object || (g.at(l).loads.empty() && g.at(l).stores.size() == 1)) continue;
      if (least_after(g, i, l) < greatest_before(g, j, l)) return true;
    }
    return false;
  }
  template <class F>
  static void for_each_access(const graph& g, std::uint32_t l, F f) noexcept {
    for (const stamp s : g.at(l).loads) f(s);
    for (const stamp s : g.at(l).stores) {
      if (s != initial) f(s);
    }
  }
  static std::uint32_t least_after(const graph& g, const node& fence, std::uint32_t l) noexcept {
    const unsigned thread = g.get(fence.at).thread;
    const std::uint16_t time = g.time_of(fence.at);
    std::uint32_t least = ~std::uint32_t{0};
    for_each_access(g, l, [&](stamp s) {
      if (g.get(s).known() && g.of(s).happens.has(thread, time) && key(g, s) < least) least = key(g, s);
    });
    return least;
  }
  static std::uint32_t greatest_before(const graph& g, const node& fence, std::uint32_t l) noexcept {
    std::uint32_t greatest = 0;
    for_each_access(g, l, [&](stamp s) {
      if (g.has(g.of(fence.at).happens, s) && key(g, s) > greatest) greatest = key(g, s);
    });
    return greatest;
  }

  buffer<node> nodes_;
  topological_sorter sorter_;
};

}  // namespace pawl::inline v0::model::detail
