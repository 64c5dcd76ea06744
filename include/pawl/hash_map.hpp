// SPDX-License-Identifier: BSL-1.0
// hash_map<K, V, Hash, KeyEqual, R>: a hash map whose every operation is lock-free and which grows without moving an element. (Over a
// tagged_pool it is another algorithm, with the same members but for reserve: detail/pooled_map.hpp.)
//
// All elements are in one list, sorted by hash: T. L. Harris, "A Pragmatic Implementation of Non-Blocking Linked-Lists", DISC 2001, with
// M. M. Michael's reclamation, "High Performance Dynamic Lock-Free Hash Tables and List-Based Sets", SPAA 2002. A bucket is a head in
// the midst of that list, before the first of the hashes that share a prefix: so a growing map only puts more heads between elements
// which stay where they are (O. Shalev and N. Shavit, "Split-Ordered Lists: Lock-Free Extensible Hash Tables", JACM 2006; sorting by the
// hash itself and splitting by prefixes gives their order without reversing bits).
//
// Invariants: 1. From every head, the rest of the list is reachable. 2. An element is in the map if and only if it is reachable and its
// `next` is not marked; a marked `next` never changes again, and whoever passes unlinks the node. 3. Orders ascend along the list, and
// elements of equal order are one run: a new key goes to the run's end, so that two inserts of one key meet at one compare-and-swap.
// 4. An element never changes; a new value is a new node, put in by the very compare-and-swap that marks the old one: old.next turns
// from its successor into {replacement, marked}, and whoever unlinks the old node links the replacement.
//
// | progress       | lock-free: an operation starts again only because another one succeeded
// | a stalled thread | holds back nobody. Stalled while it puts in a head, it makes that one bucket as slow as two are
// | order          | what happened before an operation that changed a key happens before what follows an operation that saw the change
// | cost           | O(1) expected; in the order of the elements that share a hash's upper 61 bits, where many do
// | memory         | a node per element, 16 bytes per bucket, one to two buckets per element, and what R holds back
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "detail/bucket_directory.hpp"
#include "detail/map_parts.hpp"
#include "detail/pooled_map.hpp"
#include "hazard_pointer.hpp"
#include "tagged_pool.hpp"

namespace pawl::inline v0 {

namespace detail {

/// A key and its value, constructed together and never changed.
template <class K, class V, class B>
struct map_element : mapped_member<V> {
  // Whether the item is an element or a bucket's head, and where it belongs in the list.
  using item_key = atomic<std::uint64_t, B>;

  template <class Key, class MakeValue>
  map_element(Key&& k, MakeValue&& make_value) : mapped_member<V>(std::forward<MakeValue>(make_value)), key(std::forward<Key>(k)) {}
  K key;
};

}  // namespace detail

/// An unordered map for any number of threads.
///
/// K and V are destructible without an exception; members that return or rebuild values need them copy constructible. Hash and KeyEqual
/// are called by all threads at once. R is hazard_pointers<B, Alloc> or epochs<B, Alloc>; over tagged_pool<B, Alloc> the members are
/// those of detail::pooled_map, with what that says. Every member but the constructors and the destructor may be called by any number of
/// threads at once; functions passed in may use the map, too. A thread's first operations may throw std::bad_alloc, before any effect;
/// so may all that insert, and what a hash, a comparison, a copy or a function throws passes through: no effect on the map then.
template <class K, class V, class Hash = std::hash<K>, class KeyEqual = std::equal_to<K>, is_reclaimer R = hazard_pointers<>>
class hash_map {
  static_assert(std::is_object_v<K> && std::is_object_v<V> && !std::is_const_v<V>, "hash_map<K, V>: K and V must be object types");
  static_assert(std::is_nothrow_destructible_v<K> && std::is_nothrow_destructible_v<V>,
                "hash_map<K, V>: the destructors of K and V must not throw");
  static_assert(std::is_invocable_r_v<std::size_t, const Hash&, const K&>, "hash_map: Hash must be callable, const, with a key");
  static_assert(std::is_invocable_r_v<bool, const KeyEqual&, const K&, const K&>,
                "hash_map: KeyEqual must be callable, const, with two keys");

