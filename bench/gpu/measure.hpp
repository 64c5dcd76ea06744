// SPDX-License-Identifier: BSL-1.0
// What the programs of the GPU study share: parameters, kernels timed by events, and one JSON object. A kernel that hangs, a wrong result
// and time that runs out each leave an object that says so, with all that was measured before. Runs as it is on a GPU and, with small
// parameters and meaningless times, under an interpreter of PTX.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace gpu {

inline std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return result + '"';
}

/// What a row is about: the names and values of a JSON object.
class row {
 public:
  row with(const char* name, const char* value) const { return add(name, quoted(value)); }
  row with(const char* name, std::uint64_t value) const { return add(name, std::to_string(value)); }
  row with(const char* name, double value) const {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value);
    return add(name, text);
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  [[nodiscard]] row add(const char* name, const std::string& value) const {
    row result = *this;
    result.text_ += (text_.empty() ? "" : ", ") + quoted(name) + ": " + value;
    return result;
  }
  std::string text_;
};

/// A parameter, given to a program as name=value.
struct parameter {
  const char* name;
  std::uint64_t value;
};

class study {
 public:
  /// `own` are the program's parameters and their values where the command line doesn't name them.
  study(const char* program, int count, char** arguments, std::initializer_list<parameter> own) : parameters_(own) {
    // Of all programs: how often each is measured, how long a measured run should take where that can be chosen, when to stop.
    for (const parameter each : {parameter{"repetitions", 5}, {"microseconds", 500}, {"seconds", 60}}) parameters_.push_back(each);
    std::printf("{\"program\": %s,\n\"results\": [", quoted(program).c_str());
    for (int i = 1; i < count; ++i) set(arguments[i]);
    must(cudaEventCreate(&begin_), "cudaEventCreate");
    must(cudaEventCreate(&end_), "cudaEventCreate");
    cudaDeviceProp properties;
    must(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
    device_ = properties.name;
    architecture_ = properties.major * 10 + properties.minor;
    processors_ = static_cast<unsigned>(properties.multiProcessorCount);
  }
  study(const study&) = delete;
  study& operator=(const study&) = delete;

  [[nodiscard]] std::uint64_t value(const char* name) const {
    for (const parameter& each : parameters_) {
      if (std::strcmp(each.name, name) == 0) return each.value;
    }
    return 0;
  }
  /// The parameter `blocks`, or where it is 0 as many blocks as the GPU has room for.
  [[nodiscard]] unsigned blocks(unsigned threads) const {
    const auto given = static_cast<unsigned>(value("blocks"));
    return given != 0 ? given : processors_ * (2048 / threads);
  }
  [[nodiscard]] int architecture() const { return architecture_; }

  /// What can't go on: the program ends.
  void must(cudaError_t result, const char* call) {
    if (result != cudaSuccess) give_up(std::string(call) + ": " + cudaGetErrorString(result));
  }
  void launched() { must(cudaGetLastError(), "launch"); }

  /// Waits for all that was launched; the program ends where that takes so long that a kernel must hang.
  void wait() {
    must(cudaEventRecord(end_), "cudaEventRecord");
    const auto start = std::chrono::steady_clock::now();
    cudaError_t state = cudaEventQuery(end_);
    while (state == cudaErrorNotReady) {
      const auto waited = std::chrono::steady_clock::now() - start;
      if (waited > hangs_after) give_up("a kernel has not ended within 20 s");
      // Short kernels are waited for without sleeping, which would let the GPU's clock fall.
      if (waited > std::chrono::milliseconds(20)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      state = cudaEventQuery(end_);
    }
    must(state, "kernel");
  }

  /// Whether the program's time is up. Points are then left out, and counted.
  [[nodiscard]] bool is_late() const { return std::chrono::steady_clock::now() - start_ > std::chrono::seconds(value("seconds")); }

  /// Measures launch(rounds), which launches one kernel or more: once uncounted, then with twice as many rounds again and again, up to
  /// `most`, until it takes long enough to be measured, then `repetitions` times. Before each run prepare(rounds); after it
  /// wrong(rounds), a string, empty where the results are right. What was wrong once has no time at all. Fewer repetitions where they take
  /// longer than a second. Returns the time of the slowest run but the first, in microseconds; 0 where nothing was measured.
  template <class Prepare, class Launch, class Wrong>
  double measure(const row& what, double operations_per_round, unsigned most, Prepare prepare, Launch launch, Wrong wrong) {
    if (is_late()) {
      ++left_out_;
      return 0;
    }
    running_ = what.text();
    const auto run = [&](unsigned rounds) -> std::optional<double> {
      prepare(rounds);
      launched();
      must(cudaEventRecord(begin_), "cudaEventRecord");
      launch(rounds);
      launched();
      wait();
      float milliseconds = 0;
      must(cudaEventElapsedTime(&milliseconds, begin_, end_), "cudaEventElapsedTime");
      const std::string problem = wrong(rounds);
      if (problem.empty()) return 1e3 * static_cast<double>(milliseconds);
      ++failed_;
      print(what.with("rounds", std::uint64_t{rounds}).with("wrong", problem.c_str()));
      return std::nullopt;
    };
    unsigned rounds = 1;
    // The first run loads the kernel, too.
    if (!run(rounds)) return 0;
    const auto enough = static_cast<double>(value("microseconds"));
    std::optional<double> took = run(rounds);
    while (took && *took < enough && rounds < most && !is_late()) {
      rounds = std::min(most, rounds * 2);
      took = run(rounds);
    }
    std::vector<double> times;
    const auto begun = std::chrono::steady_clock::now();
    for (std::uint64_t i = 0; i < value("repetitions") && took; ++i) {
      if (!times.empty() && (is_late() || std::chrono::steady_clock::now() - begun > std::chrono::seconds(1))) break;
      took = run(rounds);
      if (took) times.push_back(*took);
    }
    if (!took || times.empty()) return 0;
    std::sort(times.begin(), times.end());
    const double operations = operations_per_round * rounds;
    const double median = times[times.size() / 2];
    // Operations per microsecond are millions per second. No time at all is what an interpreter may say.
    const double rate = median > 0 ? operations / median : 0;
    print(what.with("rounds", std::uint64_t{rounds})
              .with("operations", operations)
              .with("repetitions", std::uint64_t{times.size()})
              .with("us_min", times.front())
              .with("us_median", median)
              .with("us_max", times.back())
              .with("mops", rate));
    return times.back();
  }

  /// Whether something `times` as slow as what took `microseconds` may be tried. Compare-and-swap loops on one word take a time that grows
  /// with the square of their number, and a kernel can't be ended.
  [[nodiscard]] bool may_try(double microseconds, double times) const { return microseconds * times < 1e6; }

  /// A row that says why something isn't measured.
  void skip(const row& what, const char* why) { print(what.with("skipped", why)); }
  /// A row of no measurement.
  void note(const row& what) { print(what); }

  /// The program's exit status: 0, or 1 where a result was wrong.
  int finish() {
    close("");
    return failed_ == 0 ? 0 : 1;
  }

 private:
  static constexpr auto hangs_after = std::chrono::seconds(20);

  void set(const char* argument) {
    const char* const equals = std::strchr(argument, '=');
    for (parameter& each : parameters_) {
      if (equals != nullptr && std::string(argument, equals) == each.name) {
        each.value = std::strtoull(equals + 1, nullptr, 10);
        return;
      }
    }
    // All programs of a run get the same list.
  }

  // A line each, at once: whoever kills the program has all lines before.
  void print(const row& what) {
    std::printf("%s\n{%s}", rows_++ == 0 ? "" : ",", what.text().c_str());
    std::fflush(stdout);
  }
  void close(const std::string& gave_up) {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start_;
    std::printf(
        "\n],\n\"device\": %s, \"architecture\": %d, \"multiprocessors\": %u, \"seconds\": %.1f, \"left_out\": %d, \"failed\": %d",
        quoted(device_).c_str(), architecture_, processors_, took.count(), left_out_, failed_ + !gave_up.empty());
    if (!gave_up.empty()) std::printf(",\n\"gave_up\": %s", quoted(gave_up + " at " + running_).c_str());
    std::printf("}\n");
    std::fflush(stdout);
  }
  [[noreturn]] void give_up(const std::string& why) {
    close(why);
    std::_Exit(2);  // a kernel may still run
  }

  std::vector<parameter> parameters_;
  std::string device_ = "none";
  int architecture_ = 0;
  unsigned processors_ = 0;
  cudaEvent_t begin_{};
  cudaEvent_t end_{};
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::string running_ = "start";
  int rows_ = 0;
  int failed_ = 0;
  int left_out_ = 0;
};

/// `count` T in device memory, of all zero bits, as long as this lives.
template <class T>
class memory {
 public:
  memory(study& in, std::size_t count) : in_(in), count_(count) {
    // Whole words: atomics of one and two bytes access what is around them.
    in_.must(cudaMalloc(&data_, (bytes() + 15) / 16 * 16), "cudaMalloc");
    clear();
  }
  memory(const memory&) = delete;
  memory& operator=(const memory&) = delete;
  ~memory() { cudaFree(data_); }

  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] std::size_t count() const { return count_; }
  void clear() { in_.must(cudaMemset(data_, 0, (bytes() + 15) / 16 * 16), "cudaMemset"); }
  void fill(const std::vector<T>& from) {
    in_.must(cudaMemcpy(data_, from.data(), std::min(bytes(), from.size() * sizeof(T)), cudaMemcpyHostToDevice), "cudaMemcpy");
  }
  [[nodiscard]] std::vector<T> copy() const {
    std::vector<T> result(count_);
    in_.must(cudaMemcpy(result.data(), data_, bytes(), cudaMemcpyDeviceToHost), "cudaMemcpy");
    return result;
  }

 private:
  [[nodiscard]] std::size_t bytes() const { return count_ * sizeof(T); }
  study& in_;
  std::size_t count_;
  T* data_ = nullptr;
};

__device__ inline unsigned number() { return blockIdx.x * blockDim.x + threadIdx.x; }
__device__ inline unsigned all() { return gridDim.x * blockDim.x; }

/// A number of 32 bits that looks like chance; another one for each x. (Finalizer of MurmurHash3, A. Appleby, public domain.)
__host__ __device__ inline std::uint32_t scattered(std::uint32_t x) {
  x = (x ^ (x >> 16U)) * 0x85ebca6bU;
  x = (x ^ (x >> 13U)) * 0xc2b2ae35U;
  return x ^ (x >> 16U);
}

}  // namespace gpu
