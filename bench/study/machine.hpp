// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <nlohmann/json.hpp>

namespace study {

/// What the numbers depend on: the machine, the compiler, and what was compiled.
nlohmann::ordered_json describe_machine();

}  // namespace study
