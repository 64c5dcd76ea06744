// SPDX-License-Identifier: BSL-1.0
// What the mutants_*.cpp share. Each of their programs is a known algorithm as a template over one mistake: without it the checker explores
// every execution and finds nothing, with it the checker finds what this mistake leads to.
#pragma once

#include <pawl/atomic.hpp>
#include <pawl/model.hpp>

#include <string>

#include "catch.hpp"

namespace mutants {

using B = pawl::backend::model;
namespace model = pawl::model;
using kind = model::violation_kind;
template <class T>
using atomic = pawl::atomic<T, B>;

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto acq_rel = std::memory_order_acq_rel;
constexpr auto seq_cst = std::memory_order_seq_cst;

/// Two threads of the program, from start to end.
template <class First, class Second>
void together(First first, Second second) {
  model::thread a(first);
  model::thread b(second);
  a.join();
  b.join();
}

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
