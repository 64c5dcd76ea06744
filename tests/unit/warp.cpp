// SPDX-License-Identifier: BSL-1.0
// The algorithms of include/pawl/cuda/, lane by lane. Not under TSan: it doesn't follow our fibers, and they are one real thread.
#include "catch.hpp"

#include <pawl/detail/config.hpp>

#if !PAWL_TSAN

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <pawl/cuda.hpp>

#include "warp_lanes.hpp"

namespace {

using lanes::block_of_threads;

/// Which threads of a warp are together: each thread's mask, of its branch. There are up to four branches, by `spread`.
std::vector<unsigned> masks(unsigned threads, unsigned spread, std::mt19937& random) {
  std::vector<unsigned> branch(threads);
  for (unsigned& each : branch) each = static_cast<unsigned>(random()) % spread;
  std::vector<unsigned> result(threads);
  for (unsigned i = 0; i < threads; ++i) {
    for (unsigned j = i / 32 * 32; j < std::min(threads, i / 32 * 32 + 32); ++j) {
      if (branch[i] == branch[j]) result[i] |= 1U << j % 32;
    }
  }
  return result;
}

// What a thread adds: so little that all together don't come round to a value that was there before.
template <class T>
T step_of(unsigned thread, bool alike) {
  if (alike) return static_cast<T>(2);
  return static_cast<T>(1 + (thread * 2654435761U >> 9U) % (sizeof(T) == 1 ? 2 : 50));
}

}  // namespace

TEMPLATE_TEST_CASE("each thread of an aggregated addition gets what its own would have returned", "", std::uint8_t, std::int16_t,
                   unsigned, std::int64_t, double) {
  using T = TestType;
  std::mt19937 random(7);
  for (unsigned seed = 0; seed < 60; ++seed) {
    const unsigned threads = std::vector{1U, 32U, 33U, 70U, 96U}[seed % 5];
    const unsigned spread = seed % 3 + 1;
    const bool alike = seed % 2 == 0;
    CAPTURE(seed, threads, spread, alike);
    const std::vector<unsigned> mask = masks(threads, spread, random);
    T object = static_cast<T>(-5);
    std::vector<T> found(threads);
    lanes::backend::changes = 0;
    block_of_threads block(threads, seed);
    REQUIRE(block
                .run([&] {
                  const unsigned i = lanes::block::rank();
                  const pawl::atomic_ref<T, lanes::backend> ref(object);
                  found[i] =
                      pawl::detail::fetch_add_for_all<lanes::warp>(mask[i], ref, step_of<T>(i, alike), std::memory_order_relaxed);
                })
                .empty());
    // The groups came in some order, each at once: the one that found what the last has left is next.
    unsigned groups = 0;
    for (unsigned i = 0; i < threads; ++i) groups += (mask[i] & ((1U << i % 32) - 1)) == 0;
    CHECK(lanes::backend::changes == groups);
    T value = static_cast<T>(-5);
    std::vector<bool> done(threads);
    for (unsigned group = 0; group < groups; ++group) {
      unsigned first = 0;
      while (first < threads && (done[first] || found[first] != value || (mask[first] & ((1U << first % 32) - 1)) != 0)) ++first;
      REQUIRE(first < threads);
      for (unsigned i = first; i < std::min(threads, first / 32 * 32 + 32); ++i) {
        if (((mask[first] >> i % 32) & 1U) == 0) continue;
        CHECK(found[i] == value);
        value = static_cast<T>(value + step_of<T>(i, alike));
        done[i] = true;
      }
    }
    CHECK(object == value);
  }
}

TEST_CASE("an aggregated addition adds elements to a pointer, and what is not alike in the order of lanes") {
  const std::vector<int> array(100);
  const int* object = array.data();
  std::vector<const int*> found(32);
  block_of_threads block(32, 1);
  REQUIRE(block
              .run([&] {
                const pawl::atomic_ref<const int*, lanes::backend> ref(object);
                found[lanes::block::rank()] =
                    pawl::detail::fetch_add_for_all<lanes::warp>(~0U, ref, lanes::block::rank() % 3, std::memory_order_seq_cst);
              })
              .empty());
  std::ptrdiff_t sum = 0;
  for (unsigned i = 0; i < 32; ++i) {
    CHECK(found[i] - array.data() == sum);
    sum += i % 3;
  }
  CHECK(object - array.data() == sum);
}

