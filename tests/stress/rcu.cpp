// SPDX-License-Identifier: BSL-1.0
#include <pawl/rcu.hpp>

#include <array>
#include <mutex>
#include <thread>

#include "catch.hpp"
#include "threads.hpp"
#include "worlds.hpp"

namespace {

using stress::dice;
using stress::trial;

/// An object that shows whether it lives.
struct fish : pawl::rcu_obj_base<fish> {
  explicit fish(std::uint64_t its_number) : number(its_number), twin(its_number) {}
  fish(const fish&) = delete;
  fish& operator=(const fish&) = delete;
  // volatile: or else the compiler drops what nobody may read
  ~fish() { *const_cast<volatile std::uint64_t*>(&tail) = 0; }
  [[nodiscard]] bool swims() const noexcept {
    return *const_cast<const volatile std::uint64_t*>(&tail) == wagging && number == twin;
  }

  static constexpr std::uint64_t wagging = 0x0123456789abcdef;
  std::uint64_t tail = wagging;
  std::uint64_t number;
  std::uint64_t twin;
};

// Two read in sections, nested and long; two replace, and free in every way, one of them on threads that end soon.
template <class B>
void replace_and_read(pawl::epochs<B>& domain) {
  trial trial;
  {
    std::array<pawl::atomic<fish*, B>, 2> places;
    for (auto& each : places) each.store(new fish(0));
    trial.run(5, [&](unsigned self) {
      dice chance(self);
      typename std::remove_reference_t<decltype(domain)>::reader kept(domain);
      const auto replace = [&](std::uint64_t number) {
        fish* const old = places[chance.below(2)].exchange(new fish(number), std::memory_order_acq_rel);
        switch (chance.below(8)) {
          case 0:
            rcu_synchronize(domain);
            trial.expect(old->swims(), "an object ended that nobody retired");
            delete old;
            break;
          case 1:
            rcu_retire(old, std::default_delete<fish>(), domain);
            break;
          case 2: {
            const std::scoped_lock section(domain);
            old->retire({}, domain);
            trial.expect(old->swims(), "an object ended in the section in which it was retired");
            break;
          }
          case 3:
            old->retire({}, domain);
            rcu_barrier(domain);
            break;
          case 4:
            old->retire({}, domain);
            domain.reclaim();
            break;
          default:
            old->retire({}, domain);
        }
      };
      for (std::uint64_t number = 1; trial.goes_on(); ++number) {
        if (self == 0) {
          replace(number);
        } else if (self == 1) {
          std::thread([&] {
            for (unsigned i = 0; i < 8; ++i) replace(number);
          }).join();
        } else if (self == 2) {
          kept.lock();
          const fish* const found = places[0].load(std::memory_order_acquire);
          trial.expect(found->swims(), "an object ended in a kept reader's section");
          if (chance.one_in(4)) std::this_thread::yield();
          domain.lock();
          const fish* const other = places[1].load(std::memory_order_acquire);
          trial.expect(found->swims(), "an object ended in a kept reader's section");
          kept.unlock();
          if (chance.one_in(4)) std::this_thread::yield();
          trial.expect(other->swims(), "an object ended in a section that outlived a kept reader's");
          domain.unlock();
        } else {
          const std::scoped_lock section(domain);
          const fish* const first = places[0].load(std::memory_order_acquire);
          trial.expect(first->swims(), "an object ended in a section");
          if (chance.one_in(4)) std::this_thread::yield();
          {
            const std::scoped_lock nested(domain);
            trial.expect(places[1].load(std::memory_order_acquire)->swims(), "an object ended in a nested section");
          }
          trial.expect(first->swims(), "an object ended when a nested section did");
        }
      }
    });
    for (auto& each : places) delete each.load();
  }
  rcu_barrier(domain);
  trial.expect(domain.stats().retired == domain.stats().reclaimed, "rcu_barrier left something");
  trial.expect(domain.stats().records <= 12, "ended threads' records are not taken over");
  REQUIRE(trial.failure() == "");
}

}  // namespace

TEMPLATE_TEST_CASE("what a critical section has found lives until it ends", "", pawl::native, pawl::backend::builtin,
                   stress::minimal, stress::restless) {
  pawl::epochs<TestType> domain;
  replace_and_read(domain);
}

// Where the system has no membarrier: the light fence is then a full one. No other thread uses pawl while we pretend so.
TEMPLATE_TEST_CASE("epochs protect without membarrier", "", pawl::native, stress::restless) {
  auto& state = pawl::detail::asymmetric;
  const auto before = state.exchange(pawl::detail::asymmetric_state::fallback, std::memory_order_relaxed);
  {
    pawl::epochs<TestType> domain;
    replace_and_read(domain);
  }
  state.store(before, std::memory_order_relaxed);
}
