// SPDX-License-Identifier: BSL-1.0
// A GPU's block of threads on the host, for the algorithms of include/pawl/cuda/: each thread a fiber, interleaved at random, by seed, at
// each intrinsic, barrier and atomic. An intrinsic waits for all threads of its mask and for nobody else. Vector clocks say what happens
// before what, so that plain data handed over without it is noted; shuffles and votes order nothing.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include <pawl/backend/builtin.hpp>
#include <pawl/cuda.hpp>
#include <pawl/model/backend.hpp>  // with what fiber.hpp links to
#include <pawl/model/fiber.hpp>

namespace lanes {

using clock = std::vector<unsigned>;  // of each thread, how much of it happens before
inline void join(clock& to, const clock& from) {
  for (std::size_t i = 0; i < to.size() && i < from.size(); ++i) to[i] = std::max(to[i], from[i]);
}

enum class call { none, synchronize, all, shuffle, reduce, barrier };

class block_of_threads {
 public:
  block_of_threads(unsigned count, unsigned seed) : threads_(count), random_(seed) {}

  /// Runs body() in each thread. The first mistake that was seen, or an empty string.
  template <class Body>
  std::string run(Body body) {
    body_ = [](void* function) { (*static_cast<Body*>(function))(); };
    argument_ = &body;
    now = this;
    for (unsigned i = 0; i < threads(); ++i) {
      thread& each = threads_[i];
      each.happened.assign(threads(), 0);
      each.happened[i] = 1;
      each.fiber->start(&begin, this);
    }
    while (mistake_.empty()) {
      std::vector<unsigned> ready;
      bool all_ended = true;
      for (unsigned i = 0; i < threads(); ++i) {
        if (threads_[i].waits == call::none && !threads_[i].ended) ready.push_back(i);
        all_ended = all_ended && threads_[i].ended;
      }
      if (all_ended) break;
      if (ready.empty()) {
        mistake("threads wait for others that do not come");
        break;
      }
      running_ = ready[random_() % ready.size()];
      host_.go_on_with(*threads_[running_].fiber, fiber::runtime());
    }
    now = nullptr;
    return mistake_;
  }

  [[nodiscard]] unsigned threads() const { return static_cast<unsigned>(threads_.size()); }
  [[nodiscard]] unsigned rank() const { return running_; }
  clock& happened() { return threads_[running_].happened; }
  void mistake(const std::string& what) {
    if (mistake_.empty()) mistake_ = "thread " + std::to_string(running_) + ": " + what;
  }
  /// What the thread does from here on has not happened before what others know of it by now.
  void step() { ++threads_[running_].happened[running_]; }

  /// Somebody else may run.
  void yield() {
    thread& mine = threads_[running_];
    mine.fiber->go_on_with(host_, fiber::runtime());
    step();
  }

  /// Waits until all threads of `mask` in the caller's warp, or of the block, are in the same call; what each of them brought.
  std::array<std::uint64_t, 32> meet(call what, unsigned mask, std::uint64_t bring = 0) {
    thread& mine = threads_[running_];
    const unsigned first = what == call::barrier ? 0 : running_ / 32 * 32;
    const unsigned end = what == call::barrier ? threads() : first + 32;
    if (what != call::barrier && ((mask >> running_ % 32) & 1U) == 0) mistake("isn't in its own mask");
    mine.waits = what;
    mine.mask = mask;
    mine.brought = bring;
    release_if_complete(what, mask, first, end);
    yield();
    return mine.found;
  }

  static inline block_of_threads* now = nullptr;  // the one that runs

 private:
  using fiber = pawl::model::detail::fiber;
  struct thread {
    std::unique_ptr<lanes::block_of_threads::fiber> fiber = std::make_unique<lanes::block_of_threads::fiber>();
    clock happened;
    bool ended = false;
    call waits = call::none;
    unsigned mask = 0;
    std::uint64_t brought = 0;
    std::array<std::uint64_t, 32> found{};
  };

  // (Nothing that has memory lives in a thread that waits: it may be abandoned there.)
  void release_if_complete(call what, unsigned mask, unsigned first, unsigned end) {
    bool complete = true;
    std::vector<unsigned> present;
    for (unsigned i = first; i < end; ++i) {
      if (what != call::barrier && ((mask >> i % 32) & 1U) == 0) continue;
      complete = complete && i < threads() && threads_[i].waits == what && threads_[i].mask == mask;
      if (complete) present.push_back(i);
    }
    if (complete) {
      clock all(threads(), 0);
      std::array<std::uint64_t, 32> brought{};
      for (const unsigned i : present) {
        join(all, threads_[i].happened);
        brought[i % 32] = threads_[i].brought;
      }
      for (const unsigned i : present) {
        if (what == call::synchronize || what == call::barrier) join(threads_[i].happened, all);
        threads_[i].found = brought;
        threads_[i].waits = call::none;
      }
    }
  }

  static void begin(void* self) {
    auto& block = *static_cast<block_of_threads*>(self);
    thread& mine = block.threads_[block.running_];
    mine.fiber->arrived();
    block.body_(block.argument_);
    mine.ended = true;
    for (;;) mine.fiber->go_on_with(block.host_, fiber::runtime());
  }

