// SPDX-License-Identifier: BSL-1.0
// Several elements pushed or popped at once, in steps that a group of threads shares out (cuda/aggregated_containers.hpp): what is to be
// done for the group by one thread, and what for each element by the thread that has its node.
//
// | push       | create, by one; construct, for each; link, for each but the last; push, by one
// | pop        | pop, by one; take, for each; link_freed, for each but the last; give_back, by one
//
// Each column happens before the next one: the caller sees to that between threads.
#pragma once

#include <cstddef>
#include <utility>

#include "config.hpp"

PAWL_HOST_DEVICE_BEGIN

namespace pawl::inline v0::detail {

/// Of a stack or a queue over a fixed tagged_pool; each thread of the group has one. All are lock-free, O(1) but for the number of nodes.
template <class Container>
class several {
  using reclaimer = typename Container::reclaimer_type;
  using value_type = typename Container::value_type;
  static_assert(reclaimer::reads_may_tear, "several elements at once: the container must be over a fixed tagged_pool");

 public:
  using link = typename reclaimer::template link<value_type>;

  PAWL_HOST_DEVICE explicit several(Container& container) : container_(container), op_(container.domain_.template enter<2>()) {}

  /// Up to `most` nodes by one compare-and-swap; how many: fewer where all others are in use.
  PAWL_HOST_DEVICE std::size_t create(link* nodes, std::size_t most) noexcept { return op_.create_several(nodes, most); }
  PAWL_HOST_DEVICE void construct(link node, const value_type& value) { op_.get(node)->value.construct(value); }
  /// `after` is to be pushed next after `node`.
  PAWL_HOST_DEVICE void link_to(link node, link after) noexcept { Container::link_several(op_, node, after); }
  /// Pushes what is linked from `first` to `last`, as if one by one, in one atomic step.
  PAWL_HOST_DEVICE void push(link first, link last) noexcept { container_.push_several(op_, first, last); }

  /// Pops up to `most` elements as if one by one, in one atomic step; how many. `nodes`: of each element, in their order, where its value
  /// is, in a node that is the caller's alone.
  PAWL_HOST_DEVICE std::size_t pop(link* nodes, std::size_t most) noexcept { return container_.pop_several(op_, nodes, most); }
  [[nodiscard]] PAWL_HOST_DEVICE value_type take(link node) const noexcept { return op_.get(node)->value.take(); }
  /// `after` is to be given back with `node`, behind it.
  PAWL_HOST_DEVICE void link_freed(link node, link after) noexcept { op_.link_freed(node, after); }
  /// Gives back what is linked so, by one compare-and-swap.
  PAWL_HOST_DEVICE void give_back(link first, link last) noexcept { op_.discard_linked(first, last); }

 private:
  Container& container_;
  decltype(std::declval<Container&>().domain_.template enter<2>()) op_;
};

}  // namespace pawl::inline v0::detail

PAWL_HOST_DEVICE_END
