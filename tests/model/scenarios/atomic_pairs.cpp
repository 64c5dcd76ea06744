// SPDX-License-Identifier: BSL-1.0
// atomic, atomic_ref and atomic_flag: all pairs of operations on one object, each with each, and triples of those that differ most. What the
// threads find, and what is left, must have an order in which an ordinary object gives the same.
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "model/scenarios.hpp"

namespace scenarios {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto acq_rel = std::memory_order_acq_rel;

constexpr int initial = 12;

/// What a history is compared with. The operation is the same template as the checked one, by a backend that nobody else uses here.
struct ordinary {
  int value = initial;
  friend bool operator==(const ordinary&, const ordinary&) = default;
};

/// One operation, with a number that differs from thread to thread. `finds`: its result is what it read by acquire, so whoever finds another
/// value than the initial one knows what the one did who stored it.
struct operation {
  std::string name;
  std::function<int(atomic<int>&, int)> on_atomic;
  std::function<int(const pawl::atomic_ref<int, B>&, int)> on_ref;
  std::function<int(ordinary&, int)> alone;
  bool finds;
};
enum class result { found, other };
template <class F>
operation make(const std::string& call, result is, F f) {
  return {call.substr(0, call.find('(')), f, f,
          [f](ordinary& o, int n) {
            const pawl::atomic_ref<int, pawl::backend::builtin> ref(o.value);
            return f(ref, n);
          },
          is == result::found};
}

#define PAWL_TEST_FETCH(call) make(#call, result::found, [](auto& object, int n) { return object.call; })
#define PAWL_TEST_STORE(call)                          \
  make(#call, result::other, [](auto& object, int n) { \
    object.call;                                       \
    return 0;                                          \
  })

operation load() {
  return make("load", result::found, [](auto& object, int /*n*/) { return object.load(acquire); });
}
operation compare_exchange() {
  return make("compare_exchange_strong", result::found, [](auto& object, int n) {
    int expected = initial;
    object.compare_exchange_strong(expected, 20 + n, acq_rel, acquire);
    return expected;
  });
}

std::vector<operation> all_operations() {
  return {
      load(),
      PAWL_TEST_STORE(store(40 + n, release)),
      PAWL_TEST_FETCH(exchange(30 + n, acq_rel)),
      compare_exchange(),
      // One that fails where the other changes nothing.
      make("compare_exchange_strong of another value", result::found,
           [](auto& object, int n) {
             int expected = 40 + (3 - n);
             object.compare_exchange_strong(expected, 50 + n, acq_rel, acquire);
             return expected;
           }),
      make("compare_exchange_weak, in a loop", result::found,
           [](auto& object, int n) {
             int expected = object.load(relaxed);
             while (!object.compare_exchange_weak(expected, 2 * expected + n, acq_rel)) {
             }
             return expected;
           }),
      make("fetch_update", result::found,
           [](auto& object, int n) { return object.fetch_update([n](int old) { return 3 * old + n; }, acq_rel); }),
      // (Where it does nothing, it need not have acquired anything.)
      make("try_update", result::other,
           [](auto& object, int n) {
             return object
                 .try_update([n](int old) { return old % 2 == 0 ? std::optional<int>(old + 5 * n) : std::nullopt; }, acq_rel)
                 .value_or(-1);
           }),
      PAWL_TEST_FETCH(fetch_add(n, acq_rel)),
      PAWL_TEST_FETCH(fetch_sub(2 * n, acq_rel)),
      PAWL_TEST_FETCH(fetch_and(4 * n, acq_rel)),
      PAWL_TEST_FETCH(fetch_or(n, acq_rel)),
      PAWL_TEST_FETCH(fetch_xor(4 + n, acq_rel)),
      PAWL_TEST_FETCH(fetch_min(10 - n, acq_rel)),
      PAWL_TEST_FETCH(fetch_max(14 + n, acq_rel)),
      PAWL_TEST_FETCH(fetch_add_sat(n, acq_rel)),
      PAWL_TEST_FETCH(fetch_inc_wrap(initial + n - 1, acq_rel)),
      PAWL_TEST_FETCH(fetch_inc_below(initial + n - 1, acq_rel)),
      PAWL_TEST_STORE(store_add(n, release)),
      PAWL_TEST_STORE(store_sub(2 * n, release)),
      PAWL_TEST_STORE(store_and(4 * n, release)),
      PAWL_TEST_STORE(store_or(n, release)),
      PAWL_TEST_STORE(store_xor(4 + n, release)),
      PAWL_TEST_STORE(store_min(10 - n, release)),
      PAWL_TEST_STORE(store_max(14 + n, release)),
  };
}

