// SPDX-License-Identifier: BSL-1.0
// All of the host library. Each header stands alone, so a program that uses one structure includes that one.
#pragma once

#include "atomic.hpp"
#include "backend.hpp"
#include "backoff.hpp"
#include "environment.hpp"
#include "fence.hpp"
#include "hash_map.hpp"
#include "hazard_pointer.hpp"
#include "llsc.hpp"
#include "queue.hpp"
#include "rcu.hpp"
#include "reclaimer.hpp"
#include "spin_lock.hpp"
#include "stack.hpp"
#include "tagged.hpp"
#include "tagged_pool.hpp"
