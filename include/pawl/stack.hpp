// SPDX-License-Identifier: BSL-1.0
// stack<T, R, Backoff>: last in, first out; R. K. Treiber's, "Systems Programming: Coping with Parallelism", IBM RJ 5118, 1986.
//
// The elements are nodes in a singly linked list. push swings `head_` to a new node that points to the old head, pop swings it to the
// head's successor, each by one compare-and-swap.
//
// Invariant: a node that can be reached from `head_` never changes; it is reachable from the compare-and-swap that pushes it to the one
// that pops it, and belongs to one thread before and after.
//
// The danger is a pop that read head and successor and is then late: head may have been popped, and pushed again with another successor
// (ABA). The reclaimer R excludes it: hazard_pointers<> and epochs<> keep the head from coming back while the pop protects it; a link of a
// tagged_pool<> names one life of a node, in which its successor never changes, so the late compare-and-swap fails or is right.
//
// | progress       | lock-free: an operation starts again only because another one succeeded
// | a stalled thread | holds back nobody; with hazard_pointers<> it keeps one node from being freed, with epochs<> all that is retired
// |                | meanwhile
// | order          | what happened before a push happens before what follows the pop that returns its element
// | memory         | one node per element, and what R holds back (see there)
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

/// An unbounded stack for any number of threads. (Bounded over a fixed tagged_pool.)
///
/// T is destructible without an exception, and move constructible for try_pop; trivially copyable over a tagged_pool. R is
/// hazard_pointers<B, Alloc>, epochs<B, Alloc> or tagged_pool<B, Alloc>. Every member but the constructors and the destructor may be
/// called by any number of threads at once. A thread's first operation may throw std::bad_alloc, before any effect.
template <class T, is_reclaimer R = hazard_pointers<>, class Backoff = default_backoff>
class stack {
  static_assert(std::is_object_v<T> && !std::is_array_v<T> && !std::is_const_v<T>, "stack<T>: T must be an object type, not const");
  static_assert(std::is_nothrow_destructible_v<T>, "stack<T>: T's destructor must not throw");
  using backend = typename R::backend_type;
  using link = typename R::template link<T>;

 public:
  using value_type = T;
  using reclaimer_type = R;

  /// Over the process's domain, or over a pool of its own. May throw std::bad_alloc.
  stack() = default;
  /// Over a domain that outlives the stack. Throws std::invalid_argument where a pool's nodes are too small for a T.
  PAWL_HOST_DEVICE explicit stack(R& domain) : domain_(domain) {}
  stack(const stack&) = delete;
  stack& operator=(const stack&) = delete;
  /// Destroys what is left. No other thread uses the stack any more.
  PAWL_HOST_DEVICE ~stack() {
    auto op = domain_.enter_last();
    link each = head_.load(std::memory_order_relaxed);
    while (each) {
      const link next = op.get(each)->below().load(std::memory_order_relaxed);
      op.get(each)->value.destroy();
      op.discard(each);
      each = next;
    }
  }

