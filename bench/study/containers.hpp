// SPDX-License-Identifier: BSL-1.0
// What threads do with a stack or a queue while it is measured. Operations are counted: a push is one, a pop another.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "pawl/atomic.hpp"
#include "pawl/backoff.hpp"
#include "point.hpp"

namespace study {

// Few enough to stay in the first cache, enough that a queue's two ends aren't the same node.
inline constexpr std::size_t elements_before = 64;
// Of bounded ones: never reached, since full is another question.
inline constexpr std::size_t capacity = 4096;

template <class Container>
std::unique_ptr<Container> make_filled() {
  auto container = std::make_unique<Container>();
  for (std::size_t i = 0; i < elements_before; ++i) container->push(i);
  return container;
}

/// Every thread pushes one and pops one.
template <class Container>
double pairs(const trial& t) {
  const auto container = make_filled<Container>();
  return measure(t, [&](unsigned thread) {
    return [container = container.get(), thread](std::size_t n) {
      Container& c = *container;
      std::uint64_t value = thread;
      for (std::size_t i = 0; i < n; ++i) {
        c.push(value);
        c.pop(value);
        keep(value);
      }
      return 2 * n;
    };
  });
}

/// The same with something else to do in between: a look at the clock before and after, as take_turns has it at a lock.
template <class Container>
double pairs_apart(const trial& t) {
  const auto container = make_filled<Container>();
  return measure(t, [&](unsigned thread) {
    return [container = container.get(), thread](std::size_t n) {
      Container& c = *container;
      std::uint64_t value = thread;
      for (std::size_t i = 0; i < n; ++i) {
        keep(steady::now());
        c.push(value);
        c.pop(value);
        keep(value);
        keep(steady::now());
      }
      return 2 * n;
    };
  });
}

/// The floor: per operation one fetch_add, or one compare-and-swap, on one line that all threads share.
double one_fetch_add_each(const trial& t);
double one_cas_each(const trial& t);
inline void add_floors(points& all, const char* structure, const char* workload, thread_range threads = {}) {
  all.push_back({structure, "floor", "one fetch_add", "none: a bare instruction", workload, one_fetch_add_each, threads});
  all.push_back({structure, "floor", "one CAS", "none: a bare instruction", workload, one_cas_each, threads});
}

/// Each backoff, over a pool: where threads do nothing else, and where they do.
template <template <class> class ContainerWith>
void add_backoffs(points& all, const char* structure, const char* guarantee) {
  const auto add = [&]<class Backoff>(const char* variant) {
    all.push_back({structure, "pawl", variant, guarantee, "push, pop", pairs<ContainerWith<Backoff>>});
  };
  const auto add_apart = [&]<class Backoff>(const char* variant) {
    all.push_back({structure, "pawl", variant, guarantee, "push, pop, 50 ns apart", pairs_apart<ContainerWith<Backoff>>});
  };
  add.template operator()<pawl::no_backoff>("tagged_pool, no_backoff");
  add.template operator()<pawl::exponential_backoff>("tagged_pool, exponential_backoff");
  add.template operator()<pawl::yield_backoff>("tagged_pool, yield_backoff");
  add_floors(all, structure, "push, pop, 50 ns apart");
  add_apart.template operator()<pawl::no_backoff>("tagged_pool, no_backoff");
  add_apart.template operator()<pawl::exponential_backoff>("tagged_pool, exponential_backoff");
  add_apart.template operator()<pawl::yield_backoff>("tagged_pool, yield_backoff");
}

/// One thread pushes and another pops. Every 64 elements the producer looks how far ahead it is, and waits where that is too much: so
/// the queue stays small, and neither is slowed by the looking.
template <class Container>
double one_producer_one_consumer(const trial& t) {
  constexpr std::uint64_t chunk = 64;
  constexpr std::uint64_t most_ahead = capacity / 2;
  const auto container = make_filled<Container>();
  struct alignas(128) {
    std::atomic<std::uint64_t> value{0};
  } popped;
  return measure(t, [&](unsigned thread) {
    return [container = container.get(), &popped = popped.value, thread, mine = std::uint64_t{0}](std::size_t n) mutable {
      Container& c = *container;
      std::size_t done = 0;
      for (std::size_t attempts = 0; attempts < n; ++attempts) {
        std::uint64_t value;
        if (thread == 0) {
          if (mine % chunk == 0 && mine - popped.load(std::memory_order_relaxed) > most_ahead) {
            pawl::native::pause();
            continue;
          }
          c.push(mine++);
        } else if (c.pop(value)) {
          ++mine;
          // The first elements_before were nobody's push.
          if (mine % chunk == 0 && mine > elements_before) popped.store(mine - elements_before, std::memory_order_relaxed);
        } else {
          pawl::native::pause();
          continue;
        }
        ++done;
      }
      return done;
    };
  });
}

}  // namespace study
