# SPDX-License-Identifier: BSL-1.0
"""A moment's run of bench_reclamation: the form of what comes out, not the numbers. check.py PROGRAM DIR"""

import json
import pathlib
import subprocess
import sys

import table


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    (folder / "reclamation.json").unlink(missing_ok=True)
    subprocess.run([program, "--quick", "--threads", "1,2", "--out", folder], check=True)
    found = json.loads((folder / "reclamation.json").read_text())
    schemes = {table.name(each) for each in found["results"]}
    for scheme in ("floor: a plain load, nothing freed", "pawl: hazard_pointer, kept", "pawl: rcu", "pawl: rcu, reader kept"):
        assert scheme in schemes, f"{scheme} was not measured"
    for each in found["results"]:
        assert each["ops_per_second"] > 0 and each["min"] <= each["ops_per_second"] <= each["max"], each
        assert each["guarantee"] and each["threads"] in (1, 2), each
    for scheme in ("pawl: hazard_pointer, kept", "pawl: rcu"):
        for workload in ("read", "1% updates", "50% updates", "new, retire"):
            assert any(table.name(e) == scheme and e["workload"] == workload for e in found["results"]), (scheme, workload)
        for stalled, threads in ((False, 1), (False, 2), (True, 1), (True, 2)):
            sampled = [e for e in found["garbage"] if (table.name(e), e["stalled_reader"], e["threads"]) == (scheme, stalled, threads)]
            assert len(sampled) == 1 and len(sampled[0]["ms"]) == len(sampled[0]["objects"]) > 5, (scheme, stalled, threads)
            assert sampled[0]["peak_bytes"] == max(sampled[0]["objects"]) * sampled[0]["bytes_each"], (scheme, stalled, threads)
    # A stalled reader holds back what it protects, over hazard pointers, and everything, over epochs.
    peak = {(table.name(e), e["stalled_reader"]): e["peak_objects"] for e in found["garbage"] if e["threads"] == 2}
    assert peak["pawl: rcu", True] > 4 * peak["pawl: hazard_pointer, kept", True], peak
    assert "| pawl: rcu |" in table.tables(found)


if __name__ == "__main__":
    main()
