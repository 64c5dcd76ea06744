#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""What ./dev gpu does: builds and runs the device tests, the GPU study, and the device tests once more under compute-sanitizer, and writes
one JSON file.

Safe to run blind. Each program is a process with a time limit, and what fails, hangs or isn't there is noted, and costs nothing but itself.
The file is written after each piece, so it is there and whole whenever this ends, by whatever. In order: correctness, then the study, then
the sanitizers.

Exit status: 0 all right; 1 something was wrong; 2 nothing was wrong, but something didn't run or didn't come to its end.
"""
import argparse
import concurrent.futures
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "cuda"))
import building  # noqa: E402
import run as tests  # noqa: E402
import table  # noqa: E402

INCLUDE = ROOT / "include"
# How many seconds each program of the study may measure; what it has not come to then is left out, and counted.
SECONDS = {"device": 5, "atomics_words": 40, "atomics_floating": 25, "atomics_narrow": 25, "aggregated": 15, "histogram": 20,
           "containers": 20, "maps": 40}
# Under an interpreter times mean nothing: small sizes, so that each kernel and each check is run.
TINY = {"blocks": 2, "threads": 64, "bits": 4, "rounds": 2, "repetitions": 1, "microseconds": 0}
TINY_OF = {"histogram": {"elements": 3000}, "maps": {"elements": 500}, "containers": {"threads": 256}}
SANITIZERS = {"memcheck": [], "racecheck": ["--racecheck-report", "all"]}
FOUND = 99  # a sanitizer's exit status where it has found something
SMALL = (4, 64)
# How many seconds a program may take: a device test, one that is interpreted, one under a sanitizer; and of the study beyond the time that
# it is given: what a hanging kernel is waited for, and what has begun when time is up.
LIMITS = {"tests": 60, "interpreted": 600, "sanitizers": 60, "study": 40}


def find(program, *folders):
    """A program on the PATH or in a folder, or ''."""
    if found := shutil.which(program):
        return found
    for folder in folders:
        if found := shutil.which(program, path=str(folder)):
            return found
    return ""


def words(command, seconds=20):
    """What a command writes, or '' where it fails or isn't there."""
    try:
        status, out, _ = building.execute(command, seconds)
    except OSError:
        return ""
    return out.strip() if status == 0 else ""


def gpu_by_tool():
    """What nvidia-smi says of the first GPU; {} where it isn't there."""
    most = ("name", "compute_cap", "driver_version", "clocks.max.sm", "clocks.max.mem", "clocks.sm", "memory.total", "power.limit",
            "persistence_mode", "mig.mode.current", "temperature.gpu", "utilization.gpu")
    # One name that it doesn't know, and it says nothing at all.
    for asked in most, most[:3], ("name", "driver_version"):
        said = words(["nvidia-smi", "-i", "0", f"--query-gpu={','.join(asked)}", "--format=csv,noheader"])
        said = said.splitlines()[0].split(", ") if said else []
        if len(said) == len(asked):
            return dict(zip(asked, said))
    return {}


