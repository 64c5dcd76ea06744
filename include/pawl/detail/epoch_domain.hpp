// SPDX-License-Identifier: BSL-1.0
// The domain behind rcu.hpp: who reads since when, and when a retired object may be freed. Read that header first.
#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "addressed_domain.hpp"
#include "epoch_record.hpp"
#include "section_count.hpp"

namespace pawl::inline v0 {

/// A domain of epochs, and a reclaimer that containers take. `rcu_domain` is `epochs<>`.
///
/// It outlives the containers made with it (asserted) and every critical section. Destroying it frees all that was retired to it. Nodes
/// and records come from `Alloc`, which threads use concurrently.
template <class B = native, class Alloc = std::allocator<std::byte>>
class epochs : public detail::addressed_domain<B, Alloc, detail::retirable> {
  static_assert(detail::has_usual_fences<environment<B>>,
                "epochs<B>: environment<B> must have usual_fences, of its type `fences`, which is compared by ==");
  using base = detail::addressed_domain<B, Alloc, detail::retirable>;
  using env = environment<B>;
  using clock = detail::epoch_clock;
  using record = detail::epoch_record<B>;
  using list = detail::retired_list<B>;

 public:
  using statistics = typename base::statistics;
  template <class T>
  using link = typename base::template link<T>;

  /// One container operation, and while N is not 0 a critical section.
  template <class T, std::size_t N>
  class operation;

  epochs() = default;
  explicit epochs(const Alloc& alloc) : base(alloc) {}
  epochs(const epochs&) = delete;
  epochs& operator=(const epochs&) = delete;
  ~epochs();

  /// The domain of what names none.
  static epochs& default_domain() { return env::template global<epochs>(); }

  /// Begins a critical section: what the thread reads in it is not freed before it ends, if it was in place when it was read. Sections
  /// nest, up to 32767 deep; only the outermost counts. Ends on the thread on which it began. Wait-free, one plain store and no fence
  /// (where the system has no membarrier: one fence); a thread's first call allocates its record, and where there is no memory for it
  /// goes through a counter that all such threads share: lock-free then.
  void lock() noexcept {
    if (record* const mine = records_.find()) [[likely]] {
      mine->lock(epoch_);
    } else {
      lock_first();
    }
  }
  /// lock(), which never fails: true.
  bool try_lock() noexcept {
    lock();
    return true;
  }
  /// Ends the section that began last. Wait-free, one plain store.
  void unlock() noexcept {
    record* const mine = records_.find();
    if (mine == nullptr || !mine->unlock()) [[unlikely]]
      unlock_without_record();
  }

  /// A thread's way into critical sections, kept.
  class reader;

  /// Sums that were true at some instant each, not all at the same.
  [[nodiscard]] statistics stats() const noexcept {
    statistics sum = this->sum_over(records_);
    sum.reclaimed += reclaimed_by_barriers_.load(std::memory_order_relaxed);
    return sum;
  }

  /// The most objects that are retired and not yet reclaimed at any time, where `retiring` threads retire, of `threads` that use the
  /// domain, each with so many readers at a time, and no critical section is longer than what a thread takes to retire as many as make a
  /// step due: tuning.scan_threshold, or scan_per_slot times the threads and readers, where that is more; and a quarter more where another
  /// thread is in its fence just then. Twice that, since what one step could not free waits for the next. (More for a moment where
  /// deleters retire; where the kernel has no memory for a fence, until it has; and by what threads retire that can get no record, until
  /// one that has a record makes a step.)
  [[nodiscard]] static constexpr std::size_t most_unreclaimed(std::size_t retiring, std::size_t threads,
                                                              std::size_t readers_each = 0) noexcept {
    const std::size_t due = base::threshold_for(threads * (1 + readers_each));
    return 2 * retiring * (due + base::patience(due));
  }

