// SPDX-License-Identifier: BSL-1.0
// cuda::queue<T, Backoff>: pawl::queue in device memory, owned on the host and used by kernels; as cuda::stack, but first in, first out.
//
// Progress, order and cost are those of pawl::queue over a fixed tagged_pool, among all threads of the device. Nothing without nvcc.
#pragma once

#include "../detail/cuda_list.hpp"
#include "../queue.hpp"

#if defined(__CUDACC__)
namespace pawl::inline v0::cuda {

/// Owns a queue of up to `capacity` T on a GPU. Its members are said at detail::device_list, in detail/cuda_list.hpp: the constructor
/// from a capacity, ref(), capacity(), push(values, count), pop(values, count), empty(). What one push has brought in comes out before
/// what a later one has. T is trivially copyable. Move-only.
template <class T, class Backoff = default_backoff>
class queue : public detail::device_list<pawl::queue<T, detail::device_pool, Backoff>> {
 public:
  using detail::device_list<pawl::queue<T, detail::device_pool, Backoff>>::device_list;
};

}  // namespace pawl::inline v0::cuda
#endif
