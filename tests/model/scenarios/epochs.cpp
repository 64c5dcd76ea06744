// SPDX-License-Identifier: BSL-1.0
// Epochs alone: every member beside a thread that replaces, retires and reclaims.
#include <mutex>

#include "replaced.hpp"

namespace scenarios {
namespace {

template <class Domain = epochs>
using replaced = replaced_object<Domain, pawl::rcu_obj_base>;
using section = std::scoped_lock<epochs>;

epochs& of_process() { return pawl::rcu_default_domain<B>(); }

using reader = epochs::reader;

template <class Object>
void read_in_a_section(const Object& o) {
  const section now(of_process());
  o.read(o.source.load(std::memory_order_acquire));
}
// What was retired to a domain before, and is freed.
template <class Domain>
void require_freed(const Domain& from, std::uint64_t number) {
  model::require(from.stats().reclaimed >= number, "what was retired before is freed");
}

void add_readers(std::vector<scenario>& all) {
  const auto beside_reclaim = [&all](const std::string& name, auto reads, bool large = false) {
    all.push_back({"rcu: " + name + " | replace, reclaim", [reads] {
                     replaced<> o;
                     at_once([&] { reads(o); }, [&] { o.replace_and_reclaim(); });
                   }});
    all.push_back({"rcu: " + name + " | replace, reclaim, reclaim", [reads] {
                     replaced<> o;
                     at_once([&] { reads(o); },
                             [&] {
                               o.replace_and_reclaim();
                               of_process().reclaim();
                             });
                   }});
    all.push_back({"rcu: " + name + " | replace, reclaim, replace, reclaim",
                   [reads] {
                     replaced<> o;
                     at_once([&] { reads(o); },
                             [&] {
                               o.replace_and_reclaim();
                               o.replace_and_reclaim();
                             });
                   },
                   large});
    all.push_back({"rcu: " + name + " | retired until a step is due", [reads] {
                     replaced<> o;
                     at_once([&] { reads(o); },
                             [&] {
                               o.replace();
                               o.replace();
                             });
                   }});
    all.push_back({"rcu: " + name + " | taken out, synchronize, freed", [reads] {
                     replaced<> o;
                     at_once([&] { reads(o); },
                             [&] {
                               auto* const old = o.take_out();
                               rcu_synchronize(of_process());
                               model::destroy(old);
                             });
                   }});
    all.push_back({"rcu: " + name + " | replace, barrier", [reads] {
                     replaced<> o;
                     at_once([&] { reads(o); },
                             [&] {
                               o.replace();
                               rcu_barrier(of_process());
                               require_freed(of_process(), 1);
                             });
                   }});
  };
  beside_reclaim("lock, read, unlock", [](auto& o) { read_in_a_section(o); });
  beside_reclaim(
      "two sections",
      [](auto& o) {
        read_in_a_section(o);
        read_in_a_section(o);
      },
      true);
  beside_reclaim(
      "a section in a section",
      [](auto& o) {
        const section outer(of_process());
        read_in_a_section(o);
        o.read(o.source.load(std::memory_order_acquire));
      },
      true);
  beside_reclaim("a section, then a section in a section", [](auto& o) {
    read_in_a_section(o);
    const section outer(of_process());
    read_in_a_section(o);
  });
  beside_reclaim("lock, read, unlock of a kept reader", [](auto& o) {
    reader kept(of_process());
    const std::scoped_lock now(kept);
    o.read(o.source.load(std::memory_order_acquire));
  });
  beside_reclaim(
      "a section in a section of a kept reader",
      [](auto& o) {
        reader kept(of_process());
        const std::scoped_lock outer(kept);
        {
          const std::scoped_lock inner(kept);
        }
        o.read(o.source.load(std::memory_order_acquire));
      },
      true);
  beside_reclaim(
      "a kept reader's section that a section outlives",
      [](auto& o) {
        reader kept(of_process());
        kept.lock();
        of_process().lock();
        kept.unlock();
        o.read(o.source.load(std::memory_order_acquire));
        of_process().unlock();
      },
      true);
  beside_reclaim(
      "a section that a kept reader's outlives",
      [](auto& o) {
        reader kept(of_process());
        of_process().lock();
        kept.lock();
        of_process().unlock();
        o.read(o.source.load(std::memory_order_acquire));
        kept.unlock();
      },
      true);
  beside_reclaim(
      "a kept reader, and another in its place",
      [](auto& o) {
        for (int i = 0; i < 2; ++i) {
          reader kept(of_process());
          const std::scoped_lock now(kept);
          o.read(o.source.load(std::memory_order_acquire));
        }
      },
      true);
  all.push_back({"rcu: a kept reader | a kept reader | replace, reclaim", [] {
                   replaced<> o;
                   const auto reads = [&] {
                     reader kept(of_process());
                     const std::scoped_lock now(kept);
                     replaced<>::read(o.source.load(std::memory_order_acquire));
                   };
                   at_once(reads, reads, [&] { o.replace_and_reclaim(); });
                 }});
  all.push_back({"rcu: lock, read, unlock | lock, read, unlock | replace, reclaim", [] {
                   replaced<> o;
                   at_once([&] { read_in_a_section(o); }, [&] { read_in_a_section(o); }, [&] { o.replace_and_reclaim(); });
                 }});
  all.push_back({"rcu: lock, read, unlock | lock, replace, reclaim, unlock, reclaim", [] {
                   replaced<> o;
                   at_once([&] { read_in_a_section(o); },
                           [&] {
                             {
                               const section now(of_process());
                               const auto* const mine = o.source.load(std::memory_order_acquire);
                               o.replace_and_reclaim();
                               replaced<>::read(mine);
                             }
                             of_process().reclaim();
                           });
                 }});
  all.push_back({"rcu: lock, read, unlock | rcu_retire, reclaim", [] {
                   atomic<model::var<int>*> source{model::make<model::var<int>>(7)};
                   at_once(
                       [&] {
                         const section now(of_process());
                         model::require(source.load(std::memory_order_acquire)->get() == 7, "it is alive");
                       },
                       [&] {
                         auto* const old = source.exchange(model::make<model::var<int>>(7), std::memory_order_acq_rel);
                         pawl::rcu_retire(old, [](model::var<int>* object) { model::destroy(object); }, of_process());
                         of_process().reclaim();
                       });
                   model::destroy(source.load(std::memory_order_relaxed));
                 }});
}

void add_writers(std::vector<scenario>& all) {
  all.push_back({"rcu: replace, reclaim | replace, reclaim", [] {
                   replaced<> o;
                   at_once([&] { o.replace_and_reclaim(); }, [&] { o.replace_and_reclaim(); });
                 }});
  all.push_back({"rcu: reclaim | reclaim", [] {
                   replaced<> o;
                   o.replace();
                   at_once([&] { of_process().reclaim(); }, [&] { of_process().reclaim(); });
                 }});
  all.push_back({"rcu: statistics | replace, reclaim", [] {
                   replaced<> o;
                   at_once([&] { o.replace_and_reclaim(); },
                           [&] {
                             const auto stats = of_process().stats();
                             model::require(stats.retired <= 1 && stats.reclaimed <= 1 && stats.records == 3,
                                            "no more than there were");
                           });
                 }});
  all.push_back({"rcu: lock, read, unlock | replace | replace, reclaim", [] {
                   replaced<> o;
                   at_once([&] { read_in_a_section(o); }, [&] { o.replace(); }, [&] { o.replace_and_reclaim(); });
                 }});
  // A thread's end hands on what it retired, and its record.
  all.push_back({"rcu: lock, read, unlock | a thread that replaces and ends, its garbage is reclaimed", [] {
                   replaced<> o;
                   at_once([&] { read_in_a_section(o); },
                           [&] {
                             model::thread retires([&] { o.replace(); });
                             retires.join();
                             of_process().reclaim();
                           });
                 }});
  all.push_back({"rcu: barrier | a thread that replaces and ends, its garbage is reclaimed", [] {
                   replaced<> o;
                   at_once([&] { rcu_barrier(of_process()); },
                           [&] {
                             model::thread retires([&] { o.replace(); });
                             retires.join();
                             of_process().reclaim();
                           });
                 }});
}

void add_barriers(std::vector<scenario>& all) {
  // What another thread has retired, and told of, is freed when the barrier returns, whatever that thread does meanwhile; and what its
  // deleter did is known.
  const auto told = [&all](const std::string& name, auto after_retire) {
    all.push_back({"rcu: retire, tell, " + name + " | told: barrier", [after_retire] {
                     replaced<> o;
                     model::var<int> ended{0};
                     int object = 0;
                     atomic<bool> retired{false};
                     at_once(
                         [&] {
                           pawl::rcu_retire(&object, [&ended](int*) { ended.set(1); }, of_process());
                           retired.store(true, std::memory_order_release);
                           after_retire(o);
                         },
                         [&] {
                           const bool before = retired.load(std::memory_order_acquire);
                           rcu_barrier(of_process());
                           if (before) model::require(ended.get() == 1, "what was retired before is freed");
                         });
                     of_process().reclaim();
                   }});
  };
  told("no more", [](auto& /*o*/) {});
  told("reclaim", [](auto& /*o*/) { of_process().reclaim(); });
  told("replace", [](auto& o) { o.replace(); });
  told("lock, read, unlock", [](auto& o) { read_in_a_section(o); });
  told("barrier", [](auto& /*o*/) { rcu_barrier(of_process()); });
  all.push_back({"rcu: barrier, and told what the deleter did | the same", [] {
                   model::var<int> ended{0};
                   int object = 0;
                   pawl::rcu_retire(&object, [&ended](int*) { ended.set(1); }, of_process());
                   const auto frees = [&ended] {
                     rcu_barrier(of_process());
                     model::require(ended.get() == 1, "the deleter has run");
                   };
                   at_once(frees, frees);
                 }});
  // What is retired while a barrier takes the lists, the barrier may take, too.
  all.push_back({"rcu: lock, read, unlock | replace | barrier", [] {
                   replaced<> o;
                   at_once([&] { read_in_a_section(o); }, [&] { o.replace(); }, [] { rcu_barrier(of_process()); });
                 }});
  all.push_back({"rcu: synchronize | synchronize",
                 [] { at_once([] { rcu_synchronize(of_process()); }, [] { rcu_synchronize(of_process()); }); }});
  // Release and acquire come with it: no more than the two threads' own reads and writes.
  all.push_back({"rcu: in a section: read, read | write, synchronize, write", [] {
                   atomic<int> first{0};
                   atomic<int> second{0};
                   at_once(
                       [&] {
                         const section now(of_process());
                         const int later = second.load(std::memory_order_relaxed);
                         const int earlier = first.load(std::memory_order_relaxed);
                         model::require(later == 0 || earlier == 1, "a section that sees what came after sees what came before");
                       },
                       [&] {
                         first.store(1, std::memory_order_relaxed);
                         rcu_synchronize(of_process());
                         second.store(1, std::memory_order_relaxed);
                       });
                 }});
}

// The other thread has no memory for a record.
void add_without_record(std::vector<scenario>& all) {
  using poor_domain = pawl::epochs<poor>;
  using poor_section = std::scoped_lock<poor_domain>;
  const auto add = [&all](const std::string& name, auto without, auto with) {
    all.push_back({"rcu: without memory for a record: " + name, [without, with] {
                     poor::thread = ~0U;
                     poor_domain own;
                     {
                       replaced<poor_domain> o(own);
                       at_once(
                           [&] {
                             poor::begins();
                             without(o, own);
                           },
                           [&] { with(o, own); });
                     }
                   }});
  };
  const auto read = [](auto& o, poor_domain& in) {
    const poor_section now(in);
    o.read(o.source.load(std::memory_order_acquire));
  };
  const auto replace = [](auto& o, poor_domain& /*in*/) { o.replace(); };
  const auto replace_and_reclaim = [](auto& o, poor_domain& /*in*/) { o.replace_and_reclaim(); };
  add("lock, read, unlock | replace, reclaim", read, replace_and_reclaim);
  add(
      "two sections, one in the other | replace, reclaim",
      [read](auto& o, poor_domain& in) {
        const poor_section now(in);
        read(o, in);
        o.read(o.source.load(std::memory_order_acquire));
      },
      replace_and_reclaim);
  add("replace | lock, read, unlock, reclaim", replace, [read](auto& o, poor_domain& in) {
    read(o, in);
    in.reclaim();
  });
  // What has no owner is not moved past a barrier.
  all.push_back({"rcu: without memory for a record: retire, tell | reclaim | told: barrier", [] {
                   poor::thread = ~0U;
                   poor_domain own;
                   model::var<int> ended{0};
                   watched<pawl::rcu_obj_base>* const object = model::make<watched<pawl::rcu_obj_base>>();
                   atomic<bool> retired{false};
                   static model::var<int>* ended_of;
                   ended_of = &ended;
                   at_once(
                       [&] {
                         poor::begins();
                         object->retire(
                             [](watched<pawl::rcu_obj_base>* dead) {
                               ended_of->set(1);
                               model::destroy(dead);
                             },
                             own);
                         retired.store(true, std::memory_order_release);
                       },
                       [&] { own.reclaim(); },
                       [&] {
                         const bool before = retired.load(std::memory_order_acquire);
                         rcu_barrier(own);
                         if (before) model::require(ended.get() == 1, "what was retired before is freed");
                       });
                 }});
  add("replace | barrier", replace, [](auto& /*o*/, poor_domain& in) { rcu_barrier(in); });
}

}  // namespace

void add_epochs(std::vector<scenario>& all) {
  add_readers(all);
  add_writers(all);
  add_barriers(all);
  add_without_record(all);
}

}  // namespace scenarios
