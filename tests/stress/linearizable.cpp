// SPDX-License-Identifier: BSL-1.0
// Thousands of small histories of each container, each searched for a sequential order that explains it.
#include "linearizable.hpp"

#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <pawl/hash_map.hpp>
#include <pawl/queue.hpp>
#include <pawl/stack.hpp>

#include "catch.hpp"
#include "threads.hpp"
#include "worlds.hpp"

namespace {

using stress::call;
using stress::dice;

using state = std::deque<std::uint64_t>;

/// A call on a stack or a queue. `values` went in or came out.
template <bool Fifo>
struct list_action {
  enum class kind { push, try_pop, push_range, pop_all, empty } what;
  std::vector<std::uint64_t> values;
  bool answer = false;

  bool operator()(state& list) const {
    switch (what) {
      case kind::push:
      case kind::push_range:
        list.insert(list.end(), values.begin(), values.end());
        return true;
      case kind::try_pop: {
        if (values.empty() || list.empty()) return values.empty() && list.empty();
        const std::uint64_t next = Fifo ? list.front() : list.back();
        if (Fifo) {
          list.pop_front();
        } else {
          list.pop_back();
        }
        return values.front() == next;
      }
      case kind::pop_all: {
        const bool same = Fifo ? std::equal(values.begin(), values.end(), list.begin(), list.end())
                               : std::equal(values.begin(), values.end(), list.rbegin(), list.rend());
        list.clear();
        return same;
      }
      case kind::empty:
        return answer == list.empty();
    }
    return false;
  }

  [[nodiscard]] std::string text() const {
    static constexpr const char* names[] = {"push", "try_pop", "push_range", "pop_all", "empty"};
    std::string all = names[static_cast<int>(what)];
    for (const std::uint64_t each : values)
      all.append(1, ' ').append(std::to_string(each));  // g++ 12 warns of a string added to a literal
    return what == kind::empty ? all + (answer ? " true" : " false") : all;
  }
};
using queue_action = list_action<true>;
using stack_action = list_action<false>;

using mapping = std::map<int, int>;

/// A call on a map, or on a set, whose values are all zero. `given` went in, `seen` was found there before.
struct map_action {
  enum class kind { insert, assign, update, upsert, erase, erase_if, find } what;
  int key;
  int given = 0;
  bool answer = false;
  std::optional<int> seen{};

  bool operator()(mapping& map) const {
    const auto at = map.find(key);
    const bool there = at != map.end();
    // What the call has seen must be what is there; some see only whether there is something.
    if (seen && (!there || at->second != *seen)) return false;
    switch (what) {
      case kind::insert:
        if (!there) map[key] = given;
        return answer == !there;
      case kind::assign:
        map[key] = given;
        return answer == !there;
      case kind::update:
        if (there) map[key] = given;
        return answer == there && seen.has_value() == there;
      case kind::upsert:
        map[key] = given;
        return answer == !there && seen.has_value() == there;
      case kind::erase:
        if (there) map.erase(at);
        return answer == there;
      case kind::erase_if:  // the odd ones
        if (!there || at->second % 2 == 0) return !answer;
        map.erase(at);
        return answer;
      case kind::find:
        return answer == there;
    }
    return false;
  }

  [[nodiscard]] std::string text() const {
    static constexpr const char* names[] = {"insert", "insert_or_assign", "update", "upsert", "erase", "erase_if", "find"};
    return std::string(names[static_cast<int>(what)]) + " " + std::to_string(key) + " given " + std::to_string(given) +
           (answer ? ": true" : ": false") + (seen ? std::string(", saw ").append(std::to_string(*seen)) : std::string());
  }
};

template <class Action>
std::string text(const std::vector<call<Action>>& history) {
  std::string all = "no sequential order explains\n";
  for (const auto& each : history) {
    all += std::to_string(each.begin) + " to " + std::to_string(each.end) + ": " + each.action.text() + "\n";
  }
  return all;
}

/// Where the threads of a trial wait for each other.
class meeting {
 public:
  explicit meeting(unsigned threads) : threads_(threads) {}
  void arrive() noexcept {
    const unsigned round = round_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
      arrived_.store(0, std::memory_order_relaxed);
      round_.store(round + 1, std::memory_order_release);
    } else {
      while (round_.load(std::memory_order_acquire) == round) std::this_thread::yield();
    }
  }

