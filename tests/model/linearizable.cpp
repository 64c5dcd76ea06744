// SPDX-License-Identifier: BSL-1.0
// model::linearizable: what has an order is accepted, what has none is reported; and the sequential objects themselves.
#include <pawl/model/linearizable.hpp>
#include <pawl/model/spec.hpp>

#include <pawl/atomic.hpp>
#include <pawl/model.hpp>
#include <pawl/queue.hpp>
#include <pawl/stack.hpp>
#include <pawl/tagged_pool.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <new>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "soak.hpp"

namespace {

using B = pawl::backend::model;
using pawl::atomic;
namespace model = pawl::model;
namespace spec = pawl::model::spec;
using model::linearizable;
using kind = model::violation_kind;
using outcomes = std::set<std::string>;
using pool = pawl::tagged_pool<B>;

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;

// ---- Objects ---------------------------------------------------------------------------------------------------------------------

// Recorded operations. What they capture they capture by value, but for the object.
template <class Spec, class Object>
auto push(linearizable<Spec>& h, Object& object, int value) {
  return h.call([&object, value] { object.push(value); }, [value](Spec& s) { s.push(value); });
}
template <class Spec, class Object>
auto pop(linearizable<Spec>& h, Object& object) {
  return h.call([&object] { return object.try_pop(); }, [](Spec& s) { return s.try_pop(); });
}
template <class Spec, class Object>
auto add(linearizable<Spec>& h, Object& object, std::int64_t n) {
  return h.call([&object, n] { return object.fetch_add(n); }, [n](Spec& s) { return s.fetch_add(n); });
}

// An addition that is two steps.
struct torn_counter {
  atomic<std::int64_t, B> value{0};
  std::int64_t fetch_add(std::int64_t n) {
    const std::int64_t old = value.load();
    value.store(old + n);
    return old;
  }
};

// A list of few numbers: the node of number n is the n-th, and 0 is none.
struct listed {
  atomic<int, B> next[4];
  listed() {
    for (auto& each : next) each.store(0, relaxed);
  }
};

// A stack whose pop takes the head off by a load and a store. Correct where `atomically`.
struct list_stack : listed {
  explicit list_stack(bool pops_atomically) : atomically(pops_atomically) {}
  const bool atomically;
  atomic<int, B> head{0};
  void push(int value) {
    int old = head.load(relaxed);
    do {
      next[value].store(old, relaxed);
    } while (!head.compare_exchange_strong(old, value, release, relaxed));
  }
  std::optional<int> try_pop() {
    int old = head.load(acquire);
    while (old != 0) {
      const int after = next[old].load(relaxed);
      if (!atomically) {
        head.store(after, release);
        return old;
      }
      if (head.compare_exchange_strong(old, after, acquire, acquire)) return old;
    }
    return std::nullopt;
  }
};

// Michael and Scott's queue, whose push leaves it to others to move the tail on. That is right as long as a pop looks at the head's
// successor before it says empty; where it does not, it overlooks the last element. (The dummy may be node 0: nobody's next is the first.)
struct list_queue : listed {
  explicit list_queue(bool pop_reads_next) : reads_next(pop_reads_next) {}
  const bool reads_next;
  atomic<int, B> head{0};
  atomic<int, B> tail{0};
  void push(int value) {
    for (;;) {
      int last = tail.load(acquire);
      int after = 0;
      if (next[last].compare_exchange_strong(after, value, release, acquire)) return;
      tail.compare_exchange_strong(last, after, release, relaxed);
    }
  }
  std::optional<int> try_pop() {
    const int found = take();
    return found == 0 ? std::nullopt : std::optional<int>(found);
  }
  // 0 where it is empty.
  int take() {
    for (;;) {
      int first = head.load(acquire);
      int last = tail.load(acquire);
      if (!reads_next && first == last) return 0;
      const int after = next[first].load(acquire);
      if (after == 0) return 0;
      if (first == last) {
        tail.compare_exchange_strong(last, after, release, relaxed);
      } else if (head.compare_exchange_strong(first, after, release, relaxed)) {
        return after;
      }
    }
  }
};

// A map of two keys under a spin lock. Wrong where it does not lock to read.
struct locked_map {
  explicit locked_map(bool readers_lock) : locks_to_read(readers_lock) {}
  const bool locks_to_read;
  pawl::atomic_flag<B> lock;
  atomic<int, B> size{0};
  atomic<int, B> values[2]{-1, -1};

