// SPDX-License-Identifier: BSL-1.0
// Explores every execution graph of a program once, by running the program again and again.
//
// The algorithm is TruSt's (M. Kokologiannakis, I. Marmanis, V. Gladstein, V. Vafeiadis, "Truly Stateless, Optimal Dynamic Partial Order
// Reduction", POPL 2022): a run goes straight ahead, each load reading the latest store; for every other choice, and for every load that
// a new store could have been read by, a graph is laid aside, to be run later. A laid-aside graph is a list of events; a run begins by
// serving them to the program's threads, and nothing else is remembered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "chooser.hpp"
#include "fiber.hpp"
#include "graph.hpp"
#include "total_order.hpp"
#include "waiting_loop.hpp"

namespace pawl::inline v0::model::detail {

/// What an atomic operation does with the value that it reads: false leaves it, true replaces it. A reference to a function object.
class update {
 public:
  update() = default;
  template <class F>
  explicit update(const F& f) noexcept
      : function_(&f), call_([](const void* function, uint128 old, uint128& desired) {
          return (*static_cast<const F*>(function))(old, desired);
        }) {}
  explicit operator bool() const noexcept { return call_ != nullptr; }
  bool operator()(uint128 old, uint128& desired) const { return call_(function_, old, desired); }

 private:
  const void* function_ = nullptr;
  bool (*call_)(const void*, uint128, uint128&) = nullptr;
};

/// How a thread's operation may be executed.
struct access {
  std::uint32_t location;
  memory_order order;
  memory_order failure = relaxed;  // of a read-modify-write that leaves the value
  bool feeds_fences = true;  // whether an acquire fence orders what was read
  bool weak = false;  // whether it may fail for nothing
};

class explorer {
 public:
  /// Of a run: all threads ended; some wait; the graph was none, or is run again with one event more; the program was stopped; it did not
  /// do again what it did before; it took more steps than the limit.
  enum class outcome { complete, blocked, dropped, stopped, diverged, bounded };

  explicit explorer(unsigned spurious_failures = 1) : spurious_failures_(spurious_failures) {}
  explorer(const explorer&) = delete;
  explorer& operator=(const explorer&) = delete;

  /// Another graph is laid aside.
  [[nodiscard]] bool more() const noexcept { return !heads_.empty(); }
  /// Lays aside the empty graph, with which all begins.
  void begin() {
    heads_.clear();
    shelf_.clear();
    heads_.push_back({0, false, 1});
    explored_ = 0;
  }
  /// Executions are chosen, not explored: see chooser.hpp.
  chooser& choices() noexcept { return chooser_; }
  /// All atomics behave as if they were sequentially consistent.
  void sequential(bool all) noexcept { sequential_ = all; }
  /// No execution has more events than this; 0: as many as there is room for.
  void limit(std::uint64_t events) noexcept { limit_ = events == 0 || events > most_events ? most_events : events; }
  /// Runs the graph that was laid aside last, and what follows from it straight ahead. `body` is thread zero.
  template <class Body>
  outcome run(Body& body) {
    const double share = heads_.back().share;
    take_item();
    const std::size_t before = heads_.size();
    if (chooser_.chooses()) chooser_.begin(longest_);
    start(0, [](void* b) { (*static_cast<Body*>(b))(); }, &body);
    const outcome how = schedule();
    // The run and the graphs that it has laid aside count as equals.
    const double each = share / static_cast<double>(heads_.size() - before + 1);
    for (std::size_t i = before; i < heads_.size(); ++i) heads_[i].share = each;
    explored_ += each;
    return how;
  }
  /// How much of all is explored, from 0 to 1: a guess, by the parts that the graphs laid aside had at each run.
  [[nodiscard]] double explored() const noexcept { return explored_; }

  // ---- For the running thread ----------------------------------------------------------------------------------------------------

