// SPDX-License-Identifier: BSL-1.0
// What the GPU says of itself.
#include "measure.hpp"

int main(int count, char** arguments) {
  gpu::study in("device", count, arguments, {});
  const auto attribute = [&](cudaDeviceAttr which) {
    int value = 0;
    // What an interpreter, or a later CUDA, doesn't know is 0.
    if (cudaDeviceGetAttribute(&value, which, 0) != cudaSuccess) static_cast<void>(cudaGetLastError());
    return static_cast<std::uint64_t>(value);
  };
  cudaDeviceProp properties;
  in.must(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  int driver = 0;
  int runtime = 0;
  in.must(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  in.must(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  in.note(gpu::row()
              .with("name", properties.name)
              .with("sm", static_cast<std::uint64_t>(properties.major * 10 + properties.minor))
              .with("multiprocessors", static_cast<std::uint64_t>(properties.multiProcessorCount))
              .with("clock_khz", attribute(cudaDevAttrClockRate))
              .with("memory_clock_khz", attribute(cudaDevAttrMemoryClockRate))
              .with("memory_bus_bits", attribute(cudaDevAttrGlobalMemoryBusWidth))
              .with("memory_bytes", std::uint64_t{properties.totalGlobalMem})
              .with("l2_bytes", attribute(cudaDevAttrL2CacheSize))
              .with("shared_bytes_per_multiprocessor", attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor))
              .with("host_native_atomics", attribute(cudaDevAttrHostNativeAtomicSupported))
              .with("driver_supports_cuda", static_cast<std::uint64_t>(driver))
              .with("runtime", static_cast<std::uint64_t>(runtime)));
  return in.finish();
}