  void acquire_it() {
    while (lock.test_and_set(acquire)) B::pause();
  }
  bool insert(int key, int value) {
    acquire_it();
    const bool fresh = values[key].load(relaxed) < 0;
    if (fresh) {
      values[key].store(value, relaxed);
      size.store(size.load(relaxed) + 1, relaxed);
    }
    lock.clear(release);
    return fresh;
  }
  bool erase(int key) {
    acquire_it();
    const bool there = values[key].load(relaxed) >= 0;
    if (there) {
      values[key].store(-1, relaxed);
      size.store(size.load(relaxed) - 1, relaxed);
    }
    lock.clear(release);
    return there;
  }
  // The number of elements, and the two values.
  std::array<int, 3> all() {
    if (locks_to_read) acquire_it();
    const std::array<int, 3> found{size.load(relaxed), values[0].load(relaxed), values[1].load(relaxed)};
    if (locks_to_read) lock.clear(release);
    return found;
  }
};
std::array<int, 3> all_of(const spec::map<int, int>& s) {
  return {static_cast<int>(s.size()), s.find(0).value_or(-1), s.find(1).value_or(-1)};
}

// A register that forgets what is written.
struct forgetful {
  void write(int /*value*/) {}
  [[nodiscard]] int read() const { return 0; }
};
struct register_spec {
  int value = 0;
  friend bool operator==(const register_spec&, const register_spec&) = default;
};
template <class Object>
void write(linearizable<register_spec>& h, Object& object, int value) {
  h.call([&object, value] { object.write(value); }, [value](register_spec& s) { s.value = value; });
}
template <class Object>
int read(linearizable<register_spec>& h, const Object& object) {
  return h.call([&object] { return object.read(); }, [](const register_spec& s) { return s.value; });
}

// ---- Checks ----------------------------------------------------------------------------------------------------------------------

template <class Body>
model::report accepts(const model::options& o, Body body) {
  model::report r = model::check(o, body);
  INFO((r.violation ? r.violation->message + "\n" + r.violation->trace : ""));
  CHECK(r.ok());
  CHECK(r.complete);
  CHECK(r.executions > 0);
  return r;
}
template <class Body>
model::report accepts(Body body) {
  return accepts(model::options{}, body);
}
template <class Body>
std::string rejects(Body body) {
  const model::report r = model::check(body);
  REQUIRE(r.violation.has_value());
  INFO(r.violation->message << "\n" << r.violation->trace);
  CHECK(std::string(to_string(r.violation->kind)) == "not_linearizable");
  // The execution that is reported is one that can be looked at again.
  model::options again;
  again.replay = r.violation->replay;
  const model::report same = model::check(again, body);
  REQUIRE(same.violation.has_value());
  CHECK(same.violation->kind == kind::not_linearizable);
  CHECK(same.violation->message == r.violation->message);
  return r.violation->message;
}
bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// Two threads that push and pop, and a last pop.
template <class Spec, class Object>
void push_and_pop_twice(Object& object) {
  linearizable<Spec> h;
  const auto both = [&](int value) {
    push(h, object, value);
    pop(h, object);
  };
  model::thread a([&] { both(1); });
  model::thread b([&] { both(2); });
  a.join();
  b.join();
  pop(h, object);
}
// Two elements that are popped by two threads at once, or by one after the other.
template <class Spec, class Object>
void pop_at_once(Object& object) {
  linearizable<Spec> h;
  push(h, object, 1);
  push(h, object, 2);
  model::thread a([&] { pop(h, object); });
  model::thread b([&] { pop(h, object); });
  a.join();
  b.join();
}
template <class Spec, class Object>
void pop_in_turn(Object& object) {
  linearizable<Spec> h;
  push(h, object, 1);
  push(h, object, 2);
  model::thread a([&] { pop(h, object); });
  a.join();
  pop(h, object);
}
template <class Container>
auto over_a_pool(void (*run)(Container&)) {
  return [run] {
    pool nodes(4);
    Container container(nodes);
    run(container);
  };
}

}  // namespace

// ---- Objects of all kinds --------------------------------------------------------------------------------------------------------

