// SPDX-License-Identifier: BSL-1.0
// pawl's own primitives, reclaimers and containers: all executions of each scenario, of the large ones in ./dev soak only.
#include "model/scenarios.hpp"

#include "catch.hpp"
#include "soak.hpp"

namespace {

// Whether anything happened: some programs have one execution only, such as two pops of an empty stack.
void explore(const char* of, bool waits = false) {
  std::uint64_t executions = 0;
  int scenarios_found = 0;
  for (const scenarios::scenario& each : scenarios::all()) {
    if ((each.large && !soaks) || each.name.rfind(of, 0) != 0) continue;
    ++scenarios_found;
    const pawl::model::report r = scenarios::explore(each);
    INFO(each.name << (r.violation ? "\n" + r.violation->message + "\n" + r.violation->trace : ""));
    CHECK(r.ok());
    CHECK(r.complete);
    if (!waits) CHECK(r.blocked == 0);
    executions += r.executions;
  }
  CHECK(scenarios_found > 0);
  CHECK(executions > 10);
}

}  // namespace

TEST_CASE("weak compare-and-swaps that fail for nothing: the small scenarios again, once for each thread and object") {
  int complete = 0;
  for (const scenarios::scenario& each : scenarios::all()) {
    constexpr std::uint64_t small = 30;
    if (each.large || scenarios::explore(each, small + 1).executions > small) continue;
    pawl::model::options o;
    o.spurious_failures = 1;
    o.reuse = each.reuse;
    o.max_executions = 500;
    const pawl::model::report r = pawl::model::check(o, each.body);
    INFO(each.name << (r.violation ? "\n" + r.violation->message + "\n" + r.violation->trace : ""));
    CHECK(r.ok());
    complete += r.complete ? 1 : 0;
  }
  CAPTURE(complete);
  CHECK(complete >= 2000);
}

TEST_CASE("atomics: each read-modify-write on two threads") { explore("atomic", true); }
TEST_CASE("tagged values: a late compare-and-swap") { explore("tagged: "); }
TEST_CASE("asymmetric fences") { explore("fence: "); }
TEST_CASE("pools: bound, grown, spilt and refilled by two threads") { explore("pool: "); }
TEST_CASE("stacks over a pool: pairs and triples of operations") { explore("stack over a pool"); }
TEST_CASE("queues over a pool: pairs and triples of operations") { explore("queue over a pool"); }
TEST_CASE("stacks over a growing pool: pairs and triples of operations") { explore("stack over a growing pool"); }
TEST_CASE("queues over a growing pool: pairs and triples of operations") { explore("queue over a growing pool"); }
TEST_CASE("stacks over hazard pointers: pairs and triples of operations") { explore("stack of"); }
TEST_CASE("queues over hazard pointers: pairs and triples of operations") { explore("queue of"); }
TEST_CASE("stacks over epochs: pairs and triples of operations") { explore("stack over epochs"); }
TEST_CASE("queues over epochs: pairs and triples of operations") { explore("queue over epochs"); }
TEST_CASE("epochs: readers, writers, barriers, and no memory") { explore("rcu: ", true); }
TEST_CASE("hazard pointers: pairs and triples of operations") { explore("hazard pointer: "); }
TEST_CASE("maps: pairs of members on one key and on two, and on all") {
  explore("hash_map of 2 buckets");
  explore("hash_map with");
}
TEST_CASE("maps over epochs: pairs of members on one key and on two") { explore("hash_map over epochs"); }
TEST_CASE("maps over a pool: pairs and triples of members on one key and on two, nodes that come back, and words") {
  explore("hash_map over a pool of");
  explore("hash_map over a growing pool");
}
TEST_CASE("maps over a pool: visit_all and clear") { explore("hash_map over a pool with"); }
TEST_CASE("maps over a pool: what an operation tells") { explore("hash_map over a pool tells"); }
TEST_CASE("maps over a pool: room for as many as it was made for") { explore("hash_map over a full pool"); }
TEST_CASE("maps over a pool: with a queue and a stack on it") { explore("hash_map over a pool, with"); }
TEST_CASE("maps: growth") { explore("hash_map of 1 bucket"); }
TEST_CASE("maps: buckets that nobody has used") { explore("hash_map of 8 buckets"); }
TEST_CASE("maps: what an operation tells") { explore("hash_map tells"); }
TEST_CASE("sets") { explore("hash_set"); }
TEST_CASE("rooms in which threads wait") { explore("waiting: ", true); }
TEST_CASE("spin locks: sections that exclude each other, and who is served when") {
  for (const char* lock : {"tas: ", "ttas: ", "ticket", "mcs: "}) explore((std::string("spin lock: ") + lock).c_str(), true);
}
TEST_CASE("llsc: updates, links that have become invalid, and what is known behind them") { explore("llsc: "); }
