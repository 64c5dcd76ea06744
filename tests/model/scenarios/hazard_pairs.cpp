// SPDX-License-Identifier: BSL-1.0
// Hazard pointers: all pairs of what threads do to a domain, each with each.
#include <array>
#include <cstddef>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "replaced.hpp"

namespace scenarios {
namespace {

using hazard = pawl::basic_hazard_pointer<B>;
using replaced = replaced_object<hazards, pawl::hazard_pointer_obj_base>;

hazards& of_process() { return hazards::default_domain(); }

/// What one thread does, on an object that others may replace.
struct operation {
  const char* name;
  void (*run)(replaced&);
};
constexpr operation operations[] = {
    {"protect, read",
     [](replaced& o) {
       auto guard = pawl::make_hazard_pointer<B>();
       replaced::read(guard.protect(o.source));
     }},
    {"try_protect, read",
     [](replaced& o) {
       auto guard = pawl::make_hazard_pointer<B>();
       auto* found = o.source.load(std::memory_order_relaxed);
       // Where it fails, it says what is there now.
       while (!guard.try_protect(found, o.source)) {
       }
       replaced::read(found);
     }},
    {"protect, reset, protect, read",
     [](replaced& o) {
       auto guard = pawl::make_hazard_pointer<B>();
       guard.protect(o.source);
       guard.reset_protection();
       replaced::read(guard.protect(o.source));
     }},
    {"protect, swap, read",
     [](replaced& o) {
       auto first = pawl::make_hazard_pointer<B>();
       hazard second;
       const auto* const found = first.protect(o.source);
       swap(first, second);
       replaced::read(found);
     }},
    {"protect, move, read",
     [](replaced& o) {
       auto first = pawl::make_hazard_pointer<B>();
       const auto* const found = first.protect(o.source);
       const hazard second(std::move(first));
       replaced::read(found);
     }},
    {"a batch, protect by each, read",
     [](replaced& o) {
       std::array<hazard, 2> batch;
       pawl::make_hazard_pointer_batch<B>(std::span<hazard>(batch));
       for (hazard& each : batch) replaced::read(each.protect(o.source));
       pawl::clear_hazard_pointer_batch<B>(std::span<hazard>(batch));
     }},
    {"a batch of more than a thread has",
     [](replaced& o) {
       std::array<hazard, 4> batch;
       pawl::make_hazard_pointer_batch<B>(std::span<hazard>(batch));
       replaced::read(batch[3].protect(o.source));
     }},
    {"replace", [](replaced& o) { o.replace(); }},
    {"replace, reclaim", [](replaced& o) { o.replace_and_reclaim(); }},
    {"reclaim", [](replaced&) { of_process().reclaim(); }},
    {"statistics",
     [](replaced&) {
       const auto stats = of_process().stats();
       model::require(stats.retired >= 1 && stats.retired <= 3 && stats.reclaimed <= 3, "no more than there were, no less");
     }},
};

}  // namespace

void add_hazard_pairs(std::vector<scenario>& all) {
  for (std::size_t a = 0; a < std::size(operations); ++a) {
    for (std::size_t b = a; b < std::size(operations); ++b) {
      const operation& first = operations[a];
      const operation& second = operations[b];
      all.push_back({std::string("hazard pointer: with one retired: ") + first.name + " | " + second.name, [&first, &second] {
                       replaced o;
                       o.replace();
                       at_once([&] { first.run(o); }, [&] { second.run(o); });
                     }});
    }
  }
  // Triples of those that differ most.
  std::vector<operation> differ;
  for (const operation& each : operations) {
    for (const char* name : {"protect, read", "a batch, protect by each, read", "replace, reclaim", "reclaim"}) {
      if (each.name == std::string(name)) differ.push_back(each);
    }
  }
  for (std::size_t a = 0; a < differ.size(); ++a) {
    for (std::size_t b = a; b < differ.size(); ++b) {
      for (std::size_t c = b; c < differ.size(); ++c) {
        const operation of[] = {differ[a], differ[b], differ[c]};
        const std::string name = std::string(of[0].name) + " | " + of[1].name + " | " + of[2].name;
        const bool large = name == "a batch, protect by each, read | replace, reclaim | replace, reclaim";
        all.push_back({"hazard pointer: with one retired: " + name,
                       [first = of[0].run, second = of[1].run, third = of[2].run] {
                         replaced o;
                         o.replace();
                         at_once([&] { first(o); }, [&] { second(o); }, [&] { third(o); });
                       },
                       large});
      }
    }
  }
}

}  // namespace scenarios
