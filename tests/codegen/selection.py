#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Which names PAWL_BACKEND may have on a target, what pawl::native then is, and what is said of other names.

selection.py TARGET COMPILER INCLUDE-FOLDER
"""
import subprocess
import sys

from targets import TARGETS

# The target's own choice comes first. `model` is right on every target.
NAMES = {
    "x86-64": ["x86", "builtin"],
    "armv8-a": ["arm64", "arm64_llsc", "builtin"],
    "armv8.1-a": ["arm64", "arm64_lse", "arm64_llsc", "builtin"],
    "armv8.3-a": ["arm64", "arm64_lse", "arm64_llsc", "builtin"],
    "rv64gc": ["riscv64", "builtin"],
}
# `arm64` is another name of one of these.
ALIASES = {"armv8-a": "arm64_llsc", "armv8.1-a": "arm64_lse", "armv8.3-a": "arm64_lse"}
NOBODYS = ["sparc", "X86", "native", "pawl"]


def compiled(target, compiler, include, lines, *flags):
    return subprocess.run([*target.arguments(compiler, flags), "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{include}", "-x", "c++", "-"],
                          input="\n".join(lines) + "\n", capture_output=True, text=True)


def is_native(name):
    return ["#include <concepts>", "#include <pawl/atomic.hpp>", f"static_assert(std::same_as<pawl::native, pawl::backend::{name}>);",
            "static_assert(std::same_as<pawl::atomic<int>, pawl::atomic<int, pawl::native>>);"]


def main():
    name, compiler, include = sys.argv[1:]
    target, wrong = TARGETS[name], []

    def expect_right(lines, *flags):
        done = compiled(target, compiler, include, lines, *flags)
        if done.returncode != 0:
            wrong.append(f"{flags}: {done.stderr.splitlines()[0]}")

    expect_right(is_native(NAMES[name][0]))
    if name in ALIASES:
        expect_right(is_native(ALIASES[name]))
    for each in [*NAMES[name], "model"]:
        expect_right(is_native(each), f"-DPAWL_BACKEND={each}")
    others = {each for names in NAMES.values() for each in names} - set(NAMES[name])
    for each in [*sorted(others), *NOBODYS]:
        done = compiled(target, compiler, include, ["#include <pawl/backend.hpp>"], f"-DPAWL_BACKEND={each}")
        if done.returncode == 0:
            wrong.append(f"PAWL_BACKEND={each} compiles")
        # A compiler says an #error with the line that it stands in, where all names stand that the target has.
        said = next((line for line in done.stderr.splitlines() if "PAWL_BACKEND names no backend of this target" in line), None)
        if said is None:
            wrong.append(f"PAWL_BACKEND={each}: no such sentence: {done.stderr}")
        elif (missing := [right for right in [*NAMES[name], "model"] if f" {right}" not in said]):
            wrong.append(f"PAWL_BACKEND={each}: the sentence lists no {', '.join(missing)}: {said}")
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{len(NAMES[name]) + 1} names are right, {len(others) + len(NOBODYS)} are refused")


if __name__ == "__main__":
    main()
