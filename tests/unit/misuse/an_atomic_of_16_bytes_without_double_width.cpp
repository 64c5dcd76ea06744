// expect: atomic<T>: this backend has no 16-byte compare-and-swap
// SPDX-License-Identifier: BSL-1.0
#include <pawl/atomic.hpp>

struct narrow : pawl::backend::builtin {
  static constexpr const char* name = "narrow";
  static constexpr bool has_double_width = false;
};
struct two_words {
  long first, second;
};
pawl::atomic<two_words, narrow> wrong{two_words{}};
