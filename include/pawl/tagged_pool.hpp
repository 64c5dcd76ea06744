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
// base plus the index, which the processor computes while it loads. The tag comes round after 2^32 lives of one node: a thread must be
// stalled between its load and its compare-and-swap for 43 seconds while that very node lives 100 million times a second, and wake up
// in the very life of 2^32, with the node in the very place.
//
// | growing: tagged_pool()  | takes blocks from the system, each as large as all before, and keeps them until it goes. Each thread has
// |                         | up to 2 * tuning.cache_size free nodes at hand and moves them in chains, so the shared list is rarely
// |                         | touched, and nodes freed by one thread reach another
// | fixed: tagged_pool(n)   | takes its memory when the first container binds, and never again. No caches: it is full when all n nodes
// |                         | are in use, each by a value or by an operation that is between its steps
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

/// Names one life of a node of a pool: its index (zero: no node), a mark, and a tag, the number of the life.
class tagged_link {
 public:
  constexpr tagged_link() noexcept = default;
  /// The first life.
  explicit constexpr tagged_link(std::uint32_t index) noexcept : bits_(std::uint64_t{index} << 1U) {}
  static constexpr tagged_link from_bits(std::uint64_t bits) noexcept {
    tagged_link made;
    made.bits_ = bits;
    return made;
  }

  [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return bits_; }
  [[nodiscard]] constexpr std::uint32_t index() const noexcept { return static_cast<std::uint32_t>(bits_) >> 1U; }
  /// Twice the index, which is cheaper to have. Not of a marked link.
  [[nodiscard]] constexpr std::uint32_t twice_index() const noexcept { return static_cast<std::uint32_t>(bits_); }
  explicit constexpr operator bool() const noexcept { return index() != 0; }
  [[nodiscard]] constexpr bool same_node(tagged_link other) const noexcept { return index() == other.index(); }
  [[nodiscard]] constexpr bool marked() const noexcept { return (bits_ & 1U) != 0; }
  [[nodiscard]] constexpr tagged_link with_mark(bool mark) const noexcept {
    return from_bits((bits_ & ~std::uint64_t{1}) | (mark ? 1U : 0U));
  }
  /// What the node of this link holds as `next` while it is the last of a list. Names no node, and is of this life alone. (Marked: so it
  /// isn't what a list that ends in link{} holds, either.)
  [[nodiscard]] constexpr tagged_link terminator() const noexcept { return from_bits((bits_ & ~lower) | 1U); }
  /// The same node's next life.
  [[nodiscard]] constexpr tagged_link reborn() const noexcept { return from_bits(bits_ + lower + 1); }

  friend constexpr bool operator==(tagged_link, tagged_link) noexcept = default;

 private:
  static constexpr std::uint64_t lower = 0xffffffffU;  // index and mark; above, the tag
  std::uint64_t bits_ = 0;
};

/// What every node of a pool begins with, whatever it holds. It stays constructed as long as the pool lives: a stalled reader may look.
template <class B>
struct pool_slot {
  // A stack's link, or in a chain of free nodes the next one, in its coming life. Nobody follows what it finds here before the node is its.
  atomic<tagged_link, B> next_free{};
  // The link of containers whose readers do follow it, also in a later life of the node: so whatever is stored here was acquired or made
  // by who stores it, with release.
  atomic<tagged_link, B> next{};
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
  void construct(Args&&... args) noexcept(std::is_nothrow_constructible_v<T, Args...>) {
    const T value(std::forward<Args>(args)...);
    std::uint64_t copied[size]{};
    std::memcpy(copied, std::addressof(value), sizeof(T));
    for (std::size_t i = 0; i < size; ++i) words_[i].store(copied[i], std::memory_order_relaxed);
  }
  // Words that may be of no T at all: what another thread was writing, or another container's value.
  struct raw_copy {
    std::uint64_t words[size];
    [[nodiscard]] T value() const noexcept {
      struct bytes {
        std::byte all[sizeof(T)];
      } exact;
      std::memcpy(&exact, words, sizeof(T));
      return __builtin_bit_cast(T, exact);
    }
  };
  [[nodiscard]] raw_copy copy() const noexcept {
    raw_copy copied;
    for (std::size_t i = 0; i < size; ++i) copied.words[i] = words_[i].load(std::memory_order_relaxed);
    return copied;
  }
  [[nodiscard]] T take() const noexcept { return copy().value(); }
  void destroy() const noexcept {}

