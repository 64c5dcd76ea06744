// SPDX-License-Identifier: BSL-1.0
#include <pawl/hash_map.hpp>
#include <pawl/queue.hpp>
#include <pawl/stack.hpp>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <type_traits>
#include <vector>

#include "catch.hpp"
#include "elements.hpp"
#include "threads.hpp"
#include "worlds.hpp"

namespace {

using stress::dice;
using stress::ticket;
using stress::trial;

/// A ticket on the heap that can be copied: a value that is freed while it is read, or read while it is written, shows.
class heap_boxed {
 public:
  explicit heap_boxed(std::uint32_t key, std::uint64_t number = 0) : ticket_(new ticket(ticket::make(key, number))) {}
  heap_boxed(const heap_boxed& other) : ticket_(new ticket(*other.ticket_)) {}
  heap_boxed(heap_boxed&& other) noexcept = default;
  heap_boxed& operator=(const heap_boxed& other) {
    *ticket_ = *other.ticket_;
    return *this;
  }
  heap_boxed& operator=(heap_boxed&& other) noexcept = default;
  ~heap_boxed() {
    if (ticket_) ticket_->check = 0;  // nobody takes it for a whole one any more
  }
  [[nodiscard]] bool whole(std::uint32_t key) const noexcept { return ticket_ && ticket_->whole() && ticket_->producer == key; }
  [[nodiscard]] std::uint64_t number() const noexcept { return ticket_->number; }

 private:
  std::unique_ptr<ticket> ticket_;
};

/// The same for pools, whose readers copy words: one that is torn, or of another key, shows.
class flat_boxed {
 public:
  explicit flat_boxed(std::uint32_t key, std::uint64_t number = 0) noexcept : ticket_(ticket::make(key, number)) {}
  [[nodiscard]] bool whole(std::uint32_t key) const noexcept { return ticket_.whole() && ticket_.producer == key; }
  [[nodiscard]] std::uint64_t number() const noexcept { return ticket_.number; }

