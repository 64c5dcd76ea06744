// SPDX-License-Identifier: BSL-1.0
// The domain behind hazard_pointer.hpp: who protects what, and when a retired object may be freed. Read that header first.
#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "../reclaimer.hpp"
#include "hazard_record.hpp"

namespace pawl::inline v0 {

/// A domain of hazard pointers, and the reclaimer that containers take by default.
///
/// It outlives the containers made with it and the hazard pointers made in it (asserted for containers). Destroying it frees all that
/// was retired to it. Nodes and records come from `Alloc`, which threads use concurrently.
template <class B = native, class Alloc = std::allocator<std::byte>>
class hazard_pointers {
  using env = environment<B>;
  using record = detail::hazard_record<B>;
  using slot = detail::hazard_slot<B>;
  using chunk = detail::hazard_chunk<B>;
  using list = detail::retired_list<B>;

 public:
  using backend_type = B;
  using allocator_type = Alloc;
  static constexpr bool reads_may_tear = false;

  template <class T>
  struct item;
  template <class T>
  using link = detail::pointer_link<item<T>>;
  template <class T>
  struct item {
    atomic<link<T>, B> next{};
    [[no_unique_address]] typename detail::item_key_of<T>::type key{};
  };
  template <class T>
  struct node : item<T>, detail::retirable {
    plain<T, B> value;
    [[nodiscard]] atomic<link<T>, B>& below() noexcept { return this->next; }
  };

  /// One container operation: N protections at a time. Ends them when it goes.
  template <class T, std::size_t N>
  class operation;

  hazard_pointers() = default;
  explicit hazard_pointers(const Alloc& alloc) : alloc_(alloc) {}
  hazard_pointers(const hazard_pointers&) = delete;
  hazard_pointers& operator=(const hazard_pointers&) = delete;
  ~hazard_pointers();

  /// The domain of what names none.
  static hazard_pointers& default_domain() { return env::template global<hazard_pointers>(); }

  struct statistics {
    std::uint64_t retired;  ///< objects retired so far
    std::uint64_t reclaimed;  ///< of those, freed
    std::size_t records;  ///< about the most threads that used the domain at one time
  };
  /// Sums that were true at some instant each, not all at the same.
  [[nodiscard]] statistics stats() const noexcept {
    statistics sum{orphaned_.load(std::memory_order_relaxed), 0, 0};
    records_.for_each([&sum](const record& each) noexcept {
      sum.retired += each.retired_total.load(std::memory_order_relaxed);
      sum.reclaimed += each.reclaimed_total.load(std::memory_order_relaxed);
      ++sum.records;
    });
    return sum;
  }

  /// Frees now what this thread and ended threads retired and nobody protects. What other running threads retired stays theirs. May
  /// throw std::bad_alloc at a thread's first use. Linear in slots and retired objects. (A shared library has threads of its own, so to
  /// speak, and calls this itself before it is unloaded. That's why this and others are hidden: the dynamic linker must not lead one
  /// library's retired objects to another library's record.)
  [[gnu::visibility("hidden")]] void reclaim() {
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
    bound_.fetch_add(1, std::memory_order_relaxed);
    return {records_.id()};
  }
  void unbind() noexcept { bound_.fetch_sub(1, std::memory_order_relaxed); }
  template <class T, std::size_t N>
  [[gnu::visibility("hidden")]] operation<T, N> enter(const binding& bound) {
    record* const mine = env::template per_thread<record>::find(bound.records);
    return operation<T, N>(*this, mine != nullptr ? mine : &this_thread());
  }
  template <class T>
  operation<T, 0> enter_last(const binding&) noexcept {
    return operation<T, 0>(*this, nullptr);
  }

  // For hazard_pointer.hpp. acquire_slot may throw std::bad_alloc; retire takes the object even where this thread can have no record.
  [[gnu::visibility("hidden")]] detail::hazard_slot<B>& acquire_slot();
  void reserve_slots(std::size_t count);
  [[gnu::visibility("hidden")]] void retire(detail::retirable* object) noexcept;

 private:
  [[gnu::visibility("hidden")]] record& this_thread() {
    return records_.get([this] {
      record* const fresh = make<record>(records_);
      slots_.fetch_add(chunk::size, std::memory_order_relaxed);
      return fresh;
    });
  }

