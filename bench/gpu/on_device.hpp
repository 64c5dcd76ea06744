// SPDX-License-Identifier: BSL-1.0
// A container over a fixed pool, both in device memory, for as long as the object on the host lives. They end with their memory, without
// a destructor. As pawl's owners on the host, but for two things: launches are waited for with a time limit, and a map has as many buckets
// as the study wants.
#pragma once

#include <cstddef>
#include <memory>

#include <pawl/detail/cuda_owner.hpp>

#include "measure.hpp"

namespace gpu {

using pool = pawl::detail::device_pool;

template <class Container>
class on_device {
 public:
  /// `bytes` for the nodes and, of a map, the buckets; `arguments` are the container's constructor's behind the pool.
  template <class... Arguments>
  on_device(study& in, unsigned capacity, std::size_t bytes, Arguments... arguments) : place_(in, 1), bytes_(in, bytes) {
    pawl::detail::construct_in<Container><<<1, 1>>>(place_.data(), capacity, bytes_.data(), bytes_.data() + bytes, arguments...);
    in.launched();
    in.wait();
  }
  on_device(const on_device&) = delete;
  on_device& operator=(const on_device&) = delete;
  /// For kernels.
  [[nodiscard]] Container* ref() const { return std::addressof(place_.data()->container); }

 private:
  memory<pawl::detail::device_place<Container>> place_;
  memory<std::byte> bytes_;
};

}  // namespace gpu
