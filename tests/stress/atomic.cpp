// SPDX-License-Identifier: BSL-1.0
#include <pawl/atomic.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

#include <pawl/fence.hpp>
#include <pawl/tagged.hpp>

#include "catch.hpp"
#include "store_buffering.hpp"
#include "threads.hpp"
#include "worlds.hpp"

namespace {

using stress::dice;
using stress::trial;

constexpr unsigned threads = 4;

template <class B, class T>
void add_and_subtract() {
  trial trial(stress::duration / 8);
  pawl::atomic<T, B> sum{0};
  pawl::atomic<T, B> stored{0};
  std::array<T, threads> added{};
  trial.run(threads, [&](unsigned self) {
    dice chance(self);
    T mine = 0;
    while (trial.goes_on()) {
      const T n = static_cast<T>(chance.below(50));
      switch (chance.below(4)) {
        case 0:
          sum.fetch_add(n, std::memory_order_relaxed);
          stored.store_add(n, std::memory_order_relaxed);
          mine = static_cast<T>(mine + n);
          break;
        case 1:
          sum.fetch_sub(n, std::memory_order_acq_rel);
          stored.store_sub(n, std::memory_order_release);
          mine = static_cast<T>(mine - n);
          break;
        case 2:
          sum += n;
          stored.fetch_update([n](T old) { return static_cast<T>(old + n); });
          mine = static_cast<T>(mine + n);
          break;
        default:
          sum += 1;
          stored.store_add(1);
          mine = static_cast<T>(mine + 1);
          break;
      }
    }
    added[self] = mine;
  });
  T expected = 0;
  for (const T each : added) expected = static_cast<T>(expected + each);
  trial.expect(sum.load() == expected, "an addition is lost");
  trial.expect(stored.load() == expected, "an addition without a result is lost");
  REQUIRE(trial.failure() == "");
}

// The least and the greatest of all that threads offered; what a thread sees on the way goes one way only.
template <class B, class T>
void find_extremes_once(T (*make)(dice&), std::uint64_t seed) {
  trial trial;
  dice first(seed + threads);
  const T start = make(first);
  pawl::atomic<T, B> least{start};
  pawl::atomic<T, B> greatest{start};
  pawl::atomic<T, B> stored_least{start};
  pawl::atomic<T, B> stored_greatest{start};
  std::array<T, threads> mine_least{};
  std::array<T, threads> mine_greatest{};
  trial.run(threads, [&](unsigned self) {
    dice chance(seed + self);
    T low = start;
    T high = start;
    T seen_low = std::numeric_limits<T>::max();
    T seen_high = std::numeric_limits<T>::lowest();
    // Not many: later on hardly anything changes.
    for (unsigned i = 0; i < 200 && trial.goes_on(); ++i) {
      const T offered = make(chance);
      low = std::min(low, offered);
      high = std::max(high, offered);
      const T old_low = least.fetch_min(offered, std::memory_order_acq_rel);
      const T old_high = greatest.fetch_max(offered);
      stored_least.store_min(offered, std::memory_order_relaxed);
      stored_greatest.store_max(offered);
      trial.expect(old_low <= seen_low && old_high >= seen_high, "an extreme went back");
      seen_low = std::min(old_low, offered);
      seen_high = std::max(old_high, offered);
      trial.expect(least.load() <= seen_low && greatest.load() >= seen_high, "an extreme is not what was offered");
    }
    mine_least[self] = low;
    mine_greatest[self] = high;
  });
  const T low = *std::min_element(mine_least.begin(), mine_least.end());
  const T high = *std::max_element(mine_greatest.begin(), mine_greatest.end());
  trial.expect(least.load() == low && greatest.load() == high, "an extreme is lost");
  trial.expect(stored_least.load() == low && stored_greatest.load() == high, "an extreme without a result is lost");
  REQUIRE(trial.failure() == "");
}

template <class B, class T>
void find_extremes(T (*make)(dice&)) {
  const trial time(stress::duration / 4);
  for (std::uint64_t seed = 0; time.goes_on(); seed += threads + 1) find_extremes_once<B, T>(make, seed);
}

/// 16 bytes of which one half tells the other.
struct pair_of_words {
  std::uint64_t number;
  std::uint64_t inverse;
  [[nodiscard]] bool whole() const noexcept { return inverse == ~number; }
  static pair_of_words make(std::uint64_t number) noexcept { return {number, ~number}; }
};

/// Nodes by index, on a free list whose head has a tag: taken by one thread at a time, put back, taken again.
template <class B, class Head, class Find>
void take_and_put_back(Find find_nodes) {
  trial trial;
  constexpr std::uint32_t count = 3;
  struct node {
    pawl::atomic<Head, B> next{};
    pawl::atomic<unsigned, B> owner{0};
  };
  std::array<node, count> nodes;
  const auto name = find_nodes(nodes);
  pawl::atomic<Head, B> head{};
  for (node& each : nodes) {
    each.next.store(head.load());
    head.store(head.load().next(name.name_of(each)));
  }
  trial.run(threads, [&](unsigned self) {
    while (trial.goes_on()) {
      Head top = head.load(std::memory_order_acquire);
      while (top.value != decltype(top.value)()) {
        const Head behind = name.node_of(top.value).next.load(std::memory_order_relaxed);
        if (head.compare_exchange_weak(top, top.next(behind.value), std::memory_order_acquire, std::memory_order_acquire)) break;
      }
      if (top.value == decltype(top.value)()) continue;
      node& mine = name.node_of(top.value);
      trial.expect(mine.owner.exchange(self + 1, std::memory_order_relaxed) == 0, "a node belongs to two threads");
      trial.expect(mine.owner.exchange(0, std::memory_order_relaxed) == self + 1, "a node belongs to two threads");
      Head old = head.load(std::memory_order_relaxed);
      do {
        mine.next.store(old, std::memory_order_relaxed);
      } while (!head.compare_exchange_weak(old, old.next(top.value), std::memory_order_release, std::memory_order_relaxed));
    }
  });
  std::uint32_t left = 0;
  for (Head each = head.load(); each.value != decltype(each.value)() && left <= count; ++left)
    each = name.node_of(each.value).next.load();
  trial.expect(left == count, "a node is lost");
  REQUIRE(trial.failure() == "");
}

template <class B, class First, class Second>
void expect_no_store_buffering(trial& trial, First first, Second second) {
  const auto old = both_read_old<pawl::atomic<unsigned, B>>(first, second, [&trial] { return trial.goes_on(); });
  trial.expect(old == 0, "both threads read the old value");
}

}  // namespace

