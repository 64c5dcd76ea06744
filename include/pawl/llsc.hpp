// SPDX-License-Identifier: BSL-1.0
// llsc<T, B>: load-linked and store-conditional on every machine: a store that succeeds only if nobody has stored since the load, whatever
// values came and went.
//
// E. H. Jensen, G. W. Hagensen, J. M. Broughton, "A New Approach to Exclusive Data Access in Shared Memory Multiprocessors", LLNL 1987,
// is where the pair of operations comes from; M. Moir, "Practical Implementations of Non-Blocking Synchronization Primitives", PODC 1997,
// is how it is made here: value and version share one word, each store counts the version up, and a store-conditional is a
// compare-and-swap that expects value and version as they were.
//
// Invariant: no two stores leave the same version in the word until the version comes round.
//
// | T of          | word     | version | comes round after, at 100 million stores a second
// | 1 byte        | 8 bytes  | 56 bits | 22 years
// | 2 bytes       | 8 bytes  | 48 bits | 32 days
// | 3, 4 bytes    | 8 bytes  | 40, 32  | 3 hours, 43 seconds
// | 5 to 8 bytes  | 16 bytes | 64 bits | 5,800 years
//
// A link is fooled only if it is used when exactly a multiple of so many stores was made since it was loaded, and the value is the same.
//
// What it is not: the machine's own pair (ldaxr and stlxr, lr and sc). Between those no user code may run, since any access of memory,
// an interrupt or a neighbour on the line may undo the reservation; they fail for no reason, and nest nowhere. Here anything may stand
// between the two, a thread may hold any number of links, to one cell or to many, and store_conditional fails for one reason only. Each
// costs what a load and a compare-and-swap cost; with 16 bytes a load, too, is a compare-and-swap where the machine has no other.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "atomic.hpp"
#include "backend.hpp"

namespace pawl::inline v0 {

/// A T that threads change by load_linked and store_conditional.
///
/// T is trivially copyable and has up to 8 bytes where B::has_double_width, else up to 4. Its padding does no harm: values are never
/// compared. Lock-free: a store_conditional fails only because another one has succeeded. Nothing throws. Not copyable; constructible in
/// constant expressions (T: no pointer but null, no padding). A default-constructed one holds T().
template <class T, class B = native>
class llsc {
  static_assert(is_backend<B>, "llsc<T, B>: B is no backend; see is_backend in backend/concept.hpp for what is missing");
  static_assert(std::is_trivially_copyable_v<T> && !std::is_const_v<T> && !std::is_volatile_v<T>,
                "llsc<T>: T must be trivially copyable, and not const or volatile, since it is read and written as part of a word");
  static_assert(sizeof(T) <= 8, "llsc<T>: T must have at most 8 bytes, since its version has to fit into the same word");
  static_assert(sizeof(T) <= 4 || detail::double_width<B>(),
                "llsc<T>: this backend has no 16-byte compare-and-swap, so T must have at most 4 bytes");

  // Version above, value below.
  using word = std::conditional_t<sizeof(T) <= 4, std::uint64_t, uint128>;
  static constexpr unsigned value_bits = sizeof(T) <= 4 ? 8 * sizeof(T) : 64;

  using order = order_t<B>;
  static constexpr order default_order(const char* file, int line) noexcept { return detail::seq_cst<B>(file, line); }

 public:
  using value_type = T;
  using backend_type = B;
  /// After so many stores, as a power of two, a version comes back.
  static constexpr unsigned version_bits = 8 * sizeof(word) - value_bits;

  /// What a load_linked has seen: the value, and the right to replace it as long as nobody else has. A copy is the same right, which one of
  /// the two can use. It must not outlive the cell.
  class link {
   public:
    [[nodiscard]] T value() const noexcept { return value_of(seen_); }

    /// Stores v if no store_conditional on the cell has succeeded since load_linked, and returns whether it did. Never fails for another
    /// reason. A link stores once: after a success, as after a failure, every further call fails. Lock-free, one compare-and-swap.
    /// `o` is that of the store; a failure is a load with the same order, less its release half.
    bool store_conditional(T v, order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept {
      word expected = seen_;
      return cell_->compare_exchange_strong(expected, next(seen_, v), o, detail::failure_order<B>(o));
    }

    /// Whether no store_conditional on the cell has succeeded since load_linked, this link's own included: a load, so true at some instant
    /// during the call. What this thread read between load_linked and a validate that is true it has read while the value stood, if
    /// load_linked was acquire or seq_cst and so was each of those reads, or an acquire fence stands before validate: no order of validate
    /// itself keeps earlier reads from being made later. `o` is relaxed, acquire or seq_cst. Wait-free up to 4 bytes, and where a load of
    /// 16 is.
    [[nodiscard]] bool validate(order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept {
      return cell_->load(o) == seen_;
    }

   private:
    friend llsc;
    link(atomic<word, B>& cell, word seen) noexcept : cell_(&cell), seen_(seen) {}

    atomic<word, B>* cell_;
    word seen_;
  };

  constexpr llsc() noexcept(std::is_nothrow_default_constructible_v<T>) : llsc(T()) {}
  constexpr explicit llsc(T initial) noexcept : cell_(with_value(0, initial)) {}
  llsc(const llsc&) = delete;
  llsc& operator=(const llsc&) = delete;

  /// Loads, and remembers what a store_conditional or validate asks. relaxed, acquire or seq_cst.
  [[nodiscard]] link load_linked(order o = default_order(__builtin_FILE(), __builtin_LINE())) noexcept {
    return link(cell_, cell_.load(o));
  }
  /// Loads only. relaxed, acquire or seq_cst.
  [[nodiscard]] T load(order o = default_order(__builtin_FILE(), __builtin_LINE())) const noexcept {
    return value_of(cell_.load(o));
  }

 private:
  static constexpr word with_value(word version, T value) noexcept {
    if (std::is_constant_evaluated()) return version << value_bits | constant_of(value);
    word bits = 0;
    __builtin_memcpy(&bits, &value, sizeof(T));
    if constexpr (std::endian::native == std::endian::big) bits >>= 8 * (sizeof(word) - sizeof(T));
    return version << value_bits | bits;
  }
  // The same, byte by byte. A constant expression reads no pointer's bits, but null's are known.
  static constexpr word constant_of(T value) noexcept {
    if constexpr (std::is_pointer_v<T>) {
      if (value == nullptr) return 0;
    }
    const auto bytes = std::bit_cast<std::array<unsigned char, sizeof(T)>>(value);
    word bits = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      const std::size_t place = std::endian::native == std::endian::big ? sizeof(T) - 1 - i : i;
      bits |= word{bytes[i]} << (8 * place);
    }
    return bits;
  }
  static word next(word seen, T value) noexcept { return with_value((seen >> value_bits) + 1, value); }
  static T value_of(word seen) noexcept {
    alignas(T) std::byte bytes[sizeof(T)];
    if constexpr (std::endian::native == std::endian::big) seen <<= 8 * (sizeof(word) - sizeof(T));
    __builtin_memcpy(bytes, &seen, sizeof(T));
    return std::bit_cast<T>(bytes);
  }

  atomic<word, B> cell_;
};

}  // namespace pawl::inline v0
