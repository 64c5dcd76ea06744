// SPDX-License-Identifier: BSL-1.0
// Each line of a trace, and each message, names file and line: of the access itself, or, where it has none, the one that its thread named
// last.
#include <pawl/atomic.hpp>
#include <pawl/fence.hpp>
#include <pawl/hash_map.hpp>
#include <pawl/model.hpp>
#include <pawl/queue.hpp>
#include <pawl/stack.hpp>
#include <pawl/tagged_pool.hpp>

#include <stdexcept>
#include <string>

#include "catch.hpp"

namespace {

using B = pawl::backend::model;
namespace model = pawl::model;
template <class T>
using atomic = pawl::atomic<T, B>;

constexpr auto relaxed = std::memory_order_relaxed;

std::string here(int line, const char* before = "") { return std::string(before) + "places.cpp:" + std::to_string(line); }

template <class Body>
model::violation violation_of(Body body) {
  model::report r = model::check(body);
  REQUIRE(r.violation);
  INFO(r.violation->message << "\n" << r.violation->trace);
  CHECK(r.violation->message.find("unnamed") == std::string::npos);
  CHECK(r.violation->trace.find("unnamed") == std::string::npos);
  return *r.violation;
}
// The end of the message, so that a place counts only where it belongs.
void ends(const model::violation& v, const std::string& end) {
  INFO(v.message << "\nexpected: " << end);
  CHECK(v.message.size() >= end.size());
  CHECK(v.message.find(end) == v.message.size() - end.size());
}
// The message says that much, and then which edge is missing.
void says(const model::violation& v, const std::string& part) {
  INFO(v.message << "\nexpected: " << part);
  CHECK(v.message.find(part + "; thread ") != std::string::npos);
}
bool has_line(const std::string& trace, const std::string& place, const std::string& operation) {
  std::size_t begin = 0;
  for (std::size_t end = trace.find('\n'); end != std::string::npos; begin = end + 1, end = trace.find('\n', begin)) {
    const std::string line = trace.substr(begin, end - begin);
    if (line.find("  " + place + " ") != std::string::npos && line.find("  " + operation) != std::string::npos) return true;
  }
  return false;
}

struct wide {
  explicit wide(int a = 0, int b = 0, int c = 0, int d = 0, int e = 0) : sum(a + b + c + d + e) {}
  int sum;
};

}  // namespace

TEST_CASE("a leak names the make") {
  // clang-format off
  ends(violation_of([] { model::make<wide>(); }), "allocated " + here(__LINE__));
  ends(violation_of([] { model::make<wide>(1); }), "allocated " + here(__LINE__));
  ends(violation_of([] { model::make<wide>(1, 2); }), "allocated " + here(__LINE__));
  ends(violation_of([] { model::make<wide>(1, 2, 3); }), "allocated " + here(__LINE__));
  ends(violation_of([] { model::make<wide>(1, 2, 3, 4); }), "allocated " + here(__LINE__));
  // With more arguments, what the thread named last.
  ends(violation_of([] { atomic<int> x{0}; x.store(1); model::make<wide>(1, 2, 3, 4, 5); }), "allocated " + here(__LINE__, "after "));
  ends(violation_of([] { model::make<wide>(1, 2, 3, 4, 5); }), "allocated at the begin of the body");
  // clang-format on
}

TEST_CASE("make gives the memory back where the constructor throws") {
  struct thrower {
    thrower() { throw std::runtime_error("thrown"); }
  };
  const model::report r = model::check([] {
    try {
      model::make<thrower>();
    } catch (const std::runtime_error&) {
    }
  });
  CHECK(r.ok());
  CHECK(r.complete);
}

TEST_CASE("what is freed twice names both places, and what is used after it was freed its free") {
  int first = 0;
  int second = 0;
  const model::violation twice = violation_of([&] {
    auto* const p = model::make<int>(1);
    first = __LINE__ + 1;
    model::destroy(p);
    second = __LINE__ + 1;
    model::destroy(p);
  });
  ends(twice, "first " + here(first) + ", " + here(second));

  const model::violation used = violation_of([&] {
    auto* const p = model::make<atomic<int>>(1);
    first = __LINE__ + 1;
    model::destroy(p);
    second = __LINE__ + 1;
    p->load();
  });
  ends(used, "freed (" + here(first) + "), " + here(second));
  CHECK(has_line(used.trace, here(first), "free"));
}

