// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <pawl/pawl.hpp>

// Pushes 1 and then 2.
void fill(pawl::stack<int>& numbers);
