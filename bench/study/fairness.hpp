// SPDX-License-Identifier: BSL-1.0
// How evenly a lock serves the threads that want it, and how long they wait.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace study {

struct fairness {
  double share = 0;  // turns of the thread that had fewest, of those of the one that had most: 1 is equal, 0 is none at all
  double jain =
      0;  // (sum x)^2 / (n * sum x^2) of the threads' turns: 1 is equal, 1/n where one had them all (R. Jain et al., 1984)
  double rare_wait_ns = 0;  // one wait in 1000 was longer
  double longest_wait_ns = 0;
};

/// One thread's turns, and how long it waited for each.
class alignas(128) turns {
 public:
  void add(std::chrono::nanoseconds waited) noexcept {
    const auto ns = waited.count() > 0 ? static_cast<std::uint64_t>(waited.count()) : 0;
    ++count_;
    if (ns > longest_) longest_ = ns;
    ++histogram_[bucket_of(ns)];
  }

 private:
  friend fairness fairness_of(const std::vector<turns>&);

  // Eight for each power of two, so that a bucket is an eighth wide.
  static constexpr std::size_t per_power = 8;
  static constexpr std::size_t buckets = 64 * per_power;
  static std::size_t bucket_of(std::uint64_t ns) noexcept {
    if (ns < per_power) return static_cast<std::size_t>(ns);
    const auto power = static_cast<unsigned>(std::bit_width(ns)) - 4;
    return static_cast<std::size_t>((power + 1) * per_power + ((ns >> power) - per_power));
  }
  static double end_of(std::size_t bucket) noexcept {
    if (bucket < per_power) return static_cast<double>(bucket + 1);
    const std::size_t power = bucket / per_power - 1;
    return static_cast<double>(bucket % per_power + per_power + 1) * static_cast<double>(std::uint64_t{1} << power);
  }

  std::uint64_t count_ = 0;
  std::uint64_t longest_ = 0;
  std::array<std::uint64_t, buckets> histogram_{};
};

fairness fairness_of(const std::vector<turns>& threads);

}  // namespace study
