// SPDX-License-Identifier: BSL-1.0
// An execution graph in the making: its events, the modification order of each location, and the clocks from which happens-before is
// read off. The rules say which stores a new load may read and where in the modification order a new store may stand.
//
// A new event is always maximal in program order and reads-from, so each rule looks at the past of one thread only. The memory model is
// that of C++20 (ISO N4861, [intro.races], [atomics.order]), without load buffering: program order and reads-from have no cycle
// (RC11: O. Lahav, V. Vafeiadis, J. Kang, C.-K. Hur, D. Dreyer, "Repairing Sequential Consistency in C/C++11", PLDI 2017).
#pragma once

#include "buffer.hpp"
#include "clock.hpp"
#include "event.hpp"

namespace pawl::inline v0::model::detail {

/// What is known of an event once its thread has come to it, apart from its time.
struct clocks {
  clock before;  // what happens before it, apart from what it acquires itself
  clock happens;  // what happens before it, and itself
  clock past;  // of a store: its past in program order and reads-from, and itself
  clock message;  // of a store: what an acquire that reads it synchronizes with
};

/// Of one location: its stores in modification order, the initial one first, and its loads.
struct location {
  /// An atomic's; or one that the program doesn't have, whose events order nothing else:
  /// - moments: read-modify-writes, each a moment, all in one order. Nobody synchronizes with them.
  /// - free_list: memory that was freed is a store, and the one allocation that gets it reads it, and synchronizes with it. Its stores
  ///   have no order, and may be read by any load, but by one only; one that reads the initial store gets memory that is new.
  /// - wakes: notify_one is a store, and the one sleeping thread that it wakes reads it, see notifications.hpp. Nobody synchronizes with
  ///   them. Otherwise as a free_list; one that reads the initial store sleeps on.
  enum class purpose : std::uint8_t { object, moments, free_list, wakes };

  buffer<stamp> stores;
  buffer<stamp> loads;
  uint128 initial_value = 0;
  purpose is = purpose::object;

  /// Whether its stores have no order.
  [[nodiscard]] bool unordered() const noexcept { return is == purpose::free_list || is == purpose::wakes; }
};

/// How far one thread has come.
struct progress {
  clock now;  // what happens before its next event
  clock past;  // the same for program order and reads-from
  clock to_acquire;  // what an acquire fence would synchronize with
  clock last_release;  // what a relaxed store passes on: all before the last release fence
};

class graph {
 public:
  buffer<event> events;
  buffer<clocks> known;
  buffer<location*> locations;
  progress threads[max_threads];
  stamp first[max_threads];  // of each thread's events that are served; the others follow by event::next

  graph() = default;
  graph(const graph&) = delete;
  graph& operator=(const graph&) = delete;
  ~graph() {
    for (location* each : locations) {
      each->~location();
      std::free(each);
    }
  }

  std::uint32_t add_location(location::purpose is = location::purpose::object) {
    void* const memory = std::malloc(sizeof(location));
    if (memory == nullptr) throw std::bad_alloc();
    locations.push_back(new (memory) location);
    locations.back()->stores.push_back(initial);
    locations.back()->is = is;
    return static_cast<std::uint32_t>(locations.size() - 1);
  }

  /// Lists the events per location and per thread anew, after `events` was replaced; nothing is known of them yet. Modification orders may
  /// have gaps: they close up.
  void rebuild() {
    known.resize(events.size());
    strong_ = ordering_fences_ = 0;
    for (location* each : locations) {
      each->stores.resize(1);
      each->loads.clear();
    }
    stamp* link[max_threads];  // where each thread's next event is to be named
    for (unsigned t = 0; t < max_threads; ++t) {
      threads[t] = progress{};
      link[t] = &first[t];
    }
    bool gaps = false;
    for (std::size_t i = 0; i < events.size(); ++i) {
      const auto s = static_cast<stamp>(i);
      event& e = events[i];
      e.time = event::not_yet;
      *link[e.thread] = s;
      link[e.thread] = &e.next;
      if (e.kind == kind::load) {
        at(e.location).loads.push_back(s);
      } else if (e.kind == kind::store) {
        buffer<stamp>& stores = at(e.location).stores;
        const std::size_t position = e.position;
        if (position < stores.size()) {
          stores[position] = s;
        } else {
          gaps = gaps || position != stores.size();
          while (stores.size() < position) stores.push_back(initial);
          stores.push_back(s);
        }
      }
      count(e, 1);
    }
    for (stamp* const each : link) *each = initial;
    if (gaps) close_gaps();
  }

