#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""That nothing of pawl's calls a helper (libatomic, out-of-line atomics), and that its LL/SC loops are right, in all that it can emit.

calls.py TARGET COMPILER INCLUDE-FOLDER FLAG...
"""
import pathlib
import sys
import tempfile

from disassembly import disassemble, wrong_loops
from targets import HERE, TARGETS, library_calls, linked_listing, run


def main():
    name, compiler, include, *flags = sys.argv[1:]
    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as folder:
        binary = pathlib.Path(folder, "calls.o")
        run(*target.arguments(compiler, flags), "-w", "-I", include, "-c", HERE / "calls.cpp", "-o", binary)
        functions = disassemble(linked_listing(target, binary), target.machine)
        if wrong := library_calls(target, binary) + list(wrong_loops(functions, target.machine)):
            sys.exit("\n".join(wrong))
    print(f"{len(functions)} functions call no helper")


if __name__ == "__main__":
    main()
