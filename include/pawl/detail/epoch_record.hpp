// SPDX-License-Identifier: BSL-1.0
// What one thread owns of an epoch domain: the mark that says since when it reads, and the objects that it retired.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>

#include "retired.hpp"
#include "turn.hpp"

namespace pawl::inline v0::detail {

/// Epochs count in steps of `one`, from `first`, so that the number of an epoch is the pin of its first section as it stands: below `one` a
/// pin counts how deep its critical sections nest. Half a million epochs a second, each a system call, would take 17 years to come round.
struct epoch_clock {
  static constexpr std::uint64_t one = std::uint64_t{1} << 16U;
  static constexpr std::uint64_t first = one + 1;
  static constexpr std::uint64_t nesting = one / 2 - 1;
  /// In a pin: the thread's light fences are not the usual ones. There, so that one look tells both.
  static constexpr std::uint64_t unusual = one / 2;
  [[nodiscard]] static constexpr std::uint64_t epoch_of(std::uint64_t pin) noexcept { return pin & ~(one - 1); }
  /// Later than every epoch.
  static constexpr std::uint64_t never = ~std::uint64_t{0};
};

/// Since when a reader that is kept reads: the number of the epoch, 0 while it doesn't. One for each, so that none has to look what others
/// have begun, and no order of their ends is wrong.
template <class B>
struct alignas(cache_line) epoch_pin {
  atomic<std::uint64_t, B> since{0};
  epoch_pin* next = nullptr;  // in the record's list of all
  epoch_pin* next_free = nullptr;
};

/// Owner-only state is plain: it passes to another thread only with the whole record, through environment::per_thread. The lists pass by
/// owns_lists, too.
template <class B>
struct alignas(cache_line) epoch_record {
  using env = environment<B>;
  using owners = typename env::template per_thread<epoch_record>;

  epoch_record() noexcept : fences(env::settle_fences()) {}

  // The reader's line: written at every lock and unlock.

  const typename env::fences fences;
  const std::uint64_t idle = fences == env::usual_fences ? 0 : epoch_clock::unusual;
  /// The epoch in which the outermost critical section began, and in the lower bits how many are open. None: `idle`.
  atomic<std::uint64_t, B> pin{idle};

  void lock(const atomic<std::uint64_t, B>& epoch) noexcept {
    // relaxed: our own
    if (pin.load(std::memory_order_relaxed) != 0) [[unlikely]]
      return lock_otherwise(epoch);
    // (1) release: whoever reads this by (2) instead of an earlier unlock has our earlier sections behind it, too; without it an object
    // could be freed under their last read.
    // relaxed: an old epoch only holds back more. That it is at least as new as what we are about to read, the fences see to.
    pin.store(epoch.load(std::memory_order_relaxed), std::memory_order_release);
    // The pin before all that the section reads, for every heavy fence: see epochs::step.
    env::light_fence(env::usual_fences);
  }
  /// False where no section was open. (The outermost one stores a constant, so that the processor need not wait for what lock stored.)
  bool unlock() noexcept {
    if ((pin.load(std::memory_order_relaxed) & (epoch_clock::one - 1)) != 1) [[unlikely]]
      return unlock_otherwise();
    // (1) release: what the section read comes before the end of what it read
    pin.store(0, std::memory_order_release);
    return true;
  }
  /// Before the owner waits for all readers.
  void assert_in_no_section() const noexcept {
    assert(!in_own_section() && "rcu_synchronize or rcu_barrier in a section");
    for (const epoch_pin<B>* each = pins.load(std::memory_order_relaxed); each != nullptr; each = read_shared<B>(each->next)) {
      assert(each->since.load(std::memory_order_relaxed) == 0 && "rcu_synchronize or rcu_barrier in a reader's section");
    }
  }

  // Pins of readers that are kept.

  atomic<epoch_pin<B>*, B> pins{nullptr};
  epoch_pin<B>* free_pins = nullptr;

  void add(epoch_pin<B>& made) noexcept {
    write_shared<B>(made.next, pins.load(std::memory_order_relaxed));
    // (9) release: publishes the pin to (10)
    pins.store(&made, std::memory_order_release);
  }
  /// Null where a new one is needed.
  [[nodiscard]] epoch_pin<B>* take_pin() noexcept {
    epoch_pin<B>* const spare = free_pins;
    if (spare != nullptr) free_pins = read_shared<B>(spare->next_free);
    return spare;
  }
  void give_back(epoch_pin<B>& freed) noexcept {
    write_shared<B>(freed.next_free, free_pins);
    free_pins = &freed;
  }

  // The writer's line.

