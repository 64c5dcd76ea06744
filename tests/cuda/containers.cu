// SPDX-License-Identifier: BSL-1.0
// The host's stack and queue in kernels, in device memory: what goes in comes out once, with what its thread wrote before,
// and a queue's in order; a pool is full when, and only when, all its nodes are in use.
//
// containers [BLOCKS [THREADS]]
#include <cstddef>

#include <pawl/cuda/queue.hpp>
#include <pawl/cuda/stack.hpp>

#include "suite.hpp"

namespace {

__device__ unsigned number() { return blockIdx.x * blockDim.x + threadIdx.x; }
__device__ unsigned all() { return gridDim.x * blockDim.x; }

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

// An owner leaves it to its memory, so this is nobody's second time.
template <class Container>
__global__ void destroys(findings* to, Container* values) {
  check(to, values->try_push(1U));
  values->~Container();
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

template <class Owner, bool Fifo>
void in_kernels(suite& tests, const std::string& name, unsigned blocks, unsigned threads, unsigned capacity) {
  const unsigned all = blocks * threads;
  const unsigned rounds = 16;
  const std::string what = name + " of " + std::to_string(capacity);
  using container = typename Owner::container_type;
  const Owner owner(capacity);
  container* const values = owner.ref();
  tests.test(what + " fills", [&](findings* to) { fills<container, Fifo><<<1, 1>>>(to, values, capacity); });
  const ledger book{tests.zeroed<unsigned>(all * rounds), tests.zeroed<unsigned>(all * rounds),
                    all > 4096 ? nullptr : tests.zeroed<unsigned>(std::size_t{all} * all), tests.zeroed<unsigned>(1),
                    tests.zeroed<unsigned>(1)};
  tests.test(what + " goes around", [&](findings* to) {
    goes_around<container, Fifo><<<blocks, threads>>>(to, values, book, rounds);
    drains<<<1, 1>>>(to, values, book, rounds, all);
  });
  // Capacity is back.
  tests.test(what + " fills again", [&](findings* to) {
    fills<container, Fifo><<<1, 1>>>(to, values, capacity);
    destroys<<<1, 1>>>(to, values);
  });
}

}  // namespace

int main(int count, char** arguments) {
  const unsigned blocks = count > 1 ? static_cast<unsigned>(std::atoi(arguments[1])) : 4;
  const unsigned threads = count > 2 ? static_cast<unsigned>(std::atoi(arguments[2])) : 64;
  suite tests("containers");
  for (const unsigned capacity : {3U, 40U, 5000U}) {
    in_kernels<pawl::cuda::stack<unsigned>, false>(tests, "stack", blocks, threads, capacity);
    in_kernels<pawl::cuda::queue<unsigned>, true>(tests, "queue", blocks, threads, capacity);
  }
  return tests.finish();
}
