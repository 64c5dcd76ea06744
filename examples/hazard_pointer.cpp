// SPDX-License-Identifier: BSL-1.0
// A configuration that many threads read, and that one replaces while they do.
//
// Shows the hazard pointers of C++26 (P2530), which pawl has under the same names: with a standard library that has them, `reclamation`
// is std and <hazard_pointer> the header. A reader pays one store and no lock, and never waits for the writer; the writer never waits
// for a reader. An old configuration is deleted when no reader can have it any more.
//
// What to look at: `read` (protect, use, let go) and `replace` (unlink first, then retire, never delete).
#include <array>
#include <cstdio>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include <pawl/atomic.hpp>
#include <pawl/hazard_pointer.hpp>

namespace {

namespace reclamation = pawl;

pawl::atomic<int> alive{0};  // configurations, to show that none is left behind

struct config : reclamation::hazard_pointer_obj_base<config> {
  explicit config(int number) : version(number) {
    limits.fill(number);
    alive.fetch_add(1, std::memory_order_relaxed);  // relaxed: a count, read when the threads have ended
  }
  ~config() {
    version = -1;
    limits.fill(-1);
    alive.fetch_sub(1, std::memory_order_relaxed);
  }
  int version;
  std::array<int, 100> limits;  // all of them belong to the version
};

pawl::atomic<config*> current{nullptr};

void replace(std::unique_ptr<config> fresh) {
  // (1) release: pairs with the acquire in protect, (2), so that a reader who finds the configuration finds it whole. Without it, it
  // could read what was in that memory before. acquire: pairs with (1) of the last replacement, since retire writes into the old one.
  config* const old = current.exchange(fresh.release(), std::memory_order_acq_rel);
  if (old != nullptr) old->retire();  // no new reader can find it; who has it keeps it alive
}

// Reads the configuration once; the version, or -1 where it was torn. A slow reader goes to sleep in the middle.
int read(reclamation::hazard_pointer& protection, bool slow) {
  // (2) protect acquires: pairs with (1)
  const config* const now = protection.protect(current);
  int version = now->version;
  if (slow) std::this_thread::yield();
  for (const int limit : now->limits) {
    if (limit != version) version = -1;
  }
  // Lets the configuration go and keeps the hazard pointer for the next time. It releases, and who deletes looks with acquire: so what
  // we read above, we read before the deletion.
  protection.reset_protection();
  return version;
}

}  // namespace

int main() {
  constexpr int last_version = 100'000;
  constexpr int reader_count = 2;

  replace(std::make_unique<config>(0));
  pawl::atomic<int> torn{0};
  pawl::atomic<int> went_back{0};
  std::latch start(reader_count + 1);
  std::vector<std::thread> readers;
  readers.reserve(reader_count);
  for (int i = 0; i < reader_count; ++i) {
    readers.emplace_back([&torn, &went_back, &start] {
      // Made once per thread: to make one costs more than to use one.
      reclamation::hazard_pointer protection = reclamation::make_hazard_pointer();
      start.arrive_and_wait();
      unsigned reads = 0;
      for (int seen = 0; seen != last_version;) {
        const int version = read(protection, ++reads % 1000 == 0);
        // relaxed: counts, read after join()
        if (version < 0) torn.store_add(1, std::memory_order_relaxed);
        if (version >= 0 && version < seen) went_back.store_add(1, std::memory_order_relaxed);
        if (version >= 0) seen = version;
      }
    });
  }
  start.arrive_and_wait();
  for (int version = 1; version <= last_version; ++version) {
    replace(std::make_unique<config>(version));
    if (version % 1000 == 0) std::this_thread::yield();  // so that readers run meanwhile, even on one core
  }
  for (auto& each : readers) each.join();

  const int torn_reads = torn.load(std::memory_order_relaxed);
  const int steps_back = went_back.load(std::memory_order_relaxed);
  std::printf("%d readers saw version %d; %d torn reads, %d steps back\n", reader_count, last_version, torn_reads, steps_back);
  // pawl's own: free now what waits for a thread to look. A program needs that at its end only, or never.
  pawl::hazard_pointer_default_domain().reclaim();
  const int kept = alive.load(std::memory_order_relaxed);
  std::printf("%d configuration alive: the current one\n", kept);
  delete current.load(std::memory_order_relaxed);  // relaxed: no other thread is left
  return torn_reads == 0 && steps_back == 0 && kept == 1 ? 0 : 1;
}
