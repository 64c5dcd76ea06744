// SPDX-License-Identifier: BSL-1.0
// How many ways are there to place n queens on an n x n board? Each placement of the first rows is a piece of work. The threads of one
// kernel take pieces from a queue and put in the next row's, until nothing is left: no launch per row, and no block waits for another one.
#include <cstddef>
#include <cstdio>

#include <pawl/cuda.hpp>

namespace {

using device_wide = pawl::backend::cuda<pawl::scope::device>;
template <class T>
using shared = pawl::atomic_ref<T, device_wide>;

// The columns, and the diagonals as they hit the next row, that the queens so far attack.
struct placement {
  unsigned columns, left, right;
};

using queue = pawl::cuda::queue<placement>;

// In device memory.
struct progress {
  int pending;  // pieces that are in the queue or being worked on
  unsigned long long solutions;
};
constexpr unsigned capacity = 256;  // less than the last board needs

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

__global__ void work(queue::ref_type pieces, progress* so_far, unsigned board) {
  const shared<int> pending(so_far->pending);
  unsigned long long found = 0;
  // acquire: whoever sees that nothing is left has seen all that was done. A piece counts until those that it makes are counted.
  while (pending.load(std::memory_order_acquire) != 0) {
    placement p{};
    // The threads that are here together share one compare-and-swap; so do those below.
    if (!pawl::cuda::pop_aggregated(__activemask(), *pieces, p)) {
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
      pending.store_add(1, std::memory_order_relaxed);  // before anybody can take it
      if (pawl::cuda::push_aggregated(__activemask(), *pieces, next)) continue;
      found += count(next, board);
      --more;
    }
    // release: what this thread did with the piece is done
    pending.store_add(more - 1, std::memory_order_release);
  }
  shared<unsigned long long>(so_far->solutions).store_add(found, std::memory_order_relaxed);
}

void check(cudaError_t result, const char* call) {
  if (result != cudaSuccess) throw pawl::cuda::error(call, cudaGetErrorString(result));
}

}  // namespace

int main() try {
  queue pieces(capacity);
  progress* so_far = nullptr;
  check(cudaMalloc(&so_far, sizeof *so_far), "cudaMalloc");
  // As many blocks as run at the same time: one that waits to begin would do no harm, nor any good.
  int device = 0, processors = 0, blocks = 0;
  constexpr int threads = 64;
  check(cudaGetDevice(&device), "cudaGetDevice");
  check(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device), "cudaDeviceGetAttribute");
  check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, work, threads, 0), "cudaOccupancyMaxActiveBlocks...");
  bool right = true;
  for (const unsigned n : {4U, 6U, 8U}) {
    const unsigned board = (1U << n) - 1;
    const placement none{};
    pieces.push(&none, 1);
    progress host{1, 0};
    check(cudaMemcpy(so_far, &host, sizeof host, cudaMemcpyHostToDevice), "cudaMemcpy");
    work<<<processors * blocks, threads>>>(pieces.ref(), so_far, board);
    check(cudaGetLastError(), "launch");
    check(cudaMemcpy(&host, so_far, sizeof host, cudaMemcpyDeviceToHost), "cudaMemcpy");
    right = right && host.solutions == count({}, board);
    std::printf("%u queens: %llu ways\n", n, host.solutions);
  }
  std::printf("%s\n", right ? "as the host counts" : "WRONG");
  cudaFree(so_far);
  return right ? 0 : 1;
} catch (const pawl::cuda::error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
