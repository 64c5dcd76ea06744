// SPDX-License-Identifier: BSL-1.0
// What stack and queue promise alike. A Kind is `stacks` or `queues`, a Setting says over which domain the container stands.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <memory>
#include <memory_resource>
#include <new>
#include <numeric>
#include <optional>
#include <ranges>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <pawl/hazard_pointer.hpp>
#include <pawl/tagged_pool.hpp>

#include "allocations.hpp"
#include "elements.hpp"
#include "minimal_backend.hpp"
#include "verify.hpp"

namespace lists {

/// Over the process's domain, or a pool of its own.
template <class R>
struct by_default {
  using reclaimer = R;
  template <class C>
  struct box {
    C container;
  };
};
/// Over a domain that was given.
template <class R>
struct over_a_domain {
  using reclaimer = R;
  template <class C>
  struct box {
    R domain;
    C container{domain};
  };
};
template <class B = pawl::native>
struct over_a_fixed_pool {
  using reclaimer = pawl::tagged_pool<B>;
  static constexpr std::size_t capacity = 100;
  template <class C>
  struct box {
    reclaimer domain{capacity};
    C container{domain};
  };
};

template <class Kind, class Setting, class T>
using box_of = typename Setting::template box<typename Kind::template of<T, typename Setting::reclaimer>>;

/// What pops give after these pushes.
template <class Kind, class T>
std::vector<T> popped_order(std::vector<T> pushed) {
  if (Kind::last_in_first_out) std::reverse(pushed.begin(), pushed.end());
  return pushed;
}
template <class C>
auto drain(C& container) {
  std::vector<typename C::value_type> all;
  while (auto each = container.try_pop()) all.push_back(std::move(*each));
  return all;
}

/// A range that can be read only once: T(first), ... up to T(last - 1).
template <class T>
struct stream {
  struct iterator {
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    stream* source;
    T operator*() const { return T(source->first); }
    iterator& operator++() {
      ++source->first;
      return *this;
    }
    void operator++(int) { ++source->first; }
    bool operator==(std::default_sentinel_t) const { return source->first == source->last; }
  };
  int first;
  int last;
  iterator begin() { return {this}; }
  static std::default_sentinel_t end() { return {}; }
};
static_assert(std::ranges::input_range<stream<int>> && !std::ranges::forward_range<stream<int>>);

/// A range whose elements are to be moved.
template <class Range>
struct moving {
  Range& range;
  [[nodiscard]] auto begin() const { return std::make_move_iterator(range.begin()); }
  [[nodiscard]] auto end() const { return std::make_move_iterator(range.end()); }
};

template <class Kind, class Setting>
void every_member_does_what_it_says() {
  box_of<Kind, Setting, int> box;
  auto& c = box.container;
  verify(c.empty());
  verify(!c.try_pop());
  int value = 77;
  verify(!c.try_pop(value));
  verify(value == 77);

  const int one = 1;
  c.push(one);
  verify(!c.empty());
  c.push(2);
  c.emplace(3);
  const int four = 4;
  verify(c.try_push(four));
  verify(c.try_push(5));
  const auto expected = popped_order<Kind, int>({1, 2, 3, 4, 5});
  verify(c.try_pop() == expected[0]);
  verify(c.try_pop(value));
  verify(value == expected[1]);
  verify(drain(c) == std::vector<int>(expected.begin() + 2, expected.end()));
  verify(c.empty());
  c.emplace();  // an int(), zero
  verify(c.try_pop() == 0);

  // Nodes that were used before.
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 20; ++i) c.push(i);
    std::vector<int> pushed(20);
    std::iota(pushed.begin(), pushed.end(), 0);
    const auto popped = popped_order<Kind>(pushed);
    for (const int each : popped) {
      verify(!c.empty());
      verify(c.try_pop() == each);
    }
    verify(c.empty());
  }
  for (int i = 0; i < 10; ++i) c.push(i);  // for the destructor
}

