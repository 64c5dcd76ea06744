// SPDX-License-Identifier: BSL-1.0
// Random programs that wait and notify, beside a simulator that steps through their interleavings and shares nothing with the checker: who
// sleeps is in a list, a notification takes from it whom it may, and what a thread knows is a number per atomic.
#include <pawl/atomic.hpp>
#include <pawl/model.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "soak.hpp"

namespace {

namespace model = pawl::model;
using B = pawl::backend::model;

constexpr std::size_t atomics = 2;
enum class act : std::uint8_t { store, exchange, wait, notify_one, notify_all };
struct op {
  act what;
  std::size_t on;
  int value;
};
using program = std::vector<std::vector<op>>;

program random_program(std::mt19937& chance) {
  const auto below = [&chance](unsigned n) { return static_cast<unsigned>(chance() % n); };
  program p(below(4) == 0 ? 2 : 3);
  for (auto& thread : p) {
    const unsigned length = 1 + below(p.size() == 2 ? 4 : 3);
    for (unsigned i = 0; i < length; ++i) {
      static constexpr act mostly[] = {act::store,      act::store,      act::exchange,   act::wait,      act::wait,
                                       act::notify_one, act::notify_one, act::notify_one, act::notify_all};
      const act what = mostly[below(9)];
      // Mostly on one atomic, and mostly for what it holds at first: so that threads compete.
      const bool waits = what == act::wait;
      thread.push_back({what, below(8) == 0 ? 1U : 0U,
                        static_cast<int>(waits           ? below(4) / 3
                                         : below(4) == 0 ? 0U
                                                         : 1U + below(2))});
    }
  }
  return p;
}
std::string text_of(const program& p) {
  std::ostringstream out;
  for (const auto& thread : p) {
    for (const op& o : thread) {
      static constexpr const char* names[] = {"store", "exchange", "wait", "notify_one", "notify_all"};
      out << names[static_cast<int>(o.what)] << " " << "xy"[o.on];
      if (o.what <= act::wait) out << " " << o.value;
      out << "; ";
    }
    out << "| ";
  }
  return out.str();
}
std::string name_of(std::size_t thread, std::size_t nth) { return "t" + std::to_string(thread) + std::to_string(nth); }

// ---- By interleavings --------------------------------------------------------------------------------------------------------------

// What a thread knows of each atomic: how many stores there were, as far as they happen before what it does next.
using knowledge = std::array<int, atomics>;
struct state {
  std::vector<std::size_t> at;  // of each thread, its next operation
  std::vector<int> asleep;  // of each thread, the number of the store that it has seen; -1: it doesn't sleep
  std::vector<knowledge> knows;
  std::array<std::vector<int>, atomics> values;  // of all stores, the initial one first
  std::array<std::vector<knowledge>, atomics> passes_on;  // of each store, what one who reads it knows
  std::map<std::string, int> read;
  auto key() const { return std::tie(at, asleep, knows, values, passes_on, read); }
  friend bool operator<(const state& a, const state& b) { return a.key() < b.key(); }
};

class simulator {
 public:
  /// `synchronizes`: as with seq_cst operations, not relaxed ones.
  simulator(const program& p, bool synchronizes) : program_(p), synchronizes_(synchronizes) {
    state first;
    first.at.assign(p.size(), 0);
    first.asleep.assign(p.size(), -1);
    first.knows.assign(p.size(), {});
    for (auto& each : first.values) each = {0};
    for (auto& each : first.passes_on) each = {knowledge{}};
    visit(first);
  }
  bool deadlock = false;
  std::set<std::string> outcomes;

 private:
  void visit(const state& s) {
    if (!seen_.insert(s).second) return;
    bool goes_on = false;
    bool sleeps = false;
    for (std::size_t t = 0; t < program_.size(); ++t) {
      if (s.asleep[t] >= 0) sleeps = true;
      if (s.asleep[t] >= 0 || s.at[t] == program_[t].size()) continue;
      goes_on = true;
      step(s, t);
    }
    if (!goes_on && sleeps) deadlock = true;
    if (goes_on || sleeps) return;
    std::string outcome;
    for (const auto& [name, value] : s.read) outcome += (outcome.empty() ? "" : " ") + name + "=" + std::to_string(value);
    if (!outcome.empty()) outcomes.insert(outcome);
  }
  void learn(state& s, std::size_t t, std::size_t on) const {
    if (!synchronizes_) return;
    for (std::size_t i = 0; i < atomics; ++i) s.knows[t][i] = std::max(s.knows[t][i], s.passes_on[on].back()[i]);
  }
  void step(state s, std::size_t t) {
    const op& o = program_[t][s.at[t]];
    const int last = static_cast<int>(s.values[o.on].size()) - 1;
    switch (o.what) {
      case act::exchange:
        s.read[name_of(t, s.at[t])] = s.values[o.on].back();
        learn(s, t, o.on);
        [[fallthrough]];
      case act::store:
        s.values[o.on].push_back(o.value);
        s.knows[t][o.on] = last + 1;
        s.passes_on[o.on].push_back(s.knows[t]);
        break;
      case act::wait:
        learn(s, t, o.on);
        if (s.values[o.on].back() == o.value) {
          s.asleep[t] = last;
          return visit(s);
        }
        break;
      case act::notify_one:
      case act::notify_all: {
        ++s.at[t];
        std::vector<std::size_t> may_wake;
        for (std::size_t u = 0; u < program_.size(); ++u) {
          if (s.asleep[u] >= 0 && program_[u][s.at[u]].on == o.on && s.asleep[u] < s.knows[t][o.on]) may_wake.push_back(u);
        }
        if (may_wake.empty()) return visit(s);
        if (o.what == act::notify_all) {
          for (const std::size_t u : may_wake) s.asleep[u] = -1;
          return visit(s);
        }
        for (const std::size_t u : may_wake) {
          state woken = s;
          woken.asleep[u] = -1;
          visit(woken);
        }
        return;
      }
    }
    ++s.at[t];
    visit(s);
  }

