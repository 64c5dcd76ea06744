// SPDX-License-Identifier: BSL-1.0
#include <pawl/hash_map.hpp>
#include <pawl/rcu.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "elements.hpp"
#include "minimal_backend.hpp"
#include "verify.hpp"

namespace {

using pawl::hash_map;
using pawl::hash_set;
using pawl::hazard_pointers;

// Hashes that a map must bear: of the same value for all, of the key itself, and of nothing in the lower half.
struct constant_hash {
  std::size_t operator()(int) const noexcept { return 42; }
};
struct identity_hash {
  std::size_t operator()(int key) const noexcept { return static_cast<std::size_t>(key); }
};
struct upper_hash {
  std::size_t operator()(int key) const noexcept { return static_cast<std::size_t>(key) << 32U; }
};
struct all_ones_hash {
  std::size_t operator()(int key) const noexcept { return ~static_cast<std::size_t>(key % 3); }
};

template <class Map>
std::map<typename Map::key_type, typename Map::mapped_type> contents(const Map& map) {
  std::map<typename Map::key_type, typename Map::mapped_type> all;
  bool twice = false;
  map.visit_all([&](const auto& k, const auto& v) { twice = !all.emplace(k, v).second || twice; });
  verify(!twice);
  verify(map.size() == all.size());
  verify(map.empty() == all.empty());
  return all;
}

using plain_map = std::map<int, int>;
using optional_int = std::optional<int>;

template <class Map>
void every_member_does_what_it_says(Map& map) {
  verify(map.empty());
  verify(map.size() == 0);
  verify(!map.contains(1));
  verify(map.find(1) == std::nullopt);
  verify(!map.erase(1));
  verify(!map.update(1, [](int) { return 1; }));
  verify(!map.visit(1, [](const int&, const int&) {}));
  verify(!map.erase_if(1, [](const int&, const int&) { return true; }));
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
  verify(map.find(2) == 20);

  verify(map.update(5, [](const int& v) { return v + 1; }));
  verify(map.find(5) == 51);
  verify(map.upsert(6, [](const optional_int& old) { return old ? -1 : 60; }));
  verify(!map.upsert(6, [](const optional_int& old) { return old ? *old + 1 : -1; }));
  verify(map.find(6) == 61);
  verify(map.size() == 6);

  verify(map.erase(1));
  verify(!map.erase(1));
  verify(!map.erase_if(2, [](const int& k, const int& v) { return k != 2 || v != 20; }));
  verify(map.erase_if(2, [](const int& k, const int& v) { return k == 2 && v == 20; }));
  verify(contents(map) == plain_map{{3, 30}, {4, 41}, {5, 51}, {6, 61}});
  verify(map.insert(1, 12));
  verify(map.find(1) == 12);

  map.clear();
  verify(contents(map).empty());
  verify(!map.contains(3));
  verify(map.insert(3, 31));
  verify(contents(map) == plain_map{{3, 31}});
}

template <class Map>
void follows_a_sequential_map(Map& map, int keys, int steps) {
  std::mt19937 random(12345);
  plain_map model;
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  bool right = true;
  for (int i = 0; i < steps && right; ++i) {
    const int k = pick(keys);
    const bool there = model.contains(k);
    switch (pick(8)) {
      case 0:
      case 1:
        right = map.insert(k, i) == !there;
        model.emplace(k, i);
        break;
      case 2:
        right = map.insert_or_assign(k, i) == !there;
        model[k] = i;
        break;
      case 3:
        right = map.update(k, [](int v) { return v + 1; }) == there;
        if (there) ++model[k];
        break;
      case 4:
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

TEST_CASE("every member of a hash_map does what it says") {
  SECTION("over the process's domain") {
    hash_map<int, int> map;
    every_member_does_what_it_says(map);
  }
  SECTION("over a domain that was given, with buckets for many") {
    hazard_pointers<> domain;
    hash_map<int, int> map(domain, 1000);
    CHECK(map.bucket_count() >= 1000);
    every_member_does_what_it_says(map);
  }
  SECTION("over backend::builtin") {
    hash_map<int, int, std::hash<int>, std::equal_to<int>, hazard_pointers<pawl::backend::builtin>> map(10);
    every_member_does_what_it_says(map);
  }
  SECTION("over a user's backend") {
    hash_map<int, int, std::hash<int>, std::equal_to<int>, hazard_pointers<minimal_backend>> map, other;
    every_member_does_what_it_says(map);
    follows_a_sequential_map(other, 200, 4000);
  }
  SECTION("with one hash for all keys") {
    hash_map<int, int, constant_hash> map;
    every_member_does_what_it_says(map);
  }
  SECTION("with the largest hashes") {
    hash_map<int, int, all_ones_hash> map;
    every_member_does_what_it_says(map);
  }
}

TEMPLATE_TEST_CASE("a hash_map does what a sequential map does, however bad the hash", "", std::hash<int>, constant_hash,
                   identity_hash, upper_hash, all_ones_hash) {
  hash_map<int, int, TestType> few;
  follows_a_sequential_map(few, 20, 5000);
  hash_map<int, int, TestType> many;
  follows_a_sequential_map(many, 300, 5000);
}

TEMPLATE_TEST_CASE("a hash_map of a user's backend does what a sequential map does, over each reclaimer", "",
                   hazard_pointers<minimal_backend>, pawl::epochs<minimal_backend>) {
  hash_map<int, int, std::hash<int>, std::equal_to<>, TestType> of_process;
  every_member_does_what_it_says(of_process);
  TestType own;
  hash_map<int, int, constant_hash, std::equal_to<>, TestType> map(own);
  follows_a_sequential_map(map, 20, 2000);
}

TEST_CASE("a hash_map over epochs does what a sequential map does, over the process's domain and its own") {
  using epochs = pawl::epochs<>;
  hash_map<int, int, std::hash<int>, std::equal_to<>, epochs> of_process;
  follows_a_sequential_map(of_process, 300, 5000);
  epochs own;
  {
    hash_map<int, int, constant_hash, std::equal_to<>, epochs> map(own);
    follows_a_sequential_map(map, 20, 3000);
    // What a visitor sees lives while it looks, whoever erases it.
    map.insert_or_assign(1, 10);
    own.reclaim();
    bool right = false;
    map.visit(1, [&](int, int) {
      std::thread([&] {
        map.erase(1);
        own.reclaim();
      }).join();
      right = !map.contains(1) && own.stats().retired > own.stats().reclaimed;  // it is held back
    });
    CHECK(right);
  }
  own.reclaim();
  CHECK(own.stats().retired == own.stats().reclaimed);
  CHECK(own.stats().retired > 0);
}

TEMPLATE_TEST_CASE("a hash_map grows to a million elements, with 16 per bucket at the most", "", identity_hash, upper_hash) {
  constexpr int size = pawl::detail::under_asan || pawl::detail::under_tsan ? 100000 : 1000000;
  hash_map<int, int, TestType> map;
  CHECK(map.bucket_count() >= 1);
  bool right = true;
  std::size_t buckets = map.bucket_count();
  for (int i = 0; i < size; ++i) {
    right = map.insert(i, i) && right;
    const std::size_t now = map.bucket_count();
    right = right && now >= buckets && (now & (now - 1)) == 0;
    buckets = now;
    if ((i & 1023) == 0) right = right && map.size() <= 16 * buckets;
  }
  CHECK(right);
  CHECK(map.size() == static_cast<std::size_t>(size));
  CHECK(map.size() <= 16 * map.bucket_count());
  CHECK(map.bucket_count() <= 2 * map.size());
  for (int i = 0; i < size; ++i) right = map.find(i) == i && right;
  CHECK_FALSE(map.contains(size));
  CHECK(right);
  std::uint64_t sum = 0;
  map.visit_all([&](const int& k, const int&) { sum += static_cast<std::uint64_t>(k); });
  CHECK(sum == static_cast<std::uint64_t>(size) * (size - 1) / 2);
  for (int i = 0; i < size; i += 2) right = map.erase(i) && right;
  CHECK(right);
  CHECK(map.size() == static_cast<std::size_t>(size / 2));
  map.clear();
  CHECK(map.empty());
  CHECK(map.bucket_count() == buckets);
}

TEST_CASE("a hash_map grows however few elements each of many threads inserts") {
  hash_map<int, int> map;
  constexpr int threads = 40;
  constexpr int each = 15;
  std::atomic<int> done{0};
  std::vector<std::thread> inserters;
  for (int t = 0; t < threads; ++t) {
    inserters.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) map.insert(t * each + i, i);
      ++done;
      while (done != threads) std::this_thread::yield();  // so that none takes over what another counted
    });
  }
  for (auto& thread : inserters) thread.join();
  CHECK(map.size() == threads * each);
  CHECK(map.size() <= 16 * map.bucket_count());
}

TEST_CASE("reserve makes at least as many buckets, and the elements stay") {
  hash_map<int, int> map;
  map.insert(1, 10);
  map.reserve(0);
  map.reserve(1000);
  const std::size_t buckets = map.bucket_count();
  CHECK(buckets >= 1000);
  map.reserve(10);
  CHECK(map.bucket_count() == buckets);
  CHECK(map.find(1) == 10);
  for (int i = 2; i < 1000; ++i) map.insert(i, i);
  CHECK(map.bucket_count() == buckets);
  CHECK(contents(map).size() == 999);
  CHECK((hash_map<int, int>(5000).bucket_count() >= 5000));
}

namespace {

// Looks up strings by views, and counts the strings that it had to make.
struct text_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
};

}  // namespace

