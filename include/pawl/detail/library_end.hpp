// SPDX-License-Identifier: BSL-1.0
// The end of a shared library by dlclose, told from the end of the program: both run the library's exit functions, but at the program's
// end other threads and other static objects may still use what the library has.
//
// What tells them apart is an exit function of no library, which dlclose doesn't run. It has to be code that no dlclose takes away, so
// it is the C library's own: sem_post, on a semaphore on the heap.
#pragma once

#if defined(__GLIBC__) && defined(__PIC__) && !defined(__PIE__)
#include <cxxabi.h>
#include <semaphore.h>

#include <new>

#include "process_globals.hpp"

// The C++ ABI's name for the library that this is linked into.
extern "C" {
extern void* __dso_handle __attribute__((visibility("hidden")));  // NOLINT(bugprone-reserved-identifier)
// LeakSanitizer's, null where there is none.
[[gnu::weak]] void __lsan_ignore_object(const void* object);  // NOLINT(bugprone-reserved-identifier)
}
#endif

namespace pawl::inline v0::detail {

#if defined(__GLIBC__) && defined(__PIC__) && !defined(__PIE__)

/// Kept for ever by the list of exit functions: some 100 bytes for each time that a library is loaded, used and unloaded.
struct exit_notice {
  sem_t exiting;
  host_atomic<process_global*> kept{nullptr};  // so that the globals of a library that went are no leak in a leak checker's eyes
};
[[gnu::visibility("hidden")]] inline constinit host_atomic<exit_notice*> this_exit{nullptr};

/// Has `end` called when this library is unloaded, or the program ends. False where memory is short.
[[gnu::visibility("hidden")]] inline bool at_library_end(void (*end)(void*)) noexcept {
  auto* notice = new (std::nothrow) exit_notice;
  if (notice == nullptr) return false;
  sem_init(&notice->exiting, 0, 0);
  if (abi::__cxa_atexit(end, nullptr, &__dso_handle) != 0) {
    delete notice;
    return false;
  }
  // After it, so that it comes before it: exit functions run in reverse. Through a pointer of another type, since sem_post returns a
  // value, which the C library's caller doesn't look at.
  const auto post = reinterpret_cast<void (*)()>(sem_post);
  // Of a library that there is not, which is named by the notice's address.
  if (abi::__cxa_atexit(reinterpret_cast<void (*)(void*)>(post), &notice->exiting, notice) != 0) {
    delete notice;
    return false;
  }
  // By now only the list of exit functions knows it, where leak checkers don't look.
  if (__lsan_ignore_object != nullptr) __lsan_ignore_object(notice);
  // release: to the acquire below
  this_exit.store(notice, std::memory_order_release);
  return true;
}

/// Asked in such a call: is it the program that ends?
[[gnu::visibility("hidden")]] inline bool at_program_end() noexcept {
  exit_notice* const notice = this_exit.load(std::memory_order_acquire);
  int posted = 0;
  if (notice == nullptr || sem_getvalue(&notice->exiting, &posted) != 0 || posted != 0) return true;
  // acquire: pairs with the release of who added to the list
  notice->kept.store(process_globals.load(std::memory_order_acquire), std::memory_order_relaxed);
  return false;
}

#else

// A program is never unloaded. (A library elsewhere is not watched: where dlclose unloads, it must not be unloaded while threads live
// that have used it.)
[[gnu::visibility("hidden")]] inline bool at_library_end(void (* /*end*/)(void*)) noexcept { return true; }
inline bool at_program_end() noexcept { return true; }

#endif

}  // namespace pawl::inline v0::detail
