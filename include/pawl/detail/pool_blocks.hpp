// SPDX-License-Identifier: BSL-1.0
// Where a pool's nodes are: the blocks of memory, the way from an index to an address, and the nodes that were never used before.
//
// An index counts words of 8 bytes. A growing pool's first block holds the indices below a power of two, each further one as many as
// all before it: block w those of bit width w. A fixed pool has one block.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <stdexcept>

#include "domain_memory.hpp"
#include "fail.hpp"
#include "pool_node.hpp"

PAWL_HOST_DEVICE_BEGIN

namespace pawl::inline v0::detail {

template <class B, class Alloc>
class pool_blocks {
  using env = environment<B>;
  using slot = pool_slot<B>;
  using name = tagged_link;

 public:
  using word = atomic<std::uint64_t, B>;
  using index = std::uint32_t;
  static_assert(sizeof(slot) == 16 && sizeof(word) == 8 && alignof(slot) == alignof(word));
  /// Nodes that a growing pool makes at once.
  static constexpr std::uint32_t chain = env::tuning.cache_size;

  /// Growing.
  PAWL_HOST_DEVICE explicit pool_blocks(const Alloc& alloc) : memory_(alloc) {}
  /// For `capacity` nodes and `spares` more.
  PAWL_HOST_DEVICE pool_blocks(std::size_t capacity, std::size_t spares, const Alloc& alloc)
      : fixed_(true), capacity_(capacity), spares_(spares), memory_(alloc) {}
  pool_blocks(const pool_blocks&) = delete;
  pool_blocks& operator=(const pool_blocks&) = delete;
  /// No other thread uses the pool.
  PAWL_HOST_DEVICE ~pool_blocks();

  [[nodiscard]] PAWL_HOST_DEVICE bool is_fixed() const noexcept { return fixed_; }
  [[nodiscard]] PAWL_HOST_DEVICE std::size_t capacity() const noexcept { return capacity_; }
  /// Whether a first container has fixed the size of the nodes.
  [[nodiscard]] PAWL_HOST_DEVICE bool has_size() const noexcept { return node_words_.load(std::memory_order_relaxed) != 0; }
  /// All of the pool's memory is from here.
  [[nodiscard]] PAWL_HOST_DEVICE domain_memory<B, Alloc>& memory() noexcept { return memory_; }

  /// A container needs nodes of so many words: the first fixes the size, and gets the first block. Throws std::invalid_argument where
  /// that is too small or the block too large, and std::bad_alloc.
  PAWL_HOST_DEVICE void fit(std::size_t words);

  /// What to add to eight times an index below first_end() for the node's address. Both stand once a container is bound.
  [[nodiscard]] PAWL_HOST_DEVICE std::uintptr_t first_base() const noexcept {
    return reinterpret_cast<std::uintptr_t>(this) + first_offset_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] PAWL_HOST_DEVICE std::uint32_t first_end() const noexcept { return first_end_.load(std::memory_order_relaxed); }
  [[nodiscard]] PAWL_HOST_DEVICE slot& at(index i) const noexcept {
    // relaxed, here and below: i came by an acquire from whoever stored the offset first, and it never changes
    if (i < first_end_.load(std::memory_order_relaxed)) return at_offset(first_offset_.load(std::memory_order_relaxed), i);
    return at_offset(offsets_[std::bit_width(i)].load(std::memory_order_relaxed), i);
  }
  [[gnu::noinline]] PAWL_HOST_DEVICE slot& at_far(index i) const noexcept { return at(i); }
  /// The words of a node behind its slot.
  [[nodiscard]] PAWL_HOST_DEVICE word* words_of(index i) const noexcept {
    return std::launder(reinterpret_cast<word*>(&at(i) + 1));
  }

  PAWL_HOST_DEVICE name fresh_chain();
  /// Of a fixed pool, up to `most` nodes never used before, by one compare-and-swap; how many. Lock-free.
  PAWL_HOST_DEVICE std::size_t fresh_nodes(name* taken, std::size_t most) noexcept {
    return fresh(fresh_nodes_, 1, capacity_, taken, most);
  }
  /// One beyond the capacity, or none.
  PAWL_HOST_DEVICE name fresh_spare() noexcept {
    name taken;
    fresh(fresh_spares_, capacity_ + 1, spares_, &taken, 1);
    return taken;
  }

