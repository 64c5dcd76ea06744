// SPDX-License-Identifier: BSL-1.0
#include <pawl/backoff.hpp>

#include <type_traits>
#include <vector>

#include "verify.hpp"

namespace {

struct pausing : pawl::backend::builtin {
  static constexpr const char* name = "pausing";
  static inline int pauses = 0;
  static void pause() noexcept { ++pauses; }
};
static_assert(pawl::is_backend<pausing>);

// How often each of n calls pauses.
template <class Backoff>
std::vector<int> pauses_of(int n) {
  std::vector<int> all;
  Backoff backoff;
  for (int i = 0; i < n; ++i) {
    pausing::pauses = 0;
    backoff(pausing{});
    all.push_back(pausing::pauses);
  }
  return all;
}

template <class Backoff>
constexpr bool is_backoff = std::is_nothrow_default_constructible_v<Backoff> && std::is_nothrow_invocable_v<Backoff&> &&
                            std::is_nothrow_invocable_v<Backoff&, pawl::native> && std::is_nothrow_invocable_v<Backoff&, pausing>;
static_assert(is_backoff<pawl::no_backoff> && is_backoff<pawl::exponential_backoff> && is_backoff<pawl::yield_backoff>);
static_assert(is_backoff<pawl::default_backoff>);

}  // namespace

TEST_CASE("no_backoff never pauses") { CHECK(pauses_of<pawl::no_backoff>(5) == std::vector<int>(5, 0)); }

TEST_CASE("exponential_backoff pauses twice as often after each failure, up to a bound") {
  CHECK(pauses_of<pawl::exponential_backoff>(10) == std::vector<int>{1, 2, 4, 8, 16, 32, 64, 64, 64, 64});
}

TEST_CASE("yield_backoff does as much, and then gives the processor away instead") {
  CHECK(pauses_of<pawl::yield_backoff>(10) == std::vector<int>{1, 2, 4, 8, 16, 32, 64, 0, 0, 0});
}

TEST_CASE("a backoff pauses as the default backend does where none is named") {
  pawl::no_backoff none;
  pawl::exponential_backoff exponential;
  pawl::yield_backoff yield;
  for (int i = 0; i < 20; ++i) {
    none();
    exponential();
    yield();
  }
  SUCCEED();
}
