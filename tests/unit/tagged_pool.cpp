// SPDX-License-Identifier: BSL-1.0
#include <pawl/tagged_pool.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <vector>

#include <pawl/queue.hpp>
#include <pawl/stack.hpp>

#include "allocations.hpp"
#include "minimal_backend.hpp"
#include "verify.hpp"

namespace {

using pawl::tagged_pool;
template <class T, class B = pawl::native>
using pool_stack = pawl::stack<T, tagged_pool<B>>;
template <class T, class B = pawl::native>
using pool_queue = pawl::queue<T, tagged_pool<B>>;

using large = std::array<std::uint64_t, 8>;

static_assert(!std::is_copy_constructible_v<tagged_pool<>> && !std::is_copy_assignable_v<tagged_pool<>> &&
              !std::is_convertible_v<std::size_t, tagged_pool<>>);
// Whatever the compiler's flags: a link is 8 bytes.
static_assert(sizeof(tagged_pool<>::link<large>) == 8);

}  // namespace

TEST_CASE("a pool is fixed if it was given a capacity") {
  CHECK_FALSE(tagged_pool<>().is_fixed());
  CHECK(tagged_pool<>(0).is_fixed());
  CHECK(tagged_pool<>(10).is_fixed());
  CHECK(tagged_pool<minimal_backend>(10).is_fixed());
}

TEMPLATE_TEST_CASE("a growing pool grows past its first blocks, and every element keeps its value", "", pawl::native,
                   minimal_backend) {
  constexpr std::uint64_t size = 50000;
  tagged_pool<TestType> pool;
  pool_queue<std::uint64_t, TestType> queue(pool);
  pool_stack<std::uint64_t, TestType> stack(pool);
  bool right = true;
  for (int round = 0; round < 2; ++round) {
    for (std::uint64_t i = 0; i < size; ++i) {
      queue.push(i);
      stack.push(~i);
    }
    for (std::uint64_t i = 0; i < size; ++i) {
      right = right && queue.try_pop() == i;
      right = right && stack.try_pop() == ~(size - 1 - i);
    }
  }
  CHECK(right);
  CHECK(queue.empty());
  CHECK(stack.empty());
}

TEST_CASE("a growing pool keeps its memory until it goes, and then gives it back") {
  const std::size_t before = allocations::live_bytes();
  std::size_t full = 0;
  std::size_t again = 0;
  std::thread([&] {
    tagged_pool<> pool;
    pool_stack<large> stack(pool);
    for (int i = 0; i < 10000; ++i) stack.push(large{});
    full = allocations::live_bytes();
    while (stack.try_pop()) {
    }
    for (int round = 0; round < 5; ++round) {
      for (int i = 0; i < 10000; ++i) stack.push(large{});
      while (stack.try_pop()) {
      }
    }
    again = allocations::live_bytes();
  }).join();
  const std::size_t after = allocations::live_bytes();
  CHECK(full >= before + 10000 * sizeof(large));
  CHECK(full <= before + 4 * 10000 * (sizeof(large) + 16) + 65536);  // blocks double
  CHECK(again == full);
  CHECK(after == before);
}

TEST_CASE("a container given no pool has one of its own, whose memory goes with it") {
  const std::size_t before = allocations::live_bytes();
  std::thread([] {
    pool_stack<int> stack;
    pool_queue<large> queue;
    for (int i = 0; i < 5000; ++i) {
      stack.push(i);
      queue.push(large{});
    }
  }).join();
  const std::size_t after = allocations::live_bytes();
  CHECK(after == before);
}

TEST_CASE("the first container fixes the node's size: one whose T is larger is refused, and has no effect") {
  const auto check = [](auto& pool) {
    const pool_stack<std::uint64_t> first(pool);
    bool refused = false;
    try {
      const pool_stack<large> too_large(pool);
    } catch (const std::invalid_argument&) {
      refused = true;
    }
    verify(refused);
    refused = false;
    try {
      const pool_queue<large> too_large(pool);
    } catch (const std::invalid_argument&) {
      refused = true;
    }
    verify(refused);
    pool_queue<char> smaller(pool);
    smaller.push('a');
    pool_queue<double> as_large(pool);
    as_large.push(1.5);
    verify(smaller.try_pop() == 'a');
    verify(as_large.try_pop() == 1.5);
  };
  tagged_pool<> growing;
  check(growing);
  tagged_pool<> fixed(10);
  check(fixed);
}

