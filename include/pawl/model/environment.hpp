// SPDX-License-Identifier: BSL-1.0
// environment<backend::model>: threads, memory and plain data of a modelled execution. Outside of a check they are the host's.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <optional>

#include "../environment.hpp"
#include "backend.hpp"

namespace pawl::inline v0 {

namespace model::detail {

/// environment::per_thread of a modelled execution: one T for each of its threads, as if made before all of them. What a thread had goes
/// to the one that joins it. Of an owner made outside of a check, the host's.
template <class T>
class per_thread {
  using host = pawl::detail::host_per_thread<T>;

 public:
  per_thread() {
    if (active != nullptr) {
      active->begin_owner(this);
    } else {
      host_.emplace();
    }
  }
  per_thread(const per_thread&) = delete;
  per_thread& operator=(const per_thread&) = delete;
  ~per_thread() = default;

  struct key {
    const void* owner = nullptr;
    typename host::key host_key{};
  };
  [[nodiscard]] key id() const noexcept { return {this, host_ ? host_->id() : typename host::key{}}; }

  static T* find(const key& k) noexcept {
    if (k.host_key != typename host::key{}) return host::find(k.host_key);
    return active == nullptr ? nullptr : static_cast<T*>(active->object_of(k.owner));
  }
  T* find() const noexcept { return find(id()); }
  template <class Make>
  T& get(Make make) {
    if (host_) return host_->get(make);
    const auto as_void = [make]() -> void* { return make(); };
    return *static_cast<T*>(active->object_of(this, as_void));
  }
  template <class F>
  void for_each(F f) const {
    if (host_) return host_->for_each(f);
    if (active != nullptr) active->for_each_object(this, [&f](void* each) { f(*static_cast<T*>(each)); });
  }
  template <class F>
  void for_each_abandoned(F f) const {
    if (host_) return host_->for_each_abandoned(f);
    if (active != nullptr) active->for_each_inherited(this, [&f](void* each) { f(*static_cast<T*>(each)); });
  }
  // No process is forked in a check.
  void end_lost() const noexcept {
    if (host_) host_->end_lost();
  }

 private:
  std::optional<host> host_;  // none in a check: what an execution that is given up holds, nobody ends
};

}  // namespace model::detail

template <>
struct environment<backend::model> {
  // Tiny, so that what is rare elsewhere happens in programs of a few operations.
  static constexpr pawl::tuning tuning{.scan_threshold = 2,
                                       .scan_per_slot = 0,
                                       .hazard_slots = 3,
                                       .cache_size = 1,
                                       .first_block_bits = 3,
                                       .growth_check = 1,
                                       .bucket_piece_bits = 1};

  /// Of a call, which the functions below take last.
  using place = model::detail::place;

  template <class T>
  using per_thread = model::detail::per_thread<T>;
  /// In a check, a new one in every execution; it ends when the main thread does.
  template <class T>
  static T& global() {
    if (auto* const e = model::detail::active) return e->template global<T>();
    return environment<backend::builtin>::template global<T>();
  }

  /// Throws std::bad_alloc.
  static void* allocate(std::size_t bytes, std::size_t alignment, place where = {__builtin_FILE(), __builtin_LINE()}) {
    if (auto* const e = model::detail::active) {
      void* const memory = e->allocate(bytes, alignment, true, where);
      if (memory == nullptr) detail::fail<std::bad_alloc>();
      return memory;
    }
    return environment<backend::builtin>::allocate(bytes, alignment);
  }
  static void deallocate(void* memory, std::size_t bytes, std::size_t alignment,
                         place where = {__builtin_FILE(), __builtin_LINE()}) noexcept {
    auto* const e = model::detail::active;
    if (e == nullptr) return environment<backend::builtin>::deallocate(memory, bytes, alignment);
    e->deallocate(memory, where);
    e->stop_if_failed();
  }

