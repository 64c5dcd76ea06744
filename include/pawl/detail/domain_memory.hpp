// SPDX-License-Identifier: BSL-1.0
// A domain's memory: from the allocator that it was given, or the environment's.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "../environment.hpp"

PAWL_HOST_DEVICE_BEGIN

namespace pawl::inline v0::detail {

/// Alloc is used by several threads at once.
template <class B, class Alloc>
class domain_memory {
  using env = environment<B>;
  static constexpr bool from_environment = std::is_same_v<Alloc, std::allocator<std::byte>>;
  template <class Object>
  using rebound = typename std::allocator_traits<Alloc>::template rebind_alloc<Object>;

 public:
  domain_memory() = default;
  PAWL_HOST_DEVICE explicit domain_memory(const Alloc& alloc) : alloc_(alloc) {}

  /// Throws std::bad_alloc, or what the allocator or the constructor throws, before any effect.
  template <class Object, class... Args>
  PAWL_HOST_DEVICE Object* make(Args&&... args) {
    Object* const memory = allocate<Object>();
    if constexpr (std::is_nothrow_constructible_v<Object, Args...>) {
      return std::construct_at(memory, std::forward<Args>(args)...);
    } else {
      struct undo {
        domain_memory* memory;
        Object* object;
        ~undo() {
          if (object != nullptr) memory->deallocate(object);
        }
      } guard{this, memory};
      std::construct_at(memory, std::forward<Args>(args)...);
      return std::exchange(guard.object, nullptr);
    }
  }
  template <class Object>
  PAWL_HOST_DEVICE void unmake(Object* object) noexcept {
    std::destroy_at(object);
    deallocate(object);
  }

  /// Memory for `count` objects, in which none has begun. Throws std::bad_alloc, or what the allocator throws.
  template <class Object>
  PAWL_HOST_DEVICE Object* allocate(std::size_t count = 1) {
    if constexpr (from_environment) {
      return static_cast<Object*>(env::allocate(count * sizeof(Object), alignof(Object)));
    } else {
      rebound<Object> alloc(alloc_);
      return std::to_address(alloc.allocate(count));
    }
  }
  template <class Object>
  PAWL_HOST_DEVICE void deallocate(Object* objects, std::size_t count = 1) noexcept {
    if constexpr (from_environment) {
      env::deallocate(objects, count * sizeof(Object), alignof(Object));
    } else {
      rebound<Object> alloc(alloc_);
      using pointer = typename std::allocator_traits<rebound<Object>>::pointer;
      alloc.deallocate(std::pointer_traits<pointer>::pointer_to(*objects), count);
    }
  }

 private:
  [[no_unique_address]] Alloc alloc_{};
};

}  // namespace pawl::inline v0::detail

PAWL_HOST_DEVICE_END