  /// Whether there is an event that can be a part of the order S; as far as failing and succeeding read-modify-writes are concerned,
  /// whether there may be.
  [[nodiscard]] bool has_strong() const noexcept { return strong_ != 0; }
  [[nodiscard]] bool has_ordering_fences() const noexcept { return ordering_fences_ != 0; }
  /// A served event turned out to have another order.
  void reorder(stamp s, memory_order order) noexcept {
    event& e = get(s);
    if (e.ordered() == order) return;
    count(e, -1);
    e.order = static_cast<std::uint8_t>(order);
    count(e, 1);
  }

  location& at(std::uint32_t l) noexcept { return *locations[l]; }
  [[nodiscard]] const location& at(std::uint32_t l) const noexcept { return *locations[l]; }
  [[nodiscard]] uint128 value_of(std::uint32_t l, stamp store) const noexcept {
    return store == initial ? at(l).initial_value : events[static_cast<std::size_t>(store)].value;
  }
  [[nodiscard]] std::size_t position_of(stamp store) const noexcept {
    return store == initial ? 0 : events[static_cast<std::size_t>(store)].position;
  }
  [[nodiscard]] const event& get(stamp s) const noexcept { return events[static_cast<std::size_t>(s)]; }
  event& get(stamp s) noexcept { return events[static_cast<std::size_t>(s)]; }
  [[nodiscard]] const clocks& of(stamp s) const noexcept { return known[static_cast<std::size_t>(s)]; }
  [[nodiscard]] std::uint16_t time_of(stamp s) const noexcept { return get(s).time; }
  [[nodiscard]] bool has(const clock& c, stamp s) const noexcept { return c.has(get(s).thread, get(s).time); }

  /// Appends an event and lists it; a store stands at its position, later ones move on.
  stamp append(const event& e) {
    const auto s = static_cast<stamp>(events.size());
    events.push_back(e);
    known.resize(events.size());
    count(e, 1);
    if (e.kind == kind::load) at(e.location).loads.push_back(s);
    if (e.kind == kind::store) {
      buffer<stamp>& stores = at(e.location).stores;
      for (std::size_t p = e.position; p < stores.size(); ++p) ++get(stores[p]).position;
      stores.insert(e.position, s);
    }
    return s;
  }
  /// Takes the last event off again.
  void remove_last() {
    const event e = events.back();
    count(e, -1);
    if (e.kind == kind::load) at(e.location).loads.pop_back();
    if (e.kind == kind::store) {
      buffer<stamp>& stores = at(e.location).stores;
      stores.erase(e.position);
      for (std::size_t p = e.position; p < stores.size(); ++p) --get(stores[p]).position;
    }
    events.pop_back();
    known.pop_back();
  }

  // ---- Clocks --------------------------------------------------------------------------------------------------------------------

