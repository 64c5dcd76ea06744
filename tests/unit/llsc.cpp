// SPDX-License-Identifier: BSL-1.0
#include <pawl/llsc.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "minimal_backend.hpp"
#include "together.hpp"
#include "verify.hpp"

namespace {

using pawl::backend::builtin;
constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto acq_rel = std::memory_order_acq_rel;
constexpr auto seq_cst = std::memory_order_seq_cst;

struct narrow : builtin {
  static constexpr const char* name = "narrow";
  static constexpr bool has_double_width = false;
};

// Calls check.operator()<B>() for every backend that this machine has, a user's, and one of one word.
template <class Check>
void for_each_backend(Check check) {
  check.template operator()<builtin>();
#if defined(__x86_64__)
  check.template operator()<pawl::backend::x86>();
#endif
  check.template operator()<minimal_backend>();
  check.template operator()<narrow>();
}

enum class colour : std::uint8_t { red, green };
struct three {
  signed char bytes[3];
  friend bool operator==(const three&, const three&) = default;
};
struct padded {
  char c;
  short s;
  friend bool operator==(const padded&, const padded&) = default;
};
struct five {
  signed char bytes[5];
  friend bool operator==(const five&, const five&) = default;
};
struct six {
  short a, b, c;
  friend bool operator==(const six&, const six&) = default;
};
struct padded_eight {
  char c;
  int i;
  friend bool operator==(const padded_eight&, const padded_eight&) = default;
};

// All that a cell does alone, with two values.
template <class T, class B>
void does_all(T a, T b) {
  using cell = pawl::llsc<T, B>;
  static_assert(std::is_same_v<typename cell::value_type, T> && std::is_same_v<typename cell::backend_type, B>);
  static_assert(!std::is_copy_constructible_v<cell> && !std::is_copy_assignable_v<cell>);
  static_assert(std::is_trivially_copyable_v<typename cell::link> && !std::is_default_constructible_v<typename cell::link>);
  static_assert(cell::version_bits >= 32 && cell::version_bits + 8 * sizeof(T) >= 64);

  verify(cell().load() == T());
  cell tested(a);
  verify(tested.load() == a);

  // A link that stores: once.
  auto link = tested.load_linked();
  auto copy = link;
  verify(link.value() == a && copy.value() == a);
  verify(link.validate() && copy.validate());
  verify(link.store_conditional(b));
  verify(tested.load() == b && link.value() == a);
  verify(!link.validate() && !copy.validate());
  verify(!link.store_conditional(a) && !copy.store_conditional(a) && tested.load() == b);

  // One that comes too late, though its value has come back, and one that stored nothing new.
  auto late = tested.load_linked();
  verify(tested.load_linked().store_conditional(a));
  verify(tested.load_linked().store_conditional(b));
  verify(late.value() == tested.load() && !late.validate() && !late.store_conditional(a));
  auto unnoticed = tested.load_linked();
  verify(tested.load_linked().store_conditional(b));
  verify(!unnoticed.validate() && !unnoticed.store_conditional(b));

  // Two cells and their links know nothing of each other.
  cell other(a);
  auto first = tested.load_linked();
  auto second = other.load_linked();
  verify(first.store_conditional(a) && second.validate() && second.store_conditional(b));
  // Assigned, it is the other's.
  first = other.load_linked();
  verify(first.value() == b && first.store_conditional(a) && other.load() == a && tested.load() == a);

  // Every order.
  for (const auto load : {relaxed, acquire, seq_cst}) {
    verify(tested.load(load) == tested.load());
    for (const auto store : {relaxed, acquire, release, acq_rel, seq_cst}) {
      auto each = tested.load_linked(load);
      auto loser = tested.load_linked(load);
      verify(each.validate(load) && each.store_conditional(b, store) && tested.load(load) == b);
      verify(!loser.validate(load) && !loser.store_conditional(a, store) && tested.load(load) == b);
    }
  }
}

}  // namespace

