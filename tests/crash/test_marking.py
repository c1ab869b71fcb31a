# SPDX-License-Identifier: MIT
"""Receipts by marking code, open and sealed, in memory and not, through kills; against a plain list.

    test_marking.py SMALL_CHEKD_FOLDER CHEK_FOLDER
"""
import pathlib
import random
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import fiscal  # noqa: E402
from server import Server  # noqa: E402

CHEKD_BIN, CHEK_BIN = [pathlib.Path(path) for path in sys.argv[1:3]]
OPTIONS = ["--shards", "2", "--partitions", "4", "--log-file-kib", "4096",
           "--snapshot-log-kib", "65536", "--page-cache-kib", "16"]
DRIVE_COUNT, RECEIPT_COUNT, CODE_COUNT = 6, 240, 300
SELL, SELL_RETURN = 1, 2


def drive_name(at):
    return f"99990789000002{at:02d}"


def code_of(number):
    return f"0104600439931256215{number:05d}abcde"[:38]


def receipt(drive, number, operation, codes):
    lines = b"".join(fiscal.line(f"Товар {code}", 100, fiscal.byte(1199, 6) + fiscal.element(
        1163, fiscal.text(1305, code_of(code)))) for code in codes)
    plain = fiscal.line("Хлеб", 100, fiscal.byte(1199, 6))
    total = 100 * (len(codes) + 1)
    return fiscal.document(3, number, fiscal.u32(1042, number) + fiscal.byte(1054, operation)
                           + fiscal.byte(1055, 1) + fiscal.vln(1020, total)
                           + fiscal.vln(1031, total) + lines + plain
                           + fiscal.vln(1105, total), drive)


