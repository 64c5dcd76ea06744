// SPDX-License-Identifier: BSL-1.0
// A flag that one thread has at a time. One that was left behind by a fork, with its thread in the parent, is nobody's in the child.
#pragma once

#include <cstdint>

#include "../atomic.hpp"
#include "../environment.hpp"

namespace pawl::inline v0::detail {

/// What environment<B>::process says, where it says anything.
template <class B>
std::uint32_t process_of() noexcept {
  if constexpr (requires { environment<B>::process(); }) {
    return environment<B>::process();
  } else {
    return 1;
  }
}

template <class B>
class turn {
 public:
  /// Whether the caller has it now.
  bool try_take(order_t<B> order) noexcept {
    const std::uint32_t here = process_of<B>();
    // relaxed: a look before the exchange, which would take the line from others
    return holder_.load(std::memory_order_relaxed) != here && holder_.exchange(here, order) != here;
  }
  /// By a caller that nobody competes with.
  void take(order_t<B> order) noexcept { holder_.store(process_of<B>(), order); }
  void give_back(order_t<B> order) noexcept { holder_.store(0, order); }
  /// By who may find itself in a fork's child meanwhile, where another thread may have taken it: for `holder` alone.
  void give_back_of(std::uint32_t holder, order_t<B> order) noexcept {
    holder_.compare_exchange_strong(holder, 0, order, std::memory_order_relaxed);
  }
  [[nodiscard]] bool taken(order_t<B> order) const noexcept {
    const std::uint32_t holder = holder_.load(order);
    return holder != 0 && holder == process_of<B>();
  }
  /// Taken, or left behind.
  [[nodiscard]] bool marked(order_t<B> order) const noexcept { return holder_.load(order) != 0; }
  /// True where it was left behind, and isn't marked now.
  bool end_left_behind() noexcept {
    std::uint32_t holder = holder_.load(std::memory_order_relaxed);
    // relaxed: who left it is not here, so there is nothing to see
    return holder != 0 && holder != process_of<B>() &&
           holder_.compare_exchange_strong(holder, 0, std::memory_order_relaxed, std::memory_order_relaxed);
  }

 private:
  atomic<std::uint32_t, B> holder_{0};
};

}  // namespace pawl::inline v0::detail
