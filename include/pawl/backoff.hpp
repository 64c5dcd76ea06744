// SPDX-License-Identifier: BSL-1.0
// What a thread does between a failed attempt and the next. One object per operation, called after each failure: `b()`, or `b(B{})`
// to pause as backend B does.
#pragma once

#include <cstdint>
#include <thread>

#include "backend.hpp"

PAWL_HOST_DEVICE_BEGIN

namespace pawl::inline v0 {

namespace detail {

// Under the model one pause is all that waiting is, and a counter would make each iteration of a waiting loop differ from the last.
template <class B>
inline constexpr bool one_pause_waits = false;
template <class B>
  requires requires { B::one_pause_waits; }
inline constexpr bool one_pause_waits<B> = B::one_pause_waits;

}  // namespace detail

/// Tries again at once.
struct no_backoff {
  PAWL_HOST_DEVICE void operator()() const noexcept {}
  template <is_backend B>
  PAWL_HOST_DEVICE void operator()(B) const noexcept {}
};

/// Pauses 1, 2, 4, ... 64 times (T. E. Anderson, "The Performance of Spin Lock Alternatives for Shared-Memory Multiprocessors", IEEE
/// TPDS 1990): fewer failed attempts and a calmer line, against a late return.
class exponential_backoff {
 public:
  static constexpr std::uint32_t most_pauses = 64;

  PAWL_HOST_DEVICE void operator()() noexcept { (*this)(native{}); }
  template <is_backend B>
  PAWL_HOST_DEVICE void operator()(B) noexcept {
    if constexpr (detail::one_pause_waits<B>) return B::pause();
    for (std::uint32_t i = 0; i < pauses_; ++i) B::pause();
    if (pauses_ < most_pauses) pauses_ *= 2;
  }

 private:
  std::uint32_t pauses_ = 1;
};

/// As exponential_backoff, and once that has reached its longest pause, gives the processor away: for more threads than cores.
class yield_backoff {
 public:
  static constexpr std::uint32_t most_pauses = exponential_backoff::most_pauses;

  void operator()() noexcept { (*this)(native{}); }
  template <is_backend B>
  void operator()(B) noexcept {
    if constexpr (detail::one_pause_waits<B>) return B::pause();
    if (pauses_ > most_pauses) {
      std::this_thread::yield();
      return;
    }
    for (std::uint32_t i = 0; i < pauses_; ++i) B::pause();
    pauses_ *= 2;
  }

 private:
  std::uint32_t pauses_ = 1;
};

/// What containers take unless told otherwise, chosen from what the contention study measures of the stack and the queue with each of the
/// three (docs/design.md has the numbers).
using default_backoff = no_backoff;

}  // namespace pawl::inline v0

PAWL_HOST_DEVICE_END
