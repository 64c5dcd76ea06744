// SPDX-License-Identifier: BSL-1.0
// hash_map and hash_set over tagged_pool.
#include <pawl/hash_map.hpp>
#include <pawl/queue.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory_resource>
#include <new>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "elements.hpp"
#include "minimal_backend.hpp"
#include "verify.hpp"

namespace {

using fixed_or_growing = pawl::tagged_pool<>;
template <class Hash = std::hash<int>, class B = pawl::native>
using int_map = pawl::hash_map<int, int, Hash, std::equal_to<int>, pawl::tagged_pool<B>>;
using plain_map = std::map<int, int>;
using optional_int = std::optional<int>;

struct constant_hash {
  std::size_t operator()(int) const noexcept { return 42; }
};
// Orders of all bits zero, and of all bits one.
struct extreme_hash {
  std::size_t operator()(int key) const noexcept { return key % 2 == 0 ? 0 : 0xfb75c2e5b6adc88aU; }
};

template <class Map>
plain_map contents(const Map& map) {
  plain_map all;
  bool twice = false;
  map.visit_all([&](const int& k, const int& v) { twice = !all.emplace(k, v).second || twice; });
  verify(!twice);
  verify(map.size() == all.size());
  verify(map.empty() == all.empty());
  return all;
}

template <class Map>
void every_member_does_what_it_says(Map& map) {
  verify(map.empty());
  verify(!map.contains(1));
  verify(map.find(1) == std::nullopt);
  verify(!map.erase(1));
  verify(!map.update(1, [](int) { return 1; }));
  verify(!map.visit(1, [](const int&, const int&) {}));
  map.visit_all([](const int&, const int&) { verify(false); });
  map.clear();

  const int one = 1;
  verify(map.insert(one, 10));
  verify(!map.insert(1, 11));
  verify(map.find(1) == 10);
  verify(map.try_emplace(2, 20));
  verify(!map.try_emplace(2, 21));
  verify(map.try_emplace(3));  // an int(), zero
  verify(map.insert_or_assign(4, 40));
  verify(!map.insert_or_assign(4, 41));
  verify(!map.insert_or_assign(3, 30));
  verify(contents(map) == plain_map{{1, 10}, {2, 20}, {3, 30}, {4, 41}});
  verify(map.contains(4));
  verify(!map.contains(5));

  int visits = 0;
  verify(map.visit(2, [&](const int& k, const int& v) { visits += k * 1000 + v; }));
  verify(visits == 2020);
  verify(!map.insert_or_visit(2, 99, [&](const int& k, const int& v) { visits += k + v; }));
  verify(visits == 2042);
  verify(map.insert_or_visit(5, 50, [&](const int&, const int&) { visits = -1; }));
  verify(visits == 2042);
  verify(map.update(5, [](const int& v) { return v + 1; }));
  verify(map.find(5) == 51);
  verify(map.upsert(6, [](const optional_int& old) { return old ? -1 : 60; }));
  verify(!map.upsert(6, [](const optional_int& old) { return old ? *old + 1 : -1; }));
  verify(map.find(6) == 61);

  verify(map.erase(1));
  verify(!map.erase(1));
  verify(!map.erase_if(2, [](const int& k, const int& v) { return k != 2 || v != 20; }));
  verify(map.erase_if(2, [](const int& k, const int& v) { return k == 2 && v == 20; }));
  verify(contents(map) == plain_map{{3, 30}, {4, 41}, {5, 51}, {6, 61}});
  map.clear();
  verify(contents(map).empty());
  verify(map.insert(3, 31));
  verify(contents(map) == plain_map{{3, 31}});
  map.clear();
}

template <class Map>
void follows_a_sequential_map(Map& map, int keys, int steps, std::size_t room = ~std::size_t{0}) {
  std::mt19937 random(12345);
  plain_map model;
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  bool right = true;
  for (int i = 0; i < steps && right; ++i) {
    const int k = pick(keys);
    const bool there = model.contains(k);
    const bool full = model.size() == room;
    switch (pick(8)) {
      case 0:
      case 1:
        right = map.insert(k, i) == (!there && !full);
        if (!full) model.emplace(k, i);
        break;
      case 2:
        if (full && !there) break;
        right = map.insert_or_assign(k, i) == !there;
        model[k] = i;
        break;
      case 3:
        right = map.update(k, [](int v) { return v + 1; }) == there;
        if (there) ++model[k];
        break;
      case 4:
        if (full && !there) break;
        right = map.upsert(k, [](const optional_int& v) { return v.value_or(0) + 1; }) == !there;
        ++model[k];
        break;
      case 5:
        right = map.find(k) == (there ? optional_int(model[k]) : std::nullopt);
        break;
      default:
        right = map.erase(k) == there;
        model.erase(k);
        break;
    }
    right = right && map.size() == model.size();
  }
  verify(right);
  verify(contents(map) == model);
}

}  // namespace

