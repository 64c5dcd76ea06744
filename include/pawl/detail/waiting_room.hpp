// SPDX-License-Identifier: BSL-1.0
// Where threads wait for atomics of all sizes to change: an event count, which many atomics share.
//
// The system lets a thread sleep on four bytes. An atomic of four bytes is slept on itself. For the others there is a word, `calls`, that
// every notification counts up: a thread that reads it, finds the atomic unchanged, and sleeps while calls is the same, misses none.
// And there is a count of who is in the room, so that notifying costs nothing where nobody is.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "config.hpp"
#include "operations.hpp"

namespace pawl::inline v0::detail {

/// The words of a room.
struct alignas(cache_line) waiting_room {
  // The lower half: how many threads are in here. The upper: what they wait for, as below, if it is the same for all.
  std::uint64_t guests = 0;
  std::uint32_t calls = 0;
};

/// What is done in a room, by backend B's instructions and Environment's fences. Sleep has
/// - sleep<B>(word, seen): returns when woken, or at once where the word is not `seen`, or for nothing
/// - wake(word, one): wakes one of those who sleep on the word, or all. Does not access it.
template <class B, class Environment, class Sleep>
class waiting_in {
  static constexpr auto relaxed = std::memory_order_relaxed;
  static constexpr auto acquire = std::memory_order_acquire;
  static constexpr auto release = std::memory_order_release;

 public:
  template <class W>
  static constexpr bool slept_on_itself = std::is_same_v<W, std::uint32_t>;

  /// Returns true when until(a load of the object by `order`) is. False: the system had no memory for the fence; nobody may sleep then.
  template <class W, class Until>
  static bool wait(waiting_room& room, const W& object, Until until, order_t<B> order) noexcept {
    enter(room, wish(&object, until.old));
    // (1) heavy fence: pairs with (4). Who changes the object, notifies, and does not find us in the room, has looked before we entered:
    // then we read what it stored. Without it both could miss the other (store buffering), and we would sleep for ever.
    const bool ordered = Environment::heavy_fence();
    while (ordered) {
      if constexpr (slept_on_itself<W>) {
        const W found = B::load(object, order);
        if (until(found)) break;
        // A change after the load: sleep compares.
        Sleep::template sleep<B>(object, found);
      } else {
        // (2) acquire: pairs with (3). A call that we count from here on as heard comes after a change that we then see. Without it we
        // could sleep until a further call.
        const std::uint32_t heard = B::load(room.calls, acquire);
        if (until(B::load(object, order))) break;
        Sleep::template sleep<B>(room.calls, heard);
      }
    }
    // relaxed: that we leave too late in another's eyes costs it a call, no more
    static_cast<void>(fetch_sub<B>(room.guests, 1U, relaxed));
    return ordered;
  }

  /// Wakes who waits for the object of which this is the address, one thread or all. The object may have ended.
  template <class W>
  static void notify(waiting_room& room, const W* object, bool one) noexcept {
    // (4) light fence: pairs with (1)
    Environment::light_fence(Environment::settle_fences());
    const std::uint64_t guests = B::load(room.guests, relaxed);
    if (static_cast<std::uint32_t>(guests) == 0) [[likely]]
      return;
    if constexpr (slept_on_itself<W>) {
      Sleep::wake(*object, one && (guests >> 32U) != mixed);
    } else {
      // (3) release: what the caller knows to be stored, for (2)
      static_cast<void>(fetch_add<B>(room.calls, 1U, release));
      // Who was in the mood for another object, or would have been the one not to be woken, looks and sleeps again.
      Sleep::wake(room.calls, false);
    }
  }

 private:
  // Of two threads that wait on one object for a change from different values, only one may be helped by a notification: it has waited
  // since before the change, the other began when it had taken place. The system, told to wake one, may choose that other (a real-time
  // thread). So one is woken only where all in the room have the same wish.
  static constexpr std::uint32_t mixed = 0;

  template <class W>
  static std::uint32_t wish([[maybe_unused]] const W* object, [[maybe_unused]] W old) noexcept {
    if constexpr (slept_on_itself<W>) {
      // Of one object, two old values never give the same wish (unless it is called mixed).
      const std::uint32_t both = old ^ static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(object));
      return both == mixed ? 1 : both;
    } else {
      return mixed;
    }
  }
  static void enter(waiting_room& room, std::uint32_t wish) noexcept {
    std::uint64_t before = B::load(room.guests, relaxed);
    std::uint64_t after = 0;
    do {
      const auto others = static_cast<std::uint32_t>(before);
      const std::uint32_t together = others == 0 || before >> 32U == wish ? wish : mixed;
      after = std::uint64_t{together} << 32U | (others + 1U);
      // relaxed: (1) orders it
    } while (!B::compare_exchange_weak(room.guests, before, after, relaxed, relaxed));
  }
};

}  // namespace pawl::inline v0::detail