TEST_CASE(
    "an aggregated addition of floating point: the first thread finds what was there, and no infinity spoils those before it") {
  double object = -0.0;
  std::vector<double> found(32);
  block_of_threads block(32, 1);
  REQUIRE(block
              .run([&] {
                const unsigned i = lanes::block::rank();
                const pawl::atomic_ref<double, lanes::backend> ref(object);
                found[i] = pawl::detail::fetch_add_for_all<lanes::warp>(
                    ~0U, ref, i == 9 ? std::numeric_limits<double>::infinity() : 0.5, std::memory_order_relaxed);
              })
              .empty());
  CHECK(std::signbit(found[0]));
  for (unsigned i = 0; i < 32; ++i) {
    CHECK(found[i] == (i <= 9 ? 0.5 * i : std::numeric_limits<double>::infinity()));
  }
  CHECK(std::isinf(object));
}

TEST_CASE("an aggregated addition takes two shuffles where all add the same, and one operation of the object in any case") {
  for (const bool alike : {true, false}) {
    unsigned object = 0;
    lanes::backend::changes = lanes::warp::shuffles = 0;
    block_of_threads block(32, 1);
    REQUIRE(block
                .run([&] {
                  const pawl::atomic_ref<unsigned, lanes::backend> ref(object);
                  pawl::detail::fetch_add_for_all<lanes::warp>(~0U, ref, alike ? 1 : lanes::block::rank(),
                                                               std::memory_order_relaxed);
                })
                .empty());
    CHECK(lanes::backend::changes == 1);
    CHECK(lanes::warp::shuffles == 32 * (alike ? 2 : 8));
  }
}

TEST_CASE(
    "an aggregated addition publishes what each of its threads wrote, and each of its threads may read what it has acquired") {
  for (unsigned seed = 0; seed < 30; ++seed) {
    CAPTURE(seed);
    // The odd lanes of two warps tell those of a third.
    const unsigned mask = 0xaaaaaaaaU;
    std::vector<lanes::plain<unsigned>> letters(64);
    unsigned object = 0;
    unsigned wrong = 0;
    lanes::backend::published.clear();
    block_of_threads block(96, seed);
    CHECK(block
              .run([&] {
                const unsigned i = lanes::block::rank();
                if (i % 2 == 0) return;
                const pawl::atomic_ref<unsigned, lanes::backend> ref(object);
                if (i < 64) {
                  letters[i] = i * 7;
                  pawl::detail::fetch_add_for_all<lanes::warp>(mask, ref, 1, std::memory_order_release);
                } else {
                  while (pawl::detail::fetch_add_for_all<lanes::warp>(mask, ref, 0, std::memory_order_acquire) < 32) {
                  }
                  for (unsigned j = 1; j < 64; j += 2) wrong += letters[j] != j * 7;
                }
              })
              .empty());
    CHECK(wrong == 0);
  }
}

TEST_CASE("relaxed, an aggregated addition still stands between what its threads do to the object before and after") {
  for (unsigned seed = 0; seed < 30; ++seed) {
    CAPTURE(seed);
    // Plain data of one warp's threads shows that they happen before each other.
    std::vector<lanes::plain<unsigned>> letters(32);
    unsigned object = 0;
    block_of_threads block(32, seed);
    CHECK(block
              .run([&] {
                const unsigned i = lanes::block::rank();
                letters[i] = i;
                const pawl::atomic_ref<unsigned, lanes::backend> ref(object);
                pawl::detail::fetch_add_for_all<lanes::warp>(~0U, ref, i, std::memory_order_relaxed);
                static_cast<void>(static_cast<unsigned>(letters[31 - i]));
              })
              .empty());
  }
}

