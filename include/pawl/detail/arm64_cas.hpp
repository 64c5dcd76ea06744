// SPDX-License-Identifier: BSL-1.0
// Compare-and-swap of 1 to 8 bytes by load-exclusive and store-exclusive, and all that there is of 16 bytes that way; see arm64_llsc.hpp.
#pragma once

#include <cstdint>

#include "order_halves.hpp"

#if defined(__AARCH64EB__)
#error "pawl's 16-byte operations on arm64 take the first of a pair of registers for the lower half: they need little-endian memory"
#endif

#if defined(__aarch64__) && !defined(__CUDA_ARCH__)

namespace pawl::inline v0::detail {

// Whether it is done stands in the flags. g++ reads them there; clang 14 has no way to be told.
#if defined(__GCC_ASM_FLAG_OUTPUTS__)
#define PAWL_DETAIL_EQUAL ""
#define PAWL_DETAIL_EQUAL_OUTPUT "=@cceq"(done)
#define PAWL_DETAIL_CLOBBERED "memory"
#else
#define PAWL_DETAIL_EQUAL "\n\tcset %w[done], eq"
#define PAWL_DETAIL_EQUAL_OUTPUT [done] "=&r"(done)
#define PAWL_DETAIL_CLOBBERED "memory", "cc"
#endif

// `end` stands behind the store-exclusive. It leaves the flags of the comparison where the store failed and is tried again, and compares
// `failed` with zero where it is not.
#define PAWL_DETAIL_CAS(acquire, release, b, w, extend, end)                                                \
  asm volatile("1: ld" acquire "xr" b " %" w "[old], %[object]\n\tcmp %" w "[old], %" w "[expected]" extend \
               "\n\tb.ne 2f\n\t"                                                                            \
               "st" release "xr" b " %w[failed], %" w "[desired], %[object]\n\t" end "2:" PAWL_DETAIL_EQUAL \
               : [object] "+Q"(object), [old] "=&r"(old), [failed] "=&r"(failed), PAWL_DETAIL_EQUAL_OUTPUT  \
               : [expected] "r"(expected), [desired] "r"(desired)                                           \
               : PAWL_DETAIL_CLOBBERED)
#define PAWL_DETAIL_CAS_BY_SIZE(acquire, release, end)          \
  if constexpr (sizeof(W) == 8) {                               \
    PAWL_DETAIL_CAS(acquire, release, "", "x", "", end);        \
  } else if constexpr (sizeof(W) == 4) {                        \
    PAWL_DETAIL_CAS(acquire, release, "", "w", "", end);        \
  } else if constexpr (sizeof(W) == 2) {                        \
    PAWL_DETAIL_CAS(acquire, release, "h", "w", ", uxth", end); \
  } else {                                                      \
    PAWL_DETAIL_CAS(acquire, release, "b", "w", ", uxtb", end); \
  }
#define PAWL_DETAIL_BY_ORDER(each, end)  \
  if (order >= halves::both) {           \
    each("a", "l", end)                  \
  } else if (order == halves::acquire) { \
    each("a", "", end)                   \
  } else if (order == halves::release) { \
    each("", "l", end)                   \
  } else {                               \
    each("", "", end)                    \
  }

/// Of 1 to 8 bytes. On failure `expected` holds what was read.
struct arm64_exclusive {
  /// One attempt, which may fail though the value is expected.
  template <class W>
  PAWL_ALWAYS_INLINE static bool compare_exchange_weak(W& object, W& expected, W desired, halves order) noexcept {
    W old;
    std::uint32_t failed;
    bool done;
    PAWL_DETAIL_BY_ORDER(PAWL_DETAIL_CAS_BY_SIZE, "cmp %w[failed], #0\n")
    expected = old;  // the same where it is done
    return done;
  }
  /// As often as the store fails.
  template <class W>
  PAWL_ALWAYS_INLINE static bool compare_exchange_strong(W& object, W& expected, W desired, halves order) noexcept {
    W old;
    std::uint32_t failed;
    bool done;
    PAWL_DETAIL_BY_ORDER(PAWL_DETAIL_CAS_BY_SIZE, "cbnz %w[failed], 1b\n")
    expected = old;  // the same where it is done
    return done;
  }
};

// The two halves that a load-exclusive of a pair reads belong together only where the store-exclusive behind it succeeds (without
// FEAT_LSE2). So what only reads writes back what it read: it needs writable memory.
#define PAWL_DETAIL_PAIR(acquire, release, body, low, high, ...)                                                        \
  asm volatile("1: ld" acquire "xp %x[old_low], %x[old_high], %[object]\n\t" body "st" release "xp %w[failed], %x[" low \
               "], %x[" high "], %[object]\n\tcbnz %w[failed], 1b" PAWL_DETAIL_PAIR_END                                 \
               : [object] "+Q"(object), [old_low] "=&r"(old_low), [old_high] "=&r"(old_high),                           \
                 [failed] "=&r"(failed)PAWL_DETAIL_PAIR_OUTPUTS                                                         \
               : __VA_ARGS__                                                                                            \
               : PAWL_DETAIL_PAIR_CLOBBERED)

/// Of 16 bytes.
struct arm64_pair {
  static std::uint64_t low_of(uint128 value) noexcept { return static_cast<std::uint64_t>(value); }
  static std::uint64_t high_of(uint128 value) noexcept { return static_cast<std::uint64_t>(value >> 64U); }
  static uint128 joined(std::uint64_t low, std::uint64_t high) noexcept { return (static_cast<uint128>(high) << 64U) | low; }

#define PAWL_DETAIL_PAIR_END ""
#define PAWL_DETAIL_PAIR_OUTPUTS
#define PAWL_DETAIL_PAIR_CLOBBERED "memory"
#define PAWL_DETAIL_READ(acquire, release, end) PAWL_DETAIL_PAIR(acquire, release, "", "old_low", "old_high", );
#define PAWL_DETAIL_WRITE(acquire, release, end) \
  PAWL_DETAIL_PAIR(acquire, release, "", "low", "high", [low] "r"(low_of(desired)), [high] "r"(high_of(desired)));
  /// `order` has no release half: what is written back was there.
  PAWL_ALWAYS_INLINE static uint128 load(const uint128& source, halves order) noexcept {
    auto& object = const_cast<uint128&>(source);
    std::uint64_t old_low, old_high;
    std::uint32_t failed;
    PAWL_DETAIL_BY_ORDER(PAWL_DETAIL_READ, "")
    return joined(old_low, old_high);
  }
  PAWL_ALWAYS_INLINE static uint128 exchange(uint128& object, uint128 desired, halves order) noexcept {
    std::uint64_t old_low, old_high;
    std::uint32_t failed;
    PAWL_DETAIL_BY_ORDER(PAWL_DETAIL_WRITE, "")
    return joined(old_low, old_high);
  }
#undef PAWL_DETAIL_PAIR_END
#undef PAWL_DETAIL_PAIR_OUTPUTS
#undef PAWL_DETAIL_PAIR_CLOBBERED

#define PAWL_DETAIL_PAIR_END PAWL_DETAIL_EQUAL
#define PAWL_DETAIL_PAIR_OUTPUTS , [low] "=&r"(low), [high] "=&r"(high), PAWL_DETAIL_EQUAL_OUTPUT
#define PAWL_DETAIL_PAIR_CLOBBERED PAWL_DETAIL_CLOBBERED
#define PAWL_DETAIL_CAS_PAIR(acquire, release, end)                                                                           \
  PAWL_DETAIL_PAIR(acquire, release,                                                                                          \
                   "cmp %x[old_low], %x[expected_low]\n\tccmp %x[old_high], %x[expected_high], #0, eq\n\t"                    \
                   "csel %x[low], %x[desired_low], %x[old_low], eq\n\tcsel %x[high], %x[desired_high], %x[old_high], eq\n\t", \
                   "low", "high", [expected_low] "r"(low_of(expected)), [expected_high] "r"(high_of(expected)),               \
                   [desired_low] "r"(low_of(desired)), [desired_high] "r"(high_of(desired)));
  /// Tries again where the store fails, as a weak one, too: what was read is a value only where it succeeds, and a failure has to say
  /// one.
  PAWL_ALWAYS_INLINE static bool compare_exchange(uint128& object, uint128& expected, uint128 desired, halves order) noexcept {
    std::uint64_t old_low, old_high, low, high;
    std::uint32_t failed;
    bool done;
    PAWL_DETAIL_BY_ORDER(PAWL_DETAIL_CAS_PAIR, "")
    expected = joined(old_low, old_high);  // the same where it is done
    return done;
  }
};

#undef PAWL_DETAIL_EQUAL
#undef PAWL_DETAIL_EQUAL_OUTPUT
#undef PAWL_DETAIL_CLOBBERED
#undef PAWL_DETAIL_CAS
#undef PAWL_DETAIL_CAS_BY_SIZE
#undef PAWL_DETAIL_BY_ORDER
#undef PAWL_DETAIL_PAIR
#undef PAWL_DETAIL_PAIR_END
#undef PAWL_DETAIL_PAIR_OUTPUTS
#undef PAWL_DETAIL_PAIR_CLOBBERED
#undef PAWL_DETAIL_READ
#undef PAWL_DETAIL_WRITE
#undef PAWL_DETAIL_CAS_PAIR

}  // namespace pawl::inline v0::detail

#endif
