// SPDX-License-Identifier: BSL-1.0
#include <mutex>

#include "containers.hpp"
#include "peers/locks.hpp"
#include "peers/pawl.hpp"
#if PAWL_PEER_BOOST
#include "peers/boost_lockfree.hpp"
#endif

namespace study {
namespace {

template <class Backoff>
using stack_with = peers::pawl_stack<pawl::tagged_pool<>, Backoff>;

}  // namespace

void add_stacks(points& all) {
  const auto add = [&all](const char* library, const char* variant, const char* guarantee, auto run) {
    all.push_back({"stack", library, variant, guarantee, "push, pop", run});
  };
  constexpr auto unbounded = "lock-free, LIFO, unbounded";
  constexpr auto bounded = "lock-free, LIFO, bounded";
  constexpr auto blocking = "blocking, LIFO, unbounded";
  add_floors(all, "stack", "push, pop");
  add("pawl", "tagged_pool", unbounded, pairs<peers::pawl_stack<pawl::tagged_pool<>>>);
#if PAWL_PEER_BOOST
  add("boost", "lockfree::stack", unbounded, pairs<peers::boost_stack>);
#endif
  add("pawl", "hazard_pointers", unbounded, pairs<peers::pawl_stack<pawl::hazard_pointers<>>>);
  add("pawl", "epochs", unbounded, pairs<peers::pawl_stack<pawl::epochs<>>>);
  add("pawl", "fixed tagged_pool", bounded, pairs<peers::pawl_fixed_stack<capacity>>);
#if PAWL_PEER_BOOST
  add("boost", "lockfree::stack, capacity", bounded, pairs<peers::boost_fixed_stack<capacity>>);
#endif
  add("std", "std::stack, std::mutex", blocking, pairs<peers::locked_stack<std::mutex>>);
  add("std", "std::stack, spin lock", blocking, pairs<peers::locked_stack<peers::spin_lock>>);
  add_backoffs<stack_with>(all, "stack", unbounded);
}

}  // namespace study
