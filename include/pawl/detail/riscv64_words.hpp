// SPDX-License-Identifier: BSL-1.0
// Read-modify-writes of 4 and 8 bytes on RISC-V: an AMO where there is one, else a loop of LR and SC. Between the two stands nothing but
// integer arithmetic and branches forward, 16 instructions in all at the most: then it succeeds at last (The RISC-V Instruction Set
// Manual, volume I, 8.3). Orders are mapped as its table A.6 has them, which is the psABI's.
//
// Every piece says that it changes memory, so that the compiler moves no access across it, whatever the order.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "order_halves.hpp"

#if defined(__riscv) && __riscv_xlen == 64 && defined(__riscv_atomic) && !defined(__CUDA_ARCH__)

namespace pawl::inline v0::detail {

// Macros, since the text of assembly is a literal; undefined below.
#define PAWL_DETAIL_FETCH(name, order)                     \
  asm volatile(name order " %[old], %[operand], %[object]" \
               : [object] "+A"(object), [old] "=r"(old)    \
               : [operand] "r"(operand)                    \
               : "memory")
#define PAWL_DETAIL_STORE(name, order) \
  asm volatile(name order " zero, %[operand], %[object]" : [object] "+A"(object) : [operand] "r"(operand) : "memory")
#define PAWL_DETAIL_AMO_BY_ORDER(each, name) \
  if (order >= halves::both) {               \
    each(name, ".aqrl");                     \
  } else if (order == halves::acquire) {     \
    each(name, ".aq");                       \
  } else if (order == halves::release) {     \
    each(name, ".rl");                       \
  } else {                                   \
    each(name, "");                          \
  }
#define PAWL_DETAIL_AMO(each, name)           \
  if constexpr (sizeof(W) == 8) {             \
    PAWL_DETAIL_AMO_BY_ORDER(each, name ".d") \
  } else {                                    \
    PAWL_DETAIL_AMO_BY_ORDER(each, name ".w") \
  }
// The whole of a function that returns what it read, and of one that doesn't.
#define PAWL_DETAIL_FETCH_FUNCTION(name)   \
  W old;                                   \
  PAWL_DETAIL_AMO(PAWL_DETAIL_FETCH, name) \
  return old;

// A loop; label 2 is where it ends.
#define PAWL_DETAIL_LOOP(lr, sc, d, body, ...)                                                             \
  asm volatile("1: lr." d lr " %[old], %[object]\n\t" body "sc." d sc                                      \
               " %[failed], %[desired], %[object]\n\t"                                                     \
               "bnez %[failed], 1b\n"                                                                      \
               "2:"                                                                                        \
               : [object] "+A"(object), [old] "=&r"(old), [desired] "=&r"(desired), [failed] "=&r"(failed) \
               : __VA_ARGS__                                                                               \
               : "memory")
#define PAWL_DETAIL_LOOP_BY_ORDER(d, body, ...)             \
  if (order == halves::total) {                             \
    PAWL_DETAIL_LOOP(".aqrl", ".rl", d, body, __VA_ARGS__); \
  } else if (order == halves::both) {                       \
    PAWL_DETAIL_LOOP(".aq", ".rl", d, body, __VA_ARGS__);   \
  } else if (order == halves::acquire) {                    \
    PAWL_DETAIL_LOOP(".aq", "", d, body, __VA_ARGS__);      \
  } else if (order == halves::release) {                    \
    PAWL_DETAIL_LOOP("", ".rl", d, body, __VA_ARGS__);      \
  } else {                                                  \
    PAWL_DETAIL_LOOP("", "", d, body, __VA_ARGS__);         \
  }
// body(add): 4 bytes are added as such, and sign-extended, as lr.w reads them. (Unsigned ones compare as before then.)
#define PAWL_DETAIL_LRSC(body, ...)                           \
  if constexpr (sizeof(W) == 8) {                             \
    PAWL_DETAIL_LOOP_BY_ORDER("d", body("add"), __VA_ARGS__)  \
  } else {                                                    \
    PAWL_DETAIL_LOOP_BY_ORDER("w", body("addw"), __VA_ARGS__) \
  }

// Where the sum overflows, `bound`: where it is below old though nothing negative was added, or not below it though there was.
#define PAWL_DETAIL_UADD_SAT(add) \
  add " %[desired], %[old], %[operand]\n\tbgeu %[desired], %[old], 3f\n\tmv %[desired], %[bound]\n3:\t"
#define PAWL_DETAIL_SADD_SAT(add)                                                                                  \
  add " %[desired], %[old], %[operand]\n\tslt %[failed], %[desired], %[old]\n\tbeq %[failed], %[negative], 3f\n\t" \
      "mv %[desired], %[bound]\n3:\t"
#define PAWL_DETAIL_INC_WRAP(add) "li %[desired], 0\n\tbgeu %[old], %[operand], 3f\n\t" add " %[desired], %[old], 1\n3:\t"
#define PAWL_DETAIL_UINC_BELOW(add) "bgeu %[old], %[operand], 2f\n\t" add " %[desired], %[old], 1\n\t"
#define PAWL_DETAIL_SINC_BELOW(add) "bge %[old], %[operand], 2f\n\t" add " %[desired], %[old], 1\n\t"
#define PAWL_DETAIL_CAS_WEAK(lr, sc, d)                                          \
  asm volatile("1: lr." d lr                                                     \
               " %[old], %[object]\n\tbne %[old], %[wanted], 2f\n\t"             \
               "sc." d sc " %[failed], %[next], %[object]\n2:"                   \
               : [object] "+A"(object), [old] "=&r"(old), [failed] "+&r"(failed) \
               : [wanted] "r"(wanted), [next] "r"(next)                          \
               : "memory")
#define PAWL_DETAIL_CAS_STRONG(lr, sc, d)                                            \
  asm volatile("1: lr." d lr                                                         \
               " %[old], %[object]\n\tbne %[old], %[wanted], 2f\n\t"                 \
               "sc." d sc " %[failed], %[next], %[object]\n\tbnez %[failed], 1b\n2:" \
               : [object] "+A"(object), [old] "=&r"(old), [failed] "=&r"(failed)     \
               : [wanted] "r"(wanted), [next] "r"(next)                              \
               : "memory")
#define PAWL_DETAIL_CAS_BY_ORDER(each, d) \
  if (order == halves::total) {           \
    each(".aqrl", ".rl", d);              \
  } else if (order == halves::both) {     \
    each(".aq", ".rl", d);                \
  } else if (order == halves::acquire) {  \
    each(".aq", "", d);                   \
  } else if (order == halves::release) {  \
    each("", ".rl", d);                   \
  } else {                                \
    each("", "", d);                      \
  }
#define PAWL_DETAIL_CAS(each)           \
  if constexpr (sizeof(W) == 8) {       \
    PAWL_DETAIL_CAS_BY_ORDER(each, "d") \
  } else {                              \
    PAWL_DETAIL_CAS_BY_ORDER(each, "w") \
  }

/// Over a W of 4 or 8 bytes. The fetch_ and store_ functions that are AMOs are wait-free, the others lock-free. Where W may be signed, it
/// is compared as such.
struct riscv64_words {
  /// As lr reads it: sign-extended to a register.
  template <class W>
  static std::int64_t extended(W value) noexcept {
    return static_cast<std::int64_t>(static_cast<std::make_signed_t<W>>(value));
  }

