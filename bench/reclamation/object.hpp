// SPDX-License-Identifier: BSL-1.0
// What is shared, replaced and retired, in every scheme alike: 64 bytes that count how many of their kind live.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace reclamation {

/// How many objects live: counted by each thread for itself, so that counting is no contention. Sums are of no one instant.
class population {
 public:
  static std::int64_t alive() {
    const std::scoped_lock lock(all().mutex);
    std::int64_t sum = 0;
    for (const auto& each : all().cells) sum += each->load(std::memory_order_relaxed);
    return sum;
  }
  static void add(std::int64_t n) {
    thread_local std::atomic<std::int64_t>& mine = join();
    mine.store(mine.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }

 private:
  struct registry {
    std::mutex mutex;
    std::vector<std::unique_ptr<std::atomic<std::int64_t>>> cells;
  };
  static registry& all() {
    static registry& one = *new registry;  // for threads that end late
    return one;
  }
  static std::atomic<std::int64_t>& join() {
    const std::scoped_lock lock(all().mutex);
    return *all().cells.emplace_back(std::make_unique<std::atomic<std::int64_t>>(0));
  }
};

/// The part that all schemes' objects have.
struct counted {
  counted() { population::add(1); }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() { population::add(-1); }
  std::uint64_t value = 1;
  std::uint64_t rest[4] = {};
};

}  // namespace reclamation
