// SPDX-License-Identifier: BSL-1.0
// What hash maps share, over whatever reclaimer: what a key is, how its hash is spread, and a value that takes no room where it is empty.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>

#include "config.hpp"

PAWL_HOST_DEVICE_BEGIN

namespace pawl::inline v0::detail {

template <class F>
concept transparent = requires { typename F::is_transparent; };

// An empty value takes no room. (The attribute is not for all: a potentially overlapping member can't be constructed in place by a
// function's result, as a V that can't be moved must be.)
template <class V, bool Empty = std::is_empty_v<V> && !std::is_final_v<V> && std::is_move_constructible_v<V>>
struct mapped_member {
  template <class MakeValue>
  PAWL_HOST_DEVICE explicit mapped_member(MakeValue&& make) : value(std::forward<MakeValue>(make)()) {}
  V value;
};
template <class V>
struct mapped_member<V, true> {
  template <class MakeValue>
  PAWL_HOST_DEVICE explicit mapped_member(MakeValue&& make) : value(std::forward<MakeValue>(make)()) {}
  [[no_unique_address]] V value;
};

/// A key as Hash and KeyEqual take it.
template <class K, bool BothTransparent, class Key>
PAWL_HOST_DEVICE decltype(auto) as_key(const Key& key) {
  if constexpr (std::is_same_v<Key, K> || BothTransparent) {
    return (key);
  } else {
    static_assert(std::is_convertible_v<const Key&, K>,
                  "hash_map: this is no key; other types need a Hash and a KeyEqual with is_transparent");
    return static_cast<K>(key);
  }
}

/// std::hash of an integer is the integer in libstdc++ and libc++, but by a function that kernels can't call: so it is not called, on the
/// host neither, and both agree. Every other hash is called.
template <class Hash, class Key>
PAWL_HOST_DEVICE std::size_t hash_of(const Hash& hash, const Key& key) {
  if constexpr (std::is_same_v<Hash, std::hash<Key>> && std::is_integral_v<Key> && sizeof(Key) <= sizeof(std::size_t)) {
    return static_cast<std::size_t>(key);
  } else {
    return static_cast<std::size_t>(hash(key));
  }
}

/// std::hash of an integer is often the integer: a multiplication by an odd constant moves low bits up, the shift high bits down
/// (as in the finalizer of D. Lea and others, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014).
constexpr std::uint64_t spread_hash(std::uint64_t h) noexcept {
  h = (h ^ (h >> 32U)) * 0x9e3779b97f4a7c15U;
  return (h ^ (h >> 32U)) * 0xd6e8feb86659fd93U;
}

}  // namespace pawl::inline v0::detail

PAWL_HOST_DEVICE_END
