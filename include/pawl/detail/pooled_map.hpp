// SPDX-License-Identifier: BSL-1.0
// hash_map over a tagged_pool: a hash map without allocation and without protection of what is read. (hash_map.hpp has the one over
// domains that keep alive what is read, which is another algorithm: it visits elements in place, and grows.)
//
// Each bucket is a list of its own, sorted by hash: M. M. Michael, "High Performance Dynamic Lock-Free Hash Tables and List-Based Sets",
// SPAA 2002, in its form with tags. A reader copies what it wants of a node, then looks whether the link that it came by is still there:
// if so, the copy is of that element, and if not, the node may be another element's by now, and it begins again.
//
// Invariants: 1. An element is in the map if and only if its node can be reached from its bucket and the node's `next` is live; a `next`
// that is not live never changes again in that life of its node, and whoever passes unlinks the node. 2. Orders ascend along a list, and
// elements of equal order are one run: a new key goes to the run's end, so that two inserts of one key meet at one compare-and-swap.
// 3. An element never changes; a new value is a new node, put in by the very compare-and-swap that ends the old one: old.next turns from
// its successor into {replacement, not live}, and whoever unlinks the old node links the replacement.
//
// The tag. A link of a pool names one life of a node. That is enough for a list's head, which a link is compared with; it isn't for a
// `next` in the midst of a list, whose own node may have come back, in front of the same life of the same successor. So a `next` holds as
// its tag the sum of two lives, its owner's and that of the node that it names: a word that is found again stands for the same two
// lives, between which nothing but what was between them can have been, and a late compare-and-swap fails or is right. For that the two
// lives must grow together: a node's `next` never names a life that had ended before its own began. What is linked already is compared
// and swapped; but who has a fresh node, found its place before. So it looks again, when it has the node, whether the place is as it was.
// (Without that the sum may come back in a fresh node, by one life more here and one less there: a stress test saw it.) The sum comes
// round after 2^32 lives of the two together; tagged_pool.hpp says how long that is. And a live `next` has the lowest bit, which no link
// of a stack or a queue has beside an index: so containers that share a pool can't take each other's.
//
// | progress       | lock-free: an operation starts again only because another one succeeded
// | a stalled thread | holds back nobody, and no memory but the node that it was about to put in or to unlink
// | order          | what happened before an operation that changed a key happens before what follows an operation that saw the change
// | cost           | O(1) expected, O(elements / buckets): the buckets are as many as the constructor made
// | memory         | a node of the pool per element, 8 bytes per bucket, and 1 KiB
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "../reclaimer.hpp"
#include "map_parts.hpp"
#include "pool_node.hpp"

PAWL_HOST_DEVICE_BEGIN

namespace pawl::inline v0::detail {

/// What a node of a map over a pool has as its value; the order comes first.
template <class K, class V>
struct pooled_element {
  template <class Key, class MakeValue>
  PAWL_HOST_DEVICE pooled_element(std::uint64_t its_order, Key&& k, MakeValue&& make_value)
      : order(its_order), key(std::forward<Key>(k)), mapped(std::forward<MakeValue>(make_value)) {}
  std::uint64_t order;  // where it belongs in its list: the mixed hash
  K key;
  [[no_unique_address]] mapped_member<V> mapped;
};

/// The members of hash_map over a reclaimer whose nodes may be reused while they are read: tagged_pool<B, Alloc>.
///
/// K and V are trivially copyable. Members work on copies of the element, so it is unchanged while a function looks at it, whoever erases
/// it. Every member but the constructors and the destructor may be called by any number of threads at once; functions passed in may use
/// the map, too. A thread's first operation over a growing pool may throw std::bad_alloc, before any effect; so may all that insert, and
/// what a hash, a comparison, a constructor or a function throws passes through: no effect on the map then.
///
/// On a fixed pool an insert fails only when all nodes are in use: by elements, those of other containers on the pool included, or by
/// operations that are between their steps. Updates don't count there, since a node that takes another's place comes from beyond the
/// capacity, where tagged_pool::max_queues nodes are to spare for as many updates at a time.
template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
class pooled_map {
  static_assert(std::is_object_v<K> && std::is_object_v<V> && !std::is_const_v<V>, "hash_map<K, V>: K and V must be object types");
  static_assert(
      std::is_trivially_copyable_v<K> && std::is_trivially_copyable_v<V>,
      "hash_map over a tagged_pool: K and V must be trivially copyable, since readers copy them word by word while they may "
      "be overwritten; take hazard_pointers<> for other types");
  static_assert(std::is_invocable_r_v<std::size_t, const Hash&, const K&>, "hash_map: Hash must be callable, const, with a key");
  static_assert(std::is_invocable_r_v<bool, const KeyEqual&, const K&, const K&>,
                "hash_map: KeyEqual must be callable, const, with two keys");

