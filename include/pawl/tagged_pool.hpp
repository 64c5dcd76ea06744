// SPDX-License-Identifier: BSL-1.0
// A pool of nodes that are never unmapped while it lives, named by tagged indices: a reader needs no protection at all, since reading a
// node that was taken back and used again is harmless, and the tag makes the compare-and-swap that relied on it fail. (The tag: IBM
// System/370 Principles of Operation; the free list as a stack: R. K. Treiber, IBM RJ 5118, 1986; type-stable memory: M. Greenwald and
// D. Cheriton, "The Synergy between Non-Blocking Synchronization and Operating System Structure", OSDI 1996.)
//
// A link is 64 bits: a 31-bit index, a mark, and a 32-bit tag that counts the lives of the node: how often it was taken back. So an
// 8-byte compare-and-swap is enough on every machine, and a link names one life of one node: found again in its word, it means what it
// meant before. Since it belongs to the node and not to the word, it is known before the word is read, and nothing is computed between
// a load and its compare-and-swap. The index counts words of 8 bytes, so a pool has up to 16 GiB of nodes, and a node's address is a
// base plus the index, which the processor computes while it loads.
//
// When a tag comes round: a node that is taken back begins its next life (and one life more where it is the first of a chain that goes
// to the shared list), and the tag repeats after 2^32 of them. Free nodes are used last in, first out, so a thread that pushes and pops
// uses one node again and again; what can't be faster than that is a stack's push and pop, by the thread whose cache holds the node:
//
// | a life of one node takes                          | its tag comes round after |
// | 8 ns: one thread pushes and pops, nobody else     | 34 s                      |
// | 100 ns: threads contend                           | 7 minutes                 |
// | 1 us: an element waits for about a hundred others | 72 minutes                |
// | 1 ms                                              | 50 days                   |
//
// A thread must be stalled for that long between the load of a word and its compare-and-swap, while the node lives at that rate and
// nothing but that; and when it goes on, the word must hold that node in just the life of the same number: one in 2^32. Then it takes
// the word for unchanged. To be out of reach of that, take hazard_pointers<>, or tagged<T*> with its 64 bits for lists of your own.
//
// | growing: tagged_pool()  | takes blocks from the allocator, each as large as all before, and keeps them until it goes. Each thread
// |                         | has up to 2 * tuning.cache_size free nodes at hand and moves them in chains, so the shared list is rarely
// |                         | touched, and nodes that one thread frees reach another. So with t threads at one time and n nodes in use
// |                         | at most, it makes no more than n + 2 * t * tuning.cache_size, whoever pushes and whoever pops
// | fixed: tagged_pool(n)   | takes its memory when the first container binds, and never again. No caches
//
// A fixed pool is full when all its n nodes are in use, and only then. In use by a value, or by an operation between two of its steps: a
// push that has a node and has not linked it yet, a pop that has not given its node back yet (push_range and pop_all: all their nodes). So
// try_push may say full while the containers hold fewer than n values, as long as other threads are at such places; alone, never.
//
// T is trivially copyable: values are kept in words that are read and written atomically, because a stalled reader may look at a node
// that is being used again. All operations are lock-free; growing calls the allocator.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <stdexcept>
#include <type_traits>

#include "detail/pool_blocks.hpp"
#include "detail/pool_free_list.hpp"
#include "reclaimer.hpp"

PAWL_HOST_DEVICE_BEGIN

namespace pawl::inline v0 {

/// A pool, and the reclaimer of containers over it, of several at once.
///
/// The first container bound to it fixes the node's size; one whose T doesn't fit throws std::invalid_argument; one whose constructor
/// fails for want of memory leaves the pool as it was. It outlives its containers (asserted). A container given no pool has a growing
/// one of its own. Blocks and caches come from `Alloc`, which threads use concurrently; what it throws, a push or a thread's first
/// operation throws, before any effect. (Which thread has which cache is noted in memory from operator new.)
template <class B = native, class Alloc = std::allocator<std::byte>>
class tagged_pool {
  static_assert(is_environment<environment<B>>,
                "tagged_pool<B>: environment<B> is no environment; see is_environment in environment.hpp for what is missing");
  using env = environment<B>;
  using slot = detail::pool_slot<B>;
  using word = atomic<std::uint64_t, B>;
  using name = detail::tagged_link;
  using blocks = detail::pool_blocks<B, Alloc>;

