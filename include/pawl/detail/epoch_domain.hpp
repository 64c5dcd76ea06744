// SPDX-License-Identifier: BSL-1.0
// The domain behind rcu.hpp: who reads since when, and when a retired object may be freed. Read that header first.
#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "../backoff.hpp"
#include "../fence.hpp"
#include "../reclaimer.hpp"
#include "domain_memory.hpp"
#include "epoch_record.hpp"

namespace pawl::inline v0 {

/// A domain of epochs, and a reclaimer that containers take. `rcu_domain` is `epochs<>`.
///
/// It outlives the containers made with it (asserted) and every critical section. Destroying it frees all that was retired to it. Nodes
/// and records come from `Alloc`, which threads use concurrently.
template <class B = native, class Alloc = std::allocator<std::byte>>
class epochs {
  using env = environment<B>;
  using clock = detail::epoch_clock;
  using record = detail::epoch_record<B>;
  using list = detail::retired_list<B>;

 public:
  using backend_type = B;
  using allocator_type = Alloc;
  static constexpr bool reads_may_tear = false;

  template <class T>
  using item = detail::addressed_item<T, B>;
  template <class T>
  using link = detail::pointer_link<item<T>>;
  template <class T>
  using node = detail::addressed_node<T, B, detail::retirable>;

  /// One container operation, and while N is not 0 a critical section.
  template <class T, std::size_t N>
  class operation;

  epochs() = default;
  explicit epochs(const Alloc& alloc) : memory_(alloc) {}
  epochs(const epochs&) = delete;
  epochs& operator=(const epochs&) = delete;
  ~epochs();

  /// The domain of what names none.
  static epochs& default_domain() { return env::template global<epochs>(); }

  /// Begins a critical section: what the thread reads in it is not freed before it ends, if it was in place when it was read. Sections
  /// nest, up to 65535 deep; only the outermost counts. Ends on the thread on which it began. Wait-free, one plain store and no fence
  /// (where the system has no membarrier: one fence); a thread's first call allocates its record, and where there is no memory for it
  /// goes through a counter that all such threads share.
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

  /// A thread's way into its critical sections, kept: for loops, where the search for the thread's record in each lock and unlock would
  /// cost more than the section. Made and used on one thread; ends before the domain. Lockable, as the domain.
  class reader {
   public:
    /// May throw std::bad_alloc at a thread's first use of the domain.
    explicit reader(epochs& domain) : epoch_(&domain.epoch_), record_(&domain.this_thread()) {}
    void lock() noexcept { record_->lock(*epoch_); }
    bool try_lock() noexcept {
      lock();
      return true;
    }
    void unlock() noexcept { static_cast<void>(record_->unlock()); }

   private:
    const atomic<std::uint64_t, B>* epoch_;
    record* record_;
  };

  struct statistics {
    std::uint64_t retired;  ///< objects retired so far
    std::uint64_t reclaimed;  ///< of those, freed
    std::size_t records;  ///< about the most threads that used the domain at one time
  };
  /// Sums that were true at some instant each, not all at the same.
  [[nodiscard]] statistics stats() const noexcept {
    statistics sum{orphans_.total(), reclaimed_by_barriers_.load(std::memory_order_relaxed), 0};
    records_.for_each([&sum](const record& each) noexcept {
      sum.retired += each.retired_total.load(std::memory_order_relaxed);
      sum.reclaimed += each.reclaimed_total.load(std::memory_order_relaxed);
      ++sum.records;
    });
    return sum;
  }

  /// The most objects that are retired and not yet reclaimed at any time, where `retiring` threads retire, of `threads` that use the
  /// domain, and no critical section is longer than what a thread takes to retire as many as make a step due: tuning.scan_threshold, or
  /// scan_per_slot times the threads, where that is more; and a quarter more where another thread is in its fence just then. Twice that,
  /// since what one step could not free waits for the next. (More for a moment where deleters retire, and where the kernel has no memory
  /// for a fence, until it has.)
  [[nodiscard]] static constexpr std::size_t most_unreclaimed(std::size_t retiring, std::size_t threads) noexcept {
    return 2 * retiring * (threshold(threads) + patience(threshold(threads)));
  }

