// SPDX-License-Identifier: BSL-1.0
// The nodes of an execution graph: atomic loads, stores and fences. A read-modify-write is a load and, where it succeeds, a store.
#pragma once

#include <atomic>
#include <cstdint>

#include "../detail/config.hpp"

namespace pawl::inline v0::model::detail {

using std::memory_order;

inline constexpr memory_order relaxed = std::memory_order_relaxed;
inline constexpr memory_order acquire = std::memory_order_acquire;
inline constexpr memory_order release = std::memory_order_release;
inline constexpr memory_order acq_rel = std::memory_order_acq_rel;
inline constexpr memory_order seq_cst = std::memory_order_seq_cst;

constexpr bool acquires(memory_order order) noexcept { return order == acquire || order == acq_rel || order == seq_cst; }
constexpr bool releases(memory_order order) noexcept { return order == release || order == acq_rel || order == seq_cst; }

/// The place of an event in the graph: graphs grow by one event at a time, each with the next stamp.
using stamp = std::int16_t;
/// Stands for the store that initialized a location.
inline constexpr stamp initial = -1;

// (A turn: the end of an iteration of a waiting loop that did something, see waiting_loop.hpp.)
enum class kind : std::uint8_t { load, store, fence, turn };

struct event {
  uint128 value;           // what was read or written
  std::uint32_t location;  // of a load or store
  stamp rf;                // of a load: the store that it reads from
  std::uint16_t position;  // of a store: its place in the location's modification order, where the initial one has place 0
  std::uint8_t thread;
  detail::kind kind;
  std::uint8_t order;
  bool exclusive : 1;  // the load or the store of a read-modify-write that succeeds
  bool spurious : 1;   // the load of a weak compare-and-swap that fails though it could succeed
  bool fresh : 1;      // a load that a revisit has just made read from another store
  bool light : 1 = false;  // a fence that is one only against heavy fences
  bool heavy : 1 = false;
  bool woken : 1 = false;  // a load that a thread makes when a notification has woken it, see notifications.hpp
  // Of the run, not of the graph:
  std::uint16_t time = not_yet;  // its thread's, once that has come to it
  stamp next = initial;  // of a graph that is served: the thread's next event in it

  static constexpr std::uint16_t not_yet = 0xffff;  // in no clock
  [[nodiscard]] bool known() const noexcept { return time != not_yet; }

  /// A fence that is part of the order S, as far as light ones are.
  [[nodiscard]] bool orders_all() const noexcept { return kind == detail::kind::fence && (light || ordered() == seq_cst); }
  [[nodiscard]] memory_order ordered() const noexcept { return static_cast<memory_order>(order); }
};

}  // namespace pawl::inline v0::model::detail
