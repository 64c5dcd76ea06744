// SPDX-License-Identifier: BSL-1.0
// The host's hash_map in kernels, in device memory: each key follows a sequential map's, no update is lost, an insert
// and the erase of its key exclude others as a lock does, and a pool is full when, and only when, all its nodes are in use.
//
// hash_map [BLOCKS [THREADS]]
#include <cstddef>
#include <cstdint>
#include <functional>

#include <pawl/cuda/hash_map.hpp>

#include "suite.hpp"

namespace {

using device_wide = pawl::backend::cuda<pawl::scope::device>;

// Of a key and a number, so that a copy which is torn, or of another key, shows.
struct ticket {
  unsigned key;
  unsigned number;
  unsigned long long check;

  __device__ static unsigned long long sum(unsigned k, unsigned n) { return (n * 0x9e3779b97f4a7c15ULL) ^ ~std::uint64_t{k}; }
  __device__ explicit ticket(unsigned k, unsigned n = 0) : key(k), number(n), check(sum(k, n)) {}
  __device__ [[nodiscard]] bool whole(unsigned its_key) const { return key == its_key && check == sum(key, number); }
};

// Long lists, so that threads meet in the midst of them.
struct few_buckets {
  __device__ std::size_t operator()(unsigned key) const { return key % 3; }
};

template <class Hash>
using map_of = pawl::cuda::hash_map<unsigned, ticket, Hash>;
constexpr auto to_spare = static_cast<unsigned>(pawl::tagged_pool<>::max_queues);

__device__ unsigned number() { return blockIdx.x * blockDim.x + threadIdx.x; }

// One thread, every member: `capacity` elements fit, again and again. A full pool refuses new keys and nothing else.
template <class Map>
__global__ void fills(findings* to, Map* in, unsigned capacity) {
  Map& map = *in;
  for (unsigned round = 0; round < 3; ++round) {
    check(to,
          map.bucket_count() >= capacity && map.empty() && map.size() == 0 && !map.contains(0) && !map.erase(0) && !map.find(0));
    for (unsigned key = 0; key < capacity; ++key) check(to, map.insert(key, ticket(key, round)));
    same(to, static_cast<unsigned>(map.size()), capacity);
    // Refused: neither found nor changed.
    unsigned calls = 0;
    check(to, !map.insert(capacity, ticket(capacity)) && !map.try_emplace(capacity, capacity));
    check(to, !map.insert_or_visit(capacity, ticket(capacity), [&](unsigned, const ticket&) { ++calls; }) && calls == 0);
    check(to, !map.try_insert_or_assign(capacity, ticket(capacity)).has_value());
    check(to, !map.try_upsert(capacity, [=](const std::optional<ticket>&) { return ticket(capacity); }).has_value());
    check(to, !map.contains(capacity) && map.try_update(capacity, [](const ticket& old) { return old; }) == false);
    // Keys that are there are another matter, more often than there are nodes to spare.
    for (unsigned i = 0; i < 2 * to_spare; ++i) {
      const unsigned key = i % capacity;
      check(to, !map.insert(key, ticket(key)));
      check(to, map.try_update(key, [=](const ticket& old) { return ticket(key, old.number + 1); }) == true);
      check(to, map.try_upsert(key, [=](const std::optional<ticket>& old) { return ticket(key, old->number + 1); }) == false);
      const std::optional<ticket> found = map.find(key);
      check(to, found && found->whole(key));
      check(to, map.try_insert_or_assign(key, ticket(key, found->number + 1)) == false);
      check(to, map.update(key, [=](const ticket& old) { return ticket(key, old.number + 1); }));
    }
    unsigned numbers = 0;
    map.visit_all([&](unsigned key, const ticket& value) {
      check(to, value.whole(key) && key < capacity);
      numbers += value.number;
    });
    same(to, numbers, capacity * round + 4 * 2 * to_spare);
    if (round == 1) {
      map.clear();
    } else {
      for (unsigned key = 0; key < capacity; ++key) {
        check(to, !map.erase_if(key, [](unsigned, const ticket&) { return false; }));
        check(to, map.erase(key) && !map.erase(key));
      }
    }
  }
}

// Each thread has keys that it alone changes, among those of others: all its calls answer as if it were alone, but for a full pool.
template <class Map>
__global__ void follows(findings* to, Map* in, unsigned* refused, unsigned rounds) {
  constexpr unsigned keys = 4;
  Map& map = *in;
  int numbers[keys];  // of the element, or -1 where there is none
  for (int& each : numbers) each = -1;
  unsigned dice = number() * 2654435761U + 1;
  for (unsigned i = 0; i < rounds; ++i) {
    dice = dice * 1664525U + 1013904223U;
    const unsigned mine = (dice >> 16U) % keys;
    const unsigned key = mine * gridDim.x * blockDim.x + number();
    int& expected = numbers[mine];
    const bool there = expected >= 0;
    const ticket made(key, i);
    switch ((dice >> 20U) % 8) {
      case 0:
      case 1:
      case 2: {
        const bool inserted = map.insert(key, made);
        check(to, !(inserted && there));
        if (inserted) expected = static_cast<int>(i);
        if (!inserted && !there) atomicAdd(refused, 1U);
        break;
      }
      case 3: {
        const std::optional<bool> inserted = map.try_insert_or_assign(key, made);
        check(to, !inserted || *inserted != there);
        if (inserted) expected = static_cast<int>(i);
        if (!inserted) atomicAdd(refused, 1U);
        break;
      }
      case 4: {
        const std::optional<bool> updated = map.try_update(key, [&](const ticket& old) {
          check(to, old.whole(key) && static_cast<int>(old.number) == expected);
          return made;
        });
        check(to, !updated || *updated == there);
        if (updated && there) expected = static_cast<int>(i);
        break;
      }
      case 5: {
        const std::optional<ticket> found = map.find(key);
        check(to, found.has_value() == there);
        if (found && there) check(to, found->whole(key) && static_cast<int>(found->number) == expected);
        // Others' come and go, but are never broken.
        const unsigned others = key ^ (dice >> 28U);
        map.visit(others, [&](unsigned its_key, const ticket& value) { check(to, its_key == others && value.whole(others)); });
        break;
      }
      default:
        check(to, map.erase(key) == there);
        expected = -1;
    }
  }
  for (unsigned mine = 0; mine < keys; ++mine)
    check(to, map.erase(mine * gridDim.x * blockDim.x + number()) == (numbers[mine] >= 0));
}

__global__ void has_followed(findings* to, const unsigned* refused, bool may_be_full) { check(to, (*refused != 0) == may_be_full); }

// What a thread does between an insert and the erase of the key, it does alone, and the next one sees it: on plain numbers.
template <class Map>
__global__ void excludes(findings* to, Map* in, unsigned* plain, unsigned* sections, unsigned keys, unsigned rounds) {
  for (unsigned i = 0; i < rounds; ++i) {
    const unsigned key = (number() + i) % keys;
    if (!in->insert(key, ticket(key, number()))) continue;
    ++plain[key];
    atomicAdd(&sections[key], 1U);
    const std::optional<ticket> found = in->find(key);
    check(to, found && found->whole(key) && found->number == number());
    check(to, in->erase(key));
  }
}
template <class Map>
__global__ void has_excluded(findings* to, Map* in, const unsigned* plain, const unsigned* sections, unsigned keys) {
  for (unsigned key = 0; key < keys; ++key) {
    same(to, plain[key], sections[key]);
    check(to, sections[key] != 0);
  }
  check(to, in->empty());
}

template <class Map>
__global__ void begins_to_count(findings* to, Map* in, unsigned keys) {
  for (unsigned key = 0; key < keys; ++key) check(to, in->insert(key, ticket(key)));
}
// No update is lost, whether there are nodes for all of them or not. Who got none tries again: somebody is about to give one back.
template <class Map>
__global__ void counts(findings* to, Map* in, unsigned keys, unsigned rounds) {
  for (unsigned i = 0; i < rounds; ++i) {
    const unsigned key = (number() + i) % keys;
    std::optional<bool> result;
    while (!result) {
      if (i % 2 == 0) {
        result = in->try_upsert(key, [=](const std::optional<ticket>& old) { return ticket(key, old->number + 1); });
        check(to, result != true);
      } else {
        result = in->try_update(key, [=](const ticket& old) { return ticket(key, old.number + 1); });
        check(to, result != false);
      }
      if (!result) device_wide::pause();
    }
  }
}
template <class Map>
__global__ void has_counted(findings* to, Map* in, unsigned keys, unsigned all) {
  unsigned sum = 0;
  for (unsigned key = 0; key < keys; ++key) {
    const std::optional<ticket> found = in->find(key);
    check(to, found && found->whole(key));
    if (found) sum += found->number;
    check(to, in->erase(key));
  }
  same(to, sum, all);
  check(to, in->empty());
}

// An owner leaves it to its memory, so this is nobody's second time.
template <class Map>
__global__ void destroys(findings* to, Map* in) {
  check(to, in->insert(1, ticket(1)));
  in->~Map();
}

template <class Owner>
void in_kernels(suite& tests, const std::string& name, unsigned blocks, unsigned threads, unsigned capacity) {
  const unsigned all = blocks * threads;
  const bool filled = capacity <= 40;  // one thread is slow on a GPU
  const std::string what = name + " of " + std::to_string(capacity);
  const Owner owner(capacity);
  typename Owner::container_type* const in = owner.ref();
  if (filled) tests.test(what + " fills", [&](findings* to) { fills<<<1, 1>>>(to, in, capacity); });
  auto* const refused = tests.zeroed<unsigned>(1);
  tests.test(what + " follows", [&](findings* to) {
    follows<<<blocks, threads>>>(to, in, refused, 24U);
    has_followed<<<1, 1>>>(to, refused, capacity < all);
  });
  const unsigned keys = capacity < 40 ? capacity : 40;
  auto* const plain = tests.zeroed<unsigned>(keys);
  auto* const sections = tests.zeroed<unsigned>(keys);
  tests.test(what + " excludes", [&](findings* to) {
    excludes<<<blocks, threads>>>(to, in, plain, sections, keys, 12U);
    has_excluded<<<1, 1>>>(to, in, plain, sections, keys);
  });
  tests.test(what + " counts", [&](findings* to) {
    begins_to_count<<<1, 1>>>(to, in, keys);
    counts<<<blocks, threads>>>(to, in, keys, 6U);
    has_counted<<<1, 1>>>(to, in, keys, all * 6);
  });
  // Capacity is back, and all that is beyond it.
  tests.test(what + " fills again", [&](findings* to) {
    if (filled) fills<<<1, 1>>>(to, in, capacity);
    destroys<<<1, 1>>>(to, in);
  });
}

}  // namespace

int main(int count, char** arguments) {
  const unsigned blocks = count > 1 ? static_cast<unsigned>(std::atoi(arguments[1])) : 4;
  const unsigned threads = count > 2 ? static_cast<unsigned>(std::atoi(arguments[2])) : 64;
  suite tests("hash_map");
  // The last has room for all that the threads put in, and for what they have in hand.
  for (const unsigned capacity : {3U, 40U, 6 * blocks * threads}) {
    in_kernels<map_of<std::hash<unsigned>>>(tests, "hash_map", blocks, threads, capacity);
  }
  in_kernels<map_of<few_buckets>>(tests, "hash_map of long lists", blocks, threads, 40);
  return tests.finish();
}
