#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Is ./dev gpu safe to run blind? It runs with an nvcc whose programs hang, crash, give up, are wrong or aren't made at all, and with a
nvidia-smi and a compute-sanitizer of the same kind: one JSON file must come of it in time, with all that the others said. Needs neither
nvcc nor a GPU."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from building import PROGRAMS, STUDIES, STUDY

# Makes a program that does what PROGRAMS_DO, a folder, has for it, or what all do.
NVCC = """#!/bin/sh
case "$1" in --version) echo 'Build fake'; exit;; esac
while [ $# -gt 0 ]; do
  case "$1" in
    -o) shift; made=$1 ;;
    */bench/gpu/*.cu) kind=study; name=$(basename "$1" .cu) ;;
    *.cu) kind=tests; name=$(basename "$1" .cu) ;;
  esac
  shift
done
if [ -e "$PROGRAMS_DO/$kind.$name" ]; then does=$PROGRAMS_DO/$kind.$name; else does=$PROGRAMS_DO/$kind; fi
if [ ! -s "$does" ]; then echo 'an error of nvcc'; exit 1; fi
if [ "$(cat "$does")" = forever ]; then sleep 600; fi
{ echo '#!/bin/sh'; cat "$does"; } > "$made"
chmod +x "$made"
"""
RIGHT_TEST = """echo '{"program": "x", "device": "fake", "failed": 0, "tests": [{"name": "a", "checks": 3, "failures": 0}]}'"""
WRONG_TEST = """echo '{"program": "x", "device": "fake", "failed": 1, "tests": [{"name": "a", "checks": 3, "failures": 1}]}'; exit 1"""
ROW = '{"study": "histogram", "bins": 256, "input": "uniform", "by": "pawl", "mops": 12.5}'
RIGHT_STUDY = f"""printf '{{"program": "x",\\n"results": [\\n{ROW}\\n],\\n"left_out": 0, "failed": 0}}\\n'"""
WRONG_STUDY = RIGHT_STUDY.replace('"mops": 12.5', '"wrong": "5 cells"').replace('"failed": 0', '"failed": 1') + "; exit 1"
SANITIZER = """#!/bin/sh
case "$*" in
  *memcheck*contention*) echo '========= ERROR SUMMARY: 2 errors'; exit 99 ;;
  *racecheck*hash_map*) sleep 600 ;;
  *racecheck*warps*) echo broken; exit 3 ;;
  *) echo '========= ERROR SUMMARY: 0 errors' ;;
esac
"""
CLEAN = "#!/bin/sh\necho '========= ERROR SUMMARY: 0 errors'\n"
SMI = "#!/bin/sh\necho 'Fake GPU 9000, 9.0, 1.2, 1 MHz, 2 MHz, 1 MHz, 80 MiB, 5 W, Enabled, Disabled, 30, 0 %'\n"
# Impatient: a test has minutes, too.
START = """
import pathlib, sys
sys.path.insert(0, sys.argv.pop(1))
import command
command.ROOT = pathlib.Path(sys.argv.pop(1))
command.SECONDS = dict.fromkeys(command.SECONDS, 1)
command.LIMITS = dict.fromkeys(command.LIMITS, 4)
command.main()
"""


