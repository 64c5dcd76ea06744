// expect: stack<T>: T must be an object type
// SPDX-License-Identifier: BSL-1.0
#include <pawl/stack.hpp>

pawl::stack<int&> wrong;
