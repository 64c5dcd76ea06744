// SPDX-License-Identifier: BSL-1.0
// The seams bear what is to come: stack, queue and hash_map run over a user's backend that has the mandatory functions alone, and over
// a backend and an environment that record, which shows that nothing shared is touched past them.
#include "catch.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <semaphore>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <pawl/detail/several.hpp>
#include <pawl/fence.hpp>
#include <pawl/hash_map.hpp>
#include <pawl/hazard_pointer.hpp>
#include <pawl/llsc.hpp>
#include <pawl/queue.hpp>
#include <pawl/rcu.hpp>
#include <pawl/spin_lock.hpp>
#include <pawl/stack.hpp>
#include <pawl/tagged_pool.hpp>

#include "header_text.hpp"
#include "recorder.hpp"

namespace {

// Instructions alone, derived from nothing of pawl's, and no optional one. Every third attempt that could succeed fails.
struct bare {
  static constexpr const char* name = "bare";

  template <class W>
  static W load(const W& object, std::memory_order order) noexcept {
    return __atomic_load_n(&object, static_cast<int>(order));
  }
  template <class W>
  static void store(W& object, std::type_identity_t<W> desired, std::memory_order order) noexcept {
    __atomic_store_n(&object, desired, static_cast<int>(order));
  }
  template <class W>
  static bool compare_exchange_weak(W& object, W& expected, std::type_identity_t<W> desired, std::memory_order success,
                                    std::memory_order failure) noexcept {
    static thread_local unsigned attempts = 0;
    if (++attempts % 3 == 0 && load(object, failure) == expected) return false;
    return __atomic_compare_exchange_n(&object, &expected, desired, true, static_cast<int>(success), static_cast<int>(failure));
  }
  // One word that all fences change: an order that ThreadSanitizer sees.
  static void thread_fence(std::memory_order) noexcept {
    static std::uint32_t word = 0;
    __atomic_fetch_add(&word, 1U, __ATOMIC_SEQ_CST);
  }
  static void pause() noexcept {}
};
static_assert(pawl::is_backend<bare>);

using header_text::code_of;
using header_text::line_of;
using header_text::places_of;
using rec::object;
using rec::recorder;
using rec::world;

// Three words: more than the recorder hides.
struct wide {
  std::uint64_t number = 0;
  std::uint64_t twice = 0;
  std::uint64_t thrice = 0;
  wide() = default;
  wide(std::uint64_t n) : number(n), twice(2 * n), thrice(3 * n) {}  // NOLINT(google-explicit-constructor)
  operator std::uint64_t() const { return twice == 2 * number && thrice == 3 * number ? number : 0; }
};

// What a scenario finds wrong is a complaint, too: Catch's own macros allocate.
void expect(bool holds, int line = __builtin_LINE()) {
  if (holds) return;
  const rec::aside a;
  world::get().complain("expectation in seam.cpp:" + std::to_string(line));
}

// ---- What was reached --------------------------------------------------------------------------------------------------------------

// Where accesses of one test were recorded.
class reached {
 public:
  void add(const world& w) {
    places_.insert(w.places.begin(), w.places.end());
    plain_places_.insert(w.plain_places.begin(), w.plain_places.end());
  }
  /// Every statement of the header that names an order was the place of an access, and each place in it is in one that does. (Which
  /// line of a long statement it is, is the compiler's choice.) The same of those that read or write plain data.
  void all_of(const std::string& header) const {
    const auto [path, ordered] = in_header(places_, header);
    const std::string code = code_of(path);
    REQUIRE_FALSE(code.empty());
    std::set<std::size_t> unnamed = ordered;
    check(path, code, "std::memory_order_", ordered, unnamed);
    for (const std::size_t line : unnamed) FAIL_CHECK(path << ":" << line << " names no order");
    const std::set<std::size_t> plain = in_header(plain_places_, header).second;
    std::set<std::size_t> others = plain;
    for (const std::string_view word : {"read_shared<", "write_shared<", "announce_read<", "announce_write<"}) {
      check(path, code, word, plain, others);
    }
  }

 private:
  using recorded = std::set<std::pair<std::string, int>>;

  static std::pair<std::string, std::set<std::size_t>> in_header(const recorded& places, const std::string& header) {
    std::pair<std::string, std::set<std::size_t>> found;
    for (const auto& [file, line] : places) {
      if (!file.ends_with("/pawl/" + header)) continue;
      found.first = file;
      found.second.insert(static_cast<std::size_t>(line));
    }
    return found;
  }
  static void check(const std::string& path, const std::string& code, std::string_view word, const std::set<std::size_t>& lines,
                    std::set<std::size_t>& others) {
    for (const std::size_t at : places_of(code, word)) {
      const std::size_t begin = code.find_first_not_of(" \n", code.find_last_of(";{}", at) + 1);
      if (code.compare(begin, 17, "static constexpr ") == 0) continue;  // a constant: it stands where it is used
      const bool asserted = code.compare(begin, 7, "assert(") == 0;  // not there in a Release build
      const auto first = lines.lower_bound(line_of(code, begin));
      const auto last = lines.upper_bound(line_of(code, at));
      INFO(path << ":" << line_of(code, at) << " was not reached");
      CHECK((asserted || first != last));
      for (auto each = first; each != last; ++each) others.erase(*each);
    }
  }

  recorded places_;
  recorded plain_places_;
};

// ---- Recorded scenarios ------------------------------------------------------------------------------------------------------------

// Runs a scenario in a world of its own.
template <class Scenario>
void record(reached& places, Scenario scenario) {
  world w;
  const std::size_t before = rec::aside::done_by_others();
  scenario(w);
  w.end();
  const std::size_t foreign_allocations = rec::aside::done_by_others() - before;
  CHECK(w.complaints().empty());
  if (!w.complaints().empty()) FAIL(w.complaints());
  CHECK(foreign_allocations == 0);
  CHECK(w.seen.atomic > 0);
  places.add(w);
}

// Runs `first` on thread 0 again and again, each time interrupted some accesses later by `second` on thread 1, until it is over before.
template <class First, class Second, class Between>
void interleave(world& w, First first, Second second, Between between, std::size_t stride = 1) {
  for (std::size_t n = 1;; n += stride) {
    w.current_thread = 0;
    w.hide_values();
    w.interrupt(n, [&] {
      w.current_thread = 1;
      second();
    });
    first();
    const bool interrupted = w.was_interrupted();
    between();
    if (!interrupted) return;
  }
}

// ---- Stack and queue ---------------------------------------------------------------------------------------------------------------

struct sum {
  std::uint64_t count = 0;
  std::uint64_t total = 0;
  void add(std::uint64_t n) {
    ++count;
    total += n;
  }
  friend bool operator==(const sum&, const sum&) = default;
};

// Writes to a sum.
class adder {
 public:
  using difference_type = std::ptrdiff_t;
  explicit adder(sum& to) : to_(&to) {}
  adder& operator*() { return *this; }
  adder& operator++() { return *this; }
  adder& operator=(std::uint64_t n) {
    to_->add(n);
    return *this;
  }

