// SPDX-License-Identifier: BSL-1.0
// What the tests of the checker call things.
#pragma once

#include <pawl/atomic.hpp>
#include <pawl/model.hpp>

namespace names {

using B = pawl::backend::model;
namespace model = pawl::model;
using kind = model::violation_kind;
template <class T>
using atomic = pawl::atomic<T, B>;

inline constexpr auto relaxed = std::memory_order_relaxed;
inline constexpr auto acquire = std::memory_order_acquire;
inline constexpr auto release = std::memory_order_release;
inline constexpr auto acq_rel = std::memory_order_acq_rel;
inline constexpr auto seq_cst = std::memory_order_seq_cst;

/// Two threads of the program, from start to end.
template <class First, class Second>
void together(First first, Second second) {
  model::thread a(first);
  model::thread b(second);
  a.join();
  b.join();
}

}  // namespace names
