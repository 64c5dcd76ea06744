// SPDX-License-Identifier: BSL-1.0
// What a call of the host's needs that has kernels do its work: the device, the stream, device memory as long as the call lasts, and a way
// there and back for arrays that the caller has anywhere. Nothing without nvcc.
#pragma once

#include "../cuda/error.hpp"
#if defined(__CUDACC__)
#include <cuda_runtime.h>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace pawl::inline v0::detail {

/// The calling thread's device.
inline int current_device() {
  int device = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  return device;
}

/// Makes a device the thread's for a while: a kernel goes to the thread's device, and so do streams and memory that are made.
class on_device {
 public:
  explicit on_device(int device) : before_(current_device()), changed_(before_ != device) {
    if (changed_) check(cudaSetDevice(device), "cudaSetDevice");
  }
  on_device(const on_device&) = delete;
  on_device& operator=(const on_device&) = delete;
  ~on_device() {
    if (changed_) static_cast<void>(cudaSetDevice(before_));
  }

 private:
  int before_;
  bool changed_;
};

/// One call's work on a stream. The stream is empty when it ends, whichever way: so nothing of the caller's is used any more.
class stream_call {
 public:
  stream_call(int device, cudaStream_t stream) : there_(device), device_(device), stream_(stream) {}
  stream_call(const stream_call&) = delete;
  stream_call& operator=(const stream_call&) = delete;
  ~stream_call() {
    if (busy_) static_cast<void>(cudaStreamSynchronize(stream_));
  }

  [[nodiscard]] cudaStream_t stream() const noexcept { return stream_; }
  /// Whether kernels get at it as fast as at memory of their own.
  [[nodiscard]] bool is_there(const void* memory) const {
    cudaPointerAttributes attributes{};
    check(cudaPointerGetAttributes(&attributes, memory), "cudaPointerGetAttributes");
    return attributes.type == cudaMemoryTypeManaged || (attributes.type == cudaMemoryTypeDevice && attributes.device == device_);
  }

  /// Has `kernel` run by as many threads as there are things to do, or by fewer, which then have several each.
  template <class... Parameters, class... Args>
  void launch(std::size_t things, void (*kernel)(Parameters...), const Args&... args) {
    const std::size_t blocks = (things + threads_of_block - 1) / threads_of_block;
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(static_cast<unsigned>(blocks < most_blocks ? blocks : most_blocks));
    config.blockDim = dim3(static_cast<unsigned>(things < threads_of_block ? things : threads_of_block));
    config.stream = stream_;
    busy_ = true;
    check(cudaLaunchKernelEx(&config, kernel, args...), "cudaLaunchKernelEx");
  }
  template <class T>
  void copy(T* to, const T* from, std::size_t count) {
    busy_ = true;
    check(cudaMemcpyAsync(to, from, count * sizeof(T), cudaMemcpyDefault, stream_), "cudaMemcpyAsync");
  }
  template <class T>
  void clear(T* to) {
    busy_ = true;
    check(cudaMemsetAsync(to, 0, sizeof(T), stream_), "cudaMemsetAsync");
  }
  /// Waits until the stream is empty. What went wrong in a kernel is known now.
  void finish() {
    busy_ = false;
    check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
  }

 private:
  static constexpr std::size_t threads_of_block = 256;
  static constexpr std::size_t most_blocks = 1024;

  on_device there_;
  int device_;
  cudaStream_t stream_;
  bool busy_ = false;
};

/// Device memory that a call has, for `count` objects, or none. It goes when the stream has come so far.
template <class T>
class call_memory {
 public:
  call_memory() = default;
  call_memory(const stream_call& call, std::size_t count) : stream_(call.stream()) {
    void* memory = nullptr;
    check(cudaMallocAsync(&memory, count * sizeof(T), stream_), "cudaMallocAsync");
    data_ = static_cast<T*>(memory);
  }
  call_memory(const call_memory&) = delete;
  call_memory& operator=(const call_memory&) = delete;
  ~call_memory() {
    if (data_ != nullptr) static_cast<void>(cudaFreeAsync(data_, stream_));
  }
  [[nodiscard]] T* data() const noexcept { return data_; }

 private:
  cudaStream_t stream_ = nullptr;
  T* data_ = nullptr;
};

/// An array of the caller's, in any memory, where kernels can read it.
template <class T>
class call_input {
 public:
  call_input(stream_call& call, const T* callers, std::size_t count)
      : copied_(call.is_there(callers) ? call_memory<T>() : call_memory<T>(call, count)),
        data_(copied_.data() != nullptr ? copied_.data() : callers) {
    if (copied_.data() != nullptr) call.copy(copied_.data(), callers, count);
  }
  [[nodiscard]] const T* data() const noexcept { return data_; }

 private:
  call_memory<T> copied_;
  const T* data_;
};

/// What is to be known of an array of the caller's before kernels write to it.
enum class output_is { all_written, partly_written };

/// An array of the caller's, in any memory, where kernels can write to it; or none, where the caller gave none.
template <class T>
class call_output {
 public:
  call_output(stream_call& call, T* callers, std::size_t count, output_is how)
      : callers_(callers), copied_(callers == nullptr || call.is_there(callers) ? call_memory<T>() : call_memory<T>(call, count)) {
    // What no kernel writes comes back as it was.
    if (copied_.data() != nullptr && how == output_is::partly_written) call.copy(copied_.data(), callers_, count);
  }
  [[nodiscard]] T* data() const noexcept { return copied_.data() != nullptr ? copied_.data() : callers_; }
  /// Has the first `count` brought to the caller, before the call is finished.
  void deliver(stream_call& call, std::size_t count) const {
    if (copied_.data() != nullptr && count != 0) call.copy(callers_, copied_.data(), count);
  }

 private:
  T* callers_;
  call_memory<T> copied_;
};

/// What a call's kernels count.
struct call_counts {
  unsigned long long done;
  unsigned long long refused;
};
class call_counters {
 public:
  explicit call_counters(stream_call& call) : counts_(call, 1) { call.clear(counts_.data()); }
  [[nodiscard]] call_counts* data() const noexcept { return counts_.data(); }
  /// Finishes the call, as far as it has come.
  [[nodiscard]] call_counts read(stream_call& call) const {
    call_counts counts{};
    call.copy(&counts, counts_.data(), 1);
    call.finish();
    return counts;
  }

 private:
  call_memory<call_counts> counts_;
};

}  // namespace pawl::inline v0::detail
#endif
