// SPDX-License-Identifier: BSL-1.0
// A pool's memory while threads push and pop unevenly, start and end; and a fixed pool's last nodes.
#include <pawl/tagged_pool.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <thread>
#include <type_traits>
#include <vector>

#include <pawl/queue.hpp>
#include <pawl/stack.hpp>

#include "catch.hpp"
#include "threads.hpp"
#include "worlds.hpp"

namespace {

using stress::trial;

/// Counts the bytes that a pool has.
template <class T>
class weighing_allocator {
 public:
  using value_type = T;
  explicit weighing_allocator(std::atomic<std::size_t>& weight) noexcept : weight_(&weight) {}
  template <class U>
  weighing_allocator(const weighing_allocator<U>& other) noexcept  // NOLINT(google-explicit-constructor): as allocators are
      : weight_(other.weight_) {}
  T* allocate(std::size_t n) {
    weight_->fetch_add(n * sizeof(T));
    return std::allocator<T>().allocate(n);
  }
  void deallocate(T* memory, std::size_t n) noexcept {
    weight_->fetch_sub(n * sizeof(T));
    std::allocator<T>().deallocate(memory, n);
  }
  friend bool operator==(const weighing_allocator&, const weighing_allocator&) = default;

 private:
  template <class U>
  friend class weighing_allocator;
  std::atomic<std::size_t>* weight_;
};

using element = std::uint64_t;
template <class B>
using weighed_pool = pawl::tagged_pool<B, weighing_allocator<std::byte>>;

// What the page says: blocks for n nodes in use and two chains at each thread's hand. A node is 24 bytes here, and blocks double.
template <class B>
std::size_t most_bytes(std::size_t in_use, std::size_t threads) {
  constexpr pawl::tuning tuning = pawl::environment<B>::tuning;
  const std::size_t nodes = in_use + threads * 2 * tuning.cache_size;
  std::size_t block = std::size_t{8} << tuning.first_block_bits;
  while (block < (nodes + 2 * tuning.cache_size) * 24) block *= 2;
  return block + threads * pawl::cache_line;
}

// One thread only pushes, another only pops, with no more than `window` elements between them.
template <class B, template <class, class> class List>
void imbalance_leaves_memory_flat() {
  constexpr std::uint64_t warm_up = std::is_same_v<B, stress::restless> || stress::sanitized ? 5000 : 100000;
  constexpr std::uint64_t window = 1000;
  trial trial(std::chrono::minutes(1));  // ends by itself
  std::atomic<std::size_t> weight{0};
  {
    weighed_pool<B> pool{weighing_allocator<std::byte>(weight)};
    List<element, weighed_pool<B>> list(pool);
    std::size_t warm = 0;
    std::atomic<std::uint64_t> pushed{0};
    std::atomic<std::uint64_t> popped{0};
    trial.run(2, [&](unsigned self) {
      for (std::uint64_t i = 0; i < 11 * warm_up && trial.goes_on(); ++i) {
        if (self == 0) {
          while (i - popped.load() == window && trial.goes_on()) std::this_thread::yield();
          list.push(i);
          pushed.store(i + 1);
        } else {
          // It starts late, so the window is full once before the memory is weighed.
          while (i == 0 && pushed.load() < window) std::this_thread::yield();
          while (!list.try_pop() && trial.goes_on()) std::this_thread::yield();
          popped.store(i + 1);
          if (i == warm_up) warm = weight.load();
        }
      }
    });
    CHECK(popped.load() == 11 * warm_up);
    CHECK(weight.load() == warm);
    CHECK(weight.load() <= most_bytes<B>(window + 2, 3));
  }
  CHECK(weight.load() == 0);
  REQUIRE(trial.failure() == "");
}

template <class T, class R>
using stack = pawl::stack<T, R>;
template <class T, class R>
using queue = pawl::queue<T, R>;

}  // namespace

TEMPLATE_TEST_CASE("a pool's memory stays flat while one thread only pushes and another only pops", "", pawl::native,
                   stress::restless) {
  imbalance_leaves_memory_flat<TestType, stack>();
  imbalance_leaves_memory_flat<TestType, queue>();
}

// Each leaves a cache with free nodes in it, and the next takes it over.
TEMPLATE_TEST_CASE("a pool's memory stays flat while short threads come and go", "", pawl::native, stress::restless) {
  constexpr unsigned at_a_time = 3;
  constexpr int each_has = 100;
  trial trial(std::chrono::minutes(1));  // ends by itself
  std::atomic<std::size_t> weight{0};
  {
    weighed_pool<TestType> pool{weighing_allocator<std::byte>(weight)};
    pawl::stack<element, weighed_pool<TestType>> list(pool);
    std::size_t warm = 0;
    for (int round = 0; round < 200; ++round) {
      if (round == 20) warm = weight.load();
      trial.run(at_a_time, [&](unsigned self) {
        for (int i = 0; i < each_has; ++i) list.push(self);
        for (int i = 0; i < each_has; ++i) trial.expect(list.try_pop().has_value(), "what was pushed is not there");
      });
    }
    CHECK(weight.load() <= warm + at_a_time * pawl::cache_line);  // they may not all have been there at one time before
    CHECK(weight.load() <= most_bytes<TestType>(at_a_time * each_has, at_a_time + 1));
  }
  CHECK(weight.load() == 0);
  REQUIRE(trial.failure() == "");
}

// Two stacks and a queue, one of smaller elements: what one of them frees, another uses.
TEST_CASE("memory wanders between containers of a pool and stays flat") {
  constexpr std::uint64_t rounds = stress::sanitized ? 20 : 300;
  constexpr std::uint64_t batch = 500;
  trial trial(std::chrono::minutes(1));  // ends by itself
  std::atomic<std::size_t> weight{0};
  {
    using pool_type = weighed_pool<pawl::native>;
    pool_type pool{weighing_allocator<std::byte>(weight)};
    pawl::stack<element, pool_type> first(pool);
    pawl::queue<element, pool_type> second(pool);
    pawl::stack<char, pool_type> third(pool);
    trial.run(2, [&](unsigned) {
      const auto use = [&](auto& list) {
        for (std::uint64_t i = 0; i < batch; ++i) list.push(1);
        for (std::uint64_t i = 0; i < batch; ++i) trial.expect(list.try_pop() == 1, "what was pushed is not there");
      };
      for (std::uint64_t round = 0; round < rounds && trial.goes_on(); ++round) {
        use(first);
        use(second);
        use(third);
      }
    });
    CHECK(weight.load() <= most_bytes<pawl::native>(2 * batch + 4, 3));
  }
  CHECK(weight.load() == 0);
  REQUIRE(trial.failure() == "");
}

// Each thread has at most one element in it, counted while its operations run: so there is always a node for its push. Each pool is
// new, so that threads also meet where the last unused node goes.
TEMPLATE_TEST_CASE("a fixed pool is not full while fewer are in use", "", pawl::native, stress::restless) {
  using pool_type = pawl::tagged_pool<TestType>;
  constexpr unsigned threads = 3;
  trial trial(std::chrono::minutes(1));  // ends by itself
  for (int round = 0; round < (stress::sanitized ? 100 : 1000) && trial.goes_on(); ++round) {
    pool_type pool(threads);
    pawl::stack<unsigned, pool_type> list(pool);
    trial.run(threads, [&](unsigned self) {
      for (int i = 0; i < 5; ++i) {
        trial.expect(list.try_push(self), "full, and is not");
        trial.expect(list.try_pop().has_value(), "empty, and is not");
      }
    });
  }
  REQUIRE(trial.failure() == "");
}
