// SPDX-License-Identifier: BSL-1.0
// Boost.Lockfree's stack (Treiber) and queue (Michael and Scott): tagged pointers over a free list that keeps its memory, hence the
// same guarantees as pawl's over a tagged_pool.
#pragma once

#include <cstddef>
#include <cstdint>

#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/stack.hpp>

namespace peers {

template <class Container>
class boost_unbounded {
 public:
  [[gnu::always_inline]] bool push(std::uint64_t value) { return values_.push(value); }
  [[gnu::always_inline]] bool pop(std::uint64_t& value) { return values_.pop(value); }

 private:
  Container values_{128};  // nodes made beforehand; more are allocated when needed
};
using boost_stack = boost_unbounded<boost::lockfree::stack<std::uint64_t>>;
using boost_queue = boost_unbounded<boost::lockfree::queue<std::uint64_t>>;

template <class Container>
class boost_bounded {
 public:
  [[gnu::always_inline]] bool push(std::uint64_t value) { return values_.bounded_push(value); }
  [[gnu::always_inline]] bool pop(std::uint64_t& value) { return values_.pop(value); }

 private:
  Container values_;
};
template <std::size_t N>
using boost_fixed_stack = boost_bounded<boost::lockfree::stack<std::uint64_t, boost::lockfree::capacity<N>>>;
template <std::size_t N>
using boost_fixed_queue = boost_bounded<boost::lockfree::queue<std::uint64_t, boost::lockfree::capacity<N>>>;

}  // namespace peers
