// SPDX-License-Identifier: BSL-1.0
// Two shared libraries and one domain, also where another compiler made the second.
#include <thread>
#include <vector>

#include "catch.hpp"
#include "forked.hpp"
#include "opened.hpp"

namespace {

std::vector<const char*> with_foreign(std::vector<const char*> paths) {
  if (*PAWL_FOREIGN_PLUGIN != '\0') paths.push_back(PAWL_FOREIGN_PLUGIN);
  return paths;
}

}  // namespace

TEST_CASE("libraries whose symbols are resolved together have one default domain") {
  for (const char* const path : with_foreign({PAWL_OTHER_PLUGIN, PAWL_PLUGIN_HIDDEN})) {
    INFO(path);
    const opened first(PAWL_PLUGIN, RTLD_GLOBAL);
    const opened second(path, RTLD_GLOBAL);
    CHECK(first.default_domain() == second.default_domain());
    CHECK(first.use_containers());
    CHECK(second.use_containers());
    for (int i = 0; i < 100; ++i) second.use_containers();
    CHECK(second.default_records() <= 2);  // wherever the dynamic linker led the calls of each
    first.reclaim();
    second.reclaim();
  }
}

TEST_CASE("libraries that share no symbols share a container by its address, and its domain with it") {
  const char* const path = GENERATE(from_range(with_foreign({PAWL_OTHER_PLUGIN})));
  INFO(path);
  const opened first(PAWL_PLUGIN, RTLD_LOCAL);
  const opened second(path, RTLD_LOCAL);
  CHECK(first.default_domain() != second.default_domain());
  pawl::hazard_pointers<> domain;
  {
    shared_stack stack(domain);
    long sum = 0;
    long other_sum = 0;
    const auto use = [&stack](const opened& push, const opened& pop, long& total) {
      for (int i = 1; i <= 20000; ++i) {
        push.push(stack, i);
        int taken = -1;
        while (taken == -1) taken = pop.pop(stack);
        total += taken;
      }
    };
    std::thread other([&] { use(second, first, other_sum); });
    use(first, second, sum);
    other.join();
    CHECK(sum + other_sum == 2L * 20000 * 20001 / 2);
  }
  // Both threads have been there through both libraries, this one perhaps first when the other had gone.
  CHECK(domain.stats().records >= 2);
  CHECK(domain.stats().records <= 4);
  domain.reclaim();
  CHECK(domain.stats().retired == 40000);
}

TEST_CASE("a thread has a record of its own through each library") {
  const opened first(PAWL_PLUGIN, RTLD_LOCAL);
  const opened second(PAWL_OTHER_PLUGIN, RTLD_LOCAL);
  pawl::hazard_pointers<> domain;
  const void* const mine = first.slot_of(domain);
  CHECK(first.slot_of(domain) == mine);
  CHECK(second.slot_of(domain) != mine);
  domain.reclaim();  // a third, the program's own
  CHECK(domain.stats().records == 3);
}

TEST_CASE("libraries that share no symbols know of each other's sections without a record, in a fork's child, too") {
  const opened first(PAWL_PLUGIN, RTLD_LOCAL);
  const opened second(PAWL_OTHER_PLUGIN, RTLD_LOCAL);
  CHECK(first.use_containers());  // and so is told of forks
  CHECK(second.use_containers());
  pawl::detail::section_count<pawl::native> sections;
  const auto any = [&] { return second.function<any_sections_function>("plugin_any_section")(sections); };
  first.function<change_sections_function>("plugin_open_section")(sections);
  CHECK(any());
  CHECK(in_forked_child([&] {
          const int in_mine = any() ? 1 : 0;
          first.function<change_sections_function>("plugin_close_section")(sections);
          return 10 * in_mine + (any() ? 1 : 0);
        }) == 10);
  second.function<change_sections_function>("plugin_close_section")(sections);
  CHECK(!any());
}
