// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <pawl/atomic.hpp>
#include <pawl/tagged.hpp>

#include "backends.hpp"
#include "together.hpp"
#include "verify.hpp"

// Not constants, so that the compiler unrolls no loop over them: it would take minutes.
namespace orders_of {
std::memory_order all[] = {std::memory_order_relaxed, std::memory_order_acquire, std::memory_order_release,
                           std::memory_order_acq_rel, std::memory_order_seq_cst};
std::memory_order loads[] = {std::memory_order_relaxed, std::memory_order_acquire, std::memory_order_seq_cst};
std::memory_order stores[] = {std::memory_order_relaxed, std::memory_order_release, std::memory_order_seq_cst};
}  // namespace orders_of

namespace {

using pawl::backend::builtin;
constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto acq_rel = std::memory_order_acq_rel;
constexpr auto seq_cst = std::memory_order_seq_cst;

// The same value, to the bit where there may be several of one meaning.
template <class T>
bool same(const T& a, const T& b) {
  if constexpr (std::is_same_v<T, float>) {
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
  } else if constexpr (std::is_same_v<T, double>) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
  } else {
    return a == b;
  }
}

// atomic_ref under the face of an atomic.
template <class T, class B>
struct referred_object {
  alignas(pawl::atomic_ref<T, B>::required_alignment) T object;
};
template <class T, class B>
struct by_reference : referred_object<T, B>, pawl::atomic_ref<T, B> {
  using referred = pawl::atomic_ref<T, B>;
  explicit by_reference(T initial) : referred_object<T, B>{initial}, referred(this->object) {}
  using referred::operator=;
};

// What std::atomic does, for types for which that calls libatomic, or compares padding.
template <class T>
class sequential {
 public:
  using value_type = T;
  explicit sequential(T initial) : value_(initial) {}
  T load(std::memory_order = seq_cst) const { return value_; }
  operator T() const { return value_; }  // NOLINT(google-explicit-constructor)
  void store(T desired, std::memory_order = seq_cst) { value_ = desired; }
  T operator=(T desired) { return value_ = desired; }  // NOLINT(misc-unconventional-assign-operator)
  T exchange(T desired, std::memory_order = seq_cst) { return std::exchange(value_, desired); }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order = seq_cst, std::memory_order = seq_cst) {
    if (value_ == expected) {
      value_ = desired;
      return true;
    }
    expected = value_;
    return false;
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order = seq_cst, std::memory_order = seq_cst) {
    return compare_exchange_strong(expected, desired);
  }

 private:
  T value_;
};

// What operations returned and left. (Out of line: half of the compiler's work otherwise.)
template <class T>
struct record {
  std::vector<T> all;
  [[gnu::noinline]] void operator()(T value) { all.push_back(value); }
};
template <class T>
bool same(const record<T>& a, const record<T>& b) {
  if (a.all.size() != b.all.size()) return false;
  for (std::size_t i = 0; i < a.all.size(); ++i) {
    if (!same(T(a.all[i]), T(b.all[i]))) return false;
  }
  return true;
}

// A compare-and-swap in one of six forms. A weak attempt may fail for nothing, which leaves `expected` as it was: then again.
template <class A, class T>
bool swap(A& x, T& expected, const T& desired, int form, std::memory_order order) {
  const auto failure = order == release || order == acq_rel ? relaxed : order;
  for (;;) {
    const T wanted = expected;
    bool done = false;
    switch (form) {
      case 0:
        return x.compare_exchange_strong(expected, desired);
      case 1:
        return x.compare_exchange_strong(expected, desired, order);
      case 2:
        return x.compare_exchange_strong(expected, desired, seq_cst, failure);
      case 3:
        done = x.compare_exchange_weak(expected, desired);
        break;
      case 4:
        done = x.compare_exchange_weak(expected, desired, order);
        break;
      default:
        done = x.compare_exchange_weak(expected, desired, seq_cst, failure);
        break;
    }
    if (done) return true;
    if (!same(expected, wanted)) return false;
  }
}

// What every operation returned and what it left, for each pair of values: with each order, and with none.
template <class A, class T>
record<T> what_all_types_have(const std::vector<T>& values) {
  record<T> log;
  for (const T& a : values) {
    for (const T& b : values) {
      A x(a);
      log(x.load());
      log(x);
      for (const auto order : orders_of::loads) log(x.load(order));
      for (const auto order : orders_of::stores) {
        x.store(b, order);
        log(x.load());
        x.store(a);
        log(x.load());
      }
      log(x = b);
      log(x.load());
      log(x.exchange(a));
      for (const auto order : orders_of::all) {
        log(x.exchange(b, order));
        log(x.exchange(a, order));
      }
      for (int form = 0; form < 6; ++form) {
        for (const auto order : orders_of::all) {
          for (const T& wanted : values) {
            x.store(a);
            T expected = wanted;
            const bool done = swap(x, expected, b, form, order);
            log(done ? values[0] : values[1]);
            log(expected);
            log(x.load());
          }
        }
      }
    }
  }
  return log;
}

// fetch_add and fetch_sub with each order, ++, --, += and -=.
template <class A, class T, class D>
record<T> what_sums_have(const std::vector<T>& values, const std::vector<D>& differences) {
  record<T> log;
  for (const T& a : values) {
    for (const D& d : differences) {
      A x(a);
      log(x.fetch_add(d));
      log(x.fetch_sub(d));
      for (const auto order : orders_of::all) {
        log(x.fetch_add(d, order));
        log(x.load());
        log(x.fetch_sub(d, order));
        log(x.load());
      }
      log(x += d);
      log(x.load());
      log(x -= d);
      log(x.load());
    }
    if constexpr (!std::is_floating_point_v<T>) {
      A x(a);
      log(x++);
      log(++x);
      log(x.load());
      log(x--);
      log(--x);
      log(--x);
      log(x.load());
    }
  }
  return log;
}

