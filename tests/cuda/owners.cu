// SPDX-License-Identifier: BSL-1.0
// The owners of stack, queue and map: what the host puts in and takes out by the array, from and to memory of each kind, handles in
// kernels, full pools, and that each call of the CUDA runtime may fail: then it throws, and nothing leaks.
//
// owners [BLOCKS [THREADS]]
#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "suite.hpp"

// The CUDA runtime as pawl sees it: one call may fail, memory is counted, what is put into a stream is done when somebody waits for it, and
// there are two devices, which are the one that is there.
namespace runtime {

constexpr cudaError_t planted = cudaErrorIllegalInstruction;
unsigned until = 0;  // calls up to the one that fails; 0: none does
std::string failed;  // its name
int device = 0;
std::map<void*, int> memory;  // and the device that it was made on
std::set<int> launched_on;
std::map<cudaStream_t, std::vector<std::function<cudaError_t()>>> streams;
bool endless = false;  // there is as much memory as anybody asks for

inline bool fails(const char* name) {
  if (until == 0 || --until != 0) return false;
  failed = name;
  return true;
}
inline cudaError_t put(const char* name, cudaStream_t stream, std::function<cudaError_t()> command) {
  if (fails(name)) return planted;
  streams[stream].push_back(std::move(command));
  return cudaSuccess;
}
inline cudaError_t empty(cudaStream_t stream) {
  cudaError_t result = cudaSuccess;
  for (const auto& command : std::exchange(streams[stream], {})) {
    const cudaError_t done = command();
    if (result == cudaSuccess) result = done;
  }
  const cudaError_t done = cudaStreamSynchronize(stream);
  return result == cudaSuccess ? done : result;
}
inline std::size_t waiting() {
  std::size_t all = 0;
  for (const auto& [stream, commands] : streams) all += commands.size();
  return all;
}

inline cudaError_t get_device(int* current) {
  *current = device;
  return fails("cudaGetDevice") ? planted : cudaSuccess;
}
inline cudaError_t set_device(int wanted) {
  if (fails("cudaSetDevice")) return planted;
  device = wanted;
  return cudaSuccess;
}
inline cudaError_t note(cudaError_t result, void** made) {
  if (result == cudaSuccess) memory[*made] = device;
  return result;
}
inline cudaError_t allocate(void** made, std::size_t bytes) {
  if (fails("cudaMalloc")) return planted;
  return note(cudaMalloc(made, endless ? 1 : bytes), made);
}
inline cudaError_t allocate_async(void** made, std::size_t bytes, cudaStream_t stream) {
  if (fails("cudaMallocAsync")) return planted;
  return note(cudaMallocAsync(made, bytes, stream), made);
}
inline void forget(void* freed) {
  const auto found = memory.find(freed);
  if (found == memory.end() || found->second != device) std::abort();
  memory.erase(found);
}
// What fails to free has freed nevertheless: it is not pawl's leak.
inline cudaError_t free(void* freed) {
  forget(freed);
  for (const auto& [stream, commands] : std::map(streams)) empty(stream);
  const cudaError_t result = cudaFree(freed);
  return fails("cudaFree") ? planted : result;
}
inline cudaError_t free_async(void* freed, cudaStream_t stream) {
  forget(freed);
  // At once, where it would be: what is behind it in the stream can't use it any more.
  if (streams[stream].empty()) {
    const cudaError_t result = cudaFreeAsync(freed, stream);
    return fails("cudaFreeAsync") ? planted : result;
  }
  streams[stream].push_back([=] { return cudaFreeAsync(freed, stream); });
  return fails("cudaFreeAsync") ? planted : cudaSuccess;
}
inline cudaError_t copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  return put("cudaMemcpyAsync", stream, [=] { return cudaMemcpyAsync(to, from, bytes, kind, stream); });
}
inline cudaError_t set(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  return put("cudaMemsetAsync", stream, [=] { return cudaMemsetAsync(to, value, bytes, stream); });
}
inline cudaError_t synchronize(cudaStream_t stream) {
  const cudaError_t result = empty(stream);
  return fails("cudaStreamSynchronize") ? planted : result;
}
inline cudaError_t attributes(cudaPointerAttributes* of, const void* pointer) {
  return fails("cudaPointerGetAttributes") ? planted : cudaPointerGetAttributes(of, pointer);
}
template <class... Parameters, class... Args>
cudaError_t launch(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...), const Args&... args) {
  launched_on.insert(device);
  return put("cudaLaunchKernelEx", config->stream,
             [=, configured = *config] { return cudaLaunchKernelEx(&configured, kernel, args...); });
}

}  // namespace runtime

