// SPDX-License-Identifier: BSL-1.0
// Maps of 64-bit keys to 64-bit values. 2^16 keys are in use, drawn evenly, and half of them are present at any time: an update
// inserts or erases, one as often as the other.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "peers/locks.hpp"
#include "peers/pawl.hpp"
#include "point.hpp"

namespace study {
namespace {

constexpr unsigned key_bits = 16;

// Spread over all 64 bits: dense numbers would suit an identity hash too well.
constexpr std::uint64_t nth_key(std::uint64_t n) { return (n + 1) * 0x9E37'79B9'7F4A'7C15U; }

// xorshift64 (G. Marsaglia, 2003): some bits for the key, others for what to do with it.
struct random_numbers {
  std::uint64_t state;
  std::uint64_t operator()() noexcept {
    state ^= state << 13U;
    state ^= state >> 7U;
    state ^= state << 17U;
    return state;
  }
};
struct draw {
  std::uint64_t which;    // key
  unsigned what;          // 0 to 99
  bool insert_not_erase;
};
inline draw draw_from(std::uint64_t bits) {
  return {bits >> (64U - key_bits), static_cast<unsigned>((bits & 0xFFFF'FFFFU) * 100U >> 32U), (bits & (1ULL << 40U)) != 0};
}

template <class Map, unsigned Updates>
double mixed(const trial& t) {
  const auto map = std::make_unique<Map>();
  for (std::uint64_t i = 0; i < (1U << key_bits); i += 2) map->insert(nth_key(i), i);
  return measure(t, [&](unsigned thread) {
    return [map = map.get(), random = random_numbers{nth_key(thread)}](std::size_t n) mutable {
      Map& m = *map;
      for (std::size_t i = 0; i < n; ++i) {
        const draw next = draw_from(random());
        const std::uint64_t key = nth_key(next.which);
        if (next.what >= Updates) {
          std::uint64_t value = 0;
          m.find(key, value);
          keep(value);
        } else if (next.insert_not_erase) {
          keep(m.insert(key, i));
        } else {
          keep(m.erase(key));
        }
      }
      return n;
    };
  });
}

// The floor: an array with a cell for each element present; a find reads one, an update swaps a word in it. No hash, no list, no node.
class bare_cells {
 public:
  bool insert(std::uint64_t key, std::uint64_t value) { return swap(at(key), value); }
  bool erase(std::uint64_t key) { return swap(at(key), 0); }
  bool find(std::uint64_t key, std::uint64_t& value) {
    value = at(key).load(std::memory_order_acquire);
    return true;
  }

 private:
  static constexpr unsigned bits = key_bits - 1;
  struct cell {
    pawl::atomic<std::uint64_t> key{0};
    pawl::atomic<std::uint64_t> value{0};
  };
  using cells = std::array<cell, 1U << bits>;

  pawl::atomic<std::uint64_t>& at(std::uint64_t key) { return (*cells_)[key >> (64U - bits)].value; }
  static bool swap(pawl::atomic<std::uint64_t>& word, std::uint64_t value) {
    std::uint64_t seen = word.load(std::memory_order_relaxed);
    return word.compare_exchange_strong(seen, value);
  }

  std::unique_ptr<cells> cells_ = std::make_unique<cells>();
};

template <unsigned Updates>
void add_workload(points& all, const char* workload) {
  const auto add = [&](const char* library, const char* variant, const char* guarantee, auto run) {
    all.push_back({"hash_map", library, variant, guarantee, workload, run});
  };
  add("floor", "one cell read or swapped", "none: a bare instruction", mixed<bare_cells, Updates>);
  constexpr std::size_t keys = 1U << key_bits;
  add("pawl", "hazard_pointers", "lock-free, growing", mixed<peers::pawl_map<pawl::hazard_pointers<>>, Updates>);
  add("pawl", "epochs", "lock-free, growing", mixed<peers::pawl_map<pawl::epochs<>>, Updates>);
  add("pawl", "tagged_pool", "lock-free, unbounded, fixed buckets", mixed<peers::pawl_map<pawl::tagged_pool<>, keys / 2>, Updates>);
  add("pawl", "fixed tagged_pool", "lock-free, bounded, fixed buckets",
      mixed<peers::pawl_map<pawl::tagged_pool<>, keys / 2, keys>, Updates>);
  add("std", "std::unordered_map, std::mutex", "blocking, growing", mixed<peers::locked_map<std::mutex>, Updates>);
  add("std", "std::unordered_map, spin lock", "blocking, growing", mixed<peers::locked_map<peers::spin_lock>, Updates>);
}

}  // namespace

void add_maps(points& all) {
  add_workload<0>(all, "find");
  add_workload<10>(all, "10% updates");
  add_workload<50>(all, "50% updates");
}

}  // namespace study
