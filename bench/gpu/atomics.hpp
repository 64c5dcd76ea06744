// SPDX-License-Identifier: BSL-1.0
// Throughput of one atomic operation: all threads, again and again, on 1, 4, 16, ... cells, chosen as if by chance. Cells of the scope
// `block` are in shared memory, and each block has its own; others are in global memory, and all threads share them.
//
// Every run is checked: the value of each cell, from how many operations it got, and the sum of all that was returned.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "contenders.hpp"
#include "measure.hpp"

namespace gpu {

// Fewer types and scopes, where it's tested that all of it compiles and runs: nvcc takes its time.
#if defined(PAWL_TEST_FEW)
constexpr bool few = true;
#else
constexpr bool few = false;
#endif

constexpr unsigned shared_cells = 2048;  // 32 KiB of the widest

constexpr unsigned most_in_loop = 4096;  // threads for each cell

/// The cell, of 2^bits, of one thread's operation.
__device__ inline unsigned cell_of(unsigned thread, unsigned round, unsigned bits) {
  return scattered(thread * 0x9e3779b9U + round) & ((1U << bits) - 1);
}
/// What it offers for a minimum: up to `span`, which is where cells begin.
template <class T>
constexpr unsigned span = sizeof(T) == 1 ? 0xffU : 0xffffU;
template <class T>
__device__ unsigned offer_of(unsigned thread, unsigned round) {
  return scattered(thread + round * 0x9e3779b9U) & span<T>;
}
/// What is stored to a cell.
__device__ inline std::uint64_t mark_of(unsigned cell) { return 1 + cell % 100; }

// The operations: what one does and returns as a number; what a cell begins with; what it must hold after n of them, of which `least` was
// the smallest offer, where there is a choice according to what was found; what all n must have returned, in sum.
struct loads {
  static constexpr const char* name = "load";
  template <class Cell, class T>
  static constexpr bool has = requires(Cell cell) { cell.load(); };
  template <class Cell, class T>
  static __device__ std::uint64_t apply(Cell cell, unsigned, unsigned) {
    return number_of(cell.load());
  }
  template <class T>
  static __device__ std::uint64_t first() {
    return 1;
  }
  template <class T>
  static __device__ std::uint64_t last(unsigned, unsigned, unsigned, std::uint64_t) {
    return 1;
  }
  template <class T>
  static __device__ std::uint64_t returned(unsigned n, unsigned) {
    return n;
  }
};
/// One of two values, so that halves of both show.
struct stores {
  static constexpr const char* name = "store";
  template <class Cell, class T>
  static constexpr bool has = requires(Cell cell, T v) { cell.store(v); };
  template <class Cell, class T>
  static __device__ std::uint64_t apply(Cell cell, unsigned index, unsigned offer) {
    cell.store(value_of<T>(mark_of(index) + offer % 2 * 128));
    return 0;
  }
  template <class T>
  static __device__ std::uint64_t first() {
    return 0;
  }
  template <class T>
  static __device__ std::uint64_t last(unsigned n, unsigned, unsigned index, std::uint64_t found) {
    return n == 0 ? 0 : mark_of(index) + (found & 128U);
  }
  template <class T>
  static __device__ std::uint64_t returned(unsigned, unsigned) {
    return 0;
  }
};
struct exchanges {
  static constexpr const char* name = "exchange";
  template <class Cell, class T>
  static constexpr bool has = requires(Cell cell, T v) { cell.exchange(v); };
  template <class Cell, class T>
  static __device__ std::uint64_t apply(Cell cell, unsigned index, unsigned) {
    return number_of(cell.exchange(value_of<T>(mark_of(index))));
  }
  template <class T>
  static __device__ std::uint64_t first() {
    return 0;
  }
  template <class T>
  static __device__ std::uint64_t last(unsigned n, unsigned, unsigned index, std::uint64_t) {
    return n == 0 ? 0 : mark_of(index);
  }
  // All but the first found what is stored.
  template <class T>
  static __device__ std::uint64_t returned(unsigned n, unsigned index) {
    return n == 0 ? 0 : (n - 1) * mark_of(index);
  }
};
/// What additions of 1 have in common: each number is returned once. Numbers of one and two bytes begin again.
struct counting {
  template <class T>
  static constexpr std::uint64_t numbers = std::uint64_t{1} << (sizeof(T) < 4 ? 8 * sizeof(T) : 63);
  template <class T>
  static __device__ std::uint64_t first() {
    return 0;
  }
  template <class T>
  static __device__ std::uint64_t last(unsigned n, unsigned, unsigned, std::uint64_t) {
    return n % numbers<T>;
  }
  template <class T>
  static __device__ std::uint64_t returned(unsigned n, unsigned) {
    const std::uint64_t whole = n / numbers<T>;
    const std::uint64_t rest = n % numbers<T>;
    return (whole == 0 ? 0 : whole * (numbers<T> * (numbers<T> - 1) / 2)) + (rest == 0 ? 0 : rest * (rest - 1) / 2);
  }
};
struct fetch_adds : counting {
  static constexpr const char* name = "fetch_add";
  template <class Cell, class T>
  static constexpr bool has = requires(Cell cell, T v) { cell.fetch_add(v); };
  template <class Cell, class T>
  static __device__ std::uint64_t apply(Cell cell, unsigned, unsigned) {
    return number_of(cell.fetch_add(T{1}));
  }
};
struct store_adds : counting {
  static constexpr const char* name = "store_add";
  template <class Cell, class T>
  static constexpr bool has = requires(Cell cell, T v) { cell.store_add(v); };
  template <class Cell, class T>
  static __device__ std::uint64_t apply(Cell cell, unsigned, unsigned) {
    cell.store_add(T{1});
    return 0;
  }
  template <class T>
  static __device__ std::uint64_t returned(unsigned, unsigned) {
    return 0;
  }
};
struct cas_loops : counting {
  static constexpr const char* name = "cas_loop";
  template <class Cell, class T>
  static constexpr bool has = requires(Cell cell, T v) { cell.compare_exchange(v, v); };
  template <class Cell, class T>
  static __device__ std::uint64_t apply(Cell cell, unsigned, unsigned) {
    T old = value_of<T>(0);
    if constexpr (requires { cell.load(); }) old = cell.load();
    while (!cell.compare_exchange(old, value_of<T>((number_of(old) + 1) % numbers<T>))) {
    }
    return number_of(old);
  }
};
/// Offers are by chance, so a cell gets smaller a few times and then stays.
struct fetch_mins {
  static constexpr const char* name = "fetch_min";
  template <class Cell, class T>
  static constexpr bool has = requires(Cell cell, T v) { cell.fetch_min(v); };
  template <class Cell, class T>
  static __device__ std::uint64_t apply(Cell cell, unsigned, unsigned offer) {
    static_cast<void>(number_of(cell.fetch_min(static_cast<T>(offer))));
    return 0;
  }
  template <class T>
  static __device__ std::uint64_t first() {
    return span<T>;
  }
  template <class T>
  static __device__ std::uint64_t last(unsigned, unsigned least, unsigned, std::uint64_t) {
    return least;
  }
  template <class T>
  static __device__ std::uint64_t returned(unsigned, unsigned) {
    return 0;
  }
};

template <class Scope>
constexpr bool is_shared = std::same_as<Scope, pawl::scope::block>;

/// What this target can execute: in the pass for the host, of no interest.
template <class T, class Scope>
constexpr bool is_executable = sizeof(T) <= 8 || pawl::backend::cuda<Scope>::has_double_width;

template <class Cell, class Operation, class T, class Scope>
__global__ void operate(T* cells, unsigned bits, unsigned rounds, std::uint64_t* returned) {
  if constexpr (is_executable<T, Scope>) {
    const unsigned count = 1U << bits;
    if constexpr (is_shared<Scope>) {
      __shared__ T own[shared_cells];
      T* const mine = cells + blockIdx.x * count;
      for (unsigned i = threadIdx.x; i < count; i += blockDim.x) own[i] = mine[i];
      __syncthreads();
      std::uint64_t sum = 0;
      for (unsigned round = 0; round < rounds; ++round) {
        const unsigned index = cell_of(number(), round, bits);
        sum += Operation::template apply<Cell, T>(Cell(own[index]), index, offer_of<T>(number(), round));
      }
      returned[number()] = sum;
      __syncthreads();
      for (unsigned i = threadIdx.x; i < count; i += blockDim.x) mine[i] = own[i];
    } else {
      std::uint64_t sum = 0;
      for (unsigned round = 0; round < rounds; ++round) {
        const unsigned index = cell_of(number(), round, bits);
        sum += Operation::template apply<Cell, T>(Cell(cells[index]), index, offer_of<T>(number(), round));
      }
      returned[number()] = sum;
    }
  }
}

template <class Operation, class T>
__global__ void begin_with(T* cells, unsigned count) {
  for (unsigned i = number(); i < count; i += all()) cells[i] = value_of<T>(Operation::template first<T>());
}

static __global__ void begin_at(unsigned* least, unsigned count, unsigned value) {
  for (unsigned i = number(); i < count; i += all()) least[i] = value;
}
/// How many operations a cell gets, and the least offer, by CUDA's own atomics.
template <class T>
__global__ void foresee(unsigned* operations, unsigned* least, unsigned bits, unsigned rounds, bool shared) {
  const unsigned from = shared ? blockIdx.x << bits : 0;
  for (unsigned round = 0; round < rounds; ++round) {
    const unsigned index = from + cell_of(number(), round, bits);
    atomicAdd(&operations[index], 1U);
    atomicMin(&least[index], offer_of<T>(number(), round));
  }
}

struct verdict {
  unsigned long long wrong_cells;
  unsigned long long returned;
  unsigned long long wanted;
};
template <class Operation, class T>
__global__ void judge(verdict* to, const T* cells, const unsigned* operations, const unsigned* least, unsigned count, unsigned bits,
                      const std::uint64_t* returned) {
  unsigned long long wanted = 0;
  for (unsigned i = number(); i < count; i += all()) {
    const unsigned index = i & ((1U << bits) - 1);
    const T last = value_of<T>(Operation::template last<T>(operations[i], least[i], index, number_of(cells[i])));
    if (!(cells[i] == last)) atomicAdd(&to->wrong_cells, 1ULL);
    wanted += Operation::template returned<T>(operations[i], index);
  }
  atomicAdd(&to->wanted, wanted);
  atomicAdd(&to->returned, static_cast<unsigned long long>(returned[number()]));
}

/// All points of one type.
template <class T>
class atomics {
 public:
  atomics(study& in, const char* type)
      : in_(in),
        type_(type),
        threads_(static_cast<unsigned>(in.value("threads"))),
        blocks_(in.blocks(threads_)),
        most_cells_(std::max(1U << in.value("bits"), blocks_ << shared_bits())),
        cells_(in, most_cells_),
        operations_(in, most_cells_),
        least_(in, most_cells_),
        returned_(in, std::size_t{blocks_} * threads_),
        verdict_(in, 1) {}