TEMPLATE_TEST_CASE("no addition is lost", "", pawl::native, pawl::backend::builtin, stress::minimal, stress::restless) {
  add_and_subtract<TestType, std::uint8_t>();
  add_and_subtract<TestType, std::int16_t>();
  add_and_subtract<TestType, std::uint32_t>();
  add_and_subtract<TestType, std::int64_t>();
  add_and_subtract<TestType, double>();  // integers, which doubles add exactly
}

TEMPLATE_TEST_CASE("the least and the greatest of all offers win", "", pawl::native, pawl::backend::builtin, stress::minimal,
                   stress::restless) {
  find_extremes<TestType, std::uint8_t>([](dice& chance) { return static_cast<std::uint8_t>(chance.roll()); });
  find_extremes<TestType, std::int64_t>([](dice& chance) { return std::int64_t{chance.roll()} - (std::int64_t{1} << 31); });
  find_extremes<TestType, double>([](dice& chance) { return static_cast<double>(chance.roll()) - 2e9; });
}

TEMPLATE_TEST_CASE("an exchanged token belongs to one thread", "", pawl::native, pawl::backend::builtin, stress::minimal,
                   stress::restless) {
  trial trial;
  std::array<pawl::atomic<std::uint64_t, TestType>, 2> places{100, 101};
  std::array<std::uint64_t, threads> held{};
  trial.run(threads, [&](unsigned self) {
    dice chance(self);
    std::uint64_t token = self;
    while (trial.goes_on()) token = places[chance.below(2)].exchange(token, std::memory_order_relaxed);
    held[self] = token;
  });
  std::vector<std::uint64_t> all(held.begin(), held.end());
  for (auto& each : places) all.push_back(each.load());
  std::sort(all.begin(), all.end());
  REQUIRE(all == std::vector<std::uint64_t>{0, 1, 2, 3, 100, 101});
}

TEMPLATE_TEST_CASE("try_update takes no more than there is", "", pawl::native, stress::minimal, stress::restless) {
  trial trial;
  pawl::atomic<int, TestType> left{0};
  std::array<int, threads> balance{};
  trial.run(threads, [&](unsigned self) {
    int mine = 0;
    while (trial.goes_on()) {
      const std::optional<int> taken =
          left.try_update([](int old) { return old == 0 ? std::nullopt : std::optional<int>(old - 1); });
      trial.expect(!taken || *taken > 0, "taken from nothing");
      if (taken) --mine;
      if (!taken || mine < -100) {
        left.fetch_add(1);
        ++mine;
      }
    }
    balance[self] = mine;
  });
  int expected = 0;
  for (const int each : balance) expected += each;
  REQUIRE(left.load() == expected);
}