  using backend = typename R::backend_type;
  using env = environment<backend>;
  using element = detail::map_element<K, V, backend>;
  using link = typename R::template link<element>;
  using item = typename R::template item<element>;
  using node = typename R::template node<element>;
  static constexpr bool both_transparent = detail::transparent<Hash> && detail::transparent<KeyEqual>;

 public:
  using key_type = K;
  using mapped_type = V;
  using size_type = std::size_t;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using reclaimer_type = R;

  /// Over the process's domain. `expected_elements` sets the number of buckets, as reserve does.
  explicit hash_map(std::size_t expected_elements = 0, const Hash& hash = Hash(), const KeyEqual& equal = KeyEqual())
      : hash_(hash), equal_(equal) {
    initialize(expected_elements);
  }
  /// Over a domain that outlives the map.
  explicit hash_map(R& domain, std::size_t expected_elements = 0, const Hash& hash = Hash(), const KeyEqual& equal = KeyEqual())
      : domain_(domain), hash_(hash), equal_(equal) {
    initialize(expected_elements);
  }
  hash_map(const hash_map&) = delete;
  hash_map& operator=(const hash_map&) = delete;
  /// Destroys what is left. No other thread uses the map any more.
  ~hash_map();

  // Keys: K, or with a transparent Hash and KeyEqual whatever they take.

  /// Puts in a new element; false, and nothing happens, where the key is there. Linearizes where its node is linked, or where the key was
  /// found. Where false, an rvalue K or V is as it was, as long as it can be move assigned without an exception.
  template <class Key = K, class Value = V>
  bool insert(Key&& key, Value&& value) {
    return insert_or_visit(std::forward<Key>(key), std::forward<Value>(value), ignore{});
  }
  /// As insert, with the value made of `args`, which stay untouched where the key is found at once.
  template <class Key = K, class... Args>
  bool try_emplace(Key&& key, Args&&... args) {
    return try_insert(
        std::forward<Key>(key), [&]() -> V { return V(std::forward<Args>(args)...); },
        [&key](element& lost) { give_back<Key>(key, lost.key); }, ignore{});
  }
  /// As insert; where the key is there, calls f(const K&, const V&) for its element.
  template <class Key = K, class Value = V, class F>
  bool insert_or_visit(Key&& key, Value&& value, F f) {
    return try_insert(
        std::forward<Key>(key), [&value]() -> V { return V(std::forward<Value>(value)); },
        [&key, &value](element& lost) {
          give_back<Key>(key, lost.key);
          give_back<Value>(value, lost.value);
        },
        f);
  }
  /// Sets a key's value, whether it is there or not. True where it inserted. Linearizes where the new node is linked or takes the old
  /// one's place.
  template <class Key = K, class Value = V>
  bool insert_or_assign(Key&& key, Value&& value);

  /// Replaces the value of a key by f(value), atomically: f, from const V& to V, may be called again, and its last call decides. False
  /// where the key is not there. Needs a K that can be copied.
  template <class Key = K, class F>
  bool update(const Key& key, F f);
  /// As update, with f from const std::optional<V>& to V, called with nothing where the key is not there: then the result is inserted.
  /// True where it inserted. Needs a V that can be copied.
  template <class Key = K, class F>
  bool upsert(Key&& key, F f);

  /// Removes an element. False where the key was not there. Linearizes where its node is marked.
  template <class Key = K>
  bool erase(const Key& key) {
    return erase_if(key, [](const K&, const V&) noexcept { return true; });
  }
  /// Removes an element if pred(const K&, const V&) is true of it: of the very element that is removed. pred may be called again.
  template <class Key = K, class Predicate>
  bool erase_if(const Key& key, Predicate pred);
  /// Removes every element that is there throughout the call. Not atomic. O(elements + buckets).
  void clear();

  /// A copy of the value.
  template <class Key = K>
  [[nodiscard]] std::optional<V> find(const Key& key) const {
    std::optional<V> copy;
    visit(key, [&copy](const K&, const V& value) { copy.emplace(value); });
    return copy;
  }
  template <class Key = K>
  [[nodiscard]] bool contains(const Key& key) const {
    return visit(key, ignore{});
  }
  /// Calls f(const K&, const V&) for the key's element, which stays alive and unchanged meanwhile, whoever erases it. False where the
  /// key is not there.
  template <class Key = K, class F>
  bool visit(const Key& key, F f) const;
  /// Calls f(const K&, const V&) for each element that is there throughout the call, and for some of those that come or go; for none
  /// twice. (Of keys that share the upper 61 bits of their hash, one may be missed while another is erased.) O(elements + buckets).
  template <class F>
  void visit_all(F f) const;