class place:
    """A folder with the programs, and what the programs that are built do."""

    def __init__(self, folder):
        self.folder = folder
        self.does = folder / "does"
        self.does.mkdir()
        for name, text in ("nvcc", NVCC), ("compute-sanitizer", SANITIZER), ("nvidia-smi", SMI):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        self.let("tests", RIGHT_TEST)
        self.let("study", RIGHT_STUDY)
        self.let("study.device", RIGHT_STUDY.replace(ROW, '{"name": "Fake GPU 9000", "sm": 90}'))

    def let(self, name, does):
        (self.does / name).write_text(does)

    def start(self, *arguments, named=True):
        if named:
            arguments = ("--json", self.folder / "out.json", *arguments)
        environment = {**os.environ, "PATH": f"{self.folder}:/usr/bin:/bin", "PROGRAMS_DO": str(self.does)}
        return subprocess.Popen([sys.executable, "-B", "-c", START, str(STUDY), str(self.folder), *map(str, arguments)], env=environment,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def result(self):
        return json.loads((self.folder / "out.json").read_text())

    def run(self, *arguments, within=60):
        begun = time.monotonic()
        process = self.start(*arguments)
        out, err = process.communicate(timeout=within + 30)
        must(time.monotonic() - begun < within, "it takes too long")
        return process.returncode, self.result(), out + err


def left_running(folder):
    """Processes with this place's environment, so it and its children are ours."""
    mine = f"PROGRAMS_DO={folder}".encode()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if mine in (process / "environ").read_bytes() and int(process.name) != os.getpid():
                yield int(process.name)
        except OSError:
            pass  # another's, or gone


def must(holds, why):
    if not holds:
        raise AssertionError(why)


def of(result, part, name):
    return next(each for each in result[part] if each["program"] == name)


def all_right(where):
    (where.folder / "compute-sanitizer").write_text(CLEAN)
    status, result, said = where.run()
    must(status == 0, f"status {status}: {said}")
    must(result["complete"] and not result["problems"], result["problems"])
    must(len(result["tests"]) == 3 * (len(PROGRAMS) - 1) + 1, "not all runs of the tests")
    must(len(result["study"]) == len(STUDIES), "not all of the study")
    must(len(result["sanitizers"]) == 2 * len(PROGRAMS) and all(each["clean"] for each in result["sanitizers"]), "the sanitizers")
    context = result["context"]
    must(context["gpu"]["name"] == "Fake GPU 9000" and context["nvidia_smi"]["driver_version"] == "1.2", context)
    must(context["nvcc"] == "Build fake" and not context["interpreted"], context)
    must("12.5" in said and "wrong: none" in said and "cuCollections" not in said, said)


def everything_goes_wrong(where):
    where.let("tests.contention", WRONG_TEST)
    where.let("tests.hash_map", "sleep 600")
    where.let("tests.operations", "")
    where.let("study.atomics_words", f"""printf '{{"program": "atomics_words",\\n"results": [\\n{ROW},\\n{ROW},\\n{{"half'; sleep 600""")
    where.let("study.atomics_narrow", "kill -9 $$")
    where.let("study.aggregated", WRONG_STUDY)
    where.let("study.histogram", "echo rubbish")
    where.let("study.maps", RIGHT_STUDY.replace('"failed": 0', '"failed": 1, "gave_up": "a kernel"') + "; exit 2")
    where.let("study.containers", """printf '{"program": "containers",\\n"results": [],\\n"failed": 0}\\n'""")
    status, result, said = where.run()
    must(status == 1, f"status {status}: {said}")
    right = {each["program"] for each in result["tests"] if each["right"]} | {each["program"] for each in result["study"] if each["right"]}
    must(right == {"x"}, right)
    must(len([each for each in result["tests"] if each["right"]]) == 3 * (len(PROGRAMS) - 3), "the tests that are right")
    must("within 4 s" in of(result, "tests", "hash_map")["gave up"], "the hanging test")
    hanging = of(result, "study", "atomics_words")
    must(len(hanging["results"]) == 2 and "no end" in hanging["gave up"] and not hanging["right"], "what a hanging study had measured")
    must([each["right"] for each in result["study"]].count(True) == 2, "device and atomics_floating are right")
    must(any("operations doesn't build" in each and "an error of nvcc" in each for each in result["problems"]), result["problems"])
    verdicts = {(each["tool"], each["program"]): each["verdict"] for each in result["sanitizers"]}
    must(verdicts["memcheck", "contention"] == "found something", verdicts)
    must(verdicts["racecheck", "hash_map"] == "did not end" and verdicts["racecheck", "warps"] == "ended with 3", verdicts)
    must(verdicts["memcheck", "warps"] == "clean" and ("memcheck", "operations") not in verdicts, verdicts)
    must("WRONG" in said and "NOT COMPLETE" not in said, said)


def one_thing_is_wrong(where):
    # Of each part, and nothing else: that is enough.
    where.let("study.maps", WRONG_STUDY)
    must(where.run("--parts", "study")[0] == 1, "the study")
    where.let("tests.warps", WRONG_TEST)
    must(where.run("--parts", "tests")[0] == 1, "the tests")
    where.let("tests.warps", RIGHT_TEST)
    (where.folder / "compute-sanitizer").write_text(SANITIZER.replace("*racecheck*", "*nothing*"))
    must(where.run("--parts", "sanitizers")[0] == 1, "the sanitizers")


def nothing_wrong_but_unended(where):
    (where.folder / "compute-sanitizer").write_text(SANITIZER.replace("*memcheck*", "*nothing*"))
    status, result, _ = where.run("--parts", "sanitizers")
    must(status == 2 and not result["problems"] and len(result["sanitizers"]) == 2 * len(PROGRAMS), f"status {status}")
    (where.folder / "compute-sanitizer").unlink()
    status, result, _ = where.run("--parts", "sanitizers")
    must(status == 0, f"status {status} without a sanitizer")
    must(result["sanitizers"] == [{"skipped": "there is no compute-sanitizer on this machine"}], result["sanitizers"])
    where.let("study.maps", "")
    status, result, _ = where.run("--parts", "study")
    must(status == 2 and len(result["study"]) == len(STUDIES) - 1, f"status {status}")


def time_runs_out(where):
    where.let("tests", "sleep 1; " + RIGHT_TEST)
    status, result, said = where.run("--minutes", "0.15", within=20)
    must(status == 2 and not result["complete"] and "NOT COMPLETE" in said, f"status {status}: {said}")
    must(any("no time was left" in each for each in result["problems"]), result["problems"])
    must(result["tests"] and all(each["right"] or each["cut"] for each in result["tests"]), "what had time")


def it_is_interrupted(where):
    where.let("tests.operations", "forever")  # to build
    where.let("tests.contention", "sleep 1.5; " + RIGHT_TEST)
    process = where.start()
    begun = time.monotonic()
    while time.monotonic() - begun < 30:
        if (where.folder / "out.json").exists() and len(where.result()["tests"]) > 1:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    result = where.result()
    must(process.returncode == 2 and not result["complete"], f"status {process.returncode}")
    must(any("interrupted by SIGTERM" in each for each in result["problems"]), result["problems"])
    must(len(result["tests"]) > 1 and "NOT COMPLETE" in out, out)


def it_is_killed(where):
    where.let("tests.warps", "sleep 600")
    process = where.start("--parts", "tests")
    begun = time.monotonic()
    while time.monotonic() - begun < 30:
        if (where.folder / "out.json").exists() and len(where.result()["tests"]) > 1:
            break
        time.sleep(0.05)
    process.kill()
    process.communicate(timeout=20)
    # It can't have ended what it started.
    for number in left_running(where.does):
        os.kill(number, signal.SIGKILL)
    must(len(where.result()["tests"]) > 1, "what was run before")


def it_names_its_file(where):
    # After what nvidia-smi says, or without it after what CUDA says.
    for _ in range(2):
        where.start("--parts", "study", named=False).communicate(timeout=60)
        files = list((where.folder / "bench" / "results").iterdir())
        must(len(files) == 1 and files[0].match("gpu-fake-gpu-9000-2*.json") and json.loads(files[0].read_text())["complete"], files)
        files[0].unlink()
        (where.folder / "nvidia-smi").unlink(missing_ok=True)


def there_is_no_gpu(where):
    where.let("study.device", """printf '{"program": "device",\\n"results": [\\n],\\n"failed": 1, "gave_up": "no device"}\\n'; exit 2""")
    status, result, _ = where.run()
    must(status == 2 and not result["complete"] and not result["tests"], f"status {status}")
    must(result["problems"] == ["there is no GPU that works: no device"], result["problems"])


def there_is_no_nvcc(where):
    status, result, _ = where.run("--nvcc", "/nowhere/nvcc")
    must(status == 2 and result["problems"] and not result["tests"], result)


def main():
    for each in (all_right, everything_goes_wrong, one_thing_is_wrong, nothing_wrong_but_unended, time_runs_out, it_is_interrupted,
                 it_is_killed, it_names_its_file, there_is_no_gpu, there_is_no_nvcc):
        with tempfile.TemporaryDirectory() as folder:
            where = place(pathlib.Path(folder))
            each(where)
            # Who was ended may take a moment to go, on a busy machine.
            ends = time.monotonic() + 10
            while list(left_running(where.does)) and time.monotonic() < ends:
                time.sleep(0.1)
            must(not list(left_running(where.does)), "processes that nobody ended")
        print(each.__name__.replace("_", " "), flush=True)


if __name__ == "__main__":
    main()
