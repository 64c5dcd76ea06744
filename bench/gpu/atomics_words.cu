// SPDX-License-Identifier: BSL-1.0
// Atomics of 4 and 8 bytes: all operations on all scopes, and the orders that cost a fence.
#include "atomics.hpp"

int main(int count, char** arguments) {
  using namespace gpu;
  study in("atomics_words", count, arguments, {{"blocks", 0}, {"threads", 256}, {"bits", 20}, {"rounds", 64}});
  const auto all_of = [&]<class T>(atomics<T>&& of) -> void {
    of.template run<pawl::scope::device, loads, stores, fetch_adds, store_adds, exchanges, cas_loops, fetch_mins>();
    of.template run<pawl::scope::block, loads, stores, fetch_adds, store_adds, exchanges, cas_loops, fetch_mins>();
    if constexpr (!few)
      of.template run<pawl::scope::system, loads, stores, fetch_adds, store_adds, exchanges, cas_loops, fetch_mins>();
  };
  all_of(atomics<unsigned>(in, "u32"));
  if constexpr (!few) all_of(atomics<unsigned long long>(in, "u64"));
  atomics<unsigned> ordered(in, "u32");
  ordered.run_in_order<pawl::scope::device, std::memory_order_acq_rel, fetch_adds>();
  ordered.run_in_order<pawl::scope::device, std::memory_order_seq_cst, fetch_adds, loads>();
  return in.finish();
}