  static constexpr bool tracks_atomics = true;
  static constexpr bool tracks_plain = true;
  static void begin(const void* memory, std::size_t bytes) noexcept {
    if (auto* const e = model::detail::active) {
      uint128 value = 0;
      __builtin_memcpy(&value, memory, bytes);
      e->begin_atomic(memory, bytes, value);
      e->stop_if_failed();
    }
  }
  static void end(const void* memory) noexcept {
    if (auto* const e = model::detail::active) {
      e->end_object(memory);
      e->stop_if_failed();
    }
  }
  static void read(const void* memory, std::size_t bytes, place where = {__builtin_FILE(), __builtin_LINE()}) noexcept {
    if (auto* const e = model::detail::active) {
      e->read_plain(memory, bytes, where);
      e->stop_if_failed();
    }
  }
  static void write(void* memory, std::size_t bytes, place where = {__builtin_FILE(), __builtin_LINE()}) noexcept {
    if (auto* const e = model::detail::active) {
      e->write_plain(memory, bytes, nullptr, where);
      e->stop_if_failed();
    }
  }

  /// See model/notifications.hpp.
  template <class W, class Until>
  static void wait(const W& object, Until until, model::detail::placed_order order) noexcept {
    W found = backend::model::load(object, order);
    if (until(found)) return;
    auto* const e = model::detail::active;
    if (e == nullptr || e->setting_up()) return environment<backend::builtin>::wait(object, until, std::memory_order(order));
    const auto o = model::detail::watch_orders(order.where(), model::detail::access_kind::load, std::memory_order(order));
    model::detail::access again{location_of(*e, object, order.where(), "load"), o};
    again.woken = true;
    do {
      e->sleep(again.location, order.where());
      location_of(*e, object, order.where(), "load");  // it may have ended
      found = static_cast<W>(e->steps().load(again));
      e->step_taken("load", order.where(), found);
    } while (!until(found));
  }
  template <class W>
  static void notify_one(const W& object, place where = {__builtin_FILE(), __builtin_LINE()}) noexcept {
    notify(object, true, where);
  }
  template <class W>
  static void notify_all(const W& object, place where = {__builtin_FILE(), __builtin_LINE()}) noexcept {
    notify(object, false, where);
  }

  struct fences {
    friend constexpr bool operator==(fences, fences) noexcept = default;
  };
  static constexpr fences usual_fences{};
  static fences settle_fences() noexcept { return {}; }
  static void light_fence(place where = {__builtin_FILE(), __builtin_LINE()}) noexcept {
    fence(std::memory_order_relaxed, model::detail::explorer::symmetry::light, where);
  }
  static void light_fence(fences /*settled*/, place where = {__builtin_FILE(), __builtin_LINE()}) noexcept { light_fence(where); }
  static bool heavy_fence(place where = {__builtin_FILE(), __builtin_LINE()}) noexcept {
    fence(std::memory_order_seq_cst, model::detail::explorer::symmetry::heavy, where);
    return true;
  }

 private:
  template <class W>
  static std::uint32_t location_of(model::detail::execution& e, const W& object, const place& where, const char* operation) {
    const std::uint32_t location = e.location_of(&object, sizeof object, where, operation);
    e.stop_if_failed();
    return location;
  }
  template <class W>
  static void notify(const W& object, bool one, const place& where) noexcept {
    auto* const e = model::detail::active;
    if (e != nullptr && !e->setting_up())
      return e->notify(location_of(*e, object, where, one ? "notify_one" : "notify_all"), one, where);
    if (one) {
      environment<backend::builtin>::notify_one(object);
    } else {
      environment<backend::builtin>::notify_all(object);
    }
  }
  static void fence(std::memory_order order, model::detail::explorer::symmetry sides, const place& where) noexcept {
    if (auto* const e = model::detail::active; e != nullptr && !e->setting_up()) {
      using model::detail::access_kind;
      const auto kind = sides == model::detail::explorer::symmetry::light ? access_kind::light_fence : access_kind::heavy_fence;
      // Weakened, it is no fence at all: these two have one order each.
      if (model::detail::watch_orders(where, kind, std::memory_order_seq_cst) != std::memory_order_seq_cst) return;
      e->name(where);
      e->steps().fence(order, sides);
      e->step_taken(sides == model::detail::explorer::symmetry::light ? "light fence" : "heavy fence", where, 0);
    } else {
      // Outside of a check both sides are full fences, which is always right: each synchronizes with the other by their order in S.
      backend::builtin::thread_fence(std::memory_order_seq_cst);
    }
  }
};

}  // namespace pawl::inline v0
