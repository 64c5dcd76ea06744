// SPDX-License-Identifier: BSL-1.0
// A domain that ends before its container is a mistake that an assertion names.
#include <fcntl.h>

#include <csignal>
#include <optional>

#include "catch.hpp"
#include "forked.hpp"
#include "libraries/plugin.hpp"

namespace {

template <class Domain>
int end_of(bool domain_first) {
  return in_forked_child([domain_first] {
    std::signal(SIGABRT, SIG_DFL);  // Catch2's own handler would report it
    dup2(open("/dev/null", O_WRONLY), 2);
    std::optional<Domain> domain(std::in_place);
    std::optional<pawl::stack<int, Domain>> stack(std::in_place, *domain);
    if (!domain_first) stack.reset();
    domain.reset();
    return 0;
  });
}

}  // namespace

TEST_CASE("a domain that ends before its container is caught by an assertion") {
  CHECK(end_of<pawl::hazard_pointers<>>(true) == -SIGABRT);
  CHECK(end_of<pawl::tagged_pool<>>(true) == -SIGABRT);
  CHECK(end_of<pawl::hazard_pointers<>>(false) == 0);
  CHECK(end_of<pawl::tagged_pool<>>(false) == 0);
}
