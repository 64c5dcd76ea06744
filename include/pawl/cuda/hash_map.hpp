// SPDX-License-Identifier: BSL-1.0
// cuda::hash_map<K, V, Hash, KeyEqual>: pawl::hash_map in device memory, owned on the host and used by kernels.
//
//   __global__ void look_up(pawl::cuda::hash_map<int, float>::ref_type prices, ...) {
//     if (const std::optional<float> price = prices.find(item)) ...
//   }
//   pawl::cuda::hash_map<int, float> prices(items.size());
//   prices.insert(items.data(), costs.data(), items.size());
//   look_up<<<blocks, threads>>>(prices.ref(), ...);
//
// Progress, order and cost are those of pawl::hash_map over a fixed tagged_pool (detail/pooled_map.hpp), among all threads of the
// device. Nothing without nvcc.
#pragma once

#include "../detail/cuda_owner.hpp"
#include "../hash_map.hpp"

#if defined(__CUDACC__)
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "../atomic_ref.hpp"

namespace pawl::inline v0 {

namespace detail {

/// The handle of a map in kernels: the members that serve there, as detail::pooled_map has them.
template <class Map>
class map_ref : public device_ref<Map> {
  using base = device_ref<Map>;
  using key = typename Map::key_type;
  using mapped = typename Map::mapped_type;

 public:
  using key_type = key;
  using mapped_type = mapped;
  using base::base;

  /// False where the key is there, or the pool is full.
  template <class Key = key, class Value = mapped>
  __device__ bool insert(Key&& k, Value&& value) const {
    return (*this)->insert(std::forward<Key>(k), std::forward<Value>(value));
  }
  template <class Key = key, class... Args>
  __device__ bool try_emplace(Key&& k, Args&&... args) const {
    return (*this)->try_emplace(std::forward<Key>(k), std::forward<Args>(args)...);
  }
  template <class Key = key, class Value = mapped, class F>
  __device__ bool insert_or_visit(Key&& k, Value&& value, F f) const {
    return (*this)->insert_or_visit(std::forward<Key>(k), std::forward<Value>(value), std::move(f));
  }

  /// Nothing where the pool is full; else whether they inserted, or, try_update, found the key.
  template <class Key = key, class Value = mapped>
  __device__ std::optional<bool> try_insert_or_assign(Key&& k, Value&& value) const {
    return (*this)->try_insert_or_assign(std::forward<Key>(k), std::forward<Value>(value));
  }
  template <class Key = key, class F>
  __device__ std::optional<bool> try_update(const Key& k, F f) const {
    return (*this)->try_update(k, std::move(f));
  }
  template <class Key = key, class F>
  __device__ std::optional<bool> try_upsert(Key&& k, F f) const {
    return (*this)->try_upsert(std::forward<Key>(k), std::move(f));
  }
  /// The same, with a trap where the pool is full.
  template <class Key = key, class Value = mapped>
  __device__ bool insert_or_assign(Key&& k, Value&& value) const {
    return (*this)->insert_or_assign(std::forward<Key>(k), std::forward<Value>(value));
  }
  template <class Key = key, class F>
  __device__ bool update(const Key& k, F f) const {
    return (*this)->update(k, std::move(f));
  }
  template <class Key = key, class F>
  __device__ bool upsert(Key&& k, F f) const {
    return (*this)->upsert(std::forward<Key>(k), std::move(f));
  }

  /// False where the key was not there.
  template <class Key = key>
  __device__ bool erase(const Key& k) const {
    return (*this)->erase(k);
  }
  template <class Key = key, class Predicate>
  __device__ bool erase_if(const Key& k, Predicate pred) const {
    return (*this)->erase_if(k, std::move(pred));
  }
  __device__ void clear() const { (*this)->clear(); }

