// SPDX-License-Identifier: BSL-1.0
// The checker against brute force. Random programs are explored by model::check and by an enumeration that shares nothing with it: every
// choice of a source for each read and of a modification order for each location, of which those stay that C++20's axioms allow. Both must
// come to the same executions, in number and in what they read, whatever the order in which the threads begin.
#include <pawl/atomic.hpp>
#include <pawl/model.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "model/graphs.hpp"
#include "soak.hpp"

namespace {

using B = pawl::backend::model;
namespace model = pawl::model;
using order = std::memory_order;
constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto acq_rel = std::memory_order_acq_rel;
constexpr auto seq_cst = std::memory_order_seq_cst;

constexpr std::size_t most_steps = 16;
constexpr std::size_t locations = 3;
constexpr std::size_t plain = locations;  // the location that is no atomic

// ---- Programs --------------------------------------------------------------------------------------------------------------------

enum class kind { load, await, store, exchange, add, compare_exchange, fence, plain_load, plain_store };

struct step {
  kind what;
  std::size_t thread;
  std::size_t location = 0;
  order how = relaxed;
  order on_failure = relaxed;
  int value = 0;  // what is stored or added; never zero, so that an await waits for any store
  int expected = 0;
  std::optional<std::size_t> guard = {};  // only done if that step of the same thread was done and read something else than zero

  [[nodiscard]] bool on_atomic() const { return what != kind::fence && what != kind::plain_load && what != kind::plain_store; }
  [[nodiscard]] bool modifies() const { return what == kind::exchange || what == kind::add || what == kind::compare_exchange; }
  [[nodiscard]] bool may_read() const { return what == kind::load || what == kind::await || modifies(); }
  [[nodiscard]] bool may_write() const { return what == kind::store || modifies(); }
};
struct program {
  std::size_t threads = 0;
  std::vector<step> steps;  // of thread 0, then of thread 1, ...

  [[nodiscard]] bool has(kind k) const {
    return std::any_of(steps.begin(), steps.end(), [k](const step& s) { return s.what == k; });
  }
  [[nodiscard]] bool has_seq_cst() const {
    return std::any_of(steps.begin(), steps.end(), [](const step& s) { return s.how == seq_cst || s.on_failure == seq_cst; });
  }
  [[nodiscard]] bool has_modifications() const {
    return std::any_of(steps.begin(), steps.end(), [](const step& s) { return s.modifies(); });
  }
};

std::string name_of(std::size_t read) { return {static_cast<char>('a' + read)}; }
std::string text_of(order o) {
  return o == relaxed ? "rlx" : o == acquire ? "acq" : o == release ? "rel" : o == acq_rel ? "acq_rel" : "sc";
}
std::string text_of(std::size_t number, const step& s) {
  const std::string at = std::string(" ") + "xyzd"[s.location] + " ";
  const std::string read = name_of(number) + " = ";
  const std::string guard = s.guard ? std::string("[") + name_of(*s.guard) + "!=0] " : "";
  const std::string value = std::to_string(s.value);
  switch (s.what) {
    case kind::load:
      return guard + read + "R" + at + text_of(s.how);
    case kind::await:
      return guard + read + "AWAIT" + at + text_of(s.how) + " !=0";
    case kind::store:
      return guard + "W" + at + text_of(s.how) + " " + value;
    case kind::exchange:
      return guard + read + "XCHG" + at + text_of(s.how) + " " + value;
    case kind::add:
      return guard + read + "ADD" + at + text_of(s.how) + " " + value;
    case kind::compare_exchange:
      return guard + read + "CAS" + at + text_of(s.how) + " " + text_of(s.on_failure) + " " + std::to_string(s.expected) + " " +
             value;
    case kind::fence:
      return guard + "F " + text_of(s.how);
    case kind::plain_load:
      return guard + read + "R" + at + "na";
    case kind::plain_store:
      return guard + "W" + at + "na " + value;
  }
  return "?";
}
std::string text_of(const program& p) {
  std::string text;
  for (std::size_t t = 0; t < p.threads; ++t) {
    (text += "P").append(std::to_string(t)).append(": ");
    for (std::size_t i = 0; i < p.steps.size(); ++i) {
      if (p.steps[i].thread == t) text += text_of(i, p.steps[i]) + "; ";
    }
    text += "\n";
  }
  return text;
}

// What each step read, -1 if nothing, and then the last values of the atomics.
using outcome = std::array<int, most_steps + locations>;

std::string text_of(const program& p, const outcome& o) {  // as in report::outcomes
  std::string text;
  for (std::size_t i = 0; i < p.steps.size(); ++i) text += name_of(i) + "=" + std::to_string(o[i]) + " ";
  for (std::size_t l = 0; l < locations; ++l)
    text += std::string(l == 0 ? "" : " ") + "xyz"[l] + "=" + std::to_string(o[most_steps + l]);
  return text;
}

// ---- Brute force -----------------------------------------------------------------------------------------------------------------

class relation {  // between events, an event being a step that is done
 public:
  void add(std::size_t a, std::size_t b) { rows_[a] |= 1U << b; }
  [[nodiscard]] bool has(std::size_t a, std::size_t b) const { return (rows_[a] >> b & 1U) != 0; }
  void add(const relation& other) {
    for (std::size_t a = 0; a < most_steps; ++a) rows_[a] |= other.rows_[a];
  }
  void close() {
    for (std::size_t middle = 0; middle < most_steps; ++middle) {
      for (std::uint32_t& row : rows_) row |= (row >> middle & 1U) != 0 ? rows_[middle] : 0U;
    }
  }
  [[nodiscard]] relation then(const relation& other) const {
    relation result;
    for (std::size_t a = 0; a < most_steps; ++a) {
      for (std::size_t b = 0; b < most_steps; ++b) result.rows_[a] |= has(a, b) ? other.rows_[b] : 0U;
    }
    return result;
  }
  [[nodiscard]] bool irreflexive() const {
    for (std::size_t a = 0; a < most_steps; ++a) {
      if (has(a, a)) return false;
    }
    return true;
  }

