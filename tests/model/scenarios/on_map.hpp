// SPDX-License-Identifier: BSL-1.0
// What the scenarios of maps share: which members they call, on which keys, and a map of which all that happens is a history.
#pragma once

#include <pawl/hash_map.hpp>

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "model/scenarios.hpp"

namespace scenarios {

// No hash. Of the keys, 1 < 9 < 7 < 5 < 4 < 8 < 2 in the order of the list, and with eight buckets 1 belongs to that named 000, 7 and 9 to
// 001, 5 to 010, 4 to 011, 8 to 101 and 2 to 110. So 1 and 4 share the first of two buckets, which needs no directory; 5 and 2 are in a
// level that is one piece, 7, 9, 4 and 8 in the first of those that are a table of pieces: 7, 9 and 4 in one, 8 in another.
struct same {
  std::size_t operator()(int key) const noexcept { return static_cast<std::size_t>(key); }
};
template <class R>
using map_over = pawl::hash_map<int, int, same, std::equal_to<int>, R>;
using map_spec = model::spec::map<int, int>;

/// The members that have one effect, at one instant.
enum class on_key {
  insert,
  try_emplace,
  insert_or_visit,
  insert_or_assign,
  update,
  upsert,
  erase,
  erase_if,
  find,
  contains,
  visit
};
inline constexpr on_key all_on_key[] = {on_key::insert,
                                        on_key::try_emplace,
                                        on_key::insert_or_visit,
                                        on_key::insert_or_assign,
                                        on_key::update,
                                        on_key::upsert,
                                        on_key::erase,
                                        on_key::erase_if,
                                        on_key::find,
                                        on_key::contains,
                                        on_key::visit};

inline const char* name_of(on_key what) {
  switch (what) {
    case on_key::insert:
      return "insert";
    case on_key::try_emplace:
      return "try_emplace";
    case on_key::insert_or_visit:
      return "insert_or_visit";
    case on_key::insert_or_assign:
      return "insert_or_assign";
    case on_key::update:
      return "update";
    case on_key::upsert:
      return "upsert";
    case on_key::erase:
      return "erase";
    case on_key::erase_if:
      return "erase_if";
    case on_key::find:
      return "find";
    case on_key::contains:
      return "contains";
    case on_key::visit:
      return "visit";
  }
  return "";
}

/// One member of a map, or of the object that it is compared with; what it returned or saw, as a number. -1: the key was not there.
template <class Map>
int call(Map& m, on_key what, int key, int value) {
  int seen = -1;
  switch (what) {
    case on_key::insert:
      return m.insert(key, value) ? 1 : 0;
    case on_key::try_emplace:
      return m.try_emplace(key, value) ? 1 : 0;
    case on_key::insert_or_visit:
      return m.insert_or_visit(key, value, [&seen](int, int present) { seen = present; }) ? -1 : seen;
    case on_key::insert_or_assign:
      return m.insert_or_assign(key, value) ? 1 : 0;
    case on_key::update: {
      const auto add = [&seen, value](int old) {
        seen = old;
        return old + value;
      };
      return m.update(key, add) ? seen : -1;
    }
    case on_key::upsert: {
      const auto add = [&seen, value](const std::optional<int>& old) {
        seen = old.value_or(0);
        return seen + value;
      };
      return m.upsert(key, add) ? -1 : seen;
    }
    case on_key::erase:
      return m.erase(key) ? 1 : 0;
    case on_key::erase_if:
      // Not what another thread has changed.
      return m.erase_if(key, [](int, int present) { return present == 10; }) ? 1 : 0;
    case on_key::find:
      return m.find(key).value_or(-1);
    case on_key::contains:
      return m.contains(key) ? 1 : 0;
    case on_key::visit:
      m.visit(key, [&seen](int, int present) { seen = present; });
      return seen;
  }
  return seen;
}

/// A map of which everything that happens is a history: there must be an order in which a sequential map does the same.
template <class R = hazards>
class checked_map {
 public:
  explicit checked_map(std::size_t expected_elements = 0) : all_(expected_elements) {}
  checked_map(R& domain, std::size_t expected_elements) : all_(domain, expected_elements) {}

  int call(on_key what, int key, int value = 0) {
    return history_.call([&] { return scenarios::call(all_, what, key, value); },
                         [=](map_spec& s) { return scenarios::call(s, what, key, value); });
  }
  map_over<R>& all() noexcept { return all_; }
  // Afterwards: so that the history ends with what is in the map, and what says so in other words agrees.
  void ends_with_keys(std::initializer_list<int> possible) {
    std::size_t found = 0;
    int sum = 0;
    for (const int key : possible) {
      const int value = call(on_key::find, key);
      found += value == -1 ? 0U : 1U;
      sum += value == -1 ? 0 : key * 1000 + value;
    }
    model::require(all_.size() == found && all_.empty() == (found == 0), "the size is the number of elements");
    int visited = 0;
    all_.visit_all([&visited](int key, int value) { visited += key * 1000 + value; });
    model::require(visited == sum, "visit_all comes to each element once");
  }

 private:
  model::linearizable<map_spec> history_;
  map_over<R> all_;
};

/// What a thread does to a map: a member and its key.
struct step_on_map {
  on_key what;
  int key;
};
inline std::string name_of(const std::vector<step_on_map>& all) {
  std::string text;
  for (const step_on_map& each : all) {
    text += (text.empty() ? "" : ", ") + std::string(name_of(each.what)) + " " + std::to_string(each.key);
  }
  return text;
}

enum class size_of { small, large };

}  // namespace scenarios
