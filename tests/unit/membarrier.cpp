// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <pawl/backend.hpp>
#include <pawl/detail/membarrier.hpp>

#include "store_buffering.hpp"

TEST_CASE("a light fence against a heavy one excludes that both threads read the old value") {
  using B = pawl::native;
  bool took_place = true;
  const unsigned both_old =
      both_read_old([] { pawl::detail::light_fence<B>(); }, [&] { took_place = pawl::detail::heavy_fence<B>() && took_place; }, 64);
  CHECK(took_place);
  CHECK(both_old == 0);
}