  /// Frees now what this thread and ended threads retired and no critical section holds back. What other running threads retired stays
  /// theirs: rcu_barrier() takes that, too. Nothing in a deleter, whose caller goes on anyway, nor while a barrier takes it all. May
  /// throw std::bad_alloc at a thread's first use. Linear in threads, kept readers and retired objects.
  void reclaim() {
    record& mine = this_thread();
    if (mine.reclaiming || !mine.begin()) return;
    while (step(mine) != 0) {
    }
    mine.end();
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
  operation<T, N> enter(const binding& bound) noexcept {
    return operation<T, N>(*this, env::template per_thread<record>::find(bound.records));
  }
  template <class T>
  operation<T, 0> enter_last(const binding&) noexcept {
    return operation<T, 0>(*this, nullptr);
  }

  // For rcu.hpp.
  void retire(detail::retirable* object) noexcept;
  template <class T, class D>
  void retire_apart(T* ptr, D d);
  void synchronize() noexcept;
  void barrier() noexcept;

 private:
  record& this_thread() {
    return records_.get([this] {
      record* const fresh = this->memory_.template make<record>();
      pins_.fetch_add(1, std::memory_order_relaxed);
      return fresh;
    });
  }
  record* this_thread_or_none() noexcept {
    return detail::attempt([this] { return &this_thread(); });
  }
  [[gnu::cold, gnu::noinline]] record* lock_first() noexcept {
    record* const mine = this_thread_or_none();
    if (mine != nullptr) {
      mine->lock(epoch_);
    } else {
      // relaxed: for the scan it is a pin as good as any, by the fence
      without_record_.open(std::memory_order_relaxed);
      env::light_fence();
    }
    return mine;
  }
  // Of a thread that got a record meanwhile, too: then this is the section from before.
  [[gnu::cold, gnu::noinline]] void unlock_without_record() noexcept {
    // (1) release: as of a pin
    without_record_.close(std::memory_order_release);
  }

  // Whether a step is due then.
  bool keep(record& mine, detail::retirable* object) noexcept {
    if (!mine.reclaiming && !mine.begin()) [[unlikely]] {
      this->orphans_.push(object);
      return false;
    }
    mine.fresh.push(object);
    detail::add_to<B>(mine.retired_total, 1);
    if (mine.reclaiming) return false;  // a deleter retired it; whoever runs that looks again
    const bool due = mine.fresh.size >= mine.look_at;
    mine.end();
    return due;
  }
  // In proportion to what a step looks at.
  [[nodiscard]] std::size_t threshold() const noexcept { return base::threshold_for(pins_.load(std::memory_order_relaxed)); }
  void step_when_due(record& mine) noexcept;
  std::size_t step(record& mine, bool alone = false) noexcept;
  [[nodiscard]] std::uint64_t oldest_pin() const noexcept;
  std::uint64_t next_epoch() noexcept;
  void wait_for_readers(std::uint64_t epoch) noexcept;
  void take_all(list& all) noexcept;

  typename env::template per_thread<record> records_;
  /// In every critical section read, seldom written.
  atomic<std::uint64_t, B> epoch_{clock::first};
  detail::turn<B> taking_;  // a barrier takes all lists: what belongs to no running thread stays where it is
  /// Sections of threads that could get no record. While there is one, nothing is freed.
  alignas(cache_line) detail::section_count<B> without_record_;
  detail::turn<B> fencing_;
  detail::turn<B> in_barrier_;
  atomic<std::uint64_t, B> reclaimed_by_barriers_{0};
  atomic<std::size_t, B> pins_{0};  // of threads and of readers that are kept
};

template <class B, class Alloc>
template <class T, std::size_t N>
class epochs<B, Alloc>::operation : public detail::addressed_operation<epochs, T> {
 public:
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;
  ~operation() {
    if constexpr (N != 0) {
      // A callback may have ended a section from before this thread had a record by the record's: then this ends that one.
      if (record_ == nullptr || !record_->unlock()) [[unlikely]]
        this->domain_.unlock_without_record();
    }
    // Only now, since our own section would hold it back, and so that deleters run in no section that they can't know of.
    if (due_) [[unlikely]]
      this->domain_.step_when_due(*record_);
  }