  const program& program_;
  const bool synchronizes_;
  std::set<state> seen_;
};

// ---- By the checker ----------------------------------------------------------------------------------------------------------------

model::report explore(const program& p, const std::vector<std::size_t>& order, std::memory_order stores, std::memory_order loads) {
  return model::check([&] {
    pawl::atomic<int, B> x[atomics] = {0, 0};
    const auto run = [&](std::size_t t) {
      for (std::size_t i = 0; i < p[t].size(); ++i) {
        const op& o = p[t][i];
        switch (o.what) {
          case act::store:
            x[o.on].store(o.value, stores);
            break;
          case act::exchange: {
            const int old = x[o.on].exchange(o.value, stores);
            model::observe(name_of(t, i).c_str(), old);
            break;
          }
          case act::wait:
            x[o.on].wait(o.value, loads);
            break;
          case act::notify_one:
            x[o.on].notify_one();
            break;
          case act::notify_all:
            x[o.on].notify_all();
            break;
        }
      }
    };
    model::thread first([&] { run(order[0]); });
    model::thread second([&] { run(order[1]); });
    if (order.size() > 2) {
      model::thread third([&] { run(order[2]); });
      third.join();
    }
    second.join();
    first.join();
  });
}
bool deadlocks(const model::report& r) { return r.violation && r.violation->kind == model::violation_kind::deadlock; }

}  // namespace

TEST_CASE("waiting: random programs sleep for ever exactly where they do in some interleaving") {
  std::mt19937 chance(7);
  unsigned lost = 0;
  unsigned fine = 0;
  unsigned competed = 0;
  for (int n = 0; n < soak_times * 4000; ++n) {
    const program p = random_program(chance);
    std::vector<std::size_t> order(p.size());
    for (std::size_t i = 0; i < p.size(); ++i) order[i] = i;
    INFO(n << ": " << text_of(p));
    const simulator expected(p, true);
    const model::report r = explore(p, order, std::memory_order_seq_cst, std::memory_order_seq_cst);
    INFO((r.violation ? r.violation->message + "\n" + r.violation->trace : ""));
    REQUIRE(deadlocks(r) == expected.deadlock);
    REQUIRE(r.ok() == !expected.deadlock);
    ++(expected.deadlock ? lost : fine);
    // By relaxed operations there is all that is in some interleaving, and more.
    const simulator unordered(p, false);
    const model::report weak = explore(p, order, std::memory_order_relaxed, std::memory_order_relaxed);
    if (unordered.deadlock) REQUIRE(deadlocks(weak));
    if (weak.ok()) {
      REQUIRE(weak.complete);
      for (const std::string& each : unordered.outcomes) REQUIRE(weak.outcomes.contains(each));
    }
    if (r.ok()) {
      REQUIRE(r.complete);
      REQUIRE(r.outcomes == expected.outcomes);
    }
    // Whoever comes first by number, the executions are the same.
    competed += r.ok() && r.executions > 6 ? 1U : 0U;
    const std::uint64_t executions = r.executions;
    const std::uint64_t weak_executions = weak.executions;
    while (std::next_permutation(order.begin(), order.end())) {
      if (r.ok()) {
        const model::report other = explore(p, order, std::memory_order_seq_cst, std::memory_order_seq_cst);
        REQUIRE(other.complete);
        REQUIRE(other.executions == executions);
        REQUIRE(other.outcomes == expected.outcomes);
      }
      if (weak.ok()) {
        const model::report other = explore(p, order, std::memory_order_relaxed, std::memory_order_relaxed);
        REQUIRE(other.complete);
        REQUIRE(other.executions == weak_executions);
        REQUIRE(other.outcomes == weak.outcomes);
      }
    }
  }
  CHECK(lost > 200);
  CHECK(fine > 200);
  CHECK(competed > 20);
}
