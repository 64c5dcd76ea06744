// SPDX-License-Identifier: BSL-1.0
// What std::atomic is to the host's own state (thread tables, the objects of the process, the fence's state), which belongs to no backend.
// But std::atomic's read-modify-writes become calls of __aarch64_* on arm64, and of libatomic for one byte on RISC-V; those of
// backend::builtin never do.
#pragma once

#include <type_traits>

#include "../backend/builtin.hpp"
#include "atomic_value.hpp"

namespace pawl::inline v0::detail {

/// Names and meanings are std::atomic's, but each call names its order. Constant-initialized.
template <class T>
class host_atomic {
  using machine = backend::builtin;
  using ops = access<T, machine>;

 public:
  constexpr host_atomic(T initial = T()) noexcept : value_(initial) {}  // NOLINT(google-explicit-constructor): as std::atomic
  host_atomic(const host_atomic&) = delete;
  host_atomic& operator=(const host_atomic&) = delete;

  PAWL_ALWAYS_INLINE T load(std::memory_order order) const noexcept { return ops::load(word_, order); }
  PAWL_ALWAYS_INLINE void store(T desired, std::memory_order order) noexcept { ops::store(word_, desired, order); }
  T exchange(T desired, std::memory_order order) noexcept { return ops::exchange(word_, desired, order); }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure) noexcept {
    return ops::compare_exchange_weak(word_, expected, desired, success, failure);
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order failure) noexcept {
    return ops::compare_exchange_strong(word_, expected, desired, success, failure);
  }
  T fetch_add(T n, std::memory_order order) noexcept
    requires integer<T>
  {
    return from_word<T>(machine::fetch_add(word_, to_word(n), order));
  }
  T fetch_sub(T n, std::memory_order order) noexcept
    requires integer<T>
  {
    return from_word<T>(machine::fetch_sub(word_, to_word(n), order));
  }

 private:
  union {
    T value_;
    word_for<T> word_;
  };
};

}  // namespace pawl::inline v0::detail