 private:
  atomic<std::uint64_t, B> words_[size];
};

}  // namespace detail

/// A pool, and the reclaimer of containers over it. The first container bound to it fixes the node's size; one whose T doesn't fit
/// throws std::invalid_argument; one whose constructor fails for want of memory leaves the pool as it was. It outlives its containers (asserted). A container given no pool has a growing one of its own.
template <class B = native>
class tagged_pool {
  using env = environment<B>;
  using slot = detail::pool_slot<B>;
  using word = atomic<std::uint64_t, B>;
  using index = std::uint32_t;
  using name = detail::tagged_link;
  static_assert(sizeof(slot) == 16 && sizeof(word) == 8);

  // Free nodes of one thread: a chain in use, and perhaps a full one. So a thread on the border between the two moves a chain only
  // once per cache_size operations, whichever way it goes.
  struct alignas(cache_line) thread_cache {
    name first;
    std::uint32_t count = 0;
    name full;
    // In a fork's child, of a thread that is not there and may have been changing the chains: they stay unused.
    void lost_thread() noexcept { *this = {}; }
  };

 public:
  using backend_type = B;
  static constexpr bool reads_may_tear = true;
  /// Queues that can be bound to one fixed pool at a time.
  static constexpr std::size_t max_queues = 64;

  template <class T>
  using link = detail::tagged_link;
  template <class T>
  struct node : slot {
    detail::word_value<T, B> value;
    [[nodiscard]] atomic<link<T>, B>& below() noexcept { return this->next_free; }
  };
  template <class T, std::size_t N>
  class operation;

  /// A growing pool. Its first block, of 32 KiB or 33 nodes, comes with the first container.
  tagged_pool() = default;
  /// A fixed pool of `capacity` values. Where they need more than 16 GiB, the first container to bind throws std::invalid_argument.
  explicit tagged_pool(std::size_t capacity) noexcept : fixed_(true), capacity_(capacity) {}
  tagged_pool(const tagged_pool&) = delete;
  tagged_pool& operator=(const tagged_pool&) = delete;
  ~tagged_pool();

  [[nodiscard]] bool is_fixed() const noexcept { return fixed_; }

  // The reclaimer's part; see reclaimer.hpp. Most nodes are in the first block: then nothing but an addition of what a container has at
  // hand stands between a link and its node. Other blocks are found through the pool.
  struct binding {
    typename env::template per_thread<thread_cache>::key caches{};
    std::uintptr_t first_base = 0;
    std::uint64_t twice_first_end = 0;
    bool fixed = false;
  };
  template <class T>
  binding bind() {
    bind_size(sizeof(slot) / sizeof(word) + detail::word_value<T, B>::size);
    return {fixed_ ? decltype(binding::caches){} : caches_.id(),
            reinterpret_cast<std::uintptr_t>(this) + first_offset_.load(std::memory_order_relaxed),
            std::uint64_t{2} * first_end_.load(std::memory_order_relaxed), fixed_};
  }
  void unbind() noexcept { bound_.fetch_sub(1, std::memory_order_relaxed); }
  template <class T, std::size_t N>
  [[gnu::visibility("hidden")]] operation<T, N> enter(const binding& bound) {
    thread_cache* cache = nullptr;
    if (!bound.fixed) {
      cache = env::template per_thread<thread_cache>::find(bound.caches);
      if (cache == nullptr) [[unlikely]]
        cache = &this_thread();
    }
    return operation<T, N>(*this, bound, cache);
  }
  template <class T>
  operation<T, 0> enter_last(const binding& bound) noexcept {
    // Without a cache of its own, a thread that ends a container leaves the nodes to the growing pool's end.
    return operation<T, 0>(*this, bound, fixed_ ? nullptr : detail::attempt([this] { return &this_thread(); }));
  }

 private:
  static constexpr std::uint32_t chain = env::tuning.cache_size;
  static constexpr std::uint64_t end_of_indices = std::uint64_t{1} << 31U;
  static constexpr unsigned widths = 32;

