// expect: atomic<T>: T has padding, which this compiler can
// SPDX-License-Identifier: BSL-1.0
#include <pawl/atomic.hpp>

#if defined(PAWL_DETAIL_CLEARS_PADDING)
#error "atomic<T>: T has padding, which this compiler can clear: nothing to refuse"
#endif
struct padded {
  char small;
  int large;
};
pawl::atomic<padded> wrong{padded{}};
