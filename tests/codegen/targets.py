# SPDX-License-Identifier: BSL-1.0
"""The targets: what each is compiled with and by, what reads its object files, and which table promises its instructions."""
import dataclasses
import pathlib
import re
import subprocess
import sys

from machines import Arm64, Riscv64, X86

HERE = pathlib.Path(__file__).parent


@dataclasses.dataclass
class Target:
    table: str
    machine: type
    triple: str  # clang takes it as an option; the binary tools and g++ have it as a prefix, but for the host's own
    flags: tuple = ()
    # What std::atomic is compiled with to be compared: without calls, as pawl is.
    peer_flags: tuple = ()

    def arguments(self, compiler, flags):
        cross = ["--target=" + self.triple] if "clang" in pathlib.Path(compiler).name and self.triple else []
        return [compiler, *cross, "-std=c++20", "-DNDEBUG", *self.flags, *flags]

    def tool(self, name):
        return f"{self.triple}-{name}" if self.triple else name


NO_HELPERS = ("-mno-outline-atomics",)
TARGETS = {
    "x86-64": Target("x86-64.txt", X86, ""),
    "armv8-a": Target("arm64-llsc.txt", Arm64, "aarch64-linux-gnu", ("-march=armv8-a",), NO_HELPERS),
    "armv8.1-a": Target("arm64-lse.txt", Arm64, "aarch64-linux-gnu", ("-march=armv8.1-a",), NO_HELPERS),
    "armv8.3-a": Target("arm64-rcpc.txt", Arm64, "aarch64-linux-gnu", ("-march=armv8.3-a",), NO_HELPERS),
    # Without relaxation by the linker, branches have their targets in the object file already.
    "rv64gc": Target("riscv64.txt", Riscv64, "riscv64-linux-gnu", ("-march=rv64gc", "-mno-relax")),
}


@dataclasses.dataclass
class Row:
    file: str
    line: int
    parameters: str
    statement: str
    ways: list  # of lists of instructions; each compiler may have its way


def read_table(name):
    """The rows of a table, in order. `@over FILE` begins with those of another table, of which its own rows replace some."""
    rows, parameters = {}, None
    for number, line in enumerate((HERE / "tables" / name).read_text().splitlines(), 1):
        line = line.strip()
        if line.startswith("@over "):
            rows = {(row.parameters, row.statement): row for row in read_table(line.split()[1])}
            inherited = set(rows)
        elif line.startswith("["):
            parameters = line[1:-1]
        elif line and not line.startswith("#"):
            statement, expected = re.split(r"\s{2,}", line)
            key = (parameters, statement)
            if key in rows and rows[key].file == name:
                sys.exit(f"{name}:{number}: is there a second time: {statement}")
            if rows and "inherited" in locals() and key not in inherited:
                sys.exit(f"{name}:{number}: replaces no row: {statement}")
            ways = [[] if way.strip() == "-" else [each.strip() for each in way.split(", ")] for way in expected.split(" / ")]
            rows[key] = Row(name, number, parameters, statement, ways)
    return list(rows.values())


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def listing(target, binary):
    return run(target.tool("objdump"), "-dr", "--no-show-raw-insn", binary)


def linked_listing(target, binary):
    """The same, but without relocations, since it is linked, to nothing: objdump takes a second then and not fifteen, where it would
    look up each of the assembler's labels among thousands."""
    linked = binary.with_suffix(".linked")
    run(target.tool("ld"), "--unresolved-symbols=ignore-all", "--no-relax", "-e", "0", "--discard-locals", binary, "-o", linked)
    return run(target.tool("objdump"), "-d", "--no-show-raw-insn", linked)


def library_calls(target, binary):
    """What an object file asks of libatomic, of libgcc's out-of-line atomics or of what else isn't there on every machine."""
    undefined = run(target.tool("nm"), "-u", binary).split()
    return [f"calls {name}" for name in undefined if re.match(r"__(aarch64|atomic|sync)_", name)]
