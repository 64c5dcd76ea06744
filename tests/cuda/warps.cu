// SPDX-License-Identifier: BSL-1.0
// Warp and block algorithms: aggregated additions by full warps, by some lanes and in branches, reductions of warps and of blocks of any
// size, histograms of few and many bins.
#include <vector>

#include <pawl/cuda.hpp>

#include "suite.hpp"

namespace {

namespace groups = cooperative_groups;
using device_wide = pawl::backend::cuda<pawl::scope::device>;
using enum std::memory_order;

__device__ unsigned number() { return blockIdx.x * blockDim.x + threadIdx.x; }

// What thread i adds in round r: the same for all in even rounds.
__device__ unsigned step_of(unsigned i, unsigned round) { return round % 2 == 0 ? 1 : 1 + i * 7 % 5; }

enum class way { full, some, branches, coalesced, tile8, tile32 };

// Each thread's range [found, found + step) is marked: nobody else's may overlap it, and together they cover all that was added.
template <class T, class Scope>
__global__ void adds(findings* to, T* object, unsigned* marks, unsigned* sum, unsigned* wrong, way how, unsigned rounds) {
  const pawl::atomic_ref<T, pawl::backend::cuda<Scope>> ref(*object);
  const unsigned i = number();
  const unsigned lane = i % 32;
  const auto block = groups::this_thread_block();
  for (unsigned round = 0; round < rounds; ++round) {
    const unsigned step = step_of(i, round);
    const T v = static_cast<T>(step);
    const auto order = round % 3 == 0 ? relaxed : round % 3 == 1 ? acq_rel : seq_cst;
    T found{};
    unsigned mask = ~0U;
    if (how == way::full) {
      found = pawl::cuda::fetch_add_aggregated(~0U, ref, v, order);
    } else if (how == way::some) {
      mask = 0x80f0a35aU;
      if (((mask >> lane) & 1U) == 0) continue;
      found = pawl::cuda::fetch_add_aggregated(mask, ref, v, order);
    } else if (how == way::branches) {
      // Both sides of the branch are under way at the same time.
      mask = lane % 3 == 0 ? 0x49249249U : ~0x49249249U;
      if (lane % 3 == 0) {
        found = pawl::cuda::fetch_add_aggregated(mask, ref, v, order);
      } else {
        found = pawl::cuda::fetch_add_aggregated(mask, ref, v, order);
      }
    } else if (how == way::coalesced) {
      if (lane % 4 == 1) continue;
      const auto together = groups::coalesced_threads();
      mask = groups::reduce(together, 1U << lane, groups::bit_or<unsigned>());
      found = pawl::cuda::fetch_add_aggregated(together, ref, v, order);
    } else if (how == way::tile8) {
      mask = 0xffU << (lane / 8 * 8);
      found = pawl::cuda::fetch_add_aggregated(groups::tiled_partition<8>(block), ref, v, order);
    } else {
      found = pawl::cuda::fetch_add_aggregated(groups::tiled_partition<32>(block), ref, v, order);
    }
    // The thread before among those of the mask had its range just below.
    const unsigned below = mask & ((1U << lane) - 1);
    const unsigned before = below == 0 ? lane : 31U - static_cast<unsigned>(__clz(static_cast<int>(below)));
    const T its = __shfl_sync(mask, found, static_cast<int>(before));
    const unsigned its_step = __shfl_sync(mask, step, static_cast<int>(before));
    if (below != 0) check(to, found == its + static_cast<T>(its_step));
    for (unsigned k = 0; k < step; ++k) {
      if (atomicExch(&marks[static_cast<unsigned>(found) + k], 1U) != 0) atomicAdd(wrong, 1U);
    }
    atomicAdd(sum, step);
  }
}
template <class T>
__global__ void added(findings* to, const T* object, const unsigned* marks, const unsigned* sum, const unsigned* wrong) {
  same(to, *object, static_cast<T>(*sum));
  same(to, *wrong, 0U);
  for (unsigned i = 0; i < *sum; ++i) check(to, marks[i] == 1);
}

template <class T, class Scope>
void aggregates(suite& tests, const std::string& name, unsigned blocks, unsigned threads) {
  constexpr const char* names[] = {"full warps", "some lanes", "branches", "coalesced threads", "tiles of 8", "tiles of 32"};
  for (int how = 0; how < 6; ++how) {
    const unsigned rounds = 6;
    T* const object = tests.zeroed<T>(1);
    unsigned* const marks = tests.zeroed<unsigned>(std::size_t{blocks} * threads * rounds * 5);
    unsigned* const counts = tests.zeroed<unsigned>(2);
    tests.test("aggregated " + name + " by " + names[how], [&](findings* to) {
      adds<T, Scope><<<blocks, threads>>>(to, object, marks, counts, counts + 1, static_cast<way>(how), rounds);
      added<<<1, 1>>>(to, object, marks, counts, counts + 1);
    });
  }
}

// Odd lanes of a block's warps write, and add with release; those of its last warp read when all have.
template <class Scope>
__global__ void tells(findings* to, unsigned* object, unsigned* letters) {
  const unsigned mask = 0xaaaaaaaaU;
  const unsigned i = threadIdx.x;
  const unsigned writers = blockDim.x - 32;
  if (i % 2 == 0) return;
  const pawl::atomic_ref<unsigned, pawl::backend::cuda<Scope>> ref(object[blockIdx.x]);
  letters += blockIdx.x * blockDim.x;
  if (i < writers) {
    letters[i] = i * 3 + 1;
    pawl::cuda::fetch_add_aggregated(mask, ref, 1U, release);
  } else {
    while (pawl::cuda::fetch_add_aggregated(mask, ref, 0U, acquire) < writers / 2) device_wide::pause();
    for (unsigned j = 1; j < writers; j += 2) same(to, letters[j], j * 3 + 1);
  }
}

// By shuffles also what has an instruction, as on sm_75.
struct shuffling : pawl::detail::warp {
  template <class T>
  static constexpr bool reduces = false;
};

template <class T>
__device__ T value_of(unsigned i) {
  return static_cast<T>(static_cast<int>(i * 2654435761U >> 20U) - 2048);
}
template <class T>
__global__ void reduces(findings* to) {
  using namespace pawl::detail;
  const unsigned threads = blockDim.x * blockDim.y;
  const unsigned i = threadIdx.x + blockDim.x * threadIdx.y;
  for (unsigned round = 0; round < 2; ++round) {
    T sum = 0, least = value_of<T>(round), most = least;
    for (unsigned j = 0; j < threads; ++j) {
      const T each = value_of<T>(j + round);
      sum = adding{}(sum, each);
      least = each < least ? each : least;
      most = most < each ? each : most;
    }
    const T mine = value_of<T>(i + round);
    same(to, pawl::cuda::block_reduce_add(mine), sum);
    same(to, pawl::cuda::block_reduce_min(mine), least);
    same(to, pawl::cuda::block_reduce_max(mine), most);
  }
  // Of the whole warp and of its branches, where it has all its threads.
  if (i / 32 == threads / 32) return;
  for (const unsigned mask : {~0U, i % 5 < 2 ? 0U : ~0U}) {
    const unsigned mine = __ballot_sync(~0U, mask != 0);
    const unsigned together = mask != 0 ? mine : ~mine;
    T sum = 0, least = value_of<T>(i), most = least;
    for (unsigned lane = 0; lane < 32; ++lane) {
      if (((together >> lane) & 1U) == 0) continue;
      const T each = value_of<T>(i / 32 * 32 + lane);
      sum = adding{}(sum, each);
      least = each < least ? each : least;
      most = most < each ? each : most;
    }
    same(to, pawl::cuda::warp_reduce_add(together, value_of<T>(i)), sum);
    same(to, pawl::cuda::warp_reduce_min(together, value_of<T>(i)), least);
    same(to, pawl::cuda::warp_reduce_max(together, value_of<T>(i)), most);
    same(to, reduce_warp<shuffling, adding>(together, value_of<T>(i)), sum);
    same(to, reduce_warp<shuffling, taking_smaller>(together, value_of<T>(i)), least);
  }
}

__device__ unsigned bin_of(unsigned i, unsigned bins, bool skewed) {
  const unsigned random = i * 2654435761U >> 8U;
  return skewed && random % 8 != 0 ? bins / 2 : random / 8 % bins;
}
template <class T>
__global__ void counts(T* whole, unsigned bins, std::size_t bytes, unsigned values, bool skewed) {
  extern __shared__ unsigned long long memory[];
  const pawl::cuda::privatized_histogram<T> histogram(whole, bins, memory, bytes);
  for (unsigned half = 0; half < 2; ++half) {
    for (unsigned i = number() + half * (values / 2); i < (half + 1) * (values / 2); i += gridDim.x * blockDim.x) {
      histogram.add(bin_of(i, bins, skewed));
    }
    histogram.flush();
  }
}
template <class T>
__global__ void count_plainly(T* wanted, unsigned bins, unsigned values, bool skewed) {
  for (unsigned i = number(); i < values; i += gridDim.x * blockDim.x) atomicAdd(&wanted[bin_of(i, bins, skewed)], T{1});
}
template <class T>
__global__ void compare(findings* to, const T* whole, const T* wanted, unsigned bins) {
  for (unsigned i = number(); i < bins; i += gridDim.x * blockDim.x) same(to, whole[i], wanted[i]);
}

template <class T>
void histograms(suite& tests, const std::string& name, unsigned blocks) {
  for (const unsigned bins : {1U, 7U, 256U, 65536U}) {
    for (const bool skewed : {false, true}) {
      const unsigned values = blocks * 1000;
      const std::size_t bytes = pawl::cuda::privatized_histogram<T>::shared_bytes(bins);
      T* const whole = tests.zeroed<T>(bins);
      T* const wanted = tests.zeroed<T>(bins);
      tests.test("histogram of " + name + " in " + std::to_string(bins) + (skewed ? " skewed" : "") + " bins", [&](findings* to) {
        counts<<<blocks, 96, bytes>>>(whole, bins, bytes, values, skewed);
        count_plainly<<<blocks, 96>>>(wanted, bins, values, skewed);
        compare<<<blocks, 96>>>(to, whole, wanted, bins);
      });
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  const unsigned blocks = count > 1 ? static_cast<unsigned>(std::atoi(arguments[1])) : 4;
  const unsigned threads = count > 2 ? static_cast<unsigned>(std::atoi(arguments[2])) : 64;
  suite tests("warps");
  aggregates<unsigned, pawl::scope::device>(tests, "unsigned", blocks, threads);
  aggregates<double, pawl::scope::device>(tests, "double", blocks, threads);
#if !defined(PAWL_TEST_FEW)
  aggregates<long long, pawl::scope::system>(tests, "long long", blocks, threads);
#endif
  unsigned* const objects = tests.zeroed<unsigned>(blocks);
  unsigned* const letters = tests.zeroed<unsigned>(std::size_t{blocks} * 128);
  tests.test("aggregated additions publish and acquire",
             [&](findings* to) { tells<pawl::scope::device><<<blocks, 128>>>(to, objects, letters); });
  unsigned* const others = tests.zeroed<unsigned>(blocks);
  tests.test("aggregated additions publish and acquire in a block",
             [&](findings* to) { tells<pawl::scope::block><<<blocks, 128>>>(to, others, letters); });
  for (const unsigned size : {1U, 31U, 32U, 33U, 64U, 97U, 200U}) {
    tests.test("reductions of " + std::to_string(size), [&](findings* to) {
      reduces<unsigned><<<2, size>>>(to);
      reduces<int><<<2, size>>>(to);
      reduces<double><<<2, size>>>(to);
      reduces<std::int16_t><<<1, size>>>(to);
      reduces<long long><<<1, dim3(size, 2)>>>(to);
    });
  }
  tests.test("reductions of 1024", [&](findings* to) { reduces<int><<<1, 1024>>>(to); });
  histograms<unsigned>(tests, "unsigned", blocks);
  histograms<unsigned long long>(tests, "unsigned long long", blocks);
  return tests.finish();
}
