// SPDX-License-Identifier: BSL-1.0
// The global operator new of the unit tests: it counts, and fails where a test wants it to.
#pragma once

#include <cstddef>

namespace allocations {

/// What operator new has given and operator delete not yet taken back, of all threads.
std::size_t live_blocks() noexcept;
std::size_t live_bytes() noexcept;
/// Allocations of this thread so far.
std::size_t of_this_thread() noexcept;

/// While it lives, the n-th allocation of this thread fails, n from 1; or, with `all_after`, that one and all later ones.
class failing {
 public:
  explicit failing(std::size_t n, bool all_after = false) noexcept;
  failing(const failing&) = delete;
  failing& operator=(const failing&) = delete;
  ~failing();
  /// Whether one has failed.
  [[nodiscard]] bool happened() const noexcept;
};

}  // namespace allocations