  /// The number of elements: exact when no other thread inserts or erases. Wait-free, O(threads).
  [[nodiscard]] std::size_t size() const noexcept {
    std::int64_t sum = 0;
    // relaxed: a sum of numbers that change meanwhile
    sizes_.for_each([&sum](const size_cell& each) noexcept { sum += each.elements.load(std::memory_order_relaxed); });
    return sum < 0 ? 0 : static_cast<std::size_t>(sum);
  }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  /// A power of two, which only grows.
  [[nodiscard]] std::size_t bucket_count() const noexcept { return std::size_t{1} << bucket_bits_.load(std::memory_order_relaxed); }
  /// Makes at least n buckets, now instead of step by step. Their memory comes as they are used: 16 KiB at a time, and once 8 bytes
  /// for every 1,024 buckets. Lock-free.
  void reserve(std::size_t n) noexcept {
    unsigned bits = 0;
    while (bits < buckets::max_bits && (std::size_t{1} << bits) < n) ++bits;
    bucket_bits_.fetch_max(bits, std::memory_order_relaxed);
  }

 private:
  using buckets = detail::bucket_directory<item, backend>;
  struct ignore {
    void operator()(const K&, const V&) const noexcept {}
  };
  static constexpr std::uint32_t long_walk = 12;
  using operation = decltype(std::declval<detail::domain_handle<R, element>&>().template enter<3>());

  // Per thread, written by it alone: so no read-modify-write.
  struct alignas(cache_line) size_cell {
    atomic<std::int64_t, backend> elements{0};
    std::uint32_t until_check = env::tuning.growth_check;
  };

  // ---- Order -------------------------------------------------------------------------------------------------------------------
  // The upper 61 bits of an order are a mixed hash; the lower three say what the item is. Of equal hashes a head comes first.
  static constexpr std::uint64_t hash_bits = ~std::uint64_t{7};
  static constexpr std::uint64_t is_element = 1;
  static constexpr std::uint64_t is_claimed = 2;  // a head that some thread is about to put into the list
  static constexpr std::uint64_t is_ready = 4;  // a head in the list
  static constexpr std::uint64_t sorted_bits = hash_bits | is_element;
  static constexpr std::uint64_t end_order = ~std::uint64_t{0};

  template <class Key>
  std::uint64_t order_of(const Key& key) const {
    const std::uint64_t order = (detail::spread_hash(static_cast<std::uint64_t>(hash_(key))) & hash_bits) | is_element;
    return order >= (end_order & sorted_bits) ? order - 8 : order;
  }

  template <class Key>
  static decltype(auto) as_key(const Key& key) {
    return detail::as_key<K, both_transparent>(key);
  }

  // ---- The list ----------------------------------------------------------------------------------------------------------------
  // A place in the list: `*before` was unmarked and named `here`; where it was found, here's next was `next`, unmarked. The operation's
  // protections keep what `before` belongs to, and `here`.
  struct position {
    atomic<link, backend>* before;
    link here;
    link next;
    bool found;
    std::uint32_t passed;  // items on the way
  };

  [[nodiscard]] link end() const noexcept { return link(&end_); }
  static std::uint64_t order_at(const item& each) noexcept {
    // relaxed: an element's order is published with it, a head's upper bits never change
    return each.key.load(std::memory_order_relaxed) & sorted_bits;
  }
  const element& element_at(operation& op, link l) const noexcept { return op.get(l)->value.get(); }

  // Goes along the list from the head that start() gives, unlinking what is marked, until past(here) says that `here` is behind what it
  // looks for, or step(here), asked of items that are in the list, that it is what it looks for. Begins again with start() where the
  // list was changed under its feet.
  template <class Start, class Past, class Step>
  position walk(operation& op, Start start, Past past, Step step) const;
  // Finds the first element of that order for which matches(l) holds, or else the place behind all of that order.
  template <class Matches>
  position find_from(operation& op, item& head, std::uint64_t order, Matches matches) const;
  // The head from which to look for this order.
  item& head_for(operation& op, std::uint64_t order) const;
  item& prepare_head(operation& op, std::uint64_t name) const noexcept;

