// SPDX-License-Identifier: BSL-1.0
// fetch_add_aggregated beside a fetch_add by each thread and CUDA's atomicAdd, with 1 to 32 threads of each warp: on one counter, and on
// one for each block; where all add 1, and where they don't. Every run is checked by the counters and the sum of all results.
#include <pawl/cuda.hpp>

#include "contenders.hpp"
#include "measure.hpp"

namespace {

using device = pawl::scope::device;
template <class T>
using by_pawl = gpu::by_pawl<T, device, std::memory_order_relaxed>;
template <class T>
using by_cuda = gpu::by_cuda<T, device, std::memory_order_relaxed>;

template <class T>
struct by_aggregation {
  static constexpr const char* name = "pawl, aggregated";
  T& cell;
  __device__ explicit by_aggregation(T& its_cell) : cell(its_cell) {}
  __device__ T fetch_add(T v) const {
    const pawl::atomic_ref<T, pawl::backend::cuda<device>> object(cell);
    return pawl::cuda::fetch_add_aggregated(__activemask(), object, v, std::memory_order_relaxed);
  }
};

constexpr unsigned apart = 128;  // bytes between counters

template <class Cell, class T, bool Alike>
__global__ void add(T* counters, unsigned active, unsigned rounds, bool one, std::uint64_t* returned) {
  T& counter = counters[one ? 0 : blockIdx.x * (apart / sizeof(T))];
  const unsigned lane = threadIdx.x % 32;
  std::uint64_t sum = 0;
  if (lane < active) {
    const T mine = Alike ? T{1} : static_cast<T>(1 + lane % 2);
    for (unsigned i = 0; i < rounds; ++i) sum += static_cast<std::uint64_t>(Cell(counter).fetch_add(mine));
  }
  returned[gpu::number()] = sum;
}

class aggregation {
 public:
  explicit aggregation(gpu::study& in)
      : in_(in), threads_(static_cast<unsigned>(in.value("threads"))), blocks_(in.blocks(threads_)) {}

  template <class T>
  void all_of(const char* type) {
    gpu::memory<T> counters(in_, blocks_ * (apart / sizeof(T)));
    gpu::memory<std::uint64_t> returned(in_, std::size_t{blocks_} * threads_);
    for (const bool one : {true, false}) {
      for (const unsigned active : {1U, 2U, 4U, 8U, 16U, 24U, 32U}) {
        point<by_aggregation<T>, T, true>(counters, returned, type, one, active);
        point<by_pawl<T>, T, true>(counters, returned, type, one, active);
        point<by_cuda<T>, T, true>(counters, returned, type, one, active);
        point<by_aggregation<T>, T, false>(counters, returned, type, one, active);
        point<by_pawl<T>, T, false>(counters, returned, type, one, active);
        point<by_cuda<T>, T, false>(counters, returned, type, one, active);
      }
    }
  }

 private:
  template <class Cell, class T, bool Alike>
  void point(gpu::memory<T>& counters, gpu::memory<std::uint64_t>& returned, const char* type, bool one, unsigned active) {
    const gpu::row what = gpu::row()
                              .with("study", "aggregated")
                              .with("type", type)
                              .with("counters", one ? "one" : "one per block")
                              .with("adding", Alike ? "1" : "1 or 2")
                              .with("active_lanes", std::uint64_t{active})
                              .with("by", Cell::name)
                              .with("threads", std::uint64_t{blocks_ * threads_});
    const unsigned adders = blocks_ * (threads_ / 32) * active;
    // A float counts to 2^24.
    const unsigned most = std::max(1U, std::min(static_cast<unsigned>(in_.value("rounds")), (1U << 23U) / adders));
    in_.measure(
        what, adders, most, [&](unsigned) { counters.clear(); },
        [&](unsigned rounds) { add<Cell, T, Alike><<<blocks_, threads_>>>(counters.data(), active, rounds, one, returned.data()); },
        [&](unsigned rounds) { return judged<T, Alike>(counters, returned, one, adders, active, rounds); });
  }

  template <class T, bool Alike>
  std::string judged(const gpu::memory<T>& counters, const gpu::memory<std::uint64_t>& returned, bool one, unsigned adders,
                     unsigned active, unsigned rounds) const {
    const unsigned used = one ? 1 : blocks_;
    const std::uint64_t operations = std::uint64_t{adders} * rounds / used;
    // Of two neighbours, the second adds 2.
    const std::uint64_t wanted = Alike ? operations : operations + operations / active * (active / 2);
    const std::vector<T> counted = counters.copy();
    for (unsigned i = 0; i < used; ++i) {
      const auto found = static_cast<std::uint64_t>(counted[i * (apart / sizeof(T))]);
      if (found != wanted) return "counted " + std::to_string(found) + ", not " + std::to_string(wanted);
    }
    if (!Alike) return "";
    std::uint64_t sum = 0;
    for (const std::uint64_t each : returned.copy()) sum += each;
    const std::uint64_t should = used * (operations * (operations - 1) / 2);
    return sum == should ? "" : "returned " + std::to_string(sum) + ", not " + std::to_string(should);
  }

  gpu::study& in_;
  unsigned threads_;
  unsigned blocks_;
};

}  // namespace

int main(int count, char** arguments) {
  gpu::study in("aggregated", count, arguments, {{"blocks", 0}, {"threads", 256}, {"rounds", 64}});
  aggregation of(in);
  of.all_of<unsigned>("u32");
  of.all_of<unsigned long long>("u64");
  of.all_of<float>("float");
  return in.finish();
}
