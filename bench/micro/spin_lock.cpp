// SPDX-License-Identifier: BSL-1.0
// A lock that is taken and given back with nothing between, by one thread and by two; beside std::mutex. (How evenly locks serve, and how
// long one waits, is the study's.)
#include "pawl/spin_lock.hpp"

#include <mutex>

#include <benchmark/benchmark.h>

#include "peers/locks.hpp"

namespace {

template <class Lock>
struct alignas(128) line {
  Lock lock;
};

template <class Lock>
void lock_unlock(benchmark::State& state) {
  static line<Lock> shared;
  for (auto _ : state) {
    shared.lock.lock();
    shared.lock.unlock();
  }
}

// By one thread, since who fails to get the lock does something else.
template <class Lock>
void try_lock_unlock(benchmark::State& state) {
  static line<Lock> shared;
  for (auto _ : state) {
    if (shared.lock.try_lock()) shared.lock.unlock();
  }
}

// A lock that is held: what it costs to be refused.
template <class Lock>
void try_lock_in_vain(benchmark::State& state) {
  static line<Lock> shared;
  const std::lock_guard holder(shared.lock);
  for (auto _ : state) benchmark::DoNotOptimize(shared.lock.try_lock());
}

#define PAWL_EACH_LOCK(LOCK)                                      \
  BENCHMARK(lock_unlock<LOCK>)->ThreadRange(1, 2)->UseRealTime(); \
  BENCHMARK(try_lock_unlock<LOCK>);                               \
  BENCHMARK(try_lock_in_vain<LOCK>)
PAWL_EACH_LOCK(pawl::tas_lock<>);
PAWL_EACH_LOCK(pawl::ttas_lock<>);
PAWL_EACH_LOCK(pawl::ticket_lock<>);
PAWL_EACH_LOCK(pawl::mcs_lock<>);
BENCHMARK(lock_unlock<std::mutex>)->ThreadRange(1, 2)->UseRealTime();
#if defined(__linux__)
BENCHMARK(lock_unlock<peers::posix_spin_lock>)->ThreadRange(1, 2)->UseRealTime();
#endif

}  // namespace
