# SPDX-License-Identifier: BSL-1.0
"""Builds CUDA programs and runs them, under an interpreter of PTX or on a GPU: the device tests, and the GPU study of bench/gpu."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = ("operations", "contention", "containers", "hash_map", "owners", "warps", "warp_containers")
STUDY = HERE.parent.parent / "bench" / "gpu"
STUDIES = ("device", "atomics_words", "atomics_floating", "atomics_narrow", "aggregated", "histogram", "containers", "maps")

running = set()  # processes, each the leader of a group; None where no more may begin
lock = threading.Lock()


def end(process):
    """Ends a process and all that it started: nvcc's passes, a program under a tool."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def end_all():
    """Ends all that is running; nothing begins any more."""
    global running
    with lock:
        for process in running or ():
            end(process)
        running = None


def execute(command, seconds=None, **settings):
    """Exit status, or None where it took longer, and what was written to stdout and stderr until then."""
    # Files, not pipes: what was written is there, whoever ends and whoever doesn't.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with lock:
            if running is None:
                return None, "", ""
            process = subprocess.Popen([str(each) for each in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                       env={**os.environ, **settings}, start_new_session=True)
            running.add(process)
        status = None
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            end(process)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                pass  # stuck in a driver, where nothing ends it
            with lock:
                if running is not None:
                    running.discard(process)
        said = []
        for file in out, err:
            file.seek(0)
            said.append(file.read().decode(errors="replace"))
        return status, *said


def interpreter(folder, scratch):
    """The folder that has the interpreter's library; made in `scratch` where `folder` has its sources only."""
    if not folder or (pathlib.Path(folder) / "libcudart.so.13").exists():
        return folder
    status, _, err = execute(["make", "-C", folder, f"OUT={scratch}/interpreter"])
    if status != 0:
        sys.exit(err)
    return f"{scratch}/interpreter"


def build(nvcc, name, include, target, binary, *flags, seconds=None, strict=True):
    """Compiles NAME.cu of this folder, or of another where NAME is a path; `target` is an argument of -arch. Returns what nvcc said, if it
    failed. A warning is a failure where `strict`: not where the compiler may be another one than those that were tried."""
    # An interpreter takes the place of the runtime library, and reads PTX that isn't compressed.
    runtime = ["-cudart", "shared", "--no-compress"] if target.startswith("compute") else ["-cudart", "static"]
    warnings = ["-Werror", "all-warnings", "-Xcompiler=-Wall,-Wextra,-Werror"] if strict else []
    status, out, err = execute([nvcc, "-std=c++20", "-O3", "--expt-relaxed-constexpr", f"-arch={target}", *runtime, *warnings,
                                "-I", include, *flags, HERE / f"{name}.cu", "-o", binary], seconds)
    if status is None:
        return f"no end of nvcc within {seconds:.0f} s"
    return "" if status == 0 else out + err or f"nvcc ended with {status}"


def parse(text):
    """A program's JSON; where it didn't come to its end, of a study, what it had written until then. Else None."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    if '"results": [' not in text:
        return None
    # A study writes a row a line.
    rows = []
    for line in text.split('"results": [', 1)[1].split("\n")[1:]:
        try:
            rows.append(json.loads(line.rstrip(",")))
        except ValueError:
            break
    return {"results": rows}


def run(binary, library, arguments=(), seconds=120, before=(), **settings):
    """The program's JSON, with `status` and what it wrote besides. `before` are words before the command, a tool's."""
    if library:
        settings["LD_LIBRARY_PATH"] = str(library)
    status, out, err = execute([*before, binary, *arguments], seconds, **settings)
    name = pathlib.Path(binary).name
    result = parse(out)
    if status is None:
        result = {"program": name, **(result or {}), "failed": 1, "gave up": f"no end within {seconds:.0f} s"}
    elif result is None or "failed" not in result:
        result = {"program": name, **(result or {}), "failed": 1, "gave up": f"ended with {status} and no JSON but: {out[-500:]}"}
    result.setdefault("tests", [])
    return {**result, "status": -1 if status is None else status, "said": err[-2000:]}


def is_right(result):
    # Races are reported beside the results.
    return result["status"] == 0 and result["failed"] == 0 and not result["said"] and result["tests"]
