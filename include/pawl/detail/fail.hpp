// SPDX-License-Identifier: BSL-1.0
// The one place where pawl's own code throws or catches: a trap where there are no exceptions (device code, -fno-exceptions).
#pragma once

#include "config.hpp"

PAWL_HOST_DEVICE_BEGIN

namespace pawl::inline v0::detail {

template <class Exception, class... Args>
[[noreturn, gnu::cold]] PAWL_HOST_DEVICE void fail([[maybe_unused]] const Args&... args) {
#if defined(__cpp_exceptions) && !defined(__CUDA_ARCH__)
  throw Exception(args...);
#else
  __builtin_trap();
#endif
}

/// f(), or its type's empty value where it throws: for what may not fail because memory is short.
template <class F>
PAWL_HOST_DEVICE auto attempt(F f) noexcept -> decltype(f()) {
#if defined(__cpp_exceptions) && !defined(__CUDA_ARCH__)
  try {
    return f();
  } catch (...) {
    return {};
  }
#else
  return f();
#endif
}

}  // namespace pawl::inline v0::detail

PAWL_HOST_DEVICE_END
