// SPDX-License-Identifier: BSL-1.0
// push_aggregated and pop_aggregated: by full warps, by some lanes, in branches and by cooperative groups, on a stack and on a queue, over
// pools that are full now and then. What goes in comes out once, with what its thread wrote before, and a queue's in order; a full pool has
// room for the lowest lanes; and how many compare-and-swaps it takes.
//
// warp_containers [BLOCKS [THREADS]]
#include <cstddef>
#include <new>

#include <pawl/cuda.hpp>

#include "suite.hpp"

namespace groups = cooperative_groups;
using device_wide = pawl::backend::cuda<pawl::scope::device>;

__device__ unsigned long long swaps;

// The device's backend, with its successful compare-and-swaps counted.
struct counting : device_wide {
  static constexpr const char* name = "counting";
  template <class W>
  static __host__ __device__ bool compare_exchange_weak(W& object, W& expected, std::type_identity_t<W> desired,
                                                        std::memory_order success, std::memory_order failure) noexcept {
    return counted(device_wide::compare_exchange_weak(object, expected, desired, success, failure));
  }
  template <class W>
  static __host__ __device__ bool compare_exchange_strong(W& object, W& expected, std::type_identity_t<W> desired,
                                                          std::memory_order success, std::memory_order failure) noexcept {
    return counted(device_wide::compare_exchange_strong(object, expected, desired, success, failure));
  }

 private:
  static __host__ __device__ bool counted(bool swapped) noexcept {
#if defined(__CUDA_ARCH__)
    if (swapped) atomicAdd(&swaps, 1ULL);
#endif
    return swapped;
  }
};
template <>
struct pawl::environment<counting> : pawl::environment<device_wide> {};

namespace {

// Gives out one piece of memory, as often as it is asked: a fixed pool asks once.
template <class T>
struct one_piece {
  using value_type = T;
  std::byte* memory;