  /// Frees now what this thread and ended threads retired and no critical section holds back. What other running threads retired stays
  /// theirs: rcu_barrier() takes that, too. Nothing in a deleter, whose caller goes on anyway, nor while a barrier takes it all. May
  /// throw std::bad_alloc at a thread's first use. Linear in threads and retired objects.
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
    bound_.fetch_add(1, std::memory_order_relaxed);
    return {records_.id()};
  }
  void unbind() noexcept { bound_.fetch_sub(1, std::memory_order_relaxed); }
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
      record* const fresh = memory_.template make<record>();
      threads_.fetch_add(1, std::memory_order_relaxed);
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
      without_record_.fetch_add(1, std::memory_order_relaxed);
      env::light_fence();
    }
    return mine;
  }
  // Of a thread that got a record meanwhile, too: then this is the section from before.
  [[gnu::cold, gnu::noinline]] void unlock_without_record() noexcept {
    // (1) release: as of a pin
    [[maybe_unused]] const std::uint64_t open = without_record_.fetch_sub(1, std::memory_order_release);
    assert(open != 0 && "unlock without lock");
  }

  // Whether a step is due then.
  bool keep(record& mine, detail::retirable* object) noexcept {
    if (!mine.reclaiming && !mine.begin()) [[unlikely]] {
      orphans_.push(object);
      return false;
    }
    mine.fresh.push(object);
    detail::add_to<B>(mine.retired_total, 1);
    if (mine.reclaiming) return false;  // a deleter retired it; whoever runs that looks again
    const bool due = mine.fresh.size >= mine.look_at;
    mine.end();
    return due;
  }
  [[nodiscard]] static constexpr std::size_t threshold(std::size_t threads) noexcept {
    const std::size_t wanted = threads * env::tuning.scan_per_slot;
    return wanted > env::tuning.scan_threshold ? wanted : env::tuning.scan_threshold;
  }
  [[nodiscard]] std::size_t threshold() const noexcept { return threshold(threads_.load(std::memory_order_relaxed)); }
  // How many more a thread retires at most while another one is in its fence.
  [[nodiscard]] static constexpr std::size_t patience(std::size_t due) noexcept { return due / 4; }
  void step_when_due(record& mine) noexcept;
  std::size_t step(record& mine, bool alone = false) noexcept;
  [[nodiscard]] std::uint64_t oldest_pin() const noexcept;
  std::uint64_t next_epoch() noexcept;
  void wait_for_readers(std::uint64_t epoch) noexcept;
  void end_lost_threads() noexcept;
  void take_all(list& all) noexcept;
  void end_all(list& objects) noexcept {
    while (objects.first != nullptr) {
      detail::retirable* const object = objects.pop();
      read_shared<B>(object->reclaim)(object, this);
    }
  }

  typename env::template per_thread<record> records_;
  /// In every critical section read, seldom written.
  atomic<std::uint64_t, B> epoch_{clock::one};
  detail::turn<B> taking_;  // a barrier takes all lists: what belongs to no running thread stays where it is
  /// Sections of threads that could get no record. While there is one, nothing is freed.
  alignas(cache_line) atomic<std::uint64_t, B> without_record_{0};
  detail::turn<B> fencing_;
  detail::turn<B> in_barrier_;
  atomic<std::uint64_t, B> reclaimed_by_barriers_{0};
  detail::orphanage<B> orphans_;  // of threads without record, and of those whose lists a barrier was taking
  atomic<std::size_t, B> threads_{0};
  atomic<std::size_t, B> bound_{0};
  [[no_unique_address]] detail::domain_memory<B, Alloc> memory_;
};

template <class B, class Alloc>
template <class T, std::size_t N>
class epochs<B, Alloc>::operation {
  using node_type = node<T>;

 public:
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;
  ~operation() {
    if constexpr (N != 0) {
      if (record_ != nullptr) [[likely]] {
        static_cast<void>(record_->unlock());
      } else {
        domain_.unlock_without_record();
      }
    }
    // Only now, since our own section would hold it back, and so that deleters run in no section that they can't know of.
    if (due_) [[unlikely]]
      domain_.step_when_due(*record_);
  }

