// SPDX-License-Identifier: BSL-1.0
// Threads that end: what they leave behind.
#include <malloc.h>

#include <atomic>
#include <thread>

#include "catch.hpp"
#include "libraries/plugin.hpp"

namespace {

template <class Domain>
struct base_of;
template <>
struct base_of<pawl::hazard_pointers<>> {
  template <class T>
  using type = pawl::hazard_pointer_obj_base<T>;
};
template <>
struct base_of<pawl::epochs<>> {
  template <class T>
  using type = pawl::rcu_obj_base<T>;
};

template <class Domain>
struct object : base_of<Domain>::template type<object<Domain>> {
  explicit object(std::atomic<int>& counter) : freed(&counter) {}
  ~object() { ++*freed; }
  std::atomic<int>* freed;
};

}  // namespace

TEMPLATE_TEST_CASE("what an ended thread had retired is freed by the next that reclaims", "", pawl::hazard_pointers<>,
                   pawl::epochs<>) {
  const bool has_record = GENERATE(true, false);  // else it gets the ended thread's
  TestType domain;
  if (has_record) domain.reclaim();
  std::atomic<int> freed{0};
  std::thread([&] {
    for (int i = 0; i < 10; ++i) (new object<TestType>(freed))->retire({}, domain);
  }).join();
  CHECK(freed == 0);
  domain.reclaim();
  CHECK(freed == 10);
}

TEMPLATE_TEST_CASE("thousands of short threads leave few records and no memory", "", pawl::hazard_pointers<>, pawl::epochs<>) {
  TestType domain;
  pawl::tagged_pool<> pool;
  pawl::stack<int, TestType> stack(domain);
  pawl::queue<int, pawl::tagged_pool<>> queue(pool);
  bool right = true;
  std::size_t early = 0;
  const auto live = [] { return static_cast<std::size_t>(mallinfo2().uordblks); };
  for (int i = 0; i < 5000; ++i) {
    std::thread([&] {
      stack.push(i);
      queue.push(i);
      right = stack.try_pop() == i && queue.try_pop() == i && right;
    }).join();
    if (i == 500) {
      domain.reclaim();
      early = live();
    }
  }
  domain.reclaim();
  const std::size_t late = live();
  CHECK(right);
  CHECK(domain.stats().records <= 2);
  CHECK(late <= early + 4096);
}

TEMPLATE_TEST_CASE("a container ends while its domain lives on, with what it had retired", "", pawl::hazard_pointers<>,
                   pawl::epochs<>) {
  TestType domain;
  for (int i = 0; i < 100; ++i) {
    pawl::stack<int, TestType> stack(domain);
    stack.push(1);
    stack.push(2);
    CHECK(stack.try_pop() == 2);
  }
  domain.reclaim();
  const auto stats = domain.stats();
  CHECK(stats.retired == stats.reclaimed);
  CHECK(stats.retired >= 100);
}
