// SPDX-License-Identifier: BSL-1.0
// PTX's memory instructions, one function for each kind; order, scope and type of an instruction are types here, whose text is pasted into
// its name (nvcc's operand constraint "C"). NVIDIA, "PTX ISA 9.0", sections Memory Consistency Model and Parallel Synchronization.
//
// Assembly throughout: nvcc's own __nv_atomic_ built-ins are such assembly, too, over the same generic addresses (seen in their PTX), and
// differ where we promise more. They make a seq_cst fence of a relaxed or acquire one, of a seq_cst operation without result an `atom`, and
// a compare-and-swap of theirs reads `expected` twice.
#pragma once

#include "config.hpp"

#if defined(__CUDA_ARCH__)

#include <cstdint>
#include <type_traits>

namespace pawl::inline v0::detail::ptx {

struct relaxed {
  static constexpr char text[] = ".relaxed";
};
struct acquire {
  static constexpr char text[] = ".acquire";
};
struct release {
  static constexpr char text[] = ".release";
};
struct acq_rel {
  static constexpr char text[] = ".acq_rel";
};
struct sc {
  static constexpr char text[] = ".sc";
};

struct cta {
  static constexpr char text[] = ".cta";
};
struct gpu {
  static constexpr char text[] = ".gpu";
};
struct sys {
  static constexpr char text[] = ".sys";
};
#if __CUDA_ARCH__ >= 900
struct cluster {
  static constexpr char text[] = ".cluster";
};
#else
using cluster = gpu;  // clusters begin with sm_90; the next larger scope holds for what is written for one
#endif

// What a word is to an instruction: bits to be moved, or an unsigned, signed or floating-point number.
template <std::size_t Size>
struct bits;
template <>
struct bits<1> {
  static constexpr char text[] = ".b8";
};
template <>
struct bits<2> {
  static constexpr char text[] = ".b16";
};
template <>
struct bits<4> {
  static constexpr char text[] = ".b32";
};
template <>
struct bits<8> {
  static constexpr char text[] = ".b64";
};
template <>
struct bits<16> {
  static constexpr char text[] = ".b128";
};

template <class V>
struct number;
template <>
struct number<std::uint32_t> {
  static constexpr char text[] = ".u32";
};
template <>
struct number<std::uint64_t> {
  static constexpr char text[] = ".u64";
};
template <>
struct number<std::int32_t> {
  static constexpr char text[] = ".s32";
};
template <>
struct number<std::int64_t> {
  static constexpr char text[] = ".s64";
};
template <>
struct number<float> {
  static constexpr char text[] = ".f32";
};
template <>
struct number<double> {
  static constexpr char text[] = ".f64";
};

struct add {
  static constexpr char text[] = ".add";
};
struct min {
  static constexpr char text[] = ".min";
};
struct max {
  static constexpr char text[] = ".max";
};
struct bit_and {
  static constexpr char text[] = ".and";
};
struct bit_or {
  static constexpr char text[] = ".or";
};
struct bit_xor {
  static constexpr char text[] = ".xor";
};

// Every "memory" below keeps the compiler from moving other accesses across, whatever the order: a relaxed access costs it that freedom,
// as nvcc's own do.

template <class Order, class Scope>
PAWL_HOST_DEVICE void fence() noexcept {
  asm volatile("fence%0%1;" ::"C"(Order::text), "C"(Scope::text) : "memory");
}

template <class Order, class Scope, class W>
PAWL_HOST_DEVICE W ld(const W& object) noexcept {
  using type = bits<sizeof(W)>;
  if constexpr (sizeof(W) == 1) {
    std::uint32_t found;  // PTX has no registers of 8 bits
    asm volatile("ld%2%3%4 %0, [%1];" : "=r"(found) : "l"(&object), "C"(Order::text), "C"(Scope::text), "C"(type::text) : "memory");
    return static_cast<W>(found);
  } else if constexpr (sizeof(W) == 2) {
    W found;
    asm volatile("ld%2%3%4 %0, [%1];" : "=h"(found) : "l"(&object), "C"(Order::text), "C"(Scope::text), "C"(type::text) : "memory");
    return found;
  } else if constexpr (sizeof(W) == 4) {
    W found;
    asm volatile("ld%2%3%4 %0, [%1];" : "=r"(found) : "l"(&object), "C"(Order::text), "C"(Scope::text), "C"(type::text) : "memory");
    return found;
  } else if constexpr (sizeof(W) == 8) {
    W found;
    asm volatile("ld%2%3%4 %0, [%1];" : "=l"(found) : "l"(&object), "C"(Order::text), "C"(Scope::text), "C"(type::text) : "memory");
    return found;
  } else {
    W found;
    asm volatile("ld%2%3%4 %0, [%1];" : "=q"(found) : "l"(&object), "C"(Order::text), "C"(Scope::text), "C"(type::text) : "memory");
    return found;
  }
}

template <class Order, class Scope, class W>
PAWL_HOST_DEVICE void st(W& object, W desired) noexcept {
  using type = bits<sizeof(W)>;
  if constexpr (sizeof(W) == 1) {
    asm volatile("st%2%3%4 [%0], %1;" ::"l"(&object), "r"(std::uint32_t{desired}), "C"(Order::text), "C"(Scope::text),
                 "C"(type::text)
                 : "memory");
  } else if constexpr (sizeof(W) == 2) {
    asm volatile("st%2%3%4 [%0], %1;" ::"l"(&object), "h"(desired), "C"(Order::text), "C"(Scope::text), "C"(type::text) : "memory");
  } else if constexpr (sizeof(W) == 4) {
    asm volatile("st%2%3%4 [%0], %1;" ::"l"(&object), "r"(desired), "C"(Order::text), "C"(Scope::text), "C"(type::text) : "memory");
  } else if constexpr (sizeof(W) == 8) {
    asm volatile("st%2%3%4 [%0], %1;" ::"l"(&object), "l"(desired), "C"(Order::text), "C"(Scope::text), "C"(type::text) : "memory");
  } else {
    asm volatile("st%2%3%4 [%0], %1;" ::"l"(&object), "q"(desired), "C"(Order::text), "C"(Scope::text), "C"(type::text) : "memory");
  }
}

// Returns what it found, which is `expected` where it stored.
template <class Order, class Scope, class W>
PAWL_HOST_DEVICE W cas(W& object, W expected, W desired) noexcept {
  using type = bits<sizeof(W)>;
  W found;
  if constexpr (sizeof(W) == 2) {
    asm volatile("atom%4%5.cas%6 %0, [%1], %2, %3;"
                 : "=h"(found)
                 : "l"(&object), "h"(expected), "h"(desired), "C"(Order::text), "C"(Scope::text), "C"(type::text)
                 : "memory");
  } else if constexpr (sizeof(W) == 4) {
    asm volatile("atom%4%5.cas%6 %0, [%1], %2, %3;"
                 : "=r"(found)
                 : "l"(&object), "r"(expected), "r"(desired), "C"(Order::text), "C"(Scope::text), "C"(type::text)
                 : "memory");
  } else if constexpr (sizeof(W) == 8) {
    asm volatile("atom%4%5.cas%6 %0, [%1], %2, %3;"
                 : "=l"(found)
                 : "l"(&object), "l"(expected), "l"(desired), "C"(Order::text), "C"(Scope::text), "C"(type::text)
                 : "memory");
  } else {
    static_assert(sizeof(W) == 16, "PTX has no compare-and-swap of one byte");
    asm volatile("atom%4%5.cas%6 %0, [%1], %2, %3;"
                 : "=q"(found)
                 : "l"(&object), "q"(expected), "q"(desired), "C"(Order::text), "C"(Scope::text), "C"(type::text)
                 : "memory");
  }
  return found;
}

template <class Order, class Scope, class W>
PAWL_HOST_DEVICE W exch(W& object, W desired) noexcept {
  using type = bits<sizeof(W)>;
  W found;
  if constexpr (sizeof(W) == 4) {
    asm volatile("atom%3%4.exch%5 %0, [%1], %2;"
                 : "=r"(found)
                 : "l"(&object), "r"(desired), "C"(Order::text), "C"(Scope::text), "C"(type::text)
                 : "memory");
  } else if constexpr (sizeof(W) == 8) {
    asm volatile("atom%3%4.exch%5 %0, [%1], %2;"
                 : "=l"(found)
                 : "l"(&object), "l"(desired), "C"(Order::text), "C"(Scope::text), "C"(type::text)
                 : "memory");
  } else {
    static_assert(sizeof(W) == 16, "PTX has no exchange of one or two bytes");
    asm volatile("atom%3%4.exch%5 %0, [%1], %2;"
                 : "=q"(found)
                 : "l"(&object), "q"(desired), "C"(Order::text), "C"(Scope::text), "C"(type::text)
                 : "memory");
  }
  return found;
}

// The read-modify-writes of 4 and 8 bytes that compute. Type is the number's or the bits'.
template <class Op, class Order, class Scope, class Type, class V>
PAWL_HOST_DEVICE V atom(V& object, V operand) noexcept {
  V found;
  if constexpr (std::is_same_v<V, float>) {
    asm volatile("atom%3%4%5%6 %0, [%1], %2;"
                 : "=f"(found)
                 : "l"(&object), "f"(operand), "C"(Order::text), "C"(Scope::text), "C"(Op::text), "C"(Type::text)
                 : "memory");
  } else if constexpr (std::is_same_v<V, double>) {
    asm volatile("atom%3%4%5%6 %0, [%1], %2;"
                 : "=d"(found)
                 : "l"(&object), "d"(operand), "C"(Order::text), "C"(Scope::text), "C"(Op::text), "C"(Type::text)
                 : "memory");
  } else if constexpr (sizeof(V) == 4) {
    asm volatile("atom%3%4%5%6 %0, [%1], %2;"
                 : "=r"(found)
                 : "l"(&object), "r"(operand), "C"(Order::text), "C"(Scope::text), "C"(Op::text), "C"(Type::text)
                 : "memory");
  } else {
    asm volatile("atom%3%4%5%6 %0, [%1], %2;"
                 : "=l"(found)
                 : "l"(&object), "l"(operand), "C"(Order::text), "C"(Scope::text), "C"(Op::text), "C"(Type::text)
                 : "memory");
  }
  return found;
}

// The same without a result.
template <class Op, class Order, class Scope, class Type, class V>
PAWL_HOST_DEVICE void red(V& object, V operand) noexcept {
  if constexpr (std::is_same_v<V, float>) {
    asm volatile("red%2%3%4%5 [%0], %1;" ::"l"(&object), "f"(operand), "C"(Order::text), "C"(Scope::text), "C"(Op::text),
                 "C"(Type::text)
                 : "memory");
  } else if constexpr (std::is_same_v<V, double>) {
    asm volatile("red%2%3%4%5 [%0], %1;" ::"l"(&object), "d"(operand), "C"(Order::text), "C"(Scope::text), "C"(Op::text),
                 "C"(Type::text)
                 : "memory");
  } else if constexpr (sizeof(V) == 4) {
    asm volatile("red%2%3%4%5 [%0], %1;" ::"l"(&object), "r"(operand), "C"(Order::text), "C"(Scope::text), "C"(Op::text),
                 "C"(Type::text)
                 : "memory");
  } else {
    asm volatile("red%2%3%4%5 [%0], %1;" ::"l"(&object), "l"(operand), "C"(Order::text), "C"(Scope::text), "C"(Op::text),
                 "C"(Type::text)
                 : "memory");
  }
}

}  // namespace pawl::inline v0::detail::ptx

#endif
