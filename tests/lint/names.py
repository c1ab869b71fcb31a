#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fail when an object file breaks the three tiers of names, or allocates by itself.

    chek_noun_verb   public
    room__noun_verb  shared inside the room (or program) `room`, and used by no other
    anything else    static

    names.py NM LIST

LIST has a line a room or program, "name file;file;..", written at configure time.
"""
import re
import subprocess
import sys

# The allocator is called from engine/base/memory.c alone.
ALLOCATOR = set("malloc calloc realloc reallocarray free aligned_alloc posix_memalign memalign "
                "valloc strdup strndup asprintf vasprintf getline getdelim open_memstream".split())
ALLOCATING_OBJECT = "memory.c.o"
PUBLIC = re.compile(r"chek_[a-z0-9]\w*")
LINE = re.compile(r"(?P<file>.*?)(\[(?P<member>[^]]*)\])?: (?P<name>\S+) (?P<type>\w)( |$)")


def symbols(nm, files):
    """Yield (object, type letter, name) for every symbol that crosses an object's border."""
    done = subprocess.run([nm, "-A", "-g", "-P", "--", *files], check=True, capture_output=True,
                          text=True)
    for line in done.stdout.splitlines():
        match = LINE.match(line)
        if match:
            where = match["member"] or match["file"].rsplit("/", 1)[-1]
            yield where, match["type"], match["name"]


def finding(room, where, kind, name):
    """What is wrong with one symbol of an object of `room`, or None."""
    if kind in "Uwv":
        if name in ALLOCATOR and where != ALLOCATING_OBJECT:
            return "allocates; memory comes from engine/base/memory.h or an arena"
        owner = name.split("__")[0] if re.match(r"[a-z]\w*?__[a-z]", name) else room
        if owner in ROOMS and owner != room:
            return f"belongs to room '{owner}' alone"
        return None
    if PUBLIC.fullmatch(name) or name.startswith(room + "__") or name == "main":
        return None
    return f"is neither chek_.., nor {room}__.., nor static"


ROOMS = {}


def main(nm, listing):
    with open(listing, encoding="utf-8") as rows:
        ROOMS.update(row.split(None, 1) for row in rows if row.strip())
    wrong = count = 0
    for room, files in ROOMS.items():
        for where, kind, name in symbols(nm, files.strip().split(";")):
            count += 1
            text = finding(room, where, kind, name)
            if text:
                print(f"{room}: {where}: {name} {text}")
                wrong += 1
    print(f"{len(ROOMS)} rooms and programs, {count} symbols, {wrong} findings")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
