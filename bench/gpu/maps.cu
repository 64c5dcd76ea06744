// SPDX-License-Identifier: BSL-1.0
// hash_map, full and by bulk: one thread for each of `elements` keys inserts it, finds it, looks for one that isn't there, erases it. At
// several load factors, that is elements for each bucket. As floor, what no hash table gets below: one compare-and-swap, or one load, of 8
// bytes at a place by chance in a table of the same size.
//
// Every run is checked: each call's answer, each value found, and the map's size.
#include <functional>

#include <pawl/hash_map.hpp>

#include "contenders.hpp"
#include "on_device.hpp"

namespace {

using map = pawl::hash_map<unsigned, unsigned, std::hash<unsigned>, std::equal_to<unsigned>, gpu::pool>;

// Keys that are in, below `elements`, and others.
__device__ unsigned key_of(unsigned i) { return gpu::scattered(i); }

struct inserts {
  static __device__ bool apply(map* in, unsigned i) { return in->insert(key_of(i), i); }
};
struct finds {
  static __device__ bool apply(map* in, unsigned i) {
    const std::optional<unsigned> found = in->find(key_of(i));
    return found && *found == i;
  }
};
struct misses {
  static __device__ bool apply(map* in, unsigned i) { return !in->find(key_of(i + 0x80000000U)); }
};
struct erases {
  static __device__ bool apply(map* in, unsigned i) { return in->erase(key_of(i)); }
};

template <class Operation>
__global__ void each(map* in, unsigned elements, unsigned long long* wrong) {
  for (unsigned i = gpu::number(); i < elements; i += gpu::all()) {
    if (!Operation::apply(in, i)) atomicAdd(wrong, 1ULL);
  }
}
__global__ void count(map* in, unsigned* size) { *size = static_cast<unsigned>(in->size()); }

// A table of as many words as there are elements to insert, or the next power of two.
__global__ void swap_each(unsigned long long* table, unsigned bits, unsigned elements, unsigned long long* wrong) {
  for (unsigned i = gpu::number(); i < elements; i += gpu::all()) {
    const unsigned key = key_of(i);
    if (atomicCAS(&table[key & ((1U << bits) - 1)], 0ULL, std::uint64_t{i + 1} << 32U | key) == ~0ULL) atomicAdd(wrong, 1ULL);
  }
}
__global__ void load_each(const unsigned long long* table, unsigned bits, unsigned elements, unsigned long long* wrong) {
  for (unsigned i = gpu::number(); i < elements; i += gpu::all()) {
    const unsigned key = key_of(i);
    const unsigned long long found = *static_cast<const volatile unsigned long long*>(&table[key & ((1U << bits) - 1)]);
    // What shares the key's place, or nothing in it, which can't be.
    if (((static_cast<unsigned>(found) ^ key) & ((1U << bits) - 1)) != 0 || found == 0) atomicAdd(wrong, 1ULL);
  }
}

class bulk {
 public:
  bulk(gpu::study& in, unsigned elements)
      : in_(in),
        elements_(elements),
        threads_(std::min(elements, 256U)),
        blocks_(std::min(in.blocks(threads_), (elements_ + threads_ - 1) / threads_)),
        wrong_(in, 1),
        size_(in, 1) {}

  /// Elements for each bucket, in quarters. Returns the time of the slowest operation, in microseconds.
  double at_load_factor(unsigned quarters) {
    const auto wanted = static_cast<unsigned>(std::uint64_t{elements_} * 4 / quarters);
    const unsigned buckets = std::bit_ceil(std::max(1U, wanted));
    const std::size_t bytes =
        std::size_t{bytes_of_node} * (elements_ + gpu::pool::max_queues + 1) + std::size_t{16} * (buckets + 64);
    const double load = static_cast<double>(elements_) / buckets;
    double slowest = 0;
    {
      // Nodes that were never used.
      std::optional<gpu::on_device<map>> in;
      const auto anew = [&] { in.emplace(in_, elements_, bytes, buckets); };
      slowest = point<inserts>("insert, new map", load, elements_, anew, [&] { return in->ref(); });
    }
    // And nodes that come back by chance, as in a map that has been used.
    const gpu::on_device<map> in(in_, elements_, bytes, buckets);
    const auto ref = [&] { return in.ref(); };
    const auto full = [&] {
      if (size_of(in.ref()) == 0) all<inserts>(in.ref());
    };
    const auto empty = [&] {
      if (size_of(in.ref()) != 0) all<erases>(in.ref());
    };
    if (in_.is_late() || slowest == 0) return 0;
    point<finds>("find", load, elements_, full, ref);
    point<misses>("find, absent", load, elements_, full, ref);
    slowest = std::max(slowest, point<erases>("erase", load, 0, full, ref));
    slowest = std::max(slowest, point<inserts>("insert", load, elements_, empty, ref));
    empty();
    return slowest;
  }

