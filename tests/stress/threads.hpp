// SPDX-License-Identifier: BSL-1.0
// What the stress tests share: threads that start together, a clock that ends their loops, a note of what went wrong, and chance.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <pawl/detail/config.hpp>

#include "soak.hpp"

namespace stress {

inline constexpr bool sanitized = pawl::detail::under_tsan || pawl::detail::under_asan;

#if defined(PAWL_TESTS_EMULATED)
inline constexpr bool emulated = true;
#else
inline constexpr bool emulated = false;
#endif

/// How long a test keeps its threads busy. They do a tenth as much in it under a sanitizer. In an emulator it is the instructions that are
/// tested, which come at once, however long ./dev soak takes.
inline constexpr std::chrono::milliseconds duration{emulated ? 80 : soak_times * (sanitized ? 200 : 150)};

/// Chance, the same in every run for the same seed (xorshift64*, S. Vigna). Not for several threads at once.
class dice {
 public:
  explicit constexpr dice(std::uint64_t seed) noexcept : state_((seed + 1) * 0x9e3779b97f4a7c15U) {}
  constexpr std::uint32_t roll() noexcept {
    state_ ^= state_ >> 12U;
    state_ ^= state_ << 25U;
    state_ ^= state_ >> 27U;
    return static_cast<std::uint32_t>((state_ * 0x2545f4914f6cdd1dU) >> 32U);
  }
  constexpr std::uint32_t below(std::uint32_t bound) noexcept { return roll() % bound; }
  constexpr bool one_in(std::uint32_t n) noexcept { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

/// One test's threads. They note what goes wrong, and the main thread asserts that `failure()` is empty: Catch2's assertions are for one
/// thread. A note ends the trial. No lock is taken and nothing is ordered until then, so that TSan isn't told of orders that aren't there.
class trial {
 public:
  explicit trial(std::chrono::milliseconds length = duration) : end_(std::chrono::steady_clock::now() + length) {}

  /// False when the time is over or something went wrong.
  [[nodiscard]] bool goes_on() const noexcept {
    return !failed_.load(std::memory_order_relaxed) && std::chrono::steady_clock::now() < end_;
  }
  void expect(bool right, std::string_view what) {
    if (!right) [[unlikely]]
      fail(what);
  }
  void fail(std::string_view what) {
    const std::lock_guard lock(mutex_);
    if (failure_.empty()) failure_ = what;
    failed_.store(true, std::memory_order_relaxed);
  }
  [[nodiscard]] std::string failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
  }

  /// body(i) for i below `threads`, each on a thread of its own, which begin together.
  template <class Body>
  void run(unsigned threads, Body body) {
    std::atomic<unsigned> waiting{threads};
    std::vector<std::thread> all;
    all.reserve(threads);
    for (unsigned i = 0; i < threads; ++i) {
      all.emplace_back([&, i] {
        waiting.fetch_sub(1, std::memory_order_relaxed);
        while (waiting.load(std::memory_order_relaxed) != 0) std::this_thread::yield();
        guarded(body, i);
      });
    }
    for (std::thread& each : all) each.join();
  }

 private:
  template <class Body>
  void guarded(Body& body, unsigned i) {
    try {
      body(i);
    } catch (const std::exception& error) {
      fail(std::string("a thread ended by an exception: ") + error.what());
    }
  }

  const std::chrono::steady_clock::time_point end_;
  std::atomic<bool> failed_{false};
  mutable std::mutex mutex_;
  std::string failure_;
};

}  // namespace stress
