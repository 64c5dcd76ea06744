// SPDX-License-Identifier: BSL-1.0
// The memory of a modelled execution: which address is which atomic, who has read and written plain data, and what was allocated.
//
// Plain data is watched with vector clocks (C. Flanagan, S. Freund, "FastTrack", PLDI 2009): an access that does not happen after the
// other threads' conflicting ones is a data race. Every execution allocates the same addresses, from one region per thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

#include <sys/mman.h>

#include "buffer.hpp"
#include "clock.hpp"
#include "place.hpp"
#include "setup.hpp"

namespace pawl::inline v0::model::detail {

/// A moment of a thread: after its event number `time - 1`.
struct moment {
  std::uint16_t time = 0;
  std::uint8_t thread = 0;
  /// `now` is thread `whose`'s clock. A thread's own moments need no event between.
  [[nodiscard]] bool happens_before(const clock& now, unsigned whose) const noexcept {
    return thread == whose || now.has(thread, time);
  }
};

/// What is known of the object at an address.
struct object {
  enum class life : std::uint8_t { none, atomic, plain, ended };

  const void* address = nullptr;
  std::uint32_t run = 0;  // in which this was noted; other runs' notes are void
  life what = life::none;
  std::uint32_t location = 0;
  std::uint8_t bytes = 0;  // of an atomic
  moment written;  // the last plain write, or the begin of an atomic
  place where_written;
  clock used;  // per thread, its last read, or access to an atomic
  place where_used[max_threads];  // of those

  /// Nothing is known of it yet, or any more. (Most objects never have a reader to be remembered: those places are left as they are.)
  void renew() noexcept {
    what = life::none;
    written = moment{};
    used = clock{};
  }
};

class object_table {
 public:
  object_table() { resize(128); }

  void new_run() noexcept {
    ++run_;
    addresses_.clear();
  }
  /// The object at this address; a new one has no life yet. Valid until the next call.
  object& at(const void* address) {
    object& found = find(address);
    return found.run == run_ ? found : add(address, found);
  }
  /// The same; null where none is there yet.
  object* known_at(const void* address) noexcept {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t i = home_of(address) & mask; slots_[i].run == run_; i = (i + 1) & mask) {
      if (slots_[i].address == address) return &slots_[i];
    }
    return nullptr;
  }
  /// Calls f(object) for each in [begin, begin + bytes).
  template <class F>
  void for_each_in(const void* begin, std::size_t bytes, F f) {
    const auto first = reinterpret_cast<std::uintptr_t>(begin);
    if (4 * bytes < addresses_.size()) {
      for (std::size_t i = 0; i < bytes; ++i) {
        object& each = find(reinterpret_cast<const void*>(first + i));
        if (each.run == run_) f(each);
      }
      return;
    }
    for (const void* const each : addresses_) {
      const auto address = reinterpret_cast<std::uintptr_t>(each);
      if (address >= first && address - first < bytes) f(find(each));
    }
  }

 private:
  static std::size_t home_of(const void* address) noexcept {
    return static_cast<std::size_t>((reinterpret_cast<std::uintptr_t>(address) * 0x9e3779b97f4a7c15U) >> 32U);
  }
  // The object at this address, or the free slot where it is to be.
  object& find(const void* address) noexcept {
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = home_of(address) & mask;
    while (slots_[i].run == run_ && slots_[i].address != address) i = (i + 1) & mask;
    return slots_[i];
  }
  [[gnu::noinline]] object& add(const void* address, object& slot) {
    object* fresh = &slot;
    addresses_.push_back(address);
    if (2 * addresses_.size() > slots_.size()) {
      grow();
      fresh = &find(address);
    }
    fresh->renew();
    fresh->address = address;
    fresh->run = run_;
    return *fresh;
  }
  void resize(std::size_t size) {
    slots_.resize(size);
    for (object& each : slots_) each = object{};
  }
  void grow() {
    buffer<object> old;
    for (const object& each : slots_) {
      if (each.run == run_) old.push_back(each);
    }
    resize(2 * slots_.size());
    for (const object& each : old) find(each.address) = each;
  }

  buffer<object> slots_;
  buffer<const void*> addresses_;  // of this run's objects
  std::uint32_t run_ = 0;
};

/// One allocation of this run.
struct block {
  std::byte* begin;
  std::size_t bytes;
  std::size_t alignment;
  std::uint32_t lives;  // how often it was given again
  bool freed;
  bool counts;  // as a leak, where nobody frees it
  place where_allocated;
  place where_freed;
  moment allocated{};  // of what is set up: before all
  moment freed_at{};
};

/// One region per thread and per object of setup.hpp, of which nothing is given twice in one run, unless renewed: so a freed block is
/// recognized.
class arena {
 public:
  /// The region of a thread has its number; these follow.
  static constexpr unsigned first_setup = max_threads;
  /// Each byte of memory that was allocated and not yet written.
  static constexpr unsigned char garbage = 0xa5;

