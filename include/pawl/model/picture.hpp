// SPDX-License-Identifier: BSL-1.0
// A recorded run as a picture, in Graphviz's language: a column per thread, arrows from stores to what reads them and from what
// synchronizes to what it synchronizes with.
#pragma once

#include <cstddef>
#include <string>

#include "history.hpp"
#include "trace.hpp"

namespace pawl::inline v0::model::detail {

class picture {
 public:
  explicit picture(const recorded_run& run) noexcept : run_(run) {}

  [[nodiscard]] std::string as_dot() {
    text_ = "digraph execution {\n  newrank=true; node [shape=box, fontname=\"monospace\", fontsize=10]; edge [fontsize=9];\n";
    // The columns' heads stand in one line; all else follows from the arrows, which lead downwards as time does.
    std::string heads;
    for (unsigned t = 0; t < max_threads; ++t) {
      if (column(t)) heads += (heads.empty() ? "head" : " -> head") + std::to_string(t);
    }
    if (!heads.empty()) text_ += "  { rank=same; " + heads + " [style=invis]; }\n";
    for (std::size_t i = 0; i < run_.size(); ++i) {
      const step& each = run_.at(i);
      if (each.says == step::about::starts) synchronizes(i, first_of(each.other), "starts");
      if (each.says == step::about::joins) synchronizes(last_of(each.other, i), i, "joined");
      if (run_.loads(each)) arrows_to(i);
    }
    return text_ + "}\n";
  }

 private:
  struct arrow {
    std::size_t from, to;
  };

  static std::string node(std::size_t i) { return "s" + std::to_string(i); }
  // False where the thread has none.
  bool column(unsigned t) {
    const std::string number = std::to_string(t);
    std::string nodes;
    std::string chain = "    head" + number;
    for (std::size_t i = 0; i < run_.size(); ++i) {
      const step& each = run_.at(i);
      if (each.thread != t) continue;
      nodes += "    " + node(i) + " [label=\"" + text_of(each.where) + "\\n" + trace::label_of(run_, each) + "\"];\n";
      chain += " -> " + node(i);
    }
    if (nodes.empty()) return false;
    text_ += "  subgraph cluster_" + number + " {\n    head" + number + " [shape=plaintext, label=\"thread " + number + "\"];\n" +
             nodes + chain + " [color=gray, weight=9];\n  }\n";
    return true;
  }
  [[nodiscard]] std::size_t first_of(unsigned thread) const noexcept {
    std::size_t i = 0;
    while (i < run_.size() && run_.at(i).thread != thread) ++i;
    return i;
  }
  [[nodiscard]] std::size_t last_of(unsigned thread, std::size_t before) const noexcept {
    while (before-- > 0) {
      if (run_.at(before).thread == thread) return before;
    }
    return run_.size();
  }

  void draw(std::size_t from, std::size_t to, const char* style, const char* label) {
    text_ += "  " + node(from) + " -> " + node(to) + " [" + style + ", label=\"" + label + "\"];\n";
  }
  static constexpr const char* bold = "color=blue, penwidth=2";
  // (What a thread does itself it needs no arrow for.)
  void synchronizes(std::size_t from, std::size_t to, const char* label) {
    if (from == run_.size() || to == run_.size() || run_.at(from).thread == run_.at(to).thread) return;
    for (const arrow& each : synchronizing_) {
      if (each.from == from && each.to == to) return;
    }
    synchronizing_.push_back({from, to});
    draw(from, to, bold, label);
  }
  // From what this load reads, and from what it synchronizes with.
  void arrows_to(std::size_t i) {
    const stamp source = run_.source(run_.at(i));
    const std::size_t read = run_.step_of(source);
    if (read == run_.size()) return;
    const std::size_t taker = taker_of(i);
    const bool both = taker == i && giver_of(read) == read && run_.at(read).thread != run_.at(i).thread;
    if (both) {
      synchronizes(read, i, "reads from, synchronizes");
    } else {
      draw(read, i, "color=darkgreen", "reads from");
    }
    // The release sequences that the store is in: its own, and of a read-modify-write also those that it read from; up to one that acquires
    // and releases itself, from which the rest follows.
    for (stamp s = source; s != initial; s = run_.read_by(s)) {
      const std::size_t member = run_.step_of(s);
      if (member == run_.size()) break;
      synchronizes(giver_of(member), taker, "synchronizes");
      const memory_order order = run_.all().get(s).ordered();
      if (!run_.all().get(s).exclusive || (acquires(order) && releases(order))) break;
    }
  }
  // What releases by this store: itself, or a fence before it.
  [[nodiscard]] std::size_t giver_of(std::size_t store) const {
    if (releases(run_.of(run_.at(store)).ordered())) return store;
    return run_.last_before(store, [this](const step& s) { return run_.releasing_fence(s); });
  }
  // What acquires by this load: itself, or a fence after it.
  [[nodiscard]] std::size_t taker_of(std::size_t load) const {
    const step& s = run_.at(load);
    if (acquires(run_.of(s).ordered())) return load;
    if (!recorded_run::feeds_fences(s)) return run_.size();
    return run_.first_after(load, [this](const step& each) { return run_.acquiring_fence(each); });
  }

  const recorded_run& run_;
  std::string text_;
  buffer<arrow> synchronizing_;
};

}  // namespace pawl::inline v0::model::detail
