// SPDX-License-Identifier: BSL-1.0
// model::check: what it finds, what it calls complete, and how often it runs what it explores.
#include <pawl/atomic.hpp>
#include <pawl/fence.hpp>
#include <pawl/model.hpp>
#include <pawl/stack.hpp>

#include <set>
#include <stdexcept>
#include <string>

#include "catch.hpp"

namespace {

using B = pawl::backend::model;
using pawl::atomic;
namespace model = pawl::model;
using kind = model::violation_kind;
using outcomes = std::set<std::string>;

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;

// Explored completely and without a violation, in so many executions.
template <class Body>
void holds(std::uint64_t executions, Body body) {
  const model::report r = model::check(body);
  INFO((r.violation ? r.violation->message + "\n" + r.violation->trace : ""));
  CHECK(r.ok());
  CHECK(r.complete);
  CHECK(r.executions == executions);
}
template <class Body>
void violates(kind expected, Body body) {
  const model::report r = model::check(body);
  REQUIRE(r.violation.has_value());
  INFO(r.violation->message);
  CHECK(std::string(to_string(r.violation->kind)) == to_string(expected));
  CHECK_FALSE(r.complete);
}

template <class Fence>
outcomes store_buffering(std::memory_order order, Fence first, Fence second) {
  return model::check([=] {
           atomic<int, B> x{0};
           atomic<int, B> y{0};
           model::thread a([&] {
             x.store(1, order);
             first();
             model::observe("a", y.load(order));
           });
           model::thread b([&] {
             y.store(1, order);
             second();
             model::observe("b", x.load(order));
           });
           a.join();
           b.join();
         })
      .outcomes;
}

}  // namespace

TEST_CASE("a report as text") {
  const auto has = [](const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; };
  const auto two_additions = [] {
    atomic<int, B> x{0};
    model::thread a([&] { x.fetch_add(1); });
    model::thread b([&] { x.fetch_add(1); });
    a.join();
    b.join();
  };
  const model::report complete = model::check(two_additions);
  CHECK(to_string(complete).starts_with("complete: 2 executions, 0 blocked, "));
  CHECK(has(to_string(complete), " steps in 0."));
  CHECK(complete.executions_per_second() == 2 / complete.seconds);

  model::options one;
  one.max_executions = 1;
  CHECK(to_string(model::check(one, two_additions))
            .starts_with("no violation found, not complete (a bound of 1 executions): 1 executions, 0 blocked, "));

  const model::report wrong = model::check([] { model::require(false, "two is three"); });
  REQUIRE(wrong.violation);
  CHECK(has(to_string(wrong), "requirement: "));
  CHECK(has(to_string(wrong), "two is three"));
  CHECK(has(to_string(wrong), "replay: " + wrong.violation->replay + "\n"));

  model::report no_time;
  no_time.executions = 5;
  CHECK(no_time.executions_per_second() == 0);
}

TEST_CASE("threads that only add meet in as many orders as there are") {
  holds(6, [] {
    atomic<int, B> x{0};
    const auto add_twice = [&] {
      x.fetch_add(1, relaxed);
      x.fetch_add(1, relaxed);
    };
    model::thread a(add_twice);
    model::thread b(add_twice);
    a.join();
    b.join();
    model::require(x.load(relaxed) == 4, "an addition is lost");
  });
  holds(113'400, [] {
    atomic<int, B> x{0};
    const auto add_twice = [&] {
      x.fetch_add(1, relaxed);
      x.fetch_add(1, relaxed);
    };
    model::thread all[]{model::thread(add_twice), model::thread(add_twice), model::thread(add_twice), model::thread(add_twice),
                        model::thread(add_twice)};
    for (model::thread& each : all) each.join();
    model::require(x.load(relaxed) == 10, "an addition is lost");
  });
}

TEST_CASE("store buffering is seen, and seq_cst or fences exclude it") {
  using fence = void (*)();
  const fence none = [] {};
  const fence full = [] { B::thread_fence(std::memory_order_seq_cst); };
  const fence light = [] { pawl::asymmetric_thread_fence_light<B>(); };
  const fence heavy = [] { pawl::asymmetric_thread_fence_heavy<B>(); };
  const outcomes strong{"a=0 b=1", "a=1 b=0", "a=1 b=1"};
  outcomes weak = strong;
  weak.insert("a=0 b=0");
  CHECK(store_buffering(relaxed, none, none) == weak);
  CHECK(store_buffering(std::memory_order_seq_cst, none, none) == strong);
  CHECK(store_buffering(relaxed, full, full) == strong);
  CHECK(store_buffering(relaxed, full, none) == weak);
  CHECK(store_buffering(relaxed, light, heavy) == strong);
  CHECK(store_buffering(relaxed, heavy, light) == strong);
  CHECK(store_buffering(relaxed, heavy, heavy) == strong);
  CHECK(store_buffering(relaxed, light, light) == weak);
}

