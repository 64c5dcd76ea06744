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
  static constexpr const char* same_address =
      "Needed where an address is used again: the link may name another node by now, at the same address. Scenarios give no "
      "address "
      "twice in one execution; `options::reuse` does.";
  static constexpr const char* failure_only =
      "Only the failure needs it, and its weakening is caught; g++ warns of a failure order above the success order.";
  static constexpr const char* allocation =
      "A thread that finds another's block takes it as allocated. Scenarios come by here, but the checker doesn't ask whether an "
      "allocation "
      "happens before the use of its memory.";
  static constexpr entry entries[] = {
      {"pawl/hash_map.hpp", "op.item_of(at.here)->next.compare_exchange_strong(next, next.with_mark(true)", same_address},
      {"pawl/hash_map.hpp", "op.item_of(at.here)->next.compare_exchange_strong(next, fresh.with_mark(true)", same_address},
      {"pawl/hash_map.hpp", "current.next.load(std::memory_order_acquire) != next", same_address},
      {"pawl/hash_map.hpp", "head->key.compare_exchange_strong(state", failure_only},
      {"pawl/queue.hpp", "head_.compare_exchange_weak(head, last",
       "As (5). Without it the copy of the last value could be read after the step that makes the node another's: a cycle of "
       "program "
       "order and reads-from, which the checker's model excludes and ISO C++ and some machines don't."},
      {"pawl/tagged_pool.hpp", "list.compare_exchange_weak(head, next", failure_only},
      {"pawl/tagged_pool.hpp", "blocks_[width]", allocation},
      {"pawl/tagged_pool.hpp", "offsets_[width]", allocation},
  };
  for (const entry& each : entries) {
    if (file == each.file && line.find(each.piece) != std::string::npos) return each.why;
  }
  return "";
}
