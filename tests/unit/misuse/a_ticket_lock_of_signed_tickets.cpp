// expect: ticket_lock<B, Ticket>: Ticket must be an unsigned integer
// SPDX-License-Identifier: BSL-1.0
#include <pawl/spin_lock.hpp>

pawl::ticket_lock<pawl::native, int> wrong;
