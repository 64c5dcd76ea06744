// SPDX-License-Identifier: BSL-1.0
// In the child of a fork: what other threads were in the midst of just then, as parts of the domains see it.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>

#include <pawl/hazard_pointer.hpp>
#include <pawl/rcu.hpp>

#include "catch.hpp"
#include "forked.hpp"

namespace {

using backend = pawl::native;
using turn = pawl::detail::turn<backend>;
using record = pawl::detail::epoch_record<backend>;

/// Counts its objects, each of which a domain of either kind takes.
template <template <class...> class Base>
struct counted : Base<counted<Base>> {
  static inline std::atomic<int> alive{0};
  counted() { ++alive; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() { --alive; }
};
template <class T>
using hazard_base = pawl::hazard_pointer_obj_base<T>;
template <class T>
using rcu_base = pawl::rcu_obj_base<T>;

/// An object whose thread's loss takes a while to tell.
struct slow_to_tell {
  std::atomic<bool> begun{false};
  std::atomic<bool> told{false};
  void lost_thread() noexcept {
    begun = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    told = true;
  }
};

/// A record whose lists, one object, a barrier asks for.
struct half_way {
  half_way() {
    if (!mine.begin()) FAIL("nobody takes the lists");
    mine.fresh.push(&object);
    mine.end();
    mine.taken.take(std::memory_order_relaxed);
  }
  record mine;
  pawl::detail::retirable object;
};

}  // namespace

TEST_CASE("a turn that was left behind by a fork is nobody's, and given back only for who had it") {
  turn t;
  CHECK(!t.marked(std::memory_order_relaxed));
  CHECK(!t.end_left_behind());
  CHECK(t.try_take(std::memory_order_relaxed));
  const std::uint32_t here = pawl::detail::process_of<backend>();
  CHECK(t.marked(std::memory_order_relaxed));
  CHECK(!t.end_left_behind());
  CHECK(t.taken(std::memory_order_relaxed));
  CHECK(in_forked_child([&] { return !t.taken(std::memory_order_relaxed) && t.end_left_behind() ? 0 : 1; }) == 0);
  CHECK(in_forked_child([&] {
          if (!t.end_left_behind()) return 1;
          return t.marked(std::memory_order_relaxed) || t.end_left_behind() ? 2 : 0;
        }) == 0);
  CHECK(in_forked_child([&] {
          if (!t.try_take(std::memory_order_relaxed)) return 1;
          t.give_back_of(here, std::memory_order_relaxed);  // not this one's
          return t.taken(std::memory_order_relaxed) ? 0 : 2;
        }) == 0);
  CHECK(in_forked_child([&] {
          t.give_back_of(here, std::memory_order_relaxed);
          return t.marked(std::memory_order_relaxed) ? 1 : 0;
        }) == 0);
  t.give_back_of(here, std::memory_order_relaxed);
  CHECK(!t.marked(std::memory_order_relaxed));
}

TEST_CASE("lists that a vanished barrier was moving are forgotten, and others are not") {
  half_way asked;
  CHECK(!asked.mine.begin());
  CHECK(in_forked_child([&] { return asked.mine.begin() && asked.mine.fresh.size == 1 ? 0 : 1; }) == 0);
  CHECK(in_forked_child([&] {
          // A barrier of the child asks, too.
          asked.mine.taken.take(std::memory_order_relaxed);
          if (asked.mine.begin()) return 1;
          pawl::detail::retired_list<backend> all;
          asked.mine.move_lists(all);
          return all.size == 1 && asked.mine.fresh.first == nullptr ? 0 : 2;
        }) == 0);

  half_way moved_before;
  pawl::detail::retired_list<backend> taken;
  moved_before.mine.move_lists(taken);
  CHECK(taken.size == 1);
  moved_before.mine.fresh.push(&moved_before.object);
  CHECK(in_forked_child([&] { return moved_before.mine.begin() && moved_before.mine.fresh.size == 1 ? 0 : 1; }) == 0);

  half_way moved;
  moved.mine.moving.take(std::memory_order_relaxed);
  moved.mine.fresh.size = 17;  // half done
  CHECK(in_forked_child(
            [&] { return moved.mine.begin() && moved.mine.fresh.first == nullptr && moved.mine.fresh.size == 0 ? 0 : 1; }) == 0);
  CHECK(in_forked_child([&] {
          moved.mine.taken.take(std::memory_order_relaxed);
          pawl::detail::retired_list<backend> all;
          moved.mine.move_lists(all);
          return all.first == nullptr && all.size == 0 ? 0 : 1;
        }) == 0);
  CHECK(in_forked_child([&] {
          pawl::detail::retired_list<backend> all;
          moved.mine.take_lists(all);  // as a domain's end does
          return all.first == nullptr && all.size == 0 ? 0 : 1;
        }) == 0);
  CHECK(in_forked_child([&] {
          if (!moved.mine.begin()) return 1;
          moved.mine.fresh.push(&moved.object);
          moved.mine.end();
          // Forgotten once, not again.
          return moved.mine.begin() && moved.mine.fresh.size == 1 ? 0 : 2;
        }) == 0);
}

TEST_CASE("who asks for the end of lost threads waits for one that sees to it") {
  using objects = pawl::detail::host_per_thread<slow_to_tell>;
  CHECK(in_forked_child([] {
          objects all;
          std::atomic<int> stage{0};
          std::thread owner([&] {
            static_cast<void>(all.get([] { return new slow_to_tell; }));
            stage = 1;
            while (stage != 2) std::this_thread::yield();
          });
          while (stage != 1) std::this_thread::yield();
          slow_to_tell* only = nullptr;
          all.for_each([&only](slow_to_tell& each) { only = &each; });
          const int in_child = in_forked_child([&] {
            std::thread adopts([&all] { static_cast<void>(all.get([] { return new slow_to_tell; })); });
            while (!only->begun) std::this_thread::yield();
            all.end_lost();
            const bool told = only->told;
            adopts.join();
            return told ? 0 : 1;
          });
          const int for_itself = in_forked_child([&] {
            all.end_lost();
            return only->told ? 0 : 1;
          });
          stage = 2;
          owner.join();
          delete only;
          return 10 * in_child + for_itself;
        }) == 0);
}

TEST_CASE("a domain that ends in a child ends what the forking thread had retired, and not what vanished ones had") {
  const auto alive_after = [](auto make_domain, auto retire, auto& alive) {
    alive = 0;
    auto* const domain = make_domain();
    std::atomic<int> stage{0};
    std::thread other([&] {
      retire(*domain);
      stage = 1;
      while (stage != 2) std::this_thread::yield();
    });
    while (stage != 1) std::this_thread::yield();
    retire(*domain);
    retire(*domain);
    const int in_child = in_forked_child([&] {
      const int before = alive;
      delete domain;
      return 10 * before + alive;
    });
    stage = 2;
    other.join();
    delete domain;
    return 100 * in_child + alive;
  };
  CHECK(alive_after([] { return new pawl::hazard_pointers<>; },
                    [](pawl::hazard_pointers<>& in) { (new counted<hazard_base>)->retire({}, in); },
                    counted<hazard_base>::alive) == 3100);
  CHECK(alive_after([] { return new pawl::epochs<>; }, [](pawl::epochs<>& in) { (new counted<rcu_base>)->retire({}, in); },
                    counted<rcu_base>::alive) == 3100);
}

TEST_CASE("a barrier's deleter may fork: both processes go on, and have barriers again") {
  pawl::epochs<> domain;
  counted<rcu_base>::alive = 0;
  static std::optional<int> child_said;
  child_said.reset();
  (new counted<rcu_base>)->retire({}, domain);
  static int anything = 0;
  static bool in_child = false;
  rcu_retire(
      &anything,
      [](int*) {
        const pid_t child = fork();
        if (child == 0) {
          alarm(20);
          in_child = true;
          return;
        }
        int status = 0;
        waitpid(child, &status, 0);
        child_said = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
      },
      domain);
  rcu_barrier(domain);
  const auto works = [&] {
    std::thread other([&] {
      (new counted<rcu_base>)->retire({}, domain);
      rcu_barrier(domain);
    });
    other.join();
    (new counted<rcu_base>)->retire({}, domain);
    rcu_barrier(domain);
    return counted<rcu_base>::alive == 0;
  };
  if (in_child) _exit(works() ? 0 : 1);
  CHECK(child_said == 0);
  CHECK(works());
}
