#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Ways past the seams, planted in copies of pawl's headers: the recorder, or the test that reads the headers, has to see each.

planted.py plant INCLUDE COPY        a copy with all that the recorder is to see, each behind planted::is(its number)
planted.py run PROGRAM INCLUDE [few] runs that copy's tests with none and with each of them, and the reading test over copies of INCLUDE with
                                     each that is to be read; few: of the first sort a few that take no time

See ../planting.py for `at` and `by`.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
from typing import NamedTuple

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from planting import places, plant_all

RECORDER = "the recorder sees "
READER = "but for the seams' implementations*"


class Plant(NamedTuple):
    name: str
    header: str
    at: str
    by: str
    seen_by: str = ""  # the recorder's test case that sees it; none: it is only to be read
    read: bool = False  # to be read, too
    cheap: bool = False


PLANTS = [
    # ---- Atomics that are read or written raw --------------------------------------------------------------------------------------
    Plant("a pool's size is read raw", "detail/pool_blocks.hpp", "first_end() const noexcept { return `first_end_.load(std::memory_order_relaxed)`; }",
          "*reinterpret_cast<const std::uint32_t*>(&first_end_)", "all that a tagged pool does", read=True),
    Plant("a stack's head is read raw", "stack.hpp", "return !`head_.load(std::memory_order_relaxed)`;",
          "*reinterpret_cast<const link*>(&head_)", "all that a stack does", read=True),
    Plant("a chain's successor is written raw", "detail/pool_free_list.hpp",
          "`behind_last.store(std::bit_cast<stored>(head), std::memory_order_release);`",
          "*reinterpret_cast<stored*>(&behind_last) = std::bit_cast<stored>(head);", "all that a tagged pool does", read=True),
    Plant("a queue's tail is written raw", "queue.hpp", "`tail_.store(dummy, std::memory_order_relaxed);`",
          "*reinterpret_cast<link*>(&tail_) = dummy;", "all that a queue does", read=True),
    Plant("a hazard pointer is read raw", "detail/hazard_domain.hpp",
          "const void* const address = `hazard.protecting.load(std::memory_order_acquire)`;",
          "*reinterpret_cast<const void* const*>(&hazard.protecting)", "all that hazard pointers do", read=True, cheap=True),
    Plant("an epoch's pin is read raw", "detail/epoch_domain.hpp",
          "const std::uint64_t pinned = `pin.load(std::memory_order_acquire)`;",
          "*reinterpret_cast<const std::uint64_t*>(&pin)", "all that epochs do", read=True, cheap=True),
    Plant("a turn is given back raw", "detail/turn.hpp", "give_back(order_t<B> order) noexcept { `holder_.store(0, order);` }",
          "*reinterpret_cast<std::uint32_t*>(&holder_) = 0; static_cast<void>(order);", "all that epochs do", read=True),
    Plant("open sections are counted raw", "detail/section_count.hpp", "const numbers open = in_this_process(`word_.load(order)`);",
          "(static_cast<void>(order), *reinterpret_cast<const std::uint64_t*>(&word_))", "what a fork leaves behind", read=True),
    Plant("a store of every atomic is raw", "atomic.hpp", "`ops::store(cell_.word, desired, o);`\n",
          "cell_.value = desired; static_cast<void>(o);", "all that spin locks do", read=True),
    Plant("a load of every atomic is raw", "atomic.hpp", "return `ops::load(cell_.word, o)`;",
          "(static_cast<void>(o), cell_.value)", "all that epochs do", read=True, cheap=True),
    Plant("a bucket's head is read raw in a map over a pool", "detail/pooled_map.hpp",
          "if (`at.before->load(std::memory_order_relaxed)` != live_word(at.here, at.owner)) break;",
          "*reinterpret_cast<const link*>(at.before)", "all that a map over a pool does", read=True),
    Plant("a map's piece is read raw", "detail/bucket_directory.hpp",
          "piece = `pieces_[at.level].load(std::memory_order_acquire)`;",
          "*reinterpret_cast<Bucket* const*>(&pieces_[at.level])", "all that a map does", read=True),
    # ---- Plain data -----------------------------------------------------------------------------------------------------------------
    Plant("a retired object's address is read raw", "detail/hazard_domain.hpp",
          "record::bucket(buckets, `read_shared<B>(object->address)`);", "object->address", "all that hazard pointers do"),
    Plant("a chunk's next is read raw", "detail/hazard_domain.hpp",
          "slots != nullptr; slots = `read_shared<B>(slots->next)`) {\n      for (const slot&", "slots->next", "all that hazard pointers do", cheap=True),
    Plant("a map's value is read raw", "hash_map.hpp", "element_at(operation& op, link l) const noexcept { return `op.get(l)->value.get()`; }",
          "*reinterpret_cast<const element*>(&op.get(l)->value)", "all that a map does", read=True),
    Plant("a retired object is linked raw", "detail/retired.hpp",
          "void push(retirable* object) noexcept {\n    `write_shared<B>(object->next_retired, first);`\n    if", "object->next_retired = first;",
          "all that hazard pointers do"),
    Plant("what reclaims an object is read raw", "detail/addressed_domain.hpp", "`read_shared<B>(object->reclaim)`(object, this);",
          "object->reclaim", "all that epochs do"),
    Plant("a pin's next is read raw", "detail/epoch_domain.hpp", "kept = `read_shared<B>(kept->next)`) {", "kept->next", "all that epochs do"),
    Plant("a returned slot is linked raw", "detail/hazard_record.hpp", "do {\n      `write_shared<B>(freed.next_free, head);`", "freed.next_free = head;",
          "all that hazard pointers do"),
    Plant("every value is taken raw", "environment.hpp", "take(place where = {__builtin_FILE(),\n                                                       __builtin_LINE()}) noexcept(std::is_nothrow_move_constructible_v<T>) {\n    `write(where);`",
          "static_cast<void>(where);", "all that a stack does"),
    # ---- Memory and threads ---------------------------------------------------------------------------------------------------------
    Plant("a pool's cache comes from operator new", "tagged_pool.hpp",
          "return caches_.get([this] { return `blocks_.memory().template make<thread_cache>()`; });", "new thread_cache",
          "all that a tagged pool does", read=True),
    Plant("a map's buckets come from operator new", "detail/bucket_directory.hpp",
          "static_cast<Item*>(`env::allocate(size * sizeof(Item), cache_line)`)", "::operator new(size * sizeof(Item))",
          "all that a map does", read=True),
    Plant("a node comes from malloc", "detail/domain_memory.hpp",
          "return static_cast<Object*>(`env::allocate(count * sizeof(Object), alignof(Object))`);",
          "__builtin_malloc(count * sizeof(Object))", "all that hazard pointers do", read=True),
    # ---- What no run can show -------------------------------------------------------------------------------------------------------
    Plant("a counter of each thread, and one of all, in a pool", "detail/pool_blocks.hpp", "std::size_t n = made.load(std::memory_order_relaxed);\n  ``std::size_t more",
          "static thread_local std::size_t calls = 0; ++calls; static std::size_t all = 0; all += calls; "),
    Plant("a function's static in a pool", "detail/pool_blocks.hpp", "std::size_t n = made.load(std::memory_order_relaxed);\n  ``std::size_t more",
          "static std::size_t all; ++all; "),
    Plant("a thread_local in a stack", "stack.hpp", "if (unlink_top(op, &top.node, 1) == 0) return std::nullopt;``", " thread_local unsigned pops = 0; ++pops;"),
    Plant("a namespace's variable", "stack.hpp", "namespace pawl::inline v0 {\n``", "inline unsigned pops_of_all = 0;\n"),
    Plant("a namespace's variable with braces", "stack.hpp", "namespace pawl::inline v0 {\n``", "inline unsigned pops_of_all{};\n"),
    Plant("a namespace's variable of a pool's part", "detail/retired.hpp", "namespace pawl::inline v0::detail {\n``",
          "inline unsigned long* last_retired;\n"),
    Plant("a namespace's variable made by a call", "queue.hpp", "namespace pawl::inline v0 {\n``", "inline const unsigned long seed = other_seed();\n"),
    Plant("a template's variable", "queue.hpp", "namespace pawl::inline v0 {\n``", "template <class T>\ninline unsigned of_type = 0;\n"),
    Plant("a namespace's function pointer", "queue.hpp", "namespace pawl::inline v0 {\n``", "inline void (*hook)(int) = nullptr;\n"),
    Plant("a constinit variable", "rcu.hpp", "namespace pawl::inline v0 {\n``", "inline constinit unsigned long calls = 0;\n"),
    Plant("a class's static member", "hash_map.hpp", "static constexpr std::uint32_t long_walk = 12;``", " static inline unsigned walks = 0;"),
    Plant("a fence of the standard library's", "detail/hazard_domain.hpp", "  ``const bool ordered = env::heavy_fence();",
          "std::atomic_thread_fence(std::memory_order_seq_cst); "),
    Plant("a fence of the compiler's", "detail/epoch_domain.hpp", "  ``const bool ordered = env::heavy_fence();", "__atomic_thread_fence(5); "),
    Plant("a fence in assembly", "detail/epoch_waiting.hpp", "  ``records_.end_lost();\n  without_record_.none_is_mine();\n  asymmetric", 'asm volatile("" ::: "memory"); '),
    Plant("an atomic of the standard library's", "tagged_pool.hpp", "atomic<std::size_t, B> bound_{0};``", " std::atomic<unsigned> uses_{0};"),
    Plant("an atomic built-in", "detail/waiting.hpp", "const changed_from<T> changed{to_word(old)};\n  ``", "__atomic_load_n(&object, 5); "),
    Plant("a mutex", "detail/domain_memory.hpp", "``[[no_unique_address]] Alloc alloc_{};", "std::mutex mutex_; "),
    Plant("a vector", "detail/hazard_domain.hpp", "  ``list kept;", "std::vector<int> seen; "),
    Plant("what an atomic holds is returned", "atomic.hpp", "return `ops::load(cell_.word, o)`;", "cell_.value"),
    Plant("what an atomic_ref refers to is returned", "atomic_ref.hpp", "return `ops::load(*object_, o)`;", "*object_"),
]


