// SPDX-License-Identifier: BSL-1.0
// main() of the test programs with Catch2 2.13; 3.x has one in Catch2::Catch2WithMain.
#define CATCH_CONFIG_MAIN
#include "catch.hpp"
