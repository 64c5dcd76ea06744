// SPDX-License-Identifier: BSL-1.0
// wait and notify on the host: a short spin, then a room from the process's table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <thread>

#include "waiting_room.hpp"

#if defined(__linux__)
#include "futex_sleep.hpp"
#else
#include "portable_sleep.hpp"
#endif

namespace pawl::inline v0::detail {

#if defined(__linux__)
using host_sleep = futex_sleep;
#else
using host_sleep = portable_sleep;
#endif

struct waiting_table {
  static constexpr unsigned bits = 8;
  waiting_room rooms[1U << bits];

  waiting_room& of(const void* object) noexcept {
    // Fibonacci hashing: neighbours get rooms of their own.
    const std::uint64_t mixed = reinterpret_cast<std::uintptr_t>(object) * std::uint64_t{0x9e3779b97f4a7c15U};
    return rooms[mixed >> (64U - bits)];
  }
};
// Constant-initialized, and one for the process, whatever backends its atomics have: who waits and who notifies may be in different
// shared libraries. (Weak and not inline: see process_globals.hpp.)
[[gnu::weak, gnu::visibility("default")]] constinit waiting_table waiting_rooms{};  // NOLINT(misc-definitions-in-headers)

template <class B, class Environment, class Sleep>
struct host_waiting {
  using in_room = waiting_in<B, Environment, Sleep>;

  template <class W, class Until>
  static void wait(const W& object, Until until, order_t<B> order) noexcept {
    do {
      if (spin(object, until, order)) return;
    } while (!in_room::wait(waiting_rooms.of(&object), object, until, order));
  }
  template <class W>
  static void notify(const W* object, bool one) noexcept {
    in_room::notify(waiting_rooms.of(object), object, one);
  }

 private:
  // Pauses for a change that is about to come (longer ones lose where no core is free), then yields for
  // those who wait for a thread that has no processor (docs/design.md has numbers).
  template <class W, class Until>
  static bool spin(const W& object, Until until, order_t<B> order) noexcept {
    constexpr unsigned most_pauses = 16;
    constexpr unsigned yields = 4;
    for (unsigned pauses = 1; pauses <= most_pauses; pauses *= 2) {
      if (until(B::load(object, order))) return true;
      for (unsigned i = 0; i < pauses; ++i) B::pause();
    }
    for (unsigned i = 0; i < yields; ++i) {
      if (until(B::load(object, order))) return true;
      std::this_thread::yield();
    }
    return false;
  }
};

}  // namespace pawl::inline v0::detail