 private:
  const unsigned threads_;
  std::atomic<unsigned> arrived_{0};
  std::atomic<unsigned> round_{0};
};

/// Rounds, each with an object of its own: `make(dice, initial)` makes it, with what is in it; then each thread does some calls, by
/// `act(object, dice, unique number)`; then the history is checked.
template <class State, class Action, class Make, class Act>
void check_rounds(unsigned threads, unsigned calls, Make make, Act act) {
  using object = typename decltype(make(std::declval<dice&>(), std::declval<State&>()))::element_type;
  stress::trial trial;
  std::vector<std::vector<call<Action>>> seen(threads);
  std::unique_ptr<object> shared;
  State initial;
  stress::clock* clock = nullptr;
  bool more = true;
  unsigned rounds = 0;
  meeting before(threads);
  meeting after(threads);
  dice chance(threads * 100 + calls);
  trial.run(threads, [&](unsigned self) {
    dice mine(self * 1000 + threads * 10 + calls);
    stress::clock now;
    for (std::uint64_t number = self;;) {
      if (self == 0) {
        initial = State();
        shared = make(chance, initial);
        clock = &now;
        // On a busy machine a round takes long: some there must be.
        more = trial.goes_on() || (rounds < 100 && trial.failure().empty());
      }
      before.arrive();
      if (!more) break;
      auto& history = seen[self];
      history.clear();
      for (unsigned i = 0; i < calls; ++i) {
        const std::uint32_t begin = clock->tick();
        Action done = act(*shared, mine, number);
        history.push_back({begin, clock->tick(), std::move(done)});
        number += threads * 4U;
      }
      after.arrive();
      if (self != 0) continue;
      std::vector<call<Action>> all;
      for (const auto& each : seen) all.insert(all.end(), each.begin(), each.end());
      if (!stress::linearizable<State>(all, initial)) trial.fail(text(all));
      ++rounds;
    }
  });
  REQUIRE(trial.failure() == "");
}

template <class Action, class List>
Action list_call(List& list, dice& chance, std::uint64_t number) {
  using kind = typename Action::kind;
  switch (chance.below(12)) {
    default:
      list.push(number);
      return {kind::push, {number}};
    case 5:
    case 6:
    case 7:
    case 8: {
      const std::optional<std::uint64_t> popped = list.try_pop();
      return popped ? Action{kind::try_pop, {*popped}} : Action{kind::try_pop, {}};
    }
    case 9: {
      const std::vector<std::uint64_t> range = {number, number + 1, number + 2};
      list.push_range(range);
      return {kind::push_range, range};
    }
    case 10: {
      std::vector<std::uint64_t> popped;
      list.pop_all(std::back_inserter(popped));
      return {kind::pop_all, popped};
    }
    case 11:
      return {kind::empty, {}, list.empty()};
  }
}

template <class Action, template <class, class> class List, class World>
void check_lists() {
  using list = List<std::uint64_t, typename World::reclaimer>;
  World world;
  for (const unsigned threads : {2U, 3U, 4U}) {
    check_rounds<state, Action>(
        threads, threads == 2 ? 6 : 4,
        [&](dice& chance, state& initial) {
          auto made = std::unique_ptr<list>(new list(world.template make<list>()));
          for (unsigned i = chance.below(3); i != 0; --i) {
            made->push(i);
            initial.push_back(i);
          }
          return made;
        },
        // Numbers below 10 are in it at first; each thread has four for each call.
        [](list& all, dice& chance, std::uint64_t number) { return list_call<Action>(all, chance, number * 4 + 10); });
  }
}

