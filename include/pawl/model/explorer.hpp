// SPDX-License-Identifier: BSL-1.0
// Explores every execution graph of a program once, by running the program again and again.
//
// The algorithm is TruSt's (M. Kokologiannakis, I. Marmanis, V. Gladstein, V. Vafeiadis, "Truly Stateless, Optimal Dynamic Partial Order
// Reduction", POPL 2022): a run goes straight ahead, each load reading the latest store; for every other choice, and for every load that
// a new store could have been read by, a graph is laid aside, to be run later. A laid-aside graph is a list of events; a run begins by
// serving them to the program's threads, and nothing else is remembered.
//
// Here is the class; the folder explorer/ has the parts of it, one idea each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <type_traits>
#include <utility>

#include "access.hpp"
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
  /// Waiting loops are explored iteration by iteration: see waiting_loop.hpp.
  void strict(bool yes) noexcept { strict_ = yes; }
  /// Whether a thread has waited in a loop, in any run so far.
  [[nodiscard]] bool has_waited() const noexcept { return waited_; }
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

  /// Whether an address is on the stack of a thread of this run.
  [[nodiscard]] bool is_on_stack(const void* address) const noexcept {
    for (unsigned t = 0; t < thread_count_; ++t) {
      if (threads_[t].started && threads_[t].stack.holds(address)) return true;
    }
    return false;
  }

  // ---- For the running thread ----------------------------------------------------------------------------------------------------

  [[nodiscard]] unsigned running() const noexcept { return running_; }
  /// Whether what the thread does now is only tried, and no part of the graph: see waiting_loop.hpp.
  [[nodiscard]] bool trying() const noexcept { return mine_->loop.trying(); }
  graph& state() noexcept { return graph_; }
  [[nodiscard]] const graph& state() const noexcept { return graph_; }
  /// The events that the program has come to in this run, in that order.
  [[nodiscard]] const buffer<stamp>& arrivals() const noexcept { return arrivals_; }
  /// This run, so that it can be run again.
  [[nodiscard]] std::string replay() const;
  /// From now on there is one run: the one of which replay() gave this text. False where it is none.
  bool replay(std::string_view text);
  /// Whether such a run was to be another one.
  [[nodiscard]] bool has_left_script(outcome how) const noexcept;
  /// Of each load of a replayed run it is found out what it could have read instead.
  void note_alternatives(bool yes) noexcept { notes_alternatives_ = yes; }
  /// Calls f(store) for each that the event which came last, a load or a read-modify-write, could have read instead when it came.
  template <class F>
  void for_each_alternative(stamp last, F f) const;
  /// The main thread and all that any run so far has started: their numbers are below this.
  [[nodiscard]] unsigned known_threads() const noexcept { return static_cast<unsigned>(family_.size()) + 1; }
  /// Whether this thread has ended and the running one has joined it, or one that had.
  [[nodiscard]] bool inherits(unsigned from) const noexcept;

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
  uint128 take_freed(std::uint32_t l);
  void give_freed(std::uint32_t l, uint128 what) {
    act();
    write({l, release}, what, false, initial);
  }

  // ---- Waiting to be notified: see notifications.hpp -----------------------------------------------------------------------------

  /// The running thread has found by its last load, of this location, that it is to wait. Returns when a notification has woken it, which
  /// is to be followed by a load that says so.
  void sleep(std::uint32_t l);
  /// Wakes threads that sleep, or one of them.
  void notify(std::uint32_t l, bool one, const place& where);
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
  void pause(const void* frame);
  [[nodiscard]] bool waits_in_loop() const noexcept;
  /// Whether the run, which left threads waiting, can never go on: all that they wait for has its last value, and nothing wakes those that
  /// sleep.
  [[nodiscard]] bool stuck() const noexcept;

  /// Starts another thread. Its number is the same in every run.
  unsigned spawn(void (*function)(void*), void* argument);
  void join(unsigned child);
  /// This thread never goes on in this graph, unless one of its loads comes to read another store.
  [[noreturn]] void block();
  /// Ends the run at once, on whatever thread.
  [[noreturn]] void stop(outcome why);

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
  // Serves this thread's next recorded event, a fence or a turn.
  void serve(kind expected) {
    const stamp s = mine_->next;
    const event& e = graph_.get(s);
    if (e.kind != expected) stop(outcome::diverged);
    mine_->next = e.next;
    arrive_at_fence(s);
    --left_;
  }
  void strengthen(access& a) const noexcept {
    if (sequential_) a.order = a.failure = seq_cst;
  }

  // ---- Scheduling: scheduling.hpp ----------------------------------------------------------------------------------------------------

  void take_item();
  void start(unsigned number, void (*function)(void*), void* argument);
  void finish();
  void park(waiting why);
  void wake(stamp store) noexcept;
  void wakes(unsigned sleeper, waiting from) noexcept {
    those(from) &= ~(1U << sleeper);
    those(waiting::nothing) |= 1U << sleeper;
  }
  void go_on(fiber& from);
  unsigned& those(waiting why) noexcept { return waiting_[static_cast<unsigned>(why)]; }
  [[nodiscard]] unsigned those_that_wait(waiting why) const noexcept { return waiting_[static_cast<unsigned>(why)]; }
  static unsigned lowest(unsigned set) noexcept { return static_cast<unsigned>(__builtin_ctz(set)); }
  unsigned end(outcome how) noexcept {
    ended_ = true;
    result_ = how;
    return max_threads;
  }
  unsigned choose();
  [[nodiscard]] unsigned those_woken() const noexcept;
  unsigned number_of(unsigned parent, unsigned nth);

  // ---- A run as text: replaying.hpp --------------------------------------------------------------------------------------------------

  [[nodiscard]] std::uint16_t arrived_behind(std::uint32_t l, std::size_t position, std::size_t n) const noexcept;
  [[nodiscard]] std::uint16_t left_behind(const event& load, std::size_t n) const noexcept;

  // ---- Loops that pause: loops.hpp ---------------------------------------------------------------------------------------------------

  void serve_iteration(const void* frame);
  [[nodiscard]] bool goes_round() const noexcept;
  void go_round(const void* frame);
  void ended_with_effect(const void* frame);
  [[nodiscard]] std::uint64_t hash_of_memory() const noexcept;
  void note_iteration(const void* frame);
  bool comes_again();
  [[nodiscard]] bool none_is_released() const noexcept;
  [[noreturn]] void did_something();
  // (Of a turn, for a search: whether the trial has shown that the thread does something, or it has waited for a change.)
  static constexpr unsigned tried_on = 0, woken = 1;
  [[nodiscard]] event turn_event(unsigned why) const noexcept {
    return {why, 0, initial, 0, static_cast<std::uint8_t>(running_), kind::turn, 0, false, false, false};
  }
  [[noreturn]] void wait_for_change();
  [[nodiscard]] bool has_changed(const thread& t) const noexcept;
  [[nodiscard]] bool waits_as_before();

  // ---- Notifications: notifying.hpp --------------------------------------------------------------------------------------------------

  [[nodiscard]] bool wakes_running(stamp one) const noexcept;
  void sleep_chosen(std::uint32_t l);

  // ---- Loads: reading.hpp ------------------------------------------------------------------------------------------------------------

  seen read(const access& a, update f) {
    if (mine_->loop.trying()) return read_in_trial(a, f);
    return mine_->next == initial ? read_anew(a, f) : serve_read(a, f);
  }
  seen read_in_trial(const access& a, update f);
  seen read_anew(const access& a, update f);
  event candidate(const access& a, update f, stamp from, bool latest, uint128& desired);
  [[nodiscard]] std::size_t first_readable(const access& a) const noexcept;
  seen read_chosen(const access& a, update f);
  seen read_next(const access& a, update f);
  void find_ways(const access& a, update f, std::size_t floor);
  event next_way();
  seen serve_read(const access& a, update f);
  seen serve_revisited(const access& a, update f, stamp s, bool succeeds, uint128 desired);
  [[nodiscard]] event load_event(const access& a, update f, stamp from, bool succeeds) const noexcept;
  [[nodiscard]] bool may_fail_for_nothing(std::uint32_t l, unsigned whose) const noexcept;
  void lay_aside_failing();

  // ---- Stores: writing.hpp -----------------------------------------------------------------------------------------------------------

  // A store; an exclusive one is that of a read-modify-write.
  void write(const access& a, uint128 value, bool exclusive, stamp from) {
    if (mine_->next != initial) {
      serve_store(a.location);
    } else {
      write_anew(a, value, exclusive, from);
    }
  }
  void serve_store(std::uint32_t l);
  void write_anew(const access& a, uint128 value, bool exclusive, stamp from);
  [[nodiscard]] coming_store coming(const event& store) const noexcept;
  [[nodiscard]] std::size_t first_place(std::uint32_t l) const noexcept;
  void write_chosen(event& e, stamp from);
  void revisit_in_passing(const access& a, const event& load, uint128 desired);

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
  bool strict_ = false;
  bool waited_ = false;  // in a loop
  repetition repetition_;
  clock cut_;  // of a livelock
  unsigned most_repetitions_ = 0;
  std::uint64_t (*hash_of_memory_)(const void*) = nullptr;
  const void* memory_ = nullptr;
  std::size_t longest_ = 0;  // events of a run so far
  buffer<stamp> arrivals_;
  buffer<event> ways_;  // of the running thread's next event, in a search or where it is shown
  bool notes_alternatives_ = false;
  buffer<stamp> own_events_;
  buffer<replay_text::kin> family_;
  shelf shelf_;
  revisits revisits_{graph_, shelf_};
};

}  // namespace pawl::inline v0::model::detail

#include "explorer/loops.hpp"
#include "explorer/notifying.hpp"
#include "explorer/reading.hpp"
#include "explorer/replaying.hpp"
#include "explorer/scheduling.hpp"
#include "explorer/writing.hpp"
