// SPDX-License-Identifier: BSL-1.0
// atomic<T, B>: std::atomic's operations and some that C++26 or nobody has, executed by a backend chosen at compile time.
//
// Every operation here but wait is lock-free on its word: it never waits for another thread. load, store, exchange and the fetch_ and store_
// functions of integers and pointers are wait-free where the backend has an instruction for them (backend::x86: all but min and max;
// 16-byte ones are compare-and-swap loops). All take constant time per attempt and throw nothing. `order` is std::memory_order, or a
// type made of it that also carries the place of the call, where the backend wants to know it.
#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>

#include "atomic_ref.hpp"
#include "backend.hpp"
#include "detail/atomic_value.hpp"
#include "detail/waiting.hpp"
#include "environment.hpp"

PAWL_HOST_DEVICE_BEGIN

namespace pawl::inline v0 {

namespace detail {

// The memory of an atomic. Its initialization is no atomic access: an environment that follows atomics is told of it.
template <class T, class B, bool Tracked = environment<B>::tracks_atomics>
union atomic_cell {
  constexpr explicit atomic_cell(T initial) noexcept : value(initial) {
    if (!std::is_constant_evaluated()) clear_padding(value);
  }
  T value;
  word_for<T> word;
};
template <class T, class B>
union atomic_cell<T, B, true> {
  PAWL_HOST_DEVICE explicit atomic_cell(T initial) noexcept : word(to_word(initial)) { environment<B>::begin(&word, sizeof word); }
  atomic_cell(const atomic_cell&) = delete;
  atomic_cell& operator=(const atomic_cell&) = delete;
  PAWL_HOST_DEVICE ~atomic_cell() { environment<B>::end(&word); }
  T value;
  word_for<T> word;
};

}  // namespace detail

template <class B>
class atomic_flag;

/// A T that threads may read and write at once.
///
/// T is trivially copyable and has 1, 2, 4, 8 bytes, or 16 where B::has_double_width (a 16-byte load may be a compare-and-swap, which
/// needs writable memory). Padding never takes part in a comparison. Not copyable; its address is its identity.
template <class T, class B = native>
class atomic {
  static_assert(detail::atomic_requirements<T, B>::ok);
  static_assert(detail::follows_atomics<environment<B>>,
                "atomic<T, B>: environment<B> must say tracks_atomics, a constant, and have begin(memory, bytes) and end(memory) "
                "where that is true");
  using ops = detail::access<T, B>;
  using sums = detail::arithmetic<T, B>;
  using order = order_t<B>;
  using place = place_in<B>;
  static constexpr order default_order(const char* file, int line) noexcept { return detail::seq_cst<B>(file, line); }

 public:
  using value_type = T;
  using difference_type = detail::difference_of<T>;
  using backend_type = B;
  static constexpr bool is_always_lock_free = true;

  constexpr atomic() noexcept(std::is_nothrow_default_constructible_v<T>) : cell_(T()) {}
  constexpr atomic(T initial) noexcept : cell_(initial) {}  // NOLINT(google-explicit-constructor): as std::atomic
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  [[nodiscard]] PAWL_HOST_DEVICE bool is_lock_free() const noexcept { return true; }

