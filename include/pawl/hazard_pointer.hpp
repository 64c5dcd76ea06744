// SPDX-License-Identifier: BSL-1.0
// Hazard pointers (M. M. Michael, "Hazard Pointers: Safe Memory Reclamation for Lock-Free Objects", IEEE TPDS 2004), under the names of
// C++26 (P2530) and as a reclaimer for pawl's containers.
//
// A thread that wants to read an object writes its address into a slot and looks again whether the object is still where it was. Who
// has unlinked an object retires it; now and then a thread looks at all slots and frees what it has retired and nobody protects.
//
// Protection costs one release store and a second load, no fence: the store has to be visible before the second load, and the scan,
// which is rare, pays for that order by an asymmetric fence (where the system has no membarrier, every protection is a full fence).
//
// | a stalled thread holds back | the objects in its own slots, and what it has itself retired
// | retired and not yet freed   | at most t * 5/4 * max(1024, 2 * s), where t threads retire and the domain has s slots: each thread
// |                             | that uses it has 16, and 16 more for each 16 hazard_pointers (or for container operations in the
// |                             | callbacks of others). What readers protect for ever is among them. (More for a moment where deleters
// |                             | retire; and what threads retire that can get no record for want of memory waits, without bound, for
// |                             | the next scan of one that has a record.) hazard_pointers<>::most_unreclaimed computes it
// | retire                      | amortized O(1): a scan is about linear in slots and retired objects, and frees half of them. It needs
// |                             | no memory up to 512 slots. Beyond that a thread's scan allocates a table, of a word for each slot at
// |                             | most, whenever they have doubled; without memory for it, scans are slower the more slots there are
// | membarrier                  | one per scan, by one thread at a time; by more only where one is stalled in it while others retire
// |                             | the quarter: waiting for it longer would not be lock-free, nor bounded. reclaim() always calls it
//
// No thread attaches or detaches: a record is made at a thread's first use and taken over when the thread ends, with what it retired.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "detail/hazard_domain.hpp"

namespace pawl::inline v0 {

/// Base of objects that protect themselves by being retired: `struct config : hazard_pointer_obj_base<config> { ... };`
template <class T, class D = std::default_delete<T>>
class hazard_pointer_obj_base : private detail::protectable {
 public:
  /// Hands the object, which no new reader can reach any more, to the default domain: `d(object)` runs when no hazard pointer protects
  /// it, on some thread that retires, perhaps at once. Amortized O(1). Lock-free, apart from what d does and, among more than 512 slots,
  /// the allocation of a scan's table. Called once per object. No exception may leave d or D's move: it ends the program
  /// (std::terminate), since nobody is there to receive it. d may retire more objects, which takes no depth of the stack, and use
  /// containers.
  void retire(D d = D()) noexcept { retire(std::move(d), hazard_pointer_default_domain<native>()); }
  template <class B, class A>
  void retire(D d, hazard_pointers<B, A>& domain) noexcept {
    static_assert(std::is_base_of_v<hazard_pointer_obj_base, T>, "hazard_pointer_obj_base<T>: T must derive from it");
    announce_write<B>(deleter_);
    deleter_ = std::move(d);
    write_shared<B>(this->address, static_cast<const void*>(static_cast<T*>(this)));
    write_shared<B>(this->reclaim, &detail::object_end::run<B, hazard_pointer_obj_base, T>);
    domain.retire(this);
  }

 protected:
  hazard_pointer_obj_base() = default;
  // A copy is another object, which nobody has retired.
  hazard_pointer_obj_base(const hazard_pointer_obj_base&) = default;
  hazard_pointer_obj_base(hazard_pointer_obj_base&&) = default;
  hazard_pointer_obj_base& operator=(const hazard_pointer_obj_base&) = default;
  hazard_pointer_obj_base& operator=(hazard_pointer_obj_base&&) = default;
  ~hazard_pointer_obj_base() = default;

 private:
  friend detail::object_end;
  [[no_unique_address]] D deleter_{};
};

namespace detail {

// As retire names the object, also where T only derives from the class that is retired.
template <class Object, class D>
const void* retired_address(const hazard_pointer_obj_base<Object, D>* base) noexcept {
  return static_cast<const Object*>(base);
}
template <class T>
const void* hazard_address(const T* ptr) noexcept {
  if constexpr (requires { retired_address(ptr); }) {
    return retired_address(ptr);
  } else {
    return ptr;
  }
}

}  // namespace detail

/// The right to protect one object at a time. Movable; empty, or a slot of some domain, which it must not outlive. May end on another
/// thread than it began on. Not for use by two threads at once. In a fork's child it goes on if the thread that made it does: else it is only
/// good to be ended.
template <class B>
class basic_hazard_pointer {
  using slot = detail::hazard_slot<B>;
  using fences = typename environment<B>::fences;

 public:
  /// Empty. make_hazard_pointer() makes one that protects.
  basic_hazard_pointer() noexcept = default;
  basic_hazard_pointer(basic_hazard_pointer&& other) noexcept
      : slot_(std::exchange(other.slot_, nullptr)), fences_(other.fences_) {}
  basic_hazard_pointer& operator=(basic_hazard_pointer&& other) noexcept {
    basic_hazard_pointer(std::move(other)).swap(*this);
    return *this;
  }
  /// Ends the protection. Wait-free on the thread that made it, lock-free on others.
  ~basic_hazard_pointer() {
    if (slot_ != nullptr) detail::release_hazard_slot(*slot_);
  }

  [[nodiscard]] bool empty() const noexcept { return slot_ == nullptr; }

