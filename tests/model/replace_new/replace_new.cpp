// SPDX-License-Identifier: BSL-1.0
// PAWL_MODEL_REPLACE_NEW: new and delete in a body are followed, and nothing that the checker does for itself, or a program elsewhere.
#define PAWL_MODEL_REPLACE_NEW
#include <pawl/atomic.hpp>
#include <pawl/hazard_pointer.hpp>
#include <pawl/model.hpp>
#include <pawl/queue.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "catch.hpp"

namespace {

using B = pawl::backend::model;
namespace model = pawl::model;
using kind = model::violation_kind;
template <class T>
using atomic = pawl::atomic<T, B>;

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;

// The same pointer, of which the compiler knows nothing: else it may leave out a new and its delete.
template <class T>
T* opaque(T* pointer) {
  asm volatile("" : "+r"(pointer) : : "memory");
  return pointer;
}
std::string long_text(char of) { return std::string(100, of); }

template <class Body>
model::report holds(Body body) {
  const model::report r = model::check(body);
  INFO((r.violation ? r.violation->message + "\n" + r.violation->trace : ""));
  CHECK(r.ok());
  CHECK(r.complete);
  return r;
}
template <class Body>
void violates(kind expected, const std::string& message, Body body) {
  const model::report r = model::check(body);
  REQUIRE(r.violation.has_value());
  INFO(r.violation->message << "\n" << r.violation->trace);
  CHECK(std::string(to_string(r.violation->kind)) == to_string(expected));
  CHECK(r.violation->message.find(message) != std::string::npos);
}

template <class First, class Second>
void together(First first, Second second) {
  model::thread a(first);
  model::thread b(second);
  a.join();
  b.join();
}

// What malloc has given and not got back; zero where nobody can say.
std::size_t bytes_in_use() {
#if defined(__GLIBC__)
  if constexpr (!pawl::detail::under_asan) return mallinfo2().uordblks;
#endif
  return 0;
}

struct node {
  node(int initial, node* below) : value(initial), next(below) {}
  model::var<int> value;
  node* const next;
};

// R. Treiber's stack; where it frees at once, another thread may be about to read what it frees.
template <bool FreesAtOnce>
void heap_stack() {
  struct stack_node {
    explicit stack_node(stack_node* below) : next(below) {}
    model::var<stack_node*> next;
  };
  atomic<stack_node*> head{nullptr};
  const auto push = [&] {
    auto* const pushed = new stack_node(head.load(relaxed));
    stack_node* below = pushed->next.get();
    // release: publishes the node to pop
    while (!head.compare_exchange_strong(below, pushed, release, relaxed)) pushed->next.set(below);
  };
  const auto pop = [&]() -> stack_node* {
    // acquire: pairs with push
    stack_node* top = head.load(acquire);
    while (top != nullptr && !head.compare_exchange_strong(top, top->next.get(), acquire, acquire)) {
    }
    return top;
  };
  push();
  push();
  stack_node* popped[2] = {};
  const auto take = [&](unsigned me) {
    popped[me] = pop();
    if constexpr (FreesAtOnce) delete std::exchange(popped[me], nullptr);
  };
  together([&] { take(0); }, [&] { take(1); });
  for (stack_node* each : popped) delete each;
}

}  // namespace

TEST_CASE("what the standard library allocates in a body is followed, and clean where it is freed") {
  const model::report r = holds([] {
    atomic<int> x{0};
    const auto uses_much = [&x](int me) {
      std::vector<int> numbers;
      for (int i = 0; i < 100; ++i) numbers.push_back(i);
      std::string text = long_text('a');
      text += long_text('b');
      const auto owned = std::make_unique<std::string>(text);
      const std::array<std::byte, 256> big{};
      const std::function<std::size_t()> sums = [big, text] { return big.size() + text.size(); };
      std::map<int, std::string> map;
      for (int i = 0; i < 10; ++i) map[i] = *owned;
      model::require(sums() == 456 && map[9].size() == 200 && numbers[99] == 99, "the values are those that were stored");
      x.fetch_add(me, relaxed);
    };
    together([&] { uses_much(1); }, [&] { uses_much(2); });
    model::observe("a name that is too long for a string without memory of its own", x.load());
  });
  CHECK(r.executions == 2);
  CHECK(r.outcomes.size() == 1);
}

