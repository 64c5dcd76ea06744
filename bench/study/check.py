# SPDX-License-Identifier: BSL-1.0
"""Runs bench_study for a moment and checks what comes of it: check.py PROGRAM DIR. The numbers mean nothing; their form does."""

import html.parser
import json
import pathlib
import re
import shutil
import subprocess
import sys

here = pathlib.Path(__file__).parent
# Each has to be measured over each, by each number of threads: (structure, what it stands on).
reclaimers = {each: ("hazard_pointers", "epochs", "tagged_pool", "fixed tagged_pool") for each in ("stack", "queue", "hash_map")}
backoffs = ("no_backoff", "exponential_backoff", "yield_backoff")
atomics = {"load relaxed", "load acquire", "load seq_cst", "store relaxed", "store release", "store seq_cst", "exchange", "CAS", "fetch_add",
           "fetch_sub", "fetch_and", "fetch_or", "fetch_xor", "fetch_min", "fetch_max", "fetch_add_sat", "fetch_inc_wrap", "fetch_inc_below",
           "fetch_update", "try_update", "store_add", "store_sub", "store_and", "store_or", "store_xor", "store_min", "store_max",
           "fetch_add double", "test_and_set", "flag clear", "LL, SC", "notify_one", "store, fence", "store, light fence", "heavy fence",
           "hazard pointer", "epochs"}
wide_atomics = {f"{each} 16 bytes" for each in ("load", "store", "exchange", "CAS")}  # where the backend has them: x86 and arm64 do
structures = {"atomic", "counter", "lock", "stack", "queue", "hash_map"}
text = ("structure", "library", "variant", "guarantee", "workload")
keys = [*text, "threads", "cpus", "handover_ns", "ops_per_second", "ns_per_op", "min", "max", "repetitions", "fairness"]
context_keys = {"machine", "system", "cpu", "cpus", "caches", "compiler", "flags", "date", "pawl_version", "backend", "commit", "quick"}


def expect(true, what):
    if not true:
        sys.exit(f"check: {what}")


def check_result(result):
    expect(list(result) == keys, f"the members of a result are {list(result)}")
    expect(all(isinstance(result[each], str) and result[each] for each in text), f"an empty name in {result}")
    expect(result["structure"] in structures, f"unknown structure {result['structure']}")
    expect(0 < result["min"] <= result["ops_per_second"] <= result["max"], f"min, median and max are out of order in {result}")
    expect(abs(result["ns_per_op"] * result["ops_per_second"] / result["threads"] / 1e9 - 1) < 1e-6, f"ns_per_op is wrong in {result}")
    expect(1 <= result["cpus"] <= result["threads"], f"cpus are wrong in {result}")
    handed_over = result["cpus"] > 1
    expect((result["handover_ns"] is not None) == handed_over, f"hand-over is wrong in {result}")
    expect(not handed_over or result["handover_ns"] > 1, f"no plausible hand-over in {result}")
    expect(result["repetitions"] == 3, f"wrong number of repetitions in {result}")
    check_fairness(result)


def check_fairness(result):
    fairness = result["fairness"]
    expect((fairness is not None) == (result["workload"] == "take turns"), f"fairness is where it should not be, or is not where it should, in {result}")
    if fairness is None:
        return
    expect(list(fairness) == ["share", "jain", "rare_wait_ns", "longest_wait_ns"], f"the members of fairness are {list(fairness)}")
    for each in fairness.values():
        expect(0 <= each["min"] <= each["median"] <= each["max"], f"min, median and max are out of order in {fairness}")
    expect(fairness["share"]["max"] <= 1 and 1 / result["threads"] - 1e-9 <= fairness["jain"]["min"] <= fairness["jain"]["max"] <= 1 + 1e-9,
           f"more than a share in {fairness}")
    expect(fairness["rare_wait_ns"]["median"] <= fairness["longest_wait_ns"]["median"], f"rare waits are longer than the longest in {fairness}")