  template <class Key = key>
  [[nodiscard]] __device__ std::optional<mapped> find(const Key& k) const {
    return (*this)->find(k);
  }
  template <class Key = key>
  [[nodiscard]] __device__ bool contains(const Key& k) const {
    return (*this)->contains(k);
  }
  template <class Key = key, class F>
  __device__ bool visit(const Key& k, F f) const {
    return (*this)->visit(k, std::move(f));
  }
  template <class F>
  __device__ void visit_all(F f) const {
    (*this)->visit_all(std::move(f));
  }

  [[nodiscard]] __device__ std::size_t size() const noexcept { return (*this)->size(); }
  [[nodiscard]] __device__ bool empty() const noexcept { return (*this)->empty(); }
  [[nodiscard]] __device__ std::size_t bucket_count() const noexcept { return (*this)->bucket_count(); }
};

// Has each of `count` things done by one thread, and counts those for which it is.
template <class F>
__device__ void for_each_of(std::size_t count, call_counts* counts, F do_one) {
  const std::size_t threads = std::size_t{gridDim.x} * blockDim.x;
  unsigned long long done = 0;
  for (std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += threads) done += do_one(i) ? 1 : 0;
  // relaxed: a sum, which the end of the kernel publishes
  if (done != 0)
    atomic_ref<unsigned long long, backend::cuda<scope::device>>(counts->done).store_add(done, std::memory_order_relaxed);
}

// Of the keys that are not yet in `inserted`.
template <class Map, class K, class V>
__global__ void insert_elements(Map* map, const K* keys, const V* values, bool* inserted, bool again, std::size_t count,
                                call_counts* counts) {
  for_each_of(count, counts, [=](std::size_t i) {
    if (again && inserted[i]) return false;
    bool found = false;
    inserted[i] = map->insert_or_visit(keys[i], values[i], [&found](const K&, const V&) { found = true; });
    if (!inserted[i] && !found) {
      atomic_ref<unsigned long long, backend::cuda<scope::device>>(counts->refused).store_add(1, std::memory_order_relaxed);
    }
    return inserted[i];
  });
}

template <class Map, class K, class V>
__global__ void find_elements(Map* map, const K* keys, V* values, bool* found, std::size_t count, call_counts* counts) {
  for_each_of(count, counts, [=](std::size_t i) {
    const std::optional<V> value = map->find(keys[i]);
    if (value) std::construct_at(values + i, *value);
    if (found != nullptr) found[i] = value.has_value();
    return value.has_value();
  });
}

template <class Map, class K>
__global__ void look_for_keys(Map* map, const K* keys, bool* found, std::size_t count, call_counts* counts) {
  for_each_of(count, counts, [=](std::size_t i) {
    const bool there = map->contains(keys[i]);
    if (found != nullptr) found[i] = there;
    return there;
  });
}

template <class Map, class K>
__global__ void erase_keys(Map* map, const K* keys, bool* erased, std::size_t count, call_counts* counts) {
  for_each_of(count, counts, [=](std::size_t i) {
    const bool was_there = map->erase(keys[i]);
    if (erased != nullptr) erased[i] = was_there;
    return was_there;
  });
}

template <class Map>
__global__ void look_at_size(Map* map, call_counts* counts) {
  counts->done = map->size();
}

}  // namespace detail

namespace cuda {

/// Owns a hash map of up to `capacity` elements on a GPU. Move-only.
///
/// K, V, Hash and KeyEqual are trivially copyable. std::hash of integers serves in kernels; another Hash, and a KeyEqual, have a call
/// operator that is `__device__`.
///
/// What a member does on a stream comes after what was put into it before, and is done, with the stream empty, when the member returns.
/// Streams are of the device that was current when the owner was made; which one is current later doesn't matter. Arrays may be anywhere:
/// on the host, pinned or not, on the owner's device (then nothing is copied), on another, or managed. Every member but the move operations
/// and the destructor may be called by any number of threads at once, and while kernels use the map.
///
/// Keys of one call are handled side by side, each by an operation of its own, in an order that is left to the GPU: of several that are
/// equal, one inserts, and one erases. Each of these operations is lock-free, linearizes, and orders memory as the map's own. A call costs
/// O(count), and a few commands in the stream.
///
/// Errors: cuda::error, with the call and the reason, where a call of the CUDA runtime fails. Where that comes before the kernel, for want
/// of memory for instance, the map is as before. An error of a kernel, of an earlier one, too, leaves all device memory unusable.
template <class K, class V, class Hash = std::hash<K>, class KeyEqual = std::equal_to<K>>
class hash_map {
  static_assert(
      std::is_trivially_copyable_v<K> && std::is_trivially_copyable_v<V>,
      "cuda::hash_map<K, V>: K and V must be trivially copyable, since elements are copied between host and device byte by "
      "byte, and in kernels word by word");
  static_assert(std::is_trivially_copyable_v<Hash> && std::is_trivially_copyable_v<KeyEqual>,
                "cuda::hash_map: Hash and KeyEqual must be trivially copyable, since they are copied to the device");

