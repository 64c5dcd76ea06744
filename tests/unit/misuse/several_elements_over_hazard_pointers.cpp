// expect: several elements at once: the container must be over a fixed tagged_pool
// SPDX-License-Identifier: BSL-1.0
#include <pawl/detail/several.hpp>
#include <pawl/stack.hpp>

int main() {
  pawl::stack<int> stack;
  pawl::detail::several<pawl::stack<int>> all(stack);
}
