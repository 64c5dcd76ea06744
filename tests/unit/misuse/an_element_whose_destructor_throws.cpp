// expect: stack<T>: T's destructor must not throw
// SPDX-License-Identifier: BSL-1.0
#include <pawl/stack.hpp>

struct throwing {
  ~throwing() noexcept(false) {}
};
pawl::stack<throwing> wrong;