  /// relaxed, acquire or seq_cst. Wait-free.
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T load(order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept {
    return ops::load(cell_.word, o);
  }
  /// relaxed, release or seq_cst. Wait-free up to 8 bytes.
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE void store(T desired, order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept {
    ops::store(cell_.word, desired, o);
  }
  // NOLINTNEXTLINE(google-explicit-constructor): as std::atomic
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE operator T() const noexcept { return load(); }
  // NOLINTNEXTLINE(misc-unconventional-assign-operator): as std::atomic
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T operator=(T desired) noexcept {
    store(desired);
    return desired;
  }
  /// Stores and returns the old value.
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T exchange(T desired, order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept {
    return ops::exchange(cell_.word, desired, o);
  }

  /// Stores desired where the value is expected, else loads the value into expected. The weak form may fail spuriously, the strong
  /// form is a loop where the machine's is weak. `failure` is relaxed, acquire or seq_cst.
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE bool compare_exchange_weak(T& expected, T desired, order success, order failure) noexcept {
    return ops::compare_exchange_weak(cell_.word, expected, desired, success, failure);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE bool compare_exchange_weak(T& expected, T desired,
                                                                order o = default_order(__builtin_FILE(),
                                                                                        __builtin_LINE())) noexcept {
    return ops::compare_exchange_weak(cell_.word, expected, desired, o, detail::failure_order<B>(o));
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE bool compare_exchange_strong(T& expected, T desired, order success, order failure) noexcept {
    return ops::compare_exchange_strong(cell_.word, expected, desired, success, failure);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE bool compare_exchange_strong(T& expected, T desired,
                                                                  order o = default_order(__builtin_FILE(),
                                                                                          __builtin_LINE())) noexcept {
    return ops::compare_exchange_strong(cell_.word, expected, desired, o, detail::failure_order<B>(o));
  }

  /// Replaces the value by f(value), a T, and returns the old one. f has no side effects, since it may be called again; what it throws
  /// passes through, and nothing was stored. Lock-free.
  template <class F>
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_update(F f, order o = default_order(__builtin_FILE(), __builtin_LINE())) {
    return ops::fetch_update(cell_.word, f, o);
  }
  /// The same with an f that returns std::optional<T>: stops where it returns nothing. Returns the old value where it stored.
  template <class F>
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE std::optional<T> try_update(F f, order o = default_order(__builtin_FILE(), __builtin_LINE())) {
    return ops::try_update(cell_.word, f, o);
  }

  // Arithmetic: integers (not bool) wrap, pointers count in elements, floating point is a compare-and-swap loop. Returns the old value.
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_add(difference_type n,
                                                 order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept
    requires detail::ordered<T>
  {
    return sums::add(cell_.word, n, o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_sub(difference_type n,
                                                 order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept
    requires detail::ordered<T>
  {
    return sums::sub(cell_.word, n, o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_and(T mask, order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept
    requires detail::integer<T>
  {
    return detail::from_word<T>(detail::fetch_and<B>(cell_.word, detail::to_word(mask), o));
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_or(T mask, order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept
    requires detail::integer<T>
  {
    return detail::from_word<T>(detail::fetch_or<B>(cell_.word, detail::to_word(mask), o));
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_xor(T mask, order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept
    requires detail::integer<T>
  {
    return detail::from_word<T>(detail::fetch_xor<B>(cell_.word, detail::to_word(mask), o));
  }
  /// C++26. Floating point: a NaN, argument or value, is ignored, and -0 is smaller than +0. Both always write.
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_min(T value, order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept
    requires detail::ordered<T>
  {
    return sums::min(cell_.word, value, o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_max(T value, order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept
    requires detail::ordered<T>
  {
    return sums::max(cell_.word, value, o);
  }

  // Three that one loop of load-exclusive and store-exclusive does (backend::arm64_llsc, riscv64); a compare-and-swap loop elsewhere.
  // Lock-free; constant time per attempt. They throw nothing and return the old value.
  /// Adds, and stops at the smallest or the largest value of T where a sum would pass it. Always writes.
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_add_sat(T n, order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept
    requires detail::integer<T>
  {
    return sums::add_sat(cell_.word, n, o);
  }
  /// Stores 0 where the old value is limit or more, else the old value plus one; LLVM's uinc_wrap, CUDA's atomicInc. A signed T is
  /// compared as the unsigned type of its size. Always writes.
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_inc_wrap(T limit, order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept
    requires detail::integer<T>
  {
    return detail::from_word<T>(detail::fetch_inc_wrap<B>(cell_.word, detail::to_word(limit), o));
  }
  /// Adds one where the old value is less than limit. Elsewhere it stores nothing, and is a load with the order's acquire half, if it has
  /// one.
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_inc_below(T limit,
                                                       order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept
    requires detail::integer<T>
  {
    return sums::inc_below(cell_.word, limit, o);
  }

  // Without a result (C++26, P3111), for instructions that have none: relaxed, release or seq_cst. They are no read, so a later
  // acquire fence orders nothing by them.
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE void store_add(difference_type n,
                                                    order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept
    requires detail::ordered<T>
  {
    sums::store_sum(cell_.word, n, o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE void store_sub(difference_type n,
                                                    order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept
    requires detail::ordered<T>
  {
    sums::store_difference(cell_.word, n, o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE void store_and(T mask, order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept
    requires detail::integer<T>
  {
    detail::store_and<B>(cell_.word, detail::to_word(mask), o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE void store_or(T mask, order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept
    requires detail::integer<T>
  {
    detail::store_or<B>(cell_.word, detail::to_word(mask), o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE void store_xor(T mask, order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept
    requires detail::integer<T>
  {
    detail::store_xor<B>(cell_.word, detail::to_word(mask), o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE void store_min(T value, order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept
    requires detail::ordered<T>
  {
    sums::store_smaller(cell_.word, value, o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE void store_max(T value, order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept
    requires detail::ordered<T>
  {
    sums::store_larger(cell_.word, value, o);
  }

  /// Waits until a load by `order` (relaxed, acquire or seq_cst) gives another value than old, compared as by compare_exchange, and returns
  /// then, never before. Blocking: who changes the value has to notify, too. A change that is undone before this thread looks again may be
  /// missed. Spins for some microseconds, then the thread sleeps; not for memory that processes share.
  PAWL_HOST_DEVICE void wait(T old, order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept {
    detail::wait_while<B, T>(cell_.word, old, o);
  }
  /// Wakes at least one of the threads that wait since before the value changed, where there are any. Synchronizes with nobody: that is up
  /// to the orders of the change and of the wait. Lock-free, and about two loads where no thread sleeps; else a system call.
  PAWL_HOST_DEVICE void notify_one(place where = {__builtin_FILE(), __builtin_LINE()}) noexcept {
    detail::notify_one<B>(cell_.word, where);
  }
  /// Wakes them all.
  PAWL_HOST_DEVICE void notify_all(place where = {__builtin_FILE(), __builtin_LINE()}) noexcept {
    detail::notify_all<B>(cell_.word, where);
  }

  // As in the standard: seq_cst, and the new value.
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T operator++(int) noexcept
    requires(detail::integer<T> || detail::object_pointer<T>)
  {
    return fetch_add(1);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T operator--(int) noexcept
    requires(detail::integer<T> || detail::object_pointer<T>)
  {
    return fetch_sub(1);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T operator++() noexcept
    requires(detail::integer<T> || detail::object_pointer<T>)
  {
    return *this += 1;
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T operator--() noexcept
    requires(detail::integer<T> || detail::object_pointer<T>)
  {
    return *this -= 1;
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T operator+=(difference_type n) noexcept
    requires detail::ordered<T>
  {
    return sums::sum(fetch_add(n), n);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T operator-=(difference_type n) noexcept
    requires detail::ordered<T>
  {
    return sums::remainder(fetch_sub(n), n);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T operator&=(T mask) noexcept
    requires detail::integer<T>
  {
    return static_cast<T>(fetch_and(mask) & mask);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T operator|=(T mask) noexcept
    requires detail::integer<T>
  {
    return static_cast<T>(fetch_or(mask) | mask);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T operator^=(T mask) noexcept
    requires detail::integer<T>
  {
    return static_cast<T>(fetch_xor(mask) ^ mask);
  }

 private:
  friend class atomic_flag<B>;
  detail::atomic_cell<T, B> cell_;
};

template <class T>
atomic(T) -> atomic<T>;

/// A bool for spin locks: the smallest atomic. Starts clear.
template <class B = native>
class atomic_flag {
  using order = order_t<B>;
  using place = place_in<B>;
  static constexpr order default_order(const char* file, int line) noexcept { return detail::seq_cst<B>(file, line); }

 public:
  constexpr atomic_flag() noexcept = default;

  /// Sets the flag and returns whether it was set before. Wait-free where the backend has an instruction for it.
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE bool test_and_set(order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept {
    return detail::from_word<bool>(detail::test_and_set<B>(set_.cell_.word, o));
  }
  /// relaxed, release or seq_cst. Wait-free.
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE void clear(order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept {
    set_.store(false, o);
  }
  /// relaxed, acquire or seq_cst. Wait-free.
  [[nodiscard]] PAWL_INLINE_ORDER PAWL_HOST_DEVICE bool test(order o = default_order(__builtin_FILE(),
                                                                                     __builtin_LINE())) const noexcept {
    return set_.load(o);
  }
  /// Waits until the flag is no longer old, and somebody notifies. See atomic::wait.
  PAWL_HOST_DEVICE void wait(bool old, order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept {
    set_.wait(old, o);
  }
  /// See atomic::notify_one.
  PAWL_HOST_DEVICE void notify_one(place where = {__builtin_FILE(), __builtin_LINE()}) noexcept { set_.notify_one(where); }
  /// See atomic::notify_all.
  PAWL_HOST_DEVICE void notify_all(place where = {__builtin_FILE(), __builtin_LINE()}) noexcept { set_.notify_all(where); }

 private:
  atomic<bool, B> set_{false};
};

}  // namespace pawl::inline v0

PAWL_HOST_DEVICE_END
