// SPDX-License-Identifier: BSL-1.0
// A scheme as the program knows it. Each library's schemes are in a file of their own, since their macros don't go together.
#pragma once

#include <functional>
#include <vector>

#include "workloads.hpp"

namespace reclamation {

struct entry {
  const char* library;
  const char* variant;
  const char* guarantee;
  std::size_t bytes = 0;  // of an object
  // Empty where the scheme has no such thing.
  std::function<double(const study::trial&)> reads, reads_mostly, updates_half, retires;
  std::function<garbage(std::chrono::milliseconds, unsigned writers, double updates_per_millisecond, bool stalled)> piles_up;
};

template <class S>
entry entry_of() {
  return {S::library,
          S::variant,
          S::guarantee,
          sizeof(typename S::node),
          reads<S>,
          [](const study::trial& t) { return updates<S>(t, 3); },
          [](const study::trial& t) { return updates<S>(t, 128); },
          retires<S>,
          pile_up<S>};
}
/// Of a scheme that only reads.
template <class S>
entry reader_of() {
  return {S::library, S::variant, S::guarantee, sizeof(typename S::node), reads<S>, {}, {}, {}, {}};
}

void add_pawl(std::vector<entry>& all);
void add_cds(std::vector<entry>& all);
void add_xenium(std::vector<entry>& all);
void add_urcu_memb(std::vector<entry>& all);
void add_urcu_qsbr(std::vector<entry>& all);

}  // namespace reclamation
