#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A list of a register's days while documents of it come in: what it shows is what was there.

    test_export.py BIN_FOLDER PYTHON_FOLDER

One client feeds new documents and fuller copies of older ones without a pause. Meanwhile `chek
receipts --from --to` lists again and again. A list has to be that of one moment between the
acknowledgements before it began and those after it ended: every document once, those of the days
that were asked for and no others, and never the poor copy of one whose fuller copy was
acknowledged before.
"""
import json
import random
import sys
import threading
import unittest

sys.dont_write_bytecode = True
from server import Server  # noqa: E402

BIN = sys.argv[1]
sys.path.insert(0, sys.argv[2])
import chek  # noqa: E402

DAY = "2026-01-05"
FIRST_COUNT = 3000
EXPORT_COUNT = 5
BATCH = 100
STORED = chek.Status.STORED
COMPLETED = chek.Status.COMPLETED


def is_listed(number):
    return number % 10 != 0


def receipt(registration, number, is_full):
    """A receipt a second; every tenth is of the day after."""
    day = 0 if is_listed(number) else 86400
    body = {"operation": chek.Operation.SELL, "time": chek.civil(DAY + "T00:00:00") + day + number,
            "document": number, "sign": 1000 + number, "total": 100 + number,
            "payments": [{"kind": chek.PaymentKind.CASH, "sum": 100 + number}]}
    if is_full:
        body["lines"] = [{"name": f"P{number}", "quantity": 1000000, "price": 100 + number,
                          "sum": 100 + number}]
    return {"registration": registration, "receipt": body}


class Feeder(threading.Thread):
    """Feeds until it is told to stop. What is acknowledged only grows."""

    def __init__(self, server, registration):
        super().__init__(daemon=True)
        self.client = chek.Client(server.address, token_file=server.token_file)
        self.registration = registration
        self.random = random.Random(1)
        self.sent = 0      # numbers 1..sent were sent
        self.acked = 0     # and so many acknowledged
        self.full = set()  # numbers of those whose fuller copy was acknowledged
        self.full_sent = set()
        self.stopping = False
        self.error = None

    def feed(self, count):
        """New documents, and fuller copies of some of before."""
        new = list(range(self.sent + 1, self.sent + count + 1))
        fuller = [] if self.acked == 0 else [
            n for n in {self.random.randint(1, self.acked) for _ in range(count // 3)}
            if n not in self.full_sent]
        self.sent += count
        self.full_sent.update(fuller)
        results = self.client.feed([receipt(self.registration, n, False) for n in new] +
                                   [receipt(self.registration, n, True) for n in fuller])
        if any(row.status != STORED for row in results[:count]):
            raise AssertionError([row for row in results if row.status != STORED][:3])
        if any(row.status != COMPLETED for row in results[count:]):
            raise AssertionError([row for row in results[count:] if row.status != COMPLETED][:3])
        self.full.update(fuller)
        self.acked += count

    def run(self):
        try:
            while not self.stopping and self.sent < 80000:
                self.feed(BATCH)
        except BaseException as error:  # pylint: disable=broad-except
            self.error = error


class Export(unittest.TestCase):
    def test_a_list_is_of_one_moment(self):
        with Server(BIN, ("--shards", "2", "--partitions", "3", "--log-file-mib", "16")) as server:
            client = chek.Client(server.address, token_file=server.token_file)
            key = {"kind": chek.KeyKind.REGISTRATION_NUMBER, "value": "EXPORT-1"}
            registration = client.claim([{"keys": [key], "organisation": "1",
                                          "point": "1"}])[0].registration
            feeder = Feeder(server, registration)
            while feeder.sent < FIRST_COUNT:
                feeder.feed(1000)
            feeder.start()
            grown = 0
            for _ in range(EXPORT_COUNT):
                grown += self.export_check(server, feeder)
            feeder.stopping = True
            feeder.join()
            self.assertIsNone(feeder.error)
            self.assertGreater(grown, EXPORT_COUNT * BATCH)  # it did feed meanwhile
            self.export_check(server, feeder)
            client.close()
            feeder.client.close()
            names = {row["name"] for row in server.lines("status")}
            self.assertLessEqual({"longest_step_us", "longest_apply_step_us", "steps_over_100_us",
                                  "longest_visit_step_us"}, names)

    def export_check(self, server, feeder):
        acked, full = feeder.acked, set(feeder.full)
        rows = server.lines("receipts", "--kkm", "EXPORT-1", "--from", DAY, "--to", DAY,
                            "--format", "jsonl")
        sent, full_sent = feeder.sent, set(feeder.full_sent)
        ordinals = [row["ordinal"] for row in rows]
        self.assertEqual(ordinals, sorted(set(ordinals)))
        shown = {}
        for row in rows:
            document = row["receipt"]
            self.assertNotIn(document["document"], shown)
            shown[document["document"]] = bool(document.get("lines"))
            self.assertEqual(document["total"], 100 + document["document"])
        last = max(shown)
        self.assertEqual(set(shown), {n for n in range(1, last + 1) if is_listed(n)})
        self.assertGreaterEqual(last + 1, acked)
        self.assertLessEqual(last, sent)
        shown_full = {n for n, is_full in shown.items() if is_full}
        self.assertLessEqual({n for n in full if is_listed(n)}, shown_full)
        self.assertLessEqual(shown_full, full_sent)
        return feeder.acked - acked


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
