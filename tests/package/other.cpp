// SPDX-License-Identifier: BSL-1.0
#include "consumer.hpp"

void fill(pawl::stack<int>& numbers) {
  numbers.push(1);
  numbers.push(2);
}
