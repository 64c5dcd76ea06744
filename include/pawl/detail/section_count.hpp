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

 public:
  /// Lock-free.
  void open(order_t<B> order) noexcept {
    const bool noted = note();
    // relaxed: the number that it takes part in is all that this thread needs
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    std::uint64_t with_mine = 0;
    do {
      const std::uint64_t open_here = counted(seen);
      const bool all_noted = noted && (open_here == 0 || process_in(seen) != any_process);
      with_mine = in_process(all_noted ? process_of<B>() : any_process, open_here + 1);
    } while (!word_.compare_exchange_weak(seen, with_mine, order, std::memory_order_relaxed));
  }
  /// Lock-free. Of a section that this thread has opened.
  void close(order_t<B> order) noexcept {
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    std::uint64_t without_mine = 0;
    do {
      const std::uint64_t open_here = counted(seen);
      assert(open_here != 0 && "unlock without lock");
      without_mine = in_process(process_in(seen) == any_process ? any_process : process_of<B>(), open_here - 1);
    } while (!word_.compare_exchange_weak(seen, without_mine, order, std::memory_order_relaxed));
    if constexpr (requires { env::forget_section(this); }) env::forget_section(this);
  }
  /// Wait-free.
  [[nodiscard]] bool any(order_t<B> order) const noexcept { return counted(word_.load(order)) != 0; }

 private:
  static constexpr std::uint32_t any_process = ~std::uint32_t{0};

  // In the word: the number, and above it the process that it is of; or any_process, where a section among them could not be noted, so
  // that a child can't tell whose it is, and counts all.
  static constexpr std::uint64_t in_process(std::uint32_t process, std::uint64_t number) noexcept {
    return std::uint64_t{process} << 32U | number;
  }
  static constexpr std::uint32_t process_in(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word >> 32U); }

  // Whether a child of this thread will know of it.
  bool note() noexcept {
    if constexpr (requires { env::note_section(this); }) return env::note_section(this);
    return true;
  }
  // The same for all who look in one process, until one of them stores it.
  [[nodiscard]] std::uint64_t counted(std::uint64_t word) const noexcept {
    const std::uint64_t number = word & ~std::uint32_t{0};
    if constexpr (requires { env::sections_kept(this); }) {
      const std::uint32_t process = process_in(word);
      if (number != 0 && process != any_process && process != process_of<B>()) return env::sections_kept(this);
    }
    return number;
  }

  atomic<std::uint64_t, B> word_{0};
};

}  // namespace pawl::inline v0::detail
