// SPDX-License-Identifier: BSL-1.0
// Each operation with each order, on every type and scope: what it returns and what it leaves. Each thread has an object of its own; those of
// one and two bytes share their words with other threads', which must not change them.
#include <cmath>
#include <limits>
#include <optional>
#include <type_traits>

#include <pawl/atomic.hpp>
#include <pawl/fence.hpp>
#include <pawl/tagged.hpp>

#include "suite.hpp"

namespace {

using enum std::memory_order;
__constant__ constexpr std::memory_order all_orders[] = {relaxed, acquire, release, acq_rel, seq_cst};
__constant__ constexpr std::memory_order load_orders[] = {relaxed, acquire, relaxed, acquire, seq_cst};
__constant__ constexpr std::memory_order store_orders[] = {relaxed, relaxed, release, release, seq_cst};

struct alignas(16) both {
  std::uint64_t low, high;
};

// The i-th of some values, the ends of T's range among them.
template <class T>
__device__ T value(int i) {
  if constexpr (std::is_same_v<T, both>) {
    return both{i * 0x0123456789abcdefULL, ~(i * 0x0fedcba987654321ULL)};
  } else if constexpr (std::is_same_v<T, bool>) {
    return i % 2 == 1;
  } else if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<T>(std::uintptr_t{0x1000} * static_cast<unsigned>(i));
  } else if constexpr (std::is_floating_point_v<T>) {
    switch (i) {
      case 0:
        return T{0};
      case 1:
        return -T{0};
      case 2:
        return std::numeric_limits<T>::quiet_NaN();
      case 3:
        return std::numeric_limits<T>::infinity();
      case 4:
        return -std::numeric_limits<T>::infinity();
      case 5:
        return T{1.5};
      case 6:
        return T{-2.25};
      default:
        return std::numeric_limits<T>::denorm_min();
    }
  } else {
    switch (i) {
      case 0:
        return T{0};
      case 1:
        return T{1};
      case 2:
        return static_cast<T>(-1);
      case 3:
        return std::numeric_limits<T>::min();
      case 4:
        return std::numeric_limits<T>::max();
      case 5:
        return static_cast<T>(0x5a3c96e1d2b4877eULL);
      case 6:
        return static_cast<T>(0xa5c3691e2d4b7881ULL);
      default:
        return static_cast<T>(77);
    }
  }
}
constexpr int values = 8;

template <class T>
__device__ void equal(findings* to, T found, T wanted, int line = __builtin_LINE()) {
  if constexpr (std::is_same_v<T, both>) {
    check(to, found.low == wanted.low && found.high == wanted.high, line);
  } else {
    same(to, found, wanted, line);
  }
}

template <class T, class Scope>
class tested {
 public:
  __device__ tested(findings* to, T& object, int order)
      : to_(to), x_(object), order_(all_orders[order]), load_(load_orders[order]), store_(store_orders[order]) {}

  __device__ void moves(T a, T b) {
    x_.store(a, store_);
    equal(to_, x_.load(load_), a);
    equal(to_, x_.exchange(b, order_), a);
    leaves(b);
    x_.store(a);
    equal(to_, x_.load(), a);
  }

  __device__ void compares(T a, T b) {
    for (const auto failure : {relaxed, acquire, seq_cst}) {
      x_.store(a, relaxed);
      T expected = a;
      check(to_, x_.compare_exchange_strong(expected, b, order_, failure));
      equal(to_, expected, a);
      leaves(b);
      T other = a;
      const bool equals = is(a, b);
      check(to_, x_.compare_exchange_strong(other, a, order_, failure) == equals);
      equal(to_, other, b);
      leaves(b);
      // The weak one may fail, and then has found what is there.
      T found = b;
      int attempts = 0;
      while (!x_.compare_exchange_weak(found, a, order_, failure) && ++attempts < 100'000) {
        equal(to_, found, b);
        found = b;
      }
      leaves(a);
      T third = b;
      check(to_, !x_.compare_exchange_weak(third, b, order_, failure) || equals);
      equal(to_, third, equals ? b : a);
    }
    x_.store(a, relaxed);
    equal(to_, x_.fetch_update([b](T) { return b; }, order_), a);
    leaves(b);
    const std::optional<T> updated = x_.try_update([a](T) { return std::optional<T>(a); }, order_);
    check(to_, updated.has_value());
    check(to_, !x_.try_update([](T) { return std::optional<T>(); }, order_).has_value());
    leaves(a);
  }