  using backend = typename R::backend_type;
  using env = environment<backend>;
  using element = pooled_element<K, V>;
  using link = typename R::template link<element>;
  using node = typename R::template node<element>;
  using word_copy = typename word_value<element, backend>::raw_copy;
  using operation = decltype(std::declval<domain_handle<R, element>&>().template enter<0>());
  static constexpr bool both_transparent = transparent<Hash> && transparent<KeyEqual>;

 public:
  using key_type = K;
  using mapped_type = V;
  using size_type = std::size_t;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using reclaimer_type = R;

  /// Over a growing pool of its own. The number of buckets, which stays, is that of the elements to come, rounded up to a power of two;
  /// where nothing is said, 1,024.
  PAWL_HOST_DEVICE explicit pooled_map(std::size_t expected_elements = 0, const Hash& hash = Hash(),
                                       const KeyEqual& equal = KeyEqual())
      : hash_(hash), equal_(equal) {
    take(new_buckets(domain_.domain(), expected_elements));
  }
  /// Over a pool that outlives the map. Of a fixed one, `expected_elements` is the capacity where nothing or more is said. Throws
  /// std::invalid_argument where the pool's nodes are too small, std::bad_alloc where memory is short; then the pool is as it was.
  PAWL_HOST_DEVICE explicit pooled_map(R& domain, std::size_t expected_elements = 0, const Hash& hash = Hash(),
                                       const KeyEqual& equal = KeyEqual())
      : pooled_map(new_buckets(domain, expected_elements), hash, equal) {}
  pooled_map(const pooled_map&) = delete;
  pooled_map& operator=(const pooled_map&) = delete;
  /// Gives all nodes back to the pool. No other thread uses the map any more.
  PAWL_HOST_DEVICE ~pooled_map();

  // Keys: K, or with a transparent Hash and KeyEqual whatever they take.

  /// Puts in a new element. False, and nothing happens, where the key is there or a fixed pool is full. Linearizes where its node is
  /// linked, or where the key was found, or not found and no node left.
  template <class Key = K, class Value = V>
  PAWL_HOST_DEVICE bool insert(Key&& key, Value&& value) {
    return insert_or_visit(std::forward<Key>(key), std::forward<Value>(value), ignore{});
  }
  /// As insert, with the value made of `args`, which stay untouched where the key is found at once.
  template <class Key = K, class... Args>
  PAWL_HOST_DEVICE bool try_emplace(Key&& key, Args&&... args) {
    return try_insert(std::forward<Key>(key), [&]() -> V { return V(std::forward<Args>(args)...); }, ignore{});
  }
  /// As insert; where the key is there, calls f(const K&, const V&) for its element: so it returns false without calling f only where a
  /// fixed pool is full.
  template <class Key = K, class Value = V, class F>
  PAWL_HOST_DEVICE bool insert_or_visit(Key&& key, Value&& value, F f) {
    return try_insert(std::forward<Key>(key), [&value]() -> V { return V(std::forward<Value>(value)); }, f);
  }
  /// Sets a key's value, whether it is there or not. True where it inserted. Throws std::bad_alloc, without an effect, where it would
  /// insert and a fixed pool is full. Linearizes where the new node is linked or takes the old one's place.
  template <class Key = K, class Value = V>
  PAWL_HOST_DEVICE bool insert_or_assign(Key&& key, Value&& value) {
    return done(try_insert_or_assign(std::forward<Key>(key), std::forward<Value>(value)));
  }
  /// The same without an exception, and so for kernels, in which it is a trap: nothing, and no effect, where a fixed pool is full.
  template <class Key = K, class Value = V>
  PAWL_HOST_DEVICE std::optional<bool> try_insert_or_assign(Key&& key, Value&& value);

