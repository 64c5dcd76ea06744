// expect: llsc<T>: this backend has no 16-byte compare-and-swap, so T must have at most 4 bytes
// SPDX-License-Identifier: BSL-1.0
#include <pawl/llsc.hpp>

struct narrow : pawl::backend::builtin {
  static constexpr const char* name = "narrow";
  static constexpr bool has_double_width = false;
};
pawl::llsc<double, narrow> wrong{1.5};