namespace {

template <class Op>
struct folded {
  template <class T>
  static T of(const std::vector<T>& values, unsigned mask = ~0U) {
    bool first = true;
    T result{};
    for (unsigned i = 0; i < values.size(); ++i) {
      if (values.size() <= 32 && ((mask >> i) & 1U) == 0) continue;
      result = first ? values[i] : Op{}(result, values[i]);
      first = false;
    }
    return result;
  }
};

template <class T>
std::vector<T> values(unsigned count, std::mt19937& random) {
  std::vector<T> result(count);
  for (T& each : result) {
    if constexpr (std::is_floating_point_v<T>) {
      each = static_cast<T>(static_cast<int>(random() % 2000) - 1000) / 4;  // sums are exact
    } else {
      each = static_cast<T>(random());
    }
  }
  return result;
}

template <class Warp, class Op, class T>
void reduces_in_warps(unsigned seed) {
  std::mt19937 random(seed);
  const std::vector<T> mine = values<T>(32, random);
  const std::vector<unsigned> mask = masks(32, seed % 4 + 1, random);
  std::vector<T> found(32);
  block_of_threads block(32, seed);
  REQUIRE(block
              .run([&] {
                const unsigned i = lanes::block::rank();
                found[i] = pawl::detail::reduce_warp<Warp, Op>(mask[i], mine[i]);
              })
              .empty());
  for (unsigned i = 0; i < 32; ++i) {
    CAPTURE(i, mask[i]);
    CHECK(found[i] == folded<Op>::of(mine, mask[i]));
  }
}

// Twice in a row, by the same memory.
template <class Warp, class Op, class T>
void reduces_in_blocks(unsigned threads, unsigned seed) {
  CAPTURE(threads, seed);
  std::mt19937 random(seed);
  const std::vector<T> mine = values<T>(threads, random);
  const std::vector<T> others = values<T>(threads, random);
  std::vector<T> found(threads);
  std::vector<T> found_next(threads);
  pawl::detail::handed_over<lanes::plain<T>> shared;
  block_of_threads block(threads, seed);
  CHECK(block
            .run([&] {
              const unsigned i = lanes::block::rank();
              found[i] = pawl::detail::reduce_block<Warp, lanes::block, Op>(mine[i], shared);
              found_next[i] = pawl::detail::reduce_block<Warp, lanes::block, Op>(others[i], shared);
            })
            .empty());
  CHECK(found == std::vector<T>(threads, folded<Op>::of(mine)));
  CHECK(found_next == std::vector<T>(threads, folded<Op>::of(others)));
}

}  // namespace

TEMPLATE_TEST_CASE("each thread of a mask gets its reduction", "", std::int8_t, std::uint16_t, int, unsigned, std::int64_t,
                   std::uint64_t, float, double) {
  using namespace pawl::detail;
  for (unsigned seed = 0; seed < 24; ++seed) {
    CAPTURE(seed);
    reduces_in_warps<lanes::warp, adding, TestType>(seed);
    reduces_in_warps<lanes::warp, taking_smaller, TestType>(seed);
    reduces_in_warps<lanes::warp, taking_larger, TestType>(seed);
    reduces_in_warps<lanes::reducing_warp, adding, TestType>(seed);
    reduces_in_warps<lanes::reducing_warp, taking_smaller, TestType>(seed);
    reduces_in_warps<lanes::reducing_warp, taking_larger, TestType>(seed);
  }
}

TEST_CASE("each thread of a block of any size gets its reduction, again and again") {
  using namespace pawl::detail;
  for (const unsigned threads : {1U, 2U, 31U, 32U, 33U, 63U, 64U, 65U, 95U, 97U, 200U}) {
    for (unsigned seed = 0; seed < 4; ++seed) {
      reduces_in_blocks<lanes::warp, adding, int>(threads, seed);
      reduces_in_blocks<lanes::warp, taking_smaller, double>(threads, seed);
      reduces_in_blocks<lanes::reducing_warp, taking_larger, std::int16_t>(threads, seed);
    }
  }
  reduces_in_blocks<lanes::warp, adding, std::uint64_t>(1023, 1);
  reduces_in_blocks<lanes::warp, taking_larger, float>(1024, 2);
}

TEST_CASE("a smallest value is no NaN where there is a number, and -0 is smaller than +0") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> found(32);
  for (const bool all : {false, true}) {
    block_of_threads block(32, 3);
    REQUIRE(block
                .run([&] {
                  const unsigned i = lanes::block::rank();
                  const double mine = all || i % 3 != 1 ? nan : (i == 13 ? -0.0 : 0.0);
                  found[i] = pawl::detail::reduce_warp<lanes::warp, pawl::detail::taking_smaller>(~0U, mine);
                })
                .empty());
    for (const double each : found) {
      CHECK(std::isnan(each) == all);
      CHECK((all || (each == 0 && std::signbit(each))));
    }
  }
}