/// The threads' operations, in a history.
class race_between {
 public:
  explicit race_between(std::vector<operation> all) : all_(std::move(all)) {}

  void on_atomic() const {
    atomic<int> object{initial};
    history h;
    run(h, [&](std::size_t i) { return all_[i].on_atomic(object, number(i)); });
    h.call([&] { return object.load(relaxed); }, [](const ordinary& o) { return o.value; });
  }
  void on_ref() const {
    int object = initial;
    history h;
    {
      const pawl::atomic_ref<int, B> ref(object);
      run(h, [&](std::size_t i) { return all_[i].on_ref(ref, number(i)); });
      h.call([&] { return ref.load(relaxed); }, [](const ordinary& o) { return o.value; });
    }
  }
  [[nodiscard]] std::string name() const {
    std::string text;
    for (const operation& each : all_) text += (text.empty() ? "" : " | ") + each.name;
    return text;
  }

 private:
  using history = model::linearizable<ordinary>;
  static int number(std::size_t i) { return static_cast<int>(i + 1); }

  template <class Do>
  void run(history& h, Do one) const {
    model::var<int> known[3]{0, 0, 0};
    const auto thread = [&](std::size_t i) {
      return [&, i] {
        known[i].set(1);
        const int found = h.call([&] { return one(i); }, [this, i](ordinary& o) { return all_[i].alone(o, number(i)); });
        // Of two: who found something found the other's.
        if (all_.size() == 2 && all_[i].finds && found != initial) {
          model::require(known[1 - i].get() == 1, "what the other did before is known");
        }
      };
    };
    if (all_.size() == 2) {
      at_once(thread(0), thread(1));
    } else {
      at_once(thread(0), thread(1), thread(2));
    }
  }

  std::vector<operation> all_;
};

void add_race(std::vector<scenario>& all, const std::vector<operation>& of) {
  const race_between both(of);
  all.push_back({"atomic: " + both.name(), [both] { both.on_atomic(); }});
  all.push_back({"atomic_ref: " + both.name(), [both] { both.on_ref(); }});
}

// ---- Flags -------------------------------------------------------------------------------------------------------------------------

using flag = pawl::atomic_flag<B>;

struct flag_operation {
  const char* name;
  bool (*checked)(flag&);
  bool (*alone)(bool&);
};
constexpr flag_operation flag_operations[] = {
    {"test", [](flag& f) { return f.test(acquire); }, [](bool& f) { return f; }},
    {"test_and_set", [](flag& f) { return f.test_and_set(acq_rel); }, [](bool& f) { return std::exchange(f, true); }},
    {"clear",
     [](flag& f) {
       f.clear(release);
       return false;
     },
     [](bool& f) {
       f = false;
       return false;
     }}};

void add_flags(std::vector<scenario>& all) {
  for (const bool set : {false, true}) {
    const std::string name = std::string("atomic_flag that is ") + (set ? "set: " : "clear: ");
    const auto race = [&](const std::vector<flag_operation>& of) {
      std::string text;
      for (const flag_operation& each : of) text += (text.empty() ? "" : " | ") + std::string(each.name);
      all.push_back({name + text, [of, set] {
                       flag f;
                       if (set) static_cast<void>(f.test_and_set(relaxed));
                       model::linearizable<bool> h(set);
                       const auto thread = [&](std::size_t i) {
                         return [&, i] { h.call([&] { return of[i].checked(f); }, of[i].alone); };
                       };
                       if (of.size() == 2) {
                         at_once(thread(0), thread(1));
                       } else {
                         at_once(thread(0), thread(1), thread(2));
                       }
                       h.call([&] { return f.test(relaxed); }, [](const bool& left) { return left; });
                     }});
    };
    for (std::size_t a = 0; a < std::size(flag_operations); ++a) {
      for (std::size_t b = a; b < std::size(flag_operations); ++b) {
        race({flag_operations[a], flag_operations[b]});
        for (std::size_t c = b; c < std::size(flag_operations); ++c)
          race({flag_operations[a], flag_operations[b], flag_operations[c]});
      }
    }
  }
}

