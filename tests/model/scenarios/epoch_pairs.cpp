// SPDX-License-Identifier: BSL-1.0
// Epochs: all pairs of what threads do to a domain, each with each; and readers whose fences are not the usual ones.
#include <cstddef>
#include <iterator>
#include <mutex>
#include <string>
#include <vector>

#include "replaced.hpp"

namespace scenarios {
namespace {

template <class Domain = epochs>
using replaced = replaced_object<Domain, pawl::rcu_obj_base>;

epochs& of_process() { return pawl::rcu_default_domain<B>(); }

template <class Domain>
void read_by(auto& lockable, replaced<Domain>& o) {
  const std::scoped_lock now(lockable);
  o.read(o.source.load(std::memory_order_acquire));
}
template <class Domain>
void read_by_trying(auto& lockable, replaced<Domain>& o) {
  const std::unique_lock now(lockable, std::try_to_lock);
  model::require(now.owns_lock(), "a reader never waits");
  o.read(o.source.load(std::memory_order_acquire));
}

/// What one thread does, on an object that others may replace.
struct operation {
  const char* name;
  void (*run)(replaced<>&);
};
constexpr operation operations[] = {
    {"lock, read, unlock", [](replaced<>& o) { read_by(of_process(), o); }},
    {"try_lock, read, unlock", [](replaced<>& o) { read_by_trying(of_process(), o); }},
    {"lock of a kept reader, read, unlock",
     [](replaced<>& o) {
       epochs::reader kept(of_process());
       read_by(kept, o);
     }},
    {"try_lock of a kept reader, read, unlock",
     [](replaced<>& o) {
       epochs::reader kept(of_process());
       read_by_trying(kept, o);
     }},
    {"replace", [](replaced<>& o) { o.replace(); }},
    {"replace by rcu_retire",
     [](replaced<>& o) { pawl::rcu_retire(o.take_out(), [](replaced<>::object* old) { model::destroy(old); }, of_process()); }},
    {"replace, reclaim", [](replaced<>& o) { o.replace_and_reclaim(); }},
    {"reclaim", [](replaced<>&) { of_process().reclaim(); }},
    {"synchronize", [](replaced<>&) { rcu_synchronize(of_process()); }},
    {"take out, synchronize, free",
     [](replaced<>& o) {
       auto* const old = o.take_out();
       rcu_synchronize(of_process());
       model::destroy(old);
     }},
    {"barrier",
     [](replaced<>&) {
       rcu_barrier(of_process());
       model::require(of_process().stats().reclaimed >= 1, "what was retired before all is freed");
     }},
    {"statistics",
     [](replaced<>&) {
       const auto stats = of_process().stats();
       model::require(stats.retired >= 1 && stats.retired <= 3 && stats.reclaimed <= 3, "no more than there were, no less");
     }},
};

void add_pairs(std::vector<scenario>& all) {
  for (std::size_t a = 0; a < std::size(operations); ++a) {
    for (std::size_t b = a; b < std::size(operations); ++b) {
      const operation& first = operations[a];
      const operation& second = operations[b];
      all.push_back({std::string("rcu: with one retired: ") + first.name + " | " + second.name, [&first, &second] {
                       replaced<> o;
                       o.replace();
                       at_once([&] { first.run(o); }, [&] { second.run(o); });
                     }});
    }
  }
}

void add_triples(std::vector<scenario>& all) {
  // Those that differ most: a reader, and each way in which an object goes.
  std::vector<operation> differ;
  for (const operation& each : operations) {
    for (const char* name : {"lock, read, unlock", "replace, reclaim", "reclaim", "take out, synchronize, free", "barrier"}) {
      if (each.name == std::string(name)) differ.push_back(each);
    }
  }
  for (std::size_t a = 0; a < differ.size(); ++a) {
    for (std::size_t b = a; b < differ.size(); ++b) {
      for (std::size_t c = b; c < differ.size(); ++c) {
        const operation of[] = {differ[a], differ[b], differ[c]};
        const std::string name = std::string(of[0].name) + " | " + of[1].name + " | " + of[2].name;
        // Some have 60,000 executions and more, one 5.1 million.
        const auto has = [&name](const char* part) { return name.find(part) != std::string::npos; };
        const bool large = has("replace, reclaim") && has("barrier");
        const bool huge = name == "replace, reclaim | replace, reclaim | barrier";
        all.push_back({"rcu: with one retired: " + name,
                       [first = of[0].run, second = of[1].run, third = of[2].run] {
                         replaced<> o;
                         o.replace();
                         at_once([&] { first(o); }, [&] { second(o); }, [&] { third(o); });
                       },
                       large, false, huge});
      }
    }
  }
}

/// backend::model where a light fence is a fence that the processor executes, as on a system without membarrier: readers say so.
struct without_membarrier : B {
  static constexpr const char* name = "model, without membarrier";
};

}  // namespace
}  // namespace scenarios

template <>
struct pawl::environment<scenarios::without_membarrier> : pawl::environment<pawl::backend::model> {
  struct fences {
    bool usual = false;
    friend constexpr bool operator==(fences, fences) noexcept = default;
  };
  static constexpr fences usual_fences{true};
  static fences settle_fences() noexcept { return {}; }
  using pawl::environment<pawl::backend::model>::light_fence;
  static void light_fence(fences settled, place where = {__builtin_FILE(), __builtin_LINE()}) noexcept {
    // One for the usual case would do nothing here.
    if (!settled.usual) pawl::environment<pawl::backend::model>::light_fence(where);
  }
};

namespace scenarios {
namespace {

void add_without_membarrier(std::vector<scenario>& all) {
  using domain = pawl::epochs<without_membarrier>;
  const auto add = [&all](const std::string& name, auto reads, auto writes) {
    all.push_back({"rcu: without membarrier: " + name, [=] {
                     domain own;
                     replaced<domain> o(own);
                     at_once([&] { reads(o, own); }, [&] { writes(o, own); });
                   }});
  };
  const auto read = [](replaced<domain>& o, domain& in) { read_by(in, o); };
  const auto read_twice = [](replaced<domain>& o, domain& in) {
    read_by(in, o);
    read_by(in, o);
  };
  const auto read_inside = [](replaced<domain>& o, domain& in) {
    const std::scoped_lock outer(in);
    read_by(in, o);
    o.read(o.source.load(std::memory_order_acquire));
  };
  const auto read_kept = [](replaced<domain>& o, domain& in) {
    domain::reader kept(in);
    read_by(kept, o);
  };
  const auto replace = [](replaced<domain>& o, domain& /*in*/) { o.replace_and_reclaim(); };
  const auto synchronize = [](replaced<domain>& o, domain& in) {
    auto* const old = o.take_out();
    rcu_synchronize(in);
    model::destroy(old);
  };
  const auto barrier = [](replaced<domain>& o, domain& in) {
    o.replace();
    rcu_barrier(in);
  };
  const auto beside_all = [&](const std::string& name, auto reads) {
    add(name + " | replace, reclaim", reads, replace);
    add(name + " | taken out, synchronize, freed", reads, synchronize);
    add(name + " | replace, barrier", reads, barrier);
  };
  beside_all("lock, read, unlock", read);
  beside_all("two sections", read_twice);
  beside_all("a section in a section", read_inside);
  beside_all("lock, read, unlock of a kept reader", read_kept);
}

}  // namespace

void add_epoch_pairs(std::vector<scenario>& all) {
  add_pairs(all);
  add_triples(all);
  add_without_membarrier(all);
}

}  // namespace scenarios
