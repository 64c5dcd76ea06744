// SPDX-License-Identifier: BSL-1.0
// Each operation, on a thread that has used the container before and on one that has not, with its first, second, ... allocation
// failing: it throws std::bad_alloc and has had no effect, or has worked; nothing leaks.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <pawl/hash_map.hpp>
#include <pawl/queue.hpp>
#include <pawl/rcu.hpp>
#include <pawl/stack.hpp>

#include "allocations.hpp"
#include "verify.hpp"

// ---- Harness ---------------------------------------------------------------------------------------------------------------------
namespace {

// What the process keeps, a small block for each of as many threads as use pawl at a time, is no leak of the tests': so it is there before
// the first.
void use_on_threads(int deep) {
  std::thread([deep] {
    pawl::hazard_pointers<> domain;
    static_cast<void>(make_hazard_pointer(domain));
    if (deep > 1) use_on_threads(deep - 1);
  }).join();
}
const bool used_on_threads = (use_on_threads(8), true);

// With `prepare`, `operation` runs on a thread that has used the container before, else on one that has not. Everything happens on
// threads that end, so that nothing is kept for a next time.
template <class World, class Prepare, class Operation, class Intact>
void fail_each_allocation(bool used_before, Prepare prepare, Operation operation, Intact intact, bool all_after,
                          int line = __builtin_LINE()) {
  for (std::size_t n = 1;; ++n) {
    bool happened = false;
    bool threw = false;
    bool whole = true;
    const std::size_t before = allocations::live_blocks();
    const auto attempt = [&](World& world) {
      const allocations::failing now(n, all_after);
      try {
        operation(world);
      } catch (const std::bad_alloc&) {
        threw = true;
      }
      happened = now.happened();
    };
    std::thread([&] {
      World world;
      prepare(world);
      if (used_before) {
        attempt(world);
      } else {
        std::thread([&] { attempt(world); }).join();
      }
      whole = intact(world, threw);
    }).join();
    const std::size_t after = allocations::live_blocks();
    verify(whole, line);
    verify(!threw || happened, line);
    verify(after == before, line);
    if (!happened) {
      verify(n > 1 || used_before, line);  // a fresh thread needs at least one
      return;
    }
    if (n == 1000) {
      verify(false, line);
      return;
    }
  }
}

template <class World, class Prepare, class Operation, class Intact>
void fail_everywhere(Prepare prepare, Operation operation, const Intact& intact, int line = __builtin_LINE()) {
  for (const bool used_before : {true, false}) {
    for (const bool all_after : {false, true}) {
      fail_each_allocation<World>(used_before, prepare, operation, intact, all_after, line);
    }
  }
}

// Longer than what a string keeps in itself.
std::string text(int i) { return "a string that has to be allocated: " + std::to_string(i); }
template <class T>
T element(int i) {
  if constexpr (std::is_same_v<T, int>) {
    return i;
  } else {
    return text(i);
  }
}

template <class C>
std::vector<typename C::value_type> contents(C& c) {
  std::vector<typename C::value_type> all;
  while (auto each = c.try_pop()) all.push_back(*each);
  std::sort(all.begin(), all.end());
  return all;
}

template <template <class, class> class C, class T, class R>
struct list_world {
  R domain;
  C<T, R> container{domain};
};

template <template <class, class> class C, class T, class R>
void lists_survive() {
  using world = list_world<C, T, R>;
  const auto three = [](world& w) {
    for (int i = 1; i <= 3; ++i) w.container.push(element<T>(i));
  };
  // Pushed: none of them or all.
  const auto has_three_and = [](const std::vector<int>& more) {
    return [more](world& w, bool threw) {
      std::vector<T> expected{element<T>(1), element<T>(2), element<T>(3)};
      for (const int each : more) {
        if (!threw) expected.push_back(element<T>(each));
      }
      std::sort(expected.begin(), expected.end());
      return contents(w.container) == expected;
    };
  };
  fail_everywhere<world>(three, [](world& w) { w.container.push(element<T>(4)); }, has_three_and({4}));
  fail_everywhere<world>(
      three,
      [](world& w) {
        const T lvalue = element<T>(4);
        w.container.push(lvalue);
      },
      has_three_and({4}));
  fail_everywhere<world>(three, [](world& w) { w.container.emplace(element<T>(4)); }, has_three_and({4}));
  fail_everywhere<world>(three, [](world& w) { w.container.try_push(element<T>(4)); }, has_three_and({4}));
  fail_everywhere<world>(
      three,
      [](world& w) {
        std::vector<T> range;
        for (int i = 4; i < 104; ++i) range.push_back(element<T>(i));
        w.container.push_range(range);
      },
      [&](world& w, bool threw) {
        const std::size_t size = contents(w.container).size();
        return size == (threw ? 3U : 103U);
      });
  // Popped: with an exception nothing, since moving these allocates nothing.
  const auto one_less = [](world& w, bool threw) { return contents(w.container).size() == (threw ? 3U : 2U); };
  fail_everywhere<world>(three, [](world& w) { w.container.try_pop(); }, one_less);
  fail_everywhere<world>(
      three,
      [](world& w) {
        T received{};
        w.container.try_pop(received);
      },
      one_less);
  fail_everywhere<world>(
      three,
      [](world& w) {
        std::array<T, 3> out;
        w.container.pop_all(out.begin());
      },
      [](world& w, bool threw) { return contents(w.container).size() == (threw ? 3U : 0U); });
  // Nothing allocates but empty() of a queue, at a thread's first use.
  fail_each_allocation<world>(true, three, [](world& w) { static_cast<void>(w.container.empty()); }, has_three_and({}), true);
}

template <class T, class R>
using stack_of = pawl::stack<T, R>;
template <class T, class R>
using queue_of = pawl::queue<T, R>;

}  // namespace

