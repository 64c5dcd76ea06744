// SPDX-License-Identifier: BSL-1.0
// The one place where pawl's own code throws or catches: a trap where there are no exceptions (device code, -fno-exceptions).
#pragma once

#include "config.hpp"

namespace pawl::inline v0::detail {

template <class Exception, class... Args>
[[noreturn, gnu::cold]] void fail([[maybe_unused]] const Args&... args) {
#if defined(__cpp_exceptions) && !defined(__CUDA_ARCH__)
  throw Exception(args...);
#else
  __builtin_trap();
#endif
}

/// f(), or its type's empty value where it throws: for what may not fail because memory is short.
template <class F>
auto attempt(F f) noexcept -> decltype(f()) {
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
