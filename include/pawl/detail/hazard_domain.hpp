// SPDX-License-Identifier: BSL-1.0
// The domain behind hazard_pointer.hpp: who protects what, and when a retired object may be freed. Read that header first.
#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "addressed_domain.hpp"
#include "hazard_record.hpp"
#include "turn.hpp"

namespace pawl::inline v0 {

/// A domain of hazard pointers, and the reclaimer that containers take by default.
///
/// It outlives the containers made with it and the hazard pointers made in it (asserted for containers). Destroying it frees all that
/// was retired to it. Nodes and records come from `Alloc`, which threads use concurrently.
template <class B = native, class Alloc = std::allocator<std::byte>>
class hazard_pointers : public detail::addressed_domain<B, Alloc, detail::protectable> {
  using base = detail::addressed_domain<B, Alloc, detail::protectable>;
  using env = environment<B>;
  using record = detail::hazard_record<B>;
  using slot = detail::hazard_slot<B>;
  using chunk = detail::hazard_chunk<B>;
  using list = detail::retired_list<B>;

 public:
  using statistics = typename base::statistics;
  template <class T>
  using link = typename base::template link<T>;

  /// One container operation: N protections at a time. Ends them when it goes.
  template <class T, std::size_t N>
  class operation;

  hazard_pointers() = default;
  explicit hazard_pointers(const Alloc& alloc) : base(alloc) {}
  hazard_pointers(const hazard_pointers&) = delete;
  hazard_pointers& operator=(const hazard_pointers&) = delete;
  ~hazard_pointers();

  /// The domain of what names none.
  static hazard_pointers& default_domain() { return env::template global<hazard_pointers>(); }

  /// Sums that were true at some instant each, not all at the same.
  [[nodiscard]] statistics stats() const noexcept { return this->sum_over(records_); }

  /// The most objects that are retired and not yet reclaimed at any time, where `retiring` threads retire, of `threads` that use the
  /// domain, each with so many hazard_pointers. A thread scans what it retired when it is as many as tuning.scan_threshold, or as
  /// scan_per_slot times the slots of the domain, where that is more; and a quarter more where another thread is in its fence just
  /// then. What readers protect, also for ever, is among them. (More for a moment where deleters retire; where the kernel has no memory
  /// for a fence, until it has; and by what threads retire that can get no record, until one that has a record scans.)
  [[nodiscard]] static constexpr std::size_t most_unreclaimed(std::size_t retiring, std::size_t threads,
                                                              std::size_t hazard_pointers_each = 0) noexcept {
    const std::size_t slots = threads * chunk::size * (1 + (hazard_pointers_each + chunk::size - 1) / chunk::size);
    const std::size_t due = base::threshold_for(slots);
    return retiring * (next_scan(due, slots) + base::patience(due));
  }

  /// Frees now what this thread and ended threads retired and nobody protects. What other running threads retired stays theirs. May
  /// throw std::bad_alloc at a thread's first use. Linear in slots and retired objects.
  void reclaim() {
    record& mine = this_thread();
    while (scan(mine) != 0) {
    }
  }

  // The reclaimer's part; see reclaimer.hpp.
  struct binding {
    typename env::template per_thread<record>::key records{};
  };
  template <class T>
  binding bind() noexcept {
    this->bound_.fetch_add(1, std::memory_order_relaxed);
    return {records_.id()};
  }
  template <class T, std::size_t N>
  operation<T, N> enter(const binding& bound) {
    record* const mine = env::template per_thread<record>::find(bound.records);
    return operation<T, N>(*this, mine != nullptr ? mine : &this_thread());
  }
  template <class T>
  operation<T, 0> enter_last(const binding&) noexcept {
    return operation<T, 0>(*this, nullptr);
  }

  // For hazard_pointer.hpp. acquire_slot may throw std::bad_alloc; retire takes the object even where this thread can have no record.
  detail::hazard_slot<B>& acquire_slot();
  void reserve_slots(std::size_t count);
  void retire(detail::protectable* object) noexcept;

 private:
  record& this_thread() {
    return records_.get([this] {
      record* const fresh = this->memory_.template make<record>(records_);
      slots_.fetch_add(chunk::size, std::memory_order_relaxed);
      return fresh;
    });
  }