  [[gnu::visibility("hidden")]] thread_cache& this_thread() {
    return caches_.get(
        [] { return std::construct_at(static_cast<thread_cache*>(env::allocate(sizeof(thread_cache), alignof(thread_cache)))); });
  }

  [[nodiscard]] slot& at(index i) const noexcept {
    // relaxed, here and below: i came by an acquire from whoever stored the offset first, and it never changes
    if (i < first_end_.load(std::memory_order_relaxed)) return at_offset(first_offset_.load(std::memory_order_relaxed), i);
    return at_offset(offsets_[std::bit_width(i)].load(std::memory_order_relaxed), i);
  }
  [[gnu::noinline]] slot& at_far(index i) const noexcept { return at(i); }
  [[nodiscard]] slot& at_offset(std::uintptr_t offset, index i) const noexcept {
    return *reinterpret_cast<slot*>(reinterpret_cast<std::uintptr_t>(this) + offset + std::uintptr_t{i} * sizeof(word));
  }

  void bind_size(std::size_t words);
  // Indices below 2^first_width are in the first block: as many as first_block_bits say, or a chain of nodes. The following blocks are as large
  // as all before them: block w holds the indices of bit width w.
  [[nodiscard]] static unsigned first_width(std::uint64_t node_words) noexcept {
    const auto wanted = static_cast<unsigned>(std::bit_width((chain + 1) * node_words));
    return wanted < env::tuning.first_block_bits ? env::tuning.first_block_bits : wanted;
  }
  [[nodiscard]] std::size_t block_words(unsigned width, std::size_t node_words) const noexcept {
    if (fixed_) return (capacity_ + max_queues + 1) * node_words;
    return std::size_t{1} << (width == first_width(node_words) ? width : width - 1);
  }
  [[nodiscard]] unsigned first_block(std::size_t node_words) const noexcept { return fixed_ ? 0 : first_width(node_words); }
  [[nodiscard]] std::byte* allocate_block(unsigned width, std::size_t node_words) const {
    return static_cast<std::byte*>(env::allocate(block_words(width, node_words) * sizeof(word), alignof(slot)));
  }
  void free_block(unsigned width, std::size_t node_words, std::byte* block) const noexcept {
    env::deallocate(block, block_words(width, node_words) * sizeof(word), alignof(slot));
  }
  void install_block(unsigned width, std::size_t node_words, std::byte* made) noexcept;
  void add_block(unsigned width, std::size_t node_words);
  void construct_slot(index i, std::size_t node_words) noexcept;
  void destroy_slots() noexcept;

  // In the list of chains, a chain's first node keeps its successor where a container would have its value: whoever may still read that
  // copies words, and looks whether they were a value. Every node has such a word.
  [[nodiscard]] word& next_chain(name first) const noexcept {
    return *std::launder(reinterpret_cast<word*>(&at(first.index()) + 1));
  }
  // A shared list of chains: a Treiber stack. A chain's first node begins a new life with each push, so a head that comes back is the
  // same chain in front of the same successor.
  void push_chain(atomic<name, B>& list, name last_life) noexcept {
    const name first = last_life.reborn();
    name head = list.load(std::memory_order_relaxed);
    do {
      next_chain(first).store(head.bits(), std::memory_order_relaxed);
      // (1) release: publishes the links inside the chain to (2)
    } while (!list.compare_exchange_weak(head, first, std::memory_order_release, std::memory_order_relaxed));
  }
  name pop_chain(atomic<name, B>& list) noexcept {
    // (2) acquire: pairs with (1), also where other pops came between: each is a read-modify-write and so carries the release on
    name head = list.load(std::memory_order_acquire);
    while (head) {
      // May be another life of that node already, and the word a value; then the compare-and-swap fails.
      const name next = name::from_bits(next_chain(head).load(std::memory_order_relaxed));
      // relaxed would do on success, since the same head was acquired before; but g++ warns of a failure order above the success order
      if (list.compare_exchange_weak(head, next, std::memory_order_acquire, std::memory_order_acquire)) break;
    }
    return head;
  }
  name fresh_chain();
  name fresh_node(atomic<std::size_t, B>& made, std::size_t first, std::size_t count);