template <class Kind, class Setting>
void ranges_go_in_and_come_out_in_order() {
  box_of<Kind, Setting, int> box;
  auto& c = box.container;
  c.push(1);
  c.push_range(std::vector<int>{2, 3, 4});
  c.push(5);
  c.push_range(std::list<int>());
  c.push_range(std::array<int, 2>{6, 7});
  stream<int> numbers{8, 11};
  c.push_range(numbers);
  const std::array<int, 1> last{11};
  c.push_range(last);
  verify(c.try_pop() == popped_order<Kind, int>({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})[0]);
  if (Kind::last_in_first_out) {
    c.push(11);
  } else {
    std::vector<int> rest;
    c.pop_all(std::back_inserter(rest));
    rest.insert(rest.begin(), 1);
    c.push_range(rest);
  }
  std::vector<int> out(12, -1);
  const auto end = c.pop_all(out.begin());
  verify(end == out.begin() + 11);
  verify(out.back() == -1);
  out.pop_back();
  verify(out == popped_order<Kind, int>({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  verify(c.empty());
  verify(c.pop_all(out.begin()) == out.begin());
  c.push(1);
  verify(c.try_pop() == 1);
  c.push_range(std::vector<int>{1, 2});
  std::vector<int> both;
  c.pop_all(std::back_inserter(both));
  verify(both == popped_order<Kind, int>({1, 2}));
}

template <std::size_t N, std::size_t Alignment = 1>
struct alignas(Alignment) block {
  std::array<std::uint8_t, N> bytes;
  explicit block(int seed) noexcept : bytes() {
    for (std::size_t i = 0; i < N; ++i) bytes[i] = static_cast<std::uint8_t>(static_cast<std::size_t>(seed) * 31 + i);
  }
  friend bool operator==(const block&, const block&) = default;
};

template <class Kind, class Setting, class T>
void elements_keep_their_value() {
  box_of<Kind, Setting, T> box;
  for (int i = 0; i < 40; ++i) box.container.push(T(i));
  T received(0);
  for (int i = 0; i < 40; ++i) {
    verify(box.container.try_pop(received));
    verify(received == T(Kind::last_in_first_out ? 39 - i : i));
  }
  for (int i = 0; i < 40; ++i) box.container.emplace(T(i));
  std::vector<T> all;
  box.container.pop_all(std::back_inserter(all));
  bool right = all.size() == 40;
  for (int i = 0; right && i < 40; ++i) right = all[static_cast<std::size_t>(i)] == T(Kind::last_in_first_out ? 39 - i : i);
  verify(right);
}

template <class Kind, class Setting>
void moves_what_can_only_be_moved() {
  box_of<Kind, Setting, move_only> box;
  auto& c = box.container;
  c.push(std::make_unique<int>(1));
  auto two = std::make_unique<int>(2);
  verify(c.try_push(std::move(two)));
  verify(two == nullptr);
  c.emplace(new int(3));
  std::vector<move_only> more;
  more.push_back(std::make_unique<int>(4));
  more.push_back(std::make_unique<int>(5));
  c.push_range(moving<std::vector<move_only>>{more});
  const auto expected = popped_order<Kind, int>({1, 2, 3, 4, 5});
  verify(*c.try_pop().value() == expected[0]);
  move_only received;
  verify(c.try_pop(received));
  verify(*received == expected[1]);
  std::vector<move_only> rest;
  c.pop_all(std::back_inserter(rest));
  verify(rest.size() == 3);
  for (std::size_t i = 0; i < rest.size(); ++i) verify(*rest[i] == expected[i + 2]);
  c.push(std::make_unique<int>(6));  // for the destructor
}

template <class Kind, class Setting>
void over_aligned_elements_are_in_their_place() {
  over_aligned::misplaced = 0;
  {
    box_of<Kind, Setting, over_aligned> box;
    for (int i = 0; i < 20; ++i) box.container.push(over_aligned(i));
    for (int i = 0; i < 10; ++i) verify(box.container.try_pop().has_value());
    std::vector<over_aligned> rest;
    box.container.pop_all(std::back_inserter(rest));
    verify(rest.size() == 10);
  }
  verify(over_aligned::misplaced == 0);
}

/// Every operation, with its first, second, ... copy or move throwing: what has not happened has had no effect, what was popped is gone,
/// the container is whole, and every object that began has ended.
template <class Kind, class Setting>
void a_throwing_copy_or_move_leaves_the_container_whole() {
  using box_type = box_of<Kind, Setting, counted>;
  using container = decltype(box_type::container);
  using values = std::vector<int>;
  enum class effect { none_or_all, pops_one, pops_all };
  const auto check = [](effect kind, const values& pushed, auto operation, int line = __builtin_LINE()) {
    bool finished = false;
    for (long n = 0; !finished && n < 100; ++n) {
      const long alive = counted::alive;
      {
        box_type box;
        for (const int i : {1, 2, 3}) box.container.emplace(i);
        counted::throw_after = n;
        try {
          operation(box.container);
          finished = true;
        } catch (const thrown&) {
        }
        counted::throw_after = -1;
        values content{1, 2, 3};
        if (kind == effect::none_or_all && finished) content.insert(content.end(), pushed.begin(), pushed.end());
        values expected = popped_order<Kind>(content);
        if (kind == effect::pops_one) expected.erase(expected.begin());
        if (kind == effect::pops_all) expected.clear();
        values found;
        for (const counted& each : drain(box.container)) found.push_back(each.value());
        verify(found == expected, line);
        box.container.push(counted(4));
        verify(box.container.try_pop()->value() == 4, line);
        box.container.push(counted(5));
      }
      verify(counted::alive == alive, line);
    }
    verify(finished, line);
  };
  counted::misused = 0;
  check(effect::none_or_all, {7}, [](container& c) {
    const counted seven(7);
    c.push(seven);
  });
  check(effect::none_or_all, {7}, [](container& c) { c.push(counted(7)); });
  check(effect::none_or_all, {7}, [](container& c) {
    const counted seven(7);
    c.emplace(seven);
  });
  check(effect::none_or_all, {7}, [](container& c) {
    const counted seven(7);
    c.try_push(seven);
  });
  check(effect::none_or_all, {7}, [](container& c) { c.try_push(counted(7)); });
  check(effect::none_or_all, {7, 8, 9}, [](container& c) {
    const std::array<counted, 3> more{7, 8, 9};
    c.push_range(more);
  });
  check(effect::none_or_all, {7, 8}, [](container& c) { c.push_range(stream<counted>{7, 9}); });
  check(effect::pops_one, {}, [](container& c) { c.try_pop(); });
  check(effect::pops_one, {}, [](container& c) {
    counted received;
    c.try_pop(received);
  });
  check(effect::pops_all, {}, [](container& c) {
    std::list<counted> out;
    c.pop_all(std::back_inserter(out));
  });
  verify(counted::misused == 0);
}

template <class Kind, class Setting>
void the_destructor_ends_what_is_left() {
  const long alive = counted::alive;
  counted::misused = 0;
  {
    box_of<Kind, Setting, counted> box;
    for (int i = 0; i < 10; ++i) box.container.emplace(i);
    for (int i = 0; i < 3; ++i) box.container.try_pop();
    verify(counted::alive == alive + 7);
  }
  verify(counted::alive == alive);
  verify(counted::misused == 0);
}

/// Becomes the next number when somebody makes an int of it.
struct made_when_asked {
  int& number;
  operator int() const noexcept { return ++number; }
};

/// A fixed pool of n values holds n values, says full of the next and leaves it as it is.
template <class Kind, class B>
void a_fixed_pool_fills_to_its_capacity() {
  for (const std::size_t capacity : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{100}, std::size_t{1000}}) {
    pawl::tagged_pool<B> pool(capacity);
    typename Kind::template of<int, pawl::tagged_pool<B>> c(pool);
    const int n = static_cast<int>(capacity);
    for (int round = 0; round < 3; ++round) {
      bool fits = true;
      for (int i = 0; i < n; ++i) fits = fits && c.try_push(i);
      verify(fits);
      int extra = 7;
      verify(!c.try_push(extra));
      verify(!c.try_push(std::move(extra)));
      verify(extra == 7);
      // Arguments are untouched until there is a node.
      made_when_asked late{extra};
      verify(!c.try_emplace(late) && extra == 7);
      bool refused = false;
      try {
        c.push(7);
      } catch (const std::bad_alloc&) {
        refused = true;
      }
      verify(refused);
      if (n > 0) {
        verify(c.try_pop().has_value());
        extra = Kind::last_in_first_out ? n - 2 : -1;
        verify(c.try_emplace(late) && extra == (Kind::last_in_first_out ? n - 1 : 0));
        // A range that fits only in part goes in not at all.
        verify(c.try_pop().has_value());
        refused = false;
        try {
          c.push_range(std::array<int, 2>{1, 2});
        } catch (const std::bad_alloc&) {
          refused = true;
        }
        verify(refused);
        verify(c.try_push(0));
        verify(!c.try_push(0));
      }
      verify(drain(c).size() == capacity);
      verify(c.empty());
    }
  }
}

template <class T>
class counting_allocator {
 public:
  using value_type = T;
  explicit counting_allocator(long& live) noexcept : live_(&live) {}
  template <class U>
  counting_allocator(const counting_allocator<U>& other) noexcept : live_(other.live_) {}  // NOLINT(google-explicit-constructor)
  T* allocate(std::size_t n) {
    std::atomic_ref<long>(*live_) += static_cast<long>(n * sizeof(T));
    return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t{alignof(T)}));
  }
  void deallocate(T* memory, std::size_t n) noexcept {
    std::atomic_ref<long>(*live_) -= static_cast<long>(n * sizeof(T));
    ::operator delete(memory, std::align_val_t{alignof(T)});
  }
  friend bool operator==(const counting_allocator& a, const counting_allocator& b) noexcept { return a.live_ == b.live_; }

 private:
  template <class U>
  friend class counting_allocator;
  long* live_;
};

