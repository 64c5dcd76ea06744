// SPDX-License-Identifier: BSL-1.0
// A thread's critical sections without a record, by the counter that they are in: in the thread's own memory, since there was no other.
#pragma once

#include <cstdint>

namespace pawl::inline v0::detail {

/// Of two counters at a time; of others only how many. After a fork its child counts the latter apart, with those of the parent's threads,
/// until none of them is left.
class noted_sections {
 public:
  constexpr noted_sections() noexcept = default;

  /// In a fork's child, of the thread that forked.
  void fork() noexcept { apart_ = elsewhere_ != 0; }
  /// Whether there are sections that are counted apart. Others that come meanwhile to where there is no room are, too.
  [[nodiscard]] bool some_apart() const noexcept { return apart_; }

  /// True where the section is counted apart.
  bool note(const void* counter) noexcept {
    entry* const found = find(counter) != nullptr ? find(counter) : find_free();
    if (found == nullptr) {
      ++elsewhere_;
      return apart_;
    }
    found->counter = counter;
    ++found->open;
    return false;
  }
  /// The same of the section that `forget` would end.
  [[nodiscard]] bool is_apart(const void* counter) noexcept { return apart_ && find(counter) == nullptr; }
  void forget(const void* counter) noexcept {
    if (entry* const found = find(counter)) {
      --found->open;
    } else if (--elsewhere_ == 0) {
      apart_ = false;
    }
  }
  /// How many are noted of the counter. (There may be others: the first ones may have come when there was no room.)
  [[nodiscard]] std::uint32_t of(const void* counter) const noexcept {
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
  bool apart_ = false;
};

/// What a counter asks of the module that has the threads' tables: of all modules that use a domain, the one whose code made it.
struct section_notes {
  // The calling thread begins a section, will end one, ends it. True: it is counted apart.
  bool (*note)(const void* counter) noexcept;
  bool (*is_apart)(const void* counter) noexcept;
  void (*forget)(const void* counter) noexcept;
  // Of the thread that forked this process.
  struct forked {
    std::uint32_t kept;  // the sections of this counter that are noted
    bool some_apart;  // it has others, or had some when the fork was not told
    std::uint32_t settled;  // the process that it forked, where nobody had any there; or 0
  };
  forked (*of_forked)(const void* counter) noexcept;
  // Whether the calling thread is the one, and has others.
  bool (*has_apart)() noexcept;
};

}  // namespace pawl::inline v0::detail
