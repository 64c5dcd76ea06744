// SPDX-License-Identifier: BSL-1.0
// Read-modify-writes of 1 to 8 bytes as loops of load-exclusive and store-exclusive, for every arm64 (Arm Architecture Reference
// Manual, DDI 0487, B2.9). Between the two stands nothing but register arithmetic: an access there may lose the reservation for ever, and
// compilers without optimization put some there. So each loop is one piece of assembly.
//
// The read acquires as ldaxr, the write releases as stlxr, else they are ldxr and stxr; no order needs a dmb. seq_cst is both halves:
// neither ldar nor ldaxr is done before an stlr or stlxr that stands before it.
//
// Every piece says that it changes memory, so that the compiler moves no access across it, whatever the order.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "order_halves.hpp"

#if defined(__aarch64__) && !defined(__CUDA_ARCH__)

namespace pawl::inline v0::detail {

// Macros, since the text of assembly is a literal: W has four sizes and an order four forms, so a function is 16 texts. sizeof(W) leaves
// four of them, and a known order one. The macros are undefined below.
//
// In the texts, %w and %x say how wide a register is taken. What is above W in the register of an operand may be anything.

// A loop that stores `stored`, one of the operands, after `body`. Label 2 is where it ends.
#define PAWL_DETAIL_LOOP(acquire, release, b, w, stored, body, ...)                                                        \
  asm volatile("1: ld" acquire "xr" b " %" w "[old], %[object]\n\t" body "st" release "xr" b " %w[failed], %" w "[" stored \
               "], %[object]\n\t"                                                                                          \
               "cbnz %w[failed], 1b\n"                                                                                     \
               "2:"                                                                                                        \
               : [object] "+Q"(object), [old] "=&r"(old), [desired] "=&r"(desired), [failed] "=&r"(failed)                 \
               : __VA_ARGS__                                                                                               \
               : "memory", "cc")
// body(w, compare old with operand as unsigned numbers, as signed ones)
#define PAWL_DETAIL_BY_SIZE(acquire, release, stored, body, ...)                                                                   \
  if constexpr (sizeof(W) == 8) {                                                                                                  \
    PAWL_DETAIL_LOOP(acquire, release, "", "x", stored, body("x", "cmp %x[old], %x[operand]\n\t", "cmp %x[old], %x[operand]\n\t"), \
                     __VA_ARGS__);                                                                                                 \
  } else if constexpr (sizeof(W) == 4) {                                                                                           \
    PAWL_DETAIL_LOOP(acquire, release, "", "w", stored, body("w", "cmp %w[old], %w[operand]\n\t", "cmp %w[old], %w[operand]\n\t"), \
                     __VA_ARGS__);                                                                                                 \
  } else if constexpr (sizeof(W) == 2) {                                                                                           \
    PAWL_DETAIL_LOOP(                                                                                                              \
        acquire, release, "h", "w", stored,                                                                                        \
        body("w", "cmp %w[old], %w[operand], uxth\n\t", "sxth %w[desired], %w[old]\n\tcmp %w[desired], %w[operand], sxth\n\t"),    \
        __VA_ARGS__);                                                                                                              \
  } else {                                                                                                                         \
    PAWL_DETAIL_LOOP(                                                                                                              \
        acquire, release, "b", "w", stored,                                                                                        \
        body("w", "cmp %w[old], %w[operand], uxtb\n\t", "sxtb %w[desired], %w[old]\n\tcmp %w[desired], %w[operand], sxtb\n\t"),    \
        __VA_ARGS__);                                                                                                              \
  }
#define PAWL_DETAIL_LLSC(stored, body, ...)                  \
  if (order >= halves::both) {                               \
    PAWL_DETAIL_BY_SIZE("a", "l", stored, body, __VA_ARGS__) \
  } else if (order == halves::acquire) {                     \
    PAWL_DETAIL_BY_SIZE("a", "", stored, body, __VA_ARGS__)  \
  } else if (order == halves::release) {                     \
    PAWL_DETAIL_BY_SIZE("", "l", stored, body, __VA_ARGS__)  \
  } else {                                                   \
    PAWL_DETAIL_BY_SIZE("", "", stored, body, __VA_ARGS__)   \
  }

#define PAWL_DETAIL_NOTHING(w, ucmp, scmp) ""
#define PAWL_DETAIL_ADD(w, ucmp, scmp) "add %" w "[desired], %" w "[old], %" w "[operand]\n\t"
#define PAWL_DETAIL_SUB(w, ucmp, scmp) "sub %" w "[desired], %" w "[old], %" w "[operand]\n\t"
#define PAWL_DETAIL_AND(w, ucmp, scmp) "and %" w "[desired], %" w "[old], %" w "[operand]\n\t"
#define PAWL_DETAIL_OR(w, ucmp, scmp) "orr %" w "[desired], %" w "[old], %" w "[operand]\n\t"
#define PAWL_DETAIL_XOR(w, ucmp, scmp) "eor %" w "[desired], %" w "[old], %" w "[operand]\n\t"
#define PAWL_DETAIL_UMIN(w, ucmp, scmp) ucmp "csel %" w "[desired], %" w "[old], %" w "[operand], ls\n\t"
#define PAWL_DETAIL_UMAX(w, ucmp, scmp) ucmp "csel %" w "[desired], %" w "[old], %" w "[operand], hs\n\t"
#define PAWL_DETAIL_SMIN(w, ucmp, scmp) scmp "csel %" w "[desired], %" w "[old], %" w "[operand], le\n\t"
#define PAWL_DETAIL_SMAX(w, ucmp, scmp) scmp "csel %" w "[desired], %" w "[old], %" w "[operand], ge\n\t"
// Zero where old reached the limit, else one more.
#define PAWL_DETAIL_INC_WRAP(w, ucmp, scmp) ucmp "csinc %" w "[desired], " w "zr, %" w "[old], hs\n\t"
#define PAWL_DETAIL_UINC_BELOW(w, ucmp, scmp) ucmp "b.hs 2f\n\tadd %" w "[desired], %" w "[old], #1\n\t"
#define PAWL_DETAIL_SINC_BELOW(w, ucmp, scmp) scmp "b.ge 2f\n\tadd %" w "[desired], %" w "[old], #1\n\t"
// Where the sum overflows, `bound`. What is smaller than a register is added in its upper end, where the flags tell of its overflow.
#define PAWL_DETAIL_SUM(w, from, overflow)      \
  "adds %" w "[desired], %" w "[" from "], %" w \
  "[operand]\n\t"                               \
  "csel %" w "[desired], %" w "[bound], %" w "[desired], " overflow "\n\t"
#define PAWL_DETAIL_UADD_SAT(w, ucmp, scmp) PAWL_DETAIL_SUM(w, "old", "cs")
#define PAWL_DETAIL_SADD_SAT(w, ucmp, scmp) PAWL_DETAIL_SUM(w, "old", "vs")
#define PAWL_DETAIL_NARROW_SUM(overflow) \
  "lsl %w[desired], %w[old], %[lift]\n\t" PAWL_DETAIL_SUM("w", "desired", overflow) "lsr %w[desired], %w[desired], %[lift]\n\t"
#define PAWL_DETAIL_NARROW_UADD_SAT(w, ucmp, scmp) PAWL_DETAIL_NARROW_SUM("cs")
#define PAWL_DETAIL_NARROW_SADD_SAT(w, ucmp, scmp) PAWL_DETAIL_NARROW_SUM("vs")

/// The loops, over a W of 1, 2, 4 or 8 bytes; each returns what it read. Where W may be signed, it is compared as such. Lock-free: a
/// round that fails means that another thread stored, or that the processor lost the reservation.
struct arm64_loops {
  template <class W>
  PAWL_ALWAYS_INLINE static W exchange(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    W old, desired;
    std::uint32_t failed;
    PAWL_DETAIL_LLSC("operand", PAWL_DETAIL_NOTHING, [operand] "r"(operand))
    return old;
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_add(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    W old, desired;
    std::uint32_t failed;
    PAWL_DETAIL_LLSC("desired", PAWL_DETAIL_ADD, [operand] "rI"(operand))
    return old;
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_sub(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    W old, desired;
    std::uint32_t failed;
    PAWL_DETAIL_LLSC("desired", PAWL_DETAIL_SUB, [operand] "rI"(operand))
    return old;
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_and(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    W old, desired;
    std::uint32_t failed;
    PAWL_DETAIL_LLSC("desired", PAWL_DETAIL_AND, [operand] "r"(operand))
    return old;
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_or(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    W old, desired;
    std::uint32_t failed;
    PAWL_DETAIL_LLSC("desired", PAWL_DETAIL_OR, [operand] "r"(operand))
    return old;
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_xor(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    W old, desired;
    std::uint32_t failed;
    PAWL_DETAIL_LLSC("desired", PAWL_DETAIL_XOR, [operand] "r"(operand))
    return old;
  }
  template <std::integral W>
  PAWL_ALWAYS_INLINE static W fetch_min(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    W old, desired;
    std::uint32_t failed;
    if constexpr (std::signed_integral<W>) {
      PAWL_DETAIL_LLSC("desired", PAWL_DETAIL_SMIN, [operand] "r"(operand))
    } else {
      PAWL_DETAIL_LLSC("desired", PAWL_DETAIL_UMIN, [operand] "r"(operand))
    }
    return old;
  }
  template <std::integral W>
  PAWL_ALWAYS_INLINE static W fetch_max(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    W old, desired;
    std::uint32_t failed;
    if constexpr (std::signed_integral<W>) {
      PAWL_DETAIL_LLSC("desired", PAWL_DETAIL_SMAX, [operand] "r"(operand))
    } else {
      PAWL_DETAIL_LLSC("desired", PAWL_DETAIL_UMAX, [operand] "r"(operand))
    }
    return old;
  }
  template <std::integral W>
  PAWL_ALWAYS_INLINE static W fetch_add_sat(W& object, std::type_identity_t<W> addend, halves order) noexcept {
    W old, desired;
    std::uint32_t failed;
    // Where it overflows is known before: upwards, unless something negative is added.
    const W limit = addend < 0 ? std::numeric_limits<W>::min() : std::numeric_limits<W>::max();
    if constexpr (sizeof(W) < 4) {
      constexpr unsigned lift = 32 - 8 * sizeof(W);
      const std::uint32_t operand = static_cast<std::uint32_t>(addend) << lift;
      const std::uint32_t bound = static_cast<std::uint32_t>(limit) << lift;
      if constexpr (std::signed_integral<W>) {
        PAWL_DETAIL_LLSC("desired", PAWL_DETAIL_NARROW_SADD_SAT, [operand] "r"(operand), [bound] "r"(bound), [lift] "i"(lift))
      } else {
        PAWL_DETAIL_LLSC("desired", PAWL_DETAIL_NARROW_UADD_SAT, [operand] "r"(operand), [bound] "r"(bound), [lift] "i"(lift))
      }
    } else if constexpr (std::signed_integral<W>) {
      PAWL_DETAIL_LLSC("desired", PAWL_DETAIL_SADD_SAT, [operand] "r"(addend), [bound] "r"(limit))
    } else {
      PAWL_DETAIL_LLSC("desired", PAWL_DETAIL_UADD_SAT, [operand] "r"(addend), [bound] "r"(limit))
    }
    return old;
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_inc_wrap(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    W old, desired;
    std::uint32_t failed;
    PAWL_DETAIL_LLSC("desired", PAWL_DETAIL_INC_WRAP, [operand] "r"(operand))
    return old;
  }
  /// Where it stores nothing, it leaves the reservation open: the next store-exclusive of this thread has a load-exclusive of its own.
  template <std::integral W>
  PAWL_ALWAYS_INLINE static W fetch_inc_below(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    W old, desired;
    std::uint32_t failed;
    if constexpr (std::signed_integral<W>) {
      PAWL_DETAIL_LLSC("desired", PAWL_DETAIL_SINC_BELOW, [operand] "r"(operand))
    } else {
      PAWL_DETAIL_LLSC("desired", PAWL_DETAIL_UINC_BELOW, [operand] "r"(operand))
    }
    return old;
  }
};

#undef PAWL_DETAIL_LOOP
#undef PAWL_DETAIL_BY_SIZE
#undef PAWL_DETAIL_LLSC
#undef PAWL_DETAIL_NOTHING
#undef PAWL_DETAIL_ADD
#undef PAWL_DETAIL_SUB
#undef PAWL_DETAIL_AND
#undef PAWL_DETAIL_OR
#undef PAWL_DETAIL_XOR
#undef PAWL_DETAIL_UMIN
#undef PAWL_DETAIL_UMAX
#undef PAWL_DETAIL_SMIN
#undef PAWL_DETAIL_SMAX
#undef PAWL_DETAIL_INC_WRAP
#undef PAWL_DETAIL_UINC_BELOW
#undef PAWL_DETAIL_SINC_BELOW
#undef PAWL_DETAIL_SUM
#undef PAWL_DETAIL_UADD_SAT
#undef PAWL_DETAIL_SADD_SAT
#undef PAWL_DETAIL_NARROW_SUM
#undef PAWL_DETAIL_NARROW_UADD_SAT
#undef PAWL_DETAIL_NARROW_SADD_SAT

}  // namespace pawl::inline v0::detail

#endif
