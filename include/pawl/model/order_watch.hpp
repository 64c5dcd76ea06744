// SPDX-License-Identifier: BSL-1.0
// Memory orders as parameters of a check: which ones a program names and where, and what happens if one of them is weaker. The order report
// (tests/model/orders) is made with it.
#pragma once

#include <atomic>
#include <cstring>

#include "buffer.hpp"
#include "event.hpp"
#include "place.hpp"

namespace pawl::inline v0::model::detail {

enum class access_kind : std::uint8_t { load, store, update, failure, fence, light_fence, heavy_fence };

/// An order as it stands in the source.
struct order_site {
  place where;
  access_kind kind;
  memory_order order;

  friend bool operator==(const order_site& a, const order_site& b) noexcept {
    return a.where.line == b.where.line && a.kind == b.kind && a.order == b.order && std::strcmp(a.where.file, b.where.file) == 0;
  }
};

class order_watch {
 public:
  bool collects = false;
  buffer<order_site> found;
  bool weakens = false;
  order_site target{};
  memory_order weaker = relaxed;
  std::uint64_t uses = 0;  // of the target

  /// The order with which the access is to be executed.
  PAWL_ALWAYS_INLINE memory_order operator()(const place& where, access_kind kind, memory_order order) {
    return collects || weakens ? watched(where, kind, order) : order;
  }

 private:
  [[gnu::noinline, gnu::cold]] memory_order watched(const place& where, access_kind kind, memory_order order) {
    const order_site site{where, kind, order};
    if (collects) {
      bool known = false;
      for (const order_site& each : found) known = known || each == site;
      if (!known) found.push_back(site);
    }
    if (!weakens || !(site == target)) return order;
    ++uses;
    return weaker;
  }
};

/// For the whole process, as a check is.
inline order_watch watch_orders;

}  // namespace pawl::inline v0::model::detail
