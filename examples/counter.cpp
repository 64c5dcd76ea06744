// SPDX-License-Identifier: BSL-1.0
// A counter for many threads, twice: with fetch_add, and with a loop of compare-and-swap.
//
//   counter [THREADS]        (two threads where it isn't said)
//
// Shows what the loop costs. fetch_add is one instruction that always succeeds. The loop reads, computes and then hopes that nobody
// was faster; under contention it fails and begins anew. It is what to write where no instruction does the job (see fetch_update), and
// not otherwise.
//
// What to look at: both functions, then the times and the failed attempts for one thread and for several.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <latch>
#include <thread>
#include <vector>

#include <pawl/atomic.hpp>

namespace {

using counter = pawl::atomic<std::uint64_t>;

// Both return the number of failed attempts. relaxed everywhere: a count publishes nothing but itself, and a read-modify-write finds the
// latest value in any order. main reads the total after join(), which orders it. (A counter that says "what I did before is ready", as
// a reference count does, needs release here and acquire where it is read.)
std::uint64_t add_by_fetch_add(counter& count) noexcept {
  count.fetch_add(1, std::memory_order_relaxed);
  return 0;
}

std::uint64_t add_by_cas_loop(counter& count) noexcept {
  std::uint64_t failures = 0;
  std::uint64_t seen = count.load(std::memory_order_relaxed);
  // A failed attempt leaves the present value in `seen`. weak: where it fails for no reason, the loop goes round as it would anyway.
  while (!count.compare_exchange_weak(seen, seen + 1, std::memory_order_relaxed, std::memory_order_relaxed)) ++failures;
  return failures;
}

// Measures one way of counting; false where an increment was lost.
bool measure(const char* name, std::uint64_t (*add)(counter&) noexcept, unsigned thread_count) {
  constexpr std::uint64_t increments_each = 10'000'000;
  counter count{0};
  counter failures{0};
  std::latch start(thread_count + 1);  // so that they count at the same time
  std::vector<std::thread> threads;
  threads.reserve(thread_count);
  for (unsigned i = 0; i < thread_count; ++i) {
    threads.emplace_back([&count, &failures, &start, add] {
      start.arrive_and_wait();
      std::uint64_t mine = 0;
      for (std::uint64_t k = 0; k < increments_each; ++k) mine += add(count);
      failures.fetch_add(mine, std::memory_order_relaxed);
    });
  }
  start.arrive_and_wait();
  const auto begin = std::chrono::steady_clock::now();
  for (auto& each : threads) each.join();
  const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - begin;

  const std::uint64_t expected = increments_each * thread_count;
  const std::uint64_t total = count.load(std::memory_order_relaxed);
  std::printf("%-9s  %7u  %6.1f ns  %7.1f %%  %llu of %llu\n", name, thread_count, elapsed.count() / static_cast<double>(expected),
              100.0 * static_cast<double>(failures.load(std::memory_order_relaxed)) / static_cast<double>(expected),
              static_cast<unsigned long long>(total), static_cast<unsigned long long>(expected));
  return total == expected;
}

}  // namespace

int main(int argc, char** argv) {
  const long threads = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 2;
  if (argc > 2 || threads < 1 || threads > 1024) {
    std::fprintf(stderr, "usage: counter [THREADS]\n");
    return 2;
  }
  // Time: of the whole run, divided by the increments of all threads. Failures: failed attempts per increment.
  std::printf("way        threads  increment   failures  total\n");
  bool right = true;
  for (const unsigned thread_count : {1U, static_cast<unsigned>(threads)}) {
    right = measure("fetch_add", add_by_fetch_add, thread_count) && right;
    right = measure("CAS loop", add_by_cas_loop, thread_count) && right;
  }
  return right ? 0 : 1;
}
