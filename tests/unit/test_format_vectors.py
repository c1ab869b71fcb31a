#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare the dumps in persist/FORMAT.md with the files in tests/vectors/ that they name, and the
link of the chain with a BLAKE2b that is not the product's.

A dump is a fenced block of lines "offset  bytes  # text"; the file is the last name in backquotes
that begins with tests/vectors/ before it. What a dump leaves out must be zero.
"""
import hashlib
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINE = re.compile(r"^([0-9a-f]{4,8})  ((?:[0-9a-f]{2} ?){1,16})\s*(?:#.*)?$")


def dumps(text):
    """Yield (file name, {offset: byte}) for every dump."""
    name = None
    for part in re.split(r"(^```$.*?^```$)", text, flags=re.M | re.S):
        if not part.startswith("```"):
            names = re.findall(r"`(tests/vectors/[^`]+)`", part)
            name = names[-1] if names else name
            continue
        content = {}
        for line in part.splitlines()[1:-1]:
            match = LINE.match(line)
            if match is None:
                break
            for i, byte in enumerate(bytes.fromhex(match[2])):
                content[int(match[1], 16) + i] = byte
        else:
            yield name, content


def chain_is_wrong(text):
    data = (ROOT / "tests/vectors/persist/chain.bin").read_bytes()
    link = hashlib.blake2b(data, digest_size=32, person=b"chek link 1").hexdigest()
    if f"`{link}`" in text:
        return False
    print(f"the link of chain.bin is {link}, which the document does not say")
    return True


def main():
    text = (ROOT / "persist/FORMAT.md").read_text(encoding="utf-8")
    found = list(dumps(text))
    wrong = int(chain_is_wrong(text))
    for name, content in found:
        data = (ROOT / name).read_bytes()
        want = bytes(content.get(i, 0) for i in range(len(data)))
        if data != want or max(content) >= len(data):
            first = next((i for i, (a, b) in enumerate(zip(data, want)) if a != b), len(data))
            print(f"{name}: differs from the document at offset {first:#x}")
            wrong += 1
    print(f"{len(found)} dumps, {wrong} differ")
    return 1 if wrong or len(found) < 3 else 0


if __name__ == "__main__":
    sys.exit(main())
