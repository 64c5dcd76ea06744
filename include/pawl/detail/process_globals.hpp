// SPDX-License-Identifier: BSL-1.0
// One object of a type for the process, although each shared library is compiled with its own copy of this header.
//
// g++ would see to that for any inline variable, by STB_GNU_UNIQUE; but a library that such a symbol names is never unloaded again. So
// what the process has once hangs on a weak symbol that is no template's, and each library's way to it is hidden: the dynamic linker takes
// the first of those that it resolves together (the program's, those of libraries linked to it or opened with RTLD_GLOBAL), whichever
// compiler made them and whatever -fvisibility says.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <thread>
#if defined(__GXX_RTTI)
#include <typeinfo>
#endif

#include "host_atomic.hpp"

namespace pawl::inline v0::detail {

/// An object of the process. On the heap with its name, and never freed: so both survive the library that made them.
struct process_global {
  const process_global* next;
  std::size_t size;
  std::size_t alignment;
  void* storage;
  host_atomic<bool> made{false};
  host_atomic<std::uint32_t> maker{0};  // the process in which a thread is making it. After a fork, that thread may be none.
  char name[1];
};

// Not inline: that would be a COMDAT, hence unique. Weak, so any number of definitions are one.
// NOLINTNEXTLINE(misc-definitions-in-headers)
[[gnu::weak, gnu::visibility("default")]] constinit host_atomic<process_global*> process_globals{nullptr};

/// The object as this library knows it. Key is a type, too, and tells apart objects of one type.
template <class T, class Key>
[[gnu::visibility("hidden")]] inline constinit host_atomic<T*> known_global{nullptr};
template <class... T>
struct global_key {};

// As both compilers spell it, so that their libraries have one object together.
template <class T>
const char* type_name() noexcept {
#if defined(__GXX_RTTI)
  return typeid(T).name();
#else
  return __PRETTY_FUNCTION__;
#endif
}

// A type of an unnamed namespace is another in each file that has one by the same name.
template <class T>
constexpr bool has_linkage() noexcept {
  const std::string_view spelled = __PRETTY_FUNCTION__;
  return spelled.find("{anonymous}") == std::string_view::npos && spelled.find("(anonymous") == std::string_view::npos;
}

[[gnu::cold, gnu::visibility("hidden")]] inline process_global& global_named(host_atomic<process_global*>& list, const char* name,
                                                                             std::size_t size, std::size_t alignment) {
  struct entry_memory {
    void* entry = nullptr;
    void* storage = nullptr;
    std::size_t alignment = 0;
    ~entry_memory() {
      if (storage != nullptr) ::operator delete(storage, std::align_val_t{alignment});
      ::operator delete(entry);
    }
  } memory;
  process_global* fresh = nullptr;
  // acquire: pairs with the release below, so that an entry is whole before we read it
  process_global* head = list.load(std::memory_order_acquire);
  for (;;) {
    for (const process_global* each = head; each != nullptr; each = each->next) {
      if (each->size == size && each->alignment == alignment && std::strcmp(each->name, name) == 0) {
        return const_cast<process_global&>(*each);
      }
    }
    if (fresh == nullptr) {
      const std::size_t length = std::strlen(name);
      memory.alignment = alignment;
      memory.storage = ::operator new(size, std::align_val_t{alignment});
      memory.entry = ::operator new(sizeof(process_global) + length);
      fresh = ::new (memory.entry) process_global{nullptr, size, alignment, memory.storage, {}, {}, {}};
      std::memcpy(fresh->name, name, length + 1);
    }
    fresh->next = head;
    // release: publishes the entry; acquire: for those that others were faster to add
    if (list.compare_exchange_strong(head, fresh, std::memory_order_release, std::memory_order_acquire)) {
      memory.entry = nullptr;
      memory.storage = nullptr;
      return *fresh;
    }
  }
}

/// The object, made by the first call; others wait for that meanwhile, as for a function's static. Throws std::bad_alloc, or what T's
/// constructor throws: then the next call tries again.
template <class T, class Key>
[[gnu::cold, gnu::noinline, gnu::visibility("hidden")]] T& make_global(host_atomic<process_global*>& list) {
  process_global& entry = global_named(list, type_name<global_key<T, Key>>(), sizeof(T), alignof(T));
  const auto process = static_cast<std::uint32_t>(getpid());
  // (1) acquire: pairs with (2), so that the object was made before it is used
  while (!entry.made.load(std::memory_order_acquire)) {
    std::uint32_t maker = entry.maker.load(std::memory_order_relaxed);
    // acquire: pairs with the release at the end, of a thread whose constructor threw
    if (maker == process ||
        !entry.maker.compare_exchange_strong(maker, process, std::memory_order_acquire, std::memory_order_relaxed)) {
      std::this_thread::yield();
      continue;
    }
    const struct claim {
      host_atomic<std::uint32_t>& maker;
      ~claim() { maker.store(0, std::memory_order_release); }
    } end{entry.maker};
    // relaxed: acquired with the claim
    if (entry.made.load(std::memory_order_relaxed)) break;
    std::construct_at(static_cast<T*>(entry.storage));
    entry.made.store(true, std::memory_order_release);  // (2)
  }
  T* const instance = std::launder(static_cast<T*>(entry.storage));
  // release: whoever finds it here need not look at the entry
  known_global<T, Key>.store(instance, std::memory_order_release);
  return *instance;
}

template <class T, class Key>
[[gnu::visibility("hidden")]] inline constinit host_atomic<process_global*> own_globals{nullptr};

template <class T, class Key>
[[gnu::visibility("hidden")]] T& one_for_the_process() {
  // acquire: pairs with the release in make_global
  if (T* const known = known_global<T, Key>.load(std::memory_order_acquire)) [[likely]]
    return *known;
  return make_global<T, Key>(has_linkage<global_key<T, Key>>() ? process_globals : own_globals<T, Key>);
}

}  // namespace pawl::inline v0::detail
