// SPDX-License-Identifier: BSL-1.0
// load_linked and store_conditional by many threads: no update is lost, what comes back does not fool a link, and what was read under a link
// that is valid still was there at once.
#include <pawl/llsc.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <thread>

#include "catch.hpp"
#include "threads.hpp"
#include "worlds.hpp"

namespace {

using stress::dice;
using stress::trial;
constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;

constexpr unsigned threads = 4;

// Calls check.operator()<T>() for a T of each size that B has.
template <class B, class Check>
void for_each_size(Check check) {
  check.template operator()<std::uint8_t>();
  check.template operator()<std::uint16_t>();
  check.template operator()<std::uint32_t>();
  if constexpr (B::has_double_width) check.template operator()<std::uint64_t>();
}
constexpr int sizes = 4;

// A counter of each size: modulo what T holds, it has what all threads added.
template <class T, class B>
void count() {
  trial trial(stress::duration / sizes);
  pawl::llsc<T, B> counter;
  std::array<std::uint64_t, threads> added{};
  trial.run(threads, [&](unsigned self) {
    while (trial.goes_on()) {
      for (;;) {
        auto link = counter.load_linked(relaxed);
        if (link.store_conditional(static_cast<T>(link.value() + self + 1), relaxed)) break;
      }
      added[self] += self + 1;
    }
  });
  CHECK(counter.load() == static_cast<T>(std::accumulate(added.begin(), added.end(), std::uint64_t{0})));
  CHECK(trial.failure() == "");
}

/// A stack of nodes by number, under one llsc: a node that is popped is pushed again at once, so the head is ever again what a thread
/// that is late has seen, with another successor.
template <class T, class B>
class number_stack {
 public:
  static constexpr unsigned nodes = 4;

  number_stack() {
    for (unsigned i = 1; i <= nodes; ++i) push(i);
  }
  unsigned pop() noexcept {
    for (;;) {
      // (1) acquire: pairs with (2), so the node's successor is what its last push wrote
      auto top = head_.load_linked(acquire);
      const unsigned node = static_cast<unsigned>(top.value());
      if (node == 0) return 0;
      // relaxed: where the node was taken and given back meanwhile it may be anything, and the store fails
      const unsigned next = next_[node].load(relaxed);
      if (top.store_conditional(static_cast<T>(next), relaxed)) return node;
    }
  }
  void push(unsigned node) noexcept {
    for (;;) {
      auto top = head_.load_linked(relaxed);
      next_[node].store(static_cast<unsigned>(top.value()), relaxed);
      // (2) release: pairs with (1)
      if (top.store_conditional(static_cast<T>(node), release)) return;
    }
  }

 private:
  std::array<std::atomic<unsigned>, nodes + 1> next_{};
  pawl::llsc<T, B> head_;
};

// Each node is with one thread, or in the stack.
template <class T, class B>
void take_and_give_back() {
  using stack = number_stack<T, B>;
  trial trial(stress::duration / sizes);
  stack numbers;
  std::array<std::atomic<bool>, stack::nodes + 1> taken{};
  trial.run(threads, [&](unsigned self) {
    dice chance(self);
    const auto take = [&] {
      const unsigned node = numbers.pop();
      if (node != 0 && taken[node].exchange(true, relaxed)) trial.fail("a node that somebody has");
      return node;
    };
    const auto give = [&](unsigned node) {
      if (node == 0) return;
      taken[node].store(false, relaxed);
      numbers.push(node);
    };
    while (trial.goes_on()) {
      const unsigned first = take();
      const unsigned second = take();
      if (chance.one_in(8)) std::this_thread::yield();
      if (chance.one_in(2)) {
        give(first);
        give(second);
      } else {
        give(second);
        give(first);
      }
    }
  });
  REQUIRE(trial.failure() == "");
  unsigned left = 0;
  for (unsigned node = numbers.pop(); node != 0 && left <= stack::nodes; node = numbers.pop()) ++left;
  CHECK(left == stack::nodes);
}

// One thread moves a value up and down, and a second one that is never above it. Who reads both under one link, and finds the link
// valid, has seen them at one instant; without validate the first may be down again when the second is up for the next time.
template <class T, class B>
void read_together() {
  trial trial(stress::duration / sizes);
  pawl::llsc<T, B> upper;
  std::array<pawl::atomic<unsigned, B>, 4> lower{};
  std::array<std::uint64_t, threads> valid{};
  trial.run(threads, [&](unsigned self) {
    if (self == 0) {
      const auto set = [&](T value) {
        trial.expect(upper.load_linked(relaxed).store_conditional(value, release), "nobody else stores");
      };
      while (trial.goes_on()) {
        set(1);
        for (auto& each : lower) each.store(1, release);
        for (auto& each : lower) each.store(0, release);
        set(0);
      }
      return;
    }
    // However late it is, until a link has stayed valid.
    while (trial.goes_on() || valid[self] == 0) {
      // acquire: pairs with the release of a set, so the others are no older
      const auto link = upper.load_linked(acquire);
      unsigned highest = 0;
      // acquire: what is set before such a value is seen by validate
      for (auto& each : lower) highest = std::max(highest, each.load(acquire));
      if (!link.validate(relaxed)) continue;
      ++valid[self];
      trial.expect(highest <= link.value(), "two values that were not there at once");
    }
  });
  REQUIRE(trial.failure() == "");
}

}  // namespace

TEMPLATE_TEST_CASE("no update by load_linked and store_conditional is lost", "", pawl::native, stress::minimal, stress::restless) {
  for_each_size<TestType>([]<class T>() { count<T, TestType>(); });
}

TEMPLATE_TEST_CASE("no link is fooled by a value that comes back", "", pawl::native, stress::minimal, stress::restless) {
  for_each_size<TestType>([]<class T>() { take_and_give_back<T, TestType>(); });
}

TEMPLATE_TEST_CASE("what is read under a link that is valid still was there at once", "", pawl::native, stress::minimal,
                   stress::restless) {
  for_each_size<TestType>([]<class T>() { read_together<T, TestType>(); });
}