 private:
  ticket ticket_;
};

struct spread {
  std::size_t operator()(std::uint32_t key) const noexcept { return key; }
};
struct colliding {
  std::size_t operator()(std::uint32_t) const noexcept { return 7; }
};

// What a world's maps can hold.
template <class World>
using value_in = std::conditional_t<World::reclaimer::reads_may_tear, flat_boxed, heap_boxed>;
template <class World, class Hash>
using map_in = pawl::hash_map<std::uint32_t, value_in<World>, Hash, std::equal_to<std::uint32_t>, typename World::reclaimer>;

// Every thread has keys that it alone changes, among those of others: so all its calls answer as if it were alone.
template <class World, class Hash>
void follow_the_model(std::uint32_t keys_each) {
  using boxed = value_in<World>;
  constexpr unsigned threads = 4;
  trial trial;
  World world;
  {
    auto map = world.template make<map_in<World, Hash>>();
    std::vector<std::map<std::uint32_t, std::uint64_t>> models(threads);
    trial.run(threads, [&](unsigned self) {
      dice chance(self);
      auto& model = models[self];
      for (std::uint64_t number = 1; trial.goes_on(); ++number) {
        const std::uint32_t key = chance.below(keys_each) * threads + self;
        const auto known = model.find(key);
        const bool there = known != model.end();
        std::optional<std::uint64_t> seen;
        const auto see = [&](const std::uint32_t& its_key, const boxed& value) {
          trial.expect(its_key == key && value.whole(key), "a broken element");
          seen = value.number();
        };
        const auto expect = [&](bool right) { trial.expect(right, "a call on one's own key answered as if it were not"); };
        switch (chance.below(14)) {
          case 0:
            expect(map.insert(key, boxed(key, number)) == !there);
            if (!there) model[key] = number;
            break;
          case 1:
            expect(map.try_emplace(key, key, number) == !there);
            if (!there) model[key] = number;
            break;
          case 2:
            expect(map.insert_or_visit(key, boxed(key, number), see) == !there);
            expect(seen.has_value() == there && (!there || *seen == known->second));
            if (!there) model[key] = number;
            break;
          case 3:
            expect(map.insert_or_assign(key, boxed(key, number)) == !there);
            model[key] = number;
            break;
          case 4:
            expect(map.upsert(key, [&](const std::optional<boxed>& old) {
              expect(old.has_value() == there && (!old || (old->whole(key) && old->number() == known->second)));
              return boxed(key, number);
            }) == !there);
            model[key] = number;
            break;
          case 5:
          case 6:
            expect(map.update(key, [&](const boxed& old) {
              expect(there && old.whole(key) && old.number() == known->second);
              return boxed(key, old.number() + 1);
            }) == there);
            if (there) ++known->second;
            break;
          case 7:
          case 8:
            expect(map.erase(key) == there);
            if (there) model.erase(known);
            break;
          case 9: {
            const bool odd = there && known->second % 2 != 0;
            expect(map.erase_if(key, [&](const std::uint32_t& its_key, const boxed& value) {
              see(its_key, value);
              return value.number() % 2 != 0;
            }) == odd);
            if (odd) model.erase(known);
            break;
          }
          case 10:
            expect(map.contains(key) == there);
            break;
          case 11: {
            const std::optional<boxed> found = map.find(key);
            expect(found.has_value() == there && (!there || (found->whole(key) && found->number() == known->second)));
            break;
          }
          case 12:
            expect(map.visit(key, see) == there && (!there || *seen == known->second));
            break;
          default: {  // another's: whatever is there is whole
            const std::uint32_t other = chance.below(keys_each * threads);
            map.visit(other, [&](const std::uint32_t& its_key, const boxed& value) {
              trial.expect(its_key == other && value.whole(other), "a broken element");
              // Functions may use the map: here while the visited element may be erased by its owner.
              static_cast<void>(map.contains(key));
              trial.expect(value.whole(other), "a visited element ended");
            });
            break;
          }
        }
      }
    });
    std::size_t size = 0;
    for (const auto& model : models) {
      size += model.size();
      for (const auto& [key, number] : model) {
        const std::optional<boxed> found = map.find(key);
        trial.expect(found && found->number() == number, "the map is not what its changes make of it");
      }
    }
    trial.expect(map.size() == size, "size() is wrong at rest");
    std::size_t visited = 0;
    map.visit_all([&](const std::uint32_t&, const boxed&) { ++visited; });
    trial.expect(visited == size, "visit_all is wrong at rest");
  }
  REQUIRE(trial.failure() == "");
}

// All threads change the same few keys: each key went in as often as it went out, or once more.
template <class World, class Hash>
void balance(std::uint32_t keys) {
  using boxed = value_in<World>;
  constexpr unsigned threads = 4;
  trial trial;
  World world;
  {
    auto map = world.template make<map_in<World, Hash>>();
    std::vector<std::vector<int>> balances(threads, std::vector<int>(keys));
    trial.run(threads, [&](unsigned self) {
      dice chance(self);
      auto& mine = balances[self];
      const auto check = [&](const std::uint32_t& key, const boxed& value) { trial.expect(value.whole(key), "a broken element"); };
      while (trial.goes_on()) {
        const std::uint32_t key = chance.below(keys);
        switch (chance.below(8)) {
          case 0:
            mine[key] += map.insert(key, boxed(key)) ? 1 : 0;
            break;
          case 1:
            mine[key] += map.insert_or_assign(key, boxed(key)) ? 1 : 0;
            break;
          case 2:
            mine[key] += map.upsert(key, [key](const std::optional<boxed>&) { return boxed(key); }) ? 1 : 0;
            break;
          case 3:
            map.update(key, [&](const boxed& old) {
              check(key, old);
              return boxed(key, old.number() + 1);
            });
            break;
          case 4:
            map.visit(key, check);
            break;
          case 5:
            mine[key] -= map.erase_if(key,
                                      [&](const std::uint32_t& its_key, const boxed& value) {
                                        check(its_key, value);
                                        return value.number() % 2 == 0;
                                      })
                             ? 1
                             : 0;
            break;
          default:
            mine[key] -= map.erase(key) ? 1 : 0;
            break;
        }
      }
    });
    std::size_t size = 0;
    for (std::uint32_t key = 0; key < keys; ++key) {
      int sum = 0;
      for (const auto& each : balances) sum += each[key];
      trial.expect(sum == (map.contains(key) ? 1 : 0), "a key went in and out in a way that it can't have");
      size += static_cast<std::size_t>(sum);
    }
    trial.expect(map.size() == size, "size() is wrong at rest");
  }
  REQUIRE(trial.failure() == "");
}

template <class World, class Hash>
void count_up() {
  using boxed = value_in<World>;
  constexpr unsigned threads = 4;
  constexpr std::uint32_t keys = 3;
  trial trial;
  World world;
  auto map = world.template make<map_in<World, Hash>>();
  std::vector<std::uint64_t> counts(threads);
  map.insert(0U, boxed(0));
  trial.run(threads, [&](unsigned self) {
    dice chance(self);
    std::uint64_t counted = 0;
    std::uint64_t last[keys] = {};
    for (; trial.goes_on(); ++counted) {
      const std::uint32_t key = chance.below(keys);
      if (key == 0) {
        const bool there = map.update(key, [](const boxed& old) { return boxed(0, old.number() + 1); });
        trial.expect(there, "update found nothing");
      } else {
        map.upsert(key, [key](const std::optional<boxed>& old) { return boxed(key, old ? old->number() + 1 : 1); });
      }
      map.visit(key, [&](const std::uint32_t&, const boxed& value) {
        trial.expect(value.whole(key), "a broken element");
        trial.expect(value.number() > last[key], "a counter went back");
        last[key] = value.number();
      });
    }
    counts[self] = counted;
  });
  std::uint64_t expected = 0;
  for (const std::uint64_t each : counts) expected += each;
  std::uint64_t sum = 0;
  map.visit_all([&](const std::uint32_t&, const boxed& value) { sum += value.number(); });
  trial.expect(sum == expected, "an increment is lost");
  trial.expect(map.size() == keys, "updates changed the size");
  REQUIRE(trial.failure() == "");
}

template <class World>
void grow() {
  using boxed = value_in<World>;
  constexpr unsigned threads = 4;
  trial trial;
  World world;
  auto map = world.template make<map_in<World, spread>>();
  std::vector<std::uint32_t> inserted(threads);
  trial.run(threads, [&](unsigned self) {
    dice chance(self);
    std::uint32_t count = 0;
    while (trial.goes_on()) {
      for (unsigned i = 0; i < 32; ++i) {
        const std::uint32_t key = count++ * threads + self;
        trial.expect(map.insert(key, boxed(key)), "a new key was there already");
        const std::uint32_t earlier = chance.below(count) * threads + self;
        const std::optional<boxed> found = map.find(earlier);
        trial.expect(found && found->whole(earlier), "a key is lost as the map grows");
      }
    }
    inserted[self] = count;
  });
  std::size_t size = 0;
  for (unsigned self = 0; self < threads; ++self) {
    size += inserted[self];
    for (std::uint32_t i = 0; i < inserted[self]; ++i)
      trial.expect(map.contains(i * threads + self), "a key is lost as the map grows");
  }
  trial.expect(map.size() == size, "size() is wrong at rest");
  trial.expect(map.bucket_count() * 16 >= size, "the map has grown too little");
  trial.expect(map.bucket_count() > 1, "the map has not grown");
  std::vector<char> seen(size * threads);
  map.visit_all([&](const std::uint32_t& key, const boxed&) { trial.expect(seen.at(key)++ == 0, "a key is there twice"); });
  REQUIRE(trial.failure() == "");
}

// Keys below `lasting` stay; others come and go if `erasing`. Whoever looks at all finds each that stays once.
template <class World, class Hash>
void visit_everything(std::uint32_t lasting, bool erasing) {
  using boxed = value_in<World>;
  constexpr unsigned threads = 4;
  trial trial;
  World world;
  auto map = world.template make<map_in<World, Hash>>();
  for (std::uint32_t key = 0; key < lasting; ++key) map.insert(key, boxed(key));
  trial.run(threads, [&](unsigned self) {
    dice chance(self);
    while (trial.goes_on()) {
      if (self == 0) {
        std::set<std::uint32_t> seen;
        std::uint32_t stayed = 0;
        map.visit_all([&](const std::uint32_t& key, const boxed& value) {
          trial.expect(value.whole(key), "a broken element");
          trial.expect(seen.insert(key).second, "visit_all came twice to one key");
          if (key < lasting) ++stayed;
        });
        trial.expect(stayed == lasting, "visit_all missed a key that stays");
        continue;
      }
      const std::uint32_t key = chance.below(lasting);
      if (chance.one_in(2)) {
        map.update(key, [key](const boxed& old) { return boxed(key, old.number() + 1); });
      } else {
        map.insert_or_assign(key, boxed(key));
      }
      if (!erasing) continue;
      const std::uint32_t fleeting = lasting + chance.below(lasting * 4);
      if (chance.one_in(2)) {
        map.insert(fleeting, boxed(fleeting));
      } else {
        map.erase(fleeting);
      }
    }
  });
  REQUIRE(trial.failure() == "");
}

// What a thread put in before it calls clear() is gone afterwards, if nobody else touches those keys.
template <class World>
void clear_up() {
  using boxed = value_in<World>;
  constexpr unsigned threads = 3;
  trial trial;
  World world;
  auto map = world.template make<map_in<World, spread>>();
  trial.run(threads, [&](unsigned self) {
    dice chance(self);
    while (trial.goes_on()) {
      const std::uint32_t count = chance.below(20);
      for (std::uint32_t i = 0; i < count; ++i) map.insert(i * threads + self, boxed(i * threads + self));
      map.clear();
      for (std::uint32_t i = 0; i < count; ++i) trial.expect(!map.contains(i * threads + self), "clear() left a key");
    }
  });
  map.clear();
  trial.expect(map.empty(), "size() is wrong at rest");
  REQUIRE(trial.failure() == "");
}

}  // namespace

