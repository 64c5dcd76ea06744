// SPDX-License-Identifier: BSL-1.0
// Threads that wait for each other and are notified. A wake-up that is lost would make them wait for ever: then the watchdog fails the
// test.
#include <pawl/atomic.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "portable_backend.hpp"
#include "threads.hpp"
#include "watchdog.hpp"
#include "worlds.hpp"

namespace {

using stress::dice;
using stress::trial;

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;

struct wide {
  std::uint64_t turn = 0, beside = 0;
  wide() = default;
  explicit wide(unsigned n) : turn(n), beside(~std::uint64_t{n}) {}
  explicit operator unsigned() const { return beside == ~turn ? static_cast<unsigned>(turn) : ~0U; }
};

// As atomic waits, but at once in the room, without the spin that makes sleeping rare.
template <class T, class B, class Sleep>
struct sleepy : pawl::atomic<T, B> {
  using in_room = pawl::detail::waiting_in<B, pawl::environment<B>, Sleep>;
  explicit sleepy(T initial) : pawl::atomic<T, B>(initial) {}
  // (An atomic is its word.)
  const pawl::detail::word_for<T>& word() const noexcept { return reinterpret_cast<const pawl::detail::word_for<T>&>(*this); }
  pawl::detail::waiting_room& room() const noexcept { return pawl::detail::waiting_rooms.of(this); }
  void wait(T old, std::memory_order how) const noexcept {
    const pawl::detail::changed_from<T> changed{pawl::detail::to_word(old)};
    while (!in_room::wait(room(), word(), changed, how)) {
    }
  }
  void notify_one() noexcept { in_room::notify(room(), &word(), true); }
  void notify_all() noexcept { in_room::notify(room(), &word(), false); }
};

// Comes late between its last look and lying down, when a notification is missed most easily.
template <class Sleep>
struct late : Sleep {
  template <class B>
  static void sleep(const std::uint32_t& word, std::uint32_t seen) noexcept {
    thread_local constinit dice chance{1};
    if (chance.one_in(16)) std::this_thread::sleep_for(std::chrono::microseconds(1));
    Sleep::template sleep<B>(word, seen);
  }
};

// Two threads hand a ball over. Relaxed orders are enough for that none is lost: the harder for the rooms' fences.
template <class Atomic, class T>
void hand_over() {
  const watchdog dog("a ball that was handed over");
  trial trial(stress::duration / 5);
  Atomic ball{T(0)};
  std::array<std::uint64_t, 2> caught{};
  trial.run(2, [&](unsigned self) {
    for (;;) {
      // 0 and 1: whose turn it is. 2: the end.
      unsigned turn = static_cast<unsigned>(ball.load(relaxed));
      while (turn == 1 - self) {
        ball.wait(T(turn), relaxed);
        turn = static_cast<unsigned>(ball.load(relaxed));
      }
      if (turn == 2) return;
      trial.expect(turn == self, "a value that nobody stored");
      ++caught[self];
      ball.store(T(trial.goes_on() ? 1 - self : 2), relaxed);
      ball.notify_one();
    }
  });
  REQUIRE(trial.failure() == "");
  CHECK(caught[0] + 1 >= caught[1]);
  CHECK(caught[1] + 1 >= caught[0]);
  CHECK(caught[0] > 0);
}
template <class B, class Sleep>
void hand_over_all_sizes() {
  hand_over<pawl::atomic<std::uint8_t, B>, std::uint8_t>();
  hand_over<pawl::atomic<std::uint16_t, B>, std::uint16_t>();
  hand_over<pawl::atomic<std::uint32_t, B>, std::uint32_t>();
  hand_over<pawl::atomic<std::uint64_t, B>, std::uint64_t>();
  hand_over<sleepy<std::uint8_t, B, Sleep>, std::uint8_t>();
  hand_over<sleepy<std::uint32_t, B, Sleep>, std::uint32_t>();
  hand_over<sleepy<std::uint64_t, B, Sleep>, std::uint64_t>();
  if constexpr (B::has_double_width) {
    hand_over<pawl::atomic<wide, B>, wide>();
    hand_over<sleepy<wide, B, Sleep>, wide>();
  }
}

// Rounds: all wait for the next, the last one to arrive begins it. What they wrote before is there after.
template <class Atomic>
void barrier(bool all) {
  using number = typename Atomic::value_type;
  constexpr unsigned threads = 6;
  const watchdog dog("a barrier");
  trial trial(stress::duration / 5);
  Atomic round{number(0)};
  pawl::atomic<unsigned> arrived{0};
  std::array<unsigned, threads> written{};
  bool over = false;
  trial.run(threads, [&](unsigned self) {
    for (number mine = 0;; ++mine) {
      ++written[self];
      if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == threads) {
        for (const unsigned each : written) trial.expect(each == written[self], "a thread came too late");
        over = !trial.goes_on();
        arrived.store(0, relaxed);
        round.store(static_cast<number>(mine + 1), release);
        if (all) {
          round.notify_all();
        } else {
          for (unsigned i = 1; i < threads; ++i) round.notify_one();
        }
      } else {
        round.wait(mine, acquire);
      }
      if (over) return;
    }
  });
  REQUIRE(trial.failure() == "");
}