TEST_CASE("a transparent hash and equality look up without making a key") {
  hash_map<std::string, int, text_hash, std::equal_to<>> map;
  const std::string long_text = "a key that is too long to be kept in the string itself";
  const std::string_view view = long_text;
  CHECK(map.insert(view, 1));
  CHECK(map.insert("short", 2));
  CHECK_FALSE(map.insert(long_text, 3));
  CHECK(map.insert_or_assign(std::string_view("other"), 4));
  CHECK(map.try_emplace("fourth", 4));
  const auto look = [&] {
    bool right = map.contains(view) && map.find(view) == 1 && map.visit(view, [](const std::string&, const int&) {});
    right = right && !map.insert(view, 9) && !map.contains(view.substr(1)) && !map.erase(view.substr(1));
    return right && !map.erase_if(view, [](const std::string&, const int&) { return false; });
  };
  bool right = look();  // May have made buckets.
  const std::size_t before = allocations::of_this_thread();
  right = look() && right;
  const std::size_t after = allocations::of_this_thread();
  CHECK(right);
  CHECK(after == before);
  CHECK(map.update(view, [](int v) { return v + 1; }));
  CHECK_FALSE(map.upsert(view, [](const optional_int& v) { return *v + 1; }));
  CHECK(map.upsert(std::string_view("fifth"), [](const optional_int& v) { return v.value_or(5); }));
  CHECK(map.find(long_text) == 3);
  CHECK(map.find("fifth") == 5);
  CHECK(map.erase(view));
  CHECK_FALSE(map.contains(long_text));
}

