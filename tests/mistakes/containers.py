# SPDX-License-Identifier: BSL-1.0
"""Mistakes in the containers, their reclaimers and pools."""
from mistake import Mistake

MISTAKES = [
    Mistake("a stack's pop takes what lies below, too", "stack.hpp",
            "next = `op.get(head)->below().load(std::memory_order_relaxed)`;\n      } else", "link{}", unit=("*stack*",), stress=("*stack*",)),
]

EXEMPT = {
}
