// SPDX-License-Identifier: BSL-1.0
// queue<T, R, Backoff>: first in, first out; M. M. Michael and M. L. Scott, "Simple, Fast, and Practical Non-Blocking and Blocking
// Concurrent Queue Algorithms", PODC 1996.
//
// A singly linked list from the oldest node to the newest. The first node is a dummy, whose value is gone: `head_` points to it, the
// oldest element is in its successor, and popping an element makes that successor the dummy. push links a node behind the last one by
// one compare-and-swap, then moves `tail_` to it by another; between the two, `tail_` lags, and whoever meets it so helps it on.
//
// Invariants: the list from head_ on is never broken; head_ never overtakes tail_; only a last node's next is null, and it changes once.
//
// | progress       | lock-free: an operation starts again only because another one succeeded
// | a stalled thread | holds back nobody, also between its two steps; with hazard_pointers<> it keeps two nodes from being freed, with
// |                | epochs<> all that is retired meanwhile
// | order          | what happened before a push happens before what follows the pop that returns its element
// | memory         | one node per element and one more, and what R holds back (see there)
#pragma once

#include <cstddef>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

#include "backoff.hpp"
#include "detail/several.hpp"
#include "hazard_pointer.hpp"
#include "tagged_pool.hpp"

PAWL_HOST_DEVICE_BEGIN

namespace pawl::inline v0 {

/// An unbounded queue for any number of producers and consumers. (Bounded over a fixed tagged_pool.)
///
/// T is destructible without an exception, and move constructible for try_pop; trivially copyable over a tagged_pool. R is
/// hazard_pointers<B, Alloc>, epochs<B, Alloc> or tagged_pool<B, Alloc>. Every member but the constructors and the destructor may be
/// called by any number of threads at once. A thread's first operation may throw std::bad_alloc, before any effect.
template <class T, is_reclaimer R = hazard_pointers<>, class Backoff = default_backoff>
class queue {
  static_assert(std::is_object_v<T> && !std::is_array_v<T> && !std::is_const_v<T>, "queue<T>: T must be an object type, not const");
  static_assert(std::is_nothrow_destructible_v<T>, "queue<T>: T's destructor must not throw");
  using backend = typename R::backend_type;
  using link = typename R::template link<T>;

 public:
  using value_type = T;
  using reclaimer_type = R;

  /// Over the process's domain, or over a pool of its own. May throw std::bad_alloc.
  PAWL_HOST_DEVICE queue() { make_dummy(); }
  /// Over a domain that outlives the queue. Throws std::invalid_argument where a pool's nodes are too small for a T, or where it is
  /// fixed and has max_queues queues already.
  PAWL_HOST_DEVICE explicit queue(R& domain) : domain_(domain) { make_dummy(); }
  queue(const queue&) = delete;
  queue& operator=(const queue&) = delete;
  /// Destroys what is left. No other thread uses the queue any more.
  PAWL_HOST_DEVICE ~queue() {
    auto op = domain_.enter_last();
    const link dummy = head_.load(std::memory_order_relaxed);
    link each = op.get(dummy)->next.load(std::memory_order_relaxed);
    while (each) {
      const link next = op.get(each)->next.load(std::memory_order_relaxed);
      op.get(each)->value.destroy();
      op.discard(each);
      each = next;
    }
    op.discard_spare(dummy);
  }

  /// Appends a copy. Lock-free but for the allocation, O(1). Throws std::bad_alloc where there is no memory, or a fixed pool is full,
  /// and what T's constructor throws; then there was no effect. Linearizes where its node is linked.
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE void push(const T& value) { emplace(value); }
  /// As push, with the value moved.
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE void push(T&& value) { emplace(std::move(value)); }
  /// As push, with the element constructed from the arguments.
  template <class... Args>
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE void emplace(Args&&... args) {
    if (!try_emplace(std::forward<Args>(args)...)) detail::fail<std::bad_alloc>();
  }

  /// As push, but false where a fixed pool is full, in the sense of tagged_pool.hpp: then the argument is untouched.
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE bool try_push(const T& value) { return try_emplace(value); }
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE bool try_push(T&& value) { return try_emplace(std::move(value)); }
  /// The same, with the element constructed from the arguments, once there is a node for it.
  template <class... Args>
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE bool try_emplace(Args&&... args) {
    auto op = domain_.template enter<1>();
    detail::unpublished<decltype(op), link> fresh(op, op.create());
    if (!fresh) return false;
    fresh.construct(std::forward<Args>(args)...);
    end_list(op, fresh.link());
    append(op, fresh.link(), fresh.link());
    fresh.published();
    return true;
  }