 private:
  sum* to_;
};

// A container, and what was put in and taken out.
template <class Container>
struct balance {
  Container& container;
  sum in{};
  sum out{};
  std::uint64_t next = 1;

  void push() {
    const std::uint64_t n = next++;
    if (container.try_push(typename Container::value_type(n))) in.add(n);
  }
  void push_range() {
    const std::array<typename Container::value_type, 3> three{next, next + 1, next + 2};
    next += 3;
    try {
      container.push_range(three);
    } catch (const std::bad_alloc&) {
      return;
    }
    for (const auto& each : three) in.add(each);
  }
  void pop() {
    if (const auto popped = container.try_pop()) out.add(*popped);
  }
  void pop_to() {
    typename Container::value_type popped{};
    if (container.try_pop(popped)) out.add(popped);
  }
  void pop_all() { container.pop_all(adder(out)); }
  void check() {
    pop_all();
    expect(in == out);
    expect(container.empty());
  }
};

template <class Container>
void all_pairs(world& w, Container& container) {
  balance<Container> b{container};
  using member = void (balance<Container>::*)();
  const std::array<member, 6> operations{&balance<Container>::push,   &balance<Container>::push_range, &balance<Container>::pop,
                                         &balance<Container>::pop_to, &balance<Container>::pop_all,    nullptr};
  for (const member first : operations) {
    if (first == nullptr) continue;
    for (const member second : operations) {
      for (const int elements : {0, 1, 3}) {
        for (int i = 0; i < elements; ++i) b.push();
        interleave(
            w, [&] { (b.*first)(); },
            [&] {
              // nullptr: many at once, so that nodes come back while the other thread looks at them
              if (second != nullptr) return (b.*second)();
              for (int i = 0; i < 4; ++i) {
                b.push();
                b.pop();
              }
            },
            [&] {
              b.check();
              for (int i = 0; i < elements; ++i) b.push();
            });
        b.check();
      }
    }
  }
}

template <template <class, class, class> class Container, class T>
void over_hazard_pointers(reached& places) {
  using domain = pawl::hazard_pointers<recorder>;
  using container = Container<T, domain, pawl::exponential_backoff>;
  record(places, [](world& w) {
    object<container> tested("the container");  // over the process's domain
    all_pairs(w, *tested);
    expect(w.seen.globals == 1);
    expect(w.seen.heavy > 0);
    const auto statistics = domain::default_domain().stats();
    expect(statistics.retired > statistics.reclaimed);
    expect(statistics.reclaimed > 0);
  });
  record(places, [](world& w) {
    // Ended threads: what they retired is taken over, their records are adopted.
    object<domain> own("the domain");
    {
      object<container> tested("the container", *own);
      balance<container> b{*tested};
      // One that a fork left behind, before it retired anything: what it has is told, and adopted.
      w.current_thread = 6;
      b.push();
      w.end_thread(6, true);
      for (int thread = 0; thread < 6; ++thread) {
        w.current_thread = thread;
        for (int i = 0; i < 5; ++i) b.push();
        for (int i = 0; i < 4; ++i) b.pop();
        if (thread % 2 == 1) w.end_thread(thread);
      }
      w.end_thread(0);
      own->reclaim();
      b.check();
      b.push();  // destroyed with the container
    }
    expect(w.seen.adopted > 0);
    expect(w.seen.abandoned > 0);
    expect(own->stats().records == w.seen.thread_objects);
  });
}

template <template <class, class, class> class Container, class T>
void over_a_pool(reached& places) {
  using pool = pawl::tagged_pool<recorder>;
  using container = Container<T, pool, pawl::exponential_backoff>;
  record(places, [](world& w) {
    object<container> tested("the container");  // over a pool of its own
    all_pairs(w, *tested);
  });
  record(places, [](world& w) {
    object<pool> fixed("the pool", std::size_t{5});
    object<container> tested("the container", *fixed);
    all_pairs(w, *tested);
    balance<container> b{*tested};
    for (int i = 0; i < 9; ++i) b.push();
    expect(b.in.count == 5);
    b.check();
  });
  record(places, [](world& w) {
    // Chains from one thread's cache to another's.
    object<pool> growing("the pool");
    object<container> first("a container", *growing);
    object<container> second("another container", *growing);
    balance<container> b{*first};
    balance<container> c{*second};
    for (int thread = 0; thread < 4; ++thread) {
      w.current_thread = thread;
      for (int i = 0; i < 20; ++i) b.push();
      w.current_thread = 10 + thread;
      b.pop_all();
      for (int i = 0; i < 3; ++i) c.push();
      w.end_thread(thread);
    }
    b.check();
    expect(w.seen.adopted > 0);
  });
}

// Several elements at once.
template <class Container>
void several_over_a_pool(reached& places) {
  using pool = pawl::tagged_pool<recorder>;
  using several = pawl::detail::several<Container>;
  record(places, [](world& w) {
    object<pool> fixed("the pool", std::size_t{6});
    object<Container> tested("the container", *fixed);
    std::size_t in = 0;
    const auto push_three = [&] {
      several all(*tested);
      typename several::link nodes[3];
      const std::size_t got = all.create(nodes, 3);
      for (std::size_t i = 0; i < got; ++i) all.construct(nodes[i], wide(i));
      for (std::size_t i = 0; i + 1 < got; ++i) all.link_to(nodes[i], nodes[i + 1]);
      if (got != 0) all.push(nodes[0], nodes[got - 1]);
      in += got;
    };
    const auto pop_three = [&] {
      several all(*tested);
      typename several::link nodes[3];
      const std::size_t got = all.pop(nodes, 3);
      for (std::size_t i = 0; i < got; ++i) expect(all.take(nodes[i]).number < 3);
      for (std::size_t i = 0; i + 1 < got; ++i) all.link_freed(nodes[i], nodes[i + 1]);
      if (got != 0) all.give_back(nodes[0], nodes[got - 1]);
      in -= got;
    };
    const auto push_and_pop = [&] {
      w.current_thread = 1;
      push_three();
      pop_three();
    };
    for (std::size_t n = 1; n < 60; ++n) {
      for (const bool pushes : {true, false}) {
        w.current_thread = 0;
        w.interrupt(n, push_and_pop);
        if (pushes) {
          push_three();
        } else {
          pop_three();
        }
        static_cast<void>(w.was_interrupted());
      }
    }
    w.current_thread = 0;
    while (in != 0) pop_three();
    expect(tested->empty());
  });
}

struct large {
  std::uint64_t words[80]{};
};

}  // namespace

