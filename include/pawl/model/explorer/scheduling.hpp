// SPDX-License-Identifier: BSL-1.0
// Which of the checked program's threads goes on, and when: they wait for each other, for a recorded store, or for their turn to add an
// event. Threads go on with one another directly; who began the run is back when it ends.
// A part of explorer.hpp.
#pragma once

#include "../explorer.hpp"

namespace pawl::inline v0::model::detail {

inline bool explorer::inherits(unsigned from) const noexcept {
  if (from == running_) return false;
  while (from != running_) {
    if (!threads_[from].joined) return false;
    from = threads_[from].joined_by;
  }
  return true;
}

inline unsigned explorer::spawn(void (*function)(void*), void* argument) {
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

inline void explorer::join(unsigned child) {
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

inline void explorer::block() {
  park(waiting::for_ever);
  __builtin_unreachable();
}

inline void explorer::stop(outcome why) {
  end(why);
  park(waiting::for_ever);
  __builtin_unreachable();
}

inline void explorer::take_item() {
  checked_ = !shelf_.pop(graph_);
  const std::size_t size = graph_.events.size();
  for (unsigned t = 0; t < max_threads; ++t) {
    thread& each = threads_[t];
    each.next = graph_.first[t];
    each.started = each.finished = each.joined = each.sleeping = false;
    each.waits = waiting::nothing;
    each.children = 0;
    each.acts = 0;
    each.loop.begin_run();
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

inline void explorer::start(unsigned number, void (*function)(void*), void* argument) {
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
inline void explorer::finish() {
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
inline void explorer::park(waiting why) {
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
[[gnu::noinline]] inline void explorer::wake(stamp store) noexcept {
  for (unsigned rest = those_that_wait(waiting::store); rest != 0; rest &= rest - 1) {
    if (threads_[lowest(rest)].waits_for == store) wakes(lowest(rest), waiting::store);
  }
}

// Who runs on `from` goes on with whoever may: itself, or another, and comes back here when it may; at the run's end who began it.
inline void explorer::go_on(fiber& from) {
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

// The thread that goes on; max_threads at the run's end.
inline unsigned explorer::choose() {
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
inline unsigned explorer::those_woken() const noexcept {
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
inline unsigned explorer::number_of(unsigned parent, unsigned nth) {
  for (std::size_t i = 0; i < family_.size(); ++i) {
    if (family_[i].parent == parent && family_[i].nth == nth) return static_cast<unsigned>(i) + 1;
  }
  family_.push_back({parent, nth});
  return static_cast<unsigned>(family_.size());
}

}  // namespace pawl::inline v0::model::detail