// A template template parameter wants just these two.
template <class T, class R>
using stack_of = pawl::stack<T, R>;
template <class T, class R>
using queue_of = pawl::queue<T, R>;

template <class Map>
map_action map_call(Map& map, dice& chance, std::uint64_t number) {
  using kind = map_action::kind;
  const int key = static_cast<int>(chance.below(2));
  const int value = static_cast<int>(number);
  map_action done{kind::find, key, value};
  const auto see = [&done](const int&, const int& present) { done.seen = present; };
  switch (chance.below(14)) {
    case 0:
      done.what = kind::insert;
      done.answer = map.insert(key, value);
      break;
    case 1:
      done.what = kind::insert;
      done.answer = map.insert_or_visit(key, value, see);
      break;
    case 2:
      done.what = kind::insert;
      done.answer = map.try_emplace(key, value);
      break;
    case 3:
      done.what = kind::assign;
      done.answer = map.insert_or_assign(key, value);
      break;
    case 4:
    case 5:
      done.what = kind::update;
      done.answer = map.update(key, [&](const int& old) {
        done.seen = old;
        return value;
      });
      if (!done.answer) done.seen.reset();  // f ran, then the key was erased
      break;
    case 6:
      done.what = kind::upsert;
      done.answer = map.upsert(key, [&](const std::optional<int>& old) {
        done.seen = old;
        return value;
      });
      break;
    case 7:
    case 8:
      done.what = kind::erase;
      done.answer = map.erase(key);
      break;
    case 9:
      done.what = kind::erase;
      done.answer = map.erase_if(key, [&](const int&, const int& present) {
        done.seen = present;
        return true;
      });
      if (!done.answer) done.seen.reset();
      break;
    case 10:
      done.what = kind::erase_if;
      done.answer = map.erase_if(key, [](const int&, const int& present) { return present % 2 != 0; });
      break;
    case 11:
      done.answer = map.contains(key);
      break;
    case 12:
      done.seen = map.find(key);
      done.answer = done.seen.has_value();
      break;
    default:
      done.answer = map.visit(key, see);
      break;
  }
  return done;
}

template <class Hash, class World>
void check_maps() {
  using map = pawl::hash_map<int, int, Hash, std::equal_to<int>, typename World::reclaimer>;
  World world;
  for (const unsigned threads : {2U, 3U, 4U}) {
    check_rounds<mapping, map_action>(
        threads, threads == 2 ? 6 : 4,
        [&](dice& chance, mapping& initial) {
          auto made = std::unique_ptr<map>(new map(world.template make<map>()));
          for (int key = 0; key < 2; ++key) {
            if (chance.one_in(2)) continue;
            made->insert(key, key + 1000);
            initial[key] = key + 1000;
          }
          // From now on most buckets lack a head, and the threads put them in.
          if constexpr (!World::reclaimer::reads_may_tear) {
            if (chance.one_in(2)) made->reserve(64);
          }
          return made;
        },
        [](map& all, dice& chance, std::uint64_t number) { return map_call(all, chance, number + 2000); });
  }
}

template <class World>
void check_sets() {
  using kind = map_action::kind;
  using set = pawl::hash_set<int, std::hash<int>, std::equal_to<int>, typename World::reclaimer>;
  World world;
  check_rounds<mapping, map_action>(
      3, 5,
      [&](dice& chance, mapping& initial) {
        auto made = std::unique_ptr<set>(new set(world.template make<set>()));
        if (chance.one_in(2)) {
          made->insert(1);
          initial[1] = 0;
        }
        if (chance.one_in(2)) made->reserve(64);
        return made;
      },
      [](set& all, dice& chance, std::uint64_t) {
        const int key = static_cast<int>(chance.below(2));
        switch (chance.below(4)) {
          case 0:
            return map_action{kind::insert, key, 0, all.insert(key)};
          case 1:
            return map_action{kind::erase, key, 0, all.erase(key)};
          case 2:
            return map_action{kind::erase, key, 0, all.erase_if(key, [](const int&) { return true; })};
          default:
            return map_action{kind::find, key, 0, all.contains(key)};
        }
      });
}

