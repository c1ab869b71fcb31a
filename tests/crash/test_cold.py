# SPDX-License-Identifier: MIT
"""Receipts of before are asked for, sent again, completed and damaged while memory has few of them.

    test_cold.py SMALL_CHEKD_FOLDER CHEK_FOLDER PYTHON_FOLDER
"""
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
sys.path.insert(0, sys.argv[3])
import chek  # noqa: E402
import feeding  # noqa: E402
import workload  # noqa: E402
from server import Server  # noqa: E402

CHEKD_BIN, CHEK_BIN = [pathlib.Path(path) for path in sys.argv[1:3]]
OPTIONS = ["--shards", "2", "--partitions", "4", "--log-file-kib", "4096",
           "--snapshot-log-kib", "65536", "--page-cache-kib"]
HEAD = 64                     # of a file, in front of the segment
CORRUPT = 5302
TILL_COUNT, ROUND_COUNT, ROUND_SIZE = 12, 8, 40


def total(status, name):
    return sum(value for (row, _), value in status.items() if row == name)


def front_size(segment):
    """Head and directories: what a start reads of a segment."""
    def number(at, size):
        return int.from_bytes(segment[at:at + size], "little")
    rows, page_rows, runs = number(12, 4), number(20, 4), number(24, 4)
    pages, hours = -(-rows // page_rows), -(-number(48, 4) // page_rows)
    hour_columns = 14 if hours else 0
    return (56 + runs * 12 + number(10, 2) * (4 + pages * 40) + hour_columns * (4 + hours * 40) + 8)


class Cold(unittest.TestCase):
    def setUp(self):
        self.server = Server(CHEKD_BIN, [*OPTIONS, "16"])
        self.addCleanup(self.server.__exit__)
        self.tills = workload.tills("cold", TILL_COUNT, 6)
        self.server.start()
        with self.client() as client:
            for _ in range(ROUND_COUNT):
                self.feed(client)
            client.snapshot()
        self.server.bin = CHEK_BIN

    def client(self):
        return chek.Client(self.server.address, token_file=self.server.token_file)

    def feed(self, client):
        workload.claim(client, self.tills)
        for till in self.tills:
            till.answered(client.feed(till.documents(ROUND_SIZE)), again=False)

    def restart(self, how):
        how()
        self.server.bin = CHEKD_BIN
        self.server.start()
        self.server.bin = CHEK_BIN

    def check(self, client):
        """Everything that was acknowledged is there once, and is a duplicate when it comes again."""
        for till in self.tills:
            till.check_surplus(till.check_rows(client))
            till.check_repeats(client, list(till.journal))

    def wait_for(self, what):
        for _ in range(500):
            with self.client() as client:
                status = client.status()
            if what(status):
                return status
            time.sleep(0.02)
        raise AssertionError(f"not within ten seconds: {status}")

    def test_what_is_not_in_memory_is_as_good(self):
        status = self.wait_for(lambda status: total(status, "cold_leaves") != 0)
        count = total(status, "documents")
        with self.client() as client:
            self.check(client)
            status = client.status()
            self.assertEqual(total(status, "documents"), count)
            self.assertGreater(total(status, "cold_documents"), 0)
            self.assertGreater(total(status, "cold_visits"), 0)
            self.assertGreater(total(status, "cold_reads"), 0)
            self.feed(client)  # late ones, fuller copies and conflicts among them
        self.restart(self.server.stop)
        with self.client() as client:
            self.assertEqual(total(client.status(), "cold_reads"), 0)  # a start reads no rows
            workload.claim(client, self.tills)  # as a sender does that has just begun
            self.check(client)
            self.assertGreater(total(client.status(), "cold_documents"), 0)
        self.restart(self.server.kill)  # and this one replays duplicates and fuller copies
        with self.client() as client:
            self.check(client)
            self.feed(client)
            client.snapshot()
            self.check(client)
        self.server.kill()
        feeding.verify(CHEK_BIN, self.server.data)

    def damage(self):
        """Turn a bit in the middle of what a segment holds; returns its path and what it was."""
        path = max((self.server.data / "segment").iterdir(), key=lambda path: path.stat().st_size)
        content = path.read_bytes()
        front = front_size(content[HEAD:])
        damaged = bytearray(content)
        damaged[HEAD + front + (len(content) - HEAD - front) // 2] ^= 0x04
        path.write_bytes(damaged)
        return path, content

    def ask(self, client):
        """Lists of all registers: how many are refused, and with what words."""
        refused = []
        for till in self.tills:
            try:
                till.check_rows(client)
            except chek.Refused as wrong:
                self.assertEqual(wrong.code, CORRUPT, wrong)
                refused.append(str(wrong))
        return refused

    def send_again(self, client):
        """All that is stored: duplicates, but for what would be compared with damaged rows."""
        refused = 0
        for till in self.tills:
            ordinals = list(till.journal)
            results = client.feed([till.journal[ordinal][0] for ordinal in ordinals])
            for ordinal, result in zip(ordinals, results, strict=True):
                if result.status == chek.Status.REFUSED:
                    self.assertEqual(result.code, CORRUPT, result)
                    refused += 1
                else:
                    self.assertEqual((result.status, result.ordinal),
                                     (chek.Status.DUPLICATE, till.standing(ordinal)))
        return refused

    def test_damage_is_of_who_asks_for_it(self):
        self.server.kill()
        path, content = self.damage()
        name = f"segment/{path.name}"
        self.restart(lambda: None)
        status = self.wait_for(lambda status: total(status, "damaged_groups") != 0)  # by the scrub
        self.wait_for(lambda status: total(status, "scrub_passes") == 2)  # one a shard: all of them
        self.assertEqual(total(status, "damaged_groups"), 1)
        self.assertIn(f"{name} at offset", self.server.log.read_text())
        with self.client() as client:
            count = total(client.status(), "documents")
            refused = self.ask(client)
            self.assertTrue(refused)
            self.assertLess(len(refused), TILL_COUNT)
            for words in refused:
                self.assertIn(f"{name} at offset", words)
            self.assertGreater(self.send_again(client), 0)
            self.assertEqual(total(client.status(), "documents"), count)
        path.write_bytes(content)  # as from a backup: what is read from now on is right
        with self.client() as client:
            self.assertEqual(self.ask(client), [])
            self.check(client)
            self.assertEqual(total(client.status(), "documents"), count)
            self.feed(client)
        self.assertEqual(self.server.log.read_text().count("damaged"), 1)
        self.server.kill()
        feeding.verify(CHEK_BIN, self.server.data)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
