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
#include "notifications.hpp"
#include "rc11.hpp"
#include "repetition.hpp"
#include "revisits.hpp"
#include "shelf.hpp"
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
  bool woken = false;  // a load of a thread that a notification has just woken
};

class explorer {
 public:
  /// Of a run: all threads ended; some wait; the graph was none, or is run again with one event more; the program was stopped; it did not
  /// do again what it did before; it took more steps than the limit; its threads undo each other's steps; one did the same as often as it
  /// may.
  enum class outcome { complete, blocked, dropped, stopped, diverged, bounded, livelock, repeated };

  explicit explorer(unsigned spurious_failures = 1) : spurious_failures_(spurious_failures) {}
  explorer(const explorer&) = delete;
  explorer& operator=(const explorer&) = delete;

  /// Another graph is laid aside.
  [[nodiscard]] bool more() const noexcept { return !shelf_.empty(); }
  /// Lays aside the empty graph, with which all begins.
  void begin() {
    shelf_.begin();
    notifications_.begin();
    explored_ = 0;
  }
  /// Executions are chosen, not explored: see chooser.hpp.
  chooser& choices() noexcept { return chooser_; }
  /// All atomics behave as if they were sequentially consistent.
  void sequential(bool all) noexcept { sequential_ = all; }
  /// seq_cst by RC11's rule, not by C++20's.
  void rc11(bool yes) noexcept { by_rc11_ = yes; }
  /// No execution has more events than this; 0: as many as there is room for.
  void limit(std::uint64_t events) noexcept { limit_ = events == 0 || events > most_events ? most_events : events; }
  /// How often a thread may do the same in a loop with effects; 0: without a bound.
  void most_repetitions(unsigned times) noexcept { most_repetitions_ = times; }
  /// Gives a hash of the memory that threads share, stacks and atomics apart.
  void watch_memory(std::uint64_t (*hash)(const void*), const void* argument) noexcept {
    hash_of_memory_ = hash;
    memory_ = argument;
  }
  /// Of a livelock: what is in the part that comes only once.
  [[nodiscard]] bool comes_once(stamp s) const noexcept { return repetition::is_in(graph_, cut_, s); }
  /// Runs the graph that was laid aside last, and what follows from it straight ahead. `body` is thread zero.
  template <class Body>
  outcome run(Body& body) {
    const double share = shelf_.share();
    take_item();
    const std::size_t before = shelf_.size();
    // A search goes on where it was when a graph of its own was laid aside, and not where it began.
    if (chooser_.chooses() && !(chooser_.searches() && left_ != 0)) chooser_.begin(longest_);
    runtime_ = fiber::runtime();
    start(0, [](void* b) { (*static_cast<Body*>(b))(); }, &body);
    const outcome how = schedule();
    // The run and the graphs that it has laid aside count as equals.
    const double each = share / static_cast<double>(shelf_.size() - before + 1);
    shelf_.give_shares(before, each);
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
  [[nodiscard]] const graph& state() const noexcept { return graph_; }
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
      // Nor does a sleep that nothing ends.
      const bool accesses = e.kind == kind::load || e.kind == kind::store;
      const bool ordered = !accesses || !graph_.at(e.location).unordered();
      if (accesses && e.kind == kind::load && e.rf == initial && graph_.at(e.location).is == location::purpose::wakes) continue;
      if (!ordered && e.kind == kind::load && e.rf != initial) made.behind = left_behind(e, i);
      if (ordered && e.kind == kind::load) made.behind = arrived_behind(e.location, graph_.position_of(e.rf), i);
      made.notification = accesses && e.kind == kind::store && graph_.at(e.location).is == location::purpose::wakes;
      if (ordered && e.kind == kind::store) made.behind = arrived_behind(e.location, e.position, i);
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

  // (Never inlined, here and in execution.hpp: what differs from one iteration of a loop to the next, stamps and clocks, must not come to
  // lie in the program's own frames, which are compared.)
  [[gnu::noinline]] uint128 load(access a) {
    strengthen(a);
    return read(a, update()).value;
  }
  [[gnu::noinline]] void store(access a, uint128 value) {
    strengthen(a);
    change();
    write(a, value, false, initial);
  }
  /// Returns what was read, and in `succeeded` whether f replaced it.
  [[gnu::noinline]] uint128 read_modify_write(access a, update f, bool& succeeded) {
    strengthen(a);
    const seen what = read(a, f);
    succeeded = what.succeeds;
    if (what.succeeds) {
      uint128 desired = 0;
      f(what.value, desired);
      // One that stores what it read changes nothing that a waiting loop could wait for.
      if (desired != what.value) change();
      if (!threads_[running_].loop.trying()) write(a, desired, true, what.from);
    }
    return what.value;
  }

  // ---- Operations on locations that no program has: see graph.hpp ----------------------------------------------------------------

  /// Takes a place in the order of all moments. The event whose position it is.
  stamp moment(std::uint32_t l) {
    act();
    const access unordered{l, relaxed, relaxed, false};
    const auto count = [](uint128 old, uint128& next) {
      next = old + 1;
      return true;
    };
    const seen last = read(unordered, update(count));
    write(unordered, last.value + 1, true, last.from);
    return arrivals_.back();
  }
  /// Takes what was freed into this list; zero: nothing, though there may have been something.
  uint128 take_freed(std::uint32_t l) {
    act();
    thread& mine = threads_[running_];
    const access a{l, acquire};
    if (mine.next < mine.records.size()) return read(a, update()).value;
    park(waiting::turn);
    const buffer<stamp>& freed = graph_.at(l).stores;
    stamp taken = initial;
    if (chooser_.chooses()) {
      std::size_t left = chooser_.pick_store(graph_.left_in(l) + 1);
      if (left > graph_.left_in(l)) stop(outcome::diverged);
      for (std::size_t i = freed.size(); i-- > 1 && left != 0;) {
        if (!graph_.read_by_any(l, freed[i]) && --left == 0) taken = freed[i];
      }
    } else {
      for (std::size_t i = 1; i < freed.size(); ++i) {
        if (!graph_.read_by_any(l, freed[i])) lay_aside(load_event(a, update(), freed[i], false));
      }
    }
    arrive(graph_.append(load_event(a, update(), taken, false)));
    return graph_.value_of(l, taken);
  }
  void give_freed(std::uint32_t l, uint128 what) {
    act();
    write({l, release}, what, false, initial);
  }

  // ---- Waiting to be notified: see notifications.hpp -----------------------------------------------------------------------------

  /// The running thread has found by its last load, of this location, that it is to wait. Returns when a notification has woken it, which
  /// is to be followed by a load that says so.
  void sleep(std::uint32_t l) {
    act();
    thread& mine = threads_[running_];
    mine.slept_since = mine.loop.last_load();
    mine.sleeping = true;
    notifications_.waits(l, running_);
    if (chooser_.chooses()) {
      sleep_chosen(l);
    } else if (!notifications_.competition(l)) {
      block();
    } else {
      const std::uint32_t wakes_here = notifications_.wakes_of(l, graph_);
      const access a{wakes_here, relaxed, relaxed, false};
      if (mine.next == mine.records.size()) {
        park(waiting::turn);
        const buffer<stamp>& ones = graph_.at(wakes_here).stores;
        for (std::size_t i = 1; i < ones.size(); ++i) {
          if (wakes_running(ones[i])) lay_aside(load_event(a, update(), ones[i], false));
        }
        arrive(graph_.append(load_event(a, update(), initial, false)), false);
        block();
      }
      const stamp by = read(a, update()).from;
      if (by == initial) block();
      mine.known_when_woken = graph_.of(by).before;
    }
    mine.sleeping = false;
  }
  /// Wakes threads that sleep, or one of them.
  void notify(std::uint32_t l, bool one, const place& where) {
    act();
    if (one) notifications_.notifies_one(l);
    notifications::notification n{l, one, static_cast<std::uint8_t>(running_), initial, {}, where};
    // (A replay may be the only run: there the script knows.)
    if (one && (chooser_.how == chooser::way::script ? chooser_.notifies(running_) : notifications_.competition(l))) {
      write({notifications_.wakes_of(l, graph_), relaxed}, 0, false, initial);
      n.event = arrivals_.back();
      n.known = graph_.of(n.event).before;
    } else {
      n.known = graph_.threads[running_].now;
    }
    notifications_.add(n);
  }
  [[nodiscard]] const notifications& notified() const noexcept { return notifications_; }
  /// Calls f(thread, load) for each thread that sleeps since this load.
  template <class F>
  void for_each_sleeping(F f) const {
    for (unsigned t = 0; t < thread_count_; ++t) {
      if (threads_[t].started && threads_[t].sleeping) f(t, threads_[t].slept_since);
    }
  }

  enum class symmetry : std::uint8_t { full, light, heavy };
  [[gnu::noinline]] void fence(memory_order order, symmetry sides = symmetry::full) {
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
    change();
    ++threads_[running_].acts;
  }
  /// The end of an iteration of a loop that may wait; the thread's registers and frames begin at `frame`.
  void pause(const void* frame) {
    thread& mine = threads_[running_];
    if (!mine.loop.trying() && mine.next < mine.records.size()) {
      // It went on, as the records show: with a turn where the iteration was tried, without where it had an effect.
      if (graph_.get(mine.records[mine.next]).kind == kind::turn) {
        replay(kind::turn, 0);
      } else {
        note_iteration(frame);
      }
      mine.loop.begin();
      return;
    }
    if (!mine.loop.trying()) {
      chooser_.yield(running_);
      if (mine.loop.has_effect()) return ended_with_effect(frame);
      // (A search gives way at the next event. That there is one, and not a wait, is known only after the trial.)
      park(chooser_.searches() ? waiting::served : waiting::turn);
      if (chooser_.turns()) {
        arrive(graph_.append(turn_event(tried_on)));
        mine.loop.begin();
        return;
      }
    }
    switch (mine.loop.ended(frame, mine.stack.top())) {
      case waiting_loop::verdict::tries:
        return;
      case waiting_loop::verdict::waits:
        if (chooser_.searches()) wait_for_change();
        block();
      case waiting_loop::verdict::did_something:
        did_something();
    }
  }
  [[nodiscard]] bool waits_in_loop() const noexcept {
    for (unsigned t = 0; t < thread_count_; ++t) {
      if (threads_[t].started && threads_[t].waits_in_loop()) return true;
    }
    return false;
  }
  /// Whether the run, which left threads waiting, can never go on: all that they wait for has its last value, and nothing wakes those that
  /// sleep.
  [[nodiscard]] bool stuck() const noexcept {
    bool all = true;
    for (unsigned t = 0; t < thread_count_; ++t) {
      if (threads_[t].sleeping) all = all && !notifications_.can_wake(graph_, threads_[t].slept_since);
      if (!threads_[t].waits_in_loop()) continue;
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
  // served: until all that is recorded was. change: of what a loop has read, to another value. bound: for ever, where the thread could go
  // on, but has done the same too often.
  enum class waiting : std::uint8_t { nothing, served, store, turn, own_store, thread, notification, change, bound, for_ever };

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
    bool sleeping = false;  // until a notification
    stamp slept_since = initial;  // the load
    clock known_when_woken;  // what happened before the notification
    std::uint32_t acts = 0;  // that are no events
    void (*function)(void*) = nullptr;
    void* argument = nullptr;
    explorer* owner = nullptr;
    waiting_loop loop;
    fiber stack;

    [[nodiscard]] bool waits_in_loop() const noexcept {
      return !sleeping && (waits == waiting::for_ever || waits == waiting::change);
    }
  };
  struct seen {
    uint128 value;
    stamp from;
    bool succeeds;
  };

  // The thread does something that is an event.
  void change() {
    if (threads_[running_].loop.trying()) did_something();
    threads_[running_].loop.acted();
  }
  void take_item() {
    checked_ = !shelf_.pop(graph_);
    const std::size_t size = graph_.events.size();
    for (thread& each : threads_) {
      each.records.clear();
      each.next = 0;
      each.started = each.finished = each.joined = each.sleeping = false;
      each.waits = waiting::nothing;
      each.children = 0;
      each.acts = 0;
      each.loop.begin();
    }
    for (std::size_t i = 0; i < size; ++i) threads_[graph_.events[i].thread].records.push_back(static_cast<stamp>(i));
    left_ = size;
    failing_.load = initial;
    ended_ = false;
    thread_count_ = own_stores_ = 0;
    arrivals_.clear();
    notifications_.new_run();
    repetition_.begin();
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

  // Of what was freed before arrival n and nobody had taken, which the load takes: 1 for the last.
  [[nodiscard]] std::uint16_t left_behind(const event& load, std::size_t n) const noexcept {
    std::uint16_t left = 1;
    for (std::size_t i = n; i-- > 0 && arrivals_[i] != load.rf;) {
      const event& e = graph_.get(arrivals_[i]);
      if (e.kind != kind::store || e.location != load.location) continue;
      bool taken = false;
      for (std::size_t j = i; j < n; ++j) {
        const event& later = graph_.get(arrivals_[j]);
        taken = taken || (later.kind == kind::load && later.location == load.location && later.rf == arrivals_[i]);
      }
      if (!taken) ++left;
    }
    return left;
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
    if ((why == waiting::turn || why == waiting::own_store || why == waiting::served) && left_ == 0 && checked_) {
      if (graph_.events.size() >= limit_) stop(outcome::bounded);
      if (why != waiting::turn || !chooser_.chooses()) return;
    }
    thread& mine = threads_[running_];
    mine.waits = why;
    if (why == waiting::own_store) ++own_stores_;
    mine.stack.suspend();
    if (why == waiting::own_store) --own_stores_;
    mine.waits = waiting::nothing;
  }
  // Whether the thread may go on now; new_events: as far as that is up to who adds an event.
  [[nodiscard]] bool may_go_on(const thread& t, bool new_events) const noexcept {
    switch (t.waits) {
      case waiting::nothing:
        return t.started && !t.finished;
      case waiting::store:
        return graph_.of(t.waits_for).known;
      case waiting::thread:
        return threads_[t.joins].finished;
      case waiting::served:
        return left_ == 0 && checked_;
      case waiting::turn:
      case waiting::own_store:
        return new_events;
      case waiting::notification:
        return new_events && notifications_.can_wake(graph_, t.slept_since);
      case waiting::change:
        return new_events && has_changed(t);
      case waiting::bound:
      case waiting::for_ever:
        return false;
    }
    return false;
  }
  outcome schedule() {
    for (;;) {
      // New events come when all that is recorded was served, and was found to be consistent.
      const bool all_served = left_ == 0 && checked_;
      unsigned next = thread_count_;
      // What a read-modify-write has yet to store comes before all other new events.
      for (unsigned t = 0; all_served && own_stores_ != 0 && t < thread_count_ && next == thread_count_; ++t) {
        if (threads_[t].waits == waiting::own_store) next = t;
      }
      const bool new_events = all_served && !chooser_.chooses();
      for (unsigned t = 0; next == thread_count_ && t < thread_count_; ++t) {
        if (may_go_on(threads_[t], new_events)) next = t;
      }
      if (next == thread_count_ && chooser_.chooses() && left_ == 0 && checked_) {
        unsigned enabled = 0;
        for (unsigned t = 0; t < thread_count_; ++t) {
          if (may_go_on(threads_[t], true)) enabled |= 1U << t;
        }
        if (enabled != 0) {
          next = chooser_.pick_thread(enabled);
          if (next == max_threads) return outcome::diverged;
        }
      }
      if (next == thread_count_) {
        if (left_ == 0 && !checked_) {
          // All events were served. Only now does the program see what a revisit made it read, and only if that is consistent.
          if (!consistent()) return outcome::dropped;
          checked_ = true;
          lay_aside_failing();
          continue;
        }
        if (left_ != 0) return outcome::diverged;  // the program does not do what it did before
        for (unsigned t = 0; t < thread_count_; ++t) {
          if (threads_[t].started && threads_[t].waits == waiting::bound)
            return comes_again() ? outcome::livelock : outcome::repeated;
        }
        for (unsigned t = 0; t < thread_count_; ++t) {
          if (threads_[t].started && !threads_[t].finished) return outcome::blocked;
        }
        return outcome::complete;
      }
      running_ = next;
      threads_[next].stack.resume(runtime_);
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

  // ---- Loops with effects, see repetition.hpp -------------------------------------------------------------------------------------

  // An iteration has ended that is none which only waits.
  void ended_with_effect(const void* frame) {
    if (!chooser_.chooses() || chooser_.searches()) park(waiting::served);
    note_iteration(frame);
    threads_[running_].loop.begin();
    if (left_ == 0 && checked_ && comes_again()) stop(outcome::livelock);
    if (chooser_.chooses() && !chooser_.searches()) return park(waiting::turn);
    if (most_repetitions_ != 0 && repetition_.times(running_) >= most_repetitions_) park(waiting::bound);
  }
  void note_iteration(const void* frame) {
    if (frame == nullptr) return;
    const thread& mine = threads_[running_];
    const auto* const from = static_cast<const std::byte*>(frame);
    iteration_end now{};
    now.local = detail::hash(1, from, static_cast<std::size_t>(mine.stack.top() - from));
    now.iteration = mine.loop.hash_of_reads(now.local);
    if (repetition_.knows(running_, now.local)) {
      now.memory = hash_of_memory_ == nullptr ? 1 : hash_of_memory_(memory_);
      for (unsigned t = 0; t < thread_count_; ++t) {
        const thread& other = threads_[t];
        if (!other.started || other.finished || other.waits != waiting::thread) continue;
        const std::byte* const begin = other.stack.suspended_at();
        now.memory = detail::hash(now.memory, begin, static_cast<std::size_t>(other.stack.top() - begin));
      }
      if (now.memory == 0) now.memory = 1;
    }
    now.acts = mine.acts;
    now.time = graph_.threads[running_].now.time[running_];
    repetition_.add(running_, now);
  }
  // Whether all that are alive have ended an iteration, or wait for what does not come, and can go on as they did.
  bool comes_again() {
    unsigned resting = 0;
    for (unsigned t = 0; t < thread_count_; ++t) {
      const thread& each = threads_[t];
      if (each.sleeping) return false;  // what comes again may notify it
      if (!each.started || each.finished || each.waits == waiting::thread || each.waits_in_loop()) continue;
      if (!repetition_.rests(t, graph_.threads[t].now.time[t], each.acts)) return false;
      resting |= 1U << t;
    }
    return repetition_.find_cut(graph_, resting, cut_) && none_is_released();
  }
  // Whether what the other threads wait for in a loop has the value that they have read, in each round and all the time.
  [[nodiscard]] bool none_is_released() const noexcept {
    bool none = true;
    for (unsigned t = 0; t < thread_count_; ++t) {
      if (!threads_[t].started || !threads_[t].waits_in_loop()) continue;
      threads_[t].loop.for_each_awaited([&](stamp load, std::uint32_t l) {
        const uint128 read = graph_.value_of(l, graph_.get(load).rf);
        const buffer<stamp>& stores = graph_.at(l).stores;
        none = none && graph_.value_of(l, stores[stores.size() - 1]) == read;
        for (const stamp each : stores) none = none && (comes_once(each) || graph_.value_of(l, each) == read);
      });
    }
    return none;
  }

  // ---- Events --------------------------------------------------------------------------------------------------------------------

  // The tried iteration is not one that waits, and the thread can't go back: so the graph is run again, with a note to go on here.
  [[noreturn]] void did_something() {
    lay_aside(turn_event(tried_on));
    stop(outcome::dropped);
  }
  // Whether this notification of one, a store, may be what wakes the running thread.
  [[nodiscard]] bool wakes_running(stamp one) const noexcept {
    return !graph_.read_by_any(graph_.get(one).location, one) &&
           wakes(graph_, threads_[running_].slept_since, graph_.of(one).before);
  }
  // Where executions are chosen a thread sleeps until something may wake it, and it is the scheduler's choice when it does.
  void sleep_chosen(std::uint32_t l) {
    thread& mine = threads_[running_];
    park(waiting::notification);
    const notifications::notification* by_all = nullptr;
    notifications_.for_each_waking(graph_, mine.slept_since, [&by_all](const notifications::notification& n) {
      if (n.event == initial) by_all = &n;
    });
    if (by_all != nullptr) {
      mine.known_when_woken = by_all->known;
      return;
    }
    const std::uint32_t wakes_here = notifications_.wakes_of(l, graph_);
    const buffer<stamp>& ones = graph_.at(wakes_here).stores;
    std::size_t left = chooser_.pick_store(graph_.left_in(wakes_here) + 1);
    stamp by = initial;
    for (std::size_t i = ones.size(); i-- > 1 && (by == initial || left != 0);) {
      if (graph_.read_by_any(wakes_here, ones[i])) continue;
      if (left != 0) --left;
      if (wakes_running(ones[i])) by = ones[i];
    }
    mine.known_when_woken = graph_.of(by).before;
    arrive(graph_.append(load_event({wakes_here, relaxed, relaxed, false}, update(), by, false)), false);
  }
  // (Of a turn, for a search: whether the trial has shown that the thread does something, or it has waited for a change.)
  static constexpr unsigned tried_on = 0, woken = 1;
  [[nodiscard]] event turn_event(unsigned why) const noexcept {
    return {why, 0, initial, 0, static_cast<std::uint8_t>(running_), kind::turn, 0, false, false, false};
  }
  // In a search: the running thread's iteration, which only waited, comes again when another value is there. Then the graph is run again
  // with a note to go on, since the trial has left its traces on the thread's stack.
  [[noreturn]] void wait_for_change() {
    if (waits_as_before()) stop(outcome::dropped);
    park(waiting::change);
    chooser_.commit();
    lay_aside(turn_event(woken));
    stop(outcome::dropped);
  }
  [[nodiscard]] bool has_changed(const thread& t) const noexcept {
    bool changed = false;
    t.loop.for_each_awaited([&](stamp load, std::uint32_t l) {
      const location& where = graph_.at(l);
      const stamp read = graph_.get(load).rf;
      for (std::size_t p = graph_.position_of(read) + 1; p < where.stores.size(); ++p)
        changed = changed || graph_.value_of(l, where.stores[p]) != graph_.value_of(l, read);
    });
    return changed;
  }
  // Whether the running thread has waited, was woken, and has read the same stores again, or what it has stored there itself instead (a
  // read-modify-write that leaves the value): an execution like that in which it waits on.
  [[nodiscard]] bool waits_as_before() {
    buffer<stamp>& mine = own_events_;  // that read, and turns
    mine.clear();
    for (std::size_t i = 0; i < graph_.events.size(); ++i) {
      const event& e = graph_.events[i];
      if (e.thread == running_ && (e.kind == kind::load || e.kind == kind::turn)) mine.push_back(static_cast<stamp>(i));
    }
    std::size_t reads = 0;
    threads_[running_].loop.for_each_awaited([&](stamp, std::uint32_t) { ++reads; });
    if (mine.size() < 2 * reads + 1) return false;
    const event& between = graph_.get(mine[mine.size() - reads - 1]);
    if (between.kind != kind::turn || between.value != woken) return false;
    for (std::size_t i = 0; i < reads; ++i) {
      const event& now = graph_.get(mine[mine.size() - reads + i]);
      const event& before = graph_.get(mine[mine.size() - 2 * reads - 1 + i]);
      if (before.kind != kind::load || now.location != before.location) return false;
      const bool own = now.rf != initial && graph_.get(now.rf).thread == running_ &&
                       graph_.value_of(now.location, now.rf) == graph_.value_of(now.location, before.rf);
      if (now.rf != before.rf && !own) return false;
    }
    return true;
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
    const std::size_t floor = lowest(a);
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
  // The first position that the running thread may read.
  [[nodiscard]] std::size_t lowest(const access& a) const noexcept {
    const std::size_t floor = graph_.floor(a.location, graph_.threads[running_].now);
    if (!a.woken) return floor;
    const std::size_t notified = graph_.floor(a.location, threads_[running_].known_when_woken);
    return floor < notified ? notified : floor;
  }
  // One of the stores that may be read, the latest where the chosen one may not.
  seen read_chosen(const access& a, update f) {
    if (chooser_.searches()) return read_next(a, f);
    const location& where = graph_.at(a.location);
    const std::size_t floor = lowest(a);
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
  // What the search comes to: each store that may be read, and each way to read it.
  seen read_next(const access& a, update f) {
    const location& where = graph_.at(a.location);
    const std::size_t last = where.stores.size() - 1;
    const std::size_t floor = chooser_.latest_only ? last : graph_.floor(a.location, graph_.threads[running_].now);
    uint128 ignored = 0;
    ways_.clear();
    for (std::size_t p = last + 1; p-- > floor;) {
      const stamp from = where.stores[p];
      const bool succeeds = f && f(graph_.value_of(a.location, from), ignored);
      event e = load_event(a, f, from, succeeds);
      if (!(succeeds && graph_.taken(a.location, from)) && (p == last || consistent_with(e))) ways_.push_back(e);
      if (succeeds && a.weak && may_fail_for_nothing(a.location, running_)) {
        e = load_event(a, f, from, false);
        e.spurious = true;
        if (p == last || consistent_with(e)) ways_.push_back(e);
      }
    }
    const event e = next_way();
    const stamp s = graph_.append(e);
    arrive(s, a.feeds_fences);
    const uint128 value = graph_.value_of(a.location, e.rf);
    threads_[running_].loop.read(s, a.location, value);
    return {value, e.rf, e.exclusive};
  }
  event next_way() {
    const std::size_t way = chooser_.pick(ways_.size());
    if (way == ways_.size()) stop(outcome::diverged);
    return ways_[way];
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
    graph_.reorder(s, succeeds || !f ? a.order : a.failure);
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
      revisits_.lay_aside(s);
      if (taken) stop(outcome::dropped);
      if (e.position != end && needs_check(e) && !consistent()) stop(outcome::dropped);
      return;
    }
    for (std::size_t p = first_place(a.location); p < end; ++p) {
      e.position = static_cast<std::uint16_t>(p);
      if (graph_.free_at(a.location, p) && consistent_with(e)) lay_aside(e);
    }
    e.position = static_cast<std::uint16_t>(end);
    const stamp s = graph_.append(e);
    arrive(s);
    revisits_.lay_aside(s);
  }
  // The first position at which the running thread may store.
  [[nodiscard]] std::size_t first_place(std::uint32_t l) const noexcept {
    const location& where = graph_.at(l);
    if (where.unordered()) return where.stores.size();  // its stores have no order
    return graph_.floor(l, graph_.threads[running_].now) + 1;
  }
  void write_chosen(event& e, stamp from) {
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
      if (behind != 0 && !(graph_.free_at(e.location, e.position) && consistent_with(e)))
        e.position = static_cast<std::uint16_t>(end);
    }
    arrive(graph_.append(e));
    // A read-modify-write that didn't read the latest store: its load was found to be consistent, its store may not be.
    if (e.exclusive && e.position != end && needs_check(e) && !consistent()) stop(outcome::dropped);
  }

  [[nodiscard]] event load_event(const access& a, update f, stamp from, bool succeeds) const noexcept {
    const memory_order order = f && !succeeds ? a.failure : a.order;
    return {0,
            a.location,
            from,
            0,
            static_cast<std::uint8_t>(running_),
            kind::load,
            static_cast<std::uint8_t>(order),
            succeeds,
            false,
            false,
            false,
            false,
            a.woken};
  }

  // ---- Choices -------------------------------------------------------------------------------------------------------------------

  // Whether an event that is no load of the latest store, and no latest store, can make S impossible.
  [[nodiscard]] bool needs_check(const event& e) const noexcept {
    if (e.ordered() == seq_cst) return true;
    if (!graph_.has_ordering_fences()) return false;
    for (std::size_t i = 0; i < graph_.events.size(); ++i) {
      const event& fence = graph_.events[i];
      if (fence.orders_all() && graph_.has(graph_.threads[running_].now, static_cast<stamp>(i))) return true;
    }
    return false;
  }
  // Whether the memory model allows the graph, as far as its rules for seq_cst go; all else was seen to event by event.
  bool consistent() {
    if (!graph_.has_strong()) return true;
    return by_rc11_ ? rc11_.allows(graph_) : order_.exists(graph_);
  }
  bool consistent_with(const event& e) {
    if (!needs_check(e)) return true;
    const progress before = graph_.threads[running_];
    graph_.arrive(graph_.append(e));
    const bool allowed = consistent();
    graph_.remove_last();
    graph_.threads[running_] = before;
    return allowed;
  }
  // Lays the graph aside with one more event, whose choice was checked.
  void lay_aside(const event& e) {
    graph_.append(e);
    shelf_.push(graph_);
    graph_.remove_last();
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
      e.order = static_cast<std::uint8_t>(failing_.order);  // in the copy only
      shelf_.push(graph_);
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
    revisits_.lay_aside(s);
    graph_.remove_last();
    graph_.remove_last();
    graph_.threads[running_] = before;
  }

  static constexpr std::uint64_t most_events = 32000;  // a stamp has 15 bits

  graph graph_;
  total_order order_;
  rc11_order rc11_;
  thread threads_[max_threads];
  unsigned thread_count_ = 0;
  unsigned own_stores_ = 0;  // threads that wait to store
  unsigned running_ = 0;
  const unsigned spurious_failures_;
  std::uint64_t limit_ = most_events;
  std::size_t left_ = 0;  // events that are recorded and not yet served
  bool checked_ = true;  // the served graph is known to be consistent
  struct {
    stamp load = initial;
    memory_order order = relaxed;
  } failing_;  // a revisited load that may fail for nothing
  void* runtime_ = nullptr;  // see fiber.hpp
  bool ended_ = false;
  outcome result_ = outcome::complete;

  double explored_ = 0;
  chooser chooser_;
  notifications notifications_;
  bool sequential_ = false;
  bool by_rc11_ = false;
  repetition repetition_;
  clock cut_;  // of a livelock
  unsigned most_repetitions_ = 0;
  std::uint64_t (*hash_of_memory_)(const void*) = nullptr;
  const void* memory_ = nullptr;
  std::size_t longest_ = 0;  // events of a run so far
  buffer<stamp> arrivals_;
  buffer<event> ways_;  // of the running thread's next event, in a search
  buffer<stamp> own_events_;
  buffer<replay_text::kin> family_;
  shelf shelf_;
  revisits revisits_{graph_, shelf_};
};

}  // namespace pawl::inline v0::model::detail
