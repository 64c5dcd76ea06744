// SPDX-License-Identifier: BSL-1.0
// Work for other threads, by a pawl::queue: producers push tasks, consumers run them, and all of them end in order.
//
// Shows a queue of things that can only be moved (std::packaged_task), results that come back by std::future, and a shutdown that
// neither loses a task nor leaves a consumer behind.
//
// What to look at: `consume`. "Is the queue empty?" and "will anything come?" are two questions, and their order matters: a queue found
// empty means the end only where the producers had ended *before* one looked.
#include <cstdint>
#include <cstdio>
#include <future>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <pawl/atomic.hpp>
#include <pawl/backoff.hpp>
#include <pawl/queue.hpp>

namespace {

using task = std::packaged_task<std::uint64_t()>;

constexpr std::uint64_t producer_count = 2;
constexpr std::uint64_t consumer_count = 2;
constexpr std::uint64_t tasks_each = 100'000;

struct work {
  pawl::queue<task> tasks;
  pawl::atomic<std::uint64_t> producers{producer_count};
};

// Says that a producer has ended, also where an exception ends it.
class producing {
 public:
  explicit producing(work& shared) noexcept : shared_(shared) {}
  producing(const producing&) = delete;
  producing& operator=(const producing&) = delete;
  ~producing() {
    // (1) release: pairs with (2), so that who sees the last producer gone sees all tasks in the queue. Without it, a consumer could find
    // the queue empty and go, and the last task would wait for ever. (The other producers' decrements, being read-modify-writes, carry
    // it on.)
    shared_.producers.fetch_sub(1, std::memory_order_release);
  }

 private:
  work& shared_;
};

// Pushes tasks that sum up 1 to n, for each n of this producer's range; returns their results to come.
std::vector<std::future<std::uint64_t>> produce(work& shared, std::uint64_t first) {
  const producing until_the_end(shared);
  std::vector<std::future<std::uint64_t>> results;
  for (std::uint64_t n = first; n < first + tasks_each; ++n) {
    task made([n] { return n * (n + 1) / 2; });
    results.push_back(made.get_future());
    shared.tasks.push(std::move(made));
  }
  return results;
}

// Runs tasks until there will be none; returns how many.
std::uint64_t consume(work& shared) {
  std::uint64_t ran = 0;
  for (pawl::yield_backoff backoff;;) {
    // (2) acquire: pairs with (1). It stands before try_pop: asked afterwards, the last push could come between the two.
    const bool was_last = shared.producers.load(std::memory_order_acquire) == 0;
    if (std::optional<task> next = shared.tasks.try_pop()) {
      (*next)();
      ++ran;
      backoff = {};
    } else if (was_last) {
      return ran;
    } else {
      backoff();
    }
  }
}

}  // namespace

int main() {
  work shared;
  std::vector<std::future<std::uint64_t>> consumers;
  consumers.reserve(consumer_count);
  for (std::uint64_t i = 0; i < consumer_count; ++i) {
    consumers.push_back(std::async(std::launch::async, [&shared] { return consume(shared); }));
  }
  std::vector<std::future<std::vector<std::future<std::uint64_t>>>> producers;
  producers.reserve(producer_count);
  for (std::uint64_t i = 0; i < producer_count; ++i) {
    producers.push_back(std::async(std::launch::async, [&shared, i] { return produce(shared, i * tasks_each); }));
  }

  std::vector<std::future<std::uint64_t>> results;
  for (auto& each : producers) {
    for (auto& result : each.get()) results.push_back(std::move(result));
  }
  std::uint64_t ran = 0;
  for (auto& each : consumers) ran += each.get();
  constexpr std::uint64_t all = producer_count * tasks_each;
  std::printf("%llu tasks run of %llu\n", static_cast<unsigned long long>(ran), static_cast<unsigned long long>(all));
  if (ran != all || !shared.tasks.empty()) return 1;

  std::uint64_t sum = 0;
  for (auto& each : results) sum += each.get();
  constexpr std::uint64_t expected = (all - 1) * all * (all + 1) / 6;  // the sum of n(n + 1)/2 for n below `all`
  std::printf("sum of the results %llu, expected %llu\n", static_cast<unsigned long long>(sum),
              static_cast<unsigned long long>(expected));
  return sum == expected ? 0 : 1;
}
