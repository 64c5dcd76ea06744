// SPDX-License-Identifier: BSL-1.0
// Why an order stays whose weakening no scenario notices. By file and a piece of the line.
#pragma once

#include <string>

inline std::string reason_for(const std::string& file, const std::string& line) {
  struct entry {
    const char* file;
    const char* piece;
    const char* why;
  };
  static constexpr const char* failure_only =
      "Only the failure needs it, and its weakening is caught; g++ warns of a failure order above the success order.";
  static constexpr const char* for_a_child = "Orders what a fork's child gets of the memory; the model forks no process.";
  static constexpr entry entries[] = {
      {"pawl/detail/epoch_record.hpp", "B::thread_fence(std::memory_order_release)", for_a_child},
      {"pawl/detail/epoch_record.hpp", "moving.give_back(", for_a_child},
      {"pawl/detail/epoch_waiting.hpp", "in_barrier_.try_take(",
       "The heavy fence behind it is an acquire fence, too; ThreadSanitizer doesn't see that."},
      {"pawl/detail/epoch_waiting.hpp", "for records made late",
       "Only for records that are made while a barrier runs; the model makes all records before."},
      {"pawl/detail/epoch_waiting.hpp", "asymmetric_thread_fence_heavy",
       "Of the barrier: who retires and finds its lists taken leaves its object with the orphans, where the barrier finds it. It "
       "was perhaps "
       "unlinked after the fences before, so that of its readers only this fence makes sure that their pins are seen. That takes "
       "more "
       "executions than this report explores; the fence's removal is caught (tests/model/planted)."},
      {"pawl/hash_map.hpp", "head->key.compare_exchange_strong(state", failure_only},
      {"pawl/detail/pool_free_list.hpp", "head_.compare_exchange_weak(head, next", failure_only},
  };
  for (const entry& each : entries) {
    if (file == each.file && line.find(each.piece) != std::string::npos) return each.why;
  }
  return "";
}
