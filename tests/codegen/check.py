#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compiles a function for each row of table.txt and compares its instructions with what the row says.

check.py COMPILER INCLUDE-FOLDER FLAG...; without -O2 among the flags only for calls into libatomic.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

QUIET = ["loads and stores"]
# Out of line: what a light fence does without membarrier, a thread's first critical section, and the end of one without memory.
SLOW = ("full_fence", "lock_first", "unlock_without_record")
PROLOGUE = """
#include <pawl/pawl.hpp>
namespace pawl {
using enum std::memory_order;
"""


def read_table(path):
    """[(line, parameters, statement, [list of instructions, for each compiler])]"""
    rows, parameters = [], None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.strip()
        if line.startswith("["):
            parameters = line[1:-1]
        elif line and not line.startswith("#"):
            statement, expected = re.split(r"\s{2,}", line)
            ways = [[] if way.strip() == "-" else [each.strip() for each in way.split(",")] for way in expected.split(" / ")]
            rows.append((number, parameters, statement, ways))
    return rows


def source_of(rows):
    functions = [
        f'#line {line} "table.txt"\nauto row_{line}({parameters}) {{ {statement}; }}\n'
        for line, parameters, statement, _ in rows
    ]
    return PROLOGUE + "".join(functions) + "}\n"


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def instruction(text):
    """An instruction as the table names it, or None where it neither accesses `a`, in %rdi, nor orders memory."""
    name, _, operands = text.partition(" ")
    operands = operands.strip()
    if name == "lock":
        name = operands.split()[0]
        return "lock " + (name if name in ("sub", "cmpxchg16b") else name.rstrip("bwlq"))
    if name in ("mfence", "lfence", "sfence", "pause"):
        return name
    if name.startswith("xchg") and "(" in operands:
        return "xchg"  # locked, with or without a prefix
    if "(%rdi)" in operands and not name.startswith(("lea", "nop")):
        return "mov" if name.startswith("mov") else name
    return None


def disassemble(binary):
    """{function: [instruction, or the name of a function that it calls, after '>']}, a function's cold part behind it."""
    functions, current, own, has_a, target = {}, None, "", True, None

    def called():
        if target and target.removesuffix(".cold") != own:
            current.append(">" + target)

    for line in run("objdump", "-dr", "--no-show-raw-insn", binary).splitlines():
        if relocation := re.search(r"\sR_X86_64_\w+\s+(\S+?)(?:[-+]0x[0-9a-f]+)?$", line):
            # What an instruction calls stands here; within its section, it stands in the instruction.
            if target is not None:
                target = relocation.group(1) if not relocation.group(1).startswith(".") else ""
        elif header := re.match(r"[0-9a-f]+ <(.*?)(\.cold)?>:$", line):
            called()
            own, has_a, target = header.group(1), True, None
            current = functions.setdefault(own, [])
        elif current is not None and line.count("\t") == 1:
            called()
            text = line.split("\t")[1].strip()
            if found := instruction(text if has_a else text.replace("(%rdi)", "(%other)")):
                current.append(found)
            # From here on %rdi may hold something else.
            if re.search(r",%[re]di$", text) and not text.startswith(("cmp", "test")):
                has_a = False
            target = None
            if text.startswith(("call", "jmp")):
                named = re.search(r"<([^+>]*)>$", text)
                target = named.group(1) if named else ""
    called()
    return functions


def expand(functions, name, seen=()):
    """The instructions of a function, with those of what it calls, but for what is slow, and out of line."""
    for each in functions[name]:
        if not each.startswith(">"):
            yield each
        elif slow := next((name for name in SLOW if name in each), None):
            yield "call " + slow
        elif each[1:] not in functions:
            yield "call " + each[1:]
        elif each[1:] not in seen:
            yield from expand(functions, each[1:], (*seen, name))


def main():
    compiler, include, *flags = sys.argv[1:]
    rows = read_table(pathlib.Path(__file__).with_name("table.txt"))
    with tempfile.TemporaryDirectory() as folder:
        source, binary = pathlib.Path(folder, "rows.cpp"), pathlib.Path(folder, "rows.o")
        source.write_text(source_of(rows))
        run(compiler, "-std=c++20", "-DNDEBUG", *flags, "-I", include, "-c", source, "-o", binary)
        wrong = [f"calls {line.split()[-1]}" for line in run("nm", "-u", binary).splitlines() if "__atomic_" in line]
        if "-O2" in flags:
            if "mfence" in run("objdump", "-d", binary):
                wrong.append("there is an mfence")
            functions = disassemble(binary)
            row_names = {int(row.group(1)): name for name in functions if (row := re.match(r"_ZN4pawl\d+row_(\d+)E", name))}
            for line, _, statement, ways in rows:
                made = list(expand(functions, row_names[line]))
                if made not in ways and not (QUIET in ways and set(made) <= {"mov", *("call " + each for each in SLOW)}):
                    wrong.append(f"table.txt:{line}: {statement}: {', '.join(made) or '-'}")
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{len(rows)} rows are right" if "-O2" in flags else "no call into libatomic")


if __name__ == "__main__":
    main()