TEMPLATE_TEST_CASE("every member of a hash_map over a pool does what it says", "", pawl::native, pawl::backend::builtin,
                   minimal_backend) {
  pawl::tagged_pool<TestType> fixed(10);
  int_map<std::hash<int>, TestType> bounded(fixed);
  every_member_does_what_it_says(bounded);
  int_map<std::hash<int>, TestType> unbounded;
  every_member_does_what_it_says(unbounded);
  int_map<constant_hash, TestType> in_one_run(fixed);
  every_member_does_what_it_says(in_one_run);
  int_map<extreme_hash, TestType> at_the_ends(fixed, 1);
  every_member_does_what_it_says(at_the_ends);
}

TEMPLATE_TEST_CASE("a hash_map over a pool does what a sequential map does, however bad the hash and however full the pool", "",
                   std::hash<int>, constant_hash, extreme_hash) {
  for (const std::size_t room : {std::size_t{1}, std::size_t{7}, std::size_t{20}}) {
    fixed_or_growing nodes(room);
    int_map<TestType> map(nodes);
    follows_a_sequential_map(map, 30, 20000, room);
    int_map<TestType> growing;
    follows_a_sequential_map(growing, 300, 5000);
  }
}

TEST_CASE("a hash_map over a fixed pool has room for as many elements as the pool, at any time, and says so") {
  for (const int capacity : {1, 2, 3, 64, 100}) {
    fixed_or_growing nodes(static_cast<std::size_t>(capacity));
    CHECK(nodes.capacity() == static_cast<std::size_t>(capacity));
    int_map<> map(nodes);
    CHECK(map.bucket_count() >= nodes.capacity());
    CHECK(map.bucket_count() < 2 * nodes.capacity());
    bool right = true;
    // Each round uses nodes that were given back in another order: as elements, as replacements, and as what a full pool needs for them.
    for (int round = 0; round < 20; ++round) {
      for (int key = 0; key < capacity; ++key) right = map.insert(key * 7, round) && right;
      right = map.size() == nodes.capacity() && right;
      bool visited = false;
      right = !map.insert(-1, 0) && !map.try_emplace(-1, 0) && right;
      right = !map.insert_or_visit(-1, 0, [&](int, int) { visited = true; }) && !visited && right;
      right = !map.insert_or_visit(0, 0, [&](int, int) { visited = true; }) && visited && right;
      // Replacing needs no room.
      for (int key = 0; key < capacity; ++key) {
        right = map.update(key * 7, [](int v) { return v + 1; }) && right;
        right = !map.insert_or_assign(key * 7, round) && !map.upsert(key * 7, [](optional_int v) { return *v + 2; }) && right;
        right = map.find(key * 7) == round + 2 && right;
      }
      const auto refused = [&right](auto operation) {
        try {
          operation();
          right = false;
        } catch (const std::bad_alloc&) {
        }
      };
      refused([&] { map.insert_or_assign(-1, 0); });
      refused([&] { map.upsert(-1, [](optional_int) { return 0; }); });
      right = map.size() == nodes.capacity() && !map.contains(-1) && right;
      // Each that goes makes room for one.
      right = map.erase(0) && map.insert(-1, 1) && !map.insert(0, 1) && map.erase(-1) && map.insert_or_assign(0, 1) && right;
      if (round % 3 == 0) {
        map.clear();
      } else {
        for (int key = 0; key < capacity; ++key) right = map.erase((round % 3 == 1 ? key : capacity - 1 - key) * 7) && right;
      }
      right = map.empty() && right;
    }
    CHECK(right);
  }
  fixed_or_growing none(0);
  int_map<> nothing(none);
  CHECK_FALSE(nothing.insert(1, 1));
  CHECK(nothing.empty());
}