  /// Replaces the value of a key by f(value), atomically: f, from const V& to V, may be called again, and its last call decides. False
  /// where the key is not there. Works on a full pool, too, but for more updates at a time than there are nodes to spare: then it
  /// throws std::bad_alloc, without an effect.
  template <class Key = K, class F>
  PAWL_HOST_DEVICE bool update(const Key& key, F f) {
    return done(try_update(key, std::move(f)));
  }
  /// The same without an exception: nothing, and no effect, where there was no node to spare.
  template <class Key = K, class F>
  PAWL_HOST_DEVICE std::optional<bool> try_update(const Key& key, F f);
  /// As update, with f from const std::optional<V>& to V, called with nothing where the key is not there: then the result is inserted, or
  /// std::bad_alloc thrown where a fixed pool is full. True where it inserted.
  template <class Key = K, class F>
  PAWL_HOST_DEVICE bool upsert(Key&& key, F f) {
    return done(try_upsert(std::forward<Key>(key), std::move(f)));
  }
  /// The same without an exception: nothing, and no effect, where there was no node.
  template <class Key = K, class F>
  PAWL_HOST_DEVICE std::optional<bool> try_upsert(Key&& key, F f);

  /// Removes an element. False where the key was not there. Linearizes where its node is marked as no more live.
  template <class Key = K>
  PAWL_HOST_DEVICE bool erase(const Key& key) {
    return erase_if(key, [](const K&, const V&) noexcept { return true; });
  }
  /// Removes an element if pred(const K&, const V&) is true of it: of the very element that is removed. pred may be called again.
  template <class Key = K, class Predicate>
  PAWL_HOST_DEVICE bool erase_if(const Key& key, Predicate pred);
  /// Removes every element that is there throughout the call. Not atomic. O(elements + buckets).
  PAWL_HOST_DEVICE void clear();

  /// A copy of the value.
  template <class Key = K>
  [[nodiscard]] PAWL_HOST_DEVICE std::optional<V> find(const Key& key) const {
    std::optional<V> copy;
    visit(key, [&copy](const K&, const V& value) { copy.emplace(value); });
    return copy;
  }
  template <class Key = K>
  [[nodiscard]] PAWL_HOST_DEVICE bool contains(const Key& key) const {
    return visit(key, ignore{});
  }
  /// Calls f(const K&, const V&) for a copy of the key's element. False where the key is not there.
  template <class Key = K, class F>
  PAWL_HOST_DEVICE bool visit(const Key& key, F f) const;
  /// Calls f(const K&, const V&) for a copy of each element that is there throughout the call, and for some of those that come or go; for
  /// none twice. (Of keys that share their hash, one may be missed while another is erased.) O(elements + buckets).
  template <class F>
  PAWL_HOST_DEVICE void visit_all(F f) const;

  /// The number of elements: exact when no other thread inserts or erases. Wait-free, O(1).
  [[nodiscard]] PAWL_HOST_DEVICE std::size_t size() const noexcept {
    std::int64_t sum = 0;
    // relaxed: a sum of numbers that change meanwhile
    for (const size_cell& each : sizes_) sum += each.elements.load(std::memory_order_relaxed);
    return sum < 0 ? 0 : static_cast<std::size_t>(sum);
  }
  [[nodiscard]] PAWL_HOST_DEVICE bool empty() const noexcept { return size() == 0; }
  /// A power of two, which stays.
  [[nodiscard]] PAWL_HOST_DEVICE std::size_t bucket_count() const noexcept { return std::size_t{1} << bucket_bits_; }