  link<T> protect(std::size_t /*i*/, const atomic<link<T>, B>& source) noexcept {
    // acquire: pairs with the container's release that published the node, so that we may read it
    return source.load(std::memory_order_acquire);
  }
  void announce(std::size_t /*i*/, link<T> /*l*/) noexcept {}
  item<T>* item_of(link<T> l) const noexcept { return l.pointer(); }
  node_type* get(link<T> l) const noexcept { return static_cast<node_type*>(l.pointer()); }

  link<T> create() { return link<T>(domain_.memory_.template make<node_type>()); }
  link<T> create_spare() { return create(); }
  void discard(link<T> l) noexcept { domain_.memory_.unmake(get(l)); }
  void discard_spare(link<T> l) noexcept { discard(l); }
  void retire(link<T> l) noexcept {
    retire_by(l, [](detail::retirable* object, void* domain) noexcept {
      static_cast<epochs*>(domain)->memory_.unmake(static_cast<node_type*>(object));
    });
  }
  void retire_whole(link<T> l) noexcept {
    retire_by(l, [](detail::retirable* object, void* domain) noexcept {
      static_cast<node_type*>(object)->value.destroy();
      static_cast<epochs*>(domain)->memory_.unmake(static_cast<node_type*>(object));
    });
  }

 private:
  friend class epochs;
  operation(epochs& domain, record* mine) noexcept : domain_(domain), record_(mine) {
    if constexpr (N != 0) {
      if (record_ != nullptr) [[likely]] {
        record_->lock(domain_.epoch_);
      } else {
        record_ = domain_.lock_first();
      }
    }
  }

  void retire_by(link<T> l, detail::retirable::reclaim_function reclaim) noexcept {
    node_type* const unlinked = get(l);
    write_shared<B>(unlinked->reclaim, reclaim);
    if (record_ != nullptr) {
      due_ = domain_.keep(*record_, unlinked) || due_;
    } else {
      domain_.retire(unlinked);
    }
  }

  epochs& domain_;
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
    orphans_.push(object);
  }
}

// An object that was not made to be retired gets a companion that was.
template <class B, class Alloc>
template <class T, class D>
void epochs<B, Alloc>::retire_apart(T* ptr, D d) {
  struct companion : detail::retirable {
    companion(T* object, D&& d_) : ptr(object), deleter(std::move(d_)) {}
    T* ptr;
    [[no_unique_address]] D deleter;
  };
  companion* const made = memory_.template make<companion>(ptr, std::move(d));
  write_shared<B>(made->reclaim, [](detail::retirable* object, void* domain) noexcept {
    auto* const self = static_cast<companion*>(object);
    T* const retired = read_shared<B>(self->ptr);
    announce_write<B>(self->deleter);
    D deleter = std::move(self->deleter);
    static_cast<epochs*>(domain)->memory_.unmake(self);
    deleter(retired);
  });
  retire(made);
}

// The earliest epoch of an open critical section; `never` where there is none.
template <class B, class Alloc>
std::uint64_t epochs<B, Alloc>::oldest_pin() const noexcept {
  std::uint64_t oldest = clock::never;
  // (2) acquire: pairs with (1): what ended sections read is read before we free
  if (without_record_.load(std::memory_order_acquire) != 0) return 0;
  records_.for_each([&oldest](const record& each) noexcept {
    const std::uint64_t pinned = each.pin.load(std::memory_order_acquire);  // (2)
    const std::uint64_t since = pinned & ~clock::nesting;
    if ((pinned & clock::nesting) != 0 && since < oldest) oldest = since;
  });
  return oldest;
}

// Ends the present epoch, which it returns; after a heavy fence. Let a reader have found an object that was unlinked before that fence.
// Then its light fence comes before ours. So its pin was visible to all who look after our fence, and it had read the epoch before we
// ended it: the pin says this epoch or an earlier one. A pin of a later epoch holds nothing that was unlinked before our fence.
template <class B, class Alloc>
std::uint64_t epochs<B, Alloc>::next_epoch() noexcept {
  // relaxed: it orders nothing, the fences do
  return epoch_.fetch_add(clock::one, std::memory_order_relaxed);
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
    if (!alone && mine.fresh.size < mine.look_at + patience(due)) break;
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
    orphans_.take_all(mine.fresh);
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
  end_all(over);
  detail::add_to<B>(mine.reclaimed_total, freed);
  mine.look_at = mine.fresh.size + threshold();
  mine.reclaiming = false;
  return freed;
}