TEMPLATE_TEST_CASE("bits belong to the thread that sets them", "", pawl::native, pawl::backend::builtin, stress::minimal,
                   stress::restless) {
  trial trial;
  pawl::atomic<std::uint16_t, TestType> bits{0};
  trial.run(threads, [&](unsigned self) {
    dice chance(self);
    const auto mine = static_cast<std::uint16_t>(0xfU << self * 4);
    std::uint16_t expected = 0;
    while (trial.goes_on()) {
      const auto some = static_cast<std::uint16_t>(mine & chance.roll());
      const auto others = static_cast<std::uint16_t>(~some);
      const std::uint16_t before = expected;
      std::uint16_t old = before;  // where the operation has no result
      switch (chance.below(6)) {
        case 0:
          old = bits.fetch_or(some);
          expected |= some;
          break;
        case 1:
          old = bits.fetch_and(others);
          expected &= others;
          break;
        case 2:
          old = bits.fetch_xor(some);
          expected ^= some;
          break;
        case 3:
          bits.store_or(some);
          expected |= some;
          break;
        case 4:
          bits.store_and(others, std::memory_order_release);
          expected &= others;
          break;
        default:
          bits.store_xor(some, std::memory_order_relaxed);
          expected ^= some;
          break;
      }
      trial.expect((old & mine) == before && (bits.load() & mine) == expected, "a bit changed that nobody changed");
    }
    bits.fetch_and(static_cast<std::uint16_t>(~mine));
  });
  trial.expect(bits.load() == 0, "a bit changed that nobody changed");
  REQUIRE(trial.failure() == "");
}

TEMPLATE_TEST_CASE("16 bytes are read and written at once", "", pawl::native, pawl::backend::builtin, stress::minimal,
                   stress::restless) {
  if constexpr (TestType::has_double_width) {
    trial trial;
    pawl::atomic<pair_of_words, TestType> counter{pair_of_words::make(0)};
    pawl::atomic<pair_of_words, TestType> token{pair_of_words::make(1000)};
    std::array<std::uint64_t, threads> counted{};
    trial.run(threads, [&](unsigned self) {
      dice chance(self);
      std::uint64_t mine = 0;
      std::uint64_t last = 0;
      pair_of_words held = pair_of_words::make(self);
      for (; trial.goes_on(); ++mine) {
        if (chance.one_in(2)) {
          pair_of_words old = counter.load(std::memory_order_relaxed);
          do {
            trial.expect(old.whole(), "half of one value, half of another");
          } while (!counter.compare_exchange_weak(old, pair_of_words::make(old.number + 1)));
        } else {
          counter.fetch_update([](pair_of_words old) { return pair_of_words::make(old.number + 1); });
        }
        const pair_of_words now = counter.load();
        trial.expect(now.whole(), "half of one value, half of another");
        trial.expect(now.number > last, "a counter went back");
        last = now.number;
        held = token.exchange(held);
        trial.expect(held.whole(), "half of one value, half of another");
        token.store(held);
        trial.expect(token.load().whole(), "half of one value, half of another");
        held = pair_of_words::make(mine);
      }
      counted[self] = mine;
    });
    std::uint64_t expected = 0;
    for (const std::uint64_t each : counted) expected += each;
    trial.expect(counter.load().number == expected, "an increment is lost");
    REQUIRE(trial.failure() == "");
  }
}

TEMPLATE_TEST_CASE("a tag cures ABA, with a pointer", "", pawl::native, pawl::backend::builtin, stress::minimal, stress::restless) {
  if constexpr (TestType::has_double_width) {
    take_and_put_back<TestType, pawl::tagged<void*>>([](auto& nodes) {
      using node = typename std::remove_reference_t<decltype(nodes)>::value_type;
      struct by_address {
        static void* name_of(node& named) noexcept { return &named; }
        static node& node_of(void* name) noexcept { return *static_cast<node*>(name); }
      };
      return by_address();
    });
  }
}

TEMPLATE_TEST_CASE("a tag cures ABA, with an index", "", pawl::native, pawl::backend::builtin, stress::minimal, stress::restless) {
  take_and_put_back<TestType, pawl::tagged<std::uint32_t>>([](auto& nodes) {
    using node = typename std::remove_reference_t<decltype(nodes)>::value_type;
    struct by_index {
      node* first;
      std::uint32_t name_of(const node& named) const noexcept { return static_cast<std::uint32_t>(&named - first) + 1; }
      node& node_of(std::uint32_t name) const noexcept { return first[name - 1]; }
    };
    return by_index{nodes.data()};
  });
}