  [[nodiscard]] unsigned running() const noexcept { return running_; }
  /// Whether what the thread does now is only tried, and no part of the graph: see waiting_loop.hpp.
  [[nodiscard]] bool trying() const noexcept { return threads_[running_].loop.trying(); }
  graph& state() noexcept { return graph_; }
  /// The events that the program has come to in this run, in that order.
  [[nodiscard]] const buffer<stamp>& arrivals() const noexcept { return arrivals_; }
  /// This run, so that it can be run again.
  [[nodiscard]] std::string replay() const {
    buffer<choice> choices;
    for (std::size_t i = 0; i < arrivals_.size(); ++i) {
      const event& e = graph_.get(arrivals_[i]);
      // The store of a read-modify-write comes at once after its load, and leaves nothing to choose.
      if (e.kind == kind::store && e.exclusive) continue;
      choice made;
      made.thread = e.thread;
      made.turn = e.kind == kind::turn;
      made.spurious = e.spurious;
      if (e.kind == kind::load) made.behind = arrived_behind(e.location, graph_.position_of(e.rf), i);
      if (e.kind == kind::store) made.behind = arrived_behind(e.location, e.position, i);
      choices.push_back(made);
    }
    return replay_text::write(family_, choices);
  }
  /// From now on there is one run: the one of which replay() gave this text. False where it is none.
  bool replay(std::string_view text) {
    if (!replay_text::read(text, family_, chooser_.script)) return false;
    chooser_.how = chooser::way::script;
    return true;
  }
  /// The main thread and all that any run so far has started: their numbers are below this.
  [[nodiscard]] unsigned known_threads() const noexcept { return static_cast<unsigned>(family_.size()) + 1; }
  /// Whether this thread has ended and the running one has joined it, or one that had.
  [[nodiscard]] bool inherits(unsigned from) const noexcept {
    if (from == running_) return false;
    while (from != running_) {
      if (!threads_[from].joined) return false;
      from = threads_[from].joined_by;
    }
    return true;
  }

  uint128 load(access a) {
    strengthen(a);
    return read(a, update()).value;
  }
  void store(access a, uint128 value) {
    strengthen(a);
    act();
    write(a, value, false, initial);
  }
  /// Returns what was read, and in `succeeded` whether f replaced it.
  uint128 read_modify_write(access a, update f, bool& succeeded) {
    strengthen(a);
    const seen what = read(a, f);
    succeeded = what.succeeds;
    if (what.succeeds) {
      uint128 desired = 0;
      f(what.value, desired);
      // One that stores what it read changes nothing that a waiting loop could wait for.
      if (desired != what.value) act();
      if (!threads_[running_].loop.trying()) write(a, desired, true, what.from);
    }
    return what.value;
  }
  enum class symmetry : std::uint8_t { full, light, heavy };
  void fence(memory_order order, symmetry sides = symmetry::full) {
    thread& mine = threads_[running_];
    if (mine.loop.trying()) return;
    if (mine.next < mine.records.size()) {
      replay(kind::fence, 0);
      return;
    }
    if (sequential_) order = seq_cst;
    park(waiting::turn);
    arrive(graph_.append({0, 0, initial, 0, static_cast<std::uint8_t>(running_), kind::fence, static_cast<std::uint8_t>(order),
                          false, false, false, sides == symmetry::light, sides == symmetry::heavy}));
  }

  /// The thread does something other than to read: an iteration of a loop that does is not one that waits.
  void act() {
    if (threads_[running_].loop.trying()) did_something();
    threads_[running_].loop.acted();
  }
  /// The end of an iteration of a loop that may wait; the thread's registers and frames begin at `frame`.
  void pause(const void* frame) {
    thread& mine = threads_[running_];
    if (!mine.loop.trying() && mine.next < mine.records.size()) {
      // It went on, as the records show: with a turn where the iteration was tried, without where it had an effect.
      if (graph_.get(mine.records[mine.next]).kind == kind::turn) replay(kind::turn, 0);
      mine.loop.begin();
      return;
    }
    if (!mine.loop.trying()) {
      chooser_.yield(running_);
      park(waiting::turn);
      if (chooser_.turns()) {
        arrive(graph_.append({0, 0, initial, 0, static_cast<std::uint8_t>(running_), kind::turn, 0, false, false, false}));
        mine.loop.begin();
        return;
      }
    }
    switch (mine.loop.ended(frame, mine.stack.top())) {
      case waiting_loop::verdict::went_on:
      case waiting_loop::verdict::tries:
        return;
      case waiting_loop::verdict::waits:
        block();
      case waiting_loop::verdict::did_something:
        did_something();
    }
  }
  [[nodiscard]] bool waits_in_loop() const noexcept {
    for (unsigned t = 0; t < thread_count_; ++t) {
      if (threads_[t].started && threads_[t].waits == waiting::for_ever) return true;
    }
    return false;
  }
  /// Whether the run, which left threads waiting, can never go on: all that they wait for has its last value.
  [[nodiscard]] bool stuck() const noexcept {
    bool all = true;
    for (unsigned t = 0; t < thread_count_; ++t) {
      if (threads_[t].waits != waiting::for_ever) continue;
      threads_[t].loop.for_each_awaited([&](stamp load, std::uint32_t l) {
        const location& where = graph_.at(l);
        const uint128 last = graph_.value_of(l, where.stores[where.stores.size() - 1]);
        all = all && last == graph_.value_of(l, graph_.get(load).rf);
      });
    }
    return all;
  }