TEST_CASE("a stack survives the failure of every allocation") {
  lists_survive<stack_of, int, pawl::hazard_pointers<>>();
  lists_survive<stack_of, std::string, pawl::hazard_pointers<>>();
  lists_survive<stack_of, int, pawl::tagged_pool<>>();
  lists_survive<stack_of, std::string, pawl::epochs<>>();
}

TEST_CASE("a queue survives the failure of every allocation") {
  lists_survive<queue_of, int, pawl::hazard_pointers<>>();
  lists_survive<queue_of, std::string, pawl::hazard_pointers<>>();
  lists_survive<queue_of, int, pawl::tagged_pool<>>();
  lists_survive<queue_of, std::string, pawl::epochs<>>();
}

namespace {

template <class K, class V, class R>
using map_over = pawl::hash_map<K, V, std::hash<K>, std::equal_to<K>, R>;
template <class K, class R>
using set_over = pawl::hash_set<K, std::hash<K>, std::equal_to<K>, R>;

template <class C>
void construction_survives() {
  struct world {
    std::optional<C> made;
  };
  const auto works = [](world& w, bool threw) {
    if (threw == w.made.has_value()) return false;
    if (threw) w.made.emplace();
    if constexpr (requires { w.made->push(1); }) {
      w.made->push(1);
      const bool popped = w.made->try_pop() == 1;
      pawl::hazard_pointer_default_domain().reclaim();
      return popped;
    } else if constexpr (requires { w.made->insert(1, 1); }) {
      return w.made->insert(1, 1) && w.made->contains(1);
    } else {
      return w.made->insert(1) && w.made->contains(1);
    }
  };
  // What the process's domain takes when it is first used, it keeps.
  std::thread([&] {
    world first;
    first.made.emplace();
    works(first, false);
  }).join();
  for (const bool all_after : {false, true}) {
    fail_each_allocation<world>(true, [](world&) {}, [](world& w) { w.made.emplace(); }, works, all_after);
  }
}

struct large {
  std::array<long, 20> words;
};

template <class C, class R>
bool works_over(R& domain) {
  C filled(domain);
  if constexpr (requires { filled.try_pop(); }) {
    filled.push(large{});
    return filled.try_pop().has_value();
  } else {
    return filled.insert(1, large{}) && filled.contains(1);
  }
}

template <class C, class R, class... Args>
void construction_over_a_domain_survives(Args... args) {
  struct world {
    R domain;
    std::optional<C> made;
    explicit world(Args... a) : domain(a...) {}
  };
  for (std::size_t n = 1; n < 20; ++n) {
    bool happened = false;
    bool right = true;
    const std::size_t before = allocations::live_blocks();
    std::thread([&] {
      world w(args...);
      {
        const allocations::failing now(n);
        try {
          w.made.emplace(w.domain);
        } catch (const std::bad_alloc&) {
        }
        happened = now.happened();
      }
      if (happened) {
        right = !w.made;
        // No effect: the domain still takes any container.
        try {
          right = works_over<typename C::template over<large>>(w.domain) && right;
        } catch (const std::invalid_argument&) {
          right = false;
        }
      }
    }).join();
    const std::size_t after = allocations::live_blocks();
    verify(right);
    verify(after == before);
    if (!happened) break;
  }
}

template <class R>
struct small_stack : pawl::stack<char, R> {
  using pawl::stack<char, R>::stack;
  template <class T>
  using over = pawl::stack<T, R>;
};
template <class R>
struct small_queue : pawl::queue<char, R> {
  using pawl::queue<char, R>::queue;
  template <class T>
  using over = pawl::queue<T, R>;
};
template <class R>
struct small_map : map_over<char, char, R> {
  explicit small_map(R& domain) : map_over<char, char, R>(domain) {}
  template <class T>
  using over = map_over<int, T, R>;
};

}  // namespace

