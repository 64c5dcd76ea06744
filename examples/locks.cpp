// SPDX-License-Identifier: BSL-1.0
// Four spin locks and std::mutex: who gets in, and how often.
//
// Threads, no more than there are processors, want the same short section as often as they can. A lock sees to it that one is inside,
// which a plain counter checks; but whose turn it is next is another question. tas_lock and ttas_lock give the lock to whoever is quickest,
// often the one that has just given it back, whose cache has the line; ticket_lock and mcs_lock serve in the order in which threads came,
// so all get the same, as long as each has a processor (on a busy machine the shares differ, since who doesn't run doesn't come).
//
// What to look at: the shares of the thread that was served least and of the one that was served most, and what fairness costs: the lock
// goes from processor to processor each time. docs/locks.md has it measured.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <latch>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

#include <pawl/atomic.hpp>
#include <pawl/spin_lock.hpp>

namespace {

unsigned thread_count() { return std::clamp(std::thread::hardware_concurrency(), 2U, 4U); }

// The lock beside what it guards, and nobody else on their line.
template <class Lock>
struct alignas(pawl::cache_line) guarded {
  Lock lock;
  std::int64_t sections = 0;
};

// True where no section was lost.
template <class Lock>
bool share(const char* name) {
  guarded<Lock> shared;
  pawl::atomic<bool> over{false};
  std::vector<std::int64_t> served(thread_count());
  std::latch all_there(static_cast<std::ptrdiff_t>(served.size()) + 1);
  std::vector<std::thread> threads;
  for (std::size_t number = 0; number < served.size(); ++number) {
    threads.emplace_back([&, number] {
      std::int64_t mine = 0;
      all_there.arrive_and_wait();
      // relaxed: only whether it is time to go home
      while (!over.load(std::memory_order_relaxed)) {
        const std::scoped_lock holder(shared.lock);
        ++shared.sections;
        ++mine;
      }
      served[number] = mine;
    });
  }
  all_there.arrive_and_wait();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  over.store(true, std::memory_order_relaxed);
  for (std::thread& each : threads) each.join();

  const std::int64_t all = std::accumulate(served.begin(), served.end(), std::int64_t{0});
  const auto [least, most] = std::minmax_element(served.begin(), served.end());
  const auto percent = [all](std::int64_t part) {
    return 100.0 * static_cast<double>(part) / static_cast<double>(std::max<std::int64_t>(all, 1));
  };
  std::printf("%-12s %9lld sections, the threads' shares are %.1f%% to %.1f%%\n", name, static_cast<long long>(all),
              percent(*least), percent(*most));
  return all == shared.sections;
}

}  // namespace

int main() {
  bool right = share<pawl::tas_lock<>>("tas_lock");
  right = share<pawl::ttas_lock<>>("ttas_lock") && right;
  right = share<pawl::ticket_lock<>>("ticket_lock") && right;
  right = share<pawl::mcs_lock<>>("mcs_lock") && right;
  right = share<std::mutex>("std::mutex") && right;
  std::printf("%s\n", right ? "no section was lost" : "A SECTION WAS LOST");
  return right ? 0 : 1;
}
