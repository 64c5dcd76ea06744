#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Tables of a JSON file that ./dev gpu wrote: table.py FILE. Rates are medians, in millions of operations per second."""
import json
import pathlib
import sys

# What cuCollections' static_map is published to do: open addressing, 4-byte keys and values. On other GPUs, and at another kind of load
# factor: theirs is of slots, ours of elements for each bucket.
PUBLISHED = """cuCollections' static_map, as published, in the same unit where not GB/s (sources: docs/cuda.md)
  insert  7911         RTX PRO 6000 Blackwell, 8,000,000 keys, half full
  insert  1407         Quadro RTX 8000, 8,000,000 keys, half full
  insert  1352         Quadro RTX 8000, 80,000,000 keys, half full
  insert  87.5 GB/s    H100-80GB-SXM, sizes and load factor not seen
  find    134.6 GB/s   H100-80GB-SXM, sizes and load factor not seen"""


def grid(lines):
    """Lines of cells, aligned: the first cell to the left, numbers to the right."""
    widths = [max(len(line[i]) if i < len(line) else 0 for line in lines) for i in range(max(map(len, lines)))]
    return "\n".join("  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip() for line in lines)


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
    """A line for each `what`, a tuple of names, and a column for each value of `across`. Of rows that differ in `by` only, `beside` are
    those that share a cell, in this order."""
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
        for memory, of_what in ("global", ("operation", "type", "scope", "order")), ("shared", ("operation", "type", "order")):
            chosen = some([row for row in atomics if row["memory"] == memory], "addresses")
            if chosen:
                yield pivot(chosen, of_what, "addresses", f"atomics in {memory} memory by addresses", three)
    if aggregated := of.get("aggregated"):
        yield pivot(some(aggregated, "active_lanes"), ("type", "counters", "adding"), "active_lanes", "fetch_add by active lanes",
                    ("pawl, aggregated", "pawl", "cuda"))
    if histogram := of.get("histogram"):
        yield pivot(histogram, ("bins", "input"), "by", "histogram: bins, input")
    if containers := of.get("containers"):
        yield pivot(containers, ("container", "by"), "threads", "pushes and pops by threads")
    if maps := [row for row in of.get("maps", []) if "operation" in row]:
        yield pivot(maps, ("operation", "by", "load_factor"), "elements", "map by elements: operation, load factor")
        yield PUBLISHED


def text(report):
    context, summary = report["context"], report.get("summary", {})
    gpu = context.get("gpu", {})
    parts = []
    if context.get("interpreted"):
        parts.append("Interpreted on a CPU: rates mean nothing.")
    parts += list(study_tables(report))
    sanitized = [f"{each['tool']} {each['program']}: {each['verdict']}" if "tool" in each else f"sanitizers: {each['skipped']}"
                 for each in report["sanitizers"]]
    if sanitized:
        parts.append("\n".join(sanitized))
    if report["problems"]:
        parts.append("\n".join(["problems:", *(f"- {each.splitlines()[0]}" for each in report["problems"])]))
    wrong = ", ".join(summary.get("wrong", []) + summary.get("sanitizers_found", [])) or "none"
    parts.append(f"{gpu.get('name', 'no GPU')}, sm_{gpu.get('sm', '?')}: {summary.get('test_runs', 0)} runs of device tests with "
                 f"{summary.get('checks', 0)} checks, {summary.get('study_rows', 0)} rows of the study; wrong: {wrong}"
                 f"{'' if report['complete'] else '; NOT COMPLETE'}")
    return "\n\n".join(parts)


if __name__ == "__main__":
    print(text(json.loads(pathlib.Path(sys.argv[1]).read_text())))
