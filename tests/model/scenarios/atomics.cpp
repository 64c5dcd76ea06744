// SPDX-License-Identifier: BSL-1.0
// The primitives: each read-modify-write of atomic, atomic_ref and atomic_flag on two threads, tagged values, the asymmetric fences.
#include <pawl/fence.hpp>
#include <pawl/tagged.hpp>

#include <cmath>
#include <cstdint>
#include <optional>

#include "model/scenarios.hpp"

namespace scenarios {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto acq_rel = std::memory_order_acq_rel;

struct two_words {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  friend bool operator==(const two_words&, const two_words&) = default;
};

/// Two threads each change one object at once. Each returns what it found. There must be an order in which they would have found that one
/// after another on an ordinary object, and the later one knows what the earlier one did before.
template <class T, class First, class Second>
void add_changes(std::vector<scenario>& all, const std::string& name, T initial, First first, Second second) {
  all.push_back({"atomic: " + name, [=] {
                   atomic<T> object{initial};
                   model::var<int> known[2]{0, 0};
                   T found[2]{};
                   at_once(
                       [&] {
                         known[0].set(1);
                         found[0] = first(object);
                         if (!(found[0] == initial)) model::require(known[1].get() == 1, "the earlier one's past is known");
                       },
                       [&] {
                         known[1].set(1);
                         found[1] = second(object);
                         if (!(found[1] == initial)) model::require(known[0].get() == 1, "the earlier one's past is known");
                       });
                   const auto in_order = [&](bool second_comes_first) {
                     pawl::atomic<T, pawl::backend::builtin> alone{initial};
                     T would_find[2]{};
                     if (second_comes_first) would_find[1] = second(alone);
                     would_find[0] = first(alone);
                     if (!second_comes_first) would_find[1] = second(alone);
                     return found[0] == would_find[0] && found[1] == would_find[1] && object.load(relaxed) == alone.load();
                   };
                   model::require(in_order(false) || in_order(true), "they were atomic");
                 }});
  // By atomic_ref, on an object that is an ordinary one before and after.
  if constexpr (sizeof(T) <= alignof(T)) {
    all.push_back({"atomic_ref: " + name, [=] {
                     T object = initial;
                     T found[2]{};
                     T left{};
                     {
                       const pawl::atomic_ref<T, B> all_of_it(object);
                       at_once(
                           [&] {
                             pawl::atomic_ref<T, B> mine(object);
                             found[0] = first(mine);
                           },
                           [&] {
                             pawl::atomic_ref<T, B> mine(all_of_it);
                             found[1] = second(mine);
                           });
                       left = all_of_it.load(relaxed);
                     }
                     const auto in_order = [&](bool second_comes_first) {
                       T alone = initial;
                       pawl::atomic_ref<T, pawl::backend::builtin> ref(alone);
                       T would_find[2]{};
                       if (second_comes_first) would_find[1] = second(ref);
                       would_find[0] = first(ref);
                       if (!second_comes_first) would_find[1] = second(ref);
                       return found[0] == would_find[0] && found[1] == would_find[1] && left == alone;
                     };
                     model::require(in_order(false) || in_order(true), "they were atomic");
                   }});
  }
}

// One change, with an argument, so that two threads make two of them.
#define PAWL_TEST_CHANGE(call) [](auto n) { return [n](auto& object) { return call; }; }

template <class T>
void add_general_changes(std::vector<scenario>& all, const std::string& type, T initial, T one, T other) {
  const auto add = [&](const std::string& name, auto change) {
    add_changes(all, type + " " + name, initial, change(one), change(other));
  };
  const auto exchange = PAWL_TEST_CHANGE(object.exchange(n, acq_rel));
  const auto strong = [initial](T n) {
    return [=](auto& object) {
      T expected = initial;
      object.compare_exchange_strong(expected, n, acq_rel, acquire);
      return expected;
    };
  };
  const auto weak = [](T n) {
    return [n](auto& object) {
      T expected = object.load(relaxed);
      while (!object.compare_exchange_weak(expected, n, acq_rel)) {
      }
      return expected;
    };
  };
  const auto update = PAWL_TEST_CHANGE(object.fetch_update([n](T) { return n; }, acq_rel));
  const auto try_update = [initial](T n) {
    return [=](auto& object) {
      return object.try_update([=](T old) { return old == initial ? std::optional<T>(n) : std::nullopt; }, acq_rel).value_or(n);
    };
  };
  add("exchange | exchange", exchange);
  add("compare_exchange_strong | compare_exchange_strong", strong);
  add("compare_exchange_weak | compare_exchange_weak, in loops", weak);
  add("fetch_update | fetch_update", update);
  add_changes(all, type + " exchange | compare_exchange_strong", initial, exchange(one), strong(other));
  add_changes(all, type + " fetch_update | compare_exchange_weak, in a loop", initial, update(one), weak(other));
  // (Nothing found is nothing known: no acquire of a success.)
  all.push_back({"atomic: " + type + " try_update | try_update", [=] {
                   atomic<T> object{initial};
                   bool done[2]{};
                   at_once([&] { done[0] = try_update(one)(object) == initial; },
                           [&] { done[1] = try_update(other)(object) == initial; });
                   model::require(done[0] != done[1], "one of them comes first");
                   model::require(object.load(relaxed) == (done[0] ? one : other), "and it is the one");
                 }});
}

template <class T>
void add_arithmetic(std::vector<scenario>& all, const std::string& type, T initial) {
  const auto add = [&](const std::string& name, auto change) {
    add_changes(all, type + " " + name, initial, change(1), change(2));
  };
  const auto plus = PAWL_TEST_CHANGE(object.fetch_add(static_cast<pawl::detail::difference_of<T>>(n), acq_rel));
  const auto minus = PAWL_TEST_CHANGE(object.fetch_sub(static_cast<pawl::detail::difference_of<T>>(n), acq_rel));
  add("fetch_add | fetch_add", plus);
  add("fetch_sub | fetch_sub", minus);
  add_changes(all, type + " fetch_add | fetch_sub", initial, plus(1), minus(2));
}
template <class T>
void add_smaller_and_larger(std::vector<scenario>& all, const std::string& type, T middle, T small, T large) {
  const auto min = PAWL_TEST_CHANGE(object.fetch_min(n, acq_rel));
  const auto max = PAWL_TEST_CHANGE(object.fetch_max(n, acq_rel));
  add_changes(all, type + " fetch_min | fetch_max", middle, min(small), max(large));
  add_changes(all, type + " fetch_min | fetch_min", large, min(middle), min(small));
  add_changes(all, type + " fetch_max | fetch_max", small, max(middle), max(large));
}

/// Without a result: only what is left can be looked at.
template <class First, class Second>
void add_stores(std::vector<scenario>& all, const std::string& name, First first, Second second) {
  all.push_back({"atomic: " + name, [=] {
                   atomic<int> object{12};
                   int plain = 12;
                   at_once([&] { first(object); }, [&] { second(object); });
                   {
                     const pawl::atomic_ref<int, B> ref(plain);
                     at_once([&] { first(ref); }, [&] { second(ref); });
                     plain = ref.load(relaxed);
                   }
                   const auto in_order = [&](int found, bool second_comes_first) {
                     pawl::atomic<int, pawl::backend::builtin> alone{12};
                     if (second_comes_first) second(alone);
                     first(alone);
                     if (!second_comes_first) second(alone);
                     return found == alone.load();
                   };
                   const int left = object.load(relaxed);
                   model::require(in_order(left, false) || in_order(left, true), "they were atomic");
                   model::require(in_order(plain, false) || in_order(plain, true), "they were atomic by reference");
                 }});
}

/// The operators are seq_cst: two threads each change one object and look at the other's, and one of them sees the other.
template <class Change, class Look>
void add_operator(std::vector<scenario>& all, const std::string& name, Change change, Look look) {
  const auto run = [=](auto& x, auto& y) {
    bool saw[2]{};
    at_once(
        [&] {
          change(x);
          saw[0] = look(y) != 8;
        },
        [&] {
          change(y);
          saw[1] = look(x) != 8;
        });
    model::require(saw[0] || saw[1], "one of them sees the other");
  };
  all.push_back({"atomic: " + name + ", then look at the other | the same", [=] {
                   atomic<int> x{8};
                   atomic<int> y{8};
                   run(x, y);
                 }});
  all.push_back({"atomic_ref: " + name + ", then look at the other | the same", [=] {
                   int x = 8;
                   int y = 8;
                   const pawl::atomic_ref<int, B> to_x(x);
                   const pawl::atomic_ref<int, B> to_y(y);
                   run(to_x, to_y);
                 }});
}

/// A stack of two nodes, numbered, under a word with a tag: a pop that is late must fail although its node has come back.
template <class Word, class Value, class Node>
void add_tagged(std::vector<scenario>& all, const std::string& name, Node node) {
  all.push_back({"tagged: a late pop | pop, pop, push the first again, " + name, [=] {
                   // Number i has its successor at i.
                   atomic<int> next[3]{0, 0, 1};
                   atomic<Word> head{Word().next(node(2))};
                   const auto number = [&](const Word& w) {
                     for (int i = 1; i < 3; ++i) {
                       if (Word(w) == w && node.is(w, i)) return i;
                     }
                     return 0;
                   };
                   const auto pop = [&] {
                     Word top = head.load(acquire);
                     for (;;) {
                       const int i = number(top);
                       if (i == 0) return 0;
                       const int below = next[i].load(relaxed);
                       if (head.compare_exchange_weak(top, top.next(node(below)), acq_rel, acquire)) return i;
                     }
                   };
                   const auto push = [&](int i) {
                     Word top = head.load(relaxed);
                     do {
                       next[i].store(number(top), relaxed);
                     } while (!head.compare_exchange_weak(top, top.next(node(i)), release, relaxed));
                   };
                   int popped[3]{};
                   at_once([&] { ++popped[pop()]; },
                           [&] {
                             const int first = pop();
                             ++popped[pop()];
                             if (first != 0) push(first);
                           });
                   for (int i = pop(); i != 0; i = pop()) ++popped[i];
                   model::require(popped[1] == 1 && popped[2] == 1, "each is there once");
                 }});
}
// How a number is kept in such a word.
struct as_index {
  std::uint32_t operator()(int i) const { return static_cast<std::uint32_t>(i); }
  static bool is(const pawl::tagged<std::uint32_t>& w, int i) { return w.value == static_cast<std::uint32_t>(i); }
};
struct as_pointer {
  static inline char nodes[3];
  char* operator()(int i) const { return i == 0 ? nullptr : nodes + i; }
  static bool is(const pawl::tagged<char*>& w, int i) { return w.value == nodes + i; }
  static bool is(const pawl::packed_ptr<char>& w, int i) { return w.pointer() == nodes + i; }
};

}  // namespace