TEMPLATE_TEST_CASE("a flag is a lock, also through atomic_ref", "", pawl::native, pawl::backend::builtin, stress::minimal,
                   stress::restless) {
  trial trial;
  pawl::atomic_flag<TestType> locked;
  std::uint64_t guarded = 0;  // plain: TSan sees whether the flag orders its accesses
  alignas(8) std::uint64_t shared = 0;
  std::array<std::uint64_t, threads> counted{};
  trial.run(threads, [&](unsigned self) {
    std::uint64_t mine = 0;
    const pawl::atomic_ref<std::uint64_t, TestType> reference(shared);
    for (; trial.goes_on(); ++mine) {
      while (locked.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
      ++guarded;
      locked.clear(std::memory_order_release);
      reference.fetch_add(1, std::memory_order_relaxed);
    }
    counted[self] = mine;
  });
  std::uint64_t expected = 0;
  for (const std::uint64_t each : counted) expected += each;
  REQUIRE(guarded == expected);
  REQUIRE(shared == expected);
}

// Plain data is written, then a word by each operation that can release; who reads it by each that can acquire sees the data.
TEMPLATE_TEST_CASE("a message arrives before its flag", "", pawl::native, pawl::backend::builtin, stress::minimal,
                   stress::restless) {
  trial trial;
  pawl::atomic<std::uint64_t, TestType> flag{0};
  std::array<std::uint64_t, 4> data{};
  trial.run(2, [&](unsigned self) {
    using enum std::memory_order;
    for (std::uint64_t number = self; number < 2'000'000; number += 2) {
      // In turns: number is written by one thread when it has read the number before. TSan sees the order of a fence and a fence only.
      const bool by_fence_out = number % 6 == 4;
      const bool by_fence_in = (number + 1) % 5 == 3;
      std::uint64_t seen = 0;
      for (unsigned i = 0;; ++i) {
        switch (stress::sanitized && by_fence_out ? 3 : number % 5) {
          case 0:
            seen = flag.load(acquire);
            break;
          case 1:
            seen = flag.fetch_add(0, acquire);
            break;
          case 2:
            seen = number;
            if (!flag.compare_exchange_strong(seen, number, acq_rel, acquire)) break;
            seen = number;
            break;
          case 3:
            seen = flag.load(relaxed);
            TestType::thread_fence(acquire);
            break;
          default:
            seen = flag.load();
            break;
        }
        if (seen == number) break;
        if (!trial.goes_on()) return;
        if (i > 100 || stress::sanitized) std::this_thread::yield();
      }
      for (std::uint64_t& each : data) {
        trial.expect(each == number, "a message came after its flag");
        each = number + 1;
      }
      switch (stress::sanitized && by_fence_in ? 4 : (number + 1) % 6) {
        case 0:
          flag.store(number + 1, release);
          break;
        case 1:
          flag.fetch_add(1, release);
          break;
        case 2:
          flag.store_add(1, release);
          break;
        case 3:
          flag.exchange(number + 1, acq_rel);
          break;
        case 4:
          TestType::thread_fence(release);
          flag.store(number + 1, relaxed);
          break;
        default:
          flag.fetch_max(number + 1, release);
          break;
      }
    }
  });
  REQUIRE(trial.failure() == "");
}

TEMPLATE_TEST_CASE("sequentially consistent accesses don't both read the old value", "", pawl::native, pawl::backend::builtin,
                   stress::minimal) {
  trial trial;
  const auto step = [](auto& mine, const auto& other) {
    mine.store(1);
    return other.load();
  };
  expect_no_store_buffering<TestType>(trial, step, step);
  REQUIRE(trial.failure() == "");
}

TEMPLATE_TEST_CASE("with fences between, threads don't both read the old value", "", pawl::native, pawl::backend::builtin,
                   stress::minimal) {
  trial trial;
  const auto step = [](auto& mine, const auto& other) {
    mine.store(1, std::memory_order_relaxed);
    TestType::thread_fence(std::memory_order_seq_cst);
    return other.load(std::memory_order_relaxed);
  };
  expect_no_store_buffering<TestType>(trial, step, step);
  REQUIRE(trial.failure() == "");
}

TEMPLATE_TEST_CASE("a light fence counts against a heavy one", "", pawl::native, pawl::backend::builtin, stress::minimal) {
  auto& state = pawl::detail::asymmetric;
  pawl::asymmetric_thread_fence_heavy<TestType>();
  const auto settled = state.load(std::memory_order_relaxed);
  // With membarrier, where the system has it, and as if it had none. No other thread uses pawl meanwhile.
  for (const auto how : {settled, pawl::detail::asymmetric_state::fallback}) {
    state.store(how, std::memory_order_relaxed);
    trial trial;
    expect_no_store_buffering<TestType>(
        trial,
        [](auto& mine, const auto& other) {
          mine.store(1, std::memory_order_relaxed);
          pawl::asymmetric_thread_fence_light<TestType>();
          return other.load(std::memory_order_relaxed);
        },
        [](auto& mine, const auto& other) {
          mine.store(1, std::memory_order_relaxed);
          pawl::asymmetric_thread_fence_heavy<TestType>();
          return other.load(std::memory_order_relaxed);
        });
    CHECK(trial.failure() == "");
  }
  state.store(settled, std::memory_order_relaxed);
}
