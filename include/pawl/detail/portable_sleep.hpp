// SPDX-License-Identifier: BSL-1.0
// To sleep while a word has a value, where the system has no call for it: by the standard library's mutexes.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>

namespace pawl::inline v0::detail {

/// As futex_sleep, but all who sleep on words of one bed are woken at once.
struct portable_sleep {
  template <class B>
  static void sleep(const std::uint32_t& word, std::uint32_t seen) noexcept {
    bed& own = bed_of(&word);
    std::unique_lock lock(own.mutex);
    // relaxed: who changed the word and wakes has the mutex in between, so either it finds us asleep, or we see the change
    if (B::load(word, std::memory_order_relaxed) == seen) own.woken.wait(lock);
  }
  static void wake(const std::uint32_t& word, bool /*one*/) noexcept {
    bed& own = bed_of(&word);
    // Between a look at the word and lying down nobody is: so the change that the caller has made is seen, or its waking heard.
    {
      const std::lock_guard lock(own.mutex);
    }
    own.woken.notify_all();
  }

 private:
  struct bed {
    std::mutex mutex;
    std::condition_variable woken;
  };
  static constexpr std::size_t beds = 64;

  // Never destroyed: threads may wait in static destructors, too.
  [[gnu::visibility("default")]] static bed& bed_of(const void* word) noexcept {
    alignas(bed) static std::byte memory[beds * sizeof(bed)];
    static bed* const all = ::new (static_cast<void*>(memory)) bed[beds];
    return all[(reinterpret_cast<std::uintptr_t>(word) >> 2U) % beds];
  }
};

}  // namespace pawl::inline v0::detail
