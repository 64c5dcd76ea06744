// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <cstdint>

#include <pawl/backend.hpp>
#include <pawl/detail/operations.hpp>

#include "minimal_backend.hpp"

namespace {

using minimal = minimal_backend;
struct no_fence : minimal {
  static void thread_fence(std::memory_order) = delete;
};
static_assert(!pawl::is_backend<no_fence>);

constexpr auto relaxed = std::memory_order_relaxed;

}  // namespace

TEMPLATE_TEST_CASE("what a backend leaves out is built of its weak compare-and-swap", "", minimal, pawl::native) {
  using B = TestType;
  namespace ops = pawl::detail;
  std::uint8_t object = 250;
  CHECK(ops::fetch_add<B>(object, std::uint8_t{10}, relaxed) == 250);
  CHECK(object == 4);
  CHECK(ops::fetch_sub<B>(object, std::uint8_t{5}, relaxed) == 4);
  CHECK(object == 255);
  CHECK(ops::fetch_and<B>(object, std::uint8_t{0xf6}, relaxed) == 255);
  CHECK(ops::fetch_or<B>(object, std::uint8_t{0x09}, relaxed) == 0xf6);
  CHECK(ops::fetch_xor<B>(object, std::uint8_t{0x0f}, relaxed) == 0xff);
  CHECK(object == 0xf0);
  CHECK(ops::fetch_max<B>(object, std::int8_t{5}, relaxed) == -16);
  CHECK(object == 5);
  CHECK(ops::fetch_min<B>(object, std::int8_t{-3}, relaxed) == 5);
  CHECK(object == 0xfd);
  CHECK(ops::fetch_min<B>(object, std::uint8_t{6}, relaxed) == 0xfd);
  CHECK(ops::fetch_max<B>(object, std::uint8_t{200}, relaxed) == 6);
  CHECK(ops::exchange<B>(object, std::uint8_t{9}, relaxed) == 200);
  CHECK(object == 9);
  ops::store_add<B>(object, std::uint8_t{250}, relaxed);
  CHECK(object == 3);
  ops::store_sub<B>(object, std::uint8_t{4}, relaxed);
  CHECK(object == 255);
  ops::store_and<B>(object, std::uint8_t{0xf6}, relaxed);
  CHECK(object == 0xf6);
  ops::store_or<B>(object, std::uint8_t{9}, relaxed);
  CHECK(object == 0xff);
  ops::store_xor<B>(object, std::uint8_t{0xf0}, relaxed);
  CHECK(object == 0x0f);
  ops::store_min<B>(object, std::int8_t{-1}, relaxed);
  CHECK(object == 0xff);
  ops::store_max<B>(object, std::int8_t{7}, relaxed);
  CHECK(object == 7);
}

TEMPLATE_TEST_CASE("a strong compare-and-swap fails only on another value", "", minimal, pawl::native) {
  using B = TestType;
  std::uint32_t object = 1;
  for (std::uint32_t i = 1; i < 50; ++i) {
    std::uint32_t expected = i;
    REQUIRE(pawl::detail::compare_exchange_strong<B>(object, expected, i + 1, relaxed, relaxed));
  }
  std::uint32_t expected = 1;
  CHECK_FALSE(pawl::detail::compare_exchange_strong<B>(object, expected, 7U, relaxed, relaxed));
  CHECK(expected == 50);
  CHECK(object == 50);
}
