// SPDX-License-Identifier: BSL-1.0
// backend::cuda<Scope>: PTX's instructions in device code, backend::builtin in host code and for every other compiler than nvcc. So one
// type is shared by the host and by kernels, which may use it at the same time where Scope is `system` (docs/cuda.md).
#pragma once

#include <concepts>

#include "builtin.hpp"
#include "concept.hpp"
#if defined(__CUDA_ARCH__)
#include "../detail/ptx_backend.hpp"
#endif

namespace pawl::inline v0 {

/// Which threads take part in an atomic operation: it is atomic, and orders, for those of the same scope only.
namespace scope {
struct thread {};  ///< PTX has nothing smaller than a block: as block
struct block {};  ///< threads of one block
struct cluster {};  ///< those of one thread block cluster; before sm_90 as device
struct device {};  ///< those of one GPU
struct system {};  ///< all, those of other GPUs and of the host included
}  // namespace scope

template <class S>
concept is_scope = std::same_as<S, scope::thread> || std::same_as<S, scope::block> || std::same_as<S, scope::cluster> ||
                   std::same_as<S, scope::device> || std::same_as<S, scope::system>;

namespace detail {

#if defined(__CUDA_ARCH__)
template <class Scope>
struct ptx_scope;
template <>
struct ptx_scope<scope::thread> {
  using type = ptx::cta;
};
template <>
struct ptx_scope<scope::block> {
  using type = ptx::cta;
};
template <>
struct ptx_scope<scope::cluster> {
  using type = ptx::cluster;
};
template <>
struct ptx_scope<scope::device> {
  using type = ptx::gpu;
};
template <>
struct ptx_scope<scope::system> {
  using type = ptx::sys;
};
template <class Scope>
using cuda_instructions = ptx::backend<typename ptx_scope<Scope>::type>;
#else
template <class Scope>
using cuda_instructions = pawl::backend::builtin;
#endif

}  // namespace detail

namespace backend {

/// Atomic operations of CUDA kernels, sm_75 and newer, on objects in global or shared memory (not in a thread's own, which PTX has no
/// atomic instructions for).
///
/// One instruction, and so wait-free: loads and stores; of 4 and 8 bytes all operations but min and max of floating point; and, or and xor
/// of 1 and 2; compare-and-swap of 2 and more; with 16 bytes, on sm_90 and newer, exchange. The others are compare-and-swap loops.
template <is_scope Scope>
struct cuda : detail::cuda_instructions<Scope> {
  static constexpr const char* name = "cuda";
};

static_assert(is_backend<cuda<scope::thread>> && is_backend<cuda<scope::block>> && is_backend<cuda<scope::cluster>> &&
              is_backend<cuda<scope::device>> && is_backend<cuda<scope::system>>);

}  // namespace backend
}  // namespace pawl::inline v0
