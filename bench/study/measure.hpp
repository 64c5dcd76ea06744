// SPDX-License-Identifier: BSL-1.0
// How one number comes about: some threads, each on its processor, do the same thing for a fixed time, and Google Benchmark counts.
//
// A fixed time, not a fixed count of operations: with a count, the thread that is favoured by the machine ends first, and the others
// finish with less contention than the point claims. So one "iteration" of Google Benchmark is a whole window of time.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

namespace study {

using steady = std::chrono::steady_clock;

/// One measurement to be made.
struct trial {
  unsigned threads = 1;
  std::chrono::nanoseconds length{};
};

/// The processors this process may use, one of each core first; thread i of a trial runs on the i-th, modulo their number.
const std::vector<int>& processors();
/// Moves the calling thread to the i-th of them.
void pin(unsigned thread);

/// Has the compiler believe that the value is used, at no cost. (benchmark::DoNotOptimize of 1.7 writes it to memory with g++.)
template <class T>
inline void keep(const T& value) {
  if constexpr (sizeof(T) <= sizeof(void*)) {
    asm volatile("" : : "r"(value));
  } else {
    asm volatile("" : : "m"(value));
  }
}

/// A stretch of time that starts at one moment for all threads and ends by the clock.
class window {
 public:
  window(unsigned threads, std::chrono::nanoseconds length) : missing_(threads), length_(length) {}

  /// Calls `body(n)`, which does n operations, or fewer, and returns how many, until time is up. Returns the sum.
  /// n grows until a call takes some microseconds, so that reading the clock costs nothing that shows.
  template <class Body>
  std::size_t run(Body& body) {
    const steady::time_point end = wait_for_all() + length_;
    std::size_t done = 0;
    std::size_t batch = 1;
    for (steady::time_point before = steady::now();;) {
      done += apart(body, batch);
      const steady::time_point now = steady::now();
      if (now >= end) return done;
      if (now - before < slice) {
        batch *= 2;
      } else if (now - before > 4 * slice && batch > 1) {
        batch /= 2;
      }
      before = now;
    }
  }

 private:
  static constexpr std::chrono::microseconds slice{4};
  // From the last arrival to the start: long enough for a thread that gave its processor away to see it.
  static constexpr std::chrono::microseconds head_start{50};

  // A function of its own: part of `run`, the measured loop would share the registers with what is kept here.
  template <class Body>
  [[gnu::noinline]] static std::size_t apart(Body& body, std::size_t n) {
    return body(n);
  }

  steady::time_point wait_for_all() {
    if (missing_.fetch_sub(1) == 1) start_.store((steady::now() + head_start).time_since_epoch().count());
    steady::time_point start;
    do {
      std::this_thread::yield();
      start = steady::time_point(steady::duration(start_.load()));
    } while (start == steady::time_point() || steady::now() < start);
    return start;
  }

  std::atomic<unsigned> missing_;
  std::atomic<steady::rep> start_{0};
  std::chrono::nanoseconds length_;
};

/// Has Google Benchmark run the function in that many threads, one iteration; returns the items per second that it reports.
double run_benchmark(unsigned threads, const std::function<void(benchmark::State&)>& function);

/// Measures what the threads do: `make(i)` is called in thread i and returns its body, see window::run. Returns operations per second.
template <class MakeBody>
double measure(const trial& t, MakeBody make) {
  window time(t.threads, t.length);
  return run_benchmark(t.threads, [&](benchmark::State& state) {
    const auto thread = static_cast<unsigned>(state.thread_index());
    pin(thread);
    auto body = make(thread);
    std::size_t done = 0;
    for (auto _ : state) {
      done += time.run(body);
      state.SetIterationTime(std::chrono::duration<double>(t.length).count());
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(done));
  });
}

/// A body that does one thing to one object n times. The object's address stays in a register: a locked instruction or a fence makes
/// the compiler load again whatever is in memory, and that would be measured, too.
template <class Object, class F>
auto repeat(Object& object, F operation) {
  return [address = &object, operation](std::size_t n) {
    Object& local = *address;
    for (std::size_t i = 0; i < n; ++i) operation(local);
    return n;
  };
}

double median(std::vector<double> values);

/// Nanoseconds to hand a cache line from one processor to another and see it there, between neighbours among those that a trial of so
/// many threads runs on, the median. Zero where it runs on one.
double handover_ns(unsigned threads);

}  // namespace study
