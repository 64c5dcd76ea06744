// SPDX-License-Identifier: BSL-1.0
#include <pawl/fence.hpp>

#include <atomic>
#include <thread>
#include <type_traits>

#include <pawl/atomic.hpp>
#include <pawl/backoff.hpp>

#include "minimal_backend.hpp"
#include "verify.hpp"

namespace {

constexpr auto relaxed = std::memory_order_relaxed;
using light_fence = void(std::memory_order) noexcept;
static_assert(std::is_same_v<decltype(pawl::asymmetric_thread_fence_light<>), light_fence>);
static_assert(std::is_same_v<decltype(pawl::asymmetric_thread_fence_heavy<>), light_fence>);

// Two threads that start together, round by round.
template <class B, class First, class Second>
void together(pawl::atomic<unsigned, B>& ready, First first, Second second) {
  const auto meet = [&ready] {
    ready.fetch_add(1);
    pawl::yield_backoff backoff;
    while (ready.load() % 2 != 0) backoff(B{});
  };
  std::thread other([&] {
    meet();
    second();
  });
  meet();
  first();
  other.join();
}

}  // namespace

TEMPLATE_TEST_CASE("of a light fence and a heavy one, not both threads read the old value", "", pawl::native,
                   pawl::backend::builtin, minimal_backend) {
  using B = TestType;
  unsigned both_old = 0;
  pawl::atomic<unsigned, B> ready{0};
  for (int round = 0; round < 500; ++round) {
    pawl::atomic<int, B> x{0}, y{0};
    int saw_x = 1, saw_y = 1;
    together(
        ready,
        [&] {
          x.store(1, relaxed);
          pawl::asymmetric_thread_fence_light<B>();
          saw_y = y.load(relaxed);
        },
        [&] {
          y.store(1, relaxed);
          pawl::asymmetric_thread_fence_heavy<B>();
          saw_x = x.load(relaxed);
        });
    both_old += saw_x + saw_y == 0 ? 1U : 0U;
  }
  CHECK(both_old == 0);
}

namespace {

struct noting : pawl::backend::builtin {
  static constexpr const char* name = "noting";
  static inline std::memory_order last = relaxed;
  static inline int fences = 0;
  static void thread_fence(std::memory_order order) noexcept {
    last = order;
    ++fences;
    builtin::thread_fence(order);
  }
};

}  // namespace

TEST_CASE("asymmetric fences of weaker orders are plain fences of that order") {
  for (const auto order : {std::memory_order_acquire, std::memory_order_release, std::memory_order_acq_rel}) {
    noting::last = relaxed;
    pawl::asymmetric_thread_fence_light<noting>(order);
    CHECK(noting::last == order);
    noting::last = relaxed;
    pawl::asymmetric_thread_fence_heavy<noting>(order);
    CHECK(noting::last == order);
  }
  noting::fences = 0;
  pawl::asymmetric_thread_fence_heavy<noting>();
  CHECK(noting::fences == 1);
  CHECK(noting::last == std::memory_order_seq_cst);
}

TEST_CASE("a light fence is free once a heavy one has settled that the system offers membarrier") {
  pawl::asymmetric_thread_fence_heavy<noting>();
  const bool is_free = pawl::environment<noting>::settle_fences() == pawl::detail::asymmetric_state::membarrier;
  noting::fences = 0;
  pawl::asymmetric_thread_fence_light<noting>();
  CHECK(noting::fences == (is_free ? 0 : 1));
}