  chunk& more_slots(record& mine) {
    chunk* const fresh = this->memory_.template make<chunk>();
    slots_.fetch_add(chunk::size, std::memory_order_relaxed);
    mine.add(*fresh);
    return *fresh;
  }
  slot* enter_deeper(record& mine, std::size_t count);
  slot& acquire_slot_of_more();

  void retire(record& mine, detail::retirable* object) noexcept {
    mine.retired.push(object);
    detail::add_to<B>(mine.retired_total, 1);
    if (mine.retired.size >= mine.scan_at) [[unlikely]]
      scan_when_due(mine);
  }
  // What slots protect is no more than the half of what makes a scan due: so a scan, which is linear in slots and retired objects, frees
  // the other half.
  [[nodiscard]] std::size_t threshold() const noexcept { return base::threshold_for(slots_.load(std::memory_order_relaxed)); }
  // The next one, after one that had to keep some: where slots may protect more than the half, so much later that it frees as many.
  [[nodiscard]] static constexpr std::size_t next_scan(std::size_t due, std::size_t kept) noexcept {
    return kept + due / 2 > due ? kept + due / 2 : due;
  }
  void scan_when_due(record& mine) noexcept;
  std::size_t scan(record& mine, bool alone = false) noexcept;
  void grow_buckets(record& mine, std::size_t wanted) noexcept;
  void free_buckets(record& mine) noexcept;
  void reclaim_all(record& mine, list& objects) noexcept;
  // In a bucket: objects that are chained by the link that lists use, too.
  static detail::protectable* after(const detail::protectable* object) noexcept {
    return static_cast<detail::protectable*>(read_shared<B>(object->next_retired));
  }

  typename env::template per_thread<record> records_;
  atomic<std::size_t, B> slots_{0};
  detail::turn<B> fencing_;
};

template <class B = native>
hazard_pointers<B>& hazard_pointer_default_domain() {
  return hazard_pointers<B>::default_domain();
}

template <class B, class Alloc>
template <class T, std::size_t N>
class hazard_pointers<B, Alloc>::operation : public detail::addressed_operation<hazard_pointers, T> {
  static_assert(N <= chunk::size, "an operation's slots are in one chunk: environment<B>::tuning.hazard_slots is too small");

 public:
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;
  ~operation() {
    if constexpr (N != 0) {
      clear(std::make_index_sequence<N>{});
      record_->pop_slots(slots_);
    }
  }

  link<T> protect(std::size_t i, const atomic<link<T>, B>& source) noexcept {
    // relaxed: only a guess; what we return was loaded by (7)
    link<T> guess = source.load(std::memory_order_relaxed);
    for (;;) {
      slots_[i].protect_before_loads(guess.pointer());
      // (7) acquire: pairs with the container's release that published the node, so that we may read it
      const link<T> seen = source.load(std::memory_order_acquire);
      if (seen == guess) return seen;
      guess = seen;
    }
  }
  // Protects l if it is found where it was after this: the caller looks.
  void announce(std::size_t i, link<T> l) noexcept { slots_[i].protect_before_loads(l.pointer()); }
  void retire(link<T> l) noexcept { retire_named(l, this->without_value(l)); }
  void retire_whole(link<T> l) noexcept { retire_named(l, this->with_value(l)); }

 private:
  friend class hazard_pointers;
  operation(hazard_pointers& domain, record* mine) : detail::addressed_operation<hazard_pointers, T>(domain), record_(mine) {
    if constexpr (N != 0) {
      slots_ = record_->push_slots(N);
      if (slots_ == nullptr) [[unlikely]]
        slots_ = this->domain_.enter_deeper(*record_, N);
    }
  }

  template <std::size_t... I>
  void clear(std::index_sequence<I...>) noexcept {
    (slots_[I].protect(nullptr), ...);
  }
  void retire_named(link<T> l, detail::protectable* unlinked) noexcept {
    write_shared<B>(unlinked->address, static_cast<const void*>(l.pointer()));
    this->domain_.retire(*record_, unlinked);
  }

