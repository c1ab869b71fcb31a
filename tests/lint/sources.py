#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fail when a source file breaks a rule that a few lines can see.

The licence line on top, /* */ comments only, no file named after nothing (util.c), no file name
used twice, no promise to finish later.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("engine", "ingest", "query", "persist", "tools", "bench", "tests")
LICENCE = "SPDX-License-Identifier: MIT"
NAMELESS = {"util", "utils", "common", "helper", "helpers", "misc"}
LATER = re.compile(r"\b(TODO|FIXME|XXX)\b")
LINE_COMMENT = re.compile(r"^\s*//|[;{})]\s*//")


def findings(path):
    """Yield (line number, what is wrong) for one file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    if not any(LICENCE in line for line in lines[:2]):
        yield 1, f"no '{LICENCE}' on top"
    if path.stem in NAMELESS:
        yield 1, f"'{path.name}' says nothing about what is in it"
    for number, line in enumerate(lines, 1):
        if LATER.search(line) and path != pathlib.Path(__file__).resolve():
            yield number, "an open question is an entry in DECISIONS.md"
        if path.suffix in (".c", ".h") and LINE_COMMENT.search(line):
            yield number, "comments are /* */"


def main():
    wrong = 0
    seen = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in (".c", ".h", ".cc", ".py", ".sh", ".def", ".cmake"):
                continue
            name = path.relative_to(ROOT)
            for number, text in findings(path):
                print(f"{name}:{number}: {text}")
                wrong += 1
            if path.suffix in (".c", ".h", ".cc") and path.name != "main.c":
                if path.name in seen:
                    print(f"{name}:1: the name is taken by {seen[path.name]}")
                    wrong += 1
                seen[path.name] = name
    print(f"{len(seen)} C files, {wrong} findings")
    return 1 if wrong or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
