// expect: atomic<T>: T must not be const or volatile
// SPDX-License-Identifier: BSL-1.0
#include <pawl/atomic.hpp>

pawl::atomic<const int> wrong{1};
