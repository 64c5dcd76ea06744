// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

#include <pawl/backend.hpp>

#include "backends.hpp"
#include "fences.hpp"

namespace {

using B = pawl::native;
constexpr auto relaxed = std::memory_order_relaxed;

// Two halves that must always be equal show a torn read or a lost update.
constexpr pawl::uint128 both(std::uint64_t half) { return (static_cast<pawl::uint128>(half) << 64U) | half; }

}  // namespace

TEMPLATE_TEST_CASE("a backend's mandatory functions work on every width", "", std::uint8_t, std::uint16_t, std::uint32_t,
                   std::uint64_t, pawl::uint128) {
  using W = std::conditional_t<sizeof(TestType) == 16 && !B::has_double_width, std::uint64_t, TestType>;
  const W all = static_cast<W>(~W{0});
  const W odd = static_cast<W>(all / 3);
  W object = odd;
  CHECK((B::load(object, relaxed) == odd));
  B::store(object, all, std::memory_order_seq_cst);
  CHECK((object == all));

  W expected = odd;
  CHECK_FALSE(B::compare_exchange_weak(object, expected, 0, relaxed, relaxed));
  CHECK((expected == all));
  CHECK(B::compare_exchange_strong(object, expected, odd, relaxed, relaxed));
  CHECK((object == odd));
  CHECK((expected == all));
}

TEST_CASE("a double-width compare-and-swap is atomic: no torn read, no lost update") {
  where_double_width([]<class B>() {
    alignas(16) pawl::uint128 object = both(0);
    constexpr std::uint64_t rounds = 200000;
    std::uint64_t torn[2] = {0, 0};
    std::uint32_t ready = 0;  // both start together: a thread alone would find nothing
    std::vector<std::thread> threads;
    for (auto& count : torn) {
      threads.emplace_back([&object, &ready, &count] {
        B::fetch_add(ready, 1, std::memory_order_acq_rel);
        while (B::load(ready, std::memory_order_acquire) != 2) B::pause();
        for (std::uint64_t i = 0; i < rounds; ++i) {
          auto expected = B::load(object, relaxed);
          for (;;) {
            const auto half = static_cast<std::uint64_t>(expected);
            count += expected != both(half) ? 1U : 0U;
            if (B::compare_exchange_weak(object, expected, both(half + 1), relaxed, relaxed)) break;
          }
        }
      });
    }
    for (auto& thread : threads) thread.join();
    CHECK(torn[0] + torn[1] == 0);
    CHECK((object == both(2 * rounds)));
  });
}

TEST_CASE("the fixed read-modify-writes return the old value") {
  std::uint32_t object = 12;
  CHECK(B::fetch_add(object, 3, relaxed) == 12);
  CHECK(B::fetch_sub(object, 5, relaxed) == 15);
  CHECK(B::fetch_or(object, 5, relaxed) == 10);
  CHECK(B::fetch_and(object, 9, relaxed) == 15);
  CHECK(B::fetch_xor(object, 1, relaxed) == 9);
  CHECK(B::exchange(object, 77, relaxed) == 8);
  CHECK(object == 77);
}

TEST_CASE("a seq_cst fence between store and load excludes that both threads read the old value") {
  const auto fence = [] { B::thread_fence(std::memory_order_seq_cst); };
  CHECK(both_read_old_with(fence, fence) == 0);
}
