// SPDX-License-Identifier: BSL-1.0
// The 16-byte compare-and-swap of x86-64, issued by ourselves: the compilers' built-in becomes a call into libatomic unless
// -mcx16 is given, and neither an ABI nor lock-freedom may depend on a flag. (Every x86-64 processor since 2006 has it.)
#pragma once

#include "config.hpp"

#if PAWL_TSAN
// The two functions of TSan's public interface that we call, declared here because g++ installs no header for them.
extern "C" {
__extension__ __int128 __tsan_atomic128_compare_exchange_val(volatile __int128* object, __int128 expected, __int128 desired,
                                                             int success, int failure);
void __tsan_atomic_thread_fence(int order);
}
#endif

namespace pawl::inline v0::detail {

#if defined(__x86_64__) && !defined(__CUDA_ARCH__)

inline constexpr bool has_cmpxchg16b = true;

/// lock cmpxchg16b: a full barrier whatever the order asked for. On failure `expected` holds what was read.
inline bool cmpxchg16b(uint128& object, uint128& expected, uint128 desired) noexcept {
#if PAWL_TSAN
  // TSan doesn't see assembly; this is its own interface for the same operation.
  __extension__ using int128 = __int128;
  const auto found = static_cast<uint128>(
      __tsan_atomic128_compare_exchange_val(reinterpret_cast<volatile int128*>(&object), static_cast<int128>(expected),
                                            static_cast<int128>(desired), __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
  const bool done = found == expected;
  expected = found;
  return done;
#else
#if PAWL_ASAN
  // ASan doesn't see assembly either, but it sees this read of both halves, and reports freed memory here.
  const auto* const halves = reinterpret_cast<const volatile std::uint64_t*>(&object);
  (void)halves[0];
  (void)halves[1];
#endif
  auto low = static_cast<std::uint64_t>(expected);
  auto high = static_cast<std::uint64_t>(expected >> 64U);
  bool done = false;
  asm volatile("lock cmpxchg16b %1"
               : "=@ccz"(done), "+m"(object), "+a"(low), "+d"(high)
               : "b"(static_cast<std::uint64_t>(desired)), "c"(static_cast<std::uint64_t>(desired >> 64U))
               : "memory");
  expected = (static_cast<uint128>(high) << 64U) | low;
  return done;
#endif
}

/// A 16-byte load is a compare-and-swap of zero with zero: it needs writable memory.
inline uint128 load16b(const uint128& object) noexcept {
  uint128 found = 0;
  cmpxchg16b(const_cast<uint128&>(object), found, 0);
  return found;
}

inline void store16b(uint128& object, uint128 desired) noexcept {
  uint128 expected = load16b(object);
  while (!cmpxchg16b(object, expected, desired)) {
  }
}

#else
inline constexpr bool has_cmpxchg16b = false;
// Never called and so never defined: the backends' branches for 16 bytes name them, and a qualified name must exist.
bool cmpxchg16b(uint128& object, uint128& expected, uint128 desired) noexcept;
uint128 load16b(const uint128& object) noexcept;
void store16b(uint128& object, uint128 desired) noexcept;
#endif

}  // namespace pawl::inline v0::detail
