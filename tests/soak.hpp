// SPDX-License-Identifier: BSL-1.0
// ./dev soak, which has the time that ./dev test hasn't.
#pragma once

#if defined(PAWL_TESTS_SOAK)
inline constexpr bool soaks = true;
#else
inline constexpr bool soaks = false;
#endif

/// How much more of it a test does then, where it can do more of the same.
inline constexpr int soak_times = soaks ? 10 : 1;