  std::vector<thread> threads_;
  std::mt19937 random_;
  fiber host_;
  unsigned running_ = 0;
  void (*body_)(void*) = nullptr;
  void* argument_ = nullptr;
  std::string mistake_;
};

template <class T>
std::uint64_t to_bits(T value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}
template <class T>
T from_bits(std::uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// In the place of detail::warp, without redux.sync.
struct warp {
  template <class T>
  static constexpr bool reduces = false;
  static unsigned lane() { return block_of_threads::now->rank() % 32; }
  static void synchronize(unsigned mask) { block_of_threads::now->meet(call::synchronize, mask); }
  static bool all(unsigned mask, bool holds) {
    const auto found = block_of_threads::now->meet(call::all, mask, holds ? 1 : 0);
    for (unsigned i = 0; i < 32; ++i) {
      if (((mask >> i) & 1U) != 0 && found[i] == 0) return false;
    }
    return true;
  }
  template <class T>
  static T shuffle(unsigned mask, T value, unsigned from) {
    ++shuffles;
    if (from >= 32 || ((mask >> from) & 1U) == 0) block_of_threads::now->mistake("asks a thread that isn't in the mask");
    return from_bits<T>(block_of_threads::now->meet(call::shuffle, mask, to_bits(value))[from % 32]);
  }
  static inline unsigned shuffles = 0;
};

/// With it.
struct reducing_warp : warp {
  template <class T>
  static constexpr bool reduces = std::is_integral_v<T> && sizeof(T) <= 4;
  template <class Op, class T>
  static T reduce(Op op, unsigned mask, T value) {
    const auto found = block_of_threads::now->meet(call::reduce, mask, to_bits(value));
    T result = value;
    bool first = true;
    for (unsigned i = 0; i < 32; ++i) {
      if (((mask >> i) & 1U) == 0) continue;
      result = first ? from_bits<T>(found[i]) : op(result, from_bits<T>(found[i]));
      first = false;
    }
    return result;
  }
};

/// In the place of detail::block.
struct block {
  static unsigned rank() { return block_of_threads::now->rank(); }
  static unsigned threads() { return block_of_threads::now->threads(); }
  static void synchronize() { block_of_threads::now->meet(call::barrier, 0); }
  template <class T>
  static void add(T& object, T n) {
    block_of_threads::now->yield();
    object += n;
  }
};

/// Plain data of several threads: an access that another's write doesn't happen before, or after, is a mistake.
template <class T>
class plain {
 public:
  plain() = default;
  plain& operator=(T value) {
    seen();
    const clock& mine = block_of_threads::now->happened();
    for (std::size_t i = 0; i < readers_.size(); ++i) {
      if (readers_[i] > mine[i]) block_of_threads::now->mistake("writes what another may be reading");
    }
    writer_ = block_of_threads::now->rank();
    written_ = mine[writer_];
    readers_.clear();
    value_ = value;
    return *this;
  }
  operator T() {  // NOLINT(google-explicit-constructor): it stands for a T
    seen();
    const clock& mine = block_of_threads::now->happened();
    readers_.resize(mine.size());
    readers_[block_of_threads::now->rank()] = mine[block_of_threads::now->rank()];
    return value_;
  }

 private:
  void seen() {
    if (block_of_threads::now->happened()[writer_] < written_) block_of_threads::now->mistake("accesses what another writes");
  }

  T value_{};
  unsigned writer_ = 0;
  unsigned written_ = 0;
  clock readers_;
};

/// A backend whose operations are those of one thread, others in between; they publish by their orders, and are counted.
struct backend {
  static constexpr const char* name = "lanes";
  template <class W>
  static W load(const W& object, std::memory_order order) noexcept {
    block_of_threads::now->yield();
    acquire(&object, order);
    return object;
  }
  template <class W>
  static void store(W& object, std::type_identity_t<W> desired, std::memory_order order) noexcept {
    block_of_threads::now->yield();
    published[&object].clear();
    release(&object, order);
    object = desired;
  }
  template <class W>
  static bool compare_exchange_weak(W& object, W& expected, std::type_identity_t<W> desired, std::memory_order success,
                                    std::memory_order failure) noexcept {
    block_of_threads::now->yield();
    const bool equal = object == expected;
    acquire(&object, equal ? success : failure);
    if (equal) {
      ++changes;
      release(&object, success);
      object = desired;
    } else {
      expected = object;
    }
    return equal;
  }
  static void thread_fence(std::memory_order /*order*/) noexcept {
    block_of_threads::now->mistake("fences, which are not in here");
  }
  static void pause() noexcept {}

  static inline unsigned changes = 0;  // successful read-modify-writes
  static inline std::map<const void*, clock> published;

 private:
  static void acquire(const void* object, std::memory_order order) {
    if (order == std::memory_order_relaxed || order == std::memory_order_release) return;
    join(block_of_threads::now->happened(), published[object]);
  }
  // A read-modify-write adds to what is published there already: the release sequence goes on.
  static void release(const void* object, std::memory_order order) {
    if (order == std::memory_order_relaxed || order == std::memory_order_acquire) return;
    clock& there = published[object];
    there.resize(block_of_threads::now->threads());
    join(there, block_of_threads::now->happened());
    block_of_threads::now->step();
  }
};
static_assert(pawl::is_backend<backend>);

}  // namespace lanes
