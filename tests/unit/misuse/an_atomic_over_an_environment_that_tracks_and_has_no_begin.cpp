// expect: environment<B> must say tracks_atomics
// SPDX-License-Identifier: BSL-1.0
#include <pawl/atomic.hpp>

struct elsewhere : pawl::backend::builtin {};
template <>
struct pawl::environment<elsewhere> {
  static constexpr bool tracks_atomics = true;
  static constexpr bool tracks_plain = false;
};
pawl::atomic<int, elsewhere> wrong{1};
