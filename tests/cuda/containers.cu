// SPDX-License-Identifier: BSL-1.0
// The host's stack and queue in kernels, over fixed pools in device memory: what goes in comes out once, with what its thread wrote before,
// and a queue's in order; a pool is full when, and only when, all its nodes are in use.
//
// containers [BLOCKS [THREADS]]
#include <algorithm>
#include <cstddef>
#include <new>

#include <pawl/queue.hpp>
#include <pawl/stack.hpp>

#include "suite.hpp"

namespace {

using device_wide = pawl::backend::cuda<pawl::scope::device>;

// Gives out one piece of memory, as often as it is asked: a fixed pool asks once.
template <class T>
struct one_piece {
  using value_type = T;
  std::byte* memory;
  std::size_t bytes;

  __device__ one_piece(std::byte* its_memory, std::size_t its_bytes) : memory(its_memory), bytes(its_bytes) {}
  template <class U>
  __device__ explicit one_piece(const one_piece<U>& other) : memory(other.memory), bytes(other.bytes) {}
  __device__ T* allocate(std::size_t count) {
    if (count * sizeof(T) > bytes) __trap();
    return reinterpret_cast<T*>(memory);
  }
  __device__ void deallocate(T*, std::size_t) {}
};

using pool = pawl::tagged_pool<device_wide, one_piece<std::byte>>;
constexpr std::size_t bytes_of_node = 24;
constexpr std::size_t bytes_of_pool(unsigned capacity) { return bytes_of_node * (capacity + pool::max_queues + 1); }

template <class Container>
struct held {
  pool nodes;
  Container values;
  __device__ held(unsigned capacity, std::byte* memory)
      : nodes(capacity, one_piece<std::byte>(memory, bytes_of_pool(capacity))), values(nodes) {}
};

__device__ unsigned number() { return blockIdx.x * blockDim.x + threadIdx.x; }
__device__ unsigned all() { return gridDim.x * blockDim.x; }

template <class Container>
__global__ void begin(held<Container>* memory, unsigned capacity, std::byte* nodes) {
  new (memory) held<Container>(capacity, nodes);
}
template <class Container>
__global__ void end(findings* to, held<Container>* container) {
  container->~held<Container>();
  check(to, true);
}

// One thread: `capacity` values fit, again and again, and come out in order.
template <class Container, bool Fifo>
__global__ void fills(findings* to, Container* values, unsigned capacity) {
  for (int round = 0; round < 3; ++round) {
    check(to, values->empty());
    for (unsigned i = 0; i < capacity; ++i) check(to, values->try_push(i));
    check(to, !values->try_push(capacity));
    for (unsigned i = 0; i < capacity; ++i) {
      unsigned value = ~0U;
      check(to, values->try_pop(value));
      same(to, value, Fifo ? i : capacity - 1 - i);
    }
    unsigned untouched = 5;
    check(to, !values->try_pop(untouched) && untouched == 5);
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
__global__ void goes_around(findings* to, Container* values, ledger book, unsigned rounds) {
  for (unsigned i = 0; i < rounds; ++i) {
    const unsigned mine = number() * rounds + i;
    book.letters[mine] = mine ^ 0x5a5a5a5aU;
    if (values->try_push(mine)) atomicAdd(book.pushed, 1U);
    // Some threads push two for each that they pop.
    unsigned value = 0;
    if ((number() % 4 != 0 || i % 2 == 0) && values->try_pop(value)) got<Fifo>(to, book, value, rounds, all());
  }
}
template <class Container>
__global__ void drains(findings* to, Container* values, ledger book, unsigned rounds, unsigned threads) {
  unsigned value = 0;
  while (values->try_pop(value)) got<false>(to, book, value, rounds, threads);
  check(to, values->empty());
  same(to, *book.popped, *book.pushed);
  check(to, *book.pushed != 0);
}

template <class Container, bool Fifo>
void in_kernels(suite& tests, const std::string& name, unsigned blocks, unsigned threads, unsigned capacity) {
  const unsigned all = blocks * threads;
  const unsigned rounds = 16;
  const std::string what = name + " of " + std::to_string(capacity);
  auto* const memory = tests.zeroed<held<Container>>(1);
  auto* const nodes = tests.zeroed<std::byte>(bytes_of_pool(capacity));
  auto* const values = reinterpret_cast<Container*>(reinterpret_cast<std::byte*>(memory) + offsetof(held<Container>, values));
  tests.test(what + " fills", [&](findings* to) {
    begin<<<1, 1>>>(memory, capacity, nodes);
    fills<Container, Fifo><<<1, 1>>>(to, values, capacity);
  });
  const ledger book{tests.zeroed<unsigned>(all * rounds), tests.zeroed<unsigned>(all * rounds),
                    all > 4096 ? nullptr : tests.zeroed<unsigned>(std::size_t{all} * all), tests.zeroed<unsigned>(1),
                    tests.zeroed<unsigned>(1)};
  tests.test(what + " goes around", [&](findings* to) {
    goes_around<Container, Fifo><<<blocks, threads>>>(to, values, book, rounds);
    drains<<<1, 1>>>(to, values, book, rounds, all);
  });
  // Capacity is back.
  tests.test(what + " fills again", [&](findings* to) {
    fills<Container, Fifo><<<1, 1>>>(to, values, capacity);
    end<<<1, 1>>>(to, memory);
  });
}

}  // namespace

int main(int count, char** arguments) {
  const unsigned blocks = count > 1 ? static_cast<unsigned>(std::atoi(arguments[1])) : 4;
  const unsigned threads = count > 2 ? static_cast<unsigned>(std::atoi(arguments[2])) : 64;
  suite tests("containers");
  using stack = pawl::stack<unsigned, pool>;
  using queue = pawl::queue<unsigned, pool>;
  for (const unsigned capacity : {3U, 40U, 5000U}) {
    in_kernels<stack, false>(tests, "stack", blocks, threads, capacity);
    in_kernels<queue, true>(tests, "queue", blocks, threads, capacity);
  }
  return tests.finish();
}
