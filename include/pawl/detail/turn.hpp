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
  [[nodiscard]] bool taken(order_t<B> order) const noexcept {
    const std::uint32_t holder = holder_.load(order);
    return holder != 0 && holder == process_of<B>();
  }

 private:
  atomic<std::uint32_t, B> holder_{0};
};

}  // namespace pawl::inline v0::detail
