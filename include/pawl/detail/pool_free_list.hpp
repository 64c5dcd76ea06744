// SPDX-License-Identifier: BSL-1.0
// A pool's shared lists of free nodes: of single nodes, several of which are taken or given back at once, and of chains, which one thread
// has too many of and another takes.
#pragma once

#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "pool_blocks.hpp"

PAWL_HOST_DEVICE_BEGIN

namespace pawl::inline v0::detail {

/// Follows a Treiber stack of a pool's nodes from its head, which the caller found in `head_` and has put into `top[0]`: notes up to
/// `most` links in `top`, and in `behind` the one to what lies below them. Returns how many; none where another head was found meanwhile.
/// A compare-and-swap of that head for `behind` is to follow: it succeeds only if all of this is still so.
///
/// Progress: wait-free, O(most). `next_of(link)` is the atomic link of a node to the one below it. Every store to that must be a release,
/// also in the node's later lives.
template <class Link, class B, class NextOf>
PAWL_HOST_DEVICE std::size_t follow_top(const atomic<Link, B>& head_, Link* top, std::size_t most, Link& behind,
                                        NextOf next_of) noexcept {
  for (std::size_t count = 1;; ++count) {
    // (4) acquire: pairs with the release by which the link of a later life is stored here. Whoever stored that had the node from one
    // who popped it. So if we have read it, we now find that head_ has changed, and don't follow it to a node that may not be constructed
    // yet for all we know. A link of this life leads to a node that was acquired with the head: each push carries on the release of those
    // below.
    behind = next_of(top[count - 1]).load(std::memory_order_acquire);
    if (count == most || !behind) return count;
    // relaxed: (4) has ordered it
    if (head_.load(std::memory_order_relaxed) != top[0]) return 0;
    top[count] = behind;
  }
}

/// What a list of free nodes consists of.
enum class free_nodes {
  /// Linked by next_free, as a stack's nodes are.
  single,
  /// Chains linked inside by next_free. The first node has the link to the next chain where a container would have its value: whoever may
  /// still read that copies words, and looks whether they were a value. Every node has such a word.
  chains
};

/// A Treiber stack. A chain is named by its first node. That begins a new life with each push: so a head that comes back is the same node
/// in front of the same successor. Lock-free.
template <class B, free_nodes Kind>
class pool_free_list {
  using name = tagged_link;

 public:
  /// The node, or the chain, that was `last_life` to its user.
  template <class Blocks>
  PAWL_HOST_DEVICE void push(const Blocks& blocks, name last_life) noexcept {
    const name first = last_life.reborn();
    push(blocks, first, first);
  }
  /// The nodes from `first` to `last`, which are linked: all in their coming lives.
  template <class Blocks>
  PAWL_HOST_DEVICE void push(const Blocks& blocks, name first, name last) noexcept {
    auto& behind_last = behind(blocks, last);
    name head = head_.load(std::memory_order_relaxed);
    do {
      // (3) release. Of a chain: pairs with the acquire of values by a map's readers, which may still be at this node: whoever meets this
      // word instead of a value then sees that the node was unlinked before it came here. Of a single node: pairs with (4), by who may
      // still be at this node in a stack.
      behind_last.store(std::bit_cast<stored>(head), std::memory_order_release);
      // (1) release: publishes the links between the nodes to (2)
    } while (!head_.compare_exchange_weak(head, first, std::memory_order_release, std::memory_order_relaxed));
  }
  /// A node or a chain, or none.
  template <class Blocks>
  PAWL_HOST_DEVICE name pop(const Blocks& blocks) noexcept {
    name top;
    pop(blocks, &top, 1);
    return top;
  }
  /// Up to `most` single nodes by one compare-and-swap; how many.
  template <class Blocks>
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE std::size_t pop(const Blocks& blocks, name* top, std::size_t most) noexcept {
    assert((most == 1 || Kind == free_nodes::single) && "chains are popped one at a time");
    // (2) acquire: pairs with (1), also where other pops came between: each is a read-modify-write and so carries the release on
    name head = head_.load(std::memory_order_acquire);
    while (head) {
      top[0] = head;
      std::size_t count = 1;
      name next;
      if (most == 1) {
        // May be another life of that node already, and the word a value; then the compare-and-swap fails.
        next = std::bit_cast<name>(behind(blocks, head).load(std::memory_order_relaxed));
      } else if constexpr (Kind == free_nodes::single) {
        count = follow_top(head_, top, most, next, [&blocks](name l) -> auto& { return behind(blocks, l); });
      }
      if (count == 0) {
        head = head_.load(std::memory_order_acquire);  // as (2)
        continue;
      }
      // relaxed would do on success, since the same head was acquired before; but g++ warns of a failure order above the success order
      if (head_.compare_exchange_weak(head, next, std::memory_order_acquire, std::memory_order_acquire)) return count;
    }
    top[0] = {};
    return 0;
  }

 private:
  // The link to the next node or chain. (Of chains it is a word.)
  template <class Blocks>
  PAWL_HOST_DEVICE static auto& behind(const Blocks& blocks, name l) noexcept {
    if constexpr (Kind == free_nodes::single) {
      return blocks.at(l.index()).next_free;
    } else {
      return *blocks.words_of(l.index());
    }
  }
  using stored = std::conditional_t<Kind == free_nodes::single, name, std::uint64_t>;

  atomic<name, B> head_{};
};

}  // namespace pawl::inline v0::detail

PAWL_HOST_DEVICE_END
