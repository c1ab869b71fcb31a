#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Russian registers speak to a server: test_ffd_server.py BIN

Rules are those of ingest/FFD.md (S1..).
"""
import json
import pathlib
import random
import signal
import struct
import sys
import threading
import time
import unittest

import fiscal
from ffd_register import (ACCEPTED, BUYER, BUYER_INN, KEPT, NOT_RECOGNISED, NOT_VALID, PASSED,
                          REGISTRATIONS, Line, bought, close_as_json, correction, every_kind,
                          marked, registration, report_as_json, two_shifts)
from server import Server

BIN = pathlib.Path(sys.argv[1])
OPTIONS = ["--ffd", "127.0.0.1:0", "--ffd-inn", "7704211201", "--shards", "2",
           "--log-file-mib", "4"]
WRONG = "the server took what it should not have, or did not take what it should"


class Ffd(unittest.TestCase):
    def setUp(self):
        self.server = Server(BIN, OPTIONS)
        self.addCleanup(self.server.__exit__)
        self.server.start()

    def line(self):
        line = Line(self.server.ffd)
        self.addCleanup(line.__exit__)
        return line

    def counts(self):
        """The sums of the ffd_ rows over the shards."""
        sums = {}
        for row in self.server.lines("status"):
            if row["name"].startswith("ffd_"):
                sums[row["name"]] = sums.get(row["name"], 0) + row["value"]
        return sums

    def wants(self, line, data, code, number=None):
        answer = line.ask(data)
        self.assertEqual((answer.code, answer.number), (code, number))
        return answer

    def imports(self, documents, **want):
        path = self.server.home / "drive.bin"
        path.write_bytes(b"".join(fiscal.message(one) for one in documents))
        row, = self.server.lines("import", path)
        self.assertEqual({name: row[name] for name in want}, want)

    def verify(self):
        self.server.stop()
        self.server.run("chek", "verify", self.server.data)

    # ---- documents ----------------------------------------------------------------------------

    def test_documents_of_every_kind(self):
        """Taken once by the line, duplicates from a file; one receipt either way."""
        documents, line = every_kind(), self.line()
        firsts = [line.ask(fiscal.message(one)) for one in documents]
        for at, answer in enumerate(firsts):
            number = at + 1
            self.assertEqual((answer.code, answer.number, answer.drive, answer.time),
                             (ACCEPTED, number, fiscal.DRIVE,
                              fiscal.seconds(fiscal.TIME) + number), number)
            self.assertEqual(answer.operator, "7704211201  ")
        counts = self.counts()
        self.assertEqual((counts["ffd_stored"], counts["ffd_registrations"],
                          counts["ffd_passed"], counts["ffd_refusals"]),
                         (KEPT, REGISTRATIONS, PASSED, 0))
        # Repeats, also in another message, have the same answer but for its sum's mode.
        for one, first in zip(documents, firsts):
            self.assertEqual(line.ask(fiscal.message(one)).bytes, first.bytes)
            self.assertEqual(line.ask(fiscal.message(one, mode=0)).bytes[30:], first.bytes[30:])
        self.assertEqual(self.counts()["ffd_duplicates"], 2 * KEPT)
        self.imports(documents, stored=0, duplicates=KEPT, passed=PASSED + REGISTRATIONS,
                     refused=0, completed=0)
        found = self.server.json("receipt", "--fn", fiscal.DRIVE, "--fd", 3)["receipt"]
        self.assertEqual((found["total"], found["operator"]), (fiscal.TOTAL, "Петрова Ё."))
        self.verify()

    def test_a_file_first_then_the_line(self):
        documents, line = every_kind(), self.line()
        self.imports(documents, stored=KEPT, refused=0)
        for number, one in enumerate(documents, 1):
            self.wants(line, fiscal.message(one), ACCEPTED, number)
        counts = self.counts()
        self.assertEqual((counts["ffd_stored"], counts["ffd_duplicates"]), (0, KEPT))
        self.verify()

    def test_a_registration_feeds_the_register(self):
        line = self.line()
        self.wants(line, fiscal.message(registration(1)), ACCEPTED, 1)
        known, = self.server.lines("kkm", "list")
        text = str(known)
        for words in ('ООО "Образец"', "г. Образцовый", "00107200000001", fiscal.DRIVE):
            self.assertIn(words, text)
        self.wants(line, fiscal.message(fiscal.receipt(2)), ACCEPTED, 2)
        self.wants(line, fiscal.message(registration(3, 11, "г. Новый")), ACCEPTED, 3)
        known, = self.server.lines("kkm", "list")
        self.assertIn("г. Новый", str(known))
        self.server.restart()
        again, = self.server.lines("kkm", "list")
        self.assertEqual(again, known)
        self.verify()

    def test_a_buyer_is_not_in_clear(self):
        with Line(self.server.ffd) as line:
            self.wants(line, fiscal.message(marked(7)), ACCEPTED, 7)
            self.wants(line, fiscal.message(bought(8)), ACCEPTED, 8)
        persons = [self.server.json("receipt", "--fn", fiscal.DRIVE, "--fd", number)["receipt"]
                   ["persons"] for number in (7, 8)]
        # 1227 and 1228 say the same of a receipt where 1.05 has them and inside of 1256.
        self.assertEqual([person["kind"] for person in persons[0]], ["tin", "name"])
        self.assertEqual(persons[0], persons[1])
        self.assertNotEqual(persons[0][0]["subject"], persons[0][1]["subject"])
        found = self.server.json("receipt", "--fn", fiscal.DRIVE, "--fd", 7)
        self.assertIn("0104600439931256", str(found))
        self.server.stop()
        for path in self.server.data.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                for text in (b"79990000001", BUYER.encode(), BUYER.encode("cp866"),
                             BUYER_INN.encode()):
                    self.assertNotIn(text, content, path)

    # ---- numbers ------------------------------------------------------------------------------

    def gaps(self, drive):
        return [(row["first"], row["last"]) for row in self.server.lines("gaps", "--kkm",
                                                                         f"fn:{drive}")]

    def marked_as_gaps(self, drive):
        """Numbers of the documents that are said to have something missing before them."""
        return [row["document"] for row in self.server.lines(
            "warnings", "--kkm", f"fn:{drive}", "--warning", "document_gap", "--list")]

    def test_reports_of_a_drive_are_no_gaps(self):
        """By the line and from files: whole is whole, what is missing is what was left out."""
        whole, less, filed, named, late = (f"99990789000002{at:02d}" for at in range(5))
        left_out = {2, 5, 9}
        with Line(self.server.ffd) as line:
            for number, one in enumerate(every_kind(whole), 1):
                self.wants(line, fiscal.message(one, whole), ACCEPTED, number)
            for number, one in enumerate(every_kind(less), 1):
                if number not in left_out:
                    self.wants(line, fiscal.message(one, less), ACCEPTED, number)
            # The opening comes behind what it opened, and the closing of the drive before the end.
            for number in (1, 3, 4, 2, 12):
                self.wants(line, fiscal.message(every_kind(late)[number - 1], late), ACCEPTED,
                           number)
            # A number is one document's: an opening under that of a receipt is another document.
            self.wants(line, fiscal.message(fiscal.document(2, 3, drive=late), late), NOT_VALID, 3)
        path = self.server.home / "filed.bin"
        path.write_bytes(b"".join(one for number, one in enumerate(every_kind(filed), 1)
                                  if number not in left_out))
        self.imports_all(path, passed=3)
        path = self.server.home / "named.json"
        path.write_text("".join(json.dumps(report_as_json(name, code, number, named)) + "\n"
                                for name, code, number in (
                                    ("fiscalReport", 1, 1), ("openShift", 2, 2),
                                    ("currentStateReport", 21, 4), ("closeArchive", 6, 7))))
        self.imports_all(path, passed=4)
        path = self.server.home / "named.bin"
        path.write_bytes(fiscal.receipt(3, named) + fiscal.receipt(5, named))
        self.imports_all(path, passed=0)
        for kill in (False, True):
            if kill:
                self.server.kill()
                self.server.start()
            self.assertEqual(self.gaps(whole), [])
            self.assertEqual(self.marked_as_gaps(whole), [])
            for drive in (less, filed):
                self.assertEqual(self.gaps(drive), [(2, 2), (5, 5), (9, 9)])
                self.assertEqual(self.marked_as_gaps(drive), [6, 10])
            self.assertEqual(self.gaps(named), [(6, 6)])
            self.assertEqual(self.gaps(late), [(5, 11)])
        self.verify()

    def imports_all(self, path, passed):
        for _ in range(2):
            row, = self.server.lines("import", path)
            self.assertEqual((row["refused"], row["passed"]), (0, passed))

    # ---- counters -----------------------------------------------------------------------------

    OFF = [("report_operation.net", 0, fiscal.TOTAL + 3, fiscal.TOTAL),
           ("report_payment.sum", 1, fiscal.TOTAL + 3, fiscal.TOTAL),
           ("report.now", 0, 3 * fiscal.TOTAL + 5003, 3 * fiscal.TOTAL + 5000)]

    def reconciled(self, drive):
        """The registration, and by shift what its close states and what it differs in."""
        shifts = self.server.lines("reconcile", "--kkm", f"fn:{drive}")
        number, = {shift["registration"] for shift in shifts}
        return number, [(shift["shift"], shift["stated"],
                         [(row["figure"], row["kind"], row["stated"], row["counted"])
                          for row in shift["differences"]]) for shift in shifts]

    def test_counters_of_a_close_are_compared(self):
        """By the line, from a file and as JSON, also after a kill; the events tell it once."""
        right, wrong, filed, silent, named = (f"99990789000001{at:02d}" for at in range(5))
        with Line(self.server.ffd) as line:
            for drive, off in ((right, 0), (wrong, 3)):
                for number, one in enumerate(two_shifts(drive, off), 1):
                    self.wants(line, fiscal.message(one, drive), ACCEPTED, number)
            last = fiscal.document(5, 3, drive=silent)
            self.wants(line, fiscal.message(fiscal.receipt(2, silent), silent), ACCEPTED, 2)
            self.wants(line, fiscal.message(last, silent), ACCEPTED, 3)
        path = self.server.home / "filed.bin"
        path.write_bytes(b"".join(two_shifts(filed, 3)))
        row, = self.server.lines("import", path)
        self.assertEqual((row["stored"], row["refused"]), (7, 0))
        for at, one in enumerate(two_shifts(named, 3)):
            path = self.server.home / f"named{at}"
            if one[0] == 5:
                path.write_text(json.dumps(close_as_json(one)))
            else:
                path.write_bytes(one)
            row, = self.server.lines("import", path)
            self.assertEqual(row["refused"], 0)
        for kill in (False, True):
            if kill:
                self.server.kill()
                self.server.start()
            self.assertEqual(self.reconciled(right)[1], [(245, True, []), (246, True, [])])
            self.assertEqual(self.reconciled(silent)[1], [(245, False, [])])
            for drive in (wrong, filed, named):
                number, shifts = self.reconciled(drive)
                self.assertEqual(shifts, [(245, True, []), (246, True, self.OFF)])
                told = [(event["shift"], event["code"]) for event in self.server.lines("events")
                        if event["kind"] == "differs" and event["registration"] == number]
                first = self.server.lines("reconcile", "--kkm", f"fn:{drive}")[1]
                self.assertEqual(told, [(246, first["differences"][0]["field"])])
        table = self.server.chek("reconcile", "--kkm", f"fn:{wrong}")
        for words in ("equal", "report_payment.sum", "177.03", "177.00"):
            self.assertIn(words, table)
        self.verify()

    # ---- messages -----------------------------------------------------------------------------

    def test_pings_sums_and_pieces(self):
        line, chance = self.line(), random.Random(30)
        pong = line.ask(fiscal.ping())
        self.assertEqual((pong.code, pong.drive, len(pong.bytes)), (None, fiscal.DRIVE, 30))
        data, wanted = b"", []
        for number in range(1, 151):
            if chance.random() < 0.2:
                data += fiscal.ping()
                wanted.append(None)
            data += fiscal.message(fiscal.receipt(number), mode=chance.randrange(3))
            wanted.append(number)
        sender = threading.Thread(target=self.send_pieces, args=(line, data, chance))
        sender.start()
        self.assertEqual([line.receive().number for _ in wanted], wanted)
        sender.join()
        self.assertEqual(self.counts()["ffd_stored"], 150)

    @staticmethod
    def send_pieces(line, data, chance):
        while data:
            size = chance.choice((1, 7, 30, 31, 62, 400, 3000))
            line.socket.sendall(data[:size])
            data = data[size:]

    def test_what_wants_no_answer_has_none(self):
        line = self.line()
        line.socket.sendall(b"".join(
            fiscal.framed(fiscal.container(fiscal.receipt(number), number), flags=0x04)
            for number in [*range(1, 41), *range(1, 41)]))
        self.assertIsNone(line.ask(fiscal.ping()).code)
        counts = self.counts()
        self.assertEqual((counts["ffd_stored"], counts["ffd_duplicates"]), (40, 40))
        self.assertLess(counts["ffd_waits"], 5)

    def test_lost_framing_closes_the_connection(self):
        good = fiscal.message(fiscal.receipt(3))
        summed = bytearray(good)
        summed[26] |= 3
        wrong = {
            "signature": b"\x2a\x08\x41\x0b" + good[4:],
            "version": good[:4] + b"\x82\xa2" + good[6:],
            "size": good[:24] + struct.pack("<H", 32769) + good[26:],
            "reserved": good[:26] + struct.pack("<H", 0x1e) + good[28:],
            "mode 3": bytes(summed),
            "sum of all": good[:-1] + b"\x01",
            "sum of the head": (lambda one: one[:10] + b"8" + one[11:])(
                fiscal.message(fiscal.receipt(3), mode=1)),
        }
        for name, data in wrong.items():
            with self.subTest(name), Line(self.server.ffd) as line:
                self.wants(line, fiscal.message(fiscal.receipt(1)), ACCEPTED, 1)
                line.socket.sendall(data)
                self.assertTrue(line.is_closed(), WRONG)
        counts = self.counts()
        self.assertEqual((counts["ffd_frame_errors"], counts["ffd_stored"]), (len(wrong), 1))

    def test_containers_that_are_none_are_refused(self):
        line, body = self.line(), fiscal.receipt(3)
        good = fiscal.container(body, 3)

        def resum(one):
            return one[:2] + struct.pack("<H", fiscal.crc(one[:2] + one[4:])) + one[4:]

        damaged = good[:100] + bytes([good[100] ^ 1]) + good[101:]
        encrypted = resum(good[:32] + bytes(one ^ 0x5a for one in good[32:]))
        rows = [("sum", damaged, 0), ("encrypted", encrypted, 3),
                ("size", struct.pack("<H", len(good) + 1) + good[2:], 0),
                ("cut", good[:40], 0), ("empty", b"", 0),
                ("version", resum(good[:6] + b"\x02" + good[7:]), 0),
                ("document 7", fiscal.container(b"\7\0" + body[2:], 3), 3),
                ("document 82", fiscal.container(b"\x52\0" + body[2:], 3), 3),
                ("document 99", fiscal.container(b"\x63\0" + body[2:], 3), 3)]
        for name, container, number in rows:
            with self.subTest(name):
                self.wants(line, fiscal.framed(container), NOT_RECOGNISED, number or None)
        self.wants(line, fiscal.framed(b"abc", flags=0x10), NOT_RECOGNISED)
        counts = self.counts()
        self.assertEqual((counts["ffd_refusals"], counts["ffd_stored"]), (len(rows) + 1, 0))
        self.assertEqual(counts["ffd_encrypted"], 1)
        self.wants(line, fiscal.framed(good), ACCEPTED, 3)

    def test_documents_that_are_not_so_are_refused(self):
        line, drive = self.line(), "9999078900000032"
        self.wants(line, fiscal.message(fiscal.receipt(3)), ACCEPTED, 3)
        other = correction(3)  # the same number, another document
        no_total = fiscal.document(3, 4, fiscal.byte(1054, 1))
        cut = fiscal.receipt(5)[:-3]
        cut = cut[:2] + struct.pack("<H", len(cut) - 4) + cut[4:]
        rows = [("conflict", fiscal.message(other), 3), ("no total", fiscal.message(no_total), 4),
                ("cut element", fiscal.message(cut), 5),
                ("the message's drive", fiscal.framed(
                    fiscal.container(fiscal.receipt(6), 6), drive), 6),
                ("the container's drive", fiscal.framed(
                    fiscal.container(fiscal.receipt(7), 7, drive), drive), 7),
                ("the container's number", fiscal.framed(
                    fiscal.container(fiscal.receipt(8), 9)), 8)]
        for name, data, number in rows:
            with self.subTest(name):
                answer = line.ask(data)
                self.assertEqual((answer.code, answer.number), (NOT_VALID, number))
        counts = self.counts()
        self.assertEqual((counts["ffd_refusals"], counts["ffd_stored"]), (len(rows), 1))
        self.verify()

    def test_a_flood_is_bounded_and_a_stop_is_in_order(self):
        """Who sends and reads no answer is stopped; what came before SIGTERM is answered."""
        with Line(self.server.ffd, timeout=5) as line:
            data = fiscal.message(fiscal.receipt(1)) * 2000
            line.socket.settimeout(5)
            try:
                for _ in range(40):
                    line.socket.sendall(data)
            except OSError:
                pass  # its buffer is full, or the connection was closed
        with Line(self.server.ffd) as line:
            self.wants(line, fiscal.message(fiscal.receipt(2)), ACCEPTED, 2)
            line.socket.sendall(fiscal.message(fiscal.receipt(3)))
            self.assertEqual(line.receive().number, 3)
            line.socket.sendall(fiscal.message(fiscal.receipt(4))[:50])
            self.server.process.send_signal(signal.SIGTERM)  # a second one changes nothing
            self.assertTrue(line.is_closed(), "half a message keeps nobody from stopping")
        self.server.stop()
        self.server.start()
        self.verify()


# ---- kills ------------------------------------------------------------------------------------


class Drive(threading.Thread):
    """Sends its documents in order until each is acknowledged, on a bad line."""

    def __init__(self, server, drive, count, seed):
        super().__init__(daemon=True)
        self.server, self.drive, self.count = server, drive, count
        self.chance = random.Random(seed)
        self.acknowledged, self.error = 0, None

    def documents(self):
        return [registration(1, drive=self.drive)] + [
            fiscal.receipt(number, self.drive) for number in range(2, self.count + 1)]

    def run(self):
        try:
            for number, one in enumerate(self.documents(), 1):
                self.until_heard(number, fiscal.message(one, self.drive))
                self.acknowledged = number
        except Exception as error:  # told by the main thread
            self.error = error

    def until_heard(self, number, data):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                with Line(self.server.ffd, timeout=10) as line:
                    if self.chance.random() < 0.1:
                        line.socket.sendall(data[:self.chance.randrange(len(data))])
                        continue
                    answer = line.ask(data)
                if (answer.code, answer.number, answer.drive) != (ACCEPTED, number, self.drive):
                    raise AssertionError(f"{self.drive} {number}: {vars(answer)}")
                return
            except (OSError, EOFError):
                time.sleep(0.02)
        raise AssertionError(f"{self.drive} {number} was not acknowledged")


class FfdKills(unittest.TestCase):
    def test_acknowledged_documents_survive_kills(self):
        count, rounds = 120, 4
        server = Server(BIN, OPTIONS)
        self.addCleanup(server.__exit__)
        server.start()
        drives = [Drive(server, f"99990789000001{at:02d}", count, at) for at in range(6)]
        for drive in drives:
            drive.start()
        for kill in range(1, rounds + 1):
            want = kill * count // (rounds + 1)
            while min(drive.acknowledged for drive in drives) < want:
                self.assertTrue(any(drive.is_alive() for drive in drives))
                time.sleep(0.005)
            heard = {drive.drive: drive.acknowledged for drive in drives}
            server.kill()
            server.start()
            for name, number in heard.items():
                if number > 1:
                    server.json("receipt", "--fn", name, "--fd", number)
        for drive in drives:
            drive.join(120)
            self.assertIsNone(drive.error)
            self.assertEqual(drive.acknowledged, count)
        path = server.home / "drives.bin"
        path.write_bytes(b"".join(fiscal.message(one, drive.drive)
                                  for drive in drives for one in drive.documents()))
        row, = server.lines("import", path)
        self.assertEqual((row["stored"], row["duplicates"], row["refused"], row["passed"]),
                         (0, len(drives) * (count - 1), 0, len(drives)))
        self.assertEqual(len(server.lines("kkm", "list")), len(drives))
        server.stop()
        server.run("chek", "verify", server.data)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[2:]])