  /// Starts another thread. Its number is the same in every run.
  unsigned spawn(void (*function)(void*), void* argument) {
    act();
    thread& mine = threads_[running_];
    const unsigned child = number_of(running_, mine.children++);
    if (child >= max_threads) return child;
    graph_.tick(running_);
    graph_.threads[child].now.join(graph_.threads[running_].now);
    graph_.threads[child].past.join(graph_.threads[running_].past);
    start(child, function, argument);
    return child;
  }
  void join(unsigned child) {
    act();
    while (!threads_[child].finished) {
      threads_[running_].joins = child;
      park(waiting::thread);
    }
    threads_[child].joined = true;
    threads_[child].joined_by = running_;
    progress& mine = graph_.threads[running_];
    mine.now.join(graph_.threads[child].now);
    mine.past.join(graph_.threads[child].past);
    graph_.tick(running_);
  }
  /// This thread never goes on in this graph, unless one of its loads comes to read another store.
  [[noreturn]] void block() {
    park(waiting::for_ever);
    __builtin_unreachable();
  }
  /// Ends the run at once, on whatever thread.
  [[noreturn]] void stop(outcome why) {
    ended_ = true;
    result_ = why;
    park(waiting::for_ever);
    __builtin_unreachable();
  }

 private:
  enum class waiting : std::uint8_t { nothing, store, turn, own_store, thread, for_ever };

  struct thread {
    buffer<stamp> records;  // its events in the graph that is served
    std::size_t next = 0;
    bool started = false;
    bool finished = false;
    waiting waits = waiting::nothing;
    stamp waits_for = initial;
    unsigned joins = 0;
    bool joined = false;
    unsigned joined_by = 0;
    unsigned children = 0;
    void (*function)(void*) = nullptr;
    void* argument = nullptr;
    explorer* owner = nullptr;
    waiting_loop loop;
    fiber stack;
  };
  // A graph laid aside: so many events on the shelf. After a revisit nobody has looked yet whether it is consistent.
  struct head {
    std::uint32_t size;
    bool revisited;
    double share;  // of all executions, as far as one can guess
  };
  struct seen {
    uint128 value;
    stamp from;
    bool succeeds;
  };

  void take_item() {
    const head item = heads_.back();
    heads_.pop_back();
    graph_.events.resize(item.size);
    const std::size_t first = shelf_.size() - item.size;
    for (std::size_t i = 0; i < item.size; ++i) graph_.events[i] = shelf_[first + i];
    shelf_.resize(first);
    graph_.rebuild();
    for (thread& each : threads_) {
      each.records.clear();
      each.next = 0;
      each.started = each.finished = each.joined = false;
      each.waits = waiting::nothing;
      each.children = 0;
      each.loop.begin();
    }
    for (std::size_t i = 0; i < item.size; ++i) threads_[graph_.events[i].thread].records.push_back(static_cast<stamp>(i));
    left_ = item.size;
    checked_ = !item.revisited;
    failing_.load = initial;
    ended_ = false;
    thread_count_ = 0;
    arrivals_.clear();
  }
  // The running thread comes to this event, for good.
  void arrive(stamp s, bool feeds_fences = true) {
    graph_.arrive(s, feeds_fences);
    arrivals_.push_back(s);
    const bool chosen = graph_.get(s).kind != kind::store || !graph_.get(s).exclusive;
    if (left_ == 0 && chosen) chooser_.step();
    if (arrivals_.size() > longest_) longest_ = arrivals_.size();
  }
  void strengthen(access& a) const noexcept {
    if (sequential_) a.order = a.failure = seq_cst;
  }
  // How many stores that came before arrival n stand behind this position. (One of a read-modify-write comes with its load.)
  [[nodiscard]] std::uint16_t arrived_behind(std::uint32_t l, std::size_t position, std::size_t n) const noexcept {
    std::uint16_t found = 0;
    for (const stamp s : graph_.at(l).stores) {
      if (s == initial || graph_.position_of(s) <= position || !graph_.of(s).known) continue;
      const event& e = graph_.get(s);
      for (std::size_t i = 0; i < n; ++i) {
        const event& came = graph_.get(arrivals_[i]);
        const bool is_load_of_it = e.exclusive && came.kind == kind::load && came.exclusive && came.location == l &&
                                   came.thread == e.thread && graph_.time_of(arrivals_[i]) == graph_.time_of(s);
        if (arrivals_[i] == s || is_load_of_it) {
          ++found;
          break;
        }
      }
    }
    return found;
  }