  __device__ explicit one_piece(std::byte* its_memory) : memory(its_memory) {}
  template <class U>
  __device__ explicit one_piece(const one_piece<U>& other) : memory(other.memory) {}
  __device__ T* allocate(std::size_t) { return reinterpret_cast<T*>(memory); }
  __device__ void deallocate(T*, std::size_t) {}
};
using pool = pawl::tagged_pool<counting, one_piece<std::byte>>;
constexpr std::size_t bytes_of_pool(unsigned capacity) { return 24 * (std::size_t{capacity} + pool::max_queues + 1); }

template <class Container>
struct held {
  pool nodes;
  Container values;
  __device__ held(unsigned capacity, std::byte* memory) : nodes(capacity, one_piece<std::byte>(memory)), values(nodes) {}
};
template <class Container>
__global__ void begin(held<Container>* memory, unsigned capacity, std::byte* nodes) {
  new (memory) held<Container>(capacity, nodes);
}

__device__ unsigned number() { return blockIdx.x * blockDim.x + threadIdx.x; }
__device__ unsigned all() { return gridDim.x * blockDim.x; }

enum class way { full, some, branches, coalesced, tile8 };
constexpr const char* names[] = {"full warps", "some lanes", "branches", "coalesced threads", "tiles of 8"};

// Whether a thread takes part, and the others that do so with it.
__device__ unsigned mask_of(way how, unsigned lane) {
  if (how == way::some) return 0x80f0a35aU;
  if (how == way::branches) return lane % 3 == 0 ? 0x49249249U : ~0x49249249U;
  if (how == way::tile8) return 0xffU << (lane / 8 * 8);
  return how == way::coalesced ? 0xddddddddU : ~0U;
}
// (Coalesced threads may be fewer than those of the branch; which, only the group knows.)
template <class Container>
__device__ bool push(way how, unsigned mask, Container& to, unsigned value) {
  if (how == way::coalesced) return pawl::cuda::push_aggregated(groups::coalesced_threads(), to, value);
  if (how == way::tile8) return pawl::cuda::push_aggregated(groups::tiled_partition<8>(groups::this_thread_block()), to, value);
  if (how == way::branches && threadIdx.x % 32 % 3 == 0) return pawl::cuda::push_aggregated(mask, to, value);
  return pawl::cuda::push_aggregated(mask, to, value);
}
template <class Container>
__device__ bool pop(way how, unsigned mask, Container& from, unsigned& value) {
  if (how == way::coalesced) return pawl::cuda::pop_aggregated(groups::coalesced_threads(), from, value);
  if (how == way::tile8) return pawl::cuda::pop_aggregated(groups::tiled_partition<8>(groups::this_thread_block()), from, value);
  return pawl::cuda::pop_aggregated(mask, from, value);
}

// One warp, alone: the first lanes of the mask get what there is, in their order, by one compare-and-swap.
template <class Container, bool Fifo>
__global__ void one_by_one(findings* to, Container* values, unsigned capacity) {
  const unsigned lane = threadIdx.x;
  for (unsigned round = 0; round < 8; ++round) {
    __syncwarp();
    const unsigned mask = round % 2 == 0 ? ~0U : 0x80f0a35aU;
    if (((mask >> lane) & 1U) == 0) continue;
    const unsigned count = pawl::detail::count(mask);
    const unsigned rank = pawl::detail::count(mask & pawl::detail::lanes_below(lane));
    const unsigned fit = count < capacity ? count : capacity;
    const bool leads = rank == 0;
    const auto took = [&](unsigned long long wanted) {
      __syncwarp(mask);
      if (leads) same(to, swaps, wanted);
      __syncwarp(mask);
      if (leads) swaps = 0;
      __syncwarp(mask);
    };
    if (leads) swaps = 0;
    __syncwarp(mask);
    same(to, pawl::cuda::push_aggregated(mask, *values, rank + 100), rank < fit);
    // For the nodes, which are all new or all used; for the head, or the last node and the tail.
    took(Fifo ? 3 : 2);
    unsigned value = 5;
    same(to, pawl::cuda::pop_aggregated(mask, *values, value), rank < fit);
    same(to, value, rank >= fit ? 5 : Fifo ? rank + 100 : fit - 1 - rank + 100);
    took(2);
    check(to, values->empty());
    // Full of what one thread pushed, and half of it popped by all.
    __syncwarp(mask);
    if (leads) {
      for (unsigned i = 0; i < capacity; ++i) check(to, values->try_push(i));
    }
    same(to, pawl::cuda::push_aggregated(mask, *values, 7U), false);
    same(to, pawl::cuda::pop_aggregated(mask, *values, value), rank < fit);
    if (rank < fit) same(to, value, Fifo ? rank : capacity - 1 - rank);
    if (leads) {
      for (unsigned i = fit; i < capacity; ++i) check(to, values->try_pop(value));
      check(to, !values->try_pop(value));
    }
    __syncwarp(mask);
    // Each thread's own before and after those of all.
    if (capacity < count) continue;
    check(to, values->try_push(1));
    check(to, pawl::cuda::pop_aggregated(mask, *values, value));
    check(to, values->try_push(2));
    __syncwarp(mask);
    check(to, values->try_pop(value));
    check(to, pawl::cuda::push_aggregated(mask, *values, 3U));
    check(to, values->try_pop(value));
    __syncwarp(mask);
  }
}

struct ledger {
  unsigned* letters;  // plain: written before the push, read after the pop
  unsigned* taken;
  unsigned* last;  // of each pair of threads, the number of the last value that one got from the other; not of too many threads
  unsigned* pushed;
  unsigned* popped;
};
// Value v is the number v % rounds of thread v / rounds.
template <bool Fifo>
__device__ void got(findings* to, const ledger& book, unsigned value, unsigned rounds, unsigned threads) {
  const unsigned from = value / rounds;
  check(to, from < threads);
  if (from >= threads) return;
  check(to, atomicExch(&book.taken[value], 1U) == 0);
  same(to, book.letters[value], value ^ 0x5a5a5a5aU);
  if (Fifo && book.last != nullptr) {
    unsigned& last = book.last[number() * threads + from];
    check(to, value % rounds >= last);
    last = value % rounds;
  }
  atomicAdd(book.popped, 1U);
}
template <class Container, bool Fifo>
__global__ void goes_around(findings* to, Container* values, ledger book, unsigned rounds, way how) {
  const unsigned lane = threadIdx.x % 32;
  const unsigned mask = mask_of(how, lane);
  if (((mask >> lane) & 1U) == 0) return;
  for (unsigned i = 0; i < rounds; ++i) {
    const unsigned mine = number() * rounds + i;
    book.letters[mine] = mine ^ 0x5a5a5a5aU;
    // Every fourth time each for itself.
    if (i % 4 == 3 ? values->try_push(mine) : push(how, mask, *values, mine)) atomicAdd(book.pushed, 1U);
    // Some warps push two for each that they pop.
    if (number() / 32 % 4 == 0 && i % 2 != 0) continue;
    unsigned value = 0;
    if (i % 4 == 1 ? values->try_pop(value) : pop(how, mask, *values, value)) got<Fifo>(to, book, value, rounds, all());
  }
}
template <class Container>
__global__ void drains(findings* to, Container* values, ledger book, unsigned rounds, unsigned threads, unsigned capacity) {
  unsigned value = 0;
  while (values->try_pop(value)) got<false>(to, book, value, rounds, threads);
  check(to, values->empty());
  same(to, *book.popped, *book.pushed);
  check(to, *book.pushed != 0);
  // Capacity is back.
  for (unsigned i = 0; i < capacity; ++i) check(to, values->try_push(i));
  check(to, !values->try_push(capacity));
  for (unsigned i = 0; i < capacity; ++i) check(to, values->try_pop(value));
  check(to, !values->try_pop(value));
}

// Who is told of a push by one of its threads finds the element: another warp pops as many as it was told of.
template <class Container>
__global__ void tells(findings* to, Container* values, unsigned* told, unsigned rounds) {
  const pawl::atomic_ref<unsigned, device_wide> count(*told);
  unsigned value = 0;
  if (threadIdx.x < blockDim.x / 2) {
    for (unsigned i = 0; i < rounds; ++i) {
      check(to, pawl::cuda::push_aggregated(~0U, *values, i));
      count.store_add(1, std::memory_order_release);
    }
  } else {
    for (unsigned i = 0; i < rounds; ++i) {
      // Takes one of those that are told of.
      for (;;) {
        unsigned known = count.load(std::memory_order_relaxed);
        if (known != 0 && count.compare_exchange_weak(known, known - 1, std::memory_order_acquire, std::memory_order_relaxed))
          break;
        device_wide::pause();
      }
      if (i % 2 == 0) {
        check(to, pawl::cuda::pop_aggregated(~0U, *values, value));
      } else {
        check(to, values->try_pop(value));
      }
    }
  }
}

template <class Container, bool Fifo>
void in_kernels(suite& tests, const std::string& name, unsigned blocks, unsigned threads, unsigned capacity) {
  const unsigned all = blocks * threads;
  const unsigned rounds = 12;
  const std::string what = name + " of " + std::to_string(capacity);
  auto* const memory = tests.zeroed<held<Container>>(1);
  auto* const nodes = tests.zeroed<std::byte>(bytes_of_pool(capacity));
  auto* const values = reinterpret_cast<Container*>(reinterpret_cast<std::byte*>(memory) + offsetof(held<Container>, values));
  tests.test(what + ", one warp", [&](findings* to) {
    begin<<<1, 1>>>(memory, capacity, nodes);
    one_by_one<Container, Fifo><<<1, 32>>>(to, values, capacity);
  });
  for (int how = 0; how < 5; ++how) {
    const ledger book{tests.zeroed<unsigned>(std::size_t{all} * rounds), tests.zeroed<unsigned>(std::size_t{all} * rounds),
                      all > 4096 ? nullptr : tests.zeroed<unsigned>(std::size_t{all} * all), tests.zeroed<unsigned>(1),
                      tests.zeroed<unsigned>(1)};
    tests.test(what + " by " + names[how], [&](findings* to) {
      goes_around<Container, Fifo><<<blocks, threads>>>(to, values, book, rounds, static_cast<way>(how));
      drains<<<1, 1>>>(to, values, book, rounds, all, capacity);
    });
  }
  if (capacity < 40) return;
  unsigned* const told = tests.zeroed<unsigned>(1);
  tests.test(what + " tells", [&](findings* to) { tells<<<1, 64>>>(to, values, told, capacity == 40 ? 1 : 8); });
}

}  // namespace

int main(int count, char** arguments) {
  const unsigned blocks = count > 1 ? static_cast<unsigned>(std::atoi(arguments[1])) : 4;
  const unsigned threads = count > 2 ? static_cast<unsigned>(std::atoi(arguments[2])) : 64;
  suite tests("warp_containers");
  using stack = pawl::stack<unsigned, pool>;
  using queue = pawl::queue<unsigned, pool>;
#if defined(PAWL_TEST_FEW)
  const std::vector<unsigned> capacities{3, 40};
#else
  const std::vector<unsigned> capacities{3, 40, 5000};
#endif
  for (const unsigned capacity : capacities) {
    in_kernels<stack, false>(tests, "stack", blocks, threads, capacity);
    in_kernels<queue, true>(tests, "queue", blocks, threads, capacity);
  }
  return tests.finish();
}