/// All nodes and records come from the allocator, and go back to it.
template <class Kind>
void memory_comes_from_the_allocator() {
  long live = 0;
  {
    using domain_type = pawl::hazard_pointers<pawl::native, counting_allocator<std::byte>>;
    domain_type domain{counting_allocator<std::byte>(live)};
    typename Kind::template of<std::string, domain_type> c(domain);
    for (int i = 0; i < 100; ++i) c.push(std::to_string(i));
    verify(live >= 100 * static_cast<long>(sizeof(std::string)));
    for (int i = 0; i < 50; ++i) verify(c.try_pop().has_value());
    domain.reclaim();
    const long half = live;
    for (int i = 0; i < 49; ++i) verify(c.try_pop().has_value());
    domain.reclaim();
    verify(live < half);
    std::thread([&c] {
      c.push("from another thread");
      c.try_pop();
    }).join();
  }
  verify(live == 0);

  std::array<std::byte, 65536> buffer;
  std::pmr::monotonic_buffer_resource resource(buffer.data(), buffer.size(), std::pmr::null_memory_resource());
  {
    using domain_type = pawl::hazard_pointers<pawl::native, std::pmr::polymorphic_allocator<std::byte>>;
    domain_type domain{std::pmr::polymorphic_allocator<std::byte>(&resource)};
    typename Kind::template of<int, domain_type> c(domain);
    c.push(1);
    c.push(2);
    verify(c.try_pop() == popped_order<Kind, int>({1, 2})[0]);
  }
}