TEST_CASE("the recorder sees all that a stack does") {
  reached places;
  over_hazard_pointers<pawl::stack, std::uint64_t>(places);
  over_hazard_pointers<pawl::stack, wide>(places);
  over_a_pool<pawl::stack, wide>(places);
  several_over_a_pool<pawl::stack<wide, pawl::tagged_pool<recorder>>>(places);
  places.all_of("stack.hpp");
}
TEST_CASE("the recorder sees all that a queue does") {
  reached places;
  over_hazard_pointers<pawl::queue, std::uint64_t>(places);
  over_hazard_pointers<pawl::queue, wide>(places);
  over_a_pool<pawl::queue, wide>(places);
  several_over_a_pool<pawl::queue<wide, pawl::tagged_pool<recorder>>>(places);
  places.all_of("queue.hpp");
}

namespace {

using pool = pawl::tagged_pool<recorder>;

// Further blocks, also when two threads want one at once.
void blocks_of_a_pool(reached& places) {
  record(places, [](world& w) {
    using container = pawl::stack<large, pool>;
    object<pool> growing("the pool");
    object<container> tested("the container", *growing);
    // 4,096 words hold 49 of these; then come blocks of half as many and of as many.
    std::size_t pushed = 0;
    for (std::size_t n = 1; n < 120; n += 7) {
      w.current_thread = 0;
      w.interrupt(n, [&] {
        w.current_thread = 1;
        for (int i = 0; i < 4; ++i) pushed += tested->try_push(large{}) ? 1U : 0U;
      });
      for (int i = 0; i < 4; ++i) pushed += tested->try_push(large{}) ? 1U : 0U;
      static_cast<void>(w.was_interrupted());
    }
    std::size_t popped = 0;
    large each;
    while (tested->try_pop(each)) ++popped;
    expect(pushed == popped);
    expect(pushed > 100);
  });
}

void refusals_of_a_pool(reached& places) {
  record(places, [](world&) {
    object<pool> fixed("the pool", std::size_t{3});
    object<pawl::stack<std::uint64_t, pool>> first("the first container", *fixed);
    const rec::aside messages;  // of the exceptions
    bool refused = false;
    try {
      object<pawl::stack<large, pool>> too_large("a container", *fixed);
    } catch (const std::invalid_argument&) {
      refused = true;
    }
    expect(refused);
    // Queues: each takes a node beyond the capacity for its dummy.
    std::array<std::optional<object<pawl::queue<std::uint64_t, pool>>>, pool::max_queues> queues;
    for (auto& each : queues) each.emplace("a queue", *fixed);
    refused = false;
    try {
      object<pawl::queue<std::uint64_t, pool>> too_many("a queue", *fixed);
    } catch (const std::invalid_argument&) {
      refused = true;
    }
    expect(refused);
    queues.back().reset();
    queues.back().emplace("a queue", *fixed);
    expect(queues.back()->operator*().try_push(1));
  });
}

}  // namespace

TEST_CASE("the recorder sees all that a tagged pool does") {
  reached places;
  over_a_pool<pawl::stack, wide>(places);
  over_a_pool<pawl::queue, wide>(places);
  blocks_of_a_pool(places);
  refusals_of_a_pool(places);
  several_over_a_pool<pawl::stack<wide, pool>>(places);
  several_over_a_pool<pawl::queue<wide, pool>>(places);
  places.all_of("tagged_pool.hpp");
  places.all_of("detail/pool_blocks.hpp");
  places.all_of("detail/pool_free_list.hpp");
}

// ---- Map ---------------------------------------------------------------------------------------------------------------------------

namespace {

using domain = pawl::hazard_pointers<recorder>;
using map = pawl::hash_map<std::uint64_t, wide, std::hash<std::uint64_t>, std::equal_to<>, domain>;

template <class Map>
struct counted_map {
  Map& tested;
  std::int64_t inserted = 0;  // less those erased
  std::uint64_t key = 1;

