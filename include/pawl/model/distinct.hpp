// SPDX-License-Identifier: BSL-1.0
// Which of the graphs that come up are new. For the search with a preemption bound, which comes to one graph by many orders of its steps.
#pragma once

#include <cstddef>
#include <cstdint>

#include "buffer.hpp"
#include "graph.hpp"
#include "hash.hpp"

namespace pawl::inline v0::model::detail {

/// Graphs by a hash of 64 bits: that two of ten million have the same is a matter of one in 300,000.
class distinct {
 public:
  void clear() noexcept {
    for (std::uint64_t& each : slots_) each = 0;
    size_ = 0;
  }
  /// Whether the graph was not there before.
  bool insert(const graph& g) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    return insert(hash_of(g));
  }

 private:
  // An event is known by its thread and its place there, since stamps say in which order the events came. The graph is the set of its
  // events, each with the store that it reads, or the store that it stands behind.
  std::uint64_t hash_of(const graph& g) {
    std::uint64_t count[max_threads] = {};
    names_.resize(g.events.size());
    for (std::size_t i = 0; i < g.events.size(); ++i) {
      const event& e = g.events[i];
      names_[i] = (count[e.thread]++ * max_threads + e.thread) * 2 + 1;
    }
    const auto name = [this](stamp s) { return s == initial ? 0 : names_[static_cast<std::size_t>(s)]; };
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < g.events.size(); ++i) {
      const event& e = g.events[i];
      std::uint64_t source = 0;
      if (e.kind == kind::load) source = name(e.rf);
      if (e.kind == kind::store && g.at(e.location).is != location::purpose::free_list)
        source = name(g.at(e.location).stores[e.position - 1U]);
      const std::uint64_t what =
          static_cast<std::uint64_t>(e.kind) << 3U | std::uint64_t{e.exclusive} << 1U | std::uint64_t{e.spurious};
      sum += mix(mix(mix(names_[i]) + source) + (std::uint64_t{e.location} << 8U | what));
    }
    return sum == 0 ? 1 : sum;
  }
  bool insert(std::uint64_t hash) noexcept {
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = static_cast<std::size_t>(hash) & mask;
    while (slots_[i] != 0 && slots_[i] != hash) i = (i + 1) & mask;
    if (slots_[i] == hash) return false;
    slots_[i] = hash;
    ++size_;
    return true;
  }
  void grow() {
    buffer<std::uint64_t> old;
    for (const std::uint64_t each : slots_) {
      if (each != 0) old.push_back(each);
    }
    slots_.resize(slots_.empty() ? 1024 : 2 * slots_.size());
    clear();
    for (const std::uint64_t each : old) insert(each);
  }

  buffer<std::uint64_t> slots_;  // 0: empty
  std::size_t size_ = 0;
  buffer<std::uint64_t> names_;
};

}  // namespace pawl::inline v0::model::detail
