// SPDX-License-Identifier: BSL-1.0
// A container over a fixed pool, both in device memory, for as long as the object on the host lives. They end with their memory, without
// a destructor, which would be one thread's, and look at each bucket and each element of a map: for seconds, on a GPU.
#pragma once

#include <cstddef>
#include <new>

#include <pawl/backend/cuda.hpp>
#include <pawl/tagged_pool.hpp>

#include "measure.hpp"

namespace gpu {

/// Device memory that is given out part by part: for a pool's nodes, for a map's buckets.
struct arena {
  std::byte* next;
  std::byte* end;
};
template <class T>
struct part_of {
  using value_type = T;
  arena* from;

  __device__ explicit part_of(arena* its_arena) : from(its_arena) {}
  template <class U>
  __device__ explicit part_of(const part_of<U>& other) : from(other.from) {}
  __device__ T* allocate(std::size_t count) {
    std::byte* const part = from->next;
    from->next += (count * sizeof(T) + 15) / 16 * 16;
    if (from->next > from->end) __trap();
    return reinterpret_cast<T*>(part);
  }
  __device__ void deallocate(T*, std::size_t) {}
};

using pool = pawl::tagged_pool<pawl::backend::cuda<pawl::scope::device>, part_of<std::byte>>;

template <class Container>
struct held {
  arena memory;
  pool nodes;
  Container values;
  template <class... Arguments>
  __device__ held(unsigned capacity, std::byte* bytes, std::size_t count, Arguments... arguments)
      : memory{bytes, bytes + count}, nodes(capacity, part_of<std::byte>(&memory)), values(nodes, arguments...) {}
};

template <class Container, class... Arguments>
__global__ void construct(held<Container>* place, Container** values, unsigned capacity, std::byte* bytes, std::size_t count,
                          Arguments... arguments) {
  new (place) held<Container>(capacity, bytes, count, arguments...);
  *values = &place->values;
}
template <class Container>
class on_device {
 public:
  /// `bytes` for the nodes and, of a map, the buckets; `arguments` are the container's constructor's behind the pool.
  template <class... Arguments>
  on_device(study& in, unsigned capacity, std::size_t bytes, Arguments... arguments)
      : place_(in, 1), values_(in, 1), bytes_(in, bytes) {
    construct<<<1, 1>>>(place_.data(), values_.data(), capacity, bytes_.data(), bytes, arguments...);
    in.launched();
    in.wait();
    ref_ = values_.copy()[0];
  }
  on_device(const on_device&) = delete;
  on_device& operator=(const on_device&) = delete;
  /// For kernels.
  [[nodiscard]] Container* ref() const { return ref_; }

 private:
  memory<held<Container>> place_;
  memory<Container*> values_;
  memory<std::byte> bytes_;
  Container* ref_ = nullptr;
};

}  // namespace gpu
