#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Builds an example, runs it under an interpreter of PTX, and compares what it prints with examples/test/cuda_NAME.txt. Without an
interpreter it is only assembled, for sm_90.

example.py NVCC NAME [INTERPRETER-FOLDER]
"""
import os
import pathlib
import subprocess
import sys
import tempfile

from building import HERE, build, interpreter

EXAMPLES = HERE.resolve().parent.parent / "examples"


def main():
    nvcc, name, *folder = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        binary = pathlib.Path(scratch, name)
        if said := build(nvcc, EXAMPLES / "cuda" / name, EXAMPLES.parent / "include", "compute_90" if folder else "sm_90", binary):
            sys.exit(said)
        if not folder:
            print(f"{name} compiles")
            return
        library = interpreter(folder[0], scratch)
        expect = [EXAMPLES / "test/expect.sh", EXAMPLES / f"test/cuda_{name}.txt", binary]
        for schedule in "warp", "random":
            settings = {**os.environ, "LD_LIBRARY_PATH": str(library), "PTX_SCHED": schedule, "PTX_RACE": "1", "PTX_EXITCODE": "3"}
            if subprocess.run(expect, env=settings, timeout=120).returncode != 0:
                sys.exit(1)


if __name__ == "__main__":
    main()