 public:
  using key_type = K;
  using mapped_type = V;
  /// The host's template, over a fixed pool in the device's memory.
  using container_type = pawl::hash_map<K, V, Hash, KeyEqual, detail::device_pool>;
  using ref_type = detail::map_ref<container_type>;

  /// Empty, for `capacity` elements, on the current device. Throws cuda::error where there is no GPU, no memory for it, or no code for the
  /// GPU in the program, and std::invalid_argument where its nodes would take more than 16 GiB. Takes all of its memory: for an element,
  /// 24 bytes and K's and V's own, rounded up to 8, and 8 to 16 for its bucket. A kernel of one thread constructs the map, and so
  /// takes a time that grows with the capacity.
  explicit hash_map(std::size_t capacity, const Hash& hash = Hash(), const KeyEqual& equal = KeyEqual(),
                    cudaStream_t stream = nullptr)
      : owned_(capacity, sizeof(typename detail::device_pool::template node<detail::pooled_element<K, V>>),
               bytes_of_buckets(capacity), stream, std::size_t{0}, hash, equal) {}
  /// An owner that was moved from has no map. It may be destroyed, assigned to, and asked for its ref(), which is none.
  hash_map(hash_map&&) noexcept = default;
  hash_map& operator=(hash_map&&) noexcept = default;
  /// Gives the memory back. No kernel uses it any more. Throws nothing, on whichever device.
  ~hash_map() = default;

  /// For kernels; valid as long as the owner, or the one that it was moved to.
  [[nodiscard]] ref_type ref() const noexcept { return ref_type(owned_.get()); }
  /// As many elements fit as were asked for.
  [[nodiscard]] std::size_t capacity() const noexcept { return owned_.capacity(); }

  /// Inserts keys[i] with values[i], where the key is not there and the map not full. Returns how many it inserted, and, where `inserted`
  /// is not null, which: inserted[i] is false where the key was there, or else, which contains() would tell, the map was full. It is
  /// full only where `capacity` elements are there, or kernels hold nodes meanwhile: equal keys don't keep each other's out.
  std::size_t insert(const K* keys, const V* values, std::size_t count, bool* inserted = nullptr, cudaStream_t stream = nullptr);

  /// Copies the value of keys[i] to values[i], which stays as it was where the key is not there; returns how many are there, and, where
  /// `found` is not null, which.
  std::size_t find(const K* keys, V* values, std::size_t count, bool* found = nullptr, cudaStream_t stream = nullptr) const {
    if (count == 0) return 0;
    detail::stream_call call(owned_.device(), stream);
    const detail::call_input<K> wanted(call, keys, count);
    const detail::call_output<V> to(call, values, count, detail::output_is::partly_written);
    const detail::call_output<bool> results(call, found, count, detail::output_is::all_written);
    const detail::call_counters counts(call);
    call.launch(count, detail::find_elements<container_type, K, V>, owned_.get(), wanted.data(), to.data(), results.data(), count,
                counts.data());
    to.deliver(call, count);
    results.deliver(call, count);
    return static_cast<std::size_t>(counts.read(call).done);
  }
  /// Returns how many of the keys are there, and, where `found` is not null, which.
  std::size_t contains(const K* keys, std::size_t count, bool* found = nullptr, cudaStream_t stream = nullptr) const {
    return with_keys(detail::look_for_keys<container_type, K>, keys, count, found, stream);
  }
  /// Erases the elements of the keys that are there; returns how many it erased, and, where `erased` is not null, by which keys.
  std::size_t erase(const K* keys, std::size_t count, bool* erased = nullptr, cudaStream_t stream = nullptr) {
    return with_keys(detail::erase_keys<container_type, K>, keys, count, erased, stream);
  }