  /// Appends the elements of a range in their order, in one atomic step. Either all or, where memory ends or a copy throws, none.
  /// Lock-free but for the allocations, O(size of the range).
  template <std::ranges::input_range Range>
  PAWL_HOST_DEVICE void push_range(Range&& range) {
    auto op = domain_.template enter<1>();
    chain<decltype(op)> pushed{op};
    for (auto&& each : range) pushed.add(std::forward<decltype(each)>(each));
    if (pushed.first) append(op, pushed.release(), pushed.last);
  }

  /// Pops the oldest element; nothing where the queue was empty. Lock-free, O(1). Linearizes where head_ moves, or where it finds that
  /// the dummy has no successor. Where T's move constructor throws, the element is gone and the queue is whole.
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE std::optional<T> try_pop() {
    auto op = domain_.template enter<2>();
    popped<decltype(op)> front{op};
    if (!unlink_front(op, front)) return std::nullopt;
    return std::optional<T>(front.take());
  }
  /// As try_pop, by move assignment to `value`, which stays as it was where the queue was empty.
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE bool try_pop(T& value) {
    auto op = domain_.template enter<2>();
    popped<decltype(op)> front{op};
    if (!unlink_front(op, front)) return false;
    value = front.take();
    return true;
  }

  /// Pops everything in one atomic step and writes it to `out`, first in first out; returns the end of what was written. Where writing
  /// throws, the elements not yet written are destroyed. Lock-free, O(elements).
  template <class OutputIterator>
  PAWL_HOST_DEVICE OutputIterator pop_all(OutputIterator out) {
    auto op = domain_.template enter<2>();
    detached<decltype(op)> all{op};
    unlink_all(op, all);
    while (!all.empty()) {
      popped<decltype(op)> front{op};
      all.next(front);
      *out = front.take();
      ++out;
    }
    return out;
  }

  /// True where there was no element at some instant during the call. Lock-free, O(1). May throw std::bad_alloc at a thread's first use.
  [[nodiscard]] PAWL_HOST_DEVICE bool empty() const {
    auto op = domain_.template enter<1>();
    const link head = op.protect(0, head_);
    // relaxed: not followed. The terminator of head's own life: the dummy was the last node. All else: it had a successor, or has been
    // popped since, which took one.
    return op.get(head)->next.load(std::memory_order_relaxed) == head.terminator();
  }

 private:
  friend class detail::several<queue>;

  // Where a node may be reused while it is read, its value is copied before the step that makes it ours, and is a T only after it.
  struct nothing {};
  template <bool Needed, class Value>
  struct copied {
    using type = nothing;
  };
  template <class Value>
  struct copied<true, Value> {
    using type = typename Value::raw_copy;
  };
  using early_copy = typename copied<R::reads_may_tear, decltype(std::declval<typename R::template node<T>&>().value)>::type;

  // Nodes linked to one another and not published yet.
  template <class Op>
  struct chain {
    Op& op;
    link first{};
    link last{};

    PAWL_HOST_DEVICE explicit chain(Op& its_op) noexcept : op(its_op) {}
    chain(const chain&) = delete;
    chain& operator=(const chain&) = delete;
    PAWL_HOST_DEVICE ~chain() {
      while (first) {
        const link next = op.get(first)->next.load(std::memory_order_relaxed);
        op.get(first)->value.destroy();
        op.discard(first);
        first = next;
      }
    }
    template <class Value>
    PAWL_HOST_DEVICE void add(Value&& value) {
      detail::unpublished<Op, link> fresh(op, op.create());
      if (!fresh) detail::fail<std::bad_alloc>();
      fresh.construct(std::forward<Value>(value));
      end_list(op, fresh.link());
      if (first) {
        link_behind(op, last, fresh.link());
      } else {
        first = fresh.link();
      }
      last = fresh.link();
      fresh.published();
    }
    PAWL_HOST_DEVICE link release() noexcept { return std::exchange(first, link{}); }
  };

  // An element that this thread popped: `dummy` goes to the reclaimer, the element's node is the queue's dummy now.
  template <class Op>
  struct popped {
    Op& op;
    link dummy{};
    link element{};
    [[no_unique_address]] early_copy copy;

    PAWL_HOST_DEVICE explicit popped(Op& its_op) noexcept : op(its_op) {}
    popped(const popped&) = delete;
    popped& operator=(const popped&) = delete;
    PAWL_HOST_DEVICE ~popped() {
      if (dummy) op.retire(dummy);
    }
    PAWL_HOST_DEVICE T take() {
      if constexpr (R::reads_may_tear) {
        return copy.value();
      } else {
        return op.get(element)->value.take();
      }
    }
  };