TEST_CASE("pawl's stack and queue are linearizable") {
  using stack = pawl::stack<int, pool>;
  using queue = pawl::queue<int, pool>;
  // A weak compare-and-swap that fails for nothing is only done again: without, there are 706 executions instead of 288,216.
  model::options never_for_nothing;
  never_for_nothing.spurious_failures = 0;
  CHECK(accepts(never_for_nothing, over_a_pool<stack>(push_and_pop_twice<spec::stack<int>>)).executions > 100);
  CHECK(accepts(never_for_nothing, over_a_pool<queue>(push_and_pop_twice<spec::queue<int>>)).executions > 100);
  accepts(over_a_pool<stack>(pop_at_once<spec::stack<int>>));
  accepts(over_a_pool<queue>(pop_at_once<spec::queue<int>>));
}

TEST_CASE("a stack is no queue, and a queue no stack") {
  using stack = pawl::stack<int, pool>;
  using queue = pawl::queue<int, pool>;
  accepts(over_a_pool<stack>(pop_in_turn<spec::stack<int>>));
  accepts(over_a_pool<queue>(pop_in_turn<spec::queue<int>>));
  rejects(over_a_pool<stack>(pop_in_turn<spec::queue<int>>));
  rejects(over_a_pool<queue>(pop_in_turn<spec::stack<int>>));
  // Two pops of which neither happens before the other have no order that could be wrong.
  accepts(over_a_pool<stack>(pop_at_once<spec::queue<int>>));
}

TEST_CASE("a counter that loads and stores loses additions, one that adds does not") {
  const auto four_additions = [](auto& count) {
    linearizable<spec::counter> h;
    const auto twice = [&] {
      add(h, count, 1);
      add(h, count, 2);
    };
    model::thread a(twice);
    model::thread b(twice);
    a.join();
    b.join();
    add(h, count, 0);
  };
  const model::report r = accepts([&] {
    atomic<std::int64_t, B> count{0};
    const auto relaxed_add = [&count](std::int64_t n) { return count.fetch_add(n, relaxed); };
    struct {
      const decltype(relaxed_add)& fetch_add;
    } by_relaxed{relaxed_add};
    four_additions(by_relaxed);
  });
  CHECK(r.executions == 6);
  rejects([&] {
    torn_counter count;
    four_additions(count);
  });
}

TEST_CASE("a pop by load and store gives an element twice") {
  const auto pops = [](bool atomically) {
    return [=] {
      list_stack stack(atomically);
      pop_at_once<spec::stack<int>>(stack);
    };
  };
  accepts(pops(true));
  rejects(pops(false));
}

TEST_CASE("a queue is not empty after a push, though its tail lags") {
  // The push happens before the pop, by a flag.
  const auto passes = [](bool reads_next, std::memory_order to, std::memory_order from) {
    return [=] {
      list_queue queue(reads_next);
      atomic<bool, B> pushed{false};
      linearizable<spec::queue<int>> h;
      model::thread a([&] {
        push(h, queue, 1);
        pushed.store(true, to);
      });
      model::thread b([&] {
        if (pushed.load(from)) model::observe("found", pop(h, queue).has_value());
      });
      a.join();
      b.join();
    };
  };
  CHECK(accepts(passes(true, release, acquire)).outcomes == outcomes{"found=1"});
  const std::string message = rejects(passes(false, release, acquire));
  CHECK(contains(message, "gave nothing; after #0"));
  CHECK(contains(message, "#1 would give 1"));
  // By a relaxed flag it doesn't.
  CHECK(accepts(passes(false, relaxed, relaxed)).outcomes == outcomes{"found=0"});
}

TEST_CASE("a map under a lock is linearizable, a reader without the lock is not") {
  const auto uses = [](bool readers_lock) {
    return [=] {
      locked_map map(readers_lock);
      linearizable<spec::map<int, int>> h;
      const auto insert = [&](int key, int value) {
        h.call([&map, key, value] { return map.insert(key, value); },
               [key, value](spec::map<int, int>& s) { return s.insert(key, value); });
      };
      const auto look = [&] { h.call([&map] { return map.all(); }, all_of); };
      model::thread a([&] {
        insert(0, 5);
        h.call([&map] { return map.erase(1); }, [](spec::map<int, int>& s) { return s.erase(1); });
      });
      model::thread b([&] {
        insert(1, 6);
        insert(0, 7);
      });
      model::thread c(look);
      a.join();
      b.join();
      c.join();
      look();
    };
  };
  accepts(uses(true));
  rejects(uses(false));
}

// ---- The order -------------------------------------------------------------------------------------------------------------------

