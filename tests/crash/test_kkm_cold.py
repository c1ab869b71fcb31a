# SPDX-License-Identifier: MIT
"""Kazakh registers ask for, and repeat, what is not in memory, and what is damaged.

    test_kkm_cold.py SMALL_CHEKD_FOLDER CHEK_FOLDER
"""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from cpcr_register import CASH, REPORT, SELL, TICKET, Register, ticket, when  # noqa: E402
from segment_file import HEAD, front_size  # noqa: E402
from server import Failure, Server  # noqa: E402

CHEKD_BIN, CHEK_BIN = [pathlib.Path(path) for path in sys.argv[1:3]]
OPTIONS = ["--shards", "2", "--partitions", "2", "--log-file-kib", "4096", "--snapshot-log-kib",
           "65536", "--cpcr", "127.0.0.1:0", "--page-cache-kib", "4"]
DEVICE_COUNT, SHIFT_COUNT, TICKET_COUNT = 4, 3, 60
UNAVAILABLE = 254


def status(server):
    total = {}
    for row in server.lines("status"):
        if isinstance(row.get("value"), int):
            total[row["name"]] = total.get(row["name"], 0) + row["value"]
    return total


def moment(shift, index):
    return f"2026-03-{shift:02d} {8 + index // 60:02d}:{index % 60:02d}:00"


def sale(device, shift, index):
    total = 100 + device * 7 + shift * 1000 + index
    return ticket(SELL, total, at=moment(shift, index), offline=shift * 1000 + index + 1), total


class Cold(unittest.TestCase):
    def setUp(self):
        self.server = Server(CHEKD_BIN, OPTIONS)
        self.addCleanup(self.server.__exit__)
        self.server.start()
        self.server.bin = CHEK_BIN
        self.tills, self.answers, self.closes = {}, {}, {}
        for device in range(1, DEVICE_COUNT + 1):
            added = self.server.json("kkm", "add", "--device", device, "--rnm", f"R{device}",
                                     "--org", f"12345678901{device}", "--point", "main")
            self.tills[device] = Register(self.server.cpcr, device, added["token"])
            self.live(device)
        self.server.chek("snapshot")

    def live(self, device):
        till = self.tills[device]
        for shift in range(1, SHIFT_COUNT + 1):
            for index in range(TICKET_COUNT):
                message, _ = sale(device, shift, index)
                self.answers[device, shift, index] = till.send(TICKET, message).ticket_number
            self.closes[device] = till.close_shift(at=f"2026-03-{shift:02d} 22:00:00")

    def restart(self, how):
        how()
        self.server.bin = CHEKD_BIN
        self.server.start()
        self.server.bin = CHEK_BIN
        for till in self.tills.values():
            till.address = Register(self.server.cpcr, 0, 0).address

    def z(self, till, want=0):
        return till.send(REPORT, {4: {1: 0, 2: when("2026-03-20 10:00:00")}}, want)

    def cold(self):
        """A start that has read no rows."""
        self.restart(self.server.stop)
        now = status(self.server)
        self.assertEqual(now["cold_reads"], 0)
        self.assertGreater(now["segment_cold_bytes"], 0)
        return now["documents"]

    def test_what_is_not_in_memory_is_as_good(self):
        count = self.cold()
        for device, till in self.tills.items():
            close = self.closes[device].figures
            again = till.retry()  # the close itself
            self.assertEqual(again.figures, close)
            self.assertEqual(self.z(till).figures, close)
        self.assertGreater(status(self.server)["cold_requests"], 0)
        self.assertEqual(self.cold(), count)
        for device, till in self.tills.items():
            for shift, index in ((1, 0), (2, 31), (3, 59)):
                # R75: the document is there; R76: another one has its sign and its minute.
                answer = till.send(TICKET, sale(device, shift, index)[0])
                self.assertEqual(answer.ticket_number, self.answers[device, shift, index])
                other = ticket(SELL, sale(device, shift, index)[1] + 1, at=moment(shift, index),
                               offline=shift * 1000 + index + 1)
                self.assertNotEqual(till.send(TICKET, other).ticket_number, answer.ticket_number)
        now = status(self.server)
        self.assertGreater(now["cold_requests"], 0)
        self.assertEqual(now["documents"], count + 3 * DEVICE_COUNT)
        self.restart(self.server.kill)  # and the same from the log
        self.assertEqual(status(self.server)["documents"], count + 3 * DEVICE_COUNT)
        self.cold()
        for till in self.tills.values():  # what has no sign of its own is looked for by its minute
            till.place(0, 100, at=moment(1, 5), offline=True)
        self.assertGreater(status(self.server)["cold_requests"], 0)
        self.server.stop()
        self.server.run("chek", "verify", self.server.data)

    def damage(self):
        """Turn bits of all rows of all segments, not of what a start reads; returns what they were."""
        before = {}
        for path in (self.server.data / "segment").iterdir():
            content = path.read_bytes()
            before[path] = content
            damaged = bytearray(content)
            for at in range(HEAD + front_size(content[HEAD:]), len(content) - 64, 64):
                damaged[at] ^= 0x04
            path.write_bytes(damaged)
        return before

    def test_damage_is_no_empty_report_and_no_second_document(self):
        count = self.cold()
        device, till = 1, self.tills[1]
        before = self.damage()
        self.assertEqual(self.z(till, UNAVAILABLE).report_type, None)
        till.send(TICKET, sale(device, 3, 59)[0], UNAVAILABLE)
        self.assertEqual(status(self.server)["documents"], count)
        # A new one of now is compared with nothing, and goes on.
        till.send(TICKET, ticket(SELL, 500, at="2026-03-05 10:00:00", payments={CASH: 500}))
        self.assertEqual(status(self.server)["documents"], count + 1)
        for path, content in before.items():
            path.write_bytes(content)
        answer = till.send(TICKET, sale(device, 3, 59)[0])
        self.assertEqual(answer.ticket_number, self.answers[device, 3, 59])

    def test_a_replay_that_meets_damage_ends_the_start(self):
        self.cold()
        till = self.tills[1]
        other = ticket(SELL, 77, at=moment(3, 59), offline=3060)
        self.assertNotEqual(till.send(TICKET, other).ticket_number, self.answers[1, 3, 59])
        self.server.kill()
        before = self.damage()
        with self.assertRaises(Failure) as failure:
            self.restart(lambda: None)
        self.assertIn("damaged", str(failure.exception))
        self.server.process.kill()
        self.server.process.wait()
        for path, content in before.items():
            path.write_bytes(content)
        self.restart(lambda: None)
        self.assertEqual(till.retry().result, 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
