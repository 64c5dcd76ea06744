// expect: llsc<T, B>: B is no backend
// SPDX-License-Identifier: BSL-1.0
#include <pawl/llsc.hpp>

struct no_backend {};
pawl::llsc<int, no_backend> wrong{1};
