// SPDX-License-Identifier: BSL-1.0
#include <pawl/stack.hpp>

#include <cstdlib>
#include <string>
#include <type_traits>

#include <pawl/rcu.hpp>

#include "lists.hpp"

namespace {

struct stacks {
  template <class T, class R>
  using of = pawl::stack<T, R>;
  static constexpr bool last_in_first_out = true;
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

using any_of_it = pawl::stack<int>;
static_assert(std::is_same_v<any_of_it::value_type, int> && std::is_same_v<any_of_it::reclaimer_type, hazard_pointers<>>);
static_assert(!std::is_copy_constructible_v<any_of_it> && !std::is_copy_assignable_v<any_of_it> &&
              !std::is_move_constructible_v<any_of_it> && std::is_default_constructible_v<any_of_it>);
static_assert(!std::is_convertible_v<hazard_pointers<>&, any_of_it>);

}  // namespace

TEMPLATE_TEST_CASE("every member of a stack does what it says", "", global_domain, given_domain, builtin_domain, minimal_domain,
                   own_pool, given_pool, fixed_pool, builtin_pool, minimal_pool, minimal_fixed, epoch_domain, minimal_epochs) {
  lists::every_member_does_what_it_says<stacks, TestType>();
}

TEMPLATE_TEST_CASE("a range goes into a stack, and all comes out of it, in order", "", global_domain, given_domain, minimal_domain,
                   own_pool, fixed_pool, minimal_pool, epoch_domain) {
  lists::ranges_go_in_and_come_out_in_order<stacks, TestType>();
}

TEMPLATE_TEST_CASE("small and large elements keep their value in a stack", "", given_domain, own_pool, fixed_pool) {
  lists::elements_keep_their_value<stacks, TestType, char>();
  lists::elements_keep_their_value<stacks, TestType, double>();
  lists::elements_keep_their_value<stacks, TestType, lists::block<3>>();
  lists::elements_keep_their_value<stacks, TestType, lists::block<9>>();
  lists::elements_keep_their_value<stacks, TestType, lists::block<128, 128>>();
  lists::elements_keep_their_value<stacks, TestType, lists::block<1000>>();
}

TEST_CASE("a stack holds what can only be moved") { lists::moves_what_can_only_be_moved<stacks, global_domain>(); }

TEST_CASE("a stack keeps over-aligned elements in their place") {
  lists::over_aligned_elements_are_in_their_place<stacks, global_domain>();
}

TEMPLATE_TEST_CASE("a stack is whole after a copy or move that threw, wherever it threw", "", global_domain, given_domain,
                   epoch_domain) {
  lists::a_throwing_copy_or_move_leaves_the_container_whole<stacks, TestType>();
}

TEST_CASE("the destructor of a stack ends what is left in it") { lists::the_destructor_ends_what_is_left<stacks, given_domain>(); }

TEMPLATE_TEST_CASE("a stack over a fixed pool of n values holds n, and says full of one more, which it leaves as it was", "",
                   pawl::native, minimal_backend) {
  lists::a_fixed_pool_fills_to_its_capacity<stacks, TestType>();
}

TEST_CASE("nodes of a stack come from the domain's allocator and go back to it") {
  lists::memory_comes_from_the_allocator<stacks>();
}

TEST_CASE("a pool under a stack takes all its memory from its allocator, and gives it back") {
  lists::a_pools_memory_comes_from_its_allocator<stacks>();
}

TEST_CASE("a stack loses nothing where an allocation of its domain or its pool fails, and takes the element the next time") {
  using allocator = std::pmr::polymorphic_allocator<std::byte>;
  lists::nothing_is_lost_where_an_allocation_fails<stacks, tagged_pool<pawl::native, allocator>>();
  lists::nothing_is_lost_where_an_allocation_fails<stacks, hazard_pointers<pawl::native, allocator>>();
}

TEMPLATE_TEST_CASE("memory stays flat when one thread pushes to a stack and another pops", "", own_pool, minimal_pool, fixed_pool) {
  lists::memory_stays_flat_when_one_thread_pushes_and_another_pops<stacks, TestType>(500);
}

TEMPLATE_TEST_CASE("two threads lose nothing in a stack", "", global_domain, builtin_domain, minimal_domain, own_pool, builtin_pool,
                   minimal_pool, fixed_pool, epoch_domain) {
  lists::two_threads_lose_nothing<stacks, TestType>();
}

TEMPLATE_TEST_CASE("a stack works while a thread's thread_locals end", "", global_domain, given_domain, own_pool, fixed_pool,
                   epoch_domain) {
  lists::works_while_thread_locals_end<stacks, TestType>();
}

TEMPLATE_TEST_CASE("a stack may end on another thread than it began on", "", global_domain, given_domain, own_pool, fixed_pool) {
  lists::ends_on_another_thread<stacks, TestType>();
}

TEMPLATE_TEST_CASE("a stack takes every backoff", "", pawl::no_backoff, pawl::exponential_backoff, pawl::yield_backoff) {
  pawl::stack<int, hazard_pointers<>, TestType> c;
  c.push(1);
  CHECK(c.try_pop() == 1);
}

namespace {

// Ends after main; the domain that it uses was first used by tests, long after this object began.
const struct in_static_destruction {
  pawl::stack<int>& own = *new pawl::stack<int>;
  ~in_static_destruction() {
    own.push(1);
    const bool right = own.try_pop() == 1;
    delete &own;
    pawl::stack<std::string> other;
    other.push("a");
    if (!right || other.try_pop() != "a") std::abort();
  }
} late_user;

}  // namespace

TEST_CASE("a stack works before main and while static objects end") { CHECK(late_user.own.empty()); }
