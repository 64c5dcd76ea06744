// SPDX-License-Identifier: BSL-1.0
// Which objects a thread has, of which owners: until the thread ends, the process forks, or the shared library goes.
//
// One set of it for all modules (the program and its libraries) that the dynamic linker resolves together, by weak symbols: so whoever's
// copy of a function the linker takes, it finds the same objects, and a section that one module began another may end. (Inline variables
// would be the same, but g++ makes them symbols that pin their library for ever.) A library that sees no other's symbols, by RTLD_LOCAL, has
// a set of its own; a thread that comes to one owner through two sets has two objects there, which is as right as two threads.
//
// The code that is called back, at a thread's end and in a fork's child, is that of the module which has the set: that module can't be
// unloaded while another one uses it, and takes its threads' leases back when it is.
//
// A thread's own signal handlers may look for what the thread has, at any instant: in the midst of another look, too, and of every change.
// So a lease never changes while a table names it; a table changes by stores that each leave it right, from whose every state a look finds
// what was there before the change began; and the look that handlers may have (find_only) changes nothing.
#pragma once

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "config.hpp"
#include "fail.hpp"
#include "host_atomic.hpp"
#include "library_end.hpp"
#include "noted_sections.hpp"

namespace pawl::inline v0::detail {

struct thread_registry;

/// The right to one per-thread object. `holder` is the process in which a thread has it, zero where it is free to adopt. After a fork
/// it names another process where the thread is not in the child.
struct lease {
  host_atomic<std::uint32_t> holder;
  lease* next = nullptr;
  thread_registry* key = nullptr;  // its owner's, by which a thread finds it
  void* object = nullptr;
};

/// What an owner and its threads' tables share. It goes with its last reference.
struct thread_registry {
  host_atomic<std::size_t> references{1};
  host_atomic<bool> owner_lives{true};
  host_atomic<lease*> leases{nullptr};

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

/// Leases by their keys: open addressing, at most half full.
class lease_map {
 public:
  /// Of a power of two. Throws std::bad_alloc.
  explicit lease_map(std::size_t capacity) : capacity_(capacity), places_(new host_atomic<lease*>[capacity]) {}
  lease_map(const lease_map&) = delete;
  lease_map& operator=(const lease_map&) = delete;
  ~lease_map() { delete[] places_; }

  [[nodiscard]] const lease* find(const thread_registry* key) const noexcept {
    for (std::size_t i = home(key);; i = (i + 1) & (capacity_ - 1)) {
      const lease* const each = at(i);
      if (each == nullptr || each->key == key) return each;
    }
  }
  [[nodiscard]] bool has_room() const noexcept { return (used_ + 1) * 2 <= capacity_; }
  /// Needs room.
  void place(lease& added) noexcept {
    std::size_t i = home(added.key);
    while (at(i) != nullptr) i = (i + 1) & (capacity_ - 1);
    // (11) release: our own handlers find a whole lease
    places_[i].store(&added, std::memory_order_release);
    ++used_;
  }
  /// Calls f(lease&) for each.
  template <class F>
  void for_each(F f) const noexcept {
    for (std::size_t i = 0; i < capacity_; ++i) {
      if (lease* const each = at(i)) f(*each);
    }
  }

 private:
  // relaxed: only the thread itself looks, and its handlers
  [[nodiscard]] lease* at(std::size_t i) const noexcept { return places_[i].load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t home(const thread_registry* key) const noexcept {
    const auto address = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(key));
    return static_cast<std::size_t>((address * 0x9e3779b97f4a7c15U) >> 32U) & (capacity_ - 1);
  }

  const std::size_t capacity_;
  host_atomic<lease*>* const places_;
  std::size_t used_ = 0;
};

/// One thread's leases. On the heap and listed, so that they can be given up by who unloads the library, and not in the thread's own
/// memory, which may be gone then.
struct held_leases {
  host_atomic<std::uint32_t> holder;  // as a lease's: the block goes to another thread when its own has ended
  held_leases* next = nullptr;
  host_atomic<lease_map*> map{nullptr};  // only its thread's, and its handlers'

