// SPDX-License-Identifier: BSL-1.0
// Many threads on few objects: no update is lost, none is seen twice, no value is torn, and neighbours in a word don't disturb each other.
//
// contention [BLOCKS [THREADS]]
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include <pawl/atomic.hpp>
#include <pawl/backoff.hpp>

#include "suite.hpp"

namespace {

using enum std::memory_order;
using device_wide = pawl::backend::cuda<pawl::scope::device>;
template <class T>
using atomic = pawl::atomic<T, device_wide>;

__device__ unsigned number() { return blockIdx.x * blockDim.x + threadIdx.x; }
__device__ unsigned all() { return gridDim.x * blockDim.x; }

// Takes a ticket for a number: false where somebody has it.
__device__ bool first_at(unsigned* taken, unsigned long long i) { return atomicExch(&taken[i], 1U) == 0; }

struct alignas(16) both {
  std::uint64_t low, high;
};
__host__ __device__ both pair_of(std::uint64_t n) { return {n, ~n}; }

// Counters of T, as many as fit into a word of four bytes, or one.
template <class T>
inline constexpr unsigned counters = sizeof(T) < 4 ? 4 / sizeof(T) : 1;
template <class T>
struct alignas(16) shared {
  atomic<T> at[counters<T>];
};

// All numbers that T has are as frequent as they must be among what the fetch_adds of one counter returned.
template <class T>
__global__ void adds(shared<T>* x, unsigned* seen) {
  const unsigned mine = number() % counters<T>;
  const auto old = static_cast<std::make_unsigned_t<T>>(x->at[mine].fetch_add(1, relaxed));
  const unsigned kinds = sizeof(T) < 4 ? 1U << (8 * sizeof(T)) : all();
  if (old < kinds) atomicAdd(&seen[mine * kinds + old], 1U);
}
template <class T>
__global__ void adds_end(findings* to, const shared<T>* x, const unsigned* seen) {
  const unsigned each = all() / counters<T>;
  const unsigned kinds = sizeof(T) < 4 ? 1U << (8 * sizeof(T)) : all();
  for (unsigned i = number(); i < kinds * counters<T>; i += all()) {
    const unsigned old = i % kinds;
    same(to, seen[i], each / kinds + (old < each % kinds ? 1U : 0U));
  }
  if (number() < counters<T>) same(to, x->at[number()].load(), static_cast<T>(each));
}

template <class T>
__global__ void stores_and_loops(shared<T>* x) {
  auto& mine = x[0].at[number() % counters<T>];
  mine.store_add(3, relaxed);
  mine.store_sub(1, release);
  auto& strong = x[1].at[number() % counters<T>];
  T seen = strong.load(relaxed);
  while (!strong.compare_exchange_strong(seen, static_cast<T>(seen + 2), acq_rel, relaxed)) {
  }
  auto& weak = x[2].at[number() % counters<T>];
  pawl::exponential_backoff backoff;
  seen = weak.load(relaxed);
  while (!weak.compare_exchange_weak(seen, static_cast<T>(seen + 2), seq_cst, relaxed)) backoff(device_wide{});
  x[3].at[number() % counters<T>].fetch_update([](T old) { return static_cast<T>(old + 2); }, relaxed);
}
template <class T>
__global__ void stores_and_loops_end(findings* to, const shared<T>* x) {
  if (number() >= counters<T>) return;
  for (int i = 0; i < 4; ++i) same(to, x[i].at[number()].load(), static_cast<T>(2 * (all() / counters<T>)));
}

// Every number goes in once and comes out once.
template <class T>
__global__ void exchanges(findings* to, atomic<T>* x, unsigned* taken) {
  const auto old = static_cast<unsigned>(x->exchange(static_cast<T>(number() + 1), acq_rel));
  check(to, old <= all() && first_at(taken, old));
}
template <class T>
__global__ void exchanges_end(findings* to, const atomic<T>* x, unsigned* taken) {
  if (number() == 0) check(to, first_at(taken, static_cast<unsigned>(x->load())));
}

// Each thread has a bit, that nobody else changes.
template <class T>
__global__ void bits(findings* to, atomic<T>* words) {
  constexpr unsigned width = 8 * sizeof(T);
  auto& word = words[number() / width];
  const T bit = static_cast<T>(T{1} << (number() % width));
  const T others = static_cast<T>(~bit);
  check(to, (word.fetch_or(bit, relaxed) & bit) == 0);
  check(to, (word.fetch_and(others, relaxed) & bit) != 0);
  check(to, (word.fetch_xor(bit, relaxed) & bit) == 0);
  word.store_and(others, relaxed);
  check(to, (word.load(relaxed) & bit) == 0);
  word.store_or(bit, relaxed);
  check(to, (word.load(relaxed) & bit) != 0);
  word.store_xor(bit, relaxed);
  check(to, (word.load(relaxed) & bit) == 0);
}

template <class T>
__host__ __device__ T scattered(unsigned i) {
  std::uint64_t bits = (i + 1) * 0x9e3779b97f4a7c15ULL;
  bits ^= bits >> 29U;
  return static_cast<T>(bits * 0xbf58476d1ce4e5b9ULL >> 7U);
}
template <>
__host__ __device__ float scattered<float>(unsigned i) {
  return static_cast<float>(scattered<std::int32_t>(i)) / 16;
}
// The four are as large, together, as four words, and each is one of the neighbours.
template <class T>
__global__ void extremes(atomic<T>* x) {
  T mine = scattered<T>(number());
  if constexpr (std::is_floating_point_v<T>) {
    if (number() % 5 == 1) mine = std::numeric_limits<T>::quiet_NaN();
  }
  x[0].fetch_min(mine, relaxed);
  x[1].fetch_max(mine, relaxed);
  x[2].store_min(mine, relaxed);
  x[3].store_max(mine, relaxed);
  if constexpr (std::is_floating_point_v<T>) {
    // Whoever comes last: -0 is smaller.
    const T zero = number() % 2 == 0 ? T{0} : -T{0};
    x[4].fetch_min(zero, relaxed);
    x[5].fetch_max(zero, relaxed);
  }
}
template <class T>
__global__ void extremes_begin(atomic<T>* x) {
  for (int i = 0; i < 6; ++i) x[i].store(std::is_floating_point_v<T> ? std::numeric_limits<T>::quiet_NaN() : scattered<T>(0));
}
template <class T>
__global__ void extremes_end(findings* to, const atomic<T>* x, T least, T most) {
  same(to, x[0].load(), least);
  same(to, x[1].load(), most);
  same(to, x[2].load(), least);
  same(to, x[3].load(), most);
  if constexpr (std::is_floating_point_v<T>) {
    same(to, x[4].load(), -T{0});
    same(to, x[5].load(), T{0});
  }
}

template <class T>
__global__ void sums(findings* to, atomic<T>* x, unsigned* taken) {
  const T old = x[0].fetch_add(T{1}, relaxed);
  check(to, old >= T{0} && old < static_cast<T>(all()) && first_at(taken, static_cast<unsigned>(old)));
  x[1].store_add(T{0.5}, relaxed);
  x[1].fetch_sub(T{0.25}, relaxed);
}
template <class T>
__global__ void sums_end(findings* to, const atomic<T>* x) {
  if (number() != 0) return;
  same(to, x[0].load(), static_cast<T>(all()));
  same(to, x[1].load(), static_cast<T>(all()) / 4);
}

// Of 16 bytes, T is `both`. (Before sm_90 there are none, and nobody calls this; that takes a template.)
template <class T>
inline constexpr bool there = sizeof(T) != 16 || device_wide::has_double_width;
template <class T>
__global__ void pairs(findings* to, T* x, unsigned* taken) {
  if constexpr (there<T>) {
    const auto whole = [](T pair) { return pair.high == ~pair.low; };
    const pawl::atomic_ref<T, device_wide> counter(x[0]);
    const pawl::atomic_ref<T, device_wide> any(x[1]);
    T seen = counter.load(acquire);
    check(to, whole(seen));
    while (!counter.compare_exchange_weak(seen, pair_of(seen.low + 1), acq_rel, acquire)) check(to, whole(seen));
    check(to, first_at(taken, seen.low));
    any.store(pair_of(number()), release);
    check(to, whole(any.load(acquire)));
    check(to, whole(any.exchange(pair_of(number()), seq_cst)));
  }
}
template <class T>
__global__ void pairs_begin(T* x) {
  x[0] = x[1] = pair_of(0);
}
template <class T>
__global__ void pairs_end(findings* to, const T* x) {
  if (number() == 0) {
    same(to, x[0].low, std::uint64_t{all()});
    same(to, x[0].high, ~std::uint64_t{all()});
  }
}

// Each thread writes plain data and says so; another, of another block, reads it if it sees that in time. In four ways: by release and
// acquire; by fences; by a read-modify-write in between; by seq_cst. (An interpreter that runs one access after the other sees no missing
// order by its values, but may by a race.)
struct letter {
  unsigned text[4];
  atomic<unsigned> sent[4];
  atomic<unsigned> more[4];
};
__global__ void letters(findings* to, letter* box) {
  letter& mine = box[number()];
  for (unsigned i = 0; i < 4; ++i) mine.text[i] = number() + i;
  mine.sent[0].store(1, release);
  device_wide::thread_fence(release);
  mine.sent[1].store(1, relaxed);
  mine.sent[2].fetch_add(1, release);
  mine.sent[3].store(1);

  const unsigned from = (number() + blockDim.x) % all();
  letter& other = box[from];
  unsigned came = 0;
  for (int tries = 0; tries < 50 && came != 15; ++tries) {
    if (other.sent[0].load(acquire) == 1) {
      same(to, other.text[0], from);
      came |= 1U;
    }
    if (other.sent[1].load(relaxed) == 1) {
      device_wide::thread_fence(acquire);
      same(to, other.text[1], from + 1);
      came |= 2U;
    }
    other.sent[2].fetch_or(2, relaxed);  // carries the release on
    if ((other.sent[2].fetch_or(4, acquire) & 1) != 0) {
      same(to, other.text[2], from + 2);
      came |= 4U;
    }
    unsigned one = 1;
    if (other.sent[3].compare_exchange_strong(one, 2)) {
      same(to, other.text[3], from + 3);
      came |= 8U;
    }
    if (came != 15) device_wide::pause();
  }
  check(to, true);
}

// A lock, and plain data under it.
__global__ void lock(pawl::atomic_flag<device_wide>* taken, unsigned* count) {
  for (bool done = false; !done;) {
    if (!taken->test_and_set(acquire)) {
      ++*count;
      taken->clear(release);
      done = true;
    } else {
      device_wide::pause();
    }
  }
}
__global__ void lock_end(findings* to, const unsigned* count, unsigned wanted) { same(to, *count, wanted); }

template <class T>
void integers(suite& tests, const char* type, unsigned blocks, unsigned threads) {
  const unsigned all = blocks * threads;
  const std::string of = std::string(" of ") + type;
  tests.test("additions" + of, [&](findings* to) {
    auto* const x = tests.zeroed<shared<T>>(1);
    auto* const seen = tests.zeroed<unsigned>(std::max<std::size_t>(all, std::size_t{4} << 16));
    adds<T><<<blocks, threads>>>(x, seen);
    adds_end<T><<<blocks, threads>>>(to, x, seen);
  });
  tests.test("stores and loops" + of, [&](findings* to) {
    auto* const x = tests.zeroed<shared<T>>(4);
    stores_and_loops<T><<<blocks, threads>>>(x);
    stores_and_loops_end<T><<<blocks, threads>>>(to, x);
  });
  tests.test("bits" + of,
             [&](findings* to) { bits<T><<<blocks, threads>>>(to, tests.zeroed<atomic<T>>(all / (8 * sizeof(T)) + 8)); });
  tests.test("extremes" + of, [&](findings* to) {
    auto* const x = tests.zeroed<atomic<T>>(8);
    extremes_begin<T><<<1, 1>>>(x);
    extremes<T><<<blocks, threads>>>(x);
    T least = scattered<T>(0);
    T most = least;
    for (unsigned i = 1; i < all; ++i) {
      least = std::min(least, scattered<T>(i));
      most = std::max(most, scattered<T>(i));
    }
    extremes_end<T><<<1, 1>>>(to, x, least, most);
  });
  if (all < static_cast<std::uint64_t>(std::numeric_limits<T>::max())) {
    tests.test("exchanges" + of, [&](findings* to) {
      auto* const x = tests.zeroed<atomic<T>>(1);
      auto* const taken = tests.zeroed<unsigned>(all + 1);
      exchanges<T><<<blocks, threads>>>(to, x, taken);
      exchanges_end<T><<<1, 1>>>(to, x, taken);
    });
  }
}

template <class T>
void floats(suite& tests, const char* type, unsigned blocks, unsigned threads) {
  const unsigned all = std::min(blocks * threads, 1U << 22U) / threads * threads;  // sums of floats are exact up to 2^24
  tests.test(std::string("sums of ") + type, [&](findings* to) {
    auto* const x = tests.zeroed<atomic<T>>(2);
    sums<T><<<all / threads, threads>>>(to, x, tests.zeroed<unsigned>(all));
    sums_end<T><<<all / threads, threads>>>(to, x);
  });
}

}  // namespace