  // Free nodes of one thread: a chain in use, and perhaps a full one. So a thread on the border between the two moves a chain only
  // once per cache_size operations, whichever way it goes.
  struct alignas(cache_line) thread_cache {
    name first;
    std::uint32_t count = 0;
    name full;
    /// The owner vanished in a fork, in the midst of anything: its nodes, two chains at most, are left alone.
    PAWL_HOST_DEVICE void lost_thread() noexcept { *this = {}; }
  };

 public:
  using backend_type = B;
  using allocator_type = Alloc;
  static constexpr bool reads_may_tear = true;
  /// Queues that can be bound to one fixed pool at a time.
  static constexpr std::size_t max_queues = 64;

  template <class T>
  using link = detail::tagged_link;
  template <class T>
  struct node : slot {
    detail::word_value<T, B> value;
    [[nodiscard]] PAWL_HOST_DEVICE atomic<link<T>, B>& below() noexcept { return this->next_free; }
  };
  template <class T, std::size_t N>
  class operation;

  /// A growing pool. Its first block, of 32 KiB or 33 nodes, comes with the first container.
  PAWL_HOST_DEVICE tagged_pool() : tagged_pool(Alloc()) {}
  /// The same, with its memory from `alloc`.
  PAWL_HOST_DEVICE explicit tagged_pool(const Alloc& alloc) : blocks_(alloc) {}
  /// A fixed pool of `capacity` values. Where they need more than 16 GiB, the first container to bind throws std::invalid_argument.
  PAWL_HOST_DEVICE explicit tagged_pool(std::size_t capacity, const Alloc& alloc = Alloc())
      : blocks_(capacity, max_queues, alloc) {}
  tagged_pool(const tagged_pool&) = delete;
  tagged_pool& operator=(const tagged_pool&) = delete;
  PAWL_HOST_DEVICE ~tagged_pool();

  [[nodiscard]] PAWL_HOST_DEVICE bool is_fixed() const noexcept { return blocks_.is_fixed(); }
  /// Of a fixed pool, how many values it is for; 0 of a growing one.
  [[nodiscard]] PAWL_HOST_DEVICE std::size_t capacity() const noexcept { return blocks_.capacity(); }

  // The reclaimer's part; see reclaimer.hpp. Most nodes are in the first block: then nothing but an addition of what a container has at
  // hand stands between a link and its node. Other blocks are found through the pool.
  struct binding {
    typename env::template per_thread<thread_cache>::key caches{};
    std::uintptr_t first_base = 0;
    std::uint64_t twice_first_end = 0;
    bool fixed = false;
  };
  template <class T>
  PAWL_HOST_DEVICE binding bind() {
    bind_size(sizeof(slot) / sizeof(word) + detail::word_value<T, B>::size);
    return {is_fixed() ? decltype(binding::caches){} : caches_.id(), blocks_.first_base(), std::uint64_t{2} * blocks_.first_end(),
            is_fixed()};
  }
  /// Memory from the pool's allocator, for what a container has beside its nodes. allocate begins no object, and throws std::bad_alloc.
  template <class T>
  PAWL_HOST_DEVICE T* allocate(std::size_t count) {
    return blocks_.memory().template allocate<T>(count);
  }
  template <class T>
  PAWL_HOST_DEVICE void deallocate(T* objects, std::size_t count) noexcept {
    blocks_.memory().deallocate(objects, count);
  }
  PAWL_HOST_DEVICE void unbind() noexcept { bound_.fetch_sub(1, std::memory_order_relaxed); }
  template <class T, std::size_t N>
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE operation<T, N> enter(const binding& bound) {
    thread_cache* cache = nullptr;
    if (!bound.fixed) {
      cache = env::template per_thread<thread_cache>::find(bound.caches);
      if (cache == nullptr) [[unlikely]]
        cache = &this_thread();
    }
    return operation<T, N>(*this, bound, cache);
  }
  template <class T>
  PAWL_HOST_DEVICE operation<T, 0> enter_last(const binding& bound) noexcept {
    // Without a cache of its own, a thread that ends a container leaves the nodes to the growing pool's end.
    return operation<T, 0>(*this, bound, is_fixed() ? nullptr : detail::attempt([this] { return &this_thread(); }));
  }

