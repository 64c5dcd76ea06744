// SPDX-License-Identifier: BSL-1.0
// options::reuse: freed memory comes back to whoever allocates as much. Each way in which it may, once.
#include "mutants.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <set>
#include <vector>

using namespace mutants;

namespace {

model::report with_reuse(const std::function<void()>& body) {
  model::options o;
  o.reuse = true;
  return model::check(o, body);
}
void clean(const model::report& r) {
  INFO((r.violation ? r.violation->message + "\n" + r.violation->trace : ""));
  CHECK(r.ok());
  CHECK(r.complete);
  CHECK(r.blocked == 0);
}

struct cell {
  explicit cell(int initial = 0) : value(initial) {}
  model::var<int> value;
};

void allocate_and_free(int times) {
  for (int i = 0; i < times; ++i) model::destroy(model::make<cell>());
}
template <std::size_t N>
void threads(const std::array<int, N>& times) {
  std::vector<model::thread> all;
  for (const int each : times) all.emplace_back([each] { allocate_and_free(each); });
  for (model::thread& each : all) each.join();
}

// By brute force: allocation number a of a thread may take what was freed by any one pair that it doesn't come before, along threads and
// takings; each pair's memory is taken once at most.
class counter {
 public:
  explicit counter(const std::vector<int>& times) {
    for (std::size_t t = 0; t < times.size(); ++t) {
      for (int i = 0; i < times[t]; ++i) pairs_.push_back({t, i});
    }
    from_.resize(pairs_.size(), none);
    taken_.resize(pairs_.size(), false);
  }
  std::uint64_t count(std::size_t next = 0) {
    if (next == pairs_.size()) return acyclic() ? 1 : 0;
    std::uint64_t found = count(next + 1);
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      if (taken_[i]) continue;
      taken_[i] = true;
      from_[next] = i;
      found += count(next + 1);
      from_[next] = none;
      taken_[i] = false;
    }
    return found;
  }

 private:
  struct pair {
    std::size_t thread;
    int nth;
  };
  static constexpr std::size_t none = ~std::size_t{0};

  [[nodiscard]] bool acyclic() const {
    std::vector<bool> done(pairs_.size());
    for (std::size_t left = pairs_.size(); left > 0;) {
      const std::size_t before = left;
      for (std::size_t i = 0; i < pairs_.size(); ++i) {
        if (done[i] || (from_[i] != none && !done[from_[i]])) continue;
        bool first = true;
        for (std::size_t j = 0; j < pairs_.size(); ++j)
          first = first && (done[j] || pairs_[j].thread != pairs_[i].thread || pairs_[j].nth >= pairs_[i].nth);
        if (!first) continue;
        done[i] = true;
        --left;
      }
      if (left == before) return false;
    }
    return true;
  }

  std::vector<pair> pairs_;
  std::vector<std::size_t> from_;
  std::vector<bool> taken_;
};

// ---- Row 33: a stack of nodes from the allocator (R. K. Treiber, 1986), freed only while nobody is inside -------------------------------

struct node {
  explicit node(int initial) : value(initial) {}
  node* next = nullptr;
  int value;
};

enum class leaves { after_its_step, before_its_step };

template <leaves When>
class counted_stack {
 public:
  void push(node* fresh) {
    node* head = head_.load(relaxed);
    do {
      fresh->next = head;
    } while (!head_.compare_exchange_strong(head, fresh, release, relaxed));
  }
  /// One attempt.
  node* pop() {
    // (1) acquire: pairs with (3): who comes after a thread that found nobody inside finds the head that this one left.
    inside_.fetch_add(1, acquire);
    node* head = head_.load(acquire);
    node* const next = head == nullptr ? nullptr : head->next;
    if (When == leaves::before_its_step) inside_.fetch_sub(1, release);
    const bool popped = head != nullptr && head_.compare_exchange_strong(head, next, acq_rel, relaxed);
    // (2) release: pairs with (3): what is read inside is read before it is freed
    if (When == leaves::after_its_step) inside_.fetch_sub(1, release);
    return popped ? head : nullptr;
  }
  /// Frees a node, or leaves it to the end where somebody may read it.
  void free(node* popped) {
    if (popped == nullptr) return;
    // (3)
    if (inside_.fetch_add(0, acq_rel) == 0) {
      model::destroy(popped);
    } else {
      left_ = popped;
    }
  }
  void destroy_left() { model::destroy(left_); }

 private:
  atomic<node*> head_{nullptr};
  atomic<int> inside_{0};
  node* left_ = nullptr;  // of the one thread that frees
};

template <leaves When>
void node_comes_back() {
  counted_stack<When> stack;
  stack.push(model::make<node>(1));
  stack.push(model::make<node>(2));
  node* mine = nullptr;
  node* popped = nullptr;
  together([&] { popped = stack.pop(); },
           [&] {
             stack.free(stack.pop());
             mine = stack.pop();
             stack.push(model::make<node>(3));
           });
  std::set<node*> owned;
  for (node* each : {mine, popped}) model::require(each == nullptr || owned.insert(each).second, "a node has one owner");
  while (node* const each = stack.pop()) model::require(owned.insert(each).second, "a node has one owner");
  for (node* each : owned) model::destroy(each);
  stack.destroy_left();
}

}  // namespace

TEST_CASE("reuse: memory comes back, or not") {
  const auto body = [] {
    cell* const first = model::make<cell>();
    const auto was_at = reinterpret_cast<std::uintptr_t>(first);
    model::destroy(first);
    cell* const second = model::make<cell>();
    model::observe("same", reinterpret_cast<std::uintptr_t>(second) == was_at);
    model::destroy(second);
  };
  const model::report r = with_reuse(body);
  clean(r);
  CHECK(r.executions == 2);
  CHECK(r.outcomes == std::set<std::string>{"same=0", "same=1"});
  CHECK(model::check(body).outcomes == std::set<std::string>{"same=0"});
}

