// SPDX-License-Identifier: BSL-1.0
// tas_lock, ttas_lock, ticket_lock, mcs_lock: four locks whose waiting threads do not sleep, for critical sections of a few
// instructions. All are Lockable, so std::scoped_lock, std::unique_lock and std::lock take them. docs/locks.md helps to choose.
//
// |             | served in order | lock, unlock alone, in RMWs | a waiting thread spins on | bytes | paper
// | tas_lock    | no              | 1, none                     | exchanges of the lock     | 1     |
// | ttas_lock   | no              | 1, none                     | loads of the lock         | 1     | Rudolph, Segall, ISCA 1984
// | ticket_lock | yes             | 1, none                     | loads of the lock         | 16    | Reed, Kanodia, CACM 1979
// | mcs_lock    | yes             | 1, 1                        | a word of its own         | 16    | Mellor-Crummey, Scott, TOCS 1991
//
// What holds of all four:
// - Blocking: where the holder stops, everybody who locks waits. try_lock never waits: it is wait-free where the backend's strong
//   compare-and-swap and exchange are, else lock-free, and it fails only where the lock was held or waited for at some instant of the call.
// - What happened before an unlock happens before what follows the next lock or successful try_lock.
// - Nothing is allocated, nothing throws, there is no per-thread state and no end to the number of threads. A lock is constant-initialized
//   and its destructor trivial (except under the model). No copy, no move: its address is its identity.
// - Not recursive: who locks what it holds waits for itself. The thread that locked unlocks. No lock is held when it is destroyed; but the
//   thread that got it last may destroy it at once, since an unlock touches nothing of the lock after its last store.
// - Signal handlers: try_lock is safe there. lock is not, where the interrupted thread may hold the lock or wait for it.
// - A child of fork has the locks as they were: one that another thread held stays held.
// - False sharing: a lock lies where you put it. Beside what it guards one miss brings both; beside what others use, or beside another
//   lock, give it a line of its own: alignas(pawl::cache_line).
// - More threads than processors: where the holder, or in a fair lock the one whose turn it is, has none, the others can do nothing. So
//   who has waited for long, some microseconds, gives its processor away at each further look. Even so the fair locks suffer most: each
//   hand-over then waits for the system to run one particular thread. A std::mutex is the better choice there.
// - Real-time priorities: to give the processor away lets nobody of a lower priority run. Where the holder has one and waits for this very
//   processor, neither gets on. Threads that share a lock have one priority, or processors of their own.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <thread>
#include <type_traits>

#include "atomic.hpp"
#include "backend.hpp"
#include "backoff.hpp"

namespace pawl::inline v0 {

namespace detail {

/// How a thread waits for another that is expected soon: by pauses, and by giving its processor away once it has paused for longer than
/// a short critical section takes.
template <class B>
class patience {
 public:
  static constexpr std::uint32_t most_pauses = 128;  // about 5 us where one takes 140 cycles, 1 us where it takes 40

  /// Pauses so often, at least once.
  void operator()(std::uint32_t pauses = 1) noexcept {
    if constexpr (one_pause_waits<B>) return B::pause();
    if (paused_ >= most_pauses) {
      std::this_thread::yield();
      return;
    }
    paused_ += pauses;
    for (std::uint32_t i = 0; i < pauses; ++i) B::pause();
  }

 private:
  std::uint32_t paused_ = 0;
};

}  // namespace detail

/// Test-and-set: who waits exchanges again and again. The smallest and, for two threads that meet now and then, as good as any; but each
/// attempt takes the line away from the holder, who needs it to unlock.
///
/// Not fair: a thread may be passed over without end.
template <class B = native>
class tas_lock {
 public:
  constexpr tas_lock() noexcept = default;
  tas_lock(const tas_lock&) = delete;
  tas_lock& operator=(const tas_lock&) = delete;