TEST_CASE("a container whose construction fails has had no effect") {
  construction_survives<pawl::stack<int>>();
  construction_survives<pawl::queue<int>>();
  construction_survives<pawl::hash_map<int, int>>();
  construction_survives<pawl::stack<int, pawl::tagged_pool<>>>();
  construction_survives<pawl::queue<int, pawl::tagged_pool<>>>();
  construction_survives<map_over<int, int, pawl::epochs<>>>();
  construction_survives<map_over<int, int, pawl::tagged_pool<>>>();
  construction_survives<pawl::hash_set<int>>();
  construction_survives<set_over<int, pawl::tagged_pool<>>>();
}

TEST_CASE("a container whose construction fails has had no effect on its domain") {
  using hazard = pawl::hazard_pointers<>;
  construction_over_a_domain_survives<small_stack<hazard>, hazard>();
  construction_over_a_domain_survives<small_queue<hazard>, hazard>();
  construction_over_a_domain_survives<small_map<hazard>, hazard>();
  construction_over_a_domain_survives<small_map<pawl::epochs<>>, pawl::epochs<>>();
}

TEST_CASE("a container whose construction fails has had no effect on its pool") {
  using pool = pawl::tagged_pool<>;
  construction_over_a_domain_survives<small_stack<pool>, pool>();
  construction_over_a_domain_survives<small_queue<pool>, pool>();
  construction_over_a_domain_survives<small_stack<pool>, pool>(std::size_t{10});
  construction_over_a_domain_survives<small_queue<pool>, pool>(std::size_t{10});
  construction_over_a_domain_survives<small_map<pool>, pool>();
  construction_over_a_domain_survives<small_map<pool>, pool>(std::size_t{10});
}

namespace {

template <class R>
struct map_world {
  R domain;
  map_over<std::string, std::string, R> map{domain};
};

}  // namespace

