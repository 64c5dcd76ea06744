// SPDX-License-Identifier: BSL-1.0
// A pool's shared list of free nodes, in chains: what one thread has too many of, another takes.
#pragma once

#include <cstdint>

#include "pool_blocks.hpp"

PAWL_HOST_DEVICE_BEGIN

namespace pawl::inline v0::detail {

/// A Treiber stack of chains. A chain is named by its first node, which begins a new life with each push: so a head that comes back is
/// the same chain in front of the same successor. Lock-free.
template <class B>
class pool_free_list {
  using name = tagged_link;

 public:
  /// The chain behind `last_life`, whose nodes are linked by next_free, in their coming lives.
  template <class Blocks>
  PAWL_HOST_DEVICE void push(const Blocks& blocks, name last_life) noexcept {
    const name first = last_life.reborn();
    name head = head_.load(std::memory_order_relaxed);
    do {
      // (3) release: pairs with the acquire of values by a map's readers, which may still be at this node: whoever meets this word instead of
      // a value then sees that the node was unlinked before it came here
      next_chain(blocks, first).store(head.bits(), std::memory_order_release);
      // (1) release: publishes the links inside the chain to (2)
    } while (!head_.compare_exchange_weak(head, first, std::memory_order_release, std::memory_order_relaxed));
  }
  /// A chain, or none.
  template <class Blocks>
  PAWL_HOST_DEVICE name pop(const Blocks& blocks) noexcept {
    // (2) acquire: pairs with (1), also where other pops came between: each is a read-modify-write and so carries the release on
    name head = head_.load(std::memory_order_acquire);
    while (head) {
      // May be another life of that node already, and the word a value; then the compare-and-swap fails.
      const name next = name::from_bits(next_chain(blocks, head).load(std::memory_order_relaxed));
      // relaxed would do on success, since the same head was acquired before; but g++ warns of a failure order above the success order
      if (head_.compare_exchange_weak(head, next, std::memory_order_acquire, std::memory_order_acquire)) break;
    }
    return head;
  }

 private:
  // A chain's first node keeps its successor where a container would have its value: whoever may still read that copies words, and
  // looks whether they were a value. Every node has such a word.
  template <class Blocks>
  PAWL_HOST_DEVICE static auto& next_chain(const Blocks& blocks, name first) noexcept {
    return *blocks.words_of(first.index());
  }

  atomic<name, B> head_{};
};

}  // namespace pawl::inline v0::detail

PAWL_HOST_DEVICE_END
