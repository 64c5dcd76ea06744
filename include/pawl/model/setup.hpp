// SPDX-License-Identifier: BSL-1.0
// Objects that exist as if they had been made before all threads: each thread's part of an owner (environment::per_thread), and the
// process's (environment::global).
//
// A scan walks over the objects of all threads. If an object were there only once its thread has come to it, what the scan reads would
// depend on an order that the graph doesn't hold. So the first thread that asks has all of them made, for every thread that was ever seen;
// their construction is no part of the graph, and what it leaves in atomics is their initial value. Where a new thread is seen after that,
// the check begins again, and knows it from then on.
//
// The memory of each object is the same in all runs: a region of its own for each (owner, thread).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "buffer.hpp"
#include "clock.hpp"

namespace pawl::inline v0::model::detail {

/// How an owner makes an object: kept over runs, so that a walk may come before the first thread that asks.
class maker {
 public:
  maker() = default;
  template <class Make>
  explicit maker(const Make& make) noexcept
      : call_([](const void* captured) -> void* { return (*static_cast<const Make*>(captured))(); }) {
    static_assert(std::is_trivially_copyable_v<Make> && sizeof(Make) <= sizeof captured_,
                  "environment<backend::model>::per_thread: get's function captures one pointer at most");
    std::memcpy(static_cast<void*>(captured_), static_cast<const void*>(&make), sizeof(Make));
  }
  explicit operator bool() const noexcept { return call_ != nullptr; }
  void* operator()() const { return call_(captured_); }

 private:
  void* (*call_)(const void*) = nullptr;
  alignas(void*) std::byte captured_[sizeof(void*)] = {};
};

/// An owner of per-thread objects, by its address; kept over runs.
struct owner {
  const void* address;
  maker make;
  std::uint32_t run;  // in which it was begun last
  std::uint32_t generation;  // how many owners this run has had at the address before
  bool made;  // in this run: objects of all threads
  bool walked;  // once while nothing was made and nobody knew how
  void* objects[max_threads];
};

class setup {
 public:
  /// Regions for objects; more make an execution fail.
  static constexpr unsigned most_regions = 512;

  void new_run() noexcept {
    ++run_;
    globals_.clear();
  }
  /// An owner's life begins.
  void begin_owner(const void* address) {
    owner& o = at(address);
    o.generation = o.run == run_ ? o.generation + 1 : 0;
    o.run = run_;
    o.made = false;
  }
  /// Valid until the next begin_owner.
  owner& at(const void* address) {
    for (owner& each : owners_) {
      if (each.address == address) return each;
    }
    owner fresh{};
    fresh.address = address;
    owners_.push_back(fresh);
    return owners_.back();
  }
  /// The region of what an owner has for a thread; most_regions where there are no more.
  unsigned region_of(const void* owner, std::uint32_t generation, unsigned thread) {
    for (std::size_t i = 0; i < regions_.size(); ++i) {
      const region& each = regions_[i];
      if (each.owner == owner && each.generation == generation && each.thread == thread) return static_cast<unsigned>(i);
    }
    if (regions_.size() == most_regions) return most_regions;
    regions_.push_back({owner, generation, thread});
    return static_cast<unsigned>(regions_.size() - 1);
  }

  /// The process's objects of this run, in the order of their making.
  struct global {
    const void* type;
    void* object;
    void (*destroy)(void*);
  };
  [[nodiscard]] void* find_global(const void* type) const noexcept {
    for (const global& each : globals_) {
      if (each.type == type) return each.object;
    }
    return nullptr;
  }
  buffer<global>& globals() noexcept { return globals_; }

 private:
  struct region {
    const void* owner;
    std::uint32_t generation;
    unsigned thread;
  };
  buffer<owner> owners_;
  buffer<region> regions_;
  buffer<global> globals_;
  std::uint32_t run_ = 0;
};

}  // namespace pawl::inline v0::model::detail
