// SPDX-License-Identifier: BSL-1.0
// What bench/micro/shared_library.cpp measures, compiled once into the program and once into a shared library. Each function does
// `times` of it.
#pragma once

#include <cstdint>

struct guard_functions {
  void (*make_and_end)(std::uint64_t times);
  void (*protect)(std::uint64_t times);
  void (*section)(std::uint64_t times);
  void (*kept_section)(std::uint64_t times);
  void (*stack_pair)(std::uint64_t times);
  void (*pooled_stack_pair)(std::uint64_t times);
  void (*map_find)(std::uint64_t times);
};