void add_atomics(std::vector<scenario>& all) {
  add_general_changes<int>(all, "int", 0, 1, 2);
  add_general_changes<std::uint8_t>(all, "byte", 0, 1, 2);
  add_general_changes<bool>(all, "bool", false, true, true);
  add_general_changes<two_words>(all, "16 bytes", {0, 0}, {1, 2}, {3, 4});
  add_general_changes<double>(all, "double", 0.5, 1.5, 2.5);
  static const int places[4] = {};
  add_general_changes<const int*>(all, "pointer", places, places + 1, places + 2);

  add_arithmetic<int>(all, "int", 10);
  add_arithmetic<std::uint8_t>(all, "byte", 255);
  add_arithmetic<double>(all, "double", 0.5);
  add_arithmetic<const int*>(all, "pointer", places + 2);
  add_smaller_and_larger<int>(all, "int", 0, -1, 1);
  add_smaller_and_larger<std::uint64_t>(all, "8 bytes, unsigned,", 5, 4, 6);
  add_smaller_and_larger<double>(all, "double", 0.0, -1.0, 1.0);
  add_smaller_and_larger<const int*>(all, "pointer", places + 1, places, places + 2);
  const auto both = PAWL_TEST_CHANGE(object.fetch_and(n, acq_rel));
  const auto either = PAWL_TEST_CHANGE(object.fetch_or(n, acq_rel));
  const auto one = PAWL_TEST_CHANGE(object.fetch_xor(n, acq_rel));
  add_changes(all, "int fetch_and | fetch_and", 7, both(3), both(5));
  add_changes(all, "int fetch_or | fetch_or", 0, either(3), either(5));
  add_changes(all, "int fetch_xor | fetch_xor", 0, one(3), one(5));
  add_changes(all, "int fetch_and | fetch_or", 7, both(3), either(8));
  add_changes(all, "int fetch_or | fetch_xor", 0, either(3), one(5));
  add_changes(all, "int ++ | --", 10, [](auto& object) { return object++; }, [](auto& object) { return object--; });

  const auto load = [](auto& object) { return object.load(); };
  add_operator(all, "=", [](auto& object) { object = 1; }, load);
  add_operator(all, "++", [](auto& object) { object++; }, load);
  add_operator(all, "--", [](auto& object) { object--; }, load);
  add_operator(all, "++ before", [](auto& object) { ++object; }, load);
  add_operator(all, "-- before", [](auto& object) { --object; }, load);
  add_operator(all, "&=", [](auto& object) { object &= 7; }, load);
  add_operator(all, "|=", [](auto& object) { object |= 7; }, load);
  add_operator(all, "^=", [](auto& object) { object ^= 7; }, load);
  add_operator(
      all, "store, and as a value", [](auto& object) { object.store(1); }, [](auto& object) { return static_cast<int>(object); });

  add_stores(
      all, "store_add | store_sub", [](auto& object) { object.store_add(3, relaxed); },
      [](auto& object) { object.store_sub(4, relaxed); });
  add_stores(
      all, "store_and | store_or", [](auto& object) { object.store_and(4, relaxed); },
      [](auto& object) { object.store_or(9, relaxed); });
  add_stores(
      all, "store_xor | store_or", [](auto& object) { object.store_xor(9, relaxed); },
      [](auto& object) { object.store_or(3, relaxed); });
  add_stores(
      all, "store_min | store_max", [](auto& object) { object.store_min(3, relaxed); },
      [](auto& object) { object.store_max(20, relaxed); });
  add_stores(
      all, "store_add | fetch_add", [](auto& object) { object.store_add(3, release); },
      [](auto& object) { object.fetch_add(4, acquire); });
  add_stores(all, "store | exchange", [](auto& object) { object.store(3); }, [](auto& object) { object.exchange(4); });
  // What a result-less change publishes, a load acquires.
  all.push_back({"atomic: store_add publishes", [] {
                   atomic<int> object{0};
                   model::var<int> known{0};
                   at_once(
                       [&] {
                         known.set(1);
                         object.store_add(1, release);
                       },
                       [&] {
                         if (object.load(acquire) == 1) model::require(known.get() == 1, "what came before");
                       });
                 }});

  all.push_back({"atomic_flag: test_and_set | test_and_set", [] {
                   pawl::atomic_flag<B> flag;
                   bool was[2]{};
                   at_once([&] { was[0] = flag.test_and_set(relaxed); }, [&] { was[1] = flag.test_and_set(relaxed); });
                   model::require(was[0] != was[1] && flag.test(relaxed), "one of them came first");
                 }});
  all.push_back({"atomic_flag: set, clear | test_and_set, clear", [] {
                   pawl::atomic_flag<B> flag;
                   model::var<int> guarded{0};
                   const auto use = [&] {
                     if (flag.test_and_set(acquire)) return;
                     guarded.set(guarded.get() + 1);
                     flag.clear(release);
                   };
                   at_once(use, use);
                   model::require(!flag.test(relaxed) && guarded.get() >= 1, "it is clear at the end");
                 }});

  using index = pawl::tagged<std::uint32_t>;
  add_general_changes<index>(all, "tagged index", index(), index().next(1), index().next(2));
  using pointer = pawl::tagged<const int*>;
  add_general_changes<pointer>(all, "tagged pointer", pointer(), pointer().next(places), pointer().next(places + 1));
  add_tagged<index, std::uint32_t>(all, "an index", as_index{});
  add_tagged<pawl::tagged<char*>, char*>(all, "a pointer of 16 bytes", as_pointer{});
  add_tagged<pawl::packed_ptr<char>, char*>(all, "a packed pointer", as_pointer{});
}