template <class A, class T>
record<T> what_integers_have(const std::vector<T>& values) {
  record<T> log = what_sums_have<A>(values, values);
  for (const T& a : values) {
    for (const T& b : values) {
      A x(a);
      log(x.fetch_and(b));
      log(x.fetch_or(a));
      log(x.fetch_xor(b));
      for (const auto order : orders_of::all) {
        log(x.fetch_or(b, order));
        log(x.load());
        log(x.fetch_xor(a, order));
        log(x.load());
        log(x.fetch_and(b, order));
        log(x.load());
      }
      x = a;
      log(x |= b);
      log(x.load());
      log(x ^= a);
      log(x.load());
      log(x &= b);
      log(x.load());
    }
  }
  return log;
}

// Each operation of integers once per pair.
template <class A, class T>
record<T> what_every_integer_has(const std::vector<T>& values) {
  record<T> log;
  for (const T& a : values) {
    for (const T& b : values) {
      A x(a);
      log(x.exchange(b));
      T expected = a;
      log(static_cast<T>(x.compare_exchange_strong(expected, a)));
      log(expected);
      log(x.fetch_add(a));
      log(x.fetch_sub(b));
      log(x.fetch_and(b));
      log(x.fetch_or(a));
      log(x.fetch_xor(b));
      log(x += a);
      log(x -= b);
      log(x |= a);
      log(x &= b);
      log(x ^= a);
      log(x++);
      log(++x);
      log(x--);
      log(--x);
      log(x.load());
    }
  }
  return log;
}

template <class T>
std::vector<T> integers() {
  using limits = std::numeric_limits<T>;
  std::vector<T> all{limits::min(), static_cast<T>(limits::min() + 1), T{0},         T{1},
                     T{77},         static_cast<T>(limits::max() - 1), limits::max()};
  if (std::is_signed_v<T>) {
    all.push_back(static_cast<T>(-1));
    all.push_back(static_cast<T>(-77));
  }
  return all;
}

// Ascending. -0 comes before +0; no two are of one place in the order.
template <class T>
std::vector<T> floats() {
  using limits = std::numeric_limits<T>;
  return {-limits::infinity(), limits::lowest(),  T(-1.5), -limits::denorm_min(), T(-0.0), T(0.0), limits::denorm_min(), T(1),
          limits::max(),       limits::infinity()};
}

enum class colour : std::uint16_t { red = 1, green = 2, blue = 65535 };
struct pair_of_words {
  std::uint64_t first;
  std::uint64_t second;
  friend bool operator==(const pair_of_words&, const pair_of_words&) = default;
};
struct four_bytes {
  std::uint8_t bytes[4];
  friend bool operator==(const four_bytes&, const four_bytes&) = default;
};
struct point {
  float x;
  float y;
  friend bool operator==(const point&, const point&) = default;
};

}  // namespace

TEMPLATE_TEST_CASE("atomic does with integers what std::atomic does, over every backend", "", char, signed char, unsigned char,
                   short, unsigned short, int, unsigned, long, unsigned long, long long, unsigned long long, wchar_t, char8_t,
                   char16_t, char32_t) {
  using T = TestType;
  const auto expected = what_every_integer_has<std::atomic<T>>(integers<T>());
  for_each_backend([&]<class B>() { verify(same(what_every_integer_has<pawl::atomic<T, B>>(integers<T>()), expected)); });
}

TEMPLATE_TEST_CASE("atomic does with integers of every width and each order what std::atomic does, over every backend", "",
                   std::int8_t, std::uint16_t, std::int32_t, std::uint64_t) {
  using T = TestType;
  const std::vector<T> values = integers<T>();
  const std::vector<T> few{values.front(), values.back(), T{77}};
  const auto all_types = what_all_types_have<std::atomic<T>>(few);
  const auto of_integers = what_integers_have<std::atomic<T>>(values);
  for_each_backend([&]<class B>() {
    verify(same(what_all_types_have<pawl::atomic<T, B>>(few), all_types));
    verify(same(what_integers_have<pawl::atomic<T, B>>(values), of_integers));
  });
  if constexpr (std::is_signed_v<T>) {
    verify(same(what_all_types_have<by_reference<T, pawl::native>>(few), all_types));
    verify(same(what_integers_have<by_reference<T, pawl::native>>(values), of_integers));
  }
}

TEMPLATE_TEST_CASE("atomic does with floating point what std::atomic does, over every backend", "", float, double) {
  using T = TestType;
  const std::vector<T> numbers = floats<T>();
  std::vector<T> values = numbers;
  values.push_back(std::numeric_limits<T>::quiet_NaN());
  const auto sums = what_sums_have<std::atomic<T>>(numbers, numbers);
  const auto all_types = what_all_types_have<std::atomic<T>>(values);
  for_each_backend([&]<class B>() {
    verify(same(what_all_types_have<pawl::atomic<T, B>>(values), all_types));
    verify(same(what_sums_have<pawl::atomic<T, B>>(numbers, numbers), sums));
  });
  verify(same(what_sums_have<by_reference<T, pawl::native>>(numbers, numbers), sums));
}

