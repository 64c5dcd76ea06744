// SPDX-License-Identifier: BSL-1.0
// A value with a tag that changes at every update, the cure for ABA: a compare-and-swap that expects {A, 7} fails when A has come
// back as {A, 9}. (R. K. Treiber, "Systems Programming: Coping with Parallelism", IBM RJ 5118, 1986, from the IBM System/370 manual.)
#pragma once

#include <cassert>
#include <cstdint>
#include <type_traits>

#include "detail/config.hpp"

PAWL_HOST_DEVICE_BEGIN

namespace pawl::inline v0 {

/// A value and its tag, to be held in an `atomic<tagged<V>>`.
///
/// V is a pointer (16 bytes in all, a 64-bit tag, double-width compare-and-swap) or `std::uint32_t` (8 bytes, a 32-bit tag). The
/// tag comes round after 2^64 or 2^32 updates of one word: at 100 million updates a second, after 5,800 years or after 43 seconds.
template <class V>
struct alignas(2 * sizeof(V)) tagged {
  static_assert(std::is_pointer_v<V> || std::is_same_v<V, std::uint32_t>,
                "tagged<V>: V must be a pointer or std::uint32_t, so that value and tag fill the word without padding");
  using tag_type = std::conditional_t<std::is_pointer_v<V>, std::uintptr_t, std::uint32_t>;

  V value{};
  tag_type tag{};

  /// What to store over this one so that it names `v`: the tag is one higher, and wraps.
  [[nodiscard]] constexpr tagged next(V v) const noexcept { return {v, static_cast<tag_type>(tag + 1)}; }

  friend constexpr bool operator==(const tagged&, const tagged&) noexcept = default;
};

static_assert(sizeof(tagged<std::uint32_t>) == 8 && std::has_unique_object_representations_v<tagged<std::uint32_t>>);
static_assert(sizeof(tagged<void*>) == 2 * sizeof(void*) && std::has_unique_object_representations_v<tagged<void*>>);

/// A pointer with a 16-bit tag in its unused upper bits: one word, for where 16 bytes are too many.
///
/// Prefer the two above. 16 bits come round after 65,536 updates of one word, in less than a millisecond under contention: a thread
/// that is preempted between its load and its compare-and-swap sleeps longer than that, and then one chance in 65,536 decides. It suits
/// a word that few threads change rarely, or a tag that only has to tell generations of the same pointer apart.
/// The pointer must fit into 48 bits, as user-space pointers on x86-64 and aarch64 do unless a program asks for more (asserted).
template <class T>
class packed_ptr {
 public:
  using tag_type = std::uint16_t;

  constexpr packed_ptr() noexcept = default;
  PAWL_HOST_DEVICE packed_ptr(T* pointer, tag_type tag) noexcept
      : bits_(static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(pointer)) |
              (static_cast<std::uint64_t>(tag) << address_bits)) {
    assert(this->pointer() == pointer && this->tag() == tag && "packed_ptr: the pointer has more than 48 bits");
  }

  [[nodiscard]] PAWL_HOST_DEVICE T* pointer() const noexcept {
    return reinterpret_cast<T*>(static_cast<std::uintptr_t>(bits_ & ((std::uint64_t{1} << address_bits) - 1)));
  }
  [[nodiscard]] constexpr tag_type tag() const noexcept { return static_cast<tag_type>(bits_ >> address_bits); }
  /// What to store over this one so that it names `pointer`: the tag is one higher, and wraps.
  [[nodiscard]] PAWL_HOST_DEVICE packed_ptr next(T* pointer) const noexcept { return {pointer, static_cast<tag_type>(tag() + 1)}; }

  friend constexpr bool operator==(const packed_ptr&, const packed_ptr&) noexcept = default;

 private:
  static constexpr unsigned address_bits = 48;
  std::uint64_t bits_ = 0;
};

static_assert(sizeof(packed_ptr<int>) == 8);

}  // namespace pawl::inline v0

PAWL_HOST_DEVICE_END
