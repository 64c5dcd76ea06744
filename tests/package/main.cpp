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
  pawl::stack<int> numbers;
  std::thread(fill, std::ref(numbers)).join();
  pawl::hash_map<int, int> places;
  for (int place = 0; const auto number = numbers.try_pop(); ++place) places.insert(*number, place);
  return places.find(2) == 0 && places.find(1) == 1 ? 0 : 1;
}
