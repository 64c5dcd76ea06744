// SPDX-License-Identifier: BSL-1.0
// What the device tests share: kernels that note what they find, each in its time, and one JSON object at the end. Runs as it is on a
// GPU and under an interpreter of PTX.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <thread>
#include <vector>

// What a kernel has found, in device memory. Counted by CUDA's own atomics: those under test may be wrong.
struct findings {
  unsigned checks;
  unsigned failures;
  // of the first failure
  int line;
  unsigned long long found;
  unsigned long long wanted;
};

__device__ inline void note(findings* to, bool right, unsigned long long found, unsigned long long wanted, int line) {
  atomicAdd(&to->checks, 1U);
  if (right || atomicAdd(&to->failures, 1U) != 0) return;
  to->line = line;
  to->found = found;
  to->wanted = wanted;
}
__device__ inline void check(findings* to, bool right, int line = __builtin_LINE()) { note(to, right, right, 1, line); }
// Compares bits: NaNs are equal where they are the same.
template <class T>
__device__ void same(findings* to, T found, T wanted, int line = __builtin_LINE()) {
  static_assert(sizeof(T) <= 8);
  unsigned long long is = 0;
  unsigned long long should = 0;
  memcpy(&is, &found, sizeof(T));
  memcpy(&should, &wanted, sizeof(T));
  note(to, is == should, is, should, line);
}

// What the host has found.
inline void check(findings& in, bool right, int line = __builtin_LINE()) {
  ++in.checks;
  if (right || in.failures++ != 0) return;
  in.line = line;
  in.found = 0;
  in.wanted = 1;
}

class suite {
 public:
  explicit suite(const char* program) : program_(program) {
    int devices = 0;
    must(cudaGetDeviceCount(&devices), "cudaGetDeviceCount");
    cudaDeviceProp properties;
    must(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
    device_ = properties.name;
    architecture_ = properties.major * 10 + properties.minor;
    must(cudaMalloc(&findings_, sizeof(findings)), "cudaMalloc");
  }
  suite(const suite&) = delete;
  suite& operator=(const suite&) = delete;

  [[nodiscard]] int architecture() const { return architecture_; }

  // What can't go on: says so in the JSON and ends.
  void must(cudaError_t result, const char* call) {
    if (result != cudaSuccess) give_up(std::string(call) + ": " + cudaGetErrorString(result));
  }

  // `count` zeroed T in device memory, until the end of the program. Whole words: atomics of one and two bytes access what is around them.
  template <class T>
  T* zeroed(std::size_t count) {
    const std::size_t bytes = (count * sizeof(T) + 3) / 4 * 4;
    T* memory = nullptr;
    must(cudaMalloc(&memory, bytes), "cudaMalloc");
    must(cudaMemset(memory, 0, bytes), "cudaMemset");
    return memory;
  }

  // Calls launch(findings*), which launches kernels, and waits for them.
  template <class Launch>
  void test(const std::string& name, Launch launch) {
    running_ = name;
    must(cudaMemset(findings_, 0, sizeof(findings)), "cudaMemset");
    const auto start = std::chrono::steady_clock::now();
    launch(findings_);
    must(cudaGetLastError(), "launch");
    cudaError_t state = cudaStreamQuery(nullptr);
    while (state == cudaErrorNotReady) {
      if (std::chrono::steady_clock::now() - start > time_limit) give_up("no end within 20 s");
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      state = cudaStreamQuery(nullptr);
    }
    must(state, "kernel");
    must(cudaDeviceSynchronize(), "kernel");
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    findings is{};
    must(cudaMemcpy(&is, findings_, sizeof is, cudaMemcpyDeviceToHost), "cudaMemcpy");
    add(name, is, seconds);
  }

  // Calls look(findings&), which looks at what the host sees.
  template <class Look>
  void test_on_host(const std::string& name, Look look) {
    running_ = name;
    const auto start = std::chrono::steady_clock::now();
    findings is{};
    try {
      look(is);
    } catch (const std::exception& thrown) {
      give_up(thrown.what());
    }
    add(name, is, std::chrono::steady_clock::now() - start);
  }

  // The program's exit status.
  int finish() {
    print("");
    return failed_ == 0 ? 0 : 1;
  }

 private:
  static constexpr auto time_limit = std::chrono::seconds(20);

  [[noreturn]] void give_up(const std::string& why) {
    print(why);
    std::fflush(stdout);
    std::_Exit(2);  // a kernel may still run
  }

  void add(const std::string& name, findings is, std::chrono::duration<double> seconds) {
    if (is.checks == 0) is.failures = 1;  // nothing ran
    failed_ += is.failures != 0;
    char line[512];
    std::snprintf(line, sizeof line, R"({"name": "%s", "checks": %u, "failures": %u, "seconds": %.3f)", name.c_str(), is.checks,
                  is.failures, seconds.count());
    std::string entry = line;
    if (is.failures != 0) {
      std::snprintf(line, sizeof line, R"(, "line": %d, "found": "%llx", "wanted": "%llx")", is.line, is.found, is.wanted);
      entry += line;
    }
    entries_.push_back(entry + "}");
  }

  void print(const std::string& why) {
    std::printf("{\"program\": \"%s\", \"device\": \"%s\", \"architecture\": %d, \"failed\": %d,", program_, device_.c_str(),
                architecture_, failed_ + !why.empty());
    if (!why.empty()) std::printf(" \"gave up\": \"%s: %s\",", running_.c_str(), why.c_str());
    std::printf(" \"tests\": [");
    for (std::size_t i = 0; i < entries_.size(); ++i) std::printf("%s\n  %s", i == 0 ? "" : ",", entries_[i].c_str());
    std::printf("]}\n");
  }

  const char* program_;
  std::string device_ = "none";
  int architecture_ = 0;
  findings* findings_ = nullptr;
  std::string running_ = "start";
  int failed_ = 0;
  std::vector<std::string> entries_;
};