 private:
  PAWL_HOST_DEVICE thread_cache& this_thread() {
    return caches_.get([this] { return blocks_.memory().template make<thread_cache>(); });
  }

  // All that the first container takes comes before the size is fixed: where memory is short, nothing has happened.
  PAWL_HOST_DEVICE void bind_size(std::size_t words) {
    if (!blocks_.is_fixed() && !blocks_.has_size()) static_cast<void>(this_thread());
    blocks_.fit(words);
    bound_.fetch_add(1, std::memory_order_relaxed);
  }

  PAWL_HOST_DEVICE name take_fixed();
  PAWL_HOST_DEVICE std::size_t take_fixed(name* taken, std::size_t most) noexcept;
  [[gnu::noinline]] PAWL_HOST_DEVICE void give_back_fixed(name freed) noexcept {
    if (blocks_.is_fixed()) free_.push(blocks_, freed);
  }
  PAWL_HOST_DEVICE void refill(thread_cache& cache);
  PAWL_HOST_DEVICE void spill(thread_cache& cache) noexcept;
  PAWL_HOST_DEVICE name take_spare() noexcept;

  blocks blocks_;
  typename env::template per_thread<thread_cache> caches_;
  alignas(cache_line) detail::pool_free_list<B, detail::free_nodes::chains> depot_;  // growing
  alignas(cache_line) detail::pool_free_list<B, detail::free_nodes::single> free_;  // fixed
  alignas(cache_line) detail::pool_free_list<B, detail::free_nodes::single> spares_;  // fixed: dummies
  atomic<std::size_t, B> bound_{0};
};

template <class B, class Alloc>
template <class T, std::size_t N>
class tagged_pool<B, Alloc>::operation {
  using node_type = node<T>;
  using link_type = detail::tagged_link;

 public:
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;

  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE link_type protect(std::size_t, const atomic<link_type, B>& source) noexcept {
    // acquire: pairs with the container's release that published the node, so that we read its fields and not those of an earlier life
    return source.load(std::memory_order_acquire);
  }
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE node_type* get(link_type l) const noexcept {
    // A node<T> is laid over what the pool constructed: a slot, then words.
    return static_cast<node_type*>(&at(l));
  }

  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE link_type create() {
    if (cache_ == nullptr) [[unlikely]]
      return pool_.take_fixed();
    if (cache_->count == 0) [[unlikely]]
      pool_.refill(*cache_);
    const link_type taken = cache_->first;
    cache_->first = at(taken).next_free.load(std::memory_order_relaxed);
    --cache_->count;
    return taken;
  }
  PAWL_HOST_DEVICE link_type create_spare() {
    const link_type taken = try_create_spare();
    if (!taken) detail::fail<std::invalid_argument>("tagged_pool: more than max_queues queues on one fixed pool");
    return taken;
  }
  PAWL_HOST_DEVICE link_type try_create_spare() { return pool_.is_fixed() ? pool_.take_spare() : create(); }
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE void discard(link_type l) noexcept {
    if (cache_ == nullptr) [[unlikely]]
      return pool_.give_back_fixed(l);
    if (cache_->count == blocks::chain) [[unlikely]]
      pool_.spill(*cache_);
    at(l).next_free.store(cache_->first, std::memory_order_relaxed);
    cache_->first = l.reborn();
    ++cache_->count;
  }
  PAWL_HOST_DEVICE void discard_spare(link_type l) noexcept {
    if (pool_.is_fixed()) {
      pool_.spares_.push(pool_.blocks_, l);
    } else {
      discard(l);
    }
  }
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE void retire(link_type l) noexcept { discard(l); }

