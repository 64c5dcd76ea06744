// expect: atomic<T, B>: B is no backend
// SPDX-License-Identifier: BSL-1.0
#include <pawl/atomic.hpp>

struct no_fence : pawl::backend::builtin {
  static constexpr const char* name = "no fence";
  static void thread_fence(std::memory_order) = delete;
};
pawl::atomic<int, no_fence> wrong{1};
