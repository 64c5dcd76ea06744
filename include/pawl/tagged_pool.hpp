// SPDX-License-Identifier: BSL-1.0
// A pool of nodes that are never unmapped while it lives, named by tagged indices: a reader needs no protection at all, since reading a
// node that was taken back and used again is harmless, and the tag makes the compare-and-swap that relied on it fail. (The tag: IBM
// System/370 Principles of Operation; the free list as a stack: R. K. Treiber, IBM RJ 5118, 1986; type-stable memory: M. Greenwald and
// D. Cheriton, "The Synergy between Non-Blocking Synchronization and Operating System Structure", OSDI 1996.)
//
// A link is 64 bits: a 31-bit index, a mark, and a 32-bit tag that counts the changes of the word that holds it. So an 8-byte
// compare-and-swap is enough on every machine. The tag comes round after 2^32 changes of one word: a thread must be stalled between its
// load and its compare-and-swap for 43 seconds at 100 million changes a second, and wake up when the word holds the very index that it
// saw and the very tag: one moment in 2^32.
//
// | growing: tagged_pool()  | takes blocks from the system, each as large as all before, and keeps them until it goes. Each thread has
// |                         | up to 2 * tuning.cache_size free nodes at hand and moves them in chains, so the shared list is rarely
// |                         | touched, and nodes freed by one thread reach another
// | fixed: tagged_pool(n)   | takes its memory when the first container binds, and never again. No caches: it is full only when n
// |                         | values are in it
//
// T is trivially copyable: values are kept in words that are read and written atomically, because a stalled reader may look at a node
// that is being used again. All operations are lock-free; growing calls the allocator.
#pragma once

#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <type_traits>

#include "reclaimer.hpp"

namespace pawl::inline v0 {

namespace detail {

/// Names a node of a pool by its index (zero: none), with a mark and a tag.
class tagged_link {
 public:
  static constexpr bool has_tag = true;

  constexpr tagged_link() noexcept = default;
  explicit constexpr tagged_link(std::uint32_t index) noexcept : bits_(std::uint64_t{index} << 1U) {}

  [[nodiscard]] constexpr std::uint32_t index() const noexcept { return static_cast<std::uint32_t>(bits_) >> 1U; }
  explicit constexpr operator bool() const noexcept { return index() != 0; }
  [[nodiscard]] constexpr bool same_node(tagged_link other) const noexcept { return index() == other.index(); }
  [[nodiscard]] constexpr bool marked() const noexcept { return (bits_ & 1U) != 0; }
  [[nodiscard]] constexpr tagged_link with_mark(bool mark) const noexcept {
    return tagged_link((bits_ & ~std::uint64_t{1}) | (mark ? 1U : 0U), raw{});
  }
  /// What to store over `old` to name the same node as this.
  [[nodiscard]] constexpr tagged_link replacing(tagged_link old) const noexcept {
    const std::uint64_t next_tag = (old.bits_ >> 32U) + 1;
    return tagged_link((next_tag << 32U) | static_cast<std::uint32_t>(bits_), raw{});
  }

  friend constexpr bool operator==(tagged_link, tagged_link) noexcept = default;

 private:
  struct raw {};
  constexpr tagged_link(std::uint64_t bits, raw) noexcept : bits_(bits) {}
  std::uint64_t bits_ = 0;
};

/// What every node of a pool begins with, whatever it holds. It stays constructed as long as the pool lives: a stalled reader may look.
template <class B>
struct pool_slot {
  atomic<std::uint32_t, B> next_free{0};   // in a chain of free nodes
  atomic<std::uint32_t, B> next_chain{0};  // in the list of chains, for a chain's first node
  atomic<tagged_link, B> next{};           // the container's
};

/// A T as atomic words. relaxed throughout: the container's links publish a value, and a reader that may have met a reused node
/// validates what it copied by the tag of the link that it came by.
template <class T, class B>
class word_value {
  static_assert(std::is_trivially_copyable_v<T>,
                "tagged_pool: T must be trivially copyable, since readers copy it word by word while it may be overwritten; take "
                "hazard_pointers<> for other types");

