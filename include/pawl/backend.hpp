// SPDX-License-Identifier: BSL-1.0
// Picks `pawl::native`: the backend that atomics and containers take when none is named.
// -DPAWL_BACKEND=builtin (a backend's bare name) overrides the target's own.
#pragma once

#include "backend/builtin.hpp"
#include "backend/cuda.hpp"
#include "backend/x86.hpp"

// A bare name can't be compared by the preprocessor: each name that may be given is pasted to a number, an unknown one to zero.
#define PAWL_DETAIL_BACKEND_builtin 1
#define PAWL_DETAIL_BACKEND_model 3
#if defined(__x86_64__)
#define PAWL_DETAIL_BACKEND_x86 2
#endif
#define PAWL_DETAIL_PASTE(name) PAWL_DETAIL_BACKEND_##name
#define PAWL_DETAIL_NUMBER(name) PAWL_DETAIL_PASTE(name)

#if !defined(PAWL_BACKEND)
#if defined(__x86_64__)
#define PAWL_BACKEND x86
#else
#define PAWL_BACKEND builtin
#endif
#elif PAWL_DETAIL_NUMBER(PAWL_BACKEND) + 0 == 0
#error "PAWL_BACKEND names no backend of this target: builtin and model everywhere, x86 on x86-64"
#endif

// So programs that name no backend are checked as they are. Its environment comes with environment.hpp.
#if PAWL_DETAIL_NUMBER(PAWL_BACKEND) == PAWL_DETAIL_BACKEND_model
#define PAWL_DETAIL_NATIVE_IS_MODEL 1
#include "model/backend.hpp"
#else
#define PAWL_DETAIL_NATIVE_IS_MODEL 0
#endif

namespace pawl::inline v0 {

/// The default backend.
using native = backend::PAWL_BACKEND;

}  // namespace pawl::inline v0
