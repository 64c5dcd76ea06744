// expect: atomic<T>: T must be trivially copyable
// SPDX-License-Identifier: BSL-1.0
#include <string>

#include <pawl/atomic.hpp>

pawl::atomic<std::string> wrong;