TEST_CASE("updates take turns with the nodes to spare, and where none is left they take one of the capacity") {
  fixed_or_growing nodes(2);
  int_map<> map(nodes);
  CHECK(map.insert(1, 10));
  {
    std::vector<std::unique_ptr<pawl::queue<int, fixed_or_growing>>> queues;
    for (std::size_t i = 0; i < fixed_or_growing::max_queues; ++i) {
      queues.push_back(std::make_unique<pawl::queue<int, fixed_or_growing>>(nodes));
    }
    CHECK(map.update(1, [](int v) { return v + 1; }));
    CHECK(map.insert(2, 20));
    CHECK_THROWS_AS(map.update(1, [](int v) { return v + 1; }), std::bad_alloc);
    CHECK_THROWS_AS(map.insert_or_assign(1, 0), std::bad_alloc);
    CHECK(contents(map) == plain_map{{1, 11}, {2, 20}});
    CHECK_FALSE(map.update(3, [](int v) { return v; }));
  }
  CHECK(map.update(1, [](int v) { return v + 1; }));
  CHECK_FALSE(map.insert(3, 30));
  CHECK(map.erase(2));
  CHECK(map.insert(3, 30));
  CHECK(contents(map) == plain_map{{1, 12}, {3, 30}});
}

TEST_CASE("a function that works on the map in the midst of a change finds it whole, and the change is made to what it left") {
  fixed_or_growing nodes(8);
  int_map<constant_hash> map(nodes);
  for (int key = 0; key < 4; ++key) map.insert(key, key);
  // The element that f is asked about goes and comes back meanwhile, in the same node and before the same: the end.
  int calls = 0;
  CHECK(map.update(3, [&](int v) {
    if (++calls == 1) {
      map.erase(3);
      map.insert(3, 100);
    }
    return v + 1;
  }));
  CHECK(calls == 2);
  CHECK(map.find(3) == 101);
  // So do those around it.
  calls = 0;
  CHECK(map.update(2, [&](int v) {
    for (const int key : {1, 3, 0}) {
      if (calls++ >= 3) break;
      map.erase(key);
      map.insert(key, 10 * key);
    }
    return v + 1;
  }));
  CHECK(contents(map) == plain_map{{0, 0}, {1, 10}, {2, 3}, {3, 30}});
  CHECK_FALSE(map.erase_if(2, [&](int, int v) {
    map.insert_or_assign(2, v + 1);
    return v == 3;
  }));
  CHECK(map.find(2) == 5);  // pred was asked again, of 4
  // The same for a key that isn't there yet: another insert of it comes first.
  struct late {
    int_map<constant_hash>& map;
    operator int() const {  // NOLINT(google-explicit-constructor)
      map.erase(3);
      map.insert(7, 70);
      return 71;
    }
  };
  CHECK_FALSE(map.try_emplace(7, late{map}));
  CHECK(contents(map).at(7) == 70);
  // visit_all may miss one of the same hash while another is erased.
  while (!map.empty()) map.visit_all([&](int key, int) { map.erase(key); });
  CHECK(map.empty());
  for (int key = 0; key < 8; ++key) CHECK(map.insert(key, key));
  CHECK_FALSE(map.insert(8, 8));
}

namespace {

struct nervous {
  static inline bool throws = false;
  int number;
  explicit nervous(int n) : number(n) {
    if (throws) throw thrown{};
  }
};
struct nervous_equal {
  static inline bool throws = false;
  bool operator()(int a, int b) const {
    if (throws) throw thrown{};
    return a == b;
  }
};
struct nervous_hash {
  static inline bool throws = false;
  std::size_t operator()(int key) const {
    if (throws) throw thrown{};
    return static_cast<std::size_t>(key % 2);
  }
};

}  // namespace

TEST_CASE(
    "what a constructor, a comparison, a hash or a function throws passes through, and neither an element nor a node is lost") {
  static_assert(std::is_trivially_copyable_v<nervous>);
  fixed_or_growing nodes(4);
  pawl::hash_map<int, nervous, nervous_hash, nervous_equal, fixed_or_growing> map(nodes);
  for (int key = 0; key < 3; ++key) map.try_emplace(key, key);
  const auto fails = [&](bool& cause, auto operation) {
    for (int i = 0; i < 100; ++i) {
      cause = true;
      bool threw = false;
      try {
        operation();
      } catch (const thrown&) {
        threw = true;
      }
      cause = false;
      verify(threw);
    }
    verify(map.size() == 3 && map.try_emplace(9, 9) && !map.try_emplace(10, 10) && map.erase(9));
  };
  fails(nervous::throws, [&] { map.try_emplace(5, 5); });
  fails(nervous::throws, [&] { map.update(1, [](const nervous& v) { return nervous(v.number + 1); }); });
  fails(nervous::throws, [&] { map.upsert(1, [](const std::optional<nervous>&) { return nervous(1); }); });
  fails(nervous::throws, [&] { map.upsert(5, [](const std::optional<nervous>&) { return nervous(1); }); });
  for (bool* cause : {&nervous_equal::throws, &nervous_hash::throws}) {
    const nervous value(1);
    fails(*cause, [&] { map.insert(1, value); });
    fails(*cause, [&] { map.insert_or_assign(1, value); });
    fails(*cause, [&] { map.update(1, [](const nervous& v) { return v; }); });
    fails(*cause, [&] { map.erase(1); });
    fails(*cause, [&] { static_cast<void>(map.find(1)); });
  }
  bool no_cause = false;
  fails(no_cause, [&] { map.visit(1, [](int, const nervous&) { throw thrown{}; }); });
  fails(no_cause, [&] { map.visit_all([](int, const nervous&) { throw thrown{}; }); });
  fails(no_cause, [&] { map.erase_if(1, [](int, const nervous&) -> bool { throw thrown{}; }); });
  fails(no_cause, [&] { map.update(1, [](const nervous&) -> nervous { throw thrown{}; }); });
  CHECK(map.find(1)->number == 1);
}

