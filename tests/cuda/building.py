# SPDX-License-Identifier: BSL-1.0
"""Builds the device tests and runs them, under an interpreter of PTX or on a GPU."""
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
PROGRAMS = ("operations", "contention", "containers", "hash_map", "owners", "warps")


def interpreter(folder, scratch):
    """The folder that has the interpreter's library; made in `scratch` where `folder` has its sources only."""
    if not folder or (pathlib.Path(folder) / "libcudart.so.13").exists():
        return folder
    made = subprocess.run(["make", "-C", folder, f"OUT={scratch}/interpreter"], capture_output=True, text=True)
    if made.returncode != 0:
        sys.exit(made.stderr)
    return f"{scratch}/interpreter"


def build(nvcc, name, include, target, binary, *flags):
    """Compiles tests/cuda/NAME.cu; `target` is an argument of -arch. Returns what nvcc said, if it failed."""
    # An interpreter takes the place of the runtime library, and reads PTX that isn't compressed.
    runtime = ["-cudart", "shared", "--no-compress"] if target.startswith("compute") else ["-cudart", "static"]
    done = subprocess.run([nvcc, "-std=c++20", "-O3", "--expt-relaxed-constexpr", f"-arch={target}", *runtime, "-Werror", "all-warnings", "-Xcompiler=-Wall,-Wextra,-Werror", "-I", include, *flags,
                           HERE / f"{name}.cu", "-o", binary], capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def run(binary, library, arguments=(), seconds=120, **settings):
    """The program's JSON, with `status` and what it wrote besides."""
    environment = {**os.environ, **settings}
    if library:
        environment["LD_LIBRARY_PATH"] = str(library)
    try:
        done = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True, timeout=seconds, env=environment)
    except subprocess.TimeoutExpired:
        return {"program": str(binary), "failed": 1, "gave up": f"no end within {seconds} s", "tests": [], "status": -1, "said": ""}
    try:
        result = json.loads(done.stdout)
    except ValueError:
        result = {"program": str(binary), "failed": 1, "gave up": f"no JSON but: {done.stdout[-500:]}", "tests": []}
    return {**result, "status": done.returncode, "said": done.stderr[-2000:]}


def is_right(result):
    # Races are reported beside the results.
    return result["status"] == 0 and result["failed"] == 0 and not result["said"] and result["tests"]
