// SPDX-License-Identifier: BSL-1.0
#include "measure.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif

namespace study {
namespace {

#if defined(__linux__)
// The lowest number among the hardware threads of this one's core.
int first_of_core(int cpu) {
  std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
  int first = cpu;
  file >> first;
  return first;
}

std::vector<int> find_processors() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  std::vector<int> found;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(static_cast<std::size_t>(cpu), &allowed)) found.push_back(cpu);
    }
  }
  if (found.empty()) found.push_back(0);
  std::ranges::sort(found, {}, [](int cpu) { return std::pair(first_of_core(cpu) != cpu, cpu); });
  return found;
}
#else
std::vector<int> find_processors() {
  std::vector<int> found(std::max(1U, std::thread::hardware_concurrency()));
  for (std::size_t i = 0; i < found.size(); ++i) found[i] = static_cast<int>(i);
  return found;
}
#endif

// Google Benchmark hands its results to a reporter; this one keeps them.
class last_result : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.counters.contains("items_per_second")) items_per_second = run.counters.at("items_per_second");
    }
  }
  double items_per_second = -1;
};

}  // namespace

const std::vector<int>& processors() {
  static const std::vector<int> found = find_processors();
  return found;
}

void pin(unsigned thread) {
#if defined(__linux__)
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(processors()[thread % processors().size()]), &one);
  // Where it is refused, the scheduler places the thread: the number is noisier, and no less true.
  (void)pthread_setaffinity_np(pthread_self(), sizeof one, &one);
#else
  (void)thread;
#endif
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double run_benchmark(unsigned threads, const std::function<void(benchmark::State&)>& function) {
  // Registered anew each time: Google Benchmark could interleave repetitions by itself, but not measure the hand-over beside each.
  benchmark::ClearRegisteredBenchmarks();
  benchmark::RegisterBenchmark("point", function)->Threads(static_cast<int>(threads))->Iterations(1)->UseManualTime();
  last_result result;
  benchmark::RunSpecifiedBenchmarks(&result, nullptr, "all");
  if (result.items_per_second < 0) throw std::runtime_error("Google Benchmark gave no result");
  return result.items_per_second;
}

}  // namespace study