  __device__ void counts(T a, T b) {
    using word = std::make_unsigned_t<T>;
    const auto wa = static_cast<word>(a);
    const auto wb = static_cast<word>(b);
    const T sum = static_cast<T>(static_cast<word>(wa + wb));
    const T difference = static_cast<T>(static_cast<word>(wa - wb));
    const T conjunction = static_cast<T>(static_cast<word>(wa & wb));
    const T disjunction = static_cast<T>(static_cast<word>(wa | wb));
    const T exclusion = static_cast<T>(static_cast<word>(wa ^ wb));
    const T smaller = a < b ? a : b;
    const T larger = a < b ? b : a;
    fetches(a, sum, [&] { return x_.fetch_add(b, order_); });
    fetches(a, difference, [&] { return x_.fetch_sub(b, order_); });
    fetches(a, conjunction, [&] { return x_.fetch_and(b, order_); });
    fetches(a, disjunction, [&] { return x_.fetch_or(b, order_); });
    fetches(a, exclusion, [&] { return x_.fetch_xor(b, order_); });
    fetches(a, smaller, [&] { return x_.fetch_min(b, order_); });
    fetches(a, larger, [&] { return x_.fetch_max(b, order_); });
    stores(a, sum, [&] { x_.store_add(b, store_); });
    stores(a, difference, [&] { x_.store_sub(b, store_); });
    stores(a, conjunction, [&] { x_.store_and(b, store_); });
    stores(a, disjunction, [&] { x_.store_or(b, store_); });
    stores(a, exclusion, [&] { x_.store_xor(b, store_); });
    stores(a, smaller, [&] { x_.store_min(b, store_); });
    stores(a, larger, [&] { x_.store_max(b, store_); });
  }

  // C++26 and IEEE 754-2019: a NaN is ignored, -0 is smaller than +0.
  __device__ void orders(T a, T b) {
    const bool first = a != a ? false : b != b ? true : a == b ? std::signbit(a) : a < b;
    const bool last = a != a ? false : b != b ? true : a == b ? !std::signbit(a) : a > b;
    fetches(a, first ? a : b, [&] { return x_.fetch_min(b, order_); });
    fetches(a, last ? a : b, [&] { return x_.fetch_max(b, order_); });
    stores(a, first ? a : b, [&] { x_.store_min(b, store_); });
    stores(a, last ? a : b, [&] { x_.store_max(b, store_); });
  }
  __device__ void adds(T a, T b) {
    // Small numbers that are sums without rounding: a float loses subnormal ones, see docs/cuda.md.
    fetches(a, a + b, [&] { return x_.fetch_add(b, order_); });
    fetches(a, a - b, [&] { return x_.fetch_sub(b, order_); });
    stores(a, a + b, [&] { x_.store_add(b, store_); });
    stores(a, a - b, [&] { x_.store_sub(b, store_); });
  }
  __device__ void walks(T a) {
    fetches(a, a + 3, [&] { return x_.fetch_add(3, order_); });
    fetches(a, a - 2, [&] { return x_.fetch_sub(2, order_); });
    stores(a, a + 3, [&] { x_.store_add(3, store_); });
    stores(a, a - 2, [&] { x_.store_sub(2, store_); });
  }

 private:
  static __device__ bool is(T a, T b) {
    using word = pawl::detail::word_for<T>;
    return __builtin_bit_cast(word, a) == __builtin_bit_cast(word, b);
  }
  __device__ void leaves(T wanted, int line = __builtin_LINE()) { equal(to_, x_.load(relaxed), wanted, line); }
  template <class F>
  __device__ void fetches(T before, T after, F f, int line = __builtin_LINE()) {
    x_.store(before, relaxed);
    equal(to_, f(), before, line);
    leaves(after, line);
  }
  template <class F>
  __device__ void stores(T before, T after, F f, int line = __builtin_LINE()) {
    x_.store(before, relaxed);
    f();
    leaves(after, line);
  }

  findings* to_;
  pawl::atomic_ref<T, pawl::backend::cuda<Scope>> x_;
  std::memory_order order_, load_, store_;
};

