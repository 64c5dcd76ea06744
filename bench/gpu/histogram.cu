// SPDX-License-Identifier: BSL-1.0
// Histograms of numbers in device memory: privatized_histogram, one addition to global memory for each number, and CUB's DeviceHistogram.
// With few bins and with many, of numbers that are equally frequent and of some that are much more frequent than others. Every run is
// checked against counts made on the host. Times include making the bins zero, which CUB's does, too.
#include <cub/cub.cuh>

#include <cmath>

#include <pawl/cuda.hpp>

#include "measure.hpp"

namespace {

// `skewed`: as Zipf's law has it, bin k about 1/k as often as the first. Frequent bins are scattered among the others.
__global__ void draw(unsigned* values, unsigned count, unsigned bins, bool skewed) {
  for (unsigned i = gpu::number(); i < count; i += gpu::all()) {
    const unsigned dice = gpu::scattered(i + 1);
    unsigned value = dice % bins;
    if (skewed) {
      const float at = exp2f(static_cast<float>(dice >> 8U) * 0x1p-24F * log2f(static_cast<float>(bins)));
      value = (min(static_cast<unsigned>(at) - 1, bins - 1) * 40503U) % bins;
    }
    values[i] = value;
  }
}

using histogram = pawl::cuda::privatized_histogram<>;
__global__ void by_pawl(const unsigned* values, unsigned count, unsigned* whole, unsigned bins, std::size_t bytes) {
  extern __shared__ unsigned shared[];
  const histogram counts(whole, bins, shared, bytes);
  for (unsigned i = gpu::number(); i < count; i += gpu::all()) counts.add(values[i]);
  counts.flush();
}
__global__ void by_atomics(const unsigned* values, unsigned count, unsigned* whole) {
  for (unsigned i = gpu::number(); i < count; i += gpu::all()) atomicAdd(&whole[values[i]], 1U);
}

void all_of(gpu::study& in, unsigned bins, bool skewed) {
  const auto count = static_cast<unsigned>(in.value("elements"));
  const auto threads = static_cast<unsigned>(in.value("threads"));
  const unsigned blocks = in.blocks(threads);
  const gpu::memory<unsigned> values(in, count);
  gpu::memory<unsigned> whole(in, bins);
  draw<<<blocks, threads>>>(values.data(), count, bins, skewed);
  in.launched();
  in.wait();
  std::vector<unsigned> wanted(bins);
  for (const unsigned each : values.copy()) ++wanted[each];

  const gpu::row what = gpu::row()
                            .with("study", "histogram")
                            .with("bins", std::uint64_t{bins})
                            .with("input", skewed ? "skewed" : "uniform")
                            .with("bytes_per_element", std::uint64_t{sizeof(unsigned)});
  const auto point = [&](const gpu::row& who, auto launch) {
    in.measure(
        who, count, 1, [&](unsigned) { whole.fill(std::vector<unsigned>(bins, 5)); }, [&](unsigned) { launch(); },
        [&](unsigned) { return std::string(whole.copy() == wanted ? "" : "another histogram than the host's"); });
  };
  const auto clear = [&] { in.must(cudaMemsetAsync(whole.data(), 0, bins * sizeof(unsigned)), "cudaMemsetAsync"); };
  const std::size_t bytes = histogram::shared_bytes(bins);
  point(what.with("by", "pawl").with("replicas", std::uint64_t{histogram::replicas_in(bytes, bins)}), [&] {
    clear();
    by_pawl<<<blocks, threads, bytes>>>(values.data(), count, whole.data(), bins, bytes);
  });
  point(what.with("by", "cuda"), [&] {
    clear();
    by_atomics<<<blocks, threads>>>(values.data(), count, whole.data());
  });
  const auto cub_histogram = [&](void* with, std::size_t& its_bytes) {
    in.must(cub::DeviceHistogram::HistogramEven(with, its_bytes, values.data(), whole.data(), static_cast<int>(bins) + 1, 0U, bins,
                                                static_cast<int>(count)),
            "HistogramEven");
  };
  std::size_t its_bytes = 0;
  cub_histogram(nullptr, its_bytes);
  const gpu::memory<std::byte> its(in, its_bytes);
  point(what.with("by", "cub"), [&] { cub_histogram(its.data(), its_bytes); });
}

}  // namespace

int main(int count, char** arguments) {
  gpu::study in("histogram", count, arguments, {{"blocks", 0}, {"threads", 256}, {"elements", std::uint64_t{1} << 25U}});
  for (const unsigned bins : {256U, 65536U}) {
    for (const bool skewed : {false, true}) all_of(in, bins, skewed);
  }
  return in.finish();
}
