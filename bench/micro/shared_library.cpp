// SPDX-License-Identifier: BSL-1.0
// What a guard costs in a shared library, where thread_locals may be far: the same code in this program, in a library that is linked to
// it, and in one that is opened by dlopen. The claim: within 1.5 times.
#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include <benchmark/benchmark.h>

#include "library/guards.hpp"

extern "C" {
extern const guard_functions guards_in_program;
extern const guard_functions guards_in_library;
}

namespace {

constexpr std::uint64_t batch = 10000;

void measure(benchmark::State& state, void (*work)(std::uint64_t)) {
  for (auto _ : state) work(batch);
  state.counters["ns"] = benchmark::Counter(static_cast<double>(state.iterations()) * batch * 1e-9,
                                            benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void add(const char* place, const guard_functions& functions) {
  const auto one = [place](const char* what, void (*work)(std::uint64_t)) {
    benchmark::RegisterBenchmark((std::string(what) + '/' + place).c_str(), measure, work);
  };
  one("make_and_end", functions.make_and_end);
  one("protect", functions.protect);
  one("section", functions.section);
  one("kept_section", functions.kept_section);
  one("stack_pair", functions.stack_pair);
  one("pooled_stack_pair", functions.pooled_stack_pair);
  one("map_find", functions.map_find);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  add("program", guards_in_program);
  add("linked", guards_in_library);
  void* const opened = dlopen(PAWL_OPENED_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  const void* const found = opened != nullptr ? dlsym(opened, "guards_opened") : nullptr;
  if (found == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  add("opened", *static_cast<const guard_functions*>(found));
  benchmark::RunSpecifiedBenchmarks();
}
