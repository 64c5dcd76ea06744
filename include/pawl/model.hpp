// SPDX-License-Identifier: BSL-1.0
// model::check runs a program over backend::model in all its executions: every interleaving, and every store that the C++20 memory model
// lets a load read. Header-only, in one process and one real thread. See docs/model.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "model/backend.hpp"
#include "model/environment.hpp"
#include "model/report.hpp"

// Called by pawl_model_pause, so the compiler sees no use of it. NOLINTNEXTLINE(misc-definitions-in-headers): weak
extern "C" [[gnu::weak, gnu::used]] void pawl_model_paused(const void* frame) { pawl::model::detail::active->steps().pause(frame); }

namespace pawl::inline v0::model {

struct options {
  std::uint64_t max_executions = 0;  // 0: no bound
  std::uint64_t max_steps = 0;  // of one execution; 0: no bound
  unsigned spurious_failures = 1;  // of weak compare-and-swaps of one thread on one object
};

/// A violation where `holds` is false. Ends the execution.
inline void require(bool holds, const char* why = "", detail::place where = {__builtin_FILE(), __builtin_LINE()}) {
  if (holds) return;
  if (auto* const e = detail::active) {
    e->fail(violation_kind::requirement, why, where);
    e->stop_if_failed();
  }
}

/// Adds to the execution's outcome.
template <class T>
  requires std::is_integral_v<T> || std::is_enum_v<T>
void observe(const char* name, T value) {
  if (detail::active != nullptr) detail::active->observe(name, static_cast<long long>(value));
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
    write(where);
  }
  var(const var&) = delete;
  var& operator=(const var&) = delete;
  ~var() {
    if (detail::active != nullptr) detail::active->end_object(this);
  }
  [[nodiscard]] T get(detail::place where = {__builtin_FILE(), __builtin_LINE()}) const {
    if (auto* const e = detail::active) {
      e->read_plain(this, where);
      e->stop_if_failed();
    }
    return value_;
  }
  void set(T value, detail::place where = {__builtin_FILE(), __builtin_LINE()}) {
    write(where);
    value_ = std::move(value);
  }

 private:
  void write(const detail::place& where) {
    if (auto* const e = detail::active) {
      e->write_plain(this, where);
      e->stop_if_failed();
    }
  }
  T value_;
};

/// A thread of the modelled program. Joined before it ends.
class thread {
 public:
  template <class F>
    requires std::is_invocable_v<F&>
  explicit thread(F f, detail::place where = {__builtin_FILE(), __builtin_LINE()}) {
    auto& e = *detail::active;
    // In the arena: an execution that is given up ends nobody's life.
    void* const memory = e.allocate(sizeof(F), alignof(F), false, where);
    auto* const function = ::new (memory) F(std::move(f));
    number_ = e.steps().spawn(
        [](void* body) {
          auto& own = *static_cast<F*>(body);
          guarded(own);
          own.~F();
        },
        function);
    if (number_ >= detail::max_threads) e.fail(violation_kind::requirement, "more threads than the checker has room for", where);
    e.stop_if_failed();
  }
  thread(thread&& other) noexcept : number_(std::exchange(other.number_, 0)) {}
  thread& operator=(thread&&) = delete;
  ~thread() {
    if (number_ == 0 || std::uncaught_exceptions() != 0) return;
    detail::active->fail(violation_kind::requirement, "a thread is not joined", {});
    detail::active->stop_if_failed();
  }
  [[nodiscard]] bool joinable() const noexcept { return number_ != 0; }
  void join() { detail::active->steps().join(std::exchange(number_, 0)); }

  /// Runs f; an exception that leaves it is a violation.
  template <class F>
  static void guarded(F& f) {
    auto& e = *detail::active;
    try {
      f();
    } catch (const std::exception& thrown) {
      e.fail(violation_kind::exception, std::string("an exception leaves a thread: ") + thrown.what(), {});
    } catch (...) {
      e.fail(violation_kind::exception, "an exception leaves a thread", {});
    }
    e.stop_if_failed();
  }

 private:
  unsigned number_ = 0;
};

/// Memory that the check follows: T(args...), to be ended by destroy.
template <class T, class... Args>
T* make(Args&&... args) {
  void* const memory = environment<backend::model>::allocate(sizeof(T), alignof(T));
  return ::new (memory) T(std::forward<Args>(args)...);
}
template <class T>
void destroy(T* object) {
  if (object == nullptr) return;
  object->~T();
  environment<backend::model>::deallocate(object, sizeof(T), alignof(T));
}

/// Runs `body` in every execution that it has, until one violates something.
template <class Body>
report check(const options& o, Body&& body) {
  using outcome = detail::explorer::outcome;
  report result;
  detail::execution checked(o.spurious_failures);
  detail::explorer& steps = checked.steps();
  const auto begin = std::chrono::steady_clock::now();
  auto main = [&body, &checked] {
    thread::guarded(body);
    checked.end_globals();
  };
  steps.begin();
  bool bounded = false;
  while (steps.more()) {
    if (o.max_executions != 0 && result.executions + result.blocked >= o.max_executions) {
      bounded = true;
      break;
    }
    checked.new_run();
    steps.limit(o.max_steps);
    detail::active = &checked;
    const outcome how = steps.run(main);
    detail::active = nullptr;
    checked.finish(how);
    if (checked.must_begin_again()) {
      result = report();
      bounded = false;
      checked.begin_again();
      continue;
    }
    result.steps += checked.events();
    if (how == outcome::bounded) bounded = true;
    if (how == outcome::blocked) ++result.blocked;
    if (how == outcome::complete) {
      ++result.executions;
      std::string seen;
      for (const auto& [name, value] : checked.observed()) seen += (seen.empty() ? "" : " ") + name + "=" + value;
      if (!seen.empty()) result.outcomes.insert(seen);
    }
    if (checked.failure()) break;
  }
  result.violation = checked.failure();
  result.complete = !result.violation && !bounded;
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}
template <class Body>
report check(Body&& body) {
  return check(options{}, std::forward<Body>(body));
}

}  // namespace pawl::inline v0::model