  /// Waits until the lock is free and takes it. Blocking.
  void lock() noexcept {
    detail::patience<B> wait;
    // (1) acquire: pairs with (3), so we find what the last holder left. Without it our section could begin before its end.
    while (held_.exchange(true, std::memory_order_acquire)) wait();
  }
  /// Takes the lock where it is free. Never waits, and fails only where the lock is held.
  bool try_lock() noexcept {
    // (2) acquire: pairs with (3), as (1)
    return !held_.exchange(true, std::memory_order_acquire);
  }
  /// Wait-free. By the thread that locked.
  void unlock() noexcept {
    // (3) release: pairs with (1) and (2), so the next holder finds what we leave. Without it our section could end after its begin.
    held_.store(false, std::memory_order_release);
  }

 private:
  atomic<bool, B> held_{false};
};

/// Test and test-and-set (L. Rudolph, Z. Segall, "Dynamic Decentralized Cache Schemes for MIMD Parallel Processors", ISCA 1984): who waits
/// reads, which all can do at once, and exchanges only when the lock looks free.
///
/// Backoff is called after each look that found the lock held (T. E. Anderson, "The Performance of Spin Lock Alternatives for
/// Shared-Memory Multiprocessors", IEEE TPDS 1990); with no_backoff a look is followed by one pause. Only yield_backoff gives the processor
/// away: with the others who waits keeps it until the system takes it, perhaps from the holder. Not fair: a thread may be passed over
/// without end, and the longer its backoff has become, the easier.
template <class B = native, class Backoff = yield_backoff>
class ttas_lock {
 public:
  constexpr ttas_lock() noexcept = default;
  ttas_lock(const ttas_lock&) = delete;
  ttas_lock& operator=(const ttas_lock&) = delete;

  /// Waits until the lock is free and takes it. Blocking.
  void lock() noexcept {
    Backoff backoff;
    // (1) acquire: pairs with (3), so we find what the last holder left. Without it our section could begin before its end.
    while (held_.exchange(true, std::memory_order_acquire)) {
      // relaxed: it says only when (1) is worth trying
      do back_off(backoff);
      while (held_.load(std::memory_order_relaxed));
    }
  }
  /// Takes the lock where it is free. Never waits, and fails only where the lock is held.
  bool try_lock() noexcept {
    // relaxed: a look before the exchange, which would take the line from the holder
    // (2) acquire: pairs with (3), as (1)
    return !held_.load(std::memory_order_relaxed) && !held_.exchange(true, std::memory_order_acquire);
  }
  /// Wait-free. By the thread that locked.
  void unlock() noexcept {
    // (3) release: pairs with (1) and (2), so the next holder finds what we leave. Without it our section could end after its begin.
    held_.store(false, std::memory_order_release);
  }

 private:
  // A turn of a waiting loop ends in a pause, even for those who want no backoff.
  static void back_off([[maybe_unused]] Backoff& backoff) noexcept {
    if constexpr (std::is_same_v<Backoff, no_backoff>) {
      B::pause();
    } else {
      backoff(B{});
    }
  }

  atomic<bool, B> held_{false};
};

/// Tickets (D. P. Reed, R. K. Kanodia, "Synchronization with Eventcounts and Sequencers", CACM 1979; as a lock, with a wait in proportion
/// to the number of those who come before, J. M. Mellor-Crummey, M. L. Scott, "Algorithms for Scalable Synchronization on Shared-Memory
/// Multiprocessors", ACM TOCS 1991): lock draws a number and waits until that is served.
///
/// Fair: threads are served in the order in which they drew. Drawing is wait-free where the backend has a fetch_add. All who wait read the
/// word that each unlock changes.
///
/// Ticket is an unsigned integer. Numbers come round, which does no harm as long as fewer threads than it has values lock at once; but a
/// try_lock that stops between its two steps while a multiple of all values is drawn takes a lock that somebody holds. With 64 bits that
/// is 5,800 years at 100 million a second; with 32, 43 seconds and then a coincidence.
template <class B = native, class Ticket = std::uint64_t>
class ticket_lock {
  static_assert(std::unsigned_integral<Ticket> && !std::same_as<Ticket, bool>,
                "ticket_lock<B, Ticket>: Ticket must be an unsigned integer, since its numbers come round");

 public:
  constexpr ticket_lock() noexcept = default;
  ticket_lock(const ticket_lock&) = delete;
  ticket_lock& operator=(const ticket_lock&) = delete;

