// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <thread>
#include <type_traits>
#include <vector>

#include <pawl/atomic.hpp>
#include <pawl/queue.hpp>
#include <pawl/stack.hpp>

namespace {

using device_wide = pawl::backend::cuda<pawl::scope::device>;

// Adds by itself, and counts how often.
struct adder : pawl::backend::builtin {
  static inline int fetches = 0;
  static inline int stores = 0;
  template <class T>
  static T fetch_add_floating(T& object, T operand, std::memory_order) noexcept {
    ++fetches;
    const T old = object;
    object = old + operand;
    return old;
  }
  template <class T>
  static void store_add_floating(T& object, T operand, std::memory_order) noexcept {
    ++stores;
    object += operand;
  }
};

template <class T>
struct own_allocator : std::allocator<T> {
  own_allocator() = default;
  template <class U>
  explicit own_allocator(const own_allocator<U>&) {}
  template <class U>
  struct rebind {
    using other = own_allocator<U>;
  };
};

}  // namespace

TEST_CASE("in host code, cuda's atomics are builtin's") {
  STATIC_REQUIRE(std::is_base_of_v<pawl::backend::builtin, device_wide>);
  STATIC_REQUIRE(sizeof(pawl::atomic<int, device_wide>) == sizeof(int));
  STATIC_REQUIRE_FALSE(std::is_same_v<pawl::native, device_wide>);
  pawl::atomic<int, device_wide> x{1};
  CHECK(x.fetch_add(2) == 1);
  x.store_max(7);
  int expected = 7;
  CHECK(x.compare_exchange_strong(expected, 8, std::memory_order_acq_rel, std::memory_order_acquire));
  CHECK(x.load() == 8);
  pawl::atomic<double, device_wide> y{1};
  y.store_sub(0.25);
  CHECK(y.fetch_add(1) == 0.75);
}

TEST_CASE(
    "in host code, a stack and a queue over a fixed pool of cuda's work with memory from its allocator, and without one have "
    "none") {
  using pool = pawl::tagged_pool<device_wide, own_allocator<std::byte>>;
  pool nodes(2);
  pool others(2);
  pawl::stack<int, pool> stack(nodes);
  pawl::queue<int, pool> queue(others);
  for (int i = 1; i <= 2; ++i) {
    CHECK(stack.try_push(i));
    CHECK(queue.try_push(i));
  }
  CHECK_FALSE(stack.try_push(3));
  CHECK_FALSE(queue.try_push(3));
  CHECK(stack.try_pop() == 2);
  CHECK(queue.try_pop() == 1);

  using without = pawl::tagged_pool<device_wide>;
  without fixed(2);
  CHECK_THROWS_AS((pawl::stack<int, without>(fixed)), std::bad_alloc);
  pool growing;
  CHECK_THROWS_AS((pawl::stack<int, pool>(growing)), std::bad_alloc);
}

TEST_CASE("in host code, a wait of cuda's ends when the value has changed") {
  pawl::atomic<int, device_wide> x{0};
  std::thread other([&x] { x.store(1, std::memory_order_release); });
  x.wait(0, std::memory_order_acquire);
  CHECK(x.load() == 1);
  other.join();
}

TEMPLATE_TEST_CASE("a backend that adds floating-point numbers is asked to, and to subtract", "", float, double) {
  using T = TestType;
  adder::fetches = adder::stores = 0;
  pawl::atomic<T, adder> x{T{4}};
  CHECK(x.fetch_add(T{1}) == T{4});
  CHECK(x.fetch_sub(T{2}) == T{5});
  CHECK(adder::fetches == 2);
  x.store_add(T{1});
  x.store_sub(T{3});
  CHECK(adder::stores == 2);
  CHECK(x.load() == T{1});
  CHECK((x += T{0.5}) == T{1.5});
}

TEMPLATE_TEST_CASE("fetch_min and fetch_max order all numbers, subnormal ones, zeros and infinities too", "", float, double,
                   long double) {
  using T = TestType;
  using limits = std::numeric_limits<T>;
  const std::vector<T> ascending{
      -limits::infinity(),   -limits::max(), T{-1},         -limits::min(),       -2 * limits::denorm_min(),
      -limits::denorm_min(), -T{0},          T{0},          limits::denorm_min(), 2 * limits::denorm_min(),
      limits::min(),         T{1},           limits::max(), limits::infinity()};
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    for (std::size_t j = 0; j < ascending.size(); ++j) {
      INFO("between " << ascending[i] << " and " << ascending[j]);
      const T less = pawl::detail::smaller(ascending[i], ascending[j]);
      const T more = pawl::detail::larger(ascending[i], ascending[j]);
      CHECK(less == ascending[std::min(i, j)]);
      CHECK(std::signbit(less) == std::signbit(ascending[std::min(i, j)]));
      CHECK(more == ascending[std::max(i, j)]);
      CHECK(std::signbit(more) == std::signbit(ascending[std::max(i, j)]));
    }
    for (const T nan : {limits::quiet_NaN(), -limits::quiet_NaN(), limits::signaling_NaN()}) {
      CHECK(pawl::detail::smaller(nan, ascending[i]) == ascending[i]);
      CHECK(pawl::detail::smaller(ascending[i], nan) == ascending[i]);
      CHECK(pawl::detail::larger(nan, ascending[i]) == ascending[i]);
      CHECK(pawl::detail::larger(ascending[i], nan) == ascending[i]);
    }
  }
}
