// SPDX-License-Identifier: BSL-1.0
// How many ways are there to place n queens on an n x n board? Each placement of the first rows is a piece of work. The threads of one
// kernel take pieces from a queue and put in the next row's, until nothing is left: no launch per row, and no block waits for another one.
#include <cstddef>
#include <cstdio>
#include <new>

#include <pawl/cuda.hpp>

namespace {

using device_wide = pawl::backend::cuda<pawl::scope::device>;
template <class T>
using shared = pawl::atomic<T, device_wide>;

// The columns, and the diagonals as they hit the next row, that the queens so far attack.
struct placement {
  unsigned columns, left, right;
};

// A pool's memory, from cudaMalloc.
template <class T>
struct given {
  using value_type = T;
  std::byte* memory;
  __device__ explicit given(std::byte* its_memory) : memory(its_memory) {}
  template <class U>
  __device__ explicit given(const given<U>& other) : memory(other.memory) {}
  __device__ T* allocate(std::size_t) { return reinterpret_cast<T*>(memory); }
  __device__ void deallocate(T*, std::size_t) {}
};
using pool = pawl::tagged_pool<device_wide, given<std::byte>>;

struct search {
  pool nodes;
  pawl::queue<placement, pool> work;
  shared<int> pending{0};  // pieces that are in the queue or being worked on
  shared<unsigned long long> solutions{0};
  __device__ search(unsigned capacity, std::byte* memory) : nodes(capacity, given<std::byte>(memory)), work(nodes) {}
};
constexpr unsigned capacity = 256;  // less than the last board needs
constexpr std::size_t bytes_of_node = 32;

// What is left where the queue has no room: a thread goes on with its piece by itself.
__host__ __device__ unsigned long long count(const placement& p, unsigned board) {
  if (p.columns == board) return 1;
  unsigned long long sum = 0;
  for (unsigned free = board & ~(p.columns | p.left | p.right); free != 0; free &= free - 1) {
    const unsigned queen = free & (0U - free);
    sum += count({p.columns | queen, (p.left | queen) << 1U, (p.right | queen) >> 1U}, board);
  }
  return sum;
}

__global__ void begin(search* s, std::byte* memory) {
  new (s) search(capacity, memory);
  s->pending.store(1, std::memory_order_relaxed);
  s->work.try_push(placement{});
}

__global__ void work(search* s, unsigned board) {
  unsigned long long found = 0;
  // acquire: whoever sees that nothing is left has seen all that was done. A piece counts until those that it makes are counted.
  while (s->pending.load(std::memory_order_acquire) != 0) {
    placement p{};
    // The threads that are here together share one compare-and-swap; so do those below.
    if (!pawl::cuda::pop_aggregated(__activemask(), s->work, p)) {
      device_wide::pause();
      continue;
    }
    unsigned free = board & ~(p.columns | p.left | p.right);
    int more = 0;
    for (; free != 0; free &= free - 1) {
      const unsigned queen = free & (0U - free);
      const placement next{p.columns | queen, (p.left | queen) << 1U, (p.right | queen) >> 1U};
      if (next.columns == board) {
        ++found;
        continue;
      }
      s->pending.store_add(1, std::memory_order_relaxed);  // before anybody can take it
      if (pawl::cuda::push_aggregated(__activemask(), s->work, next)) continue;
      found += count(next, board);
      --more;
    }
    // release: what this thread did with the piece is done
    s->pending.store_add(more - 1, std::memory_order_release);
  }
  s->solutions.store_add(found, std::memory_order_relaxed);
}

template <class T>
T* device_memory(std::size_t count) {
  T* memory = nullptr;
  pawl::detail::check(cudaMalloc(&memory, count * sizeof(T)), "cudaMalloc");
  return memory;
}

}  // namespace

int main() try {
  auto* const s = device_memory<search>(1);
  auto* const nodes = device_memory<std::byte>(bytes_of_node * (capacity + pool::max_queues + 1));
  // As many blocks as run at the same time: one that waits to begin would do no harm, nor any good.
  int device = 0, processors = 0, blocks = 0;
  constexpr int threads = 64;
  pawl::detail::check(cudaGetDevice(&device), "cudaGetDevice");
  pawl::detail::check(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device), "cudaDeviceGetAttribute");
  pawl::detail::check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, work, threads, 0), "cudaOccupancyMaxActiveBlocks...");
  bool right = true;
  for (const unsigned n : {4U, 6U, 8U}) {
    const unsigned board = (1U << n) - 1;
    begin<<<1, 1>>>(s, nodes);
    work<<<processors * blocks, threads>>>(s, board);
    pawl::detail::check(cudaGetLastError(), "launch");
    unsigned long long solutions = 0;
    pawl::detail::check(cudaMemcpy(&solutions, &s->solutions, sizeof solutions, cudaMemcpyDeviceToHost), "cudaMemcpy");
    right = right && solutions == count({}, board);
    std::printf("%u queens: %llu ways\n", n, solutions);
  }
  std::printf("%s\n", right ? "as the host counts" : "WRONG");
  cudaFree(nodes);
  cudaFree(s);
  return right ? 0 : 1;
} catch (const pawl::cuda::error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