 private:
  struct ignore {
    PAWL_HOST_DEVICE void operator()(const K&, const V&) const noexcept {}
  };
  // What the throwing form of a member makes of its result.
  PAWL_HOST_DEVICE static bool done(std::optional<bool> result) {
    if (!result) detail::fail<std::bad_alloc>();
    return *result;
  }

  // Counted apart by bucket, so that threads rarely meet.
  struct alignas(cache_line) size_cell {
    atomic<std::int64_t, backend> elements{0};
  };
  static constexpr std::size_t size_cells = 16;
  static constexpr unsigned max_bits = 31;  // more than a pool has nodes

  // ---- Order and buckets -------------------------------------------------------------------------------------------------------
  static constexpr std::uint64_t last_order = ~std::uint64_t{0};

  template <class Key>
  PAWL_HOST_DEVICE std::uint64_t order_of(const Key& key) const {
    return spread_hash(static_cast<std::uint64_t>(hash_of(hash_, key)));
  }
  template <class Key>
  PAWL_HOST_DEVICE static decltype(auto) as_key(const Key& key) {
    return detail::as_key<K, both_transparent>(key);
  }
  [[nodiscard]] PAWL_HOST_DEVICE std::size_t bucket_of(std::uint64_t order) const noexcept {
    return bucket_bits_ == 0 ? 0 : static_cast<std::size_t>(order >> (64U - bucket_bits_));
  }
  PAWL_HOST_DEVICE void count(std::uint64_t order, std::int64_t change) noexcept {
    sizes_[bucket_of(order) % size_cells].elements.store_add(change, std::memory_order_relaxed);
  }

  // ---- Links in nodes ----------------------------------------------------------------------------------------------------------
  // How a link, without a mark, stands in the `next` of a node, or, with an owner that is none, in a bucket. The end of a list is
  // link{}, of which this makes the owner's life: so two lists don't end in the same word either.
  static constexpr std::uint64_t live = 1;
  static constexpr std::uint64_t life_bits = ~std::uint64_t{0xffffffffU};
  static constexpr link live_word(link to, link owner) noexcept {
    return link::from_bits((to.bits() + (owner.bits() & life_bits)) | live);
  }
  static constexpr link dead_word(link to, link owner) noexcept { return link::from_bits(to.bits() + (owner.bits() & life_bits)); }
  static constexpr bool is_live(link word) noexcept { return (word.bits() & live) != 0; }
  static constexpr link named_by(link word, link owner) noexcept {
    return link::from_bits((word.bits() & ~live) - (owner.bits() & life_bits));
  }

  // ---- The list ----------------------------------------------------------------------------------------------------------------
  // A place in a list: `*before`, in that life of `owner`, named `here`, whose next was live and named `next`.
  struct position {
    atomic<link, backend>* before;
    link owner;
    link here;
    link next;
    bool found;
    word_copy present;  // where found
  };

  // Goes along a bucket's list, unlinking what is no more live, to the first element of an order from `first` to `last` for which
  // matches(const element&) holds, or else to the place behind all of these orders. Begins again, by begin(), where the list was changed
  // under its feet. `first` may be changed by matches.
  template <class Begin, class Matches>
  PAWL_HOST_DEVICE position walk(operation& op, atomic<link, backend>& bucket, const std::uint64_t& first, std::uint64_t last,
                                 Begin begin, Matches matches) const;

  template <class Key>
  PAWL_HOST_DEVICE position find_key(operation& op, std::uint64_t order, const Key& key) const {
    return walk(
        op, buckets_[bucket_of(order)], order, order, []() noexcept {},
        [&](const element& each) -> bool { return equal_(each.key, key); });
  }