// Semaphores of several sizes, many in one room, each taken and given by everybody: none of the tokens goes, nobody sleeps beside one.
template <class B>
void semaphores() {
  constexpr unsigned threads = 4;
  const watchdog dog("a semaphore");
  trial trial;
  struct set {
    pawl::atomic<std::uint8_t, B> tiny{1};
    pawl::atomic<std::uint32_t, B> small{2};
    pawl::atomic<std::uint64_t, B> large{1};
  };
  const auto all = std::make_unique<std::array<set, 40>>();
  const auto take = [](auto& tokens) {
    auto seen = tokens.load(relaxed);
    for (;;) {
      while (seen == 0) {
        tokens.wait(0, relaxed);
        seen = tokens.load(relaxed);
      }
      if (tokens.compare_exchange_weak(seen, static_cast<decltype(seen)>(seen - 1), acquire, relaxed)) return;
    }
  };
  const auto give = [](auto& tokens) {
    tokens.fetch_add(1, release);
    tokens.notify_one();
  };
  trial.run(threads, [&](unsigned self) {
    dice chance(self);
    while (trial.goes_on()) {
      // Mostly the same few, so that they are waited for. In one order, so that nobody waits for each other.
      set& one = (*all)[chance.one_in(4) ? chance.below(40) : 0];
      take(one.tiny);
      if (chance.one_in(16)) std::this_thread::yield();
      take(one.small);
      take(one.large);
      give(one.large);
      if (chance.one_in(16)) std::this_thread::yield();
      give(one.tiny);
      give(one.small);
    }
  });
  for (set& each : *all) {
    trial.expect(each.tiny.load() == 1 && each.small.load() == 2 && each.large.load() == 1, "a token is lost");
  }
  REQUIRE(trial.failure() == "");
}

}  // namespace

TEST_CASE("two threads that wait for each other never miss a notification, whatever the size") {
  hand_over_all_sizes<pawl::native, pawl::detail::host_sleep>();
  hand_over_all_sizes<stress::minimal, pawl::detail::host_sleep>();
  hand_over_all_sizes<portable_backend, pawl::detail::portable_sleep>();
}

TEST_CASE("nor do they where they are interrupted at the worst moments") {
  hand_over_all_sizes<stress::restless, late<pawl::detail::host_sleep>>();
  hand_over_all_sizes<stress::restless, late<pawl::detail::portable_sleep>>();
}

TEMPLATE_TEST_CASE("many threads wait for one change", "", std::uint8_t, std::uint32_t, std::uint64_t) {
  for (const bool all : {true, false}) {
    barrier<pawl::atomic<TestType>>(all);
    barrier<pawl::atomic<TestType, portable_backend>>(all);
    barrier<sleepy<TestType, pawl::native, pawl::detail::host_sleep>>(all);
    barrier<sleepy<TestType, stress::restless, pawl::detail::portable_sleep>>(all);
  }
}

TEST_CASE("semaphores that share rooms lose no token and let nobody sleep beside one") {
  semaphores<pawl::native>();
  semaphores<stress::restless>();
  semaphores<portable_backend>();
}
