// SPDX-License-Identifier: BSL-1.0
// Atomics of 1 and 2 bytes, which are mostly compare-and-swap loops on the word around; and of 16, on sm_90 and newer.
#include "atomics.hpp"

int main(int count, char** arguments) {
  using namespace gpu;
  study in("atomics_narrow", count, arguments, {{"blocks", 0}, {"threads", 256}, {"bits", 20}, {"rounds", 64}});
  const auto all_of = [&]<class T>(atomics<T>&& of) -> void {
    of.template run<pawl::scope::device, loads, stores, fetch_adds, exchanges, cas_loops, fetch_mins>();
    of.template run<pawl::scope::block, fetch_adds, cas_loops>();
  };
  all_of(atomics<std::uint8_t>(in, "u8"));
  all_of(atomics<std::uint16_t>(in, "u16"));
  if (in.architecture() < 90) {
    in.skip(row().with("study", "atomics").with("type", "16 bytes"), "before sm_90 there are no atomics of 16 bytes");
    return in.finish();
  }
  atomics<wide> of(in, "16 bytes");
  of.run<pawl::scope::device, loads, stores, exchanges, cas_loops>();
  of.run<pawl::scope::block, loads, stores, exchanges, cas_loops>();
  of.run<pawl::scope::system, loads, stores, exchanges, cas_loops>();
  return in.finish();
}