 public:
  static constexpr std::size_t size = (sizeof(T) + 7) / 8;

  template <class... Args>
  void construct(Args&&... args) {
    const T value(std::forward<Args>(args)...);
    std::uint64_t copied[size]{};
    std::memcpy(copied, std::addressof(value), sizeof(T));
    for (std::size_t i = 0; i < size; ++i) words_[i].store(copied[i], std::memory_order_relaxed);
  }
  [[nodiscard]] T copy() const noexcept {
    std::uint64_t copied[size];
    for (std::size_t i = 0; i < size; ++i) copied[i] = words_[i].load(std::memory_order_relaxed);
    struct bytes {
      std::byte all[sizeof(T)];
    } exact;
    std::memcpy(&exact, copied, sizeof(T));
    return __builtin_bit_cast(T, exact);
  }
  [[nodiscard]] T take() const noexcept { return copy(); }
  void destroy() const noexcept {}

 private:
  atomic<std::uint64_t, B> words_[size];
};

}  // namespace detail

/// A pool, and the reclaimer of containers over it. The first container bound to it fixes the node's size; one whose T doesn't fit
/// throws std::invalid_argument. It outlives its containers (asserted). A container given no pool has a growing one of its own.
template <class B = native>
class tagged_pool {
  using env = environment<B>;
  using slot = detail::pool_slot<B>;
  using word = atomic<std::uint64_t, B>;
  using index = std::uint32_t;
  static_assert(sizeof(slot) == 16 && sizeof(word) == 8);

 public:
  using backend_type = B;
  static constexpr bool reads_may_tear = true;
  static constexpr std::size_t max_capacity = (std::size_t{1} << 31U) - 2 - 64;
  /// Queues that can be bound to one fixed pool at a time.
  static constexpr std::size_t max_queues = 64;

  template <class T>
  using link = detail::tagged_link;
  template <class T>
  struct node : slot {
    detail::word_value<T, B> value;
  };
  template <class T, std::size_t N>
  class operation;

  /// A growing pool. Allocates nothing large before the first element.
  tagged_pool() = default;
  /// A fixed pool of `capacity` values. Throws std::invalid_argument above max_capacity.
  explicit tagged_pool(std::size_t capacity) : capacity_(static_cast<index>(capacity)), fixed_(true), fresh_(1) {
    if (capacity > max_capacity) detail::fail<std::invalid_argument>("tagged_pool: more than max_capacity nodes");
  }
  tagged_pool(const tagged_pool&) = delete;
  tagged_pool& operator=(const tagged_pool&) = delete;
  ~tagged_pool();

  [[nodiscard]] bool is_fixed() const noexcept { return fixed_; }

  // The reclaimer's part; see reclaimer.hpp.
  template <class T>
  void bind() {
    static_assert(alignof(T) <= 16, "tagged_pool: T must not be aligned to more than 16 bytes");
    bind_size(sizeof(slot) + sizeof(word) * detail::word_value<T, B>::size);
  }
  void unbind() noexcept { bound_.fetch_sub(1, std::memory_order_relaxed); }
  template <class T, std::size_t N>
  operation<T, N> enter() {
    return operation<T, N>(*this, fixed_ ? nullptr : &this_thread());
  }

 private:
  // Free nodes of one thread: a chain in use, and perhaps a full one. So a thread on the border between the two moves a chain only
  // once per cache_size operations, whichever way it goes.
  struct alignas(cache_line) thread_cache {
    index first = 0;
    std::uint32_t count = 0;
    index full = 0;
  };
  static constexpr std::uint32_t chain = env::tuning.cache_size;
  static_assert(std::has_single_bit(chain) && chain <= 64, "a chain must not cross the border of two blocks");
  // Blocks of 64, 64, 128, 256, ...: block k holds the indices of bit width k, the first one all below 64.
  static constexpr unsigned first_width = 6;
  static constexpr unsigned widths = 32;

  thread_cache& this_thread() {
    return caches_.get([] {
      return std::construct_at(static_cast<thread_cache*>(env::allocate(sizeof(thread_cache), alignof(thread_cache))));
    });
  }

