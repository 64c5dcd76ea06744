// SPDX-License-Identifier: BSL-1.0
// What a node of a pool is: the link that names one life of it, the words that it begins with, and a value that may be torn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

#include "../atomic.hpp"

PAWL_HOST_DEVICE_BEGIN

namespace pawl::inline v0::detail {

/// Names one life of a node of a pool: its index (zero: no node), a mark, and a tag, the number of the life.
class tagged_link {
 public:
  constexpr tagged_link() noexcept = default;
  /// The first life.
  explicit constexpr tagged_link(std::uint32_t index) noexcept : bits_(std::uint64_t{index} << 1U) {}
  static constexpr tagged_link from_bits(std::uint64_t bits) noexcept {
    tagged_link made;
    made.bits_ = bits;
    return made;
  }

  [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return bits_; }
  [[nodiscard]] constexpr std::uint32_t index() const noexcept { return static_cast<std::uint32_t>(bits_) >> 1U; }
  /// Twice the index, which is cheaper to have. Not of a marked link.
  [[nodiscard]] constexpr std::uint32_t twice_index() const noexcept { return static_cast<std::uint32_t>(bits_); }
  explicit constexpr operator bool() const noexcept { return index() != 0; }
  [[nodiscard]] constexpr bool same_node(tagged_link other) const noexcept { return index() == other.index(); }
  [[nodiscard]] constexpr bool marked() const noexcept { return (bits_ & 1U) != 0; }
  [[nodiscard]] constexpr tagged_link with_mark(bool mark) const noexcept {
    return from_bits((bits_ & ~std::uint64_t{1}) | (mark ? 1U : 0U));
  }
  /// What the node of this link holds as `next` while it is the last of a list. Names no node, and is of this life alone. (Marked: so
  /// it isn't what a list that ends in link{} holds, either.)
  [[nodiscard]] constexpr tagged_link terminator() const noexcept { return from_bits((bits_ & ~lower) | 1U); }
  /// The same node's next life. After `lives` of them it is in the first again.
  static constexpr std::uint64_t lives = std::uint64_t{1} << 32U;
  [[nodiscard]] constexpr tagged_link reborn() const noexcept { return from_bits(bits_ + lower + 1); }

  friend constexpr bool operator==(tagged_link, tagged_link) noexcept = default;

 private:
  static constexpr std::uint64_t lower = 0xffffffffU;  // index and mark; above, the tag
  std::uint64_t bits_ = 0;
};

/// After how many seconds a node's tag comes round where each of its lives takes so many nanoseconds. (tagged_pool.hpp has a table.)
constexpr std::uint64_t seconds_until_a_tag_comes_round(std::uint64_t nanoseconds_of_a_life) noexcept {
  return tagged_link::lives * nanoseconds_of_a_life / 1'000'000'000;
}
static_assert(seconds_until_a_tag_comes_round(8) == 34 && seconds_until_a_tag_comes_round(100) / 60 == 7);
static_assert((seconds_until_a_tag_comes_round(1'000) + 30) / 60 == 72);
static_assert((seconds_until_a_tag_comes_round(1'000'000) + 12 * 3600) / (24 * 3600) == 50);
// The number of lives is what reborn() makes of it: the last one is followed by the first, of the same node.
static_assert(tagged_link::from_bits(~std::uint64_t{1}).reborn() == tagged_link::from_bits(0xfffffffeU) &&
              (tagged_link::from_bits(2).reborn().bits() - 2) * (tagged_link::lives - 1) + 2 ==
                  tagged_link::from_bits(((tagged_link::lives - 1) << 32U) | 2U).bits());

/// What every node of a pool begins with, whatever it holds. It stays constructed as long as the pool lives: a stalled reader may look.
template <class B>
struct pool_slot {
  // A stack's link, or that of a list of free nodes to the next one, in its coming life. Who finds a link here follows it only where the
  // node is its own, or (of a fixed pool) where the list's head was looked at since: see follow_top. So a fixed pool stores with release.
  atomic<tagged_link, B> next_free{};
  // The link of containers whose readers do follow it, also in a later life of the node: so whatever is stored here was acquired or
  // made by who stores it, with release.
  atomic<tagged_link, B> next{};
};

/// A T as atomic words. relaxed throughout: the container's links publish a value, and a reader that may have met a reused node
/// validates what it copied by the tag of the link that it came by.
template <class T, class B>
class word_value {
  static_assert(std::is_trivially_copyable_v<T>,
                "tagged_pool: T must be trivially copyable, since readers copy it word by word while it may be overwritten; take "
                "hazard_pointers<> for other types");

 public:
  static constexpr std::size_t size = (sizeof(T) + 7) / 8;

  template <class... Args>
  PAWL_HOST_DEVICE void construct(Args&&... args) noexcept(std::is_nothrow_constructible_v<T, Args...>) {
    const T value(std::forward<Args>(args)...);
    std::uint64_t copied[size]{};
    std::memcpy(copied, std::addressof(value), sizeof(T));
    for (std::size_t i = 0; i < size; ++i) words_[i].store(copied[i], std::memory_order_relaxed);
  }
  // Words that may be of no T at all: what another thread was writing, or another container's value.
  struct raw_copy {
    std::uint64_t words[size];
    [[nodiscard]] PAWL_HOST_DEVICE T value() const noexcept {
      struct bytes {
        std::byte all[sizeof(T)];
      } exact;
      std::memcpy(&exact, words, sizeof(T));
      return __builtin_bit_cast(T, exact);
    }
  };
  [[nodiscard]] PAWL_HOST_DEVICE raw_copy copy() const noexcept {
    raw_copy copied;
    for (std::size_t i = 0; i < size; ++i) copied.words[i] = words_[i].load(std::memory_order_relaxed);
    return copied;
  }
  // The same by acquire, and the first word alone: for a reader that validates by a load, which is to come after these.
  [[nodiscard]] PAWL_HOST_DEVICE raw_copy acquire_copy() const noexcept {
    raw_copy copied;
    for (std::size_t i = 0; i < size; ++i) copied.words[i] = words_[i].load(std::memory_order_acquire);
    return copied;
  }
  [[nodiscard]] PAWL_HOST_DEVICE std::uint64_t acquire_first() const noexcept { return words_[0].load(std::memory_order_acquire); }
  [[nodiscard]] PAWL_HOST_DEVICE T take() const noexcept { return copy().value(); }
  PAWL_HOST_DEVICE void destroy() const noexcept {}

 private:
  atomic<std::uint64_t, B> words_[size];
};

}  // namespace pawl::inline v0::detail

PAWL_HOST_DEVICE_END
