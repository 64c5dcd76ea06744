// SPDX-License-Identifier: BSL-1.0
// One counter that all threads count on: by the instruction made for it, and by compare-and-swap with each backoff.
#include "counting.hpp"
#include "point.hpp"

namespace study {

void add_counters(points& all) {
  const auto add = [&all](const char* library, const char* variant, auto run) {
    all.push_back({"counter", library, variant, "lock-free, exact", "add one", run});
  };
  add("floor", "fetch_add", count_with<std::atomic<word>>(fetch_add));
  add("pawl", "fetch_add", count_with<pawl::atomic<word>>(fetch_add));
  add("pawl", "CAS, no_backoff", count_with<pawl::atomic<word>>(compare_and_swap<pawl::no_backoff>()));
  add("pawl", "CAS, exponential_backoff", count_with<pawl::atomic<word>>(compare_and_swap<pawl::exponential_backoff>()));
  add("pawl", "CAS, yield_backoff", count_with<pawl::atomic<word>>(compare_and_swap<pawl::yield_backoff>()));
}

}  // namespace study
