// SPDX-License-Identifier: BSL-1.0
// Every backend that the target has, and a user's.
#pragma once

#include <pawl/backend.hpp>

#include "minimal_backend.hpp"

/// Calls check.operator()<B>() for each.
template <class Check>
constexpr void for_each_backend(Check check) {
  check.template operator()<pawl::backend::builtin>();
#if defined(__x86_64__)
  check.template operator()<pawl::backend::x86>();
#elif defined(__aarch64__)
  check.template operator()<pawl::backend::arm64_llsc>();
#if defined(__ARM_FEATURE_ATOMICS)
  check.template operator()<pawl::backend::arm64_lse>();
#endif
#elif defined(__riscv)
  check.template operator()<pawl::backend::riscv64>();
#endif
  check.template operator()<minimal_backend>();
}

/// Calls check.operator()<B>() where B has 16-byte operations: RISC-V has none.
template <class B = pawl::native, class Check>
void where_double_width(Check check) {
  if constexpr (B::has_double_width) check.template operator()<B>();
}
