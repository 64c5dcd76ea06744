// SPDX-License-Identifier: BSL-1.0
// One counter that all threads count on: by the instruction made for it, by compare-and-swap with each backoff, and under a lock.
#include <cstdint>
#include <mutex>

#include "pawl/atomic.hpp"
#include "pawl/backoff.hpp"
#include "peers/locks.hpp"
#include "point.hpp"

namespace study {
namespace {

using word = std::uint64_t;

template <class Atomic>
struct alignas(128) line {
  Atomic value{0};
  char padding[128 - sizeof(Atomic)]{};
};

template <class Backoff>
struct compare_and_swap {
  void operator()(pawl::atomic<word>& counter) const {
    Backoff backoff;
    word seen = counter.load(std::memory_order_relaxed);
    while (!counter.compare_exchange_weak(seen, seen + 1)) {
      backoff();
      // What the failed attempt saw is old after a pause.
      seen = counter.load(std::memory_order_relaxed);
    }
  }
};

template <class Atomic, class Increment>
auto count_with(Increment increment) {
  return [increment](const trial& t) {
    line<Atomic> counter;
    return measure(t, [&](unsigned) { return repeat(counter.value, increment); });
  };
}

// The counter is in the lock's own line: that is the best a lock can do.
template <class Lock>
double count_locked(const trial& t) {
  struct alignas(128) guarded {
    Lock lock;
    word value = 0;
  } counter;
  return measure(t, [&](unsigned) {
    return repeat(counter, [](guarded& c) {
      const std::lock_guard guard(c.lock);
      keep(++c.value);
    });
  });
}

constexpr auto fetch_add = [](auto& counter) { keep(counter.fetch_add(1)); };

}  // namespace

void add_counters(points& all) {
  const auto add = [&all](const char* library, const char* variant, auto run) {
    all.push_back({"counter", library, variant, "lock-free, exact", "add one", run});
  };
  add("floor", "fetch_add", count_with<std::atomic<word>>(fetch_add));
  add("pawl", "fetch_add", count_with<pawl::atomic<word>>(fetch_add));
  add("pawl", "CAS, no_backoff", count_with<pawl::atomic<word>>(compare_and_swap<pawl::no_backoff>()));
  add("pawl", "CAS, exponential_backoff", count_with<pawl::atomic<word>>(compare_and_swap<pawl::exponential_backoff>()));
  add("pawl", "CAS, yield_backoff", count_with<pawl::atomic<word>>(compare_and_swap<pawl::yield_backoff>()));
}

void add_locks(points& all) {
  const auto add = [&all](const char* library, const char* variant, const char* guarantee, auto run) {
    all.push_back({"lock", library, variant, guarantee, "add one", run});
  };
  add("floor", "fetch_add", "lock-free, exact", count_with<std::atomic<word>>(fetch_add));
  add("pawl", "CAS, no lock", "lock-free, exact", count_with<pawl::atomic<word>>(compare_and_swap<pawl::default_backoff>()));
  add("std", "std::mutex", "blocking, exact", count_locked<std::mutex>);
  add("spin lock", "test_and_set", "blocking, exact", count_locked<peers::spin_lock>);
}

}  // namespace study
