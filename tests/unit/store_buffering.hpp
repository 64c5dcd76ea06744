// SPDX-License-Identifier: BSL-1.0
// Store buffering: each of two threads writes one word and reads the other's; both may read the old value unless something forbids it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include <pawl/detail/config.hpp>

#include "soak.hpp"
#include "together.hpp"

/// How often both read the old value, of many times, where one thread's fence between its store and its load is `first` and the other's
/// `second`. So many times they go along a row of words, each at its own pace, so that they overtake each other: see stress/atomic.cpp,
/// which does so for longer. (Store and load are the compiler's, whose orders are constants without optimization, too: of others it makes
/// seq_cst.)
template <class First, class Second>
unsigned both_read_old(First first, Second second, unsigned times) {
#if defined(PAWL_TESTS_EMULATED)
  times /= 8;
#else
  times = pawl::detail::under_tsan || pawl::detail::under_asan ? times / 8 : times * static_cast<unsigned>(soak_times);
#endif
  struct words {
    alignas(pawl::cache_line) std::uint32_t x = 0;
    alignas(pawl::cache_line) std::uint32_t y = 0;
  };
  const auto step = [](std::uint32_t& mine, const std::uint32_t& other, auto& fence) {
    __atomic_store_n(&mine, 1U, __ATOMIC_RELAXED);
    fence();
    return __atomic_load_n(&other, __ATOMIC_RELAXED);
  };
  constexpr std::size_t length = std::size_t{1} << 14U;
  std::vector<words> row(length);
  std::vector<std::uint32_t> saw_y(length);
  std::vector<std::uint32_t> saw_x(length);
  unsigned count = 0;
  std::atomic<unsigned> arrived{0};
  const auto meet = [&arrived](unsigned all) {
    arrived.fetch_add(1);
    for (unsigned i = 0; arrived.load() < all; ++i) {
      if (i > 1000) std::this_thread::yield();
    }
  };
  // Each resets what the other writes: so a store misses the cache next time, waits, and is overtaken by the load.
  together(
      [&] {
        for (unsigned met = 0; met < 4 * times;) {
          meet(met += 2);
          for (std::size_t n = 0; n < length; ++n) saw_y[n] = step(row[n].x, row[n].y, first);
          meet(met += 2);
          for (std::size_t n = 0; n < length; ++n) count += (saw_x[n] | saw_y[n]) == 0 ? 1U : 0U;
          for (words& each : row) each.y = 0;
        }
      },
      [&] {
        for (unsigned met = 0; met < 4 * times;) {
          meet(met += 2);
          for (std::size_t n = 0; n < length; ++n) saw_x[n] = step(row[n].y, row[n].x, second);
          meet(met += 2);
          for (words& each : row) each.x = 0;
        }
      });
  return count;
}