  template <class Object, class... Args>
  Object* make(Args&&... args) {
    Object* const memory = allocate<Object>();
    return std::construct_at(memory, std::forward<Args>(args)...);
  }
  template <class Object>
  void unmake(Object* object) noexcept {
    std::destroy_at(object);
    deallocate(object);
  }
  template <class Object>
  Object* allocate() {
    if constexpr (std::is_same_v<Alloc, std::allocator<std::byte>>) {
      return static_cast<Object*>(env::allocate(sizeof(Object), alignof(Object)));
    } else {
      typename std::allocator_traits<Alloc>::template rebind_alloc<Object> alloc(alloc_);
      return std::to_address(alloc.allocate(1));
    }
  }
  template <class Object>
  void deallocate(Object* object) noexcept {
    if constexpr (std::is_same_v<Alloc, std::allocator<std::byte>>) {
      env::deallocate(object, sizeof(Object), alignof(Object));
    } else {
      typename std::allocator_traits<Alloc>::template rebind_alloc<Object> alloc(alloc_);
      using pointer = typename std::allocator_traits<decltype(alloc)>::pointer;
      alloc.deallocate(std::pointer_traits<pointer>::pointer_to(*object), 1);
    }
  }

  chunk& more_slots(record& mine) {
    chunk* const fresh = make<chunk>();
    slots_.fetch_add(chunk::size, std::memory_order_relaxed);
    mine.add(*fresh);
    return *fresh;
  }
  slot* enter_deeper(record& mine, std::size_t count);

  void retire(record& mine, detail::retirable* object) noexcept {
    mine.retired.push(object);
    record::add_to(mine.retired_total, 1);
    if (mine.retired.size >= mine.scan_at) [[unlikely]]
      scan_when_due(mine);
  }
  [[nodiscard]] std::size_t threshold() const noexcept {
    const std::size_t slots = slots_.load(std::memory_order_relaxed);
    const std::size_t wanted = slots * env::tuning.scan_per_slot;
    return wanted > env::tuning.scan_threshold ? wanted : env::tuning.scan_threshold;
  }
  void scan_when_due(record& mine) noexcept;
  std::size_t scan(record& mine) noexcept;
  void reclaim_all(record& mine, list& objects) noexcept;

  typename env::template per_thread<record> records_;
  atomic<std::size_t, B> slots_{0};
  atomic<bool, B> scanning_{false};
  // Retired by threads that could get no record; the next scan takes them all.
  atomic<detail::retirable*, B> orphans_{nullptr};
  atomic<std::uint64_t, B> orphaned_{0};
  atomic<std::size_t, B> bound_{0};
  [[no_unique_address]] Alloc alloc_{};
};

template <class B = native>
hazard_pointers<B>& hazard_pointer_default_domain() {
  return hazard_pointers<B>::default_domain();
}

template <class B, class Alloc>
template <class T, std::size_t N>
class hazard_pointers<B, Alloc>::operation {
  using node_type = node<T>;
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
  item<T>* item_of(link<T> l) const noexcept { return l.pointer(); }
  node_type* get(link<T> l) const noexcept { return static_cast<node_type*>(l.pointer()); }

  link<T> create() { return link<T>(domain_.template make<node_type>()); }
  link<T> create_spare() { return create(); }
  void discard(link<T> l) noexcept { domain_.unmake(get(l)); }
  void discard_spare(link<T> l) noexcept { discard(l); }
  void retire(link<T> l) noexcept {
    retire_by(l, [](detail::retirable* object, void* domain) noexcept {
      static_cast<hazard_pointers*>(domain)->unmake(static_cast<node_type*>(object));
    });
  }
  void retire_whole(link<T> l) noexcept {
    retire_by(l, [](detail::retirable* object, void* domain) noexcept {
      static_cast<node_type*>(object)->value.destroy();
      static_cast<hazard_pointers*>(domain)->unmake(static_cast<node_type*>(object));
    });
  }

