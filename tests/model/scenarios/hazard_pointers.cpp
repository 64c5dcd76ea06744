// SPDX-License-Identifier: BSL-1.0
// Hazard pointers alone: every member beside a thread that replaces, retires and reclaims.
#include <array>
#include <optional>
#include <span>

#include "replaced.hpp"

namespace scenarios {
namespace {

using hazard = pawl::basic_hazard_pointer<B>;
template <class Domain = hazards>
using replaced = replaced_object<Domain, pawl::hazard_pointer_obj_base>;
using object = replaced<>::object;

}  // namespace

void add_hazard_pointers(std::vector<scenario>& all) {
  // What a reader does while another thread replaces, retires and frees.
  const auto beside_reclaim = [&all](const std::string& name, auto reads) {
    all.push_back({"hazard pointer: " + name + " | replace and retire", [reads] {
                     replaced<> o;
                     at_once([&] { reads(o); }, [&] { o.replace_and_reclaim(); });
                   }});
    all.push_back({"hazard pointer: " + name + " | retired until a scan is due", [reads] {
                     replaced<> o;
                     at_once([&] { reads(o); },
                             [&] {
                               o.replace();
                               o.replace();
                             });
                   }});
  };
  beside_reclaim("protect and read", [](auto& o) {
    auto guard = pawl::make_hazard_pointer<B>();
    o.read(guard.protect(o.source));
  });
  beside_reclaim("try_protect", [](auto& o) {
    auto guard = pawl::make_hazard_pointer<B>();
    object* found = o.source.load(std::memory_order_relaxed);
    if (guard.try_protect(found, o.source)) o.read(found);
  });
  beside_reclaim("protect, reset, protect", [](auto& o) {
    auto guard = pawl::make_hazard_pointer<B>();
    o.read(guard.protect(o.source));
    guard.reset_protection();
    o.read(guard.protect(o.source));
  });
  beside_reclaim("protect by one, swap, the other ends", [](auto& o) {
    auto first = pawl::make_hazard_pointer<B>();
    auto second = pawl::make_hazard_pointer<B>();
    const object* const found = first.protect(o.source);
    swap(first, second);
    first = hazard();
    o.read(found);
  });
  beside_reclaim("protect, move", [](auto& o) {
    auto first = pawl::make_hazard_pointer<B>();
    const object* const found = first.protect(o.source);
    const hazard second(std::move(first));
    o.read(found);
  });
  beside_reclaim("a batch", [](auto& o) {
    std::array<hazard, 2> batch;
    pawl::make_hazard_pointer_batch<B>(std::span<hazard>(batch));
    o.read(batch[0].protect(o.source));
    o.read(batch[1].protect(o.source));
    pawl::clear_hazard_pointer_batch<B>(std::span<hazard>(batch));
  });
  beside_reclaim("more than a thread has slots", [](auto& o) {
    std::array<hazard, 4> batch;
    pawl::make_hazard_pointer_batch<B>(std::span<hazard>(batch));
    for (hazard& each : batch) o.read(each.protect(o.source));
  });

  // A guard of one's own, which another thread can't be late for: it is set before the object can be retired.
  all.push_back({"hazard pointer: reset_protection, then told | told, then retire", [] {
                   replaced<> o;
                   atomic<bool> set{false};
                   at_once(
                       [&] {
                         auto guard = pawl::make_hazard_pointer<B>();
                         const object* const mine = o.source.load(std::memory_order_acquire);
                         guard.reset_protection(mine);
                         set.store(true, std::memory_order_release);
                         o.read(mine);
                       },
                       [&] {
                         if (set.load(std::memory_order_acquire)) o.replace_and_reclaim();
                       });
                 }});
  all.push_back({"hazard pointer: protected by a handle that another thread made, and ends", [] {
                   replaced<> o;
                   std::optional<hazard> handed{pawl::make_hazard_pointer<B>()};
                   at_once(
                       [&] {
                         o.read(handed->protect(o.source));
                         handed.reset();
                       },
                       [&] { o.replace_and_reclaim(); });
                 }});
  all.push_back({"hazard pointer: all of a thread's slots are in use, one ends on another thread | made", [] {
                   std::optional<hazard> handed{pawl::make_hazard_pointer<B>()};
                   auto second = pawl::make_hazard_pointer<B>();
                   auto third = pawl::make_hazard_pointer<B>();
                   model::thread ends([&] { handed.reset(); });
                   auto again = pawl::make_hazard_pointer<B>();
                   ends.join();
                   model::require(!again.empty(), "it has a slot");
                 }});
  all.push_back({"hazard pointer: two end on another thread | made", [] {
                   std::optional<hazard> first{pawl::make_hazard_pointer<B>()};
                   std::optional<hazard> second{pawl::make_hazard_pointer<B>()};
                   auto third = pawl::make_hazard_pointer<B>();
                   model::thread one([&] { first.reset(); });
                   model::thread two([&] { second.reset(); });
                   auto again = pawl::make_hazard_pointer<B>();
                   one.join();
                   two.join();
                   model::require(!again.empty(), "it has a slot");
                 }});
  all.push_back({"hazard pointer: a thread ends with objects retired, its joiner frees them", [] {
                   replaced<> o;
                   at_once(
                       [&] {
                         auto guard = pawl::make_hazard_pointer<B>();
                         o.read(guard.protect(o.source));
                       },
                       [&] {
                         model::thread retires([&] {
                           auto guard = pawl::make_hazard_pointer<B>();
                           o.read(guard.protect(o.source));
                           o.replace();
                         });
                         retires.join();
                         hazards::default_domain().reclaim();
                       });
                 }});
  all.push_back({"hazard pointer: replace and retire | replace and retire", [] {
                   replaced<> o;
                   at_once([&] { o.replace_and_reclaim(); }, [&] { o.replace_and_reclaim(); });
                 }});
  all.push_back({"hazard pointer: reclaim | reclaim", [] {
                   replaced<> o;
                   o.replace();
                   at_once([&] { hazards::default_domain().reclaim(); }, [&] { hazards::default_domain().reclaim(); });
                 }});
  all.push_back({"hazard pointer: statistics | replace and retire", [] {
                   replaced<> o;
                   at_once([&] { o.replace_and_reclaim(); },
                           [&] {
                             const auto stats = hazards::default_domain().stats();
                             model::require(stats.retired <= 1 && stats.reclaimed <= 1 && stats.records == 3,
                                            "no more than there were");
                           });
                 }});
  all.push_back({"hazard pointer: protect | protect | replace and retire", [] {
                   replaced<> o;
                   const auto reads = [&] {
                     auto guard = pawl::make_hazard_pointer<B>();
                     o.read(guard.protect(o.source));
                   };
                   at_once(reads, reads, [&] { o.replace_and_reclaim(); });
                 }});
  all.push_back({"hazard pointer: protect | replace and retire | replace and retire", [] {
                   replaced<> o;
                   at_once(
                       [&] {
                         auto guard = pawl::make_hazard_pointer<B>();
                         o.read(guard.protect(o.source));
                       },
                       [&] { o.replace_and_reclaim(); }, [&] { o.replace_and_reclaim(); });
                 }});
  // Without a record.
  const auto without_record = [&all](const std::string& name, int retiring) {
    all.push_back({"hazard pointer: " + name, [retiring] {
                     using domain_type = pawl::hazard_pointers<poor>;
                     poor::thread = ~0U;
                     domain_type domain;
                     {
                       replaced<domain_type> o(domain);
                       replaced<domain_type> another(domain);
                       at_once(
                           [&] {
                             poor::begins();
                             o.replace();
                             if (retiring == 2) another.replace();
                           },
                           [&] {
                             auto guard = make_hazard_pointer(domain);
                             o.read(guard.protect(o.source));
                             domain.reclaim();
                           });
                     }
                   }});
  };
  without_record("retire without memory for a record | protect, reclaim", 1);
  without_record("two retired without memory for a record | protect, reclaim", 2);
}

}  // namespace scenarios
