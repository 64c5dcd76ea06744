// SPDX-License-Identifier: BSL-1.0
// A test that may hang fails instead.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

/// While one lives, the program has so much time; then it says what hangs, and aborts, which Catch2 reports as a failure of the test. A
/// thread that sleeps for ever can't be ended in another way.
class watchdog {
 public:
  explicit watchdog(const char* what, std::chrono::seconds time = std::chrono::seconds(60))
      : thread_([this, what, time] {
          std::unique_lock lock(mutex_);
          if (over_.wait_for(lock, time, [this] { return done_; })) return;
          std::fprintf(stderr, "watchdog: %s hangs\n", what);
          std::abort();
        }) {}
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;
  ~watchdog() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    over_.notify_one();
    thread_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable over_;
  bool done_ = false;
  std::thread thread_;
};
