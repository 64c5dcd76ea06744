// SPDX-License-Identifier: BSL-1.0
// Read-modify-writes of which g++ or clang would make calls of libgcc's or libatomic's functions, as the instructions they should be.
#pragma once

#include "arm64_cas.hpp"
#include "arm64_llsc.hpp"
#include "config.hpp"
#include "riscv64_narrow.hpp"

namespace pawl::inline v0::detail {

#if defined(__aarch64__) && !defined(__ARM_FEATURE_ATOMICS) && !defined(__CUDA_ARCH__) && !PAWL_TSAN && !PAWL_ASAN

// -moutline-atomics, which is the default, makes a call of each, which asks the processor whether it has LSE.
template <class W>
inline constexpr bool compiler_calls = true;
template <class W>
struct uncalled : arm64_exclusive, arm64_loops {};

#elif defined(__riscv) && !defined(__CUDA_ARCH__) && !PAWL_TSAN

// (Under AddressSanitizer too, since the calls would need libatomic.)
template <class W>
inline constexpr bool compiler_calls = sizeof(W) < 4;
template <class W>
struct uncalled : riscv64_narrow {};

#else

template <class W>
inline constexpr bool compiler_calls = false;
template <class W>
struct uncalled;

#endif

}  // namespace pawl::inline v0::detail
