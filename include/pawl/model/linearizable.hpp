// SPDX-License-Identifier: BSL-1.0
// model::linearizable<Spec>: whether an execution's operations on an object could have come one after another, in an order that extends
// what happens before what, with the results that they had. (M. P. Herlihy and J. M. Wing, "Linearizability: A Correctness Condition for
// Concurrent Objects", TOPLAS 1990; with happens-before in the place of real time, since the memory model knows no other time: M. Batty,
// M. Dodds, A. Gotsman, "Library Abstraction for C/C++ Concurrency", POPL 2013.)
//
// The search is that of J. M. Wing and C. Gong, "Testing and Verifying Concurrent Objects", J. Parallel Distrib. Comput. 17, 1993: depth
// first, each step an operation whose predecessors are done and which gives, on the sequential object, the result that it had. To it
// belongs the memory of G. Lowe, "Testing for Linearizability", Concurrency Computat. Pract. Exper. 29, 2017: the same operations, done
// in another order but leading to an equal state, go on alike, and so are tried once.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "clock.hpp"
#include "execution.hpp"
#include "memory.hpp"
#include "place.hpp"
#include "report.hpp"
#include "words.hpp"

namespace pawl::inline v0::model {

namespace detail {

/// What a history has room for: as many as a word has bits.
inline constexpr unsigned most_operations = 64;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

/// A result, as far as it can be shown.
template <class T>
std::string text_of_result(const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_enum_v<T>) {
    return text_of_result(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::is_integral_v<T> && sizeof(T) <= sizeof(long long)) {
    return std::is_signed_v<T> ? std::to_string(static_cast<long long>(value))
                               : std::to_string(static_cast<unsigned long long>(value));
  } else if constexpr (is_optional<T>) {
    return value ? text_of_result(*value) : "nothing";
  } else {
    return "?";
  }
}

/// When an operation ran: from what happened before its begin to its end.
struct interval {
  unsigned thread = 0;
  place where;
  clock begin;
  moment end;
  // The history's count of begins and ends, in the order of this run.
  unsigned begin_count = 0;
  unsigned end_count = 0;  // 0: not yet
  // options::realtime: their places among all such moments, which are events of the graph, so that every order of them is explored.
  stamp begin_moment = initial;
  stamp end_moment = initial;
  std::size_t begin_place = 0;
  std::size_t end_place = 0;

  /// Whether this has ended before the other one begins: in real time, or as far as one happens before the other.
  [[nodiscard]] bool precedes(const interval& other) const noexcept {
    if (end_moment != initial) return end_place < other.begin_place;
    if (thread == other.thread) return end_count < other.begin_count;
    return end.happens_before(other.begin, other.thread);
  }
};

/// One operation of a history.
template <class Spec>
class operation {
 public:
  interval when;

  operation() = default;
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;
  virtual ~operation() = default;

  /// Does the operation to a sequential object; whether its result is the one that it had.
  virtual bool agrees(Spec& object) const = 0;
  /// The result that it had.
  [[nodiscard]] virtual std::string result() const = 0;
  /// Does it to a sequential object; the result that it has there.
  virtual std::string result_on(Spec& object) const = 0;
};

/// What an operation does to the sequential object, and its result.
template <class Spec, class Result, class Second>
class typed_operation final : public operation<Spec> {
  static constexpr bool returns = !std::is_void_v<Result>;
  using stored = std::conditional_t<returns, Result, bool>;

 public:
  template <class F>
  explicit typed_operation(F&& second) : second_(std::forward<F>(second)) {}

  void returned()
    requires(!returns)
  {
    result_ = true;
  }
  void returned(const stored& value)
    requires returns
  {
    result_.emplace(value);
  }

  bool agrees(Spec& object) const override {
    try {
      if constexpr (returns) {
        const auto& given = std::invoke(second_, object);
        return result_ && static_cast<bool>(*result_ == given);
      } else {
        std::invoke(second_, object);
        return result_.has_value();
      }
    } catch (...) {
      return !result_;
    }
  }
  [[nodiscard]] std::string result() const override {
    if (!result_) return "an exception";
    if constexpr (returns) {
      return text_of_result(*result_);
    } else {
      return "void";
    }
  }
  std::string result_on(Spec& object) const override {
    try {
      if constexpr (returns) {
        const auto& given = std::invoke(second_, object);
        return text_of_result(given);
      } else {
        std::invoke(second_, object);
        return "void";
      }
    } catch (...) {
      return "an exception";
    }
  }

