// SPDX-License-Identifier: BSL-1.0
// hash_set over each reclaimer: all pairs of members at once, on one key that is there and on one that is not, beside its neighbour in the
// list.
#include <cstddef>
#include <iterator>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "model/scenarios/on_map.hpp"

namespace scenarios {
namespace {

template <class R>
using set_over = pawl::hash_set<int, same, std::equal_to<int>, R>;

/// What a history is compared with: the members of hash_set that are called below, on std::set.
class ordinary_set {
 public:
  bool insert(int key) { return keys_.insert(key).second; }
  template <class F>
  bool insert_or_visit(int key, F f) {
    const bool fresh = insert(key);
    if (!fresh) f(key);
    return fresh;
  }
  bool erase(int key) { return keys_.erase(key) != 0; }
  template <class Predicate>
  bool erase_if(int key, Predicate pred) {
    return contains(key) && pred(key) && erase(key);
  }
  [[nodiscard]] bool contains(int key) const { return keys_.contains(key); }
  template <class F>
  bool visit(int key, F f) const {
    if (!contains(key)) return false;
    f(key);
    return true;
  }
  friend bool operator==(const ordinary_set&, const ordinary_set&) = default;

 private:
  std::set<int> keys_;
};

/// As a member of a set of either kind, on a key: what it returned, or what it saw of the key.
template <class Set>
struct member {
  const char* name;
  int (*call)(Set&, int);
};
template <class Set>
constexpr member<Set> members[] = {
    {"insert", [](Set& s, int key) { return s.insert(key) ? 1 : 0; }},
    {"insert_or_visit",
     [](Set& s, int key) {
       int seen = -1;
       const bool fresh = s.insert_or_visit(key, [&seen](int present) { seen = present; });
       return fresh ? -1 : seen;
     }},
    {"erase", [](Set& s, int key) { return s.erase(key) ? 1 : 0; }},
    {"erase_if", [](Set& s, int key) { return s.erase_if(key, [key](int present) { return present == key; }) ? 1 : 0; }},
    {"erase_if not", [](Set& s, int key) { return s.erase_if(key, [](int) { return false; }) ? 1 : 0; }},
    {"contains", [](Set& s, int key) { return s.contains(key) ? 1 : 0; }},
    {"visit",
     [](Set& s, int key) {
       int seen = -1;
       return s.visit(key, [&seen](int present) { seen = present; }) ? seen : -1;
     }},
};
constexpr std::size_t number_of_members = std::size(members<ordinary_set>);
constexpr std::size_t erases = 2;  // the first that retires

template <class R>
void explore(std::size_t a, std::size_t b, int key, int other_key, R* domain = nullptr) {
  auto run = [&](set_over<R>& s) {
    model::linearizable<ordinary_set> history;
    const auto call = [&](std::size_t which, int on) {
      history.call([&, which, on] { return members<set_over<R>>[which].call(s, on); },
                   [which, on](ordinary_set& o) { return members<ordinary_set>[which].call(o, on); });
    };
    call(0, 1);
    at_once(
        [&] {
          call(a, key);
          if constexpr (!std::is_same_v<R, pool>) R::default_domain().reclaim();
        },
        [&] { call(b, other_key); });
    std::size_t found = 0;
    for (const int each : {1, 4}) {
      call(number_of_members - 2, each);
      found += s.contains(each) ? 1U : 0U;
    }
    model::require(s.size() == found && s.empty() == (found == 0), "the size is the number of elements");
    std::size_t visited = 0;
    s.visit_all([&visited](int) { ++visited; });
    model::require(visited == found, "visit_all comes to each element once");
  };
  if (domain != nullptr) {
    set_over<R> s(*domain, 2);
    run(s);
  } else {
    set_over<R> s(2);
    run(s);
  }
}

template <class R>
void add_pairs(std::vector<scenario>& all, const std::string& over) {
  for (std::size_t a = 0; a < number_of_members; ++a) {
    for (std::size_t b = a; b < number_of_members; ++b) {
      // Who may retire comes first, since it frees.
      const bool swapped = b >= erases && b < erases + 2 && a < erases;
      const std::size_t first = swapped ? b : a;
      const std::size_t second = swapped ? a : b;
      const auto add = [&](int key, int other_key) {
        const std::string name = "hash_set" + over + " with {1}: " + members<ordinary_set>[first].name + " " + std::to_string(key) +
                                 " | " + members<ordinary_set>[second].name + " " + std::to_string(other_key);
        all.push_back({name, [=] {
                         if constexpr (std::is_same_v<R, pool>) {
                           pool nodes(4);
                           explore<pool>(first, second, key, other_key, &nodes);
                         } else {
                           explore<R>(first, second, key, other_key);
                         }
                       }});
      };
      add(1, 1);
      add(4, 4);
      add(1, 4);
    }
  }
}

/// Members that are not atomic, beside each that is and beside each other.
void add_members_on_all(std::vector<scenario>& all) {
  using set = set_over<hazards>;
  struct on_all {
    const char* name;
    void (*call)(set&);
  };
  static constexpr on_all whole[] = {
      {"visit_all",
       [](set& s) {
         int visited[5] = {};
         s.visit_all([&visited](int key) { ++visited[key]; });
         model::require(visited[1] <= 1 && visited[4] <= 1, "it comes to no key twice");
       }},
      {"size", [](set& s) { model::require(s.size() <= 2, "no more than there ever were"); }},
      {"reserve", [](set& s) { s.reserve(8); }},
      {"clear", [](set& s) { s.clear(); }},
  };
  const auto add = [&all](const std::string& name, auto first, auto second) {
    all.push_back({"hash_set with {1, 4}: " + name, [=] {
                     set s(2);
                     s.insert(1);
                     s.insert(4);
                     at_once([&] { first(s); }, [&] { second(s); });
                     std::size_t found = 0;
                     s.visit_all([&found](int) { ++found; });
                     model::require(s.size() == found, "the size is the number of elements");
                   }});
  };
  for (std::size_t a = 0; a < std::size(whole); ++a) {
    for (std::size_t b = a; b < std::size(whole); ++b) {
      add(std::string(whole[a].name) + " | " + whole[b].name, whole[a].call, whole[b].call);
    }
    for (const member<set>& each : members<set>) {
      add(std::string(whole[a].name) + " | " + each.name + " 1", whole[a].call, [call = each.call](set& s) { call(s, 1); });
    }
  }
}

}  // namespace

void add_sets(std::vector<scenario>& all) {
  add_pairs<hazards>(all, "");
  add_pairs<epochs>(all, " over epochs");
  add_pairs<pool>(all, " over a pool");
  add_members_on_all(all);
}

}  // namespace scenarios
