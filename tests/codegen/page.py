#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Writes the tables as pages for readers: the promised instructions, and the counts beside std::atomic.

page.py instructions FILE [--check]
page.py counts FILE INCLUDE-FOLDER; with the compilers that are there.

With --check it writes nothing, and fails where FILE isn't what it would write.
"""
import difflib
import pathlib
import re
import shutil
import sys

from counts import counts
from targets import TARGETS, read_table, run

# Of armv8.3-a only what differs from armv8.1-a is said.
COLUMNS = ["x86-64", "armv8-a", "armv8.1-a", "rv64gc"]
TITLES = {
    "std::uint64_t& a, std::uint64_t v": "atomic_ref<std::uint64_t>",
    "int& a": "Fences",
    "hazard_pointer& a, const atomic<int*>& source, int& out, int*& e": "Hazard pointers",
    "hazard_pointers<>::operation<int, 1>& a, const atomic<hazard_pointers<>::link<int>>& source": "Hazard pointers, in a container",
    "tagged_pool<>::operation<int, 1>& a, const atomic<tagged_pool<>::link<int>>& source": "A tagged pool, in a container",
    "rcu_domain::reader& a, const atomic<int*>& source, int& out": "A critical section of a reader",
    "rcu_domain& a, const atomic<int*>& source, int& out": "A critical section of a domain",
}
WRITTEN = "<!-- Written by tests/codegen/page.py from tests/codegen/tables. ./dev instructions writes it again. -->\n"
INSTRUCTIONS = """# Instructions

{written}
What each operation of `pawl::atomic` is compiled to, with each memory order and on each target. It is a promise: the tests labelled
`codegen` compile every line with g++ and clang, disassemble it and compare. The tables were written by hand, not taken
from what a compiler gave.

## How to read the table

- A line is a statement, in which `a` is the object, `v` a value and `e` the expected value of a compare-and-swap. After it stand the
  instructions that access `a` or that order memory, in their order. Everything else (moves between registers, the arithmetic of an LL/SC
  loop, the compare and its branch) is left out.
- Where a statement begins with `return`, its result is used; otherwise it is thrown away. A statement without an order has the default,
  `seq_cst`.
- `loop` is the conditional branch that closes a loop of exclusives: `ldxr, stxr, loop` tries again until it has stored. Between the two
  exclusives stands nothing but arithmetic of registers, which the tests look at, too, with `-O0` and with `-O2`. A weak compare-and-swap has
  no `loop`: it is one attempt. (But of 16 bytes it has: what `ldxp` read is one value only where the `stxp` after it succeeded.)
- *or* stands between what one compiler makes of it and what another does. A loop of compare-and-swap may have its first attempt twice.
- `-` says that there is no such instruction: the order costs nothing there, and only holds the compiler back.
- *loads and stores* says that there is nothing else, however the compiler arranges them: no exclusive, no locked instruction and no fence but
  those of an acquire or a release. What is slow is out of line, and doesn't run where the system has `membarrier`.
- Targets: `x86-64`; `armv8-a` is `backend::arm64_llsc`; `armv8.1-a` is `backend::arm64_lse`; `armv8.3-a` is the same where nothing is said of
  it; `rv64gc` is `backend::riscv64`.

On arm64, `a` in a name is the acquiring form and `l` the releasing one, and `b` and `h` at its end are one and two bytes. An instruction that
throws its result away (`stadd`) is no read, so a later acquire fence would order nothing by it: `fetch_add` therefore keeps a register
for its result even where nobody uses it (`ldadd`), and only `store_add` is a `stadd`. On RISC-V, `zero` behind a name is such a result; there it
is a read all the same. `.aq` and `.rl` acquire and release.

No object file calls a helper (`__aarch64_*`, `__atomic_*`, `__sync_*`), g++ or clang, `-O0` or `-O2`.
How many instructions that makes, beside `std::atomic`: [instruction_counts.md](instruction_counts.md).
"""
COUNTS = """# Instruction counts

<!-- Written by tests/codegen/page.py. ./dev instructions writes it again. -->
How many instructions a function takes that does nothing but one operation: pawl's, then `std::atomic`'s, by the same compiler at `-O2`. All
are counted, not only those that [instructions.md](instructions.md) names. The test `codegen/counts` fails where pawl takes more, and where
it takes no fewer of what `std::atomic` leaves out (16-byte compare-and-swap; minimum and maximum on arm64); but not on rv64gc, which is here for
information.

