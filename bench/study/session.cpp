// SPDX-License-Identifier: BSL-1.0
#include "session.hpp"

#include <algorithm>

namespace study {

std::vector<series> lay_out(const points& all, const std::vector<unsigned>& threads) {
  std::vector<series> order;
  for (auto first = all.begin(); first != all.end();) {
    const auto last = std::find_if(
        first, all.end(), [&](const point& p) { return p.structure != first->structure || p.workload != first->workload; });
    for (const unsigned n : threads) {
      for (auto each = first; each != last; ++each) {
        if (each->threads.fewest <= n && n <= each->threads.most) order.push_back({&*each, n, {}, {}, {}});
      }
    }
    first = last;
  }
  return order;
}

void run(std::vector<series>& all, const schedule& s, const progress& report) {
  const auto begin = steady::now();
  std::size_t done = 0;
  for (unsigned repetition = 0; repetition < s.repetitions; ++repetition) {
    const auto elapsed = steady::now() - begin;
    if (repetition > 0 && elapsed + elapsed / repetition > s.limit) break;
    for (series& each : all) {
      report(done++, all.size() * s.repetitions, each);
      const double handover = handover_ns(each.threads);
      if (handover > 0) each.handover.push_back(handover);
      const outcome result =
          each.what->run({each.threads, std::chrono::duration_cast<std::chrono::nanoseconds>(s.length * each.what->share)});
      each.ops_per_second.push_back(result.ops_per_second);
      if (result.fair) each.fair.push_back(*result.fair);
    }
  }
}

}  // namespace study
