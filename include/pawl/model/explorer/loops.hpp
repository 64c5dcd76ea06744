// SPDX-License-Identifier: BSL-1.0
// Loops that pause: those that only wait (waiting_loop.hpp) and those with effects (repetition.hpp).
// A part of explorer.hpp.
#pragma once

#include "../explorer.hpp"

namespace pawl::inline v0::model::detail {

inline void explorer::pause(const void* frame) {
  thread& mine = *mine_;
  if (!mine.loop.trying() && mine.next != initial) return serve_iteration(frame);
  if (!mine.loop.trying()) {
    chooser_.yield(running_);
    const bool keeps_on = goes_round() && !mine.loop.left_as_before(frame, mine.stack.top());
    if (mine.loop.has_effect() && !mine.loop.reads_at_last()) return ended_with_effect(frame);
    // (A search gives way at the next event. That there is one, and not a wait, is known only after the trial.)
    park(chooser_.searches() && !keeps_on ? waiting::served : waiting::turn);
    if (keeps_on || chooser_.turns()) return go_round(frame);
  }
  switch (mine.loop.ended(frame, mine.stack.top(), hash_of_memory())) {
    case waiting_loop::verdict::tries:
      return;
    case waiting_loop::verdict::waits:
      waited_ = true;
      if (chooser_.chooses() && chooser_.how != chooser::way::script) wait_for_change();
      block();
    case waiting_loop::verdict::did_something:
      did_something();
  }
}

// Whether iterations are part of the graph: in the strict way, and where an execution is drawn, which is to show what waiting leads to.
inline bool explorer::goes_round() const noexcept { return chooser_.chooses() ? chooser_.samples() : strict_; }

// The thread went on, as the records show: with a turn where the iteration was tried, or explored strictly.
inline void explorer::serve_iteration(const void* frame) {
  thread& mine = *mine_;
  if (goes_round()) mine.loop.left_as_before(frame, mine.stack.top());
  const bool turns = graph_.get(mine.next).kind == kind::turn;
  if (turns) serve(kind::turn);
  if (turns && mine.loop.has_effect() && mine.next == initial) return ended_with_effect(frame);
  if (!turns || mine.loop.has_effect()) note_iteration(frame);
  mine.loop.begin();
}

inline void explorer::go_round(const void* frame) {
  arrive_at_fence(graph_.append(turn_event(tried_on)));
  if (mine_->loop.has_effect()) return ended_with_effect(frame);
  mine_->loop.begin();
}

inline bool explorer::waits_in_loop() const noexcept {
  for (unsigned t = 0; t < thread_count_; ++t) {
    if (threads_[t].started && threads_[t].waits_in_loop()) return true;
  }
  return false;
}

inline bool explorer::stuck() const noexcept {
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

// An iteration has ended that is none which only waits.
inline void explorer::ended_with_effect(const void* frame) {
  if (!chooser_.chooses() || chooser_.searches()) park(waiting::served);
  note_iteration(frame);
  mine_->loop.begin();
  if (left_ == 0 && checked_ && comes_again()) stop(outcome::livelock);
  if (chooser_.chooses() && !chooser_.searches()) return park(waiting::turn);
  if (most_repetitions_ != 0 && repetition_.times(running_) >= most_repetitions_) park(waiting::bound);
}

inline void explorer::note_iteration(const void* frame) {
  if (frame == nullptr) return;
  const thread& mine = *mine_;
  const auto* const from = static_cast<const std::byte*>(frame);
  iteration_end now{};
  now.local = detail::hash(1, from, static_cast<std::size_t>(mine.stack.top() - from));
  now.iteration = mine.loop.hash_of_reads(now.local);
  if (repetition_.knows(running_, now.local)) now.memory = hash_of_memory();
  now.acts = mine.acts;
  now.time = graph_.threads[running_].now.time[running_];
  repetition_.add(running_, now);
}

// Of what others than the running thread may look at, atomics apart. Not 0.
inline std::uint64_t explorer::hash_of_memory() const noexcept {
  std::uint64_t all = hash_of_memory_ == nullptr ? 1 : hash_of_memory_(memory_);
  for (unsigned t = 0; t < thread_count_; ++t) {
    const thread& other = threads_[t];
    if (!other.started || other.finished || other.waits != waiting::thread) continue;
    const std::byte* const begin = other.stack.suspended_at();
    all = detail::hash(all, begin, static_cast<std::size_t>(other.stack.top() - begin));
  }
  return all == 0 ? 1 : all;
}

// Whether all that are alive have ended an iteration, or wait for what does not come, and can go on as they did.
inline bool explorer::comes_again() {
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
inline bool explorer::none_is_released() const noexcept {
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

// The tried iteration is not one that waits, and the thread can't go back: so the graph is run again, with a note to go on here.
inline void explorer::did_something() {
  lay_aside(turn_event(tried_on));
  stop(outcome::dropped);
}

// Where executions are chosen: the running thread's iteration, which only waited, comes again when another value is there. Then the graph is run again
// with a note to go on, since the trial has left its traces on the thread's stack.
inline void explorer::wait_for_change() {
  if (waits_as_before()) stop(outcome::dropped);
  park(waiting::change);
  chooser_.commit();
  lay_aside(turn_event(woken));
  stop(outcome::dropped);
}

inline bool explorer::has_changed(const thread& t) const noexcept {
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
inline bool explorer::waits_as_before() {
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

}  // namespace pawl::inline v0::model::detail
