# SPDX-License-Identifier: MIT
"""Receipts that were received days ago are removed by a server that is told to, and nothing else changes.

    test_retention.py SMALL_CHEKD_FOLDER SERVER_FOLDER CHEK_FOLDER PYTHON_FOLDER

The folder is written by a server of a machine whose clock is three days behind (small_chekd.c), with
segments as large as those of the other server, which is chekd or a small one again. That one then
has it: as it is, and with --retention-days.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
sys.path.insert(0, sys.argv[4])
import chek  # noqa: E402
import feeding  # noqa: E402
import workload  # noqa: E402
from server import Server  # noqa: E402

SMALL_BIN, SERVER_BIN, CHEK_BIN = [pathlib.Path(path) for path in sys.argv[1:4]]
IS_SMALL = SMALL_BIN == SERVER_BIN
SEGMENT_ROWS = 64 if IS_SMALL else 16384  # of chekd
OLD_COUNT = 40 * SEGMENT_ROWS + 20 if IS_SMALL else SEGMENT_ROWS + 600
PLAIN = ["--shards", "2" if IS_SMALL else "1", "--partitions", "1"]
RETAINING = [*PLAIN, "--retention-days", "1"]
OLD = [*PLAIN, "--segment-rows", str(SEGMENT_ROWS), "--log-file-kib", "65536",
       "--snapshot-log-kib", "262144", "--clock-days-behind", "3"]
TILL_COUNT, ROUND_SIZE = 3, 200
REMOVED, KEPT_FIRST = 5212, 200000000000
DAY_S = 86400
WAIT_S = 40


def total(status, name):
    return sum(value for (row, _), value in status.items() if row == name)


class Retention(unittest.TestCase):
    def setUp(self):
        self.server = Server(SMALL_BIN, OLD)
        self.addCleanup(self.server.__exit__)
        self.tills = workload.tills("retention", TILL_COUNT)
        self.server.start()
        with self.client() as client:
            workload.claim(client, self.tills)
            while total(client.status(), "documents") < OLD_COUNT:
                for till in self.tills:
                    till.answered(client.feed(till.documents(ROUND_SIZE)), again=False)
            self.wait(client, lambda status: total(status, "documents_open") < SEGMENT_ROWS)
            status = client.status()
            self.old_count = total(status, "documents") - total(status, "documents_open")
        self.server.stop()

    def client(self):
        return chek.Client(self.server.address, token_file=self.server.token_file)

    def serve(self, options):
        self.server.options = options
        self.server.bin = SERVER_BIN
        self.server.start()
        self.server.bin = CHEK_BIN
        return self.client()

    def wait(self, client, what):
        end = time.monotonic() + WAIT_S
        while not what(client.status()):
            self.assertLess(time.monotonic(), end, client.status())
            time.sleep(0.02)

    def wait_until_removed(self, client):
        """All sealed rows of before are, and their segments are remade; what was open then is not."""
        self.wait(client, lambda status: total(status, "retention_stopped") != 0 or (
            total(status, "rows_removed") == self.old_count and
            total(status, "segments_kept") > 0 and total(status, "merges_running") == 0 and
            total(status, "segments") - total(status, "segments_kept") <= 1))
        self.assertEqual(total(client.status(), "retention_stopped"), 0, self.server.log.read_text())

    def totals(self, client):
        """Everything that is not a document, as it is told. How far chains reach goes by sealing."""
        self.wait(client, lambda status: total(status, "seals_running") == 0)
        told = {}
        for till in self.tills:
            target = {"registration": till.registration}
            shifts = list(client.shifts(target))
            told[till.registration] = [
                client.report(target), shifts, list(client.gaps(target)),
                [client.report(target, shift.shift, closed=True) for shift in shifts if shift.closed],
                list(client.reconcile(target)), list(client.warnings(target))]
        told["day"] = list(client.sums(by=chek.SumsBy.REGISTER, step=chek.SumsStep.DAY,
                                       **{"from": workload.START - DAY_S,
                                          "to": workload.START + 365 * DAY_S}))
        told["all"] = list(client.sums(by=chek.SumsBy.ORGANISATION, step=chek.SumsStep.ALL))
        told["chains"] = client.chains()
        # How many commands there were is another matter: removing is one, and a repeat too.
        return {key: re.sub(r"'partition_seq': \d+", "", repr(value)) for key, value in told.items()}

    def compare(self, client, want):
        for key, value in self.totals(client).items():
            at = next((i for i, pair in enumerate(zip(value, want[key])) if pair[0] != pair[1]), 0)
            at = max(at - 100, 0)
            self.assertTrue(value == want[key],
                            f"{key}: ..{value[at:at + 300]}\nnot ..{want[key][at:at + 300]}")

    def removed_of(self, client, till):
        """The first ordinal that stays, and the border, as the list says."""
        chunk = next(client.answers("ask_receipts", {
            "target": {"registration": till.registration}, "count_max": 1}))
        return chunk.removed, chunk.border

    def check_removed(self, client, till):
        """What is asked about a removed document, and what is not there of it any more."""
        removed, border = self.removed_of(client, till)
        target = {"registration": till.registration}
        self.assertGreater(removed, self.old_count // TILL_COUNT // 2)
        self.assertLess(removed, max(till.journal))
        self.assertTrue(all(row.ordinal >= removed for row in client.receipts(target)))
        gone = [ordinal for ordinal, (document, _, _) in till.journal.items()
                if till.standing(ordinal) < removed and "receipt" in document]
        for ordinal in gone[::len(gone) // 40]:
            sent = till.journal[ordinal][0]["receipt"]
            for names in ({"ordinal": ordinal + 1}, {"sign": sent["sign"]},
                          {"document": sent["document"]}):
                with self.assertRaises(chek.Refused) as refused:
                    client.receipt(target=target, **names)
                self.assertEqual(refused.exception.code, REMOVED)
                self.assertIn(border_text(border), str(refused.exception))
        for ordinal in [ordinal for ordinal in till.journal if ordinal >= removed][::20]:
            if ordinal not in till.completed:
                client.receipt(target=target, ordinal=ordinal + 1)
        for ordinal, (document, _, _) in till.journal.items():
            codes = [code for line in document.get("receipt", {}).get("lines", [])
                     for code in line.get("markings", [])]
            if codes and ordinal not in till.completed:
                found = [marked.stored.ordinal for marked in client.marked(*codes, target=target)]
                self.assertEqual(bool(found), till.standing(ordinal) >= removed, (ordinal, found))
        said = self.server.error("receipt", "--kkm", till.profile["keys"][0]["value"],
                                 "--ordinal", gone[0])
        self.assertEqual(said["code"], "REMOVED", said)
        return gone

    def check_again(self, client, till, gone):
        """Removed documents are duplicates, also when they say something else; another sign is a conflict."""
        till.check_repeats(client, list(till.journal)[::1 if IS_SMALL else 8])
        document = next(till.journal[ordinal][0] for ordinal in gone if ordinal not in till.completed)
        other = till._conflict(document)
        self.assertEqual(client.feed([other])[0].status, workload.DUPLICATE)
        other["receipt"] = dict(other["receipt"], sign=other["receipt"]["sign"] ^ (1 << 50))
        self.assertEqual(client.feed([other])[0].status, workload.CONFLICT)

    def check_warned(self, client, before):
        """Which documents are marked is still told; what a removed one came to is not."""
        after = list(client.warned())
        removed = {till.registration: self.removed_of(client, till)[0] for till in self.tills}
        self.assertEqual(len(after), len(before))
        count = 0
        for was, row in zip(before, after):
            if row.ordinal < removed[row.registration] and row.kind != chek.EventKind.SHIFT_CLOSED:
                self.assertEqual((row.received, row.total), (0, 0))
                count += 1
            else:
                self.assertEqual((row.received, row.total), (was.received, was.total))
            self.assertEqual((row.registration, row.ordinal, row.kind, row.time, row.shift, row.document,
                              row.sign, row.warnings),
                             (was.registration, was.ordinal, was.kind, was.time, was.shift, was.document,
                              was.sign, was.warnings))
        self.assertGreater(count, 100)

    def check_wrong_totals(self):
        """What is not what its rows come to stays, and is told; the folder is as before afterwards."""
        kept = self.server.home / "kept"
        shutil.copytree(self.server.data, kept)
        subprocess.run([SMALL_BIN / "change_hours", self.server.data], check=True)
        with self.serve(RETAINING) as client:
            self.wait(client, lambda status: total(status, "retention_stopped") == 1)
            self.assertIn("CONFLICT", self.server.log.read_text(encoding="utf-8"))
            time.sleep(0.2)
            self.assertEqual(total(client.status(), "rows_removed"), 0)
            for till in self.tills:
                till.check_rows(client)
        self.server.stop()
        with self.assertRaises(workload.Wrong):
            feeding.verify(CHEK_BIN, self.server.data)
        shutil.rmtree(self.server.data)
        kept.rename(self.server.data)

    def segments(self):
        return sorted(int(path.name.split("-")[1]) for path in (self.server.data / "segment").iterdir())

    def size(self):
        return sum(path.stat().st_size for path in (self.server.data / "segment").iterdir())

    def test_old_documents_go_and_totals_stay(self):
        # Nobody has sent anything since: the clock of the machine alone removes nothing.
        with self.serve(RETAINING) as client:
            time.sleep(0.2)
            self.assertEqual(total(client.status(), "rows_removed"), 0)
            for till in self.tills:
                till.check_rows(client)
        self.server.stop()
        with self.serve(PLAIN) as client:
            for till in self.tills:
                till.answered(client.feed(till.documents(10)), again=False)
            want = self.totals(client)
            warned = list(client.warned())
        self.server.stop()
        size = self.size()
        self.check_wrong_totals()

        with self.serve(RETAINING) as client:
            self.wait_until_removed(client)
            self.compare(client, want)
            self.check_warned(client, warned)
            gone = {till: self.check_removed(client, till) for till in self.tills}
        self.server.kill()  # the log has the removal, the manifest perhaps not yet
        feeding.verify(CHEK_BIN, self.server.data)

        with self.serve(RETAINING) as client:
            self.wait_until_removed(client)
            kept = total(client.status(), "segments_kept")
            self.compare(client, want)
            for till in self.tills:
                self.assertEqual(self.check_removed(client, till), gone[till])
            with self.assertRaises(chek.Refused) as refused:
                list(client.sums(by=chek.SumsBy.REGISTER, **{"from": workload.START + 1800,
                                                             "to": workload.START + 30 * DAY_S}))
            self.assertEqual(refused.exception.code, REMOVED)
            client.snapshot()
        self.server.stop()
        self.assertEqual([number for number in self.segments() if number >= KEPT_FIRST],
                         [KEPT_FIRST + i for i in range(kept)])
        self.assertLessEqual(len(self.segments()), kept + 1)
        self.assertLess(self.size() * 2, size)
        feeding.verify(CHEK_BIN, self.server.data)

        with self.serve(PLAIN) as client:  # what was removed does not come back
            self.compare(client, want)
            for till in self.tills:
                self.assertEqual(self.check_removed(client, till), gone[till])
                self.check_again(client, till, gone[till])
        self.server.stop()
        feeding.verify(CHEK_BIN, self.server.data)
        print(f"{sum(map(len, gone.values()))} receipts removed, {size} bytes became {self.size()}")


def border_text(border_us):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(border_us // 1000000))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
