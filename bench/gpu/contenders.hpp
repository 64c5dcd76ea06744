// SPDX-License-Identifier: BSL-1.0
// Who executes an atomic operation: pawl; CUDA's own functions, as floor; cuda::atomic_ref of libcu++. Each as an object of one cell, with
// those operations that it has.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <cuda/atomic>

#include <pawl/atomic_ref.hpp>
#include <pawl/backend/cuda.hpp>

namespace gpu {

/// 16 bytes. The second half says whether the first one belongs to it.
struct alignas(16) wide {
  std::uint64_t low;
  std::uint64_t high;
  friend __host__ __device__ bool operator==(const wide& a, const wide& b) { return a.low == b.low && a.high == b.high; }
};

/// A cell's value for a number, and back; what was torn is no number that anybody expects.
template <class T>
__device__ T value_of(std::uint64_t number) {
  if constexpr (std::same_as<T, wide>) {
    return {number, ~number};
  } else {
    return static_cast<T>(number);
  }
}
template <class T>
__device__ std::uint64_t number_of(T value) {
  if constexpr (std::same_as<T, wide>) {
    return value.high == ~value.low ? value.low : std::uint64_t{1} << 63U;
  } else {
    return static_cast<std::uint64_t>(value);
  }
}

template <class Scope>
constexpr const char* scope_name() {
  if constexpr (std::same_as<Scope, pawl::scope::block>) return "block";
  if constexpr (std::same_as<Scope, pawl::scope::device>) return "device";
  return "system";
}
constexpr const char* order_name(std::memory_order order) {
  return order == std::memory_order_relaxed ? "relaxed" : order == std::memory_order_seq_cst ? "seq_cst" : "acq_rel";
}

template <class T, class Scope, std::memory_order Order>
class by_pawl {
 public:
  static constexpr const char* name = "pawl";
  __device__ explicit by_pawl(T& cell) : cell_(&cell) {}
  __device__ T load() const { return ref().load(Order); }
  __device__ void store(T v) const { ref().store(v, Order); }
  __device__ T exchange(T v) const { return ref().exchange(v, Order); }
  __device__ bool compare_exchange(T& expected, T v) const { return ref().compare_exchange_weak(expected, v, Order); }
  __device__ T fetch_add(T v) const
    requires std::is_arithmetic_v<T>
  {
    return ref().fetch_add(v, Order);
  }
  __device__ void store_add(T v) const
    requires std::is_arithmetic_v<T>
  {
    ref().store_add(v, Order);
  }
  __device__ T fetch_min(T v) const
    requires std::is_arithmetic_v<T>
  {
    return ref().fetch_min(v, Order);
  }

 private:
  // Not a member: of 16 bytes there is none before sm_90.
  __device__ auto ref() const { return pawl::atomic_ref<T, pawl::backend::cuda<Scope>>(*cell_); }
  T* cell_;
};

/// cuda::atomic_ref, but for 16 bytes: of what CUDA 13.0's headers make of its load, store and exchange, ptxas says 'Duplicate definition
/// of variable', and its compare_exchange doesn't compile.
template <class T, class Scope, std::memory_order Order>
class by_libcu {
  static constexpr cuda::thread_scope its_scope = std::same_as<Scope, pawl::scope::block>    ? cuda::thread_scope_block
                                                  : std::same_as<Scope, pawl::scope::device> ? cuda::thread_scope_device
                                                                                             : cuda::thread_scope_system;
  static constexpr cuda::memory_order its_order = Order == std::memory_order_relaxed   ? cuda::memory_order_relaxed
                                                  : Order == std::memory_order_seq_cst ? cuda::memory_order_seq_cst
                                                                                       : cuda::memory_order_acq_rel;

 public:
  static constexpr const char* name = "libcu++";
  __device__ explicit by_libcu(T& cell) : cell_(cell) {}
  __device__ T load() const { return cell_.load(its_order); }
  __device__ void store(T v) const { cell_.store(v, its_order); }
  __device__ T exchange(T v) const { return cell_.exchange(v, its_order); }
  __device__ bool compare_exchange(T& expected, T v) const { return cell_.compare_exchange_weak(expected, v, its_order); }
  __device__ T fetch_add(T v) const { return cell_.fetch_add(v, its_order); }
  __device__ T fetch_min(T v) const { return cell_.fetch_min(v, its_order); }

 private:
  cuda::atomic_ref<T, its_scope> cell_;
};

/// atomicAdd and its like, which are relaxed, and volatile accesses.
template <class T, class Scope, std::memory_order Order>
class by_cuda {
  static_assert(Order == std::memory_order_relaxed, "CUDA's atomic functions are relaxed");
  using word = std::conditional_t<
      std::same_as<T, wide>, wide,
      std::conditional_t<sizeof(T) == 8, unsigned long long, std::conditional_t<sizeof(T) == 4, unsigned, unsigned short>>>;
  static constexpr bool in_block = std::same_as<Scope, pawl::scope::block>;
  static constexpr bool in_device = std::same_as<Scope, pawl::scope::device>;

 public:
  static constexpr const char* name = "cuda";
  __device__ explicit by_cuda(T& cell) : cell_(&cell) {}
  __device__ T load() const
    requires(sizeof(T) <= 8)
  {
    return *static_cast<volatile T*>(cell_);
  }
  __device__ void store(T v) const
    requires(sizeof(T) <= 8)
  {
    *static_cast<volatile T*>(cell_) = v;
  }
  __device__ T exchange(T v) const
    requires(sizeof(T) >= 4)
  {
    word* const at = reinterpret_cast<word*>(cell_);
    if constexpr (in_block)
      return of_word(atomicExch_block(at, to_word(v)));
    else if constexpr (in_device)
      return of_word(atomicExch(at, to_word(v)));
    else
      return of_word(atomicExch_system(at, to_word(v)));
  }
  __device__ bool compare_exchange(T& expected, T v) const
    requires(sizeof(T) >= 4 || (sizeof(T) == 2 && in_device))
  {
    word* const at = reinterpret_cast<word*>(cell_);
    const word wanted = to_word(expected);
    word found;
    if constexpr (in_device)
      found = atomicCAS(at, wanted, to_word(v));
    else if constexpr (in_block)
      found = atomicCAS_block(at, wanted, to_word(v));
    else
      found = atomicCAS_system(at, wanted, to_word(v));
    expected = of_word(found);
    return found == wanted;
  }
  __device__ T fetch_add(T v) const
    requires(std::is_arithmetic_v<T> && sizeof(T) >= 4)
  {
    if constexpr (in_block)
      return atomicAdd_block(cell_, v);
    else if constexpr (in_device)
      return atomicAdd(cell_, v);
    else
      return atomicAdd_system(cell_, v);
  }
  __device__ void store_add(T v) const
    requires(std::is_arithmetic_v<T> && sizeof(T) >= 4)
  {
    static_cast<void>(fetch_add(v));
  }
  __device__ T fetch_min(T v) const
    requires(std::integral<T> && sizeof(T) >= 4)
  {
    if constexpr (in_block)
      return atomicMin_block(cell_, v);
    else if constexpr (in_device)
      return atomicMin(cell_, v);
    else
      return atomicMin_system(cell_, v);
  }

 private:
  static __device__ word to_word(T v) {
    word result;
    memcpy(&result, &v, sizeof v);
    return result;
  }
  static __device__ T of_word(word v) {
    T result;
    memcpy(&result, &v, sizeof result);
    return result;
  }
  T* cell_;
};

}  // namespace gpu
