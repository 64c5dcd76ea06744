// SPDX-License-Identifier: BSL-1.0
// How many critical sections are open of threads that could get no record. In a fork's child only those count that the thread has which
// forked: without a record nothing else tells them from those of threads that are not there.
#pragma once

#include <cassert>
#include <cstdint>

#include "../atomic.hpp"
#include "turn.hpp"

namespace pawl::inline v0::detail {

template <class B>
class section_count {
  using env = environment<B>;
  static constexpr bool tells_threads = requires(const void* counter) { env::note_section(counter); };

 public:
  /// Lock-free.
  void open(order_t<B> order) noexcept {
    bool apart = false;
    if constexpr (tells_threads) apart = env::note_section(this);
    change(1, apart, order);
  }
  /// Lock-free. Of a section that this thread has opened.
  void close(order_t<B> order) noexcept {
    bool apart = false;
    if constexpr (tells_threads) apart = env::section_is_apart(this);
    change(-1, apart, order);
    // After that: the last one of those apart makes all of them void.
    if constexpr (tells_threads) env::forget_section(this);
  }
  /// Wait-free.
  [[nodiscard]] bool any(order_t<B> order) const noexcept {
    const numbers open = in_this_process(word_.load(order));
    return open.known != 0 || open.apart != 0;
  }

 private:
  // Of sections whose threads are here, and of sections of which that isn't known: the latter count for as long as the thread that forked
  // may have one of them.
  struct numbers {
    std::uint32_t known;
    std::uint32_t apart;
  };
  // In the word: both, and above them the process that they are of, as far as it fits (Linux has no process above 2^22).
  static constexpr unsigned bits = 20;
  static constexpr std::uint32_t most = (std::uint32_t{1} << bits) - 1;

  static std::uint64_t word_of(numbers open) noexcept {
    return (std::uint64_t{process_of<B>()} << bits | open.apart) << bits | open.known;
  }
  // A word of another process is the same for all who look in this one, until the first change says it anew.
  [[nodiscard]] numbers in_this_process(std::uint64_t word) const noexcept {
    const numbers open{static_cast<std::uint32_t>(word) & most, static_cast<std::uint32_t>(word >> bits) & most};
    if constexpr (tells_threads) {
      if (open.known == 0 && open.apart == 0) return open;
      const bool ours = word >> 2 * bits == word_of({0, 0}) >> 2 * bits;
      const std::uint32_t known = ours ? open.known : env::sections_kept(this);
      if (!env::sections_apart()) return {known, 0};
      return {known, open.known + open.apart - known};
    }
    return open;
  }
  void change(int by, bool apart, order_t<B> order) noexcept {
    // relaxed: the exchange looks again
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    std::uint64_t changed = 0;
    do {
      numbers open = in_this_process(seen);
      // (The second: in the child of a fork that nobody was told of.)
      std::uint32_t& number = apart || (by < 0 && open.known == 0) ? open.apart : open.known;
      assert((by > 0 ? number != most : number != 0) && "unlock without lock, or a million critical sections without a record");
      number += static_cast<std::uint32_t>(by);
      changed = word_of(open);
    } while (!word_.compare_exchange_weak(seen, changed, order, std::memory_order_relaxed));
  }

  atomic<std::uint64_t, B> word_{0};
};

}  // namespace pawl::inline v0::detail