TEST_CASE("llsc of each kind and size, over every backend") {
  for_each_backend([]<class B>() {
    static int objects[2];
    does_all<std::uint8_t, B>(1, 255);
    does_all<std::int8_t, B>(-1, 1);
    does_all<bool, B>(true, false);
    does_all<colour, B>(colour::red, colour::green);
    does_all<std::int16_t, B>(-2, 3);
    does_all<three, B>({{1, 2, 3}}, {{-3, -2, -1}});
    does_all<std::int32_t, B>(-5, 6);
    does_all<std::uint32_t, B>(0, 0xffffffffU);
    does_all<float, B>(1.5F, -0.25F);
    does_all<padded, B>({1, 2}, {3, -4});
    if constexpr (sizeof(void*) <= 4 || B::has_double_width) does_all<int*, B>(&objects[0], &objects[1]);
    if constexpr (B::has_double_width) {
      does_all<five, B>({{1, 2, 3, 4, 5}}, {{-1, -2, -3, -4, -5}});
      does_all<six, B>({1, 2, 3}, {-1, -2, -3});
      does_all<std::int64_t, B>(-7, 8);
      does_all<std::uint64_t, B>(0, ~std::uint64_t{0});
      does_all<double, B>(2.5, -0.125);
      does_all<padded_eight, B>({1, 2}, {3, -4});
    }
  });
}

namespace {

template <class B>
void checks_versions_of_8_bytes() {
  if constexpr (pawl::detail::double_width<B>()) {
    CHECK(pawl::llsc<double, B>::version_bits == 64);
    CHECK(pawl::llsc<five, B>::version_bits == 64);
    CHECK(sizeof(pawl::llsc<double, B>) == 16);
  }
}

}  // namespace

TEST_CASE("the version has the bits that the value leaves, and at least 32") {
  CHECK(pawl::llsc<char>::version_bits == 56);
  CHECK(pawl::llsc<short>::version_bits == 48);
  CHECK(pawl::llsc<three>::version_bits == 40);
  CHECK(pawl::llsc<int>::version_bits == 32);
  CHECK(sizeof(pawl::llsc<int>) == 8);
  checks_versions_of_8_bytes<pawl::native>();
}

namespace {

// A backend whose words a test can read and write: the version that is there, and one that is about to come round.
struct exposed : builtin {
  static constexpr const char* name = "exposed";
  static inline const void* last = nullptr;
  template <class W>
  static W load(const W& object, std::memory_order order) noexcept {
    last = &object;
    return builtin::load(object, order);
  }
};

}  // namespace

TEST_CASE("a version comes round, and the value beside it is untouched") {
  pawl::llsc<std::uint32_t, exposed> cell(0xa5a5a5a5U);
  static_cast<void>(cell.load());
  auto* const word = const_cast<std::uint64_t*>(static_cast<const std::uint64_t*>(exposed::last));
  CHECK(*word == 0xa5a5a5a5U);
  *word = 0xffffffffa5a5a5a5U;
  auto link = cell.load_linked();
  CHECK(link.store_conditional(0xffffffffU));
  CHECK(*word == 0xffffffffU);
  CHECK(!link.validate());
  CHECK(cell.load_linked().store_conditional(7));
  CHECK(*word == 0x100000007U);
  CHECK(cell.load() == 7);
}

namespace {

// Hands on the orders that it was given.
struct recorder : builtin {
  static constexpr const char* name = "recorder of orders";
  static inline std::memory_order success = relaxed;
  static inline std::memory_order failure = relaxed;
  template <class W>
  static W load(const W& object, std::memory_order order) noexcept {
    success = order;
    return builtin::load(object, order);
  }
  template <class W>
  static bool compare_exchange_strong(W& object, W& expected, std::type_identity_t<W> desired, std::memory_order on_success,
                                      std::memory_order on_failure) noexcept {
    success = on_success;
    failure = on_failure;
    return builtin::compare_exchange_strong(object, expected, desired, on_success, on_failure);
  }
};

}  // namespace