TEST_CASE("every destructor works without memory, on whatever thread it runs") {
  const auto check = [](auto make) {
    const std::size_t before = allocations::live_blocks();
    std::thread([&] {
      auto world = make();
      std::thread([&] {
        const allocations::failing now(1, true);
        world.reset();
      }).join();
    }).join();
    const std::size_t after = allocations::live_blocks();
    verify(after == before);
  };
  check([] { return std::make_unique<list_world<stack_of, int, pawl::hazard_pointers<>>>(); });
  check([] { return std::make_unique<list_world<queue_of, int, pawl::hazard_pointers<>>>(); });
  check([] { return std::make_unique<list_world<stack_of, int, pawl::epochs<>>>(); });
  check([] { return std::make_unique<list_world<queue_of, int, pawl::epochs<>>>(); });
  check([] { return std::make_unique<list_world<stack_of, int, pawl::tagged_pool<>>>(); });
  check([] { return std::make_unique<list_world<queue_of, int, pawl::tagged_pool<>>>(); });
  check([] {
    auto filled = std::make_unique<list_world<stack_of, std::string, pawl::hazard_pointers<>>>();
    for (int i = 0; i < 10; ++i) filled->container.push(text(i));
    return filled;
  });
  check([] {
    auto filled = std::make_unique<list_world<queue_of, int, pawl::tagged_pool<>>>();
    for (int i = 0; i < 1000; ++i) filled->container.push(i);
    return filled;
  });
  check([] {
    auto filled = std::make_unique<map_world<pawl::hazard_pointers<>>>();
    for (int i = 0; i < 100; ++i) filled->map.insert(text(i), text(i));
    return filled;
  });
  check([] {
    auto filled = std::make_unique<map_world<pawl::epochs<>>>();
    for (int i = 0; i < 100; ++i) filled->map.insert(text(i), text(i));
    return filled;
  });
}

// ---- hash_map --------------------------------------------------------------------------------------------------------------------

TEMPLATE_TEST_CASE("a hash_map survives the failure of every allocation", "", pawl::hazard_pointers<>, pawl::epochs<>) {
  using world = map_world<TestType>;
  using content = std::vector<std::pair<std::string, std::string>>;
  constexpr int size = 40;  // enough for buckets
  const auto filled = [](world& w) {
    for (int i = 0; i < size; ++i) w.map.insert(text(i), "old");
  };
  const auto content_of = [](world& w) {
    content all;
    w.map.visit_all([&](const std::string& k, const std::string& v) { all.emplace_back(k, v); });
    std::sort(all.begin(), all.end());
    return all;
  };
  // With `changes` where nothing was thrown, and else as it was.
  const auto holds = [&](auto change) {
    return [&, change](world& w, bool threw) {
      content expected;
      for (int i = 0; i < size; ++i) expected.emplace_back(text(i), "old");
      if (!threw) change(expected);
      std::sort(expected.begin(), expected.end());
      return content_of(w) == expected && w.map.size() == expected.size();
    };
  };
  const auto unchanged = holds([](content&) {});
  const auto added = holds([](content& c) { c.emplace_back(text(size), text(-1)); });
  const auto replaced = holds([](content& c) { c[7].second = text(-1); });
  const auto erased = holds([](content& c) { c.erase(c.begin() + 7); });
  const std::string& fresh = text(size);
  const std::string& present = text(7);
  const std::string& value = text(-1);
  using optional = std::optional<std::string>;

  fail_everywhere<world>(filled, [&](world& w) { w.map.insert(fresh, value); }, added);
  fail_everywhere<world>(filled, [&](world& w) { w.map.insert(text(size), text(-1)); }, added);
  fail_everywhere<world>(filled, [&](world& w) { w.map.insert(present, value); }, unchanged);
  fail_everywhere<world>(filled, [&](world& w) { w.map.try_emplace(fresh, value); }, added);
  fail_everywhere<world>(filled, [&](world& w) { w.map.insert_or_assign(fresh, value); }, added);
  fail_everywhere<world>(filled, [&](world& w) { w.map.insert_or_assign(present, value); }, replaced);
  fail_everywhere<world>(filled, [&](world& w) { w.map.insert_or_visit(fresh, value, [](auto&, auto&) {}); }, added);
  fail_everywhere<world>(filled, [&](world& w) { w.map.insert_or_visit(present, value, [](auto&, auto&) {}); }, unchanged);
  fail_everywhere<world>(filled, [&](world& w) { w.map.insert_or_visit(text(7), text(-1), [](auto&, auto&) {}); }, unchanged);
  fail_everywhere<world>(filled, [&](world& w) { w.map.update(present, [&](const std::string&) { return value; }); }, replaced);
  fail_everywhere<world>(filled, [&](world& w) { w.map.upsert(fresh, [&](const optional&) { return value; }); }, added);
  fail_everywhere<world>(filled, [&](world& w) { w.map.upsert(present, [&](const optional&) { return value; }); }, replaced);
  fail_everywhere<world>(filled, [&](world& w) { w.map.erase(present); }, erased);
  fail_everywhere<world>(filled, [&](world& w) { w.map.erase_if(present, [](auto&, auto&) { return true; }); }, erased);
  fail_everywhere<world>(filled, [&](world& w) { w.map.erase_if(present, [](auto&, auto&) { return false; }); }, unchanged);
  fail_everywhere<world>(filled, [&](world& w) { w.map.clear(); }, holds([](content& c) { c.clear(); }));
  fail_everywhere<world>(filled, [&](world& w) { static_cast<void>(w.map.find(present)); }, unchanged);
  fail_everywhere<world>(filled, [&](world& w) { static_cast<void>(w.map.contains(present)); }, unchanged);
  fail_everywhere<world>(filled, [&](world& w) { w.map.visit(present, [](auto&, auto&) {}); }, unchanged);
  fail_everywhere<world>(filled, [&](world& w) { w.map.visit_all([](auto&, auto&) {}); }, unchanged);
}

