// SPDX-License-Identifier: BSL-1.0
// wait and notify of atomics: a T's value made a word's, and the way to the environment, which has threads and lets them sleep.
#pragma once

#include "../environment.hpp"
#include "atomic_value.hpp"

PAWL_HOST_DEVICE_BEGIN

namespace pawl::inline v0::detail {

/// Whether a wait that begins with `old` is over: the word stands for another T. An object that an atomic_ref refers to may have padding,
/// which says nothing.
template <class T>
struct changed_from {
  word_for<T> old;
  PAWL_HOST_DEVICE bool operator()(word_for<T> found) const noexcept {
    if constexpr (has_padding<T>) {
      return found != old && to_word(from_word<T>(found)) != old;
    } else {
      return found != old;
    }
  }
};

// Whether B's environment lets threads sleep until they are notified.
template <class B, class W>
concept sleeps_over =
    requires(const W& object, changed_from<W> changed, order_t<B> order) { environment<B>::wait(object, changed, order); };

template <class B, class T>
PAWL_HOST_DEVICE void wait_while(const word_for<T>& object, T old, order_t<B> order) noexcept {
  const changed_from<T> changed{to_word(old)};
  if constexpr (sleeps_over<B, word_for<T>>) {
    environment<B>::wait(object, changed, order);
  } else {
    // An environment of the user's that lets nobody sleep: its threads see the change by looking for it.
    while (!changed(B::load(object, order))) B::pause();
  }
}

template <class B, class W>
PAWL_HOST_DEVICE void notify_one(const W& object, [[maybe_unused]] place_in<B> where) noexcept {
  using env = environment<B>;
  if constexpr (requires { env::notify_one(object, where); }) {
    env::notify_one(object, where);
  } else if constexpr (sleeps_over<B, W>) {
    env::notify_one(object);
  }
}
template <class B, class W>
PAWL_HOST_DEVICE void notify_all(const W& object, [[maybe_unused]] place_in<B> where) noexcept {
  using env = environment<B>;
  if constexpr (requires { env::notify_all(object, where); }) {
    env::notify_all(object, where);
  } else if constexpr (sleeps_over<B, W>) {
    env::notify_all(object);
  }
}

}  // namespace pawl::inline v0::detail

PAWL_HOST_DEVICE_END