TEST_CASE("atomic does with bool, enums and small structs what std::atomic does, over every backend") {
  const auto check = []<class Reference, class T>(std::type_identity<Reference>, const std::vector<T>& values) {
    const auto expected = what_all_types_have<Reference>(values);
    for_each_backend([&]<class B>() { verify(same(what_all_types_have<pawl::atomic<T, B>>(values), expected)); });
  };
  check(std::type_identity<std::atomic<bool>>{}, std::vector<bool>{false, true});
  check(std::type_identity<std::atomic<colour>>{}, std::vector{colour::red, colour::green, colour::blue});
  // (clang makes calls of libatomic of std::atomic where T is aligned to less than its size.)
  check(std::type_identity<sequential<four_bytes>>{}, std::vector<four_bytes>{{{1, 2, 3, 4}}, {{1, 2, 3, 5}}, {{0, 0, 0, 0}}});
  check(std::type_identity<sequential<point>>{}, std::vector<point>{{1, 2}, {2, 1}, {0, 0}});
  check(std::type_identity<std::atomic<std::nullptr_t*>>{}, std::vector<std::nullptr_t*>{nullptr, nullptr});
}

TEST_CASE("atomic does with pointers what std::atomic does, over every backend") {
  struct three_bytes {
    char bytes[3];
  };
  static three_bytes objects[20];
  const std::vector<three_bytes*> values{&objects[9], &objects[10], &objects[11]};
  const std::vector<std::ptrdiff_t> differences{-8, -1, 0, 1, 8};
  using standard = std::atomic<three_bytes*>;
  const auto all_types = what_all_types_have<standard>(values);
  const auto sums = what_sums_have<standard>(values, differences);
  for_each_backend([&]<class B>() {
    verify(same(what_all_types_have<pawl::atomic<three_bytes*, B>>(values), all_types));
    verify(same(what_sums_have<pawl::atomic<three_bytes*, B>>(values, differences), sums));
  });
  verify(same(what_all_types_have<by_reference<three_bytes*, pawl::native>>(values), all_types));
  verify(same(what_sums_have<by_reference<three_bytes*, pawl::native>>(values, differences), sums));

  // No arithmetic on what has no size.
  const std::vector<void*> places{nullptr, &objects[0], &objects[1]};
  const auto expected = what_all_types_have<std::atomic<void*>>(places);
  verify(same(what_all_types_have<pawl::atomic<void*>>(places), expected));
  using function = int (*)(int);
  const std::vector<function> functions{nullptr, +[](int i) { return i; }, +[](int i) { return i + 1; }};
  const auto expected_functions = what_all_types_have<std::atomic<function>>(functions);
  verify(same(what_all_types_have<pawl::atomic<function>>(functions), expected_functions));
}

TEST_CASE("16-byte atomics do what a lone T does, over every backend") {
  const std::vector<pair_of_words> pairs{{1, 2}, {1, 3}, {2, 2}, {0, 0}, {~std::uint64_t{0}, ~std::uint64_t{0}}};
  const auto expected = what_all_types_have<sequential<pair_of_words>>(pairs);
  int objects[2];
  const std::vector<pawl::tagged<int*>> tags{{&objects[0], 1}, {&objects[0], 2}, {&objects[1], 1}};
  const auto expected_tags = what_all_types_have<sequential<pawl::tagged<int*>>>(tags);
  const std::vector<pawl::uint128> integers_of_16{0, 1, ~pawl::uint128{0}, pawl::uint128{1} << 64U};
  const auto expected_integers = what_all_types_have<sequential<pawl::uint128>>(integers_of_16);
  for_each_backend([&]<class B>() {
    if constexpr (B::has_double_width) {
      verify(same(what_all_types_have<pawl::atomic<pair_of_words, B>>(pairs), expected));
    }
  });
  where_double_width([&]<class B>() {
    verify(same(what_all_types_have<by_reference<pair_of_words, B>>(pairs), expected));
    verify(same(what_all_types_have<pawl::atomic<pawl::tagged<int*>, B>>(tags), expected_tags));
    verify(same(what_all_types_have<pawl::atomic<pawl::uint128, B>>(integers_of_16), expected_integers));
  });
}

// Where the compiler can clear padding. (Elsewhere such a T is refused: misuse/an_atomic_with_padding.cpp.)
#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)

namespace {

struct padded {
  std::uint8_t small;
  std::uint32_t large;
  friend bool operator==(const padded&, const padded&) = default;
};
static_assert(sizeof(padded) == 8);
struct widely_padded {
  std::uint64_t large;
  std::uint16_t small;
  friend bool operator==(const widely_padded&, const widely_padded&) = default;
};
static_assert(sizeof(widely_padded) == 16);

template <class T>
void soil(T& object, T value) {
  std::memset(static_cast<void*>(&object), 0xa5, sizeof object);
  object.small = value.small;
  object.large = value.large;
}

template <class T>
void check_padding(const std::vector<T>& values) {
  const auto expected = what_all_types_have<sequential<T>>(values);
  verify(same(what_all_types_have<by_reference<T, pawl::native>>(values), expected));
  for_each_backend([&]<class B>() {
    if constexpr (sizeof(T) < 16 || B::has_double_width) {
      verify(same(what_all_types_have<pawl::atomic<T, B>>(values), expected));
      T soiled;
      soil(soiled, values[0]);
      T clean{};
      std::memset(static_cast<void*>(&clean), 0, sizeof clean);
      clean.small = values[0].small;
      clean.large = values[0].large;
      pawl::atomic<T, B> made_of_soiled(soiled);
      T found = clean;
      verify(made_of_soiled.compare_exchange_strong(found, values[1]));
      made_of_soiled.store(clean);
      soil(found, values[0]);
      verify(made_of_soiled.compare_exchange_strong(found, values[1]));

      // The object is the user's, who leaves what he likes in its padding.
      alignas(16) T object;
      pawl::atomic_ref<T, B> ref(object);
      for (const bool strong : {true, false}) {
        soil(object, values[0]);
        found = clean;
        if (strong) {
          verify(ref.compare_exchange_strong(found, values[1]));
        } else {
          bool done = false;
          while (!done) {
            if (!(found == values[0])) break;
            done = ref.compare_exchange_weak(found, values[1]);
          }
        }
        verify(ref.load() == values[1]);
        soil(object, values[0]);
        found = values[1];
        verify(!(ref.compare_exchange_strong(found, values[1])));
        verify(found == values[0]);
      }
      soil(object, values[0]);
      verify(ref.exchange(values[1]) == values[0]);
      soil(object, values[0]);
      verify(ref.fetch_update([&](T) { return values[1]; }) == values[0]);
      verify(ref.load() == values[1]);
    }
  });
}

}  // namespace

