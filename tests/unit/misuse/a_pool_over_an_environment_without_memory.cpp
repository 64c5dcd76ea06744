// expect: tagged_pool<B>: environment<B> is no environment
// SPDX-License-Identifier: BSL-1.0
#include <pawl/tagged_pool.hpp>

struct elsewhere : pawl::backend::builtin {};
template <>
struct pawl::environment<elsewhere> : pawl::environment<pawl::backend::builtin> {
  static void* allocate(std::size_t, std::size_t) = delete;
};
pawl::tagged_pool<elsewhere> wrong;