TEST_CASE("a fixed pool of more than its indices can name is refused") {
  const auto refuses = [](std::size_t capacity) {
    try {
      tagged_pool<> pool(capacity);
      const pool_stack<int> stack(pool);
    } catch (const std::invalid_argument&) {
      return true;
    } catch (const std::bad_alloc&) {
    }
    return false;
  };
  CHECK(refuses(std::size_t{1} << 31U));
  CHECK(refuses(std::size_t{1} << 32U));
  CHECK(refuses((std::size_t{1} << 32U) + 5));  // not five
  CHECK(refuses(~std::size_t{0}));
}

TEST_CASE("a fixed pool allocates when the first container binds, and never again") {
  tagged_pool<> pool(1000);
  pool_stack<int> stack(pool);
  pool_queue<int> queue(pool);
  const std::size_t before = allocations::of_this_thread();
  bool right = true;
  for (int i = 0; i < 500; ++i) right = stack.try_push(i) && queue.try_push(i) && right;
  right = right && !stack.try_push(0) && !queue.try_push(0);
  for (int i = 0; i < 500; ++i) right = stack.try_pop() && queue.try_pop() && right;
  const std::size_t after = allocations::of_this_thread();
  CHECK(right);
  CHECK(after == before);
  std::size_t of_another = 1;
  std::thread([&] {
    const std::size_t at_first = allocations::of_this_thread();
    stack.push(1);
    queue.push(1);
    of_another = allocations::of_this_thread() - at_first;
  }).join();
  CHECK(of_another == 0);
}

TEST_CASE("containers of one fixed pool share its capacity, and their dummies come on top") {
  tagged_pool<> pool(10);
  pool_queue<int> first(pool);
  pool_queue<int> second(pool);
  pool_stack<int> third(pool);
  for (int round = 0; round < 20; ++round) {
    bool right = true;
    for (int i = 0; i < 4; ++i) right = first.try_push(i) && second.try_push(i) && right;
    right = right && third.try_push(1) && third.try_push(2);
    right = right && !first.try_push(9) && !second.try_push(9) && !third.try_push(9);
    right = right && first.try_pop() == 0 && second.try_push(4) && !first.try_push(4);
    std::vector<int> out;
    first.pop_all(std::back_inserter(out));
    second.pop_all(std::back_inserter(out));
    third.pop_all(std::back_inserter(out));
    CHECK(right);
    CHECK(out == std::vector<int>{1, 2, 3, 0, 1, 2, 3, 4, 2, 1});
  }
}

TEST_CASE("queues on a fixed pool come and go, 64 at a time, and it keeps its capacity") {
  tagged_pool<> pool(5);
  const pool_stack<int> bound(pool);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<pool_queue<int>>> queues;
    for (std::size_t i = 0; i < tagged_pool<>::max_queues; ++i) queues.push_back(std::make_unique<pool_queue<int>>(pool));
    CHECK_THROWS_AS(std::make_unique<pool_queue<int>>(pool), std::invalid_argument);
    for (int i = 0; i < 5; ++i) CHECK(queues[static_cast<std::size_t>(i) * 7]->try_push(i));
    CHECK_FALSE(queues[1]->try_push(5));
    // Their nodes change places with the dummies.
    CHECK(queues[0]->try_pop() == 0);
    CHECK(queues[1]->try_push(1));
  }
}

TEST_CASE("a pool outlives its containers, and serves the next ones") {
  tagged_pool<> pool;
  for (int i = 0; i < 50; ++i) {
    pool_queue<int> queue(pool);
    pool_stack<int> stack(pool);
    for (int k = 0; k < 100; ++k) {
      queue.push(k);
      stack.push(k);
    }
    CHECK(queue.try_pop() == 0);
    CHECK(stack.try_pop() == 99);
  }
}

TEST_CASE("a thread's free nodes reach others when it has ended") {
  tagged_pool<> pool;
  pool_stack<large> stack(pool);
  stack.push(large{});
  std::size_t early = 0;
  for (int i = 0; i < 200; ++i) {
    std::thread([&] {
      for (int k = 0; k < 200; ++k) stack.push(large{});
      for (int k = 0; k < 200; ++k) stack.try_pop();
    }).join();
    if (i == 10) early = allocations::live_bytes();
  }
  const std::size_t late = allocations::live_bytes();
  CHECK(late <= early + 1024);
}

TEST_CASE("threads that fill and empty a fixed pool never find more in it than fits") {
  constexpr int capacity = 8;
  tagged_pool<> pool(capacity);
  pool_queue<int> queue(pool);
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::atomic<int> ready{0};
  const auto body = [&] {
    ++ready;
    while (ready != 2) std::this_thread::yield();
    for (int i = 0; i < 5000; ++i) {
      if (queue.try_push(i)) {
        const int now = ++inside;
        int highest = most;
        while (now > highest && !most.compare_exchange_weak(highest, now)) {
        }
      }
      if (i % 3 != 0) {
        // counted before, since another thread may push into the place at once
        --inside;
        if (!queue.try_pop()) ++inside;
      }
    }
  };
  std::thread other(body);
  body();
  other.join();
  int left = 0;
  while (queue.try_pop()) ++left;
  CHECK(left == inside);
  CHECK(most <= capacity);
  for (int i = 0; i < capacity; ++i) CHECK(queue.try_push(i));
  CHECK_FALSE(queue.try_push(0));
}

