// SPDX-License-Identifier: BSL-1.0
// What pawl's containers do, one operation after another: for model::linearizable, or to compare with in any test.
//
// Each has the members of its container, with their meaning, and is copyable and equality comparable. None of them allocates before it
// holds something: so one that is made in a body leaves nothing behind where the execution is given up.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <new>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

namespace pawl::inline v0::model::spec {

namespace detail {

/// What stack and queue share. Elements come to the back of a vector, and leave at one of its ends: histories are short, and a vector,
/// unlike a deque, allocates nothing while it is empty.
template <class T, bool TakesLast>
class sequence {
 public:
  using value_type = T;

  sequence() = default;
  /// Of a fixed pool: room for so many elements.
  explicit sequence(std::size_t capacity) noexcept : capacity_(capacity) {}

  /// Puts in a copy. Throws std::bad_alloc, without an effect, where there is no room.
  void push(const T& value) { emplace(value); }
  /// As push, with the value moved.
  void push(T&& value) { emplace(std::move(value)); }
  /// As push, with the element constructed from the arguments.
  template <class... Args>
  void emplace(Args&&... args) {
    if (items_.size() >= capacity_) throw std::bad_alloc();
    items_.emplace_back(std::forward<Args>(args)...);
  }
  /// As push, but false where there is no room: then the argument is untouched.
  bool try_push(const T& value) {
    if (items_.size() >= capacity_) return false;
    items_.push_back(value);
    return true;
  }
  /// As try_push, with the value moved.
  bool try_push(T&& value) {
    if (items_.size() >= capacity_) return false;
    items_.push_back(std::move(value));
    return true;
  }
  /// Puts in the elements of a range as if one by one. Throws std::bad_alloc, without an effect, where there is no room for all.
  template <std::ranges::input_range Range>
  void push_range(Range&& range) {
    std::vector<T> all = items_;
    for (auto&& each : range) all.push_back(std::forward<decltype(each)>(each));
    if (all.size() > capacity_) throw std::bad_alloc();
    items_ = std::move(all);
  }

  /// Takes out the next element; nothing where there is none.
  std::optional<T> try_pop() {
    if (items_.empty()) return std::nullopt;
    const auto next = TakesLast ? items_.end() - 1 : items_.begin();
    std::optional<T> taken(std::move(*next));
    items_.erase(next);
    return taken;
  }
  /// As try_pop, by assignment to `value`, which stays as it was where there is no element.
  bool try_pop(T& value) {
    std::optional<T> taken = try_pop();
    if (!taken) return false;
    value = std::move(*taken);
    return true;
  }
  /// Takes out everything and writes it to `out`, in the order of pops; returns the end of what was written.
  template <class OutputIterator>
  OutputIterator pop_all(OutputIterator out) {
    while (std::optional<T> each = try_pop()) {
      *out = std::move(*each);
      ++out;
    }
    return out;
  }

  /// Whether there is no element.
  [[nodiscard]] bool empty() const noexcept { return items_.empty(); }

  /// The same elements in the same order, and the same room.
  friend bool operator==(const sequence&, const sequence&) = default;

 private:
  std::vector<T> items_;  // the oldest first
  std::size_t capacity_ = std::numeric_limits<std::size_t>::max();
};

}  // namespace detail

/// As pawl::stack and elimination_stack: last in, first out. stack(capacity) is one over a fixed pool.
template <class T>
class stack : public detail::sequence<T, true> {
 public:
  using detail::sequence<T, true>::sequence;
};

/// As pawl::queue and fifo_queue: first in, first out. queue(capacity) is one over a fixed pool.
template <class T>
class queue : public detail::sequence<T, false> {
 public:
  using detail::sequence<T, false>::sequence;
};

/// As pawl::hash_map, in the order of the keys: `Compare` stands for its Hash and KeyEqual.
template <class K, class V, class Compare = std::less<K>>
class map {
 public:
  using key_type = K;
  using mapped_type = V;

