#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""That the checker sees what it is for: listings with one thing wrong in each, and what it says of them."""
import unittest

from check import is_promised
from disassembly import disassemble, expand, wrong_loops
from machines import Arm64, Riscv64, X86
from targets import Row


def functions(machine, *lines):
    """One function f of these instructions, four bytes each. A label `@n` stands for the address of instruction n."""
    def written(number, line):
        name, _, operands = line.partition(" ")
        if "@" in operands:
            before, _, target = operands.partition("@")
            operands = f"{before}{int(target) * 4:x} <f+0x{int(target) * 4:x}>"
        return f"  {number * 4:x}:\t{name}\t{operands}"

    return disassemble("\n".join(["0000 <f>:", *(written(*each) for each in enumerate(lines))]), machine)


def made(machine, *lines):
    return list(expand(functions(machine, *lines), machine, "f"))


def faults(machine, *lines):
    return [each.partition(": ")[2] for each in wrong_loops(functions(machine, *lines), machine)]


class Loops(unittest.TestCase):
    def test_arithmetic_and_the_branch_of_a_compare_are_right(self):
        self.assertEqual(faults(Arm64, "ldaxr x4, [x0]", "cmp x4, x3", "b.ne @5", "stlxr w5, x2, [x0]", "cbnz w5, @0", "ret"), [])
        self.assertEqual(faults(Arm64, "ldxrb w4, [x0]", "uxtb w3, w4", "cmp w3, w1", "csel w3, w3, w1, lt", "stxrb w5, w3, [x0]", "ret"), [])
        self.assertEqual(faults(Riscv64, "lr.d.aq a4,(a0)", "bne a4,a5,@4", "sc.d.rl a3,a2,(a0)", "bnez a3,@0", "ret"), [])

    def test_a_load_or_store_between_the_exclusives(self):
        for between in ("ldr x3, [sp, #8]", "str x3, [sp, #8]", "ldp x1, x2, [x3]", "dmb ish", "bl 0 <g>", "ret"):
            self.assertEqual(len(faults(Arm64, "ldxr x4, [x0]", between, "stxr w5, x4, [x0]", "cbnz w5, @0")), 1, between)
        for between in ("ld a4,8(sp)", "sd a4,8(sp)", "fence rw,rw", "mul a4,a4,a1", "div a4,a4,a1", "jal 0 <g>", "ret", "amoadd.d a1,a2,(a3)"):
            self.assertEqual(len(faults(Riscv64, "lr.d a4,(a0)", between, "sc.d a5,a4,(a0)", "bnez a5,@0")), 1, between)

    def test_a_branch_back_between_the_exclusives(self):
        self.assertEqual(len(faults(Arm64, "nop", "ldxr x4, [x0]", "cbnz x4, @1", "stxr w5, x4, [x0]")), 1)
        self.assertEqual(len(faults(Riscv64, "nop", "lr.d a4,(a0)", "beqz a4,@1", "sc.d a5,a4,(a0)")), 1)
        self.assertEqual(len(faults(Riscv64, "nop", "lr.d a4,(a0)", "mv a3,a4", "beqz a4,@2", "sc.d a5,a4,(a0)")), 1)

    def test_a_branch_back_out_of_the_loop_is_right(self):
        self.assertEqual(faults(Arm64, "nop", "ldxr x4, [x0]", "cbnz x4, @0", "stxr w5, x4, [x0]"), [])
        self.assertEqual(faults(Riscv64, "nop", "lr.d a4,(a0)", "bne a4,a1,@0", "sc.d a5,a4,(a0)"), [])

    def test_a_load_exclusive_without_its_store(self):
        self.assertEqual(len(faults(Arm64, "ldxr x4, [x0]", "mov x0, x4")), 1)
        self.assertEqual(len(faults(Arm64, "ldxr x4, [x0]", "ldxr x4, [x0]", "stxr w5, x4, [x0]")), 1)

    def test_a_constrained_loop_has_16_instructions_at_most(self):
        loop = ["lr.w a4,(a0)", *["addi a4,a4,1"] * 13, "sc.w a5,a4,(a0)", "bnez a5,@0"]
        self.assertEqual(faults(Riscv64, *loop), [])
        self.assertEqual(len(faults(Riscv64, *loop[:1], "xor a4,a4,a1", *loop[1:])), 1)


