// SPDX-License-Identifier: BSL-1.0
// What most programs use instead: a container of the standard library behind a lock. A thread that loses its processor while it
// holds the lock stops all others.
#pragma once

#include <cstdint>
#include <mutex>
#include <queue>
#include <stack>
#include <unordered_map>

#include "pawl/atomic.hpp"
#include "pawl/backoff.hpp"

namespace peers {

/// Spins on a plain read and gives the processor away after a while, so that more threads than cores get on.
class spin_lock {
 public:
  void lock() noexcept {
    pawl::yield_backoff backoff;
    while (taken_.test_and_set(std::memory_order_acquire)) {
      while (taken_.test(std::memory_order_relaxed)) backoff();
    }
  }
  void unlock() noexcept { taken_.clear(std::memory_order_release); }

 private:
  pawl::atomic_flag<> taken_;
};

template <class Lock>
class locked_stack {
 public:
  bool push(std::uint64_t value) {
    const std::lock_guard guard(lock_);
    values_.push(value);
    return true;
  }
  bool pop(std::uint64_t& value) {
    const std::lock_guard guard(lock_);
    if (values_.empty()) return false;
    value = values_.top();
    values_.pop();
    return true;
  }

 private:
  alignas(pawl::cache_line) Lock lock_;
  std::stack<std::uint64_t> values_;
};

template <class Lock>
class locked_queue {
 public:
  bool push(std::uint64_t value) {
    const std::lock_guard guard(lock_);
    values_.push(value);
    return true;
  }
  bool pop(std::uint64_t& value) {
    const std::lock_guard guard(lock_);
    if (values_.empty()) return false;
    value = values_.front();
    values_.pop();
    return true;
  }

 private:
  alignas(pawl::cache_line) Lock lock_;
  std::queue<std::uint64_t> values_;
};

template <class Lock>
class locked_map {
 public:
  bool insert(std::uint64_t key, std::uint64_t value) {
    const std::lock_guard guard(lock_);
    return values_.emplace(key, value).second;
  }
  bool erase(std::uint64_t key) {
    const std::lock_guard guard(lock_);
    return values_.erase(key) != 0;
  }
  bool find(std::uint64_t key, std::uint64_t& value) {
    const std::lock_guard guard(lock_);
    const auto found = values_.find(key);
    if (found == values_.end()) return false;
    value = found->second;
    return true;
  }

 private:
  alignas(pawl::cache_line) Lock lock_;
  std::unordered_map<std::uint64_t, std::uint64_t> values_;
};

}  // namespace peers
