// SPDX-License-Identifier: BSL-1.0
// Read-modify-writes as the single instructions of FEAT_LSE (Arm Architecture Reference Manual, DDI 0487, C3.2.12): `a` behind a name
// acquires, `l` releases. Compilers have them, too, but clang makes of an ldadd without a reader of its result an stadd, which is no read
// that a later acquire fence could order. Here a result always has a register; stadd is what store_add asks for.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

#include "order_halves.hpp"

#if defined(__aarch64__) && defined(__ARM_FEATURE_ATOMICS) && !defined(__CUDA_ARCH__)

namespace pawl::inline v0::detail {

// Macros, since the text of assembly is a literal; undefined below. Every piece says that it changes memory, so that the compiler moves
// no access across it, whatever the order. What is above W in the register of an operand may be anything. What returns something takes the
// object by its address: as an operand that is read and written, g++ would keep that address in a register behind the instruction,
// and the result couldn't go there.
#define PAWL_DETAIL_FETCH(name, order, b, w)                              \
  asm volatile(name order b " %" w "[operand], %" w "[old], [%x[object]]" \
               : [old] "=r"(old)                                          \
               : [operand] "r"(operand), [object] "r"(&object)            \
               : "memory")
#define PAWL_DETAIL_STORE(name, order, b, w) \
  asm volatile(name order b " %" w "[operand], %[object]" : [object] "+Q"(object) : [operand] "r"(operand) : "memory")
#define PAWL_DETAIL_CAS(name, order, b, w)                                  \
  asm volatile(name order b " %" w "[found], %" w "[operand], [%x[object]]" \
               : [found] "+r"(found)                                        \
               : [operand] "r"(operand), [object] "r"(&object)              \
               : "memory")
#define PAWL_DETAIL_BY_SIZE(each, name, order) \
  if constexpr (sizeof(W) == 8) {              \
    each(name, order, "", "x");                \
  } else if constexpr (sizeof(W) == 4) {       \
    each(name, order, "", "w");                \
  } else if constexpr (sizeof(W) == 2) {       \
    each(name, order, "h", "w");               \
  } else {                                     \
    each(name, order, "b", "w");               \
  }
// The whole of a function that returns what it read, and of one that reads nothing.
#define PAWL_DETAIL_LSE(name)                          \
  W old;                                               \
  if (order >= halves::both) {                         \
    PAWL_DETAIL_BY_SIZE(PAWL_DETAIL_FETCH, name, "al") \
  } else if (order == halves::acquire) {               \
    PAWL_DETAIL_BY_SIZE(PAWL_DETAIL_FETCH, name, "a")  \
  } else if (order == halves::release) {               \
    PAWL_DETAIL_BY_SIZE(PAWL_DETAIL_FETCH, name, "l")  \
  } else {                                             \
    PAWL_DETAIL_BY_SIZE(PAWL_DETAIL_FETCH, name, "")   \
  }                                                    \
  return old;
#define PAWL_DETAIL_LSE_STORE(name)                   \
  if (order == halves::release) {                     \
    PAWL_DETAIL_BY_SIZE(PAWL_DETAIL_STORE, name, "l") \
  } else {                                            \
    PAWL_DETAIL_BY_SIZE(PAWL_DETAIL_STORE, name, "")  \
  }

/// One instruction each, over a W of 1, 2, 4 or 8 bytes. Wait-free. Where W may be signed, it is compared as such.
struct arm64_instructions {
  template <class W>
  PAWL_ALWAYS_INLINE static W exchange(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    PAWL_DETAIL_LSE("swp")
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_add(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    PAWL_DETAIL_LSE("ldadd")
  }
  /// Of the bits that are one in the operand: there is no instruction for `and`.
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_clear(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    PAWL_DETAIL_LSE("ldclr")
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_or(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    PAWL_DETAIL_LSE("ldset")
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_xor(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    PAWL_DETAIL_LSE("ldeor")
  }
  template <std::integral W>
  PAWL_ALWAYS_INLINE static W fetch_min(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    if constexpr (std::signed_integral<W>) {
      PAWL_DETAIL_LSE("ldsmin")
    } else {
      PAWL_DETAIL_LSE("ldumin")
    }
  }
  template <std::integral W>
  PAWL_ALWAYS_INLINE static W fetch_max(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    if constexpr (std::signed_integral<W>) {
      PAWL_DETAIL_LSE("ldsmax")
    } else {
      PAWL_DETAIL_LSE("ldumax")
    }
  }

  // Without a result there is no form that acquires: `order` is release or none.
  template <class W>
  PAWL_ALWAYS_INLINE static void store_add(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    PAWL_DETAIL_LSE_STORE("stadd")
  }
  template <class W>
  PAWL_ALWAYS_INLINE static void store_clear(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    PAWL_DETAIL_LSE_STORE("stclr")
  }
  template <class W>
  PAWL_ALWAYS_INLINE static void store_or(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    PAWL_DETAIL_LSE_STORE("stset")
  }
  template <class W>
  PAWL_ALWAYS_INLINE static void store_xor(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    PAWL_DETAIL_LSE_STORE("steor")
  }
  template <std::integral W>
  PAWL_ALWAYS_INLINE static void store_min(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    if constexpr (std::signed_integral<W>) {
      PAWL_DETAIL_LSE_STORE("stsmin")
    } else {
      PAWL_DETAIL_LSE_STORE("stumin")
    }
  }
  template <std::integral W>
  PAWL_ALWAYS_INLINE static void store_max(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    if constexpr (std::signed_integral<W>) {
      PAWL_DETAIL_LSE_STORE("stsmax")
    } else {
      PAWL_DETAIL_LSE_STORE("stumax")
    }
  }

  /// Doesn't fail spuriously. On failure `expected` holds what was read.
  template <class W>
  PAWL_ALWAYS_INLINE static bool compare_exchange(W& object, W& expected, std::type_identity_t<W> operand, halves order) noexcept {
    // As wide as the register, in which the instruction leaves zeros above W.
    std::conditional_t<(sizeof(W) < 4), std::uint32_t, W> found = expected;
    const auto wanted = found;
    if (order >= halves::both) {
      PAWL_DETAIL_BY_SIZE(PAWL_DETAIL_CAS, "cas", "al")
    } else if (order == halves::acquire) {
      PAWL_DETAIL_BY_SIZE(PAWL_DETAIL_CAS, "cas", "a")
    } else if (order == halves::release) {
      PAWL_DETAIL_BY_SIZE(PAWL_DETAIL_CAS, "cas", "l")
    } else {
      PAWL_DETAIL_BY_SIZE(PAWL_DETAIL_CAS, "cas", "")
    }
    expected = static_cast<W>(found);  // the same where it is done
    return found == wanted;
  }

  // 16 bytes. casp wants pairs of registers that begin with an even one, which compilers promise only where they are named. (These are those in
  // which a function's arguments often are already.)
  PAWL_ALWAYS_INLINE static bool compare_exchange_pair(uint128& object, uint128& expected, uint128 desired, halves order) noexcept {
    std::uint64_t found_low = static_cast<std::uint64_t>(expected), found_high = static_cast<std::uint64_t>(expected >> 64U);
#define PAWL_DETAIL_CASP(ordered)                                                                \
  register std::uint64_t desired_low asm("x6") = static_cast<std::uint64_t>(desired);            \
  register std::uint64_t desired_high asm("x7") = static_cast<std::uint64_t>(desired >> 64U);    \
  register std::uint64_t low asm("x4") = found_low;                                              \
  register std::uint64_t high asm("x5") = found_high;                                            \
  asm volatile("casp" ordered " %x[low], %x[high], %x[desired_low], %x[desired_high], %[object]" \
               : [object] "+Q"(object), [low] "+r"(low), [high] "+r"(high)                       \
               : [desired_low] "r"(desired_low), [desired_high] "r"(desired_high)                \
               : "memory");                                                                      \
  found_low = low;                                                                               \
  found_high = high;
    if (order >= halves::both) {
      PAWL_DETAIL_CASP("al")
    } else if (order == halves::acquire) {
      PAWL_DETAIL_CASP("a")
    } else if (order == halves::release) {
      PAWL_DETAIL_CASP("l")
    } else {
      PAWL_DETAIL_CASP("")
    }
#undef PAWL_DETAIL_CASP
    const uint128 found = (static_cast<uint128>(found_high) << 64U) | found_low;
    if (found == expected) return true;
    expected = found;
    return false;
  }
  /// Compares with zero and stores zero, which changes nothing: it needs writable memory.
  PAWL_ALWAYS_INLINE static uint128 load_pair(const uint128& source, halves order) noexcept {
    auto& object = const_cast<uint128&>(source);
    register std::uint64_t low asm("x0") = 0;
    register std::uint64_t high asm("x1") = 0;
    if (order == halves::none) {
      asm volatile("casp %x1, %x2, %x1, %x2, %0" : "+Q"(object), "+r"(low), "+r"(high) : : "memory");
    } else {
      asm volatile("caspa %x1, %x2, %x1, %x2, %0" : "+Q"(object), "+r"(low), "+r"(high) : : "memory");
    }
    return (static_cast<uint128>(high) << 64U) | low;
  }
};

#undef PAWL_DETAIL_FETCH
#undef PAWL_DETAIL_STORE
#undef PAWL_DETAIL_CAS
#undef PAWL_DETAIL_BY_SIZE
#undef PAWL_DETAIL_LSE
#undef PAWL_DETAIL_LSE_STORE

}  // namespace pawl::inline v0::detail

#endif
