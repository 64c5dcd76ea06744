// SPDX-License-Identifier: BSL-1.0
// The steps of a run that is shown, and the violation with all that explains it.
// A part of execution.hpp.
#pragma once

#include "../execution.hpp"

namespace pawl::inline v0::model::detail {

[[gnu::noinline, gnu::cold]] inline void execution::record(detail::step s) {
  s.thread = static_cast<std::uint8_t>(explorer_.running());
  s.time = explorer_.state().threads[s.thread].now.time[s.thread];
  history_.add(s);
}

[[gnu::noinline, gnu::cold]] inline void execution::record_event(const char* operation, const place& where, uint128 value,
                                                                 stamp event) {
  detail::step s{.operation = operation, .where = where, .value = value, .event = event};
  s.first_other = static_cast<std::uint32_t>(history_.others.size());
  explorer_.for_each_alternative(event, [this, &s](stamp other) {
    history_.others.push_back(other);
    ++s.others;
  });
  record(s);
}

[[gnu::noinline, gnu::cold]] inline void execution::record_memory(const char* operation, const block& memory, const place& where,
                                                                  stamp event) {
  record({.operation = operation,
          .where = where,
          .value = reinterpret_cast<std::uintptr_t>(memory.begin),
          .bytes = memory.bytes,
          .event = event,
          .says = step::about::memory});
}

[[gnu::noinline, gnu::cold]] inline void execution::record_read(const void* address, std::size_t bytes, const place& where) {
  detail::step s{.operation = "plain read", .where = where};
  if (is_shown(bytes)) {
    s.value = value_at(address, bytes);
    s.says = step::about::reads;
  }
  record(s);
}

[[gnu::noinline, gnu::cold]] inline void execution::record_write(const void* address, std::size_t bytes, const void* value,
                                                                 const place& where) {
  detail::step s{.operation = "plain write", .where = where};
  const bool shown = is_shown(bytes);
  if (shown && value != nullptr) {
    s.value = value_at(value, bytes);
    s.says = step::about::leaves;
  }
  record(s);
  // (Of other memory nobody knows whether it is still there when the next step comes.)
  if (shown && value == nullptr && (arena_.owns(address) || explorer_.is_on_stack(address))) history_.await_value(address, bytes);
}

inline void execution::show_thread(const char* operation, const place& where, step::about says, unsigned other) {
  if (shows()) [[unlikely]]
    record({.operation = operation, .where = where, .other = static_cast<std::uint8_t>(other), .says = says});
}

inline void execution::note_step(const char* operation, const place& where) {
  if (takes_step()) [[unlikely]]
    record({.operation = operation, .where = where});
}

inline std::string execution::edge_from(const moment& earlier) const {
  const recorded_run run(explorer_.state(), history_);
  return missing_edge(run, earlier.thread, earlier.time, explorer_.running()).as_text();
}

inline std::size_t execution::last_round_to_the_end() {
  buffer<detail::step>& all = history_.steps;
  buffer<detail::step> again;
  bool comes_again[max_threads] = {};
  std::size_t once = 0;
  history_.settle();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const detail::step each = all[i];
    // What is no event belongs to the one before.
    if (each.event != initial) comes_again[each.thread] = !explorer_.comes_once(each.event);
    if (comes_again[each.thread]) {
      again.push_back(each);
    } else {
      all[once++] = each;
    }
  }
  for (std::size_t i = 0; i < again.size(); ++i) all[once + i] = again[i];
  return once;
}

inline void execution::note(violation_kind kind, std::string message, std::size_t again_from) {
  failure_ = violation{kind, std::move(message), "", settings_.mark(explorer_.replay()), "", steps_taken_};
  if (!records_) return;
  history_.settle();
  const recorded_run run(explorer_.state(), history_);
  failure_->trace = trace(run, again_from).as_text();
  failure_->dot = picture(run).as_dot();
  failure_->length = history_.steps.size();
}

}  // namespace pawl::inline v0::model::detail
