// SPDX-License-Identifier: BSL-1.0
// Makes a user's backend pawl::native, before any header of pawl's: so all unit and stress tests run over it (./dev soak own). It has the
// mandatory functions and nothing of pawl's. Included by the compiler's command line, with -DPAWL_BACKEND=own -DPAWL_DETAIL_BACKEND_own=100.
#pragma once

#include "own_machine.hpp"

namespace pawl::inline v0::backend {

struct own : own_machine {
  static constexpr const char* name = "own";
};

}  // namespace pawl::inline v0::backend