template <class T, class Scope>
__global__ void operations(findings* to, T* objects) {
  // Before sm_90 there are no 16 bytes, and nobody calls this for them.
  if constexpr (sizeof(T) != 16 || pawl::backend::cuda<Scope>::has_double_width) {
    const auto thread = blockIdx.x * blockDim.x + threadIdx.x;
    for (int order = 0; order < 5; ++order) {
      tested<T, Scope> test(to, objects[thread], order);
      for (int pair = 0; pair < values; ++pair) {
        // Neighbours have other values at the same time.
        const T a = value<T>((pair + static_cast<int>(thread)) % values);
        const T b = value<T>((pair * 3 + 1 + static_cast<int>(thread)) % values);
        test.moves(a, b);
        test.compares(a, b);
        if constexpr (std::is_floating_point_v<T>) {
          test.orders(a, b);
          test.adds(static_cast<T>(pair), T{0.25});
        } else if constexpr (std::is_pointer_v<T>) {
          test.walks(a);
        } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
          test.counts(a, b);
        }
      }
    }
  }
}

template <class T, class Scope>
void in_scope(suite& tests, const std::string& name) {
  constexpr unsigned blocks = 2;
  constexpr unsigned threads = 12;
  tests.test(name, [&](findings* to) { operations<T, Scope><<<blocks, threads>>>(to, tests.zeroed<T>(blocks * threads)); });
}

template <class T>
void in_each_scope(suite& tests, const std::string& type) {
  in_scope<T, pawl::scope::device>(tests, type + ", device");
#if !defined(PAWL_TEST_FEW)  // for planted mistakes, which are compiled one by one
  in_scope<T, pawl::scope::thread>(tests, type + ", thread");
  in_scope<T, pawl::scope::block>(tests, type + ", block");
  in_scope<T, pawl::scope::cluster>(tests, type + ", cluster");
  in_scope<T, pawl::scope::system>(tests, type + ", system");
#endif
}

// What has no table of its own: fences, waiting, and a shared variable.
__global__ void others(findings* to) {
  using device_wide = pawl::backend::cuda<pawl::scope::device>;
  using block_wide = pawl::backend::cuda<pawl::scope::block>;
  for (const auto order : all_orders) device_wide::thread_fence(order);
  device_wide::pause();
  pawl::asymmetric_thread_fence_light<device_wide>();
  pawl::asymmetric_thread_fence_heavy<device_wide>();
  int pointed_to = 0;
  const pawl::packed_ptr<int> packed(&pointed_to, 65535);
  check(to, packed.next(&pointed_to).tag() == 0 && packed.pointer() == &pointed_to);
  __shared__ std::uint32_t word;
  __shared__ std::uint8_t bytes[4];
  if (threadIdx.x == 0) {
    word = 0;
    bytes[0] = bytes[1] = bytes[2] = bytes[3] = 0;
  }
  __syncthreads();
  pawl::atomic_ref<std::uint32_t, block_wide> turn(word);
  pawl::atomic_ref<std::uint8_t, block_wide>(bytes[threadIdx.x % 4]).fetch_add(1, relaxed);
  // Threads take turns, each waiting for the one before.
  if (threadIdx.x > 0) {
    std::uint32_t seen = turn.load(acquire);
    while (seen < threadIdx.x) {
      turn.wait(seen, acquire);
      seen = turn.load(acquire);
    }
  }
  same(to, turn.fetch_add(1, acq_rel), threadIdx.x);
  turn.notify_all();
  __syncthreads();
  same(to, turn.load(relaxed), blockDim.x);
  same(to, bytes[threadIdx.x % 4], static_cast<std::uint8_t>(blockDim.x / 4));
}

}  // namespace

int main() {
  suite tests("operations");
  in_each_scope<std::uint8_t>(tests, "uint8");
  in_each_scope<std::int16_t>(tests, "int16");
  in_each_scope<std::uint32_t>(tests, "uint32");
  in_each_scope<std::int64_t>(tests, "int64");
  in_each_scope<float>(tests, "float");
#if !defined(PAWL_TEST_FEW)
  in_scope<std::int8_t, pawl::scope::device>(tests, "int8");
  in_scope<std::uint16_t, pawl::scope::device>(tests, "uint16");
  in_scope<std::int32_t, pawl::scope::device>(tests, "int32");
  in_scope<std::uint64_t, pawl::scope::device>(tests, "uint64");
  in_scope<double, pawl::scope::device>(tests, "double");
  in_scope<bool, pawl::scope::device>(tests, "bool");
  in_scope<int*, pawl::scope::device>(tests, "pointer");
#endif
  if (tests.architecture() >= 90) in_each_scope<both>(tests, "16 bytes");
  tests.test("others", [&](findings* to) { others<<<2, 64>>>(to); });
  return tests.finish();
}
