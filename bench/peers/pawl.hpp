// SPDX-License-Identifier: BSL-1.0
// pawl's containers under the names that the adapters of other libraries have: push, pop; insert, erase, find. Each has a domain or a
// pool of its own, so that nothing is left over from one measurement to the next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "pawl/hash_map.hpp"
#include "pawl/queue.hpp"
#include "pawl/rcu.hpp"
#include "pawl/stack.hpp"

namespace peers {

template <template <class, class, class> class Container, class Reclaimer, class Backoff>
class pawl_unbounded {
 public:
  [[gnu::always_inline]] bool push(std::uint64_t value) {
    values_.push(value);
    return true;
  }
  [[gnu::always_inline]] bool pop(std::uint64_t& value) { return values_.try_pop(value); }

 private:
  Reclaimer domain_;
  Container<std::uint64_t, Reclaimer, Backoff> values_{domain_};
};
template <class Reclaimer, class Backoff = pawl::default_backoff>
using pawl_stack = pawl_unbounded<pawl::stack, Reclaimer, Backoff>;
template <class Reclaimer, class Backoff = pawl::default_backoff>
using pawl_queue = pawl_unbounded<pawl::queue, Reclaimer, Backoff>;

template <template <class, class, class> class Container, std::size_t N>
class pawl_bounded {
 public:
  [[gnu::always_inline]] bool push(std::uint64_t value) { return values_.try_push(value); }
  [[gnu::always_inline]] bool pop(std::uint64_t& value) { return values_.try_pop(value); }

 private:
  pawl::tagged_pool<> pool_{N};
  Container<std::uint64_t, pawl::tagged_pool<>, pawl::default_backoff> values_{pool_};
};
template <std::size_t N>
using pawl_fixed_stack = pawl_bounded<pawl::stack, N>;
template <std::size_t N>
using pawl_fixed_queue = pawl_bounded<pawl::queue, N>;

/// Over a pool the map has the buckets that its constructor makes, so it is told how many elements there will be; a fixed pool is told,
/// too, and has room for Capacity.
template <class Reclaimer, std::size_t Elements = 0, std::size_t Capacity = 0>
class pawl_map {
 public:
  [[gnu::always_inline]] bool insert(std::uint64_t key, std::uint64_t value) { return values_.insert(key, value); }
  [[gnu::always_inline]] bool erase(std::uint64_t key) { return values_.erase(key); }
  [[gnu::always_inline]] bool find(std::uint64_t key, std::uint64_t& value) {
    const auto found = values_.find(key);
    if (!found) return false;
    value = *found;
    return true;
  }

 private:
  static Reclaimer make_domain() {
    if constexpr (Capacity != 0) {
      return Reclaimer(Capacity);
    } else {
      return Reclaimer();
    }
  }

  Reclaimer domain_ = make_domain();
  pawl::hash_map<std::uint64_t, std::uint64_t, std::hash<std::uint64_t>, std::equal_to<std::uint64_t>, Reclaimer> values_{domain_,
                                                                                                                          Elements};
};

}  // namespace peers