TEST_CASE("an operation comes after what happens before it: by program order, start, join, release and acquire, fences") {
  rejects([] {
    forgetful object;
    linearizable<register_spec> h;
    write(h, object, 1);
    read(h, object);
  });
  rejects([] {
    forgetful object;
    linearizable<register_spec> h;
    write(h, object, 1);
    model::thread reader([&] { read(h, object); });
    reader.join();
  });
  rejects([] {
    forgetful object;
    linearizable<register_spec> h;
    model::thread writer([&] { write(h, object, 1); });
    writer.join();
    read(h, object);
  });
  const auto by_flag = [](std::memory_order to, std::memory_order from, bool fences) {
    return [=] {
      forgetful object;
      linearizable<register_spec> h;
      atomic<bool, B> flag{false};
      model::thread writer([&] {
        write(h, object, 1);
        if (fences) B::thread_fence(release);
        flag.store(true, to);
      });
      model::thread reader([&] {
        const bool seen = flag.load(from);
        if (fences) B::thread_fence(acquire);
        model::observe("seen", seen);
        read(h, object);
      });
      writer.join();
      reader.join();
    };
  };
  rejects(by_flag(release, acquire, false));
  rejects(by_flag(relaxed, relaxed, true));
  CHECK(accepts(by_flag(relaxed, acquire, false)).outcomes == outcomes{"seen=0", "seen=1"});
  CHECK(accepts(by_flag(release, relaxed, false)).outcomes == outcomes{"seen=0", "seen=1"});
}

TEST_CASE("an operation may come before one that was over, if nothing orders the two") {
  const model::report r = accepts([] {
    struct {
      atomic<int, B> value{0};
      void write(int to) { value.store(to, relaxed); }
      [[nodiscard]] int read() const { return value.load(relaxed); }
    } object;
    linearizable<register_spec> h;
    atomic<bool, B> over{false};
    model::thread writer([&] {
      write(h, object, 1);
      over.store(true, relaxed);
    });
    model::thread reader([&] {
      model::observe("over", over.load(relaxed));
      model::observe("value", read(h, object));
    });
    writer.join();
    reader.join();
  });
  CHECK(r.outcomes == outcomes{"over=0 value=0", "over=0 value=1", "over=1 value=0", "over=1 value=1"});
}

TEST_CASE("what an operation publishes before its end is not its end") {
  const auto tells = [](bool within) {
    return [within] {
      forgetful object;
      linearizable<register_spec> h;
      atomic<bool, B> flag{false};
      model::thread writer([&] {
        h.call(
            [&] {
              object.write(1);
              if (within) flag.store(true, release);
            },
            [](register_spec& s) { s.value = 1; });
        if (!within) flag.store(true, release);
      });
      model::thread reader([&] {
        static_cast<void>(flag.load(acquire));
        read(h, object);
      });
      writer.join();
      reader.join();
    };
  };
  accepts(tells(true));
  rejects(tells(false));
}

