// expect: llsc<T>: T must be trivially copyable
// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <pawl/llsc.hpp>

pawl::llsc<std::string> wrong;
