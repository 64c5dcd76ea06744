// SPDX-License-Identifier: BSL-1.0
// Every operation of atomics of every size, of locks, and of containers over every reclaimer, as object code: calls.py looks at what it calls. The
// orders are parameters here, so each operation is there with all of them, optimized or not.
#include <cstdint>
#include <functional>
#include <mutex>

#include <pawl/pawl.hpp>

namespace pawl_test {

// Results go here, so that none is unused.
volatile std::uint64_t sink;

template <class T>
void keep(T value) {
  sink = reinterpret_cast<const volatile unsigned char&>(value);
}

template <class A, class T>
void exchange_all(A& a, T v, T& e, std::memory_order order, std::memory_order failure) {
  keep(a.load(order));
  a.store(v, order);
  keep(a.exchange(v, order));
  a.exchange(v, order);
  keep(a.compare_exchange_weak(e, v, order, failure));
  keep(a.compare_exchange_strong(e, v, order, failure));
  keep(a.fetch_update([v](T) { return v; }, order));
}

template <class A, class T>
void compare_all(A& a, T v, std::memory_order order) {
  keep(a.fetch_min(v, order));
  keep(a.fetch_max(v, order));
  a.store_min(v, order);
  a.store_max(v, order);
}

template <class A, class D>
void count_all(A& a, D n, std::memory_order order) {
  keep(a.fetch_add(n, order));
  keep(a.fetch_sub(n, order));
  a.fetch_add(n, order);
  a.fetch_sub(n, order);
  a.store_add(n, order);
  a.store_sub(n, order);
}

template <class A, class T>
void integer_all(A& a, T v, std::memory_order order) {
  keep(a.fetch_and(v, order));
  keep(a.fetch_or(v, order));
  keep(a.fetch_xor(v, order));
  a.fetch_and(v, order);
  a.fetch_or(v, order);
  a.fetch_xor(v, order);
  a.store_and(v, order);
  a.store_or(v, order);
  a.store_xor(v, order);
}

template <class B, class T>
void integers(void* at, T v, T& e, std::memory_order order, std::memory_order failure) {
  auto& a = *static_cast<pawl::atomic<T, B>*>(at);
  exchange_all(a, v, e, order, failure);
  compare_all(a, v, order);
  count_all(a, v, order);
  integer_all(a, v, order);
  keep(a.fetch_add_sat(v, order));
  keep(a.fetch_inc_wrap(v, order));
  keep(a.fetch_inc_below(v, order));
  a.wait(v, order);
  a.notify_one();
  pawl::atomic_ref<T, B> reference(e);
  exchange_all(reference, v, *static_cast<T*>(at), order, failure);
  compare_all(reference, v, order);
  count_all(reference, v, order);
  integer_all(reference, v, order);
}

template <class B>
void words(void* at, std::uint64_t v, void* e, std::memory_order order, std::memory_order failure) {
  const auto each = [&]<class T>(T) { integers<B>(at, static_cast<T>(v), *static_cast<T*>(e), order, failure); };
  each(std::uint8_t{});
  each(std::int8_t{});
  each(std::uint16_t{});
  each(std::int16_t{});
  each(std::uint32_t{});
  each(std::int32_t{});
  each(std::uint64_t{});
  each(std::int64_t{});
  auto& boolean = *static_cast<pawl::atomic<bool, B>*>(at);
  exchange_all(boolean, v != 0, *static_cast<bool*>(e), order, failure);
  auto& pointer = *static_cast<pawl::atomic<int*, B>*>(at);
  exchange_all(pointer, static_cast<int*>(at), *static_cast<int**>(e), order, failure);
  count_all(pointer, static_cast<std::ptrdiff_t>(v), order);
  auto& floating = *static_cast<pawl::atomic<double, B>*>(at);
  exchange_all(floating, static_cast<double>(v), *static_cast<double*>(e), order, failure);
  count_all(floating, static_cast<double>(v), order);
  compare_all(floating, static_cast<double>(v), order);
  auto& flag = *static_cast<pawl::atomic_flag<B>*>(at);
  keep(flag.test_and_set(order));
  keep(flag.test(order));
  flag.clear(order);
  flag.wait(true, order);
  flag.notify_all();
  if constexpr (B::has_double_width) {
    auto& wide = *static_cast<pawl::atomic<pawl::tagged<int*>, B>*>(at);
    exchange_all(wide, pawl::tagged<int*>{nullptr, v}, *static_cast<pawl::tagged<int*>*>(e), order, failure);
  }
  B::thread_fence(order);
  B::pause();
}

template <class List>
void use_list(List& list) {
  list.push(1);
  list.emplace(1);
  keep(list.try_push(1));
  int value = 0;
  keep(list.try_pop(value));
  keep(list.try_pop().has_value());
}

template <class R>
void use_map(R& domain) {
  pawl::hash_map<int, int, std::hash<int>, std::equal_to<int>, R> map(domain);
  keep(map.insert(1, 2));
  keep(map.try_emplace(1, 2));
  keep(map.insert_or_assign(1, 2));
  keep(map.find(1).has_value());
  keep(map.contains(1));
  keep(map.erase(1));
  keep(map.update(1, [](int value) { return value + 1; }));
  keep(map.upsert(1, [](const auto& value) { return value.value_or(0); }));
  map.visit_all([](int, int) {});
  if constexpr (requires { map.reserve(100); }) map.reserve(100);
  map.clear();
}

template <class R>
void use_lists(R& domain) {
  pawl::stack<int, R> stack(domain);
  pawl::queue<int, R> queue(domain);
  use_list(stack);
  use_list(queue);
}

template <class Lock>
void use_lock() {
  static Lock lock;
  const std::scoped_lock section(lock);
  keep(1);
}

template <class T>
void use_linked() {
  static pawl::llsc<T> word;
  auto link = word.load_linked();
  keep(link.value());
  keep(link.validate());
  keep(link.store_conditional(T(1)));
}

void use_all(void* at, std::uint64_t v, void* e, std::memory_order order, std::memory_order failure) {
  words<pawl::native>(at, v, e, order, failure);
  words<pawl::backend::builtin>(at, v, e, order, failure);
  pawl::hazard_pointers<> hazards;
  pawl::epochs<> epochs;
  pawl::tagged_pool<> growing;
  pawl::tagged_pool<> fixed{100};
  use_lists(hazards);
  use_lists(epochs);
  use_lists(growing);
  use_lists(fixed);
  use_map(hazards);
  use_map(epochs);
  use_map(growing);
  use_map(fixed);
  use_lock<pawl::tas_lock<>>();
  use_lock<pawl::ttas_lock<>>();
  use_lock<pawl::ticket_lock<>>();
  use_lock<pawl::mcs_lock<>>();
  use_linked<std::uint32_t>();
  use_linked<bool>();
  hazards.reclaim();
  epochs.reclaim();
  auto protection = pawl::make_hazard_pointer();
  keep(protection.protect(*static_cast<pawl::atomic<int*>*>(at)));
  pawl::rcu_synchronize();
  pawl::rcu_barrier();
  pawl::asymmetric_thread_fence_light();
  pawl::asymmetric_thread_fence_heavy();
}

}  // namespace pawl_test
