// SPDX-License-Identifier: BSL-1.0
// model::check runs a program over backend::model in all its executions: every interleaving, and every store that the C++20 memory model
// lets a load read. Header-only, in one process and one real thread. See docs/model.md.
#pragma once

#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "model/backend.hpp"
#include "model/distinct.hpp"
#include "model/environment.hpp"
#include "model/faults.hpp"
#include "model/linearizable.hpp"
#include "model/progress.hpp"
#include "model/replace_new.hpp"
#include "model/report.hpp"
#include "model/spec.hpp"

namespace pawl::inline v0::model {

/// How executions are found. exhaustive: all of them, each once; or, with a preemption bound, all that it leaves. random: each choice at
/// random. pct: threads by random priorities that change at a few random steps (probabilistic concurrency testing), which finds bugs that
/// need few preemptions sooner.
enum class mode { exhaustive, random, pct };
/// cpp20: the standard's, without load buffering. rc11: with the rule for seq_cst of RC11, which allows a little more. sc: every atomic
/// operation and fence as if it were seq_cst.
enum class memory_model { cpp20, rc11, sc };

struct options {
  model::mode mode = model::mode::exhaustive;
  std::uint64_t max_executions = 0;  ///< 0: no bound; in the random modes 10,000
  std::uint64_t max_steps = 0;  ///< events of one execution; 0: no bound but the checker's own, 32,000
  /// How often a thread that could go on is interrupted, in one execution; one that ends, waits, or has ended an iteration of a loop with
  /// B::pause() gives way for free. none: as often as it may. The exhaustive mode then tries all that is left, stale reads included, first
  /// without any interruption, then with one, and so on: so a violation comes with the fewest. It is never `complete`.
  std::optional<unsigned> preemption_bound{};
  model::memory_model memory_model = model::memory_model::cpp20;
  bool reuse = false;  ///< freed memory may come back, at once or later, to the next that allocates as much
  unsigned spurious_failures = 1;  ///< of weak compare-and-swaps of one thread on one object
  bool realtime = false;  ///< linearizability respects real time, not only happens-before
  std::uint64_t seed = 0;  ///< of the random modes
  std::string replay{};  ///< a violation's replay: exactly that execution
  bool progress = false;  ///< a line on the standard error stream, twice a second, where that is a terminal
  /// Of loops with effects, whose iterations end in B::pause(): how often a thread may do the same, read the same values, and come to the
  /// same state. Then it stops: it could try for ever while another isn't run, so a check that met this is not `complete`. Threads that
  /// undo each other's steps are found within 3 repetitions, and not with fewer. 0: no bound.
  unsigned repetitions = 3;
  /// A waiting loop whose iterations all do the same is explored by its last one. Should the first leave the thread otherwise than it was
  /// (`contended = true`), or keep what it read, then there are executions that differ in this. true: they are explored, too, each loop with
  /// up to three iterations that only wait. none: as many of them as there are of the others, and a thousand, in search of a violation or an
  /// outcome. (The random modes wait in full.)
  std::optional<bool> strict{};
};

/// A violation where `holds` is false. Ends the execution.
inline void require(bool holds, const char* why = "", detail::place where = {__builtin_FILE(), __builtin_LINE()}) {
  if (holds) return;
  if (auto* const e = detail::active) {
    e->fail(violation_kind::requirement, why, where, "requirement");
    e->stop_if_failed();
  }
}

/// Adds to the execution's outcome.
template <class T>
  requires std::is_integral_v<T> || std::is_enum_v<T>
void observe(const char* name, T value) {
  if (detail::active == nullptr) return;
  if constexpr (std::is_enum_v<T>) {
    observe(name, static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::is_unsigned_v<T>) {
    detail::active->observe(name, static_cast<unsigned long long>(value));
  } else {
    detail::active->observe(name, static_cast<long long>(value));
  }
}

/// Plain memory that threads share, race-checked.
template <class T>
class var {
 public:
  // (A place as one object: of a file name alone, var(0) could be null.)
  explicit var(detail::place where = {__builtin_FILE(), __builtin_LINE()})
    requires std::is_default_constructible_v<T>
      : var(T(), where) {}
  var(T initial, detail::place where = {__builtin_FILE(), __builtin_LINE()})  // NOLINT(google-explicit-constructor): as T
      : value_(std::move(initial)) {
    write(value_, where);
  }
  var(const var&) = delete;
  var& operator=(const var&) = delete;
  ~var() {
    if (detail::active != nullptr) detail::active->end_object(this);
  }
  [[nodiscard]] T get(detail::place where = {__builtin_FILE(), __builtin_LINE()}) const {
    if (auto* const e = detail::active) {
      e->read_plain(this, sizeof value_, where);
      e->stop_if_failed();
    }
    return value_;
  }
  void set(T value, detail::place where = {__builtin_FILE(), __builtin_LINE()}) {
    write(value, where);
    value_ = std::move(value);
  }

 private:
  void write(const T& value, const detail::place& where) {
    if (auto* const e = detail::active) {
      e->write_plain(this, sizeof value, &value, where);
      e->stop_if_failed();
    }
  }
  T value_;
};

/// A thread of the modelled program. Joined before it ends. Only in a body: elsewhere it throws std::logic_error.
class thread {
 public:
  template <class F>
    requires std::is_invocable_v<F&>
  explicit thread(F f, detail::place where = {__builtin_FILE(), __builtin_LINE()}) {
    if (detail::active == nullptr) throw std::logic_error("pawl::model::thread is made outside of a check");
    auto& e = *detail::active;
    where_ = where;
    // In the check's memory: an execution that is given up ends nobody's life.
    void* const memory = e.room_for_function(sizeof(F), alignof(F), where);
    if (memory == nullptr) throw std::bad_alloc();
    auto* const function = ::new (memory) F(std::move(f));
    number_ = e.steps().spawn(
        [](void* body) {
          auto& own = *static_cast<F*>(body);
          guarded(own);
          own.~F();
        },
        function);
    e.begin_thread(number_, where);
    if (number_ >= detail::max_threads)
      e.fail(violation_kind::requirement, "more threads than the checker has room for", where, "start of a thread");
    e.stop_if_failed();
  }
  thread(thread&& other) noexcept : number_(std::exchange(other.number_, 0)), where_(other.where_) {}
  thread& operator=(thread&&) = delete;
  ~thread() {
    if (number_ == 0 || std::uncaught_exceptions() != 0) return;
    detail::active->fail(violation_kind::requirement, "a thread is not joined", where_, "end of a thread object");
    detail::active->stop_if_failed();
  }
  [[nodiscard]] bool joinable() const noexcept { return number_ != 0; }
  void join(detail::place where = {__builtin_FILE(), __builtin_LINE()}) { detail::active->join(std::exchange(number_, 0), where); }

  /// Runs f; an exception that leaves it is a violation.
  template <class F>
  static void guarded(F& f) {
    auto& e = *detail::active;
    try {
      f();
    } catch (const std::exception& thrown) {
      e.fail(
          violation_kind::exception, [&] { return std::string("an exception leaves a thread: ") + thrown.what(); }, {},
          "exception");
    } catch (...) {
      e.fail(violation_kind::exception, "an exception leaves a thread", {}, "exception");
    }
    e.stop_if_failed();
  }

 private:
  unsigned number_ = 0;
  detail::place where_;  // it was made
};

namespace detail {

template <class T, class... Args>
T* make_at(const place& where, Args&&... args) {
  using env = environment<backend::model>;
  struct raw {
    const place& where;
    void* memory = env::allocate(sizeof(T), alignof(T), where);
    ~raw() {
      if (memory != nullptr) env::deallocate(memory, sizeof(T), alignof(T), where);
    }
  } guard{where};
  T* const made = ::new (guard.memory) T(std::forward<Args>(args)...);
  guard.memory = nullptr;
  return made;
}

}  // namespace detail

/// Memory that the check follows: T(args...), to be ended by destroy. A violation names the place of the call. (That is a parameter behind
/// the arguments, and none can have a default behind so many as one likes: so there is one of these for each number up to four, and with
/// more arguments the place that is named is the one that the thread named last.)
template <class T>
T* make(detail::place where = {__builtin_FILE(), __builtin_LINE()}) {
  return detail::make_at<T>(where);
}
template <class T, class A>
T* make(A&& a, detail::place where = {__builtin_FILE(), __builtin_LINE()}) {
  return detail::make_at<T>(where, std::forward<A>(a));
}
template <class T, class A, class B>
T* make(A&& a, B&& b, detail::place where = {__builtin_FILE(), __builtin_LINE()}) {
  return detail::make_at<T>(where, std::forward<A>(a), std::forward<B>(b));
}
template <class T, class A, class B, class C>
T* make(A&& a, B&& b, C&& c, detail::place where = {__builtin_FILE(), __builtin_LINE()}) {
  return detail::make_at<T>(where, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c));
}
template <class T, class A, class B, class C, class D>
T* make(A&& a, B&& b, C&& c, D&& d, detail::place where = {__builtin_FILE(), __builtin_LINE()}) {
  return detail::make_at<T>(where, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c), std::forward<D>(d));
}
template <class T, class... Args>
  requires(sizeof...(Args) > 4)