  // Unlinks `here`, which is no more live; `next` takes its place. False where the place has changed.
  PAWL_HOST_DEVICE static bool unlink(operation& op, const position& at) noexcept {
    // relaxed: written before the node was published, which the acquire of here's next brought. While `here` is linked, nobody unlinks
    // what is behind it: so if the exchange succeeds, this was read of the successor that here's next names.
    const bool replaced = at.next && op.get(at.next)->below().load(std::memory_order_relaxed) == at.here;
    link word = live_word(at.here, at.owner);
    // (3) release: passes on what our acquire of here's next brought, the successor's construction. And what was read of `here`, by this
    // thread or by one whose stores it has seen, comes before the node's next life.
    if (!at.before->compare_exchange_strong(word, live_word(at.next, at.owner), std::memory_order_release,
                                            std::memory_order_relaxed)) {
      return false;
    }
    // A node from beyond the capacity stays in the map: this one goes there instead.
    if (replaced) {
      op.discard_spare(at.here);
    } else {
      op.retire(at.here);
    }
    return true;
  }
  // The same for what this thread has ended: where the place has changed, a walk unlinks whatever is no more live on its way.
  PAWL_HOST_DEVICE void unlink_ended(operation& op, std::uint64_t order, position& at, link successor) const {
    at.next = successor;
    if (unlink(op, at)) return;
    walk(op, buckets_[bucket_of(order)], order, order, []() noexcept {}, [](const element&) noexcept { return false; });
  }

  // Takes the element out of the map: nobody finds it any more, though it is linked yet.
  PAWL_HOST_DEVICE static bool end_life(operation& op, const position& at) noexcept {
    link word = live_word(at.next, at.here);
    // release: who finds the key gone, by this word or by what follows it, sees what this thread did before; and the word names a node.
    return op.get(at.here)->next.compare_exchange_strong(word, dead_word(at.next, at.here), std::memory_order_release,
                                                         std::memory_order_relaxed);
  }

  // ---- Elements ----------------------------------------------------------------------------------------------------------------
  // A node that no other thread knows yet: given back unless it is published.
  class fresh_node {
   public:
    PAWL_HOST_DEVICE explicit fresh_node(operation& op) noexcept : op_(op) {}
    fresh_node(const fresh_node&) = delete;
    fresh_node& operator=(const fresh_node&) = delete;
    PAWL_HOST_DEVICE ~fresh_node() { give_back(); }

    [[nodiscard]] PAWL_HOST_DEVICE link name() const noexcept { return name_; }
    [[nodiscard]] PAWL_HOST_DEVICE node& operator*() const noexcept { return *op_.get(name_); }
    [[nodiscard]] PAWL_HOST_DEVICE bool is_spare() const noexcept { return spare_; }
    /// For one element more. False where a fixed pool is full.
    PAWL_HOST_DEVICE bool to_insert() {
      if (name_ && !spare_) return true;
      give_back();
      spare_ = false;
      name_ = op_.create();
      return static_cast<bool>(name_);
    }
    /// For another value of an element: one beyond a fixed pool's capacity, or, where there is none to spare, one of the capacity.
    PAWL_HOST_DEVICE bool to_replace() {
      if (name_) return true;
      spare_ = true;
      name_ = op_.try_create_spare();
      return name_ || to_insert();
    }
    PAWL_HOST_DEVICE void published() noexcept { name_ = {}; }

   private:
    PAWL_HOST_DEVICE void give_back() noexcept {
      const link unused = std::exchange(name_, link{});
      if (!unused) return;
      if (spare_) {
        op_.discard_spare(unused);
      } else {
        op_.discard(unused);
      }
    }

    operation& op_;
    link name_{};
    bool spare_ = false;
  };

