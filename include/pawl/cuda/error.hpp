// SPDX-License-Identifier: BSL-1.0
// cuda::error: a call of the CUDA runtime failed.
#pragma once

#include <stdexcept>
#include <string>

#include "../detail/config.hpp"
#include "../detail/fail.hpp"
#if defined(__CUDACC__)
#include <cuda_runtime_api.h>
#endif

namespace pawl::inline v0 {
namespace cuda {

/// What pawl throws on the host where a call of the CUDA runtime fails, for want of a GPU, for one. Without exceptions: a trap.
class error : public std::runtime_error {
 public:
  /// Both must last as long as the error: literals, and what cudaGetErrorString returns.
  error(const char* call, const char* reason)
      : std::runtime_error(std::string(call) + ": " + reason), call_(call), reason_(reason) {}

  /// The function, `cudaMalloc`.
  [[nodiscard]] const char* call() const noexcept { return call_; }
  /// CUDA's words, `out of memory`.
  [[nodiscard]] const char* reason() const noexcept { return reason_; }

 private:
  const char* call_;
  const char* reason_;
};

}  // namespace cuda

#if defined(__CUDACC__)
namespace detail {

/// Throws cuda::error where `call` did not succeed. `call` is a literal.
inline void check(cudaError_t result, const char* call) {
  if (result == cudaSuccess) return;
  // CUDA keeps it, too, and would report it once more, to who asks for the last error of a later call.
  static_cast<void>(cudaGetLastError());
  fail<cuda::error>(call, cudaGetErrorString(result));
}

}  // namespace detail
#endif

}  // namespace pawl::inline v0