/// The same of a pool: its blocks and its threads' caches. A fixed one takes nothing after its first container.
template <class Kind>
void a_pools_memory_comes_from_its_allocator() {
  using allocator = counting_allocator<std::byte>;
  using pool_type = pawl::tagged_pool<pawl::native, allocator>;
  using container = typename Kind::template of<std::uint64_t, pool_type>;
  constexpr std::uint64_t size = 5000;
  long live = 0;
  const auto fill_and_drain = [](container& c, std::uint64_t n) {
    bool right = true;
    for (std::uint64_t i = 0; i < n; ++i) right = c.try_push(i) && right;
    for (std::uint64_t i = 0; i < n; ++i) right = c.try_pop() == (Kind::last_in_first_out ? n - 1 - i : i) && right;
    return right;
  };
  {
    pool_type pool{allocator(live)};
    container c(pool);
    verify(live > 0);
    verify(fill_and_drain(c, size));
    verify(live >= static_cast<long>(size * 3 * sizeof(std::uint64_t)));
    const long used = live;
    std::thread([&] { verify(fill_and_drain(c, size / 2)); }).join();
    // Nothing but the other thread's cache, of a cache line.
    verify(live == used + static_cast<long>(pawl::cache_line));
  }
  verify(live == 0);
  {
    pool_type pool(100, allocator(live));
    container c(pool);
    const long used = live;
    verify(used >= static_cast<long>(100 * 3 * sizeof(std::uint64_t)));
    const std::size_t from_new = allocations::of_this_thread();
    bool right = true;
    for (int round = 0; round < 3; ++round) right = fill_and_drain(c, 100) && right;
    for (int i = 0; i < 100; ++i) right = c.try_push(1) && right;
    right = right && !c.try_push(1);
    verify(right);
    verify(allocations::of_this_thread() == from_new);
    verify(live == used);
  }
  verify(live == 0);
  {
    std::array<std::byte, 65536> buffer;
    std::pmr::monotonic_buffer_resource resource(buffer.data(), buffer.size(), std::pmr::null_memory_resource());
    using pmr_pool = pawl::tagged_pool<pawl::native, std::pmr::polymorphic_allocator<std::byte>>;
    pmr_pool growing(&resource);
    pmr_pool fixed(10, &resource);
    typename Kind::template of<int, pmr_pool> c(growing);
    typename Kind::template of<int, pmr_pool> d(fixed);
    for (int i = 1; i <= 2; ++i) {
      c.push(i);
      d.push(i);
    }
    verify(c.try_pop() == popped_order<Kind, int>({1, 2})[0]);
    verify(d.try_pop() == popped_order<Kind, int>({1, 2})[0]);
    // The resource's end is an allocation that fails: what was pushed is there.
    int pushed = 1;
    try {
      for (; pushed < 100000; ++pushed) c.push(pushed);
    } catch (const std::bad_alloc&) {
    }
    verify(pushed > 1000 && pushed < 100000);
    verify(drain(c).size() == static_cast<std::size_t>(pushed));
  }
}

