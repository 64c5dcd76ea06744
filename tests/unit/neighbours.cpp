// SPDX-License-Identifier: BSL-1.0
// Atomics of 1 and 2 bytes, which some machines make of operations on the word around them.
#include "catch.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <thread>

#include <pawl/atomic.hpp>

#include "backends.hpp"
#include "verify.hpp"

namespace {

std::memory_order orders[] = {std::memory_order_relaxed, std::memory_order_acquire, std::memory_order_release,
                              std::memory_order_acq_rel, std::memory_order_seq_cst};
std::memory_order store_orders[] = {std::memory_order_relaxed, std::memory_order_release, std::memory_order_seq_cst};

// Does it to each of eight neighbours, among others of all ones, all zeros and of a pattern, and says whether these stayed as they are.
template <class B, class T, class Operation>
bool leaves_the_others(Operation operation) {
  bool right = true;
  for (const int pattern : {0x00, 0xff, 0xa5}) {
    for (std::size_t i = 0; i < 8; ++i) {
      alignas(8) T objects[8];
      T before[8];
      std::memset(objects, pattern, sizeof objects);
      std::memcpy(before, objects, sizeof objects);
      operation(pawl::atomic_ref<T, B>(objects[i]));
      before[i] = objects[i];
      right = right && std::memcmp(objects, before, sizeof objects) == 0;
    }
  }
  return right;
}

template <class B, class T>
bool every_operation_leaves_the_others() {
  bool right = true;
  const auto check = [&right](auto operation) { right = leaves_the_others<B, T>(operation) && right; };
  for (const T v : {static_cast<T>(0), static_cast<T>(1), static_cast<T>(-1), static_cast<T>(0x5a5a)}) {
    for (const auto order : orders) {
      check([=](auto x) { x.exchange(v, order); });
      check([=](auto x) { x.fetch_add(v, order); });
      check([=](auto x) { x.fetch_sub(v, order); });
      check([=](auto x) { x.fetch_and(v, order); });
      check([=](auto x) { x.fetch_or(v, order); });
      check([=](auto x) { x.fetch_xor(v, order); });
      check([=](auto x) { x.fetch_min(v, order); });
      check([=](auto x) { x.fetch_max(v, order); });
      check([=](auto x) { x.fetch_add_sat(v, order); });
      check([=](auto x) { x.fetch_inc_wrap(v, order); });
      check([=](auto x) { x.fetch_inc_below(v, order); });
      check([=](auto x) {
        T expected = x.load();
        x.compare_exchange_strong(expected, v, order);
        x.compare_exchange_weak(expected, static_cast<T>(v + 1), order);
        expected = static_cast<T>(x.load() + 1);
        x.compare_exchange_strong(expected, v, order);
      });
    }
    for (const auto order : store_orders) {
      check([=](auto x) { x.store(v, order); });
      check([=](auto x) { x.store_add(v, order); });
      check([=](auto x) { x.store_sub(v, order); });
      check([=](auto x) { x.store_and(v, order); });
      check([=](auto x) { x.store_or(v, order); });
      check([=](auto x) { x.store_xor(v, order); });
      check([=](auto x) { x.store_min(v, order); });
      check([=](auto x) { x.store_max(v, order); });
    }
  }
  return right;
}

}  // namespace

TEMPLATE_TEST_CASE("an operation on a small object leaves its neighbours as they are", "", std::int8_t, std::uint8_t, std::int16_t,
                   std::uint16_t, std::uint32_t) {
  for_each_backend([]<class B>() { verify(every_operation_leaves_the_others<B, TestType>()); });
}

namespace {

// A register is wider than the object, and a compiler leaves above a small operand in it whatever there was.
template <class B, class T>
[[gnu::noinline]] bool only_the_lower_bits_count(std::uint64_t above) {
  using limits = std::numeric_limits<T>;
  const auto small = [above](int value) { return static_cast<T>(above + static_cast<std::uint64_t>(value)); };
  bool right = true;
  const auto expect = [&right](T before, auto operation, T returned, T after) {
    pawl::atomic<T, B> x(before);
    right = right && static_cast<T>(operation(x)) == returned && x.load() == after;
  };
  const T seven = 7, five = 5, nine = 9;
  expect(seven, [&](auto& x) { return x.exchange(small(5)); }, seven, five);
  expect(seven, [&](auto& x) { return x.fetch_add(small(2)); }, seven, nine);
  expect(seven, [&](auto& x) { return x.fetch_sub(small(2)); }, seven, five);
  expect(seven, [&](auto& x) { return x.fetch_and(small(5)); }, seven, five);
  expect(five, [&](auto& x) { return x.fetch_or(small(2)); }, five, seven);
  expect(seven, [&](auto& x) { return x.fetch_xor(small(2)); }, seven, five);
  expect(seven, [&](auto& x) { return x.fetch_min(small(5)); }, seven, five);
  expect(seven, [&](auto& x) { return x.fetch_min(small(9)); }, seven, seven);
  expect(seven, [&](auto& x) { return x.fetch_max(small(9)); }, seven, nine);
  expect(seven, [&](auto& x) { return x.fetch_max(small(5)); }, seven, seven);
  expect(seven, [&](auto& x) { return x.fetch_add_sat(small(2)); }, seven, nine);
  expect(limits::max(), [&](auto& x) { return x.fetch_add_sat(small(2)); }, limits::max(), limits::max());
  expect(seven, [&](auto& x) { return x.fetch_inc_wrap(small(7)); }, seven, T{0});
  expect(seven, [&](auto& x) { return x.fetch_inc_below(small(7)); }, seven, seven);
  for (const bool strong : {true, false}) {
    expect(
        seven,
        [&](auto& x) {
          T expected = small(7);
          while (!(strong ? x.compare_exchange_strong(expected, small(5)) : x.compare_exchange_weak(expected, small(5)))) {
            if (expected != seven) break;
          }
          return expected;
        },
        seven, five);
  }
  return right;
}

}  // namespace

TEMPLATE_TEST_CASE("what stands above a small operand in its register doesn't count", "", std::int8_t, std::uint8_t, std::int16_t,
                   std::uint16_t, std::int32_t, std::uint32_t) {
  for_each_backend([]<class B>() {
    verify(only_the_lower_bits_count<B, TestType>(0));
    verify(only_the_lower_bits_count<B, TestType>(std::uint64_t{0xffff} << (8 * sizeof(TestType))));
  });
}

TEMPLATE_TEST_CASE("two threads at neighbours lose nothing of each other's", "", std::uint8_t, std::uint16_t) {
  using T = TestType;
  for_each_backend([]<class B>() {
    constexpr int rounds = 5000;
    alignas(4) T objects[4] = {};
    std::atomic<int> ready{0};
    const auto body = [&](std::size_t i) {
      const pawl::atomic_ref<T, B> sum(objects[i]), bits(objects[i + 1]);
      ready.fetch_add(1);
      while (ready.load() != 2) B::pause();
      for (int n = 0; n < rounds; ++n) {
        sum.fetch_add(1, std::memory_order_relaxed);
        bits.fetch_xor(static_cast<T>(n), std::memory_order_relaxed);
      }
    };
    std::thread other(body, 2);
    body(0);
    other.join();
    T xored = 0;
    for (int n = 0; n < rounds; ++n) xored = static_cast<T>(xored ^ n);
    for (const std::size_t i : {std::size_t{0}, std::size_t{2}}) {
      verify(objects[i] == static_cast<T>(rounds));
      verify(objects[i + 1] == xored);
    }
  });
}