  PAWL_HOST_DEVICE static void construct(node& fresh, const element& made) noexcept {
    // (5) release: pairs with the acquires in walk of a node's order and value. A reader that meets these words in a node of an earlier
    // life sees, by what happened before this life, that the node was unlinked, and that its copy is none.
    backend::thread_fence(std::memory_order_release);
    fresh.value.construct(made);
  }
  // Links a node before `at.here`, where the key was not found.
  PAWL_HOST_DEVICE static bool link_before(const position& at, fresh_node& fresh, const element& made) noexcept {
    link word = live_word(at.here, at.owner);
    // (7) Is `here` alive, now that we have the node? relaxed: whoever had the node before has seen what it was linked before, and that one's
    // unlinked earlier life; that comes with the node, from the pool.
    if (at.before->load(std::memory_order_relaxed) != word) return false;
    construct(*fresh, made);
    // relaxed: published by (1)
    (*fresh).below().store(link{}, std::memory_order_relaxed);
    // (6) relaxed: it comes after the fence of (5), and who finds it here in an earlier life looks back before it follows; others never do.
    (*fresh).next.store(live_word(at.here, fresh.name()), std::memory_order_relaxed);
    // (1) release: publishes the node to (4). acquire: the key may have come and gone since we looked, and the erase that this insert
    // follows happens before it.
    if (!at.before->compare_exchange_strong(word, live_word(fresh.name(), at.owner), std::memory_order_acq_rel,
                                            std::memory_order_relaxed)) {
      return false;
    }
    fresh.published();
    return true;
  }
  // Puts a node in the place of `at.here`, where the key was found.
  PAWL_HOST_DEVICE bool replace(operation& op, position& at, fresh_node& fresh, const element& made) const {
    auto& old_next = op.get(at.here)->next;
    link word = live_word(at.next, at.here);
    if (old_next.load(std::memory_order_relaxed) != word) return false;  // as (7)
    construct(*fresh, made);
    // relaxed: published by (2). For unlink: a node of the capacity takes the place of one, and that one remains of the capacity.
    (*fresh).below().store(fresh.is_spare() ? at.here : link{}, std::memory_order_relaxed);
    (*fresh).next.store(live_word(at.next, fresh.name()), std::memory_order_relaxed);  // as (6)
    const link replacement = fresh.name();
    // (2) release: publishes the node to (4), and tells whoever finds the old element gone what this thread did before
    if (!old_next.compare_exchange_strong(word, dead_word(replacement, at.here), std::memory_order_release,
                                          std::memory_order_relaxed)) {
      return false;
    }
    fresh.published();
    unlink_ended(op, made.order, at, replacement);
    return true;
  }

  template <class Key, class MakeValue, class F>
  PAWL_HOST_DEVICE bool try_insert(Key&& key, MakeValue make, F&& on_found);

  // Memory for buckets, of a pool that the map is not bound to yet: binding fixes the size of the pool's nodes, which must not be where
  // there is no memory for the map then.
  struct new_buckets {
    PAWL_HOST_DEVICE new_buckets(R& nodes, std::size_t expected_elements);
    new_buckets(const new_buckets&) = delete;
    new_buckets& operator=(const new_buckets&) = delete;
    PAWL_HOST_DEVICE ~new_buckets() {
      if (memory != nullptr) pool.deallocate(memory, std::size_t{1} << bits);
    }
    R& pool;
    unsigned bits = 0;
    atomic<link, backend>* memory = nullptr;
  };
  PAWL_HOST_DEVICE pooled_map(new_buckets&& made, const Hash& hash, const KeyEqual& equal)
      : domain_(made.pool), hash_(hash), equal_(equal) {
    take(std::move(made));
  }
  PAWL_HOST_DEVICE void take(new_buckets&& made) noexcept {
    bucket_bits_ = made.bits;
    buckets_ = std::exchange(made.memory, nullptr);
    for (std::size_t b = 0; b < bucket_count(); ++b) std::construct_at(buckets_ + b, live_word(link{}, link{}));
  }