  [[nodiscard]] slot& at(index i) const noexcept {
    // relaxed: i came by an acquire from whoever stored the offset first, and it never changes
    const std::uintptr_t base = offsets_[std::bit_width(i)].load(std::memory_order_relaxed);
    const std::uintptr_t bytes = slot_bytes_.load(std::memory_order_relaxed);
    return *reinterpret_cast<slot*>(reinterpret_cast<std::uintptr_t>(this) + base + i * bytes);
  }

  void bind_size(std::size_t bytes);
  void add_block(unsigned width);
  [[nodiscard]] std::size_t block_size(unsigned width) const noexcept {
    if (fixed_) return std::size_t{capacity_} + max_queues + 1;
    return std::size_t{1} << (width <= first_width ? first_width : width - 1);
  }
  [[nodiscard]] index first_fresh() const noexcept { return fixed_ ? 1 : chain; }  // zero names no node, so its chain stays unused
  void construct_slot(index i) noexcept;
  void destroy_slot(index i) noexcept;

  // A shared list of chains: a Treiber stack. `next_chain` of a chain's first node links them.
  void push_chain(atomic<detail::tagged_link, B>& list, index first) noexcept {
    detail::tagged_link head = list.load(std::memory_order_relaxed);
    do {
      at(first).next_chain.store(head.index(), std::memory_order_relaxed);
      // (1) release: publishes the links inside the chain to (2)
    } while (!list.compare_exchange_weak(head, detail::tagged_link(first).replacing(head), std::memory_order_release,
                                         std::memory_order_relaxed));
  }
  index pop_chain(atomic<detail::tagged_link, B>& list) noexcept {
    // (2) acquire: pairs with (1), also where other pops came between: each is a read-modify-write and so carries the release on
    detail::tagged_link head = list.load(std::memory_order_acquire);
    while (head) {
      // May be another life of that node already; then the tag has changed.
      const detail::tagged_link next(at(head.index()).next_chain.load(std::memory_order_relaxed));
      // relaxed on success: what we need was acquired with the same value of head
      if (list.compare_exchange_weak(head, next.replacing(head), std::memory_order_relaxed, std::memory_order_acquire)) break;
    }
    return head.index();
  }
  index fresh(std::uint32_t count, index limit);

  index take(thread_cache* cache);
  void refill(thread_cache& cache);
  void give_back(thread_cache* cache, index freed) noexcept;
  void spill(thread_cache& cache) noexcept;
  index take_spare();

  // Read by all, written rarely. Offsets from `this`, so that a pool and its block can be mapped anywhere.
  mutable atomic<std::uintptr_t, B> offsets_[widths];
  atomic<std::uintptr_t, B> slot_bytes_{0};
  index capacity_ = 0;
  bool fixed_ = false;
  typename env::template per_thread<thread_cache> caches_;

  alignas(cache_line) atomic<detail::tagged_link, B> depot_{};  // free: chains, or single nodes of a fixed pool
  alignas(cache_line) atomic<index, B> fresh_{chain};       // the lowest index never used
  atomic<index, B> fresh_spare_{0};                             // of a fixed pool: dummies made so far
  atomic<detail::tagged_link, B> spares_{};                     // of a fixed pool: free dummies
  atomic<std::size_t, B> bound_{0};
  atomic<std::byte*, B> blocks_[widths];  // to free them, by the process that made them
};

template <class B>
template <class T, std::size_t N>
class tagged_pool<B>::operation {
  using node_type = node<T>;
  using link_type = detail::tagged_link;

 public:
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;

  link_type protect(std::size_t, const atomic<link_type, B>& source) noexcept {
    // acquire: pairs with the container's release that published the node, so that we read its fields and not those of an earlier life
    return source.load(std::memory_order_acquire);
  }
  node_type* get(link_type l) const noexcept {
    // A node<T> is laid over what the pool constructed: a slot, then words.
    return static_cast<node_type*>(&pool_.at(l.index()));
  }

