// SPDX-License-Identifier: BSL-1.0
// Store buffering: each of two threads writes one word and reads the other's; both may read the old value unless something forbids it.
#pragma once

#include <atomic>
#include <cstddef>
#include <thread>
#include <type_traits>
#include <vector>

#include <pawl/detail/config.hpp>

/// Two threads go along a row of pairs of words, once and again while `more()`. At each pair one does first(x, y), the other second(y, x): it
/// stores 1 in its own word, and returns what it has found in the other's. The number of pairs at which both have found the old value.
///
/// Each goes at its own pace: so they overtake each other and are at the same words at the same time now and then. (Threads that meet before
/// each pair of words stay apart by the time that a cache line takes, always the same.) The row is long, so that neither is at its end before
/// the other begins, and each thread resets what the other writes: then a store misses the cache, waits, and is overtaken by the load.
/// Without the orders that are tested, a hundred of a million pairs show it.
template <class Word, class First, class Second, class More>
std::size_t both_read_old(First first, Second second, More more) {
  struct words {
    alignas(pawl::cache_line) Word x{0};
    alignas(pawl::cache_line) Word y{0};
  };
  const auto reset = [](Word& word) {
    if constexpr (std::is_integral_v<Word>) {
      word = 0;
    } else {
      word.store(0, std::memory_order_relaxed);
    }
  };
  constexpr std::size_t length = std::size_t{1} << 15U;
  std::vector<words> row(length);
  std::vector<unsigned> saw_y(length);
  std::vector<unsigned> saw_x(length);
  std::size_t count = 0;
  bool again = true;
  std::atomic<unsigned> arrived{0};
  const auto meet = [&arrived](unsigned all) {
    arrived.fetch_add(1, std::memory_order_acq_rel);
    for (unsigned i = 0; arrived.load(std::memory_order_acquire) < all; ++i) {
      if (i > 1000) std::this_thread::yield();
    }
  };
  std::thread other([&] {
    for (unsigned met = 0;;) {
      meet(met += 2);
      if (!again) return;
      for (std::size_t i = 0; i < length; ++i) saw_x[i] = second(row[i].y, row[i].x);
      meet(met += 2);
      for (words& each : row) reset(each.x);
    }
  });
  for (unsigned met = 0;;) {
    meet(met += 2);
    if (!again) break;
    for (std::size_t i = 0; i < length; ++i) saw_y[i] = first(row[i].x, row[i].y);
    meet(met += 2);
    for (std::size_t i = 0; i < length; ++i) count += (saw_x[i] | saw_y[i]) == 0 ? 1U : 0U;
    for (words& each : row) reset(each.y);
    again = more();
  }
  other.join();
  return count;
}
