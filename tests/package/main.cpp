// SPDX-License-Identifier: BSL-1.0
// Exit status 0 if pawl works in a program of two translation units.
#include <concepts>
#include <functional>
#include <thread>

#include "consumer.hpp"

#if defined(PACKAGE_VERSION)
static_assert(PAWL_VERSION == PACKAGE_VERSION, "the package's version is not the headers'");
#endif
#if defined(CHOSEN_BACKEND)
static_assert(std::same_as<pawl::native, pawl::backend::CHOSEN_BACKEND>, "the backend is not the one that the user chose");
#endif

int main() {
  std::uint32_t word = 0;
  std::thread(add_one, std::ref(word)).join();
  return pawl::native::load(word, std::memory_order_relaxed) == 1 ? 0 : 1;
}