#define cudaGetDevice runtime::get_device
#define cudaSetDevice runtime::set_device
#define cudaMalloc runtime::allocate
#define cudaMallocAsync runtime::allocate_async
#define cudaFree runtime::free
#define cudaFreeAsync runtime::free_async
#define cudaMemcpyAsync runtime::copy
#define cudaMemsetAsync runtime::set
#define cudaStreamSynchronize runtime::synchronize
#define cudaPointerGetAttributes runtime::attributes
#define cudaLaunchKernelEx runtime::launch
#include <pawl/cuda.hpp>
#undef cudaMalloc
#undef cudaFree

namespace {

using pawl::cuda::hash_map;
using pawl::cuda::queue;
using pawl::cuda::stack;

// Can't be made of nothing, nor assigned: owners must need neither.
struct ticket {
  const unsigned number;
  const unsigned long long check;
  explicit ticket(unsigned n) : number(n), check(n * 0x9e3779b97f4a7c15ULL) {}
  __host__ __device__ [[nodiscard]] bool whole() const { return check == number * 0x9e3779b97f4a7c15ULL; }
};
using tickets = std::vector<ticket>;

// Three buckets' worth, and more hashes by a number that the host gives it.
struct salted {
  unsigned salt;
  __host__ __device__ std::size_t operator()(unsigned key) const { return (key + salt) % 3; }
};
struct modulo {
  unsigned divisor;
  __host__ __device__ bool operator()(unsigned a, unsigned b) const { return a % divisor == b % divisor; }
};

// Where an array of the caller's may be.
enum class place { host, pinned, managed, device };
constexpr place places[] = {place::host, place::pinned, place::managed, place::device};

// An array there, as long as the test; made and looked at by the host.
template <class T>
class array {
 public:
  array(place where, const std::vector<T>& from) : where_(where), count_(from.size()) {
    const std::size_t bytes = count_ * sizeof(T) + 1;
    switch (where) {
      case place::host:
        data_ = static_cast<T*>(std::malloc(bytes));
        break;
      case place::pinned:
        good(cudaMallocHost(&data_, bytes));
        break;
      case place::managed:
        good(cudaMallocManaged(&data_, bytes));
        break;
      case place::device:
        good(cudaMalloc(&data_, bytes));
        break;
    }
    good(cudaMemcpy(data_, from.data(), count_ * sizeof(T), cudaMemcpyDefault));
  }
  array(const array&) = delete;
  array& operator=(const array&) = delete;
  ~array() {
    if (where_ == place::host) {
      std::free(data_);
    } else {
      good(where_ == place::pinned ? cudaFreeHost(data_) : cudaFree(data_));
    }
  }
  [[nodiscard]] T* data() { return data_; }
  // All of it, byte by byte, in memory of the host's.
  [[nodiscard]] std::vector<T> copy() const {
    T* const copied = static_cast<T*>(std::malloc(count_ * sizeof(T) + 1));
    good(cudaMemcpy(copied, data_, count_ * sizeof(T), cudaMemcpyDefault));
    std::vector<T> result(copied, copied + count_);
    std::free(copied);
    return result;
  }