 private:
  std::array<std::uint32_t, most_steps> rows_{};
};

class brute_force {
 public:
  explicit brute_force(const program& p, model::memory_model by = model::memory_model::cpp20)
      : program_(p), by_(by), size_(p.steps.size()) {
    choose_source(0);
  }

  std::vector<outcome> executions;  // complete ones
  bool race = false;
  bool stuck = false;  // in some execution threads wait and nobody will ever store what they wait for

 private:
  static constexpr std::size_t initial = most_steps;  // as a source: the value before all stores
  enum class state { unknown, absent, done };

  static bool acquires(order o) { return o == acquire || o == acq_rel || o == seq_cst; }
  static bool releases(order o) { return o == release || o == acq_rel || o == seq_cst; }

  void choose_source(std::size_t reader) {
    if (reader == size_) return evaluate();
    source_[reader] = initial;
    choose_source(reader + 1);
    const step& s = program_.steps[reader];
    if (!s.may_read()) return;
    for (std::size_t writer = 0; writer < size_; ++writer) {
      const step& w = program_.steps[writer];
      if (writer == reader || !w.may_write() || w.location != s.location) continue;
      source_[reader] = writer;
      choose_source(reader + 1);
    }
  }

  // Which steps are done and with which values, given all sources. Fails where a value would depend on itself, which C++ frowns upon and
  // RC11, our model, excludes; and where a source writes nothing.
  void evaluate() {
    state_.fill(state::unknown);
    read_.fill(-1);
    written_.fill(0);
    std::size_t known = 0;
    for (bool progress = true; progress;) {
      progress = false;
      for (std::size_t i = 0; i < size_; ++i) {
        if (state_[i] != state::unknown || !evaluate(i)) continue;
        progress = true;
        ++known;
      }
    }
    if (known < size_) return;
    for (std::size_t i = 0; i < size_; ++i) {
      // (One source stands for all of a read that is not done, lest the same execution be counted for each.)
      if (source_[i] != initial && (state_[i] == state::absent || written_[source_[i]] == 0)) return;
    }
    relate();
    if (happens_before_.irreflexive()) order_stores(0);
  }
  // Whether it is known by now.
  bool evaluate(std::size_t i) {
    const step& s = program_.steps[i];
    if (i > 0 && program_.steps[i - 1].thread == s.thread) {
      if (state_[i - 1] == state::unknown) return false;
      waits_[i] = waits_[i - 1] || (program_.steps[i - 1].what == kind::await && read_[i - 1] == 0);
    } else {
      waits_[i] = false;
    }
    if (waits_[i] || (s.guard && read_[*s.guard] <= 0)) {
      state_[i] = state::absent;
      return true;
    }
    if (s.may_read()) {
      if (source_[i] != initial && state_[source_[i]] == state::unknown) return false;
      read_[i] = source_[i] == initial ? 0 : written_[source_[i]];
    }
    if (s.may_write()) written_[i] = s.value + (s.what == kind::add ? read_[i] : 0);
    if (s.what == kind::compare_exchange && read_[i] != s.expected) written_[i] = 0;
    state_[i] = state::done;
    return true;
  }
  [[nodiscard]] bool done(std::size_t i) const { return state_[i] == state::done; }
  [[nodiscard]] bool reads(std::size_t i) const { return done(i) && program_.steps[i].may_read(); }
  [[nodiscard]] bool writes(std::size_t i) const { return done(i) && written_[i] != 0; }
  [[nodiscard]] bool is_fence(std::size_t i) const { return done(i) && program_.steps[i].what == kind::fence; }
  [[nodiscard]] order order_of(std::size_t i) const {
    const step& s = program_.steps[i];
    return s.what == kind::compare_exchange && !writes(i) ? s.on_failure : s.how;
  }