  /// True while the owner works on its lists, so that nobody takes them. A lock of the owner's, biased: it costs no locked instruction.
  alignas(cache_line) atomic<bool, B> owns_lists{false};
  bool reclaiming = false;  // inside of that
  bool in_barrier = false;  // the owner calls rcu_barrier
  turn<B> taken;  // a barrier asks for the lists
  turn<B> moving;  // it takes them at this moment
  retired_list<B> fresh;
  std::size_t look_at = env::tuning.scan_threshold;
  atomic<std::uint64_t, B> retired_total{0};
  /// Unlinked before the epoch `waiting_since` ended.
  retired_list<B> waiting;
  std::uint64_t waiting_since = 0;
  atomic<std::uint64_t, B> reclaimed_total{0};

  /// False where rcu_barrier is about to take the lists.
  [[nodiscard]] bool begin() noexcept {
    owns_lists.store(true, std::memory_order_relaxed);
    // Between the two: either we see that the lists are taken, or the taker, who has a heavy fence between its two, that we own them.
    env::light_fence(fences);
    // (3) acquire: pairs with (6), by which the last taker left the lists empty
    if (taken.marked(std::memory_order_acquire)) [[unlikely]]
      if (!end_vanished_barrier()) return false;
    announce_write<B>(fresh);
    announce_write<B>(waiting);
    return true;
  }
  // (4) release: what we did with the lists comes before what a taker does, who waits for this by (5)
  void end() noexcept { owns_lists.store(false, std::memory_order_release); }

  /// The owner vanished in a fork, in the midst of anything. Its sections are over. What it retired is left alone: the copy of a memory in
  /// which other threads write is of no one moment.
  void lost_thread() noexcept {
    reclaiming = false;
    in_barrier = false;
    forget_lists();
    free_pins = nullptr;
    for (epoch_pin<B>* each = pins.load(std::memory_order_relaxed); each != nullptr; each = read_shared<B>(each->next)) {
      each->since.store(0, std::memory_order_release);
    }
    pin.store(idle, std::memory_order_release);
    end();  // a barrier of the child may wait for this
  }

  /// By a barrier that has asked for them, and knows that nobody owns them.
  void move_lists(retired_list<B>& into) noexcept {
    forget_half_moved();
    moving.take(std::memory_order_relaxed);
    // release, both: a fork's child may get the memory as it is at any moment. With the lists half moved, it is to find that said.
    B::thread_fence(std::memory_order_release);
    take_lists(into);
    moving.give_back(std::memory_order_release);
  }
  /// Needs the right to the lists. What made the next look late was in them.
  void take_lists(retired_list<B>& into) noexcept {
    forget_half_moved();
    announce_write<B>(fresh);
    announce_write<B>(waiting);
    into.take_all(waiting);
    into.take_all(fresh);
    look_at = env::tuning.scan_threshold;
  }

 private:
  // What is in them is left alone.
  void forget_lists() noexcept {
    announce_write<B>(fresh);
    announce_write<B>(waiting);
    fresh = {};
    waiting = {};
    waiting_since = 0;
    look_at = env::tuning.scan_threshold;
  }
  // A barrier that moved the lists vanished in a fork.
  void forget_half_moved() noexcept {
    if (moving.end_left_behind()) [[unlikely]]
      forget_lists();
  }
  // False where a barrier of this process asks for the lists.
  [[gnu::cold, gnu::noinline]] bool end_vanished_barrier() noexcept {
    if (!taken.end_left_behind()) {
      end();
      return false;
    }
    forget_half_moved();
    return true;
  }

  [[nodiscard]] bool in_own_section() const noexcept { return (pin.load(std::memory_order_relaxed) & epoch_clock::nesting) != 0; }
  // In another section, or with fences that cost something: out of line, so that the usual case is straight.
  [[gnu::cold, gnu::noinline]] void lock_otherwise(const atomic<std::uint64_t, B>& epoch) noexcept {
    const std::uint64_t held = pin.load(std::memory_order_relaxed);
    assert((held & epoch_clock::nesting) != epoch_clock::nesting && "32767 critical sections in each other");
    if (in_own_section()) return pin.store(held + 1, std::memory_order_release);  // (1)
    pin.store(epoch.load(std::memory_order_relaxed) | idle, std::memory_order_release);  // (1)
    env::light_fence(fences);
  }
  [[gnu::cold, gnu::noinline]] bool unlock_otherwise() noexcept {
    if (!in_own_section()) return false;
    const std::uint64_t held = pin.load(std::memory_order_relaxed);
    pin.store((held & epoch_clock::nesting) == 1 ? idle : held - 1, std::memory_order_release);  // (1)
    return true;
  }
};

}  // namespace pawl::inline v0::detail
