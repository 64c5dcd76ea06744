// SPDX-License-Identifier: BSL-1.0
// Per-thread objects of an owner that may die before its threads do, and whose threads may die before it does.
//
// A thread finds its object in a table of its own. The table's key is the address of a reference-counted block that the owner shares
// with every table which names it: so the address can't come back while any thread could still take it for the dead owner's.
// When a thread ends, it marks its objects as free to adopt and drops its references, nothing more: it calls no function of the owner,
// so it races with no destructor and jumps into no unloaded library.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "config.hpp"
#include "fail.hpp"

namespace pawl::inline v0::detail {

/// The right to one per-thread object: held by a thread while `in_use`, else free to adopt.
struct lease {
  std::atomic<bool> in_use{true};
  lease* next = nullptr;
  void* object = nullptr;
};

/// What an owner and its threads' tables share. It goes with its last reference.
struct thread_registry {
  std::atomic<std::size_t> references{1};
  std::atomic<bool> owner_lives{true};
  std::atomic<lease*> leases{nullptr};

  void drop() noexcept {
    // acq_rel: whoever drops the last reference sees every other thread's last access to the leases
    if (references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    // relaxed: no other thread is left
    lease* each = leases.load(std::memory_order_relaxed);
    while (each != nullptr) {
      lease* const next = each->next;
      delete each;
      each = next;
    }
    delete this;
  }
};

/// One thread's objects, by registry: open addressing, at most half full. Trivially destructible on purpose: a pthread key ends it,
/// after every C++ thread_local is gone, so that containers still work in the destructors of those.
class thread_table {
 public:
  struct entry {
    thread_registry* key = nullptr;
    lease* held = nullptr;
    void* object = nullptr;
  };

  void* find(const thread_registry* key) noexcept {
    // Fixed places, so that the processor needs no key to load the object, only to confirm it.
    if (recent_[0].key == key) [[likely]]
      return recent_[0].object;
    if (recent_[1].key == key) [[likely]]
      return recent_[1].object;
    return find_slowly(key);
  }

  /// Makes room for one entry; throws std::bad_alloc before any effect.
  void reserve_one() {
    if ((used_ + 1) * 2 > capacity_) grow();
  }

  /// Needs room.
  void insert(thread_registry* key, lease* held) noexcept {
    // relaxed: the owner's reference keeps the registry alive meanwhile
    key->references.fetch_add(1, std::memory_order_relaxed);
    remember({key, held->object});
    place({key, held, held->object});
  }

  /// The thread is ending.
  void end() noexcept {
    for (std::size_t i = 0; i < capacity_; ++i) {
      if (entries_[i].key == nullptr) continue;
      // (1) release: what this thread did with the object comes before what its adopter does, see (2)
      entries_[i].held->in_use.store(false, std::memory_order_release);
      entries_[i].key->drop();
    }
    delete[] entries_;
    *this = {};
  }

 private:
  struct pair {
    const thread_registry* key = nullptr;
    void* object = nullptr;
  };

  [[nodiscard]] std::size_t home(const thread_registry* key) const noexcept {
    const auto address = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(key));
    return static_cast<std::size_t>((address * 0x9e3779b97f4a7c15U) >> 32U) & (capacity_ - 1);
  }

  void remember(const pair& latest) noexcept {
    recent_[1] = recent_[0];
    recent_[0] = latest;
  }

  [[gnu::noinline]] void* find_slowly(const thread_registry* key) noexcept {
    if (capacity_ == 0) return nullptr;
    for (std::size_t i = home(key); entries_[i].key != nullptr; i = (i + 1) & (capacity_ - 1)) {
      if (entries_[i].key != key) continue;
      remember({key, entries_[i].object});
      return entries_[i].object;
    }
    return nullptr;
  }

  void place(const entry& added) noexcept {
    std::size_t i = home(added.key);
    while (entries_[i].key != nullptr) i = (i + 1) & (capacity_ - 1);
    entries_[i] = added;
    ++used_;
  }

