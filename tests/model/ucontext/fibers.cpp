// SPDX-License-Identifier: BSL-1.0
// The checker over the system's contexts: that it is so, and that a thread finds again what it had when it goes on.
#include <pawl/atomic.hpp>
#include <pawl/model.hpp>

#include <stdexcept>
#include <string>

#include "catch.hpp"

static_assert(!PAWL_MODEL_OWN_SWITCH);

namespace model = pawl::model;

TEST_CASE("a thread that goes on has its registers, and its exceptions in flight") {
  const model::report r = model::check([] {
    pawl::atomic<int, pawl::backend::model> x{0};
    const auto works = [&x](int seed) {
      double sum = seed;
      try {
        throw std::runtime_error(std::to_string(seed));
      } catch (const std::runtime_error& e) {
        sum += x.fetch_add(1) >= 0 ? 0.5 : 0;  // others run here
        model::require(e.what() == std::to_string(seed), "the exception is its own");
      }
      sum += x.fetch_add(1) >= 0 ? 0.25 : 0;
      model::require(sum == seed + 0.75, "the number is its own");
    };
    model::thread a([&] { works(1); });
    model::thread b([&] { works(2); });
    a.join();
    b.join();
    model::require(x.load() == 4, "all have run");
  });
  CHECK(r.ok());
  CHECK(r.complete);
  CHECK(r.executions == 6);
}
