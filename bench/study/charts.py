# SPDX-License-Identifier: BSL-1.0
"""Which results stand together in one chart, and what is said about each."""

import re

import summary

SECTIONS = {
    "atomic": "The floor: atomic operations",
    "counter": "One counter",
    "lock": "Locks: against lock-free, and how fair",
    "stack": "Stack",
    "queue": "Queue",
    "hash_map": "Hash map",
}

APART = "Every thread pushes one element and pops one, and looks at the clock before and after: so it is away for some 50 ns."

WHY = {
    "atomic": "What one operation costs a thread that has the line to itself, and what it costs when all threads want the same line. "
              "Alone, nothing built from these operations can be faster.",
    ("atomic", "instructions"): "On most machines one instruction, or one with a result that nobody wants: std has no name for those, "
                                "and is asked for the operation with the result thrown away.",
    ("atomic", "loops"): "Where the machine has no instruction that gives such a result, a loop around a compare-and-swap, or a "
                         "compare-and-swap where a plain load or store of that size is none. (x86-64: all of these.)",
    ("atomic", "fences"): "<i>light fence</i> and <i>heavy fence</i> are the asymmetric pair, of which the reader's is free where the kernel "
                          "has membarrier, and the writer's is that system call. <i>hazard pointer</i> is protect, read and reset, "
                          "<i>epochs</i> lock, read and unlock: the price of reading memory that others may retire. <i>notify_one</i> finds "
                          "nobody.",
    "counter": "All threads count on one word. An instruction made for it can't fail; a compare-and-swap fails when another thread was "
               "faster, and then the question is how long to wait. The floor is <code>std::atomic</code>'s fetch_add.",
    ("lock", "add one"): "The same counter under a lock. <strong>The guarantees differ, which is what this chart is about:</strong> a thread "
                         "that loses its processor while it holds a lock stops all others; without one it stops nobody. A lock that "
                         "serves in the order in which threads come (ticket_lock, mcs_lock) moves to another core each time; one that "
                         "does not may stay with a thread for long, whose cache has the line.",
    ("lock", "share"): "Turns of the thread that got fewest, of those of the thread that got most: 1 where all got the same, 0 where one got "
                       "none. Every thread locks, adds one and unlocks, as often as it can, and looks at the clock before and after the "
                       "wait. With more threads than processors the system's share of the time is in it, too.",
    ("lock", "rare_wait_ns"): "One wait in 1000 was longer than this.",
    ("lock", "longest_wait_ns"): "The longest that any thread waited for one turn in a repetition. A processor that the system, or the host of a "
                                 "virtual machine, takes away is in it.",
    "backoff": "The same container on a pool, by what a thread does after an attempt that failed. <code>default_backoff</code> is chosen "
               "from these charts.",
    ("stack", "push, pop"): "Every thread pushes one element and pops one, on a stack of {elements} elements. Each of the two is at "
                            "least one compare-and-swap on the same line.",
    ("stack", "push, pop, 50 ns apart"): APART,
    ("queue", "push, pop, 50 ns apart"): APART,
    ("queue", "push, pop"): "Every thread pushes one element and pops one, on a queue of {elements} elements.",
    ("queue", "1 producer, 1 consumer"): "One thread pushes and another pops: every element crosses from core to core.",
    ("hash_map", "find"): "Lookups alone, among 2<sup>16</sup> keys of which half are present. Who writes nothing shared to read "
                          "gains from every core.",
    ("hash_map", "10% updates"): "One operation in ten inserts or erases a key.",
    ("hash_map", "50% updates"): "Every second operation inserts or erases a key.",
}

GUARANTEES = {
    "unbounded": "Lock-free and unbounded: an operation is held up only by others that get on.",
    "bounded": "Lock-free, over memory of a fixed size.",
    "growing": "Lock-free, growing.",
    "pooled": "Lock-free, with as many buckets as the constructor made, and any number of elements. The growing map is drawn thin, for reference.",
    "fixed": "Lock-free, over memory of a fixed size, buckets included. The growing map is drawn thin, for reference.",
    "blocking": "Behind one lock: <strong>a weaker guarantee</strong>, so these are compared with each other; pawl's lock-free one is "
                "drawn thin, for reference.",
}


# Which operations stand in one chart, in this order. The check of the study says where one is missing.
ATOMICS = {
    "loads": ("Loads and stores", "load relaxed|load acquire|load seq_cst|store relaxed|store release|store seq_cst|flag clear"),
    "instructions": ("Read and write in one step", "exchange|test_and_set|CAS|fetch_add|fetch_sub|store_add|store_sub|store_and|store_or|store_xor"),
    "loops": ("Loops of compare-and-swap", "fetch_and|fetch_or|fetch_xor|fetch_min|fetch_max|store_min|store_max|fetch_add_sat|fetch_inc_wrap|"
              "fetch_inc_below|fetch_add double|fetch_update|try_update|LL, SC|load 16 bytes|store 16 bytes|exchange 16 bytes|CAS 16 bytes"),
    "fences": ("Fences, and what reads behind them", "store, fence|store, light fence|heavy fence|hazard pointer|epochs|notify_one"),
}

LOCKS = {"tas_lock": "tas", "ttas_lock": "third", "ticket_lock": "second", "mcs_lock": "first", "pthread_spinlock_t": "spin",
         "CAS, no lock": "lock-free"}

