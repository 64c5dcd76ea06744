// SPDX-License-Identifier: BSL-1.0
#include <pawl/queue.hpp>

#include <cstdlib>
#include <string>
#include <type_traits>

#include <pawl/rcu.hpp>

#include "lists.hpp"

namespace {

struct queues {
  template <class T, class R>
  using of = pawl::queue<T, R>;
  static constexpr bool last_in_first_out = false;
};

using pawl::hazard_pointers;
using pawl::tagged_pool;
using own_pool = lists::by_default<tagged_pool<>>;
using given_pool = lists::over_a_domain<tagged_pool<>>;
using fixed_pool = lists::over_a_fixed_pool<>;
using builtin_pool = lists::over_a_domain<tagged_pool<pawl::backend::builtin>>;
using minimal_pool = lists::by_default<tagged_pool<minimal_backend>>;
using minimal_fixed = lists::over_a_fixed_pool<minimal_backend>;
using global_domain = lists::by_default<hazard_pointers<>>;
using given_domain = lists::over_a_domain<hazard_pointers<>>;
using builtin_domain = lists::by_default<hazard_pointers<pawl::backend::builtin>>;
using minimal_domain = lists::over_a_domain<hazard_pointers<minimal_backend>>;
using epoch_domain = lists::over_a_domain<pawl::epochs<>>;
using minimal_epochs = lists::by_default<pawl::epochs<minimal_backend>>;

using any_of_it = pawl::queue<int>;
static_assert(std::is_same_v<any_of_it::value_type, int> && std::is_same_v<any_of_it::reclaimer_type, hazard_pointers<>>);
static_assert(!std::is_copy_constructible_v<any_of_it> && !std::is_copy_assignable_v<any_of_it> &&
              !std::is_move_constructible_v<any_of_it> && std::is_default_constructible_v<any_of_it>);
static_assert(!std::is_convertible_v<hazard_pointers<>&, any_of_it>);

}  // namespace

TEMPLATE_TEST_CASE("every member of a queue does what it says", "", global_domain, given_domain, builtin_domain, minimal_domain,
                   own_pool, given_pool, fixed_pool, builtin_pool, minimal_pool, minimal_fixed, epoch_domain, minimal_epochs) {
  lists::every_member_does_what_it_says<queues, TestType>();
}

TEMPLATE_TEST_CASE("a range goes into a queue, and all comes out of it, in order", "", global_domain, given_domain, minimal_domain,
                   own_pool, fixed_pool, minimal_pool, epoch_domain) {
  lists::ranges_go_in_and_come_out_in_order<queues, TestType>();
}

TEMPLATE_TEST_CASE("small and large elements keep their value in a queue", "", given_domain, own_pool, fixed_pool) {
  lists::elements_keep_their_value<queues, TestType, char>();
  lists::elements_keep_their_value<queues, TestType, double>();
  lists::elements_keep_their_value<queues, TestType, lists::block<3>>();
  lists::elements_keep_their_value<queues, TestType, lists::block<9>>();
  lists::elements_keep_their_value<queues, TestType, lists::block<128, 128>>();
  lists::elements_keep_their_value<queues, TestType, lists::block<1000>>();
}

TEST_CASE("a queue holds what can only be moved") { lists::moves_what_can_only_be_moved<queues, global_domain>(); }

TEST_CASE("a queue keeps over-aligned elements in their place") {
  lists::over_aligned_elements_are_in_their_place<queues, global_domain>();
}

TEMPLATE_TEST_CASE("a queue is whole after a copy or move that threw, wherever it threw", "", global_domain, given_domain,
                   epoch_domain) {
  lists::a_throwing_copy_or_move_leaves_the_container_whole<queues, TestType>();
}

TEST_CASE("the destructor of a queue ends what is left in it") { lists::the_destructor_ends_what_is_left<queues, given_domain>(); }

TEMPLATE_TEST_CASE("a queue over a fixed pool of n values holds n, and says full of one more, which it leaves as it was", "",
                   pawl::native, minimal_backend) {
  lists::a_fixed_pool_fills_to_its_capacity<queues, TestType>();
}

TEST_CASE("nodes of a queue come from the domain's allocator and go back to it") {
  lists::memory_comes_from_the_allocator<queues>();
}

TEST_CASE("a pool under a queue takes all its memory from its allocator, and gives it back") {
  lists::a_pools_memory_comes_from_its_allocator<queues>();
}

TEST_CASE("a queue loses nothing where an allocation of its domain or its pool fails, and takes the element the next time") {
  using allocator = std::pmr::polymorphic_allocator<std::byte>;
  lists::nothing_is_lost_where_an_allocation_fails<queues, tagged_pool<pawl::native, allocator>>();
  lists::nothing_is_lost_where_an_allocation_fails<queues, hazard_pointers<pawl::native, allocator>>();
}

TEMPLATE_TEST_CASE("memory stays flat when one thread pushes to a queue and another pops", "", own_pool, minimal_pool, fixed_pool) {
  lists::memory_stays_flat_when_one_thread_pushes_and_another_pops<queues, TestType>(500);
}

TEMPLATE_TEST_CASE("two threads lose nothing in a queue", "", global_domain, builtin_domain, minimal_domain, own_pool, builtin_pool,
                   minimal_pool, fixed_pool, epoch_domain) {
  lists::two_threads_lose_nothing<queues, TestType>();
}

TEMPLATE_TEST_CASE("a queue works while a thread's thread_locals end", "", global_domain, given_domain, own_pool, fixed_pool,
                   epoch_domain) {
  lists::works_while_thread_locals_end<queues, TestType>();
}

TEMPLATE_TEST_CASE("a queue may end on another thread than it began on", "", global_domain, given_domain, own_pool, fixed_pool) {
  lists::ends_on_another_thread<queues, TestType>();
}

TEMPLATE_TEST_CASE("a queue takes every backoff", "", pawl::no_backoff, pawl::exponential_backoff, pawl::yield_backoff) {
  pawl::queue<int, hazard_pointers<>, TestType> c;
  c.push(1);
  CHECK(c.try_pop() == 1);
}

namespace {

// Ends after main; the domain that it uses was first used by tests, long after this object began.
const struct in_static_destruction {
  pawl::queue<int>& own = *new pawl::queue<int>;
  ~in_static_destruction() {
    own.push(1);
    const bool right = own.try_pop() == 1;
    delete &own;
    pawl::queue<std::string> other;
    other.push("a");
    if (!right || other.try_pop() != "a") std::abort();
  }
} late_user;

}  // namespace

TEST_CASE("a queue works before main and while static objects end") { CHECK(late_user.own.empty()); }
