// SPDX-License-Identifier: BSL-1.0
// How often does each letter occur? Each block counts in shared memory and adds its counts to the whole at the end; and the positions of
// the letter that is asked for are collected, where each warp takes room for all that it has found by one atomic addition.
#include <cstdio>
#include <string>
#include <vector>

#include <pawl/cuda.hpp>

namespace {

using device_wide = pawl::backend::cuda<pawl::scope::device>;
using histogram = pawl::cuda::privatized_histogram<unsigned, device_wide>;
constexpr unsigned letters = 26;

__global__ void count(const char* text, unsigned length, unsigned* whole, std::size_t bytes) {
  extern __shared__ unsigned memory[];
  const histogram counts(whole, letters, memory, bytes);
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < length; i += gridDim.x * blockDim.x) {
    if (text[i] >= 'a' && text[i] <= 'z') counts.add(static_cast<unsigned>(text[i] - 'a'));
  }
  counts.flush();
}

__global__ void find(const char* text, unsigned length, char wanted, unsigned* found, unsigned* positions) {
  const pawl::atomic_ref<unsigned, device_wide> next(*found);
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < length; i += gridDim.x * blockDim.x) {
    if (text[i] == wanted) positions[pawl::cuda::fetch_add_aggregated(__activemask(), next, 1, std::memory_order_relaxed)] = i;
  }
}

// Device memory that is given back at the end.
template <class T>
class array {
 public:
  explicit array(std::size_t count) : count_(count) {
    pawl::detail::check(cudaMalloc(&memory_, count * sizeof(T)), "cudaMalloc");
    pawl::detail::check(cudaMemset(memory_, 0, count * sizeof(T)), "cudaMemset");
  }
  array(const array&) = delete;
  array& operator=(const array&) = delete;
  ~array() { cudaFree(memory_); }
  T* data() { return memory_; }
  void fill(const T* from) { pawl::detail::check(cudaMemcpy(memory_, from, count_ * sizeof(T), cudaMemcpyDefault), "cudaMemcpy"); }
  std::vector<T> copy() const {
    std::vector<T> result(count_);
    pawl::detail::check(cudaMemcpy(result.data(), memory_, count_ * sizeof(T), cudaMemcpyDefault), "cudaMemcpy");
    return result;
  }

 private:
  std::size_t count_;
  T* memory_ = nullptr;
};

}  // namespace

int main() try {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "the quick brown fox jumps over the lazy dog ";
  const auto length = static_cast<unsigned>(text.size());
  array<char> characters(length);
  characters.fill(text.data());

  array<unsigned> counts(letters);
  const std::size_t bytes = histogram::shared_bytes(letters);
  count<<<8, 128, bytes>>>(characters.data(), length, counts.data(), bytes);
  array<unsigned> found(1);
  array<unsigned> positions(length);
  find<<<8, 128>>>(characters.data(), length, 'q', found.data(), positions.data());
  pawl::detail::check(cudaGetLastError(), "launch");

  const std::vector<unsigned> of = counts.copy();
  for (unsigned i = 0; i < letters; ++i) std::printf("%c%u ", 'a' + static_cast<int>(i), of[i]);
  const unsigned q = found.copy()[0];
  bool right = true;
  const std::vector<unsigned> where = positions.copy();
  for (unsigned i = 0; i < q; ++i) right = right && text[where[i]] == 'q';
  std::printf("\nq at %u places, %s\n", q, right ? "right" : "WRONG");
  return right ? 0 : 1;
} catch (const pawl::cuda::error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
