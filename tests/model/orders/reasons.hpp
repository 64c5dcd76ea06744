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
      "Needed where an address is used again: the link may name another node by now, at the same address. The checker doesn't give "
      "memory twice in one execution (`options::reuse` is not built).";
  static constexpr const char* larger_directory =
      "The same pair as that of a small level, which is caught, on a level that only a map of more buckets has: its scenarios have "
      "too "
      "many executions.";
  static constexpr entry entries[] = {
      {"pawl/detail/bucket_directory.hpp", "tables_[at.level].load", larger_directory},
      {"pawl/detail/bucket_directory.hpp", "piece = pieces[at.index", larger_directory},
      {"pawl/detail/bucket_directory.hpp", "where.load(std::memory_order_acquire)", larger_directory},
      {"pawl/detail/bucket_directory.hpp", "where.compare_exchange_strong(present, made", larger_directory},
      {"pawl/detail/hazard_domain.hpp", "orphans_.exchange(nullptr",
       "Only a thread that had no memory for its record leaves an orphan, and no scenario runs out of memory."},
      {"pawl/hash_map.hpp", "op.item_of(at.here)->next.compare_exchange_strong(next, next.with_mark(true)", same_address},
      {"pawl/hash_map.hpp", "op.item_of(at.here)->next.compare_exchange_strong(next, fresh.with_mark(true)", same_address},
      {"pawl/hash_map.hpp", "current.next.load(std::memory_order_acquire) != next", same_address},
      {"pawl/hash_map.hpp", "at.before->compare_exchange_strong(here, fresh",
       "The erase that this insert follows happens before it: seen only by a thread that learns from elsewhere that there was "
       "one."},
      {"pawl/hash_map.hpp", "before->compare_exchange_strong(expected, successor",
       "As (3), whose weakening is caught: passes on the successor's construction. It takes a fourth thread to see it here."},
      {"pawl/hash_map.hpp", "head->key.compare_exchange_strong(state",
       "Only the failure needs it, and its weakening is caught; g++ warns of a failure order above the success order."},
      {"pawl/queue.hpp", "head_.compare_exchange_weak(head, last",
       "As (5). Without it the copy of the last value could be read after the step that makes the node another's: a cycle of "
       "program order "
       "and reads-from, which the checker's model excludes and ISO C++ and some machines don't."},
      {"pawl/queue.hpp", "head_.compare_exchange_weak(head, next",
       "As above: (5) excludes a cycle of program order and reads-from."},
      {"pawl/tagged_pool.hpp", "list.compare_exchange_weak(head, next",
       "Only the failure needs it, and its weakening is caught; g++ warns of a failure order above the success order."},
      {"pawl/tagged_pool.hpp", "blocks_[width]",
       "A thread that finds another's block takes it as allocated: needs two threads that grow a pool at once."},
      {"pawl/tagged_pool.hpp", "first_offset_", "As above: needs two threads that grow a pool at once."},
  };
  for (const entry& each : entries) {
    if (file == each.file && line.find(each.piece) != std::string::npos) return each.why;
  }
  return "";
}
