// SPDX-License-Identifier: BSL-1.0
// What a T is to a backend: the unsigned word of its size. Conversion both ways, padding, and the arithmetic that differs between
// integers, floating point and pointers. `atomic` and `atomic_ref` are two faces of it.
#pragma once

#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <type_traits>

#include "../backend/concept.hpp"
#include "operations.hpp"

PAWL_HOST_DEVICE_BEGIN

namespace pawl::inline v0::detail {

template <std::size_t Size>
struct word_of_size {
  using type = void;
};
template <>
struct word_of_size<1> {
  using type = std::uint8_t;
};
template <>
struct word_of_size<2> {
  using type = std::uint16_t;
};
template <>
struct word_of_size<4> {
  using type = std::uint32_t;
};
template <>
struct word_of_size<8> {
  using type = std::uint64_t;
};
template <>
struct word_of_size<16> {
  using type = uint128;
};

/// The unsigned word as large as T; void where there is none.
template <class T>
using word_for = typename word_of_size<sizeof(T)>::type;

// A floating-point value may have two representations, but no padding (apart from long double).
template <class T>
inline constexpr bool has_padding =
    !std::has_unique_object_representations_v<T> && !std::same_as<T, float> && !std::same_as<T, double>;

#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
#define PAWL_DETAIL_CLEARS_PADDING 1
#endif
#endif
#if defined(PAWL_DETAIL_CLEARS_PADDING)
inline constexpr bool clears_padding = true;
template <class T>
PAWL_HOST_DEVICE void clear_padding(T& value) noexcept {
  if constexpr (has_padding<T>) __builtin_clear_padding(std::addressof(value));
}
#else
inline constexpr bool clears_padding = false;
template <class T>
PAWL_HOST_DEVICE void clear_padding(T&) noexcept {}
#endif

// Without that built-in: a constant expression may read every bit of a T as a word only if none is padding.
template <class T>
concept every_bit_counts = requires { typename std::bool_constant<(static_cast<void>(std::bit_cast<word_for<T>>(T{})), true)>; };

template <class T>
inline constexpr bool padding_is_harmless = !has_padding<T> || clears_padding || every_bit_counts<T>;

/// What `atomic` and `atomic_ref` ask of T, each in a sentence.
template <class T, class B>
struct atomic_requirements {
  static_assert(is_backend<B>, "atomic<T, B>: B is no backend; see is_backend in backend/concept.hpp for what is missing");
  static_assert(std::is_trivially_copyable_v<T>, "atomic<T>: T must be trivially copyable, since it is read and written as a word");
  static_assert(!std::is_const_v<T> && !std::is_volatile_v<T>, "atomic<T>: T must not be const or volatile");
  static_assert(!std::is_void_v<word_for<T>>, "atomic<T>: T must have 1, 2, 4, 8 or 16 bytes; pawl never takes a lock instead");
  static_assert(sizeof(T) != 16 || double_width<B>(), "atomic<T>: this backend has no 16-byte compare-and-swap");
  static_assert(padding_is_harmless<T>,
                "atomic<T>: T has padding, which this compiler can't clear, so equal values could compare as different; "
                "name the padding as members, or use g++ 11 or a clang that has __builtin_clear_padding");
  static constexpr bool ok = true;
};

/// The word that stands for `value`: padding is zero, so equal values are equal words (apart from -0 and NaN, as in the standard).
template <class T>
PAWL_HOST_DEVICE word_for<T> to_word(T value) noexcept {
  if constexpr (has_padding<T>) {
    // By memcpy: g++ without optimization makes of a bit_cast of a long double a load and store of its ten bytes, and so new padding.
    clear_padding(value);
    word_for<T> word;
    __builtin_memcpy(&word, std::addressof(value), sizeof(T));
    return word;
  } else {
    return __builtin_bit_cast(word_for<T>, value);
  }
}
template <class T>
PAWL_HOST_DEVICE T from_word(word_for<T> word) noexcept {
  return __builtin_bit_cast(T, word);
}

/// seq_cst, named at a place: every defaulted order of `atomic` is made by it.
template <class B>
constexpr order_t<B> seq_cst([[maybe_unused]] const char* file, [[maybe_unused]] int line) noexcept {
  if constexpr (requires { order_t<B>(std::memory_order_seq_cst, file, line); }) {
    return order_t<B>(std::memory_order_seq_cst, file, line);
  } else {
    return std::memory_order_seq_cst;
  }
}

// bool has no arithmetic; the other integers and the pointers and floating-point types have some.
template <class T>
concept integer = std::integral<T> && !std::same_as<std::remove_cv_t<T>, bool>;
template <class T>
concept object_pointer = std::is_pointer_v<T> && std::is_object_v<std::remove_pointer_t<T>>;
template <class T>
concept ordered = integer<T> || std::floating_point<T> || object_pointer<T>;

template <class T>
using difference_of = std::conditional_t<std::is_pointer_v<T>, std::ptrdiff_t, T>;

// A NaN, and the order of all other numbers, by their bits: -0 is smaller than +0. Comparisons of the numbers would not do: -ffast-math has
// no NaN, and nvcc's -use_fast_math takes subnormal numbers for zeros.
template <std::floating_point T>
PAWL_HOST_DEVICE bool is_nan(T value) noexcept {
  if constexpr (has_padding<T>) {
    return std::isnan(value);
  } else {
    // Behind the sign, infinity is an exponent of ones over a fraction of zeros, and a NaN is more than that.
    constexpr int fraction = std::numeric_limits<T>::digits - 1;
    constexpr word_for<T> infinity = static_cast<word_for<T>>(~word_for<T>{0} << (fraction + 1));
    return static_cast<word_for<T>>(to_word(value) << 1U) > infinity;
  }
}
template <std::floating_point T>
PAWL_HOST_DEVICE bool precedes(T a, T b) noexcept {
  if constexpr (has_padding<T>) {
    return a < b || (a == b && std::signbit(a) && !std::signbit(b));
  } else {
    const auto place = [](T value) noexcept {
      constexpr word_for<T> sign = word_for<T>{1} << (8 * sizeof(T) - 1);
      const word_for<T> word = to_word(value);
      return (word & sign) != 0 ? static_cast<word_for<T>>(~word) : static_cast<word_for<T>>(word | sign);
    };
    return place(a) < place(b);
  }
}

// IEEE 754-2019 minimumNumber and maximumNumber: a NaN is ignored.
template <std::floating_point T>
PAWL_HOST_DEVICE T smaller(T a, T b) noexcept {
  if (is_nan(a)) return b;
  if (is_nan(b)) return a;
  return precedes(b, a) ? b : a;
}
template <std::floating_point T>
PAWL_HOST_DEVICE T larger(T a, T b) noexcept {
  if (is_nan(a)) return b;
  if (is_nan(b)) return a;
  return precedes(a, b) ? b : a;
}

// Whether B adds numbers of type T by itself: on some machines there is an instruction for it.
template <class T, class B>
concept adds_floating = std::floating_point<T> && requires(T& number, order_t<B> order) {
  B::fetch_add_floating(number, number, order);
  B::store_add_floating(number, number, order);
};

/// The arithmetic of atomics of T on backend B, over the word.
template <class T, class B>
struct arithmetic {
  using word = word_for<T>;
  using order = order_t<B>;
  using difference = difference_of<T>;

