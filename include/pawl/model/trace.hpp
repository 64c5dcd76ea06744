// SPDX-License-Identifier: BSL-1.0
// An execution as text and as a picture: what the checker shows of one that violates something.
#pragma once

#include <cstdint>
#include <string>

#include "buffer.hpp"
#include "graph.hpp"
#include "place.hpp"

namespace pawl::inline v0::model::detail {

/// One step of the program. One that is an event of the graph names it; of a read-modify-write, its store if it has one.
struct step {
  const char* operation;
  stamp event;  // initial: none
  std::uint8_t thread;
  place where;
  uint128 value;
};

inline std::string text_of(const place& where) {
  if (where.line == 0) return where.after ? "at the begin of the body" : "at an unnamed place";
  const std::string file(where.file);
  return (where.after ? "after " : "") + file.substr(file.rfind('/') + 1) + ":" + std::to_string(where.line);
}
inline std::string text_of(memory_order order) {
  switch (order) {
    case relaxed:
      return "relaxed";
    case acquire:
      return "acquire";
    case release:
      return "release";
    case acq_rel:
      return "acq_rel";
    case seq_cst:
      return "seq_cst";
    case std::memory_order_consume:
      break;
  }
  return "consume";
}
inline std::string text_of_address(std::uint64_t address) {
  std::string digits;
  for (int i = 0; i < 16; ++i) digits.insert(digits.begin(), "0123456789abcdef"[address >> (4 * i) & 15U]);
  const std::size_t first = digits.find_first_not_of('0');
  return "0x" + (first == std::string::npos ? "0" : digits.substr(first));
}
// Small ones as numbers, others, pointers mostly, as one reads those.
inline std::string text_of(uint128 value) {
  const auto low = static_cast<std::uint64_t>(value);
  const auto high = static_cast<std::uint64_t>(value >> 64U);
  if (high == 0 && low < 1000000) return std::to_string(low);
  std::string digits;
  for (const std::uint64_t half : {low, high}) {
    for (int i = 0; i < 16; ++i) digits.insert(digits.begin(), "0123456789abcdef"[half >> (4 * i) & 15U]);
  }
  return std::string("0x") + digits.substr(digits.find_first_not_of('0'));
}

class trace {
 public:
  /// The steps from number `again_from` on come again and again.
  trace(const graph& g, const buffer<step>& steps, std::size_t again_from = ~std::size_t{0})
      : graph_(g), steps_(steps), again_from_(again_from) {}

  /// A line per step, in the order in which the checker ran them, which is one in which they may have happened.
  [[nodiscard]] std::string as_text() const {
    std::string lines;
    for (const step& each : steps_) {
      if (static_cast<std::size_t>(&each - steps_.begin()) == again_from_) lines += "again and again:\n";
      std::string line = std::string("thread ") + std::to_string(each.thread) + "  " + text_of(each.where);
      pad(line, 36);
      line += each.operation;
      if (each.event != initial) {
        const event& e = graph_.get(each.event);
        if ((e.kind == kind::load || e.kind == kind::store) && graph_.at(e.location).is == location::purpose::free_list) {
          if (e.kind == kind::load)
            line += std::string(", of what thread ") + std::to_string(graph_.get(e.rf).thread) + " freed at " + place_of(e.rf);
          lines += line + "\n";
          continue;
        }
        if (!(e.kind == kind::fence && (e.light || e.heavy))) line += std::string(" ") + text_of(e.ordered());
        if (e.kind == kind::load) {
          line += std::string(", reads ") + text_of(each.value) + sources(each.event, e.rf);
          if (e.spurious) line += "; fails though it could succeed";
        } else if (e.kind == kind::store && e.exclusive) {
          line += std::string(", reads ") + text_of(each.value) + " and stores " + text_of(e.value) + ", after " +
                  name(e.location, read_by(each.event));
        } else if (e.kind == kind::store) {
          line += std::string(", stores ") + text_of(e.value);
          // In the order of stores it may stand before one that came first here.
          const buffer<stamp>& order = graph_.at(e.location).stores;
          if (e.position + 1U < order.size() && step_of(order[e.position + 1U]) < step_of(each.event))
            line += std::string(", which counts as before ") + name(e.location, order[e.position + 1U]);
        }
      }
      lines += line + "\n";
    }
    return lines;
  }

