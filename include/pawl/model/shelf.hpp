// SPDX-License-Identifier: BSL-1.0
// The graphs that are laid aside, to be run later: a stack of lists of events. All that the explorer remembers from run to run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "buffer.hpp"
#include "graph.hpp"

namespace pawl::inline v0::model::detail {

class shelf {
 public:
  [[nodiscard]] bool empty() const noexcept { return heads_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return heads_.size(); }
  /// Nothing but the empty graph, with which all begins.
  void begin() {
    heads_.clear();
    events_.clear();
    heads_.push_back({0, false, 1});
  }
  /// Lays the graph aside, with room for more events, which the caller fills in. The copy.
  event* push(const graph& g, std::size_t more) {
    event* const copies = push_room(g.events.size() + more, false);
    if (!g.events.empty())
      std::memcpy(static_cast<void*>(copies), static_cast<const void*>(g.events.begin()), g.events.size() * sizeof(event));
    return copies;
  }
  /// Makes room for a graph of so many events, for the caller to fill in. After a revisit nobody has looked yet whether it is consistent,
  /// and modification orders have gaps.
  event* push_room(std::size_t size, bool revisited) {
    const std::size_t first = events_.size();
    events_.resize(first + size);
    heads_.push_back({static_cast<std::uint32_t>(size), revisited, 0});
    return events_.begin() + first;
  }
  /// Takes the graph that was laid aside last; returns whether it comes from a revisit.
  bool pop(graph& into) {
    const head last = heads_.back();
    heads_.pop_back();
    const std::size_t first = events_.size() - last.size;
    into.events.resize(last.size);
    if (last.size != 0) {
      std::memcpy(static_cast<void*>(into.events.begin()), static_cast<const void*>(events_.begin() + first),
                  last.size * sizeof(event));
    }
    events_.resize(first);
    into.rebuild();
    return last.revisited;
  }

  /// The part that the last graph has of all executions, as far as one can guess.
  [[nodiscard]] double share() noexcept { return heads_.back().share; }
  /// Gives this part to each of the graphs from number `first` on.
  void give_shares(std::size_t first, double each) noexcept {
    for (std::size_t i = first; i < heads_.size(); ++i) heads_[i].share = each;
  }

 private:
  struct head {
    std::uint32_t size;
    bool revisited;
    double share;
  };
  buffer<head> heads_;
  buffer<event> events_;
};

}  // namespace pawl::inline v0::model::detail
