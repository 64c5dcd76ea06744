// SPDX-License-Identifier: BSL-1.0
// Containers that share a reclaimer, threads that come and go, and reclaimers that come and go while threads stay.
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <pawl/hash_map.hpp>
#include <pawl/queue.hpp>
#include <pawl/stack.hpp>

#include "catch.hpp"
#include "elements.hpp"
#include "threads.hpp"
#include "worlds.hpp"

namespace {

using stress::dice;
using stress::owned_ticket;
using stress::small_ticket;
using stress::takings;
using stress::ticket;
using stress::trial;

/// A list with the books of all threads.
template <class List>
struct audited {
  using element = typename List::value_type;
  List list;
  std::uint32_t place;
  std::vector<std::uint64_t> put_in;
  std::vector<takings> taken;

  template <class World>
  audited(World& world, std::uint32_t its_place, unsigned threads)
      : list(world.template make<List>()), place(its_place), put_in(threads), taken(threads + 1) {}

  void put(unsigned self) { list.push(element::make(self, put_in[self]++, place)); }
  bool take(trial& its_trial, unsigned self) {
    std::optional<element> one = list.try_pop();
    if (one) taken[self].add(its_trial, *one, place);
    return one.has_value();
  }
  void settle(trial& its_trial) {
    while (take(its_trial, static_cast<unsigned>(put_in.size()))) {
    }
    stress::settle(its_trial, put_in, taken);
  }
};

template <class World, class Large>
void share() {
  using reclaimer = typename World::reclaimer;
  constexpr unsigned threads = 4;
  trial trial;
  World world;
  {
    // The first one fixes the size of a pool's nodes.
    audited<pawl::stack<Large, reclaimer>> large_stack(world, 1, threads);
    audited<pawl::queue<Large, reclaimer>> large_queue(world, 2, threads);
    audited<pawl::stack<small_ticket, reclaimer>> small_stack(world, 3, threads);
    audited<pawl::queue<small_ticket, reclaimer>> small_queue(world, 4, threads);
    auto each = std::tie(large_stack, large_queue, small_stack, small_queue);
    trial.run(threads, [&](unsigned self) {
      dice chance(self);
      while (trial.goes_on()) {
        std::apply(
            [&](auto&... one) {
              const auto turn = [&](auto& it) {
                if (chance.one_in(2)) it.put(self);
                if (chance.one_in(2)) it.take(trial, self);
              };
              (turn(one), ...);
            },
            each);
      }
    });
    std::apply([&](auto&... one) { (one.settle(trial), ...); }, each);
  }
  REQUIRE(trial.failure() == "");
}

}  // namespace

TEMPLATE_TEST_CASE("stacks and queues of large and small elements share a pool", "", stress::shared_pool, stress::fixed_pool,
                   stress::restless_pool, stress::restless_fixed_pool) {
  share<TestType, ticket>();
}

TEMPLATE_TEST_CASE("stacks and queues of all kinds of elements share a domain", "", stress::default_hazards, stress::own_hazards,
                   stress::restless_hazards) {
  share<TestType, owned_ticket>();
}

// A thread that lives for a few operations leaves its record, with its garbage, its slots and its cache, to the next.
TEMPLATE_TEST_CASE("threads that start and end all the time lose nothing", "", stress::own_hazards, stress::restless_hazards,
                   stress::shared_pool, stress::restless_pool, stress::own_epochs, stress::restless_epochs) {
  using reclaimer = typename TestType::reclaimer;
  constexpr unsigned spawners = 3;
  trial trial;
  TestType world;
  {
    audited<pawl::stack<ticket, reclaimer>> stack(world, 1, spawners);
    audited<pawl::queue<ticket, reclaimer>> queue(world, 2, spawners);
    trial.run(spawners, [&](unsigned self) {
      dice chance(self);
      while (trial.goes_on()) {
        const unsigned operations = chance.below(64);
        std::thread([&] {
          for (unsigned i = 0; i < operations; ++i) {
            if (i % 3 != 2) {
              stack.put(self);
              queue.put(self);
            } else {
              stack.take(trial, self);
              queue.take(trial, self);
            }
          }
          // More than they put in, from time to time: so what one thread leaves is popped by another.
          for (unsigned i = 0; i < operations; ++i) {
            if (!stack.take(trial, self) && !queue.take(trial, self)) break;
          }
        }).join();
      }
    });
    stack.settle(trial);
    queue.settle(trial);
  }
  if constexpr (requires { world.domain.reclaim(); }) {
    world.domain.reclaim();
    const auto stats = world.domain.stats();
    trial.expect(stats.retired == stats.reclaimed, "what ended threads retired is not freed");
    trial.expect(stats.records <= 4 * spawners, "ended threads' records are not taken over");
  }
  REQUIRE(trial.failure() == "");
}

