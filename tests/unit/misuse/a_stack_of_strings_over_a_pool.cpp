// expect: tagged_pool: T must be trivially copyable
// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <pawl/stack.hpp>

int main() {
  pawl::stack<std::string, pawl::tagged_pool<>> wrong;
  wrong.push("a");
}