TEST_CASE("padding never takes part in a comparison") {
  check_padding(std::vector<padded>{{1, 2}, {1, 3}, {2, 2}});
  where_double_width([]<class B>() {
    using T = std::conditional_t<B::has_double_width, widely_padded, padded>;
    check_padding(std::vector<T>{{1, 2}, {1, 3}, {2, 2}});
  });
}

TEST_CASE("long double, whose padding is within 16 bytes, is an atomic like others") {
  where_double_width([]<class B>() {
    using T = long double;
    const std::vector<T> values{-1.5L, 0.0L, 1.0L, 1e300L};
    verify(same(what_all_types_have<pawl::atomic<T, B>>(values), what_all_types_have<sequential<T>>(values)));
    pawl::atomic<T, B> x(1);
    verify(x.fetch_add(0.5L) == 1);
    verify(x.fetch_min(-2) == 1.5L);
    verify(x.fetch_max(7) == -2);
    verify(x.load() == 7);
  });
}

#endif
#endif

namespace {

// Every pair, with every order and none, as result and as value afterwards.
template <class A, class T, class Smaller>
bool min_and_max_are_right(const std::vector<T>& values, Smaller smaller) {
  bool right = true;
  for (const T& a : values) {
    for (const T& b : values) {
      const T min = smaller(a, b) ? a : b;
      const T max = smaller(a, b) ? b : a;
      const auto expect = [&](auto fetch, const T& result) {
        A x(a);
        right = right && same(T(fetch(x)), a) && same(T(x.load()), result);
      };
      const auto expect_stored = [&](auto store, const T& result) {
        A x(a);
        store(x);
        right = right && same(T(x.load()), result);
      };
      expect([&](A& x) { return x.fetch_min(b); }, min);
      expect([&](A& x) { return x.fetch_max(b); }, max);
      for (const auto order : orders_of::all) {
        expect([&](A& x) { return x.fetch_min(b, order); }, min);
        expect([&](A& x) { return x.fetch_max(b, order); }, max);
      }
      expect_stored([&](A& x) { x.store_min(b); }, min);
      expect_stored([&](A& x) { x.store_max(b); }, max);
      for (const auto order : orders_of::stores) {
        expect_stored([&](A& x) { x.store_min(b, order); }, min);
        expect_stored([&](A& x) { x.store_max(b, order); }, max);
      }
    }
  }
  return right;
}

}  // namespace

TEMPLATE_TEST_CASE("fetch_min and fetch_max compare integers by their own sign", "", char, signed char, unsigned char, short,
                   unsigned short, int, unsigned, long, unsigned long, long long, unsigned long long, char8_t, char16_t, char32_t,
                   wchar_t) {
  using T = TestType;
  verify(min_and_max_are_right<pawl::atomic<T>>(integers<T>(), [](T a, T b) { return a < b; }));
}

TEMPLATE_TEST_CASE("fetch_min and fetch_max are right over every backend", "", std::int8_t, std::uint16_t, std::int32_t,
                   std::uint64_t) {
  using T = TestType;
  const auto smaller = [](T a, T b) { return a < b; };
  for_each_backend([&]<class B>() { verify(min_and_max_are_right<pawl::atomic<T, B>>(integers<T>(), smaller)); });
  verify(min_and_max_are_right<by_reference<T, pawl::native>>(integers<T>(), smaller));
}

TEST_CASE("fetch_min and fetch_max compare pointers by their address") {
  static int objects[5];
  const auto smaller = [](const int* a, const int* b) { return std::less<>{}(a, b); };
  // The upper half of the addresses is larger, not negative.
  auto* const high = reinterpret_cast<int*>(~std::uintptr_t{0} - 3);
  const std::vector<int*> values{nullptr, &objects[0], &objects[2], &objects[4], high};
  verify(min_and_max_are_right<pawl::atomic<int*>>(values, smaller));
  verify(min_and_max_are_right<pawl::atomic<int*, minimal_backend>>(values, smaller));
  verify(min_and_max_are_right<by_reference<int*, pawl::native>>(values, smaller));
}

TEMPLATE_TEST_CASE("fetch_min and fetch_max take -0 for smaller than +0 and ignore a NaN, argument or value", "", float, double) {
  using T = TestType;
  const std::vector<T> ascending = floats<T>();
  using A = pawl::atomic<T>;
  const auto place = [&](T value) {
    std::size_t i = 0;
    while (!same(ascending[i], value)) ++i;
    return i;
  };
  const auto smaller = [&](T a, T b) { return place(a) < place(b); };
  verify(min_and_max_are_right<A>(ascending, smaller));
  verify(min_and_max_are_right<pawl::atomic<T, minimal_backend>>(ascending, smaller));
  verify(min_and_max_are_right<by_reference<T, pawl::native>>(ascending, smaller));

  for (const T nan : {std::numeric_limits<T>::quiet_NaN(), -std::numeric_limits<T>::quiet_NaN()}) {
    for (const T number : ascending) {
      A x(number);
      verify(same(x.fetch_min(nan), number));
      verify(same(x.fetch_max(nan), number));
      x.store_min(nan);
      x.store_max(nan);
      verify(same(x.load(), number));
      x.store(nan);
      verify(same(x.fetch_min(number), nan));
      verify(same(x.load(), number));
      x.store(nan);
      verify(same(x.fetch_max(number), nan));
      verify(same(x.load(), number));
    }
    A x(nan);
    verify(std::isnan(x.fetch_min(nan)));
    verify(std::isnan(x.fetch_max(nan)));
    verify(std::isnan(x.load()));
  }
}