  // ---- Scheduling ----------------------------------------------------------------------------------------------------------------

  void start(unsigned number, void (*function)(void*), void* argument) {
    thread& t = threads_[number];
    t.started = true;
    t.function = function;
    t.argument = argument;
    t.owner = this;
    t.stack.start(
        [](void* self) {
          auto& me = *static_cast<thread*>(self);
          me.stack.arrived();
          me.function(me.argument);
          me.owner->act();  // a thread that ends in a tried iteration did not wait
          me.finished = true;
          me.owner->graph_.tick(me.owner->running_);
          me.stack.suspend();
        },
        &t);
    if (number >= thread_count_) thread_count_ = number + 1;
  }
  // The thread lets others go first, until the scheduler finds that it may go on.
  void park(waiting why) {
    if ((why == waiting::turn || why == waiting::own_store) && left_ == 0 && checked_) {
      if (graph_.events.size() >= limit_) stop(outcome::bounded);
      if (why == waiting::own_store || !chooser_.chooses()) return;
    }
    thread& mine = threads_[running_];
    mine.waits = why;
    mine.stack.suspend();
    mine.waits = waiting::nothing;
  }
  [[nodiscard]] bool may_go_on(const thread& t) const noexcept {
    if (!t.started || t.finished) return false;
    switch (t.waits) {
      case waiting::nothing:
        return true;
      case waiting::store:
        return graph_.of(t.waits_for).known;
      case waiting::thread:
        return threads_[t.joins].finished;
      case waiting::turn:
      case waiting::own_store:
        return left_ == 0;
      case waiting::for_ever:
        return false;
    }
    return false;
  }
  outcome schedule() {
    for (;;) {
      unsigned next = thread_count_;
      // What a read-modify-write has yet to store comes before all other new events.
      for (unsigned t = 0; t < thread_count_ && left_ == 0 && checked_; ++t) {
        if (threads_[t].waits == waiting::own_store) {
          next = t;
          break;
        }
      }
      for (unsigned t = 0; t < thread_count_ && next == thread_count_; ++t) {
        const bool new_event = threads_[t].waits == waiting::turn || threads_[t].waits == waiting::own_store;
        if (new_event && chooser_.chooses()) continue;
        if (may_go_on(threads_[t]) && (!new_event || checked_)) next = t;
      }
      if (next == thread_count_ && chooser_.chooses() && left_ == 0 && checked_) {
        unsigned enabled = 0;
        for (unsigned t = 0; t < thread_count_; ++t) {
          if (may_go_on(threads_[t])) enabled |= 1U << t;
        }
        if (enabled != 0) {
          next = chooser_.pick_thread(enabled);
          if (next == max_threads) return outcome::diverged;
        }
      }
      if (next == thread_count_) {
        if (left_ == 0 && !checked_) {
          // All events were served. Only now does the program see what a revisit made it read, and only if that is consistent.
          if (!order_.exists(graph_)) return outcome::dropped;
          checked_ = true;
          lay_aside_failing();
          continue;
        }
        if (left_ != 0) return outcome::diverged;  // the program does not do what it did before
        for (unsigned t = 0; t < thread_count_; ++t) {
          if (threads_[t].started && !threads_[t].finished) return outcome::blocked;
        }
        return outcome::complete;
      }
      running_ = next;
      threads_[next].stack.resume();
      if (ended_) return result_;
    }
  }
  // Numbers are given once for all runs, in the order in which threads first appear.
  unsigned number_of(unsigned parent, unsigned nth) {
    for (std::size_t i = 0; i < family_.size(); ++i) {
      if (family_[i].parent == parent && family_[i].nth == nth) return static_cast<unsigned>(i) + 1;
    }
    family_.push_back({parent, nth});
    return static_cast<unsigned>(family_.size());
  }

