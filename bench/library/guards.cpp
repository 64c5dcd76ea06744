// SPDX-License-Identifier: BSL-1.0
#include "guards.hpp"

#include <mutex>

#include <benchmark/benchmark.h>

#include "pawl/hash_map.hpp"
#include "pawl/hazard_pointer.hpp"
#include "pawl/rcu.hpp"
#include "pawl/stack.hpp"
#include "pawl/tagged_pool.hpp"

namespace {

struct object : pawl::hazard_pointer_obj_base<object> {
  std::uint64_t value = 0;
};
object target;
alignas(128) pawl::atomic<object*> source{&target};

void make_and_end(std::uint64_t times) {
  for (std::uint64_t i = 0; i < times; ++i) {
    pawl::hazard_pointer guard = pawl::make_hazard_pointer();
    benchmark::DoNotOptimize(&guard);
  }
}
void protect(std::uint64_t times) {
  pawl::hazard_pointer guard = pawl::make_hazard_pointer();
  for (std::uint64_t i = 0; i < times; ++i) {
    benchmark::DoNotOptimize(guard.protect(source)->value);
    guard.reset_protection();
  }
}
template <class Lockable>
void read_in_sections(Lockable& lockable, std::uint64_t times) {
  for (std::uint64_t i = 0; i < times; ++i) {
    const std::scoped_lock section(lockable);
    benchmark::DoNotOptimize(source.load(std::memory_order_acquire)->value);
  }
}
void section(std::uint64_t times) { read_in_sections(pawl::rcu_default_domain(), times); }
void kept_section(std::uint64_t times) {
  pawl::rcu_domain::reader reader(pawl::rcu_default_domain());
  read_in_sections(reader, times);
}
void stack_pair(std::uint64_t times) {
  static pawl::stack<std::uint64_t> stack;
  for (std::uint64_t i = 0; i < times; ++i) {
    stack.push(i);
    benchmark::DoNotOptimize(stack.try_pop());
  }
}
void pooled_stack_pair(std::uint64_t times) {
  static pawl::stack<std::uint64_t, pawl::tagged_pool<>> stack;
  for (std::uint64_t i = 0; i < times; ++i) {
    stack.push(i);
    benchmark::DoNotOptimize(stack.try_pop());
  }
}
void map_find(std::uint64_t times) {
  static pawl::hash_map<std::uint64_t, std::uint64_t> map;
  constexpr std::uint64_t keys = 1024;
  if (!map.find(0)) {
    for (std::uint64_t key = 0; key < keys; ++key) map.insert(key, key);
  }
  for (std::uint64_t i = 0; i < times; ++i) benchmark::DoNotOptimize(map.find(i % keys));
}

}  // namespace

extern "C" [[gnu::visibility("default")]] const guard_functions PAWL_GUARDS{make_and_end, protect,           section, kept_section,
                                                                            stack_pair,   pooled_stack_pair, map_find};
