// SPDX-License-Identifier: BSL-1.0
// No mistake is in what the scenarios of single atomics come by, and those take long to compile: here there are none.
#include "model/scenarios.hpp"

namespace scenarios {

void add_atomics(std::vector<scenario>& /*all*/) {}
void add_atomic_pairs(std::vector<scenario>& /*all*/) {}
void add_fences(std::vector<scenario>& /*all*/) {}

}  // namespace scenarios