TEST_CASE("an order is found wherever there is one: random histories against all permutations") {
  // Up to three threads of up to three operations on a queue, after one by main, with results drawn at random.
  struct drawn {
    unsigned thread;
    int pushes;  // 0: a pop
    std::optional<int> gave;
  };
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same in every run
  const auto below = [&random](unsigned n) { return static_cast<unsigned>(random() % n); };
  int with_order = 0;
  int without = 0;
  for (int round = 0; round < soak_times * 2000; ++round) {
    std::vector<drawn> all{{0, 1, {}}};
    int next = 2;
    for (unsigned t = 1; t <= 3; ++t) {
      for (unsigned i = 1 + below(2); i-- > 0;) {
        if (below(2) == 0) {
          all.push_back({t, next++, {}});
        } else {
          all.push_back({t, 0, below(4) == 0 ? std::nullopt : std::optional<int>(1 + static_cast<int>(below(3)))});
        }
      }
    }
    std::vector<std::size_t> order(all.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    bool exists = false;
    do {
      bool fits = order[0] == 0;
      spec::queue<int> queue;
      unsigned last[4] = {};
      for (std::size_t i = 0; fits && i < order.size(); ++i) {
        const drawn& each = all[order[i]];
        fits = order[i] >= last[each.thread];
        last[each.thread] = static_cast<unsigned>(order[i]);
        if (each.pushes != 0) {
          queue.push(each.pushes);
        } else {
          fits = fits && queue.try_pop() == each.gave;
        }
      }
      exists = exists || fits;
    } while (!exists && std::next_permutation(order.begin(), order.end()));
    ++(exists ? with_order : without);

    const model::report r = model::check([&] {
      linearizable<spec::queue<int>> h;
      const auto run = [&](unsigned t) {
        for (const drawn& each : all) {
          if (each.thread != t) continue;
          if (each.pushes != 0) {
            h.call([] {}, [value = each.pushes](spec::queue<int>& s) { s.push(value); });
          } else {
            h.call([gave = each.gave] { return gave; }, [](spec::queue<int>& s) { return s.try_pop(); });
          }
        }
      };
      run(0);
      model::thread a([&] { run(1); });
      model::thread b([&] { run(2); });
      model::thread c([&] { run(3); });
      a.join();
      b.join();
      c.join();
    });
    if (r.ok() != exists) FAIL("round " << round << ": " << (r.violation ? r.violation->message : "accepted"));
  }
  CHECK(with_order > 200);
  CHECK(without > 200);
}

TEST_CASE("equal states are tried once") {
  // In C(60, 30) orders otherwise, about 10^17.
  const std::string message = rejects([] {
    linearizable<spec::counter> h;
    const auto adds = [&] {
      for (int i = 0; i < 30; ++i) h.call([] {}, [](spec::counter& s) { s.add(1); });
    };
    model::thread a(adds);
    model::thread b(adds);
    a.join();
    b.join();
    h.call([] { return 61; }, [](const spec::counter& s) { return s.value(); });
  });
  CHECK(contains(message, "#0 would give 60"));
}

// ---- What is recorded ------------------------------------------------------------------------------------------------------------

TEST_CASE("the message lists the operations, their results and what they come after") {
  const std::string message = rejects([] {
    linearizable<spec::counter> h;
    h.call([] { return false; }, [](const spec::counter& s) { return s.value() != 0; });
    model::thread t([&] {
      h.call([] { return std::optional<unsigned>(); }, [](const spec::counter&) { return std::optional<unsigned>(); });
      h.call([] {}, [](spec::counter& s) { s.add(-3); });
    });
    t.join();
    h.call([] { return std::string("?"); }, [](const spec::counter&) { return std::string("?"); });
    h.call([] { return -4; }, [](const spec::counter& s) { return s.value(); });
  });
  // Numbered by threads.
  CHECK(contains(message, "#0: thread 0, linearizable.cpp:"));
  CHECK(contains(message, ", gave false; after nothing\n  #1: "));
  CHECK(contains(message, ", gave ?; after #4\n  #2: "));
  CHECK(contains(message, ", gave -4; after #1\n  #3: thread 1, linearizable.cpp:"));
  CHECK(contains(message, ", gave nothing; after #0\n  #4: "));
  CHECK(contains(message, ", gave void; after #3\n"));
  CHECK(contains(message, "the longest order that fits: #0 #3 #4 #1; then #2 would give -3\n"));
}

TEST_CASE("a loop of operations that waits is explored completely, in no more executions than without a history") {
  const auto waits = [](auto push_it, auto pop_it) {
    return [=] {
      list_queue queue(true);
      linearizable<spec::queue<int>> h;
      model::thread a([&] {
        push_it(h, queue, 1);
        push_it(h, queue, 2);
      });
      model::thread b([&] {
        for (int i = 0; i < 2; ++i) {
          while (pop_it(h, queue) == 0) B::pause();
        }
      });
      a.join();
      b.join();
      pop_it(h, queue);
    };
  };
  using history = linearizable<spec::queue<int>>;
  model::options as_they_end;  // (what a history keeps of an operation is on the stack, too, which a strict exploration sees)
  as_they_end.strict = false;
  const model::report bare = accepts(as_they_end, waits([](history&, list_queue& q, int value) { q.push(value); },
                                                        [](history&, list_queue& q) { return q.take(); }));
  const model::report recorded = accepts(
      as_they_end, waits([](history& h, list_queue& q, int value) { push(h, q, value); },
                         [](history& h, list_queue& q) {
                           return h.call([&q] { return q.take(); }, [](spec::queue<int>& s) { return s.try_pop().value_or(0); });
                         }));
  CHECK(recorded.executions == bare.executions);
  CHECK(recorded.blocked == bare.blocked);
  CHECK(recorded.steps == bare.steps);
}

TEST_CASE("an operation throws where the sequential one does") {
  const auto three_pushes = [](std::size_t room) {
    return [room] {
      pool nodes(2);
      pawl::stack<int, pool> stack(nodes);
      linearizable<spec::stack<int>> h{spec::stack<int>(room)};
      const auto try_all = [&] {
        for (int i = 0; i < 3; ++i) {
          try {
            push(h, stack, i);
          } catch (const std::bad_alloc&) {
            h.call([&stack, i] { return stack.try_push(i); }, [i](spec::stack<int>& s) { return s.try_push(i); });
          }
        }
      };
      try_all();
    };
  };
  accepts(three_pushes(2));
  CHECK(contains(rejects(three_pushes(3)), "gave an exception"));
  CHECK(contains(rejects(three_pushes(1)), "would give an exception"));
}

TEST_CASE("a history begins with the state that it is given, and is one of several") {
  const auto begins = [](std::int64_t with) {
    return [with] {
      atomic<std::int64_t, B> five{5};
      atomic<std::int64_t, B> zero{0};
      linearizable<spec::counter> h(spec::counter{with});
      linearizable<spec::counter> other;
      const auto adds = [&] {
        add(h, five, 1);
        add(other, zero, 1);
      };
      model::thread a(adds);
      model::thread b(adds);
      a.join();
      b.join();
    };
  };
  accepts(begins(5));
  rejects(begins(4));
}

TEST_CASE("a history ends after its operations, has 64 at most, and is not looked at where an exception leaves the body") {
  const auto violates = [](kind expected, const char* message, auto body) {
    const model::report r = model::check(body);
    REQUIRE(r.violation.has_value());
    INFO(r.violation->message);
    CHECK(std::string(to_string(r.violation->kind)) == to_string(expected));
    CHECK(contains(r.violation->message, message));
  };
  violates(kind::requirement, "has not ended", [] {
    atomic<bool, B> begun{false};
    auto h = std::optional<linearizable<spec::counter>>(std::in_place);
    model::thread t([&] {
      h->call(
          [&] {
            begun.store(true);
            while (begun.load()) B::pause();
          },
          [](spec::counter&) {});
    });
    while (!begun.load()) B::pause();
    h.reset();
    begun.store(false);
    t.join();
  });
  const auto many = [](int operations) {
    return [operations] {
      linearizable<spec::counter> h;
      for (int i = 0; i < operations; ++i) h.call([i] { return i; }, [](spec::counter& s) { return s.fetch_add(1); });
    };
  };
  accepts(many(64));
  violates(kind::requirement, "more than 64 operations", many(65));
  violates(kind::exception, "thrown", [] {
    forgetful object;
    linearizable<register_spec> h;
    write(h, object, 1);
    read(h, object);
    throw std::runtime_error("thrown");
  });
}

TEST_CASE("outside of a check an operation only runs") {
  linearizable<spec::counter> h;
  int runs = 0;
  const auto first = [&runs]() -> int& { return ++runs; };
  const auto second = [](spec::counter&) -> int { throw std::logic_error("not to be called"); };
  CHECK(h.call(first, second) == 1);
  static_assert(std::is_same_v<decltype(h.call(first, second)), int>);
  h.call([&runs] { ++runs; }, [](spec::counter&) {});
  CHECK(runs == 2);
  CHECK(model::check([&] { h.call([] { return 7; }, [](const spec::counter& s) { return s.value(); }); }).ok());
}

// ---- The sequential objects ------------------------------------------------------------------------------------------------------

TEST_CASE("spec::stack and spec::queue: first and last") {
  const auto fill = [](auto made) {
    made.push(1);
    const int two = 2;
    made.push(two);
    made.emplace(3);
    CHECK(made.try_push(4));
    made.push_range(std::vector<int>{5, 6});
    return made;
  };
  spec::stack<int> stack = fill(spec::stack<int>());
  spec::queue<int> queue = fill(spec::queue<int>());
  const spec::stack<int> whole_stack = stack;
  CHECK(stack == whole_stack);
  CHECK(stack.try_pop() == 6);
  CHECK(queue.try_pop() == 1);
  CHECK_FALSE(stack == whole_stack);
  int value = 0;
  CHECK(stack.try_pop(value));
  CHECK(value == 5);
  CHECK(queue.try_pop(value));
  CHECK(value == 2);
  std::vector<int> rest;
  stack.pop_all(std::back_inserter(rest));
  CHECK(rest == std::vector<int>{4, 3, 2, 1});
  rest.clear();
  queue.pop_all(std::back_inserter(rest));
  CHECK(rest == std::vector<int>{3, 4, 5, 6});
  CHECK(stack.empty());
  CHECK(queue.empty());
  CHECK(stack.try_pop() == std::nullopt);
  CHECK_FALSE(queue.try_pop(value));
  CHECK(value == 2);
  CHECK(stack == spec::stack<int>());
  CHECK(queue == spec::queue<int>());
}

TEST_CASE("spec::stack and spec::queue of a fixed pool: an attempt without room has no effect") {
  const auto fill = [](auto made) {
    made.push("a");
    CHECK_THROWS_AS(made.push_range(std::vector<std::string>{"b", "c"}), std::bad_alloc);
    made.push_range(std::vector<std::string>{"b"});
    std::string late = "d";
    CHECK_FALSE(made.try_push(late));
    CHECK_FALSE(made.try_push(std::move(late)));
    CHECK(late == "d");
    CHECK_THROWS_AS(made.push(late), std::bad_alloc);
    CHECK_THROWS_AS(made.emplace("e"), std::bad_alloc);
    std::string all;
    while (auto each = made.try_pop()) all += *each;
    CHECK(made.try_push(late));
    return all;
  };
  CHECK(fill(spec::stack<std::string>(2)) == "ba");
  CHECK(fill(spec::queue<std::string>(2)) == "ab");
}

TEST_CASE("spec::map: what its members return and do") {
  spec::map<int, std::string> map;
  std::string seen;
  const auto see = [&seen](int key, const std::string& value) { seen += std::to_string(key) + value; };
  CHECK(map.empty());
  CHECK(map.insert(1, "a"));
  CHECK_FALSE(map.insert(1, "b"));
  CHECK(map.try_emplace(2, 3U, 'c'));
  CHECK_FALSE(map.try_emplace(2, "d"));
  CHECK_FALSE(map.insert_or_assign(1, "e"));
  CHECK(map.insert_or_assign(3, "f"));
  CHECK_FALSE(map.insert_or_visit(3, "g", see));
  CHECK(seen == "3f");
  CHECK(map.insert_or_visit(4, "h", see));
  CHECK(map.size() == 4);
  CHECK(map.find(1) == "e");
  CHECK(map.find(2) == "ccc");
  CHECK(map.find(5) == std::nullopt);
  CHECK(map.contains(4));
  CHECK_FALSE(map.contains(5));

  CHECK(map.update(1, [](const std::string& old) { return old + "!"; }));
  CHECK_FALSE(map.update(5, [](const std::string& old) { return old + "!"; }));
  const auto count = [](const std::optional<std::string>& old) { return old ? *old + "+" : "new"; };
  CHECK(map.upsert(5, count));
  CHECK_FALSE(map.upsert(5, count));
  seen.clear();
  CHECK(map.visit(5, see));
  CHECK_FALSE(map.visit(6, see));
  CHECK(seen == "5new+");
  seen.clear();
  map.visit_all(see);
  CHECK(seen == "1e!2ccc3f4h5new+");

  CHECK(map.erase(2));
  CHECK_FALSE(map.erase(2));
  CHECK_FALSE(map.erase_if(3, [](int, const std::string& value) { return value == "g"; }));
  CHECK(map.erase_if(3, [](int key, const std::string& value) { return key == 3 && value == "f"; }));
  CHECK_FALSE(map.erase_if(3, [](int, const std::string&) { return true; }));
  spec::map<int, std::string> same;
  same.insert(5, "new+");
  same.insert(4, "h");
  CHECK_FALSE(map == same);
  same.insert(1, "e!");
  CHECK(map == same);
  map.clear();
  CHECK(map.empty());
  CHECK(map == spec::map<int, std::string>());
}

TEST_CASE("spec::counter: adds, and wraps around") {
  spec::counter count(5);
  count.add(-2);
  CHECK(count.fetch_add(4) == 3);
  CHECK(count.value() == 7);
  CHECK(count.load() == 7);
  CHECK(count == spec::counter(7));
  CHECK_FALSE(count == spec::counter());
  spec::counter last(std::numeric_limits<std::int64_t>::max());
  last.add(1);
  CHECK(last.value() == std::numeric_limits<std::int64_t>::min());
}