TEST_CASE("what a release publishes an acquire may read, and nothing less") {
  const auto passes = [](std::memory_order to, std::memory_order from) {
    return [=] {
      atomic<bool, B> ready{false};
      model::var<int> data{0};
      model::thread writer([&] {
        data.set(1);
        ready.store(true, to);
      });
      model::thread reader([&] {
        if (ready.load(from)) model::require(data.get() == 1, "not what was written");
      });
      writer.join();
      reader.join();
    };
  };
  holds(2, passes(release, acquire));
  violates(kind::data_race, passes(relaxed, acquire));
  violates(kind::data_race, passes(release, relaxed));
}

TEST_CASE("a result-less change is no read: what it changed is not known by an acquire fence behind it") {
  // Whoever finds 3 afterwards has changed what the writer published. The fence stands between the change and the look at it, so it can only
  // be fed by the change itself.
  const auto passes = [](auto change) {
    return [=] {
      atomic<int, B> x{0};
      model::var<int> data{0};
      model::thread writer([&] {
        data.set(1);
        x.store(1, release);
      });
      model::thread changes([&] {
        change(x);
        B::thread_fence(acquire);
        if (x.load(relaxed) == 3) model::require(data.get() == 1, "not what was written");
      });
      writer.join();
      changes.join();
    };
  };
  holds(3, passes([](auto& x) { x.fetch_add(2, relaxed); }));
  holds(3, passes([](auto& x) { x.fetch_or(2, relaxed); }));
  holds(3, passes([](auto& x) { x.fetch_xor(2, relaxed); }));
  violates(kind::data_race, passes([](auto& x) { x.store_add(2, relaxed); }));
  violates(kind::data_race, passes([](auto& x) { x.store_sub(-2, relaxed); }));
  violates(kind::data_race, passes([](auto& x) { x.store_or(2, relaxed); }));
  violates(kind::data_race, passes([](auto& x) { x.store_xor(2, relaxed); }));
}

TEST_CASE("threads that start threads: as many executions as there are orders") {
  const auto nested = [](bool join_first) {
    return [join_first] {
      atomic<int, B> x{0};
      const auto outer = [&] {
        model::thread inner([&] { x.fetch_add(1, relaxed); });
        if (join_first) inner.join();
        x.fetch_add(1, relaxed);
        if (!join_first) inner.join();
      };
      model::thread a(outer);
      model::thread b(outer);
      a.join();
      b.join();
      model::require(x.load(relaxed) == 4, "an addition is lost");
    };
  };
  holds(24, nested(false));  // four additions, all at once
  holds(6, nested(true));  // each thread's two in order
  // What came before the start is known to the started thread and to those that it starts.
  holds(1, [] {
    model::var<int> data{0};
    model::thread a([&] {
      data.set(1);
      model::thread b([&] {
        model::thread c([&] { model::require(data.get() == 1, "what came before"); });
        c.join();
        data.set(2);
      });
      b.join();
      model::require(data.get() == 2, "what its thread did");
    });
    a.join();
  });
  violates(kind::data_race, [] {
    model::var<int> data{0};
    model::thread a([&] {
      model::thread b([&] { data.set(1); });
      data.set(2);
      b.join();
    });
    a.join();
  });
}

TEST_CASE("a weak compare-and-swap may fail for nothing") {
  const auto set_once = [](int threads) {
    return [threads] {
      atomic<int, B> x{0};
      const auto set = [&] {
        int expected = 0;
        x.compare_exchange_weak(expected, 1, relaxed);
      };
      model::thread a(set);
      if (threads > 1) {
        model::thread b(set);
        if (threads > 2) {
          model::thread c(set);
          c.join();
        }
        b.join();
      }
      a.join();
    };
  };
  holds(2, set_once(1));
  holds(5, set_once(2));
  holds(13, set_once(3));
}

