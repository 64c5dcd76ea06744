// SPDX-License-Identifier: BSL-1.0
// Two threads throw one cache line to and fro. What contended operations cost follows from this number, and on a virtual machine it
// changes by the second, as its processors are moved among the host's cores: so it is measured beside every point.
#include <algorithm>

#include "measure.hpp"
#include "pawl/backend.hpp"

namespace study {
namespace {

// Many short samples, whose median a lost processor doesn't move: some 10 microseconds each.
constexpr unsigned rounds = 50;  // there and back
constexpr std::size_t samples = 41;

struct alignas(128) line {
  std::atomic<unsigned> turn{0};
  std::atomic<bool> given_up{false};
};

// Waits for its turn. False where the other thread doesn't come: on a busy machine it may have no processor for a while.
bool wait_for(line& shared, unsigned turn) {
  for (unsigned spins = 0; shared.turn.load(std::memory_order_acquire) != turn; ++spins) {
    if (shared.given_up.load(std::memory_order_relaxed)) return false;
    if (spins > 20'000) std::this_thread::yield();
  }
  return true;
}

double between(unsigned first, unsigned second) {
  line shared;
  std::thread other([&] {
    pin(second);
    for (unsigned i = 0; i < rounds * samples + 1; ++i) {
      if (!wait_for(shared, 2 * i + 1)) return;
      shared.turn.store(2 * i + 2, std::memory_order_release);
    }
  });
  pin(first);
  unsigned turn = 0;
  const auto there_and_back = [&] {
    shared.turn.store(turn + 1, std::memory_order_release);
    turn += 2;
    wait_for(shared, turn);
  };
  there_and_back();  // until the other thread runs
  std::vector<double> each;
  const auto latest = steady::now() + std::chrono::milliseconds(20);
  while (each.size() < samples && (each.empty() || steady::now() < latest)) {
    const auto begin = steady::now();
    for (unsigned i = 0; i < rounds; ++i) there_and_back();
    each.push_back(std::chrono::duration<double, std::nano>(steady::now() - begin).count() / (2 * rounds));
  }
  shared.given_up.store(true, std::memory_order_relaxed);
  other.join();
  return median(each);
}

}  // namespace

double handover_ns(unsigned threads) {
  const auto cpus = std::min(threads, static_cast<unsigned>(processors().size()));
  std::vector<double> each;
  // Of many processors some pairs, since this stands beside every point.
  for (unsigned i = 1; i < cpus; i += 1 + cpus / 8) each.push_back(between(i - 1, i));
  return median(each);
}

}  // namespace study
