// SPDX-License-Identifier: BSL-1.0
// environment<backend::model>: threads, memory and plain data of a modelled execution. Outside of a check they are the host's.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

#include "../environment.hpp"
#include "backend.hpp"

namespace pawl::inline v0 {

template <>
struct environment<backend::model> {
  // Tiny, so that what is rare elsewhere happens in programs of a few operations.
  static constexpr pawl::tuning tuning{.scan_threshold = 4, .cache_size = 1, .growth_check = 1, .bucket_piece_bits = 1};

  template <class T>
  using per_thread = detail::host_per_thread<T>;
  template <class T>
  static T& global() {
    return environment<backend::builtin>::template global<T>();
  }

  /// Throws std::bad_alloc.
  static void* allocate(std::size_t bytes, std::size_t alignment) {
    if (auto* const e = model::detail::active) {
      void* const memory = e->allocate(bytes, alignment, true, {});
      if (memory == nullptr) detail::fail<std::bad_alloc>();
      return memory;
    }
    return environment<backend::builtin>::allocate(bytes, alignment);
  }
  static void deallocate(void* memory, std::size_t bytes, std::size_t alignment) noexcept {
    auto* const e = model::detail::active;
    if (e == nullptr) return environment<backend::builtin>::deallocate(memory, bytes, alignment);
    e->deallocate(memory, {});
    e->stop_if_failed();
  }

  static constexpr bool tracks_atomics = true;
  static constexpr bool tracks_plain = true;
  static void begin(const void* memory, std::size_t bytes) noexcept {
    if (auto* const e = model::detail::active) {
      uint128 value = 0;
      __builtin_memcpy(&value, memory, bytes);
      e->begin_atomic(memory, value);
      e->stop_if_failed();
    }
  }
  static void end(const void* memory) noexcept {
    if (auto* const e = model::detail::active) {
      e->end_object(memory);
      e->stop_if_failed();
    }
  }
  static void read(const void* memory, std::size_t /*bytes*/) noexcept {
    if (auto* const e = model::detail::active) {
      e->read_plain(memory, {});
      e->stop_if_failed();
    }
  }
  static void write(const void* memory, std::size_t /*bytes*/) noexcept {
    if (auto* const e = model::detail::active) {
      e->write_plain(memory, {});
      e->stop_if_failed();
    }
  }

  struct fences {};
  static fences settle_fences() noexcept { return {}; }
  static void light_fence() noexcept { fence(std::memory_order_relaxed, model::detail::explorer::symmetry::light); }
  static void light_fence(fences /*settled*/) noexcept { light_fence(); }
  static bool heavy_fence() noexcept {
    fence(std::memory_order_seq_cst, model::detail::explorer::symmetry::heavy);
    return true;
  }

 private:
  static void fence(std::memory_order order, model::detail::explorer::symmetry sides) noexcept {
    if (auto* const e = model::detail::active) {
      e->steps().fence(order, sides);
      e->step(sides == model::detail::explorer::symmetry::light ? "light fence" : "heavy fence", {}, 0);
    } else {
      // Outside of a check both sides are full fences, which is always right: each synchronizes with the other by their order in S.
      backend::builtin::thread_fence(std::memory_order_seq_cst);
    }
  }
};

}  // namespace pawl::inline v0
