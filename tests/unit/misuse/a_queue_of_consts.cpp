// expect: queue<T>: T must be an object type, not const
// SPDX-License-Identifier: BSL-1.0
#include <pawl/queue.hpp>

pawl::queue<const int> wrong;
