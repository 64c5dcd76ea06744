// SPDX-License-Identifier: BSL-1.0
// The machine's floor: one operation on one line, by one thread and by several at once. Nothing built from it can be faster.
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "pawl/atomic.hpp"
#include "pawl/fence.hpp"
#include "pawl/hazard_pointer.hpp"
#include "pawl/llsc.hpp"
#include "pawl/rcu.hpp"
#include "pawl/tagged.hpp"
#include "point.hpp"

namespace study {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto release = std::memory_order_release;

template <class Atomic>
struct alignas(128) line {
  Atomic value{};
  char padding[128 - sizeof(Atomic)]{};
};

// An operation of a nanosecond is counted often enough in a part of the time that a structure gets.
constexpr double share = 0.2;

void add(points& all, const char* library, const char* variant, const char* guarantee, std::function<outcome(const trial&)> run) {
  all.push_back({"atomic", library, variant, guarantee, "all on one line", std::move(run), {}, share});
}

// All threads do `operation` on the same atomic.
template <class Atomic, class F>
void add(points& all, const char* library, const char* variant, const char* guarantee, F operation) {
  add(all, library, variant, guarantee, [operation](const trial& t) {
    line<Atomic> shared;
    return measure(t, [&](unsigned) { return repeat(shared.value, operation); });
  });
}

// Until it succeeds, so that the result counts changes, not attempts.
constexpr auto compare_and_swap = [](auto& a) {
  auto expected = a.load(relaxed);
  while (!a.compare_exchange_weak(expected, expected + 1)) {
  }
};

using word = std::uint64_t;
using pawl_word = pawl::atomic<word>;
using std_word = std::atomic<word>;

// Starts from what the thread saw last: a 16-byte load may be another compare-and-swap.
double wide_compare_and_swap(const trial& t) {
  using wide = pawl::tagged<void*>;
  line<pawl::atomic<wide>> shared;
  return measure(t, [&](unsigned) {
    return [&shared](std::size_t n) {
      auto& a = shared.value;
      wide seen = a.load(relaxed);
      for (std::size_t i = 0; i < n; ++i) {
        while (!a.compare_exchange_weak(seen, seen.next(seen.value))) {
        }
        seen = seen.next(seen.value);
      }
      return n;
    };
  });
}

// A reader's cost of safe memory: a hazard pointer that is kept, pointed at an object and taken away again.
double guarded_read(const trial& t) {
  line<pawl::atomic<int*>> source;
  int object = 0;
  source.value.store(&object);
  return measure(t, [&](unsigned) {
    return [&source, guard = pawl::make_hazard_pointer()](std::size_t n) mutable {
      auto local = std::move(guard);  // in a register, as in a function of its own
      const auto& pointer = source.value;
      for (std::size_t i = 0; i < n; ++i) {
        keep(*local.protect(pointer));
        local.reset_protection();
      }
      guard = std::move(local);
      return n;
    };
  });
}

// The same price over epochs: a critical section of a reader that is kept.
double read_in_a_section(const trial& t) {
  line<pawl::atomic<int*>> source;
  int object = 0;
  source.value.store(&object);
  pawl::epochs<> domain;
  return measure(t, [&](unsigned) {
    return [&source, &domain](std::size_t n) {
      pawl::epochs<>::reader reader(domain);
      const auto& pointer = source.value;
      for (std::size_t i = 0; i < n; ++i) {
        reader.lock();
        keep(*pointer.load(std::memory_order_acquire));
        reader.unlock();
      }
      return n;
    };
  });
}

// The names of the rows are those that charts.py groups; add one there, too.
template <class Atomic>
void add_common(points& all, const char* library) {
  constexpr const char* wait_free = "wait-free, seq_cst";
  constexpr const char* lock_free = "lock-free, seq_cst";
  add<Atomic>(all, library, "load relaxed", "wait-free, relaxed", [](auto& a) { keep(a.load(relaxed)); });
  add<Atomic>(all, library, "load acquire", "wait-free, acquire", [](auto& a) { keep(a.load(std::memory_order_acquire)); });
  add<Atomic>(all, library, "load seq_cst", wait_free, [](auto& a) { keep(a.load()); });
  add<Atomic>(all, library, "store relaxed", "wait-free, relaxed", [](auto& a) { a.store(1, relaxed); });
  add<Atomic>(all, library, "store release", "wait-free, release", [](auto& a) { a.store(1, release); });
  add<Atomic>(all, library, "store seq_cst", wait_free, [](auto& a) { a.store(1); });
  add<Atomic>(all, library, "exchange", wait_free, [](auto& a) { keep(a.exchange(1)); });
  add<Atomic>(all, library, "CAS", lock_free, compare_and_swap);
  add<Atomic>(all, library, "fetch_add", wait_free, [](auto& a) { keep(a.fetch_add(1)); });
  add<Atomic>(all, library, "fetch_sub", wait_free, [](auto& a) { keep(a.fetch_sub(1)); });
  add<Atomic>(all, library, "fetch_and", lock_free, [](auto& a) { keep(a.fetch_and(3)); });
  add<Atomic>(all, library, "fetch_or", lock_free, [](auto& a) { keep(a.fetch_or(3)); });
  add<Atomic>(all, library, "fetch_xor", lock_free, [](auto& a) { keep(a.fetch_xor(3)); });
  add<Atomic>(all, library, "notify_one", "lock-free, nobody waits", [](auto& a) { a.notify_one(); });
}
template <class Flag>
void add_flag(points& all, const char* library) {
  add<Flag>(all, library, "test_and_set", "wait-free, seq_cst", [](auto& a) { keep(a.test_and_set()); });
  add<Flag>(all, library, "flag clear", "wait-free, release", [](auto& a) { a.clear(release); });
}
template <class Atomic>
void add_floating(points& all, const char* library) {
  add<Atomic>(all, library, "fetch_add double", "lock-free, seq_cst", [](auto& a) { keep(a.fetch_add(1.0)); });
}

// What only pawl has, or std has under the name of the operation with a result, which compiles to the same where nobody wants that.
void add_without_result(points& all) {
  constexpr const char* wait_free = "wait-free, seq_cst";
  add<pawl_word>(all, "pawl", "store_add", wait_free, [](auto& a) { a.store_add(1); });
  add<std_word>(all, "std", "store_add", wait_free, [](auto& a) { a.fetch_add(1); });
  add<pawl_word>(all, "pawl", "store_sub", wait_free, [](auto& a) { a.store_sub(1); });
  add<std_word>(all, "std", "store_sub", wait_free, [](auto& a) { a.fetch_sub(1); });
  add<pawl_word>(all, "pawl", "store_and", wait_free, [](auto& a) { a.store_and(3); });
  add<std_word>(all, "std", "store_and", wait_free, [](auto& a) { a.fetch_and(3); });
  add<pawl_word>(all, "pawl", "store_or", wait_free, [](auto& a) { a.store_or(3); });
  add<std_word>(all, "std", "store_or", wait_free, [](auto& a) { a.fetch_or(3); });
  add<pawl_word>(all, "pawl", "store_xor", wait_free, [](auto& a) { a.store_xor(3); });
  add<std_word>(all, "std", "store_xor", wait_free, [](auto& a) { a.fetch_xor(3); });
  add<pawl_word>(all, "pawl", "store_min", "lock-free, seq_cst", [](auto& a) { a.store_min(1); });
  add<pawl_word>(all, "pawl", "store_max", "lock-free, seq_cst", [](auto& a) { a.store_max(1); });
}

// Compare-and-swap loops on most machines.
void add_loops(points& all) {
  constexpr const char* lock_free = "lock-free, seq_cst";
  add<pawl_word>(all, "pawl", "fetch_min", lock_free, [](auto& a) { keep(a.fetch_min(1)); });
  add<pawl_word>(all, "pawl", "fetch_max", lock_free, [](auto& a) { keep(a.fetch_max(1)); });
  add<pawl_word>(all, "pawl", "fetch_add_sat", lock_free, [](auto& a) { keep(a.fetch_add_sat(1)); });
  add<pawl_word>(all, "pawl", "fetch_inc_wrap", lock_free, [](auto& a) { keep(a.fetch_inc_wrap(1000)); });
  add<pawl_word>(all, "pawl", "fetch_inc_below", lock_free, [](auto& a) { keep(a.fetch_inc_below(~word{0})); });
  add<pawl_word>(all, "pawl", "fetch_update", lock_free, [](auto& a) { keep(a.fetch_update([](word v) { return 5 * v + 1; })); });
  add<pawl_word>(all, "pawl", "try_update", lock_free,
                 [](auto& a) { keep(a.try_update([](word v) { return std::optional<word>(5 * v + 1); }).has_value()); });
  add<pawl::llsc<std::uint32_t>>(all, "pawl", "LL, SC", lock_free, [](auto& a) {
    for (;;) {
      auto link = a.load_linked();
      if (link.store_conditional(link.value() + 1)) return;
    }
  });
}

void add_sixteen_bytes(points& all) {
  if constexpr (pawl::native::has_double_width) {
    using wide = pawl::atomic<pawl::tagged<void*>>;
    constexpr const char* lock_free = "lock-free, seq_cst";
    add<wide>(all, "pawl", "load 16 bytes", lock_free, [](auto& a) { keep(a.load().tag); });
    add<wide>(all, "pawl", "store 16 bytes", lock_free, [](auto& a) { a.store({nullptr, 1}); });
    add<wide>(all, "pawl", "exchange 16 bytes", lock_free, [](auto& a) { keep(a.exchange({nullptr, 1}).tag); });
    add(all, "pawl", "CAS 16 bytes", lock_free, wide_compare_and_swap);
  }
}

void add_fences(points& all) {
  add<pawl_word>(all, "pawl", "store, fence", "wait-free, seq_cst", [](auto& a) {
    a.store(1, relaxed);
    pawl::native::thread_fence(std::memory_order_seq_cst);
  });
  add<std_word>(all, "std", "store, fence", "wait-free, seq_cst", [](auto& a) {
    a.store(1, relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  });
  // The asymmetric pair: one free where the kernel has membarrier, the other a system call.
  add<pawl_word>(all, "pawl", "store, light fence", "wait-free, seq_cst against heavy fences", [](auto& a) {
    a.store(1, relaxed);
    pawl::asymmetric_thread_fence_light();
  });
  add<pawl_word>(all, "pawl", "heavy fence", "a system call, seq_cst against light fences",
                 [](auto&) { pawl::asymmetric_thread_fence_heavy(); });
}

}  // namespace

void add_atomics(points& all) {
  add_common<pawl_word>(all, "pawl");
  add_common<std_word>(all, "std");
  add_flag<pawl::atomic_flag<>>(all, "pawl");
  add_flag<std::atomic_flag>(all, "std");
  add_floating<pawl::atomic<double>>(all, "pawl");
  add_floating<std::atomic<double>>(all, "std");
  add_without_result(all);
  add_loops(all);
  add_sixteen_bytes(all);
  add_fences(all);
  add(all, "pawl", "hazard pointer", "lock-free, safe from reclamation", guarded_read);
  add(all, "pawl", "epochs", "lock-free, safe from reclamation", read_in_a_section);
}

}  // namespace study
