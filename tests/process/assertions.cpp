// SPDX-License-Identifier: BSL-1.0
// Mistakes that an assertion names: a domain that ends before its container, a thread that would wait for itself.
#include <fcntl.h>

#include <csignal>
#include <optional>

#include <pawl/rcu.hpp>

#include "catch.hpp"
#include "forked.hpp"
#include "libraries/plugin.hpp"

namespace {

// -SIGABRT where an assertion ends it.
template <class F>
int end_of_child(F f) {
  return in_forked_child([&f] {
    std::signal(SIGABRT, SIG_DFL);  // Catch2's own handler would report it
    dup2(open("/dev/null", O_WRONLY), 2);
    f();
    return 0;
  });
}

template <class Domain>
int end_of(bool domain_first) {
  return end_of_child([domain_first] {
    std::optional<Domain> domain(std::in_place);
    std::optional<pawl::stack<int, Domain>> stack(std::in_place, *domain);
    if (!domain_first) stack.reset();
    domain.reset();
  });
}

}  // namespace

TEST_CASE("a domain that ends before its container is caught by an assertion") {
  CHECK(end_of<pawl::hazard_pointers<>>(true) == -SIGABRT);
  CHECK(end_of<pawl::epochs<>>(true) == -SIGABRT);
  CHECK(end_of<pawl::tagged_pool<>>(true) == -SIGABRT);
  CHECK(end_of<pawl::hazard_pointers<>>(false) == 0);
  CHECK(end_of<pawl::epochs<>>(false) == 0);
  CHECK(end_of<pawl::tagged_pool<>>(false) == 0);
}

TEST_CASE("who would wait for itself is caught by an assertion, as is an end without a beginning") {
  using pawl::epochs;
  const auto in_a_section = [](auto f) {
    return end_of_child([f] {
      epochs<> domain;
      domain.lock();
      f(domain);
    });
  };
  CHECK(in_a_section([](epochs<>& d) { d.unlock(); }) == 0);
  CHECK(in_a_section([](epochs<>& d) { rcu_synchronize(d); }) == -SIGABRT);
  CHECK(in_a_section([](epochs<>& d) { rcu_barrier(d); }) == -SIGABRT);
  const auto beside_a_reader = [](auto f) {
    return end_of_child([f] {
      epochs<> domain;
      epochs<>::reader kept(domain);
      kept.lock();
      f(domain, kept);
      kept.unlock();
    });
  };
  CHECK(beside_a_reader([](auto& /*d*/, auto& /*kept*/) {}) == 0);
  CHECK(beside_a_reader([](auto& d, auto& /*kept*/) { rcu_synchronize(d); }) == -SIGABRT);
  CHECK(beside_a_reader([](auto& d, auto& /*kept*/) { rcu_barrier(d); }) == -SIGABRT);
  CHECK(beside_a_reader([](auto& /*d*/, auto& kept) { kept.unlock(); }) == -SIGABRT);
  CHECK(end_of_child([] {
          epochs<> domain;
          epochs<>::reader kept(domain);
          kept.lock();
        }) == -SIGABRT);
  CHECK(end_of_child([] {
          epochs<> domain;
          domain.unlock();
        }) == -SIGABRT);
  CHECK(end_of_child([] {
          epochs<> domain;
          int object = 0;
          rcu_retire(&object, [&domain](int*) { rcu_barrier(domain); }, domain);
          domain.reclaim();
        }) == -SIGABRT);
}
