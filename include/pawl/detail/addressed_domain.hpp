// SPDX-License-Identifier: BSL-1.0
// What the domains share that know their nodes by address and keep them alive while they are read: hazard pointers and epochs. How they
// know that a node is read is theirs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "../reclaimer.hpp"
#include "domain_memory.hpp"
#include "retired.hpp"

namespace pawl::inline v0::detail {

/// What such a reclaimer calls item.
template <class T, class B>
struct addressed_item {
  atomic<pointer_link<addressed_item>, B> next{};
  [[no_unique_address]] typename item_key_of<T>::type key{};
};

/// And node. Retirable is what the domain keeps in it.
template <class T, class B, class Retirable>
struct addressed_node : addressed_item<T, B>, Retirable {
  plain<T, B> value;
  [[nodiscard]] atomic<pointer_link<addressed_item<T, B>>, B>& below() noexcept { return this->next; }
};

template <class B, class Alloc, class Retirable>
class addressed_domain {
  static_assert(
      is_environment<environment<B>>,
      "hazard_pointers<B>, epochs<B>: environment<B> is no environment; see is_environment in environment.hpp for what is missing");
  static_assert(
      hands_over<environment<B>>,
      "hazard_pointers<B>, epochs<B>: environment<B>::per_thread must have for_each_abandoned and end_lost, by which what ended "
      "threads retired is freed");

 public:
  using backend_type = B;
  using allocator_type = Alloc;
  using retirable_type = Retirable;
  static constexpr bool reads_may_tear = false;

  template <class T>
  using item = addressed_item<T, B>;
  template <class T>
  using link = pointer_link<item<T>>;
  template <class T>
  using node = addressed_node<T, B, Retirable>;

  addressed_domain(const addressed_domain&) = delete;
  addressed_domain& operator=(const addressed_domain&) = delete;

  struct statistics {
    std::uint64_t retired;  ///< objects retired so far
    std::uint64_t reclaimed;  ///< of those, freed
    std::size_t records;  ///< about the most threads that used the domain at one time
  };

  void unbind() noexcept { bound_.fetch_sub(1, std::memory_order_relaxed); }

 protected:
  using env = environment<B>;
  using list = retired_list<B>;
  template <class Domain, class T>
  friend class addressed_operation;

  addressed_domain() = default;
  explicit addressed_domain(const Alloc& alloc) : memory_(alloc) {}
  ~addressed_domain() = default;

  template <class Records>
  statistics sum_over(const Records& records) const noexcept {
    statistics sum{orphans_.total(), 0, 0};
    records.for_each([&sum](const auto& each) noexcept {
      sum.retired += each.retired_total.load(std::memory_order_relaxed);
      sum.reclaimed += each.reclaimed_total.load(std::memory_order_relaxed);
      ++sum.records;
    });
    return sum;
  }

  // Runs what is to be run at the end of each. It may retire more.
  void end_all(list& objects) noexcept {
    while (objects.first != nullptr) {
      retirable* const object = objects.pop();
      read_shared<B>(object->reclaim)(object, this);
    }
  }

  // How many retired objects of one thread make it look which can be freed, where the look goes over so many places.
  [[nodiscard]] static constexpr std::size_t threshold_for(std::size_t places) noexcept {
    const std::size_t wanted = places * env::tuning.scan_per_slot;
    return wanted > env::tuning.scan_threshold ? wanted : env::tuning.scan_threshold;
  }
  // How many more it retires at most while another one is in its fence.
  [[nodiscard]] static constexpr std::size_t patience(std::size_t due) noexcept { return due / 4; }

  atomic<std::size_t, B> bound_{0};
  orphanage<B> orphans_;  // of threads that can't keep what they retire themselves
  [[no_unique_address]] domain_memory<B, Alloc> memory_;
};

/// The part of an operation in which such domains don't differ.
template <class Domain, class T>
class addressed_operation {
  using B = typename Domain::backend_type;

 protected:
  using link = typename Domain::template link<T>;
  using item = typename Domain::template item<T>;
  using node = typename Domain::template node<T>;

 public:
  addressed_operation(const addressed_operation&) = delete;
  addressed_operation& operator=(const addressed_operation&) = delete;

  item* item_of(link l) const noexcept { return l.pointer(); }
  node* get(link l) const noexcept { return static_cast<node*>(l.pointer()); }
  link create() { return link(domain_.memory_.template make<node>()); }
  link create_spare() { return create(); }
  void discard(link l) noexcept { domain_.memory_.unmake(get(l)); }
  void discard_spare(link l) noexcept { discard(l); }

 protected:
  explicit addressed_operation(Domain& domain) noexcept : domain_(domain) {}
  ~addressed_operation() = default;

  // To be retired: its value was taken, or is destroyed then.
  node* without_value(link l) noexcept { return ends_by(l, &end<false>); }
  node* with_value(link l) noexcept { return ends_by(l, &end<true>); }

  Domain& domain_;

 private:
  using base_of_domain = addressed_domain<B, typename Domain::allocator_type, typename Domain::retirable_type>;

  template <bool WithValue>
  static void end(retirable* object, void* domain) noexcept {
    auto* const ended = static_cast<node*>(object);
    if constexpr (WithValue) ended->value.destroy();
    static_cast<base_of_domain*>(domain)->memory_.unmake(ended);
  }
  node* ends_by(link l, retirable::reclaim_function how) noexcept {
    node* const unlinked = get(l);
    write_shared<B>(unlinked->reclaim, how);
    return unlinked;
  }
};

}  // namespace pawl::inline v0::detail