  // Sweeps out what belonged to dead owners, too: so the table stays within twice what is alive.
  void grow() {
    std::size_t alive = 0;
    for (std::size_t i = 0; i < capacity_; ++i) alive += lives(entries_[i]) ? 1U : 0U;
    std::size_t capacity = 8;
    while (capacity < (alive + 1) * 4) capacity *= 2;
    entry* const fresh = new entry[capacity];
    entry* const old = entries_;
    const std::size_t old_capacity = capacity_;
    entries_ = fresh;
    capacity_ = capacity;
    used_ = 0;
    for (pair& each : recent_) each = {};
    for (std::size_t i = 0; i < old_capacity; ++i) {
      if (lives(old[i])) {
        place(old[i]);
      } else if (old[i].key != nullptr) {
        old[i].key->drop();
      }
    }
    delete[] old;
  }

  // relaxed: an owner that is about to die is swept out next time
  static bool lives(const entry& each) noexcept {
    return each.key != nullptr && each.key->owner_lives.load(std::memory_order_relaxed);
  }

  // Two entries at hand, since an operation may need objects of two owners: its domain's and its container's.
  pair recent_[2]{};
  entry* entries_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
};

inline constinit thread_local thread_table this_thread_table{};

inline void end_thread_table(void* table) noexcept { static_cast<thread_table*>(table)->end(); }

// The pthread key plus one, so that zero is "none yet".
inline constinit std::atomic<std::uint64_t> thread_end_key{0};

/// Sees to it that end_thread_table runs when this thread ends. Throws std::bad_alloc when the process has no key left.
inline void watch_thread_end() {
  // acquire: pairs with the release below, so that the key was created before we use it
  std::uint64_t known = thread_end_key.load(std::memory_order_acquire);
  if (known == 0) {
    pthread_key_t key{};
    if (pthread_key_create(&key, [](void* table) { end_thread_table(table); }) != 0) fail<std::bad_alloc>();
    const std::uint64_t mine = static_cast<std::uint64_t>(key) + 1;
    if (thread_end_key.compare_exchange_strong(known, mine, std::memory_order_acq_rel, std::memory_order_acquire)) {
      known = mine;
    } else {
      pthread_key_delete(key);  // another thread was faster
    }
  }
  if (pthread_setspecific(static_cast<pthread_key_t>(known - 1), &this_thread_table) != 0) fail<std::bad_alloc>();
}

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

  /// The calling thread's object; null where it has none yet. Wait-free.
  static T* find(key owner) noexcept { return static_cast<T*>(this_thread_table.find(owner)); }
  T* find() const noexcept { return find(registry_); }

  /// The calling thread's object: its own, an ended thread's, or else a new one, `*make()`. May throw std::bad_alloc or what make
  /// throws, before any effect.
  template <class Make>
  T& get(Make make) {
    if (T* const mine = find()) [[likely]]
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

  /// Calls f(T&) for every object whose thread has ended; no thread adopts the object meanwhile.
  template <class F>
  void for_each_abandoned(F f) const {
    for (lease* each = registry_->leases.load(std::memory_order_acquire); each != nullptr; each = each->next) {
      if (!try_adopt(*each)) continue;
      f(*static_cast<T*>(each->object));
      each->in_use.store(false, std::memory_order_release);  // as (1)
    }
  }

 private:
  static bool try_adopt(lease& each) noexcept {
    // relaxed: a look before the exchange, which would take the line from the thread that uses it
    // (2) acquire: pairs with (1)
    return !each.in_use.load(std::memory_order_relaxed) && !each.in_use.exchange(true, std::memory_order_acquire);
  }

  template <class Make>
  [[gnu::cold, gnu::noinline]] T& acquire(Make& make) {
    this_thread_table.reserve_one();
    watch_thread_end();
    for (lease* each = registry_->leases.load(std::memory_order_acquire); each != nullptr; each = each->next) {
      if (!try_adopt(*each)) continue;
      this_thread_table.insert(registry_, each);
      return *static_cast<T*>(each->object);
    }
    struct owned_lease {
      lease* made = new lease;
      ~owned_lease() { delete made; }
    } owned;
    owned.made->object = make();
    lease* const mine = owned.made;
    owned.made = nullptr;
    mine->next = registry_->leases.load(std::memory_order_relaxed);
    // release: publishes *mine and its object to whoever walks the leases
    while (!registry_->leases.compare_exchange_weak(mine->next, mine, std::memory_order_release, std::memory_order_relaxed)) {
    }
    this_thread_table.insert(registry_, mine);
    return *static_cast<T*>(mine->object);
  }

  thread_registry* registry_;
};

}  // namespace pawl::inline v0::detail