TEST_CASE("every form of new has its delete") {
  struct alignas(128) wide {
    char bytes[128];
  };
  const auto all_forms = [] {
    delete opaque(new int(1));
    delete[] opaque(new int[3]);
    auto* const aligned = opaque(new wide);
    model::require(reinterpret_cast<std::uintptr_t>(aligned) % 128 == 0, "aligned");
    delete aligned;
    delete[] opaque(new wide[3]);
    delete opaque(new (std::nothrow) int(1));
    delete[] opaque(new (std::nothrow) wide[3]);
    ::operator delete(opaque(::operator new(100)));
    ::operator delete(opaque(::operator new(100)), std::size_t{100});
    ::operator delete[](opaque(::operator new[](100)), std::size_t{100});
    constexpr std::align_val_t page{8192};
    void* const pages = ::operator new(1, page);
    model::require(reinterpret_cast<std::uintptr_t>(pages) % 8192 == 0, "aligned beyond a page");
    ::operator delete(pages, std::size_t{1}, page);
    ::operator delete(opaque(::operator new(1, page, std::nothrow)), page, std::nothrow);
    ::operator delete[](opaque(::operator new[](1, page, std::nothrow)), page);
    ::operator delete(opaque(::operator new(0)), std::nothrow);
    delete static_cast<int*>(nullptr);
  };
  holds(all_forms);
  all_forms();
  // The same, each without the delete.
  violates(kind::leak, "replace_new.cpp", [] {
    atomic<int> x{0};
    x.store(1);
    opaque(new int(1));
  });
  violates(kind::leak, "never freed", [] { opaque(new int[3]); });
  violates(kind::leak, "never freed", [] { opaque(new wide); });
  violates(kind::leak, "never freed", [] { opaque(new wide[3]); });
  violates(kind::leak, "never freed", [] { opaque(new (std::nothrow) int(1)); });
  violates(kind::leak, "never freed", [] { opaque(new (std::nothrow) wide[3]); });
  violates(kind::leak, "never freed", [] { opaque(new std::string(long_text('a'))); });
}

TEST_CASE("memory that is freed twice, or was never allocated, is reported") {
  violates(kind::double_free, "a second time", [] {
    auto* const p = opaque(new int(1));
    delete p;
    delete opaque(p);
  });
  violates(kind::double_free, "never allocated", [] {
    auto* const p = opaque(new int[3]);
    delete opaque(p + 1);
  });
}

TEST_CASE("a node that is deleted while another thread may read it is reported") {
  const auto deletes = [](bool joined) {
    return [joined] {
      auto* const made = new node(1, nullptr);
      model::thread reader([made] { static_cast<void>(made->value.get()); });
      if (joined) reader.join();
      delete made;
      if (!joined) reader.join();
    };
  };
  holds(deletes(true));
  violates(kind::use_after_free, "replace_new.cpp", deletes(false));
  violates(kind::use_after_free, "replace_new.cpp", [] {
    auto* const made = new atomic<int>(1);
    model::thread reader([made] { made->load(); });
    delete made;
    reader.join();
  });
}

TEST_CASE("Treiber's stack that frees what it pops at once") {
  holds(heap_stack<false>);
  violates(kind::use_after_free, "", heap_stack<true>);
}

TEST_CASE("containers, and what is retired to their domain, in a program with new and delete") {
  holds([] {
    pawl::queue<std::string, pawl::hazard_pointers<B>> q;
    together([&] { q.push(long_text('a')); },
             [&] {
               if (const std::optional<std::string> found = q.try_pop())
                 model::require(*found == long_text('a'), "what was pushed");
             });
  });
  struct text : pawl::hazard_pointer_obj_base<text> {
    std::string held = long_text('a');
  };
  const auto retires = [](bool all) {
    return [all] {
      auto* const first = new text;
      auto* const second = opaque(new text);
      const auto retire = [](text* each) { each->retire(std::default_delete<text>(), pawl::hazard_pointer_default_domain<B>()); };
      together([&] { retire(first); },
               [&] {
                 if (all) retire(second);
               });
    };
  };
  holds(retires(true));
  violates(kind::leak, "never freed", retires(false));
}

TEST_CASE("executions that are given up leak nothing") {
  const auto blocks_often = [] {
    pawl::atomic_flag<B> lock;
    std::string text = long_text('a');
    const auto adds = [&] {
      const std::string own = long_text('b');
      while (lock.test_and_set(acquire)) B::pause();
      text += own;
      lock.clear(release);
    };
    model::thread c(adds);
    together(adds, adds);
    c.join();
  };
  const auto stops = [] {
    const std::string own = long_text('a');
    model::require(own.empty(), "never");
  };
  model::check(blocks_often);  // what is made once, is made
  model::check(stops);
  const std::size_t before = bytes_in_use();
  std::uint64_t blocked = 0;
  int stopped = 0;
  for (int i = 0; i < 100; ++i) {
    blocked += model::check(blocks_often).blocked;
    stopped += model::check(stops).ok() ? 0 : 1;
  }
  const std::size_t after = bytes_in_use();
  CHECK(stopped == 100);
  CHECK(blocked > 500);
  // Each of those has a hundred bytes and more. (malloc counts what it keeps for a thread as in use: a few kilobytes.)
  CHECK(after < before + 20 * blocked);
}