  template <class Key>
  position find_key(operation& op, std::uint64_t order, const Key& key) const {
    return find_from(op, head_for(op, order), order, [&](link l) { return equal_(element_at(op, l).key, key); });
  }

  // Unlinks what find_from found and this thread marked; `successor` takes its place.
  void unlink(operation& op, std::uint64_t order, const position& at, link successor) const {
    link here = at.here;
    // (3) release: passes on what our acquire of here's next brought, the successor's construction
    if (at.before->compare_exchange_strong(here, successor, std::memory_order_release, std::memory_order_relaxed)) {
      op.retire_whole(at.here);
    } else {
      // The place has changed: a search unlinks every marked node on its way.
      find_from(op, head_for(op, order), order, [](link) noexcept { return false; });
    }
  }

  // Takes the element out of the map: nobody finds it any more, though it is linked yet.
  static bool mark(operation& op, const position& at) noexcept {
    link next = at.next;
    // release: who finds the key gone, by the mark or by what follows it, sees what this thread did before. acquire: `next`, which nothing
    // protects, may be another node by now, at the same address, and (3) is to pass on that one's construction.
    return op.item_of(at.here)->next.compare_exchange_strong(next, next.with_mark(true), std::memory_order_acq_rel,
                                                             std::memory_order_relaxed);
  }

  // Links a node before `at.here`, where it is not found.
  static bool link_before(operation& op, const position& at, link fresh) noexcept {
    // relaxed: (1) publishes it
    op.item_of(fresh)->next.store(at.here, std::memory_order_relaxed);
    link here = at.here;
    // (1) release: publishes the node to the acquires in walk. acquire: the key may have come and gone since we looked, and the erase that
    // this insert follows happens before it.
    return at.before->compare_exchange_strong(here, fresh, std::memory_order_acq_rel, std::memory_order_relaxed);
  }
  // Puts a node in the place of `at.here`, where it is found.
  bool replace(operation& op, std::uint64_t order, const position& at, link fresh) const {
    op.item_of(fresh)->next.store(at.next, std::memory_order_relaxed);
    link next = at.next;
    // (2) release: publishes the node, and tells whoever finds the mark what this thread did before. acquire: as in mark
    if (!op.item_of(at.here)->next.compare_exchange_strong(next, fresh.with_mark(true), std::memory_order_acq_rel,
                                                           std::memory_order_relaxed)) {
      return false;
    }
    unlink(op, order, at, fresh);
    return true;
  }

  // ---- Elements ----------------------------------------------------------------------------------------------------------------
  using fresh_node = detail::unpublished<operation, link>;

  template <class Key, class MakeValue>
  static void construct(operation& op, fresh_node& fresh, std::uint64_t order, Key&& key, MakeValue&& make) {
    // relaxed: published with the node, by (1) or (2)
    op.item_of(fresh.link())->key.store(order, std::memory_order_relaxed);
    fresh.construct(std::forward<Key>(key), std::forward<MakeValue>(make));
  }

  template <class Key, class MakeValue, class GiveBack, class F>
  bool try_insert(Key&& key, MakeValue make, GiveBack lost_race, F&& on_found);
  // `Given` is the forwarding parameter's: only what came as an rvalue was moved from.
  template <class Given, class Member>
  static void give_back(std::remove_reference_t<Given>& given, Member& member) noexcept {
    if constexpr (std::is_same_v<Given, Member> && std::is_nothrow_move_assignable_v<Member>) given = std::move(member);
  }

  size_cell& my_sizes() const {
    return sizes_.get(
        [] { return std::construct_at(static_cast<size_cell*>(env::allocate(sizeof(size_cell), alignof(size_cell)))); });
  }
  static void count(size_cell& mine, std::int64_t change) noexcept {
    mine.elements.store(mine.elements.load(std::memory_order_relaxed) + change, std::memory_order_relaxed);
  }
  // Each thread looks at the size once in a while, and when it has passed more items than a bucket should have: so however many
  // threads insert a few elements each, buckets stay short.
  void grow_if_full(size_cell& mine, std::uint32_t passed) noexcept {
    if (--mine.until_check != 0 && passed <= long_walk) return;
    mine.until_check = env::tuning.growth_check;
    unsigned bits = bucket_bits_.load(std::memory_order_relaxed);
    if (bits < buckets::max_bits && size() > (std::size_t{1} << bits)) {
      // relaxed: the number of buckets is only a hint where to begin; from every head the list is whole
      bucket_bits_.compare_exchange_strong(bits, bits + 1, std::memory_order_relaxed, std::memory_order_relaxed);
    }
  }

