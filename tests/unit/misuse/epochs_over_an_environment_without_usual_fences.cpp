// expect: epochs<B>: environment<B> must have usual_fences
// SPDX-License-Identifier: BSL-1.0
#include <pawl/rcu.hpp>

struct elsewhere : pawl::backend::builtin {};
template <>
struct pawl::environment<elsewhere> : pawl::environment<pawl::backend::builtin> {
  static void usual_fences() {}
};
pawl::epochs<elsewhere> wrong;
