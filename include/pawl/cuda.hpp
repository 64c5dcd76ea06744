// SPDX-License-Identifier: BSL-1.0
// What kernels need beyond the atomics: algorithms of a warp and of a block; and containers in device memory, owned on the host. For nvcc.
// (Beside libcu++, `using namespace pawl` makes `cuda::` ambiguous.)
#pragma once

#include "backend/cuda.hpp"
#include "cuda/aggregated.hpp"
#include "cuda/aggregated_containers.hpp"
#include "cuda/error.hpp"
#include "cuda/hash_map.hpp"
#include "cuda/histogram.hpp"
#include "cuda/queue.hpp"
#include "cuda/reduce.hpp"
#include "cuda/stack.hpp"
