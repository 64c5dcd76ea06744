// SPDX-License-Identifier: BSL-1.0
// backend::model: each atomic operation is a step of the execution that is explored. Outside of a check it is backend::builtin.
#pragma once

#include <type_traits>

#include "../backend/builtin.hpp"
#include "execution.hpp"
#include "order_watch.hpp"

// Called by pawl_model_pause, so the compiler sees no use of it. NOLINTNEXTLINE(misc-definitions-in-headers): weak
extern "C" [[gnu::weak, gnu::used]] void pawl_model_paused(const void* frame) { pawl::model::detail::active->steps().pause(frame); }

namespace pawl::inline v0::backend {

struct model {
  using memory_order = pawl::model::detail::placed_order;
  static constexpr const char* name = "model";
  static constexpr bool has_double_width = builtin::has_double_width;
  static constexpr bool one_pause_waits = true;  // see backoff.hpp

  template <class W>
  [[gnu::noinline]] static W load(const W& object, memory_order order) noexcept {
    const std::memory_order o = order_of(order, access_kind::load);
    execution* const e = observer();
    if (e == nullptr) return builtin::load(object, o);
    const auto value = static_cast<W>(e->steps().load(access_to(*e, object, o, order, "load")));
    e->step_taken("load", order.where(), value);
    return value;
  }
  template <class W>
  [[gnu::noinline]] static void store(W& object, std::type_identity_t<W> desired, memory_order order) noexcept {
    const std::memory_order o = order_of(order, access_kind::store);
    execution* const e = observer();
    if (e == nullptr) {
      builtin::store(object, desired, o);
      return changed_unobserved(object);
    }
    e->steps().store(access_to(*e, object, o, order, "store"), desired);
    e->step_taken("store", order.where(), desired);
  }
  template <class W>
  static bool compare_exchange_weak(W& object, W& expected, std::type_identity_t<W> desired, memory_order success,
                                    memory_order failure) noexcept {
    return compare_exchange(object, expected, desired, success, failure, true);
  }
  template <class W>
  static bool compare_exchange_strong(W& object, W& expected, std::type_identity_t<W> desired, memory_order success,
                                      memory_order failure) noexcept {
    return compare_exchange(object, expected, desired, success, failure, false);
  }
  template <class W>
  static W exchange(W& object, std::type_identity_t<W> desired, memory_order order) noexcept {
    return replaced("exchange", object, [=](W) { return desired; }, order);
  }
  template <class W>
  static W fetch_add(W& object, std::type_identity_t<W> operand, memory_order order) noexcept {
    return replaced("fetch_add", object, [=](W old) { return static_cast<W>(old + operand); }, order);
  }
  template <class W>
  static W fetch_sub(W& object, std::type_identity_t<W> operand, memory_order order) noexcept {
    return replaced("fetch_sub", object, [=](W old) { return static_cast<W>(old - operand); }, order);
  }
  template <class W>
  static W fetch_and(W& object, std::type_identity_t<W> operand, memory_order order) noexcept {
    return replaced("fetch_and", object, [=](W old) { return static_cast<W>(old & operand); }, order);
  }
  template <class W>
  static W fetch_or(W& object, std::type_identity_t<W> operand, memory_order order) noexcept {
    return replaced("fetch_or", object, [=](W old) { return static_cast<W>(old | operand); }, order);
  }
  template <class W>
  static W fetch_xor(W& object, std::type_identity_t<W> operand, memory_order order) noexcept {
    return replaced("fetch_xor", object, [=](W old) { return static_cast<W>(old ^ operand); }, order);
  }
  // Without a result: what was read feeds no acquire fence, as on machines with such instructions.
  template <class W>
  static void store_add(W& object, std::type_identity_t<W> operand, memory_order order) noexcept {
    replaced("store_add", object, [=](W old) { return static_cast<W>(old + operand); }, order, false);
  }
  template <class W>
  static void store_sub(W& object, std::type_identity_t<W> operand, memory_order order) noexcept {
    replaced("store_sub", object, [=](W old) { return static_cast<W>(old - operand); }, order, false);
  }
  template <class W>
  static void store_and(W& object, std::type_identity_t<W> operand, memory_order order) noexcept {
    replaced("store_and", object, [=](W old) { return static_cast<W>(old & operand); }, order, false);
  }
  template <class W>
  static void store_or(W& object, std::type_identity_t<W> operand, memory_order order) noexcept {
    replaced("store_or", object, [=](W old) { return static_cast<W>(old | operand); }, order, false);
  }
  template <class W>
  static void store_xor(W& object, std::type_identity_t<W> operand, memory_order order) noexcept {
    replaced("store_xor", object, [=](W old) { return static_cast<W>(old ^ operand); }, order, false);
  }