#undef PAWL_TEST_CHANGE

void add_fences(std::vector<scenario>& all) {
  // Each thread announces itself, then looks for the other: by a light and a heavy fence, one of them sees the other.
  all.push_back({"fence: store, light, load | store, heavy, load", [] {
                   atomic<int> x{0};
                   atomic<int> y{0};
                   int seen[2]{};
                   at_once(
                       [&] {
                         x.store(1, relaxed);
                         pawl::asymmetric_thread_fence_light<B>();
                         seen[0] = y.load(relaxed);
                       },
                       [&] {
                         y.store(1, relaxed);
                         pawl::asymmetric_thread_fence_heavy<B>();
                         seen[1] = x.load(relaxed);
                       });
                   model::require(seen[0] + seen[1] >= 1, "one of them sees the other");
                 }});
  all.push_back({"fence: store, light, load | store, light, load | store, heavy, load", [] {
                   atomic<int> place[3]{0, 0, 0};
                   int seen[3]{};
                   const auto light = [&](int i) {
                     return [&, i] {
                       place[i].store(1, relaxed);
                       pawl::asymmetric_thread_fence_light<B>();
                       seen[i] = place[2].load(relaxed);
                     };
                   };
                   at_once(light(0), light(1), [&] {
                     place[2].store(1, relaxed);
                     pawl::asymmetric_thread_fence_heavy<B>();
                     seen[2] = place[0].load(relaxed) + 2 * place[1].load(relaxed);
                   });
                   model::require(seen[0] == 1 || (seen[2] & 1) != 0, "the first or the third sees the other");
                   model::require(seen[1] == 1 || (seen[2] & 2) != 0, "the second or the third sees the other");
                 }});
  // A heavy fence is a full one on both sides, and is ordered against a plain one.
  const auto both_see = [&all](const std::string& name, auto first, auto second) {
    all.push_back({"fence: store, " + name + ", load", [=] {
                     atomic<int> x{0};
                     atomic<int> y{0};
                     int seen[2]{};
                     at_once(
                         [&] {
                           x.store(1, relaxed);
                           first();
                           seen[0] = y.load(relaxed);
                         },
                         [&] {
                           y.store(1, relaxed);
                           second();
                           seen[1] = x.load(relaxed);
                         });
                     model::require(seen[0] + seen[1] >= 1, "one of them sees the other");
                   }});
  };
  const auto heavy = [] { pawl::asymmetric_thread_fence_heavy<B>(); };
  const auto full = [] { B::thread_fence(std::memory_order_seq_cst); };
  both_see("heavy, load | store, heavy", heavy, heavy);
  both_see("heavy, load | store, full", heavy, full);
  both_see("full, load | store, full", full, full);
  all.push_back({"fence: heavy of release, then a store | a load, then light of acquire", [] {
                   atomic<int> ready{0};
                   model::var<int> known{0};
                   at_once(
                       [&] {
                         known.set(1);
                         pawl::asymmetric_thread_fence_heavy<B>(release);
                         ready.store(1, relaxed);
                       },
                       [&] {
                         if (ready.load(relaxed) == 0) return;
                         pawl::asymmetric_thread_fence_light<B>(acquire);
                         model::require(known.get() == 1, "what came before the release");
                       });
                 }});
  all.push_back({"fence: light of release, then a store | a load, then heavy of acquire", [] {
                   atomic<int> ready{0};
                   model::var<int> known{0};
                   at_once(
                       [&] {
                         known.set(1);
                         pawl::asymmetric_thread_fence_light<B>(release);
                         ready.store(1, relaxed);
                       },
                       [&] {
                         if (ready.load(relaxed) == 0) return;
                         pawl::asymmetric_thread_fence_heavy<B>(acquire);
                         model::require(known.get() == 1, "what came before the release");
                       });
                 }});
}

}  // namespace scenarios
