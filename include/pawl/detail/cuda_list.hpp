// SPDX-License-Identifier: BSL-1.0
// What cuda::stack and cuda::queue share: all but what they own. Nothing without nvcc.
#pragma once

#include "cuda_owner.hpp"
#if defined(__CUDACC__)

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "../atomic_ref.hpp"

namespace pawl::inline v0::detail {

/// The handle of a stack or a queue in kernels: the members that serve there, as that container has them.
template <class Container>
class list_ref : public device_ref<Container> {
  using base = device_ref<Container>;

 public:
  using value_type = typename Container::value_type;
  using base::base;

  /// False where the pool is full.
  __device__ bool try_push(const value_type& value) const { return (*this)->try_push(value); }
  /// The same, with the element constructed from the arguments.
  template <class... Args>
  __device__ bool try_emplace(Args&&... args) const {
    return (*this)->try_emplace(std::forward<Args>(args)...);
  }
  /// A trap where the pool is full.
  __device__ void push(const value_type& value) const { (*this)->push(value); }
  template <class... Args>
  __device__ void emplace(Args&&... args) const {
    (*this)->emplace(std::forward<Args>(args)...);
  }
  template <class Range>
  __device__ void push_range(Range&& range) const {
    (*this)->push_range(std::forward<Range>(range));
  }

  /// Nothing, or false and `value` as it was, where there was no element.
  [[nodiscard]] __device__ std::optional<value_type> try_pop() const { return (*this)->try_pop(); }
  __device__ bool try_pop(value_type& value) const { return (*this)->try_pop(value); }
  template <class OutputIterator>
  __device__ OutputIterator pop_all(OutputIterator out) const {
    return (*this)->pop_all(out);
  }

  [[nodiscard]] __device__ bool empty() const { return (*this)->empty(); }
};

// Becomes the next of the caller's values when the container has a node for it. So those that are pushed are the first ones.
template <class T>
struct next_value {
  const T* values;
  unsigned long long* taken;
  __device__ operator T() const noexcept {
    // relaxed: numbers only; what the container publishes is the value
    return values[atomic_ref<unsigned long long, backend::cuda<scope::device>>(*taken).fetch_add(1, std::memory_order_relaxed)];
  }
};

template <class Container, class T>
__global__ void push_values(Container* container, const T* values, std::size_t count, call_counts* counts) {
  const std::size_t threads = std::size_t{gridDim.x} * blockDim.x;
  for (std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += threads) {
    if (!container->try_emplace(next_value<T>{values, &counts->done})) return;
  }
}

template <class Container, class T>
__global__ void pop_values(Container* container, T* values, std::size_t count, call_counts* counts) {
  const std::size_t threads = std::size_t{gridDim.x} * blockDim.x;
  for (std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += threads) {
    const std::optional<T> value = container->try_pop();
    if (!value) return;
    // relaxed: as in next_value; the end of the kernel publishes what is written
    const atomic_ref<unsigned long long, backend::cuda<scope::device>> popped(counts->done);
    std::construct_at(values + popped.fetch_add(1, std::memory_order_relaxed), *value);
  }
}

template <class Container>
__global__ void look_whether_empty(Container* container, call_counts* counts) {
  counts->done = container->empty() ? 1 : 0;
}

/// The members of cuda::stack and cuda::queue.
///
/// What a member does on a stream comes after what was put into it before, and is done, with the stream empty, when the member returns.
/// Streams are of the device that was current when the owner was made; which one is current later doesn't matter. Arrays may be anywhere:
/// on the host, pinned or not, on the owner's device (then nothing is copied), on another, or managed. Every member but the move operations
/// and the destructor may be called by any number of threads at once, and while kernels use the container.
///
/// Each value is pushed and popped by an operation of its own, which is lock-free, linearizes, and orders memory as the container's own.
/// A call costs O(count), and a few commands in the stream.
///
/// Errors: cuda::error, with the call and the reason, where a call of the CUDA runtime fails. Where that comes before the kernel, for want
/// of memory for instance, the container is as before; values that a pop has taken and could not bring are lost. An error of a kernel, of
/// an earlier one, too, leaves all device memory unusable.
template <class Container>
class device_list {
  using value = typename Container::value_type;
  static_assert(
      std::is_trivially_copyable_v<value>,
      "cuda::stack<T>, cuda::queue<T>: T must be trivially copyable, since values are copied between host and device byte by "
      "byte, and in kernels word by word");

 public:
  using value_type = value;
  /// The host's template, over a fixed pool in the device's memory.
  using container_type = Container;
  using ref_type = list_ref<Container>;

  /// Empty, for `capacity` values, on the current device. Throws cuda::error where there is no GPU, no memory for it, or no code for the
  /// GPU in the program, and std::invalid_argument where it would take more than 16 GiB. Takes all of its memory: for a value, 16 bytes
  /// and T's own, rounded up to 8. A kernel of one thread constructs the container.
  explicit device_list(std::size_t capacity, cudaStream_t stream = nullptr)
      : owned_(capacity, sizeof(typename device_pool::template node<value>), 0, stream) {}
  /// An owner that was moved from has no container. It may be destroyed, assigned to, and asked for its ref(), which is none.
  device_list(device_list&&) noexcept = default;
  device_list& operator=(device_list&&) noexcept = default;
  /// Gives the memory back. No kernel uses it any more. Throws nothing, on whichever device.
  ~device_list() = default;

  /// For kernels; valid as long as the owner, or the one that it was moved to.
  [[nodiscard]] ref_type ref() const noexcept { return ref_type(owned_.get()); }
  /// As many values fit as were asked for.
  [[nodiscard]] std::size_t capacity() const noexcept { return owned_.capacity(); }

  /// Pushes values[0], values[1], ... until all are in, or the pool is full; returns how many are, which are the first ones. Threads push
  /// them side by side: in which order, among each other, is left to the GPU.
  std::size_t push(const value* values, std::size_t count, cudaStream_t stream = nullptr) {
    if (count == 0) return 0;
    stream_call call(owned_.device(), stream);
    const call_input<value> from(call, values, count);
    const call_counters counts(call);
    call.launch(count, push_values<Container, value>, owned_.get(), from.data(), count, counts.data());
    return static_cast<std::size_t>(counts.read(call).done);
  }
  /// Pops up to `count` values into values[0], values[1], ..., and returns how many; what is behind stays as it was. Fewer only where the
  /// container was empty. Threads pop them side by side: the order in which they stand there is left to the GPU.
  std::size_t pop(value* values, std::size_t count, cudaStream_t stream = nullptr) {
    if (count == 0) return 0;
    stream_call call(owned_.device(), stream);
    const call_output<value> to(call, values, count, output_is::all_written);
    const call_counters counts(call);
    call.launch(count, pop_values<Container, value>, owned_.get(), to.data(), count, counts.data());
    const auto popped = static_cast<std::size_t>(counts.read(call).done);
    to.deliver(call, popped);
    call.finish();
    return popped;
  }
  /// True where there was no element at some instant during the call.
  [[nodiscard]] bool empty(cudaStream_t stream = nullptr) const {
    stream_call call(owned_.device(), stream);
    const call_counters counts(call);
    call.launch(1, look_whether_empty<Container>, owned_.get(), counts.data());
    return counts.read(call).done != 0;
  }

 private:
  device_owner<Container> owned_;
};

}  // namespace pawl::inline v0::detail
#endif