  template <class Scope, class... Operations>
  void run() {
    (all_cells<Operations, Scope, std::memory_order_relaxed, true>(), ...);
  }
  /// In an order that CUDA's own functions don't have.
  template <class Scope, std::memory_order Order, class... Operations>
  void run_in_order() {
    (all_cells<Operations, Scope, Order, false>(), ...);
  }

 private:
  [[nodiscard]] unsigned shared_bits() const { return static_cast<unsigned>(std::min<std::uint64_t>(in_.value("bits"), 10)); }

  template <class Operation, class Scope, std::memory_order Order, bool WithFloor>
  void all_cells() {
    const unsigned most = is_shared<Scope> ? shared_bits() : static_cast<unsigned>(in_.value("bits"));
    for (unsigned bits = 0; bits <= most; bits += 2) {
      point<by_pawl<T, Scope, Order>, Operation, Scope, Order>(bits);
      if constexpr (WithFloor) point<by_cuda<T, Scope, Order>, Operation, Scope, Order>(bits);
      // It has these sizes.
      if constexpr (sizeof(T) == 4 || sizeof(T) == 8) point<by_libcu<T, Scope, Order>, Operation, Scope, Order>(bits);
    }
  }

  template <class Cell, class Operation, class Scope, std::memory_order Order>
  void point(unsigned bits) {
    if constexpr (Operation::template has<Cell, T>) {
      constexpr bool shared = is_shared<Scope>;
      // Failed attempts of a compare-and-swap loop grow with the square of the threads on a cell, so these are fewer. (All on one cell may
      // take a minute, and a kernel can't be ended.)
      constexpr bool retries = std::same_as<Operation, cas_loops> || (std::same_as<Operation, fetch_mins> && !std::integral<T>) ||
                               (sizeof(T) < 4 && !std::same_as<Operation, loads> && !std::same_as<Operation, stores>);
      const unsigned blocks = retries && !shared ? std::min(blocks_, std::max(1U, (most_in_loop << bits) / threads_)) : blocks_;
      const unsigned count = shared ? blocks << bits : 1U << bits;
      const row what = row()
                           .with("study", "atomics")
                           .with("operation", Operation::name)
                           .with("type", type_)
                           .with("scope", scope_name<Scope>())
                           .with("order", order_name(Order))
                           .with("memory", shared ? "shared" : "global")
                           .with("addresses", std::uint64_t{1U << bits})
                           .with("by", Cell::name)
                           .with("threads", std::uint64_t{blocks * threads_});
      // A float counts to 2^24.
      const unsigned most = std::max(1U, std::min(static_cast<unsigned>(in_.value("rounds")), (1U << 24U) / (blocks * threads_)));
      in_.measure(
          what, 1.0 * blocks * threads_, most,
          [&](unsigned rounds) {
            foresee_all(blocks, bits, rounds, shared);
            begin_with<Operation><<<blocks_, threads_>>>(cells_.data(), count);
          },
          [&](unsigned rounds) {
            operate<Cell, Operation, T, Scope><<<blocks, threads_>>>(cells_.data(), bits, rounds, returned_.data());
          },
          [&](unsigned) { return judge_all<Operation>(blocks, count, bits); });
    }
  }