TEST_CASE("keys and values of several words, of one byte, and over-aligned ones") {
  using wide = std::array<std::uint64_t, 5>;
  struct wide_hash {
    std::size_t operator()(const wide& key) const noexcept { return static_cast<std::size_t>(key[4]); }
  };
  pawl::hash_map<wide, wide, wide_hash, std::equal_to<wide>, fixed_or_growing> map;
  bool right = true;
  for (std::uint64_t i = 0; i < 200; ++i) right = map.insert(wide{1, 2, 3, i, i / 4}, wide{i, i + 1, i + 2, i + 3, i + 4}) && right;
  for (std::uint64_t i = 0; i < 200; ++i) {
    right = map.find(wide{1, 2, 3, i, i / 4}) == wide{i, i + 1, i + 2, i + 3, i + 4} && right;
    right = !map.contains(wide{1, 2, 4, i, i / 4}) && right;
  }
  CHECK(right);
  pawl::hash_map<unsigned char, bool, std::hash<unsigned char>, std::equal_to<>, fixed_or_growing> small;
  for (unsigned i = 0; i < 256; ++i) small.insert(static_cast<unsigned char>(i), i % 3 == 0);
  CHECK(small.size() == 256);
  CHECK(small.find(std::uint8_t{9}) == true);
  CHECK(small.find(std::uint8_t{10}) == false);
  struct alignas(64) aligned {
    int value;
  };
  pawl::hash_map<int, aligned, std::hash<int>, std::equal_to<>, fixed_or_growing> far;
  CHECK(far.insert(1, aligned{5}));
  CHECK(far.visit(1, [](int, const aligned& v) { verify(v.value == 5 && reinterpret_cast<std::uintptr_t>(&v) % 64 == 0); }));
}

TEST_CASE("a hash_map over a pool lives in memory that the caller provides, and allocates nothing else once it is there") {
  alignas(64) static std::array<std::byte, 64 * 1024> memory;
  std::pmr::monotonic_buffer_resource resource(memory.data(), memory.size(), std::pmr::null_memory_resource());
  using pool = pawl::tagged_pool<pawl::native, std::pmr::polymorphic_allocator<std::byte>>;
  pool nodes(100, &resource);
  pawl::hash_map<int, int, std::hash<int>, std::equal_to<int>, pool> map(nodes);
  const std::size_t before = allocations::of_this_thread();
  bool right = true;
  for (int round = 0; round < 3; ++round) {
    for (int key = 0; key < 100; ++key) right = map.insert(key, key) && map.update(key, [](int v) { return v + 1; }) && right;
    right = !map.insert(100, 0) && map.size() == 100 && right;
    for (int key = 0; key < 100; ++key) right = map.erase(key) && right;
  }
  const std::size_t after = allocations::of_this_thread();
  CHECK(right);
  CHECK(after == before);
  // Too little for the buckets: nothing has happened, and the pool is as it was.
  std::pmr::monotonic_buffer_resource short_of(memory.data(), 8 * 1024, std::pmr::null_memory_resource());
  pool scarce(100, &short_of);
  using larger = pawl::hash_map<int, std::array<long, 20>, std::hash<int>, std::equal_to<int>, pool>;
  CHECK_THROWS_AS(larger(scarce), std::bad_alloc);
}