  // All elements, from the one behind `dummy` to `last`, whose node is the queue's dummy now.
  template <class Op>
  struct detached {
    Op& op;
    link dummy{};
    link last{};
    [[no_unique_address]] early_copy last_copy;

    PAWL_HOST_DEVICE explicit detached(Op& its_op) noexcept : op(its_op) {}
    detached(const detached&) = delete;
    detached& operator=(const detached&) = delete;
    PAWL_HOST_DEVICE ~detached() {
      while (!empty()) {
        popped<Op> front(op);
        next(front);
        if constexpr (!R::reads_may_tear) op.get(front.element)->value.destroy();
      }
    }
    [[nodiscard]] PAWL_HOST_DEVICE bool empty() const noexcept { return dummy.same_node(last); }
    PAWL_HOST_DEVICE void next(popped<Op>& front) noexcept {
      front.dummy = dummy;
      // relaxed: tail_ was acquired behind it. Each step of tail_ was a read-modify-write with release, by who had made or acquired the
      // nodes that it passed, so they came with it.
      front.element = op.get(dummy)->next.load(std::memory_order_relaxed);
      if constexpr (R::reads_may_tear) {
        // All nodes before the last are ours alone.
        front.copy = front.element.same_node(last) ? last_copy : op.get(front.element)->value.copy();
      }
      dummy = front.element;
    }
  };

  PAWL_HOST_DEVICE void make_dummy() {
    auto op = domain_.template enter<0>();
    const link dummy = op.create_spare();
    end_list(op, dummy);
    // relaxed: no other thread knows the queue yet
    head_.store(dummy, std::memory_order_relaxed);
    tail_.store(dummy, std::memory_order_relaxed);
  }

  // Makes a node the last of a list.
  template <class Op>
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE static void end_list(Op& op, link last) noexcept {
    // Published by (1). release over a pool: a reader that was stalled in an earlier life of the node and meets this one's end then finds
    // that head_ or tail_ has moved on. Relaxed, it could look at old values again and again.
    op.get(last)->next.store(last.terminator(), R::reads_may_tear ? std::memory_order_release : std::memory_order_relaxed);
  }

  // Links a node that no other thread knows yet to the one that is to come behind it.
  template <class Op>
  PAWL_HOST_DEVICE static void link_behind(Op& op, link node, link after) noexcept {
    // (2) release: over a pool, a reader stalled in an earlier life of `node` may come by here, and look at what this thread made
    op.get(node)->next.store(after, std::memory_order_release);
  }

  // Links the nodes from `first` to `last` behind the last one.
  template <class Op>
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE void append(Op& op, link first, link last) noexcept {
    Backoff backoff;
    for (;;) {
      // acquire, in protect: pairs with the releases on tail_ below, so that the node is constructed when we look at its next
      link tail = op.protect(0, tail_);
      auto& behind = op.get(tail)->next;
      // (3) acquire: pairs with (1) where we help: tail_ then passes it on
      link next = behind.load(std::memory_order_acquire);
      if (next != tail.terminator()) {
        // Another push is between its two steps: do the second for it. (Or, over a pool, this is a later life of the node. Then tail_
        // names its earlier life no more, and never will again: the step was somebody's, and a read-modify-write is nobody else's, too.
        // That this thread's step, for which it needs `next`, was the one that began the later life would be a circle.)
        if (next) help_tail(tail, next);
        continue;
      }
      // (1) release: publishes the nodes to every acquire of next
      if (behind.compare_exchange_weak(next, first, std::memory_order_release, std::memory_order_relaxed)) {
        // release: publishes the nodes to the next push. Where this fails, another thread has helped.
        tail_.compare_exchange_strong(tail, last, std::memory_order_release, std::memory_order_relaxed);
        return;
      }
      backoff(backend{});
    }
  }

  // Helps a lagging tail_ before head_ may pass: a node that tail_ names must not be retired.
  PAWL_HOST_DEVICE void help_tail(link tail, link next) noexcept {
    // release: passes on what the acquire of next brought
    tail_.compare_exchange_strong(tail, next, std::memory_order_release, std::memory_order_relaxed);
  }