  // ---- Events --------------------------------------------------------------------------------------------------------------------

  // The tried iteration is not one that waits, and the thread can't go back: so the graph is run again, with a note to go on here.
  [[noreturn]] void did_something() {
    lay_aside({0, 0, initial, 0, static_cast<std::uint8_t>(running_), kind::turn, 0, false, false, false});
    stop(outcome::dropped);
  }
  // Serves this thread's next recorded event, a store, a fence or a turn.
  stamp replay(kind expected, std::uint32_t location) {
    thread& mine = threads_[running_];
    const stamp s = mine.records[mine.next];
    const event& e = graph_.get(s);
    if (e.kind != expected || (expected == kind::store && e.location != location)) stop(outcome::diverged);
    ++mine.next;
    arrive(s);
    --left_;
    return s;
  }

  seen read(const access& a, update f) {
    thread& mine = threads_[running_];
    uint128 ignored = 0;
    if (mine.loop.trying()) {
      uint128 value = 0;
      if (!mine.loop.answer(a.location, value)) did_something();
      return {value, initial, f && f(value, ignored)};
    }
    if (mine.next < mine.records.size()) {
      const stamp s = mine.records[mine.next];
      event& e = graph_.get(s);
      if (e.kind != kind::load || e.location != a.location) stop(outcome::diverged);
      if (e.rf != initial && !graph_.of(e.rf).known) {
        mine.waits_for = e.rf;
        park(waiting::store);
      }
      return served(a, f, s);
    }
    park(waiting::turn);
    if (chooser_.chooses()) return read_chosen(a, f);

    const location& where = graph_.at(a.location);
    const std::size_t floor = graph_.floor(a.location, graph_.threads[running_].now);
    std::size_t chosen = where.stores.size();
    const std::size_t last = where.stores.size() - 1;
    for (std::size_t p = last + 1; p-- > floor;) {
      const stamp from = where.stores[p];
      const bool succeeds = f && f(graph_.value_of(a.location, from), ignored);
      const event e = load_event(a, f, from, succeeds);
      if (a.weak && succeeds && may_fail_for_nothing(a.location, running_)) {
        event failing = load_event(a, f, from, false);
        failing.spurious = true;
        if (p == last || consistent_with(failing)) lay_aside(failing);
      }
      // Another read-modify-write has read this store. Of the two, one comes first; that it is this one, a revisit of the other's load
      // finds out.
      if (succeeds && graph_.taken(a.location, from)) {
        if (p == last || consistent_with(e)) revisit_in_passing(a, f, e);
      } else if (chosen > last) {
        chosen = p;
      } else if (consistent_with(e)) {
        lay_aside(e);
      }
    }
    const stamp from = where.stores[chosen];
    const uint128 value = graph_.value_of(a.location, from);
    const bool succeeds = f && f(value, ignored);
    const stamp s = graph_.append(load_event(a, f, from, succeeds));
    arrive(s, a.feeds_fences);
    mine.loop.read(s, a.location, value);
    return {value, from, succeeds};
  }
  // One of the stores that may be read, the latest where the chosen one may not.
  seen read_chosen(const access& a, update f) {
    const location& where = graph_.at(a.location);
    const std::size_t floor = graph_.floor(a.location, graph_.threads[running_].now);
    const std::size_t last = where.stores.size() - 1;
    std::size_t behind = chooser_.pick_store(last - floor + 1);
    if (behind > last - floor) stop(outcome::diverged);
    uint128 ignored = 0;
    event e{};
    uint128 value = 0;
    for (;; behind = 0) {
      const stamp from = where.stores[last - behind];
      value = graph_.value_of(a.location, from);
      const bool could = f && f(value, ignored);
      e = load_event(a, f, from, could);
      if (could && a.weak && may_fail_for_nothing(a.location, running_) && chooser_.pick_failure()) {
        e = load_event(a, f, from, false);
        e.spurious = true;
      }
      if (behind == 0 || (!(e.exclusive && graph_.taken(a.location, from)) && consistent_with(e))) break;
    }
    const stamp s = graph_.append(e);
    arrive(s, a.feeds_fences);
    threads_[running_].loop.read(s, a.location, value);
    return {value, e.rf, e.exclusive};
  }
  seen served(const access& a, update f, stamp s) {
    thread& mine = threads_[running_];
    event& e = graph_.get(s);
    uint128 ignored = 0;
    const uint128 value = graph_.value_of(e.location, e.rf);
    const stamp from = e.rf;
    bool succeeds = f && f(value, ignored);
    const bool fails_too = succeeds && e.fresh && a.weak;
    if (e.spurious) succeeds = false;
    e.exclusive = succeeds;
    e.order = static_cast<std::uint8_t>(succeeds || !f ? a.order : a.failure);
    const bool fresh = e.fresh;
    e.fresh = false;
    ++mine.next;
    arrive(s, a.feeds_fences);
    mine.loop.read(s, a.location, value);
    --left_;
    if (fresh) {
      if (fails_too) failing_ = {s, a.failure};
      // The program sees the new value when the graph is known to be consistent.
      park(succeeds ? waiting::own_store : waiting::turn);
    }
    return {value, from, succeeds};
  }