  // [intro.races], [atomics.order], [atomics.fences]
  void relate() {
    sequenced_ = {};
    for (std::size_t a = 0; a < size_; ++a) {
      for (std::size_t b = a + 1; b < size_; ++b) {
        if (done(a) && done(b) && program_.steps[a].thread == program_.steps[b].thread) sequenced_.add(a, b);
      }
    }
    relation synchronizes;
    for (std::size_t reader = 0; reader < size_; ++reader) {
      if (!reads(reader)) continue;
      // All whose release sequence, if they head one, has the store that is read: itself, and what its read-modify-writes read.
      for (std::size_t head = source_[reader]; head != initial; head = reads(head) ? source_[head] : initial) {
        for (std::size_t from = 0; from < size_; ++from) {
          if (from != head && !(is_fence(from) && sequenced_.has(from, head))) continue;
          if (!releases(order_of(from))) continue;
          for (std::size_t to = 0; to < size_; ++to) {
            if (to != reader && !(is_fence(to) && sequenced_.has(reader, to))) continue;
            if (acquires(order_of(to))) synchronizes.add(from, to);
          }
        }
      }
    }
    happens_before_ = sequenced_;
    happens_before_.add(synchronizes);
    happens_before_.close();
    strongly_ = sequenced_;
    strongly_.add(sequenced_.then(happens_before_).then(sequenced_));
    for (std::size_t a = 0; a < size_; ++a) {
      for (std::size_t b = 0; b < size_; ++b) {
        if (synchronizes.has(a, b) && order_of(a) == seq_cst && order_of(b) == seq_cst) strongly_.add(a, b);
      }
    }
    strongly_.close();
  }