  record* record_;
  slot* slots_ = nullptr;
};

template <class B, class Alloc>
[[gnu::cold]] auto hazard_pointers<B, Alloc>::enter_deeper(record& mine, std::size_t count) -> slot* {
  chunk& fresh = more_slots(mine);
  write_shared<B>(fresh.outer, mine.level);
  write_shared<B>(mine.level->inner, &fresh);
  return mine.push_slots(count);
}

template <class B, class Alloc>
PAWL_ALWAYS_INLINE inline auto hazard_pointers<B, Alloc>::acquire_slot() -> detail::hazard_slot<B>& {
  if (record* const mine = records_.find()) [[likely]] {
    if (slot* const found = mine->pop_free()) [[likely]]
      return *found;
  }
  return acquire_slot_of_more();
}
template <class B, class Alloc>
[[gnu::cold, gnu::noinline]] auto hazard_pointers<B, Alloc>::acquire_slot_of_more() -> detail::hazard_slot<B>& {
  record& mine = this_thread();
  mine.take_returned();
  if (slot* const returned = mine.pop_free()) return *returned;
  for (slot& each : more_slots(mine).slots) mine.push_free(each);
  return *mine.pop_free();
}

// After it this thread acquires `count` slots without allocating.
template <class B, class Alloc>
void hazard_pointers<B, Alloc>::reserve_slots(std::size_t count) {
  record& mine = this_thread();
  mine.take_returned();
  std::size_t spare = mine.spare_slot != nullptr ? 1 : 0;
  for (const slot* each = mine.free_slots; each != nullptr && spare < count; each = read_shared<B>(each->next_free)) ++spare;
  for (; spare < count; spare += chunk::size) {
    for (slot& each : more_slots(mine).slots) mine.push_free(each);
  }
}

template <class B, class Alloc>
void hazard_pointers<B, Alloc>::retire(detail::protectable* object) noexcept {
  if (record* const mine = detail::attempt([this] { return &this_thread(); })) {
    retire(*mine, object);
    return;
  }
  // No memory for this thread's first record, and retire may not fail: so the object goes where the next scan finds it.
  this->orphans_.push(object);
}

// One membarrier at a time: two at once cost many times more than one after the other. A thread that finds another one in it goes on
// retiring, and looks again at the next retire; but a quarter past its threshold it scans anyway, so that one that was stalled in its
// fence can't unbound the others. The flag guards the fence alone, not the deleters, so it is soon free.
template <class B, class Alloc>
[[gnu::cold]] void hazard_pointers<B, Alloc>::scan_when_due(record& mine) noexcept {
  if (mine.scanning) return;
  std::size_t freed = 0;
  do {
    const std::size_t due = threshold();
    if (mine.retired.size < due) {
      mine.scan_at = due;
      return;
    }
    // relaxed: the flag guards no data, it only spreads fences over time
    const bool alone = fencing_.try_take(std::memory_order_relaxed);
    if (!alone && mine.retired.size < mine.scan_at + base::patience(due)) return;
    freed = scan(mine, alone);
    // Deleters may retire more: again, as long as that frees anything.
  } while (freed != 0 && mine.retired.size >= mine.scan_at);
}

/// Returns how many objects it freed. `alone`: the caller has the flag; it is given back after the fence.
template <class B, class Alloc>
std::size_t hazard_pointers<B, Alloc>::scan(record& mine, bool alone) noexcept {
  if (mine.scanning) return 0;  // a deleter retired something, or called reclaim()
  mine.scanning = true;

  this->orphans_.take_all(mine.retired);
  records_.for_each_abandoned([&mine](record& dead) noexcept { mine.retired.take_all(dead.retired); });

  // After this fence: whoever protects one of our objects from now on finds it unlinked when it looks again.
  const bool ordered = env::heavy_fence();
  if (alone) fencing_.give_back(std::memory_order_relaxed);
  if (!ordered) {
    mine.scan_at = mine.retired.size + threshold();  // no memory for it in the kernel: later
    mine.scanning = false;
    return 0;
  }

  // Hash what we retired, then pick out of it what the slots name.
  if (const std::size_t wanted = record::buckets_for(threshold()); wanted > mine.bucket_count) [[unlikely]]
    grow_buckets(mine, wanted);
  const std::span<detail::protectable*> buckets = mine.all_buckets();
  while (mine.retired.first != nullptr) {
    auto* const object = static_cast<detail::protectable*>(mine.retired.pop());
    detail::protectable*& bucket = record::bucket(buckets, read_shared<B>(object->address));
    write_shared<B>(object->next_retired, read_shared<B>(bucket));
    write_shared<B>(bucket, object);
  }
  list kept;
  records_.for_each([&](const record& each) noexcept {
    // (4) acquire: pairs with (3). A chunk added after our fence protects nothing of ours.
    for (const chunk* slots = each.chunks.load(std::memory_order_acquire); slots != nullptr; slots = read_shared<B>(slots->next)) {
      for (const slot& hazard : slots->slots) {
        // (2) acquire: pairs with (1): the holder's reads are over before we free
        const void* const address = hazard.protecting.load(std::memory_order_acquire);
        if (address == nullptr) continue;
        detail::protectable*& bucket = record::bucket(buckets, address);
        detail::protectable* before = nullptr;
        detail::protectable* next = nullptr;
        for (detail::protectable* object = read_shared<B>(bucket); object != nullptr; object = next) {
          next = after(object);
          if (read_shared<B>(object->address) != address) {
            before = object;
            continue;
          }
          if (before == nullptr) {
            write_shared<B>(bucket, next);
          } else {
            write_shared<B>(before->next_retired, next);
          }
          kept.push(object);
        }
      }
    }
  });
  list unprotected;
  for (detail::protectable*& bucket : buckets) {
    detail::protectable* object = read_shared<B>(bucket);
    write_shared<B>(bucket, nullptr);
    while (object != nullptr) {
      detail::protectable* const next = after(object);
      unprotected.push(object);
      object = next;
    }
  }
  mine.retired.take_all(kept);
  mine.scan_at = next_scan(threshold(), mine.retired.size);
  const std::size_t freed = unprotected.size;
  reclaim_all(mine, unprotected);
  mine.scanning = false;
  return freed;
}

// A scan compares the slots' addresses with all that is in their buckets: so its buckets become more as slots do, and not as what there is
// to hash, which is at most some times as much. Without memory for them it goes on with those that it has: slower, the more slots there are.
template <class B, class Alloc>
[[gnu::cold, gnu::noinline]] void hazard_pointers<B, Alloc>::grow_buckets(record& mine, std::size_t wanted) noexcept {
  detail::protectable** const fresh =
      detail::attempt([&] { return this->memory_.template allocate<detail::protectable*>(wanted); });
  if (fresh == nullptr) return;
  for (detail::protectable*& each : std::span(fresh, wanted)) {
    announce_write<B>(each);
    std::construct_at(&each, nullptr);
  }
  free_buckets(mine);
  mine.buckets = fresh;
  mine.bucket_count = wanted;
}
template <class B, class Alloc>
void hazard_pointers<B, Alloc>::free_buckets(record& mine) noexcept {
  if (mine.buckets != mine.first_buckets) this->memory_.deallocate(mine.buckets, mine.bucket_count);
}

template <class B, class Alloc>
void hazard_pointers<B, Alloc>::reclaim_all(record& mine, list& objects) noexcept {
  detail::add_to<B>(mine.reclaimed_total, objects.size);
  this->end_all(objects);
}

template <class B, class Alloc>
hazard_pointers<B, Alloc>::~hazard_pointers() {
  assert(this->bound_.load(std::memory_order_relaxed) == 0 && "a hazard_pointers domain outlives the containers made with it");
  // No other thread uses the domain. Deleters may retire more, to us.
  records_.end_lost();
  bool more = true;
  while (more) {
    more = false;
    records_.for_each([&](record& each) noexcept {
      list objects;
      objects.take_all(each.retired);
      more = more || objects.first != nullptr;
      reclaim_all(each, objects);
    });
    list objects;
    this->orphans_.take_all(objects);
    more = more || objects.first != nullptr;
    this->end_all(objects);
  }
  records_.for_each([&](record& each) noexcept {
    chunk* slots = each.chunks.load(std::memory_order_relaxed);
    while (slots != &each.first) {
      chunk* const next = read_shared<B>(slots->next);
      this->memory_.unmake(slots);
      slots = next;
    }
    free_buckets(each);
    this->memory_.unmake(&each);
  });
}

static_assert(is_reclaimer<hazard_pointers<>>);

}  // namespace pawl::inline v0