namespace {

struct growing_world {
  pawl::tagged_pool<> pool;
  map_over<int, int, pawl::tagged_pool<>> map{pool};
};
struct fixed_world {
  pawl::tagged_pool<> pool{64};
  map_over<int, int, pawl::tagged_pool<>> map{pool};
};

// How many elements a growing pool has nodes for, until it takes another block.
int elements_before_it_grows() {
  growing_world w;
  w.map.insert(0, 0);
  for (int i = 1;; ++i) {
    const std::size_t before = allocations::of_this_thread();
    w.map.insert(i, 0);
    if (allocations::of_this_thread() != before) return i;
  }
}

// Calls check(operation, intact) for each member, with a map of `size` elements.
template <class World, class Check>
void for_each_operation(int size, Check check) {
  using world = World;
  using content = std::vector<std::pair<int, int>>;
  const auto holds = [size](auto change) {
    return [size, change](world& w, bool threw) {
      content expected;
      for (int i = 0; i < size; ++i) expected.emplace_back(i, 0);
      if (!threw) change(expected);
      content all;
      w.map.visit_all([&](const int& k, const int& v) { all.emplace_back(k, v); });
      std::sort(all.begin(), all.end());
      std::sort(expected.begin(), expected.end());
      return all == expected && w.map.size() == expected.size();
    };
  };
  const auto unchanged = holds([](content&) {});
  const auto added = holds([size](content& c) { c.emplace_back(size, 1); });
  const auto replaced = holds([](content& c) { c[7].second = 1; });
  const auto erased = holds([](content& c) { c.erase(c.begin() + 7); });
  using optional = std::optional<int>;
  check([size](world& w) { w.map.insert(size, 1); }, added);
  check([](world& w) { w.map.insert(7, 1); }, unchanged);
  check([size](world& w) { w.map.try_emplace(size, 1); }, added);
  check([size](world& w) { w.map.insert_or_assign(size, 1); }, added);
  check([](world& w) { w.map.insert_or_assign(7, 1); }, replaced);
  check([size](world& w) { w.map.insert_or_visit(size, 1, [](auto&, auto&) {}); }, added);
  check([](world& w) { w.map.insert_or_visit(7, 1, [](auto&, auto&) {}); }, unchanged);
  check([](world& w) { w.map.update(7, [](const int&) { return 1; }); }, replaced);
  check([size](world& w) { w.map.upsert(size, [](const optional&) { return 1; }); }, added);
  check([](world& w) { w.map.upsert(7, [](const optional&) { return 1; }); }, replaced);
  check([](world& w) { w.map.erase(7); }, erased);
  check([](world& w) { w.map.erase_if(7, [](auto&, auto&) { return true; }); }, erased);
  check([](world& w) { w.map.erase_if(7, [](auto&, auto&) { return false; }); }, unchanged);
  check([](world& w) { w.map.clear(); }, holds([](content& c) { c.clear(); }));
  check([](world& w) { static_cast<void>(w.map.find(7)); }, unchanged);
  check([](world& w) { static_cast<void>(w.map.contains(7)); }, unchanged);
  check([](world& w) { w.map.visit(7, [](auto&, auto&) {}); }, unchanged);
  check([](world& w) { w.map.visit_all([](auto&, auto&) {}); }, unchanged);
}

}  // namespace

