// SPDX-License-Identifier: BSL-1.0
// push_aggregated and pop_aggregated, lane by lane. Not under TSan: it doesn't follow our fibers, and they are one real thread.
#include "catch.hpp"

#include <pawl/detail/config.hpp>

#if !PAWL_TSAN

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include <pawl/cuda.hpp>

#include "warp_lanes.hpp"

namespace {

using lanes::block_of_threads;
using pool = pawl::tagged_pool<lanes::backend>;
using stack = pawl::stack<unsigned, pool>;
using queue = pawl::queue<unsigned, pool>;

template <class Container>
bool push(unsigned mask, Container& to, typename Container::value_type value) {
  return pawl::detail::push_for_all<lanes::warp>(mask, to, value);
}
template <class Container>
bool pop(unsigned mask, Container& from, typename Container::value_type& value) {
  return pawl::detail::pop_for_all<lanes::warp>(mask, from, value);
}

/// A block of its own: what threads of an earlier one published is known to all.
template <class Body>
std::string run(unsigned threads, unsigned seed, Body body) {
  lanes::backend::published.clear();
  return block_of_threads(threads, seed).run(body);
}

/// A container over a fixed pool; made and ended in a block of one thread, as the backend wants it.
template <class Container>
class made {
 public:
  explicit made(std::size_t capacity) {
    REQUIRE(run(1, 1, [&] {
              nodes_ = std::make_unique<pool>(capacity);
              values_ = std::make_unique<Container>(*nodes_);
            }).empty());
  }
  made(const made&) = delete;
  made& operator=(const made&) = delete;
  ~made() {
    run(1, 1, [&] {
      values_.reset();
      nodes_.reset();
    });
  }
  Container& operator*() { return *values_; }
  std::vector<typename Container::value_type> drain() {
    std::vector<typename Container::value_type> all;
    REQUIRE(run(1, 1, [&] {
              while (const auto each = values_->try_pop()) all.push_back(*each);
            }).empty());
    return all;
  }
  /// How many values fit; they are left in it.
  std::size_t fill() {
    std::size_t count = 0;
    REQUIRE(run(1, 1, [&] {
              while (values_->try_push({})) ++count;
            }).empty());
    return count;
  }

 private:
  std::unique_ptr<pool> nodes_;
  std::unique_ptr<Container> values_;
};

/// Each thread's mask, of the threads of its warp that are in its branch: one of up to `spread`.
std::vector<unsigned> masks(unsigned threads, unsigned spread, std::mt19937& random) {
  std::vector<unsigned> branch(threads);
  for (unsigned& each : branch) each = static_cast<unsigned>(random()) % spread;
  std::vector<unsigned> result(threads);
  for (unsigned i = 0; i < threads; ++i) {
    for (unsigned j = i / 32 * 32; j < std::min(threads, i / 32 * 32 + 32); ++j) {
      if (branch[i] == branch[j]) result[i] |= 1U << j % 32;
    }
  }
  return result;
}
bool is_first(unsigned thread, unsigned mask) { return (mask & ((1U << thread % 32) - 1)) == 0; }
/// The threads of the group that a thread is in, in the order of lanes.
std::vector<unsigned> group_of(unsigned thread, unsigned mask) {
  std::vector<unsigned> all;
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (((mask >> lane) & 1U) != 0) all.push_back(thread / 32 * 32 + lane);
  }
  return all;
}
unsigned groups_in(const std::vector<unsigned>& mask) {
  unsigned groups = 0;
  for (unsigned i = 0; i < mask.size(); ++i) groups += is_first(i, mask[i]) ? 1 : 0;
  return groups;
}
template <class Container>
constexpr bool is_queue = std::is_same_v<Container, queue>;

}  // namespace

TEMPLATE_TEST_CASE("the threads of a mask push one after the other, in the order of lanes, by one compare-and-swap", "", stack,
                   queue) {
  std::mt19937 random(3);
  for (unsigned seed = 0; seed < 40; ++seed) {
    const unsigned threads = std::vector{1U, 32U, 33U, 70U, 96U}[seed % 5];
    const unsigned spread = seed % 4 + 1;
    const std::vector<unsigned> mask = masks(threads, spread, random);
    CAPTURE(seed, threads, spread);
    made<TestType> values(threads);
    lanes::backend::changes = 0;
    unsigned pushed = 0;
    REQUIRE(run(threads, seed, [&] {
              const unsigned i = lanes::block::rank();
              if (push(mask[i], *values, i)) ++pushed;
            }).empty());
    CHECK(pushed == threads);
    // For the nodes and for the head. A queue's tail is moved by whoever comes, one node at a time by others.
    const unsigned groups = groups_in(mask);
    if (!is_queue<TestType> || groups == 1) CHECK(lanes::backend::changes == groups * (is_queue<TestType> ? 3 : 2));

    // The groups came in some order, each at once.
    std::vector<unsigned> all = values.drain();
    if (!is_queue<TestType>) std::reverse(all.begin(), all.end());
    REQUIRE(all.size() == threads);
    for (unsigned at = 0; at < threads;) {
      REQUIRE(all[at] < threads);
      const std::vector<unsigned> group = group_of(all[at], mask[all[at]]);
      REQUIRE(at + group.size() <= threads);
      for (const unsigned each : group) CHECK(all[at++] == each);
    }
  }
}