  void order_stores(std::size_t location) {
    if (location == locations) {
      if (by_ == model::memory_model::rc11 ? has_partial_order() : has_total_order()) count();
      return;
    }
    std::vector<std::size_t> stores;
    for (std::size_t i = 0; i < size_; ++i) {
      if (writes(i) && program_.steps[i].on_atomic() && program_.steps[i].location == location) stores.push_back(i);
    }
    do {
      for (std::size_t i = 0; i < stores.size(); ++i) position_[stores[i]] = i + 1;
      if (!is_coherent(location)) continue;
      last_[location] = stores.empty() ? 0 : written_[stores.back()];
      order_stores(location + 1);
    } while (std::next_permutation(stores.begin(), stores.end()));
  }
  [[nodiscard]] std::size_t position_read(std::size_t i) const { return source_[i] == initial ? 0 : position_[source_[i]]; }
  [[nodiscard]] bool is_on(std::size_t i, std::size_t location) const {
    return done(i) && program_.steps[i].on_atomic() && program_.steps[i].location == location;
  }
  // The four coherence rules, and that a read-modify-write reads the last value before its own.
  [[nodiscard]] bool is_coherent(std::size_t location) const {
    for (std::size_t a = 0; a < size_; ++a) {
      if (!is_on(a, location)) continue;
      if (reads(a) && writes(a) && position_read(a) + 1 != position_[a]) return false;
      for (std::size_t b = 0; b < size_; ++b) {
        if (!is_on(b, location) || !happens_before_.has(a, b)) continue;
        if (writes(a) && writes(b) && position_[a] >= position_[b]) return false;
        if (reads(a) && reads(b) && position_read(a) > position_read(b)) return false;
        if (reads(a) && writes(b) && position_read(a) >= position_[b]) return false;
        if (writes(a) && reads(b) && position_[a] > position_read(b)) return false;
      }
    }
    return true;
  }
  // Whether there can be the order S of all seq_cst operations, [atomics.order] paragraphs 3 and 4.
  [[nodiscard]] bool has_total_order() const {
    relation coherence;
    for (std::size_t location = 0; location < locations; ++location) {
      for (std::size_t a = 0; a < size_; ++a) {
        for (std::size_t b = 0; b < size_; ++b) {
          if (a == b || !is_on(a, location) || !is_on(b, location)) continue;
          if (reads(b) && source_[b] == a) coherence.add(a, b);
          if (writes(a) && writes(b) && position_[a] < position_[b]) coherence.add(a, b);
          if (reads(a) && writes(b) && position_read(a) < position_[b]) coherence.add(a, b);
        }
      }
    }
    coherence.close();
    relation total;
    const auto is_strong = [this](std::size_t i) { return done(i) && order_of(i) == seq_cst; };
    for (std::size_t a = 0; a < size_; ++a) {
      for (std::size_t b = 0; b < size_; ++b) {
        if (is_strong(a) && is_strong(b) && strongly_.has(a, b)) total.add(a, b);
        if (!coherence.has(a, b)) continue;
        for (std::size_t from = 0; from < size_; ++from) {
          if (!is_strong(from) || (from != a && !(is_fence(from) && happens_before_.has(from, a)))) continue;
          for (std::size_t to = 0; to < size_; ++to) {
            if (is_strong(to) && (to == b || (is_fence(to) && happens_before_.has(b, to)))) total.add(from, to);
          }
        }
      }
    }
    total.close();
    return total.irreflexive();
  }

  // RC11's psc (PLDI 2017, section 4) has no cycle; the names are the paper's.
  [[nodiscard]] bool has_partial_order() const {
    const auto one_location = [this](std::size_t a, std::size_t b) {
      return !is_fence(a) && !is_fence(b) && program_.steps[a].location == program_.steps[b].location;
    };
    relation po_elsewhere;
    relation scb = sequenced_;
    relation eco;
    relation fences;
    relation sc_before;  // [E_sc], [F_sc]; hb?
    relation sc_after;
    for (std::size_t a = 0; a < size_; ++a) {
      if (!done(a)) continue;
      const bool strong = order_of(a) == seq_cst && program_.steps[a].location != plain;
      if (strong) sc_before.add(a, a), sc_after.add(a, a);
      for (std::size_t b = 0; b < size_; ++b) {
        if (a == b || !done(b)) continue;
        if (strong && is_fence(a) && happens_before_.has(a, b)) sc_before.add(a, b);
        if (order_of(b) == seq_cst && is_fence(b) && happens_before_.has(a, b)) sc_after.add(a, b);
        if (!one_location(a, b) && sequenced_.has(a, b)) po_elsewhere.add(a, b);
        if (!one_location(a, b)) continue;
        if (happens_before_.has(a, b)) scb.add(a, b);
        if (!program_.steps[a].on_atomic() || !program_.steps[b].on_atomic()) continue;
        const bool mo = writes(a) && writes(b) && position_[a] < position_[b];
        const bool rb = reads(a) && writes(b) && position_read(a) < position_[b];
        if (mo || rb) scb.add(a, b);
        if (mo || rb || (reads(b) && source_[b] == a)) eco.add(a, b);
      }
    }
    scb.add(po_elsewhere.then(happens_before_).then(po_elsewhere));
    eco.close();
    relation between = happens_before_;
    between.add(happens_before_.then(eco).then(happens_before_));
    for (std::size_t a = 0; a < size_; ++a) {
      for (std::size_t b = 0; b < size_; ++b) {
        if (is_fence(a) && is_fence(b) && order_of(a) == seq_cst && order_of(b) == seq_cst && between.has(a, b)) fences.add(a, b);
      }
    }
    relation psc = sc_before.then(scb).then(sc_after);
    psc.add(fences);
    psc.close();
    return psc.irreflexive();
  }

