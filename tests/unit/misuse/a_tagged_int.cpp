// expect: tagged<V>: V must be a pointer or std::uint32_t
// SPDX-License-Identifier: BSL-1.0
#include <pawl/tagged.hpp>

pawl::tagged<int> wrong{};