/// A resource of which the n-th allocation fails, once.
class failing_once final : public std::pmr::memory_resource {
 public:
  explicit failing_once(std::size_t n) noexcept : left_(n) {}
  [[nodiscard]] bool has_failed() const noexcept { return left_ == 0; }
  [[nodiscard]] std::size_t live() const noexcept { return live_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (left_ != 0 && --left_ == 0) throw std::bad_alloc();
    void* const memory = std::pmr::new_delete_resource()->allocate(bytes, alignment);
    live_ += bytes;
    return memory;
  }
  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
    live_ -= bytes;
    std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment);
  }
  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  std::size_t left_;
  std::size_t live_ = 0;
};

/// Each allocation of a domain or pool fails once: who asked gets an exception, and may ask again. Nothing is lost.
template <class Kind, class R>
void nothing_is_lost_where_an_allocation_fails() {
  constexpr int size = 3000;
  bool every_one = false;
  for (std::size_t n = 1; !every_one; ++n) {
    failing_once resource(n);
    int failures = 0;
    const auto until_it_works = [&failures](auto operation) {
      for (bool works = false; !works;) {
        try {
          operation();
          works = true;
        } catch (const std::bad_alloc&) {
          ++failures;
        }
      }
    };
    {
      R domain(&resource);
      std::optional<typename Kind::template of<int, R>> c;
      until_it_works([&] { c.emplace(domain); });
      for (int i = 0; i < size; ++i) until_it_works([&] { c->push(i); });
      std::vector<int> popped;
      std::thread([&] {
        for (int i = 0; i < size; ++i) until_it_works([&] { popped.push_back(c->try_pop().value_or(-1)); });
        until_it_works([&] { c->push(-2); });
      }).join();
      std::vector<int> pushed(size);
      std::iota(pushed.begin(), pushed.end(), 0);
      verify(popped == popped_order<Kind>(pushed));
      verify(c->try_pop() == -2);
    }
    verify(failures == (resource.has_failed() ? 1 : 0));
    verify(resource.live() == 0);
    every_one = !resource.has_failed();
    // Of many alike, the first hundred are enough.
    if (n > 100) break;
    if (every_one) verify(n > 3);
  }
}