TEST_CASE("without a transparent hash, what converts to a key is a key") {
  hash_map<std::string, int> map;
  CHECK(map.insert("a", 1));
  CHECK_FALSE(map.insert(std::string("a"), 2));
  CHECK(map.contains("a"));
  CHECK(map.find("a") == 1);
  CHECK(map.insert_or_assign("b", 2));
  CHECK(map.try_emplace("c", 3));
  CHECK(map.update("b", [](int v) { return v * 10; }));
  CHECK_FALSE(map.upsert("c", [](const optional_int& v) { return *v * 10; }));
  CHECK(map.upsert("d", [](const optional_int&) { return 40; }));
  CHECK(map.erase("a"));
  CHECK(map.find("b") == 20);
  CHECK(map.find("c") == 30);
  CHECK(map.find("d") == 40);
}

TEST_CASE("values that can only be moved, or not even that, are mapped") {
  hash_map<int, move_only> map;
  CHECK(map.insert(1, std::make_unique<int>(10)));
  CHECK(map.try_emplace(2, new int(20)));
  CHECK(map.insert_or_assign(1, std::make_unique<int>(11)) == false);
  CHECK(map.update(2, [](const move_only& v) { return std::make_unique<int>(*v + 1); }));
  int seen = 0;
  CHECK(map.visit(1, [&](const int&, const move_only& v) { seen = *v; }));
  CHECK(seen == 11);
  CHECK(map.visit(2, [&](const int&, const move_only& v) { seen = *v; }));
  CHECK(seen == 21);
  CHECK(map.erase(1));
  CHECK(map.size() == 1);

  hash_map<int, std::atomic<int>> counters;
  CHECK(counters.try_emplace(1, 5));
  CHECK(counters.visit(1, [&](const int&, const std::atomic<int>& v) { seen = v; }));
  CHECK(seen == 5);

  hash_map<move_only, int> by_pointer;
  auto key = std::make_unique<int>(1);
  CHECK(by_pointer.insert(std::move(key), 1));
  CHECK(key == nullptr);
  CHECK(by_pointer.size() == 1);
}

