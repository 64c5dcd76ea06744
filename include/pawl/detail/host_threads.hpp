// SPDX-License-Identifier: BSL-1.0
// Per-thread objects of an owner that may die before its threads do, and whose threads may die before it does.
//
// A thread finds its object in a table of its own. The table's key is the address of a reference-counted block that the owner shares
// with every table which names it: so the address can't come back while any thread could still take it for the dead owner's.
// When a thread ends, it marks its objects as free to adopt and drops its references, nothing more: it calls no function of the owner,
// so it races with no destructor and jumps into no unloaded library. A fork ends the other threads in the child without a word: what
// they had is adopted there, too, but told before that its thread is lost, by `lost_thread()` where it has such a member.
#pragma once

#include <cstdint>
#include <thread>

#include "thread_table.hpp"

namespace pawl::inline v0::detail {

/// The host's per-thread objects of one owner. T is made and destroyed by the owner; here is only who uses which.
template <class T>
class host_per_thread {
 public:
  host_per_thread() : registry_(new thread_registry) {}
  host_per_thread(const host_per_thread&) = delete;
  host_per_thread& operator=(const host_per_thread&) = delete;
  /// The owner has destroyed the objects before.
  ~host_per_thread() {
    registry_->owner_lives.store(false, std::memory_order_relaxed);
    registry_->drop();
  }

  /// Names this owner as long as it lives; for who wants to find an object without a look at the owner.
  using key = const thread_registry*;
  [[nodiscard]] key id() const noexcept { return registry_; }

  /// The calling thread's object; null where it has none yet. Wait-free. Afterwards it is one of the two that are found fastest.
  static T* find(key owner) noexcept { return static_cast<T*>(this_thread_table.find(owner)); }
  /// The same by way of the owner, and async-signal-safe: so what is found fastest stays as it is.
  T* find() const noexcept { return static_cast<T*>(this_thread_table.find_only(registry_)); }

  /// The calling thread's object: its own, an ended thread's, or else a new one, `*make()`. May throw std::bad_alloc or what make
  /// throws, before any effect.
  template <class Make>
  T& get(Make make) {
    if (T* const mine = find(registry_)) [[likely]]
      return *mine;
    return acquire(make);
  }

  /// Calls f(T&) for every object, also while their threads use them.
  template <class F>
  void for_each(F f) const {
    // acquire: pairs with the release in acquire()
    for (lease* each = registry_->leases.load(std::memory_order_acquire); each != nullptr; each = each->next) {
      f(*static_cast<T*>(each->object));
    }
  }

  /// Calls f(T&) for every object whose thread has ended, or is not in this process; no thread adopts the object meanwhile.
  template <class F>
  void for_each_abandoned(F f) const {
    for (lease* each = registry_->leases.load(std::memory_order_acquire); each != nullptr; each = each->next) {
      if (!try_adopt(*each)) continue;
      f(*static_cast<T*>(each->object));
      each->holder.store(0, std::memory_order_release);  // as (1) in thread_table.hpp
    }
  }

  /// Afterwards no object is a thread's that a fork left behind. Waits for other threads that see to that just now.
  void end_lost() const noexcept {
    for (lease* each = registry_->leases.load(std::memory_order_acquire); each != nullptr; each = each->next) {
      for (;;) {
        // (3) acquire: pairs with (4), so that what the lost thread had is over when we look at it
        const std::uint32_t holder = each->holder.load(std::memory_order_acquire);
        if (holder == 0 || holder == this_process()) break;
        if (try_adopt(*each)) {
          each->holder.store(0, std::memory_order_release);  // as (1) in thread_table.hpp
          break;
        }
        std::this_thread::yield();
      }
    }
  }

 private:
  static constexpr bool tells_of_loss = requires(T& object) { object.lost_thread(); };
  // In a holder: that thread is about to tell the object that the one before is lost. No process has such a number.
  static constexpr std::uint32_t telling = std::uint32_t{1} << 31U;

  static bool try_adopt(lease& each) noexcept {
    const std::uint32_t process = this_process();
    // relaxed: a look before the exchange, which would take the line from the thread that uses it
    std::uint32_t holder = each.holder.load(std::memory_order_relaxed);
    if (holder == process || holder == (process | telling)) return false;
    const bool tell = tells_of_loss && holder != 0;
    // (2) acquire: pairs with (1) in thread_table.hpp
    if (!each.holder.compare_exchange_strong(holder, tell ? process | telling : process, std::memory_order_acquire,
                                             std::memory_order_relaxed)) {
      return false;
    }
    if constexpr (tells_of_loss) {
      if (tell) {
        static_cast<T*>(each.object)->lost_thread();
        each.holder.store(process, std::memory_order_release);  // (4)
      }
    }
    return true;
  }

  template <class Make>
  [[gnu::cold, gnu::noinline]] T& acquire(Make& make) {
    begin_thread();
    this_thread_table.reserve_one();
    for (lease* each = registry_->leases.load(std::memory_order_acquire); each != nullptr; each = each->next) {
      if (!try_adopt(*each)) continue;
      this_thread_table.insert(each);
      return *static_cast<T*>(each->object);
    }
    struct owned_lease {
      lease* made = new lease{this_process(), nullptr, nullptr, nullptr};
      ~owned_lease() { delete made; }
    } owned;
    owned.made->key = registry_;
    owned.made->object = make();
    lease* const mine = owned.made;
    owned.made = nullptr;
    mine->next = registry_->leases.load(std::memory_order_relaxed);
    // release: publishes *mine and its object to whoever walks the leases
    while (!registry_->leases.compare_exchange_weak(mine->next, mine, std::memory_order_release, std::memory_order_relaxed)) {
    }
    this_thread_table.insert(mine);
    return *static_cast<T*>(mine->object);
  }

  thread_registry* registry_;
};

}  // namespace pawl::inline v0::detail