  // Several nodes of a fixed pool at once: see detail/several.hpp.
  PAWL_HOST_DEVICE std::size_t create_several(link_type* taken, std::size_t most) noexcept {
    assert(pool_.is_fixed() && "several nodes at once are of a fixed pool");
    return pool_.take_fixed(taken, most);
  }
  /// Of nodes that nobody else can reach, and whose values were taken: `after` is to be given back with `l`, behind it.
  PAWL_HOST_DEVICE void link_freed(link_type l, link_type after) noexcept {
    // release: pairs with the acquire in follow_top, by who may still be at this node in a stack
    at(l).next_free.store(after.reborn(), std::memory_order_release);
  }
  PAWL_HOST_DEVICE void discard_linked(link_type first, link_type last) noexcept {
    pool_.free_.push(pool_.blocks_, first.reborn(), last.reborn());
  }

 private:
  friend class tagged_pool;
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE operation(tagged_pool& pool, const binding& bound, thread_cache* cache) noexcept
      : pool_(pool), bound_(bound), cache_(cache) {}

  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE slot& at(link_type l) const noexcept {
    assert(!l.marked() && "links to nodes carry no mark");
    const std::uint64_t twice = l.twice_index();
    if (twice < bound_.twice_first_end) [[likely]]
      return *reinterpret_cast<slot*>(bound_.first_base + twice * (sizeof(word) / 2));
    return pool_.blocks_.at_far(l.index());
  }

  tagged_pool& pool_;
  const binding bound_;  // a copy: the compiler keeps it in registers across the atomic operations
  thread_cache* cache_;
};

/// Up to `most` nodes of a fixed pool, and how many: fewer where all others are in use.
template <class B, class Alloc>
PAWL_HOST_DEVICE inline std::size_t tagged_pool<B, Alloc>::take_fixed(name* taken, std::size_t most) noexcept {
  std::size_t count = free_.pop(blocks_, taken, most);
  if (count < most) count += blocks_.fresh_nodes(taken + count, most - count);
  // Only now is it sure that none is left unused, and nodes may have come back since we looked.
  if (count < most) count += free_.pop(blocks_, taken + count, most - count);
  return count;
}

/// A node of a fixed pool, or none where all are in use.
template <class B, class Alloc>
[[gnu::noinline]] PAWL_HOST_DEVICE auto tagged_pool<B, Alloc>::take_fixed() -> name {
  name taken;
  take_fixed(&taken, 1);
  return taken;
}

/// A node beyond the capacity of a fixed pool, or none where max_queues of them are in use.
template <class B, class Alloc>
PAWL_HOST_DEVICE auto tagged_pool<B, Alloc>::take_spare() noexcept -> name {
  if (const name freed = spares_.pop(blocks_)) return freed;
  if (const name unused = blocks_.fresh_spare()) return unused;
  return spares_.pop(blocks_);  // as in take_fixed
}

template <class B, class Alloc>
[[gnu::noinline]] PAWL_HOST_DEVICE void tagged_pool<B, Alloc>::refill(thread_cache& cache) {
  if (cache.full) {
    cache.first = cache.full;
    cache.full = {};
  } else {
    const name returned = depot_.pop(blocks_);
    cache.first = returned ? returned : blocks_.fresh_chain();
  }
  cache.count = blocks::chain;
}

template <class B, class Alloc>
[[gnu::noinline]] PAWL_HOST_DEVICE void tagged_pool<B, Alloc>::spill(thread_cache& cache) noexcept {
  if (cache.full) {
    depot_.push(blocks_, cache.full);
  }
  cache.full = cache.first;
  cache.first = {};
  cache.count = 0;
}

template <class B, class Alloc>
PAWL_HOST_DEVICE tagged_pool<B, Alloc>::~tagged_pool() {
  assert(bound_.load(std::memory_order_relaxed) == 0 && "a tagged_pool outlives the containers made with it");
  // No other thread uses the pool.
  caches_.for_each([this](thread_cache& each) noexcept { blocks_.memory().unmake(&each); });
}

static_assert(is_reclaimer<tagged_pool<>>);

}  // namespace pawl::inline v0

PAWL_HOST_DEVICE_END
