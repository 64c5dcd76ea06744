// SPDX-License-Identifier: BSL-1.0
// A map's thread that pauses between reading a link and acting on it, while another thread erases the node behind that link, frees it and
// inserts a new one at the very same address. The threads shake hands by relaxed atomics only, so that ThreadSanitizer sees no
// happens-before but the map's own: it reports each acquire that is missing.
#include <atomic>
#include <cstddef>
#include <functional>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include <pawl/hash_map.hpp>
#include "catch.hpp"

namespace {

constexpr auto relaxed = std::memory_order_relaxed;

// What one thread frees, it allocates again first; it takes nothing from others.
thread_local std::vector<void*>* recycled = nullptr;

template <class T>
struct recycling_allocator {
  using value_type = T;
  recycling_allocator() = default;
  template <class U>
  explicit recycling_allocator(const recycling_allocator<U>&) noexcept {}
  T* allocate(std::size_t n) {
    if (is_node(n) && recycled != nullptr && !recycled->empty()) {
      void* const memory = recycled->back();
      recycled->pop_back();
      return static_cast<T*>(memory);
    }
    return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t{64}));
  }
  void deallocate(T* memory, std::size_t n) noexcept {
    if (is_node(n) && recycled != nullptr) {
      recycled->push_back(memory);
    } else {
      ::operator delete(memory, std::align_val_t{64});
    }
  }
  static bool is_node(std::size_t n) noexcept { return n * sizeof(T) < 128; }
  friend bool operator==(recycling_allocator, recycling_allocator) noexcept { return true; }
};

std::atomic<int> stage{0};

void wait_for(int wanted) {
  while (stage.load(relaxed) != wanted) std::this_thread::yield();
}
void let_the_other_work() {
  stage.store(1, relaxed);
  wait_for(2);
}

// Runs once, when this thread compares with key 1 or copies a value.
thread_local bool pause_once = false;
void pause_if_wanted() {
  if (!pause_once) return;
  pause_once = false;
  let_the_other_work();
}

struct same_hash {
  std::size_t operator()(int) const noexcept { return 7; }
};
struct pausing_equal {
  bool operator()(int a, int b) const {
    if (a == 1) pause_if_wanted();
    return a == b;
  }
};
struct pausing_value {
  int number;
  explicit pausing_value(int n) noexcept : number(n) {}
  pausing_value(const pausing_value& other) : number(other.number) { pause_if_wanted(); }
  pausing_value& operator=(const pausing_value&) = delete;
};

using domain = pawl::hazard_pointers<pawl::native, recycling_allocator<std::byte>>;
using map = pawl::hash_map<int, pausing_value, same_hash, pausing_equal, domain>;

// `first` pauses once; then `second` runs, and then `first` goes on.
void interleave(const std::function<void()>& first, const std::function<void()>& second) {
  stage.store(0, relaxed);
  std::thread other([&] {
    std::vector<void*> mine;
    recycled = &mine;
    wait_for(1);
    second();
    stage.store(2, relaxed);
    wait_for(3);
    recycled = nullptr;
    for (void* memory : mine) ::operator delete(memory, std::align_val_t{64});
  });
  std::thread paused([&] {
    first();
    stage.store(3, relaxed);
  });
  paused.join();
  other.join();
}

int number_of(const map& m, int key) {
  int found = -1;
  m.visit(key, [&found](int, const pausing_value& value) { found = value.number; });
  return found;
}

}  // namespace

TEST_CASE("a node that comes back at the same address is acquired anew") {
  domain nodes;
  map m(nodes);
  m.insert(1, pausing_value(10));
  m.insert(2, pausing_value(20));
  int found = -1;
  const auto put_another_in_its_place = [&] {
    m.erase(2);
    nodes.reclaim();
    m.insert(3, pausing_value(30));
  };

  SECTION("by a search that goes on to it") {
    interleave(
        [&] {
          pause_once = true;
          found = number_of(m, 3);
        },
        put_another_in_its_place);
  }
  SECTION("by an erase of the node before it") {
    interleave(
        [&] {
          bool paused = false;
          m.erase_if(1, [&paused](int, const pausing_value&) {
            if (!std::exchange(paused, true)) let_the_other_work();
            return true;
          });
          found = number_of(m, 3);
        },
        put_another_in_its_place);
    CHECK_FALSE(m.contains(1));
  }
  SECTION("by an update of the node before it") {
    interleave(
        [&] {
          bool paused = false;
          m.update(1, [&paused](const pausing_value&) {
            if (!std::exchange(paused, true)) let_the_other_work();
            return pausing_value(11);
          });
          found = number_of(m, 3);
        },
        put_another_in_its_place);
    CHECK(number_of(m, 1) == 11);
  }
  CHECK(found == 30);
  CHECK_FALSE(m.contains(2));
}

TEST_CASE("an insert follows the erase that made room for it") {
  domain nodes;
  map m(nodes);
  int plain = 0;
  int seen = -1;
  interleave(
      [&] {
        const pausing_value value(51);
        pause_once = true;
        if (m.insert(5, value)) seen = plain;
      },
      [&] {
        m.insert(5, pausing_value(50));
        plain = 1;
        m.erase(5);
      });
  CHECK(seen == 1);
}
