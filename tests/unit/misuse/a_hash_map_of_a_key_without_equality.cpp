// expect: hash_map: KeyEqual must be callable
// SPDX-License-Identifier: BSL-1.0
#include <pawl/hash_map.hpp>

struct key {
  int value;
};
struct key_hash {
  std::size_t operator()(const key&) const { return 0; }
};
struct no_equality {};
pawl::hash_map<key, int, key_hash, no_equality> wrong;