def test(program, case, environment):
    """The test's status and output; or up to the recorder's first complaint, after which it may do anything."""
    with subprocess.Popen([program, case], env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace") as running:
        stop = threading.Timer(120, running.kill)
        stop.start()
        output = ""
        for line in running.stdout:
            output += line
            if line.startswith("recorder: "):
                running.kill()
        stop.cancel()
    if "No test cases matched" in output or "No tests ran" in output:
        sys.exit(f"{program} has no test {case}")
    return running.returncode, output


def first_line(output, *words):
    return next((line.strip() for line in output.splitlines() if any(word in line for word in words)), "")


def run_all(program, include, few):
    failures = 0

    def say(good, name, what):
        nonlocal failures
        failures += not good
        print(f"{'      ' if good else 'WRONG '}{name}: {what}", flush=True)

    chosen = [(number, plant) for number, plant in enumerate(PLANTS, 1) if plant.seen_by and (plant.cheap or not few)]
    for case in sorted({plant.seen_by for _, plant in chosen}):
        status, output = test(program, RECORDER + case, {"PAWL_PLANTED": "0"})
        say(status == 0, f"nothing planted, {case}", "passed" if status == 0 else output)
    for number, plant in chosen:
        status, output = test(program, RECORDER + plant.seen_by, {"PAWL_PLANTED": str(number)})
        # A crash is none of the recorder's words, but the end of a test all the same: Catch says which signal it was.
        said = first_line(output, "recorder: ") or first_line(output, "fatal error", "SIG") or first_line(output, "FAILED")
        say(status != 0 and said != "", plant.name, said or "NOT SEEN")
    status, output = test(program, READER, {"PAWL_SEAM_HEADERS": f"{include}/pawl/"})
    say(status == 0, "nothing planted, the headers read", "passed" if status == 0 else output)
    for plant in PLANTS:
        if plant.seen_by and not plant.read:
            continue
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "pawl"
            shutil.copytree(include / "pawl", copy)
            header = copy / plant.header
            text = header.read_text()
            begin, end = places(plant, text)
            header.write_text(text[:begin] + plant.by + text[end:])
            status, output = test(program, READER, {"PAWL_SEAM_HEADERS": f"{copy}/"})
            said = first_line(output, f"{plant.header}:")
            say(status != 0 and said != "", plant.name + ", read", said.replace(str(copy), "") or "NOT SEEN")
    return failures


def main():
    command, *arguments = sys.argv[1:] or [""]
    if command == "plant" and len(arguments) == 2:
        plant_all([(number, plant) for number, plant in enumerate(PLANTS, 1) if plant.seen_by], *map(pathlib.Path, arguments))
    elif command == "run" and len(arguments) in (2, 3):
        program, include, *few = arguments
        failures = run_all(program, pathlib.Path(include), few == ["few"])
        print(f"{failures} wrong" if failures else "all seen")
        sys.exit(failures != 0)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