  void count() {
    outcome seen;
    seen.fill(-1);
    bool complete = true;
    bool lost = true;
    for (std::size_t i = 0; i < size_; ++i) {
      const step& s = program_.steps[i];
      if (!done(i)) continue;
      seen[i] = s.what == kind::plain_load ? plain_value(i) : read_[i];
      for (std::size_t other = 0; other < i; ++other) {
        const step& o = program_.steps[other];
        if (!done(other) || s.location != plain || o.location != plain || o.thread == s.thread) continue;
        if (s.what == kind::plain_load && o.what == kind::plain_load) continue;
        if (!happens_before_.has(i, other) && !happens_before_.has(other, i)) race = true;
      }
      if (s.what != kind::await || read_[i] != 0) continue;
      complete = false;
      if (last_[s.location] != 0) lost = false;
    }
    for (std::size_t l = 0; l < locations; ++l) seen[most_steps + l] = last_[l];
    if (complete) executions.push_back(seen);
    if (!complete && lost) stuck = true;
  }
  // Of the last store that happens before it: without a race there is one.
  [[nodiscard]] int plain_value(std::size_t reader) const {
    std::size_t last = initial;
    for (std::size_t i = 0; i < size_; ++i) {
      if (!done(i) || program_.steps[i].what != kind::plain_store || !happens_before_.has(i, reader)) continue;
      if (last == initial || happens_before_.has(last, i)) last = i;
    }
    return last == initial ? 0 : program_.steps[last].value;
  }

  const program& program_;
  const model::memory_model by_;
  std::size_t size_;
  std::array<std::size_t, most_steps> source_{};
  std::array<state, most_steps> state_{};
  std::array<bool, most_steps> waits_{};  // before this step, for ever
  std::array<int, most_steps> read_{};
  std::array<int, most_steps> written_{};  // zero: nothing
  std::array<std::size_t, most_steps> position_{};  // of a store, in its location's modification order; the initial value has 0
  std::array<int, locations> last_{};
  relation sequenced_;
  relation happens_before_;
  relation strongly_;  // happens before
};

// ---- The checker -----------------------------------------------------------------------------------------------------------------

class body {
 public:
  body(const program& p, const std::vector<std::size_t>& threads, std::vector<outcome>& executions, seen_graphs& graphs)
      : program_(p), threads_(threads), executions_(executions), graphs_(graphs) {
    for (std::size_t i = 0; i < p.steps.size(); ++i) names_[i] = name_of(i);
  }
  void operator()() const {
    graphs_.begins();
    pawl::atomic<int, B> atomics[locations];
    model::var<int> data{0};
    outcome seen;
    seen.fill(-1);
    {
      std::array<std::optional<model::thread>, most_steps> running;
      for (const std::size_t t : threads_) running[t].emplace([&, t] { run(t, atomics, data, seen); });
      for (const std::size_t t : threads_) running[t]->join();
    }
    for (std::size_t l = 0; l < locations; ++l) seen[most_steps + l] = atomics[l].load(relaxed);
    for (std::size_t i = 0; i < program_.steps.size(); ++i) model::observe(names_[i].c_str(), seen[i]);
    for (std::size_t l = 0; l < locations; ++l) model::observe(last_names[l], seen[most_steps + l]);
    if (executions_.size() < executions_.capacity()) executions_.push_back(seen);  // no allocation while the checker runs
    graphs_.ends();
  }

 private:
  static constexpr const char* last_names[] = {"x", "y", "z"};

