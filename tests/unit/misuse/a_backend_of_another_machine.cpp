// expect: PAWL_BACKEND names no backend of this target
// SPDX-License-Identifier: BSL-1.0
#if defined(__x86_64__)
#define PAWL_BACKEND arm64
#else
#define PAWL_BACKEND x86
#endif
#include <pawl/backend.hpp>

int main() {}
