// SPDX-License-Identifier: BSL-1.0
// The machine's floor: one operation on one line, by one thread and by several at once. Nothing built from it can be faster.
#include <cstdint>
#include <utility>

#include "pawl/atomic.hpp"
#include "pawl/hazard_pointer.hpp"
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

// All threads do `operation` on the same atomic.
template <class Atomic, class F>
void add(points& all, const char* library, const char* variant, const char* guarantee, F operation) {
  all.push_back({"atomic", library, variant, guarantee, "all on one line", [operation](const trial& t) {
                   line<Atomic> shared;
                   return measure(t, [&](unsigned) { return repeat(shared.value, operation); });
                 }});
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

template <class Atomic>
void add_common(points& all, const char* library) {
  add<Atomic>(all, library, "load", "wait-free, seq_cst", [](auto& a) { keep(a.load()); });
  add<Atomic>(all, library, "store relaxed", "wait-free, relaxed", [](auto& a) { a.store(1, relaxed); });
  add<Atomic>(all, library, "store release", "wait-free, release", [](auto& a) { a.store(1, release); });
  add<Atomic>(all, library, "store seq_cst", "wait-free, seq_cst", [](auto& a) { a.store(1); });
  add<Atomic>(all, library, "exchange", "wait-free, seq_cst", [](auto& a) { keep(a.exchange(1)); });
  add<Atomic>(all, library, "fetch_add", "wait-free, seq_cst", [](auto& a) { keep(a.fetch_add(1)); });
  add<Atomic>(all, library, "CAS", "lock-free, seq_cst", compare_and_swap);
}

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

}  // namespace

void add_atomics(points& all) {
  add_common<pawl_word>(all, "pawl");
  add_common<std_word>(all, "std");

  // std::atomic has no store_add: a fetch_add whose result nobody wants compiles to the same.
  add<pawl_word>(all, "pawl", "store_add", "wait-free, seq_cst", [](auto& a) { a.store_add(1); });
  add<std_word>(all, "std", "store_add", "wait-free, seq_cst", [](auto& a) { a.fetch_add(1); });
  add<pawl_word>(all, "pawl", "fetch_min", "lock-free, seq_cst", [](auto& a) { keep(a.fetch_min(1)); });
  add<pawl_word>(all, "pawl", "fetch_max", "lock-free, seq_cst", [](auto& a) { keep(a.fetch_max(1)); });
  if constexpr (pawl::native::has_double_width) {
    all.push_back({"atomic", "pawl", "CAS of 16 bytes", "lock-free, seq_cst", "all on one line", wide_compare_and_swap});
  }
  add<pawl_word>(all, "pawl", "store, fence", "wait-free, seq_cst", [](auto& a) {
    a.store(1, relaxed);
    pawl::native::thread_fence(std::memory_order_seq_cst);
  });
  add<std_word>(all, "std", "store, fence", "wait-free, seq_cst", [](auto& a) {
    a.store(1, relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  });
  all.push_back({"atomic", "pawl", "hazard pointer", "lock-free, safe from reclamation", "all on one line", guarded_read});
}

}  // namespace study
