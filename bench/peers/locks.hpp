// SPDX-License-Identifier: BSL-1.0
// What most programs use instead: a container of the standard library behind a lock. A thread that loses its processor while it
// holds the lock stops all others.
#pragma once

#if defined(__linux__)
#include <pthread.h>
#endif

#include <cstdint>
#include <mutex>
#include <queue>
#include <stack>
#include <unordered_map>

#include "pawl/spin_lock.hpp"

namespace peers {

/// Spins on a plain read and gives the processor away after a while, so that more threads than cores get on.
using spin_lock = pawl::ttas_lock<>;

#if defined(__linux__)
/// The system's own spin lock, which never gives the processor away.
class posix_spin_lock {
 public:
  posix_spin_lock() noexcept { pthread_spin_init(&lock_, PTHREAD_PROCESS_PRIVATE); }
  posix_spin_lock(const posix_spin_lock&) = delete;
  posix_spin_lock& operator=(const posix_spin_lock&) = delete;
  ~posix_spin_lock() { pthread_spin_destroy(&lock_); }
  void lock() noexcept { pthread_spin_lock(&lock_); }
  void unlock() noexcept { pthread_spin_unlock(&lock_); }

 private:
  pthread_spinlock_t lock_;
};
#endif

template <class Lock>
class locked_stack {
 public:
  [[gnu::always_inline]] bool push(std::uint64_t value) {
    const std::lock_guard guard(lock_);
    values_.push(value);
    return true;
  }
  [[gnu::always_inline]] bool pop(std::uint64_t& value) {
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
  [[gnu::always_inline]] bool push(std::uint64_t value) {
    const std::lock_guard guard(lock_);
    values_.push(value);
    return true;
  }
  [[gnu::always_inline]] bool pop(std::uint64_t& value) {
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
  [[gnu::always_inline]] bool insert(std::uint64_t key, std::uint64_t value) {
    const std::lock_guard guard(lock_);
    return values_.emplace(key, value).second;
  }
  [[gnu::always_inline]] bool erase(std::uint64_t key) {
    const std::lock_guard guard(lock_);
    return values_.erase(key) != 0;
  }
  [[gnu::always_inline]] bool find(std::uint64_t key, std::uint64_t& value) {
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
