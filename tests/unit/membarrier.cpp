// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <atomic>
#include <cstdint>
#include <thread>

#include <pawl/backend.hpp>
#include <pawl/detail/membarrier.hpp>

TEST_CASE("a light fence against a heavy one excludes that both threads read the old value") {
  using B = pawl::native;
  constexpr auto relaxed = std::memory_order_relaxed;
  bool took_place = true;
  for (int round = 0; round < 1000; ++round) {
    std::uint32_t x = 0, y = 0, saw_x = 1, saw_y = 1;
    std::atomic<int> ready{0};
    auto meet = [&ready] {
      ready.fetch_add(1, std::memory_order_acq_rel);
      while (ready.load(std::memory_order_acquire) != 2) B::pause();
    };
    std::thread reader([&] {
      meet();
      B::store(x, 1, relaxed);
      pawl::detail::light_fence<B>();
      saw_y = B::load(y, relaxed);
    });
    std::thread reclaimer([&] {
      meet();
      B::store(y, 1, relaxed);
      took_place = pawl::detail::heavy_fence<B>() && took_place;
      saw_x = B::load(x, relaxed);
    });
    reader.join();
    reclaimer.join();
    REQUIRE(took_place);
    REQUIRE((saw_x | saw_y) == 1);
  }
}
