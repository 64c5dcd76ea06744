// expect: PAWL_BACKEND names no backend of this target
// SPDX-License-Identifier: BSL-1.0
#define PAWL_BACKEND nonsense
#include <pawl/backend.hpp>
