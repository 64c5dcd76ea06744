// SPDX-License-Identifier: BSL-1.0
// Read-copy-update (P. E. McKenney and J. D. Slingwine, 1998) by epochs (K. Fraser, "Practical Lock-Freedom", 2004), under the names of
// C++26 (P2545) and as a reclaimer for pawl's containers.
//
// A reader notes the present epoch when it begins to read, and takes the note away when it has finished. Who has unlinked an object
// retires it; now and then a thread ends the epoch, and frees what was retired in epochs of which nobody reads any more: whoever began
// later can't have found it. Each thread judges that by itself, so that no thread's progress is needed for another's memory.
//
// A critical section costs one plain store at each end, no fence: the first has to be visible before what the section reads, and who
// frees, which is rare, pays for that order by an asymmetric fence (where the system has no membarrier, every section has a full fence).
//
// | a stalled reader holds back | everything retired since its critical section began, without bound: memory fills up until it goes on
// | retired and not yet freed   | while none is stalled: at most 5/2 * max(1024, 2 * t) of each thread that retires, where t threads use
// |                             | the domain, and what it retires while the longest critical section lasts; epochs<>::most_unreclaimed
// |                             | computes it. (More for a moment where deleters retire; and what threads retire that can get no record
// |                             | for want of memory waits, without bound, for the next step of one that has a record.)
// | a stalled writer            | holds back what it has itself retired; and if rcu_barrier waits for it, ended threads' garbage, too
// | retire                      | amortized O(1): a step is linear in threads, kept readers and what it frees, and allocates nothing
//
// So: epochs where readers are short or many objects are read at once, hazard pointers where a reader may sleep.
// No thread attaches or detaches: a record is made at a thread's first use and taken over when the thread ends, with what it retired.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "detail/epoch_domain.hpp"

namespace pawl::inline v0 {

using rcu_domain = epochs<>;

/// The domain of what names none. The first call makes it, and may throw std::bad_alloc.
template <class B = native>
epochs<B>& rcu_default_domain() {
  return epochs<B>::default_domain();
}

/// Base of objects that readers find in critical sections: `struct config : rcu_obj_base<config> { ... };`
template <class T, class D = std::default_delete<T>>
class rcu_obj_base : private detail::retirable {
 public:
  /// Hands the object, which no new reader can reach any more, to the default domain: `d(object)` runs when every critical section that
  /// may have found it is over, on some thread that retires to the domain or makes it reclaim, perhaps at once. Amortized O(1).
  /// Lock-free, apart from what d does. May be called in a critical section, in which d then perhaps runs: a d that waits for readers
  /// waits for itself. No exception may leave d or D's move: it ends the program (std::terminate), as does a default domain for which
  /// there is no memory, if this is its first use. Once per object.
  void retire(D d = D()) noexcept { retire(std::move(d), rcu_default_domain<native>()); }
  template <class B, class A>
  void retire(D d, epochs<B, A>& domain) noexcept {
    static_assert(std::is_base_of_v<rcu_obj_base, T>, "rcu_obj_base<T>: T must derive from it");
    announce_write<B>(deleter_);
    deleter_ = std::move(d);
    write_shared<B>(this->reclaim, &detail::object_end::run<B, rcu_obj_base, T>);
    domain.retire(this);
  }

 protected:
  rcu_obj_base() = default;
  // A copy is another object, which nobody has retired.
  rcu_obj_base(const rcu_obj_base&) = default;
  rcu_obj_base(rcu_obj_base&&) = default;
  rcu_obj_base& operator=(const rcu_obj_base&) = default;
  rcu_obj_base& operator=(rcu_obj_base&&) = default;
  ~rcu_obj_base() = default;

 private:
  friend detail::object_end;
  [[no_unique_address]] D deleter_{};
};

/// The same for an object of any type, at the price of an allocation: may throw std::bad_alloc, or what moving d throws, before any
/// effect. (d is moved once more before it runs, where no exception may leave it.)
template <class T, class D = std::default_delete<T>, class B, class A>
void rcu_retire(T* p, D d, epochs<B, A>& domain) {
  domain.retire_apart(p, std::move(d));
}
template <class T, class D = std::default_delete<T>>
void rcu_retire(T* p, D d = D()) {
  rcu_retire(p, std::move(d), rcu_default_domain<native>());
}

/// Returns when every critical section that was open at the call is over: what was unlinked before may be freed, and is not found by
/// sections that begin later. Blocking: it waits for readers, and only for them. Not in a critical section (asserted). To readers who
/// began later, what the caller wrote before is known where they acquire something that it releases, as between any two threads.
template <class B, class A>
void rcu_synchronize(epochs<B, A>& domain) noexcept {
  domain.synchronize();
}
/// The same for the default domain. Where this is its first use and there is no memory for it, the program ends (std::terminate).
inline void rcu_synchronize() noexcept { rcu_synchronize(rcu_default_domain<native>()); }

/// Returns when all that was retired before the call, by any thread, is freed. Blocking: it waits for readers, and for deleters that run.
/// Not in a critical section, not from a deleter (asserted).
template <class B, class A>
void rcu_barrier(epochs<B, A>& domain) noexcept {
  domain.barrier();
}
/// The same for the default domain, with the same end where there is no memory for its first use.
inline void rcu_barrier() noexcept { rcu_barrier(rcu_default_domain<native>()); }

}  // namespace pawl::inline v0