  [[gnu::noinline]] static void thread_fence(memory_order order) noexcept {
    const std::memory_order o = order_of(order, access_kind::fence);
    execution* const e = observer();
    if (e == nullptr) return builtin::thread_fence(o);
    e->name(order.where());
    e->steps().fence(o);
    e->step_taken("fence", order.where(), 0);
  }
  static void pause() noexcept {
    if (observer() == nullptr) return builtin::pause();
    pawl_model_pause();
  }

 private:
  using execution = pawl::model::detail::execution;
  using access = pawl::model::detail::access;
  using access_kind = pawl::model::detail::access_kind;

  PAWL_ALWAYS_INLINE static std::memory_order order_of(memory_order order, access_kind kind) {
    return pawl::model::detail::watch_orders(order.where(), kind, static_cast<std::memory_order>(order));
  }

  // Null outside of a check, and while objects are made as if before it.
  static execution* observer() noexcept {
    execution* const e = pawl::model::detail::active;
    return e == nullptr || e->setting_up() ? nullptr : e;
  }
  template <class W>
  static void changed_unobserved(const W& object) noexcept {
    if (execution* const e = pawl::model::detail::active) e->set_initial(&object, builtin::load(object, std::memory_order_relaxed));
  }
  template <class W>
  static access access_to(execution& e, const W& object, std::memory_order o, memory_order order, const char* operation) {
    const std::uint32_t location = e.location_of(&object, sizeof object, order.where(), operation);
    e.stop_if_failed();
    return {location, o};
  }
  template <class W, class F>
  [[gnu::noinline]] static W replaced(const char* operation, W& object, F f, memory_order order,
                                      bool feeds_fences = true) noexcept {
    const std::memory_order o = order_of(order, access_kind::update);
    execution* const e = observer();
    if (e == nullptr) {
      W old = builtin::load(object, std::memory_order_relaxed);
      while (!builtin::compare_exchange_weak(object, old, f(old), o, std::memory_order_relaxed)) {
      }
      changed_unobserved(object);
      return old;
    }
    access a = access_to(*e, object, o, order, operation);
    a.feeds_fences = feeds_fences;
    const auto change = [&f](uint128 old, uint128& desired) {
      desired = f(static_cast<W>(old));
      return true;
    };
    bool succeeded = false;
    const auto old = static_cast<W>(e->steps().read_modify_write(a, pawl::model::detail::update(change), succeeded));
    e->step_taken(operation, order.where(), old);
    return old;
  }
  template <class W>
  [[gnu::noinline]] static bool compare_exchange(W& object, W& expected, W desired, memory_order success, memory_order failure,
                                                 bool weak) noexcept {
    const std::memory_order o = order_of(success, access_kind::update);
    const std::memory_order failed = order_of(failure, access_kind::failure);
    execution* const e = observer();
    if (e == nullptr) {
      const bool done = builtin::compare_exchange_strong(object, expected, desired, o, failed);
      changed_unobserved(object);
      return done;
    }
    access a = access_to(*e, object, o, success, "CAS");
    a.failure = failed;
    a.weak = weak;
    const W wanted = expected;
    const auto change = [wanted, desired](uint128 old, uint128& stored) {
      stored = desired;
      return static_cast<W>(old) == wanted;
    };
    bool succeeded = false;
    const auto old = static_cast<W>(e->steps().read_modify_write(a, pawl::model::detail::update(change), succeeded));
    if (!succeeded) expected = old;
    e->step_taken(succeeded ? "CAS succeeded" : "CAS failed", success.where(), old);
    return succeeded;
  }
};

static_assert(is_backend<model>);

}  // namespace pawl::inline v0::backend
