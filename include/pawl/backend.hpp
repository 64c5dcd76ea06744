// SPDX-License-Identifier: BSL-1.0
// Picks `pawl::native`: the backend that atomics and containers take when none is named.
// -DPAWL_BACKEND=builtin (a backend's bare name) overrides the target's own.
#pragma once

#include "backend/arm64.hpp"
#include "backend/builtin.hpp"
#include "backend/cuda.hpp"
#include "backend/riscv64.hpp"
#include "backend/x86.hpp"

// A bare name can't be compared by the preprocessor: each name that may be given is pasted to a number, an unknown one to zero.
#define PAWL_DETAIL_BACKEND_builtin 1
#define PAWL_DETAIL_BACKEND_model 3
#if defined(__x86_64__)
#define PAWL_DETAIL_BACKEND_x86 2
#elif defined(__aarch64__)
#define PAWL_DETAIL_BACKEND_arm64 4
#define PAWL_DETAIL_BACKEND_arm64_llsc 5
#if defined(__ARM_FEATURE_ATOMICS)
#define PAWL_DETAIL_BACKEND_arm64_lse 6
#endif
#elif defined(__riscv) && __riscv_xlen == 64 && defined(__riscv_atomic)
#define PAWL_DETAIL_BACKEND_riscv64 7
#endif
#define PAWL_DETAIL_PASTE(name) PAWL_DETAIL_BACKEND_##name
#define PAWL_DETAIL_NUMBER(name) PAWL_DETAIL_PASTE(name)

#if !defined(PAWL_BACKEND)
#if defined(PAWL_DETAIL_BACKEND_x86)
#define PAWL_BACKEND x86
#elif defined(PAWL_DETAIL_BACKEND_arm64)
#define PAWL_BACKEND arm64
#elif defined(PAWL_DETAIL_BACKEND_riscv64)
#define PAWL_BACKEND riscv64
#else
#define PAWL_BACKEND builtin
#endif
#elif PAWL_DETAIL_NUMBER(PAWL_BACKEND) + 0 == 0
#if defined(__x86_64__)
#error "PAWL_BACKEND names no backend of this target; x86-64 has: builtin, x86, model"
#elif defined(__aarch64__) && defined(__ARM_FEATURE_ATOMICS)
#error "PAWL_BACKEND names no backend of this target; arm64 with LSE has: builtin, arm64, arm64_llsc, arm64_lse, model"
#elif defined(__aarch64__)
#error \
    "PAWL_BACKEND names no backend of this target; arm64 without LSE (-march=armv8.1-a has it) has: builtin, arm64, arm64_llsc, model"
#elif defined(PAWL_DETAIL_BACKEND_riscv64)
#error "PAWL_BACKEND names no backend of this target; riscv64 has: builtin, riscv64, model"
#else
#error "PAWL_BACKEND names no backend of this target, which has: builtin, model"
#endif
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