struct colliding {
  std::size_t operator()(int) const noexcept { return 7; }
};

}  // namespace

TEST_CASE("histories that a queue can have are linearizable") {
  using kind = queue_action::kind;
  using history = std::vector<call<queue_action>>;
  CHECK(stress::linearizable<state>(history{}));
  // One after the other.
  CHECK(stress::linearizable<state>(
      history{{0, 1, {kind::push, {1}}}, {2, 3, {kind::push, {2}}}, {4, 5, {kind::try_pop, {1}}}, {6, 7, {kind::pop_all, {2}}}}));
  // Two pushes at once come out in either order, and a pop may see neither.
  CHECK(stress::linearizable<state>(history{{0, 3, {kind::push, {1}}}, {1, 2, {kind::push, {2}}}, {4, 5, {kind::try_pop, {2}}}}));
  CHECK(stress::linearizable<state>(history{{0, 3, {kind::push, {1}}}, {1, 2, {kind::push, {2}}}, {4, 5, {kind::try_pop, {1}}}}));
  CHECK(stress::linearizable<state>(history{{0, 3, {kind::push, {1}}}, {1, 2, {kind::try_pop, {}}}, {4, 5, {kind::try_pop, {1}}}}));
  // What is there at first.
  CHECK(stress::linearizable<state>(history{{0, 1, {kind::try_pop, {8}}}, {2, 3, {kind::empty, {}, false}}}, state{8, 9}));
}

TEST_CASE("histories that no queue can have are not linearizable") {
  using kind = queue_action::kind;
  using history = std::vector<call<queue_action>>;
  // Not in order.
  CHECK_FALSE(stress::linearizable<state>(
      history{{0, 1, {kind::push, {1}}}, {2, 3, {kind::push, {2}}}, {4, 5, {kind::try_pop, {2}}}, {6, 7, {kind::try_pop, {1}}}}));
  // Popped twice, never pushed, lost.
  CHECK_FALSE(
      stress::linearizable<state>(history{{0, 1, {kind::push, {1}}}, {2, 5, {kind::try_pop, {1}}}, {3, 4, {kind::try_pop, {1}}}}));
  CHECK_FALSE(stress::linearizable<state>(history{{0, 1, {kind::push, {1}}}, {2, 3, {kind::try_pop, {7}}}}));
  CHECK_FALSE(stress::linearizable<state>(history{{0, 1, {kind::push, {1}}}, {2, 3, {kind::try_pop, {}}}}));
  // Empty, though a push had ended and no pop began.
  CHECK_FALSE(stress::linearizable<state>(
      history{{0, 1, {kind::push, {1}}}, {2, 3, {kind::empty, {}, true}}, {4, 5, {kind::try_pop, {1}}}}));
  // Popped before it was pushed.
  CHECK_FALSE(stress::linearizable<state>(history{{0, 1, {kind::try_pop, {1}}}, {2, 3, {kind::push, {1}}}}));
  // Half a range.
  CHECK_FALSE(stress::linearizable<state>(
      history{{0, 5, {kind::push_range, {1, 2}}}, {1, 4, {kind::pop_all, {1}}}, {6, 7, {kind::try_pop, {2}}}}));
  // A value comes between two of a range.
  CHECK_FALSE(stress::linearizable<state>(history{
      {0, 5, {kind::push_range, {1, 2}}}, {1, 4, {kind::push, {3}}}, {6, 7, {kind::try_pop, {1}}}, {8, 9, {kind::try_pop, {3}}}}));
  // Each pair of calls could be, the whole can't: two threads see two pushes in different orders.
  CHECK_FALSE(stress::linearizable<state>(history{{0, 10, {kind::push, {1}}},
                                                  {1, 9, {kind::push, {2}}},
                                                  {11, 12, {kind::try_pop, {1}}},
                                                  {13, 14, {kind::push, {1}}},
                                                  {15, 16, {kind::try_pop, {1}}}}));
}

