// SPDX-License-Identifier: BSL-1.0
// What one thread owns of a hazard-pointer domain: slots that say which objects it reads, and the objects that it retired.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include "retired.hpp"

namespace pawl::inline v0::detail {

/// What is in every object that hazard pointers protect.
struct protectable : retirable {
  const void* address;  // as hazard pointers name the object

  protectable() = default;
  protectable(const protectable& other) noexcept : retirable(other) {}  // NOLINT(cppcoreguidelines-pro-type-member-init)
  // NOLINTNEXTLINE(bugprone-unhandled-self-assignment): it copies nothing
  protectable& operator=(const protectable& /*other*/) noexcept { return *this; }
  ~protectable() = default;
};

template <class B>
struct hazard_record;

/// One hazard pointer: the address of an object that its holder may read, or null.
template <class B>
struct hazard_slot {
  atomic<const void*, B> protecting{nullptr};
  hazard_slot* next_free = nullptr;
  hazard_record<B>* home = nullptr;
  typename environment<B>::fences fences{};  // here, since the line is at hand when it is needed

  // (1) release: whatever the holder did with the object that it protected before comes before this store, for a scan that reads it by
  // (2); without it, the object could be freed under the holder's last read.
  void protect(const void* address) noexcept { protecting.store(address, std::memory_order_release); }

  // protect, with the store before all that follows, for every scan that began after: either the scan sees our slot, or we see in what
  // we load next that the object was unlinked.
  void protect_before_loads(const void* address) noexcept { protect_before_loads(address, read_shared<B>(fences)); }
  void protect_before_loads(const void* address, typename environment<B>::fences settled) noexcept {
    protect(address);
    environment<B>::light_fence(settled);
  }
};

template <class B>
struct hazard_chunk {
  static constexpr std::size_t size = environment<B>::tuning.hazard_slots;
  hazard_slot<B> slots[size];
  hazard_chunk* next = nullptr;  // in the record's list of all chunks
  // Chunks that serve nested operations form a list, too: from the outermost to the innermost.
  hazard_chunk* inner = nullptr;
  hazard_chunk* outer = nullptr;
  hazard_slot<B>* outer_top = nullptr;  // where the outer chunk goes on
};

/// Owner-only state is plain: it passes to another thread only with the whole record, through environment::per_thread.
template <class B>
struct alignas(cache_line) hazard_record {
  using slot = hazard_slot<B>;
  using chunk = hazard_chunk<B>;
  static constexpr std::size_t buckets_for(std::size_t threshold) noexcept { return std::bit_ceil(threshold / 4); }
  static constexpr std::size_t least_buckets = buckets_for(environment<B>::tuning.scan_threshold);

  using owners = typename environment<B>::template per_thread<hazard_record>;

  explicit hazard_record(const owners& all) noexcept : records(&all), fences(environment<B>::settle_fences()) { claim(first); }

  const owners* const records;  // the domain's, this one among them
  const typename environment<B>::fences fences;
  chunk first;
  atomic<chunk*, B> chunks{&first};

  // Operations of containers nest (a callback may use another container), so their slots are a stack over chunks.
  slot* top = first.slots;
  chunk* level = &first;
  // hazard_pointer objects come and go in any order, so theirs are a list. One is beside it: who makes one, ends it and makes the next would
  // else wait, each time, for what it has just stored in the list (4.85 ns for a read, not 3.14).
  slot* spare_slot = nullptr;
  slot* free_slots = nullptr;
  // Slots of hazard_pointers that ended on other threads.
  atomic<slot*, B> returned{nullptr};

  retired_list<B> retired;
  std::size_t scan_at = environment<B>::tuning.scan_threshold;
  bool scanning = false;
  atomic<std::uint64_t, B> retired_total{0};
  atomic<std::uint64_t, B> reclaimed_total{0};
  // What a scan hashes into: these first, others where the domain has so many slots that each would meet many objects in its bucket.
  protectable* first_buckets[least_buckets] = {};
  protectable** buckets = first_buckets;
  std::size_t bucket_count = least_buckets;