  name take_fixed();
  [[gnu::noinline]] void give_back_fixed(name freed) noexcept {
    if (fixed_) push_chain(depot_, freed);
  }
  void refill(thread_cache& cache);
  void spill(thread_cache& cache) noexcept;
  name take_spare();

  // Read by all, written rarely. Offsets from `this`, so that a pool and its block can be mapped anywhere.
  atomic<std::uint32_t, B> first_end_{0};
  atomic<std::uintptr_t, B> first_offset_{0};
  typename env::template per_thread<thread_cache> caches_;
  bool fixed_ = false;
  std::size_t capacity_ = 0;
  atomic<std::size_t, B> node_words_{0};
  atomic<std::uintptr_t, B> offsets_[widths];

  alignas(cache_line) atomic<name, B> depot_{};  // free: chains, or single nodes of a fixed pool
  alignas(cache_line) atomic<index, B> fresh_{0};  // growing: the lowest index never used, or zero before the first
  atomic<std::size_t, B> fresh_nodes_{0};  // fixed: nodes made so far
  atomic<std::size_t, B> fresh_spares_{0};  // fixed: dummies made so far
  atomic<name, B> spares_{};  // fixed: free dummies
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

  PAWL_ALWAYS_INLINE link_type protect(std::size_t, const atomic<link_type, B>& source) noexcept {
    // acquire: pairs with the container's release that published the node, so that we read its fields and not those of an earlier life
    return source.load(std::memory_order_acquire);
  }
  node_type* get(link_type l) const noexcept {
    // A node<T> is laid over what the pool constructed: a slot, then words.
    return static_cast<node_type*>(&at(l));
  }

  link_type create() {
    if (cache_ == nullptr) [[unlikely]]
      return pool_.take_fixed();
    if (cache_->count == 0) [[unlikely]]
      pool_.refill(*cache_);
    const link_type taken = cache_->first;
    cache_->first = at(taken).next_free.load(std::memory_order_relaxed);
    --cache_->count;
    return taken;
  }
  link_type create_spare() { return pool_.is_fixed() ? pool_.take_spare() : create(); }
  void discard(link_type l) noexcept {
    if (cache_ == nullptr) [[unlikely]]
      return pool_.give_back_fixed(l);
    if (cache_->count == chain) [[unlikely]]
      pool_.spill(*cache_);
    at(l).next_free.store(cache_->first, std::memory_order_relaxed);
    cache_->first = l.reborn();
    ++cache_->count;
  }
  void discard_spare(link_type l) noexcept {
    if (pool_.is_fixed()) {
      pool_.push_chain(pool_.spares_, l);
    } else {
      discard(l);
    }
  }
  void retire(link_type l) noexcept { discard(l); }

 private:
  friend class tagged_pool;
  operation(tagged_pool& pool, const binding& bound, thread_cache* cache) noexcept : pool_(pool), bound_(bound), cache_(cache) {}

  slot& at(link_type l) const noexcept {
    const std::uint64_t twice = l.twice_index();  // links to nodes carry no mark
    if (twice < bound_.twice_first_end) [[likely]]
      return *reinterpret_cast<slot*>(bound_.first_base + twice * (sizeof(word) / 2));
    return pool_.at_far(l.index());
  }

  tagged_pool& pool_;
  const binding bound_;  // a copy: the compiler keeps it in registers across the atomic operations
  thread_cache* cache_;
};

template <class B>
void tagged_pool<B>::bind_size(std::size_t words) {
  // relaxed, here and below: the size is all that is passed on
  std::size_t present = node_words_.load(std::memory_order_relaxed);
  if (present == 0) {
    const bool fits = fixed_ ? capacity_ < end_of_indices && block_words(0, words) <= end_of_indices : first_width(words) < widths;
    if (!fits) detail::fail<std::invalid_argument>("tagged_pool: more than 16 GiB of nodes");
    // All that the first container takes comes before the size is fixed: where its memory is short, nothing has happened.
    if (!fixed_) static_cast<void>(this_thread());
    const unsigned width = first_block(words);
    std::byte* const made = allocate_block(width, words);
    if (node_words_.compare_exchange_strong(present, words, std::memory_order_relaxed, std::memory_order_relaxed)) {
      present = words;
      install_block(width, words, made);
    } else {
      free_block(width, words, made);
    }
  }
  if (words > present) {
    detail::fail<std::invalid_argument>("tagged_pool: the pool's first container fixed a node's size, and this one needs more");
  }
  // Another thread may have fixed the size and not yet installed the block.
  add_block(first_block(present), present);
  bound_.fetch_add(1, std::memory_order_relaxed);
}

