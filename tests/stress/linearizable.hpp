// SPDX-License-Identifier: BSL-1.0
// Was what threads saw of an object possible? A history of calls is linearizable where the calls have a sequential order that gives the
// same results and in which no call stands before one that had ended when it began (M. Herlihy and J. Wing, TOPLAS 1990). The search: J.
// Wing and C. Gong, "Testing and Verifying Concurrent Objects", JPDC 1993, remembering what was tried (G. Lowe, CCPE 2017).
#pragma once

#include <atomic>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include <pawl/detail/config.hpp>

namespace stress {

/// One call. `Action` says what was called and what came back: `bool action(State&) const` applies it to a sequential object and tells
/// whether that gives the same result.
template <class Action>
struct call {
  std::uint32_t begin;
  std::uint32_t end;
  Action action;
};

template <class State, class Action>
class linearization {
 public:
  explicit linearization(const std::vector<call<Action>>& history) : history_(history) {}
  [[nodiscard]] bool exists(const State& initial) { return extend(0, initial); }

 private:
  // `done` are the calls that stand in the order already, as bits; `state` is what they make of the object.
  bool extend(std::uint32_t done, const State& state) {
    std::uint32_t first_end = ~std::uint32_t{0};  // of those that are left
    for (std::size_t i = 0; i < history_.size(); ++i) {
      if ((done >> i & 1U) == 0 && history_[i].end < first_end) first_end = history_[i].end;
    }
    if (first_end == ~std::uint32_t{0}) return true;
    if (!tried_.emplace(done, state).second) return false;
    for (std::size_t i = 0; i < history_.size(); ++i) {
      if ((done >> i & 1U) != 0 || history_[i].begin > first_end) continue;
      State after = state;
      if (history_[i].action(after) && extend(done | std::uint32_t{1} << i, after)) return true;
    }
    return false;
  }

  const std::vector<call<Action>>& history_;
  std::set<std::pair<std::uint32_t, State>> tried_;
};

/// At most 32 calls. State is copyable and has operator<.
template <class State, class Action>
bool linearizable(const std::vector<call<Action>>& history, const State& initial = State()) {
  return linearization<State, Action>(history).exists(initial);
}

/// When calls begin and end. Under TSan it orders nothing but itself, so that it hides no race.
class clock {
 public:
  std::uint32_t tick() noexcept { return now_.fetch_add(1, order); }

 private:
  static constexpr auto order = pawl::detail::under_tsan ? std::memory_order_relaxed : std::memory_order_seq_cst;
  std::atomic<std::uint32_t> now_{0};
};

}  // namespace stress
