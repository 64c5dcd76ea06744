// SPDX-License-Identifier: BSL-1.0
// llsc: no update is lost, a store succeeds only if nothing was stored since the load, and what was read under a link that is valid still
// was there at once.
#include <pawl/llsc.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "model/scenarios.hpp"

namespace scenarios {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;

template <class T>
using llsc = pawl::llsc<T, B>;

/// Returns what was there before.
template <class T>
T add(llsc<T>& cell, T n) {
  for (;;) {
    auto link = cell.load_linked(relaxed);
    const T before = link.value();
    if (link.store_conditional(static_cast<T>(before + n), std::memory_order_acq_rel)) return before;
  }
}

template <class T>
std::int64_t number(T value) {
  return static_cast<std::int64_t>(value);
}

template <class T>
void add_for(std::vector<scenario>& all, const std::string& type) {
  const auto add_one = [&](const char* what, std::function<void()> body) {
    all.push_back({"llsc: " + type + ": " + what, std::move(body)});
  };
  add_one("add | add", [] {
    llsc<T> cell{T{5}};
    model::linearizable<model::spec::counter> h(model::spec::counter(5));
    const auto change = [&] {
      h.call([&] { return number(add(cell, T{1})); }, [](model::spec::counter& s) { return s.fetch_add(1); });
    };
    at_once(change, change);
    model::require(cell.load(relaxed) == T{7}, "no update is lost");
  });
  add_one("add, add | add | load", [] {
    llsc<T> cell;
    model::linearizable<model::spec::counter> h;
    const auto change = [&](T n) {
      h.call([&, n] { return number(add(cell, n)); }, [n](model::spec::counter& s) { return s.fetch_add(number(n)); });
    };
    at_once(
        [&] {
          change(T{1});
          change(T{2});
        },
        [&] { change(T{4}); },
        [&] { h.call([&] { return number(cell.load(acquire)); }, [](const model::spec::counter& s) { return s.value(); }); });
    model::require(cell.load(relaxed) == T{7}, "no update is lost");
  });
  add_one("once | once", [] {
    llsc<T> cell;
    bool stored[2]{};
    const auto store = [&](int i, T value) {
      return [&, i, value] {
        auto link = cell.load_linked(relaxed);
        auto same = link;
        const bool first = link.store_conditional(value, relaxed);
        model::require(!link.store_conditional(T{9}, relaxed), "a link stores once");
        model::require(!same.store_conditional(T{9}, relaxed), "and its copy not at all, then");
        model::require(!link.validate(relaxed) && !same.validate(relaxed), "and what it saw has been replaced");
        stored[i] = first;
      };
    };
    at_once(store(0, T{1}), store(1, T{2}));
    const T left = cell.load(relaxed);
    model::require(stored[0] || stored[1], "a store fails only because of another");
    model::require(left == T{1} ? stored[0] : left == T{2} && stored[1], "who stored, did");
  });
  // Not even a store of the value that was there goes unnoticed.
  add_one("store the same under a link | store under another", [] {
    llsc<T> cell{T{1}};
    auto first = cell.load_linked(relaxed);
    auto second = cell.load_linked(relaxed);
    bool stored[2]{};
    at_once([&] { stored[0] = first.store_conditional(T{1}, relaxed); },
            [&] { stored[1] = second.store_conditional(T{2}, relaxed); });
    model::require(stored[0] != stored[1], "one of them stored");
    model::require(!first.validate(relaxed) && !second.validate(relaxed), "and both links know");
    model::require(cell.load(relaxed) == (stored[0] ? T{1} : T{2}), "and what was stored is there");
  });
  add_one("write, store of release | link of acquire, read", [] {
    llsc<T> cell;
    model::var<int> data{0};
    at_once(
        [&] {
          data.set(1);
          model::require(cell.load_linked(relaxed).store_conditional(T{1}, release), "nobody else stores");
        },
        [&] {
          const auto link = cell.load_linked(acquire);
          if (link.value() == T{1}) static_cast<void>(data.get());
        });
  });
  add_one("write, store of release | load of acquire, read", [] {
    llsc<T> cell;
    model::var<int> data{0};
    at_once(
        [&] {
          data.set(1);
          model::require(cell.load_linked(relaxed).store_conditional(T{1}, release), "nobody else stores");
        },
        [&] {
          if (cell.load(acquire) == T{1}) static_cast<void>(data.get());
        });
  });
  // A store that fails tells of the one that came before, as a load by the same order would.
  add_one("write, store of release | store that fails by acquire, read", [] {
    llsc<T> cell;
    model::var<int> data{0};
    at_once(
        [&] {
          data.set(1);
          static_cast<void>(cell.load_linked(relaxed).store_conditional(T{1}, release));
        },
        [&] {
          auto link = cell.load_linked(relaxed);
          if (link.value() != T{0}) return;
          if (!link.store_conditional(T{2}, acquire)) static_cast<void>(data.get());
        });
  });
  add_one("by defaults: store, then look at the other | the same", [] {
    llsc<T> x;
    llsc<T> y;
    bool saw[2]{};
    const auto run = [](llsc<T>& mine, llsc<T>& other, bool& saw_other) {
      return [&] {
        auto link = mine.load_linked(relaxed);
        model::require(link.store_conditional(T{1}), "nobody else stores");
        saw_other = other.load() == T{1};
      };
    };
    at_once(run(x, y, saw[0]), run(y, x, saw[1]));
    model::require(saw[0] || saw[1], "one of them sees the other");
  });
  add_one("by defaults: store, then link the other | store, then validate", [] {
    llsc<T> x;
    llsc<T> y;
    bool saw[2]{};
    const auto old = x.load_linked(relaxed);
    at_once(
        [&] {
          model::require(x.load_linked(relaxed).store_conditional(T{1}), "nobody else stores");
          saw[0] = y.load_linked().value() == T{1};
        },
        [&] {
          model::require(y.load_linked(relaxed).store_conditional(T{1}), "nobody else stores");
          saw[1] = !old.validate();
        });
    model::require(saw[0] || saw[1], "one of them sees the other");
  });
  // b is never above a. Who reads a, then b, and then a's value again, sees b above a where a has come back meanwhile.
  const auto read_two = [&](const char* what, int (*read)(const atomic<int>&)) {
    add_one(what, [read] {
      llsc<T> a;
      atomic<int> b{0};
      at_once(
          [&] {
            // (1) acquire: pairs with the release of each store below, so b is no older than a
            const auto link = a.load_linked(acquire);
            const int seen = read(b);
            if (link.validate(relaxed)) model::require(seen <= number(link.value()), "both were there at once");
          },
          [&] {
            const auto set = [&](T value) { static_cast<void>(a.load_linked(relaxed).store_conditional(value, release)); };
            set(T{1});
            b.store(1, release);
            b.store(0, release);
            set(T{0});
          });
    });
  };
  // acquire: a change of a that came before this b is seen by validate
  read_two("read two under one link | up and down, in turn", [](const atomic<int>& b) { return b.load(acquire); });
  read_two("read two under one link, by a fence | up and down, in turn", [](const atomic<int>& b) {
    const int seen = b.load(relaxed);
    B::thread_fence(acquire);
    return seen;
  });
}

/// All pairs of what a thread does to one, each with each, and triples; as a history. A store under a link may fail beside another one: then
/// it changed nothing.
template <class T>
void add_pairs(std::vector<scenario>& all, const std::string& type) {
  using counter = model::spec::counter;
  using history = model::linearizable<counter>;
  struct operation {
    const char* name;
    void (*run)(llsc<T>&, history&, T n, bool& stored);  // which the history still asks for at its end
  };
  static constexpr operation operations[] = {
      {"load", [](llsc<T>& cell, history& h, T,
                  bool&) { h.call([&] { return number(cell.load(acquire)); }, [](const counter& s) { return s.value(); }); }},
      {"link, validate",
       [](llsc<T>& cell, history& h, T, bool&) {
         h.call(
             [&] {
               const auto link = cell.load_linked(acquire);
               static_cast<void>(link.validate(relaxed));
               return number(link.value());
             },
             [](const counter& s) { return s.value(); });
       }},
      {"add", [](llsc<T>& cell, history& h, T n,
                 bool&) { h.call([&] { return number(add(cell, n)); }, [n](counter& s) { return s.fetch_add(number(n)); }); }},
      {"add once, if nobody else stores",
       [](llsc<T>& cell, history& h, T n, bool& stored) {
         h.call(
             [&] {
               auto link = cell.load_linked(relaxed);
               stored = link.store_conditional(static_cast<T>(link.value() + n), std::memory_order_acq_rel);
               return stored ? number(link.value()) : -1;
             },
             [&stored, n](counter& s) { return stored ? s.fetch_add(number(n)) : -1; });
       }},
  };
  const auto race = [&all, &type](const std::vector<operation>& of) {
    std::string name = "llsc: " + type + ", in a history: ";
    for (std::size_t i = 0; i < of.size(); ++i) name += (i == 0 ? "" : " | ") + std::string(of[i].name);
    all.push_back({name, [of] {
                     llsc<T> cell{T{8}};
                     bool stored[3]{};
                     history h(counter(8));
                     const auto thread = [&](std::size_t i) {
                       return [&, i] { of[i].run(cell, h, static_cast<T>(i + 1), stored[i]); };
                     };
                     if (of.size() == 2) {
                       at_once(thread(0), thread(1));
                     } else {
                       at_once(thread(0), thread(1), thread(2));
                     }
                     h.call([&] { return number(cell.load(relaxed)); }, [](const counter& s) { return s.value(); });
                   }});
  };
  for (std::size_t a = 0; a < std::size(operations); ++a) {
    for (std::size_t b = a; b < std::size(operations); ++b) {
      race({operations[a], operations[b]});
      for (std::size_t c = b; c < std::size(operations); ++c) race({operations[a], operations[b], operations[c]});
    }
  }
}

/// A stack of two nodes by number under one llsc: a pop that is late must fail although its node has come back.
template <class T>
void add_late_pop(std::vector<scenario>& all, const std::string& type) {
  all.push_back({"llsc: " + type + ": a late pop | pop, pop, push the first again", [] {
                   atomic<int> next[3]{0, 0, 1};  // of number i at i
                   llsc<T> head{T{2}};
                   const auto pop = [&] {
                     for (;;) {
                       auto top = head.load_linked(acquire);
                       const int i = static_cast<int>(top.value());
                       if (i == 0) return 0;
                       if (top.store_conditional(static_cast<T>(next[i].load(relaxed)), relaxed)) return i;
                     }
                   };
                   const auto push = [&](int i) {
                     for (;;) {
                       auto top = head.load_linked(relaxed);
                       next[i].store(static_cast<int>(top.value()), relaxed);
                       if (top.store_conditional(static_cast<T>(i), release)) return;
                     }
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

}  // namespace

void add_llsc(std::vector<scenario>& all) {
  add_for<std::uint8_t>(all, "a byte");
  add_for<std::uint32_t>(all, "4 bytes");
  add_pairs<std::uint8_t>(all, "a byte");
  add_pairs<std::uint32_t>(all, "4 bytes");
  add_late_pop<std::uint8_t>(all, "a byte");
  add_late_pop<std::uint32_t>(all, "4 bytes");
  [&all]<class Backend>(Backend) {
    if constexpr (Backend::has_double_width) {
      add_for<std::uint64_t>(all, "8 bytes");
      add_pairs<std::uint64_t>(all, "8 bytes");
      add_late_pop<std::uint64_t>(all, "8 bytes");
    }
  }(B{});
}

}  // namespace scenarios
