// expect: hash_map: R must keep an element alive while it is read
// SPDX-License-Identifier: BSL-1.0
#include <pawl/hash_map.hpp>
#include <pawl/tagged_pool.hpp>

pawl::hash_map<int, int, std::hash<int>, std::equal_to<int>, pawl::tagged_pool<>> wrong;
