// SPDX-License-Identifier: BSL-1.0
// Whether a loop only waits. Every iteration of a waiting loop ends in pause(). One that changed nothing, and after which the thread is
// where it was before it, would come again for ever until another thread stores: so the thread may sleep until then.
//
// That nothing changed can't be read off the graph: the loop may count its iterations in a register. So after an iteration two more are
// tried, outside of the graph, each read answered by what the thread last read there, since it last did anything else. The thread's stack
// and registers, and the memory that is not its own, after the first of them and after the second are equal: then they will be for ever.
// (Not those after the one in the graph: the code before the loop is part of it, and its traces are still on the stack.)
//
// What an iteration changes only when it comes first can't be seen so, a thread's knowledge of having waited; nor can what it
// keeps of the values that it has read. In the strict way each iteration is part of the graph, until one leaves the thread as the one before
// did; only then others are tried. That makes more executions, which differ in how long a thread has waited.
#pragma once

#include <cstddef>
#include <cstring>

#include "buffer.hpp"
#include "event.hpp"
#include "hash.hpp"

namespace pawl::inline v0::model::detail {

class waiting_loop {
 public:
  enum class verdict { tries, waits, did_something };

  void begin() noexcept {
    reads_.clear();
    tried_.clear();
    effects_ = 0;
    effect_ = false;
    round_ = 0;
  }
  /// A run begins.
  void begin_run() noexcept {
    begin();
    in_a_row_ = 0;
  }
  /// In the graph: a load, and what it read.
  void read(stamp load, std::uint32_t location, uint128 value) { reads_.push_back({value, location, load}); }
  void acted() noexcept {
    effect_ = true;
    effects_ = reads_.size();
  }
  /// The thread's last load: there was one since the last pause.
  [[nodiscard]] stamp last_load() const noexcept { return reads_[reads_.size() - 1].load; }

  /// Whether the iteration in the graph is none that only waits.
  [[nodiscard]] bool has_effect() const noexcept { return effect_ || reads_.empty(); }
  /// Whether the next ones may wait: what this one did comes before what it has read last, as when it was before the loop.
  [[nodiscard]] bool reads_at_last() const noexcept { return reads_.size() != effects_; }

  /// Of what the iteration has read so far.
  [[nodiscard]] std::uint64_t hash_of_reads(std::uint64_t so_far) const noexcept {
    for (const one_read& each : reads_) {
      so_far = detail::hash(so_far, each.location);
      so_far = detail::hash(so_far, static_cast<std::uint64_t>(each.value) ^ static_cast<std::uint64_t>(each.value >> 64U));
    }
    return so_far;
  }

  /// The iteration is one of the two that are only tried.
  [[nodiscard]] bool trying() const noexcept { return round_ != 0; }
  /// Answers a read of a tried iteration; false where nothing was read there before, or this reads more than the iteration in the graph:
  /// then the thread does something new. (It might never come to a pause, too.)
  bool answer(std::uint32_t location, uint128& value) {
    if (tried_.size() == reads_.size() - effects_) return false;
    for (std::size_t i = reads_.size(); i-- > effects_;) {
      if (reads_[i].location != location) continue;
      value = reads_[i].value;
      tried_.push_back(location);
      return true;
    }
    return false;
  }

  /// At the end of an iteration; the thread's registers and frames are in [frame, top), and `memory` is a hash of what is not its own.
  verdict ended(const void* frame, const std::byte* top, std::uint64_t memory) {
    switch (round_) {
      case 0:
        round_ = 1;
        tried_.clear();
        return verdict::tries;
      case 1:
        if (!repeats_what_was_read()) return verdict::did_something;
        keep(frame, top, memory);
        round_ = 2;
        tried_.clear();
        return verdict::tries;
      default:
        return repeats_what_was_read() && is_kept(frame, top, memory) ? verdict::waits : verdict::did_something;
    }
  }
  /// The strict way, at the end of each iteration: whether this one has no effect, and left the thread as the one before did. Or is the
  /// third in a row: it may have left no more than traces where nobody looks.
  bool left_as_before(const void* frame, const std::byte* top) {
    in_a_row_ = has_effect() ? 0 : in_a_row_ + 1;
    if (in_a_row_ > 2 || (in_a_row_ == 2 && is_kept(frame, top, 0))) return true;
    keep(frame, top, 0);
    return false;
  }
  /// Of a thread that waits: calls f(load, location) for what it reads in each iteration.
  template <class F>
  void for_each_awaited(F f) const {
    for (std::size_t i = reads_.size() - tried_.size(); i < reads_.size(); ++i) f(reads_[i].load, reads_[i].location);
  }

 private:
  struct one_read {
    uint128 value;
    std::uint32_t location;
    stamp load;
  };

  // An iteration reads what the one in the graph read last; what that read before belongs to the code before the loop.
  [[nodiscard]] bool repeats_what_was_read() const noexcept {
    if (tried_.empty() || tried_.size() > reads_.size() - effects_) return false;
    const std::size_t first = reads_.size() - tried_.size();
    for (std::size_t i = 0; i < tried_.size(); ++i) {
      if (reads_[first + i].location != tried_[i]) return false;
    }
    return true;
  }
  void keep(const void* frame, const std::byte* top, std::uint64_t memory) {
    const auto* const from = static_cast<const std::byte*>(frame);
    left_.resize(static_cast<std::size_t>(top - from));
    copy(left_.begin(), from, left_.size());
    memory_ = memory;
  }
  [[nodiscard]] bool is_kept(const void* frame, const std::byte* top, std::uint64_t memory) const noexcept {
    const auto* const from = static_cast<const std::byte*>(frame);
    return memory == memory_ && left_.size() == static_cast<std::size_t>(top - from) && equal(left_.begin(), from, left_.size());
  }
  // Of another function's frames, redzones included: nothing for a sanitizer to look at.
#if defined(__clang__)
  __attribute__((no_sanitize("address")))
#else
  [[gnu::no_sanitize_address, gnu::optimize("no-tree-loop-distribute-patterns")]]
#endif
  static void
  copy(std::byte* to, const std::byte* from, std::size_t bytes) noexcept {
    for (std::size_t i = 0; i < bytes; ++i) to[i] = from[i];
  }
#if defined(__clang__)
  __attribute__((no_sanitize("address")))
#else
  [[gnu::no_sanitize_address]]
#endif
  static bool
  equal(const std::byte* a, const std::byte* b, std::size_t bytes) noexcept {
    for (std::size_t i = 0; i < bytes; ++i) {
      if (a[i] != b[i]) return false;
    }
    return true;
  }

  buffer<one_read> reads_;  // since the last pause
  buffer<std::uint32_t> tried_;  // the locations that the tried iteration has read
  buffer<std::byte> left_;  // the stack and registers after the first tried iteration; in the strict way, after the last one
  std::uint64_t memory_ = 0;  // then
  unsigned in_a_row_ = 0;  // iterations without an effect
  std::size_t effects_ = 0;  // how much was read when the thread last did something else
  bool effect_ = false;
  int round_ = 0;
};

}  // namespace pawl::inline v0::model::detail
