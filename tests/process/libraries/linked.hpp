// SPDX-License-Identifier: BSL-1.0
// A shared library that the tests' program is linked with.
#pragma once

#include <pawl/hazard_pointer.hpp>
#include <pawl/rcu.hpp>

namespace linked {

struct object : pawl::rcu_obj_base<object> {
  bool* ended = nullptr;
  ~object() { *ended = true; }
};

void* hazard_domain();
void* rcu_domain();
void begin_section();
void end_section();
void retire(pawl::rcu_obj_base<object>& retired);
/// Takes turns with the caller, by waiting and notifying.
void answer(pawl::atomic<int>& turn);

}  // namespace linked
