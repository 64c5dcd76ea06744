// SPDX-License-Identifier: BSL-1.0
// Read-modify-writes of 1 and 2 bytes on RISC-V, which has none: by LR and SC of the aligned 4 bytes around them, or, for and, or and xor,
// by an AMO on these. What else the 4 bytes hold stays as it is. (No page and no cache line ends within them, so no access is added that
// could fault.) See riscv64_words.hpp for the rest.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "order_halves.hpp"

#if defined(__riscv) && __riscv_xlen == 64 && defined(__riscv_atomic) && !defined(__CUDA_ARCH__)

namespace pawl::inline v0::detail {

/// Where a W of 1 or 2 bytes stands in the 4 bytes around it.
template <class W>
struct riscv64_place {
  static constexpr unsigned above = 64 - 8 * sizeof(W);  // bits of a register that W doesn't fill

  explicit riscv64_place(const W& object) noexcept
      : around(reinterpret_cast<std::uintptr_t>(&object) & ~std::uintptr_t{3}),
        shift((reinterpret_cast<std::uintptr_t>(&object) & 3U) * 8) {
#if PAWL_ASAN
    // ASan doesn't see assembly, but it sees this read, and reports freed memory here.
    (void)static_cast<const volatile W&>(object);
#endif
  }
  [[nodiscard]] std::uint64_t mask() const noexcept { return (~std::uint64_t{0} >> above) << shift; }
  /// The value where the object stands in the 4 bytes.
  [[nodiscard]] std::uint64_t placed(W value) const noexcept { return bits(value) << shift; }
  /// The value at a register's upper end, where it overflows and compares, signed or not, as W does.
  static std::uint64_t lifted(W value) noexcept { return bits(value) << above; }
  static W lowered(std::uint64_t value) noexcept { return static_cast<W>(value >> above); }
  static std::uint64_t bits(W value) noexcept { return static_cast<std::make_unsigned_t<W>>(value); }

