// SPDX-License-Identifier: BSL-1.0
// What model::check is told and what it says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

namespace pawl::inline v0::model {

enum class violation_kind {
  data_race,
  use_after_free,
  double_free,
  leak,
  deadlock,
  livelock,
  requirement,
  not_linearizable,
  uninitialized_read,
  exception,
};

inline const char* to_string(violation_kind kind) noexcept {
  switch (kind) {
    case violation_kind::data_race:
      return "data_race";
    case violation_kind::use_after_free:
      return "use_after_free";
    case violation_kind::double_free:
      return "double_free";
    case violation_kind::leak:
      return "leak";
    case violation_kind::deadlock:
      return "deadlock";
    case violation_kind::livelock:
      return "livelock";
    case violation_kind::requirement:
      return "requirement";
    case violation_kind::not_linearizable:
      return "not_linearizable";
    case violation_kind::uninitialized_read:
      return "uninitialized_read";
    case violation_kind::exception:
      return "exception";
  }
  return "unknown";
}

struct violation {
  violation_kind kind;
  std::string message;
  std::string trace;  // a line per step, in an order in which it could have happened; the last one is what violates
  std::string replay;  // options::replay runs exactly this execution, with the same options
  std::string dot;  // the execution as a picture, for Graphviz: threads as columns, reads-from and synchronizes-with as arrows
  std::size_t length = 0;  // steps in the trace
};

struct report {
  bool complete = false;  // every execution was explored, waiting loops by their last iterations
  bool strict = false;  // and by all of their iterations: see options::strict
  std::uint64_t further = 0;  // executions, blocked ones too, that came after the others for what threads keep of having waited
  std::uint64_t executions = 0;  // with a preemption bound: different ones
  std::uint64_t blocked = 0;  // executions in which a waiting loop waits, for a store that another execution shows it
  std::uint64_t steps = 0;
  double seconds = 0;
  std::optional<model::violation> violation;
  std::set<std::string> outcomes;  // of model::observe, for each complete execution
  std::uint64_t repeated = 0;  // with a preemption bound: executions that had come up before, by another order of their steps
  // With a preemption bound: of the violation, how many it took; else, up to how many everything was explored, or began to be.
  std::optional<unsigned> preemptions;
  std::string bounds;  // why it is not complete, in words; empty where the check is complete or has found a violation

  [[nodiscard]] bool ok() const noexcept { return !violation; }
  /// Of all kinds together; 0 where that took no time that could be measured.
  [[nodiscard]] double executions_per_second() const noexcept {
    return seconds > 0 ? static_cast<double>(executions + repeated + blocked + further) / seconds : 0;
  }
};

/// The result in a line, or, of a violation, with its trace and its replay string.
inline std::string to_string(const report& r) {
  std::string text;
  if (r.violation) {
    text = std::string(to_string(r.violation->kind)) + ": " + r.violation->message + "\n" + r.violation->trace +
           "replay: " + r.violation->replay + "\n";
  } else {
    text = r.complete ? "complete" : "no violation found, not complete (" + r.bounds + ")";
    text += ": ";
  }
  const auto count = [&text](std::uint64_t number, const char* what) { text += std::to_string(number) + what; };
  count(r.executions, " executions, ");
  if (r.repeated != 0) count(r.repeated, " repeated, ");
  count(r.blocked, " blocked, ");
  if (r.further != 0) count(r.further, " further, ");
  count(r.steps, " steps in ");
  const auto milliseconds = static_cast<std::uint64_t>(r.seconds * 1000);
  const std::string fraction = std::to_string(1000 + milliseconds % 1000).substr(1);
  text += std::to_string(milliseconds / 1000) + "." + fraction + " s, ";
  count(static_cast<std::uint64_t>(r.executions_per_second()), "/s");
  return text;
}

}  // namespace pawl::inline v0::model
