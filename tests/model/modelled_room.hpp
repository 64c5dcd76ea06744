// SPDX-License-Identifier: BSL-1.0
// The host's waiting room over the model: its own code, with a modelled kernel.
#pragma once

#include <pawl/detail/waiting_room.hpp>
#include <pawl/model.hpp>

#include <cstdint>

namespace scenarios {

// What the kernel does for the host: compares, and sleeps until it is called.
struct modelled_sleep {
  struct differs {
    std::uint32_t old;
    bool operator()(std::uint32_t found) const noexcept { return found != old; }
  };
  template <class Backend>
  static void sleep(const std::uint32_t& word, std::uint32_t seen) noexcept {
    pawl::environment<Backend>::wait(word, differs{seen}, std::memory_order_relaxed);
  }
  static void wake(const std::uint32_t& word, bool one) noexcept {
    if (one) {
      pawl::environment<pawl::backend::model>::notify_one(word);
    } else {
      pawl::environment<pawl::backend::model>::notify_all(word);
    }
  }
};
template <class W>
struct is_not {
  W old;
  bool operator()(W found) const noexcept { return found != old; }
};
template <class W, class Environment = pawl::environment<pawl::backend::model>, class Sleep = modelled_sleep>
struct modelled_room {
  using in = pawl::detail::waiting_in<pawl::backend::model, Environment, Sleep>;
  pawl::detail::waiting_room room{};
  W object = 0;

  void wait(W old, std::memory_order order = std::memory_order_relaxed) { in::wait(room, object, is_not<W>{old}, order); }
  void set(W value, std::memory_order order = std::memory_order_relaxed) { pawl::backend::model::store(object, value, order); }
  void wait_for(const W& other, W old) { in::wait(room, other, is_not<W>{old}, std::memory_order_relaxed); }
  void notify_of(const W& other, bool one) { in::notify(room, &other, one); }
  void notify(bool one) { in::notify(room, &object, one); }
};

}  // namespace scenarios