TEST_CASE("a hash_map over a growing pool survives the failure of every allocation") {
  int size = 0;
  std::thread([&size] { size = elements_before_it_grows(); }).join();
  for_each_operation<growing_world>(size, [size](auto operation, const auto& intact) {
    const auto filled = [size](growing_world& w) {
      for (int i = 0; i < size; ++i) w.map.insert(i, 0);
    };
    fail_everywhere<growing_world>(filled, operation, intact);
  });
}

TEST_CASE("a hash_map over a fixed pool allocates nothing once it is there, on whatever thread") {
  constexpr int size = 40;
  for_each_operation<fixed_world>(size, [](auto operation, const auto& intact) {
    bool right = false;
    std::thread([&] {
      fixed_world w;
      for (int i = 0; i < size; ++i) w.map.insert(i, 0);
      bool failed_one = true;
      std::thread([&] {
        const allocations::failing now(1, true);
        try {
          operation(w);
          failed_one = now.happened();
        } catch (const std::bad_alloc&) {  // one was made, then
        }
      }).join();
      right = intact(w, false) && !failed_one;
    }).join();
    verify(right);
  });
}

TEMPLATE_TEST_CASE("a hash_set survives the failure of every allocation", "", pawl::hazard_pointers<>, pawl::epochs<>) {
  struct world {
    TestType domain;
    set_over<std::string, TestType> set{domain};
  };
  using content = std::vector<std::string>;
  constexpr int size = 40;
  const auto filled = [](world& w) {
    for (int i = 0; i < size; ++i) w.set.insert(text(i));
  };
  const auto holds = [](auto change) {
    return [change](world& w, bool threw) {
      content expected;
      for (int i = 0; i < size; ++i) expected.push_back(text(i));
      if (!threw) change(expected);
      content all;
      w.set.visit_all([&](const std::string& k) { all.push_back(k); });
      std::sort(all.begin(), all.end());
      std::sort(expected.begin(), expected.end());
      return all == expected && w.set.size() == expected.size();
    };
  };
  const std::string fresh = text(size);
  const std::string present = text(7);
  const auto unchanged = holds([](content&) {});
  const auto added = holds([](content& c) { c.push_back(text(size)); });
  const auto erased = holds([](content& c) { c.erase(c.begin() + 7); });
  fail_everywhere<world>(filled, [&](world& w) { w.set.insert(fresh); }, added);
  fail_everywhere<world>(filled, [&](world& w) { w.set.insert(text(size)); }, added);
  fail_everywhere<world>(filled, [&](world& w) { w.set.insert(present); }, unchanged);
  fail_everywhere<world>(filled, [&](world& w) { w.set.insert_or_visit(fresh, [](auto&) {}); }, added);
  fail_everywhere<world>(filled, [&](world& w) { w.set.insert_or_visit(present, [](auto&) {}); }, unchanged);
  fail_everywhere<world>(filled, [&](world& w) { w.set.erase(present); }, erased);
  fail_everywhere<world>(filled, [&](world& w) { w.set.erase_if(present, [](auto&) { return true; }); }, erased);
  fail_everywhere<world>(filled, [&](world& w) { w.set.clear(); }, holds([](content& c) { c.clear(); }));
  fail_everywhere<world>(filled, [&](world& w) { static_cast<void>(w.set.contains(present)); }, unchanged);
  fail_everywhere<world>(filled, [&](world& w) { w.set.visit(present, [](auto&) {}); }, unchanged);
  fail_everywhere<world>(filled, [&](world& w) { w.set.visit_all([](auto&) {}); }, unchanged);
}