TEST_CASE("an exception that a body catches, and one that it doesn't") {
  holds([] {
    try {
      throw std::runtime_error(long_text('a'));
    } catch (const std::runtime_error& thrown) {
      model::require(thrown.what() == long_text('a'), "what was thrown");
    }
  });
  violates(kind::exception, long_text('a'), [] { throw std::runtime_error(long_text('a')); });
  violates(kind::requirement, long_text('a'), [] { model::require(false, long_text('a').c_str()); });
}

TEST_CASE("where the arena is full, new throws as new does") {
  holds([] {
    constexpr std::size_t too_much = std::size_t{65} << 20U;
    bool threw = false;
    try {
      delete[] opaque(new std::byte[too_much]);
    } catch (const std::bad_alloc&) {
      threw = true;
    }
    model::require(threw, "a thread has 64 MiB");
    model::require(opaque(new (std::nothrow) std::byte[too_much]) == nullptr, "more than there is");
    const std::string some = long_text('a');
    std::size_t nearly_all = ~std::size_t{0} - 64;
    asm volatile("" : "+r"(nearly_all));
    model::require(opaque(::operator new(nearly_all, std::nothrow)) == nullptr, "as much as there are addresses");
    delete[] opaque(new std::byte[too_much / 2]);
  });
  // The last block that fits, and the first that doesn't.
  const model::report r = model::check([] {
    std::vector<std::unique_ptr<std::byte[]>> held;
    for (;;) held.push_back(std::make_unique<std::byte[]>(std::size_t{1} << 20U));
  });
  REQUIRE(r.violation);
  CHECK(r.violation->kind == kind::exception);
  CHECK(r.violation->message.find("bad_alloc") != std::string::npos);
}

TEST_CASE("memory from outside may be freed in a body, and memory of a body outside") {
  auto* outside = opaque(new std::string(long_text('a')));
  holds([&outside] { delete std::exchange(outside, nullptr); });

  std::string outlives;
  violates(kind::leak, "never freed", [&outlives] { outlives = long_text('b'); });
  // Its memory is the arena's: what was there is gone, and its destructor frees nothing.
  CHECK(outlives.size() == 100);
  outlives = std::string();

  const auto kept = std::make_unique<std::string>();
  violates(kind::leak, "never freed", [&kept] { *kept = long_text('c'); });
  // In the next check the same addresses are somebody else's.
  violates(kind::leak, "never freed", [] { opaque(new std::string(long_text('d'))); });
}

TEST_CASE("what a static makes itself in a body is a leak, and what was made before is none") {
  static std::string* made_in_a_body = nullptr;
  const auto lazily = [] {
    if (made_in_a_body == nullptr) made_in_a_body = new std::string(long_text('a'));
  };
  violates(kind::leak, "never freed", lazily);
  made_in_a_body = new std::string(long_text('a'));
  holds(lazily);
  delete made_in_a_body;
}

TEST_CASE("another real thread's memory is malloc's, also during a check") {
  std::atomic<bool> done{false};
  std::atomic<unsigned> rounds{0};
  std::vector<std::string> texts;
  std::thread other([&] {
    while (!done.load()) {
      texts.push_back(long_text('a'));
      ++rounds;
    }
  });
  const model::report r = model::check([&rounds] {
    const auto own = std::make_unique<std::string>(long_text('b'));
    // The other one allocates while we are in the body.
    const unsigned before = rounds.load();
    while (rounds.load() < before + 3) std::this_thread::yield();
  });
  done.store(true);
  other.join();
  INFO((r.violation ? r.violation->message : ""));
  CHECK(r.ok());
  CHECK(texts.back() == long_text('a'));
}

TEST_CASE("a history of operations that return strings is searched outside of the body") {
  struct log {
    std::string text;
    std::string add(const std::string& more) { return text += more; }
    bool operator==(const log&) const = default;
  };
  holds([] {
    pawl::atomic_flag<B> lock;
    log shared;
    model::linearizable<log> history;
    const auto adds = [&](char of) {
      history.call(
          [&] {
            while (lock.test_and_set(acquire)) B::pause();
            std::string all = shared.add(long_text(of));
            lock.clear(release);
            return all;
          },
          [of](log& l) { return l.add(long_text(of)); });
    };
    together([&] { adds('a'); }, [&] { adds('b'); });
  });
}
