// SPDX-License-Identifier: BSL-1.0
// CHECK for code that is instantiated many times: one call instead of Catch2's templates, which cost the compiler most of its time.
#pragma once

#include "catch.hpp"

[[gnu::noinline]] inline void verify(bool holds, int line = __builtin_LINE(), const char* file = __builtin_FILE()) {
  if (holds) {
    SUCCEED();
  } else {
    FAIL_CHECK("false at " << file << ":" << line);
  }
}