T* make(Args&&... args) {
  return detail::make_at<T>({}, std::forward<Args>(args)...);
}
/// Ends and frees what make has made; nothing where that is null.
template <class T>
void destroy(T* object, detail::place where = {__builtin_FILE(), __builtin_LINE()}) {
  if (object == nullptr) return;
  object->~T();
  environment<backend::model>::deallocate(object, sizeof(T), alignof(T), where);
}

namespace detail {

inline const char* text_of(memory_model model) noexcept {
  return model == memory_model::cpp20 ? "cpp20" : model == memory_model::rc11 ? "rc11" : "sc";
}
inline replay_settings settings_of(const options& o) noexcept {
  return {o.spurious_failures, static_cast<unsigned>(o.memory_model), o.reuse, o.realtime};
}
/// The choices of a replay string, which is one of a check with such options.
inline std::string_view choices_of(std::string_view replay, const replay_settings& settings) {
  replay_settings found_with;
  std::string_view choices = replay;
  const bool is_one = found_with.read(choices) && found_with.memory_model <= static_cast<unsigned>(memory_model::sc);
  validate(!is_one, "model::options::replay is no violation's replay");
  if (found_with == settings) return choices;
  throw std::invalid_argument(std::string("model::options::replay was found with other options: spurious_failures = ") +
                              std::to_string(found_with.spurious_failures) +
                              ", memory_model = " + text_of(static_cast<memory_model>(found_with.memory_model)) + ", reuse = " +
                              (found_with.reuse ? "true" : "false") + ", realtime = " + (found_with.realtime ? "true" : "false"));
}

/// Runs `body` as model::check says. Only of a replay the steps are recorded: else a violation has neither trace nor picture.
template <class Body>
report explore(const options& o, Body& body) {
  using outcome = detail::explorer::outcome;
  detail::validate(detail::active != nullptr, "model::check is called within a check");
  report result;
  const bool replays = !o.replay.empty();
  detail::execution checked(settings_of(o), replays);
  detail::explorer& steps = checked.steps();
  steps.sequential(o.memory_model == memory_model::sc);
  steps.most_repetitions(o.repetitions);
  steps.rc11(o.memory_model == memory_model::rc11);
  detail::validate(replays && !steps.replay(choices_of(o.replay, settings_of(o))),
                   "model::options::replay is no violation's replay");
  steps.strict(o.strict.value_or(false));
  const bool samples = o.mode != mode::exhaustive && !replays;
  const bool searches = o.mode == mode::exhaustive && o.preemption_bound && !replays;
  steps.choices().latest_only = o.memory_model == memory_model::sc;
  if (searches) steps.choices().search(*o.preemption_bound);
  if (samples) {
    steps.choices().how = o.mode == mode::random ? detail::chooser::way::random : detail::chooser::way::priorities;
    steps.choices().seed(o.seed);
    steps.choices().bounded_preemptions = o.preemption_bound.has_value();
    steps.choices().preemption_bound = o.preemption_bound.value_or(0);
  }
  const std::uint64_t most = o.max_executions == 0 && samples ? 10000 : o.max_executions;
  auto main = [&body, &checked] {
    thread::guarded(body);
    checked.end_globals();
  };
  detail::stopwatch watch(o.progress);
  const detail::fault_handler faults;
  steps.begin();
  detail::distinct seen_before;
  std::uint64_t tries_to_shorten = 0;
  bool met_most = false;
  bool met_limit = false;
  bool met_repetitions = false;
  // Runs once; nothing where that has shown that all begins again.
  const auto run = [&]() -> std::optional<outcome> {
    checked.new_run();
    steps.limit(o.max_steps);
    const outcome how = [&] {
      const detail::observed in_check(checked);
      return steps.run(main);
    }();
    checked.finish(how);
    if (checked.must_begin_again()) return std::nullopt;
    result.steps += checked.steps_taken();
    if (how == outcome::bounded) met_limit = true;
    if (how == outcome::repeated) met_repetitions = true;
    return how;
  };
  const auto note_outcome = [&] {
    std::string seen;
    for (const auto& [name, value] : checked.observed()) seen += (seen.empty() ? "" : " ") + name + "=" + value;
    if (!seen.empty()) result.outcomes.insert(seen);
  };
  // False where there is none, or it was looked for long enough: a shorter one is easier to read, so it looks a little further.
  const auto look_further = [&] {
    constexpr std::uint64_t most_tries = 200;
    if (std::optional<violation> found = checked.take_failure()) {
      if (!result.violation || (found->kind == result.violation->kind && found->length < result.violation->length))
        result.violation = std::move(found);
    }
    return !result.violation || (!replays && ++tries_to_shorten <= most_tries);
  };
  while (steps.more() || samples || searches) {
    if (most != 0 && result.executions + result.repeated + result.blocked >= most) {
      met_most = true;
      break;
    }
    if (!steps.more()) steps.begin();
    const std::optional<outcome> how = run();
    if (!how) {
      result = report();
      tries_to_shorten = 0;
      checked.begin_again();
      if (searches) steps.choices().search(*o.preemption_bound);
      seen_before.clear();
      continue;
    }
    if (how == outcome::blocked) ++result.blocked;
    if (how == outcome::complete && searches && !seen_before.insert(steps.state())) {
      ++result.repeated;
    } else if (how == outcome::complete) {
      ++result.executions;
      note_outcome();
    }
    watch.show(result.executions, result.blocked, samples ? most : 0, searches ? steps.choices().explored() : steps.explored());
    if (searches) result.preemptions = steps.choices().preemption_bound;
    if (!look_further()) break;
    if (replays || (searches && !steps.more() && !steps.choices().next_execution(!result.violation))) break;
  }
  const bool explored = !samples && !searches && !replays && !met_most && !met_limit && !met_repetitions;
  result.strict = explored && (o.strict.value_or(false) || !steps.has_waited());
  if (explored && !result.strict && !o.strict && !result.violation) {
    steps.strict(true);
    steps.begin();
    std::uint64_t left = result.executions + result.blocked + 1000;
    while (steps.more() && left-- != 0) {
      const std::optional<outcome> how = run();
      if (!how) checked.begin_again();
      if (how == outcome::complete) note_outcome();
      if (how == outcome::complete || how == outcome::blocked) ++result.further;
      if (how && !look_further()) break;
    }
    result.strict = !steps.more() && !met_limit && !met_repetitions;
    met_limit = met_repetitions = false;
  }
  if (!result.violation) {
    const auto also = [&result](bool met, const std::string& text) {
      if (met) result.bounds += (result.bounds.empty() ? "" : "; ") + text;
    };
    also(replays, "a replay of one execution, in which nothing goes wrong");
    also(samples, "executions are chosen at random");
    also(o.preemption_bound && !replays, "a bound of " + std::to_string(o.preemption_bound.value_or(0)) + " preemptions");
    also(met_most, "a bound of " + std::to_string(most) + " executions");
    also(met_repetitions, "a bound of " + std::to_string(o.repetitions) + " repetitions of a loop with effects");
    also(met_limit, "a bound on the steps of an execution");
    result.complete = result.bounds.empty();
  }
  result.seconds = watch.seconds();
  return result;
}
/// Runs the execution that violates something again, and records its steps.
template <class Body>
void explain(violation& found, options o, Body& body) {
  o.replay = found.replay;
  o.progress = false;
  std::optional<violation> again = explore(o, body).violation;
  if (again && again->kind == found.kind && again->replay == found.replay) {
    found = std::move(*again);
  } else {
    found.trace = "no trace: the body, run again, did something else\n";
  }
}

}  // namespace detail

/// Runs `body` in every execution that it has, or in those that the options say, until one violates something; and that one once more, for
/// the violation's trace and picture.
///
/// Throws std::invalid_argument where the options ask for what there is not, and std::bad_alloc. Not to be called within a body.
template <class Body>
report check(const options& o, Body&& body) {
  report result = detail::explore(o, body);
  if (result.violation && o.replay.empty()) detail::explain(*result.violation, o, body);
  return result;
}
template <class Body>
report check(Body&& body) {
  return check(options{}, std::forward<Body>(body));
}

}  // namespace pawl::inline v0::model
