// SPDX-License-Identifier: BSL-1.0
// Per-thread objects of an owner that may die before its threads do, and whose threads may die before it does.
//
// A thread finds its object in a table of its own. The table's key is the address of a reference-counted block that the owner shares
// with every table which names it: so the address can't come back while any thread could still take it for the dead owner's.
// When a thread ends, it marks its objects as free to adopt and drops its references, nothing more: it calls no function of the owner,
// so it races with no destructor and jumps into no unloaded library.
//
// In the child of a fork only the thread that forked lives. What the others had is free to adopt there, too, as soon as somebody looks:
// a lease names the process in which it is held. Their objects are told, `lost_thread()`, since nobody knows in the midst of what they were.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "config.hpp"
#include "fail.hpp"
#include "process.hpp"

namespace pawl::inline v0::detail {

/// The right to one per-thread object: held by a thread of the process that `holder` names, else free to adopt.
struct lease {
  explicit lease(std::uint32_t process) noexcept : holder(process) {}
  std::atomic<std::uint32_t> holder;
  lease* next = nullptr;
  void* object = nullptr;
};

/// In place of the pthread key, when the module whose function it calls is gone, or as good as gone.
inline constexpr std::uint64_t keys_are_gone = ~std::uint64_t{0};

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
      entries_[i].held->holder.store(0, std::memory_order_release);
      entries_[i].key->drop();
    }
    delete[] entries_;
    *this = {};
  }
  /// The thread has forked, and is the only one of the child, which is called so.
  void goes_on_in(std::uint32_t child) noexcept {
    for (std::size_t i = 0; i < capacity_; ++i) {
      // relaxed: there is no other thread
      if (entries_[i].key != nullptr) entries_[i].held->holder.store(child, std::memory_order_relaxed);
    }
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

// In a shared library an access by the general rules of its code calls a function, which costs more than all else. So it lies where the
// loader reserves some room for such variables of libraries that come later (PAWL_DYNAMIC_TLS: not there; see docs/processes.md).
// (__thread: of a weak thread_local clang thinks that another module's may want to be initialized.)
#if defined(__linux__) && !defined(PAWL_DYNAMIC_TLS)
[[gnu::tls_model("initial-exec"), gnu::weak, gnu::visibility("default")]] __thread thread_table this_thread_table{};
#else
[[gnu::weak, gnu::visibility("default")]] __thread thread_table this_thread_table{};
#endif

inline void end_thread_table(void* table) noexcept { static_cast<thread_table*>(table)->end(); }

[[gnu::weak, gnu::visibility("default")]] constinit process_state this_process{
    {nullptr}, {0}, [](void* table) { end_thread_table(table); }, &module_mark, {0}};

/// In the child of a fork. Every module has its own, which registers itself.
[[gnu::visibility("hidden")]] inline void begin_child() noexcept {
  const auto child = static_cast<std::uint32_t>(getpid());
  // relaxed: there is no other thread
  if (this_process.stamp.load(std::memory_order_relaxed) == child) return;
  this_process.stamp.store(child, std::memory_order_relaxed);
  this_thread_table.goes_on_in(child);
}
[[gnu::visibility("hidden")]] inline constinit std::atomic<bool> watches_forks{false};

/// Names this process among those that fork makes of it. Not 0.
inline std::uint32_t process_stamp() noexcept {
  // relaxed: it is the same for as long as there is another thread
  const std::uint32_t known = this_process.stamp.load(std::memory_order_relaxed);
  if (known != 0) [[likely]]
    return known;
  const auto asked = static_cast<std::uint32_t>(getpid());
  this_process.stamp.store(asked, std::memory_order_relaxed);
  return asked;
}

/// Sees to it that the thread's table ends when it does, and goes on in a child of its process. Throws std::bad_alloc when the process has
/// no key left.
[[gnu::visibility("hidden")]] inline void watch_thread_end() {
  if (!watches_forks.load(std::memory_order_relaxed) && !watches_forks.exchange(true, std::memory_order_relaxed) &&
      pthread_atfork(nullptr, nullptr, &begin_child) != 0) {
    watches_forks.store(false, std::memory_order_relaxed);
    fail<std::bad_alloc>();
  }
  auto& shared = this_process.thread_end_key;
  // acquire: pairs with the release below, so that the key was created before we use it
  std::uint64_t known = shared.load(std::memory_order_acquire);
  if (known == 0) {
    pthread_key_t key{};
    if (pthread_key_create(&key, this_process.thread_ends) != 0) fail<std::bad_alloc>();
    const std::uint64_t mine = static_cast<std::uint64_t>(key) + 1;
    if (shared.compare_exchange_strong(known, mine, std::memory_order_acq_rel, std::memory_order_acquire)) {
      known = mine;
    } else {
      pthread_key_delete(key);  // another thread was faster
    }
  }
  if (known == keys_are_gone) return;
  if (pthread_setspecific(static_cast<pthread_key_t>(known - 1), &this_thread_table) != 0 &&
      shared.load(std::memory_order_relaxed) != keys_are_gone) {
    fail<std::bad_alloc>();
  }
}

/// The module is being unloaded, after all its static destructors; or the process ends, and others may use it still. The calling thread
/// gives up what it has; from now on no thread's end is seen, since the function that would see it goes.
[[gnu::destructor(101), gnu::visibility("hidden")]] inline void leave_module() noexcept {
  forget_globals_of(&module_mark);
  if (this_process.home != &module_mark) return;
  const std::uint64_t known = this_process.thread_end_key.exchange(keys_are_gone, std::memory_order_acq_rel);
  if (known == 0 || known == keys_are_gone) return;
  this_thread_table.end();
  pthread_key_delete(static_cast<pthread_key_t>(known - 1));
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
      each->holder.store(0, std::memory_order_release);  // as (1)
    }
  }

 private:
  static bool try_adopt(lease& each) noexcept {
    const std::uint32_t here = process_stamp();
    // relaxed: a look before the exchange, which would take the line from the thread that uses it
    std::uint32_t holder = each.holder.load(std::memory_order_relaxed);
    // (2) acquire: pairs with (1)
    if (holder == here || !each.holder.compare_exchange_strong(holder, here, std::memory_order_acquire, std::memory_order_relaxed)) {
      return false;
    }
    if constexpr (requires(T& object) { object.lost_thread(); }) {
      if (holder != 0) static_cast<T*>(each.object)->lost_thread();
    }
    return true;
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
      lease* made = new lease(process_stamp());
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