TEST_CASE("histories of a stack are judged as such") {
  using kind = stack_action::kind;
  using history = std::vector<call<stack_action>>;
  CHECK(stress::linearizable<state>(history{{0, 1, {kind::push, {1}}},
                                            {2, 3, {kind::push_range, {2, 3}}},
                                            {4, 5, {kind::try_pop, {3}}},
                                            {6, 7, {kind::pop_all, {2, 1}}}}));
  CHECK_FALSE(
      stress::linearizable<state>(history{{0, 1, {kind::push, {1}}}, {2, 3, {kind::push, {2}}}, {4, 5, {kind::try_pop, {1}}}}));
  CHECK_FALSE(stress::linearizable<state>(history{{0, 1, {kind::push_range, {1, 2}}}, {2, 3, {kind::pop_all, {1, 2}}}}));
}

TEST_CASE("histories of a map are judged as such") {
  using kind = map_action::kind;
  using history = std::vector<call<map_action>>;
  CHECK(stress::linearizable<mapping>(history{{0, 1, {kind::insert, 1, 5, true}},
                                              {2, 3, {kind::update, 1, 6, true, 5}},
                                              {4, 5, {kind::erase_if, 1, 0, false, 6}},
                                              {6, 7, {kind::upsert, 1, 7, false, 6}},
                                              {8, 9, {kind::erase_if, 1, 0, true}},
                                              {10, 11, {kind::find, 1, 0, false}}}));
  // Two inserts of one key succeed.
  CHECK_FALSE(stress::linearizable<mapping>(history{{0, 3, {kind::insert, 1, 5, true}}, {1, 2, {kind::insert, 1, 6, true}}}));
  // Two updates from the same value: one is lost.
  CHECK_FALSE(stress::linearizable<mapping>(history{{0, 3, {kind::update, 1, 6, true, 5}}, {1, 2, {kind::update, 1, 7, true, 5}}},
                                            mapping{{1, 5}}));
  // An erased key comes back.
  CHECK_FALSE(
      stress::linearizable<mapping>(history{{0, 1, {kind::erase, 1, 0, true}}, {2, 3, {kind::find, 1, 0, true}}}, mapping{{1, 5}}));
  // A value that was never there; and an old one.
  CHECK_FALSE(stress::linearizable<mapping>(history{{0, 1, {kind::find, 1, 0, true, 4}}}, mapping{{1, 5}}));
  CHECK_FALSE(stress::linearizable<mapping>(history{{0, 1, {kind::assign, 1, 6, false}}, {2, 3, {kind::find, 1, 0, true, 5}}},
                                            mapping{{1, 5}}));
}

TEMPLATE_TEST_CASE("a stack is linearizable", "", stress::default_hazards, stress::restless_hazards, stress::shared_pool,
                   stress::restless_pool, stress::restless_fixed_pool, stress::restless_epochs) {
  check_lists<stack_action, stack_of, TestType>();
}

TEMPLATE_TEST_CASE("a queue is linearizable", "", stress::default_hazards, stress::restless_hazards, stress::shared_pool,
                   stress::restless_pool, stress::restless_fixed_pool, stress::restless_epochs) {
  check_lists<queue_action, queue_of, TestType>();
}

TEMPLATE_TEST_CASE("a hash map is linearizable", "", stress::default_hazards, stress::restless_hazards, stress::restless_epochs,
                   stress::small_fixed_pool, stress::restless_pool, stress::restless_small_pool) {
  check_maps<std::hash<int>, TestType>();
}

TEMPLATE_TEST_CASE("a hash map whose keys share one hash is linearizable", "", stress::default_hazards, stress::restless_hazards,
                   stress::restless_pool, stress::restless_small_pool) {
  check_maps<colliding, TestType>();
}

TEMPLATE_TEST_CASE("a hash set is linearizable", "", stress::default_hazards, stress::restless_hazards) { check_sets<TestType>(); }
