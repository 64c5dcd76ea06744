#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Has each unit and stress test been seen to fail? Mistakes, planted in a copy of pawl's headers: each must make a test fail, and each test
must fail by one of them.

planted.py plant INCLUDE COPY      a copy with all of them, each behind planted::is(its number), see ../planting.hpp
planted.py run PROGRAM KIND [WORD]  runs the tests that are to see them: KIND is unit or stress; only the mistakes with WORD in their names,
                                   and then no test needs to fail

The mistakes are in the lists beside this file.
"""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from planting import plant_all
import containers
import primitives

MISTAKES = [*primitives.MISTAKES, *containers.MISTAKES]
NUMBERED = list(enumerate(MISTAKES, 1))
# Tests that no mistake in the headers can make fail, and why.
EXEMPT = {**primitives.EXEMPT, **containers.EXEMPT}
SECONDS = 60
TRIES = 3  # threads that race make a mistake seen only now and then


def escaped(name):
    """Commas and brackets mean something to Catch."""
    return "".join("\\" + each if each in ",[]\\" else each for each in name)


def tests_of(program, pattern):
    """The names of a program's test cases that a pattern fits."""
    listed = subprocess.run([program, "--list-test-names-only", *([escaped(pattern)] if pattern else [])], capture_output=True, text=True)
    return [line for line in listed.stdout.splitlines() if line]


def family(test):
    """A test case's name without the type that it is made for."""
    return test.split(" - ")[0]


def fails(program, test, number):
    try:
        done = subprocess.run([program, escaped(test)], env={**os.environ, "PAWL_PLANTED": str(number)}, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return "doesn't end"
    return "" if done.returncode == 0 else "fails" if done.returncode > 0 else "crashes"


def run_all(program, kind, word):
    seen = set()  # families
    wrong = []
    for number, mistake in NUMBERED:
        specs = mistake.unit if kind == "unit" else mistake.stress
        if not specs or word not in mistake.name:
            continue
        tests = [test for spec in specs for test in tests_of(program, spec)]
        if not tests:
            sys.exit(f'"{mistake.name}": {program} has no test {", ".join(specs)}')
        # Those first that nothing made fail yet, one of each family.
        tests.sort(key=lambda test: family(test) in seen)
        by = []
        for test in tests:
            if family(test) in by or (by and family(test) in seen):
                continue
            if how := next(filter(None, (fails(program, test, number) for _ in range(TRIES))), ""):
                by.append(family(test))
                seen.add(family(test))
                print(f"{mistake.name}: {test} {how}", flush=True)
        if not by:
            wrong.append(f"NOT SEEN: {mistake.name}")
            print(wrong[-1], flush=True)
    families = list(dict.fromkeys(map(family, tests_of(program, ""))))
    if not word:
        for test in families:
            if test not in seen and test not in EXEMPT:
                wrong.append(f"never failed: {test}")
        for test in EXEMPT:
            if test in seen:
                wrong.append(f"failed, though it is said that it can't: {test}")
        wrong += [f"fails without a mistake: {test}" for test in tests_of(program, "") if fails(program, test, 0)]
    print("\n".join(wrong), f"{len(seen)} of {len(families)} tests failed by a mistake", sep="\n")
    return len(wrong)


def main():
    command, *arguments = sys.argv[1:] or [""]
    if command == "plant" and len(arguments) == 2:
        plant_all(NUMBERED, *map(pathlib.Path, arguments))
    elif command == "run" and len(arguments) in (2, 3) and arguments[1] in ("unit", "stress"):
        program, kind, *word = arguments
        sys.exit(run_all(program, kind, word[0] if word else "") != 0)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
