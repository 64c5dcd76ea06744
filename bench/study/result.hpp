// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <nlohmann/json.hpp>

#include "session.hpp"

namespace study {

/// A series as it stands in the results: medians, and the range of the repetitions.
nlohmann::ordered_json result_of(const series& s);

}  // namespace study