TEST_CASE("reuse: only for as much") {
  const model::report r = with_reuse([] {
    model::destroy(model::make<std::uint64_t>(std::uint64_t{1}));
    model::destroy(model::make<std::uint32_t>(1U));
    model::destroy(model::make<std::array<char, 8>>());  // of another alignment
  });
  clean(r);
  CHECK(r.executions == 1);
}

TEST_CASE("reuse: every way, once") {
  // Threads that allocate and free once: as many ways as there are to put them into rows.
  CHECK(counter({1, 1, 1, 1}).count() == 73);
  const auto agrees = [](const auto& times) {
    const model::report r = with_reuse([&times] { threads(times); });
    clean(r);
    CHECK(r.executions == counter({times.begin(), times.end()}).count());
  };
  agrees(std::array{1, 1});
  agrees(std::array{1, 1, 1});
  agrees(std::array{1, 1, 1, 1});
  agrees(std::array{2, 1});
  agrees(std::array{2, 2});
  agrees(std::array{1, 3});
  agrees(std::array{1, 2, 1});
  agrees(std::array{2, 2, 1});
  agrees(std::array{2, 2, 2});
}

TEST_CASE("reuse: the allocator hands memory over in order") {
  const auto body = [] {
    std::uintptr_t freed = 0;
    model::var<int> data{0};
    together(
        [&] {
          cell* const old = model::make<cell>(1);
          freed = reinterpret_cast<std::uintptr_t>(old);
          data.set(1);
          model::destroy(old);
        },
        [&] {
          cell* const fresh = model::make<cell>(1);
          fresh->value.set(2);
          // What the other thread did before it freed happens before this.
          if (reinterpret_cast<std::uintptr_t>(fresh) == freed) model::observe("data", data.get());
          model::destroy(fresh);
        });
  };
  const model::report r = with_reuse(body);
  clean(r);
  CHECK(r.executions == 3);
  CHECK(r.outcomes == std::set<std::string>{"data=1"});
}

TEST_CASE("reuse: what comes back is not initialized") {
  const auto body = [] {
    auto* const first = model::make<std::uint64_t>(std::uint64_t{7});
    const auto was_at = reinterpret_cast<std::uintptr_t>(first);
    model::destroy(first);
    void* const memory = pawl::environment<B>::allocate(sizeof(std::uint64_t), alignof(std::uint64_t));
    pawl::atomic_ref<std::uint64_t, B> reads(*static_cast<std::uint64_t*>(memory));
    if (reinterpret_cast<std::uintptr_t>(memory) == was_at) static_cast<void>(reads.load(relaxed));
    pawl::environment<B>::deallocate(memory, sizeof(std::uint64_t), alignof(std::uint64_t));
  };
  const model::report r = with_reuse(body);
  REQUIRE(r.violation);
  CHECK(r.violation->kind == kind::uninitialized_read);
}

TEST_CASE("reuse: a pointer to what was freed is found out also when the memory is in use again") {
  const auto body = [] {
    atomic<cell*> shared{model::make<cell>(1)};
    together(
        [&] {
          cell* const seen = shared.load(acquire);
          shared.store(nullptr, release);
          model::destroy(seen);
          cell* const other = model::make<cell>(2);
          other->value.set(3);
          model::destroy(other);
        },
        [&] {
          if (cell* const seen = shared.load(acquire)) static_cast<void>(seen->value.get());
        });
  };
  const model::report r = with_reuse(body);
  REQUIRE(r.violation);
  CHECK((r.violation->kind == kind::use_after_free || r.violation->kind == kind::data_race));
}

TEST_CASE("33: a stack of nodes from the allocator: a head that comes back") {
  passes(node_comes_back<leaves::after_its_step>);
  clean(with_reuse(node_comes_back<leaves::after_its_step>));
  // Without reuse of memory nothing is wrong with it.
  passes(node_comes_back<leaves::before_its_step>);
  const model::report r = with_reuse(node_comes_back<leaves::before_its_step>);
  REQUIRE(r.violation);
  INFO(r.violation->message << "\n" << r.violation->trace);
  CHECK(r.violation->kind == kind::requirement);
  CHECK(r.violation->message.find("a node has one owner") != std::string::npos);
  CHECK(r.violation->trace.find("allocation, of what thread 2 freed at ") != std::string::npos);
}

TEST_CASE("reuse: replayed, and found at random") {
  model::options o;
  o.reuse = true;
  const model::report found = model::check(o, node_comes_back<leaves::before_its_step>);
  REQUIRE(found.violation);
  o.replay = found.violation->replay;
  const model::report again = model::check(o, node_comes_back<leaves::before_its_step>);
  REQUIRE(again.violation);
  CHECK(again.violation->message == found.violation->message);
  CHECK(again.violation->trace == found.violation->trace);
  CHECK(again.executions + again.blocked <= 1);

  o = {};
  o.reuse = true;
  o.mode = model::mode::random;
  const model::report sampled = model::check(o, node_comes_back<leaves::before_its_step>);
  REQUIRE(sampled.violation);
  o.mode = model::mode::exhaustive;
  o.replay = sampled.violation->replay;
  const model::report replayed = model::check(o, node_comes_back<leaves::before_its_step>);
  REQUIRE(replayed.violation);
  CHECK(replayed.violation->trace == sampled.violation->trace);
  // The ways of the simple program, too.
  o = {};
  o.reuse = true;
  o.mode = model::mode::random;
  o.max_executions = 2000;
  CHECK(model::check(o, [] { threads(std::array{2, 2}); }).ok());
}
