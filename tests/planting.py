# SPDX-License-Identifier: BSL-1.0
"""Mistakes planted in a copy of pawl's headers, all in one program that makes one at a time: each is behind planted::is(its number), see
planting.hpp.

Of what is planted, `at` is a piece of the header, and between backquotes what `by` takes the place of: an expression, or statements, or
nothing. It must be in the header exactly once: so a header that changes can't switch a mistake off.
"""
import shutil
import sys


def places(plant, text):
    """Where the replaced piece begins and ends in the header's text."""
    before, replaced, after = plant.at.split("`")
    whole = before + replaced + after
    if text.count(whole) != 1:
        sys.exit(f'"{plant.name}": {plant.header} has this text {text.count(whole)} times, and not once:\n{whole}')
    begin = text.index(whole) + len(before)
    return begin, begin + len(replaced)


def switched(right, number, wrong):
    if right.rstrip().endswith((";", "}")):
        return f"if (planted::is({number})) {{ {wrong} }} else {{ {right} }}"
    if not right:
        return f"if (planted::is({number})) {{ {wrong} }} "
    return f"(planted::is({number}) ? ({wrong}) : ({right}))"


def plant_all(numbered, include, copy):
    """Makes `copy` a copy of the folder `include` that has all of the pairs (number, plant)."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(include, copy)
    by_header = {}
    for number, plant in numbered:
        by_header.setdefault(plant.header, []).append((number, plant))
    for header, plants in by_header.items():
        text = (include / "pawl" / header).read_text()
        # From the last to the first, so that the places of the others stay.
        edits = sorted(((*places(plant, text), number, plant) for number, plant in plants), key=lambda edit: edit[:3], reverse=True)
        end_of_next = len(text)
        for begin, end, number, plant in edits:
            if end > end_of_next:
                sys.exit(f'"{plant.name}": its place in {header} is another\'s, too')
            text = text[:begin] + switched(text[begin:end], number, plant.by) + text[end:]
            end_of_next = begin
        (copy / "pawl" / header).write_text(text)
