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
    if constexpr (requires { env::note_section(this); }) env::note_section(this);
    change(1, order);
  }
  /// Lock-free. Of a section that this thread has opened.
  void close(order_t<B> order) noexcept {
    change(-1, order);
    if constexpr (requires { env::forget_section(this); }) env::forget_section(this);
  }
  /// Wait-free.
  [[nodiscard]] bool any(order_t<B> order) const noexcept { return counted(word_.load(order)) != 0; }

 private:
  void change(std::int32_t by, order_t<B> order) noexcept {
    // relaxed: the exchange looks again
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    std::uint64_t changed = 0;
    do {
      const std::uint32_t open_here = counted(seen);
      assert((open_here != 0 || by > 0) && "unlock without lock");
      changed = std::uint64_t{process_of<B>()} << 32U | (open_here + static_cast<std::uint32_t>(by));
    } while (!word_.compare_exchange_weak(seen, changed, order, std::memory_order_relaxed));
  }

  // In the word: the number, and above it the process that it is of. One of another process is the same for all who look in this one,
  // until the first change says it anew.
  [[nodiscard]] std::uint32_t counted(std::uint64_t word) const noexcept {
    const auto number = static_cast<std::uint32_t>(word);
    if constexpr (requires { env::sections_kept(this, number); }) {
      if (number != 0 && word >> 32U != process_of<B>()) return env::sections_kept(this, number);
    }
    return number;
  }

  atomic<std::uint64_t, B> word_{0};
};

}  // namespace pawl::inline v0::detail