  /// Puts in a new element; false, and nothing happens, where the key is there.
  bool insert(K key, V value) { return elements_.try_emplace(std::move(key), std::move(value)).second; }
  /// As insert, with the value made of `args`.
  template <class... Args>
  bool try_emplace(K key, Args&&... args) {
    return elements_.try_emplace(std::move(key), std::forward<Args>(args)...).second;
  }
  /// As insert; where the key is there, calls f(const K&, const V&) for its element.
  template <class F>
  bool insert_or_visit(K key, V value, F f) {
    const auto [at, inserted] = elements_.try_emplace(std::move(key), std::move(value));
    if (!inserted) f(at->first, std::as_const(at->second));
    return inserted;
  }
  /// Sets a key's value, whether it is there or not. True where it inserted.
  bool insert_or_assign(K key, V value) { return elements_.insert_or_assign(std::move(key), std::move(value)).second; }

  /// Replaces the value of a key by f(value), f from const V& to V. False where the key is not there.
  template <class F>
  bool update(const K& key, F f) {
    const auto at = elements_.find(key);
    if (at == elements_.end()) return false;
    at->second = f(std::as_const(at->second));
    return true;
  }
  /// As update, with f from const std::optional<V>& to V, called with nothing where the key is not there: then the result is inserted.
  /// True where it inserted.
  template <class F>
  bool upsert(K key, F f) {
    const std::optional<V> old = find(key);
    return insert_or_assign(std::move(key), f(old));
  }

  /// Removes an element. False where the key was not there.
  bool erase(const K& key) { return elements_.erase(key) != 0; }
  /// Removes an element if pred(const K&, const V&) is true of it.
  template <class Predicate>
  bool erase_if(const K& key, Predicate pred) {
    const auto at = elements_.find(key);
    if (at == elements_.end() || !pred(at->first, std::as_const(at->second))) return false;
    elements_.erase(at);
    return true;
  }
  /// Removes every element: at once, which the container's does not.
  void clear() noexcept { elements_.clear(); }

  /// A copy of the value; nothing where the key is not there.
  [[nodiscard]] std::optional<V> find(const K& key) const {
    const auto at = elements_.find(key);
    return at == elements_.end() ? std::nullopt : std::optional<V>(at->second);
  }
  /// Whether the key is there.
  [[nodiscard]] bool contains(const K& key) const { return elements_.count(key) != 0; }
  /// Calls f(const K&, const V&) for the key's element. False where the key is not there.
  template <class F>
  bool visit(const K& key, F f) const {
    const auto at = elements_.find(key);
    if (at == elements_.end()) return false;
    f(at->first, at->second);
    return true;
  }
  /// Calls f(const K&, const V&) for each element, in the order of the keys: at once, which the container's does not.
  template <class F>
  void visit_all(F f) const {
    for (const auto& [key, value] : elements_) f(key, value);
  }

  /// The number of elements: at any time exact, which the container's is not.
  [[nodiscard]] std::size_t size() const noexcept { return elements_.size(); }
  /// Whether there is no element.
  [[nodiscard]] bool empty() const noexcept { return elements_.empty(); }

  /// The same keys with the same values.
  friend bool operator==(const map&, const map&) = default;

 private:
  std::map<K, V, Compare> elements_;
};

/// As sharded_counter, and as an atomic integer that is only added to. Wraps around as an atomic one does.
class counter {
 public:
  counter() = default;
  /// Begins with a number.
  explicit counter(std::int64_t initial) noexcept : value_(initial) {}

  /// Adds n.
  void add(std::int64_t n) noexcept { fetch_add(n); }
  /// Adds n and returns what was there before.
  std::int64_t fetch_add(std::int64_t n) noexcept {
    const auto sum = static_cast<std::uint64_t>(value_) + static_cast<std::uint64_t>(n);
    return std::exchange(value_, static_cast<std::int64_t>(sum));
  }
  /// The sum.
  [[nodiscard]] std::int64_t value() const noexcept { return value_; }
  /// As value.
  [[nodiscard]] std::int64_t load() const noexcept { return value_; }

  /// The same sum.
  friend bool operator==(const counter&, const counter&) = default;

 private:
  std::int64_t value_ = 0;
};

}  // namespace pawl::inline v0::model::spec
