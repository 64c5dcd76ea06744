// SPDX-License-Identifier: BSL-1.0
#include "result.hpp"

#include <algorithm>

namespace study {

namespace {

// The median of one measure of fairness, and its range.
nlohmann::ordered_json spread_of(const std::vector<fairness>& all, double fairness::* measure) {
  std::vector<double> values;
  for (const fairness& each : all) values.push_back(each.*measure);
  const auto [min, max] = std::minmax_element(values.begin(), values.end());
  return {{"median", median(values)}, {"min", *min}, {"max", *max}};
}

nlohmann::ordered_json fairness_of(const series& s) {
  if (s.fair.empty()) return {};
  return {{"share", spread_of(s.fair, &fairness::share)},
          {"jain", spread_of(s.fair, &fairness::jain)},
          {"rare_wait_ns", spread_of(s.fair, &fairness::rare_wait_ns)},
          {"longest_wait_ns", spread_of(s.fair, &fairness::longest_wait_ns)}};
}

}  // namespace

nlohmann::ordered_json result_of(const series& s) {
  using json = nlohmann::ordered_json;
  const double middle = median(s.ops_per_second);
  const auto [min, max] = std::minmax_element(s.ops_per_second.begin(), s.ops_per_second.end());
  return {{"structure", s.what->structure},
          {"library", s.what->library},
          {"variant", s.what->variant},
          {"guarantee", s.what->guarantee},
          {"workload", s.what->workload},
          {"threads", s.threads},
          {"cpus", std::min<std::size_t>(s.threads, processors().size())},
          {"handover_ns", s.handover.empty() ? json() : json(median(s.handover))},
          {"ops_per_second", middle},
          {"ns_per_op", middle > 0 ? 1e9 * s.threads / middle : 0},
          {"min", *min},
          {"max", *max},
          {"repetitions", s.ops_per_second.size()},
          {"fairness", fairness_of(s)}};
}

}  // namespace study