 private:
  Second second_;
  std::optional<stored> result_;  // none where it threw
};

/// The search for an order. A search is no part of the execution: nothing in it is observed, and nothing in it switches fibers.
template <class Spec>
class order_search {
 public:
  /// Of so many operations, of each thread in the order of their begins.
  order_search(const Spec& object, const operation<Spec>* const* operations, unsigned count)
      : initial_(object), count_(count), before_(count) {
    // By threads: so their numbers do not depend on the order in which this run came to them.
    for (unsigned t = 0; t < max_threads; ++t) {
      for (unsigned i = 0; i < count; ++i) {
        if (operations[i]->when.thread == t) operations_.push_back(operations[i]);
      }
    }
    for (unsigned i = 0; i < count; ++i) {
      for (unsigned j = 0; j < count; ++j) {
        if (operations_[j]->when.precedes(operations_[i]->when)) before_[i] |= bit(j);
      }
    }
  }

  bool find() {
    std::vector<step> path;
    path.reserve(count_ + 1);
    path.push_back({initial_, 0, 0});
    std::vector<unsigned> order;
    while (!path.empty()) {
      step& here = path.back();
      if (order.size() == count_) return true;
      if (go_on(path, order)) continue;
      if (order.size() >= longest_.size()) longest_ = order;
      failed_[here.done].push_back(std::move(here.object));
      path.pop_back();
      if (!order.empty()) order.pop_back();
    }
    return false;
  }

  /// The operations, and how far the search came.
  [[nodiscard]] std::string history() const {
    std::string text;
    for (unsigned i = 0; i < count_; ++i) {
      const interval& when = operations_[i]->when;
      text += std::string("\n  ") + name(i) + ": thread " + std::to_string(when.thread) + ", " + text_of(when.where) + ", gave " +
              operations_[i]->result();
      std::string after;
      for (unsigned j = 0; j < count_; ++j) {
        if (comes_just_before(j, i)) after += (after.empty() ? "" : ", ") + name(j);
      }
      text += after.empty() ? "; after nothing" : std::string("; after ") + after;
    }
    Spec object(initial_);
    std::uint64_t done = 0;
    text += "\nthe longest order that fits:";
    for (const unsigned each : longest_) {
      text += std::string(" ") + name(each);
      static_cast<void>(operations_[each]->agrees(object));
      done |= bit(each);
    }
    if (longest_.empty()) text += " none";
    for (unsigned i = 0; i < count_; ++i) {
      if (!may_come(i, done)) continue;
      Spec next(object);
      const std::string given = operations_[i]->result_on(next);
      text += std::string("; then ") + name(i) +
              (given == operations_[i]->result() ? " leads nowhere" : std::string(" would give ") + given);
    }
    return text;
  }

 private:
  struct step {
    Spec object;
    std::uint64_t done;
    unsigned next;  // the operation to be tried next
  };

  static constexpr std::uint64_t bit(unsigned i) noexcept { return std::uint64_t{1} << i; }
  static std::string name(unsigned i) { return std::string("#").append(std::to_string(i)); }
  [[nodiscard]] bool may_come(unsigned i, std::uint64_t done) const noexcept {
    return (done & bit(i)) == 0 && (before_[i] & ~done) == 0;
  }
  // j precedes i, and nothing that precedes i comes after j.
  [[nodiscard]] bool comes_just_before(unsigned j, unsigned i) const noexcept {
    if ((before_[i] & bit(j)) == 0) return false;
    for (unsigned k = 0; k < count_; ++k) {
      if ((before_[i] & bit(k)) != 0 && (before_[k] & bit(j)) != 0) return false;
    }
    return true;
  }
  // Puts an operation more to the end of the order; false where none fits that was not tried.
  bool go_on(std::vector<step>& path, std::vector<unsigned>& order) {
    step& here = path.back();
    while (here.next < count_) {
      const unsigned i = here.next++;
      if (!may_come(i, here.done)) continue;
      Spec object(here.object);
      if (!operations_[i]->agrees(object) || has_failed(here.done | bit(i), object)) continue;
      path.push_back({std::move(object), here.done | bit(i), 0});  // here is no more: no use of it after this
      order.push_back(i);
      return true;
    }
    return false;
  }
  [[nodiscard]] bool has_failed(std::uint64_t done, const Spec& object) const {
    const auto found = failed_.find(done);
    if (found == failed_.end()) return false;
    for (const Spec& each : found->second) {
      if (each == object) return true;
    }
    return false;
  }

