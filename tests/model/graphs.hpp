// SPDX-License-Identifier: BSL-1.0
// Which executions a check has come to: each is known by its graph, so one that is explored twice is found though it gives the same values.
#pragma once

#include <pawl/model.hpp>

#include <cstdint>
#include <string>

/// A body calls begins at its begin and ends at its end, where the graph is whole but for what the process's own objects do.
class seen_graphs {
 public:
  void begins() noexcept { ++runs_; }
  void ends() {
    // A hash of 64 bits: that two of a million have the same by chance is a matter of one in 30 million.
    if (!graphs_.insert(pawl::model::detail::active->steps().state())) ++twice_;
  }
  [[nodiscard]] std::uint64_t runs() const noexcept { return runs_; }
  [[nodiscard]] std::uint64_t twice() const noexcept { return twice_; }

 private:
  pawl::model::detail::distinct graphs_;  // by malloc: nothing that an execution which is given up could lose
  std::uint64_t runs_ = 0;
  std::uint64_t twice_ = 0;
};