  // A store; an exclusive one is that of a read-modify-write.
  void write(const access& a, uint128 value, bool exclusive, stamp from) {
    thread& mine = threads_[running_];
    if (mine.next < mine.records.size()) {
      replay(kind::store, a.location);
      return;
    }
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
      const bool taken = !graph_.free_at(a.location, e.position);
      const stamp s = graph_.append(e);
      arrive(s);
      revisit(s);
      if (taken) stop(outcome::dropped);
      if (e.position != end && needs_check(e) && !order_.exists(graph_)) stop(outcome::dropped);
      return;
    }
    for (std::size_t p = graph_.floor(a.location, graph_.threads[running_].now) + 1; p < end; ++p) {
      e.position = static_cast<std::uint16_t>(p);
      if (graph_.free_at(a.location, p) && consistent_with(e)) lay_aside(e);
    }
    e.position = static_cast<std::uint16_t>(end);
    const stamp s = graph_.append(e);
    arrive(s);
    revisit(s);
  }
  void write_chosen(event& e, stamp from) {
    const std::size_t end = graph_.at(e.location).stores.size();
    e.position = static_cast<std::uint16_t>(end);
    if (e.exclusive) {
      e.position = static_cast<std::uint16_t>(graph_.position_of(from) + 1);
    } else {
      const std::size_t first = graph_.floor(e.location, graph_.threads[running_].now) + 1;
      const std::size_t behind = chooser_.pick_store(end - first + 1);
      if (behind > end - first) stop(outcome::diverged);
      e.position = static_cast<std::uint16_t>(end - behind);
      if (behind != 0 && !(graph_.free_at(e.location, e.position) && consistent_with(e)))
        e.position = static_cast<std::uint16_t>(end);
    }
    arrive(graph_.append(e));
    // A read-modify-write that didn't read the latest store: its load was found to be consistent, its store may not be.
    if (e.exclusive && e.position != end && needs_check(e) && !order_.exists(graph_)) stop(outcome::dropped);
  }

  [[nodiscard]] event load_event(const access& a, update f, stamp from, bool succeeds) const noexcept {
    const memory_order order = f && !succeeds ? a.failure : a.order;
    return {0,        a.location, from, 0, static_cast<std::uint8_t>(running_), kind::load, static_cast<std::uint8_t>(order),
            succeeds, false,      false};
  }

  // ---- Choices -------------------------------------------------------------------------------------------------------------------

  // Whether an event that is no load of the latest store, and no latest store, can make S impossible.
  [[nodiscard]] bool needs_check(const event& e) const noexcept {
    if (e.ordered() == seq_cst) return true;
    for (std::size_t i = 0; i < graph_.events.size(); ++i) {
      const event& fence = graph_.events[i];
      if (fence.orders_all() && graph_.has(graph_.threads[running_].now, static_cast<stamp>(i))) return true;
    }
    return false;
  }
  bool consistent_with(const event& e) {
    if (!needs_check(e)) return true;
    const progress before = graph_.threads[running_];
    graph_.arrive(graph_.append(e));
    const bool consistent = order_.exists(graph_);
    graph_.remove_last();
    graph_.threads[running_] = before;
    return consistent;
  }
  // Lays the graph aside with one more event, whose choice was checked.
  void lay_aside(const event& e) {
    graph_.append(e);
    lay_aside_copy();
    graph_.remove_last();
  }
  void lay_aside_copy() {
    const std::size_t size = graph_.events.size();
    const std::size_t first = shelf_.size();
    shelf_.resize(first + size);
    for (std::size_t i = 0; i < size; ++i) shelf_[first + i] = graph_.events[i];
    heads_.push_back({static_cast<std::uint32_t>(size), false, 0});
  }
  [[nodiscard]] bool may_fail_for_nothing(std::uint32_t l, unsigned whose) const noexcept {
    unsigned so_far = 0;
    for (const stamp load : graph_.at(l).loads) {
      if (graph_.get(load).spurious && graph_.get(load).thread == whose) ++so_far;
    }
    return so_far < spurious_failures_;
  }
  // The load that was revisited is that of a weak compare-and-swap, and succeeds: it may fail, too.
  void lay_aside_failing() {
    if (failing_.load == initial) return;
    event& e = graph_.get(failing_.load);
    const event succeeding = e;
    if (may_fail_for_nothing(e.location, e.thread)) {
      e.spurious = true;
      e.exclusive = false;
      e.order = static_cast<std::uint8_t>(failing_.order);
      lay_aside_copy();
      e = succeeding;
    }
    failing_.load = initial;
  }