namespace {

// A pointer that is no T*, as of allocators for shared memory.
template <class T>
struct wrapped_pointer {
  using element_type = T;
  T* raw = nullptr;
  static wrapped_pointer pointer_to(T& object) noexcept { return {std::addressof(object)}; }
  T* operator->() const noexcept { return raw; }
};
template <class T>
struct wrapping_allocator {
  using value_type = T;
  using pointer = wrapped_pointer<T>;
  wrapping_allocator() = default;
  template <class U>
  wrapping_allocator(const wrapping_allocator<U>&) noexcept {}  // NOLINT(google-explicit-constructor): as allocators are
  pointer allocate(std::size_t n) { return {std::allocator<T>().allocate(n)}; }
  void deallocate(pointer memory, std::size_t n) noexcept { std::allocator<T>().deallocate(memory.raw, n); }
  friend bool operator==(const wrapping_allocator&, const wrapping_allocator&) = default;
};

}  // namespace

TEST_CASE("a pool and a domain take allocators with pointers of their own") {
  const auto check = [](auto domain) {
    using type = typename decltype(domain)::type;
    type nodes;
    pawl::queue<int, type> queue(nodes);
    for (int i = 0; i < 5000; ++i) queue.push(i);
    bool right = true;
    for (int i = 0; i < 5000; ++i) right = queue.try_pop() == i && right;
    verify(right);
    pawl::stack<int, type> own;
    own.push(1);
    verify(own.try_pop() == 1);
  };
  check(std::type_identity<tagged_pool<pawl::native, wrapping_allocator<std::byte>>>());
  check(std::type_identity<pawl::hazard_pointers<pawl::native, wrapping_allocator<std::byte>>>());
}

// Each thread has no more in the container than its share, counted while its operations run. So there is a node for each, at any time.
TEMPLATE_TEST_CASE("a fixed pool is full only when all of it is in use", "", pool_stack<int>, pool_queue<int>) {
  constexpr int threads = 3;
  constexpr int share = 2;
  tagged_pool<> pool(threads * share);
  TestType c(pool);
  std::atomic<int> refused{0};
  std::atomic<int> ready{0};
  const auto body = [&](int rounds) {
    ++ready;
    while (ready != threads) std::this_thread::yield();
    int mine = 0;
    for (int i = 0; i < rounds; ++i) {
      if (mine < share) {
        ++mine;
        if (!c.try_push(i)) {
          ++refused;
          --mine;
        }
      }
      if (i % 3 == 0 || mine == share) {
        if (c.try_pop()) --mine;
      }
    }
  };
  std::vector<std::thread> all;
  for (int i = 0; i < threads; ++i) all.emplace_back(body, 20000);
  for (auto& each : all) each.join();
  CHECK(refused == 0);
  int left = 0;
  while (c.try_pop()) ++left;
  CHECK(left <= threads * share);
  for (int i = 0; i < threads * share; ++i) CHECK(c.try_push(i));
  CHECK_FALSE(c.try_push(0));
}

TEMPLATE_TEST_CASE("threads that only push fill a fixed pool to the last node", "", pool_stack<int>, pool_queue<int>) {
  for (int round = 0; round < 20; ++round) {
    constexpr int capacity = 1000;
    tagged_pool<> pool(capacity);
    TestType c(pool);
    std::atomic<int> pushed{0};
    std::atomic<int> ready{0};
    std::vector<std::thread> all;
    for (int i = 0; i < 3; ++i) {
      all.emplace_back([&] {
        ++ready;
        while (ready != 3) std::this_thread::yield();
        while (c.try_push(1)) ++pushed;
      });
    }
    for (auto& each : all) each.join();
    CHECK(pushed == capacity);
  }
}

TEST_CASE("a link names one life of a node, and its tag comes round after as many as the page says") {
  using link = pawl::detail::tagged_link;
  const link first(12345);
  link life = first;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    CHECK(life.same_node(first));
    CHECK_FALSE(life.marked());
    seen.insert(life.bits());
    life = life.reborn();
  }
  CHECK(seen.size() == 1000);
  // Each life adds the same, so all of them together add nothing.
  const std::uint64_t step = first.reborn().bits() - first.bits();
  CHECK(step * link::lives == 0);
  CHECK(step * (link::lives / 2) != 0);
}