  const Spec& initial_;
  std::vector<const operation<Spec>*> operations_;
  unsigned count_;
  std::vector<std::uint64_t> before_;  // for each operation, those that precede it
  // By the operations done: states from which there is no way to the end.
  std::unordered_map<std::uint64_t, std::vector<Spec>> failed_;
  std::vector<unsigned> longest_;
};

}  // namespace detail

/// What a sequential object must be, so that a search can try operations on copies of it.
template <class Spec>
concept is_spec = std::copy_constructible<Spec> && std::equality_comparable<Spec>;

/// A history of operations, made in a check's body: `auto r = h.call([&] { return q.try_pop(); }, [](Spec& s) { return s.try_pop(); });`
///
/// Where the history ends, at the end of the body and after all threads that use it were joined, there must be an order of all its
/// operations in which they have the same results on one Spec, and in which A comes before B wherever the end of A happens before the
/// begin of B: in one thread, by a join, or by what the program or the object itself synchronizes. Where there is none, that is a
/// violation, not_linearizable, and its message lists the operations. An execution in which the body does not end is not checked.
///
/// Spec's operations are deterministic. A history has up to 64 operations; those of a waiting loop count once for each iteration that
/// reads something new. Outside of a check it records nothing.
template <is_spec Spec>
class linearizable {
 public:
  /// The object begins as Spec().
  explicit linearizable(detail::place where = {__builtin_FILE(), __builtin_LINE()})
    requires std::default_initializable<Spec>
      : where_(where) {
    make_room();
  }
  /// The object begins as `object`. (What a copy of that has on the heap is lost in an execution that is given up: where that matters,
  /// record the operations that lead there.)
  explicit linearizable(Spec object, detail::place where = {__builtin_FILE(), __builtin_LINE()})
      : initial_(std::move(object)), where_(where) {
    make_room();
  }
  linearizable(const linearizable&) = delete;
  linearizable& operator=(const linearizable&) = delete;
  /// Looks for the order.
  ~linearizable() {
    if (!records_) return;
    detail::execution& e = *detail::active;
    // In an iteration that a waiting loop only tries, this is the end: nothing is checked there.
    e.steps().act();
    if (std::uncaught_exceptions() == 0 && !e.failure()) check(e);
    for (unsigned i = 0; i < count_; ++i) operations_[i]->~operation_type();
    e.stop_if_failed();
  }

  /// Runs `first` and returns what it returns, by value; may be called by any number of threads at once.
  ///
  /// `second`, called with a Spec&, perhaps often and on several copies, does the same one after another: it gives a result that `first`'s
  /// can be compared with by ==, and any where `first` gives none; and throws where `first` threw. It is kept to the end of the history,
  /// so it captures values, and references only to what lives and does not change until then.
  template <std::invocable First, class Second>
    requires std::invocable<const std::decay_t<Second>&, Spec&>
  auto call(First&& first, Second&& second, detail::place where = {__builtin_FILE(), __builtin_LINE()})
      -> std::remove_cvref_t<std::invoke_result_t<First>> {
    using result = std::remove_cvref_t<std::invoke_result_t<First>>;
    using operation = detail::typed_operation<Spec, result, std::decay_t<Second>>;
    detail::execution* const e = detail::active;
    if (e == nullptr || !records_ || e->setting_up() || e->steps().trying()) return std::invoke(std::forward<First>(first));
    auto* const recorded = ::new (room(*e, sizeof(operation), alignof(operation))) operation(std::forward<Second>(second));
    begin(*e, *recorded, where);
    try {
      if constexpr (std::is_void_v<result>) {
        std::invoke(std::forward<First>(first));
        recorded->returned();
        end(*e, recorded->when);
      } else {
        result given = std::invoke(std::forward<First>(first));
        recorded->returned(given);
        end(*e, recorded->when);
        return given;
      }
    } catch (...) {
      end(*e, recorded->when);
      throw;
    }
  }

 private:
  using operation_type = detail::operation<Spec>;