TEMPLATE_TEST_CASE("the threads of a mask pop one after the other, in the order of lanes, by one compare-and-swap", "", stack,
                   queue) {
  std::mt19937 random(4);
  for (unsigned seed = 0; seed < 40; ++seed) {
    const unsigned threads = std::vector{1U, 32U, 33U, 70U, 96U}[seed % 5];
    const unsigned spread = seed % 4 + 1;
    const unsigned present = std::vector{0U, 1U, threads / 2, threads, threads + 7}[seed / 5 % 5];
    const std::vector<unsigned> mask = masks(threads, spread, random);
    CAPTURE(seed, threads, spread, present);
    made<TestType> values(threads + 7);
    REQUIRE(run(1, 1, [&] {
              for (unsigned i = 0; i < present; ++i) (*values).push(i);
            }).empty());
    lanes::backend::changes = 0;
    std::vector<unsigned> found(threads, 1000);
    std::vector<char> got(threads);
    REQUIRE(run(threads, seed, [&] {
              const unsigned i = lanes::block::rank();
              got[i] = pop(mask[i], *values, found[i]) ? 1 : 0;
            }).empty());
    unsigned popped = 0;
    unsigned groups_that_popped = 0;
    std::vector<bool> seen(present);
    for (unsigned i = 0; i < threads; ++i) {
      if (!is_first(i, mask[i])) continue;
      const std::vector<unsigned> group = group_of(i, mask[i]);
      groups_that_popped += static_cast<unsigned>(got[i]);
      for (unsigned rank = 0; rank < group.size(); ++rank) {
        const unsigned each = group[rank];
        if (got[each] == 0) {
          CHECK(found[each] == 1000);
          continue;
        }
        // Only the lowest lanes, and each the element next to that of the one before.
        if (rank != 0) {
          CHECK(got[group[rank - 1]] != 0);
          CHECK(found[each] == found[group[rank - 1]] + (is_queue<TestType> ? 1U : ~0U));
        }
        REQUIRE(found[each] < present);
        CHECK(!seen[found[each]]);
        seen[found[each]] = true;
        ++popped;
      }
    }
    CHECK(popped == std::min(threads, present));
    CHECK(lanes::backend::changes == groups_that_popped * 2);
    CHECK(values.drain().size() == present - popped);
    CHECK(values.fill() == threads + 7);
  }
}

TEMPLATE_TEST_CASE("where a pool has too few nodes, the lowest lanes get them", "", stack, queue) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const unsigned capacity = seed;
    const unsigned mask = seed % 2 == 0 ? ~0U : 0x5a0ff0a5U;
    CAPTURE(seed);
    made<TestType> values(capacity);
    // Some of the nodes were used before.
    REQUIRE(run(1, 1, [&] {
              for (unsigned i = 0; i < capacity / 2; ++i) (*values).push(i);
              while ((*values).try_pop()) {
              }
            }).empty());
    std::vector<char> pushed(32);
    REQUIRE(run(32, seed, [&] {
              const unsigned i = lanes::block::rank();
              if (((mask >> i) & 1U) != 0) pushed[i] = push(mask, *values, i) ? 1 : 0;
            }).empty());
    std::vector<unsigned> all = values.drain();
    if (!is_queue<TestType>) std::reverse(all.begin(), all.end());
    std::vector<unsigned> wanted = group_of(0, mask);
    wanted.resize(std::min<std::size_t>(wanted.size(), capacity));
    CHECK(all == wanted);
    for (unsigned i = 0; i < 32; ++i) CHECK((pushed[i] != 0) == (std::find(wanted.begin(), wanted.end(), i) != wanted.end()));
    CHECK(values.fill() == capacity);
  }
}

