#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Runs the GPU study, small, under an interpreter of PTX with its race detector: all results are right, and nothing is missing.

study.py NVCC INTERPRETER-FOLDER [--all]

Of few types, unless --all is given.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

from building import STUDIES, STUDY

THREE = {"pawl", "cuda", "libcu++"}
# Of each study: what tells its rows apart, some that must be there, and who must be there in them.
PRESENT = [
    ("atomics", {"operation": operation, "type": "u32", "scope": scope, "addresses": 16}, who)
    for scope in ("device", "block")
    for operation, who in (("load", THREE), ("store", THREE), ("fetch_add", THREE), ("store_add", {"pawl", "cuda"}), ("exchange", THREE),
                           ("cas_loop", THREE), ("fetch_min", THREE))
] + [
    ("atomics", {"operation": "fetch_add", "type": "u32", "order": "seq_cst", "addresses": 1}, {"pawl", "libcu++"}),
    ("atomics", {"operation": "fetch_min", "type": "double", "scope": "device", "addresses": 1}, {"pawl", "libcu++"}),
    ("atomics", {"operation": "fetch_add", "type": "u8", "addresses": 4}, {"pawl"}),
    ("atomics", {"operation": "cas_loop", "type": "u16", "scope": "device", "addresses": 4}, {"pawl", "cuda"}),
    ("atomics", {"operation": "exchange", "type": "16 bytes", "scope": "system", "addresses": 4}, {"pawl", "cuda"}),
    *(("aggregated", {"type": "u64", "active_lanes": lanes, "adding": adding}, {"pawl, aggregated", "pawl", "cuda"})
      for lanes in (1, 24, 32) for adding in ("1", "1 or 2")),
    *(("histogram", {"bins": bins, "input": kind}, {"pawl", "cuda", "cub"}) for bins in (256, 65536) for kind in ("uniform", "skewed")),
    *(("containers", {"container": name, "threads": 256}, {"pawl"}) for name in ("stack", "queue")),
    ("containers", {"container": "one word", "threads": 256}, {"cuda, additions", "cuda, compare-and-swap loops"}),
    *(("maps", {"operation": name, "load_factor": 500 / 512}, {"pawl"})
      for name in ("insert, new map", "insert", "find", "find, absent", "erase")),
    *(("maps", {"operation": "find", "load_factor": 500 / buckets}, {"pawl"}) for buckets in (1024, 256, 2048, 128)),
    ("maps", {"operation": "insert"}, {"pawl", "cuda, one compare-and-swap"}),
]


def same(found, wanted):
    return abs(found - wanted) < 1e-4 if isinstance(wanted, float) and isinstance(found, (int, float)) else found == wanted


def missing(rows):
    for study, what, who in PRESENT:
        found = {row["by"] for row in rows if row.get("study") == study and "mops" in row
                 and all(same(row.get(name), value) for name, value in what.items())}
        if found != who:
            yield f"{study} {what}: {sorted(found)}, not {sorted(who)}"


def main():
    nvcc, interpreter, *rest = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "study.json")
        few = [] if "--all" in rest else ["--few"]
        command = [sys.executable, "-B", STUDY / "command.py", "--nvcc", nvcc, "--interpreter", interpreter, "--parts", "study", *few]
        status = subprocess.run([*command, "--json", file], timeout=590).returncode
        report = json.loads(file.read_text())
    if status != 0:
        sys.exit(f"status {status}")
    if {each["program"] for each in report["study"]} != set(STUDIES) or any(each["left_out"] for each in report["study"]):
        sys.exit("not all programs, or not all of them")
    rows = [row for each in report["study"] for row in each["results"]]
    if gaps := list(missing(rows)):
        sys.exit("\n".join(["missing:", *gaps]))
    print(f"{len(rows)} rows")


if __name__ == "__main__":
    main()
