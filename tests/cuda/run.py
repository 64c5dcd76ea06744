#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Builds the device tests and runs all of them: on this machine's GPU, or under an interpreter of PTX in several schedules.

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
        if library:
            ways = [{"PTX_SCHED": schedule, "PTX_SEED": str(seed), "PTX_RACE": race}
                    for seed in range(1, options.seeds + 1) for schedule, race in (("warp", "0"), ("random", "0"), ("warp", "1"))]
            sizes = [(4, 64)]
        else:
            ways = [{}]
            sizes = [(4, 64), (1024, 256), (4096, 256)]
        results = []
        for name in PROGRAMS:
            for settings in ways:
                for size in sizes if name != "operations" else [()]:
                    result = run(pathlib.Path(scratch, name), library, size, **settings)
                    results.append({**result, "size": size, "settings": settings})
                    checks = sum(test["checks"] for test in result["tests"])
                    what = " ".join([name, *map(str, size), *settings.values()])
                    print(f"{what}: {'right' if is_right(result) else 'WRONG'}, {checks} checks", flush=True)
                    if not is_right(result):
                        print(json.dumps({key: value for key, value in result.items() if key != "tests"}, indent=1))
                        print(*[test for test in result["tests"] if test["failures"]], sep="\n")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(results, indent=1))
    wrong = sum(not is_right(result) for result in results)
    print(f"{len(results)} runs, {wrong} wrong")
    sys.exit(wrong != 0)


if __name__ == "__main__":
    main()
