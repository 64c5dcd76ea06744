// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <pawl/backend.hpp>
#include <pawl/detail/membarrier.hpp>

#include "fences.hpp"

TEST_CASE("a light fence against a heavy one excludes that both threads read the old value") {
  using B = pawl::native;
  struct alignas(pawl::cache_line) {  // nothing of the other thread's is beside it
    bool always = true;
  } took_place;
  const auto heavy = [&] { took_place.always = pawl::detail::heavy_fence<B>() && took_place.always; };
  CHECK(both_read_old_with([] { pawl::detail::light_fence<B>(); }, heavy) == 0);
  CHECK(took_place.always);
}
