#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Break the arrows between rooms in a copy of the project, and want configuring to fail.

    arrows.py CMAKE

The untouched copy must configure, so that a failure has the reason it is meant to have.
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns("build", ".git", "corpus_new", "__pycache__")

# name, file, text there, text instead ("" there: put in front), words of the message ("" = fine)
CASES = (
    ("untouched", "CMakeLists.txt", "", "", ""),
    ("include_of_a_room_above", "engine/base/cursor.c", "", '#include "engine/io/io.h"\n',
     "room 'base' may not include \"engine/io/io.h\" of room 'io'"),
    ("include_of_a_room_above_in_a_header", "engine/base/bytes.h", "",
     '#  include "query/plan.h"\n', "room 'base' may not include"),
    ("include_of_a_test_in_the_product", "engine/base/cursor.c", "",
     '#include "tests/fuzz/fuzz.h"\n', "of room 'tests'"),
    ("include_not_from_the_root", "engine/base/cursor.c", "", '#include "cursor.h"\n',
     "not written from the root"),
    ("include_of_ours_in_angle_brackets", "engine/base/cursor.c", "",
     "#include <engine/base/cursor.h>\n", "write it in quotes"),
    ("depends_on_a_room_above", "engine/base/CMakeLists.txt", "NAME base", "NAME base DEPENDS io",
     "room 'base' may not depend on 'io'"),
    ("room_in_a_foreign_folder", "engine/base/CMakeLists.txt", "NAME base", "NAME store",
     "is not the one of this folder"),
    ("test_without_a_label", "tests/unit/CMakeLists.txt", "LABELS unit", "", "has no label"),
)


def configure(cmake, source, build):
    """Configure `source` and return (worked, everything it said)."""
    done = subprocess.run([cmake, "-G", "Ninja", "-S", source, "-B", build],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode == 0, " ".join(done.stdout.split())


def check(cmake, copy, build, case):
    """Run one case and return what was wrong with its outcome, or None."""
    _, file, there, instead, words = case
    path = copy / file
    text = path.read_text(encoding="utf-8")
    if there not in text:
        return f"{file} has no '{there}' any more"
    path.write_text(text.replace(there, instead, 1) if there else instead + text, encoding="utf-8")
    worked, said = configure(cmake, copy, build)
    path.write_text(text, encoding="utf-8")
    if not words:
        return None if worked else f"does not configure: {said[-400:]}"
    if worked:
        return "was configured, though it must not be"
    return None if words in said else f"failed for another reason: {said[-400:]}"


def main(cmake):
    failed = 0
    with tempfile.TemporaryDirectory(prefix="chek-arrows-") as folder:
        copy = pathlib.Path(folder, "copy")
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        for case in CASES:
            print(f"[ RUN      ] {case[0]}", flush=True)
            wrong = check(cmake, copy, pathlib.Path(folder, "build"), case)
            print(f"{wrong}\n[  FAILED  ] {case[0]}" if wrong else f"[       OK ] {case[0]}")
            failed += wrong is not None
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