/// One thread pushes, another pops: what the second frees comes back to the first.
template <class Kind, class Setting>
void memory_stays_flat_when_one_thread_pushes_and_another_pops(int rounds) {
  box_of<Kind, Setting, int> box;
  auto& c = box.container;
  constexpr int batch = 64;
  std::atomic<int> turn{0};  // even: the producer's
  long highest_early = 0;
  long highest_late = 0;
  bool right = true;
  std::thread producer([&] {
    for (int round = 0; round < rounds; ++round) {
      while (turn.load() != 2 * round) std::this_thread::yield();
      for (int i = 0; i < batch; ++i) c.push(i);
      turn.store(2 * round + 1);
    }
  });
  for (int round = 0; round < rounds; ++round) {
    while (turn.load() != 2 * round + 1) std::this_thread::yield();
    for (int i = 0; i < batch; ++i) right = c.try_pop().has_value() && right;
    long& highest = round < rounds / 2 ? highest_early : highest_late;
    highest = std::max(highest, static_cast<long>(allocations::live_bytes()));
    turn.store(2 * round + 2);
  }
  producer.join();
  verify(right);
  verify(highest_late <= highest_early + 4096);
}

/// Two threads push and pop; what comes out is what went in.
template <class Kind, class Setting>
void two_threads_lose_nothing() {
  box_of<Kind, Setting, std::uint32_t> box;
  auto& c = box.container;
  constexpr std::uint32_t rounds = 4000;
  std::atomic<int> ready{0};
  std::uint64_t sums[2] = {0, 0};
  std::uint32_t pops[2] = {0, 0};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      ++ready;
      while (ready != 2) std::this_thread::yield();
      for (std::uint32_t i = 1; i <= rounds; ++i) {
        c.push(i);
        if (const auto popped = c.try_pop()) {
          sums[t] += *popped;
          ++pops[t];
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const std::uint32_t each : drain(c)) {
    sums[0] += each;
    ++pops[0];
  }
  verify(pops[0] + pops[1] == 2 * rounds);
  verify(sums[0] + sums[1] == std::uint64_t{rounds} * (rounds + 1));
}

/// Used in the destructor of a thread_local that began before the thread used the domain, and so ends after a thread_local of pawl's
/// would have ended.
template <class Kind, class Setting>
void works_while_thread_locals_end() {
  box_of<Kind, Setting, int> box;
  using container = decltype(box.container);
  struct late {
    container* c = nullptr;
    bool* right = nullptr;
    late() = default;
    late(const late&) = delete;
    late& operator=(const late&) = delete;
    ~late() {
      if (c == nullptr) return;
      c->push(2);
      *right = c->try_pop().has_value() && c->try_pop().has_value() && c->empty();
      c->push(3);
    }
  };
  bool right[3] = {};
  for (bool& each : right) {
    std::thread([&] {
      static thread_local late user;
      user.c = &box.container;
      user.right = &each;
      while (box.container.try_pop()) {
      }
      box.container.push(1);
    }).join();
  }
  verify(right[0] && right[1] && right[2]);
  verify(box.container.try_pop() == 3);
  verify(box.container.empty());
}

/// Elements, the domain and the process are ended by different threads.
template <class Kind, class Setting>
void ends_on_another_thread() {
  auto* box = new box_of<Kind, Setting, int>;
  std::thread([box] {
    for (int i = 0; i < 10; ++i) box->container.push(i);
    box->container.try_pop();
  }).join();
  std::thread([box] { delete box; }).join();
  verify(true);
}

}  // namespace lists