template <class B, class Alloc>
void epochs<B, Alloc>::wait_for_readers(std::uint64_t epoch) noexcept {
  yield_backoff backoff;
  while (oldest_pin() <= epoch) backoff(B{});
}

// Sections of threads that a fork left behind end when somebody adopts their records.
template <class B, class Alloc>
void epochs<B, Alloc>::end_lost_threads() noexcept {
  records_.for_each_abandoned([](record&) noexcept {});
}

template <class B, class Alloc>
void epochs<B, Alloc>::synchronize() noexcept {
  [[maybe_unused]] const record* const mine = records_.find();
  assert((mine == nullptr || (mine->pin.load(std::memory_order_relaxed) & clock::nesting) == 0) && "rcu_synchronize in a section");
  end_lost_threads();
  asymmetric_thread_fence_heavy<B>();
  wait_for_readers(next_epoch());
}

template <class B, class Alloc>
void epochs<B, Alloc>::barrier() noexcept {
  record* const mine = records_.find();
  // It would wait for its own section, or for the deleter that calls it.
  assert((mine == nullptr || (mine->pin.load(std::memory_order_relaxed) & clock::nesting) == 0) && "rcu_barrier in a section");
  assert((mine == nullptr || !(mine->reclaiming || mine->in_barrier)) && "rcu_barrier in a deleter");
  end_lost_threads();
  // One at a time: what another barrier has taken must be freed before this one returns.
  // (7) acquire: pairs with (8): what that barrier did comes before
  for (yield_backoff backoff; !in_barrier_.try_take(std::memory_order_acquire);) backoff(B{});
  if (mine != nullptr) mine->in_barrier = true;

  list all;
  take_all(all);
  asymmetric_thread_fence_heavy<B>();
  wait_for_readers(next_epoch());
  const std::size_t freed = all.size;
  end_all(all);
  reclaimed_by_barriers_.fetch_add(freed, std::memory_order_relaxed);

  if (mine != nullptr) mine->in_barrier = false;
  in_barrier_.give_back(std::memory_order_release);  // (8)
}

// All that was retired before. A thread whose lists are asked for keeps new ones with the orphans for the moment, and none may move what
// has no running owner, which could go past us.
template <class B, class Alloc>
void epochs<B, Alloc>::take_all(list& all) noexcept {
  // relaxed: seen after the fence by who doesn't own its lists before it, see record::begin
  taking_.take(std::memory_order_relaxed);
  records_.for_each([](record& each) noexcept { each.taken.take(std::memory_order_relaxed); });
  asymmetric_thread_fence_heavy<B>();
  yield_backoff backoff;
  for (bool some_left = true; some_left;) {
    some_left = false;
    records_.for_each([&all, &some_left](record& each) noexcept {
      // relaxed: our own. (A record that was made since the fence holds nothing that was retired before.)
      if (!each.taken.taken(std::memory_order_relaxed)) return;
      // (5) acquire: pairs with (4). Who owns its lists may be freeing what it took out of them: that is over then, too.
      if (each.owns_lists.load(std::memory_order_acquire)) {
        some_left = true;
        return;
      }
      each.take_lists(all);
      each.taken.give_back(std::memory_order_release);  // (6)
    });
    if (some_left) backoff(B{});
  }
  orphans_.take_all(all);
  taking_.give_back(std::memory_order_relaxed);
}

template <class B, class Alloc>
epochs<B, Alloc>::~epochs() {
  assert(bound_.load(std::memory_order_relaxed) == 0 && "an epochs domain outlives the containers made with it");
  // No other thread uses the domain. Deleters may retire more, to us.
  for (list all;;) {
    records_.for_each([&all](record& each) noexcept { each.take_lists(all); });
    orphans_.take_all(all);
    if (all.first == nullptr) break;
    end_all(all);
  }
  records_.for_each([this](record& each) noexcept { memory_.unmake(&each); });
}

static_assert(is_reclaimer<epochs<>>);

}  // namespace pawl::inline v0
