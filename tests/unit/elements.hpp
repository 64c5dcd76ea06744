// SPDX-License-Identifier: BSL-1.0
// Element types that notice what containers do to them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

struct thrown {};

/// Counts its objects, notices when one is used before its beginning or after its end, and throws at a copy or move when told to.
class counted {
 public:
  static constexpr int moved_from = -1;
  static inline std::atomic<long> alive{0};
  static inline std::atomic<long> misused{0};  // used outside its life
  static inline thread_local long throw_after = -1;  // that many copies and moves of this thread; below zero: never

  counted(int value = 0) : value_(value), life_(living) { ++alive; }  // NOLINT(google-explicit-constructor)
  counted(const counted& other) : value_(other.value()), life_(living) {
    step();
    ++alive;
  }
  counted(counted&& other) : value_(other.value()), life_(living) {  // NOLINT(performance-noexcept-move-constructor): may throw
    step();
    ++alive;
    other.value_ = moved_from;
  }
  counted& operator=(const counted& other) {
    const int copied = other.value();
    step();
    set(copied);
    return *this;
  }
  counted& operator=(counted&& other) {  // NOLINT(performance-noexcept-move-constructor): may throw
    const int moved = other.value();
    step();
    other.set(moved_from);
    set(moved);
    return *this;
  }
  ~counted() {
    static_cast<void>(value());
    life_ = 0;
    --alive;
  }

  [[nodiscard]] int value() const noexcept {
    if (life_ != living) ++misused;
    return value_;
  }
  friend bool operator==(const counted& a, const counted& b) noexcept { return a.value() == b.value(); }

 private:
  static constexpr std::uint32_t living = 0x600d600d;
  static void step() {
    if (throw_after >= 0 && throw_after-- == 0) throw thrown{};
  }
  void set(int value) noexcept {
    static_cast<void>(this->value());
    value_ = value;
  }

  int value_;
  std::uint32_t life_;
};

using move_only = std::unique_ptr<int>;

/// Notices when it is in the wrong place.
struct alignas(128) over_aligned {
  static inline std::atomic<long> misplaced{0};
  int value;
  over_aligned(int v = 0) noexcept : value(v) { look(); }  // NOLINT(google-explicit-constructor)
  over_aligned(const over_aligned& other) noexcept : value(other.value) { look(); }
  over_aligned& operator=(const over_aligned&) noexcept = default;
  ~over_aligned() = default;

 private:
  void look() const noexcept {
    if (reinterpret_cast<std::uintptr_t>(this) % alignof(over_aligned) != 0) ++misplaced;
  }
};
