// SPDX-License-Identifier: BSL-1.0
// wait, notify_one and notify_all of atomic, atomic_ref and atomic_flag, over every backend and over the portable way to sleep.
#include "catch.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <pawl/atomic.hpp>
#include <pawl/model.hpp>
#include <pawl/tagged.hpp>

#include "backends.hpp"
#include "portable_backend.hpp"
#include "watchdog.hpp"

namespace {

using pawl::backend::builtin;

// Every backend, also one whose system has no futex, and the model's, which outside of a check is the host's.
template <class Check>
void for_each_host(Check check) {
  for_each_backend(check);
  check.template operator()<portable_backend>();
  check.template operator()<pawl::backend::model>();
}

enum class color : std::int16_t { red, green };
struct pair_of_bytes {
  std::uint8_t first, second;
  friend bool operator==(const pair_of_bytes&, const pair_of_bytes&) = default;
};
struct wide {
  std::uint64_t first, second;
  friend bool operator==(const wide&, const wide&) = default;
};
// Three bytes of padding where the compiler can clear them, else none.
#if defined(__has_builtin) && __has_builtin(__builtin_clear_padding)
struct padded {
  std::uint8_t small;
  std::uint32_t large;
  friend bool operator==(const padded&, const padded&) = default;
};
#else
struct padded {
  std::uint32_t small;
  std::uint32_t large;
  friend bool operator==(const padded&, const padded&) = default;
};
#endif

template <class T>
T with_byte_changed(T value, std::size_t byte) {
  std::array<unsigned char, sizeof(T)> bytes{};
  std::memcpy(bytes.data(), &value, sizeof(T));
  bytes[byte] ^= 1U;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

// Until so many threads are about to sleep in the object's room; most of them do, then. (The first heavy fence of a process takes long.)
void until_asleep(const void* object, std::uint32_t threads) {
  static_cast<void>(pawl::environment<builtin>::settle_fences());
  const std::uint64_t& guests = pawl::detail::waiting_rooms.of(object).guests;
  while (static_cast<std::uint32_t>(builtin::load(guests, std::memory_order_relaxed)) < threads) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// An atomic, or an atomic_ref and its object, as one.
template <class T, class B>
struct by_value {
  pawl::atomic<T, B> object;
  pawl::atomic<T, B>& operator*() { return object; }
};
template <class T, class B>
struct by_reference {
  alignas(pawl::atomic_ref<T, B>::required_alignment) T object;
  pawl::atomic_ref<T, B> operator*() { return pawl::atomic_ref<T, B>(object); }
};

// Each byte of T, changed alone, ends a wait.
template <template <class, class> class Form, class T, class B>
void every_byte_wakes(T value) {
  // (bool and floating point: bytes that make another value; padding makes none.)
  for (std::size_t byte = 0; byte < sizeof(T); ++byte) {
    const T other = with_byte_changed(value, byte);
    if constexpr (std::is_same_v<T, padded>) {
      if (other == value) continue;
    }
    Form<T, B> x{value};
    std::thread sleeper([&] { (*x).wait(value, std::memory_order_acquire); });
    until_asleep(&x, 1);
    (*x).store(other, std::memory_order_release);
    (*x).notify_one();
    sleeper.join();
  }
}
template <class B, class T>
void every_byte_wakes(T value) {
  every_byte_wakes<by_value, T, B>(value);
  every_byte_wakes<by_reference, T, B>(value);
}

// It returns at once where the value is another, whoever notifies.
template <class B, class T>
void another_value_is_no_wait(T value, T other) {
  const pawl::atomic<T, B> constant{value};
  constant.wait(other);
  pawl::atomic<T, B> x{value};
  for (const std::memory_order order : {std::memory_order_relaxed, std::memory_order_acquire, std::memory_order_seq_cst})
    x.wait(other, order);
  x.notify_one();
  x.notify_all();
  CHECK(x.load() == value);
  alignas(pawl::atomic_ref<T, B>::required_alignment) T object = value;
  const pawl::atomic_ref<T, B> ref(object);
  ref.wait(other);
  ref.wait(other, std::memory_order_relaxed);
  ref.notify_one();
  ref.notify_all();
  CHECK(ref.load() == value);
}

// While it holds the old value again it does not return, however often it is notified.
template <class B, class T>
void no_return_while_equal(T value, T other) {
  pawl::atomic<T, B> x{value};
  std::atomic<bool> returned{false};
  std::thread sleeper([&] {
    x.wait(value);
    returned = true;
  });
  until_asleep(&x, 1);
  for (int i = 0; i < 50; ++i) {
    x.store(value);
    x.notify_one();
    x.notify_all();
    if (i % 16 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  CHECK_FALSE(returned.load());
  x.store(other);
  x.notify_one();
  sleeper.join();
  CHECK(returned.load());
}

// As many calls of notify_one as there are sleepers wake them all; notify_all does alone.
template <class B, class T>
void each_is_woken(T value, T other) {
  for (const bool one : {true, false}) {
    pawl::atomic<T, B> x{value};
    std::vector<std::thread> sleepers;
    for (int i = 0; i < 4; ++i) sleepers.emplace_back([&] { x.wait(value); });
    until_asleep(&x, 4);
    x.store(other);
    for (int i = 0; one && i < 4; ++i) x.notify_one();
    if (!one) x.notify_all();
    for (auto& each : sleepers) each.join();
  }
}

template <class B, class Check>
void for_each_type(Check check) {
  static int objects[2];
  check(std::int8_t{0}, std::int8_t{-1});
  check(std::uint16_t{7}, std::uint16_t{8});
  check(std::int32_t{-1}, std::int32_t{5});
  check(std::uint64_t{1}, std::uint64_t{1} << 32U);
  check(false, true);
  check(color::red, color::green);
  check(&objects[0], &objects[1]);
  check(0.0F, -0.0F);  // as bytes, not as numbers
  check(1.0, 2.0);
  check(pair_of_bytes{1, 2}, pair_of_bytes{1, 3});
  check(padded{1, 2}, padded{1, 3});
  if constexpr (B::has_double_width) {
    check(wide{1, 2}, wide{1, 3});
    check(pawl::tagged<int*>{&objects[0], 1}, pawl::tagged<int*>{&objects[0], 2});
  }
}

}  // namespace

static_assert(noexcept(std::declval<const pawl::atomic<int>&>().wait(0)));
static_assert(noexcept(std::declval<pawl::atomic<int>&>().notify_one()));
static_assert(noexcept(std::declval<pawl::atomic<int>&>().notify_all()));
static_assert(noexcept(std::declval<const pawl::atomic_ref<int>&>().wait(0, std::memory_order_acquire)));
static_assert(noexcept(std::declval<const pawl::atomic_ref<int>&>().notify_one()));
static_assert(noexcept(std::declval<const pawl::atomic_ref<int>&>().notify_all()));
static_assert(noexcept(std::declval<const pawl::atomic_flag<>&>().wait(false, std::memory_order_relaxed)));
static_assert(noexcept(std::declval<pawl::atomic_flag<>&>().notify_one()));
static_assert(noexcept(std::declval<pawl::atomic_flag<>&>().notify_all()));

TEST_CASE("wait returns at once where the value is another") {
  const watchdog dog("a wait for a change that was there");
  for_each_host([]<class B>() { for_each_type<B>([](auto value, auto other) { another_value_is_no_wait<B>(value, other); }); });
}

TEST_CASE("a change of any byte ends a wait, whatever the size") {
  const watchdog dog("a wait for a byte");
  for_each_host([]<class B>() {
    every_byte_wakes<B>(std::uint8_t{5});
    every_byte_wakes<B>(std::int16_t{-5});
    every_byte_wakes<B>(std::uint32_t{5});
    every_byte_wakes<B>(std::int64_t{-5});
    every_byte_wakes<B>(pair_of_bytes{1, 2});
    every_byte_wakes<B>(padded{1, 2});
    if constexpr (B::has_double_width) every_byte_wakes<B>(wide{1, 2});
    every_byte_wakes<B>(1.5);
  });
}

TEST_CASE("wait never returns while the value is the old one") {
  const watchdog dog("a wait");
  for_each_host([]<class B>() {
    no_return_while_equal<B>(std::uint8_t{0}, std::uint8_t{1});
    no_return_while_equal<B>(std::int32_t{0}, std::int32_t{1});
    no_return_while_equal<B>(std::uint64_t{0}, std::uint64_t{1});
    if constexpr (B::has_double_width) no_return_while_equal<B>(wide{0, 0}, wide{0, 1});
  });
}

TEST_CASE("padding alone is no change") {
  const watchdog dog("a wait for a value with padding");
  for_each_host([]<class B>() {
    alignas(pawl::atomic_ref<padded, B>::required_alignment) padded object{};
    std::memset(static_cast<void*>(&object), 0xff, sizeof object);
    object.small = 1;
    object.large = 2;
    const pawl::atomic_ref<padded, B> x(object);
    std::atomic<bool> returned{false};
    std::thread sleeper([&] {
      x.wait({1, 2});
      returned = true;
    });
    until_asleep(&object, 1);
    x.store({1, 2});  // clears it
    x.notify_all();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    CHECK_FALSE(returned.load());
    x.store({3, 2});
    x.notify_all();
    sleeper.join();
  });
}

TEST_CASE("notify_one wakes one of several, notify_all wakes them all") {
  const watchdog dog("one of several waits");
  for_each_host([]<class B>() { for_each_type<B>([](auto value, auto other) { each_is_woken<B>(value, other); }); });
}

TEST_CASE("one that waits for another value takes no notification away") {
  const watchdog dog("a wait beside one for another value");
  for_each_host([]<class B>() {
    pawl::atomic<std::uint32_t, B> x{0};
    std::thread old([&] { x.wait(0); });
    until_asleep(&x, 1);
    x.store(1);
    std::thread fresh([&] { x.wait(1); });
    until_asleep(&x, 2);
    x.notify_one();
    old.join();
    x.store(2);
    x.notify_one();
    fresh.join();
  });
}

TEMPLATE_TEST_CASE("atomics that share a room don't take each other's notifications", "", std::uint16_t, std::uint32_t,
                   std::uint64_t) {
  const watchdog dog("a wait in a shared room");
  for_each_host([]<class B>() {
    constexpr std::size_t enough = 4096;
    const auto all = std::make_unique<pawl::atomic<TestType, B>[]>(enough);
    auto* const room = &pawl::detail::waiting_rooms.of(&all[0]);
    std::vector<pawl::atomic<TestType, B>*> in_it;
    for (std::size_t i = 0; i < enough && in_it.size() < 3; ++i) {
      all[i].store(0);
      if (&pawl::detail::waiting_rooms.of(&all[i]) == room) in_it.push_back(&all[i]);
    }
    REQUIRE(in_it.size() == 3);
    std::array<std::atomic<bool>, 3> returned{};
    std::vector<std::thread> sleepers;
    for (std::size_t i = 0; i < 3; ++i) {
      sleepers.emplace_back([&, i] {
        in_it[i]->wait(0);
        returned[i] = true;
      });
    }
    until_asleep(in_it[0], 3);
    for (const std::size_t next : {std::size_t{1}, std::size_t{2}, std::size_t{0}}) {
      CHECK_FALSE(returned[next].load());
      in_it[next]->store(1);
      in_it[next]->notify_one();
      sleepers[next].join();
    }
  });
}

TEST_CASE("atomic_flag waits and is notified, over every backend") {
  const watchdog dog("a wait for a flag");
  for_each_host([]<class B>() {
    pawl::atomic_flag<B> flag;
    flag.wait(true);
    flag.notify_one();
    for (const bool one : {true, false}) {
      const auto notify = [&] { one ? flag.notify_one() : flag.notify_all(); };
      std::thread set([&] { flag.wait(false, std::memory_order_acquire); });
      until_asleep(&flag, 1);
      flag.test_and_set(std::memory_order_release);
      notify();
      set.join();
      std::thread cleared([&] { flag.wait(true); });
      until_asleep(&flag, 1);
      flag.clear();
      notify();
      cleared.join();
    }
  });
}

TEST_CASE("an atomic of one backend is notified by another, through an atomic_ref") {
  const watchdog dog("a wait by another backend");
  std::uint64_t object = 0;
  std::thread sleeper([&] { pawl::atomic_ref<std::uint64_t, minimal_backend>(object).wait(0); });
  until_asleep(&object, 1);
  const pawl::atomic_ref<std::uint64_t, pawl::native> x(object);
  x.store(1);
  x.notify_one();
  sleeper.join();
}

// ---- Environments that differ ------------------------------------------------------------------------------------------------------

namespace {

// One that lets nobody sleep, and says nothing of it.
struct spinning_backend : builtin {
  static constexpr const char* name = "spinning";
  static inline std::atomic<std::uint64_t> pauses{0};
  static void pause() noexcept {
    pauses.fetch_add(1, std::memory_order_relaxed);
    std::this_thread::yield();
  }
};

template <class W>
struct changed {
  W old;
  bool operator()(W found) const noexcept { return found != old; }
};

// The host's, which notes how many it is asked to wake.
struct counting_sleep : pawl::detail::host_sleep {
  static inline std::atomic<bool> asked_for_one{false};
  static void wake(const std::uint32_t& word, bool one) noexcept {
    asked_for_one = one;
    pawl::detail::host_sleep::wake(word, one);
  }
};

// When the sleeper has looked at its word, somebody changes the word and wakes.
struct interrupted_backend : builtin {
  static inline std::uint32_t word = 0;
  static inline std::thread waker;
  template <class W>
  static W load(const W& object, std::memory_order order) noexcept {
    const W found = builtin::load(object, order);
    if (found == 0) {
      waker = std::thread([] {
        builtin::store(word, 1, std::memory_order_relaxed);
        pawl::detail::portable_sleep::wake(word, true);
      });
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return found;
  }
};

// The system has no memory for the fence, at first.
struct poor_environment : pawl::environment<builtin> {
  static inline std::atomic<int> fails = 3;
  static bool heavy_fence() noexcept {
    return fails.fetch_sub(1, std::memory_order_relaxed) <= 0 && pawl::environment<builtin>::heavy_fence();
  }
};

}  // namespace

template <>
struct pawl::environment<spinning_backend> {
  static constexpr bool tracks_atomics = false;
};

TEST_CASE("where the environment lets nobody sleep, a wait looks for the change and pauses") {
  const watchdog dog("a wait that spins");
  pawl::atomic<std::uint64_t, spinning_backend> x{0};
  std::thread waits([&] { x.wait(0, std::memory_order_acquire); });
  while (spinning_backend::pauses.load() < 100) std::this_thread::yield();
  x.store(1, std::memory_order_release);
  x.notify_one();
  x.notify_all();
  waits.join();
}

TEST_CASE("the system wakes one only where all in the room wait for the same") {
  const watchdog dog("a wait beside others");
  using in_room = pawl::detail::waiting_in<builtin, pawl::environment<builtin>, counting_sleep>;
  // Each stays until the end, whatever it finds.
  struct stays {
    std::uint32_t old;
    std::uint32_t end = 100;
    bool operator()(std::uint32_t found) const noexcept { return found == end; }
  };
  using wish = std::pair<int, std::uint32_t>;  // for which object to change, and from what
  const auto wakes_one = [](const std::vector<wish>& wishes) {
    pawl::detail::waiting_room room;
    std::uint32_t objects[2] = {7, 7};
    std::vector<std::thread> sleepers;
    for (const auto& [on, old] : wishes) {
      sleepers.emplace_back(
          [&, object = &objects[on], from = old] { in_room::wait(room, *object, stays{from}, std::memory_order_relaxed); });
      while (static_cast<std::uint32_t>(builtin::load(room.guests, std::memory_order_relaxed)) != sleepers.size())
        std::this_thread::yield();
    }
    in_room::notify(room, &objects[0], true);
    const bool one = counting_sleep::asked_for_one.load();
    for (std::uint32_t& each : objects) {
      builtin::store(each, 100, std::memory_order_relaxed);
      in_room::notify(room, &each, false);
    }
    for (std::thread& each : sleepers) each.join();
    CHECK(static_cast<std::uint32_t>(room.guests) == 0);
    return one;
  };
  CHECK(wakes_one({{0, 7}}));
  CHECK(wakes_one({{0, 7}, {0, 7}, {0, 7}}));
  CHECK_FALSE(wakes_one({{0, 7}, {0, 6}}));
  CHECK_FALSE(wakes_one({{0, 7}, {0, 6}, {0, 7}}));
  CHECK_FALSE(wakes_one({{0, 7}, {1, 7}}));
}

TEST_CASE("the portable sleep misses no change between a look at the word and lying down") {
  const watchdog dog("a sleep by the standard library");
  pawl::detail::portable_sleep::sleep<interrupted_backend>(interrupted_backend::word, 0);
  interrupted_backend::waker.join();
  CHECK(interrupted_backend::word == 1);
  // And none where the word has changed already.
  pawl::detail::portable_sleep::sleep<builtin>(interrupted_backend::word, 0);
  pawl::detail::host_sleep::sleep<builtin>(interrupted_backend::word, 0);
}

TEST_CASE("nobody sleeps who could not be seen in the room") {
  const watchdog dog("a wait without fences");
  using waiting = pawl::detail::host_waiting<builtin, poor_environment, pawl::detail::host_sleep>;
  std::uint64_t object = 0;
  poor_environment::fails = 3;
  std::thread waits([&] { waiting::wait(object, changed<std::uint64_t>{0}, std::memory_order_acquire); });
  while (poor_environment::fails.load(std::memory_order_relaxed) >= 0) std::this_thread::yield();  // or the dog barks
  until_asleep(&object, 1);
  builtin::store(object, 1, std::memory_order_release);
  waiting::notify(&object, true);
  waits.join();
  CHECK(static_cast<std::uint32_t>(pawl::detail::waiting_rooms.of(&object).guests) == 0);
}