namespace {

// Not from operator new.
template <class T>
struct malloc_allocator {
  using value_type = T;
  malloc_allocator() = default;
  template <class U>
  malloc_allocator(const malloc_allocator<U>&) noexcept {}  // NOLINT(google-explicit-constructor)
  T* allocate(std::size_t n) { return static_cast<T*>(std::aligned_alloc(alignof(T), n * sizeof(T))); }
  void deallocate(T* memory, std::size_t) noexcept { std::free(memory); }
  friend bool operator==(const malloc_allocator&, const malloc_allocator&) = default;
};

}  // namespace

TEST_CASE("a hash_map without memory for buckets stays right") {
  using domain = pawl::hazard_pointers<pawl::native, malloc_allocator<std::byte>>;
  bool right = true;
  bool happened = false;
  std::thread([&] {
    pawl::hash_map<int, int, std::hash<int>, std::equal_to<int>, domain> map;
    map.insert(-1, 0);
    {
      const allocations::failing now(1, true);
      for (int i = 0; i < 500; ++i) right = map.insert(i, i) && right;
      map.reserve(1024);
      for (int i = 0; i < 500; ++i) right = map.find(i) == i && right;
      happened = now.happened();
    }
    for (int i = 0; i < 500; ++i) right = map.find(i) == i && right;  // with buckets
    for (int i = 0; i < 500; ++i) right = map.erase(i) && right;
    right = right && map.size() == 1;
  }).join();
  CHECK(right);
  CHECK(happened);
}

// ---- hazard pointers -------------------------------------------------------------------------------------------------------------
namespace {

struct object : pawl::hazard_pointer_obj_base<object> {
  static inline std::atomic<int> alive{0};
  object() { ++alive; }
  object(const object&) = delete;
  object& operator=(const object&) = delete;
  ~object() { --alive; }
};
struct domain_world {
  pawl::hazard_pointers<> domain;
  std::vector<pawl::hazard_pointer> held = std::vector<pawl::hazard_pointer>(40);
  ~domain_world() { held.clear(); }
  domain_world() = default;
  domain_world(const domain_world&) = delete;
  domain_world& operator=(const domain_world&) = delete;
};

}  // namespace

TEST_CASE("hazard pointers survive the failure of every allocation") {
  const auto nothing = [](domain_world&) {};
  const auto empty = [](domain_world& w, bool threw) {
    std::size_t full = 0;
    for (const auto& each : w.held) full += each.empty() ? 0U : 1U;
    return full == (threw ? 0U : 1U);
  };
  fail_everywhere<domain_world>(nothing, [](domain_world& w) { w.held[0] = make_hazard_pointer(w.domain); }, empty);
  // A batch: all or none.
  fail_everywhere<domain_world>(
      nothing, [](domain_world& w) { make_hazard_pointer_batch(std::span<pawl::hazard_pointer>(w.held), w.domain); },
      [](domain_world& w, bool threw) {
        return std::all_of(w.held.begin(), w.held.end(), [&](const auto& each) { return each.empty() == threw; });
      });
  fail_everywhere<domain_world>(nothing, [](domain_world& w) { w.domain.reclaim(); }, [](domain_world&, bool) { return true; });
}

TEST_CASE("retire takes its object where there is no memory at all") {
  int left = -1;
  bool threw = false;
  std::thread([&] {
    pawl::hazard_pointers<> domain;
    std::array<object*, 5> objects;
    for (auto& each : objects) each = new object;
    std::thread([&] {
      const allocations::failing now(1, true);
      for (auto* each : objects) each->retire({}, domain);
      threw = !now.happened();
    }).join();
    left = object::alive;
    domain.reclaim();
    left += 10 * object::alive;
    const auto stats = domain.stats();
    if (stats.retired != 5 || stats.reclaimed != 5) left = -2;
    auto* const last = new object;
    std::thread([&] {
      const allocations::failing now(1, true);
      last->retire({}, domain);
    }).join();
  }).join();
  CHECK_FALSE(threw);
  CHECK(left == 5);
  CHECK(object::alive == 0);  // the last was freed by the domain's end
}

