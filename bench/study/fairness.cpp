// SPDX-License-Identifier: BSL-1.0
#include "fairness.hpp"

#include <algorithm>

namespace study {

fairness fairness_of(const std::vector<turns>& threads) {
  double sum = 0;
  double squares = 0;
  std::uint64_t least = threads.front().count_;
  std::uint64_t most = least;
  std::uint64_t longest = 0;
  std::array<std::uint64_t, turns::buckets> waits{};
  for (const turns& each : threads) {
    const auto count = static_cast<double>(each.count_);
    sum += count;
    squares += count * count;
    least = std::min(least, each.count_);
    most = std::max(most, each.count_);
    longest = std::max(longest, each.longest_);
    for (std::size_t i = 0; i < waits.size(); ++i) waits[i] += each.histogram_[i];
  }
  if (most == 0) return {};
  // From the longest down, until one in 1000 has been passed.
  std::size_t bucket = waits.size() - 1;
  for (double longer = static_cast<double>(waits[bucket]); bucket > 0 && longer <= sum / 1000;) {
    --bucket;
    longer += static_cast<double>(waits[bucket]);
  }
  const auto longest_ns = static_cast<double>(longest);
  return {static_cast<double>(least) / static_cast<double>(most), sum * sum / (static_cast<double>(threads.size()) * squares),
          std::min(turns::end_of(bucket), longest_ns), longest_ns};
}

}  // namespace study
