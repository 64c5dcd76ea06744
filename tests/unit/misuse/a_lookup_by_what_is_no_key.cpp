// expect: hash_map: this is no key
// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <pawl/hash_map.hpp>

bool wrong(const pawl::hash_map<std::string, int>& map) { return map.contains(1.5); }
