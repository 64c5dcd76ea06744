// SPDX-License-Identifier: BSL-1.0
// A thread's critical sections without a record, by the counter that they are in: in the thread's own memory, since there was no other.
#pragma once

#include <cstdint>

namespace pawl::inline v0::detail {

/// Of two counters at a time.
class noted_sections {
 public:
  /// False where there is no room.
  bool note(const void* counter) noexcept {
    for (entry& each : entries_) {
      if (each.counter != counter) continue;
      ++each.open;
      return true;
    }
    for (entry& each : entries_) {
      if (each.open != 0) continue;
      each = {counter, 1};
      return true;
    }
    return false;
  }
  void forget(const void* counter) noexcept {
    for (entry& each : entries_) {
      if (each.counter == counter && each.open != 0) --each.open;
    }
  }
  [[nodiscard]] std::uint32_t of(const void* counter) const noexcept {
    for (const entry& each : entries_) {
      if (each.counter == counter) return each.open;
    }
    return 0;
  }

 private:
  struct entry {
    const void* counter = nullptr;
    std::uint32_t open = 0;
  };
  entry entries_[2]{};
};

}  // namespace pawl::inline v0::detail
