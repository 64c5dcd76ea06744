// expect: the destructors of K and V must not throw
// SPDX-License-Identifier: BSL-1.0
#include <pawl/hash_map.hpp>

struct throwing {
  ~throwing() noexcept(false) {}
};
pawl::hash_map<int, throwing> wrong;
