// SPDX-License-Identifier: BSL-1.0
// What of an epoch domain waits: rcu_synchronize for readers, rcu_barrier for them and for all that was retired. A part of epoch_domain.hpp.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>

#include "../backoff.hpp"
#include "../fence.hpp"
#include "epoch_domain.hpp"

namespace pawl::inline v0 {

template <class B, class Alloc>
void epochs<B, Alloc>::wait_for_readers(std::uint64_t epoch) noexcept {
  yield_backoff backoff;
  while (oldest_pin() <= epoch) backoff(B{});
}

template <class B, class Alloc>
void epochs<B, Alloc>::synchronize() noexcept {
  if (const record* const mine = records_.find()) mine->assert_in_no_section();
  records_.end_lost();
  without_record_.none_is_mine();
  asymmetric_thread_fence_heavy<B>();
  wait_for_readers(next_epoch());
}

template <class B, class Alloc>
void epochs<B, Alloc>::barrier() noexcept {
  record* const mine = records_.find();
  // It would wait for its own section, or for the deleter that calls it.
  if (mine != nullptr) mine->assert_in_no_section();
  assert((mine == nullptr || !(mine->reclaiming || mine->in_barrier)) && "rcu_barrier in a deleter");
  records_.end_lost();
  without_record_.none_is_mine();
  const std::uint32_t here = detail::process_of<B>();
  // One at a time: what another barrier has taken must be freed before this one returns.
  // (7) acquire: pairs with (8): what that barrier did comes before
  for (yield_backoff backoff; !in_barrier_.try_take(std::memory_order_acquire);) backoff(B{});
  if (mine != nullptr) mine->in_barrier = true;

  list all;
  take_all(all);
  // Of the orphans some were unlinked since take_all's own fences. Without it, their readers' pins might not be seen.
  asymmetric_thread_fence_heavy<B>();
  wait_for_readers(next_epoch());
  const std::size_t freed = all.size;
  this->end_all(all);
  reclaimed_by_barriers_.fetch_add(freed, std::memory_order_relaxed);

  if (mine != nullptr) mine->in_barrier = false;
  in_barrier_.give_back_of(here, std::memory_order_release);  // (8). (A deleter may have forked.)
}

// All that was retired before. A thread whose lists are asked for keeps new ones with the orphans for the moment, and none may move what
// has no running owner, which could go past us.
template <class B, class Alloc>
void epochs<B, Alloc>::take_all(list& all) noexcept {
  // relaxed: seen after the fence by who doesn't own its lists before it, see record::begin
  taking_.take(std::memory_order_relaxed);
  // Before the walk: a record that it doesn't find was made by who sees taking_ when it claims its lists, and so moves nothing into them.
  asymmetric_thread_fence_heavy<B>();  // for records made late
  records_.for_each([](record& each) noexcept { each.taken.take(std::memory_order_relaxed); });
  asymmetric_thread_fence_heavy<B>();
  yield_backoff backoff;
  for (bool some_left = true; some_left;) {
    some_left = false;
    records_.for_each([&all, &some_left](record& each) noexcept {
      // relaxed: our own. (One that was made since the first fence holds nothing that was retired before.)
      if (!each.taken.taken(std::memory_order_relaxed)) return;
      // (5) acquire: pairs with (4). Who owns its lists may be freeing what it took out of them: that is over then, too.
      if (each.owns_lists.load(std::memory_order_acquire)) {
        some_left = true;
        return;
      }
      each.move_lists(all);
      each.taken.give_back(std::memory_order_release);  // (6)
    });
    if (some_left) backoff(B{});
  }
  this->orphans_.take_all(all);
  taking_.give_back(std::memory_order_relaxed);
}

}  // namespace pawl::inline v0
