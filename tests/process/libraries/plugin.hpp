// SPDX-License-Identifier: BSL-1.0
// What the shared libraries of these tests offer, under names that dlsym finds.
#pragma once

#include <pawl/hash_map.hpp>
#include <pawl/hazard_pointer.hpp>
#include <pawl/queue.hpp>
#include <pawl/rcu.hpp>
#include <pawl/stack.hpp>
#include <pawl/tagged_pool.hpp>

using shared_stack = pawl::stack<int>;

extern "C" {
using use_containers_function = bool();  // containers of the library's own; true where they held what they should
using reclaim_function = void();  // on the library's default domains
using reclaim_in_function = void(pawl::hazard_pointers<>&);
using default_domain_function = void*();
using default_records_function = std::size_t();
using push_function = void(shared_stack&, int);
using pop_function = int(shared_stack&);
using use_epochs_function = bool(pawl::epochs<>&);  // a container's and the library's own object's end, in a section
using reclaim_epochs_function = void(pawl::epochs<>&);
using change_sections_function = void(pawl::detail::section_count<pawl::native>&);
using any_sections_function = bool(const pawl::detail::section_count<pawl::native>&);
using slot_of_function = const void*(pawl::hazard_pointers<>&);  // this thread's record in a domain, as the library finds it
}
