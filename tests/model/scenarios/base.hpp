// SPDX-License-Identifier: BSL-1.0
// What the programs over pawl's own templates share.
#pragma once

#include <pawl/atomic.hpp>
#include <pawl/hazard_pointer.hpp>
#include <pawl/model.hpp>
#include <pawl/tagged_pool.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace scenarios {

using B = pawl::backend::model;
namespace model = pawl::model;
template <class T>
using atomic = pawl::atomic<T, B>;
using hazards = pawl::hazard_pointers<B>;
using pool = pawl::tagged_pool<B>;

/// `large`: takes seconds, so only the order report explores it, and only where no smaller one finds anything.
struct scenario {
  std::string name;
  std::function<void()> body;
  bool large = false;
};

/// Runs the functions at once, each in a thread of its own.
template <class... F>
void at_once(F&&... each) {
  model::thread threads[] = {model::thread(std::forward<F>(each))...};
  for (model::thread& t : threads) t.join();
}

}  // namespace scenarios
