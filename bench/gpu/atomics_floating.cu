// SPDX-License-Identifier: BSL-1.0
// Atomics of float and double. A minimum is a compare-and-swap loop, and CUDA has no function for it.
#include "atomics.hpp"

int main(int count, char** arguments) {
  using namespace gpu;
  study in("atomics_floating", count, arguments, {{"blocks", 0}, {"threads", 256}, {"bits", 20}, {"rounds", 64}});
  const auto all_of = [&]<class T>(atomics<T>&& of) -> void {
    of.template run<pawl::scope::device, fetch_adds, store_adds, cas_loops, fetch_mins>();
    of.template run<pawl::scope::block, fetch_adds, store_adds, cas_loops, fetch_mins>();
    if constexpr (!few) of.template run<pawl::scope::system, fetch_adds, store_adds, cas_loops, fetch_mins>();
  };
  if constexpr (!few) all_of(atomics<float>(in, "float"));
  all_of(atomics<double>(in, "double"));
  return in.finish();
}
