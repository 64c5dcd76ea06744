// expect: hazard_pointers<B>, epochs<B>: environment<B> is no environment
// SPDX-License-Identifier: BSL-1.0
#include <pawl/stack.hpp>

struct elsewhere : pawl::backend::builtin {};
template <>
struct pawl::environment<elsewhere> {
  static constexpr bool tracks_atomics = false;
  static constexpr bool tracks_plain = false;
};
pawl::stack<int, pawl::hazard_pointers<elsewhere>> wrong;
