#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compiles a device function for each row of the table and each scope, and compares its PTX with what the row says.

instructions.py NVCC INCLUDE-FOLDER ARCHITECTURE..., as in `instructions.py nvcc include 75 90`
instructions.py --self-test: that the comparison sees what is wrong in PTX
"""
import pathlib
import re
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "codegen"))
from targets import read_table, run  # noqa: E402

SCOPES = {"thread": "cta", "block": "cta", "cluster": "cluster", "device": "gpu", "system": "sys"}
# What shares or orders memory: accesses with an order or volatile, and whatever else isn't a plain access.
STRONG = re.compile(r"(?:ld|st)(?=\S*\.(?:relaxed|acquire|release|volatile|mmio))\S*|(?:atom|red|redux|bar|fence|membar|nanosleep|call|trap)\b\S*")
# The backend has its device form in the pass for the device only, so the other one doesn't see the rows.
PROLOGUE = """
#include <pawl/atomic.hpp>
#include <pawl/cuda.hpp>
#include <pawl/tagged.hpp>
#if defined(__CUDA_ARCH__)
namespace pawl {
using enum std::memory_order;
"""


def rows_for(architecture):
    rows = read_table(str(HERE / "instructions.txt")) + read_table(str(HERE / "instructions_warp.txt"))
    if architecture >= 80:
        rows += read_table(str(HERE / "instructions_sm_80.txt"))
    if architecture >= 90:
        rows += read_table(str(HERE / "instructions_sm_90.txt"))
    return rows


def source_of(rows):
    lines = [PROLOGUE]
    for scope in SCOPES:
        lines += [f"namespace in_{scope} {{", f"using B = backend::cuda<scope::{scope}>;"]
        for number, row in enumerate(rows):
            lines.append(f'#line {row.line} "{row.file}"')
            lines.append(f'extern "C" __device__ auto row_{number}_{scope}({row.parameters}) {{ {row.statement}; }}')
        lines.append("}")
    return "\n".join(lines) + "\n}\n#endif\n"


def functions_of(ptx):
    """{function: [instruction]} of PTX, as the table names them."""
    functions, current, labels = {}, None, set()
    for line in ptx.splitlines():
        text = line.split("//")[0].strip()
        if header := re.search(r"\.func .*?\b(row_\w+)\(|\.func (row_\w+)\(", text):
            current, labels = functions.setdefault(header.group(1) or header.group(2), []), set()
        elif current is None:
            continue
        elif label := re.fullmatch(r"(\$\w+):", text):
            labels.add(label.group(1))
        elif branch := re.search(r"\bbra(?:\.uni)?\s+(\$\w+);", text):
            if branch.group(1) in labels:
                current.append("loop")
        else:
            instruction = re.sub(r"^@!?%p\d+\s+", "", text).split()[:1]
            if instruction and STRONG.fullmatch(name := instruction[0].rstrip(";")):
                current.append(name)
    return functions


def wrong_rows(rows, functions, architecture):
    for scope, name in SCOPES.items():
        if name == "cluster" and architecture < 90:
            name = "gpu"
        for number, row in enumerate(rows):
            promised = [[each.replace("SCOPE", name) for each in way] for way in row.ways]
            made = functions.get(f"row_{number}_{scope}")
            if made not in promised:
                found = "no such function" if made is None else ", ".join(made) or "-"
                yield f"{row.file}:{row.line}: sm_{architecture}, {scope}: {row.statement}: {found}"


def check(nvcc, include, architecture):
    rows = rows_for(architecture)
    with tempfile.TemporaryDirectory() as folder:
        source, ptx = pathlib.Path(folder, "rows.cu"), pathlib.Path(folder, "rows.ptx")
        source.write_text(source_of(rows))
        run(nvcc, "-std=c++20", "--expt-relaxed-constexpr", "-rdc=true", "-Werror", "all-warnings", "-I", include,
            f"-arch=compute_{architecture}", "-ptx", source, "-o", ptx)
        # That the assembler takes it is another matter.
        run(nvcc, f"-arch=sm_{architecture}", "-rdc=true", "-Werror", "all-warnings", "-cubin", ptx, "-o", ptx.with_suffix(".cubin"))
        if wrong := list(wrong_rows(rows, functions_of(ptx.read_text()), architecture)):
            sys.exit("\n".join(wrong))
    print(f"sm_{architecture}: {len(rows)} rows are right in {len(SCOPES)} scopes")


def self_test():
    rows = [row for row in rows_for(75) if row.statement == "return B::fetch_add(a, v, acquire)" and "uint8" in row.parameters]
    right = """
.visible .func  (.param .b32 func_retval0) row_0_{}(
	ld.param.u64 	%rd3, [row_0_param_0];
	ld.relaxed.{}.b32 %r27, [%rd2];
$L__BB1_1:
	atom.acquire.{}.cas.b32 %r14, [%rd2], %r27, %r16;
	@%p1 bra 	$L__BB1_1;
	ret;
"""
    all_right = "".join(right.replace("{}", scope, 1).replace("{}", SCOPES[scope].replace("cluster", "gpu")) for scope in SCOPES)
    mistakes = [("acquire.cta", "relaxed.cta"), (".gpu.cas", ".cta.cas"), ("ld.relaxed.sys", "ld"), ("cas.b32", "cas.b64"),
                ("\t@%p1 bra", "\t@%p1 mov"), ("\tret;", "\tfence.sc.sys;"), ("\tret;", "\tred.relaxed.gpu.add.u32 [%rd1], %r1;"),
                ("row_0_block", "row_1_block"), ("\tret;", "\tcall.uni helper;")]
    assert len(rows) == 1 and not list(wrong_rows(rows, functions_of(all_right), 75))
    for before, after in mistakes:
        assert before in all_right and list(wrong_rows(rows, functions_of(all_right.replace(before, after, 1)), 75)), before
    print(f"{len(mistakes)} mistakes are seen")


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    else:
        for each in sys.argv[3:]:
            check(sys.argv[1], sys.argv[2], int(each))
