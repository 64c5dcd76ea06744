// expect: T must derive from it
// SPDX-License-Identifier: BSL-1.0
#include <pawl/hazard_pointer.hpp>

struct other {};
struct wrong : pawl::hazard_pointer_obj_base<other> {};
void retire(wrong& object) { object.retire(); }