  [[nodiscard]] const lease* find(const thread_registry* key) const noexcept {
    const lease_map* const known = map.load(std::memory_order_relaxed);
    return known != nullptr ? known->find(key) : nullptr;
  }
  [[nodiscard]] bool has_room() const noexcept {
    const lease_map* const known = map.load(std::memory_order_relaxed);
    return known != nullptr && known->has_room();
  }
  template <class F>
  void for_each(F f) const noexcept {
    if (const lease_map* const known = map.load(std::memory_order_relaxed)) known->for_each(f);
  }
  // Sweeps out what belonged to dead owners, too: so the table stays within twice what is alive.
  void grow() {
    std::size_t alive = 0;
    for_each([&alive](lease& each) noexcept { alive += lives(each) ? 1U : 0U; });
    std::size_t wanted = 8;
    while (wanted < (alive + 1) * 4) wanted *= 2;
    auto* const fresh = new lease_map(wanted);
    lease_map* const old = map.load(std::memory_order_relaxed);
    for_each([fresh](lease& each) noexcept {
      if (lives(each)) fresh->place(each);
    });
    // (12) release: our own handlers find the new map as it is here, or the old one, which is whole until after this
    map.store(fresh, std::memory_order_release);
    if (old == nullptr) return;
    old->for_each([fresh](lease& each) noexcept {
      if (fresh->find(each.key) == nullptr) each.key->drop();
    });
    delete old;
  }
  /// The thread is ending, or doesn't use the library any more.
  void give_up() noexcept {
    lease_map* const old = map.load(std::memory_order_relaxed);
    map.store(nullptr, std::memory_order_release);  // as (12)
    if (old == nullptr) return;
    old->for_each([](lease& each) noexcept {
      // (1) release: what this thread did with the object comes before what its adopter does, see (2) in host_threads.hpp
      each.holder.store(0, std::memory_order_release);
      each.key->drop();
    });
    delete old;
  }

 private:
  // relaxed: an owner that is about to die is swept out next time
  static bool lives(const lease& each) noexcept { return each.key->owner_lives.load(std::memory_order_relaxed); }
};

/// A thread's way to its leases. Trivially destructible on purpose: a pthread key ends them, after every C++ thread_local is gone, so
/// that containers still work in the destructors of those.
class thread_table {
 public:
  void* find(const thread_registry* key) noexcept {
    // Fixed places, so that the processor needs no key to load the object, only to confirm it.
    if (recent_[0].key == key) [[likely]]
      return recent_[0].found();
    if (recent_[1].key == key) [[likely]]
      return recent_[1].found();
    return find_and_remember(key);
  }
  /// The same, and changes nothing: for what handlers may do. One that came between the look at a key and that at its object must not have
  /// put another's object there.
  [[nodiscard]] void* find_only(const thread_registry* key) const noexcept {
    if (recent_[0].key == key) [[likely]]
      return recent_[0].found();
    if (recent_[1].key == key) [[likely]]
      return recent_[1].found();
    return find_elsewhere(key);
  }

  [[nodiscard]] held_leases* all() const noexcept { return all_; }
  [[nodiscard]] noted_sections& sections() noexcept { return sections_; }
  void begin(held_leases& taken) noexcept { all_ = &taken; }
  void end() noexcept {
    all_ = nullptr;
    forget_recent();
    sections_ = {};
  }

  /// Makes room for one entry; throws std::bad_alloc before any effect.
  void reserve_one() {
    if (all_->has_room()) return;
    forget_recent();  // of owners that are swept out, perhaps
    all_->grow();
  }
  /// Needs room.
  void insert(lease* held) noexcept {
    // relaxed: the owner's reference keeps the registry alive meanwhile
    held->key->references.fetch_add(1, std::memory_order_relaxed);
    all_->map.load(std::memory_order_relaxed)->place(*held);
    remember(*held);
  }

 private:
  struct pair {
    const thread_registry* key = nullptr;
    void* object = nullptr;

    // Where there is a key there is an object: so who has found the one need not look whether it has the other.
    [[nodiscard]] void* found() const noexcept {
      if (object == nullptr) __builtin_unreachable();
      return object;
    }
    // Between these stores, handlers find no key here, or the key with its object.
    void set(const thread_registry* new_key, void* new_object) noexcept {
      key = nullptr;
      std::atomic_signal_fence(std::memory_order_release);
      object = new_object;
      std::atomic_signal_fence(std::memory_order_release);
      key = new_key;
      std::atomic_signal_fence(std::memory_order_release);
    }
  };

  void remember(const lease& latest) noexcept {
    recent_[1].set(recent_[0].key, recent_[0].object);
    recent_[0].set(latest.key, latest.object);
  }
  void forget_recent() noexcept {
    for (pair& each : recent_) each.set(nullptr, nullptr);
  }
  [[gnu::noinline]] void* find_elsewhere(const thread_registry* key) const noexcept {
    const lease* const found = all_ != nullptr ? all_->find(key) : nullptr;
    return found != nullptr ? found->object : nullptr;
  }
  [[gnu::noinline]] void* find_and_remember(const thread_registry* key) noexcept {
    const lease* const found = all_ != nullptr ? all_->find(key) : nullptr;
    if (found == nullptr) return nullptr;
    remember(*found);
    return found->object;
  }

