// SPDX-License-Identifier: BSL-1.0
// Objects that wait for their end, because somebody may still read them.
#pragma once

#include <cstddef>
#include <utility>

#include "../atomic.hpp"

namespace pawl::inline v0::detail {

/// In every object that can be retired. Its fields are written by the retiring thread and read by the one that reclaims.
struct retirable {
  using reclaim_function = void (*)(retirable*, void* domain) noexcept;
  retirable* next_retired;
  reclaim_function reclaim;

  // A copy is another object, which nobody has retired.
  retirable() = default;
  retirable(const retirable& /*other*/) noexcept {}  // NOLINT(cppcoreguidelines-pro-type-member-init)
  // NOLINTNEXTLINE(bugprone-unhandled-self-assignment): it copies nothing
  retirable& operator=(const retirable& /*other*/) noexcept { return *this; }
  ~retirable() = default;
};

/// Objects in a singly linked list, with their number.
template <class B>
struct retired_list {
  retirable* first = nullptr;
  retirable* last = nullptr;
  std::size_t size = 0;

  void push(retirable* object) noexcept {
    write_shared<B>(object->next_retired, first);
    if (first == nullptr) last = object;
    first = object;
    ++size;
  }
  retirable* pop() noexcept {
    retirable* const object = first;
    first = read_shared<B>(object->next_retired);
    --size;
    return object;
  }
  void take_all(retired_list& other) noexcept {
    if (other.first == nullptr) return;
    if (first == nullptr) {
      last = other.last;
    } else {
      write_shared<B>(other.last->next_retired, first);
    }
    first = other.first;
    size += other.size;
    other = {};
  }
};

/// Retired by threads that could not keep it themselves: any thread adds, and who takes, takes all. Lock-free.
template <class B>
class orphanage {
 public:
  void push(retirable* object) noexcept {
    total_.fetch_add(1, std::memory_order_relaxed);
    retirable* head = first_.load(std::memory_order_relaxed);
    do {
      write_shared<B>(object->next_retired, head);
      // (1) release: publishes the object's fields to (2). The list is only ever taken whole, so a returning head is no harm.
    } while (!first_.compare_exchange_weak(head, object, std::memory_order_release, std::memory_order_relaxed));
  }
  void take_all(retired_list<B>& into) noexcept {
    if (first_.load(std::memory_order_relaxed) == nullptr) return;
    // (2) acquire: pairs with (1)
    retirable* each = first_.exchange(nullptr, std::memory_order_acquire);
    while (each != nullptr) {
      retirable* const next = read_shared<B>(each->next_retired);
      into.push(each);
      each = next;
    }
  }
  /// How many were ever added.
  [[nodiscard]] std::uint64_t total() const noexcept { return total_.load(std::memory_order_relaxed); }

 private:
  atomic<retirable*, B> first_{nullptr};
  atomic<std::uint64_t, B> total_{0};
};

/// Only the owner writes: so load and store, no read-modify-write.
template <class B>
void add_to(atomic<std::uint64_t, B>& counter, std::uint64_t n) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

/// `reclaim` of the public bases of retired objects, Self, whose deleter gets a T*.
struct object_end {
  template <class B, class Self, class T>
  static void run(retirable* object, void* /*domain*/) noexcept {
    auto* const self = static_cast<Self*>(object);
    announce_write<B>(self->deleter_);
    auto deleter = std::move(self->deleter_);
    deleter(static_cast<T*>(self));
  }
};

}  // namespace pawl::inline v0::detail
