# SPDX-License-Identifier: MIT
"""What PROTOCOL.md says of frames, values, streams and BUSY, held by a client made from it.

    test_plain_client.py BIN_FOLDER [SEED]

Reports, lists and rights are test_python.py's, which runs with the same client. Random bytes are of
the seed, which is printed.
"""
import copy
import random
import signal
import sys
import threading
import time
import unittest

import plain_client
from plain_client import DEFINITION, Client, Refused
from server import ROOT, Server

SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
TIME = 1_767_261_600
# Errors that only the reader of records gives; the check of a document gives RANGE and others too.
READER = {"SHORT", "TRAILING", "NUMBER", "TEXT", "FIELD_UNKNOWN"}


def receipt(registration, number, **more):
    return {"registration": registration,
            "receipt": {"time": TIME + 60 * number, "shift": 1, "document": number, "sign": 7,
                        "total": 11600, "payments": [{"kind": "card", "sum": 11600}],
                        "operator": "Анна",
                        "lines": [{"code": "P1", "name": "Хлеб", "quantity": 10 ** 6,
                                   "price": 11600, "sum": 11600, "markings": [b"0104600", b"01"],
                                   "taxes": [{"kind": "vat", "rate": 16000, "sum": 1600}]}],
                        **more}}


def register(name):
    return {"keys": [{"kind": "registration_number", "value": name},
                     {"kind": "factory_number", "value": "F" + name}],
            "organisation": "O" + name, "point": "p", "zone_minutes": 300}


class Vectors(unittest.TestCase):
    def test_every_vector_is_read_and_written_again(self):
        for path in sorted((ROOT / "tests/vectors/wire").glob("*.hex")):
            lines = path.read_text(encoding="utf-8").splitlines()
            data = bytes.fromhex("".join(line.split("#")[0] for line in lines))
            flags, number = data[3], int.from_bytes(data[4:6], "little")
            opcode = next(o for o in DEFINITION.opcodes.values() if o.number == number)
            kind = (opcode.request if flags == 0 else
                    "refusal" if flags & plain_client.REFUSAL else opcode.answer)
            record = plain_client.decode(kind, data[plain_client.HEAD.size:])
            for body in record.get("documents", []):
                document = plain_client.decode("document", body)
                self.assertEqual(plain_client.encode("document", document), body)
            again = plain_client.frame_encode(number, int.from_bytes(data[16:24], "little"),
                                              plain_client.encode(kind, record), flags)
            self.assertEqual(again, data, path.name)


