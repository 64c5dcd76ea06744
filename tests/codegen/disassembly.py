# SPDX-License-Identifier: BSL-1.0
"""The functions of an object file, as lists of instructions; what of them a table names; and what is wrong with their LL/SC loops."""
import dataclasses
import re

# Out of line: what a light fence does without membarrier, a thread's first critical section, one in another, and the end of one without
# memory.
SLOW = ("full_fence", "lock_first", "lock_otherwise", "unlock_otherwise", "unlock_without_record")


@dataclasses.dataclass
class Instruction:
    address: int
    name: str
    operands: str
    part: int  # the same for all that stand in one piece: a function's cold part stands elsewhere
    called: str = ""  # the function that it calls or jumps to, where it is one

    @property
    def text(self):
        return f"{self.name} {self.operands}".strip()

    def target(self):
        """The address that a branch goes to."""
        found = re.search(r"(?:^|[\s,])(?:0x)?([0-9a-f]+) <[^>]*>$", self.operands)
        return int(found.group(1), 16) if found else None


def disassemble(listing, machine):
    """{function: [Instruction]} of what objdump -dr --no-show-raw-insn says; a function's cold part is behind it."""
    functions, current, own, part = {}, None, "", 0
    for line in listing.splitlines():
        if relocation := re.search(r"\s(R_\w+)\s+(\S+?)(?:[-+]0x[0-9a-f]+)?$", line):
            # What an instruction calls stands here; within its section, it stands in the instruction.
            if current and re.fullmatch(machine.call_relocation, relocation.group(1)):
                last, symbol = current[-1], relocation.group(2)
                if last.name == "auipc" or re.fullmatch(machine.calls, last.name):
                    last.called = "" if symbol.startswith(".") else symbol
        elif header := re.match(r"[0-9a-f]+ <(.*?)(\.cold)?>:$", line):
            if not header.group(1).startswith(".L"):
                own, part = header.group(1), part + 1
                current = functions.setdefault(own, [])
        elif current is not None and (found := re.match(r"\s*([0-9a-f]+):\t(\S+)\s*([^\t]*)", line)):
            address, name, operands = found.groups()
            operands = re.split(r"\s*(?://|#(?!-?\d|0x))", operands)[0].strip()
            current.append(Instruction(int(address, 16), name, operands, part))
            if re.fullmatch(machine.calls, name) and (named := re.search(r"<([^+>]*)>$", operands)):
                current[-1].called = "" if named.group(1).startswith(".L") else named.group(1)
    for own, instructions in functions.items():
        for each in instructions:
            if each.called.removesuffix(".cold") == own:
                each.called = ""
    return functions


def is_loop(instructions, index, machine):
    """Whether this one closes an LL/SC loop: a conditional branch back to a load-exclusive, or to something before it."""
    branch = instructions[index]
    if not hasattr(machine, "conditional") or not re.fullmatch(machine.conditional, branch.name):
        return False
    target = branch.target()
    return target is not None and any(
        re.fullmatch(machine.load_exclusive, each.name) and each.part == branch.part and target <= each.address < branch.address
        for each in instructions[:index])


def what_matters(instructions, machine):
    """The instructions as a table names them, and '>' with the name of a function where one is called."""
    holders, matters = set(machine.first_parameter), []
    for index, each in enumerate(instructions):
        if index and each.part != instructions[index - 1].part:
            holders = set()  # a cold part: who knows what the registers hold there
        if named := machine.named(each.name, each.operands, holders):
            matters.append(named)
        elif is_loop(instructions, index, machine):
            matters.append("loop")
        if each.called:
            matters.append(">" + each.called)
        copy = re.match(machine.copies, each.text)
        for register in machine.written(each.name, each.operands):
            if not (copy and copy.group(2) in holders):
                holders.discard(register)
        if copy and copy.group(2) in holders:
            holders.add(copy.group(1))
    return matters


def expand(functions, machine, name, seen=()):
    """What matters in a function, with that of what it calls, but for what is slow, and out of line."""
    for each in what_matters(functions[name], machine):
        if not each.startswith(">"):
            yield each
        elif slow := next((slow for slow in SLOW if slow in each), None):
            yield "call " + slow
        elif each[1:] not in functions:
            yield "call " + each[1:]
        elif each[1:] not in seen:
            yield from expand(functions, machine, each[1:], (*seen, name))


def wrong_loops(functions, machine):
    """Sentences about what stands between a load-exclusive and its store-exclusive and must not, over all functions."""
    for name, instructions in functions.items():
        start = None
        for index, each in enumerate(instructions):
            if re.fullmatch(machine.load_exclusive, each.name):
                if start is not None:
                    yield f"{name}: {each.text} at {each.address:x}: a load-exclusive follows another, with no store-exclusive between"
                start = index
            elif start is None:
                continue
            elif re.fullmatch(machine.store_exclusive, each.name):
                # The branch that tries again counts, too.
                if machine.longest and index + 2 - start > machine.longest:
                    yield f"{name}: {index + 2 - start} instructions in the loop at {instructions[start].address:x}"
                start = None
            elif not machine.between.fullmatch(each.name) or each.called:
                yield f"{name}: {each.text} at {each.address:x}: stands between a load-exclusive and its store-exclusive"
            elif (target := each.target()) is not None and instructions[start].address <= target <= each.address:
                # Back to something before the load-exclusive is a way out of the loop, as of a compare that found another value.
                yield f"{name}: {each.text} at {each.address:x}: goes back before the store-exclusive"
        if start is not None:
            yield f"{name}: {instructions[start].text} at {instructions[start].address:x}: no store-exclusive follows"
