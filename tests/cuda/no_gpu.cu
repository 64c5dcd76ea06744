// SPDX-License-Identifier: BSL-1.0
// Where there is no GPU, owners can't be made, and say so. (no_gpu.py builds and runs it.)
#include <cstdio>
#include <string>

#include <pawl/cuda.hpp>

namespace {

template <class Owner>
bool throws(const char* name) {
  try {
    const Owner made(10);
    std::printf("%s: made\n", name);
  } catch (const pawl::cuda::error& error) {
    const std::string said = error.what();
    std::printf("%s: %s\n", name, error.what());
    return said == std::string(error.call()) + ": " + error.reason() && said.starts_with("cuda") && *error.reason() != '\0';
  }
  return false;
}

}  // namespace

int main() {
  const bool stack = throws<pawl::cuda::stack<int>>("stack");
  const bool queue = throws<pawl::cuda::queue<int>>("queue");
  const bool map = throws<pawl::cuda::hash_map<int, int>>("hash_map");
  return stack && queue && map ? 0 : 1;
}
