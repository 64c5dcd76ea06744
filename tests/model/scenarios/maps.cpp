// SPDX-License-Identifier: BSL-1.0
// hash_map and hash_set: all pairs of members at once, on one key and on two; growth, and buckets that nobody has used yet; what one thread
// may know of another's past by what it finds in the map.
#include <optional>
#include <type_traits>

#include "model/scenarios/on_map.hpp"

namespace scenarios {
namespace {

using map = map_over<hazards>;

void reclaim() { hazards::default_domain().reclaim(); }

enum class frees { nothing, first_thread };

/// Threads on a map of `buckets` buckets and with these keys, whose values are 10. The first may free what it can at its end.
template <class R = hazards>
scenario map_scenario(std::size_t buckets, const std::vector<int>& keys, const std::vector<std::vector<step_on_map>>& threads,
                      frees who = frees::nothing, size_of size = size_of::small) {
  std::string name = std::is_same_v<R, hazards> ? "hash_map of " : "hash_map over epochs of ";
  name += std::to_string(buckets) + (buckets == 1 ? " bucket with {" : " buckets with {");
  for (const int key : keys) name += (name.back() == '{' ? "" : ", ") + std::to_string(key);
  name += "}: ";
  for (std::size_t i = 0; i < threads.size(); ++i) name += (i == 0 ? "" : " | ") + name_of(threads[i]);
  return {name,
          [=] {
            checked_map<R> m(buckets);
            for (const int key : keys) m.call(on_key::insert, key, 10);
            const auto run = [&](std::size_t i) {
              return [&, i] {
                int value = 100 * static_cast<int>(i + 1);
                for (const step_on_map& each : threads[i]) m.call(each.what, each.key, value++);
                if (i == 0 && who == frees::first_thread) R::default_domain().reclaim();
              };
            };
            if (threads.size() == 2) {
              at_once(run(0), run(1));
            } else {
              at_once(run(0), run(1), run(2));
            }
            m.ends_with_keys({1, 2, 4, 5, 7, 8, 9});
          },
          size == size_of::large};
}

template <class R>
void add_pairs_on_keys(std::vector<scenario>& all) {
  using enum on_key;
  const auto retires = [](on_key what) { return what >= insert_or_assign && what <= erase_if; };
  for (const on_key a : all_on_key) {
    for (const on_key b : all_on_key) {
      if (b < a) continue;
      // Who retires comes first, and frees, where there is another kind of thing to disturb.
      const on_key first = retires(b) && !retires(a) ? b : a;
      const on_key second = first == a ? b : a;
      const bool both = retires(first) && retires(second);
      const frees who = retires(first) && (!both || first == second) ? frees::first_thread : frees::nothing;
      all.push_back(map_scenario<R>(2, {1}, {{{first, 1}}, {{second, 1}}}, who));
      all.push_back(map_scenario<R>(2, {1}, {{{first, 4}}, {{second, 4}}}, who));
    }
  }
  // Neighbours in the list. What differs only in the result is left out.
  for (const on_key a : {insert, insert_or_assign, update, upsert, erase}) {
    for (const on_key b : {insert, insert_or_assign, update, upsert, erase, find}) {
      all.push_back(map_scenario<R>(2, {1}, {{{a, 1}}, {{b, 4}}}, frees::first_thread));
      if (b == find) {
        all.push_back(map_scenario<R>(2, {1}, {{{a, 4}}, {{b, 1}}}));
        all.push_back(map_scenario<R>(2, {1, 4}, {{{a, 1}}, {{b, 4}}}, frees::first_thread));
      } else if (b >= a) {
        all.push_back(map_scenario<R>(2, {1, 4}, {{{a, 1}}, {{b, 4}}}));
      }
    }
  }
}

// ---- Members that are not atomic ---------------------------------------------------------------------------------------------------

/// Beside one that is.
void add_pairs_on_all(std::vector<scenario>& all, const std::string& name, std::function<void(map&, on_key)> member) {
  for (const on_key other : all_on_key) {
    all.push_back({"hash_map with {1, 4}: " + name + " | " + name_of(other) + " 1", [=] {
                     checked_map<> m(2);
                     m.call(on_key::insert, 1, 10);
                     m.call(on_key::insert, 4, 10);
                     at_once([&] { m.call(other, 1, 100); }, [&] { member(m.all(), other); });
                     m.ends_with_keys({1, 4});
                   }});
  }
}
void add_members_on_all(std::vector<scenario>& all) {
  add_pairs_on_all(all, "visit_all", [](map& m, on_key) {
    int visited[5] = {};
    m.visit_all([&visited](int key, int) { ++visited[key]; });
    model::require(visited[4] == 1, "it comes to what is there throughout");
    model::require(visited[1] <= 1, "it comes to no key twice");
  });
  add_pairs_on_all(all, "size", [](map& m, on_key other) {
    const std::size_t size = m.size();
    const bool may_erase = other == on_key::erase || other == on_key::erase_if;
    model::require(size == 2 || (may_erase && size == 1), "it is the size before or after");
    model::require(!m.empty(), "one is there throughout");
  });
  add_pairs_on_all(all, "reserve", [](map& m, on_key) {
    m.reserve(8);
    model::require(m.bucket_count() == 8, "there are as many as asked for");
    model::require(m.contains(4), "what is there is found in the bucket that it belongs to now");
  });
  // clear is erase for each element: what comes meanwhile may be left.
  for (const on_key other : all_on_key) {
    all.push_back({std::string("hash_map with {1, 4}: clear | ") + name_of(other) + " 1", [=] {
                     map m(2);
                     m.insert(1, 10);
                     m.insert(4, 10);
                     at_once(
                         [&] {
                           m.clear();
                           if (other >= on_key::find) reclaim();
                         },
                         [&] { call(m, other, 1, 100); });
                     model::require(!m.contains(4), "it removes what is there throughout");
                     model::require(m.size() == (m.contains(1) ? 1U : 0U), "the size is the number of elements");
                   }});
  }
  const auto add = [&all](const std::string& name, std::function<void(map&)> first, std::function<void(map&)> second) {
    all.push_back({"hash_map with {1, 4}: " + name, [=] {
                     map m(2);
                     m.insert(1, 10);
                     m.insert(4, 10);
                     at_once([&] { first(m); }, [&] { second(m); });
                     std::size_t found = 0;
                     m.visit_all([&found](int, int) { ++found; });
                     model::require(m.size() == found, "the size is the number of elements");
                   }});
  };
  const auto clear = [](map& m) { m.clear(); };
  const auto visit_all = [](map& m) { m.visit_all([](int, int value) { model::require(value == 10, "as it was put in"); }); };
  const auto size = [](map& m) { model::require(m.size() <= 2, "no more than there ever were"); };
  const auto reserve = [](map& m) { m.reserve(8); };
  add("clear | clear", clear, clear);
  add("clear | visit_all", clear, visit_all);
  add("clear | size", clear, size);
  add("clear | reserve", clear, reserve);
  add("visit_all | visit_all", visit_all, visit_all);
  add("visit_all | size", visit_all, size);
  add("visit_all | reserve", visit_all, reserve);
  add("size | reserve", size, reserve);
  add("reserve | reserve", reserve, reserve);
  // A function that uses the map: its protections come behind those of the operation that called it.
  add(
      "visit that finds another | erase the other", [](map& m) { m.visit(1, [&m](int, int) { static_cast<void>(m.find(4)); }); },
      [](map& m) {
        m.erase(4);
        reclaim();
      });
}

// ---- What an operation tells -------------------------------------------------------------------------------------------------------

// What a thread did before it changed the map, another one may read that sees the change. `sees` says whether it does.
void add_telling_map(std::vector<scenario>& all, const std::string& name, std::function<void(map&)> change,
                     std::function<bool(map&)> sees) {
  all.push_back({"hash_map tells: " + name, [=] {
                   map m;
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
}
void add_telling_maps(std::vector<scenario>& all) {
  add_telling_map(all, "erase | not found", [](map& m) { m.erase(1); }, [](map& m) { return !m.contains(1); });
  add_telling_map(all, "erase | inserted", [](map& m) { m.erase(1); }, [](map& m) { return m.insert(1, 11); });
  add_telling_map(all, "erase | not erased", [](map& m) { m.erase(1); }, [](map& m) { return !m.erase(1); });
  add_telling_map(all, "insert | found", [](map& m) { m.insert(2, 20); }, [](map& m) { return m.contains(2); });
  add_telling_map(
      all, "update | found", [](map& m) { m.update(1, [](int) { return 11; }); }, [](map& m) { return m.find(1) == 11; });
  add_telling_map(
      all, "update | updated", [](map& m) { m.update(1, [](int) { return 11; }); },
      [](map& m) {
        bool seen = false;
        m.update(1, [&seen](int old) {
          seen = old == 11;
          return 12;
        });
        return seen;
      });
  // A key comes and goes while another thread is about to insert it. That one finds nothing of it, and yet comes after: of which it can
  // only know by what passes on no knowledge.
  all.push_back({"hash_map tells: insert, erase | inserted, and told of the other", [] {
                   map m(2);
                   m.insert(1, 10);
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

// ---- Three threads -----------------------------------------------------------------------------------------------------------------

// A search unlinks what another thread marked, over what a third one made.
scenario passed_on() {
  return {"hash_map: insert behind, erase | a search unlinks | find behind",
          [] {
            map m(2);
            m.insert(1, 10);
            model::thread makes([&] {
              m.insert(4, 40);
              m.erase(1);
            });
            model::thread finds([&] {
              const std::optional<int> found = m.find(4);
              model::require(!found || found == 40, "it is what was put in");
            });
            static_cast<void>(m.contains(1));
            makes.join();
            finds.join();
            model::require(m.size() == 1 && m.find(4) == 40, "the other is left");
          },
          true};
}

// An element is freed and inserted again, at the same address where freed memory comes back, while the other thread is at the element
// before it.
scenario address_comes_back(const std::string& name, bool large, const std::function<void(map&)>& change) {
  const auto body = [change] {
    map m;
    m.insert(1, 10);
    m.insert(7, 70);
    pawl::atomic<bool, B> renewed{false};
    int found = 70;
    model::thread renews([&] {
      m.erase(7);
      hazards::default_domain().reclaim();
      m.insert(7, 70);
      renewed.store(true, std::memory_order_relaxed);
    });
    change(m);
    // relaxed: tells of nothing else
    if (renewed.load(std::memory_order_relaxed)) found = m.find(7).value_or(0);
    renews.join();
    model::require(found == 70 || found == 0, "a value is its key's");
  };
  return {"hash_map, an address comes back: " + name + " | erase, reclaim, insert", body, large, true};
}

}  // namespace

void add_maps(std::vector<scenario>& all) {
  using enum on_key;
  add_pairs_on_keys<hazards>(all);
  add_pairs_on_keys<epochs>(all);
  add_members_on_all(all);
  add_telling_maps(all);
  all.push_back(passed_on());

  // Buckets that nobody has used.
  for (const on_key other : {insert, find, erase, update}) {
    all.push_back(map_scenario(8, {}, {{{insert, 5}}, {{other, 5}}}));
    all.push_back(map_scenario(8, {}, {{{insert, 7}}, {{other, 7}}}));
    all.push_back(
        map_scenario(8, {}, {{{insert, 7}}, {{other, 9}}}, frees::nothing, other == insert ? size_of::large : size_of::small));
  }
  all.push_back(map_scenario(8, {}, {{{insert, 7}}, {{insert, 5}}}));
  all.push_back(map_scenario(8, {}, {{{insert, 7}}, {{insert, 4}}}));
  all.push_back(map_scenario(8, {}, {{{insert, 7}}, {{insert, 8}}}));
  all.push_back(map_scenario(8, {}, {{{insert, 5}}, {{insert, 2}}}));
  all.push_back(map_scenario(8, {1}, {{{erase, 1}}, {{insert, 7}}}));

  // Growth: with one bucket, the second element is one too many.
  for (const on_key other : {insert, find, erase, update}) {
    all.push_back(map_scenario(1, {1}, {{{insert, 2}}, {{other, 1}}}));
    all.push_back(map_scenario(1, {1}, {{{insert, 2}}, {{other, 2}}}));
  }
  all.push_back(map_scenario(1, {1}, {{{insert, 2}}, {{insert, 8}}}));
  all.push_back(map_scenario(1, {1}, {{{insert, 2}}, {{insert, 4}}}));

  // Triples.
  all.push_back(map_scenario<epochs>(2, {}, {{{insert, 1}}, {{erase, 1}}, {{find, 1}}}));
  all.push_back(map_scenario<epochs>(2, {1}, {{{erase, 1}}, {{erase, 1}}, {{insert, 1}}}, frees::first_thread));
  all.push_back(map_scenario<epochs>(1, {1}, {{{insert, 2}}, {{erase, 1}}}, frees::first_thread));
  all.push_back(map_scenario(2, {}, {{{insert, 1}}, {{erase, 1}}, {{find, 1}}}));
  all.push_back(map_scenario(2, {1}, {{{erase, 1}}, {{insert, 1}}, {{find, 1}}}));
  all.push_back(map_scenario(2, {}, {{{insert, 1}}, {{insert, 1}}, {{erase, 1}}}));
  all.push_back(map_scenario(2, {1}, {{{update, 1}}, {{erase, 1}}, {{find, 1}}}, frees::nothing, size_of::large));
  all.push_back(map_scenario(2, {1}, {{{erase, 1}}, {{erase, 1}}, {{insert, 1}}}));
  all.push_back(map_scenario(2, {1}, {{{update, 1}}, {{update, 1}}, {{find, 1}}}, frees::nothing, size_of::large));
  all.push_back(map_scenario(2, {1}, {{{erase, 1}}, {{insert, 4}}, {{find, 4}}}));
  all.push_back(map_scenario(1, {1}, {{{insert, 4}}, {{insert, 5}}, {{find, 4}}}));

  all.push_back(address_comes_back("find", false, [](map& m) { static_cast<void>(m.find(7)); }));
  all.push_back(address_comes_back("erase what is before, find", true, [](map& m) { m.erase(1); }));
  all.push_back(address_comes_back("update what is before, find", true, [](map& m) { m.update(1, [](int old) { return old; }); }));

  all.push_back({"hash_set: insert | erase | contains", [] {
                   pawl::hash_set<int, same, std::equal_to<int>, hazards> s(2);
                   bool erased = false;
                   bool inserted = false;
                   at_once([&] { inserted = s.insert(1); }, [&] { erased = s.erase(1); },
                           [&] { static_cast<void>(s.contains(1)); });
                   model::require(inserted && s.size() == (erased ? 0U : 1U) && s.contains(1) == !erased, "they had an order");
                 }});
}

}  // namespace scenarios
