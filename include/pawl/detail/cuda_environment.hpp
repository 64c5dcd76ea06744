// SPDX-License-Identifier: BSL-1.0
// environment<backend::cuda<Scope>>: a kernel's world, and the host's view of what it shares with kernels. No thread has anything of its
// own, nothing is allocated and nobody sleeps: who waits looks again after a pause. (Included by environment.hpp.)
#pragma once

#include <cstddef>
#include <new>

#include "../backend/cuda.hpp"
#include "../environment.hpp"
#include "fail.hpp"

namespace pawl::inline v0 {

namespace detail {

/// Where no thread has an object of its own: what asks for one gets std::bad_alloc, or a trap in device code. So a growing tagged_pool
/// ends at its first operation, and a fixed one, which has no caches, works.
template <class T>
class nothing_per_thread {
 public:
  struct key {};
  PAWL_HOST_DEVICE key id() const noexcept { return {}; }
  PAWL_HOST_DEVICE static T* find(key) noexcept { return nullptr; }
  PAWL_HOST_DEVICE T* find() const noexcept { return nullptr; }
  template <class Make>
  [[noreturn]] PAWL_HOST_DEVICE T& get(Make) {
    fail<std::bad_alloc>();
  }
  template <class F>
  PAWL_HOST_DEVICE void for_each(F) const noexcept {}
};

}  // namespace detail

template <is_scope Scope>
struct environment<backend::cuda<Scope>> {
  static constexpr pawl::tuning tuning{};
  static constexpr bool tracks_atomics = false;
  static constexpr bool tracks_plain = false;

  template <class T>
  using per_thread = detail::nothing_per_thread<T>;

  /// Fails always: a pool's memory comes from the allocator that it was given.
  [[noreturn]] static PAWL_HOST_DEVICE void* allocate(std::size_t /*bytes*/, std::size_t /*alignment*/) {
    detail::fail<std::bad_alloc>();
  }
  static PAWL_HOST_DEVICE void deallocate(void* /*memory*/, std::size_t /*bytes*/, std::size_t /*alignment*/) noexcept {}

  // No side is the cheap one.
  struct fences {};
  static PAWL_HOST_DEVICE fences settle_fences() noexcept { return {}; }
  static PAWL_HOST_DEVICE void light_fence() noexcept { backend::cuda<Scope>::thread_fence(std::memory_order_seq_cst); }
  static PAWL_HOST_DEVICE void light_fence(fences) noexcept { light_fence(); }
  static PAWL_HOST_DEVICE bool heavy_fence() noexcept {
    light_fence();
    return true;
  }
};

}  // namespace pawl::inline v0