# What is said of turns at a lock: the member of "fairness", what stands at the axis, the unit, and in how many of it a value is.
MEASURES = {
    "share": {"title": "How evenly: fewest turns / most turns", "axis": "fewest / most", "unit": "", "scale": 1, "logarithmic": False,
              "caption": "fewest / most turns"},
    "rare_wait_ns": {"title": "How long: one wait in 1000", "axis": "µs", "unit": " µs", "scale": 1000, "logarithmic": True,
                     "caption": "µs that one wait in 1000 exceeds"},
    "longest_wait_ns": {"title": "How long: the longest wait", "axis": "µs", "unit": " µs", "scale": 1000, "logarithmic": True,
                        "caption": "µs of the longest wait"},
}


def style(result):
    """The colour and shape of a series: the same thing looks the same in every chart."""
    variant = result["variant"]
    if variant in LOCKS:
        return LOCKS[variant]
    if result["library"] == "floor":
        return "floor-cas" if "CAS" in variant else "floor"
    if result["library"] == "boost":
        return "boost"
    for word, found in (("mutex", "mutex"), ("spin", "spin"), ("test_and_set", "spin"), ("no_backoff", "second"),
                        ("exponential", "third"), ("yield", "fourth"), ("hazard", "second"), ("epochs", "third")):
        if word in variant:
            return found
    return "first"


def identifier(text):
    return "chart-" + re.sub("[^a-z0-9]+", "-", text.lower())


def series(name, points, look):
    return {"name": name, "style": look, "points": points}


def lines(key, title, why, rows, threads):
    """rows: {name: {threads: result}}."""
    drawn = [series(name, [points.get(n) for n in threads], style(next(iter(points.values())))) for name, points in rows.items()]
    return {"id": identifier(key), "kind": "lines", "title": title, "why": why, "threads": threads, "series": drawn}


def turn_charts(rows, threads):
    """One chart for each measure of fairness."""
    for key, measure in MEASURES.items():
        chart = lines(f"lock {key}", measure["title"], WHY["lock", key], rows, threads)
        chart["measure"] = {"key": key, **measure}
        yield chart


def kind_of(guarantee):
    words = guarantee.split(", ")
    if "fixed buckets" in words:
        return "fixed" if "bounded" in words else "pooled"
    return next((each for each in ("blocking", "unbounded", "bounded", "growing") if each in words), None)


def container_charts(structure, workload, rows, threads):
    """One chart for each guarantee, the floor drawn in all of them, and one of the backoffs."""
    first = {name: next(iter(points.values())) for name, points in rows.items()}
    floors = {name: points for name, points in rows.items() if first[name]["library"] == "floor"}
    backoffs = {name: points for name, points in rows.items() if "_backoff" in name}
    reference = next((name for name in rows if first[name]["library"] == "pawl"), None)
    why = WHY[structure, workload].format(elements=64)
    for kind, about in GUARANTEES.items():
        chosen = {name: points for name, points in rows.items() if kind_of(first[name]["guarantee"]) == kind and name not in backoffs}
        if not chosen:
            continue
        guarantee = next(first[name]["guarantee"] for name in chosen)
        chart = lines(f"{structure}-{workload}-{kind}", f"{workload}: {guarantee}", f"{why} {about}", {**chosen, **floors}, threads)
        if kind in ("blocking", "pooled", "fixed") and reference:
            other = kind_of(first[reference]["guarantee"])
            words = "lock-free" if kind == "blocking" else other
            look = "reference" if style(first[reference]) == "first" else "reference-second"
            chart["series"].insert(len(chosen), series(f"{reference} ({words})", [rows[reference].get(n) for n in threads], look))
        yield chart
    if backoffs:
        yield lines(f"{structure}-{workload}-backoff", f"{workload}: which backoff", f"{why} {WHY['backoff']}", {**backoffs, **floors}, threads)


def atomic_charts(rows, cpus):
    """Costs as dots: a row for each operation, alone and contended."""
    measured = sorted({n for points in rows.values() for n in points})
    alone = 1 if 1 in measured else None
    contended = max((n for n in measured if 1 < n <= cpus), default=max((n for n in measured if n > 1), default=None))
    results = [r for points in rows.values() for r in points.values()]
    for key, (title, wanted) in ATOMICS.items():
        names = [name for name in wanted.split("|") if any(r["variant"] == name for r in results)]
        drawn = []
        for library in ("pawl", "std"):
            for n, words in ((alone, "alone"), (contended, f"{contended} threads on one line")):
                found = [summary.pick(results, "atomic", library, name, n) for name in names]
                if any(found):
                    drawn.append(series(f"{library}, {words}", found, f"{library}-{'alone' if n == 1 else 'contended'}"))
        if drawn:
            why = WHY["atomic"] if key == "loads" else WHY["atomic", key]
            yield {"id": identifier(f"atomic {key}"), "kind": "dots", "title": title, "why": why, "rows": names,
                   "series": drawn}


def sections(study):
    """[(structure, title, [chart])]"""
    found = {}
    for (structure, workload), rows in summary.groups(study["results"]).items():
        threads = sorted({n for points in rows.values() for n in points})
        charts = found.setdefault(structure, [])
        if structure == "atomic":
            charts += atomic_charts(rows, study["context"]["cpus"])
        elif structure == "counter":
            charts.append(lines(structure, "add one", WHY[structure], rows, threads))
        elif workload == "take turns":
            charts += turn_charts(rows, threads)
        elif structure == "lock":
            charts.append(lines(structure, "add one", WHY[structure, workload], rows, threads))
        else:
            charts += container_charts(structure, workload, rows, threads)
    return [(structure, SECTIONS[structure], charts) for structure, charts in found.items()]
