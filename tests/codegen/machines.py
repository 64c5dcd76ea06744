# SPDX-License-Identifier: BSL-1.0
"""What the instructions of each architecture mean to the checker: which of them a table names, and what may stand in an LL/SC loop.

A machine keeps, while it reads a function, the registers that hold the address of the function's first parameter, `a`.
"""
import re


class X86:
    first_parameter = {"rdi"}
    calls = r"call|j\w+"  # clang 19 makes a tail call of a conditional branch
    call_relocation = r"R_X86_64_\w+"
    load_exclusive = store_exclusive = r"(?!)"

    @staticmethod
    def written(name, operands):
        if name.startswith(("cmp", "test")):
            return []
        # AT&T: the last operand. %edi is the lower half of %rdi.
        last = re.search(r"(?:^|,)%(\w+)$", operands)
        return ["rdi" if last and last.group(1) == "edi" else last.group(1)] if last else []

    copies = r"(?!)"  # not followed: no row needs it

    @staticmethod
    def named(name, operands, holders):
        if name == "lock":
            name = operands.split()[0]
            return "lock " + (name if name in ("sub", "cmpxchg16b") else name.rstrip("bwlq"))
        if name in ("mfence", "lfence", "sfence", "pause"):
            return name
        if name.startswith("xchg") and "(" in operands:
            return "xchg"  # locked, with or without a prefix
        if "rdi" in holders and "(%rdi)" in operands and not name.startswith(("lea", "nop")):
            return "mov" if name.startswith("mov") else name
        return None

    @staticmethod
    def is_quiet(named):
        return re.fullmatch(r"mov|(add|sub|inc|dec|cmp)[bwlq]?", named) is not None


class Arm64:
    first_parameter = {"x0"}
    calls = r"bl?"
    call_relocation = r"R_AARCH64_(CALL|JUMP)26"
    load_exclusive = r"lda?x(r[bh]?|p)"
    store_exclusive = r"stl?x(r[bh]?|p)"
    one_instruction = re.compile(r"(ld|st)(add|clr|eor|set|[su]max|[su]min)(a|l|al)?[bh]?|(swp|casp?)(a|l|al)?[bh]?")
    ordered = re.compile(r"(ldar|ldapu?r|stlu?r)[bh]?")
    conditional = r"b\.\w+|t?cbn?z|tbn?z"
    # Register arithmetic, as the architecture's manual (B2.9.5) asks for between the exclusives.
    between = re.compile(r"(add|sub|and|bic|adc|sbc)s?|orr|orn|eor|eon|mvn|negs?|cmp|cmn|tst|ccm[pn]|c(sel|setm?|sinc|sinv|sneg|inc|inv|neg)|"
                         r"mov[zkn]?|[us]xt[bhw]|ls[lr]v?|asrv?|rorv?|[us]b?fi?[xmz]|[us]bfiz|bfi|bfxil|b\.\w+|cbn?z")
    longest = None
    copies = r"mov\s+(x\d+), (x\d+)$"

    @classmethod
    def written(cls, name, operands):
        registers = [each.strip() for each in operands.split("[")[0].split(",")]
        if re.fullmatch(cls.store_exclusive, name):
            registers = registers[:1]
        elif re.match(r"ld(add|clr|eor|set|[su]m)|swp", name):
            registers = registers[1:2]
        elif re.fullmatch(r"ld\w*p\w*", name) and not name.startswith("ldap"):
            registers = registers[:2]
        elif name.startswith(("st", "cmp", "cmn", "tst", "cb", "tb", "b", "dmb", "prfm")):
            registers = []
        else:
            registers = registers[:1]
        return [re.sub(r"^w", "x", each) for each in registers]

    @classmethod
    def named(cls, name, operands, holders):
        if name in ("dmb", "dsb"):
            return f"{name} {operands.strip()}"
        if name in ("isb", "yield", "wfe", "clrex"):
            return name
        if re.fullmatch(cls.load_exclusive, name) or re.fullmatch(cls.store_exclusive, name) or cls.ordered.fullmatch(name):
            return name
        if cls.one_instruction.fullmatch(name):
            # With the zero register as its result it is no read, which the mnemonic hides in some forms and not in others.
            return name + (" xzr" if re.match(r"\w+, [xw]zr, \[", operands) else "")
        base = re.search(r"\[(x\d+)", operands)
        if base and base.group(1) in holders and name.startswith(("ld", "st", "prfm")):
            return name
        return None

    @staticmethod
    def is_quiet(named):
        return re.fullmatch(r"(ld|st)[ul]?[rp][bh]?|lda(pu?)?r[bh]?|stlu?r[bh]?", named) is not None


class Riscv64:
    first_parameter = {"a0"}
    calls = r"jal|j|jalr|jr|call|tail"
    call_relocation = r"R_RISCV_(CALL\w*|JAL)"
    load_exclusive = r"lr\.[wd](\.aq|\.rl|\.aqrl)?"
    store_exclusive = r"sc\.[wd](\.aq|\.rl|\.aqrl)?"
    conditional = r"b(eq|ne|lt|ge|gt|le)u?z?"
    # The constrained loops of the unprivileged manual (8.3): the base's integer instructions, and no more than 16 of them in all.
    between = re.compile(r"addi?w?|sub|subw|negw?|andi?|ori?|xori?|not|s(ll|rl|ra)i?w?|lui|li|mv|sext\.[bhw]|zext\.[bhw]|slti?u?|"
                         r"s(eqz|nez|ltz|gtz)|b(eq|ne|lt|ge|gt|le)u?z?|j")
    longest = 16
    copies = r"mv\s+(\w+),(\w+)$"

    @staticmethod
    def written(name, operands):
        if re.fullmatch(r"f?s[bhwdq]|b\w+|fence.*|j|jr", name):
            return []
        return [operands.split(",")[0].strip()]

    @classmethod
    def named(cls, name, operands, holders):
        if name == "fence":
            # An objdump that doesn't know Zihintpause, as binutils' 2.40, shows pause as the fence that it is encoded as.
            return "pause" if operands.strip() == "w,unknown" else "fence " + (operands.strip() or "iorw,iorw")
        if name in ("fence.tso", "pause"):
            return name
        if re.fullmatch(cls.load_exclusive, name) or re.fullmatch(cls.store_exclusive, name):
            return name
        if name.startswith("amo"):
            return name + (" zero" if operands.startswith("zero,") else "")
        base = re.search(r"\((\w+)\)$", operands)
        if base and base.group(1) in holders and re.fullmatch(r"f?[ls][bhwd]u?", name):
            return name
        return None

    @staticmethod
    def is_quiet(named):
        return re.fullmatch(r"f?[ls][bhwd]u?|fence (r,rw|rw,w)", named) is not None
