# SPDX-License-Identifier: BSL-1.0
"""Mistakes in atomics, tagged values, backoffs, fences, locks, llsc, waiting, and in what a warp does together."""
from mistake import Mistake

MISTAKES = [
    Mistake("a test-and-set lock's try_lock takes a lock that is held", "spin_lock.hpp",
            "    // (2) acquire: pairs with (3), as (1)\n    return `!held_.exchange(true, std::memory_order_acquire)`;", "true",
            unit=("*lock*",)),
]

EXEMPT = {
}
