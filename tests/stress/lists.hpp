// SPDX-License-Identifier: BSL-1.0
// What stacks and queues promise alike.
#pragma once

#include <iterator>
#include <optional>
#include <vector>

#include "elements.hpp"
#include "threads.hpp"
#include "worlds.hpp"

namespace stress {

/// A range whose elements are moved from. (Of clang 14, libstdc++'s subrange asks too much.)
template <class T>
struct moved {
  std::vector<T>& all;
  [[nodiscard]] auto begin() const { return std::make_move_iterator(all.begin()); }
  [[nodiscard]] auto end() const { return std::make_move_iterator(all.end()); }
};

/// Threads that put in and take out in every way, a few elements in flight at a time. `in_order`: a thread takes those of one producer
/// in their order.
template <class List>
void mix(trial& trial, List& list, unsigned threads, bool in_order) {
  using element = typename List::value_type;
  std::vector<std::uint64_t> put_in(threads);
  std::vector<takings> taken(threads + 1);
  trial.run(threads, [&](unsigned self) {
    dice chance(self);
    std::uint64_t number = 0;
    takings& mine = taken[self];
    while (trial.goes_on()) {
      for (unsigned i = chance.below(8); i != 0; --i) {
        switch (chance.below(4)) {
          case 0:
            list.emplace(element::make(self, number++));
            break;
          case 1:
            trial.expect(list.try_push(element::make(self, number++)), "try_push failed though the pool is not full");
            break;
          case 2:
            list.push(element::make(self, number++));
            break;
          default: {
            std::vector<element> range;
            for (unsigned k = chance.below(4); k != 0; --k) range.push_back(element::make(self, number++));
            list.push_range(moved<element>{range});
            break;
          }
        }
      }
      for (unsigned i = chance.below(16); i != 0; --i) {
        if (chance.one_in(64)) {
          std::vector<element> all;
          list.pop_all(std::back_inserter(all));
          for (const element& each : all) mine.add(trial, each);
        } else if (chance.one_in(4)) {
          element one = element::make(0, 0);
          if (list.try_pop(one)) mine.add(trial, one);
        } else if (std::optional<element> one = list.try_pop()) {
          mine.add(trial, *one);
        } else {
          static_cast<void>(list.empty());
        }
      }
    }
    put_in[self] = number;
  });
  while (std::optional<element> one = list.try_pop()) taken.back().add(trial, *one);
  trial.expect(list.empty(), "a list is not empty though nothing comes out");
  settle(trial, put_in, taken);
  if (in_order) {
    for (const takings& each : taken) expect_order(trial, each, threads);
  }
}

/// Each thread puts one in and takes one out: there are never fewer elements than threads between the two, so it always finds one.
template <class List>
void put_then_take(trial& trial, List& list, unsigned threads) {
  using element = typename List::value_type;
  trial.run(threads, [&](unsigned self) {
    for (std::uint64_t number = 0; trial.goes_on(); ++number) {
      list.push(element::make(self, number));
      const bool saw_none = list.empty();
      trial.expect(!saw_none, "empty, though this thread has put one in");
      std::optional<element> one = list.try_pop();
      trial.expect(one.has_value(), "nothing to take, though this thread has put one in");
      if (one) trial.expect(one->whole(), "a broken element came out");
    }
  });
  trial.expect(list.empty(), "as many came out as went in, but something is left");
}

/// A fixed pool of as many nodes as there are threads, each of which has at most one: so the pool is never full, and almost always is.
template <class List>
void fill_to_capacity(trial& trial, unsigned threads) {
  using element = typename List::value_type;
  typename List::reclaimer_type pool(threads);
  List list(pool);
  std::vector<std::uint64_t> put_in(threads);
  std::vector<takings> taken(threads);
  trial.run(threads, [&](unsigned self) {
    std::uint64_t number = 0;
    for (; trial.goes_on(); ++number) {
      if (!list.try_push(element::make(self, number))) {
        trial.fail("try_push failed though a node was free");
        break;
      }
      element one = element::make(0, 0);
      trial.expect(list.try_pop(one), "nothing to take, though this thread has put one in");
      taken[self].add(trial, one);
    }
    put_in[self] = number;
  });
  if (trial.failure().empty()) settle(trial, put_in, taken);
  // And it is full when it is full.
  for (unsigned i = 0; i < threads; ++i) trial.expect(list.try_push(element::make(0, i)), "a pool's node is lost");
  trial.expect(!list.try_push(element::make(0, 0)), "a fixed pool holds more than its capacity");
}

/// More threads than nodes: it is full or empty most of the time.
template <class List>
void run_out(trial& trial, unsigned threads, std::size_t capacity) {
  using element = typename List::value_type;
  typename List::reclaimer_type pool(capacity);
  List list(pool);
  std::vector<std::uint64_t> put_in(threads);
  std::vector<takings> taken(threads + 1);
  std::atomic<unsigned> refused{0};
  trial.run(threads, [&](unsigned self) {
    dice chance(self);
    std::uint64_t number = 0;
    unsigned full = 0;
    while (trial.goes_on()) {
      if (chance.one_in(2)) {
        if (list.try_push(element::make(self, number))) {
          ++number;
        } else {
          ++full;
        }
      } else if (std::optional<element> one = list.try_pop()) {
        taken[self].add(trial, *one);
      }
    }
    put_in[self] = number;
    refused += full;
  });
  std::size_t left = 0;
  for (; std::optional<element> one = list.try_pop(); ++left) taken.back().add(trial, *one);
  trial.expect(left <= capacity, "a fixed pool holds more than its capacity");
  trial.expect(refused != 0, "the pool was never full: the test tests nothing");
  settle(trial, put_in, taken);
  for (std::size_t i = 0; i < capacity; ++i) trial.expect(list.try_push(element::make(0, i)), "a pool's node is lost");
  trial.expect(!list.try_push(element::make(0, 0)), "a fixed pool holds more than its capacity");
}

}  // namespace stress
