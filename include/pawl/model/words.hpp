// SPDX-License-Identifier: BSL-1.0
// Places, memory orders and values as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "event.hpp"
#include "place.hpp"

namespace pawl::inline v0::model::detail {

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

}  // namespace pawl::inline v0::model::detail
