#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The command line against a real server: import, reports, lists, rights, restarts.

    test_chek.py BIN_FOLDER
"""
import csv
import io
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import fiscal  # noqa: E402
from server import ROOT, Server  # noqa: E402

BIN = pathlib.Path(sys.argv.pop(1))
SAMPLES = ROOT / "tests/samples"
GOOD = [SAMPLES / f"{name}.json" for name in
        ("export", "v1_api", "checking_service", "cabinet", "cabinet_whole", "vending", "marked",
         "operator", "marking_system")]
OPTIONS = ("--log-file-mib", "16", "--shards", "2")
# Receipts and closes in each of them, in their order.
COUNTS = [2, 1, 1, 1, 1, 1, 1, 4, 1]
DRIVE = "9999078900000001"


class Chek(unittest.TestCase):
    """One server with all samples in it; tests that change it start their own."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server(BIN, OPTIONS)
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__)
        cls.first = cls.server.lines("import", *GOOD)

    def test_import_tells_a_line_a_file(self):
        self.assertEqual([row["file"] for row in self.first], [str(path) for path in GOOD])
        self.assertEqual([row["stored"] for row in self.first], COUNTS)
        for row in self.first:
            self.assertEqual((row["duplicates"], row["completed"], row["refused"]), (0, 0, 0))

    def test_import_again_stores_nothing(self):
        for row, count in zip(self.server.lines("import", *GOOD), COUNTS):
            self.assertEqual((row["stored"], row["duplicates"], row["refused"]), (0, count, 0), row)

    def test_import_reads_its_input(self):
        text = (SAMPLES / "export.json").read_text(encoding="utf-8")
        row, = self.server.lines("import", "-", text_in=text)
        self.assertEqual(row["duplicates"], 2)

    def test_import_table_is_for_people(self):
        said = self.server.chek("import", SAMPLES / "export.json").splitlines()
        self.assertEqual(said[0].split(), ["file", "stored", "duplicates", "completed", "refused",
                                           "warnings"])
        self.assertEqual(said[1].split()[1:], ["0", "2", "0", "0", "2"])  # N3

    def test_numbers_that_cannot_be_are_marked(self):
        """N1 to N3: numbers of samples are made up, but for those of one register."""
        with Server(BIN, OPTIONS) as server:
            right = json.loads((SAMPLES / "checking_service.json").read_text(encoding="utf-8"))
            text = json.dumps(right, ensure_ascii=False)
            for old, new in (("0000000027", "7825706086"), ("0000000003000003", "0007795807005569"),
                             ("00100000000003", "00105726645591")):
                self.assertIn(old, text)
                text = text.replace(old, new)
            server.lines("import", "-", text_in=text)
            server.lines("import", SAMPLES / "operator.json")
            for old, new in (("7825706086", "7825706093"), ("00105726645591", "00105726645592"),
                             ("0007795807005569", "0007795807005570"),
                             ("9999078900000003", "9999078900000099")):
                text = text.replace(old, new)
            server.lines("import", "-", text_in=text)
            told = {row["key"]: {one["warning"]: one["count"] for one in row["counts"]}
                    for row in server.lines("warnings")}
            self.assertEqual(told, {
                "9999078900000003": {"total_differs": 1},
                "9999078900000007": {"cash_negative": 2, "tin_wrong": 3},
                "9999078900000099": {"total_differs": 1, "register_number_wrong": 1}})
            row, = server.lines("warnings", "--list", "--org", "7825706093")
            self.assertEqual(row["marks"], ["total_differs", "register_number_wrong"])
            rows = server.lines("warnings", "--list", "--warning", "tin_wrong")
            self.assertEqual([row["document"] for row in rows], [10, 11, 12])
            server.stop()
            server.run("chek", "verify", server.data)

    def test_x_is_the_sum_of_the_receipts(self):
        answer = self.server.json("report", "x", "--kkm", DRIVE)
        report = answer["report"]
        self.assertEqual(answer["register"]["profile"]["organisation_name"], 'ООО "Образец"')
        self.assertEqual((report["shift"], report["currency"], report["closed"]), (4, "RUB", None))
        sell, back = report["operations"]
        self.assertEqual((sell["operation"], sell["tickets"], sell["net"]), ("sell", 1, 23190))
        self.assertEqual((back["operation"], back["tickets"], back["net"]),
                         ("sell_return", 1, 10000))
        self.assertEqual(report["cash"], 20000 - 10000)
        self.assertEqual(report["revenue"], 23190 - 10000)
        taxes = {(row["operation"], row["rate"]): (row["turnover"], row["sum"])
                 for row in report["taxes"]}
        self.assertEqual(taxes, {("sell", 10000): (20000, 1818), ("sell", 20000): (3190, 532),
                                 ("sell_return", 10000): (10000, 909)})
        self.assertIsNone(answer["late"])

    def test_x_on_paper(self):
        said = self.server.chek("report", "x", "--kkm", "0000000001000001")
        for words in ('ООО "Образец"', "X REPORT", "SALE", "RETURN OF SALE", "231.90", "VAT 10%",
                      "REVENUE", "131.90", "Cash in the drawer", "0000000001000001"):
            self.assertIn(words, said)

    def test_z_of_a_closed_shift(self):
        answer = self.server.json("report", "z", "--kkm", "9999078900000007", "--shift", "2")
        report = answer["report"]
        self.assertEqual(report["closed"], "2020-09-14T08:00:00")
        self.assertEqual([row["operation"] for row in report["operations"]], ["sell", "buy"])
        self.assertEqual(report["operations"][0]["net"], 700 + 1200)
        several = self.server.lines("report", "z", "--kkm", "9999078900000007", "--from",
                                    "2020-09-14", "--to", "2020-09-14")
        self.assertEqual(several, [{**answer, "open_shift": None}])
        self.assertIs(answer["covered"], False)  # so few rows are in no link yet
        self.assertEqual(answer["chain"]["rows"], 0)
        self.assertIsNone(answer["chain"]["head"])
        self.assertGreater(answer["chain"]["open"], 0)
        self.assertIn("Z REPORT", self.server.chek("report", "z", "--kkm", "9999078900000007",
                                                   "--shift", "1..9"))

    def test_z_of_a_range_in_which_all_are_open_is_refused(self):
        row, = self.server.lines("shifts", "--kkm", DRIVE)
        self.assertIsNone(row["closed"])
        error = self.server.error("report", "z", "--kkm", DRIVE, "--shift", f"1..{row['shift']}")
        self.assertEqual(error["code"], "SHIFT_OPEN")

    def test_z_of_an_open_shift_is_refused_with_a_hint(self):
        error = self.server.error("report", "z", "--kkm", DRIVE, "--shift", "4")
        self.assertEqual(error["code"], "SHIFT_OPEN")
        self.assertIn("report x", error["hint"])

    def test_shifts(self):
        row, = self.server.lines("shifts", "--kkm", DRIVE)
        self.assertEqual((row["shift"], row["tickets"], row["revenue"], row["currency"]),
                         (4, 2, 13190, "RUB"))
        self.assertEqual(self.server.lines("shifts", "--kkm", DRIVE, "--from", "2021-06-16"), [])
        self.assertIn("131.90", self.server.chek("shifts", "--kkm", DRIVE))

    def test_receipts_in_three_forms(self):
        rows = self.server.lines("receipts", "--kkm", DRIVE)
        self.assertEqual([row["receipt"]["document"] for row in rows], [541, 542])
        self.assertEqual(rows[0]["receipt"]["lines"][0]["name"], "Хлеб ржаной")
        self.assertEqual(rows[0]["receipt"]["time"], "2021-06-15T10:29:00")
        self.assertTrue(rows[0]["received"].endswith("Z"))
        jsonl = self.server.chek("receipts", "--kkm", DRIVE, "--format", "jsonl").splitlines()
        self.assertEqual([json.loads(line) for line in jsonl], rows)
        table = list(csv.DictReader(io.StringIO(
            self.server.chek("receipts", "--kkm", DRIVE, "--format", "csv"))))
        self.assertEqual([(row["document"], row["total"], row["kind"]) for row in table],
                         [("541", "231.90", "SALE"), ("542", "100.00", "RETURN OF SALE")])
        one = self.server.lines("receipts", "--kkm", DRIVE, "--limit", "1", "--after", "0")
        self.assertEqual(one, rows[1:])
        self.assertEqual(self.server.lines("receipts", "--kkm", DRIVE, "--shift", "5..6"), [])

    def test_a_receipt_by_each_of_its_names(self):
        text = "t=20210615T1029&s=231.90&fn=9999078900000001&i=541&fp=2318389901&n=1"
        by_qr = self.server.json("receipt", "--qr", text)
        self.assertEqual(by_qr["receipt"]["total"], 23190)
        for names in (["--fn", DRIVE, "--fd", "541", "--fp", "2318389901"],
                      ["--kkm", "0000000001000001", "--sign", "2318389901"],
                      ["--kkm", DRIVE, "--sign", "2318389901", "--date", "2021-06-15"],
                      ["--kkm", DRIVE, "--document", "541"], ["--kkm", DRIVE, "--ordinal", "0"]):
            self.assertEqual(self.server.json("receipt", *names), by_qr, names)
        paper = self.server.chek("receipt", "--qr", text)
        for words in ("Хлеб ржаной", "2 x 100.00", "TOTAL", "231.90", "VAT 20%", "2318389901"):
            self.assertIn(words, paper)
        self.assertEqual(self.server.error("receipt", "--fn", DRIVE, "--fd", "543")["code"],
                         "NOT_FOUND")

    def test_marks_and_measures_survive(self):
        receipt = self.server.json("receipt", "--fn", "9999078900000006", "--fd", "4711")["receipt"]
        water, curd, _ = receipt["lines"]
        self.assertEqual(water["markings"], ["0104600000000015215OoyE8qxeIOn>"])
        self.assertEqual((curd["gtin"], water["unit"], water["subject"]), (4600000000022, "шт", 33))
        self.assertEqual({row["rate"]: (row["sum"], row["turnover"]) for row in receipt["taxes"]},
                         {22000: (2200, 12200), 10000: (600, 6600)})

    def test_of_the_buyer_only_the_subject_is_shown(self):
        said = self.server.chek("receipt", "--fn", "9999078900000005", "--fd", "153832", "--json")
        self.assertNotIn("70000000000", said)
        self.assertIsNotNone(json.loads(said)["receipt"]["subject"])

    def test_analytics_adds_up(self):
        rows = self.server.lines("analytics")
        mine = {row["operation"]: row for row in rows if row["organisation"] == "0000000027"}
        # Three registers of this organisation sell; one takes something back.
        self.assertEqual(mine["sell"]["net"], 23190 + 29700 + 18800)
        self.assertEqual(mine["sell_return"]["net"], 10000)
        self.assertEqual(mine["sell"]["organisation_name"], 'ООО "Образец"')
        registers = self.server.lines("analytics", "--by", "register", "--org", "0000000027")
        self.assertEqual(sum(row["net"] for row in registers if row["operation"] == "sell"),
                         mine["sell"]["net"])
        days = self.server.lines("analytics", "--step", "day", "--from", "2021-06-15", "--to",
                                 "2021-06-15", "--kkm", DRIVE)
        self.assertEqual({(row["time"], row["operation"]): row["net"] for row in days},
                         {("2021-06-15T00:00:00", "sell"): 23190,
                          ("2021-06-15T00:00:00", "sell_return"): 10000})
        hours = self.server.lines("analytics", "--by", "point", "--step", "hour", "--from",
                                  "2021-06-15", "--to", "2021-06-15", "--kkm", DRIVE)
        self.assertEqual([row["time"] for row in hours],
                         ["2021-06-15T10:00:00", "2021-06-15T18:00:00"])
        self.assertIn("Лавка", self.server.chek("analytics", "--by", "point"))

    def test_registers(self):
        rows = self.server.lines("kkm", "list", "--org", "0000000027")
        self.assertEqual(len(rows), 3)
        one = self.server.json("kkm", "show", DRIVE)
        self.assertIn({"kind": "fiscal_drive", "value": DRIVE}, one["profile"]["keys"])
        number = one["registration"]
        for name in (str(number), f"#{number}", f"fn:{DRIVE}", "rnm:0000000001000001"):
            self.assertEqual(self.server.json("kkm", "show", name), one)
        self.assertEqual(self.server.error("kkm", "show", "factory:0000000001000001")["code"],
                         "NOT_FOUND")
        self.assertIn("0000000001000001", self.server.chek("kkm", "list"))

    def test_status_and_events(self):
        items = {row["name"]: row for row in self.server.lines("status") if row["shard"] in (None, 0)}
        self.assertEqual(items["shards"]["value"], 2)
        self.assertIn("sync_method", items)
        self.assertEqual(items["documents_chained"]["value"], 0)
        self.assertEqual(self.server.chek("status", "--heads"), "")
        reaches = self.server.lines("status", "--heads")
        self.assertEqual(sum(reach["open"] for reach in reaches), sum(
            row["value"] for row in self.server.lines("status") if row["name"] == "documents"))
        for name in ("segments", "segments_merged", "hour_table_bytes", "seals_running", "merges",
                     "merges_running"):
            self.assertEqual(items[name]["value"], 0, name)  # a chunk is not full yet
        values = {}
        for row in self.server.lines("status"):
            values.setdefault(row["name"], []).append(row.get("value"))
        for documents, size in zip(values["documents"], values["memory_bytes_a_document"], strict=True):
            self.assertEqual(size > 0, documents > 0)
        self.assertEqual(values["segment_bytes_a_document"], [0, 0])
        self.assertEqual(len(values["stored_per_s"]), 2)  # nothing for a while, if it is slow
        for name in ("requests_per_s", "received_bytes_per_s"):
            self.assertGreater(sum(values[name]), 0, name)
        events = self.server.lines("events", "--from", "0")
        self.assertEqual(sum(row["kind"] in ("receipt", "late") for row in events), sum(COUNTS) - 1)
        self.assertEqual(self.server.lines("events", "--from", events[-1]["cursor"]), [])

    def test_every_line_of_events_names_the_place_behind_it(self):
        def rows(*words):
            return [(row["partition"], row["seq"]) for row in self.server.lines("events", *words)]

        lines = self.server.lines("events", "--from", "0")
        events = [(row["partition"], row["seq"]) for row in lines]
        self.assertGreater(len({partition for partition, _ in events}), 2)
        self.assertEqual(len({row["cursor"] for row in lines}), len(lines))
        sold = [row for row in lines if row["kind"] == "receipt"]
        names = {row["registration"]: row for row in self.server.lines("kkm", "list")}
        self.assertGreater(len({row["registration"] for row in sold}), 2)
        for row in sold:
            profile = names[row["registration"]]["profile"]
            self.assertEqual((row["currency"], row["key"]),
                             ("RUB", profile["keys"][0]["value"]))
        self.assertIn(" RUB ", self.server.chek("events", "--from", "0"))
        for i, row in enumerate(lines):
            self.assertEqual(sorted(rows("--from", row["cursor"])), sorted(events[i + 1:]), row)
        # Of one partition, and from a place that was a line's itself.
        partition = events[len(events) // 2][0]
        mine = [event for event in events if event[0] == partition]
        first, = [row for row in self.server.lines("events", "--partition", str(partition))
                  if row["seq"] == mine[0][1]]
        self.assertEqual(rows("--partition", str(partition), "--from", first["cursor"]), mine[1:])
        self.assertEqual(rows("--from", ""), events)

    def test_repeats_of_applied_documents_are_not_logged(self):
        def figures():
            rows = self.server.lines("status")
            return {name: sum(row["value"] for row in rows if row["name"] == name)
                    for name in ("repeats_not_logged", "log_durable_lsn", "duplicates")}

        before = figures()
        done, = self.server.lines("import", SAMPLES / "export.json")
        after = figures()
        told = done["duplicates"]
        self.assertGreater(told, 0)
        self.assertEqual(after["duplicates"] - before["duplicates"], told)
        self.assertEqual(after["repeats_not_logged"] - before["repeats_not_logged"], told)
        self.assertEqual(after["log_durable_lsn"], before["log_durable_lsn"])

    def test_help_has_examples(self):
        done = subprocess.run([BIN / "chek", "--help"], capture_output=True, text=True, check=True)
        commands = [line.split("  ")[1].strip() for line in done.stdout.splitlines()
                    if line.startswith("  ") and not line.startswith("  -")][1:]
        self.assertGreater(len(commands), 10)
        for command in commands:
            said = self.server.chek(*command.split(), "--help")
            self.assertIn(f"chek {command}", said)
            _, examples = said.split("\nExamples\n")
            self.assertIn(f"  chek {command}", examples)
        for group in ("report", "kkm", "token"):
            said = self.server.chek(group, "--help")
            mine = [command for command in commands if command.split()[0] == group]
            self.assertGreater(len(mine), 1)
            for command in mine:
                self.assertIn(f"  {command} ", said)

    def test_a_command_that_is_not_there_is_told_as_json(self):
        for words, want in ((["bogus"], "bogus"), (["report"], "report"), (["kkm", "bogus"], "bogus")):
            error = self.server.error(*words, code=2)
            self.assertEqual(error["code"], "USAGE")
            self.assertIn(want, error["text"])

    def test_wrong_usage_is_exit_2(self):
        rows = [(["reprot"], "no command"), (["report", "x"], "which register"),
                (["report", "x", "--kkm"], "needs a value"), (["shifts", "--what"], "no option"),
                (["report", "z", "--kkm", "1"], "--shift"),
                (["receipts", "--kkm", "1", "--from", "2021-02-30"], "a day, YYYY-MM-DD"),
                (["receipts", "--kkm", "1", "--shift", "3..2"], "A..B"),
                (["analytics", "--step", "day"], "--from"), (["import"], "FILE"),
                (["token", "add", "x"], "--rights"), (["token", "add", "x", "--rights", "rule"], "--rights"),
                (["kkm", "add", "--rnm", "1"], "--org"), (["receipt"], "--qr")]
        for words, want in rows:
            with self.subTest(words=words):
                _, said = self.server.run("chek", *words, code=2)
                self.assertIn(want, said)

    def test_errors_are_json_when_asked(self):
        error = self.server.error("report", "x", code=2)
        self.assertEqual(error["code"], "USAGE")
        self.assertEqual(set(error), {"code", "field", "text", "hint"})


class Changes(unittest.TestCase):
    def setUp(self):
        self.server = Server(BIN, OPTIONS)
        self.server.__enter__()
        self.addCleanup(self.server.__exit__)

    def test_refusals_name_the_place_and_the_field(self):
        said, _ = self.server.run("chek", "import", SAMPLES / "refused.json", SAMPLES / "none.json",
                                  "--json", code=1)
        first, second, missing, refused, none = [json.loads(line) for line in said.splitlines()]
        self.assertEqual((first["offset"], first["code"], first["field"]),
                         (1, "TOTAL_MISMATCH", "receipt.total"))
        self.assertEqual((second["offset"], second["code"]), (294, "NUMBER"))
        self.assertEqual(missing["code"], "ENOENT")
        said, _ = self.server.run("chek", "import", SAMPLES, "--json", code=1)
        self.assertEqual(json.loads(said.splitlines()[0])["code"], "EISDIR")
        self.assertEqual((refused["stored"], refused["refused"]), (1, 2))
        self.assertEqual((none["stored"], none["refused"]), (0, 1))
        lines = self.server.run("chek", "import", SAMPLES / "refused.json", code=1)[0].splitlines()
        self.assertIn(f"{SAMPLES / 'refused.json'}, 1, TOTAL_MISMATCH, receipt.total, ", lines[0])

    def test_a_file_without_receipts_is_told(self):
        path = self.server.home / "empty.json"
        path.write_text('{"a": [1, 2]}', encoding="utf-8")
        said, _ = self.server.run("chek", "import", path, "--json", code=1)
        self.assertEqual(json.loads(said.splitlines()[0])["code"], "NOT_FOUND")

    def test_import_takes_fiscal_documents(self):
        """As bytes: stored once, in whatever form and however often they come."""
        whole, alone = fiscal.message(fiscal.receipt(7)), fiscal.receipt(7)
        path = self.server.home / "drive.bin"
        path.write_bytes(fiscal.message(fiscal.document(2, 6)) + whole
                         + fiscal.message(fiscal.document(5, 8)))
        row, = self.server.lines("import", path)
        self.assertEqual((row["stored"], row["passed"], row["refused"]), (2, 1, 0))
        path.write_bytes(alone)
        row, = self.server.lines("import", path)
        self.assertEqual((row["stored"], row["duplicates"]), (0, 1))
        path.write_text(json.dumps(fiscal.as_json(7)), encoding="utf-8")
        row, = self.server.lines("import", path)
        self.assertEqual((row["stored"], row["duplicates"]), (0, 1))
        self.assertIn("1 documents of kinds that are not stored",
                      self.server.chek("import", self.binary(fiscal.document(1, 1))))
        found = self.server.json("receipt", "--fn", fiscal.DRIVE, "--fd", 7)
        self.assertEqual((found["receipt"]["total"], found["receipt"]["operator"]),
                         (fiscal.TOTAL, "Петрова Ё."))

    def test_fiscal_documents_that_are_none_are_refused(self):
        broken = bytearray(fiscal.message(fiscal.receipt(9)))
        broken[-20] ^= 1
        self.server.chek("import", self.binary(fiscal.receipt(7)))
        path = self.binary(bytes(broken) + fiscal.message(fiscal.receipt(7)))
        said, _ = self.server.run("chek", "import", path, "--json", code=1)
        refusal, total = [json.loads(line) for line in said.splitlines()]
        self.assertEqual((refusal["offset"], refusal["code"]), (0, "CHECKSUM"))
        self.assertEqual((total["refused"], total["stored"] + total["duplicates"]), (1, 1))

    def test_gaps_are_told_until_they_are_filled(self):
        def told():
            rows = self.server.lines("gaps")
            self.assertEqual(self.server.lines("gaps", "--kkm", fiscal.DRIVE), rows)
            return [(row["registration"], row["key"], row["first"], row["last"], row["count"])
                    for row in rows]

        def receive(*numbers):
            paths = [self.server.home / f"receipt{number}" for number in numbers]
            for number, path in zip(numbers, paths):
                path.write_bytes(fiscal.message(fiscal.receipt(number)))
            self.server.lines("import", *paths)

        receive(7, 4, 1)
        whose, key = told()[0][:2]
        self.assertIn(key, self.server.chek("kkm", "list"))
        self.assertEqual(told(), [(whose, key, 2, 3, 2), (whose, key, 5, 6, 2)])
        self.assertEqual(self.server.lines("gaps", "--org", "nobody"), [])
        head, *lines = self.server.chek("gaps").splitlines()
        self.assertEqual(head.split(), ["register", "called", "from", "to", "count"])
        self.assertEqual(lines[0].split(), [str(whose), key, "2", "3", "2"])
        receive(3, 5, 6)
        self.assertEqual(told(), [(whose, key, 2, 2, 1)])

    def test_copies_of_a_receipt_are_one(self):
        """As bytes, as JSON, as JSON round the bytes, without lines: in every order, twice."""
        forms = (lambda number: fiscal.message(fiscal.receipt(number)),
                 lambda number: json.dumps(fiscal.as_json(number)).encode(),
                 lambda number: json.dumps(fiscal.with_bytes(number)).encode(),
                 lambda number: json.dumps(fiscal.without_lines(number)).encode())
        orders = list(itertools.permutations(range(len(forms))))
        for number, order in enumerate(orders, 1):
            paths = []
            for form in order:
                paths.append(self.server.home / f"copy{form}")
                paths[-1].write_bytes(forms[form](number))
            first, again = ([tuple(row[name] for name in ("stored", "completed", "duplicates",
                                                          "refused", "differences"))
                             for row in self.server.lines("import", *paths)] for _ in range(2))
            poor_first = forms[order[0]] is forms[-1]
            second = (0, 1, 0, 0, 0) if poor_first else (0, 0, 1, 0, 0)
            self.assertEqual(first, [(1, 0, 0, 0, 0), second] + [(0, 0, 1, 0, 0)] * 2, order)
            self.assertEqual(again, [(0, 0, 1, 0, 0)] * 4, order)
            found = self.server.json("receipt", "--fn", fiscal.DRIVE, "--fd", number)["receipt"]
            self.assertEqual((found["operator"], len(found["lines"]), found["time"][:16]),
                             ("Петрова Ё.", 2, fiscal.TIME[:16]), order)
        report = self.server.json("report", "x", "--kkm", fiscal.DRIVE)["report"]
        self.assertEqual((report["operations"][0]["tickets"], report["revenue"]),
                         (len(orders), len(orders) * fiscal.TOTAL))
        self.assertEqual(len(self.server.lines("receipts", "--kkm", fiscal.DRIVE)), len(orders))
        self.server.stop()
        done = subprocess.run([BIN / "chek", "verify", self.server.data], capture_output=True,
                              text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("behind the end", done.stdout)  # of streams that a stop has emptied
        self.server.start()

    def test_json_that_is_not_what_its_bytes_say_is_told(self):
        told = fiscal.with_bytes(7)
        told["receipt"].update(cashTotalSum=0, ecashTotalSum=fiscal.TOTAL)
        line, row = self.server.lines("import", "-", text_in=json.dumps(told))
        self.assertEqual((line["code"], line["field"], line["offset"]),
                         ("CONFLICT", "receipt.payments", 12))
        self.assertEqual((row["stored"], row["refused"], row["differences"]), (1, 0, 1))

    def binary(self, data):
        path = self.server.home / "documents.bin"
        path.write_bytes(data)
        return path

    def test_a_conflict_is_refused_and_the_first_stays(self):
        text = (SAMPLES / "cabinet_whole.json").read_text(encoding="utf-8")
        self.server.chek("import", "-", text_in=text)
        other = text.replace("100.00", "200.00")
        said, _ = self.server.run("chek", "import", "-", "--json", code=1, text_in=other)
        refusal, total = [json.loads(line) for line in said.splitlines()]
        self.assertEqual((refusal["code"], total["refused"]), ("CONFLICT", 1))
        self.assertEqual(self.server.json("receipt", "--fn", "9999078900000004", "--fd",
                                          "167118")["receipt"]["total"], 10000)

    def test_everything_is_there_after_restarts(self):
        before = self.questions(self.server.lines("import", *GOOD))
        self.server.chek("snapshot")
        self.server.restart()
        self.assertEqual(self.questions(self.server.lines("import", *GOOD)), before)
        self.server.kill()
        self.server.start()
        self.assertEqual(self.questions(self.server.lines("import", *GOOD)), before)

    def questions(self, imported):
        """Answers that must not change, whatever happens in between."""
        self.assertEqual(sum(row["stored"] + row["duplicates"] for row in imported), sum(COUNTS))
        answers = [self.server.lines("analytics", "--by", "register"),
                   self.server.lines("kkm", "list"), self.server.lines("receipts", "--kkm", DRIVE)]
        for drive in range(1, 9):
            answers += self.server.lines("shifts", "--kkm", f"999907890000000{drive}")
        return answers

    def test_an_export_is_imported_as_the_same(self):
        files = [*GOOD, SAMPLES / "two_shifts.json"]
        self.server.chek("import", *files)
        exports = [self.server.chek("export", "--format", form) for form in ("jsonl", "csv")]
        want = self.everything()
        for text in exports:
            with Server(BIN, OPTIONS) as other:
                row, = other.lines("import", "-", text_in=text)
                self.assertEqual((row["duplicates"], row["refused"]), (0, 0), row)
                self.assertEqual(self.everything(other), want)
                again, = other.lines("import", "-", text_in=text)
                self.assertEqual((again["stored"], again["duplicates"]), (0, row["stored"]))

    def everything(self, server=None):
        """Receipts and reports of every register, without what is of one server alone."""
        server = server or self.server
        told = {}
        for register in server.lines("kkm", "list"):
            name = next(key["value"] for key in register["profile"]["keys"]
                        if key["kind"] == "fiscal_drive")
            receipts = server.lines("receipts", "--kkm", f"fn:{name}")
            for row in receipts:
                row.pop("received"), row.pop("registration")
                (row["receipt"] or {}).pop("subject", None)
            shifts = server.lines("shifts", "--kkm", f"fn:{name}")
            reports = [server.json("report", "z" if shift["closed"] else "x", "--kkm", f"fn:{name}",
                                   *(["--shift", str(shift["shift"])] if shift["closed"] else []))
                       for shift in shifts]
            for report in reports:
                report.pop("chain", None)
                for part in (report["report"], report["late"], report["register"]):
                    for field in ("registration", "partition_seq", "partition"):
                        (part or {}).pop(field, None)
            told[name] = (register["profile"], receipts, reports)
        return told

    def test_a_token_sees_only_its_scope(self):
        self.server.chek("import", *GOOD)
        token = self.server.home / "shop.token"
        self.server.chek("token", "add", "shop", "--rights", "read", "--org", "0000000027", "--out",
                         token)
        self.assertEqual(oct(token.stat().st_mode & 0o777), "0o600")
        mine = {"token_file": token}
        self.assertEqual(len(self.server.lines("kkm", "list", **mine)), 3)
        every = self.server.lines("analytics")
        self.assertEqual(self.server.lines("analytics", **mine),
                         [row for row in every if row["organisation"] == "0000000027"])
        self.assertEqual(self.server.error("report", "x", "--kkm", "9999078900000005",
                                           **mine)["code"], "NOT_FOUND")
        self.assertEqual(self.server.error("import", SAMPLES / "export.json", **mine)["code"],
                         "PERMISSION")
        self.assertEqual(self.server.error("token", "list", **mine)["code"], "PERMISSION")
        names = {row["name"]: row for row in self.server.lines("token", "list")}
        self.assertEqual(names["shop"]["rights"], 1)
        self.server.chek("token", "revoke", "shop")
        error = self.server.error("kkm", "list", **mine)
        self.assertEqual(error["code"], "AUTHENTICATION")
        self.assertIn("admin.token", error["hint"])

    def test_a_name_is_one_principals(self):
        def names():
            return [row["name"] for row in self.server.lines("token", "list") if not row["revoked"]]

        self.server.chek("token", "add", "till", "--rights", "read")
        before = names()
        for name in ("till", before[0]):
            error = self.server.error("token", "add", name, "--rights", "ingest")
            self.assertEqual((error["code"], error["field"]), ("EXISTS", "token_add.name"))
        error = self.server.error("token", "add", "", "--rights", "read")
        self.assertEqual((error["code"], error["field"]), ("FIELD_MISSING", "token_add.name"))
        self.assertEqual(names(), before)
        self.server.chek("token", "revoke", "till")
        self.assertEqual(self.server.error("token", "revoke", "till")["code"], "NOT_FOUND")
        self.server.chek("token", "add", "till", "--rights", "read")  # free again
        self.assertEqual(names(), before)

    def test_a_token_that_cannot_be_written_is_not_made(self):
        taken = self.server.home / "taken.token"
        taken.write_text("mine", encoding="ascii")
        before = self.server.lines("token", "list")
        error = self.server.error("token", "add", "clerk", "--rights", "read", "--out", taken)
        self.assertEqual(error["code"], "EEXIST")
        self.assertEqual(taken.read_text(encoding="ascii"), "mine")
        self.assertEqual(self.server.lines("token", "list"), before)
        # A refusal leaves no file behind.
        fresh = self.server.home / "fresh.token"
        self.assertEqual(self.server.error("token", "add", before[0]["name"], "--rights", "read",
                                           "--out", fresh)["code"], "EXISTS")
        self.assertFalse(fresh.exists())

    def test_an_untrusted_token_may_not_make_registers(self):
        token = self.server.home / "feeder.token"
        self.server.chek("token", "add", "feeder", "--rights", "ingest", "--out", token)
        said, _ = self.server.run("chek", "import", SAMPLES / "export.json", "--json", code=1,
                                  token_file=token)
        self.assertEqual([json.loads(line)["code"] for line in said.splitlines()[:2]],
                         ["UNREGISTERED"] * 2)
        self.server.chek("kkm", "add", "--org", "0000000027", "--fn", DRIVE, "--rnm",
                         "0000000001000001", "--currency", "RUB")
        row, = self.server.lines("import", SAMPLES / "export.json", token_file=token)
        self.assertEqual(row["stored"], 2)

    def test_z_of_several_shifts_names_the_one_that_is_open(self):
        text = (SAMPLES / "cabinet_whole.json").read_text(encoding="utf-8")
        self.server.chek("import", "-", text_in=text)
        self.server.chek("import", "-", text_in=text.replace("167118", "167119")
                         .replace("T17:50", "T18:50").replace('"shiftNumber":45', '"shiftNumber":46'))
        z = ("report", "z", "--kkm", "9999078900000004")
        report, = self.server.lines(*z, "--shift", "45..46")
        self.assertEqual((report["report"]["shift"], report["open_shift"]), (45, 46))
        self.assertIn("Shift 46 is open", self.server.chek(*z, "--shift", "45..46"))
        self.assertNotIn("open_shift", self.server.json(*z, "--shift", "45"))

    def test_a_new_fiscal_drive_is_another_registration(self):
        text = (SAMPLES / "cabinet_whole.json").read_text(encoding="utf-8")
        self.server.chek("import", "-", text_in=text)
        self.server.chek("import", "-", text_in=text.replace("9999078900000004", "9999078900000099")
                         .replace("167118", "1"))
        error = self.server.error("report", "x", "--kkm", "0000000004000004")
        self.assertEqual(error["code"], "AMBIGUOUS")
        for number in ("#1", "#2"):
            self.assertIn(number, error["text"])
        self.assertEqual(self.server.json("report", "x", "--kkm", "9999078900000099")["report"]
                         ["revenue"], 10000)

    def test_a_server_that_is_not_there_is_told(self):
        address = self.server.address
        self.server.stop()
        done = subprocess.run([BIN / "chek", "status", "--json", "--server", address, "--token-file",
                               self.server.token_file], capture_output=True, text=True,
                              env={key: value for key, value in os.environ.items()
                                   if not key.startswith("CHEK_")})
        self.assertEqual(done.returncode, 1)
        self.assertEqual(json.loads(done.stderr)["code"], "ECONNREFUSED")

    def test_a_token_file_without_a_token(self):
        with tempfile.NamedTemporaryFile() as empty:
            self.assertEqual(self.server.error("status", token_file=empty.name)["code"],
                             "AUTHENTICATION")


if __name__ == "__main__":
    unittest.main()