 private:
  static constexpr std::uint64_t end_of_indices = std::uint64_t{1} << 31U;
  static constexpr unsigned widths = 32;

  [[nodiscard]] PAWL_HOST_DEVICE slot& at_offset(std::uintptr_t offset, index i) const noexcept {
    return *reinterpret_cast<slot*>(reinterpret_cast<std::uintptr_t>(this) + offset + std::uintptr_t{i} * sizeof(word));
  }
  // Indices below 2^first_width are in the first block: as many as first_block_bits say, or a chain of nodes.
  [[nodiscard]] PAWL_HOST_DEVICE static unsigned first_width(std::uint64_t node_words) noexcept {
    const auto wanted = static_cast<unsigned>(std::bit_width((chain + 1) * node_words));
    return wanted < env::tuning.first_block_bits ? env::tuning.first_block_bits : wanted;
  }
  [[nodiscard]] PAWL_HOST_DEVICE std::size_t block_words(unsigned width, std::size_t node_words) const noexcept {
    if (fixed_) return (capacity_ + spares_ + 1) * node_words;
    return std::size_t{1} << (width == first_width(node_words) ? width : width - 1);
  }
  [[nodiscard]] PAWL_HOST_DEVICE unsigned first_block(std::size_t node_words) const noexcept {
    return fixed_ ? 0 : first_width(node_words);
  }
  [[nodiscard]] PAWL_HOST_DEVICE word* allocate_block(unsigned width, std::size_t node_words) {
    return memory_.template allocate<word>(block_words(width, node_words));
  }
  PAWL_HOST_DEVICE void free_block(unsigned width, std::size_t node_words, word* block) noexcept {
    memory_.deallocate(block, block_words(width, node_words));
  }
  PAWL_HOST_DEVICE void install_block(unsigned width, std::size_t node_words, word* made) noexcept;
  PAWL_HOST_DEVICE void add_block(unsigned width, std::size_t node_words);
  PAWL_HOST_DEVICE void construct_slot(index i, std::size_t node_words) noexcept;
  PAWL_HOST_DEVICE void destroy_slots() noexcept;
  PAWL_HOST_DEVICE std::size_t fresh(atomic<std::size_t, B>& made, std::size_t first, std::size_t count, name* taken,
                                     std::size_t most) noexcept;

  // Read by all, written rarely. Offsets from `this`, so that a pool and its block can be mapped anywhere.
  atomic<std::uint32_t, B> first_end_{0};
  atomic<std::uintptr_t, B> first_offset_{0};
  const bool fixed_ = false;
  const std::size_t capacity_ = 0;
  const std::size_t spares_ = 0;
  atomic<std::size_t, B> node_words_{0};
  atomic<std::uintptr_t, B> offsets_[widths];
  atomic<word*, B> blocks_[widths];  // to free them, by the process that made them
  [[no_unique_address]] domain_memory<B, Alloc> memory_;

