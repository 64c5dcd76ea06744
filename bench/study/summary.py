# SPDX-License-Identifier: BSL-1.0
"""Reads study.json and says it in a table: summary.py DIR. The report takes its comparisons from here, too."""

import collections
import json
import pathlib
import sys


def load(folder):
    return json.loads((pathlib.Path(folder) / "study.json").read_text())


def digits(value):
    """Three digits that count."""
    return f"{value:.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def millions(ops_per_second):
    return digits(ops_per_second / 1e6)


def name(result):
    library = {"boost": "Boost", "floor": "floor"}.get(result["library"], result["library"])
    # std's variants and the spin lock say themselves whose they are.
    return result["variant"] if result["variant"].startswith("std::") else f"{library}: {result['variant']}"


def groups(results):
    """{(structure, workload): {name: {threads: result}}}, in the order of the file."""
    found = {}
    for each in results:
        found.setdefault((each["structure"], each["workload"]), {}).setdefault(name(each), {})[each["threads"]] = each
    return found


def pick(results, structure, library, variant, threads, workload=None):
    for each in results:
        if (each["structure"], each["library"], each["variant"], each["threads"]) == (structure, library, variant, threads):
            if workload in (None, each["workload"]):
                return each
    return None


Comparison = collections.namedtuple("Comparison", "text value goal good best", defaults=[None])


def comparisons(results):
    """The promises about speed, as far as they were measured. Each: text, value of the medians, what it should be, whether it is, and, where
    one thread is alone on its lines, the value of the best repetitions: what a neighbour on the core doesn't slow down."""
    found = []
    for structure in ("stack", "queue"):
        for threads in sorted({each["threads"] for each in results}):
            pawl = pick(results, structure, "pawl", "tagged_pool", threads, "push, pop")
            boost = pick(results, structure, "boost", f"lockfree::{structure}", threads, "push, pop")
            if pawl and boost:
                times = pawl["ops_per_second"] / boost["ops_per_second"]
                plural = "thread" if threads == 1 else "threads"
                found.append(Comparison(f"{structure} on a pool, {threads} {plural}: pawl / Boost.Lockfree", times, "more than 1", times > 1))
    cas = pick(results, "atomic", "pawl", "CAS", 1)
    pair = pick(results, "stack", "pawl", "tagged_pool", 1)
    guard = pick(results, "atomic", "pawl", "hazard pointer", 1)
    if cas and pair:
        cost = cas["ops_per_second"] / pair["ops_per_second"]  # two operations against two CAS
        best = cas["max"] / pair["max"]
        found.append(Comparison("push and pop on a pool / two uncontended CAS", cost, "at most 1.5", cost <= 1.5, best))
    if cas and guard:
        cost = cas["ops_per_second"] / guard["ops_per_second"]
        best = cas["max"] / guard["max"]
        found.append(Comparison("hazard pointer (protect, read, reset) / one uncontended CAS", cost, "at most 0.25", cost <= 0.25, best))
    return found


def print_fairness(results):
    """How evenly threads were served, where that was measured."""
    found = [each for each in results if each["fairness"]]
    if not found:
        return
    print("\nlock: take turns (medians: fewest turns / most turns; Jain's index; one wait in 1000, and the longest, in us)")
    threads = sorted({each["threads"] for each in found})
    print(f"  {'threads':24}" + "".join(f"{n:>40}" for n in threads))
    for row in dict.fromkeys(map(name, found)):
        line = f"  {row:24}"
        for n in threads:
            for each in found:
                if name(each) == row and each["threads"] == n:
                    middle = {key: value["median"] for key, value in each["fairness"].items()}
                    line += f"{middle['share']:16.3f} {middle['jain']:6.3f} " + "".join(
                        f"{digits(middle[key] / 1000):>8}" for key in ("rare_wait_ns", "longest_wait_ns"))
        print(line)


def print_table(study):
    results = study["results"]
    threads = sorted({each["threads"] for each in results})
    # An uncontended atomic operation is a matter of a nanosecond: its cost says more than its rate.
    for (structure, workload), rows in groups(results).items():
        atomic = structure == "atomic"
        unit = "ns per operation" if atomic else "million operations/s"
        print(f"\n{structure}: {workload} ({unit}: median, and the range of the repetitions)")
        print(f"  {'threads':38}" + "".join(f"{n:>24}" for n in threads))
        for row, points in rows.items():
            line = f"  {row:38}"
            for n in threads:
                each = points.get(n)
                if each is None:
                    line += f"{'':24}"
                elif atomic:
                    low, high = (1e9 * n / each[end] for end in ("max", "min"))
                    line += f"{each['ns_per_op']:8.2f} " + f"({low:.2f} to {high:.2f})".rjust(15)
                else:
                    line += f"{millions(each['ops_per_second']):>8} " + f"({millions(each['min'])} to {millions(each['max'])})".rjust(15)
            print(line)
    print_fairness(results)
    handovers = sorted(each["handover_ns"] for each in results if each["handover_ns"])
    if handovers:
        print(f"\nhanding a line from core to core took {handovers[0]:.0f} to {handovers[-1]:.0f} ns")
    print("\ncompare")
    for each in comparisons(results):
        best = "" if each.best is None else f"   (best repetitions: {each.best:.2f})"
        print(f"  {each.text:62}{each.value:7.2f}   {each.goal:12} {'ok' if each.good else 'NOT REACHED'}{best}")


if __name__ == "__main__":
    try:
        print_table(load(sys.argv[1]))
        folder = pathlib.Path(sys.argv[1])
        print(f"\n{folder / 'study.json'}\n{folder / 'report.html'}")
    except BrokenPipeError:
        pass
