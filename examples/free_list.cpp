// SPDX-License-Identifier: BSL-1.0
// A free list: a fixed number of buffers that threads take and give back.
//
// Shows a pawl::stack over a fixed tagged_pool: after the constructor nothing is allocated, taking and giving back never fail for want
// of memory, and no thread ever waits for another. Last in, first out is what a free list wants: the buffer that comes back last is the
// one that is still in the cache.
//
// What to look at: `buffers`, where an index names a buffer and the stack holds indices, and `lease`, which can't forget to give back.
// There is no memory order here to get wrong: a push happens before what follows the pop that returns its element, so who takes a
// buffer finds all that the last owner wrote.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <set>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include <pawl/atomic.hpp>
#include <pawl/stack.hpp>
#include <pawl/tagged_pool.hpp>

namespace {

class buffers {
 public:
  static constexpr std::size_t buffer_size = 4096;

  explicit buffers(std::uint32_t count) : memory_(count), pool_(count) {
    for (std::uint32_t i = 0; i < count; ++i) free_.push(i);
  }

  // A buffer, until the lease ends.
  class lease {
   public:
    lease(lease&& other) noexcept : from_(std::exchange(other.from_, nullptr)), index_(other.index_) {}
    lease& operator=(lease&&) = delete;
    ~lease() {
      // The pool has a node for every index, and this index is in no node now: so there is one, and push doesn't throw.
      if (from_ != nullptr) from_->free_.push(index_);
    }
    [[nodiscard]] std::span<unsigned char, buffer_size> bytes() const noexcept { return from_->memory_[index_]; }

   private:
    friend class buffers;
    lease(buffers& from, std::uint32_t index) noexcept : from_(&from), index_(index) {}
    buffers* from_;
    std::uint32_t index_;
  };

  // Nothing where all buffers are taken.
  std::optional<lease> take() {
    const std::optional<std::uint32_t> index = free_.try_pop();
    if (!index) return std::nullopt;
    return lease(*this, *index);
  }

 private:
  std::vector<std::array<unsigned char, buffer_size>> memory_;
  pawl::tagged_pool<> pool_;
  pawl::stack<std::uint32_t, pawl::tagged_pool<>> free_{pool_};
};

constexpr std::uint32_t buffer_count = 3;
constexpr unsigned char thread_count = 4;
constexpr int leases_each = 5'000;

// Writes this thread's number into all of a buffer and looks whether it stays; returns how often it didn't.
int work(buffers& shared, unsigned char number) {
  int disturbed = 0;
  for (int done = 0; done < leases_each;) {
    const auto buffer = shared.take();
    if (!buffer) {
      std::this_thread::yield();
      continue;
    }
    for (unsigned char& each : buffer->bytes()) each = number;
    if (done % 100 == 0) std::this_thread::yield();  // so that others run meanwhile, even on one core
    bool alone = true;
    for (const unsigned char each : buffer->bytes()) alone = alone && each == number;
    if (!alone) ++disturbed;
    ++done;
  }
  return disturbed;
}

}  // namespace

int main() {  // NOLINT(bugprone-exception-escape): an example ends where memory does
  buffers shared(buffer_count);
  pawl::atomic<int> disturbed{0};
  std::vector<std::thread> threads;
  threads.reserve(thread_count);
  for (unsigned char number = 0; number < thread_count; ++number) {
    // relaxed: a sum, read after join()
    threads.emplace_back([&, number] { disturbed.store_add(work(shared, number), std::memory_order_relaxed); });
  }
  for (auto& each : threads) each.join();

  std::set<const unsigned char*> different;
  std::vector<buffers::lease> all;
  while (auto buffer = shared.take()) {
    different.insert(buffer->bytes().data());
    all.push_back(std::move(*buffer));
  }
  const int trouble = disturbed.load(std::memory_order_relaxed);
  std::printf("%d leases, %d disturbed\n", thread_count * leases_each, trouble);
  std::printf("%zu of %u buffers came back, %zu different ones\n", all.size(), buffer_count, different.size());
  return trouble == 0 && all.size() == buffer_count && different.size() == buffer_count ? 0 : 1;
}
