#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Tables of a JSON file that ./dev gpu wrote: table.py FILE. Rates are medians, in millions of operations per second."""
import json
import pathlib
import sys

# What cuCollections' static_map is published to do, open addressing with 4-byte keys and values unless said otherwise. Other machines than ours may be, and other
# load factors: theirs are of slots, ours of elements for each bucket.
PUBLISHED = [
    ("insert", "NVIDIA RTX PRO 6000 Blackwell, 8,000,000 keys, half full: 7911 (github.com/NVIDIA/cccl/pull/9748, 2026, its CUCO column)"),
    ("insert", "Quadro RTX 8000, 8,000,000 keys, half full: 1407; 80,000,000 keys: 1352 (github.com/NVIDIA/cuCollections/pull/681, 2025, from ms)"),
    ("insert", "NVIDIA H100-80GB-SXM: 87.5 GB/s of keys and values (developer.nvidia.com/blog/maximizing-performance-with-massively-parallel-hash-maps-on-gpus,"
               " 2023, as engineering.fyi sums it up)"),
    ("find", "NVIDIA H100-80GB-SXM: 134.6 GB/s (the same)"),
]


def grid(lines):
    """Lines of cells, aligned: the first cell to the left, numbers to the right."""
    widths = [max(len(line[i]) if i < len(line) else 0 for line in lines) for i in range(max(map(len, lines)))]
    return "\n".join("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(line, widths))).rstrip()
                     for line in lines)


def rate(row):
    if row is None:
        return "-"
    if "wrong" in row:
        return "WRONG"
    if "skipped" in row:
        return "skipped"
    mops = row["mops"]
    return f"{mops:.0f}" if mops >= 100 else f"{mops:.3g}"


def pivot(rows, what, across, title, beside=()):
    """A line for each `what`, a tuple of names, and a column for each value of `across`. Of rows that differ in `by` only, `beside` are those that share
    a cell, in this order."""
    columns = list(dict.fromkeys(row.get(across) for row in rows))
    cells = {}
    for row in rows:
        cells.setdefault(tuple(str(row.get(name, "")) for name in what), {}).setdefault(row.get(across), {})[row["by"]] = row
    lines = [[title + (": " if beside else "") + " / ".join(beside), *map(str, columns)]]
    for key, values in cells.items():
        line = [" ".join(filter(None, key))]
        for column in columns:
            found = values.get(column, {})
            line.append(" / ".join(rate(found.get(who)) for who in beside or list(found)[:1]) or "-")
        lines.append(line)
    return grid(lines)


def some(rows, name, most=4):
    """Of many values, the first, the last and some between."""
    rows = [row for row in rows if name in row]
    values = sorted({row[name] for row in rows})
    kept = {values[i * (len(values) - 1) // (most - 1)] for i in range(most)} if values else set()
    return [row for row in rows if row[name] in kept]


def study_tables(report):
    rows = [row for program in report["study"] for row in program.get("results", []) if "study" in row]
    of = {}
    for row in rows:
        of.setdefault(row["study"], []).append(row)
    three = ("pawl", "cuda", "libcu++")
    if atomics := [row for row in of.get("atomics", []) if "addresses" in row]:
        yield pivot(some([row for row in atomics if row["memory"] == "global"], "addresses"), ("operation", "type", "scope", "order"), "addresses",
                    "atomics by addresses", three)
        yield pivot(some([row for row in atomics if row["memory"] == "shared"], "addresses"), ("operation", "type", "order"), "addresses",
                    "atomics in shared memory by addresses", three)
    if aggregated := of.get("aggregated"):
        yield pivot(some(aggregated, "active_lanes"), ("type", "counters", "adding"), "active_lanes", "fetch_add by active lanes", ("pawl, aggregated", "pawl", "cuda"))
    if histogram := of.get("histogram"):
        yield pivot(histogram, ("bins", "input"), "by", "histogram: bins, input")
    if containers := of.get("containers"):
        yield pivot(containers, ("container", "by"), "threads", "pushes and pops by threads")
    if maps := [row for row in of.get("maps", []) if "operation" in row]:
        yield pivot(maps, ("operation", "by", "load_factor"), "elements", "map by elements: operation, load factor")
        yield "\n".join(["cuCollections' static_map, as published, in the same unit:", *(f"  {operation}: {what}" for operation, what in PUBLISHED)])


def text(report):
    context, summary = report["context"], report.get("summary", {})
    gpu = context.get("gpu", {})
    parts = []
    if context.get("interpreted"):
        parts.append("Interpreted on a CPU: rates mean nothing.")
    parts += list(study_tables(report))
    sanitized = [f"{each['tool']} {each['program']}: {each['verdict']}" if "tool" in each else f"sanitizers: {each['skipped']}" for each in report["sanitizers"]]
    if sanitized:
        parts.append("\n".join(sanitized))
    if report["problems"]:
        parts.append("\n".join(["problems:", *(f"- {each.splitlines()[0]}" for each in report["problems"])]))
    parts.append(f"{gpu.get('name', 'no GPU')}, sm_{gpu.get('sm', '?')}: {summary.get('test_runs', 0)} runs of device tests with {summary.get('checks', 0)} checks, "
                 f"{summary.get('study_rows', 0)} rows of the study; wrong: {', '.join(summary.get('wrong', []) + summary.get('sanitizers_found', [])) or 'none'}"
                 f"{'' if report['complete'] else '; NOT COMPLETE'}")
    return "\n\n".join(parts)


if __name__ == "__main__":
    print(text(json.loads(pathlib.Path(sys.argv[1]).read_text())))
