#!/usr/bin/env python3
"""Puts PAWL_HOST_DEVICE in front of the functions of headers that kernels use, and PAWL_HOST_DEVICE_BEGIN and _END around them.

annotate.py REPOSITORY: may be run again; changes nothing else. Left alone are constexpr functions, which nvcc takes with
--expt-relaxed-constexpr, and defaulted and deleted ones, of which nvcc derives it.
"""
import pathlib
import re
import subprocess
import sys

FILES = """
atomic.hpp atomic_ref.hpp tagged.hpp backoff.hpp environment.hpp
detail/atomic_value.hpp detail/operations.hpp detail/waiting.hpp detail/fail.hpp
fence.hpp reclaimer.hpp tagged_pool.hpp stack.hpp queue.hpp
detail/domain_memory.hpp detail/pool_node.hpp detail/pool_blocks.hpp detail/pool_free_list.hpp
""".split()
# Parts of files that are the host's: from the line that holds the first to the line that is the second.
HOSTS = {
    "environment.hpp": [("struct environment {", "};")],
    "backoff.hpp": [("class yield_backoff {", "};")],
}

TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|#(?:[^\n\\]|\\.|\\\n)*|R"\((?:.*?)\)"|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'|\w+|\s+|::|->|\S', re.S)


def tokens(text):
    """[(position, token)] without white space, comments and preprocessor lines."""
    found = []
    for each in TOKEN.finditer(text):
        piece = each.group()
        if piece.isspace() or piece.startswith(("//", "/*")) or piece[0] == "#":
            continue
        found.append((each.start(), piece))
    return found


PAIRS = {"(": ")", "[": "]", "{": "}"}


def closing(found, i):
    """The index of what closes the bracket at i."""
    stack = []
    while i < len(found):
        piece = found[i][1]
        if piece in PAIRS:
            stack.append(PAIRS[piece])
        elif stack and piece == stack[-1]:
            stack.pop()
            if not stack:
                return i
        i += 1
    raise SystemExit("no closing bracket")


def angle(found, i):
    """The index of what closes the template's < at i."""
    depth = 0
    while True:
        piece = found[i][1]
        if piece in "([{":
            i = closing(found, i)
        elif piece == "<":
            depth += 1
        elif piece == ">":
            depth -= 1
            if depth == 0:
                return i
        i += 1


ATTRIBUTES = {"PAWL_ALWAYS_INLINE"}


def start_of(found, i, end):
    """Behind template<...>, a leading requires-clause, attributes and explicit/friend/static stay in front of what is declared."""
    while i < end:
        piece = found[i][1]
        if piece == "template" and found[i + 1][1] == "<":
            i = angle(found, i + 1) + 1
        elif piece == "requires":
            i += 1
            while True:
                if found[i][1] == "(":
                    i = closing(found, i) + 1
                else:  # name<...> with perhaps :: and such
                    while re.fullmatch(r"\w+|::", found[i][1]):
                        i += 1
                        if found[i][1] == "<":
                            i = angle(found, i) + 1
                            break
                if found[i][1] in "&|" and found[i + 1][1] in "&|":
                    i += 2
                    continue
                if found[i][1] == "{":  # requires { ... } or requires requires(...) { ... }
                    i = closing(found, i) + 1
                break
        elif piece == "[" and found[i + 1][1] == "[":
            i = closing(found, i) + 1
        elif piece in ATTRIBUTES:
            i += 1
        else:
            break
    return i


def functions(found, begin, end, out):
    """Positions of the functions between two indices of a namespace's or a class's text."""
    i = begin
    while i < end:
        piece = found[i][1]
        if piece in (";", "}"):
            i += 1
            continue
        if piece in ("public", "private", "protected") and found[i + 1][1] == ":":
            i += 2
            continue
        first = start_of(found, i, end)
        word = found[first][1]
        # To the end of the declaration, or to the brace that opens a body.
        j, parens, assigned, names = first, None, False, []
        while j < end and found[j][1] not in (";", "{"):
            this = found[j][1]
            if this == "operator" and found[j + 1][1] != "(" or this == "operator" and found[j + 3][1] == "(":
                # operator(), operator+=, operator T: a name like others
                j += 1
                while found[j][1] != "(" or (found[j + 1][1] == ")" and found[j + 2][1] == "("):
                    j += 1 if found[j][1] != "(" else 2
                names.append("operator")
                continue
            if this in ("(", "["):
                if this == "(" and parens is None and not assigned and names and names[-1] not in ("alignas", "noexcept", "decltype", "requires", "requires"):
                    parens = j
                j = closing(found, j)
            elif this == "<" and names and names[-1] not in ("operator",) and re.fullmatch(r"\w+", names[-1]) and parens is None:
                j = angle(found, j)
            elif this == "=" and parens is None and (not names or names[-1] != "operator") and not (names and names[-1] == "=" ):
                assigned = True
            names.append(this)
            j += 1
        head = names
        if word in ("namespace", "struct", "class", "union", "extern") and parens is None and j < end and found[j][1] == "{":
            close = closing(found, j)
            functions(found, j + 1, close, out)
            i = close + 1
            continue
        is_function = (parens is not None and word not in ("static_assert", "using", "enum", "concept", "typedef", "asm")
                       and "concept" not in head)
        if is_function:
            tail = [t for _, t in found[parens:j]]
            plain = "constexpr" not in head and "consteval" not in head
            guide = found[first + 1][1] == "(" and "->" in tail
            special = guide or any(a == "=" and b in ("default", "delete") for a, b in zip(tail, tail[1:]))
            if plain and not special and found[first - 1][1] != "PAWL_HOST_DEVICE" and word != "PAWL_HOST_DEVICE":
                out.append(found[first][0])
        # Past the initializers of a constructor (which may have braces) and the body.
        if j < end and found[j][1] == "{":
            while True:
                close = closing(found, j)
                following = found[close + 1][1] if close + 1 < len(found) else ""
                if following == "," or (following == "{" and ":" in head) or following == "requires":
                    j = close + 1
                    while found[j][1] != "{":
                        j = closing(found, j) if found[j][1] in "([" else j
                        j += 1
                    continue
                break
            i = close + 1
        else:
            i = j + 1


def host_parts(text, name):
    parts = []
    for first, last in HOSTS.get(name, []):
        begin = text.find(first)
        if begin >= 0:
            parts.append((begin, text.index("\n" + last, begin)))
    return parts


def annotate(text, name):
    found = tokens(text)
    out = []
    functions(found, 0, len(found), out)
    skip = host_parts(text, name)
    for position in sorted(out, reverse=True):
        if not any(a <= position <= b for a, b in skip):
            text = text[:position] + "PAWL_HOST_DEVICE " + text[position:]
    if "PAWL_HOST_DEVICE_BEGIN" not in text and "PAWL_HOST_DEVICE " in text:
        begin = text.index("\nnamespace pawl::inline v0")
        text = text[:begin] + "\nPAWL_HOST_DEVICE_BEGIN\n" + text[begin:]
        last = list(re.finditer(r"\n}  // namespace pawl::inline v0[^\n]*\n", text))[-1].end()
        text = text[:last] + "\nPAWL_HOST_DEVICE_END\n" + text[last:]
    return text


def main():
    root = pathlib.Path(sys.argv[1], "include/pawl")
    for name in sys.argv[2:] or FILES:
        path = root / name
        before = path.read_text()
        after = annotate(before, name)
        if after != before:
            path.write_text(after)
            subprocess.run(["clang-format-19", "-i", path], check=True)
        print(name, after.count("PAWL_HOST_DEVICE "))


if __name__ == "__main__":
    main()