  template <class Op>
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE bool unlink_front(Op& op, popped<Op>& front) noexcept {
    return unlink_front(op, front.dummy, &front.element, 1, front.copy) != 0;
  }
  // Moves head_ on by up to `most` elements at once; says how many. Their nodes are in `elements`, the oldest first: the last of them is
  // the queue's dummy now, its value is in `last_copy` where readers must copy, and `dummy` is the one that was. (More than one, only over
  // a pool.)
  template <class Op>
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE std::size_t unlink_front(Op& op, link& dummy, link* elements, std::size_t most,
                                                               early_copy& last_copy) noexcept {
    Backoff backoff;
    for (;;) {
      // acquire, in protect: pairs with (5). So tail_, read below, is at least what the thread saw that moved head_ here: not behind it.
      link head = op.protect(0, head_);
      const std::size_t count = follow(op, head, elements, most);
      if (count == 0) return 0;
      if (count > most) continue;
      const link last = elements[count - 1];
      if constexpr (R::reads_may_tear) last_copy = op.get(last)->value.copy();
      // (5) release: what we read so far, the copy above too, comes before whatever the thread does that acquires this and retires
      // `last`. Without it the copy could be of the node's following life.
      if (head_.compare_exchange_weak(head, last, std::memory_order_release, std::memory_order_relaxed)) {
        dummy = head;
        return count;
      }
      backoff(backend{});
    }
  }
  // Notes up to `most` elements behind `head`, the dummy, and sees to it that tail_ is not before the last of them. Says how many; more
  // than `most` where head is the dummy no more. Fewer: the last one noted was the queue's last at some instant.
  template <class Op>
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE std::size_t follow(Op& op, link head, link* elements, std::size_t most) noexcept {
    // relaxed: only compared
    link tail = tail_.load(std::memory_order_relaxed);
    link last = head;
    for (std::size_t count = 0; count < most; ++count) {
      // acquire, in protect: pairs with (1), for the element's fields, and over a pool also with (2)
      const link next = op.protect(1, op.get(last)->next);
      if constexpr (!R::reads_may_tear) {
        // (4) relaxed: protect's fence has ordered this after our claim on `next`: if head_ is as it was, next was not yet retired.
        if (head_.load(std::memory_order_relaxed) != head) return most + 1;
      }
      // The terminator of last's own life: at that moment it was the last node. (Where it is head, the dummy: the queue was empty.)
      if (next == last.terminator()) return count;
      if constexpr (R::reads_may_tear) {
        // Of a later life. (A map marks what is in its nodes. To follow it would do no harm, but break what at() asserts.)
        if (!next || next.marked()) return most + 1;
      }
      if (tail == last) {
        help_tail(tail, next);
        tail = tail_.load(std::memory_order_relaxed);
      }
      elements[count] = next;
      last = next;
    }
    return most;
  }

  // Moves head_ to the last node at once.
  template <class Op>
  PAWL_HOST_DEVICE void unlink_all(Op& op, detached<Op>& all) noexcept {
    Backoff backoff;
    for (;;) {
      link head = op.protect(0, head_);
      // relaxed: only compared
      const link next = op.get(head)->next.load(std::memory_order_relaxed);
      // acquire, in protect: pairs with the releases on tail_, for all that is linked up to there
      const link last = op.protect(1, tail_);
      // acquire: as (3)
      const link behind = op.get(last)->next.load(std::memory_order_acquire);
      if constexpr (!R::reads_may_tear) {
        if (head_.load(std::memory_order_relaxed) != head) continue;  // as (4)
      }
      if (next == head.terminator()) return;
      if (behind != last.terminator()) {
        // tail_ lags. All that a completed push_range has linked is ours, so we don't stop in the midst of it.
        if (behind) help_tail(last, behind);  // none: as in append
        continue;
      }
      if constexpr (R::reads_may_tear) all.last_copy = op.get(last)->value.copy();
      // release: as (5). While head_ is as it was, `last` is in the list; afterwards it is the dummy, kept by our protection.
      if (head_.compare_exchange_weak(head, last, std::memory_order_release, std::memory_order_relaxed)) {
        all.dummy = head;
        all.last = last;
        return;
      }
      backoff(backend{});
    }
  }

  // The steps of several's push and pop; see there.
  template <class Op>
  PAWL_HOST_DEVICE static void link_several(Op& op, link node, link after) noexcept {
    link_behind(op, node, after);
  }
  template <class Op>
  PAWL_HOST_DEVICE void push_several(Op& op, link first, link last) noexcept {
    end_list(op, last);
    append(op, first, last);
  }
  template <class Op>
  PAWL_HOST_DEVICE std::size_t pop_several(Op& op, link* nodes, std::size_t most) noexcept {
    link dummy;
    early_copy last_copy;
    const std::size_t count = unlink_front(op, dummy, nodes, most, last_copy);
    if (count != 0) {
      // All nodes before the last are ours alone, the former dummy, too, which takes the last value.
      op.get(dummy)->value.construct(last_copy.value());
      nodes[count - 1] = dummy;
    }
    return count;
  }

  detail::domain_handle<R, T> domain_;
  alignas(cache_line) atomic<link, backend> head_{};
  alignas(cache_line) atomic<link, backend> tail_{};
};

}  // namespace pawl::inline v0

PAWL_HOST_DEVICE_END