  domain_handle<R, element> domain_;
  atomic<link, backend>* buckets_ = nullptr;
  unsigned bucket_bits_ = 0;
  [[no_unique_address]] Hash hash_;
  [[no_unique_address]] KeyEqual equal_;
  size_cell sizes_[size_cells];
};

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
template <class Begin, class Matches>
PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE inline auto pooled_map<K, V, Hash, KeyEqual, R>::walk(operation& op,
                                                                                          atomic<link, backend>& bucket,
                                                                                          const std::uint64_t& first,
                                                                                          std::uint64_t last, Begin begin,
                                                                                          Matches matches) const -> position {
  position at;
  for (;;) {
    begin();
    at.before = &bucket;
    at.owner = link{};
    at.found = false;
    // (4) acquire, in protect: pairs with (1) and (3), so that the node was constructed before we look at it
    at.here = named_by(op.protect(0, bucket), at.owner);
    for (;;) {
      if (!at.here) return at;
      node& current = *op.get(at.here);
      // (4) acquire: pairs with (1), (2) and (3), as above; and, as the two below, with the fence of (5), so that the look back, below,
      // comes after it
      const link word = current.next.load(std::memory_order_acquire);
      const std::uint64_t order = current.value.acquire_first();
      const bool looks = first <= order && order <= last;
      if (looks) at.present = current.value.acquire_copy();
      // *before was live when it named `here`, and is unchanged: so all the while `here` was linked, and what we read is of that life.
      // relaxed: what is read here was acquired before
      if (at.before->load(std::memory_order_relaxed) != live_word(at.here, at.owner)) break;
      at.next = named_by(word, at.here);
      if (!is_live(word)) {
        if (!unlink(op, at)) break;
        at.here = at.next;
        continue;
      }
      if (order > last) return at;
      if (looks && matches(at.present.value())) {
        at.found = true;
        return at;
      }
      at.before = &current.next;
      at.owner = at.here;
      at.here = at.next;
    }
  }
}

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
template <class Key, class MakeValue, class F>
PAWL_HOST_DEVICE bool pooled_map<K, V, Hash, KeyEqual, R>::try_insert(Key&& key, MakeValue make, F&& on_found) {
  const auto& wanted = as_key(key);
  const std::uint64_t order = order_of(wanted);
  auto op = domain_.template enter<0>();
  std::optional<element> made;
  fresh_node fresh(op);
  for (;;) {
    // Once the key was moved into our element, it is compared there.
    position at = made ? find_key(op, order, made->key) : find_key(op, order, wanted);
    if (at.found) {
      const element present = at.present.value();
      on_found(present.key, present.mapped.value);
      return false;
    }
    if (!made) made.emplace(order, std::forward<Key>(key), make);
    if (!fresh.to_insert()) return false;
    if (link_before(at, fresh, *made)) {
      count(order, 1);
      return true;
    }
  }
}

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
template <class Key, class Value>
PAWL_HOST_DEVICE std::optional<bool> pooled_map<K, V, Hash, KeyEqual, R>::try_insert_or_assign(Key&& key, Value&& value) {
  const std::uint64_t order = order_of(as_key(key));
  auto op = domain_.template enter<0>();
  const element made(order, std::forward<Key>(key), [&value]() -> V { return V(std::forward<Value>(value)); });
  fresh_node fresh(op);
  for (;;) {
    position at = find_key(op, order, made.key);
    if (!(at.found ? fresh.to_replace() : fresh.to_insert())) return {};
    if (!(at.found ? replace(op, at, fresh, made) : link_before(at, fresh, made))) continue;
    if (!at.found) count(order, 1);
    return !at.found;
  }
}

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
template <class Key, class F>
PAWL_HOST_DEVICE std::optional<bool> pooled_map<K, V, Hash, KeyEqual, R>::try_update(const Key& key, F f) {
  const auto& wanted = as_key(key);
  const std::uint64_t order = order_of(wanted);
  auto op = domain_.template enter<0>();
  fresh_node fresh(op);
  for (;;) {
    position at = find_key(op, order, wanted);
    if (!at.found) return false;
    const element present = at.present.value();
    const element made(order, present.key, [&]() -> V { return f(present.mapped.value); });
    if (!fresh.to_replace()) return {};
    if (replace(op, at, fresh, made)) return true;
  }
}

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
template <class Key, class F>
PAWL_HOST_DEVICE std::optional<bool> pooled_map<K, V, Hash, KeyEqual, R>::try_upsert(Key&& key, F f) {
  const auto& wanted = as_key(key);
  const std::uint64_t order = order_of(wanted);
  auto op = domain_.template enter<0>();
  fresh_node fresh(op);
  for (;;) {
    position at = find_key(op, order, wanted);
    std::optional<V> old;
    if (at.found) old.emplace(at.present.value().mapped.value);
    const element made(order, wanted, [&]() -> V { return f(std::as_const(old)); });
    if (!(at.found ? fresh.to_replace() : fresh.to_insert())) return {};
    if (!(at.found ? replace(op, at, fresh, made) : link_before(at, fresh, made))) continue;
    if (!at.found) count(order, 1);
    return !at.found;
  }
}

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
template <class Key, class Predicate>
PAWL_HOST_DEVICE bool pooled_map<K, V, Hash, KeyEqual, R>::erase_if(const Key& key, Predicate pred) {
  const auto& wanted = as_key(key);
  const std::uint64_t order = order_of(wanted);
  auto op = domain_.template enter<0>();
  for (;;) {
    position at = find_key(op, order, wanted);
    if (!at.found) return false;
    const element present = at.present.value();
    if (!pred(present.key, present.mapped.value)) return false;
    if (!end_life(op, at)) continue;
    unlink_ended(op, order, at, at.next);
    count(order, -1);
    return true;
  }
}

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
PAWL_HOST_DEVICE void pooled_map<K, V, Hash, KeyEqual, R>::clear() {
  auto op = domain_.template enter<0>();
  std::uint64_t order = 0;
  for (std::size_t b = 0; b < bucket_count();) {
    position at = walk(op, buckets_[b], order, last_order, []() noexcept {}, [](const element&) noexcept { return true; });
    if (!at.found) {
      ++b;
      continue;
    }
    order = at.present.value().order;
    if (!end_life(op, at)) continue;
    unlink_ended(op, order, at, at.next);
    count(order, -1);
  }
}

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
template <class Key, class F>
PAWL_HOST_DEVICE bool pooled_map<K, V, Hash, KeyEqual, R>::visit(const Key& key, F f) const {
  const auto& wanted = as_key(key);
  const std::uint64_t order = order_of(wanted);
  auto op = domain_.template enter<0>();
  const position at = find_key(op, order, wanted);
  if (!at.found) return false;
  const element present = at.present.value();
  f(present.key, present.mapped.value);
  return true;
}

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
template <class F>
PAWL_HOST_DEVICE void pooled_map<K, V, Hash, KeyEqual, R>::visit_all(F f) const {
  auto op = domain_.template enter<0>();
  std::uint64_t order = 0;
  std::size_t visited = 0;  // elements of that order
  std::size_t passed = 0;  // of them, since walk began anew
  for (std::size_t b = 0; b < bucket_count(); ++b) {
    walk(
        op, buckets_[b], order, last_order, [&passed]() noexcept { passed = 0; },
        [&](const element& each) {
          if (each.order > order) {
            order = each.order;
            visited = 0;
            passed = 0;
          }
          if (passed++ < visited) return false;
          ++visited;
          f(each.key, each.mapped.value);
          return false;
        });
  }
}

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
[[gnu::cold]] PAWL_HOST_DEVICE pooled_map<K, V, Hash, KeyEqual, R>::new_buckets::new_buckets(R& nodes,
                                                                                             std::size_t expected_elements)
    : pool(nodes) {
  std::size_t wanted = expected_elements != 0 ? expected_elements : std::size_t{1} << env::tuning.bucket_piece_bits;
  if (nodes.is_fixed() && (expected_elements == 0 || expected_elements > nodes.capacity())) wanted = nodes.capacity();
  while (bits < max_bits && std::size_t{1} << bits < wanted) ++bits;
  memory = nodes.template allocate<atomic<link, backend>>(std::size_t{1} << bits);
}

template <class K, class V, class Hash, class KeyEqual, is_reclaimer R>
PAWL_HOST_DEVICE pooled_map<K, V, Hash, KeyEqual, R>::~pooled_map() {
  auto op = domain_.enter_last();
  for (std::size_t b = 0; b < bucket_count(); ++b) {
    link owner{};
    link here = named_by(buckets_[b].load(std::memory_order_relaxed), owner);
    while (here) {
      owner = here;
      here = named_by(op.get(owner)->next.load(std::memory_order_relaxed), owner);
      op.discard(owner);
    }
    std::destroy_at(buckets_ + b);
  }
  domain_.domain().deallocate(buckets_, bucket_count());
}

}  // namespace pawl::inline v0::detail

PAWL_HOST_DEVICE_END
