// SPDX-License-Identifier: BSL-1.0
// Hashes of states that are compared within one check.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../detail/config.hpp"

namespace pawl::inline v0::model::detail {

/// (G. L. Steele, D. Lea, C. H. Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.)
constexpr std::uint64_t mix(std::uint64_t z) noexcept {
  z += 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}
constexpr std::uint64_t hash(std::uint64_t so_far, std::uint64_t more) noexcept { return mix(so_far ^ mix(more)); }
/// Of other functions' frames, too: nothing for a sanitizer to look at.
#if defined(__clang__)
__attribute__((no_sanitize("address")))
#else
[[gnu::no_sanitize_address]]
#endif
inline std::uint64_t
hash(std::uint64_t so_far, const std::byte* from, std::size_t bytes) noexcept {
  for (std::size_t i = 0; i < bytes; ++i) so_far = (so_far ^ static_cast<std::uint64_t>(from[i])) * 0x100000001b3U;  // FNV-1a
  return mix(so_far);
}

}  // namespace pawl::inline v0::model::detail
