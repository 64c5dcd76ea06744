// SPDX-License-Identifier: BSL-1.0
// Two threads that begin together, since one alone would be through before the other is there; and what they count in a section that is to
// exclude the other.
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

/// Now and then the processor goes to the other between the two steps. If that gets in, its count or ours is lost.
inline void count_in_section(int& plain) {
  thread_local unsigned calls = 0;
  const int before = plain;
  if (++calls % 64 == 0) std::this_thread::yield();
  plain = before + 1;
}
