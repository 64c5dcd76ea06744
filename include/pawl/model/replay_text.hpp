// SPDX-License-Identifier: BSL-1.0
// An execution as a string that is short enough for a line: its choices, one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "buffer.hpp"
#include "clock.hpp"
#include "hash.hpp"

namespace pawl::inline v0::model::detail {

/// One event as a choice: which thread, and how far behind the latest store it reads or stands.
struct choice {
  std::uint8_t thread = 0;
  std::uint16_t behind = 0;
  bool spurious = false;
  bool turn = false;
  bool notification = false;  // of one thread, where that is an event
};

/// Choices as text: one character for thread and form, then, where it is not the latest store, a number to the base 16 with a bit that
/// says that it goes on. (A notification is 0 behind the latest.) Threads are named by who started them: first come (parent, nth) of each.
class replay_text {
 public:
  struct kin {
    unsigned parent;
    unsigned nth;
  };

  static constexpr std::string_view digits = "0123456789abcdefghjkmnpqrstvwxyz";  // D. Crockford's: none looks like another

  static std::string write(const buffer<kin>& family, const buffer<choice>& choices) {
    std::string text;
    number(text, family.size());
    for (const kin& each : family) {
      number(text, each.parent);
      number(text, each.nth);
    }
    for (const choice& each : choices) {
      const unsigned form = each.turn ? turn : each.spurious ? spurious : each.behind != 0 || each.notification ? behind : latest;
      digit(text, form * max_threads + each.thread);
      if (form == behind || form == spurious) number(text, each.behind);
    }
    return text;
  }
  /// False where the text is none that write gives.
  static bool read(std::string_view text, buffer<kin>& family, buffer<choice>& choices) {
    family.clear();
    choices.clear();
    std::size_t kin_count = 0;
    // (One thread too many is a violation, and has a name in it.)
    if (!number(text, kin_count)) return false;
    for (std::size_t i = 0; i < kin_count; ++i) {
      std::size_t parent = 0;
      std::size_t nth = 0;
      if (!number(text, parent) || !number(text, nth) || parent > i) return false;
      family.push_back({static_cast<unsigned>(parent), static_cast<unsigned>(nth)});
    }
    while (!text.empty()) {
      unsigned first = 0;
      if (!digit(text, first)) return false;
      choice read;
      const unsigned form = first / max_threads;
      read.thread = static_cast<std::uint8_t>(first % max_threads);
      if (read.thread > kin_count) return false;
      read.turn = form == turn;
      read.spurious = form == spurious;
      std::size_t far = 0;
      if ((form == behind || form == spurious) && (!number(text, far) || far > 32000)) return false;
      read.behind = static_cast<std::uint16_t>(far);
      read.notification = form == behind && far == 0;  // a store that is not the latest is one behind at least
      choices.push_back(read);
    }
    return true;
  }

 private:
  friend struct replay_settings;
  static_assert(max_threads == 8, "a thread and a form are one digit to the base 32");
  static constexpr unsigned latest = 0, behind = 1, spurious = 2, turn = 3;

  static void digit(std::string& text, unsigned value) { text += digits[value]; }
  static void number(std::string& text, std::size_t value) {
    while (value >= 16) {
      digit(text, 16 + static_cast<unsigned>(value % 16));
      value /= 16;
    }
    digit(text, static_cast<unsigned>(value));
  }
  static bool digit(std::string_view& text, unsigned& value) {
    if (text.empty()) return false;
    const std::size_t found = digits.find(text.front());
    if (found == std::string_view::npos) return false;
    text.remove_prefix(1);
    value = static_cast<unsigned>(found);
    return true;
  }
  static bool number(std::string_view& text, std::size_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 32; shift += 4) {
      unsigned next = 0;
      if (!digit(text, next)) return false;
      value += static_cast<std::size_t>(next % 16) << shift;
      if (next < 16) return true;
    }
    return false;
  }
};

/// The options on which it depends what a replay string says. They come first in it, after two digits by which a string that is none, or a
/// part of one, is known.
struct replay_settings {
  unsigned spurious_failures = 1;
  unsigned memory_model = 0;  // below 4
  bool reuse = false;
  bool realtime = false;

  friend bool operator==(const replay_settings&, const replay_settings&) = default;

  /// Puts them before the choices.
  [[nodiscard]] std::string mark(const std::string& choices) const {
    std::string text(1, replay_text::digits[memory_model + (reuse ? 4U : 0U) + (realtime ? 8U : 0U)]);
    replay_text::number(text, spurious_failures);
    text += choices;
    return sum(text) + text;
  }
  /// Reads them, and takes them off. False where the text is none that mark gives.
  bool read(std::string_view& text) {
    if (text.size() < sum_digits || sum(text.substr(sum_digits)) != text.substr(0, sum_digits)) return false;
    text.remove_prefix(sum_digits);
    unsigned flags = 0;
    std::size_t failures = 0;
    if (!replay_text::digit(text, flags) || flags >= 16 || !replay_text::number(text, failures)) return false;
    *this = {static_cast<unsigned>(failures), flags % 4, (flags & 4U) != 0, (flags & 8U) != 0};
    return true;
  }

 private:
  static constexpr std::size_t sum_digits = 2;
  static std::string sum(std::string_view text) {
    const std::uint64_t h = hash(1, reinterpret_cast<const std::byte*>(text.data()), text.size());
    return {replay_text::digits[h % 32], replay_text::digits[h / 32 % 32]};
  }
};

}  // namespace pawl::inline v0::model::detail
