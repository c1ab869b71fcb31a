#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The reference workload's profile A a second time, slowly, from its description in
tools/load/WORKLOAD.md: another generator of random numbers, another encoder. The vectors in
tests/vectors/workload are what both make.

    test_workload.py SOURCE_FOLDER PYTHON_FOLDER
"""
import pathlib
import sys
import unittest

ROOT = pathlib.Path(sys.argv[1])
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[2])
from chek import protocol  # noqa: E402

WORD = (1 << 64) - 1
DAY = 86400
FIRST = 1767225600  # 2026-01-01T00:00:00


def rotate(value, count):
    return (value << count | value >> (64 - count)) & WORD


class Random:
    """xoshiro256** whose state is four numbers of splitmix64."""

    def __init__(self, seed):
        self.state = []
        for _ in range(4):
            seed = (seed + 0x9E3779B97F4A7C15) & WORD
            z = seed
            z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & WORD
            z = (z ^ z >> 27) * 0x94D049BB133111EB & WORD
            self.state.append(z ^ z >> 31)

    def next(self):
        a, b, c, d = self.state
        result = rotate(b * 5 & WORD, 7) * 9 & WORD
        c ^= a
        d ^= b
        self.state = [a ^ d, b ^ c, c ^ (b << 17 & WORD), rotate(d, 45)]
        return result

    def below(self, bound):
        return self.next() * bound >> 64


def receipt(random, time):
    """The draws in their order; numbers are the caller's."""
    register = random.below(2000)
    percent = random.below(100)
    operation = 0 if percent < 96 else 1 if percent < 98 else 2 if percent < 99 else 3
    offline = random.below(100) < 3
    lines = []
    for _ in range(1 + random.below(5)):
        product = random.below(50000)
        pieces = 1 + random.below(4)
        price = 1000 + 100 * random.below(5000)
        amount = pieces * price
        tax = (2 * amount * 16000 + 116000) // (2 * 116000)
        lines.append({"code": str(product), "section": str(product % 8),
                      "quantity": pieces * 1000000, "price": price, "sum": amount,
                      "taxes": [{"kind": 1, "rate": 16000, "sum": tax}]})
    tenth = random.below(10)
    payment = 0 if tenth < 4 else 1 if tenth < 8 else 2
    client = str(random.below(500000)) if random.below(10) < 3 else ""
    total = sum(line["sum"] for line in lines)
    return register, offline, {
        "operation": operation, "time": time, "sign": random.next(), "client": client,
        "total": total, "payments": [{"kind": payment, "sum": total}], "lines": lines}


def documents(seed, count):
    """(encoded document, total) in order."""
    random = Random(seed)
    number, shift, opened = [0] * 2000, [0] * 2000, [False] * 2000

    def closes(day):
        for register in range(2000):
            if opened[register]:
                opened[register] = False
                number[register] += 1
                yield protocol.encode("document", {"registration": register + 1, "close": {
                    "time": FIRST + (day + 1) * DAY - 1, "shift": shift[register],
                    "document": number[register]}}), 0

    day = 0
    for index in range(count):
        time = FIRST + index * 30 * DAY // count
        if (time - FIRST) // DAY > day:
            yield from closes(day)
            day = (time - FIRST) // DAY
        register, offline, record = receipt(random, time)
        if not opened[register]:
            opened[register] = True
            shift[register] += 1
        number[register] += 1
        record["shift"] = shift[register]
        record["document"] = number[register]
        if offline:
            record["offline"] = True
            record["autonomous"] = number[register]
        yield (protocol.encode("document", {"registration": register + 1, "receipt": record}),
               record["total"])
    yield from closes(day)


def vectors():
    for line in (ROOT / "tests/vectors/workload/streams.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            profile, seed, receipts, count, size, total, xxh3 = line.split()
            yield profile, int(seed), int(receipts), int(count), int(size), int(total), xxh3


class Workload(unittest.TestCase):
    def test_random_is_the_published_generator(self):
        # splitmix64 of seed 0, and xoshiro256** of the state 1, 2, 3, 4: first outputs.
        self.assertEqual(Random(0).state[0], 0xE220A8397B1DCDAF)
        random = Random(0)
        random.state = [1, 2, 3, 4]
        self.assertEqual([random.next() for _ in range(4)],
                         [11520, 0, 1509978240, 1215971899390074240])

    def test_profile_a(self):
        compared = 0
        for profile, seed, receipts, count, size, total, xxh3 in vectors():
            if profile != "a" or receipts > 1000:
                continue
            with self.subTest(seed=seed, receipts=receipts):
                made = list(documents(seed, receipts))
                stream = b"".join(encoded for encoded, _ in made)
                self.assertEqual(len(made), count)
                self.assertEqual(len(stream), size)
                self.assertEqual(sum(amount for _, amount in made), total)
                self.assertEqual("%016x" % protocol.xxh3_64(stream), xxh3)
                compared += 1
        self.assertGreaterEqual(compared, 3)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