 private:
  static void good(cudaError_t result) {
    if (result != cudaSuccess) throw std::runtime_error(cudaGetErrorString(result));
  }
  place where_;
  std::size_t count_;
  T* data_ = nullptr;
};
// std::vector<bool> has no bools.
array<unsigned char> flags(place where, std::size_t count) { return {where, std::vector<unsigned char>(count, 7)}; }
bool* as_bools(array<unsigned char>& from) { return reinterpret_cast<bool*>(from.data()); }

tickets numbered(unsigned from, unsigned to) {
  tickets result;
  for (unsigned i = from; i < to; ++i) result.emplace_back(i);
  return result;
}
// Whether the tickets from `begin` to `end` are those from number `from` to `to`, each once.
bool are_all(const tickets& of, std::size_t begin, std::size_t end, unsigned from, unsigned to) {
  std::set<unsigned> numbers;
  for (std::size_t i = begin; i < end; ++i) {
    if (!of[i].whole()) return false;
    numbers.insert(of[i].number);
  }
  return end - begin == to - from && numbers.size() == to - from &&
         (numbers.empty() || (*numbers.begin() == from && *numbers.rbegin() == to - 1));
}

template <template <class...> class List>
void lists(suite& tests, const std::string& name, unsigned most) {
  tests.test_on_host(name + ": arrays go in and come out", [&](findings& in) {
    cudaStream_t stream = nullptr;
    tests.must(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    for (const unsigned capacity : {0U, 1U, 40U, most}) {
      List<ticket> list(capacity);
      check(in, list.capacity() == capacity && list.empty());
      for (const place where : places) {
        const unsigned more = capacity + capacity / 2 + 3;
        array<ticket> values(where, numbered(0, more));
        // In two steps, of which the second is too large: the first values of each are in.
        const unsigned first = capacity / 3;
        check(in, list.push(values.data(), first, stream) == first);
        check(in, list.push(values.data() + first, more - first, stream) == capacity - first);
        check(in, list.push(values.data(), 1, stream) == 0);
        check(in, list.empty(stream) == (capacity == 0));
        // All that went in comes out, and nothing else is written.
        const tickets untouched = numbered(more, 2 * more);
        array<ticket> out(where, untouched);
        check(in, list.pop(out.data(), more, stream) == capacity);
        const tickets popped = out.copy();
        check(in, are_all(popped, 0, capacity, 0, capacity) && are_all(popped, capacity, more, more + capacity, 2 * more));
        check(in, list.pop(out.data(), more, stream) == 0 && list.empty(stream));
        check(in, list.push(nullptr, 0) == 0 && list.pop(nullptr, 0) == 0);
      }
    }
    tests.must(cudaStreamDestroy(stream), "cudaStreamDestroy");
  });
  tests.test_on_host(name + ": what comes out first", [&](findings& in) {
    List<ticket> list(most);
    const tickets values = numbered(0, most);
    const unsigned each = most / 2;
    check(in, list.push(values.data(), each) == each && list.push(values.data() + each, each) == each);
    array<ticket> out(place::host, values);
    const bool last_in = std::is_same_v<List<ticket>, stack<ticket>>;
    check(in, list.pop(out.data(), each) == each);
    check(in, are_all(out.copy(), 0, each, last_in ? each : 0, last_in ? 2 * each : each));
    check(in, list.pop(out.data(), most) == each);
    check(in, are_all(out.copy(), 0, each, last_in ? 0 : each, last_in ? each : 2 * each));
  });
}

// Every member of the handle that a kernel may call.
template <class Ref>
__global__ void by_handle(findings* to, Ref list, bool fifo) {
  check(to, list.empty() && !list.try_pop());
  list.push(1);
  list.emplace(2);
  check(to, list.try_push(3) && list.try_emplace(4) && !list.try_push(5) && !list->try_push(5) && !(*list).try_push(5));
  int value = 0;
  check(to, list.try_pop(value) && value == (fifo ? 1 : 4));
  check(to, list.try_pop() == (fifo ? 2 : 3));
  const int two[] = {10, 20};
  list.push_range(two);
  int all[4] = {};
  int* const end = list.pop_all(all);
  check(to, end == all + 4 && list.empty());
  check(to, fifo ? all[0] == 3 && all[1] == 4 && all[2] == 10 && all[3] == 20
                 : all[0] == 20 && all[1] == 10 && all[2] == 2 && all[3] == 1);
}
template <class Container>
__global__ void by_pointer(findings* to, Container* list) {
  check(to, list->try_push(1) && list->try_pop() == 1);
}
template <class Ref>
__global__ void by_handle_of_map(findings* to, Ref map) {
  check(to, map.empty() && map.size() == 0 && map.bucket_count() >= 2);
  check(to, map.insert(1, 10) && map.try_emplace(2, 20) && !map.insert(3, 30) && !map->insert(3, 30));
  int seen = 0;
  check(to, !map.insert_or_visit(1, 0, [&](int, int value) { seen = value; }) && seen == 10);
  check(to, map.try_insert_or_assign(1, 11) == false && !map.try_insert_or_assign(3, 30) && !map.insert_or_assign(1, 12));
  check(to, map.try_update(1, [](int value) { return value + 1; }) == true && map.update(1, [](int value) { return value + 1; }));
  check(to, map.try_upsert(2, [](std::optional<int> value) { return *value + 1; }) == false);
  check(to, !map.upsert(2, [](std::optional<int> value) { return *value + 1; }));
  check(to, map.find(1) == 14 && map.contains(2) && map.visit(2, [&](int, int value) { seen = value; }) && seen == 22);
  int sum = 0;
  map.visit_all([&](int key, int value) { sum += key * value; });
  check(to, sum == 14 + 44);
  check(to, !map.erase_if(1, [](int, int) { return false; }) && map.erase(1) && map.size() == 1);
  map.clear();
  check(to, map.empty() && !(*map).contains(2));
}

void handles(suite& tests) {
  stack<int> a_stack(4);
  queue<int> a_queue(4);
  hash_map<int, int> a_map(2);
  static_assert(std::is_trivially_copyable_v<stack<int>::ref_type> && std::is_trivially_copyable_v<queue<int>::ref_type> &&
                std::is_trivially_copyable_v<hash_map<int, int>::ref_type>);
  static_assert(!std::is_copy_constructible_v<stack<int>> && std::is_nothrow_move_constructible_v<stack<int>> &&
                std::is_nothrow_move_assignable_v<hash_map<int, int>>);
  tests.test("handles", [&](findings* to) {
    by_handle<<<1, 1>>>(to, a_stack.ref(), false);
    by_handle<<<1, 1>>>(to, a_queue.ref(), true);
    by_pointer<stack<int>::container_type><<<1, 1>>>(to, a_stack.ref());
    by_handle_of_map<<<1, 1>>>(to, a_map.ref());
  });
}

void maps(suite& tests, unsigned most) {
  using map = hash_map<unsigned, ticket>;
  tests.test_on_host("hash_map: arrays go in and come out", [&](findings& in) {
    cudaStream_t stream = nullptr;
    tests.must(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    for (const unsigned capacity : {0U, 1U, 40U, most}) {
      map owner(capacity);
      check(in, owner.capacity() == capacity && owner.empty());
      for (const place where : places) {
        // A third more than fit, each two times.
        const unsigned more = capacity + capacity / 3 + 1;
        std::vector<unsigned> twice(2 * std::size_t{more});
        for (unsigned i = 0; i < more; ++i) twice[2 * i] = twice[2 * i + 1] = 1000 + i;
        tickets numbers;
        for (const unsigned key : twice) numbers.emplace_back(key + 5);
        array<unsigned> keys(where, twice);
        array<ticket> values(where, numbers);
        auto inserted = flags(where, twice.size());
        check(in, owner.insert(keys.data(), values.data(), twice.size(), as_bools(inserted), stream) == capacity);
        check(in, owner.size(stream) == capacity && owner.empty(stream) == (capacity == 0));
        // A key is there if and only if one of the two has inserted it.
        auto there = flags(where, twice.size());
        check(in, owner.contains(keys.data(), twice.size(), as_bools(there), stream) == 2 * std::size_t{capacity});
        const auto is_there = there.copy();
        const auto was_inserted = inserted.copy();
        bool right = true;
        for (unsigned i = 0; i < more; ++i) {
          right =
              right && is_there[2 * i] == is_there[2 * i + 1] && was_inserted[2 * i] + was_inserted[2 * i + 1] == is_there[2 * i];
        }
        check(in, right);
        // Values of these; what isn't there is not written.
        array<ticket> out(where, numbered(0, static_cast<unsigned>(twice.size())));
        auto found = flags(where, twice.size());
        check(in, owner.find(keys.data(), out.data(), twice.size(), as_bools(found), stream) == 2 * std::size_t{capacity});
        check(in, found.copy() == is_there);
        const tickets values_found = out.copy();
        right = true;
        for (unsigned i = 0; i < twice.size(); ++i) {
          right = right && values_found[i].whole() && values_found[i].number == (is_there[i] != 0 ? twice[i] + 5 : i);
        }
        check(in, right);
        check(in, owner.find(keys.data(), out.data(), twice.size()) == owner.contains(keys.data(), twice.size()));
        // Each comes out by one of the two.
        auto erased = flags(where, twice.size());
        check(in, owner.erase(keys.data(), twice.size(), as_bools(erased), stream) == capacity);
        const auto was_erased = erased.copy();
        right = true;
        for (unsigned i = 0; i < more; ++i) right = right && was_erased[2 * i] + was_erased[2 * i + 1] == is_there[2 * i];
        check(in, right && owner.empty(stream));
        check(in, owner.insert(nullptr, nullptr, 0) == 0 && owner.find(nullptr, nullptr, 0) == 0);
        check(in, owner.contains(nullptr, 0) == 0 && owner.erase(nullptr, 0) == 0);
      }
    }
    tests.must(cudaStreamDestroy(stream), "cudaStreamDestroy");
  });
  tests.test_on_host("hash_map: as many as fit, though each comes many times", [&](findings& in) {
    for (const unsigned capacity : {1U, 5U, 64U}) {
      map owner(capacity);
      std::vector<unsigned> keys;
      for (unsigned i = 0; i < 512; ++i) keys.push_back(i * 7 % capacity);
      const tickets values = numbered(0, 512);
      check(in, owner.insert(keys.data(), values.data(), keys.size()) == capacity);
      check(in, owner.contains(keys.data(), keys.size()) == keys.size());
      check(in, owner.erase(keys.data(), keys.size()) == capacity && owner.empty());
    }
  });
  tests.test_on_host("hash_map: the Hash and the KeyEqual that it was given", [&](findings& in) {
    hash_map<unsigned, unsigned, salted, modulo> owner(16, salted{1}, modulo{3});
    const unsigned keys[] = {0, 1, 2, 3, 4, 5};
    check(in, owner.insert(keys, keys, 6) == 3 && owner.size() == 3 && owner.erase(keys + 3, 3) == 3 && owner.empty());
  });
}

// Calls `act` with the n-th call of the runtime failing, for each n, until none fails; there are at least so many.
template <class Act>
void each_call_fails(findings& in, const std::set<std::string>& unreported, unsigned least, Act act) {
  const auto before = runtime::memory;
  for (unsigned n = 1; n < 100; ++n) {
    runtime::failed.clear();
    runtime::until = n;
    std::string said;
    try {
      act();
      runtime::until = 0;
      if (runtime::failed.empty()) {
        check(in, n > least);
        return;
      }
      check(in, unreported.count(runtime::failed) == 1);
    } catch (const pawl::cuda::error& error) {
      runtime::until = 0;
      check(in, error.call() == runtime::failed && error.reason() == std::string(cudaGetErrorString(runtime::planted)));
      check(in, error.what() == runtime::failed + ": " + error.reason());
    }
    check(in, runtime::memory == before && runtime::device == 0 && runtime::waiting() == 0);
  }
  check(in, false);
}

template <class Owner>
void mistakes_of_making(findings& in) {
  each_call_fails(in, {}, 4, [] {
    const Owner made(10);
    runtime::until = 0;
  });
  each_call_fails(in, {"cudaGetDevice", "cudaFree"}, 2, [] {
    const unsigned planned = std::exchange(runtime::until, 0);
    const Owner made(10);
    runtime::until = planned;
  });
  try {
    const Owner made(std::size_t{1} << 61U);  // times 24 or 32 bytes: little, modulo 2^64
    check(in, false);
  } catch (const pawl::cuda::error& error) {
    check(in, std::string(error.what()) == "cudaMalloc: out of memory");
  }
  try {
    const Owner made(~std::size_t{0});
    check(in, false);
  } catch (const pawl::cuda::error& error) {
    check(in, error.call() == std::string("cudaMalloc"));
  }
  // Where there is so much memory, the pool is at its end.
  runtime::endless = true;
  try {
    const Owner made(std::size_t{1} << 30U);
    check(in, false);
  } catch (const std::invalid_argument& error) {
    check(in, std::string(error.what()).find("16 GiB") != std::string::npos);
  }
  runtime::endless = false;
}

void errors(suite& tests) {
  // What is not thrown is from destructors.
  const std::set<std::string> freeing{"cudaFreeAsync"};
  tests.test_on_host("errors of constructors", [&](findings& in) {
    mistakes_of_making<stack<int>>(in);
    mistakes_of_making<queue<int>>(in);
    mistakes_of_making<hash_map<int, int>>(in);
    check(in, runtime::memory.empty());
  });
  tests.test_on_host("errors of arrays", [&](findings& in) {
    std::vector<int> numbers(10, 3);
    unsigned char results[10];
    bool* const bools = reinterpret_cast<bool*>(results);
    stack<int> a_stack(400);
    queue<int> a_queue(400);
    hash_map<int, int> a_map(400);
    each_call_fails(in, freeing, 6, [&] { a_stack.push(numbers.data(), 10); });
    each_call_fails(in, freeing, 6, [&] { a_stack.pop(numbers.data(), 3); });
    each_call_fails(in, freeing, 6, [&] { static_cast<void>(a_stack.empty()); });
    each_call_fails(in, freeing, 6, [&] { a_queue.push(numbers.data(), 10); });
    each_call_fails(in, freeing, 6, [&] { a_queue.pop(numbers.data(), 3); });
    each_call_fails(in, freeing, 6, [&] { static_cast<void>(a_queue.empty()); });
    each_call_fails(in, freeing, 6, [&] { a_map.insert(numbers.data(), numbers.data(), 10, bools); });
    each_call_fails(in, freeing, 6, [&] { a_map.insert(numbers.data(), numbers.data(), 10); });
    hash_map<int, int> of_two(2);
    const int six[] = {0, 1, 2, 3, 0, 1};
    each_call_fails(in, freeing, 12, [&] {
      of_two.insert(six, six, 6, bools);
      of_two.erase(six, 6);
    });
    each_call_fails(in, freeing, 6, [&] { a_map.find(numbers.data(), numbers.data(), 10, bools); });
    each_call_fails(in, freeing, 6, [&] { a_map.contains(numbers.data(), 10, bools); });
    each_call_fails(in, freeing, 6, [&] { a_map.erase(numbers.data(), 10, bools); });
    each_call_fails(in, freeing, 6, [&] { static_cast<void>(a_map.size()); });
    // Whole as before.
    numbers.assign(400, 3);
    while (a_stack.pop(numbers.data(), 400) != 0) {
    }
    check(in, a_stack.push(numbers.data(), 400) == 400 && a_stack.push(numbers.data(), 1) == 0);
    check(in, runtime::memory.size() == 4);
  });
}

// Made on device 1, used and destroyed by a thread that has device 0.
void devices(suite& tests) {
  tests.test_on_host("each on its device", [&](findings& in) {
    runtime::device = 1;
    stack<int> a_stack(10);
    hash_map<int, int> a_map(10);
    runtime::device = 0;
    runtime::launched_on.clear();
    const int numbers[] = {1, 2, 3};
    int popped[2] = {};
    check(in, a_stack.push(numbers, 3) == 3 && a_stack.pop(popped, 2) == 2 && !a_stack.empty());
    check(in, a_map.insert(numbers, numbers, 3) == 3 && a_map.contains(numbers, 3) == 3 && a_map.size() == 3);
    check(in, runtime::launched_on == std::set<int>{1} && runtime::device == 0);
    // An array of device 0 is another's there: copied.
    array<int> other(place::device, std::vector<int>{4, 5});
    check(in, a_stack.push(other.data(), 2) == 2 && a_map.insert(other.data(), other.data(), 2) == 2);
    // Changing a device may fail, too.
    each_call_fails(in, {"cudaFreeAsync", "cudaSetDevice"}, 8, [&] {
      runtime::device = 0;
      static_cast<void>(a_stack.empty());
      runtime::device = 0;
    });
  });
  tests.test_on_host("none is left on any device",
                     [](findings& in) { check(in, runtime::memory.empty() && runtime::device == 0); });
}

void moves(suite& tests) {
  tests.test_on_host("moves", [&](findings& in) {
    int numbers[] = {1, 2, 3};
    stack<int> first(10);
    first.push(numbers, 3);
    const auto where = first.ref();
    stack<int> second(std::move(first));
    check(in, second.ref() == where && first.ref() == nullptr && first.capacity() == 0 && second.capacity() == 10);
    stack<int> third(20);
    check(in, runtime::memory.size() == 2);
    third = std::move(second);
    check(in, runtime::memory.size() == 1 && third.ref() == where && second.ref() == nullptr && third.capacity() == 10);
    third = static_cast<stack<int>&&>(third);
    check(in, third.ref() == where && third.pop(numbers, 3) == 3);
    // Over devices, and into what was moved from.
    runtime::device = 1;
    hash_map<int, int> a_map(10);
    runtime::device = 0;
    hash_map<int, int> b_map(5);
    b_map = std::move(a_map);
    check(in, b_map.insert(numbers, numbers, 3) == 3 && b_map.capacity() == 10);
    a_map = hash_map<int, int>(7);
    check(in, a_map.capacity() == 7 && a_map.empty() && b_map.size() == 3);
    std::swap(a_map, b_map);
    check(in, a_map.size() == 3 && b_map.empty());
  });
}

}  // namespace

int main(int count, char** arguments) {
  const unsigned blocks = count > 1 ? static_cast<unsigned>(std::atoi(arguments[1])) : 4;
  const unsigned threads = count > 2 ? static_cast<unsigned>(std::atoi(arguments[2])) : 64;
  suite tests("owners");
  handles(tests);
  lists<stack>(tests, "stack", blocks * threads);
  lists<queue>(tests, "queue", blocks * threads);
  maps(tests, blocks * threads);
  errors(tests);
  moves(tests);
  devices(tests);
  return tests.finish();
}
