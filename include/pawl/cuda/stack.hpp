// SPDX-License-Identifier: BSL-1.0
// cuda::stack<T, Backoff>: pawl::stack in device memory, owned on the host and used by kernels.
//
//   __global__ void work(pawl::cuda::stack<int>::ref_type tasks) {
//     int task = 0;
//     while (tasks.try_pop(task)) {
//       if (task > 1 && !tasks.try_push(task / 2)) ...  // full
//     }
//   }
//   pawl::cuda::stack<int> tasks(1 << 20);  // what fits, ever
//   tasks.push(first.data(), first.size());
//   work<<<blocks, threads>>>(tasks.ref());
//
// Progress, order and cost are those of pawl::stack over a fixed tagged_pool, among all threads of the device. Nothing without nvcc.
#pragma once

#include "../detail/cuda_list.hpp"
#include "../stack.hpp"

#if defined(__CUDACC__)
namespace pawl::inline v0::cuda {

/// Owns a stack of up to `capacity` T on a GPU. Its members are said at detail::device_list, in detail/cuda_list.hpp: the constructor
/// from a capacity, ref(), capacity(), push(values, count), pop(values, count), empty(). T is trivially copyable. Move-only.
template <class T, class Backoff = default_backoff>
class stack : public detail::device_list<pawl::stack<T, detail::device_pool, Backoff>> {
 public:
  using detail::device_list<pawl::stack<T, detail::device_pool, Backoff>>::device_list;
};

}  // namespace pawl::inline v0::cuda
#endif