  std::uintptr_t around;
  std::uint64_t shift;
};

// Macros, since the text of assembly is a literal; undefined below. Every piece says that it changes memory: the 4 bytes are no operand,
// since the compiler may know that there is no object so large.
#define PAWL_DETAIL_BY_ORDER(each, ...)  \
  if (order == halves::total) {          \
    each(".aqrl", ".rl", __VA_ARGS__);   \
  } else if (order == halves::both) {    \
    each(".aq", ".rl", __VA_ARGS__);     \
  } else if (order == halves::acquire) { \
    each(".aq", "", __VA_ARGS__);        \
  } else if (order == halves::release) { \
    each("", ".rl", __VA_ARGS__);        \
  } else {                               \
    each("", "", __VA_ARGS__);           \
  }
// The object is taken out of the word, to a register's upper end, changed there by `body`, and put back. Label 2 is where the loop ends.
#define PAWL_DETAIL_LOOP(lr, sc, body, ...)                                                                                 \
  asm volatile("1: lr.w" lr " %[word], (%[around])\n\tand %[old], %[word], %[mask]\n\tsll %[old], %[old], %[lift]\n\t" body \
               "srl %[desired], %[desired], %[lift]\n\txor %[desired], %[desired], %[word]\n\t"                             \
               "and %[desired], %[desired], %[mask]\n\txor %[desired], %[desired], %[word]\n\t"                             \
               "sc.w" sc                                                                                                    \
               " %[failed], %[desired], (%[around])\n\tbnez %[failed], 1b\n"                                                \
               "2:"                                                                                                         \
               : [word] "=&r"(word), [old] "=&r"(old), [desired] "=&r"(desired), [failed] "=&r"(failed)                     \
               : [around] "r"(place.around), [mask] "r"(place.mask()), [lift] "r"(lift), __VA_ARGS__                        \
               : "memory")
// The whole of a function, but for what it takes.
#define PAWL_DETAIL_LRSC(body, ...)                                 \
  const std::uint64_t lift = riscv64_place<W>::above - place.shift; \
  std::uint64_t word, old, desired, failed;                         \
  PAWL_DETAIL_BY_ORDER(PAWL_DETAIL_LOOP, body, __VA_ARGS__)         \
  return riscv64_place<W>::lowered(old);

#define PAWL_DETAIL_SWAP "mv %[desired], %[operand]\n\t"
#define PAWL_DETAIL_ADD "add %[desired], %[old], %[operand]\n\t"
#define PAWL_DETAIL_SUB "sub %[desired], %[old], %[operand]\n\t"
#define PAWL_DETAIL_UMIN "mv %[desired], %[old]\n\tbgeu %[operand], %[old], 3f\n\tmv %[desired], %[operand]\n3:\t"
#define PAWL_DETAIL_SMIN "mv %[desired], %[old]\n\tbge %[operand], %[old], 3f\n\tmv %[desired], %[operand]\n3:\t"
#define PAWL_DETAIL_UMAX "mv %[desired], %[old]\n\tbgeu %[old], %[operand], 3f\n\tmv %[desired], %[operand]\n3:\t"
#define PAWL_DETAIL_SMAX "mv %[desired], %[old]\n\tbge %[old], %[operand], 3f\n\tmv %[desired], %[operand]\n3:\t"
// Where the sum overflows, `bound`: where it is below old though nothing negative was added, or not below it though there was.
#define PAWL_DETAIL_UADD_SAT "add %[desired], %[old], %[operand]\n\tbgeu %[desired], %[old], 3f\n\tmv %[desired], %[bound]\n3:\t"
#define PAWL_DETAIL_SADD_SAT                                                                                      \
  "add %[desired], %[old], %[operand]\n\tslt %[failed], %[desired], %[old]\n\tbeq %[failed], %[negative], 3f\n\t" \
  "mv %[desired], %[bound]\n3:\t"
#define PAWL_DETAIL_INC_WRAP "li %[desired], 0\n\tbgeu %[old], %[operand], 3f\n\tadd %[desired], %[old], %[one]\n3:\t"
#define PAWL_DETAIL_UINC_BELOW "bgeu %[old], %[operand], 2f\n\tadd %[desired], %[old], %[one]\n\t"
#define PAWL_DETAIL_SINC_BELOW "bge %[old], %[operand], 2f\n\tadd %[desired], %[old], %[one]\n\t"

// Where the object is expected, the bits that differ are turned over.
#define PAWL_DETAIL_CAS(lr, sc, again)                                                                            \
  asm volatile("1: lr.w" lr                                                                                       \
               " %[word], (%[around])\n\tand %[old], %[word], %[mask]\n\tbne %[old], %[wanted], 2f\n\t"           \
               "xor %[word], %[word], %[change]\n\tsc.w" sc " %[failed], %[word], (%[around])\n\t" again "2:"     \
               : [word] "=&r"(word), [old] "=&r"(old), [failed] "+&r"(failed)                                     \
               : [around] "r"(place.around), [mask] "r"(place.mask()), [wanted] "r"(wanted), [change] "r"(change) \
               : "memory")

#define PAWL_DETAIL_FETCH(name, order_)                             \
  asm volatile(name order_ " %[word], %[operand], (%[around])"      \
               : [word] "=r"(word)                                  \
               : [around] "r"(place.around), [operand] "r"(operand) \
               : "memory")
#define PAWL_DETAIL_STORE(name, order_) \
  asm volatile(name order_ " zero, %[operand], (%[around])" : : [around] "r"(place.around), [operand] "r"(operand) : "memory")
#define PAWL_DETAIL_AMO(each, name)      \
  if (order >= halves::both) {           \
    each(name, ".aqrl");                 \
  } else if (order == halves::acquire) { \
    each(name, ".aq");                   \
  } else if (order == halves::release) { \
    each(name, ".rl");                   \
  } else {                               \
    each(name, "");                      \
  }

/// Over a W of 1 or 2 bytes; each returns what it read. Lock-free, and wait-free for and, or and xor. Where W may be signed, it is
/// compared as such.
struct riscv64_narrow {
  /// One attempt, which may fail though the value is expected. On failure `expected` holds what was read.
  template <class W>
  PAWL_ALWAYS_INLINE static bool compare_exchange_weak(W& object, W& expected, W desired, halves order) noexcept {
    const riscv64_place<W> place(object);
    const std::uint64_t wanted = place.placed(expected);
    const std::uint64_t change = wanted ^ place.placed(desired);
    std::uint64_t word, old;
    std::uint64_t failed = 1;  // where it isn't tried
    PAWL_DETAIL_BY_ORDER(PAWL_DETAIL_CAS, "")
    expected = static_cast<W>(old >> place.shift);  // the same where it is done
    return failed == 0;
  }
  /// As often as the store fails.
  template <class W>
  PAWL_ALWAYS_INLINE static bool compare_exchange_strong(W& object, W& expected, W desired, halves order) noexcept {
    const riscv64_place<W> place(object);
    const std::uint64_t wanted = place.placed(expected);
    const std::uint64_t change = wanted ^ place.placed(desired);
    std::uint64_t word, old;
    std::uint64_t failed = 1;
    PAWL_DETAIL_BY_ORDER(PAWL_DETAIL_CAS, "bnez %[failed], 1b\n")
    expected = static_cast<W>(old >> place.shift);  // the same where it is done
    return old == wanted;
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W exchange(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    const riscv64_place<W> place(object);
    PAWL_DETAIL_LRSC(PAWL_DETAIL_SWAP, [operand] "r"(place.lifted(operand)))
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_add(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    const riscv64_place<W> place(object);
    PAWL_DETAIL_LRSC(PAWL_DETAIL_ADD, [operand] "r"(place.lifted(operand)))
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_sub(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    const riscv64_place<W> place(object);
    PAWL_DETAIL_LRSC(PAWL_DETAIL_SUB, [operand] "r"(place.lifted(operand)))
  }
  template <std::integral W>
  PAWL_ALWAYS_INLINE static W fetch_min(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    const riscv64_place<W> place(object);
    if constexpr (std::signed_integral<W>) {
      PAWL_DETAIL_LRSC(PAWL_DETAIL_SMIN, [operand] "r"(place.lifted(operand)))
    } else {
      PAWL_DETAIL_LRSC(PAWL_DETAIL_UMIN, [operand] "r"(place.lifted(operand)))
    }
  }
  template <std::integral W>
  PAWL_ALWAYS_INLINE static W fetch_max(W& object, std::type_identity_t<W> operand, halves order) noexcept {
    const riscv64_place<W> place(object);
    if constexpr (std::signed_integral<W>) {
      PAWL_DETAIL_LRSC(PAWL_DETAIL_SMAX, [operand] "r"(place.lifted(operand)))
    } else {
      PAWL_DETAIL_LRSC(PAWL_DETAIL_UMAX, [operand] "r"(place.lifted(operand)))
    }
  }
  template <std::integral W>
  PAWL_ALWAYS_INLINE static W fetch_add_sat(W& object, std::type_identity_t<W> addend, halves order) noexcept {
    const riscv64_place<W> place(object);
    const std::uint64_t operand = place.lifted(addend);
    if constexpr (std::signed_integral<W>) {
      // Where it overflows is known before: upwards, unless something negative is added.
      const std::uint64_t negative = addend < 0 ? 1 : 0;
      const std::uint64_t bound = place.lifted(addend < 0 ? std::numeric_limits<W>::min() : std::numeric_limits<W>::max());
      PAWL_DETAIL_LRSC(PAWL_DETAIL_SADD_SAT, [operand] "r"(operand), [bound] "r"(bound), [negative] "r"(negative))
    } else {
      const std::uint64_t bound = place.lifted(std::numeric_limits<W>::max());
      PAWL_DETAIL_LRSC(PAWL_DETAIL_UADD_SAT, [operand] "r"(operand), [bound] "r"(bound))
    }
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_inc_wrap(W& object, std::type_identity_t<W> limit, halves order) noexcept {
    const riscv64_place<W> place(object);
    PAWL_DETAIL_LRSC(PAWL_DETAIL_INC_WRAP, [operand] "r"(place.lifted(limit)), [one] "r"(place.lifted(1)))
  }
  template <std::integral W>
  PAWL_ALWAYS_INLINE static W fetch_inc_below(W& object, std::type_identity_t<W> limit, halves order) noexcept {
    const riscv64_place<W> place(object);
    if constexpr (std::signed_integral<W>) {
      PAWL_DETAIL_LRSC(PAWL_DETAIL_SINC_BELOW, [operand] "r"(place.lifted(limit)), [one] "r"(place.lifted(1)))
    } else {
      PAWL_DETAIL_LRSC(PAWL_DETAIL_UINC_BELOW, [operand] "r"(place.lifted(limit)), [one] "r"(place.lifted(1)))
    }
  }

  // Bits around the object stay as they are: one, for and; zero, for the others.
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_and(W& object, std::type_identity_t<W> value, halves order) noexcept {
    const riscv64_place<W> place(object);
    const std::uint64_t operand = place.placed(value) | ~place.mask();
    std::uint64_t word;
    PAWL_DETAIL_AMO(PAWL_DETAIL_FETCH, "amoand.w")
    return static_cast<W>(word >> place.shift);
  }
  template <class W>
  PAWL_ALWAYS_INLINE static void store_and(W& object, std::type_identity_t<W> value, halves order) noexcept {
    const riscv64_place<W> place(object);
    const std::uint64_t operand = place.placed(value) | ~place.mask();
    PAWL_DETAIL_AMO(PAWL_DETAIL_STORE, "amoand.w")
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_or(W& object, std::type_identity_t<W> value, halves order) noexcept {
    const riscv64_place<W> place(object);
    const std::uint64_t operand = place.placed(value);
    std::uint64_t word;
    PAWL_DETAIL_AMO(PAWL_DETAIL_FETCH, "amoor.w")
    return static_cast<W>(word >> place.shift);
  }
  template <class W>
  PAWL_ALWAYS_INLINE static void store_or(W& object, std::type_identity_t<W> value, halves order) noexcept {
    const riscv64_place<W> place(object);
    const std::uint64_t operand = place.placed(value);
    PAWL_DETAIL_AMO(PAWL_DETAIL_STORE, "amoor.w")
  }
  template <class W>
  PAWL_ALWAYS_INLINE static W fetch_xor(W& object, std::type_identity_t<W> value, halves order) noexcept {
    const riscv64_place<W> place(object);
    const std::uint64_t operand = place.placed(value);
    std::uint64_t word;
    PAWL_DETAIL_AMO(PAWL_DETAIL_FETCH, "amoxor.w")
    return static_cast<W>(word >> place.shift);
  }
  template <class W>
  PAWL_ALWAYS_INLINE static void store_xor(W& object, std::type_identity_t<W> value, halves order) noexcept {
    const riscv64_place<W> place(object);
    const std::uint64_t operand = place.placed(value);
    PAWL_DETAIL_AMO(PAWL_DETAIL_STORE, "amoxor.w")
  }
};

#undef PAWL_DETAIL_BY_ORDER
#undef PAWL_DETAIL_LOOP
#undef PAWL_DETAIL_LRSC
#undef PAWL_DETAIL_SWAP
#undef PAWL_DETAIL_ADD
#undef PAWL_DETAIL_SUB
#undef PAWL_DETAIL_UMIN
#undef PAWL_DETAIL_SMIN
#undef PAWL_DETAIL_UMAX
#undef PAWL_DETAIL_SMAX
#undef PAWL_DETAIL_UADD_SAT
#undef PAWL_DETAIL_SADD_SAT
#undef PAWL_DETAIL_INC_WRAP
#undef PAWL_DETAIL_UINC_BELOW
#undef PAWL_DETAIL_SINC_BELOW
#undef PAWL_DETAIL_CAS
#undef PAWL_DETAIL_FETCH
#undef PAWL_DETAIL_STORE
#undef PAWL_DETAIL_AMO

}  // namespace pawl::inline v0::detail

#endif