TEST_CASE("llsc hands its orders on, and seq_cst where none is named") {
  pawl::llsc<int, recorder> cell;
  for (const auto order : {relaxed, acquire, seq_cst}) {
    static_cast<void>(cell.load(order));
    CHECK(recorder::success == order);
    static_cast<void>(cell.load_linked(order));
    CHECK(recorder::success == order);
    const auto link = cell.load_linked(relaxed);
    static_cast<void>(link.validate(order));
    CHECK(recorder::success == order);
  }
  recorder::success = relaxed;
  static_cast<void>(cell.load());
  CHECK(recorder::success == seq_cst);
  recorder::success = relaxed;
  auto link = cell.load_linked();
  CHECK(recorder::success == seq_cst);
  recorder::success = relaxed;
  static_cast<void>(link.validate());
  CHECK(recorder::success == seq_cst);
  link.store_conditional(1);
  CHECK((recorder::success == seq_cst && recorder::failure == seq_cst));
  const std::pair<std::memory_order, std::memory_order> failures[] = {
      {relaxed, relaxed}, {acquire, acquire}, {release, relaxed}, {acq_rel, acquire}, {seq_cst, seq_cst}};
  for (const auto& [order, on_failure] : failures) {
    auto each = cell.load_linked(relaxed);
    each.store_conditional(2, order);
    CHECK((recorder::success == order && recorder::failure == on_failure));
  }
}

namespace {

constinit pawl::llsc<int> constant_int{-5};
constinit pawl::llsc<bool, minimal_backend> constant_bool;
constinit pawl::llsc<colour> constant_colour{colour::green};
constinit pawl::llsc<float> constant_float{1.5F};
constinit pawl::llsc<three> constant_three{{{1, -2, 3}}};
#if defined(__x86_64__)
constinit pawl::llsc<double> constant_double{-2.5};
constinit pawl::llsc<const char*> constant_pointer;
constinit pawl::llsc<std::uint64_t> constant_large{~std::uint64_t{0}};
constinit pawl::llsc<six> constant_six{{1, -2, 3}};
#endif

}  // namespace

TEST_CASE("llsc is constant-initialized") {
  CHECK(constant_int.load() == -5);
  CHECK(!constant_bool.load());
  CHECK(constant_colour.load() == colour::green);
  CHECK(std::bit_cast<std::uint32_t>(constant_float.load()) == std::bit_cast<std::uint32_t>(1.5F));
  CHECK((constant_three.load() == three{{1, -2, 3}}));
#if defined(__x86_64__)
  CHECK(std::bit_cast<std::uint64_t>(constant_double.load()) == std::bit_cast<std::uint64_t>(-2.5));
  CHECK(constant_pointer.load() == nullptr);
  CHECK(constant_large.load() == ~std::uint64_t{0});
  CHECK((constant_six.load() == six{1, -2, 3}));
  // Made at run time it is the same word.
  pawl::llsc<double> made(-2.5);
  CHECK(std::memcmp(&made, &constant_double, sizeof made) == 0);
#endif
  pawl::llsc<int> made_int(-5);
  CHECK(std::memcmp(&made_int, &constant_int, sizeof made_int) == 0);
  pawl::llsc<three> made_three(three{{1, -2, 3}});
  CHECK(std::memcmp(&made_three, &constant_three, sizeof made_three) == 0);
}

TEST_CASE("no update of two threads by load_linked and store_conditional is lost") {
  for_each_backend([]<class B>() {
    constexpr int rounds = 3000;
    pawl::llsc<int, B> counter;
    const auto body = [&] {
      for (int i = 0; i < rounds; ++i) {
        for (;;) {
          auto link = counter.load_linked(relaxed);
          if (i % 64 == 0) std::this_thread::yield();  // so that the other comes between
          if (link.store_conditional(link.value() + 1, relaxed)) break;
        }
      }
    };
    together(body, body);
    verify(counter.load() == 2 * rounds);
  });
}

TEST_CASE("of links that were made at once, one stores") {
  pawl::llsc<int> cell;
  for (int i = 0; i < 100; ++i) {
    std::vector<pawl::llsc<int>::link> links;
    for (int n = 0; n < 5; ++n) links.push_back(cell.load_linked());
    int stored = 0;
    for (int n = 0; n < 5; ++n) stored += links[static_cast<std::size_t>((i + 3 * n) % 5)].store_conditional(n) ? 1 : 0;
    CHECK(stored == 1);
    CHECK(cell.load() == 0);
  }
}
