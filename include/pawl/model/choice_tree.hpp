// SPDX-License-Identifier: BSL-1.0
// All ways through a program's choices, each once, by running it again and again: depth first, as CHESS does (M. Musuvathi, S. Qadeer,
// "Iterative Context Bounding for Systematic Testing of Multithreaded Programs", PLDI 2007). Nothing is remembered but the path that the
// present run takes.
#pragma once

#include <cstddef>

#include "buffer.hpp"

namespace pawl::inline v0::model::detail {

class choice_tree {
 public:
  /// The first path comes next.
  void begin() noexcept {
    path_.clear();
    depth_ = 0;
  }
  /// A run begins at the root.
  void to_root() noexcept { depth_ = 0; }
  /// One of `count` ways, of which there is one at least. `count`: the program did not have as many here in an earlier run.
  std::size_t choose(std::size_t count) {
    if (count == 1) return 0;
    if (depth_ == path_.size()) path_.push_back({0, count});
    const branch& here = path_[depth_++];
    return here.count == count ? here.taken : count;
  }
  /// Goes over to the next path; false where there is none.
  bool next() noexcept {
    while (!path_.empty() && path_.back().taken + 1 == path_.back().count) path_.pop_back();
    if (path_.empty()) return false;
    ++path_.back().taken;
    return true;
  }
  /// How much of the tree lies before the present path, if each way were as large as its neighbours.
  [[nodiscard]] double explored() const noexcept {
    double before = 0;
    double share = 1;
    for (const branch& each : path_) {
      share /= static_cast<double>(each.count);
      before += share * static_cast<double>(each.taken);
    }
    return before;
  }

 private:
  struct branch {
    std::size_t taken;
    std::size_t count;
  };
  buffer<branch> path_;
  std::size_t depth_ = 0;
};

}  // namespace pawl::inline v0::model::detail
