// SPDX-License-Identifier: BSL-1.0
#include "linked.hpp"

namespace linked {

void* hazard_domain() { return &pawl::hazard_pointer_default_domain(); }
void* rcu_domain() { return &pawl::rcu_default_domain(); }
void begin_section() { pawl::rcu_default_domain().lock(); }
void end_section() { pawl::rcu_default_domain().unlock(); }
void retire(pawl::rcu_obj_base<object>& retired) { retired.retire(); }
void answer(pawl::atomic<int>& turn) {
  for (int i = 0; i < 100; i += 2) {
    for (int seen = turn.load(); seen != i + 1; seen = turn.load()) turn.wait(seen);
    turn.store(i + 2);
    turn.notify_one();
  }
}

}  // namespace linked
