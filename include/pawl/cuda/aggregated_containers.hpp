// SPDX-License-Identifier: BSL-1.0
// push_aggregated, pop_aggregated: the threads of a warp that push to or pop from one stack or queue at the same time make one
// compare-and-swap instead of up to 32, and one more where they get their nodes from the pool or give them back.
//
//   if (!pawl::cuda::push_aggregated(__activemask(), queue, value)) ...                  // full
//   unsigned value; if (pawl::cuda::pop_aggregated(__activemask(), queue, value)) ...    // else empty
//
// The elements are linked to one another before the push, and taken as one piece of the list by the pop, each node by the thread whose
// element it has. What one thread does for all is the container's own push and pop of several elements: detail/several.hpp.
#pragma once

#include <concepts>
#include <cstdint>

#include "../detail/cuda_warp.hpp"
#include "../detail/several.hpp"
#include "../queue.hpp"
#include "../stack.hpp"
#include "aggregated.hpp"

namespace pawl::inline v0 {
namespace detail {

/// A thread's node, and that of the next thread of the mask.
template <class Link>
struct dealt {
  Link mine;
  Link after;
};

/// Of `count` nodes that the thread in lane `leader` has, one to each thread of `mask` in the order of lanes, as far as they go.
template <class Warp, class Link>
PAWL_DEVICE dealt<Link> deal(unsigned mask, unsigned leader, const Link* nodes, unsigned count) noexcept {
  const unsigned lane = Warp::lane();
  const unsigned rank = detail::count(mask & lanes_below(lane));
  dealt<Link> result{};
  for (unsigned i = 0; i < count; ++i) {
    const std::uint64_t bits = lane == leader ? nodes[i].bits() : 0;
    const Link each = Link::from_bits(Warp::shuffle(mask, bits, leader));
    if (i == rank) result.mine = each;
    if (i == rank + 1) result.after = each;
  }
  return result;
}

// Shuffles order no memory, but a bar.warp.sync does: see fetch_add_for_all. The steps that one thread does for all stand between two of
// them, so that they come after all that each did before, and before all that each does afterwards.

/// One push for all threads of `mask`, in the order of lanes; whether the caller's value was pushed.
template <class Warp, class Container>
PAWL_DEVICE bool push_for_all(unsigned mask, Container& container, const typename Container::value_type& value) {
  using link = typename several<Container>::link;
  several<Container> all(container);
  const unsigned lane = Warp::lane();
  const unsigned leader = highest(mask);

  // (1) before the pool is looked at: without it, it could be full of what a thread has popped before
  Warp::synchronize(mask);
  link nodes[lanes];
  unsigned got = 0;
  if (lane == leader) got = static_cast<unsigned>(all.create(nodes, count(mask)));
  // (2) after the leader has acquired the nodes, before others write to them
  Warp::synchronize(mask);
  got = Warp::shuffle(mask, got, leader);
  if (got == 0) return false;

  const auto [mine, after] = deal<Warp>(mask, leader, nodes, got);
  if (mine) all.construct(mine, value);
  if (after) all.link_to(mine, after);
  // (3) before the leader publishes: without it, it would publish its own value only
  Warp::synchronize(mask);
  if (lane == leader) all.push(nodes[0], nodes[got - 1]);
  // (4) after that: without it, whom another thread tells of its push might not find the element
  Warp::synchronize(mask);
  return static_cast<bool>(mine);
}

/// One pop for all threads of `mask`, in the order of lanes; whether there was an element for the caller, whose value is then in `value`.
template <class Warp, class Container>
PAWL_DEVICE bool pop_for_all(unsigned mask, Container& container, typename Container::value_type& value) {
  using link = typename several<Container>::link;
  several<Container> all(container);
  const unsigned lane = Warp::lane();
  const unsigned leader = highest(mask);

  // (1) before the leader looks: without it, it might not find what a thread has pushed, or was told of
  Warp::synchronize(mask);
  link nodes[lanes];
  unsigned got = 0;
  if (lane == leader) got = static_cast<unsigned>(all.pop(nodes, count(mask)));
  // (2) after the leader has acquired the elements: without it, it alone may read them and what was published with them
  Warp::synchronize(mask);
  got = Warp::shuffle(mask, got, leader);
  if (got == 0) return false;

  const auto [mine, after] = deal<Warp>(mask, leader, nodes, got);
  if (mine) value = all.take(mine);
  if (after) all.link_freed(mine, after);
  // (3) before the nodes go back: without it, another push might overwrite a value that is still being read
  Warp::synchronize(mask);
  if (lane == leader) all.give_back(nodes[0], nodes[got - 1]);
  // (4) after that: without it, a thread's next push might not find the node that it has given back
  Warp::synchronize(mask);
  return static_cast<bool>(mine);
}

/// Has a push and a pop of several elements.
template <class Container>
concept pushed_to = requires(Container& container) {
  typename Container::value_type;
  typename Container::reclaimer_type;
  { container.empty() } -> std::same_as<bool>;
};

}  // namespace detail

#if defined(__CUDACC__)
namespace cuda {

/// Pushes a copy of each thread's value for the threads of `mask`, in one atomic step, in ascending order of lanes: nobody sees a value
/// between, and of a stack the highest lane's is popped first. False for the threads for which the pool had no node, those of the highest
/// lanes; theirs are not pushed, and the others are.
///
/// `container` is a stack or a queue over a fixed tagged_pool. `mask` names threads of the caller's warp, the caller among them, which all
/// call this with the same mask and container. They may be some threads of a branch; `__activemask()` is a mask of those that are in it
/// together, which need not be all.
///
/// Progress: lock-free, and the threads of `mask` wait for each other. Work: a compare-and-swap for the nodes and one for the push (of a
/// queue, one more), where nobody else's comes between; for each thread, two shuffles of 32 bits, and two loads by one thread for all, one
/// after the other. Order: as if each thread had called try_push; and the threads' earlier accesses happen before each other's later ones,
/// as by __syncwarp(mask). Throws nothing. T: trivially copyable, and copied without an exception.
template <detail::pushed_to Container>
__device__ bool push_aggregated(unsigned mask, Container& container, const typename Container::value_type& value) {
  return detail::push_for_all<detail::warp>(mask, container, value);
}
/// The same for all threads of a cooperative group: a coalesced_group, or a thread_block_tile of up to 32 threads.
template <detail::group_in_warp Group, detail::pushed_to Container>
__device__ bool push_aggregated(const Group& group, Container& container, const typename Container::value_type& value) {
  return push_aggregated(detail::mask_of(group), container, value);
}

/// Pops an element for each thread of `mask`, in one atomic step, in ascending order of lanes: the lowest gets the stack's newest or the
/// queue's oldest. False for the threads for which there was none, those of the highest lanes; their `value` stays as it was.
///
/// Container, mask, progress and order are as in push_aggregated, with try_pop(value) in the place of try_push. Work: a compare-and-swap
/// for the pop and one that gives back the nodes, where nobody else's comes between; for each element, two shuffles of 32 bits, and one
/// load (two of a stack) by one thread for all, one after the other.
template <detail::pushed_to Container>
__device__ bool pop_aggregated(unsigned mask, Container& container, typename Container::value_type& value) {
  return detail::pop_for_all<detail::warp>(mask, container, value);
}
/// The same for all threads of a cooperative group: a coalesced_group, or a thread_block_tile of up to 32 threads.
template <detail::group_in_warp Group, detail::pushed_to Container>
__device__ bool pop_aggregated(const Group& group, Container& container, typename Container::value_type& value) {
  return pop_aggregated(detail::mask_of(group), container, value);
}

}  // namespace cuda
#endif

}  // namespace pawl::inline v0
