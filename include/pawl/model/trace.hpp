// SPDX-License-Identifier: BSL-1.0
// A recorded run as text, a line per step.
#pragma once

#include <cstddef>
#include <string>

#include "history.hpp"
#include "words.hpp"

namespace pawl::inline v0::model::detail {

class trace {
 public:
  /// The steps from number `again_from` on come again and again.
  explicit trace(const recorded_run& run, std::size_t again_from = ~std::size_t{0}) noexcept : run_(run), again_from_(again_from) {}

  /// The steps in the order in which the checker ran them, which is one in which they may have happened.
  [[nodiscard]] std::string as_text() const {
    std::string lines;
    for (std::size_t i = 0; i < run_.size(); ++i) {
      const step& each = run_.at(i);
      if (i == again_from_) lines += "again and again:\n";
      std::string line = "thread " + std::to_string(each.thread) + "  " + text_of(each.where);
      line += line.size() < width ? std::string(width - line.size(), ' ') : "  ";
      lines += line + operation_of(run_, each) + outcome_of(i) + "\n";
    }
    return lines;
  }
  /// A step in short: what it is and which value it has.
  static std::string label_of(const recorded_run& run, const step& s) {
    std::string text = operation_of(run, s);
    if (!is_atomic(run, s)) return text + said_by(s);
    if (run.updates(s)) return text + " " + text_of(s.value) + " to " + text_of(run.of(s).value);
    return run.loads(s) || run.stores(s) ? text + " " + text_of(s.value) : text;
  }

 private:
  static constexpr std::size_t width = 36;

  // Whether it is an access to an atomic or a fence, and no memory that comes back.
  static bool is_atomic(const recorded_run& run, const step& s) noexcept {
    if (s.event == initial) return false;
    const event& e = run.of(s);
    return e.kind == kind::fence || run.all().at(e.location).is != location::purpose::free_list;
  }
  static std::string operation_of(const recorded_run& run, const step& s) {
    if (!is_atomic(run, s)) return s.operation;
    const event& e = run.of(s);
    const bool asymmetric = e.kind == kind::fence && (e.light || e.heavy);
    return asymmetric ? s.operation : std::string(s.operation) + " " + text_of(e.ordered());
  }
  static std::string said_by(const step& s) {
    switch (s.says) {
      case step::about::nothing:
        break;
      case step::about::reads:
        return ", reads " + text_of(s.value);
      case step::about::leaves:
        return ", leaves " + text_of(s.value);
      case step::about::begins_with:
        return " with " + text_of(s.value);
      case step::about::memory:
        return " of " + std::to_string(s.bytes) + " bytes at " + text_of_address(static_cast<std::uint64_t>(s.value));
      case step::about::starts:
      case step::about::joins:
        return " " + std::to_string(s.other);
    }
    return "";
  }

  [[nodiscard]] std::string outcome_of(std::size_t i) const {
    const step& s = run_.at(i);
    if (!is_atomic(run_, s)) {
      const bool again = s.event != initial && run_.of(s).kind == kind::load && run_.of(s).rf != initial;
      return (again ? ", of what thread " + std::to_string(run_.all().get(run_.of(s).rf).thread) + " freed at " +
                          place_of(run_.of(s).rf) + ","
                    : "") +
             said_by(s);
    }
    const event& e = run_.of(s);
    if (run_.updates(s)) {
      return ", reads " + text_of(s.value) + " and stores " + text_of(e.value) + ", after " + name(e.location, run_.source(s)) +
             instead_of(s);
    }
    if (e.kind == kind::load) {
      return ", reads " + text_of(s.value) + " from " + name(e.location, e.rf) + instead_of(s) +
             (e.spurious ? "; fails though it could succeed" : "");
    }
    if (e.kind != kind::store) return "";
    // In the order of stores it may stand before one that came first here.
    const buffer<stamp>& order = run_.all().at(e.location).stores;
    const bool is_before_another = e.position + 1U < order.size() && run_.step_of(order[e.position + 1U]) < i;
    return ", stores " + text_of(e.value) +
           (is_before_another ? ", which counts as before " + name(e.location, order[e.position + 1U]) : "");
  }
  [[nodiscard]] std::string instead_of(const step& s) const {
    std::string text;
    for (std::size_t n = 0; n < s.others; ++n)
      text += (n == 0 ? "; could have read " : ", or ") + name(run_.of(s).location, run_.other(s, n));
    return text;
  }
  [[nodiscard]] std::string place_of(stamp s) const {
    const std::size_t i = run_.step_of(s);
    return i < run_.size() ? text_of(run_.at(i).where) : "a later step";
  }
  // A store, as one that a load reads.
  [[nodiscard]] std::string name(std::uint32_t l, stamp s) const {
    if (s == initial) return "the initial " + text_of(run_.all().at(l).initial_value);
    return text_of(run_.all().get(s).value) + " by thread " + std::to_string(run_.all().get(s).thread) + " at " + place_of(s);
  }

  const recorded_run& run_;
  const std::size_t again_from_;
};

}  // namespace pawl::inline v0::model::detail
