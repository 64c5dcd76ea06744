#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Builds the device tests and runs all of them: on this machine's GPU, or under an interpreter of PTX in several schedules. (With the study
and compute-sanitizer, and bounded in time: bench/gpu/command.py.)

run.py [--nvcc NVCC] [--interpreter FOLDER] [--seeds N] [--json FILE]

FOLDER has libcudart.so.13, or a Makefile that makes it (OUT=folder). Each program ends by itself within seconds, or is ended.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import sys
import tempfile

from building import HERE, PROGRAMS, build, interpreter, is_right, run


def ways(interpreted, seeds):
    """In which settings and sizes, each a number of blocks and of threads, programs run."""
    if not interpreted:
        return [({}, size) for size in ((4, 64), (1024, 256), (4096, 256))]
    return [({"PTX_SCHED": schedule, "PTX_SEED": str(seed), "PTX_RACE": race}, (4, 64))
            for seed in range(1, seeds + 1) for schedule, race in (("warp", "0"), ("random", "0"), ("warp", "1"))]


def runs(interpreted, seeds):
    """All runs of the device tests: program, settings, size."""
    for name in PROGRAMS:
        seen = set()
        for settings, size in ways(interpreted, seeds):
            size = () if name == "operations" else size  # which one thread does
            if (key := (size, *settings.values())) not in seen:
                seen.add(key)
                yield name, settings, size


def line(name, settings, size, result):
    checks = sum(test["checks"] for test in result["tests"])
    return f"{' '.join([name, *map(str, size), *settings.values()])}: {'right' if is_right(result) else 'WRONG'}, {checks} checks"


def failures(result):
    """What is to be seen of a wrong one."""
    rest = json.dumps({key: value for key, value in result.items() if key != "tests"}, indent=1)
    return "\n".join([rest, *(str(test) for test in result["tests"] if test["failures"])])


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--nvcc", default="nvcc")
    options.add_argument("--interpreter", default="")
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--json", help="where to write all results")
    options = options.parse_args()
    include = HERE.parent.parent / "include"
    with tempfile.TemporaryDirectory() as scratch:
        library = interpreter(options.interpreter, scratch)
        target = "compute_90" if library else "native"
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            said = list(pool.map(lambda name: build(options.nvcc, name, include, target, pathlib.Path(scratch, name)), PROGRAMS))
        if any(said):
            sys.exit("\n".join(said))
        results = []
        for name, settings, size in runs(bool(library), options.seeds):
            result = run(pathlib.Path(scratch, name), library, size, **settings)
            results.append({**result, "size": size, "settings": settings})
            print(line(name, settings, size, result), flush=True)
            if not is_right(result):
                print(failures(result), flush=True)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(results, indent=1))
    wrong = sum(not is_right(result) for result in results)
    print(f"{len(results)} runs, {wrong} wrong")
    sys.exit(wrong != 0)


if __name__ == "__main__":
    main()
