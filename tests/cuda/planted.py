#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Plants mistakes in the backend, one at a time, and looks whether the device tests see them.

planted.py NVCC INTERPRETER-FOLDER [PROGRAM...]
"""
import concurrent.futures
import os
import pathlib
import shutil
import sys
import tempfile

from building import HERE, build, interpreter, is_right, run

INCLUDE = HERE.parent.parent / "include"
BACKEND, PTX, VALUE = "pawl/detail/ptx_backend.hpp", "pawl/detail/ptx.hpp", "pawl/detail/atomic_value.hpp"
WARP, AGGREGATED = "pawl/detail/cuda_warp.hpp", "pawl/cuda/aggregated.hpp"
TOGETHER = "pawl/cuda/aggregated_containers.hpp"
REDUCE, HISTOGRAM = "pawl/cuda/reduce.hpp", "pawl/cuda/histogram.hpp"
CALL, OWNER, LIST = "pawl/detail/cuda_call.hpp", "pawl/detail/cuda_owner.hpp", "pawl/detail/cuda_list.hpp"
MAP_OWNER, MAP = "pawl/cuda/hash_map.hpp", "pawl/detail/pooled_map.hpp"

# What is wrong, which program sees it, the file, the text that is replaced, and by what.
MISTAKES = [
    ("a byte's neighbours become zero", "operations", BACKEND, "return (word & others()) | alone(value);", "return alone(value);"),
    ("a byte's `and` clears its neighbours", "operations", BACKEND,
     "target.of(fetch_and(target.word(), target.alone(operand) | target.others(), order))",
     "target.of(fetch_and(target.word(), target.alone(operand), order))"),
    ("a byte's update is lost where the word changed", "contention", BACKEND, "if (found == word) return old;", "return old;"),
    ("a failed compare-and-swap says that it stored", "contention", BACKEND, "return expected == wanted;", "return true;"),
    ("an exchange is a load and a store", "contention", BACKEND, "return exch<Order, Scope>(object, desired);",
     "W old = ld<relaxed, Scope>(object); st<relaxed, Scope>(object, desired); return old;"),
    ("an addition without result is a load and a store", "contention", BACKEND, "reduce<add, number<W>>(object, operand, order);",
     "st<relaxed, Scope>(object, static_cast<W>(ld<relaxed, Scope>(object) + operand));"),
    ("16 bytes are stored by halves", "contention", BACKEND, "{ st<Order, Scope>(object, desired); }",
     "{ if constexpr (sizeof(W) == 16) { auto* const half = reinterpret_cast<std::uint64_t*>(&object);"
     " st<Order, Scope>(half[0], static_cast<std::uint64_t>(desired));"
     " st<Order, Scope>(half[1], static_cast<std::uint64_t>(desired >> 64)); } else { st<Order, Scope>(object, desired); } }"),
    ("a subtraction adds", "operations", BACKEND, "return fetch_add(object, static_cast<W>(W{0} - operand), order);",
     "return fetch_add(object, operand, order);"),
    ("signed numbers are compared as unsigned", "operations", PTX, 'text[] = ".s64"', 'text[] = ".u64"'),
    ("-0 is as large as +0", "operations", VALUE, "return place(a) < place(b);", "return a < b;"),
    ("a NaN counts", "operations", VALUE, "if (is_nan(a)) return b;", ""),
    # Orders and scopes: seen as races.
    ("a release store is relaxed", "contention", BACKEND,
     "if (order == std::memory_order_release || order == std::memory_order_acq_rel) return f(release{});", ""),
    ("an acquire load is relaxed", "contention", BACKEND, "if (order == std::memory_order_seq_cst) fence<sc, Scope>();\n  return f(acquire{});\n}\n\n// Operations",
     "return f(relaxed{});\n}\n\n// Operations"),
    ("a fence does nothing", "contention", BACKEND, "fence<acq_rel, Scope>();", ""),
    ("a node's tag stays the same", "containers", "pawl/detail/pool_free_list.hpp", "const name first = last_life.reborn();",
     "const name first = last_life;"),
    ("a stack's push publishes nothing", "containers", "pawl/stack.hpp",
     "head_.compare_exchange_weak(head, first, std::memory_order_release,", "head_.compare_exchange_weak(head, first, std::memory_order_relaxed,"),
    ("a queue's append publishes nothing", "containers", "pawl/queue.hpp",
     "behind.compare_exchange_weak(next, first, std::memory_order_release,", "behind.compare_exchange_weak(next, first, std::memory_order_relaxed,"),
    ("the whole device is taken for a block", "contention", PTX, 'text[] = ".gpu"', 'text[] = ".cta"'),
    ("aggregated, the threads' writes aren't handed to the leader", "warps", AGGREGATED,
     "Warp::synchronize(mask);\n  value first{};", "value first{};"),
    ("aggregated, what the leader acquired isn't handed to the threads", "warps", AGGREGATED,
     "Warp::synchronize(mask);\n  first = Warp::shuffle", "first = Warp::shuffle"),
    ("aggregated, a thread's own value counts as before it", "warps", AGGREGATED,
     "before = Warp::shuffle(mask, sum, below == 0 ? lane : highest(below));", "before = sum;"),
    ("aggregated, a prefix counts the caller where all add the same", "warps", AGGREGATED, "before = times(count(below), v);",
     "before = times(count(below | 1U << lane), v);"),
    ("aggregated, the leader doesn't know the sum", "warps", AGGREGATED, "const unsigned leader = highest(mask);",
     "const unsigned leader = static_cast<unsigned>(__ffs(static_cast<int>(mask))) - 1;"),
    ("a scan doesn't follow the gaps", "warps", WARP, "if (has_gaps(mask)) {", "if (false) {"),
    ("a tile's mask begins at lane 0", "warps", AGGREGATED, "return tile << (lane - static_cast<unsigned>(group.thread_rank()));",
     "return tile;"),
    ("a block's last warp is taken for whole", "warps", REDUCE, "mine + 1 == warps ? warps * lanes - Block::threads() : 0;", "0;"),
    ("a block's result is read too early", "warps", REDUCE, "  Block::synchronize();\n  return shared.of_block;",
     "  return shared.of_block;"),
    ("a warp's result is read too early", "warps", REDUCE, "  Block::synchronize();\n  if (rank < warps) {", "  if (rank < warps) {"),
    ("redux.sync takes the smaller for the larger", "warps", WARP, "__reduce_max_sync", "__reduce_min_sync"),
    ("a flush forgets a replica", "warps", HISTOGRAM, "unsigned replica = 0; replica < replicas_;",
     "unsigned replica = replicas_ / 2; replica < replicas_;"),
    ("a flush doesn't wait for the block", "warps", HISTOGRAM,
     "Block::synchronize();\n    for (unsigned bin", "for (unsigned bin"),
    ("a histogram begins before its bins are zero", "warps", HISTOGRAM, "if (replicas_ != 0) Block::synchronize();", ""),
    ("a flushed histogram is added to before its bins are zero", "warps", HISTOGRAM,
     "// (3) after the zeros are written, before a thread adds again\n    Block::synchronize();", ""),
    ("a flushed histogram keeps its counts", "warps", HISTOGRAM, "count = T{};", ""),
    ("together, a push doesn't wait for what each thread did before", "warp_containers", TOGETHER,
     "Warp::synchronize(mask);\n  link nodes[lanes];\n  unsigned got = 0;\n  if (lane == leader) got = static_cast<unsigned>(all.create",
     "link nodes[lanes];\n  unsigned got = 0;\n  if (lane == leader) got = static_cast<unsigned>(all.create"),
    ("together, the leader publishes what isn't written yet", "warp_containers", TOGETHER,
     "Warp::synchronize(mask);\n  if (lane == leader) all.push", "if (lane == leader) all.push"),
    ("together, a thread goes on before its element is pushed", "warp_containers", TOGETHER,
     "// (4) after that: without it, whom another thread tells of its push might not find the element\n  Warp::synchronize(mask);", ""),
    ("together, a pop doesn't wait for what each thread did before", "warp_containers", TOGETHER,
     "Warp::synchronize(mask);\n  link nodes[lanes];\n  unsigned got = 0;\n  if (lane == leader) got = static_cast<unsigned>(all.pop",
     "link nodes[lanes];\n  unsigned got = 0;\n  if (lane == leader) got = static_cast<unsigned>(all.pop"),
    ("together, the nodes aren't handed to the threads", "warp_containers", TOGETHER,
     "before others write to them\n  Warp::synchronize(mask);", "before others write to them"),
    ("together, nodes go back while their values are read", "warp_containers", TOGETHER,
     "Warp::synchronize(mask);\n  if (lane == leader) all.give_back", "if (lane == leader) all.give_back"),
    ("together, a thread goes on before its node is back", "warp_containers", TOGETHER,
     "might not find the node that it has given back\n  Warp::synchronize(mask);", "might not find the node that it has given back"),
    ("together, the lanes are served from above", "warp_containers", TOGETHER,
     "const unsigned rank = detail::count(mask & lanes_below(lane));",
     "const unsigned rank = detail::count(mask & ~lanes_below(lane)) - 1;"),
    ("together, a lane counts those that don't take part", "warp_containers", TOGETHER,
     "const unsigned rank = detail::count(mask & lanes_below(lane));", "const unsigned rank = lane;"),
    ("together, each thread gives back its node, and the leader all of them", "warp_containers", TOGETHER,
     "if (after) all.link_freed(mine, after);", "if (after) { all.link_freed(mine, after); all.give_back(mine, mine); }"),
    ("together, a node given back keeps its life", "warp_containers", "pawl/tagged_pool.hpp", "first.reborn(), last.reborn()", "first, last"),
    ("together, a queue's last value is lost", "warp_containers", "pawl/queue.hpp",
     "op.get(dummy)->value.construct(last_copy.value());", ""),
    ("together, a queue's new dummy is given back", "warp_containers", "pawl/queue.hpp", "nodes[count - 1] = dummy;", ""),
    ("together, a stack is linked upside down", "warp_containers", "pawl/stack.hpp", "put_below(op, node, after);", "put_below(op, after, node);"),
    ("together, a queue's pop passes its tail", "warp_containers", "pawl/queue.hpp", "if (tail == last) {\n        help_tail", "if (false) {\n        help_tail"),
    ("a map's node keeps its tag", "hash_map", "pawl/detail/pool_free_list.hpp", "const name first = last_life.reborn();",
     "const name first = last_life;"),
    ("a map's links have no tag of their owner", "hash_map", MAP, "life_bits = ~std::uint64_t{0xffffffffU};", "life_bits = 0;"),
    ("a map's reader doesn't look back", "hash_map", MAP,
     "if (at.before->load(std::memory_order_relaxed) != live_word(at.here, at.owner)) break;", ""),
    ("a map finds what is erased", "hash_map", MAP, "if (!is_live(word)) {", "if (!is_live(word) && order != first) {"),
    ("a map's unlinking is a store", "hash_map", MAP,
     "if (!at.before->compare_exchange_strong(word, live_word(at.next, at.owner), std::memory_order_release,\n"
     "                                            std::memory_order_relaxed)) {\n      return false;\n    }",
     "if (at.before->load(std::memory_order_relaxed) != word) return false;\n"
     "    at.before->store(live_word(at.next, at.owner), std::memory_order_release);"),
    ("a map gives a node back before it is unlinked", "hash_map", MAP,
     "    link word = live_word(at.here, at.owner);\n    // (3) release",
     "    if (!replaced) op.retire(at.here);\n    link word = live_word(at.here, at.owner);\n    // (3) release"),
    ("a map's erase marks nothing", "hash_map", MAP, "    if (!end_life(op, at)) continue;\n    unlink_ended(op, order, at, at.next);\n"
     "    count(order, -1);\n    return true;", "    unlink_ended(op, order, at, at.next);\n    count(order, -1);\n    return true;"),
    ("a map's insert overwrites a link", "hash_map", MAP,
     "if (!at.before->compare_exchange_strong(word, live_word(fresh.name(), at.owner), std::memory_order_acq_rel,\n"
     "                                            std::memory_order_relaxed)) {\n      return false;\n    }",
     "at.before->store(live_word(fresh.name(), at.owner), std::memory_order_release);"),
    ("a map's update forgets where its node is from", "hash_map", MAP, "if (replaced) {\n      op.discard_spare(at.here);",
     "if (false) {\n      op.discard_spare(at.here);"),
    ("a map's update overwrites another", "hash_map", MAP,
     "if (!old_next.compare_exchange_strong(word, dead_word(replacement, at.here), std::memory_order_release,\n"
     "                                          std::memory_order_relaxed)) {\n      return false;\n    }",
     "old_next.store(dead_word(replacement, at.here), std::memory_order_release);"),
    ("a map's insert publishes nothing", "hash_map", MAP, "std::memory_order_acq_rel", "std::memory_order_relaxed"),
    ("an owner's pool has no room for its spares", "owners", OWNER, "device_pool::max_queues + 1)", "1)"),
    ("an owner's map has no room for its buckets", "owners", MAP_OWNER, "sizeof(std::uint64_t) * std::bit_ceil(", "sizeof(std::uint32_t) * ("),
    ("an owner keeps its memory", "owners", OWNER, "static_cast<void>(cudaFree(memory_));", ""),
    ("an owner frees memory of another device", "owners", OWNER, "if (before != device_) static_cast<void>(cudaSetDevice(device_));", ""),
    ("an owner that was moved from frees, too", "owners", OWNER, "memory_(std::exchange(other.memory_, nullptr))", "memory_(other.memory_)"),
    ("an owner's pool may have more than 16 GiB", "owners", OWNER, "if (nodes > most_bytes_of_nodes)", "if (false)"),
    ("an owner's size is taken modulo 2^64", "owners", OWNER, "return nodes > too_much / node_bytes ? too_much : sum(",
     "return sum("),
    ("a call goes to the thread's device", "owners", CALL, 'if (changed_) check(cudaSetDevice(device), "cudaSetDevice");', ""),
    ("a call leaves its device to the thread", "owners", CALL, "if (changed_) static_cast<void>(cudaSetDevice(before_));", ""),
    ("a call doesn't wait", "owners", CALL, 'check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");', ""),
    ("a call that fails leaves its work behind", "owners", CALL, "if (busy_) static_cast<void>(cudaStreamSynchronize(stream_));", ""),
    ("a call keeps its memory", "owners", CALL, "if (data_ != nullptr) static_cast<void>(cudaFreeAsync(data_, stream_));", ""),
    ("a launch that fails is taken for good", "owners", CALL, 'check(cudaLaunchKernelEx(&config, kernel, args...), "cudaLaunchKernelEx");',
     "static_cast<void>(cudaLaunchKernelEx(&config, kernel, args...));"),
    ("the host's memory is taken for the device's", "owners", CALL, "return attributes.type == cudaMemoryTypeManaged",
     "return attributes.type == cudaMemoryTypeUnregistered"),
    ("what wasn't found is overwritten", "owners", CALL, "how == output_is::partly_written)", "how == output_is::all_written && count == 0)"),
    ("what wasn't popped is overwritten", "owners", LIST, "to.deliver(call, popped);", "to.deliver(call, count);"),
    ("popped values are on their way yet", "owners", LIST, "to.deliver(call, popped);\n    call.finish();", "to.deliver(call, popped);"),
    ("any values are pushed, not the first", "owners", LIST, "if (!container->try_emplace(next_value<T>{values, &counts->done})) return;",
     "if (!container->try_push(values[i])) return;\n    atomicAdd(&counts->done, 1ULL);"),
    ("values are counted without a node", "owners", LIST, "if (!container->try_emplace(next_value<T>{values, &counts->done})) return;",
     "if (!container->try_push(values[atomicAdd(&counts->done, 1ULL)])) return;"),
    ("equal keys keep others out of a map", "owners", MAP_OWNER, "while (now.refused != 0 && now.done != 0);", "while (false);"),
    ("a key that was inserted is inserted again", "owners", MAP_OWNER, "if (again && inserted[i]) return false;", "if (again && i == count) return false;"),
]
WAYS = [{"PTX_SCHED": "warp", "PTX_SEED": "1"}, {"PTX_SCHED": "random", "PTX_SEED": "1"}, {"PTX_SCHED": "warp", "PTX_RACE": "1"},
        {"PTX_SCHED": "random", "PTX_SEED": "2"}, {"PTX_SCHED": "random", "PTX_RACE": "1"}]


def seen(nvcc, library, mistake, folder):
    what, program, file, before, after = mistake
    include = folder / "include"
    shutil.copytree(INCLUDE, include)
    text = (include / file).read_text()
    if before not in text:
        return f"{what}: `{before}` is not in {file} any more"
    (include / file).write_text(text.replace(before, after))
    if said := build(nvcc, program, include, "compute_90", folder / program, "-DPAWL_TEST_FEW"):
        return f"{what}: does not compile\n{said}"
    for settings in WAYS:
        if not is_right(run(folder / program, library, seconds=60, PTX_MAX_STEPS="50000000", **settings)):
            print(f"{what}: seen by {program}, {' '.join(f'{name}={value}' for name, value in settings.items())}", flush=True)
            return ""
    return f"{what}: NOT SEEN"


def main():
    nvcc, folder, *only = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        library = interpreter(folder, scratch)
        mistakes = [each for each in MISTAKES if not only or each[1] in only]
        places = [pathlib.Path(scratch, str(number)) for number in range(len(mistakes))]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            wrong = [each for each in pool.map(lambda pair: seen(nvcc, library, *pair), zip(mistakes, places)) if each]
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{len(mistakes)} mistakes are seen")


if __name__ == "__main__":
    main()
