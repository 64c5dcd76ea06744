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
  std::string trace;  // a line per step, in an order in which it could have happened
  std::string replay;  // options::replay runs exactly this execution
  std::string dot;  // the execution as a picture, for Graphviz: threads as columns, reads-from and synchronizes-with as arrows
  std::size_t length = 0;  // steps in the trace
};

struct report {
  bool complete = false;  // every execution was explored
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
};

}  // namespace pawl::inline v0::model
