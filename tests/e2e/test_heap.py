#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The heap of a server that is ready is what it stays, whatever it is fed and asked.

    test_heap.py BIN_FOLDER

A real server is fed, warmed up by that, and fed more: enough that sets are sealed, segments are merged
and snapshots are taken by themselves. Then a snapshot is asked for, a backup, lists and sums. The
counts of allocations and of bytes of the heap have to be the same before and after.
"""
import pathlib
import sys
import time
import unittest

sys.dont_write_bytecode = True
from server import Server  # noqa: E402

BIN = pathlib.Path(sys.argv[1])
OPTIONS = ("--partitions", "1", "--shards", "1", "--snapshot-log-mib", "16")
WARM_UP = 40000   # receipts: sets are sealed
FURTHER = 280000  # with them more than sixteen sets, so that the first ones are merged
HEAP = ("heap_allocations", "heap_allocations_late", "heap_in_use_bytes")
WORK = ("snapshots", "merges")


class Heap(unittest.TestCase):
    def status(self, server, names):
        rows = server.lines("status")
        return {name: sum(row["value"] for row in rows if row["name"] == name) for name in names}

    def wait_for(self, server, name, count):
        for _ in range(600):
            if self.status(server, (name,))[name] >= count:
                return
            time.sleep(0.1)
        self.fail(f"{name} do not come to {count}")

    def load(self, server, receipts, seed):
        server.run("chek-load", "--receipts", receipts, "--seed", seed, "--registers", 200)

    def test_heap_stays_as_it_is(self):
        with Server(BIN, OPTIONS) as server:
            ready = self.status(server, HEAP)
            self.assertGreater(ready["heap_allocations"], 0)
            self.load(server, WARM_UP, 1)
            self.wait_for(server, "segments", 2)
            before, work = self.status(server, HEAP), self.status(server, WORK)
            self.load(server, FURTHER, 2)
            self.wait_for(server, "merges", work["merges"] + 1)
            self.wait_for(server, "snapshots", work["snapshots"] + 1)
            after, done = self.status(server, HEAP), self.status(server, WORK)
            self.assertEqual(after, before)

            server.chek("snapshot")
            server.chek("backup", server.home / "backup")
            server.chek("analytics", "--by", "register")
            server.chek("receipts", "--kkm", "1", "--limit", "100")
            self.assertGreater(self.status(server, WORK)["snapshots"], done["snapshots"])
            self.assertEqual(self.status(server, HEAP), before)
            self.assertEqual(before["heap_allocations_late"], 0)
            self.assertEqual(before, ready)  # not even the first receipt was an allocation
            server.stop()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