namespace {

template <class A, class T>
bool store_functions_leave_what_fetch_functions_leave(const std::vector<T>& values) {
  bool right = true;
  for (const T& a : values) {
    for (const T& b : values) {
      const auto compare = [&](auto store, auto fetch) {
        A x(a), y(a);
        store(x);
        fetch(y);
        right = right && same(T(x.load()), T(y.load()));
      };
      compare([&](A& x) { x.store_add(b); }, [&](A& y) { y.fetch_add(b); });
      compare([&](A& x) { x.store_sub(b); }, [&](A& y) { y.fetch_sub(b); });
      for (const auto order : orders_of::stores) {
        compare([&](A& x) { x.store_add(b, order); }, [&](A& y) { y.fetch_add(b); });
        compare([&](A& x) { x.store_sub(b, order); }, [&](A& y) { y.fetch_sub(b); });
      }
      if constexpr (std::is_integral_v<T>) {
        compare([&](A& x) { x.store_and(b); }, [&](A& y) { y.fetch_and(b); });
        compare([&](A& x) { x.store_or(b); }, [&](A& y) { y.fetch_or(b); });
        compare([&](A& x) { x.store_xor(b); }, [&](A& y) { y.fetch_xor(b); });
        for (const auto order : orders_of::stores) {
          compare([&](A& x) { x.store_and(b, order); }, [&](A& y) { y.fetch_and(b); });
          compare([&](A& x) { x.store_or(b, order); }, [&](A& y) { y.fetch_or(b); });
          compare([&](A& x) { x.store_xor(b, order); }, [&](A& y) { y.fetch_xor(b); });
        }
      }
    }
  }
  return right;
}

}  // namespace

TEMPLATE_TEST_CASE("store_add and its like leave what fetch_add and its like leave", "", std::int8_t, std::uint16_t, std::int32_t,
                   std::uint64_t, double) {
  using T = TestType;
  for_each_backend([]<class B>() {
    std::vector<T> values;
    if constexpr (std::is_integral_v<T>) {
      values = integers<T>();
    } else {
      values = {T(-1.5), T(0), T(2.5)};
    }
    verify(store_functions_leave_what_fetch_functions_leave<pawl::atomic<T, B>>(values));
    if constexpr (std::is_signed_v<T> && sizeof(T) == 4) {
      verify(store_functions_leave_what_fetch_functions_leave<by_reference<T, B>>(values));
    }
    static int objects[10];
    pawl::atomic<int*, B> pointer(&objects[5]);
    pointer.store_add(3);
    verify(pointer.load() == &objects[8]);
    pointer.store_sub(7, relaxed);
    verify(pointer.load() == &objects[1]);
  });
}

TEST_CASE("fetch_update stores f of the value that it replaces, and returns that value") {
  for_each_backend([]<class B>() {
    const auto check = [](auto& x) {
      verify(x.fetch_update([](int old) { return old * 2; }) == 21);
      verify(x.load() == 42);
      for (const auto order : orders_of::all) verify(x.fetch_update([](int old) { return old; }, order) == 42);

      // Another thread comes between: f is asked again, about the new value.
      std::vector<int> asked;
      verify(x.fetch_update([&](int old) {
        asked.push_back(old);
        if (asked.size() == 1) x.store(7);
        return old + 1;
      }) == 7);
      verify(asked.front() == 42);
      verify(asked.back() == 7);
      verify(x.load() == 8);

      CHECK_THROWS_AS(x.fetch_update([](int) -> int { throw std::runtime_error("f"); }), std::runtime_error);
      verify(x.load() == 8);
    };
    pawl::atomic<int, B> atomic(21);
    check(atomic);
    int object = 21;
    pawl::atomic_ref<int, B> ref(object);
    check(ref);
  });
}

TEST_CASE("try_update stops where f returns nothing, and has then stored nothing") {
  for_each_backend([]<class B>() {
    const auto check = [](auto& x) {
      verify(x.try_update([](int old) { return std::optional<int>(old + 1); }) == std::optional<int>(21));
      verify(x.load() == 22);
      verify(x.try_update([](int) { return std::optional<int>(); }) == std::nullopt);
      verify(x.load() == 22);
      for (const auto order : orders_of::all)
        verify(x.try_update([](int old) { return std::optional(old); }, order) == std::optional(22));

      int calls = 0;
      const auto until_another_came = [&](int old) -> std::optional<int> {
        ++calls;
        if (old == 5) return std::nullopt;
        x.store(5);
        return 6;
      };
      verify(!(x.try_update(until_another_came)));
      verify(calls == 2);
      verify(x.load() == 5);
      CHECK_THROWS_AS(x.try_update([](int) -> std::optional<int> { throw std::runtime_error("f"); }), std::runtime_error);
      verify(x.load() == 5);
    };
    pawl::atomic<int, B> atomic(21);
    check(atomic);
    int object = 21;
    pawl::atomic_ref<int, B> ref(object);
    check(ref);
  });
}

