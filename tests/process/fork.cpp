// SPDX-License-Identifier: BSL-1.0
// In the child of a fork, one thread goes on; what the others had is released.
#include <atomic>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "forked.hpp"
#include "opened.hpp"

namespace {

struct object : pawl::hazard_pointer_obj_base<object> {
  explicit object(std::atomic<int>& counter) : freed(&counter) {}
  ~object() { ++*freed; }
  std::atomic<int>* freed;
};

// A thread that goes to sleep in the middle of what body did, until it may end.
class sleeper {
 public:
  template <class Body>
  explicit sleeper(Body body)
      : thread_([this, body] {
          body([this] {
            ready_ = true;
            while (!over_) std::this_thread::yield();
          });
        }) {
    while (!ready_) std::this_thread::yield();
  }
  sleeper(const sleeper&) = delete;
  sleeper& operator=(const sleeper&) = delete;
  ~sleeper() {
    over_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> ready_{false};
  std::atomic<bool> over_{false};
  std::thread thread_;
};

template <class Stack, class Queue>
bool use(Stack& stack, Queue& queue, pawl::hash_map<int, int>& map) {
  bool right = true;
  for (int i = 1; i <= 3000; ++i) {
    stack.push(i);
    queue.push(i);
    map.insert_or_assign(i, i);
    right = stack.try_pop() == i && queue.try_pop() == i && map.find(i) == i && map.erase(i) && right;
  }
  return right;
}

}  // namespace

TEST_CASE("the child of a fork frees what a vanished thread had protected, and the parent doesn't") {
  pawl::hazard_pointers<> domain;
  std::atomic<int> freed{0};
  pawl::atomic<object*> source{new object(freed)};
  const auto retire = [&] { source.exchange(nullptr, std::memory_order_acq_rel)->retire({}, domain); };
  {
    const sleeper reader([&](auto sleep) {
      pawl::hazard_pointer guard = pawl::make_hazard_pointer(domain);
      guard.protect(source);
      sleep();
    });
    CHECK(in_forked_child([&] {
            retire();
            domain.reclaim();
            return freed == 1 ? 0 : 1;
          }) == 0);
    // A grandchild, whose parent didn't look.
    CHECK(in_forked_child([&] {
            return in_forked_child([&] {
              retire();
              domain.reclaim();
              return freed == 1 ? 0 : 1;
            });
          }) == 0);
    retire();
    domain.reclaim();
    CHECK(freed == 0);
  }
  domain.reclaim();
  CHECK(freed == 1);
}

TEST_CASE("the thread that forked keeps in the child what it protected") {
  std::atomic<int> freed{0};  // before the domain, whose end frees the object
  pawl::hazard_pointers<> domain;
  pawl::atomic<object*> source{new object(freed)};
  pawl::hazard_pointer guard = pawl::make_hazard_pointer(domain);
  guard.protect(source);
  CHECK(in_forked_child([&] {
          source.exchange(nullptr, std::memory_order_acq_rel)->retire({}, domain);
          std::thread([&] { domain.reclaim(); }).join();
          domain.reclaim();
          if (freed != 0) return 1;
          guard.reset_protection();
          domain.reclaim();
          return freed == 1 && domain.stats().records == 2 ? 0 : 2;
        }) == 0);
  guard.reset_protection();
  source.load()->retire({}, domain);
}

TEST_CASE("the child of a fork goes on with the containers that its parent's threads used, also by threads of its own") {
  pawl::stack<int> stack;
  pawl::queue<int> queue;
  pawl::hash_map<int, int> map;
  pawl::tagged_pool<> pool;
  pawl::stack<int, pawl::tagged_pool<>> pooled_stack(pool);
  pawl::queue<int, pawl::tagged_pool<>> pooled_queue(pool);
  const auto all = [&] { return use(stack, queue, map) && use(pooled_stack, pooled_queue, map); };
  std::atomic<bool> others{true};
  const sleeper first([&](auto sleep) {
    others = all() && others;
    sleep();
  });
  const sleeper second([&](auto sleep) {
    others = all() && others;
    sleep();
  });
  CHECK(others);
  CHECK(in_forked_child([&] {
          if (!all()) return 1;
          const std::size_t records = pawl::hazard_pointer_default_domain().stats().records;
          if (pawl::detail::under_tsan) return 0;  // which allows no threads in the child
          bool right = false;
          std::thread([&] { right = all(); }).join();
          pawl::hazard_pointer_default_domain().reclaim();
          if (!right) return 2;
          // The new thread has a vanished one's.
          return pawl::hazard_pointer_default_domain().stats().records == records ? 0 : 3;
        }) == 0);
  CHECK(all());
}

TEST_CASE("a fork in the middle of another thread's operations leaves other containers of the pool and the domain whole") {
  pawl::tagged_pool<> pool;
  pawl::hazard_pointers<> domain;
  pawl::stack<int, pawl::tagged_pool<>> others(pool);
  pawl::stack<int, pawl::tagged_pool<>> pooled(pool);
  pawl::stack<int> others_of_domain(domain);
  pawl::stack<int> of_domain(domain);
  std::atomic<bool> over{false};
  std::atomic<bool> begun{false};
  std::thread busy([&] {
    for (int i = 0; !over; ++i) {
      others.push(i);
      others_of_domain.push(i);
      if (i % 8 == 7) {
        while (others.try_pop()) {
        }
        while (others_of_domain.try_pop()) {
        }
      }
      begun = true;
    }
  });
  while (!begun) std::this_thread::yield();
  const auto whole = [](auto& stack) {
    for (int i = 0; i < 500; ++i) stack.push(i);
    for (int i = 499; i >= 0; --i) {
      if (stack.try_pop() != i) return false;
    }
    return !stack.try_pop().has_value();
  };
  for (int i = 0; i < 50; ++i) {
    REQUIRE(in_forked_child([&] {
              if (!whole(pooled) || !whole(of_domain)) return 1;
              domain.reclaim();
              return 0;
            }) == 0);
  }
  over = true;
  busy.join();
}

TEST_CASE("a scan that a vanished thread was in keeps no thread of the child from scanning") {
  const bool has_record = GENERATE(true, false);  // else the child's thread gets the vanished thread's
  pawl::hazard_pointers<> domain;
  if (has_record) domain.reclaim();
  struct node : pawl::hazard_pointer_obj_base<node, void (*)(node*)> {};
  static std::atomic<bool> in_deleter;
  static std::atomic<bool> go_on;
  in_deleter = false;
  go_on = false;
  std::thread scanner([&] {
    for (int i = 0; !in_deleter; ++i) {
      (new node)->retire(
          [](node* ended) {
            in_deleter = true;
            while (!go_on) std::this_thread::yield();
            delete ended;
          },
          domain);
    }
  });
  while (!in_deleter) std::this_thread::yield();
  CHECK(in_forked_child([&] {
          go_on = true;
          const auto scan_at_threshold = [&domain] {
            const std::uint64_t before = domain.stats().reclaimed;
            std::uint64_t retired = 0;
            while (domain.stats().reclaimed == before && retired < 100000) {
              (new node)->retire([](node* ended) { delete ended; }, domain);
              ++retired;
            }
            return retired;
          };
          domain.reclaim();
          const std::uint64_t first = scan_at_threshold();
          const std::uint64_t most = pawl::environment<pawl::native>::tuning.scan_threshold;
          return first <= most + 64 ? 0 : 1;
        }) == 0);
  go_on = true;
  scanner.join();
}

TEST_CASE("in the child of a fork a library can be unloaded, and each library gives up what vanished threads had through it") {
  opened plugin(PAWL_PLUGIN, RTLD_LOCAL);
  pawl::hazard_pointers<> domain;
  const sleeper user([&](auto sleep) {
    plugin.slot_of(domain);
    plugin.use_containers();
    sleep();
  });
  plugin.use_containers();
  CHECK(in_forked_child([&] {
          if (!plugin.use_containers()) return 1;
          plugin.slot_of(domain);
          domain.reclaim();
          if (domain.stats().records != 2) return 2;  // the vanished thread's, and one through the library or the program
          plugin.reclaim();
          plugin.close();
          return plugin.is_loaded() ? 3 : 0;
        }) == 0);
}
