// SPDX-License-Identifier: BSL-1.0
// Why threads that wait to be notified sleep for ever: the message of a deadlock.
#pragma once

#include <string>

#include "explorer.hpp"
#include "words.hpp"

namespace pawl::inline v0::model::detail {

/// The threads that sleep when a run has ended. `place_of(t)` is the text of where thread t waits.
template <class PlaceOf>
class sleeping {
 public:
  sleeping(const explorer& steps, PlaceOf place_of) : steps_(steps), place_of_(place_of) {}

  /// Empty where none sleeps.
  [[nodiscard]] std::string as_text() const {
    std::string text;
    steps_.for_each_sleeping([&](unsigned t, stamp load) {
      text +=
          (text.empty() ? "thread " : "; thread ") + std::to_string(t) + " waits for ever at " + place_of_(t) + ": " + reason(load);
    });
    return text;
  }

 private:
  // What each notification of the atomic did instead.
  [[nodiscard]] std::string reason(stamp load) const {
    const graph& g = steps_.state();
    std::string text;
    for (const notifications::notification& each : steps_.notified().of_run()) {
      if (each.location != g.get(load).location) continue;
      text += (text.empty() ? "the notify_" : ", the notify_") + std::string(each.one ? "one" : "all") + " of thread " +
              std::to_string(each.thread) + " (" + text_of(each.where) + ") ";
      if (!wakes(g, load, each.known)) {
        text += "comes when nothing was stored that this thread has not seen";
      } else {
        text += "wakes thread " + std::to_string(woken_by(each.event));
      }
    }
    return text.empty() ? "nobody notifies" : text;
  }
  [[nodiscard]] unsigned woken_by(stamp one) const noexcept {
    const graph& g = steps_.state();
    for (const stamp sleep : g.at(g.get(one).location).loads) {
      if (g.get(sleep).rf == one) return g.get(sleep).thread;
    }
    return max_threads;
  }

  const explorer& steps_;
  PlaceOf place_of_;
};

}  // namespace pawl::inline v0::model::detail
