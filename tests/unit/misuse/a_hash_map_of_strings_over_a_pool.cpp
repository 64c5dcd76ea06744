// expect: hash_map over a tagged_pool: K and V must be trivially copyable
// SPDX-License-Identifier: BSL-1.0
#include <pawl/hash_map.hpp>

#include <string>

pawl::hash_map<int, std::string, std::hash<int>, std::equal_to<int>, pawl::tagged_pool<>> wrong;