  /// Pushes a copy. Lock-free but for the allocation, O(1). Throws std::bad_alloc where there is no memory, or a fixed pool is full,
  /// and what T's constructor throws; then there was no effect. Linearizes at its compare-and-swap.
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
    auto op = domain_.template enter<0>();
    detail::unpublished<decltype(op), link> fresh(op, op.create());
    if (!fresh) return false;
    fresh.construct(std::forward<Args>(args)...);
    publish(op, fresh.link(), fresh.link());
    fresh.published();
    return true;
  }

  /// Pushes the elements of a range as if one by one, in one atomic step: the last of the range is popped first. Either all or, where
  /// memory ends or a copy throws, none. Lock-free but for the allocations, O(size of the range).
  template <std::ranges::input_range Range>
  PAWL_HOST_DEVICE void push_range(Range&& range) {
    auto op = domain_.template enter<0>();
    chain<decltype(op)> pushed{op};
    for (auto&& each : range) pushed.add(std::forward<decltype(each)>(each));
    if (pushed.first) publish(op, pushed.release(), pushed.last);
  }

  /// Pops the newest element; nothing where the stack was empty. Lock-free, O(1). Linearizes at its compare-and-swap, or where it reads
  /// an empty head. Where T's move constructor throws, the element is gone and the stack is whole.
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE std::optional<T> try_pop() {
    auto op = domain_.template enter<1>();
    popped<decltype(op)> top{op, {}};
    if (unlink_top(op, &top.node, 1) == 0) return std::nullopt;
    return std::optional<T>(op.get(top.node)->value.take());
  }
  /// As try_pop, by move assignment to `value`, which stays as it was where the stack was empty.
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE bool try_pop(T& value) {
    auto op = domain_.template enter<1>();
    popped<decltype(op)> top{op, {}};
    if (unlink_top(op, &top.node, 1) == 0) return false;
    value = op.get(top.node)->value.take();
    return true;
  }

  /// Pops everything in one atomic step and writes it to `out`, last in first out; returns the end of what was written. Where writing
  /// throws, the elements not yet written are destroyed. Lock-free, O(elements).
  template <class OutputIterator>
  PAWL_HOST_DEVICE OutputIterator pop_all(OutputIterator out) {
    auto op = domain_.template enter<0>();
    detached<decltype(op)> all{op, detach()};
    while (all.first) {
      const popped<decltype(op)> top{op, all.next()};
      *out = op.get(top.node)->value.take();
      ++out;
    }
    return out;
  }

  /// True where there was no element at some instant during the call. Wait-free, O(1).
  [[nodiscard]] PAWL_HOST_DEVICE bool empty() const noexcept {
    // relaxed: the answer is about head_ alone, and old when it arrives
    return !head_.load(std::memory_order_relaxed);
  }

 private:
  friend class detail::several<stack>;

  // Nodes linked to one another and not published yet.
  template <class Op>
  struct chain {
    Op& op;
    link first{};  // the newest
    link last{};  // the one that will point to the old head

    PAWL_HOST_DEVICE explicit chain(Op& its_op) noexcept : op(its_op) {}
    chain(const chain&) = delete;
    chain& operator=(const chain&) = delete;
    PAWL_HOST_DEVICE ~chain() {
      while (first) {
        const link next = first == last ? link{} : op.get(first)->below().load(std::memory_order_relaxed);
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
      put_below(op, first, fresh.link());
      first = fresh.link();
      if (!last) last = first;
      fresh.published();
    }
    PAWL_HOST_DEVICE link release() noexcept { return std::exchange(first, link{}); }
  };

  // A node that this thread unlinked: handed to the reclaimer when its value is out.
  template <class Op>
  struct popped {
    Op& op;
    link node;
    PAWL_HOST_DEVICE ~popped() {
      if (node) op.retire(node);
    }
  };

  // All nodes, unlinked at once.
  template <class Op>
  struct detached {
    Op& op;
    link first;
    PAWL_HOST_DEVICE ~detached() {
      while (first) {
        const popped<Op> top{op, next()};
        op.get(top.node)->value.destroy();
      }
    }
    PAWL_HOST_DEVICE link next() noexcept { return std::exchange(first, op.get(first)->below().load(std::memory_order_relaxed)); }
  };

  // Links `node`, which no other thread knows yet, to what is to lie below it.
  template <class Op>
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE static void put_below(Op& op, link below, link node) noexcept {
    // Published by (1). release over a pool: pairs with the acquire in follow_top, by who is late in an earlier life of the node, and
    // then finds that head_ has changed
    op.get(node)->below().store(below, R::reads_may_tear ? std::memory_order_release : std::memory_order_relaxed);
  }

  // Links the chain from `first` to `last` before the head.
  template <class Op>
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE void publish(Op& op, link first, link last) noexcept {
    Backoff backoff;
    // relaxed: we follow no link of it
    link head = head_.load(std::memory_order_relaxed);
    for (;;) {
      put_below(op, head, last);
      // (1) release: publishes the nodes to (2) and (3), with what this thread did before
      if (head_.compare_exchange_weak(head, first, std::memory_order_release, std::memory_order_relaxed)) return;
      backoff(backend{});
    }
  }

  // Up to `most` nodes from the top by one compare-and-swap, the topmost first; how many. (Of more than one, only over a fixed pool.)
  template <class Op>
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE std::size_t unlink_top(Op& op, link* top, std::size_t most) noexcept {
    Backoff backoff;
    for (;;) {
      // (2) acquire, in protect: pairs with (1), so that the node's fields were written before we read them. Also where head_ was last
      // written by a pop: that is a read-modify-write, and carries on the release of every push below it.
      link head = op.protect(0, head_);
      if (!head) return 0;
      std::size_t count = 1;
      link next;
      if (most == 1) {
        // relaxed: the successor's fields are read by nobody before they come to the top, by (2) again
        next = op.get(head)->below().load(std::memory_order_relaxed);
      } else if constexpr (R::reads_may_tear) {
        top[0] = head;
        count = detail::follow_top(head_, top, most, next, [&op](link l) -> auto& { return op.get(l)->below(); });
      }
      // relaxed: (2) has acquired what this reads, and it publishes nothing new
      if (count != 0 && head_.compare_exchange_weak(head, next, std::memory_order_relaxed, std::memory_order_relaxed)) {
        top[0] = head;
        return count;
      }
      backoff(backend{});
    }
  }

  PAWL_HOST_DEVICE link detach() noexcept {
    // (3) acquire: pairs with (1)
    return head_.exchange(link{}, std::memory_order_acquire);
  }

  // The steps of several's push and pop; see there. The first node pushed comes to lie lowest.
  template <class Op>
  PAWL_HOST_DEVICE static void link_several(Op& op, link node, link after) noexcept {
    put_below(op, node, after);
  }
  template <class Op>
  PAWL_HOST_DEVICE void push_several(Op& op, link first, link last) noexcept {
    publish(op, last, first);
  }
  template <class Op>
  PAWL_HOST_DEVICE std::size_t pop_several(Op& op, link* nodes, std::size_t most) noexcept {
    return unlink_top(op, nodes, most);
  }

  detail::domain_handle<R, T> domain_;
  alignas(cache_line) atomic<link, backend> head_{};
};

}  // namespace pawl::inline v0

PAWL_HOST_DEVICE_END