TEST_CASE("a spin lock is explored completely, though its loops have no end") {
  const auto locked = [](unsigned threads, bool unlocks) {
    return [=] {
      pawl::atomic_flag<B> lock;
      model::var<unsigned> count{0};
      const auto add = [&] {
        while (lock.test_and_set(acquire)) B::pause();
        count.set(count.get() + 1);
        if (unlocks) lock.clear(release);
      };
      model::thread a(add);
      model::thread b(add);
      if (threads > 2) {
        model::thread c(add);
        c.join();
      }
      a.join();
      b.join();
      model::require(count.get() == threads, "two threads held the lock");
    };
  };
  holds(2, locked(2, true));
  holds(6, locked(3, true));
  violates(kind::livelock, locked(2, false));
}

TEST_CASE("a loop that counts is no loop that waits") {
  const model::report r = model::check([] {
    atomic<int, B> x{0};
    model::thread looks([&] {
      int i = 0;
      while (x.load() == 0 && i < 3) {
        ++i;
        B::pause();
      }
      model::observe("i", i);
    });
    model::thread sets([&] { x.store(1); });
    looks.join();
    sets.join();
  });
  CHECK(r.complete);
  CHECK(r.executions == 5);
  CHECK(r.outcomes == outcomes{"i=0", "i=1", "i=2", "i=3"});
}

TEST_CASE("a loop that never pauses again comes to a bound, also where its iteration is only tried") {
  model::options o;
  o.max_steps = 50;
  const model::report r = model::check(o, [] {
    atomic<int, B> x{0};
    model::thread looks([&] {
      for (int i = 0; x.load() == 0; ++i) {
        while (i > 0 && x.load() == 0) {
        }
        B::pause();
      }
    });
    looks.join();
  });
  CHECK(r.ok());
  CHECK_FALSE(r.complete);
}

TEST_CASE("a tagged stack has 40 executions of two threads that push and pop") {
  holds(40, [] {
    atomic<int, B> next[2];
    constexpr std::uint32_t none = ~std::uint32_t{0};
    atomic<std::uint64_t, B> head{none};
    const auto with = [](std::uint64_t old, std::uint32_t index) { return ((old >> 32U) + 1) << 32U | index; };
    const auto push = [&](std::uint32_t i) {
      std::uint64_t old = head.load(relaxed);
      do {
        next[i].store(static_cast<int>(old), relaxed);
      } while (!head.compare_exchange_strong(old, with(old, i), release, relaxed));
    };
    const auto pop = [&] {
      std::uint64_t old = head.load(acquire);
      while (static_cast<std::uint32_t>(old) != none) {
        const int after = next[static_cast<std::uint32_t>(old)].load(relaxed);
        if (head.compare_exchange_strong(old, with(old, static_cast<std::uint32_t>(after)), acquire, acquire)) return;
      }
    };
    model::thread a([&] {
      push(0);
      pop();
    });
    model::thread b([&] {
      push(1);
      pop();
    });
    a.join();
    b.join();
  });
}

TEST_CASE("memory that is misused is reported by what was done to it") {
  violates(kind::leak, [] { model::make<int>(1); });
  violates(kind::double_free, [] {
    auto* const p = model::make<int>(1);
    model::destroy(p);
    model::destroy(p);
  });
  const auto used_by_another = [](bool joined) {
    return [joined] {
      auto* const p = model::make<atomic<int, B>>(1);
      model::thread reader([&] { p->load(); });
      if (joined) reader.join();
      model::destroy(p);
      if (!joined) reader.join();
    };
  };
  holds(1, used_by_another(true));
  violates(kind::use_after_free, used_by_another(false));
}

TEST_CASE("what goes wrong in a body is a violation, and bounds are never called complete") {
  violates(kind::requirement, [] { model::require(false, "never"); });
  violates(kind::exception, [] { throw std::runtime_error("thrown"); });
  violates(kind::exception, [] {
    model::thread t([] { throw 1; });
    t.join();
  });
  violates(kind::requirement, [] { model::thread t([] {}); });
  const auto two_stores = [] {
    atomic<int, B> x{0};
    model::thread a([&] { x.store(1); });
    model::thread b([&] { x.store(2); });
    a.join();
    b.join();
  };
  model::options few;
  few.max_executions = 1;
  CHECK_FALSE(model::check(few, two_stores).complete);
  model::options brief;
  brief.max_steps = 1;
  CHECK_FALSE(model::check(brief, two_stores).complete);
  holds(2, two_stores);
}

TEST_CASE("a thread that stores before it waits is served its waiting again") {
  const model::report r = model::check([] {
    atomic<int> x{0};
    atomic<int> y{0};
    model::thread a([&] { x.store(1); });
    model::thread b([&] {
      y.store(1);
      while (x.load() == 0) B::pause();
    });
    a.join();
    b.join();
  });
  INFO((r.violation ? r.violation->message : ""));
  CHECK(r.ok());
  CHECK(r.complete);
}

