# SPDX-License-Identifier: MIT
"""People on receipts: erased, and nowhere in clear.

    test_persons.py BIN_FOLDER PYTHON_FOLDER
"""
import itertools
import json
import shutil
import struct
import sys
import unittest

from plain_xxh3 import xxh3_64
from server import Server

ARGUMENTS = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
sys.path.insert(0, ARGUMENTS[1])
import chek  # noqa: E402  (its folder is known only now)

PHONE, OTHER_PHONE = "+77015550123", "+77015550199"
MAIL, IIN, NAME = "canary.buyer@example.kz", "850101300123", "Canary Canaryev"
DAY = chek.civil("2026-01-05T12:00:00")
organisations = itertools.count(700000000001)


def receipt(number, buyer=PHONE, persons=(), time=DAY, **more):
    return {"time": time + number, "document": number, "sign": 1000 + number, "total": 100,
            "payments": [{"sum": 100}], "lines": [{"sum": 100}], "buyer": buyer,
            "persons": [{"kind": kind, "value": value} for kind, value in persons], **more}


class Persons(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(ARGUMENTS[0], ["--partitions", "3", "--shards", "2"])
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def setUp(self):
        self.organisation = str(next(organisations))
        self.register = self.register_of("main")

    def client(self):
        return chek.Client(self.server.address, token_file=self.server.token_file)

    def register_of(self, point, organisation=None):
        organisation = organisation or self.organisation
        profile = {"keys": [{"value": f"{organisation}-{point}"}], "organisation": organisation,
                   "point": point}
        with self.client() as client:
            return client.claim([profile])[0].registration

    def feed(self, *receipts, register=None, want=chek.Status.STORED, **options):
        with self.client() as client:
            results = client.feed([{"registration": register or self.register, "receipt": one}
                                   for one in receipts], **options)
        self.assertEqual({row.status for row in results}, {want})

    def row(self, number):
        return self.server.json("receipt", "--kkm", f"#{self.register}", "--document", number)

    def subject(self, number):
        return self.row(number)["receipt"]["subject"]

    def erase(self, *whom, organisation=None, **options):
        return self.server.json("person", "erase", "--org", organisation or self.organisation,
                                *whom, **options)

    def erasures(self, **options):
        return self.server.lines("person", "erasures", "--org", self.organisation, **options)

    def token(self, rights, *scope):
        name = f"token{next(organisations)}"
        path = self.server.home / name
        self.server.chek("token", "add", name, "--rights", rights, "--out", path, *scope)
        return path

    def status(self, name):
        return sum(row["value"] for row in self.server.lines("status") if row["name"] == name)


class Erasing(Persons):
    def test_by_value_and_by_subject(self):
        self.feed(receipt(1, persons=[(chek.PersonKind.TIN, IIN), (chek.PersonKind.NAME, NAME),
                                      (chek.PersonKind.CONTACT, MAIL)]))
        before = self.status("persons")
        done = self.erase("--phone", "8 (701) 555-01-23")
        self.assertEqual((done["organisation"], done["subject"]),
                         (self.organisation, self.subject(1)))
        self.erase("--email", "-", text_in=" Canary.Buyer@example.kz\n")
        self.erase("--iin", IIN)
        self.erase("--subject", self.row(1)["receipt"]["persons"][1]["subject"])
        self.assertEqual(self.status("persons"), before - 4)
        self.assertEqual(len(self.erasures()), 4)
        self.assertEqual(self.erase("--phone", PHONE), done, "it is done once")
        self.assertEqual(self.server.error("person", "erase", "--org", self.organisation,
                                           "--phone", OTHER_PHONE)["code"], "NOT_FOUND")

    def test_refusals(self):
        self.feed(receipt(1))
        other = str(next(organisations))
        self.assertEqual(self.server.error("person", "erase", "--org", other, "--phone",
                                           PHONE)["code"], "NOT_FOUND", "another organisation's")
        self.assertEqual(self.server.error("person", "erase", "--org", other, "--phone",
                                           "none")["code"], "RANGE")
        for words in ([], ["--org", "1"], ["--phone", PHONE], ["--org", "1", "--subject", "12"],
                      ["--org", "1", "--phone", PHONE, "--iin", IIN],
                      ["--file", "f", "--org", "1"], ["--org", "1", "--email", "nobody"]):
            self.server.run("chek", "person", "erase", *words, code=2)
        for rights, scope in (("read,ingest", ()), ("admin", ("--org", other)),
                              ("admin", ("--org", self.organisation, "--point", "main"))):
            token = self.token(rights, *scope)
            self.assertEqual(self.server.error("person", "erase", "--org", self.organisation,
                                               "--phone", PHONE, token_file=token)["code"],
                             "PERMISSION")
            if rights == "admin":
                self.assertEqual(self.server.error("person", "erasures", "--org",
                                                   self.organisation, token_file=token)["code"],
                                 "PERMISSION")
                self.erase("--phone", PHONE)
                self.assertEqual(self.server.lines("person", "erasures", token_file=token), [])

    def test_a_later_receipt_brings_it_back_and_a_repeat_does_not(self):
        for source in ({}, {"offset": 1}):
            number = 1 if not source else 3
            self.feed(receipt(number, buyer=MAIL), **source)
            self.erase("--email", MAIL)
            before = self.status("persons")
            again = {"offset": 2} if source else {}
            self.feed(receipt(number, buyer=MAIL), want=chek.Status.DUPLICATE, **again)
            self.assertEqual(self.status("persons"), before)
            again = {"offset": 3} if source else {}
            self.feed(receipt(number + 1, buyer=MAIL), **again)
            self.assertEqual(self.status("persons"), before + 1)
            self.assertEqual(self.subject(number), self.subject(number + 1))
            self.erase("--email", MAIL)

    def test_it_stays_through_kills_stops_and_snapshots(self):
        self.feed(receipt(1), receipt(2, buyer=OTHER_PHONE))
        self.erase("--phone", PHONE)
        before, listed = self.status("persons"), self.erasures()
        for end in (self.server.kill, self.server.stop, lambda: (self.server.chek("snapshot"),
                                                                 self.server.kill())):
            end()
            self.server.start()
            self.assertEqual(self.status("persons"), before)
            self.assertEqual(self.erasures(), listed)
        self.assertEqual(self.erase("--phone", PHONE), listed[0])
        self.assertEqual(self.status("persons"), before)


class Showing(Persons):
    PERSONS = [(chek.PersonKind.TIN, IIN), (chek.PersonKind.NAME, NAME)]

    def show(self, *whom, **options):
        return self.server.json("person", "show", "--org", self.organisation, *whom, **options)

    def test_of_an_organisation(self):
        self.feed(receipt(1, buyer="8 701 555 01 23", persons=self.PERSONS))
        token = self.token("persons")
        row = self.row(1)["receipt"]
        want = {"subject": row["subject"], "value": "8 701 555 01 23", "kind": "contact",
                "erased": None, "sealed": False}
        for whom in ((row["subject"],), ("--subject", row["subject"]), ("--phone", PHONE),
                     ("--phone", "7015550123")):
            self.assertEqual(self.show(*whom, token_file=token), want)
        self.assertEqual(self.show("--iin", IIN, token_file=token)["kind"], "tin")
        self.assertEqual(self.show("--name", "-", token_file=token, text_in=NAME + "\n"),
                         {**want, "subject": row["persons"][1]["subject"], "value": NAME,
                          "kind": "name"})
        self.assertIn(NAME, self.server.chek("person", "show", "--org", self.organisation, "--name",
                                             NAME, token_file=token))
        self.erase("--phone", PHONE)
        gone = self.show(row["subject"], token_file=token)
        self.assertEqual((gone["value"], gone["erased"]), ("", self.erasures()[0]["erased"]))
        self.assertIn("(erased 20", self.server.chek(
            "person", "show", row["subject"], "--org", self.organisation, token_file=token))

    def test_of_a_receipt(self):
        self.feed(receipt(1, persons=self.PERSONS), receipt(2, buyer=""))
        both = self.token("read,persons", "--org", self.organisation, "--point", "main")
        words = ("receipt", "--kkm", f"#{self.register}", "--document")
        shown = self.server.json(*words, 1, "--persons", token_file=both)
        self.assertEqual([(one["kind"], one["value"]) for one in shown["known_persons"]],
                         [("contact", PHONE), ("tin", IIN), ("name", NAME)])
        self.assertEqual([one["subject"] for one in shown["known_persons"]],
                         [shown["receipt"]["subject"],
                          *(one["subject"] for one in shown["receipt"]["persons"])])
        paper = self.server.chek(*words, 1, "--persons", token_file=both)
        for left, value in (("Buyer", PHONE), ("Taxpayer", IIN), ("Name", NAME)):
            self.assertTrue(any(left in line and value in line for line in paper.splitlines()))
        self.assertEqual(self.server.json(*words, 2, "--persons", token_file=both)["known_persons"],
                         [])
        # Without the right, and without being asked, nothing.
        self.assertNotIn(PHONE, self.server.chek(*words, 1))
        self.assertNotIn("known_persons", self.server.json(*words, 1))
        for token in (self.server.token_file, self.token("read,admin")):
            self.assertEqual(self.server.error(*words, 1, "--persons", token_file=token)["code"],
                             "PERMISSION")
        self.assertEqual(self.server.error(*words, 1, "--persons",
                                           token_file=self.token("persons"))["code"], "PERMISSION")
        self.erase("--iin", IIN)
        shown = self.server.json(*words, 1, "--persons", token_file=both)["known_persons"][1]
        self.assertEqual((shown["value"], shown["erased"]), ("", self.erasures()[0]["erased"]))

    def test_scopes(self):
        """Of one partition: subjects of both organisations stand beside each other."""
        other, another_register = str(next(organisations)), None
        with self.client() as client:
            home = {row.registration: row.partition for row in client.registers()}
            while home.get(another_register) != home[self.register]:
                other = str(next(organisations))
                another_register = self.register_of("main", other)
                home = {row.registration: row.partition for row in client.registers()}
        self.feed(receipt(1), receipt(2, buyer=MAIL))
        self.feed(receipt(1), register=another_register)
        with self.client() as admin:
            made = admin.token_add(f"both{other}", 9, {"organisations": [other.encode()]})
            whole = admin.token_add(f"all{other}", 8)
            point = admin.token_add(f"point{other}", 9, {"points": [b"main"]})
            elsewhere = admin.token_add(f"elsewhere{other}", 9, {"points": [b"none"]})
        mine = bytes.fromhex(self.subject(1))

        def ask(token, **who):
            with chek.Client(self.server.address, token=token.token) as client:
                try:
                    return client.person(**who).value
                except chek.Refused as refused:
                    return refused.name

        document = {"target": {"registration": self.register}, "ordinal": 1}
        theirs = {"target": {"registration": another_register}, "ordinal": 1}
        rows = [(made, {"organisation": self.organisation, "subject": mine}, "PERMISSION"),
                (made, {"organisation": other, "subject": mine}, "NOT_FOUND"),
                (made, {"organisation": other, "value": PHONE}, PHONE),
                (made, {**document, "subject": mine}, "NOT_FOUND"),
                (made, {**theirs, "subject": mine}, "NOT_FOUND"),
                (whole, {"organisation": self.organisation, "subject": mine}, PHONE),
                (whole, {"organisation": other, "subject": mine}, "NOT_FOUND"),
                (whole, {"organisation": other, "value": OTHER_PHONE}, "NOT_FOUND"),
                (whole, {"organisation": other, "value": "x"}, "RANGE"),
                (whole, {"organisation": other}, "FIELD_MISSING"),
                (whole, {"subject": mine}, "NOT_FOUND"),
                (whole, {**document, "subject": mine}, PHONE),
                (whole, {**document, "value": PHONE}, PHONE),
                (whole, {**document, "ordinal": 0, "subject": mine}, "FIELD_MISSING"),
                (whole, {**document, "ordinal": 99, "subject": mine}, "NOT_FOUND"),
                (point, {"organisation": other, "value": PHONE}, "PERMISSION"),
                (point, {**document, "subject": mine}, PHONE),
                (point, {**document, "ordinal": 2, "subject": mine}, "NOT_FOUND"),
                (elsewhere, {**document, "subject": mine}, "NOT_FOUND")]
        for token, who, want in rows:
            with self.subTest(str(who)):
                self.assertEqual(ask(token, **who), want)
        # Nor does anybody erase another organisation's.
        admin = self.token("admin", "--org", other)
        for token in (admin, None):
            self.assertEqual(self.server.error("person", "erase", "--org", other, "--subject",
                                               mine.hex(), token_file=token)["code"], "NOT_FOUND")
        self.assertEqual(ask(whole, **document, subject=mine), PHONE)
        self.erase("--subject", mine.hex())
        for token, who, want in ((whole, {"organisation": self.organisation, "subject": mine}, ""),
                                 (whole, {"organisation": other, "subject": mine}, "NOT_FOUND"),
                                 (made, {"organisation": other, "value": PHONE}, PHONE)):
            self.assertEqual(ask(token, **who), want)
        self.assertEqual(self.server.error("person", "erase", "--org", other, "--subject",
                                           mine.hex())["code"], "NOT_FOUND")


class Finding(Persons):
    DAY_S = 86400

    def receipts(self, *words, **options):
        return self.server.lines("person", "receipts", "--org", self.organisation, *words, **options)

    def numbers(self, *words, **options):
        return [row["stored"]["receipt"]["document"] for row in self.receipts(*words, **options)]

    def test_by_value_period_and_register(self):
        other = self.register_of("other")
        persons = [(chek.PersonKind.TIN, IIN)]
        for number in range(1, 7):
            self.feed(receipt(number, buyer=PHONE if number % 2 else MAIL, time=DAY +
                              self.DAY_S * number, persons=persons if number > 3 else ()))
        self.feed(receipt(11, time=DAY + self.DAY_S), receipt(12, buyer=OTHER_PHONE), register=other)
        token = self.token("read,persons")
        ask = lambda *words: self.numbers(*words, token_file=token)  # noqa: E731
        self.assertEqual(ask("--phone", PHONE), [11, 5, 3, 1])
        self.assertEqual(ask("--phone", "8 701 5550123", "--limit", 2), [11, 5])
        self.assertEqual(ask("--phone", PHONE, "--kkm", f"#{self.register}"), [5, 3, 1])
        self.assertEqual(ask("--phone", PHONE, "--kkm", f"#{other}"), [11])
        self.assertEqual(ask("--email", MAIL), [6, 4, 2])
        self.assertEqual(ask("--iin", IIN), [6, 5, 4])
        self.assertEqual(ask("--iin", IIN, "--from", "2026-01-10"), [6, 5])
        self.assertEqual(ask("--iin", IIN, "--from", "2026-01-10", "--to", "2026-01-10"), [5])
        self.assertEqual(ask("--iin", IIN, "--to", "2026-01-09"), [4])
        self.assertEqual(ask("--name", NAME), [])
        self.assertEqual(ask("--subject", self.subject(1)), [11, 5, 3, 1])
        table = self.server.chek("person", "receipts", "--org", self.organisation, "--phone", PHONE,
                                 token_file=token)
        self.assertEqual(len(table.splitlines()), 5)
        self.assertNotIn(PHONE, table)
        self.erase("--phone", PHONE)
        self.assertEqual(ask("--phone", PHONE), [11, 5, 3, 1], "receipts stay")
        with self.client() as client:
            made = client.token_add(f"api{self.organisation}", 9)
            with chek.Client(self.server.address, token=made.token) as asker:
                rows = list(asker.person_receipts(organisation=self.organisation, value=MAIL,
                                                  count_max=2))
        self.assertEqual([row.stored.receipt.document for row in rows], [6, 4])

    def test_rights_and_scopes(self):
        second = self.register_of("second")
        self.feed(receipt(1))
        self.feed(receipt(2), register=second)
        words = ("--phone", PHONE)
        for rights in ("read", "persons", "admin", "read,ingest,admin", "ingest,persons"):
            self.assertEqual(self.server.error("person", "receipts", "--org", self.organisation,
                                               *words, token_file=self.token(rights))["code"],
                             "PERMISSION")
        for scope, want in (((), [2, 1]), (("--point", "second"), [2]), (("--point", "main"), [1]),
                            (("--kkm", f"{self.organisation}-main"), [1]),
                            (("--org", self.organisation), [2, 1]), (("--org", "1"), [])):
            self.assertEqual(self.numbers(*words, token_file=self.token("read,persons", *scope)),
                             want)
        bounded = self.token("read,persons", "--point", "second")
        self.assertEqual(self.server.error("person", "receipts", "--org", self.organisation, *words,
                                           "--kkm", f"#{self.register}", token_file=bounded)["code"],
                         "NOT_FOUND")

    def test_a_long_list_is_whole(self):
        """Sealed and open, more than a step, with others between."""
        count = 20000
        for first in range(1, count, 5000):
            self.feed(*(receipt(number, buyer=PHONE if number % 40 == 0 else MAIL if number % 3 == 0
                                else "") for number in range(first, first + 5000)))
        self.server.wait_for_sealing()
        token = self.token("read,persons")
        want = list(range(count, 0, -40))
        self.assertEqual(self.numbers("--phone", PHONE, token_file=token), want)
        self.server.restart()
        self.assertEqual(self.numbers("--phone", PHONE, token_file=token), want)
        self.assertEqual(self.numbers("--phone", PHONE, "--limit", 300, token_file=token), want[:300])


class Verifying(Persons):
    def setUp(self):
        self.server = Server(ARGUMENTS[0], ["--partitions", "1", "--shards", "1"])
        self.server.start()
        self.addCleanup(self.server.__exit__)
        super().setUp()

    def verify(self, code=0):
        """What is found, and what is noted of persons."""
        lines = self.server.lines("verify", self.server.data, code=code)
        return ([line["text"] for line in lines if line["kind"] == "finding"],
                [line["text"] for line in lines if line["kind"] == "note" and "person" in line["text"]])

    def image(self, change):
        """Change the bytes of the partition's image, under sums that are right."""
        path = max((self.server.data / "snapshot").glob("0001-*"))
        data = bytearray(path.read_bytes())
        change(data)
        tail = len(data) - 48
        struct.pack_into("<Q", data, tail + 32, xxh3_64(bytes(data[64:tail]), 0))
        magic = int.from_bytes(data[tail:tail + 4], "little")
        struct.pack_into("<Q", data, tail + 40, xxh3_64(bytes(data[tail:tail + 40]), magic))
        seed = xxh3_64(bytes(data[:40]), 0)
        struct.pack_into("<Q", data, 48, xxh3_64(bytes(data[64:]), seed))
        struct.pack_into("<Q", data, 56, xxh3_64(bytes(data[:56]), 0))
        path.write_bytes(data)

    def place(self, data, number):
        """Where the table of persons has the buyer of a receipt: it is followed by a size."""
        at = data.find(self.subjects[number])
        while int.from_bytes(data[at + 16:at + 20], "little") not in range(40, 300):
            at = data.find(self.subjects[number], at + 1)
            self.assertGreater(at, 0)
        return at

    def fill(self):
        self.feed(receipt(1, persons=[(chek.PersonKind.TIN, IIN), (chek.PersonKind.NAME, NAME)]),
                  receipt(2, buyer=OTHER_PHONE), receipt(3, buyer=""), receipt(4, buyer=MAIL),
                  receipt(5, buyer="canary.erased@example.kz"))
        self.feed(receipt(3, buyer="canary.late@example.kz"), want=chek.Status.COMPLETED)
        self.subjects = {n: bytes.fromhex(self.subject(n)) for n in (1, 2, 4, 5)}
        self.erase("--email", "canary.erased@example.kz")
        self.server.stop()

    def test_sound(self):
        self.fill()
        self.assertEqual(self.verify(), ([], []))

    def test_the_key(self):
        self.fill()
        key = self.server.data / "secret.key"
        content = bytearray(key.read_bytes())
        key.unlink()
        self.assertEqual(self.verify(), ([], []))
        content[3] ^= 1
        key.write_bytes(content)
        found, _ = self.verify(code=1)
        self.assertEqual(len(found), 1)
        content[3] ^= 1
        content[40] ^= 1  # another key, with a right sum
        content[64:] = xxh3_64(bytes(content[:64]), int.from_bytes(b"CHEKKEY\n", "little")).to_bytes(
            8, "little")
        key.write_bytes(content)
        found, _ = self.verify(code=1)
        self.assertEqual(found, ["6 values of persons do not open with secret.key"])

    def test_who_is_named_is_kept(self):
        self.fill()

        def change(data):
            data[self.place(data, 2) + 15] ^= 1

        self.image(change)
        found, noted = self.verify(code=1)
        self.assertEqual(found, ["row 1 names a person of whom nothing is kept or erased"])
        self.assertEqual(len(noted), 1)

    def test_a_value_makes_its_subject(self):
        self.fill()

        def change(data):
            """Two phones of one length change places: each opens, and is somebody else."""
            one, two = (self.place(data, number) + 32 for number in (1, 2))
            size = int.from_bytes(data[one - 16:one - 12], "little")
            data[one:one + size], data[two:two + size] = data[two:two + size], data[one:one + size]

        self.image(change)
        found, noted = self.verify(code=1)
        self.assertEqual(sorted(found), [f"row {row} names a person whose value makes another subject"
                                         for row in (0, 1)])
        self.assertEqual(noted, [])

    def test_who_is_named_by_nobody_is_noted(self):
        self.feed(receipt(1, buyer=""))
        self.feed(receipt(1, total=200, payments=[{"sum": 200}], lines=[{"sum": 200}]),
                  want=chek.Status.CONFLICT)
        self.assertEqual(self.status("persons"), 1)
        self.server.stop()
        found, noted = self.verify()
        self.assertEqual((found, len(noted)), ([], 1))
        self.assertIn("1 persons whom no document that is there names", noted[0])


class Canary(Persons):
    """What is fed, asked by, shown and erased is nowhere in clear: log, images, events, messages."""

    def setUp(self):
        self.server = Server(ARGUMENTS[0], ["--partitions", "2", "--shards", "2"])
        self.server.start()
        self.addCleanup(self.server.__exit__)
        super().setUp()

    def test_no_value_is_on_disk_or_in_a_message(self):
        asked = "canary.asked@example.kz"
        token = self.token("read,persons")
        self.feed(receipt(1, persons=[(chek.PersonKind.TIN, IIN), (chek.PersonKind.NAME, NAME),
                                      (chek.PersonKind.CONTACT, MAIL)]))
        for words in (("--email", asked), ("--email", MAIL), ("--phone", PHONE), ("--iin", IIN),
                      ("--name", NAME)):
            whom = ("--org", self.organisation, *words)
            known = words[1] != asked
            self.server.run("chek", "person", "show", *whom, token_file=token, code=not known)
            self.server.run("chek", "person", "receipts", *whom, token_file=token)
            said = self.server.run("chek", "person", "erase", *whom, code=not known)
            self.assertNotIn(words[1], "".join(said))
        told = self.server.chek("person", "erasures") + self.server.chek("events", "--from", "0")
        texts = [text.encode() for text in (asked, MAIL, PHONE[1:], IIN, NAME)]
        for end in (self.server.kill, self.server.stop):
            end()
            whole = told.encode() + self.server.log.read_bytes() + b"".join(
                path.read_bytes() for path in self.server.data.rglob("*") if path.is_file())
            for text in texts:
                self.assertNotIn(text, whole)
            self.server.start()


class OtherKey(Persons):
    """A copy on which the key of its folder was lost, and another one put in."""

    def setUp(self):
        self.server = Server(ARGUMENTS[0], ["--partitions", "2", "--shards", "1"])
        self.server.start()
        self.addCleanup(self.server.__exit__)
        super().setUp()

    def test_it_is_said(self):
        self.feed(receipt(1))
        subject, token = self.subject(1), self.token("read,persons")
        other = Server(ARGUMENTS[0], ["--partitions", "1", "--shards", "1"])
        other.start()
        self.addCleanup(other.__exit__)
        self.server.stop()
        shutil.copy(other.data / "secret.key", self.server.data / "secret.key")
        self.server.start()
        shown = self.server.json("person", "show", subject, "--org", self.organisation,
                                 token_file=token)
        self.assertEqual((shown["value"], shown["sealed"]), ("", True))
        self.assertIn("(encrypted with another secret.key)", self.server.chek(
            "receipt", "--kkm", f"#{self.register}", "--document", 1, "--persons", token_file=token))
        # By its value it is another subject now; by the subject only who sees all of them erases.
        self.assertEqual(self.server.error("person", "show", "--phone", PHONE, "--org",
                                           self.organisation, token_file=token)["code"], "NOT_FOUND")
        bounded = self.token("admin", "--org", self.organisation)
        self.assertEqual(self.server.error("person", "erase", "--subject", subject, "--org",
                                           self.organisation, token_file=bounded)["code"],
                         "NOT_FOUND")
        self.erase("--subject", subject)
        self.assertEqual(self.status("persons"), 0)


class Completeness(Persons):
    """Of a server of its own: others' erasures are in the same log."""

    def setUp(self):
        self.server = Server(ARGUMENTS[0], ["--partitions", "2", "--shards", "1"])
        self.server.start()
        self.addCleanup(self.server.__exit__)
        super().setUp()

    def test_status_says_until_when_it_is_not_complete(self):
        self.feed(receipt(1))
        self.server.chek("snapshot")
        self.assertEqual((self.status("erasures_incomplete"),
                          self.status("erasures_incomplete_since_us")), (0, 0))
        self.erase("--phone", PHONE)
        since = self.status("erasures_incomplete_since_us")
        self.assertEqual(self.status("erasures_incomplete"), 1)
        self.feed(receipt(2, buyer=MAIL))
        self.erase("--email", MAIL)
        self.assertEqual(self.status("erasures_incomplete"), 2)
        self.assertEqual(self.status("erasures_incomplete_since_us"), since, "the oldest's")
        # The snapshot has it; the file of the log that it is in is still the one that is written.
        self.server.chek("snapshot")
        self.assertEqual(self.status("erasures_incomplete"), 2)
        self.server.kill()
        self.server.start()
        self.assertEqual(self.status("erasures_incomplete"), 2)
        self.assertEqual(self.status("erasures_incomplete_since_us"), since)
        self.server.restart()  # a stop is a snapshot, and the log of the run before goes with it
        self.assertEqual((self.status("erasures_incomplete"),
                          self.status("erasures_incomplete_since_us")), (0, 0))
        self.assertEqual(self.status("erasures"), 2)

    def test_what_is_complete_is_gone_from_the_disk(self):
        self.feed(receipt(1, buyer="x" * 200 + "@example.kz"))
        # A cipher text has no bytes of its own to look for: the subject stands before it.
        subject = bytes.fromhex(self.subject(1))
        # In the log a command_subject: mask 3, subject, 251 bytes; in an image: subject, size.
        marks = (b"\x03" + subject + b"\xfb\x01", subject + (251).to_bytes(4, "little"))

        def found():
            return sorted({path.parent.name for path in self.server.data.rglob("*")
                           if path.is_file() and any(mark in path.read_bytes() for mark in marks)})

        self.assertEqual(found(), ["log"])
        self.server.chek("snapshot")
        self.assertEqual(found(), ["log", "snapshot"])
        self.erase("--subject", subject.hex())
        self.assertEqual(found(), ["log", "snapshot"])
        self.server.chek("snapshot")
        self.assertEqual((found(), self.status("erasures_incomplete")), (["log"], 1))
        self.server.restart()
        self.server.chek("snapshot")
        self.assertEqual((found(), self.status("erasures_incomplete")), ([], 0))

    def test_a_list_is_run_on_a_copy_from_before(self):
        self.feed(receipt(1), receipt(2, buyer=MAIL), receipt(3, buyer=OTHER_PHONE))
        copy = self.server.home / "copy"
        self.server.chek("backup", copy)
        for whom in (("--phone", PHONE), ("--email", MAIL)):
            self.erase(*whom)
        self.feed(receipt(4))  # came back, on the server
        listing = self.server.home / "erasures.jsonl"
        listing.write_text(self.server.chek("person", "erasures", "--json"), encoding="utf-8")
        listed = self.erasures()
        self.assertEqual(len(listed), 2)
        self.server.json("person", "erase", "--file", listing)
        self.assertEqual(self.status("persons"), 2, "who came back is not erased again")
        self.server.stop()
        shutil.copy(self.server.data / "secret.key", copy / "secret.key")
        shutil.copy(self.server.data / "admin.token", copy / "admin.token")
        self.server.data = copy
        self.server.start()
        self.assertEqual((self.status("persons"), self.erasures()), (3, []))
        said = self.server.json("person", "erase", "--file", listing)
        self.assertEqual(said, {"erased": 2, "unknown": 0})
        self.assertEqual(self.status("persons"), 1)
        self.assertEqual(*(sorted(rows, key=str) for rows in (self.erasures(), listed)))
        stranger = dict(listed[0], subject="00" * 15 + "01")
        said = self.server.json("person", "erase", "--file", "-",
                                text_in=json.dumps(stranger) + "\n")
        self.assertEqual(said, {"erased": 0, "unknown": 1})
        for line in ("{}", "[1]", '{"organisation": "1"}', '{"subject": "12"}', "nonsense",
                     '{"erased": "yesterday"}', '{"organisation": {"a": 1}}'):
            error = self.server.error("person", "erase", "--file", "-", text_in="\n" + line)
            self.assertEqual((error["field"], error["text"].split(":")[0]), ("file", "line 2"))
        self.server.stop()
        self.server.chek("verify", copy)


if __name__ == "__main__":
    del Persons
    unittest.main(argv=sys.argv[:1], verbosity=2)
