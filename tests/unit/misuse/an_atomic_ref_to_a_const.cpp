// expect: atomic<T>: T must not be const or volatile
// SPDX-License-Identifier: BSL-1.0
#include <pawl/atomic.hpp>

const int constant = 1;
pawl::atomic_ref<const int> wrong{constant};
