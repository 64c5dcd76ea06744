// SPDX-License-Identifier: BSL-1.0
// Two threads that begin together: one alone would be through before the other is there, and meet nobody.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

inline void together(const std::function<void()>& first, const std::function<void()>& second) {
  std::atomic<int> ready{0};
  const auto meet = [&ready] {
    ready.fetch_add(1);
    while (ready.load() != 2) std::this_thread::yield();
  };
  std::thread other([&] {
    meet();
    second();
  });
  meet();
  first();
  other.join();
}
