// SPDX-License-Identifier: BSL-1.0
// A thread's critical sections without a record, by the counter that they are in: in the thread's own memory, since there was no other.
#pragma once

#include <cstdint>

namespace pawl::inline v0::detail {

/// Of two counters at a time; of others only how many.
class noted_sections {
 public:
  constexpr noted_sections() noexcept = default;
  /// As if there were some of any counter.
  static constexpr noted_sections unknown() noexcept {
    noted_sections any;
    any.elsewhere_ = 1;
    return any;
  }

  void note(const void* counter) noexcept {
    entry* const found = find(counter) != nullptr ? find(counter) : find_free();
    if (found == nullptr) {
      ++elsewhere_;
    } else {
      found->counter = counter;
      ++found->open;
    }
  }
  void forget(const void* counter) noexcept {
    if (entry* const found = find(counter)) {
      --found->open;
    } else {
      --elsewhere_;
    }
  }
  /// How many there are in the counter; `at_most` where that isn't known.
  [[nodiscard]] std::uint32_t of(const void* counter, std::uint32_t at_most) const noexcept {
    // Also where there are some in an entry: the first ones may have come when there was no room.
    if (elsewhere_ != 0) return at_most;
    for (const entry& each : entries_) {
      if (each.open != 0 && each.counter == counter) return each.open;
    }
    return 0;
  }

 private:
  struct entry {
    const void* counter = nullptr;
    std::uint32_t open = 0;
  };

  entry* find(const void* counter) noexcept {
    for (entry& each : entries_) {
      if (each.open != 0 && each.counter == counter) return &each;
    }
    return nullptr;
  }
  entry* find_free() noexcept {
    for (entry& each : entries_) {
      if (each.open == 0) return &each;
    }
    return nullptr;
  }

  entry entries_[2]{};
  std::uint32_t elsewhere_ = 0;
};

}  // namespace pawl::inline v0::detail