/// Sees to it that the block is there that holds the indices of this bit width. Throws std::bad_alloc.
template <class B>
[[gnu::cold]] void tagged_pool<B>::add_block(unsigned width, std::size_t node_words) {
  // relaxed: what it finds is handed on and not looked into. Where it is a block, blocks_[width], which changes once, is that block for
  // ever; so install_block's exchange fails on it, and acquires it there.
  std::byte* const present = blocks_[width].load(std::memory_order_relaxed);
  install_block(width, node_words, present != nullptr ? present : allocate_block(width, node_words));
}

/// Installs what allocate_block made, unless another thread was faster: then its block stays, and this one is freed.
template <class B>
void tagged_pool<B>::install_block(unsigned width, std::size_t node_words, std::byte* made) noexcept {
  std::byte* block = nullptr;
  // release, and acquire on failure: whoever finds the other's block takes it as allocated. No acquire on success: it finds null, which
  // is what the pool's constructor left there, since a block is never taken out again; so it would acquire from nobody.
  if (blocks_[width].compare_exchange_strong(block, made, std::memory_order_release, std::memory_order_acquire)) {
    block = made;
  } else if (block != made) {
    free_block(width, node_words, made);
  }
  // Racing threads store the same.
  const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(block) - reinterpret_cast<std::uintptr_t>(this);
  if (width == first_block(node_words)) {
    // relaxed: who comes to use the pool does so through a container, and the thread that bound it has itself been here, for this block,
    // before any other could know the container. So the allocation, made here or acquired above, happens before all use, whoever's store
    // a thread finds.
    first_offset_.store(offset, std::memory_order_relaxed);
    first_end_.store(fixed_ ? ~std::uint32_t{0} : std::uint32_t{1} << width, std::memory_order_relaxed);
  } else {
    // (3) release: whoever constructs a slot in the block after (4) does so in allocated memory
    offsets_[width].store(offset - (std::uintptr_t{1} << (width - 1)) * sizeof(word), std::memory_order_release);
  }
}

template <class B>
void tagged_pool<B>::construct_slot(index i, std::size_t node_words) noexcept {
  slot& made = at(i);
  std::construct_at(&made);
  auto* const words = reinterpret_cast<word*>(&made + 1);
  for (std::size_t w = 0; w < node_words - sizeof(slot) / sizeof(word); ++w) std::construct_at(words + w);
}

/// A chain of nodes never used before. Throws std::bad_alloc where memory or indices end. Lock-free but for the allocator.
template <class B>
[[gnu::cold]] auto tagged_pool<B>::fresh_chain() -> name {
  const std::size_t node_words = node_words_.load(std::memory_order_relaxed);
  const std::uint64_t size = chain * node_words;
  const unsigned lowest = first_width(node_words);
  index unused = fresh_.load(std::memory_order_relaxed);
  std::uint64_t first = 0;
  do {
    first = unused == 0 ? node_words : unused;  // index zero names no node
    auto width = static_cast<unsigned>(std::bit_width(first));
    if (width < lowest) width = lowest;
    if (first + size > std::uint64_t{1} << width) first = std::uint64_t{1} << width++;  // a chain is in one block
    if (width >= widths || first + size >= end_of_indices) detail::fail<std::bad_alloc>();
    // (4) acquire: pairs with (3), for the blocks after the first
    if ((width == lowest ? first_offset_ : offsets_[width]).load(std::memory_order_acquire) == 0) add_block(width, node_words);
  } while (!fresh_.compare_exchange_weak(unused, static_cast<index>(first + size), std::memory_order_relaxed,
                                         std::memory_order_relaxed));
  for (std::uint32_t n = 0; n < chain; ++n) {
    const auto each = static_cast<index>(first + n * node_words);
    construct_slot(each, node_words);
    at(each).next_free.store(name(static_cast<index>(each + node_words)), std::memory_order_relaxed);
  }
  return name(static_cast<index>(first));
}