TEST_CASE("no update of two threads is lost") {
  for_each_backend([]<class B>() {
    constexpr int rounds = 5000;
    pawl::atomic<int, B> by_sum(0), by_update(0), by_store(0), ready(0);
    pawl::atomic<float, B> by_float(0);
    pawl::atomic<std::uint8_t, B> by_xor(0);
    int referred = 0;
    const auto body = [&] {
      ready.fetch_add(1);
      while (ready.load() != 2) B::pause();
      for (int i = 0; i < rounds; ++i) {
        by_sum.fetch_add(1, relaxed);
        by_update.fetch_update([](int old) { return old + 1; }, relaxed);
        by_store.store_add(1, relaxed);
        by_float.fetch_add(1, relaxed);
        by_xor.fetch_xor(1, relaxed);
        pawl::atomic_ref<int, B>(referred).fetch_add(1, relaxed);
      }
    };
    std::thread other(body);
    body();
    other.join();
    verify(by_sum.load() == 2 * rounds);
    verify(by_update.load() == 2 * rounds);
    verify(by_store.load() == 2 * rounds);
    verify(by_float.load() == 2 * rounds);
    verify(by_xor.load() == 0);
    verify(referred == 2 * rounds);
  });
}

namespace {

// Notes the orders with which it was called last.
struct recording_backend : builtin {
  static constexpr const char* name = "recording";
  static inline std::memory_order last = relaxed;
  static inline std::memory_order last_failure = relaxed;

  template <class W>
  static W load(const W& object, std::memory_order order) noexcept {
    last = order;
    return builtin::load(object, order);
  }
  template <class W>
  static void store(W& object, std::type_identity_t<W> desired, std::memory_order order) noexcept {
    last = order;
    builtin::store(object, desired, order);
  }
  template <class W>
  static bool compare_exchange_weak(W& object, W& expected, std::type_identity_t<W> desired, std::memory_order success,
                                    std::memory_order failure) noexcept {
    last = success;
    last_failure = failure;
    return builtin::compare_exchange_weak(object, expected, desired, success, failure);
  }
  template <class W>
  static bool compare_exchange_strong(W& object, W& expected, std::type_identity_t<W> desired, std::memory_order success,
                                      std::memory_order failure) noexcept {
    last = success;
    last_failure = failure;
    return builtin::compare_exchange_strong(object, expected, desired, success, failure);
  }
  template <class W>
  static W exchange(W& object, std::type_identity_t<W> desired, std::memory_order order) noexcept {
    last = order;
    return builtin::exchange(object, desired, order);
  }
  template <class W>
  static W fetch_add(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    last = order;
    return builtin::fetch_add(object, operand, order);
  }
  template <class W>
  static W fetch_sub(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    last = order;
    return builtin::fetch_sub(object, operand, order);
  }
  template <class W>
  static W fetch_and(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    last = order;
    return builtin::fetch_and(object, operand, order);
  }
  template <class W>
  static W fetch_or(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    last = order;
    return builtin::fetch_or(object, operand, order);
  }
  template <class W>
  static W fetch_xor(W& object, std::type_identity_t<W> operand, std::memory_order order) noexcept {
    last = order;
    return builtin::fetch_xor(object, operand, order);
  }
};

using recorder = recording_backend;

// The operation, called without an order and with each of `orders`, hands on seq_cst and that order.
template <std::size_t N, class Operation>
void hands_on(const std::memory_order (&orders)[N], Operation operation, int line = __builtin_LINE()) {
  recorder::last = relaxed;
  operation();
  bool right = recorder::last == seq_cst;
  for (const auto order : orders) {
    recorder::last = order == relaxed ? seq_cst : relaxed;
    operation(order);
    right = right && recorder::last == order;
  }
  verify(right, line);
}

template <class A>
void every_operation_hands_on_its_order(A& x) {
  using T = typename A::value_type;
  const T one(1);
  T expected = one;
  hands_on(orders_of::loads, [&](auto... order) { static_cast<void>(x.load(order...)); });
  hands_on(orders_of::stores, [&](auto... order) { x.store(one, order...); });
  hands_on(orders_of::all, [&](auto... order) { x.exchange(one, order...); });
  hands_on(orders_of::all, [&](auto... order) { x.compare_exchange_weak(expected, one, order...); });
  hands_on(orders_of::all, [&](auto... order) { x.compare_exchange_strong(expected, one, order...); });
  hands_on(orders_of::all, [&](auto... order) { x.fetch_add(one, order...); });
  hands_on(orders_of::all, [&](auto... order) { x.fetch_sub(one, order...); });
  hands_on(orders_of::all, [&](auto... order) { x.fetch_min(one, order...); });
  hands_on(orders_of::all, [&](auto... order) { x.fetch_max(one, order...); });
  hands_on(orders_of::all, [&](auto... order) { x.fetch_update([](T old) { return old; }, order...); });
  hands_on(orders_of::all, [&](auto... order) { x.try_update([](T old) { return std::optional<T>(old); }, order...); });
  hands_on(orders_of::stores, [&](auto... order) { x.store_add(one, order...); });
  hands_on(orders_of::stores, [&](auto... order) { x.store_sub(one, order...); });
  hands_on(orders_of::stores, [&](auto... order) { x.store_min(one, order...); });
  hands_on(orders_of::stores, [&](auto... order) { x.store_max(one, order...); });
  if constexpr (std::is_integral_v<T>) {
    hands_on(orders_of::all, [&](auto... order) { x.fetch_and(one, order...); });
    hands_on(orders_of::all, [&](auto... order) { x.fetch_or(one, order...); });
    hands_on(orders_of::all, [&](auto... order) { x.fetch_xor(one, order...); });
    hands_on(orders_of::all, [&](auto... order) { x.fetch_add_sat(one, order...); });
    hands_on(orders_of::all, [&](auto... order) { x.fetch_inc_wrap(one, order...); });
    x = one;
    hands_on(orders_of::all, [&](auto... order) { x.fetch_inc_below(std::numeric_limits<T>::max(), order...); });
    hands_on(orders_of::stores, [&](auto... order) { x.store_and(one, order...); });
    hands_on(orders_of::stores, [&](auto... order) { x.store_or(one, order...); });
    hands_on(orders_of::stores, [&](auto... order) { x.store_xor(one, order...); });
  }

  const auto is_seq_cst = [](auto operation, int line = __builtin_LINE()) {
    recorder::last = relaxed;
    operation();
    verify(recorder::last == seq_cst, line);
  };
  is_seq_cst([&] { static_cast<void>(static_cast<T>(x)); });
  is_seq_cst([&] { x = one; });
  is_seq_cst([&] { x += one; });
  is_seq_cst([&] { x -= one; });
  if constexpr (std::is_integral_v<T>) {
    is_seq_cst([&] { x &= one; });
    is_seq_cst([&] { x |= one; });
    is_seq_cst([&] { x ^= one; });
    is_seq_cst([&] { ++x; });
    is_seq_cst([&] { --x; });
    is_seq_cst([&] { x++; });
    is_seq_cst([&] { x--; });
  }
}

}  // namespace

