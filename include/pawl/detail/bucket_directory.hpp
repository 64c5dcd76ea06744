// SPDX-License-Identifier: BSL-1.0
// Where a growing hash map keeps the heads of its buckets, so that none ever moves.
//
// A bucket is named by the prefix of the hashes that belong to it: with 2^n buckets, the top n bits, the others zero. Doubling the
// number splits each bucket into one of the same name and one whose name has another bit set. The bucket named p was split off from
// p without its lowest set bit, its parent, at level 64 - countr_zero(p); level l holds 2^(l-1) buckets, side by side in the order of
// their names. Levels are allocated in pieces, when a bucket in them is first wanted, so that no thread has much to clear: a piece, and
// once per level a table of its pieces.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "../atomic.hpp"
#include "fail.hpp"

namespace pawl::inline v0::detail {

template <class Bucket, class B>
class bucket_directory {
  using env = environment<B>;
  static constexpr unsigned piece_bits = env::tuning.bucket_piece_bits;
  static constexpr std::size_t piece_size = std::size_t{1} << piece_bits;

 public:
  static constexpr unsigned max_bits = 40;

  bucket_directory() = default;
  bucket_directory(const bucket_directory&) = delete;
  bucket_directory& operator=(const bucket_directory&) = delete;
  ~bucket_directory() {
    // No other thread uses the map any more.
    for (unsigned level = 1; level <= max_bits; ++level) {
      if (level <= piece_bits + 1) {
        free_array(pieces_[level].load(std::memory_order_relaxed), buckets_in(level));
      } else if (table* const pieces = tables_[level].load(std::memory_order_relaxed)) {
        for (std::size_t i = 0; i < pieces_in(level); ++i) free_array(pieces[i].load(std::memory_order_relaxed), piece_size);
        free_array(pieces, pieces_in(level));
      }
    }
  }

  /// The bucket of that name, which is not zero; null where its piece was never allocated.
  [[nodiscard]] Bucket* find(std::uint64_t name) const noexcept {
    const place at(name);
    const Bucket* piece = nullptr;
    // acquire: pairs with (1), so that the piece was cleared before we look at it
    if (at.level <= piece_bits + 1) {
      piece = pieces_[at.level].load(std::memory_order_acquire);
    } else if (const table* const pieces = tables_[at.level].load(std::memory_order_acquire)) {
      piece = pieces[at.index >> piece_bits].load(std::memory_order_acquire);
    }
    return piece == nullptr ? nullptr : const_cast<Bucket*>(piece) + (at.index & (piece_size - 1));
  }

  /// The same, allocating the piece first; null where there is no memory for it.
  [[nodiscard]] Bucket* make(std::uint64_t name) noexcept {
    const place at(name);
    if (at.level <= piece_bits + 1) {
      install(pieces_[at.level], buckets_in(at.level));
    } else if (table* const pieces = install(tables_[at.level], pieces_in(at.level))) {
      install(pieces[at.index >> piece_bits], piece_size);
    }
    return find(name);
  }

 private:
  using table = atomic<Bucket*, B>;

  struct place {
    explicit place(std::uint64_t name) noexcept
        : level(64 - static_cast<unsigned>(std::countr_zero(name))), index(static_cast<std::size_t>(name >> (64 - level)) >> 1U) {}
    unsigned level;
    std::size_t index;
  };
  static constexpr std::size_t buckets_in(unsigned level) noexcept { return std::size_t{1} << (level - 1); }
  static constexpr std::size_t pieces_in(unsigned level) noexcept { return std::size_t{1} << (level - 1 - piece_bits); }

  template <class Item>
  static Item* install(atomic<Item*, B>& where, std::size_t size) noexcept {
    Item* present = where.load(std::memory_order_acquire);
    if (present != nullptr) return present;
    Item* const made = attempt([size] { return static_cast<Item*>(env::allocate(size * sizeof(Item), cache_line)); });
    if (made == nullptr) return nullptr;
    for (std::size_t i = 0; i < size; ++i) std::construct_at(made + i);
    // (1) release: publishes the cleared array. acquire on failure: another thread was faster, and we use its.
    if (where.compare_exchange_strong(present, made, std::memory_order_release, std::memory_order_acquire)) return made;
    free_array(made, size);
    return present;
  }
  template <class Item>
  static void free_array(Item* array, std::size_t size) noexcept {
    if (array == nullptr) return;
    for (std::size_t i = 0; i < size; ++i) std::destroy_at(array + i);
    env::deallocate(array, size * sizeof(Item), cache_line);
  }

  atomic<Bucket*, B> pieces_[piece_bits + 2];  // by level: all of a small level
  atomic<table*, B> tables_[max_bits + 1];  // by level: the pieces of a large one
};

}  // namespace pawl::inline v0::detail
