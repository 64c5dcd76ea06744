# SPDX-License-Identifier: BSL-1.0
"""Measures hazard pointers and epochs beside other libraries': writes reclamation.json and garbage.svg, and prints tables."""

import argparse
import json
import pathlib
import subprocess

import table

root = pathlib.Path(__file__).resolve().parents[2]


def note_versions(path):
    results = json.loads(path.read_text())
    packages = ("libcds-dev", "libxenium-dev", "liburcu-dev")
    asked = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *packages], capture_output=True, text=True, check=False)
    results["context"]["peers"] = dict(line.split() for line in asked.stdout.splitlines() if " " in line)
    path.write_text(json.dumps(results, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(prog="./dev reclamation", allow_abbrev=False, description=__doc__)
    parser.add_argument("--quick", action="store_true", help="some seconds instead of some minutes")
    parser.add_argument("--threads", default="1,2,4", metavar="LIST", help="numbers of threads; default: 1,2,4")
    parser.add_argument("--out", type=pathlib.Path, default=root / "build" / "reclamation", metavar="DIR")
    found = parser.parse_args()
    git = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=root, capture_output=True, text=True, check=False)
    command = [root / "build/bench/bench/bench_reclamation", "--out", found.out, "--threads", found.threads,
               "--commit", git.stdout.strip() or "unknown"]
    subprocess.run(command + (["--quick"] if found.quick else []), check=True)
    note_versions(found.out / "reclamation.json")
    table.show(found.out)


if __name__ == "__main__":
    main()