TEST_CASE("what ends while it is used names the use and, as near as it can, the end") {
  int use = 0;
  int end = 0;
  // A variable's destructor has no place: so the last that its thread named.
  const model::violation local = violation_of([&] {
    atomic<bool> begins{false};
    struct raw {
      raw() : x(1) {}
      ~raw() {}  // NOLINT(modernize-use-equals-default)
      raw(const raw&) = delete;
      raw& operator=(const raw&) = delete;
      union {
        model::var<int> x;
      };
    } shared;
    model::thread reader([&] {
      use = __LINE__ + 1;
      static_cast<void>(shared.x.get());
    });
    model::thread ender([&] {
      end = __LINE__ + 1;
      begins.store(true, relaxed);
      shared.x.~var();
    });
    reader.join();
    ender.join();
  });
  says(local, "an object ends while it is used by thread 1 (" + here(use) + "), " + here(end, "after "));

  const model::violation freed = violation_of([&] {
    auto* const p = model::make<wide>();
    model::thread reader([&] {
      use = __LINE__ + 1;
      static_cast<void>(pawl::read_shared<B>(p->sum));
    });
    model::thread freer([&] {
      end = __LINE__ + 1;
      model::destroy(p);
    });
    reader.join();
    freer.join();
  });
  says(freed, "memory is freed while it is used by thread 1 (" + here(use) + "), " + here(end));
}

TEST_CASE("asymmetric fences, and what a thread does first, have places") {
  int light = 0;
  int heavy = 0;
  int made = 0;
  wide* lost = nullptr;
  const model::violation v = violation_of([&] {
    const auto body = [&] {
      lost = model::make<wide>(1, 2, 3, 4, 5);
      light = __LINE__ + 1;
      pawl::asymmetric_thread_fence_light<B>();
      heavy = __LINE__ + 1;
      pawl::asymmetric_thread_fence_heavy<B>();
    };
    made = __LINE__ + 1;
    model::thread a(body);
    a.join();
  });
  CHECK(lost != nullptr);
  CHECK(has_line(v.trace, here(light), "light fence"));
  CHECK(has_line(v.trace, here(heavy), "heavy fence"));
  ends(v, "allocated " + here(made, "after "));
}

TEST_CASE("a thread that is not joined names where it was made, an exception what its thread did last") {
  int line = 0;
  const model::violation lost = violation_of([&] {
    line = __LINE__ + 1;
    const model::thread t([] {});
  });
  ends(lost, "not joined, " + here(line));
  const model::violation thrown = violation_of([&] {
    atomic<int> x{0};
    line = __LINE__ + 1;
    x.store(1);
    throw std::runtime_error("thrown");
  });
  ends(thrown, "thrown, " + here(line, "after "));
}

TEST_CASE("every line of a trace through the containers names a file and a line") {
  const auto all_named = [](const model::violation& v) {
    std::size_t lines = 0;
    for (std::size_t at = v.trace.find("thread "); at != std::string::npos; at = v.trace.find("\nthread ", at + 1)) {
      const std::size_t end = v.trace.find('\n', at + 1);
      const std::string line = v.trace.substr(at, end - at);
      INFO(line);
      CHECK(line.find(".hpp:") + line.find(".cpp:") != 2 * std::string::npos);
      // The word about all plain hooks: of the line that calls them, not of theirs.
      CHECK(line.find("environment.hpp:") == std::string::npos);
      ++lines;
    }
    CHECK(lines > 20);
  };
  const auto fails = [] { model::require(false, "to see a trace"); };
  const model::violation stacks = violation_of([&] {
    {
      pawl::stack<int, pawl::hazard_pointers<B>> s;
      s.push(1);
      s.push(2);
      for (int i = 0; i < 3; ++i) s.try_pop();
    }
    fails();
  });
  all_named(stacks);
  CHECK(stacks.trace.find("hazard_domain.hpp:") != std::string::npos);
  all_named(violation_of([&] {
    {
      pawl::queue<int, pawl::hazard_pointers<B>> q;
      q.push(1);
      q.push(2);
      for (int i = 0; i < 3; ++i) q.try_pop();
    }
    fails();
  }));
  all_named(violation_of([&] {
    {
      pawl::queue<int, pawl::tagged_pool<B>> q;
      q.push(1);
      q.try_pop();
    }
    fails();
  }));
  all_named(violation_of([&] {
    {
      pawl::hash_map<int, int, std::hash<int>, std::equal_to<>, pawl::hazard_pointers<B>> m;
      m.insert(1, 1);
      m.insert(2, 1);
      m.erase(1);
    }
    fails();
  }));
}

TEST_CASE("a race on a container's plain field names both lines") {
  int read = 0;
  int written = 0;
  const model::violation v = violation_of([&] {
    pawl::plain<int, B> value;
    value.construct(1);
    model::thread a([&] {
      read = __LINE__ + 1;
      static_cast<void>(value.get());
    });
    model::thread b([&] {
      written = __LINE__ + 1;
      value.set(2);
    });
    a.join();
    b.join();
  });
  INFO(v.message);
  CHECK(v.message.find(here(read)) != std::string::npos);
  CHECK(v.message.find(here(written)) != std::string::npos);
}