/// Of a fixed pool's nodes from number `first` on, one never used before; none where `made` has come to `count`. Lock-free.
template <class B>
auto tagged_pool<B>::fresh_node(atomic<std::size_t, B>& made, std::size_t first, std::size_t count) -> name {
  std::size_t n = made.load(std::memory_order_relaxed);
  do {
    if (n == count) return {};
  } while (!made.compare_exchange_weak(n, n + 1, std::memory_order_relaxed, std::memory_order_relaxed));
  const std::size_t node_words = node_words_.load(std::memory_order_relaxed);
  const auto taken = static_cast<index>((first + n) * node_words);
  construct_slot(taken, node_words);
  return name(taken);
}

/// A node of a fixed pool, or none where all are in use.
template <class B>
[[gnu::noinline]] auto tagged_pool<B>::take_fixed() -> name {
  if (const name freed = pop_chain(depot_)) return freed;
  if (const name unused = fresh_node(fresh_nodes_, 1, capacity_)) return unused;
  // Only now is it sure that none is left unused, and a node may have come back since we looked.
  return pop_chain(depot_);
}

/// A node beyond the capacity of a fixed pool. Throws std::invalid_argument where max_queues have theirs.
template <class B>
auto tagged_pool<B>::take_spare() -> name {
  if (const name freed = pop_chain(spares_)) return freed;
  const name made = fresh_node(fresh_spares_, capacity_ + 1, max_queues);
  if (!made) detail::fail<std::invalid_argument>("tagged_pool: more than max_queues queues on one fixed pool");
  return made;
}

template <class B>
[[gnu::noinline]] void tagged_pool<B>::refill(thread_cache& cache) {
  if (cache.full) {
    cache.first = cache.full;
    cache.full = {};
  } else {
    const name returned = pop_chain(depot_);
    cache.first = returned ? returned : fresh_chain();
  }
  cache.count = chain;
}

template <class B>
[[gnu::noinline]] void tagged_pool<B>::spill(thread_cache& cache) noexcept {
  if (cache.full) push_chain(depot_, cache.full);
  cache.full = cache.first;
  cache.first = {};
  cache.count = 0;
}

// For environments that follow the lives of atomics; elsewhere they end with their memory.
template <class B>
void tagged_pool<B>::destroy_slots() noexcept {
  const std::size_t node_words = node_words_.load(std::memory_order_relaxed);
  const auto destroy = [&](std::size_t i) noexcept {
    slot& ended = at(static_cast<index>(i));
    auto* const words = reinterpret_cast<word*>(&ended + 1);
    for (std::size_t w = 0; w < node_words - sizeof(slot) / sizeof(word); ++w) std::destroy_at(words + w);
    std::destroy_at(&ended);
  };
  for (std::size_t n = 0; n < fresh_nodes_.load(std::memory_order_relaxed); ++n) destroy((1 + n) * node_words);
  for (std::size_t n = 0; n < fresh_spares_.load(std::memory_order_relaxed); ++n) destroy((capacity_ + 1 + n) * node_words);
  const std::uint64_t unused = fresh_.load(std::memory_order_relaxed);
  std::uint64_t first = node_words;
  for (unsigned width = first_width(node_words); first < unused; first = std::uint64_t{1} << width++) {
    for (; first < unused && first + chain * node_words <= std::uint64_t{1} << width; first += chain * node_words) {
      for (std::uint32_t n = 0; n < chain; ++n) destroy(first + n * node_words);
    }
  }
}

template <class B>
tagged_pool<B>::~tagged_pool() {
  assert(bound_.load(std::memory_order_relaxed) == 0 && "a tagged_pool outlives the containers made with it");
  // No other thread uses the pool.
  caches_.for_each([](thread_cache& each) noexcept {
    std::destroy_at(&each);
    env::deallocate(&each, sizeof(thread_cache), alignof(thread_cache));
  });
  if constexpr (env::tracks_atomics) destroy_slots();
  const std::size_t node_words = node_words_.load(std::memory_order_relaxed);
  for (unsigned width = 0; width < widths; ++width) {
    std::byte* const block = blocks_[width].load(std::memory_order_relaxed);
    if (block != nullptr) free_block(width, node_words, block);
  }
}

static_assert(is_reclaimer<tagged_pool<>>);

}  // namespace pawl::inline v0
