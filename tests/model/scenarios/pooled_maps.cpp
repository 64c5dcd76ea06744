// SPDX-License-Identifier: BSL-1.0
// hash_map over a pool: all pairs of members on one key and on two, over a fixed pool whose nodes come back at once; nodes that come back
// under a thread that is at them or about to link something beside them; a full pool; what an operation tells.
#include <pawl/queue.hpp>
#include <pawl/stack.hpp>

#include <optional>
#include <utility>

#include "model/scenarios/on_map.hpp"

namespace scenarios {
namespace {

using map = map_over<pool>;

// What is left of a fixed pool of that capacity is for so many more elements, with the spare nodes where they belong.
void has_room(map& m, std::size_t capacity) {
  const std::size_t before = m.size();
  std::size_t inserted = 0;
  for (int key = 100; inserted <= capacity && m.insert(key, 0); ++key) ++inserted;
  model::require(before + inserted == capacity, "an insert fails only when as many are there as the pool has room for");
}

/// Threads on a map of one bucket over a fixed pool of so many elements, with these keys, whose values are 10.
scenario on_pool(std::size_t capacity, const std::vector<int>& keys, const std::vector<std::vector<step_on_map>>& threads,
                 size_of size = size_of::small) {
  std::string name = "hash_map over a pool of " + std::to_string(capacity) + " with {";
  for (const int key : keys) name += (name.back() == '{' ? "" : ", ") + std::to_string(key);
  name += "}: ";
  for (std::size_t i = 0; i < threads.size(); ++i) name += (i == 0 ? "" : " | ") + name_of(threads[i]);
  return {name,
          [=] {
            pool nodes(capacity);
            checked_map<pool> m(nodes, 1);
            for (const int key : keys) m.call(on_key::insert, key, 10);
            const auto run = [&](std::size_t i) {
              return [&, i] {
                int value = 100 * static_cast<int>(i + 1);
                for (const step_on_map& each : threads[i]) m.call(each.what, each.key, value++);
              };
            };
            if (threads.size() == 2) {
              at_once(run(0), run(1));
            } else {
              at_once(run(0), run(1), run(2));
            }
            m.ends_with_keys({1, 2, 4, 5, 7, 8, 9});
            has_room(m.all(), capacity);
          },
          size == size_of::large};
}

void add_pairs(std::vector<scenario>& all) {
  using enum on_key;
  for (const on_key a : all_on_key) {
    for (const on_key b : all_on_key) {
      if (b < a) continue;
      all.push_back(on_pool(3, {1}, {{{a, 1}}, {{b, 1}}}));
      all.push_back(on_pool(3, {1}, {{{a, 4}}, {{b, 4}}}));
    }
  }
  // Neighbours in the list. What differs only in the result is left out.
  for (const on_key a : {insert, insert_or_assign, update, erase}) {
    for (const on_key b : {insert, insert_or_assign, update, erase, find}) {
      all.push_back(on_pool(3, {1}, {{{a, 1}}, {{b, 4}}}));
      all.push_back(on_pool(3, {1, 4}, {{{a, 1}}, {{b, 4}}}));
      if (b == find) all.push_back(on_pool(3, {1, 4}, {{{a, 4}}, {{b, 1}}}));
    }
  }
}

// The node of an element that goes is the next one to be used: in its place, before it, behind it, for another key or the same. (There are
// enough for all that may be between their steps.)
void add_nodes_that_come_back(std::vector<scenario>& all) {
  using enum on_key;
  for (const on_key a : {find, insert, update, erase}) {
    // the keys in their order, in which 9 comes between 1 and 7, and 5 last
    for (const int key : {1, 7, 5}) {
      all.push_back(on_pool(4, {1, 7}, {{{a, key}}, {{erase, 7}, {insert, 9}}}, size_of::small));
      all.push_back(on_pool(4, {1, 7}, {{{a, key}}, {{erase, 1}, {insert, 1}}}, size_of::small));
      all.push_back(on_pool(4, {1, 7}, {{{a, key}}, {{erase, 1}, {insert, 9}}}, size_of::small));
    }
  }
  // What is before an element, and the element itself, come back in each other's place: a word in the midst of the list that names the
  // same life of a node, in another life of its own.
  all.push_back(on_pool(4, {1, 7}, {{{insert, 9}}, {{erase, 1}, {insert, 9}, {erase, 9}, {insert, 5}}}, size_of::large));
  all.push_back(on_pool(4, {1, 7}, {{{insert, 9}}, {{erase, 1}, {insert, 9}}}));
  all.push_back(on_pool(4, {1, 7}, {{{erase, 7}}, {{erase, 1}, {insert, 9}}}));
  all.push_back(on_pool(5, {1, 9, 5}, {{{insert, 7}}, {{erase, 9}, {insert, 7}}}, size_of::large));
  all.push_back(on_pool(4, {1, 5}, {{{insert, 9}}, {{erase, 1}, {insert, 7}}}));
}

// An insert that was long on its way from its place to a node. The node is the one that stood before its place, in its next life, and the
// one behind it has come back there, in its next life, too: so the two lives that it would write have the sum of the two that the other
// thread may have found there.
struct slow_value {
  map& m;
  bool& asked;
  operator int() const {  // NOLINT(google-explicit-constructor): that is when it happens
    asked = true;
    m.erase(5);
    m.insert(5, 51);
    m.erase(9);
    return 70;
  }
};
void add_slow_changes(std::vector<scenario>& all) {
  all.push_back({"hash_map over a pool of slow values: insert 7, meanwhile 9 goes and 5 comes back | insert 7", [] {
                   pool nodes(6);
                   map m(nodes, 1);
                   m.insert(9, 90);
                   m.insert(5, 50);
                   bool asked = false;
                   bool inserted = false;
                   bool inserted_too = false;
                   at_once([&] { inserted = m.try_emplace(7, slow_value{m, asked}); }, [&] { inserted_too = m.insert(7, 71); });
                   model::require(inserted != inserted_too, "one of them inserts it");
                   model::require(m.contains(7) && m.contains(5) && m.contains(9) != asked,
                                  "what came is there, and what went is not");
                   has_room(m, 6);
                 }});
  // The same of an update, whose fresh node is the very one that it was to replace.
  all.push_back({"hash_map over a pool of slow values: update 9, meanwhile 9 is updated and 5 comes back | insert 7",
                 [] {
                   pool nodes(6);
                   map m(nodes, 1);
                   m.insert(9, 90);
                   m.insert(5, 50);
                   bool first = true;
                   at_once(
                       [&] {
                         m.update(9, [&](int old) {
                           if (std::exchange(first, false)) {
                             m.erase(5);
                             m.insert(5, 51);
                             m.update(9, [](int value) { return value + 1; });
                           }
                           return old + 1;
                         });
                       },
                       [&] { model::require(m.insert(7, 70), "it was not there"); });
                   model::require(m.find(9) == 92, "no update is lost");
                   model::require(m.find(7) == 70 && m.find(5) == 51, "what came is there");
                   has_room(m, 6);
                 },
                 true});
}

// An order, a key and a value that are three words: a reader may copy each from another life of the node.
void add_words(std::vector<scenario>& all) {
  for (const int key : {1, 9}) {
    all.push_back({"hash_map over a pool of words: find 1 | erase 1, insert " + std::to_string(key), [key] {
                     pool nodes(2);
                     pawl::hash_map<long, long, std::hash<long>, std::equal_to<long>, pool> m(nodes, 1);
                     m.insert(1, 10);
                     std::optional<long> found;
                     at_once([&] { found = m.find(1); },
                             [&] {
                               m.erase(1);
                               m.insert(key, 10 * key + 1);
                             });
                     model::require(!found || found == 10 || (key == 1 && found == 11), "a value is its key's");
                   }});
  }
  // An order from another life, behind that of the key, doesn't end the search.
  all.push_back({"hash_map over a pool of words: contains 2 | erase 1, insert 3", [] {
                   pool nodes(3);
                   pawl::hash_map<long, long, std::hash<long>, std::equal_to<long>, pool> m(nodes, 1);
                   m.insert(1, 10);
                   m.insert(2, 20);
                   bool found = false;
                   at_once([&] { found = m.contains(2); },
                           [&] {
                             m.erase(1);
                             m.insert(3, 30);
                           });
                   model::require(found, "it was there all the time");
                 }});
}

void add_triples(std::vector<scenario>& all) {
  using enum on_key;
  all.push_back(on_pool(3, {}, {{{insert, 1}}, {{erase, 1}}, {{find, 1}}}));
  all.push_back(on_pool(3, {1}, {{{erase, 1}}, {{erase, 1}}, {{insert, 1}}}, size_of::large));
  all.push_back(on_pool(3, {1}, {{{erase, 1}}, {{insert, 4}}, {{find, 4}}}));
  all.push_back(on_pool(3, {1}, {{{update, 1}}, {{erase, 1}}, {{find, 1}}}, size_of::large));
  all.push_back(on_pool(3, {}, {{{insert, 1}}, {{insert, 1}}, {{erase, 1}}}, size_of::large));
}

// ---- A full pool -------------------------------------------------------------------------------------------------------------------

void add_full_pools(std::vector<scenario>& all) {
  const auto add = [&all](const std::string& name, std::function<void()> body) {
    all.push_back({"hash_map over a full pool: " + name, std::move(body)});
  };
  for (const int key : {1, 7}) {
    add("insert 1 | insert " + std::to_string(key) + ", with room for one", [key] {
      pool nodes(1);
      map m(nodes);
      int inserted[2] = {};
      at_once([&] { inserted[0] = m.insert(1, 10) ? 1 : 0; }, [&] { inserted[1] = m.insert(key, 20) ? 1 : 0; });
      model::require(inserted[0] + inserted[1] == 1 && m.size() == 1, "one of them had room");
      model::require(m.find(inserted[0] != 0 ? 1 : key) == (inserted[0] != 0 ? 10 : 20), "it is there");
      has_room(m, 1);
    });
  }
  add("insert_or_visit 1 | the same, with room for one", [] {
    pool nodes(1);
    map m(nodes);
    bool inserted[2] = {};
    const auto run = [&](int i) {
      return [&m, &inserted, i] {
        inserted[i] = m.insert_or_visit(1, 10 + i, [i](int, int value) { model::require(value == 11 - i, "it is the other's"); });
      };
    };
    at_once(run(0), run(1));
    model::require(inserted[0] != inserted[1], "one of them had room");
    has_room(m, 1);
  });
  add("erase 1 | insert 7", [] {
    pool nodes(1);
    map m(nodes);
    m.insert(1, 10);
    bool inserted = false;
    at_once([&] { model::require(m.erase(1), "it was there"); }, [&] { inserted = m.insert(7, 70); });
    model::require(m.size() == (inserted ? 1U : 0U) && m.contains(7) == inserted && !m.contains(1), "one node for one element");
    has_room(m, 1);
  });
  // A value is replaced by a node beyond the capacity, whoever unlinks the old one.
  const auto updates = [&add](const std::string& name, std::function<void(map&)> other, int sum) {
    add("update 1 | " + name, [other, sum] {
      pool nodes(2);
      map m(nodes);
      m.insert(1, 10);
      m.insert(7, 70);
      at_once([&] { m.update(1, [](int old) { return old + 1; }); }, [&] { other(m); });
      int found = 0;
      m.visit_all([&found](int, int value) { found += value; });
      model::require(sum == 0 || found == sum, "no update is lost");
      has_room(m, 2);
    });
  };
  updates("update 1", [](map& m) { m.update(1, [](int old) { return old + 1; }); }, 82);
  updates("update 7", [](map& m) { m.update(7, [](int old) { return old + 1; }); }, 82);
  updates("find 7", [](map& m) { model::require(m.find(7) == 70, "it is there"); }, 81);
  updates("erase 1", [](map& m) { model::require(m.erase(1), "it is there"); }, 70);
  updates("erase 7", [](map& m) { model::require(m.erase(7), "it is there"); }, 11);
  updates("insert_or_assign 1", [](map& m) { model::require(!m.insert_or_assign(1, 20), "it is there"); }, 0);
  updates("insert 9", [](map& m) { model::require(!m.insert(9, 90), "there is no room"); }, 81);
}

// ---- With other containers on the pool ---------------------------------------------------------------------------------------------

void add_neighbours(std::vector<scenario>& all) {
  const auto add = [&all](const std::string& name, std::function<void()> body) {
    all.push_back({"hash_map over a pool, with others on it: " + name, std::move(body)});
  };
  // A queue's pop is at a node that comes to the map, where its `next` is no link of a queue.
  add("pop | pop, insert 1", [] {
    pool nodes(4);
    map m(nodes, 1);
    pawl::queue<int, pool> q(nodes);
    m.insert(7, 70);
    q.push(10);
    q.push(20);
    int first = 0;
    int second = 0;
    at_once([&] { first = q.try_pop().value_or(0); },
            [&] {
              second = q.try_pop().value_or(0);
              m.insert(1, 10);
            });
    model::require(first + second == 30 && m.find(7) == 70 && m.find(1) == 10, "all are where they belong");
  });
  // A map's insert is at a place in the midst of its list, whose two nodes come to a queue in the same order. (The first of them in its
  // second life, so that the sum of the lives, 1, is the life in which the other one comes to the queue.)
  for (const bool finds : {false, true}) {
    add(std::string(finds ? "find 5" : "insert 9") + " | erase 7, erase 1, push, push", [finds] {
      pool nodes(4);
      map m(nodes, 1);
      pawl::queue<int, pool> q(nodes);
      m.insert(1, 10);
      m.erase(1);
      m.insert(1, 10);
      m.insert(7, 70);
      at_once(
          [&] {
            if (finds) {
              model::require(!m.contains(5), "it was never there");
            } else {
              model::require(m.insert(9, 90), "it was not there");
            }
          },
          [&] {
            m.erase(7);
            m.erase(1);
            q.push(1);
            q.push(2);
          });
      model::require(q.try_pop() == 1 && q.try_pop() == 2 && !q.try_pop(), "the queue has its own");
      model::require(m.contains(9) != finds && m.size() == (finds ? 0U : 1U), "the map has its own");
    });
  }
  add("find 7 | erase 7, push on a stack", [] {
    pool nodes(3);
    map m(nodes, 1);
    pawl::stack<int, pool> s(nodes);
    m.insert(1, 10);
    m.insert(7, 70);
    std::optional<int> found;
    at_once([&] { found = m.find(7); },
            [&] {
              m.erase(7);
              s.push(5);
            });
    model::require(!found || found == 70, "a value is its key's");
    model::require(s.try_pop() == 5, "the stack has its own");
  });
}

// ---- What an operation tells -------------------------------------------------------------------------------------------------------

// What a thread did before it changed the map, another one may read that sees the change. `sees` says whether it does.
void add_telling(std::vector<scenario>& all) {
  const auto add = [&all](const std::string& name, std::function<void(map&)> change, std::function<bool(map&)> sees) {
    all.push_back({"hash_map over a pool tells: " + name, [=] {
                     pool nodes(3);
                     map m(nodes, 1);
                     m.insert(1, 10);
                     model::var<int> known{0};
                     at_once(
                         [&] {
                           known.set(1);
                           change(m);
                         },
                         [&] {
                           if (sees(m)) model::require(known.get() == 1, "what came before the change");
                         });
                   }});
  };
  const auto erase = [](map& m) { m.erase(1); };
  const auto insert = [](map& m) { m.insert(7, 70); };
  const auto update = [](map& m) { m.update(1, [](int) { return 11; }); };
  add("erase | not found", erase, [](map& m) { return !m.contains(1); });
  add("erase | inserted", erase, [](map& m) { return m.insert(1, 11); });
  add("erase | not erased", erase, [](map& m) { return !m.erase(1); });
  add("insert | found", insert, [](map& m) { return m.contains(7); });
  add("insert | not inserted", insert, [](map& m) { return !m.insert(7, 71); });
  add("update | found", update, [](map& m) { return m.find(1) == 11; });
  add("update | updated", update, [](map& m) {
    bool seen = false;
    m.update(1, [&seen](int old) {
      seen = old == 11;
      return 12;
    });
    return seen;
  });
  // A key comes and goes while another thread is about to insert it. That one finds nothing of it, and yet comes after: of which it can
  // only know by what passes on no knowledge.
  all.push_back({"hash_map over a pool tells: insert, erase | inserted, and told of the other", [] {
                   pool nodes(3);
                   map m(nodes, 1);
                   model::var<int> known{0};
                   atomic<bool> told{false};
                   at_once(
                       [&] {
                         known.set(1);
                         if (m.insert(4, 40) && m.erase(4)) told.store(true, std::memory_order_relaxed);
                       },
                       [&] {
                         if (m.insert(4, 41) && told.load(std::memory_order_relaxed)) {
                           model::require(known.get() == 1, "what came before the other's erase");
                         }
                       });
                 }});
}

// ---- Members that are not atomic ---------------------------------------------------------------------------------------------------

void add_members_on_all(std::vector<scenario>& all) {
  for (const on_key other : all_on_key) {
    all.push_back({std::string("hash_map over a pool with {1, 4}: visit_all | ") + name_of(other) + " 1", [=] {
                     pool nodes(3);
                     map m(nodes, 2);
                     m.insert(1, 10);
                     m.insert(4, 10);
                     at_once([&] { call(m, other, 1, 100); },
                             [&] {
                               int visited[5] = {};
                               m.visit_all([&visited](int key, int) { ++visited[key]; });
                               model::require(visited[4] == 1, "it comes to what is there throughout");
                               model::require(visited[1] <= 1, "it comes to no key twice");
                             });
                   }});
    all.push_back({std::string("hash_map over a pool with {1, 4}: clear | ") + name_of(other) + " 1", [=] {
                     pool nodes(3);
                     map m(nodes, 2);
                     m.insert(1, 10);
                     m.insert(4, 10);
                     at_once([&] { m.clear(); }, [&] { call(m, other, 1, 100); });
                     model::require(!m.contains(4), "it removes what is there throughout");
                     model::require(m.size() == (m.contains(1) ? 1U : 0U), "the size is the number of elements");
                     has_room(m, 3);
                   }});
  }
}

}  // namespace

void add_pooled_maps(std::vector<scenario>& all) {
  add_pairs(all);
  add_nodes_that_come_back(all);
  add_slow_changes(all);
  add_words(all);
  add_triples(all);
  add_full_pools(all);
  add_neighbours(all);
  add_telling(all);
  add_members_on_all(all);
  // A pool that grows, with one thread's nodes at hand.
  all.push_back({"hash_map over a growing pool: insert 1, erase 1 | insert 1, find 1", [] {
                   checked_map<pool> m(1);
                   at_once(
                       [&] {
                         m.call(on_key::insert, 1, 10);
                         m.call(on_key::erase, 1);
                       },
                       [&] {
                         m.call(on_key::insert, 1, 20);
                         m.call(on_key::find, 1);
                       });
                   m.ends_with_keys({1});
                 }});
  all.push_back({"hash_map over a growing pool: update 1 | update 1", [] {
                   checked_map<pool> m(1);
                   m.call(on_key::insert, 1, 10);
                   at_once([&] { m.call(on_key::update, 1, 1); }, [&] { m.call(on_key::update, 1, 2); });
                   m.ends_with_keys({1});
                 }});
}

}  // namespace scenarios