TEST_CASE("insert leaves its arguments as they were where the key is there") {
  hash_map<std::string, std::string> map;
  const std::string text = "a text that is too long to be kept in the string itself";
  map.insert(text, "old");
  std::string key = text;
  std::string value = text;
  CHECK_FALSE(map.insert(std::move(key), std::move(value)));
  CHECK(key == text);
  CHECK(value == text);
  CHECK_FALSE(map.try_emplace(std::move(key), std::move(value)));
  CHECK(key == text);
  CHECK(value == text);
  CHECK_FALSE(map.insert_or_visit(std::move(key), std::move(value), [](auto&, auto&) {}));
  CHECK(key == text);
  CHECK(value == text);
  CHECK(map.find(text) == "old");
}

TEST_CASE("functions may use the map that calls them") {
  hash_map<int, int> map;
  for (int i = 0; i < 100; ++i) map.insert(i, i);

  // visit, nested as deep as it likes, of an element that is erased meanwhile.
  int depth = 0;
  const auto deeper = [&](auto&& self, int key) -> void {
    map.visit(key, [&](const int& k, const int& v) {
      map.erase(k);
      map.insert(1000 + k, v);
      if (++depth < 30) self(self, key + 1);
      verify(k == v && !map.contains(k));
    });
  };
  deeper(deeper, 0);
  CHECK(depth == 30);
  CHECK(map.size() == 100);

  CHECK(map.update(50, [&](int v) {
    map.insert(2000, 1);
    return v + 1;
  }));
  CHECK(map.find(50) == 51);
  CHECK(map.upsert(60000, [&](const optional_int&) {
    map.erase(2000);
    return 1;
  }));
  CHECK_FALSE(map.contains(2000));
  // f changes the very key: then f is asked again, of the new value.
  int calls = 0;
  CHECK(map.update(50, [&](int v) {
    if (++calls == 1) map.insert_or_assign(50, 100);
    return v + 1;
  }));
  CHECK(calls == 2);
  CHECK(map.find(50) == 101);
  calls = 0;
  CHECK_FALSE(map.update(50, [&](int v) {
    if (++calls == 1) map.erase(50);
    return v;
  }));
  CHECK(calls == 1);
  CHECK(map.upsert(50, [&](const optional_int& v) {
    if (++calls == 2) map.insert(50, 7);
    return v.value_or(0) + 1;
  }) == false);
  CHECK(map.find(50) == 8);
  // erase_if erases only what pred was true of.
  CHECK_FALSE(map.erase_if(50, [&](const int&, const int& v) {
    if (v == 8) map.insert_or_assign(50, 9);
    return v == 8;
  }));
  CHECK(map.find(50) == 9);
  CHECK_FALSE(map.insert_or_visit(50, 1, [&](const int& k, const int&) { map.erase(k); }));
  CHECK_FALSE(map.contains(50));

  // visit_all, while f erases, replaces and inserts.
  hash_map<int, int> other;
  for (int i = 0; i < 200; ++i) other.insert(i, i);
  std::set<int> seen;
  other.visit_all([&](const int& k, const int&) {
    verify(seen.insert(k).second);
    if (k < 100) {
      other.erase(k);
    } else if (k < 200) {
      other.update(k, [](int v) { return v + 1; });
      other.insert(k + 1000, 0);
    }
  });
  for (int i = 0; i < 200; ++i) verify(seen.contains(i));
  CHECK(other.size() == 200);
  other.visit_all([&](const int& k, const int&) { other.erase(k); });
  CHECK(other.empty());
}

