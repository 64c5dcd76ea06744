// SPDX-License-Identifier: BSL-1.0
// fetch_add_sat, fetch_inc_wrap and fetch_inc_below.
#include "catch.hpp"

#include <atomic>
#include <cstdint>
#include <limits>
#include <thread>
#include <type_traits>
#include <vector>

#include <pawl/atomic.hpp>

#include "backends.hpp"
#include "verify.hpp"

namespace {

// Not constants, so that the compiler unrolls no loop over them.
std::memory_order orders[] = {std::memory_order_relaxed, std::memory_order_acquire, std::memory_order_release,
                              std::memory_order_acq_rel, std::memory_order_seq_cst};

template <class T>
std::vector<T> values() {
  using limits = std::numeric_limits<T>;
  std::vector<T> all{limits::min(),
                     static_cast<T>(limits::min() + 1),
                     T{0},
                     T{1},
                     T{77},
                     static_cast<T>(limits::max() / 2),
                     static_cast<T>(limits::max() / 2 + 1),
                     static_cast<T>(limits::max() - 1),
                     limits::max()};
  if (std::is_signed_v<T>) {
    all.push_back(static_cast<T>(-1));
    all.push_back(static_cast<T>(-77));
    all.push_back(static_cast<T>(limits::min() / 2 - 1));
  }
  return all;
}

// In integers that are large enough to overflow nowhere.
template <class T>
T saturated(T a, T b) {
  __extension__ using wide = __int128;
  const wide sum = static_cast<wide>(a) + static_cast<wide>(b);
  const wide least = std::numeric_limits<T>::min(), most = std::numeric_limits<T>::max();
  return static_cast<T>(sum < least ? least : sum > most ? most : sum);
}
template <class T>
T wrapped(T old, T limit) {
  using unsigned_type = std::make_unsigned_t<T>;
  const auto word = static_cast<unsigned_type>(old);
  return word >= static_cast<unsigned_type>(limit) ? T{0} : static_cast<T>(word + 1U);
}
template <class T>
T bounded(T old, T limit) {
  return old < limit ? static_cast<T>(old + 1) : old;
}

template <class A, class T>
bool all_three_are_right() {
  bool right = true;
  for (const T a : values<T>()) {
    for (const T b : values<T>()) {
      const auto expect = [&](auto fetch, T result) {
        A x(a);
        right = right && fetch(x) == a && x.load() == result;
      };
      expect([b](A& x) { return x.fetch_add_sat(b); }, saturated(a, b));
      expect([b](A& x) { return x.fetch_inc_wrap(b); }, wrapped(a, b));
      expect([b](A& x) { return x.fetch_inc_below(b); }, bounded(a, b));
      for (const auto order : orders) {
        expect([=](A& x) { return x.fetch_add_sat(b, order); }, saturated(a, b));
        expect([=](A& x) { return x.fetch_inc_wrap(b, order); }, wrapped(a, b));
        expect([=](A& x) { return x.fetch_inc_below(b, order); }, bounded(a, b));
      }
    }
  }
  return right;
}

template <class T, class B>
struct referred_object {
  alignas(pawl::atomic_ref<T, B>::required_alignment) T object;
};
template <class T, class B>
struct by_reference : referred_object<T, B>, pawl::atomic_ref<T, B> {
  explicit by_reference(T initial) : referred_object<T, B>{initial}, pawl::atomic_ref<T, B>(this->object) {}
};

template <class A>
concept has_them = requires(A x) {
  { x.fetch_add_sat(1) } noexcept;
  { x.fetch_inc_wrap(1) } noexcept;
  { x.fetch_inc_below(1) } noexcept;
};

// In memory that can't be written, so that nothing but a load is possible.
extern const std::int32_t read_only;
const std::int32_t read_only = 5;

static_assert(has_them<pawl::atomic<int>> && has_them<pawl::atomic_ref<char>>);
static_assert(!has_them<pawl::atomic<bool>> && !has_them<pawl::atomic<double>> && !has_them<pawl::atomic<int*>>);

}  // namespace

TEMPLATE_TEST_CASE("the saturating sum and the bounded increments are right over every backend", "", std::int8_t, std::uint8_t,
                   std::int16_t, std::uint16_t, std::int32_t, std::uint32_t, std::int64_t, std::uint64_t) {
  using T = TestType;
  for_each_backend([]<class B>() { verify(all_three_are_right<pawl::atomic<T, B>, T>()); });
  verify(all_three_are_right<by_reference<T, pawl::native>, T>());
}

TEMPLATE_TEST_CASE("two threads' bounded increments stop at the limit, and wrap at it", "", std::uint8_t, std::int16_t,
                   std::uint32_t, std::int64_t) {
  using T = TestType;
  for_each_backend([]<class B>() {
    constexpr int rounds = 2000;
    constexpr T limit = 99;
    pawl::atomic<T, B> below(0), wraps(0), sum(0);
    pawl::atomic<int, B> ready(0), added(0);
    const auto body = [&] {
      ready.fetch_add(1);
      while (ready.load() != 2) B::pause();
      for (int i = 0; i < rounds; ++i) {
        if (below.fetch_inc_below(limit, std::memory_order_relaxed) < limit) added.fetch_add(1, std::memory_order_relaxed);
        wraps.fetch_inc_wrap(limit, std::memory_order_relaxed);
        sum.fetch_add_sat(1, std::memory_order_relaxed);
      }
    };
    std::thread other(body);
    body();
    other.join();
    verify(below.load() == limit);
    verify(added.load() == limit);
    verify(wraps.load() == 2 * rounds % (limit + 1));
    constexpr auto most = std::numeric_limits<T>::max();
    verify(sum.load() == (most < 2 * rounds ? most : static_cast<T>(2 * rounds)));
  });
}

TEST_CASE("a bounded increment that is at its limit stores nothing") {
  for_each_backend([]<class B>() {
    pawl::atomic_ref<std::int32_t, B> ref(const_cast<std::int32_t&>(read_only));
    verify(ref.fetch_inc_below(5) == 5);
  });
}
