// SPDX-License-Identifier: BSL-1.0
// What a process has once, shared by all modules (the program and its libraries) that the dynamic linker resolves together.
//
// An inline variable would do, but g++ makes it a symbol that the loader never unloads (STB_GNU_UNIQUE), and so no library that uses pawl
// could be closed. Weak symbols are shared by the same rules, and don't. Libraries loaded with RTLD_LOCAL that see no other's symbols have
// one each: docs/processes.md says what that means.
#pragma once

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <thread>

namespace pawl::inline v0::detail {

/// Stands for the module in which it is: every one has its own.
[[gnu::visibility("hidden")]] inline constinit char module_mark = 0;

/// An object of which a process has one. Which objects are the same, the linker decides: a template function's address is the key.
struct global_object {
  using key_function = const void* (*)(const char*&) noexcept;
  enum class states { empty, begins, lives };

  key_function key = nullptr;
  const void* home = nullptr;  // the module that the key is in
  global_object* next = nullptr;
  void* memory = nullptr;
  std::atomic<states> state{states::empty};
};

struct process_state {
  std::atomic<global_object*> globals{nullptr};
  /// The pthread key plus one, so that zero is "none yet".
  std::atomic<std::uint64_t> thread_end_key{0};
  /// Of the key's destructor: in this object, so that it is in the module that has it.
  void (*thread_ends)(void* table);
  const void* home;
  /// Names the process among those that fork made: its number. 0: not asked yet.
  std::atomic<std::uint32_t> stamp{0};
};

// Defined in host_threads.hpp, which ends threads' tables.
extern process_state this_process;

/// The function whose address is the key: says in which module it is. Its name keeps a linker that folds equal functions from this one.
template <class Tag, class T>
[[gnu::visibility("default"), gnu::noinline]] const void* global_key(const char*& name) noexcept {
  name = __PRETTY_FUNCTION__;
  return &module_mark;
}

/// The entry of a key, made where there is none. Throws std::bad_alloc.
[[gnu::cold, gnu::noinline]] inline global_object& global_entry(global_object::key_function key, std::size_t bytes,
                                                                std::size_t alignment) {
  struct unlinked {
    global_object* entry = nullptr;
    std::size_t alignment;
    ~unlinked() {
      if (entry == nullptr) return;
      if (entry->memory != nullptr) ::operator delete(entry->memory, std::align_val_t{alignment});
      delete entry;
    }
  } made{nullptr, alignment};
  // (1) acquire: pairs with (2), which publishes the entry
  global_object* head = this_process.globals.load(std::memory_order_acquire);
  for (;;) {
    for (global_object* each = head; each != nullptr; each = each->next) {
      if (each->key == key) return *each;
    }
    if (made.entry == nullptr) {
      made.entry = new global_object;
      made.entry->memory = ::operator new(bytes, std::align_val_t{alignment});
      made.entry->key = key;
      const char* name = nullptr;
      made.entry->home = key(name);
    }
    made.entry->next = head;
    // (2) release, and acquire of another's entry on failure
    if (this_process.globals.compare_exchange_weak(head, made.entry, std::memory_order_release, std::memory_order_acquire)) {
      global_object& linked = *made.entry;
      made.entry = nullptr;
      return linked;
    }
  }
}

/// One T for the process, never destroyed. What T's constructor throws goes on, and the next caller tries again.
template <class Tag, class T>
[[gnu::cold, gnu::noinline]] T& make_global() {
  using states = global_object::states;
  global_object& entry = global_entry(&global_key<Tag, T>, sizeof(T), alignof(T));
  auto state = states::empty;
  // (3) acquire: pairs with (4): the object was made before
  while (!entry.state.compare_exchange_weak(state, states::begins, std::memory_order_acquire, std::memory_order_acquire)) {
    if (state == states::lives) return *static_cast<T*>(entry.memory);
    state = states::empty;
    std::this_thread::yield();
  }
  struct undo {
    global_object* entry;
    ~undo() {
      if (entry != nullptr) entry->state.store(states::empty, std::memory_order_release);
    }
  } guard{&entry};
  T* const object = std::construct_at(static_cast<T*>(entry.memory));
  guard.entry = nullptr;
  entry.state.store(states::lives, std::memory_order_release);  // (4)
  return *object;
}

/// Called when a module is unloaded, and when the process ends: from now on nobody finds what is named by functions of that module. (What
/// it was stays, in memory that nobody names: the library that had it was to reclaim before.)
inline void forget_globals_of(const void* module) noexcept {
  for (global_object* each = this_process.globals.load(std::memory_order_acquire); each != nullptr; each = each->next) {
    if (each->home == module) each->key = nullptr;
  }
}

}  // namespace pawl::inline v0::detail