  /// The owner vanished in a fork, in the midst of anything. Its protections end, also those of handles that it had given to others. What
  /// it retired and the slots it had at hand are left alone: the copy of a memory in which other threads write is of no one moment.
  void lost_thread() noexcept {
    for (chunk* each = chunks.load(std::memory_order_relaxed); each != nullptr; each = read_shared<B>(each->next)) {
      for (slot& hazard : each->slots) hazard.protect(nullptr);
    }
    top = first.slots;
    level = &first;
    spare_slot = nullptr;
    free_slots = nullptr;
    returned.store(nullptr, std::memory_order_relaxed);
    retired = {};
    for (protectable*& each : first_buckets) each = nullptr;
    buckets = first_buckets;
    bucket_count = least_buckets;
    scan_at = environment<B>::tuning.scan_threshold;
    scanning = false;
  }

  void claim(chunk& fresh) noexcept {
    for (slot& each : fresh.slots) {
      write_shared<B>(each.home, this);
      write_shared<B>(each.fences, fences);
    }
  }
  void add(chunk& fresh) noexcept {
    claim(fresh);
    write_shared<B>(fresh.next, chunks.load(std::memory_order_relaxed));
    // (3) release: publishes the chunk to a scan, see (4)
    chunks.store(&fresh, std::memory_order_release);
  }

  // A free slot for a hazard_pointer that is at hand; or null.
  [[nodiscard]] slot* pop_free() noexcept {
    if (slot* const spare = std::exchange(spare_slot, nullptr)) return spare;
    slot* const found = free_slots;
    if (found != nullptr) free_slots = read_shared<B>(found->next_free);
    return found;
  }
  void push_free(slot& freed) noexcept {
    if (spare_slot == nullptr) {
      spare_slot = &freed;
      return;
    }
    write_shared<B>(freed.next_free, free_slots);
    free_slots = &freed;
  }
  // What other threads returned is at hand then.
  void take_returned() noexcept {
    // relaxed first: mostly there is none
    if (returned.load(std::memory_order_relaxed) == nullptr) return;
    // (5) acquire: pairs with (6), so that next_free was written before we read it
    slot* each = returned.exchange(nullptr, std::memory_order_acquire);
    while (each != nullptr) {
      slot* const next = read_shared<B>(each->next_free);
      push_free(*each);
      each = next;
    }
  }
  /// By any thread. Lock-free.
  void give_back(slot& freed) noexcept {
    slot* head = returned.load(std::memory_order_relaxed);
    do {
      write_shared<B>(freed.next_free, head);
      // (6) release: publishes next_free to (5). The owner takes the whole list, so a returning head is no harm.
    } while (!returned.compare_exchange_weak(head, &freed, std::memory_order_release, std::memory_order_relaxed));
  }

  [[nodiscard]] std::span<protectable*> all_buckets() const noexcept { return {buckets, bucket_count}; }
  static protectable*& bucket(std::span<protectable*> all, const void* address) noexcept {
    const auto mixed = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(address)) * 0x9e3779b97f4a7c15U;
    return all[static_cast<std::size_t>((mixed >> 32U) * all.size() >> 32U)];  // the upper bits, by which even steps spread evenly
  }

  /// The slots of one operation; null where a new chunk is needed first.
  [[nodiscard]] slot* push_slots(std::size_t count) noexcept {
    if (static_cast<std::size_t>(level->slots + chunk::size - top) < count) [[unlikely]] {
      if (read_shared<B>(level->inner) == nullptr) return nullptr;
      write_shared<B>(read_shared<B>(level->inner)->outer_top, top);
      level = read_shared<B>(level->inner);
      top = level->slots;
    }
    slot* const base = top;
    top += count;
    return base;
  }
  void pop_slots(slot* base) noexcept {
    top = base;
    if (base == level->slots && read_shared<B>(level->outer) != nullptr) [[unlikely]] {
      top = read_shared<B>(level->outer_top);
      level = read_shared<B>(level->outer);
    }
  }
};

// A slot goes home, wherever it ends: so a thread that only makes hazard pointers for others doesn't take ever more slots.
template <class B>
void release_hazard_slot(hazard_slot<B>& released) noexcept {
  released.protect(nullptr);
  hazard_record<B>* const home = read_shared<B>(released.home);
  if (read_shared<B>(home->records)->find() == home) {
    home->push_free(released);
  } else {
    home->give_back(released);
  }
}

}  // namespace pawl::inline v0::detail