  void run(std::size_t thread, pawl::atomic<int, B>* atomics, model::var<int>& data, outcome& seen) const {
    for (std::size_t i = 0; i < program_.steps.size(); ++i) {
      const step& s = program_.steps[i];
      if (s.thread != thread || (s.guard && seen[*s.guard] <= 0)) continue;
      seen[i] = run(s, s.location == plain ? nullptr : &atomics[s.location], data);
    }
  }
  static int run(const step& s, pawl::atomic<int, B>* object, model::var<int>& data) {
    int read = s.expected;
    switch (s.what) {
      case kind::load:
        return object->load(s.how);
      case kind::await:
        while ((read = object->load(s.how)) == 0) B::pause();
        return read;
      case kind::store:
        object->store(s.value, s.how);
        return -1;
      case kind::exchange:
        return object->exchange(s.value, s.how);
      case kind::add:
        return object->fetch_add(s.value, s.how);
      case kind::compare_exchange:
        object->compare_exchange_strong(read, s.value, s.how, s.on_failure);
        return read;
      case kind::fence:
        B::thread_fence(s.how);
        return -1;
      case kind::plain_load:
        return data.get();
      case kind::plain_store:
        data.set(s.value);
        return -1;
    }
    return -1;
  }

  const program& program_;
  const std::vector<std::size_t>& threads_;  // in the order in which they begin
  std::vector<outcome>& executions_;
  seen_graphs& graphs_;
  std::array<std::string, most_steps> names_;
};

// One run per graph in the mean: some show only when they have begun that the memory model forbids them.
std::uint64_t runs_of_all = 0;
std::uint64_t graphs_of_all = 0;

void agree(const program& p, const brute_force& expected, const std::vector<std::size_t>& threads,
           model::memory_model by = model::memory_model::cpp20, std::optional<unsigned> preemptions = std::nullopt) {
  std::string order_of_threads;
  for (const std::size_t t : threads) order_of_threads += " P" + std::to_string(t);
  INFO("threads begin in the order" << order_of_threads);
  std::vector<outcome> executions;
  executions.reserve(2 * expected.executions.size() + 100);
  model::options o;
  o.strict = false;  // its outcomes would come once more
  o.spurious_failures = 0;
  o.memory_model = by;
  o.preemption_bound = preemptions;
  seen_graphs graphs;
  const model::report r = model::check(o, body(p, threads, executions, graphs));
  const std::string violation = r.violation ? to_string(r.violation->kind) : "none";
  INFO("the checker: " << r.executions << " executions, violation: " << violation
                       << (r.violation ? ", " + r.violation->message : ""));
  if (expected.race) {
    REQUIRE(violation == "data_race");
    return;
  }
  if (expected.stuck) {
    REQUIRE((violation == "deadlock" || violation == "livelock"));
    return;
  }
  REQUIRE(violation == "none");
  REQUIRE(r.complete == !preemptions);
  std::set<std::string> outcomes;
  for (const outcome& each : expected.executions) outcomes.insert(text_of(p, each));
  std::vector<std::string> missing;
  std::vector<std::string> unexpected;
  std::set_difference(outcomes.begin(), outcomes.end(), r.outcomes.begin(), r.outcomes.end(), std::back_inserter(missing));
  std::set_difference(r.outcomes.begin(), r.outcomes.end(), outcomes.begin(), outcomes.end(), std::back_inserter(unexpected));
  REQUIRE(missing == std::vector<std::string>{});
  REQUIRE(unexpected == std::vector<std::string>{});
  if (preemptions && p.has(kind::await)) return;
  REQUIRE(r.executions == expected.executions.size());
  if (preemptions) return;  // many orders of an execution's steps
  REQUIRE(graphs.twice() == 0);
  runs_of_all += graphs.runs();
  graphs_of_all += r.executions + r.blocked;
  // Each outcome as often as there are executions with it: none is explored twice where another is forgotten.
  std::sort(executions.begin(), executions.end());
  std::vector<outcome> all = expected.executions;
  std::sort(all.begin(), all.end());
  REQUIRE((executions == all));
}

// ---- Random programs -------------------------------------------------------------------------------------------------------------

std::vector<std::size_t> in_order(std::size_t threads) {
  std::vector<std::size_t> all(threads);
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

class generator {
 public:
  explicit generator(std::uint64_t seed) : state_(seed) {}

  program next() {
    program p;
    do p = any();
    while (candidates(p) > 200'000);
    return p;
  }
  std::vector<std::size_t> other_order(std::size_t threads) {
    std::vector<std::size_t> all = in_order(threads);
    do {
      for (std::size_t t = threads - 1; t > 0; --t) std::swap(all[t], all[below(t + 1)]);
    } while (std::is_sorted(all.begin(), all.end()));
    return all;
  }

 private:
  std::size_t below(std::size_t n) {  // splitmix64
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30U) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27U) * 0x94d049bb133111eb;
    return static_cast<std::size_t>((z ^ z >> 31U) % n);
  }
  bool chance(std::size_t percent) { return below(100) < percent; }
  // One of these, the first of which is relaxed, or a stronger one where the program is to have such.
  order one_of(std::initializer_list<order> orders) {
    if (chance(strong_)) return seq_cst;
    const std::size_t weakest = publishes_ ? 1 : 0;
    return orders.begin()[weakest + below(orders.size() - weakest)];
  }

  program any() {
    const bool modifies = chance(50);
    const bool shares_data = chance(20);
    const bool waits = !shares_data && chance(20);
    // Where stores come before loads of other locations, S has the most to say.
    const bool crosses = chance(50);
    strong_ = chance(40) ? 0 : chance(50) ? 50 : 90;
    publishes_ = shares_data && chance(75);
    const bool fences = chance(50);
    const std::size_t used = 1 + below(10) * 2 / 7;  // locations, mostly two
    program p;
    p.threads = chance(70) ? 3 : chance(50) ? 2 : 4;
    int value = 0;
    const auto add = [&](step s) {
      s.value = ++value;
      p.steps.push_back(s);
    };
    for (std::size_t t = 0; t < p.threads; ++t) {
      const std::size_t length = 1 + below(p.threads == 4 ? 3 : 4);
      std::optional<std::size_t> last_read;
      if (shares_data && (t == 0 || chance(5))) add({kind::plain_store, t, plain});
      for (std::size_t i = 0; i < length; ++i) {
        step s{kind::load, t, crosses && chance(80) ? (t + i) % used : below(used)};
        const bool looks = chance(publishes_ && t > 0 ? 90 : crosses ? 20 + 60 * i / length : 50);
        if (last_read && chance(10)) s.guard = last_read;
        if (fences && chance(crosses && length > 2 && i == length / 2 ? 80 : 15)) {
          s.what = kind::fence;
          s.how = crosses && chance(60) ? seq_cst : one_of({acq_rel, acquire, release});
        } else if (modifies && chance(40)) {
          const kind kinds[] = {kind::exchange, kind::add, kind::compare_exchange};
          s.what = kinds[below(3)];
          s.how = one_of({relaxed, acquire, release, acq_rel});
          s.on_failure = one_of({relaxed, acquire});
        } else if (looks) {
          s.what = waits && chance(40) ? kind::await : kind::load;
          s.how = one_of({relaxed, acquire});
        } else {
          s.what = kind::store;
          s.how = one_of({relaxed, release});
        }
        if (s.may_read()) last_read = p.steps.size();
        add(s);
      }
      if (shares_data && t > 0 && last_read) {
        step s{chance(80) ? kind::plain_load : kind::plain_store, t, plain};
        if (chance(95)) s.guard = last_read;
        add(s);
      }
    }
    for (step& each : p.steps) {
      const step& other = p.steps[below(p.steps.size())];
      if (other.may_write() && other.location == each.location && chance(70)) each.expected = other.value;
    }
    return p;
  }
  // How many brute force has to look at, at most.
  static std::size_t candidates(const program& p) {
    if (p.steps.size() > most_steps) return ~std::size_t{0};
    std::size_t result = 1;
    for (std::size_t l = 0; l < locations; ++l) {
      std::size_t stores = 0;
      for (const step& s : p.steps) {
        if (s.may_write() && s.location == l) result *= ++stores;
      }
      for (const step& s : p.steps) {
        if (s.may_read() && s.location == l) result *= stores + (s.may_write() ? 0 : 1);
      }
    }
    return result;
  }

  std::uint64_t state_;
  std::size_t strong_ = 0;  // percent of seq_cst
  bool publishes_ = false;
};

}  // namespace

