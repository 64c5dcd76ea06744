// SPDX-License-Identifier: BSL-1.0
// A container in device memory, as the host has it: one piece of memory with the container, its fixed pool and the pool's nodes, in which
// one thread of the device constructs them. Nothing without nvcc.
#pragma once

#include "../tagged_pool.hpp"
#include "cuda_call.hpp"
#if defined(__CUDACC__)

#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <utility>

namespace pawl::inline v0::detail {

/// A piece of device memory, given out part by part to the thread that constructs a container. Nothing comes back: it is freed as a whole.
struct device_piece {
  static constexpr std::size_t alignment = 16;
  std::byte* next;
  std::byte* end;
};

template <class T>
class part_of_piece {
 public:
  using value_type = T;

  __device__ explicit part_of_piece(device_piece* piece) noexcept : piece_(piece) {}
  template <class U>
  __device__ explicit part_of_piece(const part_of_piece<U>& other) noexcept : piece_(other.piece()) {}
  [[nodiscard]] __device__ device_piece* piece() const noexcept { return piece_; }

  __device__ T* allocate(std::size_t count) {
    std::byte* const part = piece_->next;
    const std::size_t bytes = (count * sizeof(T) + device_piece::alignment - 1) / device_piece::alignment * device_piece::alignment;
    // device_owner has computed what a container takes; so this is a mistake there.
    if (bytes > static_cast<std::size_t>(piece_->end - part)) __trap();
    piece_->next = part + bytes;
    return reinterpret_cast<T*>(part);
  }
  __device__ void deallocate(T*, std::size_t) noexcept {}

 private:
  device_piece* piece_;
};

/// The pool of containers that the host owns.
using device_pool = tagged_pool<backend::cuda<scope::device>, part_of_piece<std::byte>>;

template <class Container>
struct device_place {
  template <class... Args>
  __device__ device_place(std::size_t capacity, std::byte* begin, std::byte* end, const Args&... args)
      : piece{begin, end}, nodes(capacity, part_of_piece<std::byte>(&piece)), container(nodes, args...) {}
  device_piece piece;
  device_pool nodes;
  Container container;
};

template <class Container, class... Args>
__global__ void construct_in(device_place<Container>* place, std::size_t capacity, std::byte* begin, std::byte* end, Args... args) {
  ::new (static_cast<void*>(place)) device_place<Container>(capacity, begin, end, args...);
}

/// Device memory with an owner, who may be on any device when it goes.
class device_memory {
 public:
  explicit device_memory(std::size_t bytes) : device_(current_device()) { check(cudaMalloc(&memory_, bytes), "cudaMalloc"); }
  device_memory(device_memory&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)), device_(other.device_) {}
  device_memory& operator=(device_memory&& other) noexcept {
    device_memory taken(std::move(other));
    std::swap(memory_, taken.memory_);
    std::swap(device_, taken.device_);
    return *this;
  }
  ~device_memory() {
    if (memory_ == nullptr) return;
    int before = device_;
    static_cast<void>(cudaGetDevice(&before));
    if (before != device_) static_cast<void>(cudaSetDevice(device_));
    static_cast<void>(cudaFree(memory_));
    if (before != device_) static_cast<void>(cudaSetDevice(before));
  }
  [[nodiscard]] void* get() const noexcept { return memory_; }
  [[nodiscard]] int device() const noexcept { return device_; }

 private:
  void* memory_ = nullptr;
  int device_;
};

/// The owner of a Container over a device_pool. Moved from, it has none, and may be destroyed and assigned to.
template <class Container>
class device_owner {
  using place = device_place<Container>;

 public:
  /// `capacity` nodes of `node_bytes`, and `other_bytes` that the container asks the pool for besides; `args` are the container's.
  template <class... Args>
  device_owner(std::size_t capacity, std::size_t node_bytes, std::size_t other_bytes, cudaStream_t stream, const Args&... args)
      : memory_(sum(begin_of_piece, sum(bytes_of_nodes(capacity, node_bytes), other_bytes))), capacity_(capacity) {
    // After the allocation: where there is no GPU, or not so much memory, that is the news.
    const std::size_t nodes = bytes_of_nodes(capacity, node_bytes);
    if (nodes > most_bytes_of_nodes) fail<std::invalid_argument>("tagged_pool: more than 16 GiB of nodes");
    stream_call call(device(), stream);
    auto* const begin = static_cast<std::byte*>(memory_.get()) + begin_of_piece;
    call.launch(1, construct_in<Container, Args...>, static_cast<place*>(memory_.get()), capacity, begin,
                begin + nodes + other_bytes, args...);
    call.finish();
  }
  device_owner(device_owner&& other) noexcept : memory_(std::move(other.memory_)), capacity_(std::exchange(other.capacity_, 0)) {}
  device_owner& operator=(device_owner&& other) noexcept {
    memory_ = std::move(other.memory_);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }
  // What the container and the pool have is in the piece, so there is nothing to destroy in it.
  ~device_owner() = default;

  /// Where the container is on the device; nullptr once moved from.
  [[nodiscard]] Container* get() const noexcept {
    return memory_.get() == nullptr ? nullptr : std::addressof(static_cast<place*>(memory_.get())->container);
  }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] int device() const noexcept { return memory_.device(); }

 private:
  static constexpr std::size_t most_bytes_of_nodes = std::size_t{16} << 30U;
  // As much as no device has. What is too much for a size_t is this.
  static constexpr std::size_t too_much = std::numeric_limits<std::size_t>::max() / 4;
  static constexpr std::size_t begin_of_piece =
      (sizeof(place) + device_piece::alignment - 1) / device_piece::alignment * device_piece::alignment;

  static constexpr std::size_t sum(std::size_t a, std::size_t b) noexcept {
    return a > too_much || b > too_much - a ? too_much : a + b;
  }
  // A pool has one node more than it can name, and some for the dummies of queues and for updates of maps.
  static constexpr std::size_t bytes_of_nodes(std::size_t capacity, std::size_t node_bytes) noexcept {
    const std::size_t nodes = sum(capacity, device_pool::max_queues + 1);
    return nodes > too_much / node_bytes ? too_much : sum(nodes * node_bytes, device_piece::alignment);
  }

  device_memory memory_;
  std::size_t capacity_;
};

/// What a kernel gets of a container that the host owns: a pointer to it, with what every handle can do.
template <class Container>
class device_ref {
 public:
  using container_type = Container;

  /// Of no container.
  device_ref() = default;
  PAWL_HOST_DEVICE explicit device_ref(Container* container) noexcept : container_(container) {}

  [[nodiscard]] __device__ Container* operator->() const noexcept { return container_; }
  [[nodiscard]] __device__ Container& operator*() const noexcept { return *container_; }
  /// So that a kernel may take the pointer.
  [[nodiscard]] PAWL_HOST_DEVICE operator Container*() const noexcept { return container_; }

 private:
  Container* container_ = nullptr;
};

}  // namespace pawl::inline v0::detail
#endif