  /// The number of elements: exact when no kernel inserts or erases.
  [[nodiscard]] std::size_t size(cudaStream_t stream = nullptr) const {
    detail::stream_call call(owned_.device(), stream);
    const detail::call_counters counts(call);
    call.launch(1, detail::look_at_size<container_type>, owned_.get(), counts.data());
    return static_cast<std::size_t>(counts.read(call).done);
  }
  [[nodiscard]] bool empty(cudaStream_t stream = nullptr) const { return size(stream) == 0; }

 private:
  using kernel_of_keys = void (*)(container_type*, const K*, bool*, std::size_t, detail::call_counts*);

  // A bucket for each element, rounded up to a power of two, as the map does on a fixed pool.
  static constexpr std::size_t bytes_of_buckets(std::size_t capacity) noexcept {
    constexpr std::size_t most = std::size_t{1} << 31U;
    return sizeof(std::uint64_t) * std::bit_ceil(capacity < most ? capacity : most) + detail::device_piece::alignment;
  }

  std::size_t with_keys(kernel_of_keys kernel, const K* keys, std::size_t count, bool* results, cudaStream_t stream) const {
    if (count == 0) return 0;
    detail::stream_call call(owned_.device(), stream);
    const detail::call_input<K> wanted(call, keys, count);
    const detail::call_output<bool> to(call, results, count, detail::output_is::all_written);
    const detail::call_counters counts(call);
    call.launch(count, kernel, owned_.get(), wanted.data(), to.data(), count, counts.data());
    to.deliver(call, count);
    return static_cast<std::size_t>(counts.read(call).done);
  }

  detail::device_owner<container_type> owned_;
};

template <class K, class V, class Hash, class KeyEqual>
std::size_t hash_map<K, V, Hash, KeyEqual>::insert(const K* keys, const V* values, std::size_t count, bool* inserted,
                                                   cudaStream_t stream) {
  if (count == 0) return 0;
  detail::stream_call call(owned_.device(), stream);
  const detail::call_input<K> new_keys(call, keys, count);
  const detail::call_input<V> new_values(call, values, count);
  const detail::call_output<bool> results(call, inserted, count, detail::output_is::all_written);
  const detail::call_memory<bool> unasked(inserted == nullptr ? detail::call_memory<bool>(call, count)
                                                              : detail::call_memory<bool>());
  const detail::call_counters counts(call);
  bool* const noted = inserted != nullptr ? results.data() : unasked.data();
  std::size_t all = 0;
  detail::call_counts now{};
  do {
    if (all != 0) call.clear(counts.data());
    call.launch(count, detail::insert_elements<container_type, K, V>, owned_.get(), new_keys.data(), new_values.data(), noted,
                all != 0, count, counts.data());
    now = counts.read(call);
    all += static_cast<std::size_t>(now.done);
    // Of threads with the same key each may hold a node until one of them has inserted it, so that others find the pool full. Now
    // these nodes are back. A run that inserts nothing held none, and what it refused, it refused for lack of nodes.
  } while (now.refused != 0 && now.done != 0);
  results.deliver(call, count);
  call.finish();
  return all;
}

}  // namespace cuda
}  // namespace pawl::inline v0
#endif