def check_coverage(results, threads, backend):
    found = {(each["structure"], each["library"], each["variant"], each["workload"], each["threads"]) for each in results}
    expect(len(found) == len(results), "a point occurs twice")
    expect({each["structure"] for each in results} == structures, "a structure is missing")
    for structure in ("counter", "lock", "stack", "queue", "hash_map"):
        expect(any(each[:2] == (structure, "floor") for each in found), f"{structure} has no floor")
    for variant in ("tas_lock", "ttas_lock", "ticket_lock", "mcs_lock"):
        for workload in ("add one", "take turns"):
            expect(("lock", "pawl", variant, workload, 2) in found, f"{variant} wasn't asked to {workload}")
    for n in threads:
        for structure, variants in reclaimers.items():
            for workload in ("find", "10% updates", "50% updates") if structure == "hash_map" else ("push, pop",):
                for variant in variants:
                    expect((structure, "pawl", variant, workload, n) in found, f"{structure} over {variant} wasn't asked to {workload} by {n} threads")
        for structure in ("stack", "queue"):
            for backoff in backoffs:
                for workload in ("push, pop", "push, pop, 50 ns apart"):
                    expect((structure, "pawl", f"tagged_pool, {backoff}", workload, n) in found, f"no {structure} with {backoff}, {n} threads")
        for backoff in backoffs:
            expect(("counter", "pawl", f"CAS, {backoff}", "add one", n) in found, f"no counter with {backoff}, {n} threads")
        measured = {each[2] for each in found if each[:2] == ("atomic", "pawl") and each[4] == n}
        wide = wide_atomics if backend.startswith(("x86", "arm64")) or measured & wide_atomics else set()
        expect(measured == atomics | wide, f"of the atomic operations, {measured ^ (atomics | wide)} are missing or new")
    for variant in reclaimers["queue"]:
        expect(("queue", "pawl", variant, "1 producer, 1 consumer", 2) in found, f"queue over {variant} had no producer and consumer")
    guarantees = {}
    for each in results:
        guarantees.setdefault((each["structure"], each["library"], each["variant"]), set()).add(each["guarantee"])
    expect(all(len(each) == 1 for each in guarantees.values()), "one thing has two guarantees")


class Page(html.parser.HTMLParser):
    """Counts what has to be there, and takes note of what is loaded."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.canvases, self.headings, self.loads, self.data, self.inside, self.tables = [], [], [], "", None, 0

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.inside = (tag, attributes.get("id"))
        self.tables += tag == "table"
        if tag == "canvas":
            self.canvases.append(attributes["id"])
        self.loads += [(tag, attributes[each]) for each in ("src", "href", "srcset", "data", "action") if attributes.get(each, "#")[:1] != "#"]

    def handle_data(self, data):
        if self.inside == ("script", "charts"):
            self.data += data
        if self.inside and self.inside[0] in ("h2", "h3"):
            self.headings.append(data)
        if self.inside and self.inside[0] == "style":
            self.loads += re.findall(r"url\([^)]*\)|@import[^;]*", data)

    def handle_endtag(self, tag):
        self.inside = None


def check_page(text_of_page, results):
    page = Page()
    page.feed(text_of_page)
    expect(not page.loads, f"the page loads {page.loads}")
    expect("default-src 'none'" in text_of_page, "the page doesn't forbid itself to load anything")
    expect("Chart.js v" in text_of_page, "Chart.js isn't in the page")
    drawn = json.loads(page.data)
    expect(sorted(each["id"] for each in drawn) == sorted(page.canvases), "charts and canvases differ")
    expect(len(set(page.canvases)) == len(page.canvases) and page.tables >= len(page.canvases), "an id occurs twice, or a table is missing")
    shown = {json.dumps(point) for chart in drawn for each in chart["series"] for point in each["points"] if point}
    # The tables and charts of atomics show one number of contending threads, the others all: here there is one.
    for each in results:
        expect(json.dumps(each) in shown, f"not on the page: {each}")
    expect([each["measure"]["key"] for each in drawn if "measure" in each] == ["share", "rare_wait_ns", "longest_wait_ns"], "fairness isn't drawn")
    for chart in drawn:
        if chart["kind"] == "dots" or chart["id"] == "chart-lock" or "measure" in chart:
            continue
        points = [(each, next(filter(None, each["points"]))) for each in chart["series"]]
        guarantees = {point["guarantee"] for each, point in points if point["library"] != "floor" and not each["style"].startswith("reference")}
        expect(len(guarantees) == 1, f"{chart['id']} compares {guarantees}")
        expect(any(point["library"] == "floor" for _, point in points), f"{chart['id']} has no floor")


def check_arguments():
    for bad in (["--threads", "1,x"], ["--threads", "0"], ["--seconds", "-1"], ["--nonsense"], ["--out", __file__], ["extra"]):
        done = subprocess.run([sys.executable, here / "run", *bad], capture_output=True, text=True)
        expect(done.returncode == 2 and "error" in done.stderr, f"run {' '.join(bad)}: exit status {done.returncode}, {done.stderr}")


def main(program, folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    subprocess.run([program, "--quick", "--seconds", "0.006", "--repetitions", "3", "--threads", "1,2", "--out", folder], check=True)
    study = json.loads((folder / "study.json").read_text())
    expect(list(study) == ["context", "results"], f"the file has {list(study)}")
    expect(context_keys <= set(study["context"]), f"the context lacks {context_keys - set(study['context'])}")
    for each in study["results"]:
        check_result(each)
    check_coverage(study["results"], (1, 2), study["context"]["backend"])
    subprocess.run([sys.executable, here / "report.py", folder], check=True)
    check_page((folder / "report.html").read_text(encoding="utf-8"), study["results"])
    table = subprocess.run([sys.executable, here / "summary.py", folder], check=True, capture_output=True, text=True).stdout
    expect("hazard pointer (protect, read, reset)" in table, "the summary lacks its comparisons")
    expect("lock: take turns" in table, "the summary lacks fairness")
    check_arguments()
    print(f"{len(study['results'])} points, as they should be")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
