# SPDX-License-Identifier: MIT
"""The real server through a client in Python: feeding, asking, rights, bad bytes, restarts.

    test_python.py BIN_FOLDER PYTHON_FOLDER [MODULE]

MODULE in PYTHON_FOLDER is the client: `chek`, the package that we ship, unless another one is named
that has its interface (plain_chek.py).
"""
import importlib
import socket
import struct
import sys
import unittest

from server import Server

DAY = "2026-01-05"
ARGUMENTS = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
sys.path.insert(0, ARGUMENTS[1])
chek = importlib.import_module(ARGUMENTS[2] if len(ARGUMENTS) > 2 else "chek")
protocol = chek.protocol
SELL, SELL_RETURN = chek.Operation.SELL, chek.Operation.SELL_RETURN


def receipt(register, number, minute, total=11600, operation=SELL, **more):
    """A receipt of one line, 16 % tax inside, paid in cash."""
    return {"registration": register,
            "receipt": {"operation": operation, "time": chek.civil(DAY + "T10:00:00") + 60 * minute,
                        "document": number, "sign": 1000 + number, "total": total,
                        "payments": [{"kind": chek.PaymentKind.CASH, "sum": total}],
                        "operator": "Анна",
                        "lines": [{"code": f"P{number % 3}", "name": "Хлеб", "section": "1",
                                   "quantity": 1000000, "price": total, "sum": total,
                                   "taxes": [{"kind": chek.TaxKind.VAT, "rate": 16000,
                                              "sum": (total * 16 + 58) // 116}]}], **more}}


def register(name, organisation, point):
    return {"keys": [{"kind": chek.KeyKind.REGISTRATION_NUMBER, "value": name}],
            "organisation": organisation, "point": point}


class Answers(unittest.TestCase):
    """One server for all: each test has an organisation of its own."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server(ARGUMENTS[0], ["--shards", "2", "--partitions", "5"])
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def client(self, **options):
        options.setdefault("token_file", self.server.token_file)
        client = chek.Client(self.server.address, **options)
        self.addCleanup(client.close)
        return client

    def registers(self, client, organisation, count=2):
        claimed = client.claim([register(f"R{organisation}-{i}", organisation, f"point {i}")
                                for i in range(count)])
        return [row.registration for row in claimed]

    def test_a_repeat_is_a_duplicate_with_the_first_answer(self):
        client = self.client()
        first, _ = self.registers(client, "100")
        documents = [receipt(first, n, n) for n in range(1, 6)]
        stored = client.feed(documents)
        self.assertEqual([row.status for row in stored], [chek.Status.STORED] * 5)
        again = client.feed(documents)
        self.assertEqual([row.status for row in again], [chek.Status.DUPLICATE] * 5)
        self.assertEqual([row.ordinal for row in again], [row.ordinal for row in stored])

    def test_another_document_under_the_number_is_a_conflict_that_names_the_field(self):
        client = self.client()
        first, _ = self.registers(client, "101")
        client.feed([receipt(first, 1, 1)])
        conflict = client.feed([receipt(first, 1, 1, total=23200)])[0]
        self.assertEqual(conflict.status, chek.Status.CONFLICT)
        self.assertEqual(protocol.field_name(conflict.field), "receipt.total")
        self.assertEqual(client.report({"registration": first}).report.revenue, 11600)

    def test_x_and_z(self):
        client = self.client()
        first, _ = self.registers(client, "102")
        client.feed([receipt(first, 1, 1), receipt(first, 2, 2, total=5800),
                     receipt(first, 3, 3, operation=SELL_RETURN, total=5800)])
        x = client.report({"registration": first}).report
        self.assertEqual((x.shift, x.revenue, x.cash), (1, 11600, 11600))
        self.assertEqual([(o.operation, o.tickets, o.net) for o in x.operations],
                         [(SELL, 2, 17400), (SELL_RETURN, 1, 5800)])
        tax = x.taxes[0]
        self.assertEqual((tax.turnover, tax.sum, tax.turnover_without_tax), (17400, 2400, 15000))
        with self.assertRaises(chek.Refused) as refused:
            client.report({"registration": first}, shift=1, closed=True)
        self.assertEqual(refused.exception.name, "SHIFT_OPEN")
        client.feed([{"registration": first,
                      "close": {"time": chek.civil(DAY + "T22:00:00"), "shift": 1,
                                "document": 4}}])
        z = client.report({"registration": first}, shift=1, closed=True).report
        self.assertEqual((z.revenue, z.closed), (11600, chek.civil(DAY + "T22:00:00")))

    def test_what_comes_after_the_close_is_a_revision(self):
        client = self.client()
        first, _ = self.registers(client, "103")
        client.feed([receipt(first, 1, 1, shift=1),
                     {"registration": first,
                      "close": {"time": chek.civil(DAY + "T22:00:00"), "shift": 1, "document": 2}}])
        late = client.feed([receipt(first, 3, 5, shift=1, offline=True, autonomous=3)])[0]
        self.assertTrue(late.warnings & 1 << chek.Warning.LATE)
        z = client.report({"registration": first}, shift=1, closed=True)
        self.assertEqual((z.report.revision, z.report.revenue, z.late.revenue), (1, 11600, 11600))
        before = client.report({"registration": first}, shift=1, closed=True, revision=0)
        self.assertEqual((before.report.revenue, before.late), (11600, None))

    def test_lists_in_pages_are_the_whole(self):
        client = self.client()
        first, _ = self.registers(client, "104")
        client.feed([receipt(first, n, n % 600) for n in range(1, 701)])
        whole = [row.receipt.document for row in client.receipts({"registration": first})]
        self.assertEqual(whole, list(range(1, 701)))
        paged, question = [], {"count_max": 64}
        while question is not None:
            chunks = list(client.answers("ask_receipts",
                                         {"target": {"registration": first}, **question}))
            paged += [row.receipt.document for chunk in chunks for row in chunk.receipts]
            question = ({"count_max": 64, "after": chunks[-1].next} if "next" in chunks[-1]
                        else None)
        self.assertEqual(paged, whole)

    def test_one_receipt_by_every_name(self):
        client = self.client()
        first, _ = self.registers(client, "105")
        client.feed([receipt(first, n, n) for n in range(1, 4)])
        target = {"registration": first}
        for names in ({"document": 2}, {"ordinal": 2}, {"sign": 1002},
                      {"sign": 1002, "day": chek.civil(DAY)}):
            self.assertEqual(client.receipt(target=target, **names).receipt.document, 2, names)
        qr = f"http://consumer.oofd.kz/?i=1002&f=R105-0&s=116.00&t=20260105T100200"
        with self.assertRaises(chek.Refused):
            client.receipt(qr=qr)  # registration numbers are digits
        with self.assertRaises(chek.Refused) as refused:
            client.receipt(target=target, document=2, total=1)
        self.assertEqual(refused.exception.field, "receipt.total")

    def test_sums_by_register_point_and_organisation(self):
        client = self.client()
        first, second = self.registers(client, "106")
        client.feed([receipt(first, 1, 1), receipt(first, 2, 61), receipt(second, 1, 1)])
        for by, count in ((chek.SumsBy.REGISTER, 2), (chek.SumsBy.POINT, 2),
                          (chek.SumsBy.ORGANISATION, 1)):
            rows = list(client.sums(by=by, step=chek.SumsStep.ALL, organisation="106"))
            self.assertEqual(len(rows), count)
            self.assertEqual(sum(row.net for row in rows), 34800)
            self.assertEqual(sum(row.tax for row in rows), 4800)
        hours = list(client.sums(by=chek.SumsBy.ORGANISATION, step=chek.SumsStep.HOUR,
                                 organisation="106", **{"from": chek.civil(DAY),
                                                        "to": chek.civil(DAY + "T23:59:59")}))
        self.assertEqual([(row.time, row.tickets) for row in hours],
                         [(chek.civil(DAY + "T10:00:00"), 2), (chek.civil(DAY + "T11:00:00"), 1)])

    def test_gaps_are_the_numbers_that_never_came(self):
        client = self.client()
        first, second = self.registers(client, "113")
        self.assertEqual(list(client.gaps({"registration": first})), [])  # nothing came yet
        for number in [3, 4, 9, 6, 2**32 - 1]:
            client.feed([receipt(first, number, number % 60)])
        client.feed([receipt(second, 1, 1), receipt(second, 3, 3)])

        def rows(*question, **filters):
            return [(row.registration, row.key, row.first, row.last, row.count)
                    for row in client.gaps(*question, **filters)]

        of_first = [(first, "R113-0", 5, 5, 1), (first, "R113-0", 7, 8, 2),
                    (first, "R113-0", 10, 2**32 - 2, 2**32 - 11)]
        of_second = [(second, "R113-1", 2, 2, 1)]
        self.assertEqual(rows({"registration": first}), of_first)
        self.assertEqual(rows(organisation="113"), of_first + of_second)
        self.assertEqual(rows(organisation="113", point="point 1"), of_second)
        self.assertEqual(rows({"registration": first}, point="point 1"), [])
        client.feed([receipt(second, 2, 2)])
        self.assertEqual(rows(organisation="113"), of_first)

    def test_many_gaps_come_in_steps(self):
        client = self.client()
        first, second = self.registers(client, "114")
        for half in (0, 2500):
            client.feed([receipt(first, 1 + 2 * i, i % 600, total=100)
                         for i in range(half, half + 2500)])
        client.feed([receipt(second, 7, 1), receipt(second, 9, 2)])
        rows = list(client.gaps(organisation="114"))
        self.assertEqual([row.first for row in rows], [2 + 2 * i for i in range(4999)] + [8])
        self.assertTrue(all(row.count == 1 and row.last == row.first for row in rows))

    def test_marked_documents_of_many_registers_come_in_pages(self):
        client = self.client()
        registers = self.registers(client, "115", 400) + self.registers(client, "116", 3)
        late = 1 << chek.Warning.DOCUMENT_GAP
        documents = []
        for registration in registers[5:]:  # the others have none
            documents += [receipt(registration, 1 + 2 * i, i) for i in range(6)]
        for i in range(0, len(documents), 1000):
            client.feed(documents[i:i + 1000])
        counts = [(row.registration, [one.count for one in row.counts])
                  for row in client.warnings(organisation="115", warnings=late)]
        self.assertEqual(counts, [(one, [5]) for one in registers[5:400]])
        want = [(one, ordinal) for one in registers[5:400] for ordinal in range(1, 6)]
        whole = [(row.registration, row.ordinal)
                 for row in client.warned(organisation="115", warnings=late)]
        self.assertEqual(whole, want)
        for size in (1, 7, 1024, 1975, 5000):
            paged, place = [], {}
            while place is not None and len(paged) < (20 if size == 1 else 5000):
                chunks = list(client.answers("ask_warnings", {
                    "organisation": "115", "warnings": late, "documents": True,
                    "count_max": size, **place}))
                page = [(row.registration, row.ordinal)
                        for chunk in chunks if "documents" in chunk for row in chunk.documents]
                self.assertLessEqual(len(page), size)
                paged += page
                last = chunks[-1]
                place = {"after": {"registration": last.next.registration,
                                   "ordinal": last.next.ordinal}} if "next" in last else None
            self.assertEqual(paged, want[:len(paged)])
            self.assertTrue(size == 1 or len(paged) == len(want))
        one = registers[7]
        self.assertEqual([row.ordinal for row in client.warned({"registration": one})],
                         list(range(1, 6)))
        for fields, name, field in (
                ({"from": 1767225600}, "RANGE", "ask_warnings.from"),
                ({"documents": True, "after": {"registration": 4000000}}, "NOT_FOUND",
                 "ask_warnings.after"),
                ({"documents": True, "after": {"registration": registers[8]},
                  "target": {"registration": one}}, "RANGE", "ask_warnings.after")):
            with self.assertRaises(chek.Refused) as refused:
                list(client.answers("ask_warnings", fields))
            self.assertEqual((refused.exception.name, refused.exception.field), (name, field))

    def test_a_marked_good_is_found_in_steps(self):
        """Receipts that do not fit into one frame, nor into one step; of registers that sell at once."""
        client = self.client()
        registers = self.registers(client, "117", 3)
        documents = []
        for at in range(600):
            one = receipt(registers[at % 3], 1 + at // 3, at // 3)
            line, = one["receipt"]["lines"]
            line["markings"] = [b"many"] + ([b"few"] if at % 100 == 99 else [])
            # One of 600 bytes, then one of 60,000.
            one["receipt"]["lines"] += [{"name": "я" * 120, "sum": 0}] * (2 if at % 50 else 240)
            documents.append(one)
        for at in range(0, 600, 60):
            results = client.feed(documents[at:at + 60])
            self.assertEqual({result.status for result in results}, {chek.Status.STORED})
        order = [(one["registration"], at // 3) for at, one in enumerate(documents)][::-1]

        def found(*codes, **bounds):
            rows = list(client.marked(*codes, **bounds))
            self.assertEqual({row.key for row in rows} - {f"R117-{at}" for at in range(3)}, set())
            return [(row.stored.registration, row.stored.ordinal) for row in rows]

        self.assertEqual(found(b"many"), order)
        self.assertEqual(found(b"few", b"none"), order[0::100])
        self.assertEqual(found(b"few", b"many"), order)
        self.assertEqual(found(b"none"), [])
        for count in (1, 128, 129, 599, 600, 601):
            self.assertEqual(found(b"many", count_max=count), order[:count])
        one = {"registration": registers[1]}
        self.assertEqual(found(b"many", target=one),
                         [row for row in order if row[0] == registers[1]])
        # In so many receipts it is no good's code; of the other the first sale is no repeat.
        again = [(row.code, row.stored.registration, row.stored.ordinal, row.before_registration,
                  row.before_ordinal if "before_ordinal" in row else 0)
                 for row in client.sold_again() if row.key.startswith("R117-")]
        few = order[0::100][::-1]
        self.assertEqual(again, [(b"few", *few[at], *few[at - 1]) for at in range(1, 6)])
        with self.assertRaises(chek.Refused) as refused:
            list(client.sold_again(codes=[b"many"]))
        self.assertEqual((refused.exception.name, refused.exception.field),
                         ("RANGE", "ask_marked.codes"))
        for codes, name in (([], "FIELD_MISSING"), ([b"many", b""], "RANGE")):
            with self.assertRaises(chek.Refused) as refused:
                list(client.marked(*codes))
            self.assertEqual((refused.exception.name, refused.exception.field),
                             (name, "ask_marked.codes"))

    def test_events_follow_from_a_cursor(self):
        client = self.client()
        first, _ = self.registers(client, "107")
        for _, cursor in client.events():
            pass
        client.feed([receipt(first, n, n) for n in range(1, 4)])
        events = [entry.event for part, _ in client.events(cursor) for entry in part]
        receipts = [event.document for event in events
                    if event.kind == chek.EventKind.RECEIPT and event.registration == first]
        self.assertEqual(receipts, [1, 2, 3])

    def test_a_scope_bounds_lists_sums_reports_feeds_and_events(self):
        admin = self.client()
        first, _ = self.registers(admin, "108")
        other = self.registers(admin, "109")[0]
        admin.feed([receipt(first, 1, 1), receipt(other, 1, 1)])
        added = admin.token_add("branch", 1 << chek.Right.READ | 1 << chek.Right.INGEST,
                                {"organisations": [b"108"]})
        branch = self.client(token=added.token)
        self.assertEqual(branch.report({"registration": first}).report.revenue, 11600)
        for call in (lambda: branch.report({"registration": other}),
                     lambda: list(branch.receipts({"key": "R109-0"})),
                     lambda: branch.receipt(target={"registration": other}, document=1)):
            with self.assertRaises(chek.Refused) as refused:
                call()
            self.assertEqual(refused.exception.name, "NOT_FOUND")
        self.assertEqual({row.profile.organisation for row in branch.registers()}, {"108"})
        rows = list(branch.sums(by=chek.SumsBy.ORGANISATION, step=chek.SumsStep.ALL))
        self.assertEqual({row.organisation for row in rows}, {"108"})
        seen = {entry.event.registration for part, _ in branch.events() for entry in part}
        self.assertLessEqual(seen, {row.registration for row in branch.registers()})
        fed = branch.feed([receipt(other, 2, 2)])[0]
        self.assertEqual((fed.status, protocol.error_name(fed.code)),
                         (chek.Status.REFUSED, "UNREGISTERED"))
        for opcode in ("token_add", "snapshot", "tokens"):
            with self.assertRaises(chek.Refused) as refused:
                branch.ask(opcode, {"name": "x", "rights": 7} if opcode == "token_add" else {})
            self.assertEqual(refused.exception.name, "PERMISSION")

    def test_an_untrusted_sender_makes_no_registers(self):
        admin = self.client()
        added = admin.token_add("feeder", 1 << chek.Right.INGEST)
        feeder = self.client(token=added.token)
        document = dict(receipt(0, 1, 1), profile=register("R110-0", "110", "p"))
        del document["registration"]
        self.assertEqual(protocol.error_name(feeder.feed([document])[0].code), "UNREGISTERED")
        with self.assertRaises(chek.Refused):
            feeder.claim([register("R110-0", "110", "p")])
        self.assertEqual(admin.feed([document])[0].status, chek.Status.STORED)
        self.assertEqual(feeder.feed([document])[0].status, chek.Status.DUPLICATE)

    def test_a_claim_takes_nothing_out_of_another_scope(self):
        admin = self.client()
        first = admin.claim([register("R112-0", "112", "point 0")])[0].registration
        admin.feed([receipt(first, 1, 1)])
        wanted = [register("R112-0", "112", "point 1"), register("R112-9", "112", "point 1")]
        for trusted in (False, True):
            added = admin.token_add(f"neighbour {trusted}", 7,
                                    {"organisations": [b"112"], "points": [b"point 1"]}, trusted)
            neighbour = self.client(token=added.token)
            for what in wanted[:1 if trusted else 2]:
                with self.assertRaises(chek.Refused) as refused:
                    neighbour.claim([what])
                self.assertEqual(refused.exception.name, "UNREGISTERED")
                document = {"profile": what, "receipt": receipt(0, 2, 2)["receipt"]}
                fed = neighbour.feed([document])[0]
                self.assertEqual((protocol.error_name(fed.code), protocol.field_name(fed.field)),
                                 ("UNREGISTERED", "document.profile"))
            self.assertEqual(list(neighbour.registers()), [])
            with self.assertRaises(chek.Refused) as refused:
                neighbour.report({"registration": first})
            self.assertEqual(refused.exception.name, "NOT_FOUND")
        row = list(admin.registers(key="R112-0"))[0]
        self.assertEqual((row.registration, row.profile.point), (first, "point 0"))

    def test_as_many_registers_as_a_claim_may_have_are_answered(self):
        registers = [register(f"R113-{i}", "113", "p") for i in range(4096)]
        claimed = self.client().claim(registers)
        self.assertEqual(len({row.registration for row in claimed}), 4096)

    def test_a_revoked_token_ends_open_connections(self):
        admin = self.client()
        added = admin.token_add("leaver", 1 << chek.Right.READ)
        leaver = self.client(token=added.token)
        list(leaver.registers())
        admin.token_revoke(added.principal)
        with self.assertRaises((chek.Unknown, chek.Refused)):
            list(leaver.registers())
        with self.assertRaises((chek.Unknown, chek.Refused)):
            self.client(token=added.token)

    def test_a_document_out_of_shape_does_not_spoil_its_frame(self):
        client = self.client()
        first, _ = self.registers(client, "111")
        wrong = receipt(first, 2, 2)
        wrong["receipt"]["lines"][0]["sum"] = 500000
        bodies = [protocol.encode("document", receipt(first, 1, 1)),
                  protocol.encode("document", wrong), b"\xff\xff",
                  protocol.encode("document", receipt(first, 3, 3))]
        results = client.ask("feed", {"documents": bodies}).results
        self.assertEqual([row.status for row in results],
                         [chek.Status.STORED, chek.Status.REFUSED, chek.Status.REFUSED,
                          chek.Status.STORED])
        self.assertEqual(protocol.error_name(results[1].code), "TOTAL_MISMATCH")
        self.assertEqual(client.report({"registration": first}).report.documents, 2)


class BadBytes(Answers):
    """Each has its own answer, and others go on."""

    # The tests of Answers run once, there.
    for _name in [name for name in dir(Answers) if name.startswith("test_")]:
        locals()[_name] = None
    del _name

    def raw(self, data):
        """Send bytes on a connection of their own; the refusal's name, or "closed"."""
        host, _, port = self.server.address.rpartition(":")
        with socket.create_connection((host, int(port)), 10) as connection:
            try:
                connection.sendall(data)
                splitter = protocol.Splitter()
                while True:
                    received = connection.recv(65536)
                    if not received:
                        return "closed"
                    for frame in splitter.feed(received):
                        if frame.flags & protocol.REFUSAL:
                            return protocol.error_name(protocol.decode("refusal", frame.body).code)
            except ConnectionError:
                return "closed"

    def hello(self, **changes):
        token = self.server.token_file.read_text().strip()
        return protocol.request_encode("hello", {"token": token, **changes}, 1)

    def test_bad_bytes_have_their_answers(self):
        good = self.hello()
        flipped = bytearray(good)
        flipped[-1] ^= 1
        magic = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + bytes(32)
        version = bytearray(good)
        version[2] = 9
        large = bytearray(good)
        large[8:12] = struct.pack("<I", 1 << 30)
        before = protocol.request_encode("ping", {}, 1)
        rows = [("wrong magic", magic, "MAGIC"), ("wrong version", version, "VERSION"),
                ("wrong checksum", flipped, "CHECKSUM"), ("a gigabyte", large, "LIMIT"),
                ("not a hello first", before, "HANDSHAKE"),
                ("wrong token", self.hello(token="1." + "0" * 64), "AUTHENTICATION"),
                ("unknown principal", self.hello(token="77." + "0" * 64), "AUTHENTICATION"),
                ("no token at all", self.hello(token="x"), "AUTHENTICATION"),
                ("a second hello", good + self.hello(), "HANDSHAKE")]
        for name, data, want in rows:
            with self.subTest(name):
                self.assertEqual(self.raw(bytes(data)), want)

    def test_an_unknown_opcode_leaves_the_connection_alive(self):
        client = self.client()
        client._socket.sendall(protocol.frame_encode(999, b"", 77))
        frame = client._receive()
        self.assertEqual(protocol.error_name(protocol.decode("refusal", frame.body).code), "OPCODE")
        client.ask("ping", {})

    def test_half_a_frame_and_gone_does_no_harm(self):
        data = self.hello() + protocol.request_encode("ask_status", {}, 2)
        host, _, port = self.server.address.rpartition(":")
        for cut in range(1, len(data), 7):
            with socket.create_connection((host, int(port)), 10) as connection:
                connection.sendall(data[:cut])
        self.client().ask("ping", {})


class Restarts(unittest.TestCase):
    def test_what_was_acknowledged_is_there_after_stop_and_kill(self):
        with Server(ARGUMENTS[0], ["--partitions", "3"]) as server:
            with chek.Client(server.address, token_file=server.token_file) as client:
                first = client.claim([register("K1", "200", "p")])[0].registration
                client.feed([receipt(first, n, n) for n in range(1, 101)])
            for number, (end, shards) in enumerate([(server.stop, "1"), (server.kill, "2"),
                                                    (server.kill, "3"), (server.stop, "1")]):
                end()
                server.options = ["--shards", shards]
                server.start()
                with chek.Client(server.address, token_file=server.token_file) as client:
                    report = client.report({"key": "K1"}).report
                    self.assertEqual(report.documents, 100 + 10 * number)
                    again = client.feed([receipt(first, n, n) for n in range(1, 101)])
                    self.assertEqual({row.status for row in again}, {chek.Status.DUPLICATE})
                    base = 101 + 10 * number
                    client.feed([receipt(first, n, n % 600) for n in range(base, base + 10)])
                    events = [entry.seq for part, _ in client.events() for entry in part]
                    self.assertEqual(events, list(range(1, len(events) + 1)))

    def test_less_than_was_acknowledged_is_an_alarm(self):
        with Server(ARGUMENTS[0], ["--partitions", "3"]) as server:
            with chek.Client(server.address, token_file=server.token_file, source=5) as client:
                first = client.claim([register("K1", "200", "p")])[0].registration
                client.feed([receipt(first, n, n) for n in range(1, 11)], offset=1)
            for acknowledged, alarm in ((10, False), (11, True)):
                with chek.Client(server.address, token_file=server.token_file, source=5,
                                 acknowledged=acknowledged) as client:
                    self.assertEqual(client.alarm, alarm)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