  void insert() { inserted += tested.insert(key, wide(key)) ? 1 : 0; }
  void assign() { inserted += tested.insert_or_assign(key, wide(key + 1)) ? 1 : 0; }
  void update() {
    tested.update(key, [](const wide& old) { return wide(old.number + 1); });
  }
  void upsert() {
    inserted += tested.upsert(key, [](const std::optional<wide>& old) { return wide(old ? old->number + 1 : 7); }) ? 1 : 0;
  }
  void erase() { inserted -= tested.erase(key) ? 1 : 0; }
  void erase_other() { inserted -= tested.erase(key + 1) ? 1 : 0; }
  void insert_new() { inserted += tested.insert(key + 100, wide(1)) ? 1 : 0; }
  void visit_all() {
    std::int64_t visited = 0;
    tested.visit_all([&visited](std::uint64_t, const wide& value) {
      ++visited;
      expect(value.twice == 2 * value.number);
    });
    expect(visited + 1 >= inserted);
  }
  std::vector<std::uint64_t> present() {
    const rec::aside a;
    std::vector<std::uint64_t> keys;
    tested.visit_all([&keys](std::uint64_t each, const wide& value) {
      keys.push_back(each);
      expect(value.twice == 2 * value.number);
    });
    return keys;
  }
  void check() {
    expect(static_cast<std::int64_t>(tested.size()) == inserted);
    expect(static_cast<std::int64_t>(present().size()) == inserted);
  }
};

void pairs_on_a_map(reached& places) {
  record(places, [](world& w) {
    object<map> tested("the map");  // over the process's domain
    using counted = counted_map<map>;
    counted m{*tested};
    using member = void (counted::*)();
    const std::array<member, 8> operations{&counted::insert, &counted::assign,      &counted::update,     &counted::upsert,
                                           &counted::erase,  &counted::erase_other, &counted::insert_new, &counted::visit_all};
    for (const member first : operations) {
      for (const member second : operations) {
        interleave(
            w, [&] { (m.*first)(); }, [&] { (m.*second)(); },
            [&] {
              m.check();
              // Now with the key, now without; and with ever other neighbours.
              m.key = m.key * 3 % 7 + 1;
              if (m.key % 3 == 0) m.erase();
              if (m.key % 3 == 1) m.insert();
            });
      }
    }
    expect(tested->bucket_count() > 8);
    interleave(
        w, [&] { tested->clear(); }, [&] { m.insert(); },
        [&] {
          m.inserted = static_cast<std::int64_t>(tested->size());
          m.check();
          expect(m.inserted <= 1);
          for (m.key = 0; m.key < 5; ++m.key) m.insert();
        });
    w.current_thread = 0;
    tested->clear();
    expect(tested->empty());
    m.inserted = 0;
    for (m.key = 0; m.key < 40; ++m.key) m.insert();
    m.check();  // and the rest is destroyed with the map
  });
}

// Nested operations, shortage of memory, keys of equal hash.
void rare_on_a_map(reached& places) {
  record(places, [](world&) {
    struct one_hash {
      std::size_t operator()(std::uint64_t) const noexcept { return 5; }
    };
    using collided = pawl::hash_map<std::uint64_t, wide, one_hash, std::equal_to<>, domain>;
    object<domain> own("the domain");
    object<collided> tested("the map", *own, std::size_t{4});
    for (std::uint64_t key = 0; key < 9; ++key) expect(tested->insert(key, wide(key)));
    // More operations at once than the first slots of a thread serve.
    const std::function<void(std::uint64_t)> deeper = [&](std::uint64_t key) {
      tested->visit(key, [&](std::uint64_t, const wide& value) {
        expect(value == key);
        if (key != 0) deeper(key - 1);
        tested->insert_or_assign(key + 20, wide(key));
      });
    };
    deeper(8);
    deeper(7);
    expect(tested->size() == 18);
    std::size_t visited = 0;
    tested->visit_all([&visited](std::uint64_t, const wide&) { ++visited; });
    expect(visited == 18);
    expect(tested->erase_if(3, [](std::uint64_t, const wide& value) { return value == 3; }));
  });
  record(places, [](world& w) {
    object<domain> own("the domain");
    object<map> tested("the map", *own);
    for (std::uint64_t key = 0; key < 8; ++key) expect(tested->insert(key, wide(key)));
    tested->reserve(1024);
    // No memory for buckets: others serve.
    w.out_of_memory = true;
    for (std::uint64_t key = 0; key < 8; ++key) expect(tested->contains(key));
    bool failed = false;
    try {
      tested->insert(std::uint64_t{100}, wide(100));
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    expect(failed);
    w.current_thread = 1;  // has no record yet
    failed = false;
    try {
      tested->erase(1);
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    expect(failed);
    w.out_of_memory = false;
    expect(tested->erase(1));
    // A thousand buckets, which two threads prepare at once.
    for (std::uint64_t n = 1; n < 60; ++n) {
      w.current_thread = 0;
      w.interrupt(n, [&] {
        w.current_thread = 1;
        expect(tested->insert(1000 + n, wide(n)));
      });
      expect(!tested->contains(1000 + n) || w.current_thread == 0);
      static_cast<void>(w.was_interrupted());
    }
  });
}

}  // namespace

namespace {

void pairs_on_a_map_over_a_pool(reached& places) {
  record(places, [](world& w) {
    using over_pool = pawl::hash_map<std::uint64_t, wide, std::hash<std::uint64_t>, std::equal_to<>, pool>;
    using counted = counted_map<over_pool>;
    object<pool> fixed("the pool", std::size_t{300});
    object<over_pool> tested("the map", *fixed, std::size_t{2});
    counted m{*tested};
    using member = void (counted::*)();
    const std::array<member, 8> operations{&counted::insert, &counted::assign,      &counted::update,     &counted::upsert,
                                           &counted::erase,  &counted::erase_other, &counted::insert_new, &counted::visit_all};
    for (const member first : operations) {
      for (const member second : operations) {
        interleave(
            w, [&] { (m.*first)(); }, [&] { (m.*second)(); },
            [&] {
              m.check();
              m.key = m.key * 3 % 7 + 1;
              if (m.key % 3 == 0) m.erase();
              if (m.key % 3 == 1) m.insert();
            });
      }
    }
    w.current_thread = 0;
    tested->clear();
    expect(tested->empty());
    m.inserted = 0;
    for (m.key = 0; m.key < 400; ++m.key) m.insert();
    expect(m.inserted == 300);
    m.check();  // and the rest goes back to the pool with the map
  });
}

}  // namespace

TEST_CASE("the recorder sees all that a map over a pool does") {
  reached places;
  pairs_on_a_map_over_a_pool(places);
  blocks_of_a_pool(places);  // nodes of a stack: their values are copied otherwise
  places.all_of("detail/pooled_map.hpp");
  places.all_of("detail/pool_node.hpp");
}

TEST_CASE("the recorder sees all that a map does") {
  reached places;
  pairs_on_a_map(places);
  rare_on_a_map(places);
  places.all_of("hash_map.hpp");
  places.all_of("detail/bucket_directory.hpp");
}

// ---- Hazard pointers ---------------------------------------------------------------------------------------------------------------

namespace {

struct config;
// With a state, which goes from the thread that retires to the one that frees.
struct deleter {
  std::size_t* deleted = nullptr;
  void operator()(config* object) const noexcept;
};
struct config : pawl::hazard_pointer_obj_base<config, deleter> {
  std::uint64_t number = 0;
};

// What a program would get from new.
config* make_config(std::uint64_t number) {
  config* const made = std::construct_at(static_cast<config*>(world::get().allocate(sizeof(config), alignof(config))));
  made->number = number;
  world::get().event("published");
  return made;
}
void deleter::operator()(config* object) const noexcept {
  ++*deleted;
  std::destroy_at(object);
  world::get().deallocate(object, sizeof(config), alignof(config));
}

void hazard_pointers_alone(reached& places) {
  std::size_t deleted = 0;
  std::size_t retired = 0;
  record(places, [&](world& w) {
    using hazard_pointer = pawl::basic_hazard_pointer<recorder>;
    object<domain> own("the domain");
    object<pawl::atomic<config*, recorder>> source("the source", make_config(1));
    const auto replace = [&] {
      config* const old = source->exchange(make_config(2), std::memory_order_acq_rel);
      old->retire(deleter{&deleted}, *own);
      ++retired;
    };
    {
      // Protected objects stay, in whatever place of a scan's list they are.
      std::array<hazard_pointer, 40> held;
      pawl::make_hazard_pointer_batch<recorder>(held, *own);
      for (auto& each : held) {
        static_cast<void>(each.protect(*source));
        replace();
        if (retired % 3 == 0) each.reset_protection();
        config* guess = source->load(std::memory_order_relaxed);
        if (retired % 5 == 0) expect(each.try_protect(guess, *source));
      }
      w.heavy_fence_fails = true;
      own->reclaim();
      expect(deleted == 0);
      w.heavy_fence_fails = false;
      own->reclaim();
      expect(deleted > 0);
      expect(deleted < retired);
      // Ended on another thread: they go home. Then the first thread takes them again.
      w.current_thread = 1;
      pawl::clear_hazard_pointer_batch<recorder>(std::span(held).first(20));
      w.current_thread = 0;
      for (auto& each : std::span(held).first(20)) each = pawl::make_hazard_pointer(*own);
      hazard_pointer other = std::move(held[0]);
      other.reset_protection(source->load(std::memory_order_acquire));
      swap(other, held[1]);
    }
    {
      std::array<hazard_pointer, 2> of_spare_slots;
      pawl::make_hazard_pointer_batch<recorder>(of_spare_slots, *own);
    }
    // Between two accesses of one thread, another retires and scans.
    w.current_thread = 0;
    interleave(
        w,
        [&] {
          hazard_pointer reader = pawl::make_hazard_pointer(*own);
          const config* const seen = reader.protect(*source);
          expect(seen->number == 2);
        },
        [&] {
          replace();
          own->reclaim();
        },
        [] {});
    const auto replace_many = [&] {
      for (int i = 0; i < 70; ++i) replace();
    };
    interleave(w, replace_many, replace_many, [] {}, 37);
    interleave(
        w,
        [&] {
          w.current_thread = 0;
          std::array<hazard_pointer, 2> given{pawl::make_hazard_pointer(*own), pawl::make_hazard_pointer(*own)};
          w.current_thread = 2;
          pawl::clear_hazard_pointer_batch<recorder>(given);  // on a thread that has no record
        },
        [&] {
          w.current_thread = 0;
          hazard_pointer taken = pawl::make_hazard_pointer(*own);
          w.current_thread = 3;
          taken = hazard_pointer();
        },
        [] {});
    // No memory for a thread's record: what it retires is not lost.
    w.current_thread = 7;
    config* const spare = make_config(3);
    config* const another = make_config(3);
    w.out_of_memory = true;
    w.interrupt(4, [&] {
      w.current_thread = 8;
      another->retire(deleter{&deleted}, *own);
    });
    spare->retire(deleter{&deleted}, *own);
    retired += 2;
    expect(w.was_interrupted());
    w.out_of_memory = false;
    w.current_thread = 0;
    own->reclaim();
    w.end_thread(0);
    w.current_thread = 9;
    replace();
    expect(own->stats().retired == retired);
    source->load()->retire(deleter{&deleted}, *own);
    ++retired;
    w.current_thread = 10;
    config* const orphan = make_config(4);
    w.out_of_memory = true;
    orphan->retire(deleter{&deleted}, *own);  // freed by the domain's destructor
    ++retired;
    w.out_of_memory = false;
  });
  CHECK(deleted == retired);
}

}  // namespace

TEST_CASE("the recorder sees all that hazard pointers do") {
  reached places;
  hazard_pointers_alone(places);
  over_hazard_pointers<pawl::stack, std::uint64_t>(places);
  rare_on_a_map(places);
  places.all_of("hazard_pointer.hpp");
  places.all_of("detail/hazard_record.hpp");
  places.all_of("detail/hazard_domain.hpp");
  places.all_of("detail/addressed_domain.hpp");
  places.all_of("detail/retired.hpp");
}

// ---- Epochs ------------------------------------------------------------------------------------------------------------------------

namespace {

using epochs = pawl::epochs<recorder>;

struct entry;
struct entry_deleter {
  std::size_t* deleted = nullptr;
  void operator()(entry* object) const noexcept;
};
struct entry : pawl::rcu_obj_base<entry, entry_deleter> {
  std::uint64_t number = 0;
};
entry* make_entry(std::uint64_t number) {
  entry* const made = std::construct_at(static_cast<entry*>(world::get().allocate(sizeof(entry), alignof(entry))));
  made->number = number;
  world::get().event("published");
  return made;
}
void entry_deleter::operator()(entry* object) const noexcept {
  ++*deleted;
  std::destroy_at(object);
  world::get().deallocate(object, sizeof(entry), alignof(entry));
}

void epochs_alone(reached& places, bool fences_are_usual) {
  std::size_t deleted = 0;
  std::size_t retired = 0;
  record(places, [&](world& w) {
    w.fences_are_usual = fences_are_usual;
    object<epochs> own("the domain");
    object<pawl::atomic<entry*, recorder>> source("the source", make_entry(2));
    const auto replace = [&] {
      entry* const old = source->exchange(make_entry(2), std::memory_order_acq_rel);
      if (++retired % 3 == 0) {
        rcu_retire(old, entry_deleter{&deleted}, *own);
      } else {
        old->retire(entry_deleter{&deleted}, *own);
      }
    };
    // One that a fork left behind in a section: that is over.
    w.current_thread = 11;
    own->lock();
    {
      epochs::reader kept(*own);
      kept.lock();
      w.end_thread(11, true);
      kept.unlock();
    }
    w.current_thread = 0;
    rcu_synchronize(*own);
    // Readers that are kept, one after the other; and one waits on the thread that has it.
    for (int i = 0; i < 2; ++i) {
      interleave(
          w,
          [&] {
            epochs::reader kept(*own);
            kept.lock();
            const entry* const seen = source->load(std::memory_order_acquire);
            kept.lock();
            kept.unlock();
            expect(seen->number == 2);
            kept.unlock();
            rcu_synchronize(*own);
          },
          [&] {
            replace();
            own->reclaim();
          },
          [] {});
    }
    // Between two accesses of a reader, another thread retires and frees.
    interleave(
        w,
        [&] {
          own->lock();
          const entry* const seen = source->load(std::memory_order_acquire);
          own->lock();
          own->unlock();
          expect(seen->number == 2);
          own->unlock();
        },
        [&] {
          replace();
          own->reclaim();
        },
        [] {});
    const auto replace_many = [&] {
      for (int i = 0; i < 70; ++i) replace();
    };
    interleave(w, replace_many, replace_many, [] {}, 37);
    // Held back, and no memory for the fence in the kernel.
    w.current_thread = 0;
    own->lock();
    w.current_thread = 1;
    replace_many();
    const std::size_t before = deleted;
    own->reclaim();
    expect(deleted == before);
    w.current_thread = 0;
    own->unlock();
    w.current_thread = 1;
    w.heavy_fence_fails = true;
    own->reclaim();
    expect(deleted == before);
    w.heavy_fence_fails = false;
    own->reclaim();
    expect(deleted > before);
    // While another thread's lists are taken, what is retired goes to the orphans. (Later than the wait for owners it can't be stopped.)
    interleave(w, [&] { rcu_barrier(*own); }, [&] { replace(); }, [] {});
    rcu_synchronize(*own);
    // No memory for a record.
    w.current_thread = 7;
    entry* const spare = make_entry(3);
    w.out_of_memory = true;
    own->lock();
    spare->retire(entry_deleter{&deleted}, *own);
    ++retired;
    w.out_of_memory = false;
    w.current_thread = 0;
    own->reclaim();
    expect(deleted < retired);
    w.current_thread = 7;
    own->unlock();
    w.current_thread = 0;
    replace();
    w.end_thread(0);
    w.current_thread = 9;
    replace();
    // A fork leaves a thread behind in its section, which is over then.
    w.current_thread = 11;
    own->lock();
    w.current_thread = 9;
    w.end_thread(11, true);
    rcu_barrier(*own);
    expect(deleted == retired);
    expect(own->stats().retired == retired);
    expect(own->stats().reclaimed == retired);
    source->load()->retire(entry_deleter{&deleted}, *own);  // freed by the domain's destructor
    ++retired;
  });
  CHECK(deleted == retired);
}

}  // namespace

TEST_CASE("the recorder sees all that epochs do") {
  reached places;
  epochs_alone(places, true);
  epochs_alone(places, false);
  record(places, [](world& w) {
    object<pawl::stack<std::uint64_t, epochs>> tested("the stack");  // over the process's domain
    all_pairs(w, *tested);
  });
  places.all_of("detail/epoch_record.hpp");
  places.all_of("detail/epoch_domain.hpp");
  places.all_of("detail/epoch_reader.hpp");
  places.all_of("detail/epoch_waiting.hpp");
  places.all_of("detail/retired.hpp");
}

TEST_CASE("the recorder sees waits and notifications") {
  reached places;
  for (std::size_t n = 1; n < 8; ++n) {
    record(places, [n](world& w) {
      object<pawl::atomic<std::uint64_t, recorder>> x("an atomic", 0U);
      object<pawl::atomic_flag<recorder>> flag("a flag");
      w.interrupt(n, [&] {
        w.current_thread = 1;
        x->store(1);
        x->notify_one();
        flag->test_and_set();
        flag->notify_all();
      });
      x->wait(0, std::memory_order_acquire);
      flag->wait(false);
      expect(w.was_interrupted());
      expect(w.seen.waits == 2);
      // Each turn of a sleep is two steps.
      expect(w.seen.sleeps == n / 2);
      expect(w.seen.notified_one == 1);
      expect(w.seen.notified_all == 1);
    });
  }
}

TEST_CASE("the recorder sees the asymmetric fences, and where a defaulted order stands") {
  reached places;
  record(places, [](world& w) {
    object<pawl::atomic<int, recorder>> word("a word", 1);
    word->store(2);
    const int line = __LINE__ - 1;
    const rec::aside a;
    expect(w.places == std::set<std::pair<std::string, int>>{{__FILE__, line}});
    pawl::asymmetric_thread_fence_light<recorder>();
    pawl::asymmetric_thread_fence_heavy<recorder>();
    expect(w.seen.light == 1);
    expect(w.seen.heavy == 1);
    pawl::asymmetric_thread_fence_light<recorder>(std::memory_order_acquire);
    pawl::asymmetric_thread_fence_heavy<recorder>(std::memory_order_release);
    expect(w.seen.light == 1);
  });
}

TEST_CASE("the recorder sees every operation of an atomic") {
  reached places;
  std::set<std::string_view> operations;
  record(places, [&operations](world& w) {
    object<pawl::atomic<std::uint32_t, recorder>> number("a number", 12U);
    expect(number->exchange(10) == 12);
    expect(number->fetch_add(5) == 10 && number->fetch_sub(2) == 15);
    expect(number->fetch_and(5) == 13 && number->fetch_or(8) == 5 && number->fetch_xor(1) == 13);
    expect(number->fetch_min(3) == 12 && number->fetch_max(~0U - 1) == 3);
    expect(number->fetch_add_sat(7) == ~0U - 1 && number->load() == ~0U);
    expect(number->fetch_inc_wrap(9) == ~0U && number->fetch_inc_below(2) == 0 && number->fetch_inc_below(1) == 1);
    number->store(20);
    number->store_add(3);
    number->store_sub(1);
    number->store_and(20);
    number->store_or(3);
    number->store_xor(1);
    expect(number->load() == 22);
    number->store_min(4);
    number->store_max(5);
    std::uint32_t expected = 4;
    expect(!number->compare_exchange_strong(expected, 9) && expected == 5);
    while (!number->compare_exchange_weak(expected, 9)) expect(expected == 5);
    expect(number->load() == 9);

    object<pawl::atomic<std::int8_t, recorder>> small("a signed number", std::int8_t{-3});
    expect(small->fetch_min(std::int8_t{2}) == -3 && small->fetch_add_sat(std::int8_t{-127}) == -3 && small->load() == -128);
    small->store_max(std::int8_t{-5});
    expect(small->fetch_inc_below(std::int8_t{-4}) == -5 && small->load() == -4);

    object<pawl::atomic<double, recorder>> real("a floating-point number", 0.5);
    expect(real->fetch_add(1.0) == 0.5 && real->fetch_sub(3.0) == 1.5);
    real->store_add(0.25);
    expect(real->load() == -1.25);

    struct pair {
      std::uint64_t first;
      std::uint64_t second;
    };
    object<pawl::atomic<pair, recorder>> both("16 bytes", pair{1, 2});
    expect(both->exchange({3, 4}).second == 2);
    pair old{3, 4};
    expect(both->compare_exchange_strong(old, {5, 6}) && both->load().first == 5 && both->load().second == 6);

    object<pawl::atomic_flag<recorder>> flag("a flag");
    expect(!flag->test_and_set() && flag->test_and_set());
    const rec::aside a;
    operations = w.operations;
  });
  for (const std::string_view each : {"load",
                                      "store",
                                      "compare_exchange_weak",
                                      "compare_exchange_strong",
                                      "exchange",
                                      "test_and_set",
                                      "fetch_add",
                                      "fetch_sub",
                                      "fetch_and",
                                      "fetch_or",
                                      "fetch_xor",
                                      "fetch_min",
                                      "fetch_max",
                                      "fetch_add_sat",
                                      "fetch_inc_wrap",
                                      "fetch_inc_below",
                                      "fetch_add_floating",
                                      "store_add",
                                      "store_sub",
                                      "store_and",
                                      "store_or",
                                      "store_xor",
                                      "store_min",
                                      "store_max",
                                      "store_add_floating"}) {
    INFO(each);
    CHECK(operations.contains(each));
  }
}

TEST_CASE("the recorder sees what a fork leaves behind") {
  reached places;
  std::set<std::string_view> operations;
  record(places, [&operations](world& w) {
    object<pawl::detail::turn<recorder>> turn("a turn");
    expect(turn->try_take(std::memory_order_acquire) && !turn->try_take(std::memory_order_acquire));
    expect(!turn->end_left_behind());
    w.fork();
    expect(!turn->taken(std::memory_order_acquire) && turn->marked(std::memory_order_acquire));
    expect(turn->end_left_behind() && !turn->marked(std::memory_order_acquire));
    turn->take(std::memory_order_relaxed);
    turn->give_back_of(w.process, std::memory_order_release);
    expect(!turn->taken(std::memory_order_acquire));

    object<pawl::detail::section_count<recorder>> open("the open sections");
    const auto any = [&open] { return open->any(std::memory_order_acquire); };
    // Two threads have one each, and one of them forks: the child has its section, and the other's ends with its thread.
    w.current_thread = 1;
    open->open(std::memory_order_relaxed);
    w.current_thread = 2;
    open->open(std::memory_order_relaxed);
    expect(any());
    w.fork();
    expect(any());
    open->open(std::memory_order_relaxed);
    open->close(std::memory_order_release);
    expect(any());
    open->close(std::memory_order_release);
    expect(!any());
    // One of which it isn't known whose it is counts until none is left of those.
    w.sections_are_apart = true;
    open->open(std::memory_order_relaxed);
    w.sections_are_apart = false;
    w.fork();
    expect(any());
    open->close(std::memory_order_release);
    expect(!any());
    // Or until who may have one says that it has none.
    object<pawl::detail::section_count<recorder>> other("other open sections");
    w.current_thread = 1;
    open->open(std::memory_order_relaxed);
    w.current_thread = 2;
    w.sections_are_apart = true;
    other->open(std::memory_order_relaxed);
    w.sections_are_apart = false;
    w.fork();
    expect(any());
    open->none_is_mine();
    expect(!any());
    other->close(std::memory_order_release);
    // A change while another thread changes it.
    interleave(
        w,
        [&] {
          open->open(std::memory_order_relaxed);
          open->close(std::memory_order_release);
        },
        [&] {
          open->open(std::memory_order_relaxed);
          open->close(std::memory_order_release);
        },
        [&] { expect(!any()); });
    const rec::aside a;
    operations = w.operations;
  });
  // In a domain: readers without memory for a record.
  std::size_t deleted = 0;
  record(places, [&](world& w) {
    object<epochs> own("the domain");
    w.out_of_memory = true;
    for (const int thread : {1, 2}) {
      w.current_thread = thread;
      own->lock();
    }
    w.out_of_memory = false;
    w.fork();
    w.end_thread(1, true);
    make_entry(1)->retire(entry_deleter{&deleted}, *own);
    own->reclaim();
    expect(deleted == 0);
    own->unlock();
    own->reclaim();
    expect(deleted == 1);
  });
  for (const std::string_view each :
       {"note_section", "section_is_apart", "forget_section", "forked_sections", "has_sections_apart"}) {
    INFO(each);
    CHECK(operations.contains(each));
  }
  places.all_of("detail/turn.hpp");
  places.all_of("detail/section_count.hpp");
}

// ---- A user's backend --------------------------------------------------------------------------------------------------------------

namespace {

// Two threads put in and take out; what comes out is what went in, once each.
template <class Container>
void exercise(Container& container) {
  constexpr std::uint64_t each_puts = 3000;
  std::array<sum, 2> out;
  std::atomic<int> ready{0};
  const auto work = [&](std::size_t thread) {
    ready.fetch_add(1);
    while (ready.load() != 2) std::this_thread::yield();
    for (std::uint64_t n = 1; n <= each_puts; ++n) {
      while (!container.try_push(wide(2 * n + thread))) std::this_thread::yield();
      if (n % 16 == 0) {
        container.pop_all(adder(out[thread]));
      } else if (const auto popped = container.try_pop()) {
        out[thread].add(*popped);
      }
    }
  };
  std::thread other(work, 1);
  work(0);
  other.join();
  container.pop_all(adder(out[0]));
  CHECK(out[0].count + out[1].count == 2 * each_puts);
  CHECK(out[0].total + out[1].total == 2 * each_puts * (each_puts + 1) + each_puts);
  CHECK(container.empty());
}

// The same by one thread, with the order.
template <class Container>
void alone(Container& container, bool last_in_first_out) {
  CHECK_FALSE(container.try_pop().has_value());
  const std::array<wide, 3> range{1, 2, 3};
  container.push_range(range);
  container.push(wide(4));
  std::vector<std::uint64_t> out;
  wide popped;
  CHECK(container.try_pop(popped));
  out.push_back(popped);
  container.pop_all(std::back_inserter(out));
  std::vector<std::uint64_t> expected{1, 2, 3, 4};
  if (last_in_first_out) std::reverse(expected.begin(), expected.end());
  CHECK(out == expected);
  container.push(wide(5));  // destroyed with the container
}

template <template <class, class, class> class Container>
void over_a_bare_backend(bool last_in_first_out) {
  {
    using container = Container<wide, pawl::hazard_pointers<bare>, pawl::yield_backoff>;
    container of_process;
    exercise(of_process);
    alone(of_process, last_in_first_out);
    pawl::hazard_pointers<bare> own;
    container tested(own);
    exercise(tested);
    alone(tested, last_in_first_out);
  }
  {
    pawl::epochs<bare> own;
    Container<wide, pawl::epochs<bare>, pawl::yield_backoff> tested(own);
    exercise(tested);
    alone(tested, last_in_first_out);
  }
  using container = Container<wide, pawl::tagged_pool<bare>, pawl::exponential_backoff>;
  container growing;
  exercise(growing);
  alone(growing, last_in_first_out);
  pawl::tagged_pool<bare> pool_of_seven(7);
  container fixed(pool_of_seven);
  exercise(fixed);
  for (int i = 0; i < 7; ++i) CHECK(fixed.try_push(wide(1)));
  CHECK_FALSE(fixed.try_push(wide(1)));
  std::vector<std::uint64_t> out;
  fixed.pop_all(std::back_inserter(out));
  alone(fixed, last_in_first_out);
}

}  // namespace

TEST_CASE("a stack runs over a backend that has the mandatory functions alone") { over_a_bare_backend<pawl::stack>(true); }
TEST_CASE("a queue runs over a backend that has the mandatory functions alone") { over_a_bare_backend<pawl::queue>(false); }
TEST_CASE("threads wait and are notified over a backend that has the mandatory functions alone") {
  pawl::atomic<std::uint64_t, bare> turn{0};
  const auto play = [&turn](std::uint64_t first) {
    for (std::uint64_t i = first; i < 200; i += 2) {
      for (std::uint64_t seen = turn.load(); seen != i; seen = turn.load()) turn.wait(seen);
      turn.store(i + 1);
      turn.notify_one();
    }
  };
  std::thread other(play, 1);
  play(0);
  other.join();
  CHECK(turn.load() == 200);
}
TEST_CASE("a map runs over a backend that has the mandatory functions alone") {
  pawl::hazard_pointers<bare> own;
  pawl::hash_map<std::uint64_t, wide, std::hash<std::uint64_t>, std::equal_to<>, pawl::hazard_pointers<bare>> map(own);
  std::atomic<int> ready{0};
  std::array<std::int64_t, 2> inserted{};
  const auto work = [&](std::size_t thread) {
    ready.fetch_add(1);
    while (ready.load() != 2) std::this_thread::yield();
    for (std::uint64_t n = 0; n < 6000; ++n) {
      const std::uint64_t key = n * 7 % 500;
      if (n % 3 == thread) {
        inserted[thread] -= map.erase(key) ? 1 : 0;
      } else {
        inserted[thread] += map.insert(key, wide(key)) ? 1 : 0;
      }
      map.upsert(std::uint64_t{1000}, [](const std::optional<wide>& old) { return wide(old ? old->number + 1 : 1); });
      if (const auto found = map.find(key)) inserted[thread] += *found == key ? 0 : 100000;
    }
  };
  std::thread other(work, 1);
  work(0);
  other.join();
  CHECK(static_cast<std::int64_t>(map.size()) == inserted[0] + inserted[1] + 1);
  CHECK(map.find(1000) == std::optional<wide>(12000));
  std::size_t visited = 0;
  map.visit_all([&visited](std::uint64_t, const wide&) { ++visited; });
  CHECK(visited == map.size());
}

// ---- Locks -------------------------------------------------------------------------------------------------------------------------

namespace {

/// Thread 1, as a real one: it or the main thread runs, never both, so that each may wait for the other.
class other_thread {
 public:
  template <class Body>
  explicit other_thread(Body body)
      : thread_([this, body] {
          goes_on_.acquire();
          body();
          ended_ = true;
          main_goes_on_.release();
        }) {}
  other_thread(const other_thread&) = delete;
  other_thread& operator=(const other_thread&) = delete;
  ~other_thread() {
    while (!ended_) switch_over();
    thread_.join();
  }
  /// Whoever of the two calls it, the other one goes on now.
  void switch_over() {
    world& w = world::get();
    if (std::this_thread::get_id() == thread_.get_id()) {
      main_goes_on_.release();
      goes_on_.acquire();
      w.current_thread = 1;
    } else if (!ended_) {
      w.current_thread = 1;
      goes_on_.release();
      main_goes_on_.acquire();
      w.current_thread = 0;
    }
  }

 private:
  std::binary_semaphore goes_on_{0};
  std::binary_semaphore main_goes_on_{0};
  bool ended_ = false;
  std::thread thread_;
};

// Two threads, of which the first is interrupted by the second after `first` accesses, and that one gives way after `second` of its own; then
// each runs until it waits. False where one was over before.
template <class Section>
bool two_that_wait(world& w, std::size_t first, std::size_t second, Section section) {
  bool both = false;
  {
    std::optional<other_thread> other;
    {
      const rec::aside a;
      other.emplace(section);
      w.waits = [&other] { other->switch_over(); };
    }
    w.interrupt(first, [&] {
      w.interrupt(second, [&] {
        both = true;
        other->switch_over();
      });
      other->switch_over();
    });
    section();
    const rec::aside a;
    static_cast<void>(w.was_interrupted());
    other.reset();
  }
  const rec::aside a;
  w.waits = nullptr;
  return both;
}

template <class Lock>
void lock_alone(reached& places) {
  record(places, [](world& w) {
    object<Lock> lock("the lock");
    for (std::size_t first = 1; first < 40; ++first) {
      for (std::size_t second = 1; second < 40; ++second) {
        int inside = 0;
        int sections = 0;
        const auto section = [&] {
          for (int i = 0; i < 2; ++i) {
            if (i == 0 || !lock->try_lock()) lock->lock();
            expect(++inside == 1);
            expect(!lock->try_lock());
            --inside;
            ++sections;
            lock->unlock();
          }
        };
        const bool both = two_that_wait(w, first, second, section);
        expect(sections == 4);
        if (!both && second == 1) first = 40;
        if (!both) break;
      }
    }
    expect(w.seen.pauses > 0);
    expect(w.seen.allocations + w.seen.thread_objects + w.seen.globals == 0);
  });
}

}  // namespace

TEST_CASE("the recorder sees all that spin locks do") {
  reached places;
  lock_alone<pawl::tas_lock<recorder>>(places);
  lock_alone<pawl::ttas_lock<recorder>>(places);
  lock_alone<pawl::ttas_lock<recorder, pawl::no_backoff>>(places);
  lock_alone<pawl::ticket_lock<recorder>>(places);
  lock_alone<pawl::ticket_lock<recorder, std::uint8_t>>(places);
  lock_alone<pawl::mcs_lock<recorder>>(places);
  places.all_of("spin_lock.hpp");
}

TEST_CASE("the recorder sees all that llsc does") {
  reached places;  // in this file: the header names no order
  const auto count = [&places]<class T>(T) {
    record(places, [](world& w) {
      object<pawl::llsc<T, recorder>> cell("the cell");
      T counted{};
      interleave(
          w,
          [&] {
            for (;;) {
              auto link = cell->load_linked(std::memory_order_relaxed);
              const auto before = link.value();
              const bool valid = link.validate();
              if (!link.store_conditional(static_cast<T>(before + 1), std::memory_order_acq_rel)) continue;
              ++counted;
              expect(valid);
              expect(!link.validate(std::memory_order_acquire));
              return;
            }
          },
          [&] {
            auto link = cell->load_linked();
            if (link.store_conditional(static_cast<T>(link.value() + 1))) ++counted;
          },
          [&] { expect(cell->load() == counted); });
      expect(w.seen.allocations + w.seen.thread_objects + w.seen.globals + w.seen.plain == 0);
    });
  };
  count(std::uint8_t{});
  count(std::uint32_t{});
  count(std::uint64_t{});  // in 16 bytes
}

TEST_CASE("spin locks and llsc run over a backend that has the mandatory functions alone") {
  const auto exclude = []<class Lock>(Lock& lock) {
    int plain = 0;
    const auto work = [&] {
      for (int i = 0; i < 5000; ++i) {
        const std::scoped_lock holder(lock);
        ++plain;
      }
    };
    std::thread other(work);
    work();
    other.join();
    CHECK(plain == 10'000);
  };
  pawl::tas_lock<bare> tas;
  pawl::ttas_lock<bare> ttas;
  pawl::ticket_lock<bare> ticket;
  pawl::mcs_lock<bare> mcs;
  exclude(tas);
  exclude(ttas);
  exclude(ticket);
  exclude(mcs);

  pawl::llsc<std::uint32_t, bare> counter;
  const auto count = [&counter] {
    for (int i = 0; i < 5000; ++i) {
      for (;;) {
        auto link = counter.load_linked();
        if (link.store_conditional(link.value() + 1)) break;
      }
    }
  };
  std::thread other(count);
  count();
  other.join();
  CHECK(counter.load() == 10'000);
}