 private:
  friend class hazard_pointers;
  operation(hazard_pointers& domain, record* mine) : domain_(domain), record_(mine) {
    if constexpr (N != 0) {
      slots_ = record_->push_slots(N);
      if (slots_ == nullptr) [[unlikely]]
        slots_ = domain_.enter_deeper(*record_, N);
    }
  }

  template <std::size_t... I>
  void clear(std::index_sequence<I...>) noexcept {
    (slots_[I].protect(nullptr), ...);
  }
  void retire_by(link<T> l, detail::retirable::reclaim_function reclaim) noexcept {
    node_type* const unlinked = get(l);
    write_shared<B>(unlinked->address, static_cast<const void*>(l.pointer()));
    write_shared<B>(unlinked->reclaim, reclaim);
    domain_.retire(*record_, unlinked);
  }

  hazard_pointers& domain_;
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
auto hazard_pointers<B, Alloc>::acquire_slot() -> detail::hazard_slot<B>& {
  record& mine = this_thread();
  if (slot* const found = mine.pop_free()) return *found;
  for (slot& each : more_slots(mine).slots) mine.push_free(each);
  return *mine.pop_free();
}

// After it this thread acquires `count` slots without allocating.
template <class B, class Alloc>
void hazard_pointers<B, Alloc>::reserve_slots(std::size_t count) {
  record& mine = this_thread();
  std::size_t spare = 0;
  for (const slot* each = mine.free_slots; each != nullptr && spare < count; each = read_shared<B>(each->next_free)) ++spare;
  for (; spare < count; spare += chunk::size) {
    for (slot& each : more_slots(mine).slots) mine.push_free(each);
  }
}

template <class B, class Alloc>
void hazard_pointers<B, Alloc>::retire(detail::retirable* object) noexcept {
  if (record* const mine = detail::attempt([this] { return &this_thread(); })) {
    retire(*mine, object);
    return;
  }
  // No memory for this thread's first record, and retire may not fail: so the object goes where the next scan finds it.
  orphaned_.fetch_add(1, std::memory_order_relaxed);
  detail::retirable* head = orphans_.load(std::memory_order_relaxed);
  do {
    write_shared<B>(object->next_retired, head);
    // (8) release: publishes the object's fields to (9). The list is only ever taken whole, so a returning head is no harm.
  } while (!orphans_.compare_exchange_weak(head, object, std::memory_order_release, std::memory_order_relaxed));
}

// One membarrier at a time: two at once cost many times more than one after the other. Past twice the threshold a thread scans
// anyway, so that one stalled in a scan can't unbound the others.
template <class B, class Alloc>
[[gnu::cold]] void hazard_pointers<B, Alloc>::scan_when_due(record& mine) noexcept {
  if (mine.scanning) return;
  const std::size_t due = threshold();
  if (mine.retired.size < due) {
    mine.scan_at = due;
    return;
  }
  if (mine.alone) scanning_.store(false, std::memory_order_relaxed);  // what this record's lost thread had, before a fork
  mine.alone = true;  // before it is known: after a fork, the flag is reset rather twice than never
  // relaxed: the flag guards no data, it only spreads scans over time
  const bool alone = !scanning_.load(std::memory_order_relaxed) && !scanning_.exchange(true, std::memory_order_relaxed);
  mine.alone = alone;
  if (!alone && mine.retired.size < 2 * due) return;
  // Deleters may retire more: again, as long as that frees anything.
  while (scan(mine) != 0 && mine.retired.size >= due) {
  }
  if (alone) scanning_.store(false, std::memory_order_relaxed);
  mine.alone = false;
}

/// Returns how many objects it freed.
template <class B, class Alloc>
std::size_t hazard_pointers<B, Alloc>::scan(record& mine) noexcept {
  if (mine.scanning) return 0;  // a deleter retired something, or called reclaim()
  mine.scanning = true;

  // (9) acquire: pairs with (8)
  detail::retirable* orphan =
      orphans_.load(std::memory_order_relaxed) == nullptr ? nullptr : orphans_.exchange(nullptr, std::memory_order_acquire);
  while (orphan != nullptr) {
    detail::retirable* const next = read_shared<B>(orphan->next_retired);
    mine.retired.push(orphan);
    orphan = next;
  }
  records_.for_each_abandoned([this, &mine](record& dead) noexcept {
    mine.retired.take_all(dead.retired);
    // Of a thread that a fork left behind in a scan; see scan_when_due.
    if (dead.alone) scanning_.store(false, std::memory_order_relaxed);
    dead.alone = false;
  });

  // After this fence: whoever protects one of our objects from now on finds it unlinked when it looks again.
  if (!env::heavy_fence()) {
    mine.scan_at = mine.retired.size + threshold();  // no memory for it in the kernel: later
    mine.scanning = false;
    return 0;
  }

  // Hash what we retired, then pick out of it what the slots name.
  while (mine.retired.first != nullptr) {
    detail::retirable* const object = mine.retired.pop();
    detail::retirable*& bucket = record::bucket(mine.buckets, read_shared<B>(object->address));
    write_shared<B>(object->next_retired, bucket);
    bucket = object;
  }
  list kept;
  records_.for_each([&](const record& each) noexcept {
    // (4) acquire: pairs with (3). A chunk added after our fence protects nothing of ours.
    for (const chunk* slots = each.chunks.load(std::memory_order_acquire); slots != nullptr; slots = read_shared<B>(slots->next)) {
      for (const slot& hazard : slots->slots) {
        // (2) acquire: pairs with (1): the holder's reads are over before we free
        const void* const address = hazard.protecting.load(std::memory_order_acquire);
        if (address == nullptr) continue;
        detail::retirable*& bucket = record::bucket(mine.buckets, address);
        detail::retirable* before = nullptr;
        detail::retirable* next = nullptr;
        for (detail::retirable* object = bucket; object != nullptr; object = next) {
          next = read_shared<B>(object->next_retired);
          if (read_shared<B>(object->address) != address) {
            before = object;
            continue;
          }
          if (before == nullptr) {
            bucket = next;
          } else {
            write_shared<B>(before->next_retired, next);
          }
          kept.push(object);
        }
      }
    }
  });
  list unprotected;
  for (detail::retirable*& bucket : mine.buckets) {
    while (bucket != nullptr) {
      detail::retirable* const next = read_shared<B>(bucket->next_retired);
      unprotected.push(bucket);
      bucket = next;
    }
  }
  mine.retired.take_all(kept);
  const std::size_t freed = unprotected.size;
  reclaim_all(mine, unprotected);
  const std::size_t due = threshold();
  mine.scan_at = mine.retired.size + due > 2 * due ? 2 * due : mine.retired.size + due;
  mine.scanning = false;
  return freed;
}

template <class B, class Alloc>
void hazard_pointers<B, Alloc>::reclaim_all(record& mine, list& objects) noexcept {
  record::add_to(mine.reclaimed_total, objects.size);
  while (objects.first != nullptr) {
    detail::retirable* const object = objects.pop();
    read_shared<B>(object->reclaim)(object, this);
  }
}

template <class B, class Alloc>
hazard_pointers<B, Alloc>::~hazard_pointers() {
  assert(bound_.load(std::memory_order_relaxed) == 0 && "a hazard_pointers domain outlives the containers made with it");
  // No other thread uses the domain. Deleters may retire more, to us.
  bool more = true;
  while (more) {
    more = false;
    records_.for_each([&](record& each) noexcept {
      list objects;
      objects.take_all(each.retired);
      more = more || objects.first != nullptr;
      reclaim_all(each, objects);
    });
    // relaxed: what other threads did with the domain happens before this, or they would use it still; so the list is whole, and its
    // objects are as they were left. What comes since is this thread's.
    detail::retirable* orphan = orphans_.exchange(nullptr, std::memory_order_relaxed);
    while (orphan != nullptr) {
      detail::retirable* const next = read_shared<B>(orphan->next_retired);
      read_shared<B>(orphan->reclaim)(orphan, this);
      orphan = next;
      more = true;
    }
  }
  records_.for_each([&](record& each) noexcept {
    chunk* slots = each.chunks.load(std::memory_order_relaxed);
    while (slots != &each.first) {
      chunk* const next = read_shared<B>(slots->next);
      unmake(slots);
      slots = next;
    }
    unmake(&each);
  });
}

static_assert(is_reclaimer<hazard_pointers<>>);

}  // namespace pawl::inline v0
