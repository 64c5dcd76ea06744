#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compares how many instructions pawl's atomics take with how many std::atomic takes for the same, row by row of a target's table.

counts.py TARGET COMPILER INCLUDE-FOLDER [--inform]; fails where pawl takes more, and where it takes no fewer though std::atomic
leaves the operation out, or only says so. Counted is the whole function at -O2, for both by the same compiler.
What std::atomic has not is written by hand as one has to: its result thrown away for store_*, a compare-and-swap loop for the others.
"""
import dataclasses
import pathlib
import re
import sys
import tempfile

from disassembly import disassemble
from targets import TARGETS, Row, listing, read_table, run

PROLOGUE = """
#include <atomic>
#include <limits>
#include <pawl/pawl.hpp>
namespace theirs {
using pawl::tagged;
using std::atomic, std::atomic_ref;
using enum std::memory_order;

template <class T, class F>
T update(atomic<T>& a, F f, std::memory_order order = seq_cst) {
  T old = a.load(relaxed);
  while (!a.compare_exchange_weak(old, f(old), order, relaxed)) {
  }
  return old;
}
template <class T>
T fetch_min(atomic<T>& a, T v, std::memory_order order = seq_cst) {
  return update(a, [v](T old) { return v < old ? v : old; }, order);
}
template <class T>
T fetch_max(atomic<T>& a, T v, std::memory_order order = seq_cst) {
  return update(a, [v](T old) { return v > old ? v : old; }, order);
}
template <class T>
T fetch_add_sat(atomic<T>& a, T v, std::memory_order order = seq_cst) {
  return update(a, [v](T old) {
    T sum;
    const bool overflows = __builtin_add_overflow(old, v, &sum);
    return !overflows ? sum : v < 0 ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
  }, order);
}
template <class T>
T fetch_inc_wrap(atomic<T>& a, T limit, std::memory_order order = seq_cst) {
  return update(a, [limit](T old) { return old >= limit ? T(0) : T(old + 1); }, order);
}
template <class T>
T fetch_inc_below(atomic<T>& a, T limit, std::memory_order order = seq_cst) {
  const auto failure = order == acq_rel ? acquire : order == release ? relaxed : order;
  T old = a.load(failure);
  while (old < limit && !a.compare_exchange_weak(old, T(old + 1), order, failure)) {
  }
  return old;
}
"""
# Not counted: what has no counterpart, and what the quiet rows look at.
WITHOUT_PEER = r"pause|asymmetric|hazard|rcu|pool|a = 1"
# Of std::atomic, clang makes a store of an exchange whose result nobody takes, unless it acquires. (Who wants that says store.)
A_STORE = r"a\.exchange\(v, (relaxed|release)\)"
# What std::atomic leaves out: compare-and-swap of 16 bytes, which it calls (with LSE clang has it), and minimum and maximum, which are one loop
# on arm64, or one instruction. (On x86 they are a loop for both. A store_add has as few as an addition whose result nobody takes, there and
# here, and a fence is one.)
CAS_OF_16, LEAST = r"tagged<int\*>.*compare_exchange", r"\b(fetch|store)_(min|max)\("
BELOW = {"x86-64": CAS_OF_16, "armv8-a": f"{CAS_OF_16}|{LEAST}", "armv8.1-a": LEAST, "armv8.3-a": LEAST}
PADDING = r"nop.*|data16|cs|xchg %ax,%ax"


@dataclasses.dataclass
class Count:
    row: Row
    ours: int
    theirs: int
    helper: str  # the function that theirs calls, whose instructions aren't counted

    @property
    def more(self):
        return self.ours > self.theirs and not self.helper

    @property
    def fewer(self):
        return self.ours < self.theirs or self.helper != ""


def peer_of(row):
    """The parameters and the statement with which std::atomic does the same."""
    statement = row.statement.replace("native::thread_fence", "std::atomic_thread_fence")
    statement = re.sub(r"\.store_(add|sub|and|or|xor)\(", r".fetch_\1(", statement)
    statement = re.sub(r"\ba\.(?:fetch|store)_(min|max)\(", r"fetch_\1(a, ", statement)
    statement = re.sub(r"\ba\.(fetch_add_sat|fetch_inc_\w+)\(", r"\1(a, ", statement)
    statement = statement.replace("a.fetch_update(", "update(a, ")
    return row.parameters.replace("atomic_flag<>", "std::atomic_flag"), statement


def source_of(rows):
    def functions(sides):
        return "".join(f'#line {row.line} "{row.file}"\nauto row_{number}({parameters}) {{ {statement}; }}\n'
                       for number, (row, (parameters, statement)) in enumerate(zip(rows, sides)))

    return (PROLOGUE + functions(map(peer_of, rows)) + "}\nnamespace ours {\nusing namespace pawl;\nusing enum std::memory_order;\n" +
            functions((row.parameters, row.statement) for row in rows) + "}\n")


def length(functions, name, seen=()):
    """The instructions of a function with those of what it calls, and the last function that it calls and isn't there."""
    total, helper = 0, ""
    for each in functions[name]:
        total += not re.fullmatch(PADDING, each.text) and not re.fullmatch(PADDING, each.name)
        if each.called in functions and each.called not in seen:
            more, inner = length(functions, each.called, (*seen, name))
            total, helper = total + more, inner or helper
        elif each.called and each.called not in functions:
            helper = each.called
    return total, helper


def counts(name, compiler, include):
    target = TARGETS[name]
    rows = [row for row in read_table(target.table)
            if not re.search(WITHOUT_PEER, row.parameters + row.statement) and not re.fullmatch(A_STORE, row.statement)]
    with tempfile.TemporaryDirectory() as folder:
        source, binary = pathlib.Path(folder, "rows.cpp"), pathlib.Path(folder, "rows.o")
        source.write_text(source_of(rows))
        run(*target.arguments(compiler, ["-O2", *target.peer_flags]), "-w", "-I", include, "-c", source, "-o", binary)
        functions = disassemble(listing(target, binary), target.machine)
    names = {}
    for function in functions:
        if found := re.match(r"_ZN(4ours|6theirs)\d+row_(\d+)E", function):
            names[found.group(1)[1:], int(found.group(2))] = function
    result = []
    for number, row in enumerate(rows):
        ours, call = length(functions, names["ours", number])
        if call:
            sys.exit(f"{row.file}:{row.line}: pawl calls {call}")
        result.append(Count(row, ours, *length(functions, names["theirs", number])))
    return result


def main():
    name, compiler, include, *inform = sys.argv[1:]
    counted = counts(name, compiler, include)
    more = [each for each in counted if each.more]
    for each in more:
        print(f"{each.row.file}:{each.row.line}: [{each.row.parameters}] {each.row.statement}: {each.ours} instead of {each.theirs}")
    below = BELOW.get(name, "nothing")
    equal = [each for each in counted if not each.fewer and re.search(below, each.row.parameters + each.row.statement)]
    for each in equal:
        print(f"{each.row.file}:{each.row.line}: [{each.row.parameters}] {each.row.statement}: {each.ours}, no fewer than {each.theirs}")
    summary = f"{len(counted)} rows: {sum(each.fewer for each in counted)} with fewer instructions than std::atomic, {len(more)} with more"
    print(summary)
    if (more or equal) and not inform:
        sys.exit(1)


if __name__ == "__main__":
    main()
