// SPDX-License-Identifier: BSL-1.0
// Threads that count on one word without a lock: what counters.cpp measures, and what locks.cpp draws beside its locks.
#pragma once

#include <atomic>
#include <cstdint>

#include "measure.hpp"
#include "pawl/atomic.hpp"
#include "pawl/backoff.hpp"

namespace study {

using word = std::uint64_t;

template <class Atomic>
struct alignas(128) counter_line {
  Atomic value{0};
  char padding[128 - sizeof(Atomic)]{};
};

template <class Backoff>
struct compare_and_swap {
  void operator()(pawl::atomic<word>& counter) const {
    Backoff backoff;
    word seen = counter.load(std::memory_order_relaxed);
    while (!counter.compare_exchange_weak(seen, seen + 1)) {
      backoff();
      // What the failed attempt saw is old after a pause.
      seen = counter.load(std::memory_order_relaxed);
    }
  }
};

template <class Atomic, class Increment>
auto count_with(Increment increment) {
  return [increment](const trial& t) {
    counter_line<Atomic> counter;
    return measure(t, [&](unsigned) { return repeat(counter.value, increment); });
  };
}

inline constexpr auto fetch_add = [](auto& counter) { keep(counter.fetch_add(1)); };

}  // namespace study