  /// Loads a pointer and protects the object until this hazard pointer is reset, protects another or ends. Not empty. Lock-free: it
  /// looks again only when another thread has changed src. The load is an acquire.
  template <class T>
  T* protect(const atomic<T*, B>& src) noexcept {
    return protect_from<T>(*slot_, fences_, src);
  }
  template <class T>
    requires std::is_same_v<order_t<B>, std::memory_order>
  T* protect(const std::atomic<T*>& src) noexcept {
    return protect_from<T>(*slot_, fences_, src);
  }

  /// One attempt for a pointer that was loaded before: true where src still held it, and then it is protected. False leaves nothing
  /// protected and the new pointer in `ptr`. Not empty. Wait-free.
  template <class T>
  bool try_protect(T*& ptr, const atomic<T*, B>& src) noexcept {
    return try_protect_from(*slot_, fences_, ptr, src);
  }
  template <class T>
    requires std::is_same_v<order_t<B>, std::memory_order>
  bool try_protect(T*& ptr, const std::atomic<T*>& src) noexcept {
    return try_protect_from(*slot_, fences_, ptr, src);
  }

  /// Protects an object from being freed after a retire that happens after this call; of an object that may be retired already, it
  /// protects nothing: a scan may have passed this slot and not yet the other that still protects. To hand a protection over, swap or
  /// move the hazard pointer. Not empty. Wait-free.
  template <class T>
  void reset_protection(const T* ptr) noexcept {
    slot_->protect_before_loads(detail::hazard_address(ptr), fences_);
  }
  /// Ends the protection and keeps the slot. Not empty. Wait-free.
  void reset_protection(std::nullptr_t = nullptr) noexcept { slot_->protect(nullptr); }

  void swap(basic_hazard_pointer& other) noexcept {
    std::swap(slot_, other.slot_);
    std::swap(fences_, other.fences_);
  }
  friend void swap(basic_hazard_pointer& a, basic_hazard_pointer& b) noexcept { a.swap(b); }

 private:
  template <class B2, class A>
  friend basic_hazard_pointer<B2> make_hazard_pointer(hazard_pointers<B2, A>& domain);
  explicit basic_hazard_pointer(slot& taken) noexcept : slot_(&taken), fences_(read_shared<B>(taken.fences)) {}

  // Static: a handle whose address nobody takes stays in registers.
  template <class T, class Source>
  static T* protect_from(slot& hazard, fences settled, const Source& src) noexcept {
    // relaxed: only a guess, which try_protect checks
    T* ptr = src.load(std::memory_order_relaxed);
    if (try_protect_from(hazard, settled, ptr, src)) [[likely]]
      return ptr;
    return protect_again<T>(hazard, settled, src);
  }
  // Out of line, so that the usual case is straight.
  template <class T, class Source>
  [[gnu::cold, gnu::noinline]] static T* protect_again(slot& hazard, fences settled, const Source& src) noexcept {
    T* ptr = src.load(std::memory_order_relaxed);
    while (!try_protect_from(hazard, settled, ptr, src)) {
    }
    return ptr;
  }
  template <class T, class Source>
  static bool try_protect_from(slot& hazard, fences settled, T*& ptr, const Source& src) noexcept {
    T* const guess = ptr;
    hazard.protect_before_loads(detail::hazard_address(guess), settled);
    // acquire: pairs with the release by which the user published *ptr
    ptr = src.load(std::memory_order_acquire);
    if (ptr == guess) [[likely]]
      return true;
    hazard.protect(nullptr);
    return false;
  }

  slot* slot_ = nullptr;
  [[no_unique_address]] fences fences_{};  // the slot's: in a loop, this too is in a register
};

using hazard_pointer = basic_hazard_pointer<native>;

// Always inline, since it would pass the handle by its address: then slot and fences are loaded again in every protection (0.85 ns, not 0.46).
/// A hazard pointer of the domain, not empty. Takes a slot that this thread has spare, mostly; allocates 16 when it has none, and then
/// may throw std::bad_alloc. Wait-free apart from the allocation.
template <class B, class A>
PAWL_ALWAYS_INLINE inline basic_hazard_pointer<B> make_hazard_pointer(hazard_pointers<B, A>& domain) {
  return basic_hazard_pointer<B>(domain.acquire_slot());
}
template <class B = native>
PAWL_ALWAYS_INLINE inline basic_hazard_pointer<B> make_hazard_pointer() {
  return make_hazard_pointer(hazard_pointer_default_domain<B>());
}

/// Fills the span with hazard pointers. All or none: where memory is short, throws std::bad_alloc and the span is unchanged.
template <class B, class A>
void make_hazard_pointer_batch(std::span<basic_hazard_pointer<B>> batch, hazard_pointers<B, A>& domain) {
  domain.reserve_slots(batch.size());
  for (auto& each : batch) each = make_hazard_pointer(domain);
}
template <class B>
void make_hazard_pointer_batch(std::span<basic_hazard_pointer<B>> batch) {
  make_hazard_pointer_batch(batch, hazard_pointer_default_domain<B>());
}
inline void make_hazard_pointer_batch(std::span<hazard_pointer> batch) {
  make_hazard_pointer_batch(batch, hazard_pointer_default_domain<native>());
}

/// Ends every protection of the span and leaves its hazard pointers empty.
template <class B>
void clear_hazard_pointer_batch(std::span<basic_hazard_pointer<B>> batch) noexcept {
  for (auto& each : batch) each = basic_hazard_pointer<B>();
}
inline void clear_hazard_pointer_batch(std::span<hazard_pointer> batch) noexcept { clear_hazard_pointer_batch<native>(batch); }

}  // namespace pawl::inline v0
