// SPDX-License-Identifier: BSL-1.0
// pawl's own containers and reclaimers: all executions of each scenario.
#include "model/scenarios.hpp"

#include "catch.hpp"

namespace {

// Whether anything happened: some programs have one execution only, such as two pops of an empty stack.
void explore(const char* of) {
  std::uint64_t executions = 0;
  int scenarios_found = 0;
  for (const scenarios::scenario& each : scenarios::all()) {
    if (each.name.rfind(of, 0) != 0) continue;
    ++scenarios_found;
    const pawl::model::report r = scenarios::explore(each);
    INFO(each.name << (r.violation ? "\n" + r.violation->message + "\n" + r.violation->trace : ""));
    CHECK(r.ok());
    CHECK(r.complete);
    CHECK(r.blocked == 0);
    executions += r.executions;
  }
  CHECK(scenarios_found > 0);
  CHECK(executions > 20);
}

}  // namespace

TEST_CASE("stacks over a pool: pairs and triples of operations") { explore("stack over a pool"); }
TEST_CASE("queues over a pool: pairs and triples of operations") { explore("queue over a pool"); }
TEST_CASE("stacks over hazard pointers: pairs and triples of operations") { explore("stack of"); }
TEST_CASE("queues over hazard pointers: pairs and triples of operations") { explore("queue of"); }
TEST_CASE("hazard pointers: pairs of operations") { explore("hazard pointer"); }
TEST_CASE("maps: pairs of operations") { explore("hash_map"); }