TEST_CASE("memory that was never written is not read") {
  struct raw {
    raw() noexcept {}  // NOLINT(modernize-use-equals-default): leaves the value as it is
    union {
      pawl::atomic<int, B> begun_never;
    };
    ~raw() {}  // NOLINT(modernize-use-equals-default)
    raw(const raw&) = delete;
    raw& operator=(const raw&) = delete;
  };
  const model::report atomics = model::check([] {
    raw* const made = model::make<raw>();
    static_cast<void>(made->begun_never.load(std::memory_order_relaxed));
    model::destroy(made);
  });
  REQUIRE(atomics.violation);
  CHECK(atomics.violation->kind == model::violation_kind::uninitialized_read);

  struct holder {
    holder() noexcept {}  // NOLINT(modernize-use-equals-default): an implicit one would make value-initialization clear the memory
    pawl::plain<int, B> value;
  };
  const auto plain = [](bool written) {
    return model::check([written] {
      holder* const made = model::make<holder>();
      if (written) made->value.construct(1);
      static_cast<void>(made->value.get());
      model::destroy(made);
    });
  };
  CHECK(plain(true).ok());
  const model::report missing = plain(false);
  REQUIRE(missing.violation);
  CHECK(missing.violation->kind == model::violation_kind::uninitialized_read);
}

TEST_CASE("a loop that waits for an element waits, whatever an empty optional holds") {
  const model::report r = model::check([] {
    pawl::tagged_pool<B> nodes(3);
    pawl::stack<int, pawl::tagged_pool<B>> s(nodes);
    model::thread pushes([&] { s.push(1); });
    model::thread pops([&] {
      while (!s.try_pop()) B::pause();
    });
    pushes.join();
    pops.join();
  });
  INFO((r.violation ? r.violation->message : ""));
  CHECK(r.ok());
  CHECK(r.complete);
  CHECK(r.executions < 20);
}

TEST_CASE("memory is not used by a thread that only guesses that it was allocated") {
  const auto handed_over = [](std::memory_order order) {
    return model::check([order] {
      atomic<void*, B> shared{nullptr};
      model::thread allocates([&] { shared.store(pawl::environment<B>::allocate(sizeof(int), alignof(int)), order); });
      model::thread uses([&] {
        if (void* const memory = shared.load(std::memory_order_acquire)) {
          auto* const object = ::new (memory) model::var<int>(1);
          model::require(object->get() == 1, "it was written");
        }
      });
      allocates.join();
      uses.join();
      pawl::environment<B>::deallocate(shared.load(std::memory_order_relaxed), sizeof(int), alignof(int));
    });
  };
  CHECK(handed_over(std::memory_order_release).ok());
  const model::report r = handed_over(std::memory_order_relaxed);
  REQUIRE(r.violation);
  CHECK(r.violation->kind == model::violation_kind::data_race);
  CHECK(r.violation->message.find("memory is used, and its allocation (check.cpp:") != std::string::npos);
  CHECK(r.violation->message.find("that store is relaxed (release, or a release fence before it, is needed)") != std::string::npos);
}

TEST_CASE("atomics of different sizes in the same memory are refused") {
  const auto both = [](auto first, std::size_t at, auto second) {
    return [first, at, second] {
      alignas(8) unsigned char bytes[8] = {};
      auto& one = *reinterpret_cast<decltype(first)*>(bytes);
      auto& other = *reinterpret_cast<decltype(second)*>(bytes + at);
      pawl::atomic_ref<decltype(first), B>(one).store(first, relaxed);
      pawl::atomic_ref<decltype(second), B>(other).store(second, relaxed);
    };
  };
  for (const model::report& r :
       {model::check(both(std::uint64_t{1}, 0, std::uint32_t{1})), model::check(both(std::uint64_t{1}, 4, std::uint32_t{1})),
        model::check(both(std::uint16_t{1}, 0, std::uint64_t{1})), model::check(both(std::uint8_t{1}, 0, std::uint16_t{1}))}) {
    REQUIRE(!r.ok());
    CHECK(r.violation->kind == model::violation_kind::requirement);
    CHECK(r.violation->message.find("to memory that is an atomic of") != std::string::npos);
  }
  CHECK(model::check(both(std::uint32_t{1}, 4, std::uint32_t{1})).ok());
  CHECK(model::check(both(std::uint64_t{1}, 0, std::int64_t{1})).ok());
}