class Protocol(unittest.TestCase):
    """One server for all: each test has a register of its own."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server(sys.argv[1], ["--shards", "1", "--partitions", "5"])
        cls.server.start()
        cls.token = cls.server.token_file.read_text(encoding="ascii").strip()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def client(self):
        client = Client(self.server.address, self.token)
        self.addCleanup(client.socket.close)
        return client

    def claim(self, client, name):
        return client.call("claim", registers=[register(name)]).registers[0].registration

    def test_a_stream_waits_for_allow_and_others_do_not(self):
        client = self.client()
        mine = self.claim(client, "1")
        # Long enough for several allowances, whatever a frame's size is.
        frames = [[receipt(mine, n, client="x" * 64, lines=[{"name": "y" * 255, "sum": 11600}])
                   for n in range(i, i + 1000)] for i in range(1, 12001, 1000)]
        client.feed_frames(frames)
        slow = client.stream("ask_receipts", False, target={"registration": mine})
        client.call("ping")
        self.assertEqual(self.taken(client, slow), self.taken(client, slow))
        sizes = [size for _, size in slow.request.answers]
        self.assertGreaterEqual(sum(sizes), 1 << 20)
        self.assertLess(sum(sizes[:-1]), 1 << 20)
        client.call("allow", frame=slow.request.frame, size=sum(sizes) - (1 << 20) + 1)
        self.assertEqual(self.taken(client, slow), len(sizes) + 1)
        client.call("allow", frame=slow.request.frame, size=0xFFFFFFFF)
        documents = [row.receipt.document for part in slow for row in part.receipts]
        self.assertEqual(documents, list(range(1, 12001)))
        stopped = client.stream("ask_receipts", False, target={"registration": mine})
        stopped.cancel()
        with self.assertRaises(Refused) as refused:
            list(stopped)
        self.assertEqual(refused.exception.name, "CANCELLED")
        stopped.cancel()  # of what is gone already: `nothing`
        client.call("allow", frame=stopped.request.frame, size=1)

    @staticmethod
    def taken(client, stream):
        """Wait until the server has sent what it may, and return how many frames there are."""
        before = -1
        while len(stream.request.answers) != before:
            before = len(stream.request.answers)
            for _ in range(20):  # a worker makes the frames
                client.call("ask_status")
                time.sleep(0.02)
        return before

    def test_a_frame_id_in_flight_exists_already(self):
        client = self.client()
        follow = client.stream("ask_events", follow=True)
        client.frame = follow.request.frame - 1
        kept = client.requests.pop(follow.request.frame)
        again = client.send("ping")
        while not again.done:
            frame = client.frame_read()
            if frame.opcode == DEFINITION.opcodes["ping"].number:
                self.assertEqual(client.refusal(frame.body).name, "EXISTS")
                break
        client.requests[kept.frame] = kept
        client.frame += 1
        follow.cancel()

    def test_order_holds_through_busy(self):
        """The server finds more frames at once than it has room for, after a pause."""
        clients = [self.client() for _ in range(16)]
        mine = [self.claim(client, f"busy {i}") for i, client in enumerate(clients)]
        number = 1
        for _ in range(5):
            self.feed_in_a_pause(clients, mine, range(number, number + 60))
            number += 60
            if any(client.busy_count for client in clients):
                break
        self.assertGreater(sum(client.busy_count for client in clients), 0)
        for registration in mine:
            rows = clients[0].gather("ask_receipts", target={"registration": registration})
            self.assertEqual([row.receipt.document for row in rows], list(range(1, number)))
            self.assertEqual([row.ordinal for row in rows], list(range(number - 1)))

    def feed_in_a_pause(self, clients, mine, numbers):
        def feed(client, registration):
            frames = [[receipt(registration, n)] for n in numbers]
            for results in client.feed_frames(frames):
                statuses.append((results[0].status, results[0].warnings))

        statuses = []
        threads = [threading.Thread(target=feed, args=pair) for pair in zip(clients, mine)]
        self.server.process.send_signal(signal.SIGSTOP)
        for thread in threads:
            thread.start()
        while any(len(client.requests) < len(numbers) for client in clients):
            time.sleep(0.01)  # what they send waits in the kernel
        self.server.process.send_signal(signal.SIGCONT)
        for thread in threads:
            thread.join()
        self.assertEqual(statuses, [("stored", 0)] * (len(clients) * len(numbers)))

    def test_our_reader_refuses_documents_as_the_server_does(self):
        client, chance = self.client(), random.Random(SEED)
        mine, refused_count = self.claim(client, "2"), 0
        for start in range(0, 3000, 100):
            bodies = [spoiled(chance, plain_client.encode("document", receipt(mine, n)))
                      for n in range(start, start + 100)]
            for body, result in zip(bodies, client.feed(bodies)):
                want = self.verdict("document", body)
                got = (plain_client.error_name(result.code), plain_client.field_name(result.field),
                       result.index)
                if want is None:
                    self.assertNotIn(got[0], READER, f"seed {SEED}: {body.hex()}")
                else:
                    refused_count += 1
                    self.assertEqual((result.status, *got), ("refused", *want[:3]),
                                     f"seed {SEED}: {body.hex()}")
        self.assertGreater(refused_count, 1000)

    def test_our_reader_refuses_requests_as_the_server_does(self):
        client, chance = self.client(), random.Random(SEED + 1)
        mine = self.claim(client, "3")
        questions = {
            "ask_sums": {"targets": [{"registration": mine}, {"key": "3", "kind": 1}],
                         "by": "point", "from": TIME, "to": TIME + 9, "organisation": "О3"},
            "claim": {"registers": [register("3"), register("3")]},
            "token_add": {"name": "x", "rights": 1,
                          "scope": {"organisations": ["3", "33"], "registers": ["F3"]}}}
        refused_count = 0
        for name, fields in questions.items():
            kind = DEFINITION.opcodes[name].request
            for _ in range(400):
                body = spoiled(chance, plain_client.encode(kind, copy.deepcopy(fields)))
                want, got = self.verdict(kind, body), self.answer(client, name, body)
                if want is None:
                    self.assertNotIn(got and got[0], READER, f"seed {SEED}: {name} {body.hex()}")
                else:
                    refused_count += 1
                    self.assertEqual(got, want, f"seed {SEED}: {name} {body.hex()}")
        self.assertGreater(refused_count, 400)

    @staticmethod
    def verdict(kind, body):
        try:
            plain_client.decode(kind, body)
        except Refused as refused:
            return refused.name, refused.field, refused.index, refused.at
        return None

    @staticmethod
    def answer(client, name, body):
        try:
            list(plain_client.Stream(client, client.send(name, body)))
        except Refused as refused:
            return refused.name, refused.field, refused.index, refused.at
        return None


def spoiled(chance, body):
    """Return the bytes with one or two things wrong with them, most of the time."""
    body = bytearray(body)
    for _ in range(chance.randint(1, 2)):
        at = chance.randrange(len(body))
        how = chance.randrange(5)
        if how == 0:
            body[at] ^= 1 << chance.randrange(8)
        elif how == 1:
            body[at] = chance.choice((0, 0x7F, 0x80, 0xC0, 0xFF))
        elif how == 2:
            del body[max(at, 1):]
        elif how == 3:
            body[at:at] = chance.randbytes(chance.randint(1, 3))
        else:
            body[at:at] = b"\xff" * 10
    return bytes(body)


if __name__ == "__main__":
    print(f"seed {SEED}")
    unittest.main(argv=sys.argv[:1], verbosity=2)