  /// Draws a number and waits until it is served. Blocking; first come, first served.
  void lock() noexcept {
    // relaxed: a ticket says who, (1) says when
    const Ticket mine = next_.fetch_add(1, std::memory_order_relaxed);
    detail::patience<B> wait;
    for (;;) {
      // (1) acquire: pairs with (3), so we find what the last holder left. Without it our section could begin before its end.
      const Ticket served = serving_.load(std::memory_order_acquire);
      if (served == mine) return;
      wait(pauses_for(static_cast<Ticket>(mine - served)));
    }
  }
  /// Takes the lock where it is free. Never waits, and fails only where the lock is held or waited for.
  bool try_lock() noexcept {
    // (2) acquire: pairs with (3), as (1)
    Ticket served = serving_.load(std::memory_order_acquire);
    // relaxed: a look before the compare-and-swap, which would take the line from the holder
    if (next_.load(std::memory_order_relaxed) != served) return false;
    const auto following = static_cast<Ticket>(served + 1);
    // relaxed: where we draw the number that (2) has seen served, it is our turn, and (2) has acquired all that (1) would
    return next_.compare_exchange_strong(served, following, std::memory_order_relaxed, std::memory_order_relaxed);
  }
  /// Calls the next number. Wait-free. By the thread that locked.
  void unlock() noexcept {
    // relaxed: the last one who changed it was the holder before us, or we
    const Ticket mine = serving_.load(std::memory_order_relaxed);
    // (3) release: pairs with (1) and (2), so the next holder finds what we leave. Without it our section could end after its begin.
    serving_.store(static_cast<Ticket>(mine + 1), std::memory_order_release);
  }

 private:
  // One for each holder that is still to come before, as far as it is worth looking away.
  static std::uint32_t pauses_for(Ticket before) noexcept {
    constexpr std::uint32_t most = 32;
    return before < most ? static_cast<std::uint32_t>(before) : most;
  }

  atomic<Ticket, B> next_{0};  // the number that is drawn next
  atomic<Ticket, B> serving_{0};  // the number whose turn it is; equal to next_ where the lock is free
};

/// A queue of waiting threads, each of which spins on a word of its own (J. M. Mellor-Crummey, M. L. Scott, "Algorithms for Scalable
/// Synchronization on Shared-Memory Multiprocessors", ACM TOCS 1991), with a plain interface: lock, unlock, and no node to pass.
///
/// A thread needs its node only while it waits, so the node is in lock's own stack frame; who gets the lock moves what its node still
/// says, who comes next, to the lock. This is the form that M. Auslander, D. Edelsohn, O. Krieger, B. Rosenburg and R. Wisniewski gave
/// the lock in K42 (M. L. Scott, "Shared-Memory Synchronization", 2013, section 4.3.3). So nothing is allocated and nothing has to be
/// found at unlock: a thread holds any number of locks, unlocks them in any order, and leaves nothing behind when it ends. Unlike there
/// a thread joins the queue by one exchange and not by a loop of compare-and-swaps, so joining can't be delayed by others.
///
/// Fair: threads are served in the order of those exchanges. An unlock changes a word that one thread reads. Who takes a free lock and
/// nobody else comes, does two compare-and-swaps in all; who had to wait, an exchange and at most two.
///
/// The nodes are on the stacks of waiting threads: it is for threads that can write each other's stacks, and not for memory that processes
/// share.
///
/// Invariant: tail_ is null where the lock is free; &holder_ where it is held and nobody waits; else the node of the last who waits. The
/// `next` of a seat in the queue is null until the one who took the tail after it has written itself there.
template <class B = native>
class mcs_lock {
  struct waiter;
  // A place in the queue: the holder's, in the lock, or that of a thread that waits, in its frame.
  struct seat {
    atomic<waiter*, B> next{nullptr};
  };
  struct alignas(cache_line) waiter : seat {
    atomic<bool, B> waits{true};
  };

 public:
  constexpr mcs_lock() noexcept = default;
  mcs_lock(const mcs_lock&) = delete;
  mcs_lock& operator=(const mcs_lock&) = delete;