  link_type create() { return link_type(pool_.take(cache_)); }
  link_type create_spare() { return pool_.is_fixed() ? link_type(pool_.take_spare()) : create(); }
  void discard(link_type l) noexcept { pool_.give_back(cache_, l.index()); }
  void discard_spare(link_type l) noexcept {
    if (pool_.is_fixed()) {
      pool_.push_chain(pool_.spares_, l.index());
    } else {
      discard(l);
    }
  }
  void retire(link_type l) noexcept { discard(l); }

 private:
  friend class tagged_pool;
  operation(tagged_pool& pool, thread_cache* cache) noexcept : pool_(pool), cache_(cache) {}

  tagged_pool& pool_;
  thread_cache* cache_;
};

template <class B>
void tagged_pool<B>::bind_size(std::size_t bytes) {
  std::uintptr_t fixed_size = 0;
  // relaxed: the size is all that is passed on
  if (!slot_bytes_.compare_exchange_strong(fixed_size, bytes, std::memory_order_relaxed, std::memory_order_relaxed) &&
      bytes > fixed_size) {
    detail::fail<std::invalid_argument>("tagged_pool: the pool's first container fixed a node's size, and this one needs more");
  }
  if (fixed_) add_block(0);
  bound_.fetch_add(1, std::memory_order_relaxed);
}

/// Takes the block that holds the indices of this bit width, unless another thread was faster. Throws std::bad_alloc before any effect.
template <class B>
[[gnu::cold]] void tagged_pool<B>::add_block(unsigned width) {
  const std::size_t bytes = slot_bytes_.load(std::memory_order_relaxed);
  const bool lowest = width <= first_width;
  const std::size_t first_index = lowest ? 0 : std::size_t{1} << (width - 1);
  const std::size_t size = block_size(width);
  atomic<std::byte*, B>& place = blocks_[fixed_ || lowest ? 0 : width];

  std::byte* block = place.load(std::memory_order_acquire);
  if (block == nullptr) {
    auto* const fresh_block = static_cast<std::byte*>(env::allocate(size * bytes, alignof(slot)));
    // (3) acq_rel: whoever finds the other's block takes it as allocated
    if (place.compare_exchange_strong(block, fresh_block, std::memory_order_acq_rel, std::memory_order_acquire)) {
      block = fresh_block;
    } else {
      env::deallocate(fresh_block, size * bytes, alignof(slot));
    }
  }
  const std::uintptr_t offset =
      reinterpret_cast<std::uintptr_t>(block) - reinterpret_cast<std::uintptr_t>(this) - first_index * bytes;
  // (4) release: whoever constructs a slot in the block after (5) does so in allocated memory. Racing threads store the same.
  if (fixed_ || lowest) {
    for (unsigned w = 0; w < (fixed_ ? widths : first_width + 1); ++w) offsets_[w].store(offset, std::memory_order_release);
  } else {
    offsets_[width].store(offset, std::memory_order_release);
  }
}

template <class B>
void tagged_pool<B>::construct_slot(index i) noexcept {
  slot& made = at(i);
  std::construct_at(&made);
  const std::size_t words = (slot_bytes_.load(std::memory_order_relaxed) - sizeof(slot)) / sizeof(word);
  auto* const first = reinterpret_cast<word*>(&made + 1);
  for (std::size_t w = 0; w < words; ++w) std::construct_at(first + w);
}

template <class B>
void tagged_pool<B>::destroy_slot(index i) noexcept {
  slot& ended = at(i);
  const std::size_t words = (slot_bytes_.load(std::memory_order_relaxed) - sizeof(slot)) / sizeof(word);
  auto* const first = reinterpret_cast<word*>(&ended + 1);
  for (std::size_t w = 0; w < words; ++w) std::destroy_at(first + w);
  std::destroy_at(&ended);
}

/// The first of `count` indices never used before, below `limit`, each constructed; zero where there are none. Lock-free but for the
/// allocator.
template <class B>
[[gnu::cold]] auto tagged_pool<B>::fresh(std::uint32_t count, index limit) -> index {
  index first = fresh_.load(std::memory_order_relaxed);
  do {
    if (first >= limit || limit - first < count) return 0;
    const auto width = static_cast<unsigned>(std::bit_width(first));
    // (5) acquire: pairs with (4)
    if (offsets_[width].load(std::memory_order_acquire) == 0) add_block(width);
  } while (!fresh_.compare_exchange_weak(first, first + count, std::memory_order_relaxed, std::memory_order_relaxed));
  for (std::uint32_t i = 0; i < count; ++i) construct_slot(first + i);
  return first;
}

/// An index for the caller alone. Zero where a fixed pool is full; throws std::bad_alloc where memory or indices end.
template <class B>
auto tagged_pool<B>::take(thread_cache* cache) -> index {
  if (cache != nullptr) {
    if (cache->count == 0) [[unlikely]] refill(*cache);
    const index taken = cache->first;
    cache->first = at(taken).next_free.load(std::memory_order_relaxed);
    --cache->count;
    return taken;
  }
  if (const index freed = pop_chain(depot_)) return freed;
  if (const index unused = fresh(1, capacity_ + 1)) return unused;
  // Only now is it sure that none is left unused, and a node may have come back since we looked.
  return pop_chain(depot_);
}

template <class B>
[[gnu::noinline]] void tagged_pool<B>::refill(thread_cache& cache) {
  if (cache.full != 0) {
    cache.first = cache.full;
    cache.full = 0;
  } else if (const index returned = pop_chain(depot_)) {
    cache.first = returned;
  } else {
    const index unused = fresh(chain, index{1} << 31U);
    if (unused == 0) detail::fail<std::bad_alloc>();
    for (std::uint32_t i = 0; i + 1 < chain; ++i) at(unused + i).next_free.store(unused + i + 1, std::memory_order_relaxed);
    cache.first = unused;
  }
  cache.count = chain;
}

template <class B>
void tagged_pool<B>::give_back(thread_cache* cache, index freed) noexcept {
  if (cache == nullptr) {
    push_chain(depot_, freed);
    return;
  }
  if (cache->count == chain) [[unlikely]] spill(*cache);
  at(freed).next_free.store(cache->first, std::memory_order_relaxed);
  cache->first = freed;
  ++cache->count;
}

template <class B>
[[gnu::noinline]] void tagged_pool<B>::spill(thread_cache& cache) noexcept {
  if (cache.full != 0) push_chain(depot_, cache.full);
  cache.full = cache.first;
  cache.first = 0;
  cache.count = 0;
}

/// A node beyond the capacity of a fixed pool. Throws std::invalid_argument where max_queues have theirs.
template <class B>
auto tagged_pool<B>::take_spare() -> index {
  if (const index freed = pop_chain(spares_)) return freed;
  index made = fresh_spare_.load(std::memory_order_relaxed);
  do {
    if (made == max_queues) detail::fail<std::invalid_argument>("tagged_pool: more than max_queues queues on one fixed pool");
  } while (!fresh_spare_.compare_exchange_weak(made, made + 1, std::memory_order_relaxed, std::memory_order_relaxed));
  const index taken = capacity_ + 1 + made;
  construct_slot(taken);
  return taken;
}

template <class B>
tagged_pool<B>::~tagged_pool() {
  assert(bound_.load(std::memory_order_relaxed) == 0 && "a tagged_pool outlives the containers made with it");
  caches_.for_each([](thread_cache& each) noexcept {
    std::destroy_at(&each);
    env::deallocate(&each, sizeof(thread_cache), alignof(thread_cache));
  });
  // No other thread uses the pool.
  if constexpr (env::tracks_atomics) {
    for (index i = first_fresh(); i < fresh_.load(std::memory_order_relaxed); ++i) destroy_slot(i);
    for (index i = 0; i < fresh_spare_.load(std::memory_order_relaxed); ++i) destroy_slot(capacity_ + 1 + i);
  }
  for (unsigned width = 0; width < widths; ++width) {
    std::byte* const block = blocks_[width].load(std::memory_order_relaxed);
    if (block != nullptr) env::deallocate(block, block_size(width) * slot_bytes_.load(std::memory_order_relaxed), alignof(slot));
  }
}

static_assert(is_reclaimer<tagged_pool<>>);

}  // namespace pawl::inline v0