  arena() : memory_(std::exchange(kept_, nullptr)) {
    if (memory_ != nullptr) return;
    void* const mapped = mmap(nullptr, all_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    memory_ = static_cast<std::byte*>(mapped);
    if (first() == nullptr) __atomic_store_n(&first_, memory_, __ATOMIC_RELAXED);
  }
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;
  ~arena() {
    if (memory_ != first()) {
      munmap(memory_, all_bytes);
      return;
    }
    // The addresses are kept for the next one: what a program has got here and frees after the check is known as such.
    // (Small checks leave so little that to give it back takes longer than they do.)
    if (most_used_ > small) madvise(memory_, all_bytes, MADV_DONTNEED);
    kept_ = memory_;
  }

  void new_run() noexcept {
    for (unsigned r = 0; r < regions_; ++r) {
      used_[r] = 0;
      blocks_[r].clear();
    }
  }
  /// Null where the region is full.
  block* allocate(unsigned region, std::size_t bytes, std::size_t alignment) {
    if (region >= most_regions) return nullptr;
    const auto base = reinterpret_cast<std::uintptr_t>(memory_) + begin_of(region);
    const std::size_t begin = ((base + used_[region] + alignment - 1) & ~(alignment - 1)) - base;
    if (begin > size_of(region) || bytes > size_of(region) - begin) return nullptr;
    if (region >= regions_) regions_ = region + 1;
    // A byte between blocks, so that an address past the end of one is not the next.
    used_[region] = begin + bytes + 1;
    if (used_[region] > most_used_) most_used_ = used_[region];
    buffer<block>& all = blocks_[region];
    all.resize(all.size() + 1);
    block& fresh = all.back();
    fresh = {memory_ + begin_of(region) + begin, bytes, alignment, 0, false, true, {}, {}};
    std::memset(fresh.begin, garbage, bytes);  // the same garbage in every run
    return &fresh;
  }
  /// Gives a freed block again.
  static void renew(block& freed) noexcept {
    std::memset(freed.begin, garbage, freed.bytes);
    freed.freed = false;
    ++freed.lives;
  }
  [[nodiscard]] bool owns(const void* address) const noexcept { return is_in(memory_, address); }
  /// Whether the address is one of this process's checks, also of one that is over. For any real thread.
  static bool was_of_one(const void* address) noexcept { return first() != nullptr && is_in(first(), address); }
  /// The block that holds this address; null where there is none.
  block* find(const void* address) noexcept {
    if (!owns(address)) return nullptr;
    const auto* const at = static_cast<const std::byte*>(address);
    const auto offset = static_cast<std::size_t>(at - memory_);
    buffer<block>& all = blocks_[offset < begin_of(first_setup) ? offset / thread_bytes
                                                                : first_setup + (offset - begin_of(first_setup)) / setup_bytes];
    // Mostly it is the latest.
    std::size_t high = all.size();
    std::size_t low = high != 0 && all[high - 1].begin <= at ? high : 0;
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (all[middle].begin <= at) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low == 0) return nullptr;
    block& last = all[low - 1];
    return at < last.begin + (last.bytes == 0 ? 1 : last.bytes) ? &last : nullptr;
  }
  /// Calls f(begin, bytes) for each block that was not freed.
  template <class F>
  void for_each_alive(F f) const {
    for (unsigned r = 0; r < regions_; ++r) {
      for (const block& each : blocks_[r]) {
        if (!each.freed) f(each.begin, each.bytes);
      }
    }
  }
  /// A block that was not freed and counts as a leak; null where there is none.
  [[nodiscard]] const block* leaked() const noexcept {
    for (unsigned r = 0; r < first_setup; ++r) {
      for (const block& each : blocks_[r]) {
        if (!each.freed && each.counts) return &each;
      }
    }
    return nullptr;
  }

 private:
  static constexpr unsigned most_regions = max_threads + setup::most_regions;
  static constexpr std::size_t thread_bytes = std::size_t{64} << 20U;
  static constexpr std::size_t setup_bytes = std::size_t{1} << 20U;
  static constexpr std::size_t small = std::size_t{16} << 10U;
  static constexpr std::size_t all_bytes = thread_bytes * max_threads + setup_bytes * setup::most_regions;
  static constexpr std::size_t size_of(unsigned region) noexcept { return region < first_setup ? thread_bytes : setup_bytes; }
  static constexpr std::size_t begin_of(unsigned region) noexcept {
    return region < first_setup ? region * thread_bytes : first_setup * thread_bytes + (region - first_setup) * setup_bytes;
  }

  static bool is_in(const std::byte* memory, const void* address) noexcept {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    const auto begin = reinterpret_cast<std::uintptr_t>(memory);
    return at >= begin && at - begin < all_bytes;
  }
  static std::byte* first() noexcept { return __atomic_load_n(&first_, __ATOMIC_RELAXED); }

  static inline constinit std::byte* first_ = nullptr;  // mapped for ever. (A second is there only where two checks are at once.)
  static inline constinit std::byte* kept_ = nullptr;  // the same while nobody has it

  std::byte* memory_;
  unsigned regions_ = max_threads;  // ever used
  std::size_t used_[most_regions] = {};
  std::size_t most_used_ = 0;  // of any region, in any run
  buffer<block> blocks_[most_regions];
};

}  // namespace pawl::inline v0::model::detail