  // Each thread has room of its own, so that what a thread allocates has the same address in every run, whatever the others do.
  static constexpr std::size_t thread_bytes = 2048;
  static constexpr std::size_t alignment = alignof(std::max_align_t);

  // In the arena: nobody ends the life of an execution that is given up. And before the threads: an allocation is an effect, which an
  // iteration of a waiting loop that calls an operation must not have.
  void make_room() {
    if (detail::active == nullptr || detail::active->setting_up()) return;
    auto* const memory =
        static_cast<std::byte*>(detail::active->allocate(thread_bytes * detail::max_threads, alignment, false, where_));
    if (memory == nullptr) throw std::bad_alloc();
    for (unsigned t = 0; t < detail::max_threads; ++t) rooms_[t] = {memory + t * thread_bytes, thread_bytes};
    records_ = true;
  }
  void* room(detail::execution& e, std::size_t bytes, std::size_t aligned) {
    auto& [begin, left] = rooms_[e.steps().running()];
    const std::size_t skipped = (aligned - reinterpret_cast<std::uintptr_t>(begin) % aligned) % aligned;
    if (skipped + bytes > left) {
      const std::size_t more = bytes > thread_bytes ? bytes : thread_bytes;
      begin = static_cast<std::byte*>(e.allocate(more, aligned > alignment ? aligned : alignment, false, where_));
      if (begin == nullptr) throw std::bad_alloc();
      left = more;
      return room(e, bytes, aligned);
    }
    void* const found = begin + skipped;
    begin += skipped + bytes;
    left -= skipped + bytes;
    return found;
  }

  void begin(detail::execution& e, operation_type& recorded, const detail::place& where) {
    if (count_ == detail::most_operations) {
      e.fail(violation_kind::requirement, "a linearizable history has more than 64 operations", where, "operation");
      e.stop_if_failed();
    }
    operations_[count_++] = &recorded;
    recorded.when.thread = e.steps().running();
    recorded.when.where = where;
    recorded.when.begin = e.steps().state().threads[recorded.when.thread].now;
    if (e.realtime()) recorded.when.begin_moment = e.moment_in_order();
    recorded.when.begin_count = ++counted_;
  }
  void end(detail::execution& e, detail::interval& when) {
    // (Where an operation that waits comes to its end in an iteration that is only tried, the body never ends, and nobody looks.)
    // The thread's own clock counts its events. What comes after the last of them happens before only what the next one happens before.
    const auto events = e.steps().state().threads[when.thread].now.time[when.thread];
    when.end = {static_cast<std::uint16_t>(events + 1), static_cast<std::uint8_t>(when.thread)};
    if (e.realtime()) when.end_moment = e.moment_in_order();
    when.end_count = ++counted_;
  }

  void check(detail::execution& e) const {
    const detail::unobserved search_is_no_step;
    for (unsigned i = 0; i < count_; ++i) {
      if (operations_[i]->when.end_count != 0) continue;
      return e.fail(violation_kind::requirement, "an operation of a linearizable history has not ended when the history ends",
                    operations_[i]->when.where, "end of the history");
    }
    for (unsigned i = 0; i < count_ && e.realtime(); ++i) {
      detail::interval& when = operations_[i]->when;
      when.begin_place = e.steps().state().position_of(when.begin_moment);
      when.end_place = e.steps().state().position_of(when.end_moment);
    }
    const std::optional<Spec> fresh = initial_ ? std::nullopt : made();
    detail::order_search<Spec> search(initial_ ? *initial_ : *fresh, operations_, count_);
    if (search.find()) return;
    e.fail(violation_kind::not_linearizable,
           std::string("the operations have results that they have in no order which extends ") +
               (e.realtime() ? "real time:" : "happens-before:") + search.history() + "\nthe history begins",
           where_, "end of the history");
  }
  static std::optional<Spec> made() {
    if constexpr (std::default_initializable<Spec>) {
      return std::optional<Spec>(std::in_place);
    } else {
      return std::nullopt;
    }
  }

  std::optional<Spec> initial_;  // none: as Spec(), which is made only for the search
  detail::place where_;
  bool records_ = false;
  unsigned count_ = 0;
  unsigned counted_ = 0;
  operation_type* operations_[detail::most_operations] = {};
  std::pair<std::byte*, std::size_t> rooms_[detail::max_threads] = {};  // per thread: what is free, and how much
};

}  // namespace pawl::inline v0::model