class gpu_run:
    def __init__(self, options):
        self.options = options
        self.begun = time.monotonic()
        self.end = self.begun + 60 * options.minutes
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="pawl_gpu_"))
        self.library = ""
        self.target = "native"
        self.place = None
        self.no_gpu = ""
        self.report = {"complete": False, "context": {}, "tests": [], "study": [], "sanitizers": [], "builds": {}, "problems": []}

    def left(self):
        return self.end - time.monotonic()

    # ---- The file

    def write(self):
        self.report["context"]["seconds"] = round(time.monotonic() - self.begun, 1)
        if self.place is None:
            return
        beside = self.place.with_suffix(".part")
        beside.write_text(json.dumps(self.report, indent=1))
        os.replace(beside, self.place)

    def problem(self, what):
        print(f"dev gpu: {what}", file=sys.stderr, flush=True)
        self.report["problems"].append(what)
        self.write()

    def name_file(self, gpu):
        self.named = bool(gpu)
        if self.options.json:
            place = pathlib.Path(self.options.json)
        elif self.options.interpreter:
            place = ROOT / "build" / "gpu-interpreted.json"  # no result
        else:
            name = re.sub("[^a-z0-9]+", "-", gpu.lower()).strip("-") or "unknown"
            utc = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
            place = ROOT / "bench" / "results" / f"gpu-{name}-{utc}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        self.place = place

    # ---- What there is

    def look(self):
        """Finds out about the machine, and where the file goes."""
        home = pathlib.Path(os.environ.get("CUDA_HOME", "/usr/local/cuda"))
        self.nvcc = nvcc = self.options.nvcc or find("nvcc", home / "bin", "/usr/local/cuda/bin")
        tool = {} if self.options.interpreter else gpu_by_tool()
        self.name_file(tool.get("name", ""))
        # A machine may have a copy without git's folder.
        commit = words(["git", "-C", ROOT, "rev-parse", "HEAD"])
        changed = words(["git", "-C", ROOT, "status", "--porcelain", "--untracked-files=no"]) if commit else ""
        self.report["context"] = {
            "utc": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "interpreted": bool(self.options.interpreter),
            "nvidia_smi": tool or "not there",
            "nvcc": (words([nvcc, "--version"]) if nvcc else "").split("\n")[-1] or "not there",
            "host": f"{platform.platform()}, {os.cpu_count()} CPUs",
            "commit": commit or "unknown", "changed_since": bool(changed),
        }
        self.write()
        if not nvcc:
            self.problem("there is no nvcc, on the PATH or in /usr/local/cuda/bin")
            return False
        if self.options.interpreter:
            try:
                self.library = building.interpreter(self.options.interpreter, self.scratch)
            except SystemExit as failed:
                self.problem(f"the interpreter doesn't build: {failed}")
                return False
            self.target = "compute_90"
        elif capability := tool.get("compute_cap", "").replace(".", ""):
            self.target = f"sm_{capability}"
        return True

    # ---- The pieces: each a kind, a program and how it is run

    def pieces(self):
        interpreted = bool(self.options.interpreter)
        yield "study", "device", {}, ()
        if "tests" in self.options.parts:
            # operations takes longest to build, so it comes when it's ready; the others aren't kept waiting.
            for name, settings, size in tests.runs(interpreted, self.options.seeds):
                yield "tests", name, settings, size
        if "study" in self.options.parts:
            for name in building.STUDIES[1:]:
                yield "study", name, {}, ()
        if "sanitizers" in self.options.parts:
            if interpreted:
                self.report["sanitizers"].append({"skipped": "compute-sanitizer needs a GPU"})
                return
            self.sanitizer = find("compute-sanitizer", pathlib.Path(self.nvcc).resolve().parent, pathlib.Path(self.nvcc).parent,
                                  "/usr/local/cuda/bin")
            if not self.sanitizer:
                self.report["sanitizers"].append({"skipped": "there is no compute-sanitizer on this machine"})
                return
            for tool in SANITIZERS:
                for name in building.PROGRAMS:
                    yield "sanitizers", name, {"tool": tool}, () if name == "operations" else SMALL

    def binary(self, kind, name):
        return self.scratch / ("study" if kind == "study" else "tests") / name

    def build(self, kind, name):
        source = building.STUDY / name if kind == "study" else name
        start = time.monotonic()
        flags = ["-lineinfo", *(["-DPAWL_TEST_FEW"] if self.options.few else [])]
        if kind == "study" and not self.library:
            flags.append("-DNDEBUG")  # measured as it is used; under the interpreter assertions are welcome
        # A compiler newer than those that were tried may have new warnings; they are no reason to lose a machine's minutes.
        said = building.build(self.nvcc, source, INCLUDE, self.target, self.binary(kind, name), *flags, seconds=max(1, self.left()),
                              strict=bool(self.options.interpreter))
        return said, round(time.monotonic() - start, 1)

    def limited(self, kind, name, arguments, seconds, **settings):
        """Runs a program. Where it isn't its own limit that ended it, but the whole command's, it is `cut`, and not found to be wrong."""
        left = self.left()
        result = building.run(self.binary(kind, name), self.library, arguments, seconds=min(left, seconds), **settings)
        result["cut"] = left < seconds and result["status"] == -1
        if result["cut"]:
            self.problem(f"not enough time was left for {kind} {name}")
        return result

    def run_test(self, name, settings, size):
        result = self.limited("tests", name, size, LIMITS["interpreted" if self.library else "tests"], **settings)
        self.report["tests"].append({**result, "size": size, "settings": settings, "right": bool(building.is_right(result))})
        print(tests.line(name, settings, size, result), flush=True)
        if not building.is_right(result):
            print(tests.failures(result)[:4000], flush=True)

    def run_study(self, name):
        seconds = max(1, int(min(SECONDS[name], self.left() - 5)))
        sizes = {**TINY, **TINY_OF.get(name, {})} if self.library else {}
        arguments = [f"{key}={value}" for key, value in {**sizes, "seconds": seconds}.items()]
        settings = {"PTX_RACE": "1"} if self.library else {}
        result = self.limited("study", name, arguments, seconds + LIMITS["study"], **settings)
        del result["tests"]
        result["right"] = result["status"] == 0 and result["failed"] == 0 and not result["said"] and bool(result.get("results"))
        if name == "device":
            if result["status"] == 2 and not result.get("results"):
                # It ended by itself, without a GPU; nothing else will find one.
                self.no_gpu, result["cut"] = result.get("gave_up", "it doesn't say why"), True
            rows = result.get("results") or [{}]
            self.report["context"]["gpu"] = rows[0]
            if not self.named and "name" in rows[0]:
                before = self.place
                self.name_file(rows[0]["name"])
                if before != self.place:
                    before.rename(self.place)
        self.report["study"].append(result)
        print(f"study {name}: {len(result.get('results', []))} rows, {'right' if result['right'] else 'WRONG'}, "
              f"{result.get('left_out', '?')} left out", flush=True)
        if not result["right"]:
            wrong = [row for row in result.get("results", []) if "wrong" in row]
            print({key: value for key, value in result.items() if key != "results"}, *wrong[:20], sep="\n", flush=True)

    def run_sanitizer(self, name, settings, size):
        tool = settings["tool"]
        command = [self.sanitizer, "--tool", tool, "--error-exitcode", str(FOUND), *SANITIZERS[tool]]
        status, out, err = building.execute([*command, self.binary("tests", name), *size], min(self.left(), LIMITS["sanitizers"]))
        summary = [line.strip("= ") for line in (out + err).splitlines() if "SUMMARY" in line]
        # Programs that give up under the tool's slowness have not been found to be wrong.
        clean = status == 0 and bool(summary)
        verdict = {0: "said nothing", FOUND: "found something", None: "did not end"}.get(status, f"ended with {status}")
        verdict = "clean" if clean else verdict
        self.report["sanitizers"].append({"tool": tool, "program": name, "size": size, "verdict": verdict, "clean": clean,
                                          "summary": summary[-1:], "said": "" if clean else (out[-1500:] + err[-1500:])})
        print(f"{tool} {name}: {verdict} {' '.join(summary[-1:])}", flush=True)

    def run_piece(self, piece):
        kind, name, settings, size = piece
        if kind == "tests":
            self.run_test(name, settings, size)
        elif kind == "study":
            self.run_study(name)
        else:
            self.run_sanitizer(name, settings, size)

    def all(self):
        """One program at a time has the GPU; meanwhile others are built."""
        todo = list(self.pieces())
        sources = list(dict.fromkeys(("study" if kind == "study" else "tests", name) for kind, name, _, _ in todo))
        for kind in "study", "tests":
            (self.scratch / kind).mkdir()
        # What takes longest to build begins first.
        sources.sort(key=lambda source: source not in (("study", "device"), ("tests", "operations"), ("study", "atomics_words")))
        pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1)
        builds = {source: pool.submit(self.build, *source) for source in sources}
        noted = set()

        def is_ready(piece):
            # Where times are taken, most processors are idle: nothing must come between an event and the launch of its kernel.
            building_still = sum(not each.done() for each in builds.values())
            if piece[0] == "study" and piece[1] != "device" and building_still > max(1, (os.cpu_count() or 1) // 4):
                return False
            return builds["study" if piece[0] == "study" else "tests", piece[1]].done()

        while todo and self.left() > 3 and not self.no_gpu:
            ready = next((piece for piece in todo if is_ready(piece)), None)
            if ready is None:
                waiting = [each for each in builds.values() if not each.done()]
                concurrent.futures.wait(waiting, max(0.1, self.left()), concurrent.futures.FIRST_COMPLETED)
                continue
            todo.remove(ready)
            source = ("study" if ready[0] == "study" else "tests", ready[1])
            try:
                said, took = builds[source].result()
                self.report["builds"]["/".join(source)] = took
                if not said:
                    self.run_piece(ready)
            except Exception as failed:  # a mistake in here must not lose the rest
                said = ""
                self.problem(f"{ready}: {type(failed).__name__}: {failed}")
            if said and source not in noted:
                noted.add(source)
                self.problem(f"{'/'.join(source)} doesn't build:\n{said[:3000]}")
            self.write()
        if self.no_gpu:
            self.problem(f"there is no GPU that works: {self.no_gpu}")
        for piece in todo if not self.no_gpu else ():
            self.problem(f"no time was left for {piece[0]} {piece[1]} {' '.join(map(str, (*piece[3], *piece[2].values())))}".rstrip())
        self.report["complete"] = not todo

    # ---- The end

    def verdict(self):
        """The exit status."""
        programs = self.report["tests"] + self.report["study"]
        wrong = [f"{each.get('program')} {each.get('size', '')}".rstrip() for each in programs if not each["right"] and not each["cut"]]
        found = [f"{each['tool']} {each['program']}" for each in self.report["sanitizers"] if each.get("verdict") == "found something"]
        unended = [each for each in self.report["sanitizers"] if not each.get("clean", True) and each["verdict"] != "found something"]
        self.report["summary"] = {
            "test_runs": len(self.report["tests"]),
            "checks": sum(test["checks"] for each in self.report["tests"] for test in each["tests"]),
            "study_rows": sum(len(each.get("results", [])) for each in self.report["study"]), "wrong": wrong, "sanitizers_found": found,
            "sanitizers_not_ended": len(unended), "problems": len(self.report["problems"])}
        return 1 if wrong or found else 2 if self.report["problems"] or unended or not self.report["complete"] else 0

    def close(self):
        status = self.verdict()
        self.report["exit_status"] = status
        self.write()
        try:
            print("\n" + table.text(self.report))
        except Exception:  # results are in the file, and right or wrong without a table
            traceback.print_exc()
        print(f"\n{self.place}")
        return status


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nvcc", default="", help="otherwise from the PATH, or of /usr/local/cuda")
    options.add_argument("--interpreter", default="", metavar="FOLDER",
                         help="no GPU: libcudart.so.13 that interprets PTX, or a Makefile that makes it")
    options.add_argument("--seeds", type=int, default=3, help="of the interpreter's schedules")
    options.add_argument("--minutes", type=float, help="that it takes at most; 8, or 60 with --interpreter")
    options.add_argument("--parts", type=lambda text: text.split(","), default=["tests", "study", "sanitizers"],
                         help="some of tests,study,sanitizers")
    options.add_argument("--few", action="store_true", help="fewer types and scopes, which take less time to build")
    options.add_argument("--json", default="", metavar="FILE",
                         help="otherwise bench/results/gpu-NAME-DATE.json, or build/gpu-interpreted.json")
    options = options.parse_args()
    if options.minutes is None:
        options.minutes = 60 if options.interpreter else 8

    def interrupt(number, _):
        raise KeyboardInterrupt(signal.Signals(number).name)
    for number in signal.SIGTERM, signal.SIGHUP, signal.SIGINT:
        signal.signal(number, interrupt)

    # As nvidia-smi counts GPUs.
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    run = gpu_run(options)
    status = 2
    try:
        if run.look():
            run.all()
    except KeyboardInterrupt as why:
        run.problem(f"interrupted by {why}")
    except Exception as failed:
        run.problem(f"{type(failed).__name__}: {failed}")
    try:
        for number in signal.SIGTERM, signal.SIGHUP, signal.SIGINT:
            signal.signal(number, signal.SIG_IGN)
        building.end_all()
        status = run.close()
    finally:
        shutil.rmtree(run.scratch, ignore_errors=True)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # without waiting for what is still being built


if __name__ == "__main__":
    main()
