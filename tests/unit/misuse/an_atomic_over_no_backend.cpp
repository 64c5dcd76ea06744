// expect: atomic<T, B>: B is no backend
// SPDX-License-Identifier: BSL-1.0
#include <pawl/atomic.hpp>

struct no_backend {};
pawl::atomic<int, no_backend> wrong{1};