  /// One attempt, which may fail though the value is expected. On failure `expected` holds what was read.
  template <class W>
  PAWL_ALWAYS_INLINE static bool compare_exchange_weak(W& object, W& expected, W desired, halves order) noexcept {
    const std::int64_t wanted = extended(expected);
    const W next = desired;
    std::int64_t old;
    std::int64_t failed = 1;  // where it isn't tried
    PAWL_DETAIL_CAS(PAWL_DETAIL_CAS_WEAK)
    expected = static_cast<W>(old);  // the same where it is done
    return failed == 0;
  }
  /// As often as the store fails.
  template <class W>
  PAWL_ALWAYS_INLINE static bool compare_exchange_strong(W& object, W& expected, W desired, halves order) noexcept {
    const std::int64_t wanted = extended(expected);
    const W next = desired;
    std::int64_t old, failed;
    PAWL_DETAIL_CAS(PAWL_DETAIL_CAS_STRONG)
    expected = static_cast<W>(old);  // the same where it is done
    return old == wanted;
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W exchange(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    PAWL_DETAIL_FETCH_FUNCTION("amoswap")
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_add(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    PAWL_DETAIL_FETCH_FUNCTION("amoadd")
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_and(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    PAWL_DETAIL_FETCH_FUNCTION("amoand")
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_or(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    PAWL_DETAIL_FETCH_FUNCTION("amoor")
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_xor(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    PAWL_DETAIL_FETCH_FUNCTION("amoxor")
  }
  template <std::integral W>
  PAWL_ALWAYS_INLINE static W fetch_min(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    if constexpr (std::signed_integral<W>) {
      PAWL_DETAIL_FETCH_FUNCTION("amomin")
    } else {
      PAWL_DETAIL_FETCH_FUNCTION("amominu")
    }
  }
  template <std::integral W>
  PAWL_ALWAYS_INLINE static W fetch_max(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    if constexpr (std::signed_integral<W>) {
      PAWL_DETAIL_FETCH_FUNCTION("amomax")
    } else {
      PAWL_DETAIL_FETCH_FUNCTION("amomaxu")
    }
  }

  /// A seq_cst store.
  template <class W>
  PAWL_ALWAYS_INLINE static void store_exchange(W& object, std::type_identity_t<W> operand) noexcept {
    if constexpr (sizeof(W) == 8) {
      PAWL_DETAIL_STORE("amoswap.d", ".rl");
    } else {
      PAWL_DETAIL_STORE("amoswap.w", ".rl");
    }
  }

  // With `zero` for the result. It is a read all the same, so any order makes sense.
  template <class W>
  PAWL_ALWAYS_INLINE static void store_add(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    PAWL_DETAIL_AMO(PAWL_DETAIL_STORE, "amoadd")
  }
  template <class W>
  PAWL_ALWAYS_INLINE static void store_and(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    PAWL_DETAIL_AMO(PAWL_DETAIL_STORE, "amoand")
  }
  template <class W>
  PAWL_ALWAYS_INLINE static void store_or(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    PAWL_DETAIL_AMO(PAWL_DETAIL_STORE, "amoor")
  }
  template <class W>
  PAWL_ALWAYS_INLINE static void store_xor(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    PAWL_DETAIL_AMO(PAWL_DETAIL_STORE, "amoxor")
  }
  template <std::integral W>
  PAWL_ALWAYS_INLINE static void store_min(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    if constexpr (std::signed_integral<W>) {
      PAWL_DETAIL_AMO(PAWL_DETAIL_STORE, "amomin")
    } else {
      PAWL_DETAIL_AMO(PAWL_DETAIL_STORE, "amominu")
    }
  }
  template <std::integral W>
  PAWL_ALWAYS_INLINE static void store_max(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    if constexpr (std::signed_integral<W>) {
      PAWL_DETAIL_AMO(PAWL_DETAIL_STORE, "amomax")
    } else {
      PAWL_DETAIL_AMO(PAWL_DETAIL_STORE, "amomaxu")
    }
  }

  template <std::integral W>
  PAWL_ALWAYS_INLINE static W fetch_add_sat(W& object, std::type_identity_t<W> addend, halves order) noexcept {
    const std::int64_t operand = extended(addend);
    // Where it overflows is known before: upwards, unless something negative is added.
    const std::int64_t negative = std::signed_integral<W> && operand < 0 ? 1 : 0;
    const std::int64_t bound = extended(negative != 0 ? std::numeric_limits<W>::min() : std::numeric_limits<W>::max());
    std::int64_t old, desired, failed;
    if constexpr (std::signed_integral<W>) {
      PAWL_DETAIL_LRSC(PAWL_DETAIL_SADD_SAT, [operand] "r"(operand), [bound] "r"(bound), [negative] "r"(negative))
    } else {
      PAWL_DETAIL_LRSC(PAWL_DETAIL_UADD_SAT, [operand] "r"(operand), [bound] "r"(bound))
    }
    return static_cast<W>(old);
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_inc_wrap(W& object, std::type_identity_t<W> limit, halves order) noexcept {
    const std::int64_t operand = extended(limit);
    std::int64_t old, desired, failed;
    PAWL_DETAIL_LRSC(PAWL_DETAIL_INC_WRAP, [operand] "r"(operand))
    return static_cast<W>(old);
  }
  template <std::integral W>
  PAWL_ALWAYS_INLINE static W fetch_inc_below(W& object, std::type_identity_t<W> limit, halves order) noexcept {
    const std::int64_t operand = extended(limit);
    std::int64_t old, desired, failed;
    if constexpr (std::signed_integral<W>) {
      PAWL_DETAIL_LRSC(PAWL_DETAIL_SINC_BELOW, [operand] "r"(operand))
    } else {
      PAWL_DETAIL_LRSC(PAWL_DETAIL_UINC_BELOW, [operand] "r"(operand))
    }
    return static_cast<W>(old);
  }
};

#undef PAWL_DETAIL_FETCH
#undef PAWL_DETAIL_STORE
#undef PAWL_DETAIL_AMO_BY_ORDER
#undef PAWL_DETAIL_AMO
#undef PAWL_DETAIL_FETCH_FUNCTION
#undef PAWL_DETAIL_LOOP
#undef PAWL_DETAIL_LOOP_BY_ORDER
#undef PAWL_DETAIL_LRSC
#undef PAWL_DETAIL_UADD_SAT
#undef PAWL_DETAIL_SADD_SAT
#undef PAWL_DETAIL_INC_WRAP
#undef PAWL_DETAIL_UINC_BELOW
#undef PAWL_DETAIL_SINC_BELOW
#undef PAWL_DETAIL_CAS_WEAK
#undef PAWL_DETAIL_CAS_STRONG
#undef PAWL_DETAIL_CAS_BY_ORDER
#undef PAWL_DETAIL_CAS

}  // namespace pawl::inline v0::detail

#endif