TEST_CASE("the checker agrees with brute force on random programs, in any order of their threads") {
  generator random(21);
  std::size_t counted = 0;
  std::size_t with_seq_cst = 0;
  std::size_t with_modifications = 0;
  std::size_t with_either = 0;
  std::size_t with_fences = 0;
  std::size_t racy = 0;
  std::size_t free_of_races = 0;
  std::size_t stuck = 0;
  std::size_t never_stuck = 0;
  std::size_t executions = 0;
  for (int i = 0; i < soak_times * 3'000; ++i) {
    const program p = random.next();
    const brute_force expected(p);
    INFO("program " << i << "\n" << text_of(p) << "brute force: " << expected.executions.size() << " executions");
    agree(p, expected, in_order(p.threads));
    agree(p, expected, random.other_order(p.threads));
    racy += expected.race ? 1 : 0;
    stuck += expected.stuck ? 1 : 0;
    // Counts are compared where no violation ends the check, and say much only of programs that can end in more than one way.
    if (expected.race || expected.stuck) continue;
    if (std::set<outcome>(expected.executions.begin(), expected.executions.end()).size() < 2) continue;
    ++counted;
    with_seq_cst += p.has_seq_cst() ? 1 : 0;
    with_modifications += p.has_modifications() ? 1 : 0;
    with_either += p.has_seq_cst() || p.has_modifications() ? 1 : 0;
    with_fences += p.has(kind::fence) ? 1 : 0;
    free_of_races += p.has(kind::plain_load) ? 1 : 0;
    never_stuck += p.has(kind::await) ? 1 : 0;
    executions += expected.executions.size();
  }
  CAPTURE(counted, with_seq_cst, with_modifications, with_either, with_fences, racy, free_of_races, stuck, never_stuck, executions);
  CHECK(counted >= 500);
  CHECK(runs_of_all <= graphs_of_all + graphs_of_all / 5);
  CHECK(3 * with_either >= counted);
  CHECK(with_seq_cst >= 100);
  CHECK(with_modifications >= 100);
  CHECK(with_fences >= 100);
  CHECK(racy >= 20);
  CHECK(free_of_races >= 20);
  CHECK(stuck >= 20);
  CHECK(never_stuck >= 20);
}