  /// Joins the queue and waits for its turn. Blocking; first come, first served.
  void lock() noexcept {
    if (try_lock()) return;
    waiter self;
    // (3) release: pairs with (3) of who comes next, whose (4) writes to `self`, and so after `self` was made.
    // acquire: pairs with (3), (7), (9), which put there what we find: so (4) writes to a seat that is made and, if it is the holder's, has
    // been emptied; and where we find null, our section comes after the last one's.
    seat* const before = tail_.exchange(&self, std::memory_order_acq_rel);
    if (before != nullptr) {
      // (4) release: pairs with (6) and (8), so who reads &self there writes to `self` after it was made
      before->next.store(&self, std::memory_order_release);
      detail::patience<B> wait;
      // (5) acquire: pairs with (10), so we find what the last holder left. Without it our section could begin before its end.
      while (self.waits.load(std::memory_order_acquire)) wait();
    }
    move_in(self);
  }
  /// Takes the lock where it is free. Never waits, and fails only where the lock is held or waited for.
  bool try_lock() noexcept {
    // relaxed: a look before the compare-and-swap, which would take the line from the holder
    if (tail_.load(std::memory_order_relaxed) != nullptr) return false;
    seat* nobody = nullptr;
    // (1) acquire: pairs with (9), so we find what the last holder left. Without it our section could begin before its end.
    // (2) no release: a later (3) that finds &holder_ here has acquired from (9), before, by which holder_ was last emptied: we are a
    // read-modify-write, and go on with its release sequence.
    return tail_.compare_exchange_strong(nobody, &holder_, std::memory_order_acquire, std::memory_order_relaxed);
  }
  /// Hands the lock to who is next. By the thread that locked. Wait-free, but for a wait where the next one has joined and not yet written
  /// itself into our seat: two instructions, unless it is interrupted between them.
  void unlock() noexcept {
    // (8) acquire: pairs with (4)
    waiter* next = holder_.next.load(std::memory_order_acquire);
    if (next == nullptr) {
      seat* last = &holder_;
      // (9) release: pairs with (1) and (3), so the next holder finds what we leave. Without it our section could end after its begin.
      // relaxed on failure: somebody has joined, and (6) acquires from it
      if (tail_.compare_exchange_strong(last, nullptr, std::memory_order_release, std::memory_order_relaxed)) return;
      next = awaited_next(holder_);
    }
    // (10) release: pairs with (5), as (9). The last access to *next, which its thread then gives up.
    next->waits.store(false, std::memory_order_release);
  }

 private:
  // We hold the lock by a seat in our frame: from here on by the one in the lock.
  void move_in(waiter& self) noexcept {
    // (6) acquire: pairs with (4)
    waiter* next = self.next.load(std::memory_order_acquire);
    if (next == nullptr) {
      // relaxed: (7) orders it before the (4) of who finds &holder_ in tail_
      holder_.next.store(nullptr, std::memory_order_relaxed);
      seat* last = &self;
      // (7) release: pairs with (3). Without it that one's (4) could come before our null, which would then hide it for ever.
      // relaxed on failure: somebody has joined, and (6) acquires from it
      if (tail_.compare_exchange_strong(last, &holder_, std::memory_order_release, std::memory_order_relaxed)) return;
      next = awaited_next(self);
    }
    // relaxed: only unlock reads it, by this thread
    holder_.next.store(next, std::memory_order_relaxed);
  }

  // Who took the tail after this seat, and will write itself there.
  static waiter* awaited_next(const seat& of) noexcept {
    detail::patience<B> wait;
    for (;;) {
      // (6), (8) acquire: pairs with (4)
      if (waiter* const next = of.next.load(std::memory_order_acquire); next != nullptr) return next;
      wait();
    }
  }

  atomic<seat*, B> tail_{nullptr};
  seat holder_;
};

static_assert(std::is_trivially_destructible_v<mcs_lock<backend::builtin>> &&
              sizeof(mcs_lock<backend::builtin>) == 2 * sizeof(void*));
static_assert(sizeof(tas_lock<backend::builtin>) == 1 && sizeof(ttas_lock<backend::builtin>) == 1);

}  // namespace pawl::inline v0