// ---- epochs ----------------------------------------------------------------------------------------------------------------------
namespace {

struct epochs_world {
  pawl::epochs<> domain;
  std::array<bool, 3> ended{};
  std::array<std::optional<pawl::epochs<>::reader>, 3> kept;

  struct noted : pawl::rcu_obj_base<noted, void (*)(noted*)> {
    explicit noted(bool& flag) : ended(flag) {}
    bool& ended;
    static void end(noted* n) {
      n->ended = true;
      delete n;
    }
  };
  noted* first = new noted(ended[0]);
  noted* second = new noted(ended[1]);
  noted* third = new noted(ended[2]);
  epochs_world() = default;
  epochs_world(const epochs_world&) = delete;
  epochs_world& operator=(const epochs_world&) = delete;
  ~epochs_world() {
    for (noted* left : {first, second, third}) delete left;
  }
  void retire_all() {
    for (noted** each : {&first, &second, &third}) std::exchange(*each, nullptr)->retire(&noted::end, domain);
  }
  bool all_ended() const { return ended[0] && ended[1] && ended[2]; }
  // What was retired may be freed by a thread that has memory, and is then.
  bool frees_all() {
    domain.reclaim();
    return all_ended();
  }
};

}  // namespace

TEST_CASE("epochs survive the failure of every allocation") {
  const auto nothing = [](epochs_world&) {};
  const auto sound = [](epochs_world& w, bool) {
    if (w.first != nullptr) w.retire_all();
    return w.frees_all();
  };
  using world = epochs_world;
  const auto keep_readers = [](world& w) {
    for (auto& each : w.kept) each.emplace(w.domain);
    for (auto& each : w.kept) each->lock();
    w.retire_all();
    w.domain.reclaim();
    verify(!w.all_ended());
    for (auto& each : w.kept) each->unlock();
    for (auto& each : w.kept) each.reset();
  };
  // A reader that could not be made has had no effect; those that were made work. They end on the thread that made them.
  fail_everywhere<world>(
      nothing,
      [&](world& w) {
        const struct ender {
          world& w;
          ~ender() {
            for (auto& each : w.kept) each.reset();
          }
        } end{w};
        keep_readers(w);
      },
      sound);
  fail_everywhere<world>(nothing, [](world& w) { w.domain.reclaim(); }, sound);
  // These throw nothing, and need no memory but a first record's. (The pin of a section without one ends with it.)
  const auto never_throws = [&sound](world& w, bool threw) { return !threw && sound(w, threw); };
  const auto works_without = [&](auto operation) {
    for (const bool used_before : {true, false}) {
      for (const bool all_after : {false, true}) {
        fail_each_allocation<world>(used_before, [](world& w) { w.domain.reclaim(); }, operation, never_throws, all_after);
      }
    }
  };
  works_without([](world& w) {
    w.domain.lock();
    w.domain.lock();
    w.domain.unlock();
    w.domain.unlock();
  });
  works_without([](world& w) { w.retire_all(); });
  works_without([](world& w) {
    w.domain.lock();
    w.retire_all();
    w.domain.unlock();
  });
  for (const bool all_after : {false, true}) {
    const auto used = [](world& w) { w.domain.reclaim(); };
    fail_each_allocation<world>(true, used, [](world& w) { rcu_synchronize(w.domain); }, never_throws, all_after);
    fail_each_allocation<world>(
        true, used,
        [](world& w) {
          w.retire_all();
          rcu_barrier(w.domain);
        },
        [&](world& w, bool threw) { return w.all_ended() && never_throws(w, threw); }, all_after);
  }
}