TEMPLATE_TEST_CASE(
    "what a thread wrote before an aggregated push is there after the aggregated pop, and every element is popped once", "", stack,
    queue) {
  std::mt19937 random(5);
  for (unsigned seed = 0; seed < 60; ++seed) {
    const unsigned threads = std::vector{32U, 40U, 64U}[seed % 3];
    const unsigned capacity = std::vector{3U, 40U, 400U}[seed / 3 % 3];
    constexpr unsigned rounds = 6;
    std::vector<std::vector<unsigned>> mask;
    for (unsigned r = 0; r < rounds; ++r) mask.push_back(masks(threads, static_cast<unsigned>(random()) % 3 + 1, random));
    CAPTURE(seed, threads, capacity);
    made<TestType> values(capacity);
    std::vector<lanes::plain<unsigned>> letters(threads * rounds);
    std::vector<unsigned> taken(threads * rounds);
    std::vector<unsigned> last(threads * threads);
    unsigned pushed = 0;
    unsigned popped = 0;
    bool in_order = true;
    REQUIRE(run(threads, seed, [&] {
              const unsigned i = lanes::block::rank();
              for (unsigned r = 0; r < rounds; ++r) {
                const unsigned mine = i * rounds + r;
                letters[mine] = mine + 1;
                if (push(mask[r][i], *values, mine)) ++pushed;
                unsigned value = 0;
                if (!pop(mask[rounds - 1 - r][i], *values, value)) continue;
                ++popped;
                if (value >= taken.size() || letters[value] != value + 1) block_of_threads::now->mistake("not what was pushed");
                ++taken[value];
                unsigned& before = last[i * threads + value / rounds];
                in_order = in_order && value % rounds >= before;
                before = value % rounds;
              }
            }) == "");
    if (is_queue<TestType>) CHECK(in_order);
    for (const unsigned each : values.drain()) {
      ++taken[each];
      ++popped;
    }
    CHECK(pushed == popped);
    CHECK(pushed > 0);
    CHECK(*std::max_element(taken.begin(), taken.end()) == 1);
    CHECK(values.fill() == capacity);
  }
}

TEMPLATE_TEST_CASE("an aggregated push or pop comes after what each thread did before, and before what it does afterwards", "",
                   stack, queue) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    CAPTURE(seed);
    const unsigned mask = seed % 2 == 0 ? ~0U : 0x80f0a35bU;
    const auto count = static_cast<unsigned>(group_of(0, mask).size());
    made<TestType> values(count);
    std::atomic<unsigned> wrong = 0;
    REQUIRE(run(32, seed, [&] {
              if (((mask >> lanes::block::rank()) & 1U) == 0) return;
              for (unsigned round = 0; round < 3; ++round) {
                unsigned value = 0;
                // Full by each other's pushes, and not any more by each other's pops.
                if (!(*values).try_push(1)) ++wrong;
                if (!pop(mask, *values, value)) ++wrong;
                if (!(*values).try_push(2)) ++wrong;
                lanes::warp::synchronize(mask);
                if (!(*values).try_pop(value)) ++wrong;
                if (!push(mask, *values, 3)) ++wrong;
                if (!(*values).try_pop(value)) ++wrong;
                lanes::warp::synchronize(mask);
              }
            }) == "");
    CHECK(wrong == 0);
  }
}

TEMPLATE_TEST_CASE("nodes go back when all threads have their values: others push as soon as there is room", "", stack, queue) {
  constexpr unsigned rounds = 4;
  for (unsigned seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    made<TestType> values(8);
    std::vector<unsigned> taken(32 * rounds);
    REQUIRE(run(64, seed, [&] {
              const unsigned i = lanes::block::rank();
              for (unsigned r = 0; i >= 32 && r < rounds; ++r) {
                while (!(*values).try_push((i - 32) * rounds + r)) {
                }
              }
              for (unsigned got = 0; i < 32;) {
                unsigned value = 0;
                if (pop(~0U, *values, value) && value < taken.size()) ++taken[value];
                if (lanes::warp::all(~0U, std::count(taken.begin(), taken.end(), 1U) == 32 * rounds || ++got > 4000)) break;
              }
            }) == "");
    CHECK(std::count(taken.begin(), taken.end(), 1U) == 32 * rounds);
    CHECK(values.fill() == 8);
  }
}

TEST_CASE("elements of several words are pushed and popped by a warp") {
  struct wide {
    std::uint64_t words[3];
  };
  made<pawl::queue<wide, pool>> values(100);
  for (unsigned seed = 0; seed < 10; ++seed) {
    REQUIRE(run(64, seed, [&] {
              const std::uint64_t i = lanes::block::rank();
              if (!push(~0U, *values, {{i, i * 3, i * 5}})) block_of_threads::now->mistake("there is room");
              wide value{};
              if (!pop(~0U, *values, value)) block_of_threads::now->mistake("it is not empty");
              const std::uint64_t from = value.words[0];
              if (value.words[1] != from * 3 || value.words[2] != from * 5) block_of_threads::now->mistake("not what was pushed");
            }) == "");
  }
}

#endif
