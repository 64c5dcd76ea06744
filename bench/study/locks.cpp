// SPDX-License-Identifier: BSL-1.0
// One counter under a lock: how often a second all threads together get in, how evenly, and how long one waits at most.
#include <mutex>
#include <utility>

#include "counting.hpp"
#include "fairness.hpp"
#include "pawl/spin_lock.hpp"
#include "peers/locks.hpp"
#include "point.hpp"

namespace study {
namespace {

// The counter is in the lock's own line: that is the best a lock can do.
template <class Lock>
struct alignas(128) guarded {
  Lock lock;
  word value = 0;
};

template <class Lock>
double count_locked(const trial& t) {
  guarded<Lock> counter;
  return measure(t, [&](unsigned) {
    return repeat(counter, [](guarded<Lock>& c) {
      const std::lock_guard guard(c.lock);
      keep(++c.value);
    });
  });
}

// The same, with a look at the clock before and after the wait: so a thread that has given the lock back is away for some 50 ns.
template <class Lock>
outcome take_turns(const trial& t) {
  guarded<Lock> counter;
  std::vector<turns> threads(t.threads);
  const double ops = measure(t, [&](unsigned thread) {
    return [&counter, &mine = threads[thread]](std::size_t n) {
      for (std::size_t i = 0; i < n; ++i) {
        const steady::time_point came = steady::now();
        std::unique_lock holder(counter.lock);
        const steady::time_point served = steady::now();
        keep(++counter.value);
        holder.unlock();
        mine.add(served - came);
      }
      return n;
    };
  });
  return {ops, fairness_of(threads)};
}

// Calls add.operator()<Lock>(library, variant) for each.
template <class Add>
void for_each_lock(Add add) {
  add.template operator()<pawl::tas_lock<>>("pawl", "tas_lock");
  add.template operator()<pawl::ttas_lock<>>("pawl", "ttas_lock");
  add.template operator()<pawl::ticket_lock<>>("pawl", "ticket_lock");
  add.template operator()<pawl::mcs_lock<>>("pawl", "mcs_lock");
  add.template operator()<std::mutex>("std", "std::mutex");
#if defined(__linux__)
  add.template operator()<peers::posix_spin_lock>("POSIX", "pthread_spinlock_t");
#endif
}

}  // namespace

void add_locks(points& all) {
  constexpr const char* lock_free = "lock-free, exact";
  constexpr const char* blocking = "blocking, exact";
  all.push_back({"lock", "floor", "fetch_add", lock_free, "add one", count_with<std::atomic<word>>(fetch_add)});
  all.push_back({"lock", "pawl", "CAS, no lock", lock_free, "add one",
                 count_with<pawl::atomic<word>>(compare_and_swap<pawl::default_backoff>())});
  for_each_lock([&]<class Lock>(const char* library, const char* variant) {
    all.push_back({"lock", library, variant, blocking, "add one", count_locked<Lock>});
  });
  for_each_lock([&]<class Lock>(const char* library, const char* variant) {
    all.push_back({"lock", library, variant, blocking, "take turns", take_turns<Lock>, {.fewest = 2}});
  });
}

}  // namespace study
