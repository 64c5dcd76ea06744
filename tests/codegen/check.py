#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compiles a function for each row of a target's table and compares its instructions with what the row says.

check.py TARGET COMPILER INCLUDE-FOLDER FLAG...; without -O2 among the flags only for calls of helpers, and for what stands between
the exclusives of an LL/SC loop.
"""
import pathlib
import re
import sys
import tempfile

from disassembly import SLOW, disassemble, expand, wrong_loops
from targets import TARGETS, library_calls, listing, read_table, run

QUIET = ["loads and stores"]
PROLOGUE = """
#include <pawl/pawl.hpp>
namespace pawl {
using enum std::memory_order;
"""


def source_of(rows):
    functions = [
        f'#line {row.line} "{row.file}"\nauto row_{number}({row.parameters}) {{ {row.statement}; }}\n'
        for number, row in enumerate(rows)
    ]
    return PROLOGUE + "".join(functions) + "}\n"


def is_promised(made, row, machine):
    if QUIET in row.ways:
        return all(machine.is_quiet(each) or each in {"call " + slow for slow in SLOW} for each in made)
    return made in row.ways


def main():
    name, compiler, include, *flags = sys.argv[1:]
    target = TARGETS[name]
    rows = read_table(target.table)
    with tempfile.TemporaryDirectory() as folder:
        source, binary = pathlib.Path(folder, "rows.cpp"), pathlib.Path(folder, "rows.o")
        source.write_text(source_of(rows))
        run(*target.arguments(compiler, flags), "-I", include, "-c", source, "-o", binary)
        functions = disassemble(listing(target, binary), target.machine)
        wrong = library_calls(target, binary) + list(wrong_loops(functions, target.machine))
        if "-O2" in flags:
            if any(each.name == "mfence" for instructions in functions.values() for each in instructions):
                wrong.append("there is an mfence")
            names = {int(row.group(1)): name for name in functions if (row := re.match(r"_ZN4pawl\d+row_(\d+)E", name))}
            for number, row in enumerate(rows):
                made = list(expand(functions, target.machine, names[number]))
                if not is_promised(made, row, target.machine):
                    wrong.append(f"{row.file}:{row.line}: {row.statement}: {', '.join(made) or '-'}")
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{len(rows)} rows are right" if "-O2" in flags else "no call of a helper, no wrong loop")


if __name__ == "__main__":
    main()
