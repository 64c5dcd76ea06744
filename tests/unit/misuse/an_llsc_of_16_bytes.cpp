// expect: llsc<T>: T must have at most 8 bytes
// SPDX-License-Identifier: BSL-1.0
#include <pawl/llsc.hpp>

struct two_words {
  long first, second;
};
pawl::llsc<two_words> wrong{two_words{}};
