#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compiles and assembles the device tests, or the programs of the GPU study, for one architecture; no warning of nvcc, ptxas or g++ is let
pass.

assemble.py NVCC ARCHITECTURE tests|study device|all
"""
import pathlib
import sys
import tempfile

from building import HERE, PROGRAMS, STUDIES, STUDY, build


def main():
    nvcc, architecture, which, part = sys.argv[1:]
    programs = {"tests": PROGRAMS, "study": [STUDY / name for name in STUDIES]}[which]
    with tempfile.TemporaryDirectory() as folder:
        for name in programs:
            # Of few types: it takes minutes with all, and the table's functions are assembled with all. The host's part is the same for
            # each architecture.
            if said := build(nvcc, name, HERE.parent.parent / "include", f"sm_{architecture}", pathlib.Path(folder, "object.o"),
                             "-DPAWL_TEST_FEW", "-c" if part == "all" else "-cubin"):
                sys.exit(said)
    print(f"sm_{architecture}: {', '.join(pathlib.Path(name).name for name in programs)}")


if __name__ == "__main__":
    main()
