// SPDX-License-Identifier: BSL-1.0
// Several elements pushed or popped at once, by one thread: the steps of pawl/detail/several.hpp that a warp shares out, in a row.
#pragma once

#include <cstddef>
#include <vector>

#include <pawl/detail/several.hpp>

/// Pushes so many of the values as there are nodes for; how many.
template <class Container>
std::size_t push_several(Container& container, const std::vector<typename Container::value_type>& values) {
  pawl::detail::several<Container> all(container);
  std::vector<typename pawl::detail::several<Container>::link> nodes(values.size());
  const std::size_t got = all.create(nodes.data(), nodes.size());
  for (std::size_t i = 0; i < got; ++i) {
    all.construct(nodes[i], values[i]);
    if (i + 1 < got) all.link_to(nodes[i], nodes[i + 1]);
  }
  if (got != 0) all.push(nodes[0], nodes[got - 1]);
  return got;
}

/// Up to `most` elements.
template <class Container>
std::vector<typename Container::value_type> pop_several(Container& container, std::size_t most) {
  pawl::detail::several<Container> all(container);
  std::vector<typename pawl::detail::several<Container>::link> nodes(most);
  const std::size_t got = all.pop(nodes.data(), most);
  std::vector<typename Container::value_type> values;
  for (std::size_t i = 0; i < got; ++i) {
    values.push_back(all.take(nodes[i]));
    if (i + 1 < got) all.link_freed(nodes[i], nodes[i + 1]);
  }
  if (got != 0) all.give_back(nodes[0], nodes[got - 1]);
  return values;
}
