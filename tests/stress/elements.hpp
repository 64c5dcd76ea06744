// SPDX-License-Identifier: BSL-1.0
// Elements that tell whether they are whole and where they come from, and the books that are kept of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "threads.hpp"

namespace stress {

/// A value of three words, for which a torn or invented one is not taken.
struct ticket {
  std::uint32_t producer;
  std::uint32_t place;  // the container it was meant for
  std::uint64_t number;
  std::uint64_t check;

  static ticket make(std::uint32_t producer, std::uint64_t number, std::uint32_t place = 0) noexcept {
    ticket made{producer, place, number, 0};
    made.check = made.sum();
    return made;
  }
  [[nodiscard]] bool whole() const noexcept { return check == sum(); }

 private:
  [[nodiscard]] std::uint64_t sum() const noexcept {
    return (number + 1) * 0x9e3779b97f4a7c15U ^ (std::uint64_t{producer} << 32U | place) * 0xd6e8feb86659fd93U;
  }
};

/// The same on the heap, and movable only: a lost one is a leak, one taken twice is freed twice.
class owned_ticket {
 public:
  static owned_ticket make(std::uint32_t producer, std::uint64_t number, std::uint32_t place = 0) {
    return owned_ticket(std::make_unique<ticket>(ticket::make(producer, number, place)));
  }
  [[nodiscard]] bool whole() const noexcept { return ticket_ != nullptr && ticket_->whole(); }
  [[nodiscard]] const ticket& get() const noexcept { return *ticket_; }

 private:
  explicit owned_ticket(std::unique_ptr<ticket> made) noexcept : ticket_(std::move(made)) {}
  std::unique_ptr<ticket> ticket_;
};
inline const ticket& get(const ticket& plain) noexcept { return plain; }
inline const ticket& get(const owned_ticket& owned) noexcept { return owned.get(); }

/// The same in one word, without a check.
class small_ticket {
 public:
  static small_ticket make(std::uint32_t producer, std::uint64_t number, std::uint32_t place = 0) noexcept {
    return small_ticket(number << 16U | (producer & 0xffU) << 8U | (place & 0xffU));
  }
  [[nodiscard]] static bool whole() noexcept { return true; }
  [[nodiscard]] ticket get() const noexcept {
    return ticket::make(static_cast<std::uint32_t>(bits_ >> 8U & 0xffU), bits_ >> 16U, static_cast<std::uint32_t>(bits_ & 0xffU));
  }

 private:
  explicit small_ticket(std::uint64_t bits) noexcept : bits_(bits) {}
  std::uint64_t bits_;
};
inline ticket get(const small_ticket& small) noexcept { return small.get(); }

/// What one thread took out.
class takings {
 public:
  template <class T>
  void add(trial& trial, const T& taken, std::uint32_t place = 0) {
    if (!taken.whole()) return trial.fail("a broken element came out");
    const ticket& seen = get(taken);
    if (seen.place != place) return trial.fail("an element came out of another container");
    taken_.emplace_back(seen.producer, seen.number);
  }
  [[nodiscard]] const std::vector<std::pair<std::uint32_t, std::uint64_t>>& all() const noexcept { return taken_; }

 private:
  std::vector<std::pair<std::uint32_t, std::uint64_t>> taken_;
};

/// Says whether everything that went in, numbers 0 to put_in[producer] - 1 of each producer, came out once.
inline void settle(trial& trial, const std::vector<std::uint64_t>& put_in, const std::vector<takings>& taken) {
  std::vector<std::vector<char>> seen;
  seen.reserve(put_in.size());
  for (const std::uint64_t each : put_in) seen.emplace_back(static_cast<std::size_t>(each));
  for (const takings& each : taken) {
    for (const auto& [producer, number] : each.all()) {
      if (producer >= seen.size() || number >= seen[producer].size()) return trial.fail("an element came out that nobody put in");
      if (seen[producer][number]++ != 0) return trial.fail("an element came out twice");
    }
  }
  for (const auto& each : seen) {
    if (std::find(each.begin(), each.end(), 0) != each.end()) return trial.fail("an element is lost");
  }
}

/// Whether one thread took each producer's elements in their order.
inline void expect_order(trial& trial, const takings& taken, std::size_t producers) {
  std::vector<std::uint64_t> next(producers);
  for (const auto& [producer, number] : taken.all()) {
    trial.expect(number >= next[producer], "the elements of one producer came out in another order");
    next[producer] = number + 1;
  }
}

}  // namespace stress
