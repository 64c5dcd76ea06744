// SPDX-License-Identifier: BSL-1.0
// The steps of a run that is shown, in the order in which they came. A check records them only of the run that violates something, when it
// runs that again: see explain in model.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "buffer.hpp"
#include "graph.hpp"
#include "place.hpp"

namespace pawl::inline v0::model::detail {

/// One step of the program. One that is an event of the graph names it; of a read-modify-write, its store if it has one.
struct step {
  /// What a step that is no event has to say. memory: `bytes` at the address `value`. The last two: which `other` thread.
  enum class about : std::uint8_t { nothing, reads, leaves, begins_with, memory, starts, joins };

  const char* operation = "";
  place where{};
  uint128 value = 0;
  std::size_t bytes = 0;
  stamp event = initial;  // initial: none
  std::uint16_t time = 0;  // its thread's, after it
  std::uint8_t thread = 0;
  std::uint8_t other = 0;
  about says = about::nothing;
  std::uint32_t first_other = 0;  // of the stores that it could have read instead, among all of the run
  std::uint32_t others = 0;  // how many
};

/// Little-endian, as in memory. Of other functions' frames, too: nothing for a sanitizer to look at.
#if defined(__clang__)
__attribute__((no_sanitize("address")))
#else
[[gnu::no_sanitize_address]]
#endif
inline uint128
value_at(const void* address, std::size_t bytes) noexcept {
  uint128 value = 0;
  const auto* const from = static_cast<const unsigned char*>(address);
  for (std::size_t i = 0; i < bytes; ++i) value |= static_cast<uint128>(from[i]) << (8 * i);
  return value;
}
/// Whether so many bytes are shown as a number.
constexpr bool is_shown(std::size_t bytes) noexcept { return bytes <= 16 && (bytes & (bytes - 1)) == 0 && bytes != 0; }

class history {
 public:
  buffer<step> steps;
  buffer<stamp> others;  // of all steps

  void clear() noexcept {
    steps.clear();
    others.clear();
    written_ = nullptr;
  }
  void add(const step& next) {
    settle();
    steps.push_back(next);
  }
  /// What the last step writes is there when the next one comes.
  void await_value(const void* address, std::size_t bytes) noexcept {
    written_ = address;
    steps.back().bytes = bytes;
  }
  void settle() noexcept {
    if (written_ == nullptr) return;
    steps.back().value = value_at(written_, steps.back().bytes);
    steps.back().says = step::about::leaves;
    written_ = nullptr;
  }

 private:
  const void* written_ = nullptr;
};

/// A recorded run: its graph and its steps.
class recorded_run {
 public:
  recorded_run(const graph& g, const history& h) : graph_(g), history_(h) {
    steps_.resize(g.events.size());
    for (std::size_t& each : steps_) each = size();
    for (std::size_t i = 0; i < size(); ++i) {
      if (at(i).event != initial) steps_[static_cast<std::size_t>(at(i).event)] = i;
    }
  }

  [[nodiscard]] const graph& all() const noexcept { return graph_; }
  [[nodiscard]] std::size_t size() const noexcept { return history_.steps.size(); }
  [[nodiscard]] const step& at(std::size_t i) const noexcept { return history_.steps[i]; }
  /// The number of the step that is this event; size() where there is none.
  [[nodiscard]] std::size_t step_of(stamp s) const noexcept { return s == initial ? size() : steps_[static_cast<std::size_t>(s)]; }

  [[nodiscard]] bool loads(const step& s) const noexcept { return is(s, kind::load) || updates(s); }
  [[nodiscard]] bool stores(const step& s) const noexcept { return is(s, kind::store); }
  /// A read-modify-write that succeeds.
  [[nodiscard]] bool updates(const step& s) const noexcept { return stores(s) && of(s).exclusive; }
  [[nodiscard]] bool releasing_fence(const step& s) const noexcept { return is(s, kind::fence) && releases(of(s).ordered()); }
  [[nodiscard]] bool acquiring_fence(const step& s) const noexcept { return is(s, kind::fence) && acquires(of(s).ordered()); }
  /// Whether an acquire fence orders what the step has read: not where that is not returned.
  static bool feeds_fences(const step& s) noexcept { return !std::string_view(s.operation).starts_with("store_"); }
  [[nodiscard]] const event& of(const step& s) const noexcept { return graph_.get(s.event); }

  /// The store that a step has read which loads.
  [[nodiscard]] stamp source(const step& s) const noexcept { return of(s).kind == kind::load ? of(s).rf : read_by(s.event); }
  /// What the load of this read-modify-write's store has read.
  [[nodiscard]] stamp read_by(stamp exclusive_store) const noexcept {
    const event& e = graph_.get(exclusive_store);
    return graph_.at(e.location).stores[e.position - 1U];
  }
  [[nodiscard]] stamp other(const step& s, std::size_t nth) const noexcept { return history_.others[s.first_other + nth]; }

  /// The nearest step of the same thread before or after step i for which `test` is true; size() where there is none.
  template <class Test>
  [[nodiscard]] std::size_t last_before(std::size_t i, Test test) const {
    for (std::size_t j = i; j-- > 0;) {
      if (at(j).thread == at(i).thread && test(at(j))) return j;
    }
    return size();
  }
  template <class Test>
  [[nodiscard]] std::size_t first_after(std::size_t i, Test test) const {
    for (std::size_t j = i + 1; j < size(); ++j) {
      if (at(j).thread == at(i).thread && test(at(j))) return j;
    }
    return size();
  }

 private:
  [[nodiscard]] bool is(const step& s, kind k) const noexcept { return s.event != initial && of(s).kind == k; }

  const graph& graph_;
  const history& history_;
  buffer<std::size_t> steps_;  // by event
};

}  // namespace pawl::inline v0::model::detail
