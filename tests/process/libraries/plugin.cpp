// SPDX-License-Identifier: BSL-1.0
#include "plugin.hpp"

#include <mutex>

#define EXPORTED extern "C" [[gnu::visibility("default")]]

namespace {

// Destroyed when the library is unloaded, or with the program; it uses its domain then.
struct static_user {
  pawl::stack<int> last;
  pawl::stack<int, pawl::epochs<>> last_over_epochs;
  ~static_user() {
    use(last);
    use(last_over_epochs);
    // What others would find of this library's is no longer there then.
    pawl::hazard_pointer_default_domain().reclaim();
    pawl::rcu_default_domain().reclaim();
  }
  template <class Stack>
  static void use(Stack& stack) {
    stack.push(1);
    static_cast<void>(stack.try_pop());
    stack.push(2);
  }
} at_the_end;

struct object : pawl::rcu_obj_base<object> {};

}  // namespace

EXPORTED bool plugin_use_containers() {
  pawl::stack<int> stack;
  pawl::queue<int> queue;
  pawl::hash_map<int, int> map;
  pawl::stack<int, pawl::tagged_pool<>> pooled;
  pawl::stack<int, pawl::epochs<>> over_epochs;
  bool right = true;
  for (int i = 0; i < 100; ++i) {
    stack.push(i);
    queue.push(i);
    pooled.push(i);
    over_epochs.push(i);
    map.insert(i, i);
    right = over_epochs.try_pop() == i && stack.try_pop() == i && queue.try_pop() == i && pooled.try_pop() == i &&
            map.find(i) == i && right;
  }
  return right;
}
EXPORTED void plugin_reclaim() {
  pawl::hazard_pointer_default_domain().reclaim();
  pawl::rcu_default_domain().reclaim();
}
EXPORTED bool plugin_use_epochs(pawl::epochs<>& domain) {
  const std::scoped_lock section(domain);
  pawl::stack<int, pawl::epochs<>> stack(domain);
  stack.push(1);
  stack.push(2);
  (new object)->retire({}, domain);
  return stack.try_pop() == 2;
}
EXPORTED void plugin_reclaim_epochs(pawl::epochs<>& domain) { domain.reclaim(); }
EXPORTED void plugin_reclaim_in(pawl::hazard_pointers<>& domain) { domain.reclaim(); }
EXPORTED void* plugin_default_domain() { return &pawl::hazard_pointer_default_domain(); }
EXPORTED std::size_t plugin_default_records() { return pawl::hazard_pointer_default_domain().stats().records; }
EXPORTED void plugin_push(shared_stack& stack, int value) { stack.push(value); }
EXPORTED int plugin_pop(shared_stack& stack) { return stack.try_pop().value_or(-1); }
EXPORTED void plugin_open_section(pawl::detail::section_count<pawl::native>& sections) { sections.open(std::memory_order_relaxed); }
EXPORTED void plugin_close_section(pawl::detail::section_count<pawl::native>& sections) {
  sections.close(std::memory_order_release);
}
EXPORTED bool plugin_any_section(const pawl::detail::section_count<pawl::native>& sections) {
  return sections.any(std::memory_order_acquire);
}
EXPORTED const void* plugin_slot_of(pawl::hazard_pointers<>& domain) {
  pawl::detail::hazard_slot<pawl::native>& slot = domain.acquire_slot();
  const void* const home = slot.home;
  pawl::detail::release_hazard_slot(slot);
  return home;
}
