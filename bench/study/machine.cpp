// SPDX-License-Identifier: BSL-1.0
#include "machine.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <fstream>
#include <string>

#include <benchmark/benchmark.h>

#include "measure.hpp"
#include "pawl/backend.hpp"
#if PAWL_PEER_BOOST
#include <boost/version.hpp>
#endif

namespace study {
namespace {

using json = nlohmann::ordered_json;

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(std::min(line.size(), line.find(':') + 2));
  }
  return "unknown";
}

json caches() {
  json all = json::array();
  for (const auto& each : benchmark::CPUInfo::Get().caches) {
    all.push_back({{"level", each.level}, {"type", each.type}, {"bytes", each.size}, {"shared_by", each.num_sharing}});
  }
  return all;
}

std::string now() {
  const std::time_t time = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&time, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text.data();
}

std::string boost_version() {
#if PAWL_PEER_BOOST
  return std::to_string(BOOST_VERSION / 100000) + "." + std::to_string(BOOST_VERSION / 100 % 1000) + "." +
         std::to_string(BOOST_VERSION % 100);
#else
  return "not found";
#endif
}

}  // namespace

json describe_machine() {
  utsname system{};
  uname(&system);
  return {{"machine", system.nodename},
          {"system", std::string(system.sysname) + " " + system.release + " " + system.machine},
          {"cpu", cpu_model()},
          {"cpus", processors().size()},
          {"caches", caches()},
#if defined(__clang__)
          {"compiler", std::string("clang ") + __clang_version__},
#else
          {"compiler", std::string("g++ ") + __VERSION__},
#endif
          {"flags", PAWL_BENCH_FLAGS},
          {"date", now()},
          {"pawl_version", PAWL_VERSION},
          {"backend", pawl::native::name},
          {"boost_version", boost_version()}};
}

}  // namespace study