class Marking(unittest.TestCase):
    def setUp(self):
        self.server = Server(CHEKD_BIN, OPTIONS)
        self.addCleanup(self.server.__exit__)
        self.server.start()
        self.server.bin = CHEK_BIN
        self.chance = random.Random(123)
        self.made = []  # (drive, number, operation, codes), in the order in which they were fed
        self.numbers = [0] * DRIVE_COUNT
        self.again_count = 0

    def restart(self):
        self.server.kill()
        self.server.bin = CHEKD_BIN
        self.server.start()
        self.server.bin = CHEK_BIN

    def feed(self, count):
        dealings = []
        for _ in range(count):
            codes = [self.chance.randrange(CODE_COUNT) for _ in range(self.chance.choice(
                (0, 0, 0, 1, 1, 2)))]
            dealings.append((SELL if self.chance.random() < 0.8 else SELL_RETURN, codes))
        self.feed_these(dealings)

    def feed_these(self, dealings):
        bytes_made, count = b"", len(dealings)
        for operation, codes in dealings:
            at = self.chance.randrange(DRIVE_COUNT)
            self.numbers[at] += 1
            one = (drive_name(at), self.numbers[at], operation, codes)
            self.made.append(one)
            bytes_made += fiscal.message(receipt(*one), one[0])
        path = self.server.home / "receipts.bin"
        path.write_bytes(bytes_made)
        row, = self.server.lines("import", path)
        self.assertEqual((row["stored"], row["refused"]), (count, 0))

    def found(self, *words, **options):
        return [(row["key"], row["stored"]["receipt"]["document"],
                 row["stored"]["receipt"]["operation"], row["sold_again"]) for row in
                self.server.lines("marking", *words, **options)]

    def check(self, count):
        names = {SELL: "sell", SELL_RETURN: "sell_return"}
        for code in self.chance.sample(range(CODE_COUNT + 3), count):
            with_code = [one for one in self.made if code in one[3]]
            want = [(drive, number, names[operation],
                     at > 0 and operation == with_code[at - 1][2] == SELL)
                    for at, (drive, number, operation, _) in enumerate(with_code)]
            self.again_count += sum(row[3] for row in want)
            got = self.found(code_of(code))
            # Newest first within a partition; registers of one organisation are in one.
            self.assertEqual(got, want[::-1], code_of(code))

    def check_again(self):
        """Sales of goods that were sold and did not come back, from the list of all."""
        ordinals, sold, want = {}, {}, []
        for drive, number, operation, codes in self.made:
            ordinal = ordinals[drive] = ordinals.get(drive, -1) + 1
            for code in set(codes):
                if operation == SELL_RETURN:
                    sold.pop(code, None)
                    continue
                if code in sold:
                    want.append((drive, ordinal, code_of(code).encode().hex(), *sold[code]))
                sold[code] = (drive, ordinal)
        names = {row["registration"]: row["profile"]["keys"][0]["value"]
                 for row in self.server.lines("kkm", "list")}
        got = [(row["key"], row["stored"]["ordinal"], row["code"],
                names[row["before_registration"]], row["before_ordinal"])
               for row in self.server.lines("marking", "--sold-again")]
        self.assertEqual(sorted(got), sorted(want))
        self.assertGreater(len(want), 0)
        return got

    def warned(self, *words, **options):
        return self.server.lines("warnings", "--warning", "sold_again", *words, **options)

    def check_warned(self, again):
        """Of each register how many documents are such sales, and which: as --sold-again has them."""
        sales = sorted({(row["stored"]["registration"], row["stored"]["ordinal"]) for row in
                        self.server.lines("marking", "--sold-again")})
        self.assertEqual(len(sales), len({row[:2] for row in again}))
        counts = {}
        for register, _ in sales:
            counts[register] = counts.get(register, 0) + 1

        def counted(*words):
            return {row["registration"]: row["counts"][0]["count"] for row in self.warned(*words)}

        self.assertEqual(counted(), counts)
        rows = self.warned("--list")
        self.assertEqual([(row["registration"], row["ordinal"]) for row in rows], sales)
        self.assertTrue(all("sold_again" in row["marks"] for row in rows))
        paged, after = [], ()
        for _ in range(len(sales)):
            *page, last = self.warned("--list", "--limit", 3, *after)
            if "marks" in last:
                paged += [*page, last]
                break
            paged += page
            after = ("--after", f"{last['registration']}:{last['ordinal']}")
        self.assertEqual(paged, rows)
        for one in self.server.lines("kkm", "list"):
            number, profile = one["registration"], one["profile"]
            mine = {number: counts[number]} if number in counts else {}
            self.assertEqual(counted("--kkm", f"fn:{profile['keys'][0]['value']}"), mine)
            fits = {other["registration"] for other in self.server.lines("kkm", "list")
                    if other["profile"]["organisation"] == profile["organisation"]}
            self.assertEqual(counted("--org", profile["organisation"]),
                             {key: value for key, value in counts.items() if key in fits})
        self.assertEqual(counted("--org", "none"), {})
        self.assertEqual(counted("--point", "none"), {})
        self.server.error("warnings", "--warning", "sold_again", "--warning", "late", code=2)

    def until_cold(self):
        for _ in range(500):
            rows = [row for row in self.server.lines("status") if row["name"] == "cold_leaves"]
            if sum(row["value"] for row in rows) != 0:
                return
            time.sleep(0.02)
        raise AssertionError("nothing left memory within ten seconds")

    def verify(self):
        self.server.stop()
        self.server.run("chek", "verify", self.server.data)
        self.server.bin = CHEKD_BIN
        self.server.start()
        self.server.bin = CHEK_BIN

    def test_codes_are_found_wherever_their_receipts_are(self):
        self.feed(30)
        self.check(40)
        for _ in range(4):
            self.feed(RECEIPT_COUNT)
            self.check(10)
            self.check_again()
        self.server.chek("snapshot")
        self.until_cold()
        self.check(60)
        self.check_again()
        self.restart()
        self.check(60)
        self.check_again()
        self.feed(40)
        self.feed_these([(SELL, [1, 2])] * 3)  # a receipt sells two goods again, and counts once
        self.verify()
        self.check(CODE_COUNT // 2)
        self.assertGreater(self.again_count, 50)

    def test_what_is_asked_for(self):
        self.feed(RECEIPT_COUNT)
        # Of a good that was sold to more than one, if there is any.
        drive, number, _, codes = max((one for one in self.made if one[3]), key=lambda one: sum(
            one[3][0] in other[3] for other in self.made))
        code = code_of(codes[0])
        all_of_it = self.found(code)
        self.assertGreater(len(all_of_it), 2)
        self.assertIn((drive, number), [row[:2] for row in all_of_it])
        # As it is printed: with a group separator and a check part.
        self.assertEqual(self.found(code + "\x1d93abcd"), all_of_it)
        self.assertEqual(self.found(code, "--limit", 1), all_of_it[:1])
        one = self.found(code, "--kkm", f"fn:{drive}")
        self.assertEqual([row[:3] for row in one],
                         [row[:3] for row in all_of_it if row[0] == drive])
        self.assertEqual(self.found(code[:-1]), [])
        self.assertEqual(self.found("no such code"), [])
        for words in ((), ("",), (code, code), ("x" * 256,)):
            self.server.error("marking", *words, code=2)
        head, *lines = self.server.chek("marking", code).splitlines()
        self.assertEqual(head.split()[:3], ["register", "called", "ordinal"])
        self.assertEqual(len(lines), len(all_of_it))
        again = [row for row in all_of_it if row[3]]
        self.assertEqual(sum("sold_again" in line for line in lines), len(again))
        # Who sees one register sees the good's receipts of that one.
        self.server.chek("token", "add", "eye", "--rights", "read", "--kkm", drive,
                         "--out", self.server.home / "eye")
        eye = self.server.home / "eye"
        self.assertEqual(self.found(code, token_file=eye), one)
        again = self.check_again()
        self.check_warned(again)
        self.assertEqual({row["key"] for row in self.warned(token_file=eye)},
                         {row[0] for row in again if row[0] == drive})
        whole = self.server.lines("marking", "--sold-again")
        self.assertEqual(self.server.lines("marking", "--sold-again", "--limit", 3), whole[:3])
        mine = [row for row in again if row[0] == drive]
        seen = self.server.lines("marking", "--sold-again", token_file=eye)
        self.assertEqual([(row["key"], row["stored"]["ordinal"], row["code"]) for row in seen],
                         [row[:3] for row in mine])
        self.assertEqual([row["before_registration"] != 0 for row in seen],
                         [row[3] == drive for row in mine])
        of_one = self.server.lines("marking", "--sold-again", "--kkm", f"fn:{drive}")
        self.assertEqual([row["stored"]["ordinal"] for row in of_one], [row[1] for row in mine])
        table = self.server.chek("marking", "--sold-again").splitlines()
        self.assertEqual(len(table), len(whole) + 1)
        self.server.error("marking", code, "--sold-again", code=2)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