TEST_CASE("maps that share a pool share its room, and one whose elements don't fit is refused") {
  fixed_or_growing nodes(10);
  int_map<> first(nodes);
  int_map<> second(nodes, 4);
  CHECK(second.bucket_count() == 4);
  for (int key = 0; key < 6; ++key) CHECK(first.insert(key, key));
  int inserted = 0;
  for (int key = 0; key < 10; ++key) inserted += second.insert(key, -key) ? 1 : 0;
  CHECK(inserted == 4);
  CHECK(first.erase(0));
  CHECK(second.insert(100, 100));
  CHECK_FALSE(first.insert(0, 0));
  CHECK(contents(first).size() == 5);
  using large = pawl::hash_map<int, std::array<int, 10>, std::hash<int>, std::equal_to<int>, fixed_or_growing>;
  CHECK_THROWS_AS(large(nodes), std::invalid_argument);
  CHECK(first.insert_or_assign(1, 2) == false);
  {
    int_map<> third(nodes);
    CHECK_FALSE(third.insert(1, 1));
    CHECK(first.erase(1));
    CHECK(third.insert(1, 1));
  }
  CHECK(first.insert(1, 1));  // what the third had came back
  // The number of buckets is that of the elements to come.
  CHECK(int_map<>(100).bucket_count() == 128);
  CHECK(int_map<>(1).bucket_count() == 1);
  CHECK(int_map<>(nodes, 1000).bucket_count() == 16);
}

TEST_CASE("a hash_set over a pool") {
  fixed_or_growing nodes(3);
  pawl::hash_set<int, std::hash<int>, std::equal_to<int>, fixed_or_growing> set(nodes);
  CHECK(set.insert(1));
  CHECK_FALSE(set.insert(1));
  CHECK(set.insert(2));
  CHECK(set.insert(3));
  CHECK_FALSE(set.insert(4));
  bool seen = false;
  CHECK_FALSE(set.insert_or_visit(3, [&seen](int) { seen = true; }));
  CHECK(seen);
  CHECK(set.contains(2));
  CHECK(set.erase(2));
  CHECK_FALSE(set.erase_if(1, [](int key) { return key != 1; }));
  CHECK(set.insert(4));
  std::set<int> all;
  set.visit_all([&all](int key) { all.insert(key); });
  CHECK(all == std::set<int>{1, 3, 4});
  CHECK(set.size() == 3);
  set.clear();
  CHECK(set.empty());
  // An element is an order and a key, no more.
  static_assert(sizeof(pawl::detail::pooled_element<std::uint64_t, std::uint64_t>) == 24);
}

TEMPLATE_TEST_CASE("two threads lose no update of a hash_map over a pool", "", pawl::native, pawl::backend::builtin,
                   minimal_backend) {
  pawl::tagged_pool<TestType> nodes(16);
  int_map<std::hash<int>, TestType> map(nodes);
  constexpr int rounds = 3000;
  constexpr int keys = 7;
  std::atomic<int> ready{0};
  std::array<int, 2> inserted{};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      ++ready;
      while (ready != 2) std::this_thread::yield();
      for (int i = 0; i < rounds; ++i) {
        inserted[t] += map.upsert(i % keys, [](const optional_int& v) { return v.value_or(0) + 1; }) ? 1 : 0;
        map.update(i % keys, [](int v) { return v + 1; });
        inserted[t] += map.insert(keys + i, i) ? 1 : 0;
        inserted[t] -= map.erase(keys + i) ? 1 : 0;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  int sum = 0;
  map.visit_all([&](const int&, const int& v) { sum += v; });
  CHECK(sum == 2 * 2 * rounds);
  CHECK(map.size() == keys);
  CHECK(inserted[0] + inserted[1] == keys);
}

TEST_CASE("on a full pool the try_ members of a hash_map over it say that there was no node, and change nothing") {
  pawl::tagged_pool<> pool(2);
  pawl::hash_map<int, int, std::hash<int>, std::equal_to<int>, pawl::tagged_pool<>> map(pool);
  const auto plus_one = [](const std::optional<int>& old) { return old.value_or(0) + 1; };
  CHECK(map.try_insert_or_assign(1, 10) == true);
  CHECK(map.try_upsert(2, plus_one) == true);
  CHECK(map.try_insert_or_assign(3, 30) == std::nullopt);
  CHECK(map.try_upsert(3, plus_one) == std::nullopt);
  CHECK(map.try_insert_or_assign(1, 11) == false);
  CHECK(map.try_upsert(2, plus_one) == false);
  CHECK(map.try_update(1, [](int old) { return 2 * old; }) == true);
  CHECK(map.try_update(3, [](int old) { return old; }) == false);
  CHECK(map.size() == 2);
  CHECK(map.find(1) == 22);
  CHECK(map.find(2) == 2);
  CHECK_FALSE(map.contains(3));
}