  // ---- Revisits ------------------------------------------------------------------------------------------------------------------

  // A read-modify-write that reads what another has read, for the revisits of that other one only.
  void revisit_in_passing(const access& a, update f, const event& load) {
    const progress before = graph_.threads[running_];
    graph_.arrive(graph_.append(load), a.feeds_fences);
    event store{0,
                a.location,
                initial,
                static_cast<std::uint16_t>(graph_.position_of(load.rf) + 1),
                static_cast<std::uint8_t>(running_),
                kind::store,
                static_cast<std::uint8_t>(a.order),
                true,
                false,
                false};
    uint128 desired = 0;
    f(graph_.value_of(a.location, load.rf), desired);
    store.value = desired;
    const stamp s = graph_.append(store);
    graph_.arrive(s);
    revisit(s);
    graph_.remove_last();
    graph_.remove_last();
    graph_.threads[running_] = before;
  }

  // Lays aside each graph in which a load that was there before the newest event, a store, reads from it. What was added after the load
  // and is not in the store's past goes; and only if all of it is what a straight run adds, so that no graph comes twice.
  void revisit(stamp store) {
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
  [[nodiscard]] bool maximal(stamp x, stamp store) const noexcept {
    const event& e = graph_.get(x);
    if (e.kind == kind::fence || e.kind == kind::turn) return true;
    if (e.spurious) return false;
    const auto was_there = [&](stamp s) { return s != store && (s <= x || graph_.has(graph_.of(store).past, s)); };
    const location& where = graph_.at(e.location);
    if (e.kind == kind::store) {
      for (const stamp load : where.loads) {
        if (graph_.get(load).rf == x && was_there(load)) return false;
      }
    }
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
    const std::size_t after_load = floor_of_kept(e.location, graph_.of(load).before, load, store);
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
    const std::size_t first = shelf_.size();
    shelf_.resize(first + size + 1);
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
      shelf_[first + static_cast<std::size_t>(places_[static_cast<std::size_t>(s)])] = copy;
    }
    event last = graph_.get(store);
    last.position = static_cast<std::uint16_t>(new_position(l, behind, store, no_place) + 1);
    shelf_[first + size] = last;
    heads_.push_back({static_cast<std::uint32_t>(size + 1), true, 0});
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

  static constexpr std::uint64_t most_events = 32000;  // a stamp has 15 bits

  graph graph_;
  total_order order_;
  thread threads_[max_threads];
  unsigned thread_count_ = 0;
  unsigned running_ = 0;
  const unsigned spurious_failures_;
  std::uint64_t limit_ = most_events;
  std::size_t left_ = 0;  // events that are recorded and not yet served
  bool checked_ = true;  // the served graph is known to be consistent
  struct {
    stamp load = initial;
    memory_order order = relaxed;
  } failing_;  // a revisited load that may fail for nothing
  bool ended_ = false;
  outcome result_ = outcome::complete;

  double explored_ = 0;
  chooser chooser_;
  bool sequential_ = false;
  std::size_t longest_ = 0;  // events of a run so far
  buffer<stamp> arrivals_;
  buffer<replay_text::kin> family_;
  buffer<head> heads_;  // graphs laid aside, the last one first
  buffer<event> shelf_;  // their events
  buffer<bool> kept_;  // by stamp: what stays in the revisit that is laid aside
  buffer<stamp> places_;
};

}  // namespace pawl::inline v0::model::detail