  // Pointers count in elements, words in bytes.
  PAWL_HOST_DEVICE static word scaled(difference n) noexcept {
    if constexpr (std::is_pointer_v<T>) {
      return static_cast<word>(static_cast<word>(n) * sizeof(std::remove_pointer_t<T>));
    } else {
      return static_cast<word>(n);
    }
  }
  template <class F>
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE static T replace_value(word& object, F f, order o) noexcept {
    return from_word<T>(replace<B>(object, [f](word old) noexcept { return to_word<T>(f(from_word<T>(old))); }, o));
  }

  PAWL_INLINE_ORDER PAWL_HOST_DEVICE static T add(word& object, difference n, order o) noexcept {
    if constexpr (adds_floating<T, B>) {
      return B::fetch_add_floating(reinterpret_cast<T&>(object), n, o);
    } else if constexpr (std::floating_point<T>) {
      return replace_value(object, [n](T old) noexcept { return old + n; }, o);
    } else {
      return from_word<T>(fetch_add<B>(object, scaled(n), o));
    }
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE static T sub(word& object, difference n, order o) noexcept {
    if constexpr (adds_floating<T, B>) {
      return B::fetch_add_floating(reinterpret_cast<T&>(object), -n, o);
    } else if constexpr (std::floating_point<T>) {
      return replace_value(object, [n](T old) noexcept { return old - n; }, o);
    } else {
      return from_word<T>(fetch_sub<B>(object, scaled(n), o));
    }
  }
  // What an object that held `old` holds after add or sub: for signed integers, too, it wraps around.
  PAWL_HOST_DEVICE static T sum(T old, difference n) noexcept {
    if constexpr (std::integral<T>) {
      return from_word<T>(static_cast<word>(to_word(old) + scaled(n)));
    } else {
      return old + n;
    }
  }
  PAWL_HOST_DEVICE static T remainder(T old, difference n) noexcept {
    if constexpr (std::integral<T>) {
      return from_word<T>(static_cast<word>(to_word(old) - scaled(n)));
    } else {
      return old - n;
    }
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE static void store_sum(word& object, difference n, order o) noexcept {
    if constexpr (adds_floating<T, B>) {
      B::store_add_floating(reinterpret_cast<T&>(object), n, o);
    } else if constexpr (std::floating_point<T>) {
      static_cast<void>(add(object, n, o));
    } else {
      store_add<B>(object, scaled(n), o);
    }
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE static void store_difference(word& object, difference n, order o) noexcept {
    if constexpr (std::floating_point<T>) {
      store_sum(object, -n, o);
    } else {
      store_sub<B>(object, scaled(n), o);
    }
  }

  // Signed integers compare as such, the others and pointers as the word. (int: floating point doesn't come here.)
  using compared_word = word_for<std::conditional_t<std::floating_point<T>, int, T>>;
  using compared = std::conditional_t<std::is_signed_v<T>, std::make_signed_t<compared_word>, compared_word>;
  PAWL_HOST_DEVICE static compared comparable(T value) noexcept { return static_cast<compared>(to_word<T>(value)); }

  PAWL_INLINE_ORDER PAWL_HOST_DEVICE static T min(word& object, T value, order o) noexcept {
    if constexpr (std::floating_point<T>) {
      return replace_value(object, [value](T old) noexcept { return smaller(old, value); }, o);
    } else {
      return from_word<T>(static_cast<word>(fetch_min<B>(object, comparable(value), o)));
    }
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE static T max(word& object, T value, order o) noexcept {
    if constexpr (std::floating_point<T>) {
      return replace_value(object, [value](T old) noexcept { return larger(old, value); }, o);
    } else {
      return from_word<T>(static_cast<word>(fetch_max<B>(object, comparable(value), o)));
    }
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE static T add_sat(word& object, T value, order o) noexcept {
    return from_word<T>(static_cast<word>(fetch_add_sat<B>(object, comparable(value), o)));
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE static T inc_below(word& object, T limit, order o) noexcept {
    return from_word<T>(static_cast<word>(fetch_inc_below<B>(object, comparable(limit), o)));
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE static void store_smaller(word& object, T value, order o) noexcept {
    if constexpr (std::floating_point<T>) {
      static_cast<void>(min(object, value, o));
    } else {
      store_min<B>(object, comparable(value), o);
    }
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE static void store_larger(word& object, T value, order o) noexcept {
    if constexpr (std::floating_point<T>) {
      static_cast<void>(max(object, value, o));
    } else {
      store_max<B>(object, comparable(value), o);
    }
  }
};

/// The accesses of atomics of T that every T has.
template <class T, class B>
struct access {
  using word = word_for<T>;
  using order = order_t<B>;

  PAWL_INLINE_ORDER PAWL_HOST_DEVICE static T load(const word& object, order o) noexcept {
    return from_word<T>(B::load(object, o));
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE static void store(word& object, T desired, order o) noexcept {
    B::store(object, to_word(desired), o);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE static T exchange(word& object, T desired, order o) noexcept {
    return from_word<T>(detail::exchange<B>(object, to_word(desired), o));
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE static bool compare_exchange_weak(word& object, T& expected, T desired, order success,
                                                                       order failure) noexcept {
    return compare_exchange<false>(object, expected, to_word(desired), success, failure);
  }
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE static bool compare_exchange_strong(word& object, T& expected, T desired, order success,
                                                                         order failure) noexcept {
    return compare_exchange<true>(object, expected, to_word(desired), success, failure);
  }

  // f may look at what the old value points to: so a failed attempt reads with the order of a failure, not relaxed.
  template <class F>
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE static std::optional<T> try_update(word& object, F& f, order o) {
    const order failure = failure_order<B>(o);
    word old = B::load(object, failure);
    for (;;) {
      const std::optional<T> desired = f(from_word<T>(old));
      if (!desired) return std::nullopt;
      if (B::compare_exchange_weak(object, old, to_word(*desired), o, failure)) return from_word<T>(old);
    }
  }
  template <class F>
  PAWL_INLINE_ORDER PAWL_HOST_DEVICE static T fetch_update(word& object, F& f, order o) {
    const order failure = failure_order<B>(o);
    word old = B::load(object, failure);
    while (!B::compare_exchange_weak(object, old, to_word<T>(f(from_word<T>(old))), o, failure)) {
    }
    return from_word<T>(old);
  }

 private:
  // A T's memory as the word. (Of the assignment of a struct g++ makes a way through a floating-point register on arm64.)
  typedef word bits __attribute__((may_alias, aligned(alignof(T))));

  template <bool Strong>
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE static bool attempt(word& object, word& found, word desired, order success,
                                                          order failure) noexcept {
    if constexpr (Strong) {
      return detail::compare_exchange_strong<B>(object, found, desired, success, failure);
    } else {
      return B::compare_exchange_weak(object, found, desired, success, failure);
    }
  }
  template <bool Strong>
  PAWL_ALWAYS_INLINE PAWL_HOST_DEVICE static bool compare_exchange(word& object, T& expected, word desired, order success,
                                                                   order failure) noexcept {
    [[maybe_unused]] const word wanted = to_word(expected);
    word found = wanted;
    if constexpr (!has_padding<T>) {
      // Without the loop below, of which g++ would leave an instruction.
      const bool done = attempt<Strong>(object, found, desired, success, failure);
      if (!done) *reinterpret_cast<bits*>(std::addressof(expected)) = found;
      return done;
    } else {
      while (!attempt<Strong>(object, found, desired, success, failure)) {
        // In an object that an atomic_ref refers to, others may have left padding: then only padding differs, and we expect theirs.
        // (A spurious failure leaves found == wanted.)
        if (found != wanted && to_word(from_word<T>(found)) == wanted) continue;
        expected = from_word<T>(found);
        return false;
      }
      return true;
    }
  }
};

}  // namespace pawl::inline v0::detail

PAWL_HOST_DEVICE_END