  /// The thread does something that others may wait for, without an event.
  PAWL_ALWAYS_INLINE void tick(unsigned thread) noexcept {
    progress& p = threads[thread];
    p.now.tick(thread);
    p.past.tick(thread);
  }
  /// A thread comes to its next event. `feeds_fences`: whether an acquire fence after this load orders it.
  void arrive(stamp s, bool feeds_fences = true) noexcept {
    switch (get(s).kind) {
      case kind::load:
        return arrive_at_load(s, feeds_fences);
      case kind::store:
        return arrive_at_store(s);
      case kind::fence:
      case kind::turn:
        return arrive_at_fence(s);
    }
  }
  PAWL_ALWAYS_INLINE void arrive_at_load(stamp s, bool feeds_fences) noexcept {
    const event& e = get(s);
    progress& p = threads[e.thread];
    known[static_cast<std::size_t>(s)].before = p.now;
    tick(e.thread);
    if (e.rf != initial) {
      const clocks& read = of(e.rf);
      p.past.join(read.past);
      if (acquires(e.ordered())) {
        p.now.join(read.message);
      } else if (feeds_fences) {
        p.to_acquire.join(read.message);
      }
    }
    arrived(s);
  }
  PAWL_ALWAYS_INLINE void arrive_at_store(stamp s) noexcept {
    const event& e = get(s);
    clocks& c = known[static_cast<std::size_t>(s)];
    progress& p = threads[e.thread];
    c.before = p.now;
    // The two halves of a read-modify-write are one event to everybody else.
    if (!e.exclusive) tick(e.thread);
    c.message = releases(e.ordered()) ? p.now : p.last_release;
    if (e.exclusive) {
      // A read-modify-write continues the release sequence that it reads from.
      const stamp read = at(e.location).stores[e.position - 1U];
      if (read != initial) c.message.join(of(read).message);
    }
    c.past = p.past;
    arrived(s);
  }
  void arrive_at_fence(stamp s) noexcept {
    const event& e = get(s);
    progress& p = threads[e.thread];
    known[static_cast<std::size_t>(s)].before = p.now;
    tick(e.thread);
    if (e.kind == kind::fence) {
      if (acquires(e.ordered())) p.now.join(p.to_acquire);
      if (releases(e.ordered())) p.last_release = p.now;
    }
    arrived(s);
  }

  // ---- Coherence -----------------------------------------------------------------------------------------------------------------

  /// The last position in the modification order that what happens before has written or read: nobody may read an older store, or
  /// store before it.
  [[nodiscard]] std::size_t floor(std::uint32_t l, const clock& happens_before) const noexcept {
    const location& where = at(l);
    std::size_t lowest = 0;
    const std::size_t last = where.stores.size() - 1;
    for (std::size_t p = last; p > 0; --p) {
      if (has(happens_before, where.stores[p])) {
        lowest = p;
        break;
      }
    }
    if (lowest == last) return last;
    for (const stamp load : where.loads) {
      const std::size_t p = position_of(get(load).rf);
      if (p > lowest && has(happens_before, load)) lowest = p;
    }
    return lowest;
  }
  /// Whether a load read this store.
  [[nodiscard]] bool read_by_any(std::uint32_t l, stamp store) const noexcept {
    for (const stamp load : at(l).loads) {
      if (get(load).rf == store) return true;
    }
    return false;
  }
  /// How much of a free list nobody has taken.
  [[nodiscard]] std::size_t left_in(std::uint32_t l) const noexcept {
    std::size_t left = 0;
    for (const stamp each : at(l).stores) left += each != initial && !read_by_any(l, each) ? 1U : 0U;
    return left;
  }
  /// Whether a read-modify-write that succeeded read this store.
  [[nodiscard]] bool taken(std::uint32_t l, stamp store) const noexcept {
    for (const stamp load : at(l).loads) {
      if (get(load).rf == store && get(load).exclusive) return true;
    }
    return false;
  }
  /// Whether a store may stand at this position: not between a read-modify-write and what it read.
  [[nodiscard]] bool free_at(std::uint32_t l, std::size_t position) const noexcept {
    const location& where = at(l);
    return position == where.stores.size() || !get(where.stores[position]).exclusive;
  }

 private:
  void arrived(stamp s) noexcept {
    event& e = get(s);
    const clock& now = threads[e.thread].now;
    known[static_cast<std::size_t>(s)].happens = now;
    e.time = now.time[e.thread];
  }
  // Where a revisit took stores out, positions are free, or hold the initial store's stamp.
  void close_gaps() noexcept {
    for (location* each : locations) {
      buffer<stamp>& stores = each->stores;
      std::size_t end = 1;
      for (std::size_t p = 1; p < stores.size(); ++p) {
        if (stores[p] == initial) continue;
        get(stores[p]).position = static_cast<std::uint16_t>(end);
        stores[end++] = stores[p];
      }
      stores.resize(end);
    }
  }
  void count(const event& e, int by) noexcept {
    if (!e.light && e.ordered() != seq_cst) return;
    strong_ += by;
    if (e.kind == kind::fence) ordering_fences_ += by;
  }

  // How many events there are of these kinds: most programs have none, and nothing to be looked at.
  int ordering_fences_ = 0;
  int strong_ = 0;
};

}  // namespace pawl::inline v0::model::detail
