// SPDX-License-Identifier: BSL-1.0
// What a memory order asks of a read-modify-write: an acquiring read, a releasing write, both or neither. Instructions come in these
// forms, not in the standard's orders.
#pragma once

#include <atomic>

#include "config.hpp"

namespace pawl::inline v0::detail {

// `total` is both halves, and a place in the one order of all seq_cst operations: for RISC-V that is more, for arm64 it is the same.
enum class halves { none, acquire, release, both, total };

constexpr halves made_of(bool acquires, bool releases) noexcept {
  if (acquires && releases) return halves::both;
  if (acquires) return halves::acquire;
  return releases ? halves::release : halves::none;
}

constexpr bool acquires(std::memory_order order) noexcept {
  return order != std::memory_order_relaxed && order != std::memory_order_release;
}
constexpr bool releases(std::memory_order order) noexcept {
  return order == std::memory_order_release || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}

/// The halves of a read-modify-write.
constexpr halves halves_of(std::memory_order order) noexcept {
  return order == std::memory_order_seq_cst ? halves::total : made_of(acquires(order), releases(order));
}

/// Of a compare-and-swap. Its read acquires if either order does: whether it fails is known only afterwards.
constexpr halves halves_of(std::memory_order success, std::memory_order failure) noexcept {
  if (success == std::memory_order_seq_cst || failure == std::memory_order_seq_cst) return halves::total;
  return made_of(acquires(success) || acquires(failure), releases(success));
}

/// Of a load.
constexpr halves halves_of_load(std::memory_order order) noexcept { return made_of(acquires(order), false); }

/// Of what returns nothing: its read is none for the program, so it acquires nothing, whatever the order.
constexpr halves halves_of_store(std::memory_order order) noexcept { return made_of(false, releases(order)); }

}  // namespace pawl::inline v0::detail
