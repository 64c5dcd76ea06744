// SPDX-License-Identifier: BSL-1.0
// operator new and operator delete of a whole program, where one of its translation units defines PAWL_MODEL_REPLACE_NEW before it
// includes <pawl/model.hpp>: each new and delete in a body is one that the check follows, with memory from its arena, so that an
// execution that is given up leaks nothing. The checker's own allocations, and everything outside of a body, are malloc's.
//
// In a body is who runs on a fiber while the check observes: neither the scheduler, nor the checker where it is `unobserved`, nor
// another real thread. What else could meet:
//
// - Memory from outside that a body deletes is really freed: once, where bodies are run often.
// - Memory of a body that is deleted outside, by a string that outlives it for one, is gone with the check already. (That nobody freed it
//   in the body was a leak.)
#pragma once

#include "execution.hpp"

#if defined(PAWL_MODEL_REPLACE_NEW)

#include <cstddef>
#include <cstdlib>
#include <new>

namespace pawl::inline v0::model::detail {

/// The check in whose body the caller is; null elsewhere.
inline execution* check_of_caller() noexcept { return fiber::on_one() ? active : nullptr; }

/// Null where there is no memory.
inline void* replaced_new(std::size_t bytes, std::size_t alignment) {
  if (execution* const e = check_of_caller()) {
    void* const memory = e->allocate(bytes, alignment, true, {});
    e->stop_if_failed();
    return memory;
  }
  if (bytes == 0) bytes = 1;
  const bool plain = alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__;
  // aligned_alloc wants a multiple
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  for (;;) {
    void* const memory = plain ? std::malloc(bytes) : rounded < bytes ? nullptr : std::aligned_alloc(alignment, rounded);
    if (memory != nullptr) return memory;
    const std::new_handler makes_room = std::get_new_handler();
    if (makes_room == nullptr) return nullptr;
    makes_room();
  }
}
inline void* replaced_new_or_throw(std::size_t bytes, std::size_t alignment) {
  void* const memory = replaced_new(bytes, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
inline void* replaced_new_or_null(std::size_t bytes, std::size_t alignment) noexcept {
  try {
    return replaced_new(bytes, alignment);
  } catch (...) {  // the handler's
    return nullptr;
  }
}
inline void replaced_delete(void* memory) noexcept {
  execution* const e = check_of_caller();
  if (memory == nullptr) return;
  if (e != nullptr && e->owns(memory)) {
    // What ends here may be an exception that made the run fail: its own memory, malloc's, is freed after its members.
    if (e->failed()) return;
    e->deallocate(memory, {});
    e->stop_if_failed();
  } else if (!arena::was_of_one(memory)) {
    std::free(memory);
  }
}

inline constexpr std::size_t default_alignment = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

}  // namespace pawl::inline v0::model::detail

// All of them: those that a program doesn't replace are a sanitizer's, and don't call those that it does.
// NOLINTBEGIN(misc-definitions-in-headers,misc-new-delete-overloads): in one translation unit, as the macro asks
void* operator new(std::size_t bytes) {
  return pawl::model::detail::replaced_new_or_throw(bytes, pawl::model::detail::default_alignment);
}
void* operator new[](std::size_t bytes) {
  return pawl::model::detail::replaced_new_or_throw(bytes, pawl::model::detail::default_alignment);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return pawl::model::detail::replaced_new_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return pawl::model::detail::replaced_new_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t& /*tag*/) noexcept {
  return pawl::model::detail::replaced_new_or_null(bytes, pawl::model::detail::default_alignment);
}
void* operator new[](std::size_t bytes, const std::nothrow_t& /*tag*/) noexcept {
  return pawl::model::detail::replaced_new_or_null(bytes, pawl::model::detail::default_alignment);
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t& /*tag*/) noexcept {
  return pawl::model::detail::replaced_new_or_null(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment, const std::nothrow_t& /*tag*/) noexcept {
  return pawl::model::detail::replaced_new_or_null(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { pawl::model::detail::replaced_delete(memory); }
void operator delete[](void* memory) noexcept { pawl::model::detail::replaced_delete(memory); }
void operator delete(void* memory, std::size_t /*bytes*/) noexcept { pawl::model::detail::replaced_delete(memory); }
void operator delete[](void* memory, std::size_t /*bytes*/) noexcept { pawl::model::detail::replaced_delete(memory); }
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept { pawl::model::detail::replaced_delete(memory); }
void operator delete[](void* memory, std::align_val_t /*alignment*/) noexcept { pawl::model::detail::replaced_delete(memory); }
void operator delete(void* memory, std::size_t /*bytes*/, std::align_val_t /*alignment*/) noexcept {
  pawl::model::detail::replaced_delete(memory);
}
void operator delete[](void* memory, std::size_t /*bytes*/, std::align_val_t /*alignment*/) noexcept {
  pawl::model::detail::replaced_delete(memory);
}
void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept { pawl::model::detail::replaced_delete(memory); }
void operator delete[](void* memory, const std::nothrow_t& /*tag*/) noexcept { pawl::model::detail::replaced_delete(memory); }
void operator delete(void* memory, std::align_val_t /*alignment*/, const std::nothrow_t& /*tag*/) noexcept {
  pawl::model::detail::replaced_delete(memory);
}
void operator delete[](void* memory, std::align_val_t /*alignment*/, const std::nothrow_t& /*tag*/) noexcept {
  pawl::model::detail::replaced_delete(memory);
}
// NOLINTEND(misc-definitions-in-headers,misc-new-delete-overloads)

#endif
