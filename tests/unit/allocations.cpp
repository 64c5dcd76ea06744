// SPDX-License-Identifier: BSL-1.0
// The global operator new of the unit tests.
#include "allocations.hpp"

#include <malloc.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> blocks{0};
std::atomic<std::size_t> bytes{0};
thread_local std::size_t made = 0;
thread_local std::size_t fail_at = 0;  // zero: never
thread_local bool fail_all_after = false;
thread_local bool failed = false;

void* allocate(std::size_t size, std::size_t alignment) noexcept {
  ++made;
  if (fail_at != 0 && (fail_all_after ? made >= fail_at : made == fail_at)) {
    failed = true;
    return nullptr;
  }
  if (size == 0) size = 1;
  void* const memory = alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__
                           ? std::malloc(size)
                           : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) return nullptr;
  blocks.fetch_add(1, std::memory_order_relaxed);
  bytes.fetch_add(malloc_usable_size(memory), std::memory_order_relaxed);
  return memory;
}
void* allocate_or_throw(std::size_t size, std::size_t alignment) {
  void* const memory = allocate(size, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void deallocate(void* memory) noexcept {
  if (memory == nullptr) return;
  blocks.fetch_sub(1, std::memory_order_relaxed);
  bytes.fetch_sub(malloc_usable_size(memory), std::memory_order_relaxed);
  std::free(memory);
}
constexpr std::size_t ordinary = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

}  // namespace

void* operator new(std::size_t size) { return allocate_or_throw(size, ordinary); }
void* operator new[](std::size_t size) { return allocate_or_throw(size, ordinary); }
void* operator new(std::size_t size, std::align_val_t a) { return allocate_or_throw(size, static_cast<std::size_t>(a)); }
void* operator new[](std::size_t size, std::align_val_t a) { return allocate_or_throw(size, static_cast<std::size_t>(a)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, ordinary); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, ordinary); }
void* operator new(std::size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate(size, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate(size, static_cast<std::size_t>(a));
}
void operator delete(void* memory) noexcept { deallocate(memory); }
void operator delete[](void* memory) noexcept { deallocate(memory); }
void operator delete(void* memory, std::size_t) noexcept { deallocate(memory); }
void operator delete[](void* memory, std::size_t) noexcept { deallocate(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { deallocate(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { deallocate(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { deallocate(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { deallocate(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { deallocate(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { deallocate(memory); }
void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept { deallocate(memory); }
void operator delete[](void* memory, std::align_val_t, const std::nothrow_t&) noexcept { deallocate(memory); }

namespace allocations {

std::size_t live_blocks() noexcept { return blocks.load(std::memory_order_relaxed); }
std::size_t live_bytes() noexcept { return bytes.load(std::memory_order_relaxed); }
std::size_t of_this_thread() noexcept { return made; }

failing::failing(std::size_t n, bool all_after) noexcept {
  failed = false;
  fail_all_after = all_after;
  fail_at = made + n;
}
failing::~failing() { fail_at = 0; }
bool failing::happened() const noexcept { return failed; }  // NOLINT(readability-convert-member-functions-to-static)

}  // namespace allocations
