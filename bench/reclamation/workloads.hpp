// SPDX-License-Identifier: BSL-1.0
// What is done to a scheme: reads, updates, retiring; and what garbage piles up meanwhile.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "object.hpp"
#include "study/measure.hpp"

namespace reclamation {

/// Shared pointers, each on a line of its own.
template <class S>
class cells {
 public:
  static constexpr std::size_t count = 64;

  cells() {
    for (padded& each : all_) each.cell.store(new typename S::node, std::memory_order_relaxed);
  }
  cells(const cells&) = delete;
  cells& operator=(const cells&) = delete;
  ~cells() {
    if constexpr (requires(typename S::thread& t, typename S::cell& c) { t.replace(c, nullptr); }) {
      std::thread([this] {
        typename S::thread last;
        for (padded& each : all_) last.replace(each.cell, nullptr);
      }).join();
    } else {
      for (padded& each : all_) delete each.cell.load();
    }
    std::thread(&S::settle).join();  // not here: in some schemes a thread that has once taken part must go on to
  }
  typename S::cell& operator[](std::size_t i) { return all_[i % count].cell; }

 private:
  struct alignas(64) padded {
    typename S::cell cell;
  };
  std::array<padded, count> all_;
};

/// xorshift: which cell is next.
class dice {
 public:
  explicit dice(unsigned seed) : state_(seed * 2654435761U + 1) {}
  std::uint32_t roll() {
    state_ ^= state_ << 13U;
    state_ ^= state_ >> 17U;
    state_ ^= state_ << 5U;
    return state_;
  }

 private:
  std::uint32_t state_;
};

constexpr std::size_t between_passes = 128;

/// Reads of one cell per thread's turn; all threads read the same few.
template <class S>
double reads(const study::trial& t) {
  cells<S> all;
  return study::measure(t, [&](unsigned) {
    return [&all, attached = std::make_shared<typename S::thread>()](std::size_t n) {
      typename S::reader reader(*attached);
      typename S::cell& cell = all[0];
      for (std::size_t i = 0; i < n; ++i) {
        study::keep(reader.read(cell));
        if (i % between_passes == 0) attached->pass();
      }
      return n;
    };
  });
}

/// One of 64 cells each time: read, or with that probability (in 256ths) replaced by a new object.
template <class S>
double updates(const study::trial& t, unsigned of_256) {
  cells<S> all;
  return study::measure(t, [&, of_256](unsigned self) {
    return [&all, of_256, chance = dice(self + 1), attached = std::make_shared<typename S::thread>()](std::size_t n) mutable {
      typename S::reader reader(*attached);
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint32_t rolled = chance.roll();
        typename S::cell& cell = all[rolled >> 16U];
        if ((rolled & 255U) < of_256) {
          attached->replace(cell, new typename S::node);
        } else {
          study::keep(reader.read(cell));
        }
        if (i % between_passes == 0) attached->pass();
      }
      return n;
    };
  });
}

/// A new object, retired at once.
template <class S>
double retires(const study::trial& t) {
  const double found = study::measure(t, [&](unsigned) {
    return [attached = std::make_shared<typename S::thread>()](std::size_t n) {
      for (std::size_t i = 0; i < n; ++i) {
        attached->retire(new typename S::node);
        if (i % between_passes == 0) attached->pass();
      }
      return n;
    };
  });
  S::settle();
  return found;
}

/// How many objects are neither in a cell nor freed, over time, while some threads replace at the same pace in all schemes.
struct garbage {
  std::vector<double> milliseconds;
  std::vector<std::int64_t> objects;
};

template <class S>
garbage pile_up(std::chrono::milliseconds length, unsigned writers, double updates_per_millisecond, bool stalled) {
  using std::chrono::steady_clock;
  garbage found;
  cells<S> all;
  const std::int64_t not_garbage = population::alive();
  std::atomic<int> stage{0};
  std::thread reader;
  if (stalled) {
    reader = std::thread([&] {
      typename S::thread attached;
      attached.stall(all[0], [&] {
        stage = 1;
        while (stage != 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      });
    });
    while (stage != 1) std::this_thread::yield();
  }
  const auto begin = steady_clock::now();
  const auto since = [begin] { return std::chrono::duration<double, std::milli>(steady_clock::now() - begin).count(); };
  std::atomic<bool> ended{false};
  const auto writes = [&](unsigned self) {
    typename S::thread attached;
    dice chance(self + 1);
    // In small portions, each when it is due; who can't keep the pace does what it can.
    for (double done = 0; !ended;) {
      while (done < since() * updates_per_millisecond / writers && !ended) {
        for (int i = 0; i < 32; ++i) attached.replace(all[chance.roll() >> 16U], new typename S::node);
        done += 32;
        attached.pass();
      }
      attached.pass();
      std::this_thread::yield();
    }
  };
  std::vector<std::thread> writing;
  for (unsigned self = 0; self < writers; ++self) writing.emplace_back(writes, self);
  // A scheme whose updates wait for the stalled reader would never let us join: so the reader goes on when the time is up.
  while (since() < static_cast<double>(length.count())) {
    found.milliseconds.push_back(since());
    found.objects.push_back(population::alive() - not_garbage);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ended = true;
  stage = 2;
  if (reader.joinable()) reader.join();
  for (std::thread& each : writing) each.join();
  return found;
}

}  // namespace reclamation