TEMPLATE_TEST_CASE("each key of a map follows its sequential model", "", stress::default_hazards, stress::own_hazards,
                   stress::builtin_hazards, stress::restless_hazards, stress::own_epochs, stress::restless_epochs, stress::own_pool,
                   stress::builtin_pool, stress::small_fixed_pool, stress::restless_pool, stress::restless_small_pool) {
  follow_the_model<TestType, spread>(32);
}

TEMPLATE_TEST_CASE("keys that share one hash follow their sequential models", "", stress::default_hazards, stress::restless_hazards,
                   stress::shared_pool, stress::restless_pool, stress::restless_small_pool) {
  follow_the_model<TestType, colliding>(3);
}

TEMPLATE_TEST_CASE("a key goes into a map as often as it goes out", "", stress::default_hazards, stress::restless_hazards,
                   stress::shared_pool, stress::restless_pool, stress::restless_small_pool) {
  balance<TestType, spread>(6);
}

TEMPLATE_TEST_CASE("keys that share one hash go in as often as out", "", stress::default_hazards, stress::restless_hazards,
                   stress::shared_pool, stress::restless_pool, stress::restless_small_pool) {
  balance<TestType, colliding>(6);
}

TEMPLATE_TEST_CASE("no update of a map's value is lost", "", stress::default_hazards, stress::restless_hazards, stress::shared_pool,
                   stress::restless_pool, stress::restless_small_pool) {
  count_up<TestType, spread>();
  count_up<TestType, colliding>();
}