TEMPLATE_TEST_CASE("every operation hands its order on, and seq_cst where none is named", "", std::int32_t, std::uint8_t, double) {
  pawl::atomic<TestType, recorder> atomic(1);
  every_operation_hands_on_its_order(atomic);
  alignas(8) TestType object(1);
  pawl::atomic_ref<TestType, recorder> ref(object);
  every_operation_hands_on_its_order(ref);
}

TEST_CASE("a compare-and-swap of one order fails with that order, less its release half, of two orders, with the second") {
  pawl::atomic<int, recorder> x(1);
  const auto failing = [&](auto... order) {
    int expected = 2;
    x.compare_exchange_strong(expected, 3, order...);
    const auto strong = recorder::last_failure;
    expected = 2;
    x.compare_exchange_weak(expected, 3, order...);
    verify(recorder::last_failure == strong);
    return strong;
  };
  verify(failing() == seq_cst);
  verify(failing(relaxed) == relaxed);
  verify(failing(acquire) == acquire);
  verify(failing(release) == relaxed);
  verify(failing(acq_rel) == acquire);
  verify(failing(seq_cst) == seq_cst);
  verify(failing(acq_rel, relaxed) == relaxed);
  verify(failing(seq_cst, acquire) == acquire);
  verify(failing(relaxed, relaxed) == relaxed);
}

TEST_CASE("atomic_flag is a bool that starts clear, over every backend") {
  for_each_backend([]<class B>() {
    pawl::atomic_flag<B> flag;
    verify(!(flag.test()));
    for (const auto order : orders_of::all) {
      verify(!(flag.test_and_set(order)));
      verify(flag.test_and_set(order));
      for (const auto load : orders_of::loads) verify(flag.test(load));
      for (const auto store : orders_of::stores) {
        flag.clear(store);
        verify(!(flag.test()));
        verify(!(flag.test_and_set()));
      }
      flag.clear();
    }
  });
  pawl::atomic_flag<recorder> flag;
  hands_on(orders_of::all, [&](auto... order) { flag.test_and_set(order...); });
  hands_on(orders_of::loads, [&](auto... order) { static_cast<void>(flag.test(order...)); });
  hands_on(orders_of::stores, [&](auto... order) { flag.clear(order...); });
}

TEST_CASE("a lock of an atomic_flag excludes, over every backend") {
  for_each_backend([]<class B>() {
    constexpr int rounds = 3000;
    pawl::atomic_flag<B> lock;
    int plain = 0;
    const auto body = [&] {
      for (int i = 0; i < rounds; ++i) {
        while (lock.test_and_set(acquire)) std::this_thread::yield();
        count_in_section(plain);
        lock.clear(release);
      }
    };
    together(body, body);
    verify(plain == 2 * rounds);
  });
}

TEST_CASE("copies of an atomic_ref refer to one object") {
  for_each_backend([]<class B>() {
    alignas(pawl::atomic_ref<int, B>::required_alignment) int object = 1;
    const pawl::atomic_ref<int, B> ref(object);
    const pawl::atomic_ref<int, B> copy(ref);
    copy.store(2);
    verify(ref.load() == 2);
    verify(ref.fetch_add(1) == 2);
    verify(object == 3);
    verify((copy = 9) == 9);
    verify(object == 9);
  });
}

// ---- What the compiler checks ----------------------------------------------------------------------------------------------------
namespace {

template <class B>
struct static_promises {
  template <class T>
  using atomic = pawl::atomic<T, B>;
  template <class T>
  using ref = pawl::atomic_ref<T, B>;

