// SPDX-License-Identifier: BSL-1.0
// What compare-and-swap alone gets wrong, and load-linked with store-conditional gets right: a decision that rests on more than one word.
//
// A door is open, closed or locked. The guard locks it when nobody is inside: he sees that it is closed, then looks who is inside, then
// locks it "if it is still closed". But compare-and-swap can't ask that: it asks whether the door is closed *again*. Meanwhile a
// visitor may have opened it, entered and closed it, and is locked in. store_conditional asks whether anybody has moved the door since
// load_linked, even if it looks as before.
//
// Told step by step first, with no race and no luck, for both kinds of door; then with threads, for the right one.
//
// What to look at: the guard's three steps, and the one word by which his last one differs. (aba.cpp has the same mistake in its usual
// dress, a stack, and its usual cure, a tag, which llsc has inside.)
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>

#include <pawl/atomic.hpp>
#include <pawl/backoff.hpp>
#include <pawl/llsc.hpp>

namespace {

enum class door : std::uint8_t { open, closed, locked };

// What the guard saw, and how he locks: one kind of each for the two doors.
struct cas_door {
  pawl::atomic<door> state{door::closed};
  struct look {
    pawl::atomic<door>& of;
    door seen;
    [[nodiscard]] door value() const { return seen; }
    bool change(door to) {
      door expected = seen;
      return of.compare_exchange_strong(expected, to, std::memory_order_release, std::memory_order_relaxed);
    }
  };
  // acquire: pairs with the release of change, as below
  look look_at() { return {state, state.load(std::memory_order_acquire)}; }
};

struct llsc_door {
  pawl::llsc<door> state{door::closed};
  struct look {
    pawl::llsc<door>::link link;
    [[nodiscard]] door value() const { return link.value(); }
    // (2) release: pairs with (1)
    bool change(door to) { return link.store_conditional(to, std::memory_order_release); }
  };
  // (1) acquire: pairs with (2) of who moved the door last, so who is inside is no older than the door
  look look_at() { return {state.load_linked(std::memory_order_acquire)}; }
};

template <class Door>
struct room {
  Door entrance;
  pawl::atomic<int> inside{0};  // relaxed throughout: the door orders it, and only who holds it open changes it

  bool guard_locks(auto&& meanwhile) {
    auto look = entrance.look_at();
    if (look.value() != door::closed) return false;
    if (inside.load(std::memory_order_relaxed) != 0) return false;
    meanwhile();
    return look.change(door::locked);
  }
  // Where the door is closed, by one visitor at a time.
  bool visitor_passes(int change) {
    auto look = entrance.look_at();
    if (look.value() != door::closed || !look.change(door::open)) return false;
    inside.store(inside.load(std::memory_order_relaxed) + change, std::memory_order_relaxed);
    return move(door::closed);  // an open door is moved by nobody else
  }
  bool move(door to) { return entrance.look_at().change(to); }
};

// True where somebody was locked in.
template <class Door>
bool tell(const char* title) {
  room<Door> hall;
  std::printf("%s\n  the guard sees that the door is closed and nobody is inside\n", title);
  const bool locks = hall.guard_locks([&hall] {
    if (hall.visitor_passes(+1)) std::printf("  a visitor opens the door, enters and closes it\n");
  });
  const int inside = hall.inside.load(std::memory_order_relaxed);
  std::printf("  the guard %s\n", locks ? "locks the door" : "can't lock the door, and looks again");
  std::printf("  %d inside%s\n", inside, locks && inside != 0 ? ": locked in" : ", free to leave");
  return locks && inside != 0;
}

struct day {
  std::int64_t visits = 0;
  std::int64_t locked = 0;
  std::int64_t locked_in = 0;
};

// Two visitors come and go, and the guard locks the door whenever he can.
day open_for_a_day() {
  constexpr int visitors = 2;
  constexpr int visits_each = 20'000;
  room<llsc_door> hall;
  const auto pass = [&hall](int change) {
    pawl::yield_backoff backoff;
    while (!hall.visitor_passes(change)) backoff();
  };
  std::vector<std::thread> threads;
  pawl::atomic<int> at_home{0};
  for (int i = 0; i < visitors; ++i) {
    threads.emplace_back([&] {
      for (int visit = 0; visit < visits_each; ++visit) {
        pass(+1);
        pass(-1);
      }
      at_home.fetch_add(1);
    });
  }
  day result{visitors * std::int64_t{visits_each}, 0, 0};
  while (at_home.load() < visitors || result.locked == 0) {
    if (!hall.guard_locks([] {})) continue;
    ++result.locked;
    if (hall.inside.load(std::memory_order_relaxed) != 0) ++result.locked_in;
    hall.move(door::closed);
  }
  for (std::thread& each : threads) each.join();
  return result;
}

}  // namespace

int main() {
  const bool by_cas = tell<cas_door>("a door by compare-and-swap");
  const bool by_llsc = tell<llsc_door>("a door by load_linked and store_conditional");
  const day seen = open_for_a_day();
  std::printf("%lld visits, the door was locked %lld times, %lld times with somebody inside\n", static_cast<long long>(seen.visits),
              static_cast<long long>(seen.locked), static_cast<long long>(seen.locked_in));
  return by_cas && !by_llsc && seen.locked_in == 0 ? 0 : 1;
}
