// SPDX-License-Identifier: BSL-1.0
// How large the scenarios are, as the tables of docs/model.md.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "model/scenarios.hpp"

struct scenario_size {
  std::string name;
  bool large;
  std::uint64_t executions;
  std::uint64_t blocked;
  std::uint64_t steps;
  double seconds;
};

inline void print_tables(std::vector<scenario_size> sizes) {
  struct group {
    const char* title;
    const char* prefix;
  };
  // A scenario belongs to the first whose prefix it has.
  static constexpr group groups[] = {{"atomic, atomic_ref, atomic_flag", "atomic"},
                                     {"tagged values", "tagged: "},
                                     {"asymmetric fences", "fence: "},
                                     {"pools", "pool: "},
                                     {"hazard pointers", "hazard pointer: "},
                                     {"epochs", "rcu: "},
                                     {"stacks over a pool", "stack over a pool"},
                                     {"stacks over a growing pool", "stack over a growing pool"},
                                     {"stacks over hazard pointers", "stack of"},
                                     {"stacks over epochs", "stack over epochs"},
                                     {"queues over a pool", "queue over a pool"},
                                     {"queues over a growing pool", "queue over a growing pool"},
                                     {"queues over hazard pointers", "queue of"},
                                     {"queues over epochs", "queue over epochs"},
                                     {"maps over epochs", "hash_map over epochs"},
                                     {"maps and sets", "hash_"},
                                     {"rooms in which threads wait", "waiting: "},
                                     {"spin locks", "spin lock: "},
                                     {"llsc", "llsc: "}};
  const auto print = [](const std::string& columns, const scenario_size& size) {
    std::printf("| %s | %llu | %llu | %llu | %.2f |\n", columns.c_str(), static_cast<unsigned long long>(size.executions),
                static_cast<unsigned long long>(size.blocked), static_cast<unsigned long long>(size.steps), size.seconds);
  };
  std::printf("| scenarios | number | executions | blocked | steps | seconds |\n| --- | --- | --- | --- | --- | --- |\n");
  const auto sum = [&](const std::string& title, auto belongs) {
    scenario_size all{title, false, 0, 0, 0, 0};
    std::size_t number = 0;
    for (const scenario_size& each : sizes) {
      if (!belongs(each)) continue;
      ++number;
      all.executions += each.executions;
      all.blocked += each.blocked;
      all.steps += each.steps;
      all.seconds += each.seconds;
    }
    print(title + " | " + std::to_string(number), all);
  };
  for (const group& g : groups) {
    sum(g.title, [&g](const scenario_size& each) { return !each.large && each.name.rfind(g.prefix, 0) == 0; });
  }
  sum("all of these", [](const scenario_size& each) { return !each.large; });
  sum("large ones, for `./dev soak` and `./dev orders`", [](const scenario_size& each) { return each.large; });

  std::sort(sizes.begin(), sizes.end(), [](const scenario_size& a, const scenario_size& b) { return a.executions > b.executions; });
  std::printf("\n| largest scenarios | executions | blocked | steps | seconds |\n| --- | --- | --- | --- | --- |\n");
  for (std::size_t i = 0; i < sizes.size() && i < 12; ++i) {
    std::string name = sizes[i].name + (sizes[i].large ? " (large)" : "");
    for (std::size_t at = 0; (at = name.find('|', at)) != std::string::npos; at += 6) name.replace(at, 1, "&#124;");
    print(name, sizes[i]);
  }
}