TEMPLATE_TEST_CASE("a map grows while it is in use", "", stress::default_hazards, stress::builtin_hazards,
                   stress::restless_hazards) {
  grow<TestType>();
}

TEMPLATE_TEST_CASE("visit_all comes once to every key that stays", "", stress::default_hazards, stress::restless_hazards,
                   stress::restless_epochs, stress::shared_pool, stress::restless_pool, stress::restless_small_pool) {
  visit_everything<TestType, spread>(40, true);
}

TEMPLATE_TEST_CASE("visit_all comes once to every key that stays, of those that share a hash", "", stress::default_hazards,
                   stress::restless_hazards, stress::shared_pool, stress::restless_pool, stress::restless_small_pool) {
  visit_everything<TestType, colliding>(8, false);
}

TEMPLATE_TEST_CASE("clear leaves nothing that was there before", "", stress::default_hazards, stress::restless_hazards,
                   stress::shared_pool, stress::restless_pool, stress::restless_small_pool) {
  clear_up<TestType>();
}

namespace {

// A pool with room for fewer elements than there are keys: it is full most of the time, and afterwards has room for as many as ever.
template <class B>
void fill_up() {
  constexpr unsigned threads = 4;
  constexpr std::size_t capacity = 8;
  constexpr std::uint32_t keys = 16;
  trial trial;
  pawl::tagged_pool<B> nodes(capacity);
  {
    pawl::hash_map<std::uint32_t, flat_boxed, spread, std::equal_to<std::uint32_t>, pawl::tagged_pool<B>> map(nodes);
    std::vector<std::int64_t> balances(threads);
    std::vector<std::uint64_t> refused(threads);
    trial.run(threads, [&](unsigned self) {
      dice chance(self);
      while (trial.goes_on()) {
        const std::uint32_t key = chance.below(keys);
        switch (chance.below(4)) {
          case 0:
            balances[self] -= map.erase(key) ? 1 : 0;
            break;
          case 1:  // also of a full pool
            map.update(key, [&](const flat_boxed& old) {
              trial.expect(old.whole(key), "a broken element");
              return flat_boxed(key, old.number() + 1);
            });
            break;
          default: {
            bool there = false;
            const bool inserted = map.insert_or_visit(key, flat_boxed(key), [&](const std::uint32_t&, const flat_boxed& value) {
              trial.expect(value.whole(key), "a broken element");
              there = true;
            });
            balances[self] += inserted ? 1 : 0;
            refused[self] += !inserted && !there ? 1 : 0;
            break;
          }
        }
      }
    });
    std::int64_t sum = 0;
    std::uint64_t all_refused = 0;
    for (unsigned self = 0; self < threads; ++self) {
      sum += balances[self];
      all_refused += refused[self];
    }
    trial.expect(map.size() == static_cast<std::size_t>(sum) && map.size() <= capacity, "the size is wrong at rest");
    trial.expect(all_refused > 0, "the pool was never full");
    for (std::uint32_t key = keys; map.insert(key, flat_boxed(key)); ++key) {
    }
    trial.expect(map.size() == capacity, "an insert fails though there is room, or there is more room than there was");
    // Also beyond the capacity all are back: so many updates at a time as ever.
    map.clear();
    for (std::uint32_t key = 0; map.insert(key, flat_boxed(key)); ++key) {
    }
    trial.expect(map.size() == capacity, "an insert fails though there is room, or there is more room than there was");
  }
  {
    std::vector<std::unique_ptr<pawl::queue<std::uint64_t, pawl::tagged_pool<B>>>> queues;
    for (std::size_t i = 0; i < pawl::tagged_pool<B>::max_queues; ++i) {
      queues.push_back(std::make_unique<pawl::queue<std::uint64_t, pawl::tagged_pool<B>>>(nodes));
    }
  }
  REQUIRE(trial.failure() == "");
}

// Maps, a queue and a stack on one pool, whose nodes go from one to the other all the time.
template <class World>
void share_a_pool() {
  using reclaimer = typename World::reclaimer;
  constexpr unsigned threads = 4;
  trial trial;
  World world;
  {
    auto map = world.template make<map_in<World, colliding>>();
    auto other_map = world.template make<pawl::hash_map<std::uint32_t, std::uint32_t, colliding, std::equal_to<>, reclaimer>>();
    auto queue = world.template make<pawl::queue<ticket, reclaimer>>();
    auto stack = world.template make<pawl::stack<ticket, reclaimer>>();
    std::vector<std::int64_t> balances(threads);  // of what is in the queue and the stack
    trial.run(threads, [&](unsigned self) {
      dice chance(self);
      while (trial.goes_on()) {
        const std::uint32_t key = chance.below(3) * threads + self;
        const bool inserted = map.insert(key, flat_boxed(key));
        trial.expect(inserted, "a call on one's own key answered as if it were not");
        other_map.insert_or_assign(key, key);
        if (chance.one_in(2)) {
          queue.push(ticket::make(7, key));
          ++balances[self];
        }
        if (chance.one_in(2)) {
          stack.push(ticket::make(8, key));
          ++balances[self];
        }
        map.visit(chance.below(3 * threads),
                  [&](std::uint32_t its_key, const flat_boxed& value) { trial.expect(value.whole(its_key), "a broken element"); });
        if (const std::optional<std::uint32_t> found = other_map.find(key)) trial.expect(*found == key, "another key's value");
        if (const std::optional<ticket> one = queue.try_pop()) {
          trial.expect(one->whole() && one->producer == 7, "what a queue never had");
          --balances[self];
        }
        trial.expect(map.erase(key), "a call on one's own key answered as if it were not");
        trial.expect(other_map.erase(key), "a call on one's own key answered as if it were not");
        if (const std::optional<ticket> one = stack.try_pop()) {
          trial.expect(one->whole() && one->producer == 8, "what a stack never had");
          --balances[self];
        }
      }
    });
    std::int64_t left = 0;
    for (const std::int64_t each : balances) left += each;
    while (queue.try_pop()) --left;
    while (stack.try_pop()) --left;
    trial.expect(left == 0, "an element is lost, or there twice");
    trial.expect(map.empty() && other_map.empty(), "a map has what was erased");
  }
  REQUIRE(trial.failure() == "");
}

}  // namespace

TEMPLATE_TEST_CASE("a map over a full pool has room again for as many as are erased", "", pawl::native, pawl::backend::builtin,
                   stress::restless) {
  fill_up<TestType>();
}

TEMPLATE_TEST_CASE("maps, a queue and a stack share a pool", "", stress::shared_pool, stress::fixed_pool, stress::restless_pool,
                   stress::restless_fixed_pool) {
  share_a_pool<TestType>();
}
