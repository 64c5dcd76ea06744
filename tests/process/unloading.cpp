// SPDX-License-Identifier: BSL-1.0
// dlclose really unloads a library that used pawl, whoever used it.
#include <atomic>
#include <thread>

#include "catch.hpp"
#include "opened.hpp"

namespace {

const char* const plugins[] = {PAWL_PLUGIN, PAWL_PLUGIN_HIDDEN};

}  // namespace

TEST_CASE("a library is unloaded after it has reclaimed, as often as it is loaded") {
  for (const char* const path : plugins) {
    for (int i = 0; i < 20; ++i) {
      opened plugin(path, RTLD_LOCAL);
      CHECK(plugin.use_containers());
      plugin.reclaim();
      CHECK(plugin.is_loaded());
      plugin.close();
      CHECK_FALSE(plugin.is_loaded());
    }
  }
}

TEST_CASE("a library that nothing of is used is unloaded, too") {
  opened plugin(PAWL_PLUGIN, RTLD_LOCAL);
  plugin.close();
  CHECK_FALSE(plugin.is_loaded());
}

TEST_CASE("a thread that used a library may live on when it is unloaded, and end later") {
  for (const char* const path : plugins) {
    opened plugin(path, RTLD_LOCAL);
    std::atomic<int> stage{0};
    bool right = false;
    std::thread user([&] {
      right = plugin.use_containers();
      plugin.reclaim();
      stage = 1;
      while (stage != 2) std::this_thread::yield();
    });
    while (stage != 1) std::this_thread::yield();
    CHECK(right);
    plugin.close();
    CHECK_FALSE(plugin.is_loaded());
    stage = 2;
    user.join();
  }
}

TEST_CASE("what threads had through a library is free to adopt when it has gone, and a record for the next one") {
  pawl::hazard_pointers<> domain;
  {
    shared_stack stack(domain);
    for (int i = 0; i < 50; ++i) {
      opened plugin(PAWL_PLUGIN, RTLD_LOCAL);
      plugin.push(stack, i);
      CHECK(plugin.pop(stack) == i);
      plugin.reclaim(domain);  // the code that frees the node is the library's
      plugin.close();
      REQUIRE_FALSE(plugin.is_loaded());
    }
  }
  CHECK(domain.stats().records == 1);
  CHECK(domain.stats().reclaimed == 50);
}

TEST_CASE("the same of an epoch domain, also where a thread that used it through the library lives on") {
  pawl::epochs<> domain;
  std::atomic<int> stage{0};
  for (int i = 0; i < 50; ++i) {
    opened plugin(PAWL_PLUGIN, RTLD_LOCAL);
    bool right = false;
    stage = 0;
    std::thread user([&] {
      right = plugin.use(domain);
      plugin.reclaim(domain);  // the code that frees is the library's
      stage = 1;
      while (stage != 2) std::this_thread::yield();
    });
    while (stage != 1) std::this_thread::yield();
    CHECK(right);
    plugin.close();
    CHECK_FALSE(plugin.is_loaded());
    stage = 2;
    user.join();
  }
  CHECK(domain.stats().records == 1);
  CHECK(domain.stats().retired == 100);
  CHECK(domain.stats().reclaimed == 100);
}