// What a thread_local's destructor does comes after main's part of a thread, and before the thread's record is given up.
TEST_CASE("containers work in the destructors of a thread's variables") {
  trial trial;
  stress::own_hazards world;
  {
    audited<pawl::queue<owned_ticket>> queue(world, 1, 4);
    trial.run(4, [&](unsigned self) {
      while (trial.goes_on()) {
        std::thread([&] {
          struct last_words {
            std::function<void()> say;
            ~last_words() {
              if (say) say();
            }
          };
          thread_local last_words words;
          words.say = [&] {
            queue.put(self);
            queue.take(trial, self);
          };
          queue.put(self);
        }).join();
      }
    });
    queue.settle(trial);
  }
  world.domain.reclaim();
  trial.expect(world.domain.stats().retired == world.domain.stats().reclaimed, "what ended threads retired is not freed");
  REQUIRE(trial.failure() == "");
}

TEMPLATE_TEST_CASE("containers come and go while others of their domain are in use", "", stress::default_hazards,
                   stress::own_hazards, stress::restless_hazards, stress::shared_pool, stress::fixed_pool, stress::restless_pool,
                   stress::restless_fixed_pool) {
  using reclaimer = typename TestType::reclaimer;
  constexpr unsigned threads = 4;
  trial trial;
  TestType world;
  {
    audited<pawl::queue<ticket, reclaimer>> queue(world, 1, threads);
    trial.run(threads, [&](unsigned self) {
      dice chance(self);
      while (trial.goes_on()) {
        if (self < 2) {
          queue.put(self);
          queue.take(trial, self);
          continue;
        }
        auto stack_of_mine = world.template make<pawl::stack<ticket, reclaimer>>();
        auto queue_of_mine = world.template make<pawl::queue<ticket, reclaimer>>();
        const std::uint64_t count = chance.below(40);
        for (std::uint64_t i = 0; i < count; ++i) {
          stack_of_mine.push(ticket::make(self, i, 2));
          queue_of_mine.push(ticket::make(self, i, 3));
        }
        // What is left goes with its container.
        for (std::uint64_t i = 0; i < count / 2; ++i) {
          const auto newest = stack_of_mine.try_pop();
          const auto oldest = queue_of_mine.try_pop();
          trial.expect(newest && newest->whole() && newest->place == 2 && newest->number == count - 1 - i, "a stack of one's own");
          trial.expect(oldest && oldest->whole() && oldest->place == 3 && oldest->number == i, "a queue of one's own");
        }
      }
    });
    queue.settle(trial);
  }
  REQUIRE(trial.failure() == "");
}

// A new domain may stand where the old one stood; threads must not take it for the old one.
TEMPLATE_TEST_CASE("threads outlive domains", "", pawl::hazard_pointers<>, pawl::tagged_pool<>) {
  constexpr unsigned threads = 3;
  struct world {
    TestType domain;
    pawl::stack<std::uint64_t, TestType> stack{domain};
    pawl::queue<std::uint64_t, TestType> queue{domain};
  };
  trial trial;
  std::optional<world> current;
  std::atomic<unsigned> round{0};  // odd: the world is up
  std::atomic<unsigned> done{0};
  trial.run(threads + 1, [&](unsigned self) {
    if (self == threads) {
      std::uint64_t sum = 0;
      while (trial.goes_on()) {
        current.emplace();
        round.fetch_add(1, std::memory_order_release);
        while (done.load(std::memory_order_acquire) != threads) std::this_thread::yield();
        done.store(0, std::memory_order_relaxed);
        round.fetch_add(1, std::memory_order_release);
        while (const auto one = current->stack.try_pop()) sum += *one;
        while (const auto one = current->queue.try_pop()) sum -= *one;
        trial.expect(sum == 0, "something is lost");
        current.reset();
      }
      current.emplace();
      round.store(~0U, std::memory_order_release);
      return;
    }
    for (unsigned seen = 0;;) {
      unsigned now = round.load(std::memory_order_acquire);
      while (now == seen || now % 2 == 0) {
        std::this_thread::yield();
        now = round.load(std::memory_order_acquire);
      }
      if (now == ~0U) break;
      seen = now;
      for (std::uint64_t i = 1; i < 20; ++i) {
        current->stack.push(i);
        current->queue.push(i);
      }
      for (unsigned i = 0; i < 5; ++i) {
        const auto one = current->stack.try_pop();
        trial.expect(one.has_value(), "nothing to take, though this thread has put one in");
        current->stack.push(*one);
        const auto other = current->queue.try_pop();
        trial.expect(other.has_value(), "nothing to take, though this thread has put one in");
        current->queue.push(*other);
      }
      done.fetch_add(1, std::memory_order_release);
    }
  });
  REQUIRE(trial.failure() == "");
}