What `std::atomic` has not is written by hand as one has to: `fetch_min` and its like as a compare-and-swap loop, `store_add` as a `fetch_add`
whose result nobody uses. On arm64 it is compiled with `-mno-outline-atomics`, as its calls couldn't be counted. Where it calls all the same,
*call* stands for it. A number alone stands for both where they are the same.

"""


def title(parameters):
    return TITLES.get(parameters) or re.match(r"(.*?)& a", parameters).group(1)


def code(text):
    return "`" + text.replace("|", "\\|") + "`"


def cell(row):
    if row is None:
        return "not there"
    ways = [", ".join(way) if way else "-" for way in row.ways]
    return " or ".join("*loads and stores*" if way == "loads and stores" else code(way) for way in ways)


def sections(rows):
    """{title: {statement: row}}, in order."""
    found = {}
    for row in rows:
        found.setdefault(title(row.parameters), {})[row.statement] = row
    return found


def heading(name):
    return f"\n## {code(name) if '<' in name else name}\n\n"


def instructions():
    tables = {name: sections(read_table(target.table)) for name, target in TARGETS.items()}
    page = INSTRUCTIONS.format(written=WRITTEN.strip())
    for name, rows in tables["x86-64"].items():
        page += heading(name) + "| | " + " | ".join(COLUMNS) + " |\n|" + " --- |" * (len(COLUMNS) + 1) + "\n"
        for statement in rows:
            cells = []
            for column in COLUMNS:
                said = cell(tables[column].get(name, {}).get(statement))
                if column == "armv8.1-a":
                    later = cell(tables["armv8.3-a"].get(name, {}).get(statement))
                    said += f"; armv8.3-a: {later}" if later != said else ""
                cells.append(said)
            page += f"| {code(statement)} | {' | '.join(cells)} |\n"
    return page


def compilers(target):
    """[(name, version, program)] of those that are there."""
    found = []
    for name, program in (("g++", f"{target.triple}-g++" if target.triple else "g++"), ("clang++", "clang++")):
        if shutil.which(program):
            version = re.search(r"\d+\.\d+\.\d+", run(program, "--version")).group()
            found.append((name, version, program))
    return found


def counted_pages(include):
    columns, cells, order, summary = [], {}, {}, ""
    for name, target in TARGETS.items():
        for short, version, program in compilers(target):
            column = f"{name} {short}"
            columns.append(column)
            counted = counts(name, program, include)
            summary += (f"| {name} | {short} {version} | {len(counted)} | {sum(each.fewer for each in counted)} | "
                        f"{sum(each.more for each in counted)} |\n")
            for each in counted:
                key = (title(each.row.parameters), each.row.statement)
                order.setdefault(key[0], {})[key[1]] = None  # a set in the order of the tables
                theirs = "call" if each.helper else each.theirs
                cells[key, column] = f"{each.ours}" if theirs == each.ours else f"{each.ours}, {theirs}"
    page = COUNTS + "| target | compiler | operations | pawl takes fewer | pawl takes more |\n| --- | --- | --- | --- | --- |\n" + summary
    for name, statements in order.items():
        page += heading(name) + "| | " + " | ".join(columns) + " |\n|" + " --- |" * (len(columns) + 1) + "\n"
        for statement in statements:
            made = " | ".join(cells.get(((name, statement), column), "") for column in columns)
            page += f"| {code(statement)} | {made} |\n"
    return page


def main():
    kind, file, *rest = sys.argv[1:]
    path = pathlib.Path(file)
    page = instructions() if kind == "instructions" else counted_pages(rest[0])
    if "--check" not in rest:
        path.write_text(page)
    elif not path.exists() or path.read_text() != page:
        old = path.read_text() if path.exists() else ""
        lines = difflib.unified_diff(old.splitlines(), page.splitlines(), str(path), "the tables", lineterm="", n=0)
        sys.exit("\n".join(lines) + f"\n{path} is not up to date: ./dev instructions writes it again")
    else:
        print(f"{path} is up to date")


if __name__ == "__main__":
    main()
