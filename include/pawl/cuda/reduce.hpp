// SPDX-License-Identifier: BSL-1.0
// Sums, minima and maxima of the threads of a warp and of a block. Of 32-bit integers and smaller ones, a warp's is one redux.sync from
// sm_80 on; other types, and earlier targets, take shuffles.
#pragma once

#include "../detail/cuda_warp.hpp"

namespace pawl::inline v0 {
namespace detail {

template <class Warp, class Op, class T>
PAWL_DEVICE T reduce_warp(unsigned mask, T value) noexcept {
  if constexpr (Warp::template reduces<T>) {
    return Warp::reduce(Op{}, mask, value);
  } else {
    // By partners in a butterfly, where each thread has one in each round.
    if (mask == every_lane) {
      for (unsigned distance = lanes / 2; distance != 0; distance /= 2) {
        value = Op{}(value, Warp::shuffle(mask, value, Warp::lane() ^ distance));
      }
      return value;
    }
    return Warp::shuffle(mask, scan<Warp, Op>(mask, value), highest(mask));
  }
}

/// What a block's warps hand over to each other, in shared memory. Cell is T, but in tests.
template <class Cell>
struct handed_over {
  Cell of_warp[lanes];
  Cell of_block;
};

template <class Warp, class Block, class Op, class T, class Cell>
PAWL_DEVICE T reduce_block(T value, handed_over<Cell>& shared) noexcept {
  const unsigned rank = Block::rank();
  const unsigned warps = (Block::threads() + lanes - 1) / lanes;
  const unsigned mine = rank / lanes;
  // The last warp may lack threads.
  const unsigned missing = mine + 1 == warps ? warps * lanes - Block::threads() : 0;
  value = reduce_warp<Warp, Op>(every_lane >> missing, value);
  if (warps == 1) return value;

  if (rank % lanes == 0) shared.of_warp[mine] = value;
  // (1) after each warp's result is written, before the first warp reads them
  Block::synchronize();
  if (rank < warps) {
    // warps <= 32, so these threads are one warp's.
    const T all = reduce_warp<Warp, Op>(every_lane >> (lanes - warps), static_cast<T>(shared.of_warp[rank]));
    if (rank == 0) shared.of_block = all;
  }
  // (2) after the block's result is written, before the threads read it. Also after the first warp has read, before a next reduction
  // writes; that one writes the block's result only after its (1), when all have read this one. So two barriers are enough.
  Block::synchronize();
  return shared.of_block;
}

#if defined(__CUDACC__)
/// A block's reduction, each instance with shared memory of its own.
template <class Op, class T>
__device__ T reduce_this_block(T value) noexcept {
  __shared__ handed_over<T> shared;
  return reduce_block<warp, block, Op>(value, shared);
}
#endif

}  // namespace detail

#if defined(__CUDACC__)
namespace cuda {

/// The sum of the values of the threads of `mask`, which each of them gets. `mask` names threads of the caller's warp, the caller among
/// them, which all call this with the same mask. They wait for each other; memory isn't ordered. Throws nothing. Work: one instruction,
/// or up to 11 shuffles. T: an integer, which wraps around, float or double, which is rounded in an order that isn't said.
template <detail::number_in_lane T>
__device__ T warp_reduce_add(unsigned mask, T value) noexcept {
  return detail::reduce_warp<detail::warp, detail::adding>(mask, value);
}
/// The same with the smallest value; as by fetch_min, a NaN is ignored where there is a number, and -0 is smaller than +0.
template <detail::number_in_lane T>
__device__ T warp_reduce_min(unsigned mask, T value) noexcept {
  return detail::reduce_warp<detail::warp, detail::taking_smaller>(mask, value);
}
/// The same with the largest value.
template <detail::number_in_lane T>
__device__ T warp_reduce_max(unsigned mask, T value) noexcept {
  return detail::reduce_warp<detail::warp, detail::taking_larger>(mask, value);
}

/// The sum of the values of all threads of the block, which each of them gets. All call it, as with __syncthreads(); the block may have
/// any number of threads, in one, two or three dimensions. May be called again at once. Memory isn't ordered by it (in a block of one warp
/// there is no barrier in it). Throws nothing. Work: two warp reductions and two barriers. Takes 33 T of static shared memory for each type
/// and operation. T: as for warp_reduce_add.
template <detail::number_in_lane T>
__device__ T block_reduce_add(T value) noexcept {
  return detail::reduce_this_block<detail::adding>(value);
}
/// The same with the smallest value, as by warp_reduce_min.
template <detail::number_in_lane T>
__device__ T block_reduce_min(T value) noexcept {
  return detail::reduce_this_block<detail::taking_smaller>(value);
}
/// The same with the largest value, as by warp_reduce_max.
template <detail::number_in_lane T>
__device__ T block_reduce_max(T value) noexcept {
  return detail::reduce_this_block<detail::taking_larger>(value);
}

}  // namespace cuda
#endif

}  // namespace pawl::inline v0
