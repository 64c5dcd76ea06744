// SPDX-License-Identifier: BSL-1.0
// The 16-byte operations of x86-64 and arm64, issued by ourselves: the compilers' built-in becomes a call into libatomic unless -mcx16
// is given (x86-64), or with g++ always, and neither an ABI nor lock-freedom may depend on a flag. (Every x86-64 processor since 2006
// has cmpxchg16b.)
#pragma once

#include <atomic>

#include "arm64_cas.hpp"
#include "arm64_lse.hpp"
#include "config.hpp"
#include "order_halves.hpp"

#if PAWL_TSAN
// The two functions of TSan's public interface that we call, declared here because g++ installs no header for them.
extern "C" {
__extension__ __int128 __tsan_atomic128_compare_exchange_val(volatile __int128* object, __int128 expected, __int128 desired,
                                                             int success, int failure);
void __tsan_atomic_thread_fence(int order);
}
#endif

namespace pawl::inline v0::detail {

#if (defined(__x86_64__) || defined(__aarch64__)) && !defined(__CUDA_ARCH__)

inline constexpr bool has_double_width = true;

/// The machine's own instruction, without regard to sanitizers.
PAWL_ALWAYS_INLINE inline bool machine_compare_exchange16(uint128& object, uint128& expected, uint128 desired,
                                                          [[maybe_unused]] halves order) noexcept {
#if defined(__x86_64__)
  // lock cmpxchg16b: a full barrier whatever the order asked for.
  auto low = static_cast<std::uint64_t>(expected);
  auto high = static_cast<std::uint64_t>(expected >> 64U);
  bool done = false;
  asm volatile("lock cmpxchg16b %1"
               : "=@ccz"(done), "+m"(object), "+a"(low), "+d"(high)
               : "b"(static_cast<std::uint64_t>(desired)), "c"(static_cast<std::uint64_t>(desired >> 64U))
               : "memory");
  expected = (static_cast<uint128>(high) << 64U) | low;
  return done;
#elif defined(__ARM_FEATURE_ATOMICS)
  return arm64_instructions::compare_exchange_pair(object, expected, desired, order);
#else
  return arm64_pair::compare_exchange(object, expected, desired, order);
#endif
}

/// On failure `expected` holds what was read.
PAWL_ALWAYS_INLINE inline bool compare_exchange16(uint128& object, uint128& expected, uint128 desired, halves order) noexcept {
#if PAWL_TSAN
  // TSan doesn't see assembly; this is its own interface for the same operation.
  __extension__ using int128 = __int128;
  static_cast<void>(order);
  const auto found = static_cast<uint128>(
      __tsan_atomic128_compare_exchange_val(reinterpret_cast<volatile int128*>(&object), static_cast<int128>(expected),
                                            static_cast<int128>(desired), __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
  const bool done = found == expected;
  expected = found;
  return done;
#else
#if PAWL_ASAN
  // ASan doesn't see assembly either, but it sees this read of both halves, and reports freed memory here.
  const auto* const words = reinterpret_cast<const volatile std::uint64_t*>(&object);
  (void)words[0];
  (void)words[1];
#endif
  return machine_compare_exchange16(object, expected, desired, order);
#endif
}

// Where exclusives of our own do it in one loop.
#if defined(__aarch64__) && !PAWL_TSAN && !PAWL_ASAN
#define PAWL_DETAIL_PAIRS 1
#else
#define PAWL_DETAIL_PAIRS 0
#endif

/// Needs writable memory: it writes back what it read, or is a compare-and-swap of zero with zero.
PAWL_ALWAYS_INLINE inline uint128 load16(const uint128& object, halves order) noexcept {
#if PAWL_DETAIL_PAIRS && defined(__ARM_FEATURE_ATOMICS)
  return arm64_instructions::load_pair(object, order);
#elif PAWL_DETAIL_PAIRS
  return arm64_pair::load(object, order);
#else
  uint128 found = 0;
  compare_exchange16(const_cast<uint128&>(object), found, 0, order);
  return found;
#endif
}

PAWL_ALWAYS_INLINE inline uint128 exchange16(uint128& object, uint128 desired, halves order) noexcept {
#if PAWL_DETAIL_PAIRS
  return arm64_pair::exchange(object, desired, order);
#else
  uint128 expected = load16(object, halves::none);
  while (!compare_exchange16(object, expected, desired, order)) {
  }
  return expected;
#endif
}
#undef PAWL_DETAIL_PAIRS

#else
inline constexpr bool has_double_width = false;
// Never called and so never defined: the backends' branches for 16 bytes name them, and a qualified name must exist.
bool compare_exchange16(uint128& object, uint128& expected, uint128 desired, halves order) noexcept;
uint128 load16(const uint128& object, halves order) noexcept;
uint128 exchange16(uint128& object, uint128 desired, halves order) noexcept;
#endif

}  // namespace pawl::inline v0::detail