  alignas(cache_line) atomic<index, B> fresh_{0};  // growing: the lowest index never used, or zero before the first
  atomic<std::size_t, B> fresh_nodes_{0};  // fixed: nodes made so far
  atomic<std::size_t, B> fresh_spares_{0};  // fixed: spares made so far
};

template <class B, class Alloc>
PAWL_HOST_DEVICE void pool_blocks<B, Alloc>::fit(std::size_t words) {
  // relaxed, here and below: the size is all that is passed on
  std::size_t present = node_words_.load(std::memory_order_relaxed);
  if (present == 0) {
    const bool fits = fixed_ ? capacity_ < end_of_indices && block_words(0, words) <= end_of_indices : first_width(words) < widths;
    if (!fits) detail::fail<std::invalid_argument>("tagged_pool: more than 16 GiB of nodes");
    // The block comes before the size is fixed: where there is no memory for it, nothing has happened.
    const unsigned width = first_block(words);
    word* const made = allocate_block(width, words);
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
}

/// Sees to it that the block is there that holds the indices of this bit width. Throws std::bad_alloc.
template <class B, class Alloc>
[[gnu::cold]] PAWL_HOST_DEVICE void pool_blocks<B, Alloc>::add_block(unsigned width, std::size_t node_words) {
  // relaxed: what it finds is handed on and not looked into. Where it is a block, blocks_[width], which changes once, is that block for
  // ever; so install_block's exchange fails on it, and acquires it there.
  word* const present = blocks_[width].load(std::memory_order_relaxed);
  install_block(width, node_words, present != nullptr ? present : allocate_block(width, node_words));
}

/// Installs what allocate_block made, unless another thread was faster: then its block stays, and this one is freed.
template <class B, class Alloc>
PAWL_HOST_DEVICE void pool_blocks<B, Alloc>::install_block(unsigned width, std::size_t node_words, word* made) noexcept {
  word* block = nullptr;
  // release, and acquire on failure: whoever finds the other's block takes it as allocated. No acquire on success: it finds null,
  // which is what the pool's constructor left there, since a block is never taken out again; so it would acquire from nobody.
  if (blocks_[width].compare_exchange_strong(block, made, std::memory_order_release, std::memory_order_acquire)) {
    block = made;
  } else if (block != made) {
    free_block(width, node_words, made);
  }
  // Racing threads store the same.
  const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(block) - reinterpret_cast<std::uintptr_t>(this);
  if (width == first_block(node_words)) {
    // relaxed: who comes to use the pool does so through a container, and the thread that bound it has itself been here, for this
    // block, before any other could know the container. So the allocation, made here or acquired above, happens before all use,
    // whoever's store a thread finds.
    first_offset_.store(offset, std::memory_order_relaxed);
    first_end_.store(fixed_ ? ~std::uint32_t{0} : std::uint32_t{1} << width, std::memory_order_relaxed);
  } else {
    // (3) release: whoever constructs a slot in the block after (4) does so in allocated memory
    offsets_[width].store(offset - (std::uintptr_t{1} << (width - 1)) * sizeof(word), std::memory_order_release);
  }
}

template <class B, class Alloc>
PAWL_HOST_DEVICE void pool_blocks<B, Alloc>::construct_slot(index i, std::size_t node_words) noexcept {
  slot& made = at(i);
  std::construct_at(&made);
  auto* const words = reinterpret_cast<word*>(&made + 1);
  for (std::size_t w = 0; w < node_words - sizeof(slot) / sizeof(word); ++w) std::construct_at(words + w);
}

/// A chain of nodes never used before. Throws std::bad_alloc where memory or indices end. Lock-free but for the allocator.
template <class B, class Alloc>
[[gnu::cold]] PAWL_HOST_DEVICE auto pool_blocks<B, Alloc>::fresh_chain() -> name {
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

/// Of a fixed pool's nodes from number `first` on, up to `most` never used before; none where `made` has come to `count`. Lock-free.
template <class B, class Alloc>
PAWL_HOST_DEVICE std::size_t pool_blocks<B, Alloc>::fresh(atomic<std::size_t, B>& made, std::size_t first, std::size_t count,
                                                          name* taken, std::size_t most) noexcept {
  std::size_t n = made.load(std::memory_order_relaxed);
  std::size_t more = 0;
  do {
    if (n == count) return 0;
    more = count - n < most ? count - n : most;
  } while (!made.compare_exchange_weak(n, n + more, std::memory_order_relaxed, std::memory_order_relaxed));
  const std::size_t node_words = node_words_.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < more; ++i) {
    const auto each = static_cast<index>((first + n + i) * node_words);
    construct_slot(each, node_words);
    taken[i] = name(each);
  }
  return more;
}

// For environments that follow the lives of atomics; elsewhere they end with their memory.
template <class B, class Alloc>
PAWL_HOST_DEVICE void pool_blocks<B, Alloc>::destroy_slots() noexcept {
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

template <class B, class Alloc>
PAWL_HOST_DEVICE pool_blocks<B, Alloc>::~pool_blocks() {
  if constexpr (env::tracks_atomics) destroy_slots();
  const std::size_t node_words = node_words_.load(std::memory_order_relaxed);
  for (unsigned width = 0; width < widths; ++width) {
    word* const block = blocks_[width].load(std::memory_order_relaxed);
    if (block != nullptr) free_block(width, node_words, block);
  }
}

}  // namespace pawl::inline v0::detail

PAWL_HOST_DEVICE_END