  // Two entries at hand, since an operation may need objects of two owners: its domain's and its container's.
  pair recent_[2]{};
  held_leases* all_ = nullptr;
  noted_sections sections_{};
};

// In a shared library, a call of __tls_get_addr would cost more than all the rest of a protection. These 80 bytes fit into what glibc
// keeps free for libraries that are opened late. PAWL_DYNAMIC_TLS is for who opens so many, or so large ones, that they don't. (__thread: of
// a weak thread_local clang thinks that another module's may want to be initialized.)
#if defined(__linux__) && !defined(PAWL_DYNAMIC_TLS)
[[gnu::weak, gnu::visibility("default"), gnu::tls_model("initial-exec")]]
#else
[[gnu::weak, gnu::visibility("default")]]
#endif
__thread thread_table this_thread_table{};  // NOLINT(misc-definitions-in-headers)

[[gnu::visibility("hidden")]] inline std::uint64_t watch_ends();

/// The threads of the process, as the modules that share this know them.
struct module_threads {
  host_atomic<held_leases*> all{nullptr};
  // The pthread key plus one, so that zero is "none yet".
  host_atomic<std::uint64_t> end_key{0};
  host_atomic<std::uint32_t> process{0};
  std::uint64_t (*watch)() = nullptr;  // of the module that has this
  section_notes notes = {};  // of the same
  noted_sections kept_sections;  // of the thread that forked this process, when it did
  // That thread has some that are counted apart. Only it changes this, and once. (True: of a fork that nobody was told of.)
  host_atomic<bool> sections_apart{true};
  std::uint32_t settled = 0;  // the process that was forked, where this was false there
};
[[gnu::visibility("hidden")]] inline bool note_section(const void* counter) noexcept;
[[gnu::visibility("hidden")]] inline bool section_is_apart(const void* counter) noexcept;
[[gnu::visibility("hidden")]] inline void forget_section(const void* counter) noexcept;
[[gnu::visibility("hidden")]] inline section_notes::forked forked_sections(const void* counter) noexcept;
[[gnu::visibility("hidden")]] inline bool has_sections_apart() noexcept;

// NOLINTNEXTLINE(misc-definitions-in-headers)
[[gnu::weak, gnu::visibility("default")]] constinit module_threads shared_threads{
    {nullptr}, {0},    {0}, &watch_ends, {&note_section, &section_is_apart, &forget_section, &forked_sections, &has_sections_apart},
    {},        {true}, 0};

/// Names this process among those that fork makes of it. Not 0.
inline std::uint32_t this_process() noexcept {
  // relaxed: set before the first lease, and in a fork's child
  const std::uint32_t known = shared_threads.process.load(std::memory_order_relaxed);
  return known != 0 ? known : static_cast<std::uint32_t>(getpid());
}

inline bool note_section(const void* counter) noexcept { return this_thread_table.sections().note(counter); }
inline bool section_is_apart(const void* counter) noexcept { return this_thread_table.sections().is_apart(counter); }
inline void forget_section(const void* counter) noexcept {
  noted_sections& mine = this_thread_table.sections();
  const bool apart = mine.some_apart();
  mine.forget(counter);
  // (8) release: pairs with (9), by which others learn that our sections are over, and may free what they read
  if (apart && !mine.some_apart()) shared_threads.sections_apart.store(false, std::memory_order_release);
}
inline section_notes::forked forked_sections(const void* counter) noexcept {
  // (9) acquire: pairs with (8): what the last section read comes before what is done since none is left
  const bool some_apart = shared_threads.sections_apart.load(std::memory_order_acquire);
  return {shared_threads.kept_sections.of(counter), some_apart, shared_threads.settled};
}
inline bool has_sections_apart() noexcept { return this_thread_table.sections().some_apart(); }

/// Called at the end of a thread.
[[gnu::visibility("hidden")]] inline void end_thread(void* leases) noexcept {
  auto* const ended = static_cast<held_leases*>(leases);
  this_thread_table.end();  // first, since it names leases
  ended->give_up();
  // (3) release: pairs with (4): the block is empty before the next thread takes it
  ended->holder.store(0, std::memory_order_release);
}

/// Called in the child, whose one thread is the one that forked. What the others held keeps the parent's name, so it is known as lost.
[[gnu::visibility("hidden")]] inline void end_fork_in_child() noexcept {
  const auto process = static_cast<std::uint32_t>(getpid());
  // relaxed, all: there is no other thread
  const bool settled = !shared_threads.sections_apart.load(std::memory_order_relaxed);
  shared_threads.settled = settled ? shared_threads.process.load(std::memory_order_relaxed) : 0;
  shared_threads.process.store(process, std::memory_order_relaxed);
  noted_sections& sections = this_thread_table.sections();
  sections.fork();
  shared_threads.kept_sections = sections;
  shared_threads.sections_apart.store(sections.some_apart(), std::memory_order_relaxed);
  held_leases* const mine = this_thread_table.all();
  if (mine == nullptr) return;
  mine->holder.store(process, std::memory_order_relaxed);
  mine->for_each([process](lease& each) noexcept { each.holder.store(process, std::memory_order_relaxed); });
}

/// Called when the module that has the set is unloaded, never at the program's end. By dlclose's contract no thread is in the library, and
/// none comes but this one, for a static object that is destroyed after this: then all begins anew, and ends again.
[[gnu::visibility("hidden")]] inline void end_library() noexcept {
  // acquire, all three: pair with the releases of (3), (5) and (6), so that we see the blocks, and as their threads left them. That they are
  // gone or elsewhere the caller of dlclose knows.
  const std::uint64_t key = shared_threads.end_key.exchange(0, std::memory_order_acquire);
  if (key != 0) pthread_key_delete(static_cast<pthread_key_t>(key - 1));
  const std::uint32_t process = shared_threads.process.load(std::memory_order_relaxed);
  held_leases* each = shared_threads.all.exchange(nullptr, std::memory_order_acquire);
  while (each != nullptr) {
    held_leases* const next = each->next;
    const std::uint32_t holder = each->holder.load(std::memory_order_acquire);
    // What a thread held that a fork left behind may be half written, and its leases others' by now.
    if (holder == process) each->give_up();
    if (holder == process || holder == 0) delete each;
    each = next;
  }
  this_thread_table.end();
}

[[gnu::visibility("hidden")]] inline void end_library_or_program(void* /*unused*/) noexcept {
  if (!at_program_end()) end_library();
}

/// Makes the key that calls end_thread, and whatever else ends something. Throws std::bad_alloc where the process has no key left.
[[gnu::cold]] inline std::uint64_t watch_ends() {
  // Of two threads that come here at once each does all of it; done twice, nothing of it does harm.
  shared_threads.process.store(static_cast<std::uint32_t>(getpid()), std::memory_order_relaxed);
  if (pthread_atfork(nullptr, nullptr, end_fork_in_child) != 0) fail<std::bad_alloc>();
  if (!at_library_end(end_library_or_program)) fail<std::bad_alloc>();
  pthread_key_t key{};
  if (pthread_key_create(&key, end_thread) != 0) fail<std::bad_alloc>();
  std::uint64_t known = 0;
  const std::uint64_t mine = static_cast<std::uint64_t>(key) + 1;
  // (5) release: publishes to (7) the process's number and what else was set up; acquire: the same of a thread that was faster
  if (shared_threads.end_key.compare_exchange_strong(known, mine, std::memory_order_acq_rel, std::memory_order_acquire))
    return mine;
  pthread_key_delete(key);
  return known;
}

/// Gives this thread its leases, which end_thread ends, unless it has them already. Throws std::bad_alloc before any effect.
[[gnu::cold]] inline void begin_thread() {
  if (this_thread_table.all() != nullptr) return;
  // (7) acquire: pairs with (5), so that the key was created before we use it
  std::uint64_t key = shared_threads.end_key.load(std::memory_order_acquire);
  if (key == 0) key = shared_threads.watch();
  const std::uint32_t process = this_process();

  held_leases* taken = nullptr;
  // acquire: pairs with (6)
  for (held_leases* each = shared_threads.all.load(std::memory_order_acquire); each != nullptr && taken == nullptr;
       each = each->next) {
    std::uint32_t nobody = 0;
    // (4) acquire: pairs with (3)
    if (each->holder.load(std::memory_order_relaxed) == 0 &&
        each->holder.compare_exchange_strong(nobody, process, std::memory_order_acquire, std::memory_order_relaxed)) {
      taken = each;
    }
  }
  if (taken == nullptr) {
    taken = new held_leases{process};
    taken->next = shared_threads.all.load(std::memory_order_relaxed);
    // (6) release: publishes the block to who walks the list
    while (!shared_threads.all.compare_exchange_weak(taken->next, taken, std::memory_order_release, std::memory_order_relaxed)) {
    }
  }
  if (pthread_setspecific(static_cast<pthread_key_t>(key - 1), taken) != 0) {
    taken->holder.store(0, std::memory_order_release);  // as (3)
    fail<std::bad_alloc>();
  }
  this_thread_table.begin(*taken);
}

}  // namespace pawl::inline v0::detail