// ---- Waiting -----------------------------------------------------------------------------------------------------------------------

/// Who waits for a change knows what came before it; who is notified is never left asleep. Change sets what is 0 to 1.
template <class Object, class Old, class Change>
void add_waits(std::vector<scenario>& all, const std::string& name, Old old, Change change,
               const std::function<void(Object&)>& prepare) {
  for (const bool one : {true, false}) {
    for (const int waiting : {1, 2}) {
      const std::string text = std::string(waiting == 1 ? "wait" : "wait | wait") + " | change, notify_" + (one ? "one" : "all");
      all.push_back({name + ": " + text, [=] {
                       Object object{};
                       prepare(object);
                       model::var<int> known{0};
                       const auto waits = [&] {
                         object.wait(old, acquire);
                         model::require(known.get() == 1, "what came before the change is known");
                       };
                       const auto changes = [&] {
                         known.set(1);
                         change(object);
                         for (int i = 0; i < (one ? waiting : 1); ++i) one ? object.notify_one() : object.notify_all();
                       };
                       if (waiting == 1) {
                         at_once(waits, changes);
                       } else {
                         at_once(waits, waits, changes);
                       }
                     }});
    }
  }
}

}  // namespace

void add_atomic_pairs(std::vector<scenario>& all) {
  const std::vector<operation> each = all_operations();
  for (std::size_t a = 0; a < each.size(); ++a) {
    for (std::size_t b = a; b < each.size(); ++b) add_race(all, {each[a], each[b]});
  }
  const std::vector<operation> differ = {load(),
                                         PAWL_TEST_STORE(store(40 + n, release)),
                                         PAWL_TEST_FETCH(exchange(30 + n, acq_rel)),
                                         compare_exchange(),
                                         PAWL_TEST_FETCH(fetch_add(n, acq_rel)),
                                         PAWL_TEST_STORE(store_xor(4 + n, release))};
  for (std::size_t a = 0; a < differ.size(); ++a) {
    for (std::size_t b = a; b < differ.size(); ++b) {
      for (std::size_t c = b; c < differ.size(); ++c) {
        all.push_back({"atomic: " + race_between({differ[a], differ[b], differ[c]}).name(),
                       [both = race_between({differ[a], differ[b], differ[c]})] { both.on_atomic(); }});
      }
    }
  }
  add_flags(all);
  const auto none = [](auto& /*object*/) {};
  add_waits<flag>(
      all, "atomic_flag, waiting until it is set", false, [](flag& f) { static_cast<void>(f.test_and_set(release)); }, none);
  add_waits<flag>(
      all, "waiting: atomic_flag, until it is clear", true, [](flag& f) { f.clear(release); },
      [](flag& f) { static_cast<void>(f.test_and_set(relaxed)); });
  using number = atomic<int>;
  add_waits<number>(all, "waiting: atomic, for store", 0, [](number& o) { o.store(1, release); }, none);
  add_waits<number>(all, "waiting: atomic, for exchange", 0, [](number& o) { o.exchange(1, release); }, none);
  add_waits<number>(all, "waiting: atomic, for fetch_add", 0, [](number& o) { o.fetch_add(1, release); }, none);
  add_waits<number>(all, "waiting: atomic, for store_or", 0, [](number& o) { o.store_or(1, release); }, none);
}

#undef PAWL_TEST_FETCH
#undef PAWL_TEST_STORE

}  // namespace scenarios
