// SPDX-License-Identifier: BSL-1.0
// atomic_ref<T, B>: the operations of atomic<T, B> on an object that was not made for it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "backend.hpp"
#include "detail/atomic_value.hpp"
#include "detail/waiting.hpp"
#include "environment.hpp"

PAWL_HOST_DEVICE_BEGIN

namespace pawl::inline v0 {

/// atomic's operations on an object that is an ordinary one at other times. While an atomic_ref to it exists, the object is accessed
/// through atomic_refs only. It needs required_alignment, which may be more than T's own. Copyable: every copy refers to the object.
template <class T, class B = native>
class atomic_ref {
  static_assert(detail::atomic_requirements<T, B>::ok);
  using ops = detail::access<T, B>;
  using sums = detail::arithmetic<T, B>;
  using word = detail::word_for<T>;
  using order = order_t<B>;
  using place = place_in<B>;
  static constexpr order default_order(const char* file, int line) noexcept { return detail::seq_cst<B>(file, line); }

 public:
  using value_type = T;
  using difference_type = detail::difference_of<T>;
  using backend_type = B;
  static constexpr bool is_always_lock_free = true;
  static constexpr std::size_t required_alignment = sizeof(T) > alignof(T) ? sizeof(T) : alignof(T);

  PAWL_HOST_DEVICE explicit atomic_ref(T& object) noexcept : object_(reinterpret_cast<word*>(std::addressof(object))) {}
  atomic_ref(const atomic_ref&) noexcept = default;
  atomic_ref& operator=(const atomic_ref&) = delete;

