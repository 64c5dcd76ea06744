// expect: hash_map: Hash must be callable
// SPDX-License-Identifier: BSL-1.0
#include <pawl/hash_map.hpp>

struct key {
  int value;
  friend bool operator==(const key&, const key&) = default;
};
pawl::hash_map<key, int> wrong;
