// SPDX-License-Identifier: BSL-1.0
// What a thread of the checked program asks of the explorer.
#pragma once

#include <cstdint>

#include "event.hpp"

namespace pawl::inline v0::model::detail {

/// What an atomic operation does with the value that it reads: false leaves it, true replaces it. A reference to a function object.
class update {
 public:
  update() = default;
  template <class F>
  explicit update(const F& f) noexcept
      : function_(&f), call_([](const void* function, uint128 old, uint128& desired) {
          return (*static_cast<const F*>(function))(old, desired);
        }) {}
  explicit operator bool() const noexcept { return call_ != nullptr; }
  bool operator()(uint128 old, uint128& desired) const { return call_(function_, old, desired); }

 private:
  const void* function_ = nullptr;
  bool (*call_)(const void*, uint128, uint128&) = nullptr;
};

/// How a thread's operation may be executed.
struct access {
  std::uint32_t location;
  memory_order order;
  memory_order failure = relaxed;  // of a read-modify-write that leaves the value
  bool feeds_fences = true;  // whether an acquire fence orders what was read
  bool weak = false;  // whether it may fail for nothing
  bool woken = false;  // a load of a thread that a notification has just woken
};

}  // namespace pawl::inline v0::model::detail