int main(int count, char** arguments) {
  const unsigned blocks = count > 1 ? static_cast<unsigned>(std::atoi(arguments[1])) : 4;
  const unsigned threads = count > 2 ? static_cast<unsigned>(std::atoi(arguments[2])) : 64;
  const unsigned all = blocks * threads;
  suite tests("contention");
  integers<std::uint8_t>(tests, "uint8", blocks, threads);
#if !defined(PAWL_TEST_FEW)
  integers<std::int8_t>(tests, "int8", blocks, threads);
  integers<std::int16_t>(tests, "int16", blocks, threads);
  integers<std::uint16_t>(tests, "uint16", blocks, threads);
  integers<std::int32_t>(tests, "int32", blocks, threads);
  integers<std::uint64_t>(tests, "uint64", blocks, threads);
  integers<std::int64_t>(tests, "int64", blocks, threads);
  floats<float>(tests, "float", blocks, threads);
  floats<double>(tests, "double", blocks, threads);
#endif
  integers<std::uint32_t>(tests, "uint32", blocks, threads);
  tests.test("extremes of float", [&](findings* to) {
    auto* const x = tests.zeroed<atomic<float>>(8);
    extremes_begin<float><<<1, 1>>>(x);
    extremes<float><<<blocks, threads>>>(x);
    float least = scattered<float>(0);
    float most = least;
    for (unsigned i = 1; i < all; ++i) {
      if (i % 5 == 1) continue;
      least = std::min(least, scattered<float>(i));
      most = std::max(most, scattered<float>(i));
    }
    extremes_end<float><<<1, 1>>>(to, x, least, most);
  });
  if (tests.architecture() >= 90) {
    tests.test("pairs of 16 bytes", [&](findings* to) {
      auto* const x = tests.zeroed<both>(2);
      pairs_begin<both><<<1, 1>>>(x);
      pairs<both><<<blocks, threads>>>(to, x, tests.zeroed<unsigned>(all));
      pairs_end<both><<<blocks, threads>>>(to, x);
    });
  }
  tests.test("letters", [&](findings* to) { letters<<<blocks, threads>>>(to, tests.zeroed<letter>(all)); });
  tests.test("lock", [&](findings* to) {
    const unsigned some = std::min(all, 1U << 14U) / threads;
    auto* const count = tests.zeroed<unsigned>(1);
    lock<<<some, threads>>>(tests.zeroed<pawl::atomic_flag<device_wide>>(1), count);
    lock_end<<<1, 1>>>(to, count, some * threads);
  });
  return tests.finish();
}
