// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <cstdint>
#include <limits>

#include <pawl/atomic.hpp>
#include <pawl/tagged.hpp>

#include "backends.hpp"

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

TEST_CASE("next of a packed_ptr names the new pointer and counts the tag up") {
  int objects[2];
  const pawl::packed_ptr<int> none;
  CHECK(none.pointer() == nullptr);
  CHECK(none.tag() == 0);
  CHECK(none == pawl::packed_ptr<int>(nullptr, 0));
  const pawl::packed_ptr<int> first(&objects[0], 7);
  CHECK(first.pointer() == &objects[0]);
  CHECK(first.tag() == 7);
  CHECK(first.next(&objects[1]) == pawl::packed_ptr<int>(&objects[1], 8));
  CHECK_FALSE(first.next(&objects[0]) == first);
  CHECK_FALSE(pawl::packed_ptr<int>(&objects[1], 7) == first);
}

TEST_CASE("the tag of a packed_ptr wraps, and never touches the pointer") {
  int object = 0;
  const pawl::packed_ptr<int> last(&object, std::numeric_limits<std::uint16_t>::max());
  CHECK(last.pointer() == &object);
  CHECK(last.tag() == 65535);
  CHECK(last.next(&object) == pawl::packed_ptr<int>(&object, 0));
  auto* const highest = reinterpret_cast<int*>((std::uintptr_t{1} << 48U) - sizeof(int));
  CHECK(pawl::packed_ptr<int>(highest, 65535).pointer() == highest);
  CHECK(pawl::packed_ptr<int>(highest, 65535).tag() == 65535);
}

TEST_CASE("each kind of tagged value fits an atomic, and its tag defeats ABA") {
  int a = 0;
  int b = 0;
  const auto check = [](auto& cell, auto to_b, auto to_a) {
    const auto late = cell.load();
    cell.store(to_b(cell.load()));
    cell.store(to_a(cell.load()));  // the value is back, the tag is not
    auto expected = late;
    CHECK_FALSE(cell.compare_exchange_strong(expected, to_b(late)));
    CHECK(expected == to_a(to_b(late)));
    CHECK(cell.compare_exchange_strong(expected, to_b(expected)));
  };
  where_double_width([&]<class B>() {
    pawl::atomic<pawl::tagged<int*>, B> wide{{&a, 0}};
    check(wide, [&](auto v) { return v.next(&b); }, [&](auto v) { return v.next(&a); });
  });
  pawl::atomic<pawl::tagged<std::uint32_t>> index{{1, 0}};
  check(index, [](auto v) { return v.next(2); }, [](auto v) { return v.next(1); });
  pawl::atomic<pawl::packed_ptr<int>> packed{{&a, 0}};
  check(packed, [&](auto v) { return v.next(&b); }, [&](auto v) { return v.next(&a); });
}