  void floor() {
    const auto bits = static_cast<unsigned>(std::bit_width(elements_ - 1));
    gpu::memory<unsigned long long> table(in_, std::size_t{1} << bits);
    const auto floor_point = [&](const char* operation, const char* who, auto prepare, auto kernel) {
      in_.measure(
          about(operation).with("by", who), elements_, 1,
          [&](unsigned) {
            wrong_.clear();
            prepare();
          },
          [&](unsigned) { kernel<<<blocks_, threads_>>>(table.data(), bits, elements_, wrong_.data()); },
          [&](unsigned) { return answers(); });
    };
    floor_point("insert", "cuda, one compare-and-swap", [&] { table.clear(); }, swap_each);
    floor_point("find", "cuda, one load", [] {}, load_each);
  }

 private:
  static constexpr unsigned bytes_of_node = 64;

  [[nodiscard]] gpu::row about(const char* operation) const {
    return gpu::row().with("study", "maps").with("operation", operation).with("elements", std::uint64_t{elements_});
  }
  template <class Operation>
  void all(map* in) {
    each<Operation><<<blocks_, threads_>>>(in, elements_, wrong_.data());
    in_.launched();
    in_.wait();
  }
  unsigned size_of(map* in) {
    count<<<1, 1>>>(in, size_.data());
    in_.launched();
    in_.wait();
    return size_.copy()[0];
  }
  std::string answers() {
    const unsigned long long wrong = wrong_.copy()[0];
    return wrong == 0 ? "" : std::to_string(wrong) + " answers";
  }

  template <class Operation, class Prepare, class Ref>
  double point(const char* operation, double load, unsigned size, Prepare prepare, Ref ref) {
    return in_.measure(
        about(operation).with("load_factor", load).with("by", "pawl"), elements_, 1,
        [&](unsigned) {
          prepare();
          wrong_.clear();
        },
        [&](unsigned) { each<Operation><<<blocks_, threads_>>>(ref(), elements_, wrong_.data()); },
        [&](unsigned) -> std::string {
          const unsigned is = size_of(ref());
          return is == size ? answers() : "size " + std::to_string(is) + ", not " + std::to_string(size);
        });
  }

  gpu::study& in_;
  unsigned elements_;
  unsigned threads_;
  unsigned blocks_;
  gpu::memory<unsigned long long> wrong_;
  gpu::memory<unsigned> size_;
};

}  // namespace

int main(int count, char** arguments) {
  gpu::study in("maps", count, arguments, {{"blocks", 0}, {"elements", std::uint64_t{1} << 22U}});
  // More and more elements, and threads, as long as that doesn't take too long; then the other load factors with the most.
  unsigned elements = static_cast<unsigned>(std::min(std::uint64_t{1} << 12U, in.value("elements")));
  double took = 0;
  while (true) {
    bulk of(in, elements);
    of.floor();
    took = of.at_load_factor(4);
    if (took == 0 || elements * std::uint64_t{4} > in.value("elements")) break;
    if (!in.may_try(took, 16)) {
      in.skip(gpu::row().with("study", "maps").with("elements", std::uint64_t{elements} * 4),
              "with fewer it took too long for that");
      break;
    }
    elements *= 4;
  }
  // A quarter, a half, 2 and 4 elements for each bucket.
  for (const unsigned quarters : {2U, 8U, 1U, 16U}) {
    if (took != 0) static_cast<void>(bulk(in, elements).at_load_factor(quarters));
  }
  return in.finish();
}
