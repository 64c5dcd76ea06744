// SPDX-License-Identifier: BSL-1.0
// A run as text, and back: the choices in the order in which its events came, see replay_text.hpp.
// A part of explorer.hpp.
#pragma once

#include "../explorer.hpp"

namespace pawl::inline v0::model::detail {

inline std::string explorer::replay() const {
  buffer<choice> choices;
  for (std::size_t i = 0; i < arrivals_.size(); ++i) {
    const event& e = graph_.get(arrivals_[i]);
    // The store of a read-modify-write comes at once after its load, and leaves nothing to choose.
    if (e.kind == kind::store && e.exclusive) continue;
    choice made;
    made.thread = e.thread;
    made.turn = e.kind == kind::turn;
    made.spurious = e.spurious;
    // Nor does a sleep that nothing ends.
    const bool accesses = e.kind == kind::load || e.kind == kind::store;
    const bool ordered = !accesses || !graph_.at(e.location).unordered();
    if (accesses && e.kind == kind::load && e.rf == initial && graph_.at(e.location).is == location::purpose::wakes) continue;
    if (!ordered && e.kind == kind::load && e.rf != initial) made.behind = left_behind(e, i);
    if (ordered && e.kind == kind::load) made.behind = arrived_behind(e.location, graph_.position_of(e.rf), i);
    made.notification = accesses && e.kind == kind::store && graph_.at(e.location).is == location::purpose::wakes;
    if (ordered && e.kind == kind::store) made.behind = arrived_behind(e.location, e.position, i);
    choices.push_back(made);
  }
  return replay_text::write(family_, choices);
}

inline bool explorer::replay(std::string_view text) {
  if (!replay_text::read(text, family_, chooser_.script)) return false;
  chooser_.how = chooser::way::script;
  return true;
}

inline bool explorer::has_left_script(outcome how) const noexcept {
  if (!chooser_.follows_script() || how == outcome::bounded || how == outcome::stopped) return false;
  // (What a replay drops is no execution, and nobody would have written it down.)
  return how == outcome::diverged || how == outcome::dropped || !chooser_.script_is_over();
}

// How many stores that came before arrival n stand behind this position. (One of a read-modify-write comes with its load.)
inline std::uint16_t explorer::arrived_behind(std::uint32_t l, std::size_t position, std::size_t n) const noexcept {
  std::uint16_t found = 0;
  for (const stamp s : graph_.at(l).stores) {
    if (s == initial || graph_.position_of(s) <= position || !graph_.get(s).known()) continue;
    const event& e = graph_.get(s);
    for (std::size_t i = 0; i < n; ++i) {
      const event& came = graph_.get(arrivals_[i]);
      const bool is_load_of_it = e.exclusive && came.kind == kind::load && came.exclusive && came.location == l &&
                                 came.thread == e.thread && graph_.time_of(arrivals_[i]) == graph_.time_of(s);
      if (arrivals_[i] == s || is_load_of_it) {
        ++found;
        break;
      }
    }
  }
  return found;
}

// Of what was freed before arrival n and nobody had taken, which the load takes: 1 for the last.
inline std::uint16_t explorer::left_behind(const event& load, std::size_t n) const noexcept {
  std::uint16_t left = 1;
  for (std::size_t i = n; i-- > 0 && arrivals_[i] != load.rf;) {
    const event& e = graph_.get(arrivals_[i]);
    if (e.kind != kind::store || e.location != load.location) continue;
    bool taken = false;
    for (std::size_t j = i; j < n; ++j) {
      const event& later = graph_.get(arrivals_[j]);
      taken = taken || (later.kind == kind::load && later.location == load.location && later.rf == arrivals_[i]);
    }
    if (!taken) ++left;
  }
  return left;
}

}  // namespace pawl::inline v0::model::detail
