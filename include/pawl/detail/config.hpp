// SPDX-License-Identifier: BSL-1.0
// Facts about the compiler and the target that more than one floor asks for.
#pragma once

#include <cstddef>
#include <cstdint>

#define PAWL_VERSION 100  // major * 10000 + minor * 100 + patch

#if !defined(__GNUC__)
#error "pawl needs g++ or clang: its backends are made of their atomic built-ins and their inline assembly"
#endif
#if !defined(__cplusplus) || __cplusplus < 202002L
#error "pawl needs C++20: compile with -std=c++20"
#endif

// A sanitizer sees built-ins, not assembly: under one, every CPU backend forwards to the built-ins.
#if defined(__SANITIZE_THREAD__)
#define PAWL_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PAWL_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define PAWL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PAWL_ASAN 1
#endif
#endif
#if !defined(PAWL_TSAN)
#define PAWL_TSAN 0
#endif
#if !defined(PAWL_ASAN)
#define PAWL_ASAN 0
#endif

// For members whose speed hangs on being part of their caller (docs/design.md says how). Not in debug and sanitizer builds, where it
// would only make the code and the compilation three times as long.
#if defined(__OPTIMIZE__) && !PAWL_TSAN && !PAWL_ASAN
#define PAWL_ALWAYS_INLINE [[gnu::always_inline]]
#else
#define PAWL_ALWAYS_INLINE
#endif
// For whatever hands an order on to an operation that is a piece of assembly for each order and size: as a function of its own it would
// be all of them, too much for a compiler to make it part of its caller, who knows which one it is.
#if defined(__aarch64__) || defined(__riscv)
#define PAWL_INLINE_ORDER PAWL_ALWAYS_INLINE
#else
#define PAWL_INLINE_ORDER
#endif

// For functions that kernels call, too; nothing without nvcc. A template of them may be made of what only the host has, and is right as
// long as no kernel does that: between BEGIN and END nvcc doesn't warn of it. (Its nv_exec_check_disable says the same, but has to stand
// in front of `template`, where __host__ and __device__ may not: two macros for each function, then.)
#if defined(__CUDACC__)
#define PAWL_HOST_DEVICE __host__ __device__
#define PAWL_HOST_DEVICE_BEGIN _Pragma("nv_diagnostic push") _Pragma("nv_diag_suppress 20011,20014")
#define PAWL_HOST_DEVICE_END _Pragma("nv_diagnostic pop")
#else
#define PAWL_HOST_DEVICE
#define PAWL_HOST_DEVICE_BEGIN
#define PAWL_HOST_DEVICE_END
#endif

namespace pawl::inline v0 {

// The distance that keeps two objects from sharing a line. Fixed per target, since it is ABI.
#if defined(__aarch64__) && defined(__APPLE__)
inline constexpr std::size_t cache_line = 128;
#else
inline constexpr std::size_t cache_line = 64;
#endif

__extension__ using uint128 = unsigned __int128;

namespace detail {
inline constexpr bool under_tsan = PAWL_TSAN != 0;
inline constexpr bool under_asan = PAWL_ASAN != 0;
}  // namespace detail

}  // namespace pawl::inline v0
