// SPDX-License-Identifier: BSL-1.0
// Why an order stays whose weakening no scenario notices. By file and a piece of the line.
#pragma once

#include <string>

inline std::string reason_for(const std::string& file, const std::string& line) {
  struct entry {
    const char* file;
    const char* piece;
    const char* why;
  };
  static constexpr entry entries[] = {
      {"", "", ""},
  };
  for (const entry& each : entries) {
    if (*each.file != '\0' && file == each.file && line.find(each.piece) != std::string::npos) return each.why;
  }
  return "";
}