namespace {

// Throws when told to.
struct nervous_hash {
  static inline bool nervous = false;
  std::size_t operator()(const counted& key) const {
    if (nervous) throw thrown{};
    return static_cast<std::size_t>(key.value() % 4);  // so that keys are compared
  }
};
struct nervous_equal {
  static inline long throw_after = -1;
  bool operator()(const counted& a, const counted& b) const {
    if (throw_after >= 0 && throw_after-- == 0) throw thrown{};
    return a.value() == b.value();
  }
};
using nervous_map = hash_map<counted, counted, nervous_hash, nervous_equal, hazard_pointers<>>;

plain_map values_of(const nervous_map& map) {
  plain_map all;
  map.visit_all([&](const counted& k, const counted& v) { all.emplace(k.value(), v.value()); });
  verify(map.size() == all.size());
  return all;
}

// `operation` with its first, second, ... copy, move or comparison throwing.
template <class Operation>
void throw_everywhere(const plain_map& after, Operation operation, int line = __builtin_LINE()) {
  const plain_map before{{1, 10}, {2, 20}, {5, 50}, {9, 90}};
  counted::misused = 0;
  for (const bool of_comparisons : {false, true}) {
    bool finished = false;
    for (long n = 0; !finished && n < 100; ++n) {
      const long alive = counted::alive;
      {
        hazard_pointers<> domain;
        nervous_map map(domain);
        for (const auto& [k, v] : before) map.try_emplace(k, v);
        (of_comparisons ? nervous_equal::throw_after : counted::throw_after) = n;
        try {
          operation(map);
          finished = true;
        } catch (const thrown&) {
        }
        nervous_equal::throw_after = -1;
        counted::throw_after = -1;
        verify(values_of(map) == (finished ? after : before), line);
        verify(map.insert(counted(77), counted(7)), line);
        verify(map.erase(counted(77)), line);
      }
      verify(counted::alive == alive, line);
    }
    verify(finished, line);
  }
  verify(counted::misused == 0, line);
}

}  // namespace

TEST_CASE("what a copy, a move or a comparison throws passes through, and the map is as it was") {
  const plain_map with_new{{1, 10}, {2, 20}, {5, 50}, {9, 90}, {13, 130}};
  const plain_map same{{1, 10}, {2, 20}, {5, 50}, {9, 90}};
  const plain_map changed{{1, 10}, {2, 20}, {5, 51}, {9, 90}};
  const plain_map without{{1, 10}, {2, 20}, {9, 90}};
  const counted five(5), thirteen(13), value(130), other(51);
  throw_everywhere(with_new, [&](nervous_map& m) { m.insert(thirteen, value); });
  throw_everywhere(with_new, [&](nervous_map& m) { m.insert(counted(13), counted(130)); });
  throw_everywhere(same, [&](nervous_map& m) { m.insert(five, value); });
  throw_everywhere(with_new, [&](nervous_map& m) { m.try_emplace(thirteen, value); });
  throw_everywhere(with_new, [&](nervous_map& m) { m.insert_or_visit(thirteen, value, [](auto&, auto&) {}); });
  throw_everywhere(with_new, [&](nervous_map& m) { m.insert_or_assign(thirteen, value); });
  throw_everywhere(changed, [&](nervous_map& m) { m.insert_or_assign(five, other); });
  throw_everywhere(changed, [&](nervous_map& m) { m.update(five, [](const counted& v) { return counted(v.value() + 1); }); });
  throw_everywhere(
      changed, [&](nervous_map& m) { m.upsert(five, [](const std::optional<counted>& v) { return counted(v->value() + 1); }); });
  throw_everywhere(with_new,
                   [&](nervous_map& m) { m.upsert(thirteen, [](const std::optional<counted>&) { return counted(130); }); });
  throw_everywhere(without, [&](nervous_map& m) { m.erase(five); });
  throw_everywhere(same, [&](nervous_map& m) { static_cast<void>(m.find(five)); });
  throw_everywhere(same, [&](nervous_map& m) { static_cast<void>(m.contains(five)); });
  throw_everywhere({}, [&](nervous_map& m) { m.clear(); });
}

