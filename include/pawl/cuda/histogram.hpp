// SPDX-License-Identifier: BSL-1.0
// privatized_histogram: a block counts in shared memory, in several replicas where bins are few, and adds its counts to the whole at the
// end. So few threads meet at a bin, and global memory has one addition for each bin and block instead of one for each value.
//
//   __global__ void count(const int* values, int n, unsigned* bins, std::size_t bytes) {
//     extern __shared__ unsigned memory[];
//     pawl::cuda::privatized_histogram<> histogram(bins, 256, memory, bytes);
//     for (...) histogram.add(values[i] & 255);
//     histogram.flush();
//   }
//   const std::size_t bytes = pawl::cuda::privatized_histogram<>::shared_bytes(256);
//   count<<<blocks, threads, bytes>>>(values, n, bins, bytes);
//
// After J. Gomez-Luna, J. M. Gonzalez-Linares, J. I. Benavides, N. Guil, "An optimized approach to histogram computation on GPU", Machine
// Vision and Applications 24(5), 2013: replicas side by side, a bin's in neighbouring banks, so that the lanes of a warp have a bank each.
#pragma once

#include <cstddef>

#include "../atomic_ref.hpp"
#include "../backend/cuda.hpp"
#include "../detail/cuda_warp.hpp"

namespace pawl::inline v0::cuda {

/// A block's share in a histogram of `bins` bins, as each of its threads has it. T is the type of a count: an integer of 4 or 8 bytes,
/// float or double. B says for whom the whole's bins are atomic. Block is the calling thread's, but in tests.
///
/// Without shared memory for one replica, each addition goes to the whole at once.
template <class T = unsigned, class B = backend::cuda<scope::device>, class Block = detail::block>
class privatized_histogram {
  static_assert(detail::number_in_lane<T> && (sizeof(T) == 4 || sizeof(T) == 8),
                "privatized_histogram<T>: T must be an integer of 4 or 8 bytes, float or double");

 public:
  /// One for each lane of a warp.
  static constexpr unsigned most_replicas = detail::lanes;
  /// What a kernel may have without asking.
  static constexpr std::size_t usual_shared_bytes = std::size_t{48} * 1024;
  /// As far as more replicas are taken: they take room from other blocks. (A guess; not measured.)
  static constexpr std::size_t most_replicated_bytes = std::size_t{16} * 1024;

  /// How much shared memory is worth giving to a block, of at most `most` bytes; 0 where the bins don't fit.
  [[nodiscard]] static constexpr PAWL_HOST_DEVICE std::size_t shared_bytes(unsigned bins,
                                                                           std::size_t most = usual_shared_bytes) noexcept {
    const std::size_t replica = bins * sizeof(T);
    const std::size_t for_more = most < most_replicated_bytes ? most : most_replicated_bytes;
    const unsigned several = replicas_in(for_more, bins);
    return several != 0 ? several * replica : (replica <= most ? replica : 0);
  }

  /// How many replicas a block has in `bytes` of shared memory: a power of two, or 0.
  [[nodiscard]] static constexpr PAWL_HOST_DEVICE unsigned replicas_in(std::size_t bytes, unsigned bins) noexcept {
    const std::size_t replica = bins * sizeof(T);
    if (bins == 0 || replica > bytes) return 0;
    unsigned replicas = 1;
    while (replicas < most_replicas && 2 * replicas * replica <= bytes) replicas *= 2;
    return replicas;
  }

  /// `bins` counts at `whole`, in global memory, to which flush() adds; `bytes` of shared memory, aligned as a T is, which are this
  /// object's until the block's threads have flushed for the last time. All threads of the block call it, with the same arguments, as
  /// with __syncthreads(): there is a barrier in it.
  PAWL_DEVICE privatized_histogram(T* whole, unsigned bins, void* shared, std::size_t bytes) noexcept
      : whole_(whole), shared_(static_cast<T*>(shared)), bins_(bins), replicas_(replicas_in(bytes, bins)) {
    for (unsigned i = Block::rank(); i < bins_ * replicas_; i += Block::threads()) shared_[i] = T{};
    // (1) after the zeros are written, before a thread adds to another's
    if (replicas_ != 0) Block::synchronize();
  }

  /// Adds n to a bin, below `bins`: by one atomic instruction, relaxed. By any thread, at any time.
  PAWL_DEVICE void add(unsigned bin, T n = T{1}) const noexcept {
    if (replicas_ != 0) {
      Block::add(shared_[bin * replicas_ + Block::rank() % replicas_], n);
    } else {
      add_to_whole(bin, n);
    }
  }

  /// Adds the block's counts to the whole, relaxed, and is empty again; what the block has added and not flushed is lost. All threads of
  /// the block call it, as with __syncthreads(). The whole is complete when all blocks have flushed, and seen to be, by the next kernel.
  PAWL_DEVICE void flush() const noexcept {
    if (replicas_ == 0) return;
    // (2) after the block's additions, before they are read and made zero
    Block::synchronize();
    for (unsigned bin = Block::rank(); bin < bins_; bin += Block::threads()) {
      T sum{};
      for (unsigned replica = 0; replica < replicas_; ++replica) {
        T& count = shared_[bin * replicas_ + replica];
        sum = detail::adding{}(sum, count);
        count = T{};
      }
      if (sum != T{}) add_to_whole(bin, sum);
    }
    // (3) after the zeros are written, before a thread adds again
    Block::synchronize();
  }

 private:
  PAWL_DEVICE void add_to_whole(unsigned bin, T n) const noexcept {
    // relaxed: counts order nothing; the end of the kernel publishes them
    atomic_ref<T, B>(whole_[bin]).store_add(n, std::memory_order_relaxed);
  }

  T* whole_;
  T* shared_;
  unsigned bins_;
  unsigned replicas_;
};

}  // namespace pawl::inline v0::cuda
