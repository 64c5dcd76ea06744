// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <limits>

#include <pawl/tagged.hpp>

TEST_CASE("next names the new value and counts the tag up") {
  int object = 0;
  const pawl::tagged<int*> first{&object, 7};
  CHECK(first.next(nullptr) == pawl::tagged<int*>{nullptr, 8});
  CHECK_FALSE(first.next(&object) == first);
  static_assert(alignof(pawl::tagged<int*>) == 2 * sizeof(int*));
}

TEST_CASE("a tag wraps to zero without overflow") {
  constexpr pawl::tagged<std::uint32_t> last{1, std::numeric_limits<std::uint32_t>::max()};
  static_assert(last.next(2) == pawl::tagged<std::uint32_t>{2, 0});
  CHECK(last.next(2).tag == 0);
}