TEST_CASE("what a hash or a function throws passes through, and the map is as it was") {
  nervous_map map;
  map.try_emplace(1, 10);
  const counted one(1), two(2);
  const auto fails = [&](auto operation) {
    bool threw = false;
    try {
      operation();
    } catch (const thrown&) {
      threw = true;
    }
    nervous_hash::nervous = false;
    verify(threw);
    verify(values_of(map) == plain_map{{1, 10}});
  };
  const auto with_nervous_hash = [&](auto operation) {
    nervous_hash::nervous = true;
    fails(operation);
  };
  with_nervous_hash([&] { map.insert(two, two); });
  with_nervous_hash([&] { map.try_emplace(two, 2); });
  with_nervous_hash([&] { map.insert_or_assign(one, two); });
  with_nervous_hash([&] { map.erase(one); });
  with_nervous_hash([&] { static_cast<void>(map.find(one)); });
  with_nervous_hash([&] { map.update(one, [](const counted& v) { return v; }); });
  with_nervous_hash([&] { map.upsert(one, [](const std::optional<counted>& v) { return *v; }); });
  fails([&] { map.visit(one, [](auto&, auto&) { throw thrown{}; }); });
  fails([&] { map.visit_all([](auto&, auto&) { throw thrown{}; }); });
  fails([&] { map.insert_or_visit(one, two, [](auto&, auto&) { throw thrown{}; }); });
  fails([&] { map.erase_if(one, [](auto&, auto&) -> bool { throw thrown{}; }); });
  fails([&] { map.update(one, [](const counted&) -> counted { throw thrown{}; }); });
  fails([&] { map.upsert(one, [](const std::optional<counted>&) -> counted { throw thrown{}; }); });
  fails([&] { map.upsert(two, [](const std::optional<counted>&) -> counted { throw thrown{}; }); });
}

TEST_CASE("a hash_map ends what is left in it, and what was taken out of it") {
  const long alive = counted::alive;
  counted::misused = 0;
  {
    hazard_pointers<> domain;
    hash_map<int, counted> map(domain);
    for (int i = 0; i < 200; ++i) map.try_emplace(i, i);
    for (int i = 0; i < 50; ++i) map.erase(i);
    for (int i = 50; i < 100; ++i) map.insert_or_assign(i, counted(0));
    for (int i = 100; i < 150; ++i) map.update(i, [](const counted& v) { return v; });
    domain.reclaim();
    CHECK(counted::alive == alive + 150);
  }
  CHECK(counted::alive == alive);
  CHECK(counted::misused == 0);
}

TEST_CASE("an element stays alive and unchanged while it is visited, whoever erases it") {
  counted::misused = 0;
  hazard_pointers<> domain;
  hash_map<int, counted> map(domain);
  map.try_emplace(1, 10);
  std::atomic<int> stage{0};
  bool unchanged = false;
  std::thread reader([&] {
    map.visit(1, [&](const int&, const counted& v) {
      stage = 1;
      while (stage != 2) std::this_thread::yield();
      unchanged = v.value() == 10;
    });
  });
  while (stage != 1) std::this_thread::yield();
  map.insert_or_assign(1, counted(11));
  map.erase(1);
  for (int i = 0; i < 5000; ++i) {
    map.try_emplace(2, i);
    map.erase(2);
  }
  domain.reclaim();
  const bool gone = !map.contains(1);
  stage = 2;
  reader.join();
  CHECK(gone);
  CHECK(unchanged);
  CHECK(counted::misused == 0);
}