  /// For Graphviz: a column per thread, arrows from a store to what reads it, bold where they synchronize.
  [[nodiscard]] std::string as_dot() const {
    std::string out =
        "digraph execution {\n  rankdir=TB; node [shape=box, fontname=\"monospace\", fontsize=10]; edge [fontsize=9];\n";
    for (unsigned t = 0; t < max_threads; ++t) {
      std::string nodes;
      std::string chain;
      for (std::size_t i = 0; i < steps_.size(); ++i) {
        const step& each = steps_[i];
        if (each.thread != t) continue;
        std::string label = std::string(each.operation) + " ";
        if (each.event != initial) label += text_of(graph_.get(each.event).ordered()) + " ";
        nodes += std::string("    s") + std::to_string(i) + " [label=\"" + text_of(each.where) + "\\n" + label +
                 text_of(each.value) + "\"];\n";
        chain += (chain.empty() ? "    s" : " -> s") + std::to_string(i);
      }
      if (nodes.empty()) continue;
      out +=
          std::string("  subgraph cluster_") + std::to_string(t) + " {\n    label=\"thread " + std::to_string(t) + "\";\n" + nodes;
      out += chain + " [color=gray];\n  }\n";
    }
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      const stamp s = steps_[i].event;
      if (s == initial) continue;
      const event& e = graph_.get(s);
      if (e.kind == kind::fence || (e.kind == kind::store && !e.exclusive)) continue;
      const stamp from = e.kind == kind::load ? e.rf : read_by(s);
      const std::size_t source = step_of(from);
      if (source == steps_.size()) continue;
      const bool synchronizes = releases(graph_.get(from).ordered()) && acquires(e.ordered());
      out += std::string("  s") + std::to_string(source) + " -> s" + std::to_string(i) + " [constraint=false, " +
             (synchronizes ? "color=blue, penwidth=2, label=\"synchronizes\"" : "color=darkgreen, label=\"reads from\"") + "];\n";
    }
    return out + "}\n";
  }

  /// Why what thread `first` did at this time does not happen before what thread `second` does now: the last pair of accesses that would
  /// have ordered them with stronger orders. Empty where there is none.
  [[nodiscard]] std::string missing_edge(unsigned first, std::uint16_t time, unsigned second) const {
    std::string found;
    for (const step& each : steps_) {
      if (each.event == initial || each.thread != second) continue;
      const event& e = graph_.get(each.event);
      if (e.kind == kind::fence || (e.kind == kind::store && !e.exclusive)) continue;
      const stamp from = e.kind == kind::load ? e.rf : read_by(each.event);
      if (from == initial) continue;
      const event& store = graph_.get(from);
      if (store.thread != first || graph_.time_of(from) < time) continue;
      const bool gives = releases(store.ordered());
      const bool takes = acquires(e.ordered());
      if (gives && takes) continue;
      found = std::string("; thread ") + std::to_string(second) + " reads at " + text_of(each.where) + " what thread " +
              std::to_string(first) + " stored at " + place_of(from) + " afterwards, but ";
      if (!gives)
        found += std::string("that store is ") + text_of(store.ordered()) + " (release, or a release fence before it, is needed)";
      if (!gives && !takes) found += " and ";
      if (!takes)
        found += std::string("this load is ") + text_of(e.ordered()) + " (acquire, or an acquire fence after it, is needed)";
    }
    return found;
  }

 private:
  static void pad(std::string& line, std::size_t width) {
    line += line.size() < width ? std::string(width - line.size(), ' ') : "  ";
  }
  [[nodiscard]] std::size_t step_of(stamp s) const noexcept {
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (s != initial && steps_[i].event == s) return i;
    }
    return steps_.size();
  }
  [[nodiscard]] std::string place_of(stamp s) const {
    const std::size_t i = step_of(s);
    return i < steps_.size() ? text_of(steps_[i].where) : "a later step";
  }
  // A store, as one that a load reads.
  [[nodiscard]] std::string name(std::uint32_t l, stamp s) const {
    if (s == initial) return std::string("the initial ") + text_of(graph_.at(l).initial_value);
    return text_of(graph_.get(s).value) + " by thread " + std::to_string(graph_.get(s).thread) + " at " + place_of(s);
  }
  // What the load of this read-modify-write's store has read.
  [[nodiscard]] stamp read_by(stamp exclusive_store) const noexcept {
    const event& e = graph_.get(exclusive_store);
    return graph_.at(e.location).stores[e.position - 1U];
  }
  // Where a load's value comes from, and what else it could have read.
  [[nodiscard]] std::string sources(stamp load, stamp from) const {
    const event& e = graph_.get(load);
    const location& where = graph_.at(e.location);
    std::string text = std::string(" from ") + name(e.location, from);
    // After a notification nothing older than what happened before that can be read.
    if (e.woken) return text;
    std::string others;
    for (std::size_t p = graph_.floor(e.location, graph_.of(load).before); p < where.stores.size(); ++p) {
      const stamp other = where.stores[p];
      // Not those that came later here: that it could have read them is a matter of who goes first.
      if (other == from || (other != initial && step_of(other) >= step_of(load))) continue;
      others += (others.empty() ? "" : ", or ") + name(e.location, other);
    }
    if (!others.empty()) text += std::string("; could have read ") + others;
    return text;
  }

  const graph& graph_;
  const buffer<step>& steps_;
  const std::size_t again_from_;
};

}  // namespace pawl::inline v0::model::detail
