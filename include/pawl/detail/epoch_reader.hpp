// SPDX-License-Identifier: BSL-1.0
// A reader of an epoch domain that is kept. A part of epoch_domain.hpp.
#pragma once

#include <cassert>

#include "epoch_domain.hpp"

namespace pawl::inline v0 {

/// For loops, where the search for the thread's record in each lock and unlock of the domain would cost more than the section. Lockable, as
/// the domain; its sections are apart from the domain's and other readers', and may overlap with them in any order. Made, used and ended on
/// one thread; ends before the domain. Not in a section then (asserted).
template <class B, class Alloc>
class epochs<B, Alloc>::reader {
 public:
  /// Takes a pin that this thread has spare, or allocates one: may throw std::bad_alloc, before any effect. Constant time.
  explicit reader(epochs& domain) : reader(domain, domain.this_thread()) {}
  reader(const reader&) = delete;
  reader& operator=(const reader&) = delete;
  ~reader() {
    assert(depth_ == 0 && "a reader that ends in its section");
    pin_->since.store(0, std::memory_order_release);  // (1), see epoch_record
    record_->give_back(*pin_);
  }

  /// Begins a critical section, as the domain's lock. Wait-free, one plain store and no fence (where the system has no membarrier: one).
  void lock() noexcept {
    if (depth_++ != 0) return;
    // (1) release, relaxed: as in epoch_record::lock
    pin_->since.store(epoch_->load(std::memory_order_relaxed), std::memory_order_release);
    env::light_fence(fences_);
  }
  /// lock(), which never fails: true.
  bool try_lock() noexcept {
    lock();
    return true;
  }
  /// Ends the section that began last. Wait-free, one plain store.
  void unlock() noexcept {
    assert(depth_ != 0 && "unlock without lock");
    --depth_;
    // (1) release: what the section read comes before the end of what it read. relaxed: our own. (Stored again where a section is left:
    // without that branch, g++ 12 at -O3 keeps a local reader in registers also under a std::scoped_lock, which halves the cost of a read.)
    pin_->since.store(depth_ == 0 ? 0 : pin_->since.load(std::memory_order_relaxed), std::memory_order_release);
  }

 private:
  using pin = detail::epoch_pin<B>;

  reader(epochs& domain, record& mine) : epoch_(&domain.epoch_), pin_(taken(domain, mine)), fences_(mine.fences), record_(&mine) {}
  static pin* taken(epochs& domain, record& mine) {
    if (pin* const spare = mine.take_pin()) return spare;
    pin* const fresh = domain.memory_.template make<pin>();
    mine.add(*fresh);
    domain.pins_.fetch_add(1, std::memory_order_relaxed);
    return fresh;
  }

  const atomic<std::uint64_t, B>* epoch_;
  pin* pin_;
  std::size_t depth_ = 0;
  [[no_unique_address]] typename env::fences fences_;
  record* record_;
};

}  // namespace pawl::inline v0