  template <class T>
  static constexpr bool laid_out =
      sizeof(atomic<T>) == sizeof(T) && alignof(atomic<T>) == sizeof(T) && atomic<T>::is_always_lock_free &&
      ref<T>::is_always_lock_free && ref<T>::required_alignment == sizeof(T) && std::is_trivially_destructible_v<atomic<T>> &&
      !std::is_copy_constructible_v<atomic<T>> && !std::is_copy_assignable_v<atomic<T>> &&
      !std::is_move_constructible_v<atomic<T>> && std::is_copy_constructible_v<ref<T>> && !std::is_copy_assignable_v<ref<T>> &&
      std::is_nothrow_default_constructible_v<atomic<T>> && std::is_same_v<typename atomic<T>::value_type, T>;
  static_assert(laid_out<bool> && laid_out<char> && laid_out<short> && laid_out<int> && laid_out<long> && laid_out<char16_t>);
  static_assert(laid_out<float> && laid_out<double> && laid_out<int*> && laid_out<void*> && laid_out<colour> &&
                laid_out<four_bytes>);
  static_assert(laid_out<pawl::tagged<std::uint32_t>>);
  // Of 16 bytes: of another type where the backend has none.
  template <class T>
  using if_double_width = std::conditional_t<B::has_double_width, T, int>;
  static_assert(laid_out<if_double_width<pair_of_words>> && laid_out<if_double_width<pawl::tagged<int*>>>);

  // Arithmetic where std::atomic has it, and nowhere else.
  template <class A>
  static constexpr bool has_sums = requires(A x) {
    x.fetch_add(1);
    x.fetch_sub(1, relaxed);
    x += 1;
    x.fetch_min(x.load());
  };
  template <class A>
  static constexpr bool has_steps = requires(A x) {
    ++x;
    x--;
  };
  template <class A>
  static constexpr bool has_bits = requires(A x) {
    x.fetch_and(x.load());
    x |= x.load();
    x.store_xor(x.load());
  };
  static_assert(has_sums<atomic<int>> && has_steps<atomic<int>> && has_bits<atomic<int>>);
  static_assert(has_sums<atomic<int*>> && has_steps<atomic<int*>> && !has_bits<atomic<int*>>);
  static_assert(has_sums<atomic<float>> && !has_steps<atomic<float>> && !has_bits<atomic<float>>);
  static_assert(!has_sums<atomic<bool>> && !has_steps<atomic<bool>> && !has_bits<atomic<bool>>);
  static_assert(!has_sums<atomic<colour>> && !has_steps<atomic<colour>> && !has_bits<atomic<colour>>);
  static_assert(!has_sums<atomic<void*>> && !has_steps<atomic<void*>> && !has_bits<atomic<void*>>);
  static_assert(has_sums<ref<int>> && has_bits<ref<int>> && has_sums<ref<double>> && !has_bits<ref<int*>> && !has_sums<ref<bool>>);

  template <class A>
  static constexpr bool throws_nothing = requires(A x, const A c, typename A::value_type v, typename A::value_type& e) {
    { c.load() } noexcept;
    { x.store(v) } noexcept;
    { x.exchange(v) } noexcept;
    { x.compare_exchange_weak(e, v) } noexcept;
    { x.compare_exchange_strong(e, v, seq_cst, seq_cst) } noexcept;
    { x = v } noexcept;
    { c.is_lock_free() } noexcept;
  };
  static_assert(throws_nothing<atomic<int>> && throws_nothing<ref<int>> && throws_nothing<atomic<if_double_width<pair_of_words>>>);
  static_assert(noexcept(std::declval<atomic<int>&>().fetch_add(1)) && noexcept(std::declval<atomic<float>&>().fetch_max(1)));
  static_assert(noexcept(std::declval<atomic<int>&>().store_or(1)) && noexcept(++std::declval<atomic<int>&>()));
  static_assert(noexcept(pawl::atomic_flag<B>().test_and_set()));
};
[[maybe_unused]] constexpr bool promised_by_all = (for_each_backend([]<class B>() { return static_promises<B>(); }), true);

// Constant initialization: usable before any dynamic one.
int referred_to;
constinit pawl::atomic<int> constant_int{42};
constinit pawl::atomic<int*> constant_pointer{&referred_to};
constinit pawl::atomic<float> constant_float{1.5F};
constinit pawl::atomic<colour> constant_enum{colour::green};
template <class B>
constinit pawl::atomic<pair_of_words, B> constant_pair{{1, 2}};
template <class B>
constinit pawl::atomic<pawl::tagged<int*>, B> constant_tagged{{&referred_to, 7}};
constinit pawl::atomic<std::uint64_t> constant_default{};
constinit pawl::atomic<int, minimal_backend> constant_minimal{3};
constinit pawl::atomic_flag<> constant_flag{};

static_assert(std::is_same_v<decltype(pawl::atomic(1)), pawl::atomic<int>>);
static_assert(std::is_same_v<pawl::atomic<int*>::difference_type, std::ptrdiff_t>);
static_assert(std::is_same_v<pawl::atomic<short>::difference_type, short>);

}  // namespace

TEST_CASE("atomics of every kind are constant-initialized") {
  CHECK(constant_int.load() == 42);
  CHECK(constant_pointer.load() == &referred_to);
  CHECK(constant_float.load() == 1.5F);
  CHECK(constant_enum.load() == colour::green);
  where_double_width([]<class B>() {
    CHECK(constant_pair<B>.load() == pair_of_words{1, 2});
    CHECK(constant_tagged<B>.load() == pawl::tagged<int*>{&referred_to, 7});
  });
  CHECK(constant_default.load() == 0);
  CHECK(constant_minimal.load() == 3);
  CHECK_FALSE(constant_flag.test());
}

TEST_CASE("a default-constructed atomic holds T()") {
  alignas(16) std::byte memory[16];
  std::memset(memory, 0xff, sizeof memory);
  CHECK((new (memory) pawl::atomic<int>)->load() == 0);
  std::memset(memory, 0xff, sizeof memory);
  CHECK((new (memory) pawl::atomic<int*>)->load() == nullptr);
  where_double_width([&]<class B>() {
    std::memset(memory, 0xff, sizeof memory);
    CHECK((new (memory) pawl::atomic<pair_of_words, B>)->load() == pair_of_words{0, 0});
  });
}
