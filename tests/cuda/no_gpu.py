#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""What owners of containers say that can't be: without a GPU, when the program runs (with one: it is hidden from it), and of types that
can't be copied to one, when it is compiled.

no_gpu.py NVCC
"""
import os
import pathlib
import subprocess
import sys
import tempfile

from building import HERE, build

INCLUDE = HERE.resolve().parent.parent / "include"
STRING = "struct string { string(const string&); ~string(); int hash; bool operator==(const string&) const; };"
HASH = "struct hash { hash(const hash&); hash(); __device__ unsigned long operator()(int) const; };"
# A declaration that must not compile, and what must be said.
REFUSED = [
    (f"{STRING} pawl::cuda::stack<string> made(1);", "cuda::stack<T>, cuda::queue<T>: T must be trivially copyable"),
    (f"{STRING} pawl::cuda::queue<string> made(1);", "cuda::stack<T>, cuda::queue<T>: T must be trivially copyable"),
    (f"{STRING} pawl::cuda::hash_map<int, string> made(1);", "cuda::hash_map<K, V>: K and V must be trivially copyable"),
    (f"{HASH} pawl::cuda::hash_map<int, int, hash> made(1);", "cuda::hash_map: Hash and KeyEqual must be trivially copyable"),
    ("pawl::cuda::stack<int> one(1), other(one);", "deleted"),
    ("void pop(pawl::cuda::stack<int>& from) { int value; from.ref().try_pop(value); }", "__device__ function"),
]


def main():
    nvcc, = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder, "no_gpu")
        if said := build(nvcc, "no_gpu", INCLUDE, "sm_90", program):
            sys.exit(said)
        done = subprocess.run([program], env={**os.environ, "CUDA_VISIBLE_DEVICES": ""}, capture_output=True, text=True, timeout=60)
        print(done.stdout, end="")
        if done.returncode != 0:
            sys.exit(done.stderr or "not what it should say")
        for declaration, sentence in REFUSED:
            source = pathlib.Path(folder, "refused.cu")
            source.write_text(f"#include <pawl/cuda.hpp>\n{declaration}\n")
            done = subprocess.run([nvcc, "-std=c++20", "--expt-relaxed-constexpr", "-arch=sm_90", "-I", INCLUDE, "-c", source, "-o", program],
                                  capture_output=True, text=True)
            # The source is quoted in what the compiler says, and must not be found there.
            if done.returncode == 0 or not any(sentence in line for line in (done.stdout + done.stderr).splitlines() if "error" in line):
                sys.exit(f"{declaration}\ndoes not end in `{sentence}` but in\n{done.stdout}{done.stderr}")
            print(f"refused: {sentence}")


if __name__ == "__main__":
    main()
