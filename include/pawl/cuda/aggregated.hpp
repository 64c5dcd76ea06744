// SPDX-License-Identifier: BSL-1.0
// fetch_add_aggregated: the threads of a warp that add to one object at the same time make one atomic operation instead of up to 32.
//
//   const unsigned slot = pawl::cuda::fetch_add_aggregated(__activemask(), counter, 1U, std::memory_order_relaxed);
//
// After A. Adinets, "CUDA Pro Tip: Optimized Filtering with Warp-Aggregated Atomics", NVIDIA Technical Blog, 2014; there all add 1.
#pragma once

#include <atomic>
#include <concepts>
#include <type_traits>

#include "../atomic.hpp"
#include "../atomic_ref.hpp"
#include "../backend/cuda.hpp"
#include "../detail/cuda_warp.hpp"
#if defined(__CUDACC__)
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#endif

namespace pawl::inline v0 {
namespace detail {

/// `n` times `v`, wrapping around.
template <class D>
PAWL_DEVICE D times(unsigned n, D v) noexcept {
  using word = word_for<D>;
  return static_cast<D>(static_cast<word>(static_cast<word>(v) * static_cast<word>(n)));
}

/// atomic, or atomic_ref, of what can be added to.
template <class Object>
concept added_to = requires(Object& object, typename Object::difference_type v, std::memory_order order) {
  typename Object::backend_type;
  { object.fetch_add(v, order) } noexcept -> std::same_as<typename Object::value_type>;
};

/// One fetch_add by the thread of the highest lane for all threads of `mask`, and for each what its own would have returned.
template <class Warp, class Object>
PAWL_DEVICE typename Object::value_type fetch_add_for_all(unsigned mask, Object& object, typename Object::difference_type v,
                                                          std::memory_order order) noexcept {
  using value = typename Object::value_type;
  using difference = typename Object::difference_type;
  const unsigned lane = Warp::lane();
  const unsigned below = mask & lanes_below(lane);
  // It is the one to know the sum after a scan.
  const unsigned leader = highest(mask);

  difference before{};
  difference sum{};
  bool alike = false;
  if constexpr (std::integral<difference>) alike = Warp::all(mask, v == Warp::shuffle(mask, v, leader));
  if (alike) {
    if constexpr (std::integral<difference>) {
      before = times(count(below), v);
      sum = times(count(mask), v);
    }
  } else {
    sum = scan<Warp, adding>(mask, v);
    // Not sum - v, which isn't the same number in floating point.
    before = Warp::shuffle(mask, sum, below == 0 ? lane : highest(below));
  }

  // The leader's operation stands for that of each thread, so it comes after all that each did before, and before all that each does
  // afterwards. Shuffles and votes don't say so: "these intrinsics do not imply a memory barrier" (CUDA C++ Programming Guide). A
  // bar.warp.sync does: it orders the memory accesses of the threads that take part (PTX ISA). With (1) and (2) the orders are those of
  // a fetch_add by each thread, by transitivity:
  // release: a thread's writes happen before (1), so before the leader's release.
  // acquire: what the leader's acquire has found happened happens before (2), so before a thread's reads.
  // relaxed: a thread that stores to the object before, or loads from it afterwards, finds its own operation between the two.
  // seq_cst: the leader's fence.sc lies after (1), and a thread's next sequentially consistent operation begins with a fence.sc of its
  // own, after (2); so the order of fences is one of all threads' operations.

  // (1) before the leader's fetch_add; without it the leader publishes its own writes only
  Warp::synchronize(mask);
  value first{};
  if (lane == leader) first = object.fetch_add(sum, order);
  // (2) after the leader's fetch_add; without it the leader alone may read what was published to it
  Warp::synchronize(mask);
  first = Warp::shuffle(mask, first, leader);
  // The first thread's result is what was found: -0 + 0 would be another number.
  return below == 0 ? first : arithmetic<value, typename Object::backend_type>::sum(first, before);
}

#if defined(__CUDACC__)

/// A cooperative group within one warp: coalesced_group, thread_block_tile of up to 32 threads.
template <class Group>
concept group_in_warp = requires(const Group& group) {
  group.shfl_up(0U, 1U);
  { group.thread_rank() } -> std::convertible_to<unsigned>;
};

template <class Group>
__device__ unsigned mask_of(const Group& group) {
  const unsigned lane = warp::lane();
  if constexpr (requires { typename std::integral_constant<unsigned, Group::num_threads()>; }) {
    // A tile: as many lanes, one beside the other.
    constexpr unsigned tile = every_lane >> (lanes - Group::num_threads());
    return tile << (lane - static_cast<unsigned>(group.thread_rank()));
  } else {
    return cooperative_groups::reduce(group, 1U << lane, cooperative_groups::bit_or<unsigned>());
  }
}

#endif

}  // namespace detail

#if defined(__CUDACC__)
namespace cuda {

/// Adds v to the object for each thread of `mask`, and returns to each what its own `fetch_add(v, order)` would have. They appear in one
/// step, in ascending order of lanes: nobody sees a value between.
///
/// `mask` names threads of the caller's warp, the caller among them, which all call this with the same mask, object and order; v is each
/// one's own. They may be some threads of a branch; `__activemask()` is a mask of those that are in it together, which need not be all.
///
/// Progress: that of one fetch_add of B, and the threads of `mask` wait for each other. Work: at most 13 shuffles, 2 where all add the
/// same integer. Order: as if each thread had called fetch_add with `order`; and the threads' earlier accesses happen before each other's
/// later ones, as by __syncwarp(mask). Throws nothing. T: an integer, a pointer to objects, float or double. Floating point is rounded
/// when the threads' values are added up, and then when the sum is added, so where results are inexact they may differ from one by one.
template <detail::added_to Object>
__device__ typename Object::value_type fetch_add_aggregated(unsigned mask, Object& object, typename Object::difference_type v,
                                                            std::memory_order order = std::memory_order_seq_cst) noexcept {
  return detail::fetch_add_for_all<detail::warp>(mask, object, v, order);
}
template <class T, class B>
__device__ T fetch_add_aggregated(unsigned mask, const atomic_ref<T, B>& object, typename atomic_ref<T, B>::difference_type v,
                                  std::memory_order order = std::memory_order_seq_cst) noexcept {
  return detail::fetch_add_for_all<detail::warp>(mask, object, v, order);
}

/// The same for all threads of a cooperative group: a coalesced_group, or a thread_block_tile of up to 32 threads.
template <detail::group_in_warp Group, class Object>
__device__ auto fetch_add_aggregated(const Group& group, Object&& object, typename std::remove_cvref_t<Object>::difference_type v,
                                     std::memory_order order = std::memory_order_seq_cst) noexcept {
  return fetch_add_aggregated(detail::mask_of(group), object, v, order);
}

}  // namespace cuda
#endif

}  // namespace pawl::inline v0