  void initialize(std::size_t expected_elements) {
    reserve(expected_elements);
    end_.key.store(end_order, std::memory_order_relaxed);
    head_.key.store(is_ready, std::memory_order_relaxed);
    head_.next.store(end(), std::memory_order_relaxed);
  }

  detail::domain_handle<R, element> domain_;
  mutable buckets buckets_;
  mutable item head_;  // of the bucket named zero: the whole list's
  mutable item end_;  // of the list
  mutable typename env::template per_thread<size_cell> sizes_;
  alignas(cache_line) atomic<unsigned, backend> bucket_bits_{0};
  [[no_unique_address]] Hash hash_;
  [[no_unique_address]] KeyEqual equal_;
};

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
template <class Start, class Past, class Step>
PAWL_ALWAYS_INLINE inline auto hash_map<K, V, Hash, KeyEqual, R>::walk(operation& op, Start start, Past past, Step step) const
    -> position {
  for (;;) {
    atomic<link, backend>* before = &start().next;
    // Which of the operation's protections is whose. A head needs none, since it lives as long as the map.
    unsigned before_slot = 0;
    unsigned here_slot = 1;
    unsigned next_slot = 2;
    // acquire, in protect: pairs with (1), (2) and (3), so that the item was constructed before we look at it
    link here = op.protect(here_slot, *before);
    for (;;) {
      item& current = *op.item_of(here);
      // When `here` was protected, *before named it, and what `before` belongs to was in the list: so there was nothing between the two.
      if (past(here)) return {before, here, {}, false, 0};
      // acquire: as in protect above
      const link next = current.next.load(std::memory_order_acquire);
      if (!next.marked()) {
        if (step(here)) return {before, here, next, false, 0};
        op.announce(next_slot, next);
        // announce has ordered this after our claim. If `here` is unmarked even now, it is in the list, and so was the item that its next
        // names when we had claimed it. Without this look, that item could be freed before our claim was seen. acquire: as in protect
        // above, since the item may be another by now, at the same address.
        if (current.next.load(std::memory_order_acquire) != next) break;
        before = &current.next;
        here = next;
        const unsigned freed = before_slot;
        before_slot = here_slot;
        here_slot = next_slot;
        next_slot = freed;
      } else {
        const link successor = next.with_mark(false);
        op.announce(next_slot, successor);
        // If the exchange finds `here` in its place, its successor was in the list, too, when we had claimed it: a marked next never
        // changes, so nobody unlinks the successor before `here`. release: as (3)
        link expected = here;
        if (!before->compare_exchange_strong(expected, successor, std::memory_order_release, std::memory_order_relaxed)) break;
        op.retire_whole(here);
        here = successor;
        std::swap(here_slot, next_slot);
      }
    }
  }
}

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
template <class Matches>
PAWL_ALWAYS_INLINE inline auto hash_map<K, V, Hash, KeyEqual, R>::find_from(operation& op, item& head, std::uint64_t order,
                                                                            Matches matches) const -> position {
  bool found = false;
  std::uint32_t passed = 0;
  position at = walk(
      op, [&head]() -> item& { return head; },
      [&](link here) {
        ++passed;
        return order_at(*op.item_of(here)) > order;
      },
      [&](link here) {
        found = order_at(*op.item_of(here)) == order && matches(here);
        return found;
      });
  at.found = found;
  at.passed = passed;
  return at;
}

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
auto hash_map<K, V, Hash, KeyEqual, R>::head_for(operation& op, std::uint64_t order) const -> item& {
  const unsigned bits = bucket_bits_.load(std::memory_order_relaxed);
  const std::uint64_t name = bits == 0 ? 0 : order & (~std::uint64_t{0} << (64 - bits));
  if (name == 0) return head_;
  item* const head = buckets_.find(name);
  // (4) acquire: pairs with (5), so that the head is in the list when we begin at it
  if (head != nullptr && (head->key.load(std::memory_order_acquire) & is_ready) != 0) [[likely]]
    return *head;
  return prepare_head(op, name);
}

// Puts a bucket's head into the list, behind its parent's; where another thread is about to, or memory is short, the parent's serves.
template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
[[gnu::cold]] auto hash_map<K, V, Hash, KeyEqual, R>::prepare_head(operation& op, std::uint64_t name) const noexcept -> item& {
  if (name == 0) return head_;
  item* const head = buckets_.make(name);
  std::uint64_t state = head == nullptr ? is_claimed : head->key.load(std::memory_order_acquire);  // as (4)
  if ((state & is_ready) != 0) return *head;
  item& parent = prepare_head(op, name & (name - 1));
  if ((state & is_claimed) != 0) return parent;
  // acquire: as (4), where another thread was faster. (Who claims would need no order, but g++ warns of a failure order above the
  // success order.)
  if (!head->key.compare_exchange_strong(state, name | is_claimed, std::memory_order_acquire, std::memory_order_acquire)) {
    return (state & is_ready) != 0 ? *head : parent;
  }
  for (;;) {
    const position at = find_from(op, parent, name, [](link) noexcept { return false; });
    if (link_before(op, at, link(head))) break;
  }
  // (5) release: the head is in the list before anybody begins at it, by (4). Without it, a thread could look through a list that a
  // stale next of the head leads to.
  head->key.store(name | is_ready, std::memory_order_release);
  return *head;
}

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
template <class Key, class MakeValue, class GiveBack, class F>
bool hash_map<K, V, Hash, KeyEqual, R>::try_insert(Key&& key, MakeValue make, GiveBack lost_race, F&& on_found) {
  const auto& wanted = as_key(key);
  const std::uint64_t order = order_of(wanted);
  auto op = domain_.template enter<3>();
  size_cell& sizes = my_sizes();
  fresh_node fresh(op);
  for (;;) {
    // Once the key was moved into our node, it is compared there.
    const position at = fresh ? find_key(op, order, element_at(op, fresh.link()).key) : find_key(op, order, wanted);
    if (at.found) {
      if (fresh) lost_race(fresh->value.edit());
      const element& present = element_at(op, at.here);
      on_found(present.key, present.value);
      return false;
    }
    if (!fresh) {
      fresh.create();
      construct(op, fresh, order, std::forward<Key>(key), make);
    }
    if (link_before(op, at, fresh.link())) {
      fresh.published();
      count(sizes, 1);
      grow_if_full(sizes, at.passed);
      return true;
    }
  }
}

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
template <class Key, class Value>
bool hash_map<K, V, Hash, KeyEqual, R>::insert_or_assign(Key&& key, Value&& value) {
  const std::uint64_t order = order_of(as_key(key));
  auto op = domain_.template enter<3>();
  size_cell& sizes = my_sizes();
  fresh_node fresh(op, op.create());
  construct(op, fresh, order, std::forward<Key>(key), [&value]() -> V { return V(std::forward<Value>(value)); });
  for (;;) {
    const position at = find_key(op, order, element_at(op, fresh.link()).key);
    if (!(at.found ? replace(op, order, at, fresh.link()) : link_before(op, at, fresh.link()))) continue;
    fresh.published();
    if (at.found) return false;
    count(sizes, 1);
    grow_if_full(sizes, at.passed);
    return true;
  }
}

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
template <class Key, class F>
bool hash_map<K, V, Hash, KeyEqual, R>::update(const Key& key, F f) {
  const auto& wanted = as_key(key);
  const std::uint64_t order = order_of(wanted);
  auto op = domain_.template enter<3>();
  for (;;) {
    const position at = find_key(op, order, wanted);
    if (!at.found) return false;
    const element& present = element_at(op, at.here);
    fresh_node fresh(op, op.create());
    construct(op, fresh, order, present.key, [&]() -> V { return f(present.value); });
    if (replace(op, order, at, fresh.link())) {
      fresh.published();
      return true;
    }
  }
}

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
template <class Key, class F>
bool hash_map<K, V, Hash, KeyEqual, R>::upsert(Key&& key, F f) {
  const auto& wanted = as_key(key);
  const std::uint64_t order = order_of(wanted);
  auto op = domain_.template enter<3>();
  size_cell& sizes = my_sizes();
  for (;;) {
    const position at = find_key(op, order, wanted);
    fresh_node fresh(op, op.create());
    std::optional<V> old;
    if (at.found) old.emplace(element_at(op, at.here).value);
    construct(op, fresh, order, at.found ? element_at(op, at.here).key : wanted, [&]() -> V { return f(std::as_const(old)); });
    if (!(at.found ? replace(op, order, at, fresh.link()) : link_before(op, at, fresh.link()))) continue;
    fresh.published();
    if (at.found) return false;
    count(sizes, 1);
    grow_if_full(sizes, at.passed);
    return true;
  }
}

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
template <class Key, class Predicate>
bool hash_map<K, V, Hash, KeyEqual, R>::erase_if(const Key& key, Predicate pred) {
  const auto& wanted = as_key(key);
  const std::uint64_t order = order_of(wanted);
  auto op = domain_.template enter<3>();
  size_cell& sizes = my_sizes();
  for (;;) {
    const position at = find_key(op, order, wanted);
    if (!at.found) return false;
    const element& present = element_at(op, at.here);
    if (!pred(present.key, present.value)) return false;
    if (!mark(op, at)) continue;
    unlink(op, order, at, at.next);
    count(sizes, -1);
    return true;
  }
}

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
void hash_map<K, V, Hash, KeyEqual, R>::clear() {
  auto op = domain_.template enter<3>();
  size_cell& sizes = my_sizes();
  std::uint64_t order = 0;
  for (;;) {
    const position at = walk(
        op, [&]() -> item& { return head_for(op, order); }, [&](link here) noexcept { return here.same_node(end()); },
        [&](link here) noexcept {
          const std::uint64_t order_here = order_at(*op.item_of(here));
          return (order_here & is_element) != 0 && order_here >= order;
        });
    if (at.here.same_node(end())) return;
    order = order_at(*op.item_of(at.here));
    if (!mark(op, at)) continue;
    unlink(op, order, at, at.next);
    count(sizes, -1);
  }
}

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
template <class Key, class F>
bool hash_map<K, V, Hash, KeyEqual, R>::visit(const Key& key, F f) const {
  const auto& wanted = as_key(key);
  const std::uint64_t order = order_of(wanted);
  auto op = domain_.template enter<3>();
  const position at = find_key(op, order, wanted);
  if (!at.found) return false;
  const element& present = element_at(op, at.here);
  f(present.key, present.value);
  return true;
}

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
template <class F>
void hash_map<K, V, Hash, KeyEqual, R>::visit_all(F f) const {
  auto op = domain_.template enter<3>();
  std::uint64_t order = 0;
  std::size_t visited = 0;  // elements of that order
  std::size_t passed = 0;  // of them, since walk began anew
  walk(
      op,
      [&]() -> item& {
        passed = 0;
        return head_for(op, order);
      },
      [&](link here) noexcept { return here.same_node(end()); },
      [&](link here) {
        const std::uint64_t order_here = order_at(*op.item_of(here));
        if ((order_here & is_element) == 0 || order_here < order) return false;
        if (order_here > order) {
          order = order_here;
          visited = 0;
          passed = 0;
        }
        if (passed++ < visited) return false;
        ++visited;
        const element& present = element_at(op, here);
        f(present.key, present.value);
        return false;
      });
}

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
hash_map<K, V, Hash, KeyEqual, R>::~hash_map() {
  {
    auto op = domain_.enter_last();
    link each = head_.next.load(std::memory_order_relaxed);
    while (!each.same_node(end())) {
      const item& here = *op.item_of(each);
      const link next = here.next.load(std::memory_order_relaxed);
      if ((here.key.load(std::memory_order_relaxed) & is_element) != 0) {
        op.get(each)->value.destroy();
        op.discard(each);
      }
      each = next;
    }
  }
  sizes_.for_each([](size_cell& each) noexcept {
    std::destroy_at(&each);
    env::deallocate(&each, sizeof(size_cell), alignof(size_cell));
  });
}

/// Over a tagged_pool<B, Alloc>: what its members promise is said at detail::pooled_map, in detail/pooled_map.hpp. K and V are trivially
/// copyable, functions get copies, the buckets are as many as the constructor made, and on a fixed pool insert is false, too, where it is
/// full.
template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
  requires(R::reads_may_tear)
class hash_map<K, V, Hash, KeyEqual, R> : public detail::pooled_map<K, V, Hash, KeyEqual, R> {
 public:
  using detail::pooled_map<K, V, Hash, KeyEqual, R>::pooled_map;
};

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
