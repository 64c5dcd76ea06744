// SPDX-License-Identifier: BSL-1.0
// How many critical sections are open of threads that could get no record. In a fork's child only those count that the thread has which
// forked: without a record nothing else tells them from those of threads that are not there.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>

#include "../atomic.hpp"
#include "noted_sections.hpp"
#include "turn.hpp"

namespace pawl::inline v0::detail {

template <class B>
class section_count {
  using env = environment<B>;

 public:
  /// Lock-free.
  void open(order_t<B> order) noexcept { change(1, notes_ != nullptr && notes_->note(this), order); }
  /// Lock-free. Of a section that this thread has opened.
  void close(order_t<B> order) noexcept {
    change(-1, notes_ != nullptr && notes_->is_apart(this), order);
    // After that: the last one of those apart makes all of them void.
    if (notes_ != nullptr) notes_->forget(this);
  }
  /// Wait-free.
  [[nodiscard]] bool any(order_t<B> order) const noexcept {
    const numbers open = in_this_process(word_.load(order));
    return open.known != 0 || open.apart != 0;
  }
  /// By a thread that has none here: those of which it wasn't known whether they are its own are of threads that are not there. Lock-free.
  void none_is_mine() noexcept {
    if (notes_ == nullptr || !notes_->has_apart()) return;
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    // relaxed: whose they are is not here, so there is nothing to see
    while (!word_.compare_exchange_weak(seen, word_of({in_this_process(seen).known, 0}), std::memory_order_relaxed,
                                        std::memory_order_relaxed)) {
    }
  }

 private:
  // Of sections whose threads are here, and of sections of which that isn't known: the latter count for as long as the thread that forked
  // may have one of them. A number that comes to the most that there is room for stays there: then nothing is freed any more. That takes
  // four million sections at a time, a million in a child, of threads for which there is no memory.
  struct numbers {
    std::uint32_t known;
    std::uint32_t apart;
  };
  // In the word: both, and above them the process that they are of, which takes 22 bits on Linux.
  static constexpr unsigned known_bits = 22;
  static constexpr unsigned apart_bits = 20;
  static constexpr std::uint32_t most_known = (std::uint32_t{1} << known_bits) - 1;
  static constexpr std::uint32_t most_apart = (std::uint32_t{1} << apart_bits) - 1;

  static std::uint64_t word_of(numbers open) noexcept {
    return (std::uint64_t{process_of<B>()} << apart_bits | open.apart) << known_bits | open.known;
  }
  static std::uint64_t process_in(std::uint64_t word) noexcept { return word >> (apart_bits + known_bits); }
  // A word of another process is the same for all who look in this one, until the first change says it anew.
  [[nodiscard]] numbers in_this_process(std::uint64_t word) const noexcept {
    const numbers open{static_cast<std::uint32_t>(word) & most_known, static_cast<std::uint32_t>(word >> known_bits) & most_apart};
    if (notes_ == nullptr || (open.known == 0 && open.apart == 0)) return open;
    const section_notes::forked forked = notes_->of_forked(this);
    if (process_in(word) == process_in(word_of({0, 0}))) return {open.known, forked.some_apart ? open.apart : 0};
    if (!forked.some_apart) return {forked.kept, 0};
    // Where the process that was forked had settled whose they are, what was apart there was void, and of an older process all the rest.
    std::uint32_t all = open.known + open.apart;
    if (forked.settled != 0)
      all = process_in(word) == process_in(std::uint64_t{forked.settled} << (apart_bits + known_bits)) ? open.known : forked.kept;
    return {forked.kept, std::min(all - forked.kept, most_apart)};
  }
  void change(int by, bool apart, order_t<B> order) noexcept {
    // relaxed: the exchange looks again
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    std::uint64_t changed = 0;
    do {
      numbers open = in_this_process(seen);
      // (The second: in the child of a fork that nobody was told of.)
      const bool of_those = apart || (by < 0 && open.known == 0);
      std::uint32_t& number = of_those ? open.apart : open.known;
      assert((by > 0 || number != 0) && "unlock without lock");
      if (number != (of_those ? most_apart : most_known)) number += static_cast<std::uint32_t>(by);
      changed = word_of(open);
    } while (!word_.compare_exchange_weak(seen, changed, order, std::memory_order_relaxed));
  }
  static const section_notes* notes_of_this_module() noexcept {
    if constexpr (requires { env::section_notes(); }) {
      return &env::section_notes();
    } else {
      return nullptr;
    }
  }

  atomic<std::uint64_t, B> word_{0};
  const section_notes* const notes_ = notes_of_this_module();
};

}  // namespace pawl::inline v0::detail
