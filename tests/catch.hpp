// SPDX-License-Identifier: BSL-1.0
// Catch2, whichever is there: 3.x in many headers, 2.13 (Debian 12's) in one. The names that our tests use are the same in both.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif
