// SPDX-License-Identifier: BSL-1.0
// The seam of include/pawl/cuda/: what its algorithms ask of the calling thread's warp and block. Each is a template over the two, so tests
// run it on the host, too, with others in their place (tests/unit/warp_lanes.hpp). And what they share: masks of lanes, and the scan.
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include "atomic_value.hpp"
#include "config.hpp"

// For what only kernels may call; nothing without nvcc.
#if defined(__CUDACC__)
#define PAWL_DEVICE __device__
#else
#define PAWL_DEVICE
#endif

namespace pawl::inline v0::detail {

struct warp;
struct block;

// A mask has a bit for each lane of a warp. All threads that it names pass the same one to the same call.
inline constexpr unsigned lanes = 32;
inline constexpr unsigned every_lane = ~0U;

PAWL_DEVICE constexpr unsigned lanes_below(unsigned lane) noexcept { return (1U << lane) - 1; }
PAWL_DEVICE constexpr unsigned count(unsigned mask) noexcept { return static_cast<unsigned>(std::popcount(mask)); }
PAWL_DEVICE constexpr unsigned highest(unsigned mask) noexcept { return lanes - 1 - static_cast<unsigned>(std::countl_zero(mask)); }
// By what carries over the lowest run of lanes. (nvcc 13.0 makes nonsense of std::countr_zero(~0U) in device code.)
PAWL_DEVICE constexpr bool has_gaps(unsigned mask) noexcept {
  const unsigned lowest = mask & (0U - mask);
  return ((mask + lowest) & mask) != 0;
}

template <class T>
concept number_in_lane = integer<T> || std::same_as<T, float> || std::same_as<T, double>;

// What is reduced by. Integers wrap around; of floating point, min and max ignore a NaN and take -0 for smaller than +0, as fetch_min does.
struct adding {
  template <class T>
  PAWL_DEVICE T operator()(T a, T b) const noexcept {
    if constexpr (std::floating_point<T>) {
      return a + b;
    } else {
      return static_cast<T>(static_cast<word_for<T>>(a) + static_cast<word_for<T>>(b));
    }
  }
};
struct taking_smaller {
  template <class T>
  PAWL_DEVICE T operator()(T a, T b) const noexcept {
    if constexpr (std::floating_point<T>) {
      return smaller(a, b);
    } else {
      return b < a ? b : a;
    }
  }
};
struct taking_larger {
  template <class T>
  PAWL_DEVICE T operator()(T a, T b) const noexcept {
    if constexpr (std::floating_point<T>) {
      return larger(a, b);
    } else {
      return a < b ? b : a;
    }
  }
};

/// The values of the threads of `mask` from the lowest lane up to the caller's, combined in this order: Hillis and Steele, "Data Parallel
/// Algorithms", CACM 29(12), 1986. In each round a thread takes over what ends where its own begins, which doubles what it has; in a mask
/// with gaps the place where that is doubles in the same way, by following links (their section on lists).
template <class Warp, class Combine, class T>
PAWL_DEVICE T scan(unsigned mask, T value) noexcept {
  constexpr unsigned none = lanes;
  const unsigned lane = Warp::lane();
  const unsigned below = mask & lanes_below(lane);
  unsigned next = below == 0 ? none : highest(below);
  for (unsigned taken = 1; taken < count(mask); taken *= 2) {
    const unsigned from = next == none ? lane : next;
    const T theirs = Warp::shuffle(mask, value, from);
    if (next != none) value = Combine{}(theirs, value);
    if (has_gaps(mask)) {
      next = Warp::shuffle(mask, next, from);
    } else {
      next = count(below) < 2 * taken ? none : lane - 2 * taken;
    }
  }
  return value;
}

#if defined(__CUDACC__)

struct warp {
  static __device__ unsigned lane() noexcept {
    unsigned lane;
    asm("mov.u32 %0, %%laneid;" : "=r"(lane));
    return lane;
  }
  /// Orders memory, too: what a thread of `mask` accessed before happens before what another accesses after. Nothing else here does.
  static __device__ void synchronize(unsigned mask) noexcept { __syncwarp(mask); }
  static __device__ bool all(unsigned mask, bool holds) noexcept { return __all_sync(mask, holds) != 0; }
  /// The value of the thread in lane `from`, which `mask` has.
  template <class T>
  static __device__ T shuffle(unsigned mask, T value, unsigned from) noexcept {
    using word = std::conditional_t<sizeof(T) == 8, unsigned long long, unsigned>;
    return from_word<T>(static_cast<word_for<T>>(__shfl_sync(mask, static_cast<word>(to_word(value)), static_cast<int>(from))));
  }

  // Of what this target has an instruction for the whole reduction, redux.sync.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  template <class T>
  static constexpr bool reduces = std::integral<T> && sizeof(T) <= 4;
  template <class T>
  using reduced = std::conditional_t<std::is_signed_v<T>, int, unsigned>;
  template <class T>
  static __device__ T reduce(adding, unsigned mask, T value) noexcept {
    return static_cast<T>(__reduce_add_sync(mask, static_cast<reduced<T>>(value)));
  }
  template <class T>
  static __device__ T reduce(taking_smaller, unsigned mask, T value) noexcept {
    return static_cast<T>(__reduce_min_sync(mask, static_cast<reduced<T>>(value)));
  }
  template <class T>
  static __device__ T reduce(taking_larger, unsigned mask, T value) noexcept {
    return static_cast<T>(__reduce_max_sync(mask, static_cast<reduced<T>>(value)));
  }
#else
  template <class T>
  static constexpr bool reduces = false;
#endif
};

struct block {
  static __device__ unsigned rank() noexcept { return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z); }
  static __device__ unsigned threads() noexcept { return blockDim.x * blockDim.y * blockDim.z; }
  static __device__ void synchronize() noexcept { __syncthreads(); }

  /// An atomic, relaxed addition for the block's threads to an object in shared memory. The backend's would do, but ptxas leaves it in the
  /// generic address space, also where it could know better (seen in its output: ATOM; of this: ATOMS).
  template <class T>
  static __device__ void add(T& object, T n) noexcept {
    const std::size_t address = __cvta_generic_to_shared(&object);
    if constexpr (std::same_as<T, float>) {
      asm volatile("red.relaxed.cta.shared::cta.add.f32 [%0], %1;" ::"l"(address), "f"(n) : "memory");
    } else if constexpr (std::same_as<T, double>) {
      asm volatile("red.relaxed.cta.shared::cta.add.f64 [%0], %1;" ::"l"(address), "d"(n) : "memory");
    } else if constexpr (sizeof(T) == 8) {
      asm volatile("red.relaxed.cta.shared::cta.add.u64 [%0], %1;" ::"l"(address), "l"(n) : "memory");
    } else {
      asm volatile("red.relaxed.cta.shared::cta.add.u32 [%0], %1;" ::"l"(address), "r"(n) : "memory");
    }
  }
};

#endif

}  // namespace pawl::inline v0::detail