class Instructions(unittest.TestCase):
    def test_what_the_table_names(self):
        self.assertEqual(made(Arm64, "mov x2, x0", "ldaxr x0, [x2]", "add x3, x0, x1", "stxr w4, x3, [x2]", "cbnz w4, @1", "ret"),
                         ["ldaxr", "stxr", "loop"])
        self.assertEqual(made(Arm64, "mov w1, #0x1", "str w1, [x0]", "dmb ish", "ret"), ["str", "dmb ish"])
        self.assertEqual(made(Riscv64, "fence rw,w", "sd a1,0(a0)", "fence", "ret"), ["fence rw,w", "sd", "fence iorw,iorw"])
        self.assertEqual(made(Riscv64, "lr.w.aq a4,(a0)", "sc.w.rl a5,a4,(a0)", "bnez a5,@0"), ["lr.w.aq", "sc.w.rl", "loop"])
        self.assertEqual(made(X86, "lock cmpxchg %rsi,(%rdi)", "mfence", "ret"), ["lock cmpxchg", "mfence"])

    def test_only_accesses_of_a_are_named(self):
        self.assertEqual(made(Arm64, "ldr x3, [x1]", "ldr x0, [x0]", "ldr x1, [x0]"), ["ldr"])
        self.assertEqual(made(Arm64, "mov x4, x0", "ldr x0, [x1]", "str x1, [x4]", "str x1, [x0]"), ["str"])
        self.assertEqual(made(Riscv64, "mv a5,a0", "ld a0,0(a1)", "sd a1,0(a5)", "sd a1,0(a0)"), ["sd"])

    def test_a_result_that_is_thrown_away_is_seen(self):
        self.assertEqual(made(Arm64, "ldadda x1, xzr, [x0]", "ldadd x1, x2, [x0]", "stadd x1, [x0]"), ["ldadda xzr", "ldadd", "stadd"])
        self.assertEqual(made(Riscv64, "amoadd.d zero,a1,(a0)", "amoadd.d a0,a1,(a0)"), ["amoadd.d zero", "amoadd.d"])

    def test_calls(self):
        self.assertEqual(made(Arm64, "bl 0 <__aarch64_ldadd8_acq>", "ret"), ["call __aarch64_ldadd8_acq"])
        listing = "0000 <f>:\n   0:\tauipc\tra,0x0\n\t\t\t0: R_RISCV_CALL_PLT\t_ZN4pawl10full_fenceEv\n   4:\tjalr\tra\n"
        self.assertEqual(list(expand(disassemble(listing, Riscv64), Riscv64, "f")), ["call full_fence"])


class Promises(unittest.TestCase):
    @staticmethod
    def row(*ways):
        return Row("table", 1, "", "", [way.split(", ") for way in ways])

    def test_a_wrong_row_fails(self):
        self.assertTrue(is_promised(["ldaxr", "stxr", "loop"], self.row("ldaxr, stxr, loop"), Arm64))
        for wrong in ("ldxr, stxr, loop", "ldaxr, stlxr, loop", "ldaxr, stxr", "ldaxr, stxr, loop, dmb ish", "ldadda", "-"):
            self.assertFalse(is_promised(["ldaxr", "stxr", "loop"], self.row(wrong), Arm64), wrong)

    def test_loads_and_stores_are_no_fences(self):
        quiet = self.row("loads and stores")
        self.assertTrue(is_promised(["ldr", "stlr", "ldapr", "call full_fence"], quiet, Arm64))
        for loud in ("dmb ish", "dmb ishld", "ldxr", "stxr", "cas", "ldadd", "swp", "stadd", "isb", "call something_else"):
            self.assertFalse(is_promised(["ldr", loud], quiet, Arm64), loud)
        self.assertTrue(is_promised(["ld", "fence r,rw", "fence rw,w", "sd"], quiet, Riscv64))
        for loud in ("fence rw,rw", "fence iorw,iorw", "fence.tso", "lr.d", "sc.d", "amoadd.d", "amoswap.w zero"):
            self.assertFalse(is_promised(["ld", loud], quiet, Riscv64), loud)
        for loud in ("xchg", "lock add", "mfence", "lock cmpxchg"):
            self.assertFalse(is_promised(["mov", loud], quiet, X86), loud)


if __name__ == "__main__":
    unittest.main()