  void foresee_all(unsigned blocks, unsigned bits, unsigned rounds, bool shared) {
    const std::array<unsigned, 4> what{blocks, bits, rounds, shared ? 1U : 0U};
    if (what == foreseen_) return;
    foreseen_ = what;
    operations_.clear();
    begin_at<<<blocks_, threads_>>>(least_.data(), most_cells_, span<T>);
    foresee<T><<<blocks, threads_>>>(operations_.data(), least_.data(), bits, rounds, shared);
  }

  template <class Operation>
  std::string judge_all(unsigned blocks, unsigned count, unsigned bits) {
    verdict_.clear();
    judge<Operation>
        <<<blocks, threads_>>>(verdict_.data(), cells_.data(), operations_.data(), least_.data(), count, bits, returned_.data());
    in_.launched();
    in_.wait();
    const verdict is = verdict_.copy()[0];
    if (is.wrong_cells != 0) return std::to_string(is.wrong_cells) + " cells";
    if (is.returned != is.wanted) return "returned " + std::to_string(is.returned) + ", not " + std::to_string(is.wanted);
    return "";
  }

  study& in_;
  const char* type_;
  unsigned threads_;
  unsigned blocks_;
  unsigned most_cells_;
  memory<T> cells_;
  memory<unsigned> operations_;
  memory<unsigned> least_;
  memory<std::uint64_t> returned_;
  memory<verdict> verdict_;
  std::array<unsigned, 4> foreseen_{};
};

}  // namespace gpu
