// SPDX-License-Identifier: BSL-1.0
// A program and a library that it is linked with are one: what a thread begins in the one it may end in the other.
#include <thread>

#include "catch.hpp"
#include "process/libraries/linked.hpp"

TEST_CASE("a program and the library that it is linked with have the same domains") {
  CHECK(linked::hazard_domain() == &pawl::hazard_pointer_default_domain());
  CHECK(linked::rcu_domain() == &pawl::rcu_default_domain());
}

TEST_CASE("a critical section that began in a library ends in the program, and the other way round") {
  auto& domain = pawl::rcu_default_domain();
  bool ended = false;
  const auto retire = [&ended](auto how) {
    auto* const retired = new linked::object;
    ended = false;
    retired->ended = &ended;
    how(*retired);
  };
  const auto frees = [&ended, &domain] {
    domain.reclaim();
    return ended;
  };
  linked::begin_section();
  retire([](linked::object& retired) { linked::retire(retired); });
  CHECK_FALSE(frees());
  domain.unlock();
  CHECK(frees());
  domain.lock();
  retire([](linked::object& retired) { retired.retire(); });
  CHECK_FALSE(frees());
  linked::end_section();
  CHECK(frees());
  CHECK(domain.stats().records == 1);
}

TEST_CASE("a thread of the program and one in a library wait for each other") {
  pawl::atomic<int> turn{0};
  std::thread other([&] { linked::answer(turn); });
  for (int i = 0; i < 100; i += 2) {
    for (int seen = turn.load(); seen != i; seen = turn.load()) turn.wait(seen);
    turn.store(i + 1);
    turn.notify_one();
  }
  other.join();
  CHECK(turn.load() == 100);
}
