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
#include <exception>
#include <type_traits>
#include <utility>

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
    go_on(scheduler_);
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
    if (arrivals_.size() > longest_) longest_ = arrivals_.size();
    // The run and the graphs that it has laid aside count as equals.
    const double each = share / static_cast<double>(shelf_.size() - before + 1);
    shelf_.give_shares(before, each);
    explored_ += each;
    return result_;
  }
  /// How much of all is explored, from 0 to 1: a guess, by the parts that the graphs laid aside had at each run.
  [[nodiscard]] double explored() const noexcept { return explored_; }

  // ---- For the running thread ----------------------------------------------------------------------------------------------------

  [[nodiscard]] unsigned running() const noexcept { return running_; }
  /// Whether what the thread does now is only tried, and no part of the graph: see waiting_loop.hpp.
  [[nodiscard]] bool trying() const noexcept { return mine_->loop.trying(); }
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

  uint128 load(access a) {
    strengthen(a);
    return read(a, update()).value;
  }
  void store(access a, uint128 value) {
    strengthen(a);
    change();
    write(a, value, false, initial);
  }
  /// Returns what was read, and in `succeeded` whether f replaced it.
  uint128 read_modify_write(access a, update f, bool& succeeded) {
    strengthen(a);
    const seen what = read(a, f);
    succeeded = what.succeeds;
    if (what.succeeds) {
      // One that stores what it read changes nothing that a waiting loop could wait for.
      if (what.desired != what.value) change();
      if (!mine_->loop.trying()) write(a, what.desired, true, what.from);
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
    thread& mine = *mine_;
    const access a{l, acquire};
    if (mine.next != initial) return read(a, update()).value;
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
    arrive_at_load(graph_.append(load_event(a, update(), taken, false)), true);
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
    thread& mine = *mine_;
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
      if (mine.next == initial) {
        park(waiting::turn);
        const buffer<stamp>& ones = graph_.at(wakes_here).stores;
        for (std::size_t i = 1; i < ones.size(); ++i) {
          if (wakes_running(ones[i])) lay_aside(load_event(a, update(), ones[i], false));
        }
        arrive_at_load(graph_.append(load_event(a, update(), initial, false)), false);
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
    thread& mine = *mine_;
    if (mine.loop.trying()) return;
    if (mine.next != initial) {
      serve(kind::fence);
      return;
    }
    if (sequential_) order = seq_cst;
    park(waiting::turn);
    arrive_at_fence(
        graph_.append({0, 0, initial, 0, static_cast<std::uint8_t>(running_), kind::fence, static_cast<std::uint8_t>(order), false,
                       false, false, sides == symmetry::light, sides == symmetry::heavy}));
  }

  /// The thread does something other than to read: an iteration of a loop that does is not one that waits.
  void act() {
    change();
    ++mine_->acts;
  }
  /// The end of an iteration of a loop that may wait; the thread's registers and frames begin at `frame`.
  void pause(const void* frame) {
    thread& mine = *mine_;
    if (!mine.loop.trying() && mine.next != initial) {
      // It went on, as the records show: with a turn where the iteration was tried, without where it had an effect.
      if (graph_.get(mine.next).kind == kind::turn) {
        serve(kind::turn);
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
        arrive_at_fence(graph_.append(turn_event(tried_on)));
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
    thread& mine = *mine_;
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
      mine_->joins = child;
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
    end(why);
    park(waiting::for_ever);
    __builtin_unreachable();
  }

 private:
  // served: until all that is recorded was. change: of what a loop has read, to another value. bound: for ever, where the thread could go
  // on, but has done the same too often.
  enum class waiting : std::uint8_t { nothing, served, store, turn, own_store, thread, notification, change, bound, for_ever };
  static constexpr unsigned waiting_kinds = 10;

  struct thread {
    stamp next = initial;  // of its events in the graph that is served; initial: all were served
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
    uint128 desired;  // of a read-modify-write: what it stores
  };

  // The thread does something that is an event.
  void change() {
    if (mine_->loop.trying()) did_something();
    mine_->loop.acted();
  }
  void take_item() {
    checked_ = !shelf_.pop(graph_);
    const std::size_t size = graph_.events.size();
    for (unsigned t = 0; t < max_threads; ++t) {
      thread& each = threads_[t];
      each.next = graph_.first[t];
      each.started = each.finished = each.joined = each.sleeping = false;
      each.waits = waiting::nothing;
      each.children = 0;
      each.acts = 0;
      each.loop.begin();
    }
    left_ = size;
    failing_.load = initial;
    ended_ = false;
    thread_count_ = 0;
    for (unsigned& each : waiting_) each = 0;
    arrivals_.clear();
    notifications_.new_run();
    repetition_.begin();
  }
  // The running thread comes to this event, for good.
  PAWL_ALWAYS_INLINE void arrive_at_load(stamp s, bool feeds_fences) {
    graph_.arrive_at_load(s, feeds_fences);
    arrivals_.push_back(s);
    chooser_.step();
  }
  PAWL_ALWAYS_INLINE void arrive_at_store(stamp s) {
    graph_.arrive_at_store(s);
    arrivals_.push_back(s);
    // (That of a read-modify-write comes at once after its load, and is no choice.)
    if (!graph_.get(s).exclusive) chooser_.step();
    if (those_that_wait(waiting::store) != 0) wake(s);
  }
  void arrive_at_fence(stamp s) {
    graph_.arrive_at_fence(s);
    arrivals_.push_back(s);
    chooser_.step();
  }
  void strengthen(access& a) const noexcept {
    if (sequential_) a.order = a.failure = seq_cst;
  }
  // How many stores that came before arrival n stand behind this position. (One of a read-modify-write comes with its load.)
  [[nodiscard]] std::uint16_t arrived_behind(std::uint32_t l, std::size_t position, std::size_t n) const noexcept {
    std::uint16_t found = 0;
    for (const stamp s : graph_.at(l).stores) {
      if (s == initial || graph_.position_of(s) <= position || !graph_.get(s).known()) continue;
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
          me.owner->finish();
        },
        &t);
    those(waiting::nothing) |= 1U << number;
    if (number >= thread_count_) thread_count_ = number + 1;
  }
  // The running thread has nothing more to do.
  void finish() {
    thread& mine = *mine_;
    mine.finished = true;
    graph_.tick(running_);
    those(waiting::nothing) &= ~(1U << running_);
    for (unsigned rest = those_that_wait(waiting::thread); rest != 0; rest &= rest - 1) {
      if (threads_[lowest(rest)].joins == running_) wakes(lowest(rest), waiting::thread);
    }
    go_on(mine.stack);
  }
  // The thread lets others go first, until it may go on.
  void park(waiting why) {
    if ((why == waiting::turn || why == waiting::own_store || why == waiting::served) && left_ == 0 && checked_) {
      if (graph_.events.size() >= limit_) stop(outcome::bounded);
      if (why != waiting::turn || !chooser_.chooses()) return;
    }
    thread& mine = *mine_;
    const unsigned me = 1U << running_;
    mine.waits = why;
    those(waiting::nothing) &= ~me;
    those(why) |= me;
    go_on(mine.stack);
    mine.waits = waiting::nothing;
    those(why) &= ~me;
    those(waiting::nothing) |= me;
  }
  // The store has come that threads may wait for.
  [[gnu::noinline]] void wake(stamp store) noexcept {
    for (unsigned rest = those_that_wait(waiting::store); rest != 0; rest &= rest - 1) {
      if (threads_[lowest(rest)].waits_for == store) wakes(lowest(rest), waiting::store);
    }
  }
  void wakes(unsigned sleeper, waiting from) noexcept {
    those(from) &= ~(1U << sleeper);
    those(waiting::nothing) |= 1U << sleeper;
  }
  // Who runs on `from` goes on with whoever may: itself, or another, and comes back here when it may; at the run's end who began it.
  void go_on(fiber& from) {
    unsigned next = max_threads;
    try {
      if (!ended_) next = choose();
    } catch (...) {  // for who began the run, not for the checked program
      thrown_ = std::current_exception();
    }
    fiber* to = &scheduler_;
    if (next != max_threads) {
      running_ = next;
      mine_ = &threads_[next];
      to = &mine_->stack;
    }
    if (to != &from) from.go_on_with(*to, runtime_);
  }
  unsigned& those(waiting why) noexcept { return waiting_[static_cast<unsigned>(why)]; }
  [[nodiscard]] unsigned those_that_wait(waiting why) const noexcept { return waiting_[static_cast<unsigned>(why)]; }
  static unsigned lowest(unsigned set) noexcept { return static_cast<unsigned>(__builtin_ctz(set)); }
  unsigned end(outcome how) noexcept {
    ended_ = true;
    result_ = how;
    return max_threads;
  }
  // The thread that goes on; max_threads at the run's end.
  unsigned choose() {
    for (;;) {
      // New events come when all that is recorded was served, and was found to be consistent.
      const bool all_served = left_ == 0 && checked_;
      // What a read-modify-write has yet to store comes before all other new events.
      if (all_served && those_that_wait(waiting::own_store) != 0) return lowest(those_that_wait(waiting::own_store));
      const unsigned free = those_that_wait(waiting::nothing) | (all_served ? those_that_wait(waiting::served) : 0);
      const unsigned may = all_served ? free | those_that_wait(waiting::turn) | those_woken() : free;
      if (!chooser_.chooses() && may != 0) return lowest(may);
      if (free != 0) return lowest(free);
      if (all_served) {
        if (may != 0) {
          const unsigned picked = chooser_.pick_thread(may);
          return picked == max_threads ? end(outcome::diverged) : picked;
        }
      } else if (left_ == 0) {
        // All events were served. Only now does the program see what a revisit made it read, and only if that is consistent.
        if (!consistent()) return end(outcome::dropped);
        checked_ = true;
        lay_aside_failing();
        continue;
      } else {
        return end(outcome::diverged);  // the program does not do what it did before
      }
      if (those_that_wait(waiting::bound) != 0) return end(comes_again() ? outcome::livelock : outcome::repeated);
      for (unsigned t = 0; t < thread_count_; ++t) {
        if (threads_[t].started && !threads_[t].finished) return end(outcome::blocked);
      }
      return end(outcome::complete);
    }
  }
  // Of those that wait for a notification or for another value, where executions are chosen: the ones for which it has come.
  [[nodiscard]] unsigned those_woken() const noexcept {
    unsigned found = 0;
    for (unsigned rest = those_that_wait(waiting::notification); rest != 0; rest &= rest - 1) {
      if (notifications_.can_wake(graph_, threads_[lowest(rest)].slept_since)) found |= rest & ~(rest - 1);
    }
    for (unsigned rest = those_that_wait(waiting::change); rest != 0; rest &= rest - 1) {
      if (has_changed(threads_[lowest(rest)])) found |= rest & ~(rest - 1);
    }
    return found;
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
    mine_->loop.begin();
    if (left_ == 0 && checked_ && comes_again()) stop(outcome::livelock);
    if (chooser_.chooses() && !chooser_.searches()) return park(waiting::turn);
    if (most_repetitions_ != 0 && repetition_.times(running_) >= most_repetitions_) park(waiting::bound);
  }
  void note_iteration(const void* frame) {
    if (frame == nullptr) return;
    const thread& mine = *mine_;
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
    return !graph_.read_by_any(graph_.get(one).location, one) && detail::wakes(graph_, mine_->slept_since, graph_.of(one).before);
  }
  // Where executions are chosen a thread sleeps until something may wake it, and it is the scheduler's choice when it does.
  void sleep_chosen(std::uint32_t l) {
    thread& mine = *mine_;
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
    arrive_at_load(graph_.append(load_event({wakes_here, relaxed, relaxed, false}, update(), by, false)), false);
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
    mine_->loop.for_each_awaited([&](stamp, std::uint32_t) { ++reads; });
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
  // Serves this thread's next recorded event, a fence or a turn.
  void serve(kind expected) {
    const stamp s = mine_->next;
    const event& e = graph_.get(s);
    if (e.kind != expected) stop(outcome::diverged);
    mine_->next = e.next;
    arrive_at_fence(s);
    --left_;
  }

  seen read(const access& a, update f) {
    if (mine_->loop.trying()) return read_in_trial(a, f);
    return mine_->next == initial ? read_anew(a, f) : serve_read(a, f);
  }
  [[gnu::noinline]] seen read_in_trial(const access& a, update f) {
    uint128 value = 0;
    if (!mine_->loop.answer(a.location, value)) did_something();
    uint128 desired = 0;
    const bool succeeds = f && f(value, desired);
    return {value, initial, succeeds, desired};
  }
  [[gnu::noinline]] seen read_anew(const access& a, update f) {
    park(waiting::turn);
    if (chooser_.chooses()) return read_chosen(a, f);

    const location& where = graph_.at(a.location);
    const std::size_t last = where.stores.size() - 1;
    uint128 desired = 0;
    const event latest = candidate(a, f, where.stores[last], true, desired);
    for (std::size_t p = last, floor = first_readable(a); p-- > floor;) {
      uint128 other = 0;
      const event e = candidate(a, f, where.stores[p], false, other);
      // Another read-modify-write has read this store. Of the two, one comes first; that it is this one, a revisit of the other's load
      // finds out.
      const bool taken = e.exclusive && !graph_.free_at(a.location, p + 1);
      if (!consistent_with(e)) continue;
      if (taken) {
        revisit_in_passing(a, e, other);
      } else {
        lay_aside(e);
      }
    }
    const uint128 value = graph_.value_of(a.location, latest.rf);
    const stamp s = graph_.append(latest);
    arrive_at_load(s, a.feeds_fences);
    mine_->loop.read(s, a.location, value);
    return {value, latest.rf, latest.exclusive, desired};
  }
  // A load of the running thread that reads this store; a weak compare-and-swap that could succeed is also laid aside as one that fails.
  event candidate(const access& a, update f, stamp from, bool latest, uint128& desired) {
    const bool succeeds = f && f(graph_.value_of(a.location, from), desired);
    if (a.weak && succeeds && may_fail_for_nothing(a.location, running_)) {
      event failing = load_event(a, f, from, false);
      failing.spurious = true;
      if (latest || consistent_with(failing)) lay_aside(failing);
    }
    return load_event(a, f, from, succeeds);
  }
  // The first position that the running thread may read.
  [[nodiscard]] std::size_t first_readable(const access& a) const noexcept {
    const std::size_t floor = graph_.floor(a.location, graph_.threads[running_].now);
    if (!a.woken) return floor;
    const std::size_t notified = graph_.floor(a.location, mine_->known_when_woken);
    return floor < notified ? notified : floor;
  }
  // One of the stores that may be read, the latest where the chosen one may not.
  seen read_chosen(const access& a, update f) {
    if (chooser_.searches()) return read_next(a, f);
    const location& where = graph_.at(a.location);
    const std::size_t floor = first_readable(a);
    const std::size_t last = where.stores.size() - 1;
    std::size_t behind = chooser_.pick_store(last - floor + 1);
    if (behind > last - floor) stop(outcome::diverged);
    event e{};
    uint128 value = 0;
    uint128 desired = 0;
    for (;; behind = 0) {
      const stamp from = where.stores[last - behind];
      value = graph_.value_of(a.location, from);
      const bool could = f && f(value, desired);
      e = load_event(a, f, from, could);
      if (could && a.weak && may_fail_for_nothing(a.location, running_) && chooser_.pick_failure()) {
        e = load_event(a, f, from, false);
        e.spurious = true;
      }
      if (behind == 0 || (!(e.exclusive && graph_.taken(a.location, from)) && consistent_with(e))) break;
    }
    const stamp s = graph_.append(e);
    arrive_at_load(s, a.feeds_fences);
    mine_->loop.read(s, a.location, value);
    return {value, e.rf, e.exclusive, desired};
  }
  // What the search comes to: each store that may be read, and each way to read it.
  seen read_next(const access& a, update f) {
    const location& where = graph_.at(a.location);
    const std::size_t last = where.stores.size() - 1;
    const std::size_t floor = chooser_.latest_only ? last : first_readable(a);
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
    arrive_at_load(s, a.feeds_fences);
    const uint128 value = graph_.value_of(a.location, e.rf);
    mine_->loop.read(s, a.location, value);
    uint128 desired = 0;
    if (e.exclusive) f(value, desired);
    return {value, e.rf, e.exclusive, desired};
  }
  event next_way() {
    const std::size_t way = chooser_.pick(ways_.size());
    if (way == ways_.size()) stop(outcome::diverged);
    return ways_[way];
  }
  // Serves this thread's next recorded event, a load.
  seen serve_read(const access& a, update f) {
    thread& mine = *mine_;
    const stamp s = mine.next;
    event& e = graph_.get(s);
    if (e.kind != kind::load || e.location != a.location) [[unlikely]]
      stop(outcome::diverged);
    const stamp from = e.rf;
    if (from != initial && !graph_.get(from).known()) {
      mine.waits_for = from;
      park(waiting::store);
    }
    const uint128 value = graph_.value_of(a.location, from);
    uint128 desired = 0;
    const bool could = f && f(value, desired);
    if (e.fresh) return serve_revisited(a, f, s, could, desired);
    // (A spurious failure could have succeeded.)
    if (could != (e.exclusive || e.spurious)) [[unlikely]]
      stop(outcome::diverged);
    const bool succeeds = e.exclusive;
    mine.next = e.next;
    arrive_at_load(s, a.feeds_fences);
    mine.loop.read(s, a.location, value);
    --left_;
    return {value, from, succeeds, desired};
  }
  // A load that a revisit made read from another store: what becomes of it, is settled here.
  [[gnu::noinline]] seen serve_revisited(const access& a, update f, stamp s, bool succeeds, uint128 desired) {
    event& e = graph_.get(s);
    const uint128 value = graph_.value_of(a.location, e.rf);
    const stamp from = e.rf;
    e.exclusive = succeeds;
    e.fresh = false;
    graph_.reorder(s, succeeds || !f ? a.order : a.failure);
    mine_->next = e.next;
    arrive_at_load(s, a.feeds_fences);
    mine_->loop.read(s, a.location, value);
    --left_;
    if (succeeds && a.weak) failing_ = {s, a.failure};
    // The program sees the new value when the graph is known to be consistent.
    park(succeeds ? waiting::own_store : waiting::turn);
    return {value, from, succeeds, desired};
  }

  // A store; an exclusive one is that of a read-modify-write.
  void write(const access& a, uint128 value, bool exclusive, stamp from) {
    if (mine_->next != initial) {
      serve_store(a.location);
    } else {
      write_anew(a, value, exclusive, from);
    }
  }
  void serve_store(std::uint32_t l) {
    const stamp s = mine_->next;
    const event& e = graph_.get(s);
    if (e.kind != kind::store || e.location != l) [[unlikely]]
      stop(outcome::diverged);
    mine_->next = e.next;
    arrive_at_store(s);
    --left_;
  }
  [[gnu::noinline]] void write_anew(const access& a, uint128 value, bool exclusive, stamp from) {
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
      revisits_.lay_aside(coming(e));
      if (!graph_.free_at(a.location, e.position)) stop(outcome::dropped);
      arrive_at_store(graph_.append(e));
      if (e.position != end && needs_check(e) && !consistent()) stop(outcome::dropped);
      return;
    }
    for (std::size_t p = first_place(a.location); p < end; ++p) {
      e.position = static_cast<std::uint16_t>(p);
      if (graph_.free_at(a.location, p) && consistent_with(e)) lay_aside(e);
    }
    revisits_.lay_aside(coming(e));
    e.position = static_cast<std::uint16_t>(end);
    arrive_at_store(graph_.append(e));
  }
  // A store of the running thread, as it is when it comes.
  [[nodiscard]] coming_store coming(const event& store) const noexcept {
    return {store, graph_.threads[running_].now, graph_.threads[running_].past};
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
    arrive_at_store(graph_.append(e));
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
    event* const copies = shelf_.push(graph_, 1);
    copies[graph_.events.size()] = e;
    if (e.kind != kind::store) return;
    const buffer<stamp>& stores = graph_.at(e.location).stores;
    for (std::size_t p = e.position; p < stores.size(); ++p) ++copies[stores[p]].position;
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
    const event& e = graph_.get(failing_.load);
    if (may_fail_for_nothing(e.location, e.thread)) {
      event& failing = shelf_.push(graph_, 0)[failing_.load];
      failing.spurious = true;
      failing.exclusive = false;
      failing.order = static_cast<std::uint8_t>(failing_.order);
    }
    failing_.load = initial;
  }

  // ---- Revisits ------------------------------------------------------------------------------------------------------------------

  // A read-modify-write that reads what another has read, for the revisits of that other one only.
  void revisit_in_passing(const access& a, const event& load, uint128 desired) {
    const auto position = static_cast<std::uint16_t>(graph_.position_of(load.rf) + 1);
    coming_store store = coming({desired, a.location, initial, position, static_cast<std::uint8_t>(running_), kind::store,
                                 static_cast<std::uint8_t>(a.order), true, false, false});
    store.load = &load;
    if (load.rf != initial) store.past.join(graph_.of(load.rf).past);
    revisits_.lay_aside(store);
  }

  static constexpr std::uint64_t most_events = 32000;  // a stamp has 15 bits

  graph graph_;
  total_order order_;
  rc11_order rc11_;
  thread threads_[max_threads];
  unsigned thread_count_ = 0;
  unsigned waiting_[waiting_kinds] = {};  // threads, as bits, by what they wait for
  unsigned running_ = 0;
  thread* mine_ = threads_;  // of the running one
  const unsigned spurious_failures_;
  std::uint64_t limit_ = most_events;
  std::size_t left_ = 0;  // events that are recorded and not yet served
  bool checked_ = true;  // the served graph is known to be consistent
  struct {
    stamp load = initial;
    memory_order order = relaxed;
  } failing_;  // a revisited load that may fail for nothing
  fiber scheduler_;  // who began the run
  void* runtime_ = nullptr;  // see fiber.hpp
  std::exception_ptr thrown_;  // while a thread was chosen
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
