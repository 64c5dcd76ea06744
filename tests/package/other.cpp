// SPDX-License-Identifier: BSL-1.0
#include "consumer.hpp"

void add_one(std::uint32_t& word) noexcept { pawl::native::fetch_add(word, 1, std::memory_order_relaxed); }
