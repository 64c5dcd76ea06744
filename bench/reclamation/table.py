# SPDX-License-Identifier: BSL-1.0
"""Reads reclamation.json, prints its tables and draws the garbage of each scheme over time: table.py DIR [--no-picture]."""

import json
import pathlib
import sys

# As the picture, in both modes of a browser: no background of its own, and colours that stand on white and on black.
COLOURS = ["#2a7de1", "#e0642b", "#2c9c4b", "#c23b8f", "#8a63d2", "#b8860b", "#1aa6a6", "#d1495b", "#7f7f7f"]


def name(each):
    return f"{each['library']}: {each['variant']}"


def tables(found):
    """Markdown, as docs/reclamation.md has it."""
    lines = []
    threads = sorted({each["threads"] for each in found["results"]})
    workloads = list(dict.fromkeys(each["workload"] for each in found["results"]))
    for workload in workloads:
        per_operation = workload in ("read", "new, retire")
        unit = "ns per operation" if per_operation else "million operations per second"
        lines += [f"**{workload}** ({unit}: median, and the range of the repetitions)", ""]
        lines += ["| scheme | guarantee | " + " | ".join(f"{n} thread{'s' if n > 1 else ''}" for n in threads) + " |"]
        lines += ["| --- | --- |" + " --- |" * len(threads)]
        rows = dict.fromkeys((name(each), each["guarantee"]) for each in found["results"] if each["workload"] == workload)
        for row in rows:
            cells = []
            for n in threads:
                each = next(e for e in found["results"] if (name(e), e["workload"], e["threads"]) == (row[0], workload, n))
                if per_operation:
                    best, worst = (1e9 * n / each["max"], 1e9 * n / each["min"])
                    cells.append(f"{each['ns_per_op']:.2f} ({best:.2f} to {worst:.2f})")
                else:
                    cells.append(f"{each['ops_per_second'] / 1e6:.1f} ({each['min'] / 1e6:.1f} to {each['max'] / 1e6:.1f})")
            lines += [f"| {row[0]} | {row[1]} | " + " | ".join(cells) + " |"]
        lines += [""]
    def cell(scheme, n, stalled):
        each = next(e for e in found["garbage"] if (name(e), e["threads"], e["stalled_reader"]) == (scheme, n, stalled))
        return f"{each['peak_objects']} ({each['peak_bytes'] // 1024})"

    threads = sorted({each["threads"] for each in found["garbage"]})
    columns = [(n, stalled) for stalled in (False, True) for n in threads]
    lines += ["**Garbage** at its peak, in objects (and KiB), while so many threads replace 1,000 objects a millisecond together", ""]
    lines += ["| scheme | bytes each | " + " | ".join(f"{n} thread{'s' if n > 1 else ''}{', and a stalled reader' if stalled else ''}"
                                                      for n, stalled in columns) + " |"]
    lines += ["| --- | --- |" + " --- |" * len(columns)]
    for scheme, size in dict.fromkeys((name(each), each["bytes_each"]) for each in found["garbage"]):
        lines += [f"| {scheme} | {size} | " + " | ".join(cell(scheme, *column) for column in columns) + " |"]
    return "\n".join(lines)


def draw(found, path):
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot
    matplotlib.rcParams.update({"svg.hashsalt": "pawl", "font.size": 10, "text.color": "#808080", "axes.labelcolor": "#808080",
                                "xtick.color": "#808080", "ytick.color": "#808080", "axes.edgecolor": "#808080"})
    figure, axes = pyplot.subplots(figsize=(8, 4.6))
    threads = {each["threads"] for each in found["garbage"]}
    drawn = 2 if 2 in threads else max(threads)
    for number, each in enumerate(e for e in found["garbage"] if e["stalled_reader"] and e["threads"] == drawn):
        # Bounded schemes first are thick, or they lie under each other.
        axes.plot(each["ms"], [max(1, n) for n in each["objects"]], label=name(each), color=COLOURS[number % len(COLOURS)], linewidth=1.8,
                  linestyle=["-", "--", ":"][number % 3])
    axes.set_yscale("log")
    axes.set_xlabel("milliseconds since the reader stalled")
    axes.set_ylabel("objects retired and not freed")
    axes.grid(True, which="major", color="#808080", alpha=0.25)
    legend = axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    for text in legend.get_texts():
        text.set_color("#808080")
    figure.savefig(path, transparent=True, bbox_inches="tight", metadata={"Date": None})


def show(folder, picture=True):
    found = json.loads((folder / "reclamation.json").read_text())
    print(tables(found))
    if picture:
        draw(found, folder / "garbage.svg")
        print(f"\n{folder / 'reclamation.json'}\n{folder / 'garbage.svg'}")


if __name__ == "__main__":
    show(pathlib.Path(sys.argv[1]), "--no-picture" not in sys.argv)