TEMPLATE_TEST_CASE("two threads lose no update of a hash_map", "", pawl::native, pawl::backend::builtin, minimal_backend) {
  hash_map<int, int, std::hash<int>, std::equal_to<int>, hazard_pointers<TestType>> map;
  constexpr int rounds = 3000;
  constexpr int keys = 7;
  std::atomic<int> ready{0};
  int inserted[2] = {0, 0};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      ++ready;
      while (ready != 2) std::this_thread::yield();
      for (int i = 0; i < rounds; ++i) {
        inserted[t] += map.upsert(i % keys, [](const optional_int& v) { return v.value_or(0) + 1; }) ? 1 : 0;
        map.update(i % keys, [](int v) { return v + 1; });
        // Of two threads that insert or erase one key, one does.
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

TEST_CASE("hashes and equalities with a state, and every form of construction") {
  struct seeded_hash {
    std::size_t seed;
    std::size_t operator()(int key) const noexcept { return static_cast<std::size_t>(key) * seed; }
  };
  struct modulo_equal {
    int modulus;
    bool operator()(int a, int b) const noexcept { return a % modulus == b % modulus; }
  };
  hash_map<int, int, seeded_hash, modulo_equal> map(0, seeded_hash{0}, modulo_equal{10});
  CHECK(map.insert(1, 1));
  CHECK_FALSE(map.insert(11, 2));
  CHECK(map.find(21) == 1);
  hazard_pointers<> domain;
  hash_map<int, int, seeded_hash, modulo_equal> other(domain, 100, seeded_hash{0}, modulo_equal{3});
  CHECK(other.insert(1, 1));
  CHECK_FALSE(other.insert(4, 2));
  static_assert(!std::is_convertible_v<std::size_t, hash_map<int, int>> && !std::is_copy_constructible_v<hash_map<int, int>> &&
                !std::is_move_constructible_v<hash_map<int, int>>);
  static_assert(std::is_same_v<hash_map<int, long>::key_type, int> && std::is_same_v<hash_map<int, long>::mapped_type, long>);
}

TEST_CASE("a hash_map keeps over-aligned values in their place") {
  over_aligned::misplaced = 0;
  hash_map<int, over_aligned> map;
  for (int i = 0; i < 50; ++i) map.try_emplace(i, i);
  for (int i = 0; i < 50; ++i) verify(map.find(i)->value == i);
  CHECK(over_aligned::misplaced == 0);
}

TEST_CASE("a hash_map works while thread_locals and static objects end") {
  hash_map<int, int> map;
  struct late {
    hash_map<int, int>* map = nullptr;
    late() = default;
    late(const late&) = delete;
    late& operator=(const late&) = delete;
    ~late() {
      if (map == nullptr) return;
      map->insert(1, 1);
      map->upsert(1, [](const optional_int& v) { return *v + 1; });
      map->erase(2);
    }
  };
  std::thread([&] {
    static thread_local late user;
    user.map = &map;
    map.insert(2, 2);
  }).join();
  CHECK(map.find(1) == 2);
  CHECK_FALSE(map.contains(2));
  CHECK(map.size() == 1);

  static const struct at_exit {
    ~at_exit() {
      hash_map<std::string, int> late_map;
      if (!late_map.insert("a", 1) || late_map.find("a") != 1) std::abort();
    }
  } late_user;
}

// ---- hash_set --------------------------------------------------------------------------------------------------------------------

TEST_CASE("every member of a hash_set does what it says") {
  const auto check = [](auto& set) {
    verify(set.empty());
    verify(!set.contains("a"));
    verify(set.insert("a"));
    verify(!set.insert(std::string("a")));
    verify(set.insert(std::string("b")));
    verify(set.contains("a"));
    verify(set.size() == 2);
    std::string seen;
    verify(set.visit("a", [&](const std::string& k) { seen += k; }));
    verify(!set.visit("c", [&](const std::string& k) { seen += k; }));
    verify(!set.insert_or_visit("b", [&](const std::string& k) { seen += k; }));
    verify(set.insert_or_visit("c", [&](const std::string& k) { seen += k; }));
    verify(seen == "ab");
    std::set<std::string> all;
    set.visit_all([&](const std::string& k) { all.insert(k); });
    verify(all == std::set<std::string>{"a", "b", "c"});
    verify(!set.erase_if("a", [](const std::string& k) { return k != "a"; }));
    verify(set.erase_if("a", [](const std::string& k) { return k == "a"; }));
    verify(set.erase("b"));
    verify(!set.erase("b"));
    verify(set.size() == 1);
    set.reserve(100);
    verify(set.bucket_count() >= 100);
    verify(set.contains("c"));
    set.clear();
    verify(set.empty());
    const std::string text = "a text that is too long to be kept in the string itself";
    std::string key = text;
    verify(set.insert(std::move(key)));
    key = text;
    verify(!set.insert(std::move(key)));
    verify(key == text);
  };
  hash_set<std::string> set;
  check(set);
  hazard_pointers<> domain;
  hash_set<std::string> given(domain, 10);
  check(given);
  hash_set<std::string, text_hash, std::equal_to<>> transparent(10);
  check(transparent);
  hash_set<std::string, std::hash<std::string>, std::equal_to<std::string>, hazard_pointers<minimal_backend>> minimal;
  check(minimal);
}

TEST_CASE("a hash_set grows, and takes keys that can only be moved") {
  hash_set<int, identity_hash> set;
  bool right = true;
  for (int i = 0; i < 20000; ++i) right = set.insert(i * 64) && right;
  for (int i = 0; i < 20000; ++i) right = set.contains(i * 64) && !set.contains(i * 64 + 1) && right;
  CHECK(right);
  CHECK(set.size() == 20000);
  CHECK(set.size() <= 16 * set.bucket_count());
  hash_set<move_only> movable;
  CHECK(movable.insert(std::make_unique<int>(1)));
  CHECK(movable.size() == 1);
}