TEST_CASE("the search with a preemption bound that bounds nothing agrees with brute force") {
  generator random(23);
  std::size_t compared = 0;
  std::size_t with_waits = 0;
  for (int i = 0; i < soak_times * 1'200; ++i) {
    const program p = random.next();
    const brute_force expected(p);
    // It has no means against many orders of one execution's steps.
    if (p.steps.size() > 7 || expected.executions.size() > 40) continue;
    INFO("program " << i << "\n" << text_of(p) << "brute force: " << expected.executions.size() << " executions");
    agree(p, expected, random.other_order(p.threads), model::memory_model::cpp20, 100);
    ++compared;
    with_waits += p.has(kind::await) && !expected.stuck && !expected.race ? 1 : 0;
  }
  CAPTURE(compared, with_waits);
  CHECK(compared >= 200);
  CHECK(with_waits >= 20);
}

TEST_CASE("the checker agrees with brute force by RC11") {
  generator random(22);
  std::size_t with_seq_cst = 0;
  std::size_t with_fences = 0;
  std::size_t more_than_cpp20 = 0;
  for (int i = 0; i < soak_times * 4'000; ++i) {
    const program p = random.next();
    if (!p.has_seq_cst()) continue;
    const brute_force expected(p, model::memory_model::rc11);
    INFO("program " << i << "\n" << text_of(p) << "brute force: " << expected.executions.size() << " executions");
    agree(p, expected, random.other_order(p.threads), model::memory_model::rc11);
    ++with_seq_cst;
    with_fences += p.has(kind::fence) ? 1 : 0;
    more_than_cpp20 += expected.executions.size() > brute_force(p).executions.size() ? 1 : 0;
  }
  CAPTURE(with_seq_cst, with_fences, more_than_cpp20);
  CHECK(with_seq_cst >= 500);
  CHECK(with_fences >= 100);
  CHECK(more_than_cpp20 >= 5);
}