  [[nodiscard]] PAWL_HOST_DEVICE bool is_lock_free() const noexcept { return true; }
  // The operations of atomic, with the same meanings.
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T load(order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept {
    return ops::load(*object_, o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE void store(T desired,
                                                order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept {
    ops::store(*object_, desired, o);
  }
  // NOLINTNEXTLINE(google-explicit-constructor): as std::atomic
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE operator T() const noexcept { return load(); }
  // NOLINTNEXTLINE(misc-unconventional-assign-operator): as std::atomic
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T operator=(T desired) const noexcept {
    store(desired);
    return desired;
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T exchange(T desired,
                                                order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept {
    return ops::exchange(*object_, desired, o);
  }

  PAWL_INLINE_ORDER PAWL_HOST_DEVICE bool compare_exchange_weak(T& expected, T desired, order success,
                                                                order failure) const noexcept {
    return ops::compare_exchange_weak(*object_, expected, desired, success, failure);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE bool compare_exchange_weak(T& expected, T desired,
                                                                order o = default_order(__builtin_FILE(),
                                                                                        __builtin_LINE())) const noexcept {
    return ops::compare_exchange_weak(*object_, expected, desired, o, detail::failure_order<B>(o));
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE bool compare_exchange_strong(T& expected, T desired, order success,
                                                                  order failure) const noexcept {
    return ops::compare_exchange_strong(*object_, expected, desired, success, failure);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE bool compare_exchange_strong(T& expected, T desired,
                                                                  order o = default_order(__builtin_FILE(),
                                                                                          __builtin_LINE())) const noexcept {
    return ops::compare_exchange_strong(*object_, expected, desired, o, detail::failure_order<B>(o));
  }

  template <class F>
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_update(F f, order o = default_order(__builtin_FILE(), __builtin_LINE())) const {
    return ops::fetch_update(*object_, f, o);
  }
  template <class F>
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE std::optional<T> try_update(F f, order o = default_order(__builtin_FILE(),
                                                                                              __builtin_LINE())) const {
    return ops::try_update(*object_, f, o);
  }

  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_add(difference_type n,
                                                 order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept
    requires detail::ordered<T>
  {
    return sums::add(*object_, n, o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_sub(difference_type n,
                                                 order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept
    requires detail::ordered<T>
  {
    return sums::sub(*object_, n, o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_and(T mask, order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept
    requires detail::integer<T>
  {
    return detail::from_word<T>(detail::fetch_and<B>(*object_, detail::to_word(mask), o));
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_or(T mask, order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept
    requires detail::integer<T>
  {
    return detail::from_word<T>(detail::fetch_or<B>(*object_, detail::to_word(mask), o));
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_xor(T mask, order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept
    requires detail::integer<T>
  {
    return detail::from_word<T>(detail::fetch_xor<B>(*object_, detail::to_word(mask), o));
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_min(T value,
                                                 order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept
    requires detail::ordered<T>
  {
    return sums::min(*object_, value, o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_max(T value,
                                                 order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept
    requires detail::ordered<T>
  {
    return sums::max(*object_, value, o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_add_sat(T n,
                                                     order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept
    requires detail::integer<T>
  {
    return sums::add_sat(*object_, n, o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_inc_wrap(T limit,
                                                      order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept
    requires detail::integer<T>
  {
    return detail::from_word<T>(detail::fetch_inc_wrap<B>(*object_, detail::to_word(limit), o));
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T fetch_inc_below(T limit,
                                                       order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept
    requires detail::integer<T>
  {
    return sums::inc_below(*object_, limit, o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE void store_add(difference_type n,
                                                    order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept
    requires detail::ordered<T>
  {
    sums::store_sum(*object_, n, o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE void store_sub(difference_type n,
                                                    order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept
    requires detail::ordered<T>
  {
    sums::store_difference(*object_, n, o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE void store_and(T mask,
                                                    order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept
    requires detail::integer<T>
  {
    detail::store_and<B>(*object_, detail::to_word(mask), o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE void store_or(T mask,
                                                   order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept
    requires detail::integer<T>
  {
    detail::store_or<B>(*object_, detail::to_word(mask), o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE void store_xor(T mask,
                                                    order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept
    requires detail::integer<T>
  {
    detail::store_xor<B>(*object_, detail::to_word(mask), o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE void store_min(T value,
                                                    order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept
    requires detail::ordered<T>
  {
    sums::store_smaller(*object_, value, o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE void store_max(T value,
                                                    order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept
    requires detail::ordered<T>
  {
    sums::store_larger(*object_, value, o);
  }
  // As atomic's, for every atomic_ref to the object.
  PAWL_HOST_DEVICE void wait(T old, order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept {
    detail::wait_while<B, T>(*object_, old, o);
  }
  PAWL_HOST_DEVICE void notify_one(place where = {__builtin_FILE(), __builtin_LINE()}) const noexcept {
    detail::notify_one<B>(*object_, where);
  }
  PAWL_HOST_DEVICE void notify_all(place where = {__builtin_FILE(), __builtin_LINE()}) const noexcept {
    detail::notify_all<B>(*object_, where);
  }

  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T operator++(int) const noexcept
    requires(detail::integer<T> || detail::object_pointer<T>)
  {
    return fetch_add(1);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T operator--(int) const noexcept
    requires(detail::integer<T> || detail::object_pointer<T>)
  {
    return fetch_sub(1);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T operator++() const noexcept
    requires(detail::integer<T> || detail::object_pointer<T>)
  {
    return *this += 1;
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T operator--() const noexcept
    requires(detail::integer<T> || detail::object_pointer<T>)
  {
    return *this -= 1;
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T operator+=(difference_type n) const noexcept
    requires detail::ordered<T>
  {
    return sums::sum(fetch_add(n), n);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T operator-=(difference_type n) const noexcept
    requires detail::ordered<T>
  {
    return sums::remainder(fetch_sub(n), n);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T operator&=(T mask) const noexcept
    requires detail::integer<T>
  {
    return static_cast<T>(fetch_and(mask) & mask);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T operator|=(T mask) const noexcept
    requires detail::integer<T>
  {
    return static_cast<T>(fetch_or(mask) | mask);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE T operator^=(T mask) const noexcept
    requires detail::integer<T>
  {
    return static_cast<T>(fetch_xor(mask) ^ mask);
  }

 private:
  word* object_;
};

}  // namespace pawl::inline v0

PAWL_HOST_DEVICE_END
