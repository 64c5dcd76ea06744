// SPDX-License-Identifier: BSL-1.0
#include <pawl/fence.hpp>

#include <atomic>
#include <type_traits>

#include "fences.hpp"
#include "minimal_backend.hpp"
#include "verify.hpp"

namespace {

constexpr auto relaxed = std::memory_order_relaxed;
using light_fence = void(std::memory_order) noexcept;
static_assert(std::is_same_v<decltype(pawl::asymmetric_thread_fence_light<>), light_fence>);
static_assert(std::is_same_v<decltype(pawl::asymmetric_thread_fence_heavy<>), light_fence>);

}  // namespace

TEMPLATE_TEST_CASE("of a light fence and a heavy one, not both threads read the old value", "", pawl::native,
                   pawl::backend::builtin, minimal_backend) {
  using B = TestType;
  const std::size_t both_old =
      both_read_old_with([] { pawl::asymmetric_thread_fence_light<B>(); }, [] { pawl::asymmetric_thread_fence_heavy<B>(); });
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
