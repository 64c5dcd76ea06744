// SPDX-License-Identifier: BSL-1.0
// hash_set<K, Hash, KeyEqual, R>: a hash_map without values. See hash_map.hpp for the algorithm and the guarantees of each member.
#pragma once

#include "hash_map.hpp"

namespace pawl::inline v0 {

/// An unordered set for any number of threads. K, Hash, KeyEqual and R as in hash_map.
template <class K, class Hash = std::hash<K>, class KeyEqual = std::equal_to<K>, is_reclaimer R = hazard_pointers<>>
class hash_set {
  struct nothing {};

 public:
  using key_type = K;
  using value_type = K;
  using size_type = std::size_t;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using reclaimer_type = R;

  explicit hash_set(std::size_t expected_elements = 0, const Hash& hash = Hash(), const KeyEqual& equal = KeyEqual())
      : map_(expected_elements, hash, equal) {}
  /// Over a domain that outlives the set.
  explicit hash_set(R& domain, std::size_t expected_elements = 0, const Hash& hash = Hash(), const KeyEqual& equal = KeyEqual())
      : map_(domain, expected_elements, hash, equal) {}

  /// Puts in a key; false where it is there.
  template <class Key = K>
  bool insert(Key&& key) {
    return map_.insert(std::forward<Key>(key), nothing{});
  }
  /// As insert; where the key is there, calls f(const K&) with the one in the set.
  template <class Key = K, class F>
  bool insert_or_visit(Key&& key, F f) {
    return map_.insert_or_visit(std::forward<Key>(key), nothing{}, [&f](const K& present, const nothing&) { f(present); });
  }
  /// Removes a key; false where it was not there.
  template <class Key = K>
  bool erase(const Key& key) {
    return map_.erase(key);
  }
  /// Removes a key if pred(const K&) is true of the one in the set.
  template <class Key = K, class Predicate>
  bool erase_if(const Key& key, Predicate pred) {
    return map_.erase_if(key, [&pred](const K& present, const nothing&) { return pred(present); });
  }
  /// Removes every key that is there throughout the call.
  void clear() { map_.clear(); }

  template <class Key = K>
  [[nodiscard]] bool contains(const Key& key) const {
    return map_.contains(key);
  }
  /// Calls f(const K&) with the key in the set.
  template <class Key = K, class F>
  bool visit(const Key& key, F f) const {
    return map_.visit(key, [&f](const K& present, const nothing&) { f(present); });
  }
  /// Calls f(const K&) for each key, as hash_map::visit_all.
  template <class F>
  void visit_all(F f) const {
    map_.visit_all([&f](const K& present, const nothing&) { f(present); });
  }

  [[nodiscard]] std::size_t size() const noexcept { return map_.size(); }
  [[nodiscard]] bool empty() const noexcept { return map_.empty(); }
  [[nodiscard]] std::size_t bucket_count() const noexcept { return map_.bucket_count(); }
  void reserve(std::size_t n) noexcept { map_.reserve(n); }

 private:
  hash_map<K, nothing, Hash, KeyEqual, R> map_;
};

}  // namespace pawl::inline v0
