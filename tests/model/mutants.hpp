// SPDX-License-Identifier: BSL-1.0
// What the mutants_*.cpp share. Each of their programs is a known algorithm as a template over one mistake: without it the checker explores
// every execution and finds nothing, with it the checker finds what this mistake leads to.
#pragma once

#include <string>

#include "catch.hpp"
#include "model/names.hpp"

namespace mutants {

using namespace names;

/// The correct twin: all its executions are explored, and clean.
template <class Body>
void passes(Body body) {
  const model::report r = model::check(body);
  INFO((r.violation ? r.violation->message + "\n" + r.violation->trace : ""));
  CHECK(r.ok());
  CHECK(r.complete);
  CHECK(r.executions > 1);
}

/// The mutant: reported as `expected`, with `message` in the message.
template <class Body>
void caught(kind expected, const std::string& message, Body body) {
  const model::report r = model::check(body);
  REQUIRE(r.violation.has_value());
  INFO(r.violation->message << "\n" << r.violation->trace);
  CHECK(std::string(to_string(r.violation->kind)) == to_string(expected));
  CHECK(r.violation->message.find(message) != std::string::npos);
  CHECK_FALSE(r.complete);
}

}  // namespace mutants
