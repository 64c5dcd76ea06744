#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compiles and assembles the device tests and the GPU study for one architecture; no warning of nvcc, ptxas or g++ is let pass.

assemble.py NVCC ARCHITECTURE [NAME...]
"""
import pathlib
import sys
import tempfile

from building import HERE, PROGRAMS, STUDIES, STUDY, build


def main():
    nvcc, architecture, *only = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        for name in [*PROGRAMS, *(STUDY / name for name in STUDIES)]:
            if only and pathlib.Path(name).name not in only:
                continue
            # Of few types: it takes minutes with all, and the table's functions are assembled with all.
            if said := build(nvcc, name, HERE.parent.parent / "include", f"sm_{architecture}", pathlib.Path(folder, "object.o"),
                             "-DPAWL_TEST_FEW", "-c"):
                sys.exit(said)
    print(f"sm_{architecture}: {', '.join([*PROGRAMS, *STUDIES])}")


if __name__ == "__main__":
    main()