  link<T> protect(std::size_t /*i*/, const atomic<link<T>, B>& source) noexcept {
    // acquire: pairs with the container's release that published the node, so that we may read it
    return source.load(std::memory_order_acquire);
  }
  void announce(std::size_t /*i*/, link<T> /*l*/) noexcept {}
  void retire(link<T> l) noexcept { hand_over(this->without_value(l)); }
  void retire_whole(link<T> l) noexcept { hand_over(this->with_value(l)); }

 private:
  friend class epochs;
  operation(epochs& domain, record* mine) noexcept : detail::addressed_operation<epochs, T>(domain), record_(mine) {
    if constexpr (N != 0) {
      if (record_ != nullptr) [[likely]] {
        record_->lock(this->domain_.epoch_);
      } else {
        record_ = this->domain_.lock_first();
      }
    }
  }

  void hand_over(detail::retirable* unlinked) noexcept {
    if (record_ != nullptr) {
      due_ = this->domain_.keep(*record_, unlinked) || due_;
    } else {
      this->domain_.retire(unlinked);
    }
  }

  record* record_;
  bool due_ = false;
};

template <class B, class Alloc>
void epochs<B, Alloc>::retire(detail::retirable* object) noexcept {
  if (record* const mine = this_thread_or_none()) {
    if (keep(*mine, object)) [[unlikely]]
      step_when_due(*mine);
  } else {
    // No memory for this thread's first record, and retire may not fail: so the object goes where the next step finds it.
    this->orphans_.push(object);
  }
}

// An object that was not made to be retired gets a companion that was.
template <class B, class Alloc>
template <class T, class D>
void epochs<B, Alloc>::retire_apart(T* ptr, D d) {
  struct companion : detail::retirable {
    companion(T* object, D&& ends_it) : ptr(object), deleter(std::move(ends_it)) {}
    T* ptr;
    [[no_unique_address]] D deleter;
  };
  companion* const made = this->memory_.template make<companion>(ptr, std::move(d));
  write_shared<B>(made->reclaim, [](detail::retirable* object, void* domain) noexcept {
    auto* const self = static_cast<companion*>(object);
    T* const retired = read_shared<B>(self->ptr);
    announce_write<B>(self->deleter);
    D deleter = std::move(self->deleter);
    static_cast<epochs*>(static_cast<base*>(domain))->memory_.unmake(self);
    deleter(retired);
  });
  retire(made);
}

// The earliest epoch of an open critical section; `never` where there is none.
template <class B, class Alloc>
std::uint64_t epochs<B, Alloc>::oldest_pin() const noexcept {
  std::uint64_t oldest = clock::never;
  // (2) acquire: pairs with (1): what ended sections read is read before we free
  if (without_record_.any(std::memory_order_acquire)) return 0;
  const auto look = [&oldest](const atomic<std::uint64_t, B>& pin) noexcept {
    const std::uint64_t pinned = pin.load(std::memory_order_acquire);  // (2)
    const std::uint64_t since = clock::epoch_of(pinned);
    if ((pinned & clock::nesting) != 0 && since < oldest) oldest = since;
  };
  records_.for_each([&look](const record& each) noexcept {
    look(each.pin);
    // (10) acquire: pairs with (9). A pin that was added after our fence holds nothing of ours.
    for (const detail::epoch_pin<B>* kept = each.pins.load(std::memory_order_acquire); kept != nullptr;
         kept = read_shared<B>(kept->next)) {
      look(kept->since);
    }
  });
  return oldest;
}

// Ends the present epoch, which it returns; after a heavy fence. Let a reader have found an object that was unlinked before that fence.
// Then its light fence comes before ours. So its pin was visible to all who look after our fence, and it had read the epoch before we
// ended it: the pin says this epoch or an earlier one. A pin of a later epoch holds nothing that was unlinked before our fence.
template <class B, class Alloc>
std::uint64_t epochs<B, Alloc>::next_epoch() noexcept {
  // relaxed: it orders nothing, the fences do
  return clock::epoch_of(epoch_.fetch_add(clock::one, std::memory_order_relaxed));
}

// One membarrier at a time, as hazard_pointers::scan_when_due, and for the same reason a quarter past the threshold none the less.
template <class B, class Alloc>
[[gnu::cold, gnu::noinline]] void epochs<B, Alloc>::step_when_due(record& mine) noexcept {
  if (mine.reclaiming || !mine.begin()) return;
  std::size_t freed = 1;
  // Deleters may retire more: again, as long as that frees anything.
  while (freed != 0 && mine.fresh.size >= mine.look_at) {
    const std::size_t due = threshold();
    if (mine.fresh.size < due) {
      mine.look_at = due;
      break;
    }
    // relaxed: the flag guards no data, it only spreads fences over time
    const bool alone = fencing_.try_take(std::memory_order_relaxed);
    if (!alone && mine.fresh.size < mine.look_at + base::patience(due)) break;
    freed = step(mine, alone);
  }
  mine.end();
}

/// Needs the right to the lists. Returns how many objects it freed. `alone`: the caller has the flag; it is given back after the fence.
template <class B, class Alloc>
std::size_t epochs<B, Alloc>::step(record& mine, bool alone) noexcept {
  mine.reclaiming = true;
  // relaxed: a barrier that begins to take after this look waits for us, as record::begin has seen to; what it left is acquired there
  if (!taking_.taken(std::memory_order_relaxed)) {
    this->orphans_.take_all(mine.fresh);
    records_.for_each_abandoned([&mine](record& dead) noexcept {
      if (!dead.begin()) return;
      dead.take_lists(mine.fresh);
      dead.end();
    });
  }
  list over;
  const bool ordered = env::heavy_fence();
  if (alone) fencing_.give_back(std::memory_order_relaxed);
  if (ordered) {
    const std::uint64_t epoch = next_epoch();
    const std::uint64_t oldest = oldest_pin();
    if (mine.waiting_since < oldest) over.take_all(mine.waiting);
    if (epoch < oldest) {
      over.take_all(mine.fresh);
    } else if (mine.waiting.first == nullptr) {
      mine.waiting.take_all(mine.fresh);
      mine.waiting_since = epoch;
    }
  }  // else there was no memory for it in the kernel: later
  const std::size_t freed = over.size;
  this->end_all(over);
  detail::add_to<B>(mine.reclaimed_total, freed);
  mine.look_at = mine.fresh.size + threshold();
  mine.reclaiming = false;
  return freed;
}

template <class B, class Alloc>
epochs<B, Alloc>::~epochs() {
  assert(this->bound_.load(std::memory_order_relaxed) == 0 && "an epochs domain outlives the containers made with it");
  // No other thread uses the domain. Deleters may retire more, to us.
  records_.end_lost();
  for (list all;;) {
    records_.for_each([&all](record& each) noexcept { each.take_lists(all); });
    this->orphans_.take_all(all);
    if (all.first == nullptr) break;
    this->end_all(all);
  }
  records_.for_each([this](record& each) noexcept {
    for (detail::epoch_pin<B>* kept = each.pins.load(std::memory_order_relaxed); kept != nullptr;) {
      detail::epoch_pin<B>* const next = read_shared<B>(kept->next);
      this->memory_.unmake(kept);
      kept = next;
    }
    this->memory_.unmake(&each);
  });
}

static_assert(is_reclaimer<epochs<>>);

}  // namespace pawl::inline v0

#include "epoch_reader.hpp"
#include "epoch_waiting.hpp"
