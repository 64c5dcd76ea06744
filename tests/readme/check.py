#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compiles and runs every program of a page; what it prints must be what the comments beside its `std::cout` say.

check.py PAGE PROGRAMS LINES INCLUDE COMPILER [FLAG...]: at least so many programs, none with more lines"""
import pathlib
import re
import subprocess
import sys
import tempfile


def main():
    page, least, most_lines, include, *compiler = sys.argv[1:]
    programs = re.findall(r"^```cpp\n(.*?)^```$", pathlib.Path(page).read_text(), re.DOTALL | re.MULTILINE)
    if len(programs) < int(least):
        sys.exit(f"{len(programs)} programs found; there are at least {least}")
    for number, text in enumerate(programs, 1):
        wanted = re.findall(r"std::cout.*// (.+)$", text, re.MULTILINE)
        with tempfile.TemporaryDirectory() as folder:
            source, program = pathlib.Path(folder, "readme.cpp"), pathlib.Path(folder, "readme")
            source.write_text(text)
            subprocess.run([*compiler, "-std=c++20", "-Wall", "-Wextra", "-Werror", f"-I{include}", source, "-o", program, "-pthread"],
                           check=True)
            printed = subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout.split("\n")[:-1]
        if printed != wanted:
            sys.exit(f"program {number} printed {printed}, its comments say {wanted}")
        if len(text.splitlines()) > int(most_lines):
            sys.exit(f"program {number} has more than {most_lines} lines")


if __name__ == "__main__":
    main()
