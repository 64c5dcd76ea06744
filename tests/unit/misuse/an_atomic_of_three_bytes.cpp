// expect: atomic<T>: T must have 1, 2, 4, 8 or 16 bytes
// SPDX-License-Identifier: BSL-1.0
#include <pawl/atomic.hpp>

struct three {
  char bytes[3];
};
pawl::atomic<three> wrong{three{}};
