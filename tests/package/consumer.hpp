// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

#include <pawl/backend.hpp>

void add_one(std::uint32_t& word) noexcept;