namespace {

// What is counted, in two rounds with a flush after each, by the threads of a block in turn.
template <class T>
void counts(unsigned threads, unsigned bins, std::size_t bytes, bool skewed, unsigned seed) {
  CAPTURE(threads, bins, bytes, skewed, seed);
  using histogram = pawl::cuda::privatized_histogram<T, lanes::backend, lanes::block>;
  std::mt19937 random(seed);
  std::vector<unsigned> data(threads * 10);
  for (unsigned& each : data) each = skewed && random() % 8 != 0 ? 0 : static_cast<unsigned>(random()) % bins;
  std::vector<T> whole(bins, T{2});
  std::vector<T> shared(bytes / sizeof(T), T{77});
  block_of_threads block(threads, seed);
  REQUIRE(block
              .run([&] {
                const histogram mine(whole.data(), bins, shared.data(), bytes);
                for (unsigned round = 0; round < 2; ++round) {
                  for (std::size_t i = lanes::block::rank() + round * data.size() / 2; i < (round + 1) * data.size() / 2;
                       i += threads) {
                    mine.add(data[i]);
                    mine.add(data[i], T{3});
                  }
                  mine.flush();
                }
              })
              .empty());
  std::vector<T> wanted(bins, T{2});
  for (const unsigned each : data) wanted[each] += T{4};
  CHECK(whole == wanted);
}

}  // namespace

TEMPLATE_TEST_CASE("a privatized histogram counts each value once, with several replicas, one or none", "", unsigned, std::int64_t,
                   float) {
  using histogram = pawl::cuda::privatized_histogram<TestType, lanes::backend, lanes::block>;
  unsigned seed = 0;
  for (const unsigned bins : {1U, 7U, 256U, 5000U}) {
    for (const std::size_t bytes :
         {histogram::shared_bytes(bins), bins * sizeof(TestType), 3 * bins * sizeof(TestType), std::size_t{0}}) {
      for (const unsigned threads : {1U, 33U, 96U}) {
        ++seed;
        counts<TestType>(threads, bins, bytes, seed % 2 == 0, seed);
      }
    }
  }
}

TEST_CASE(
    "a histogram's shared memory: replicas are a power of two as far as they are worth it, and none where the bins don't fit") {
  using counts = pawl::cuda::privatized_histogram<>;
  STATIC_REQUIRE(counts::shared_bytes(1) == 32 * 4);
  STATIC_REQUIRE(counts::shared_bytes(7) == 32 * 7 * 4);
  STATIC_REQUIRE(counts::shared_bytes(256) == 16 * 256 * 4);
  STATIC_REQUIRE(counts::shared_bytes(256, 5000) == 4 * 256 * 4);
  STATIC_REQUIRE(counts::shared_bytes(4096) == 4096 * 4);
  STATIC_REQUIRE(counts::shared_bytes(12288) == 48 * 1024);
  STATIC_REQUIRE(counts::shared_bytes(12289) == 0);
  STATIC_REQUIRE(counts::shared_bytes(65536) == 0);
  STATIC_REQUIRE(counts::shared_bytes(65536, 1 << 20) == 65536 * 4);
  STATIC_REQUIRE(counts::shared_bytes(0) == 0);
  STATIC_REQUIRE(counts::shared_bytes(~0U) == 0);
  STATIC_REQUIRE(counts::replicas_in(48 * 1024, 256) == 32);
  STATIC_REQUIRE(counts::replicas_in(counts::shared_bytes(12288), 12288) == 1);
}

TEST_CASE("cuda::error names the call and the reason") {
  const pawl::cuda::error error("cudaMalloc", "out of memory");
  CHECK(std::string(error.what()) == "cudaMalloc: out of memory");
  CHECK(std::string(error.call()) == "cudaMalloc");
  CHECK(std::string(error.reason()) == "out of memory");
}

TEST_CASE("the lanes of these tests see who waits in vain, asks a stranger, or reads what was not handed over") {
  block_of_threads waits(32, 1);
  CHECK(waits.run([] {
    if (lanes::warp::lane() != 3) lanes::warp::synchronize(~0U);
  }) != "");
  block_of_threads asks(32, 1);
  CHECK(asks.run([] {
    if (lanes::warp::lane() < 8) lanes::warp::shuffle(0xffU, 1, 9);
  }) != "");
  block_of_threads reads(32, 1);
  lanes::plain<int> letter;
  CHECK(reads.run([&] {
    if (lanes::warp::lane() == 0) letter = 1;
    lanes::warp::shuffle(~0U, 1, 0);
    static_cast<void>(static_cast<int>(letter));
  }) != "");
  block_of_threads reads_in_order(32, 1);
  lanes::plain<int> other;
  CHECK(reads_in_order.run([&] {
    if (lanes::warp::lane() == 0) other = 1;
    lanes::warp::synchronize(~0U);
    static_cast<void>(static_cast<int>(other));
  }) == "");
}

#endif
