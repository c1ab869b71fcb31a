#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The OFD side of CPCR 2.0.2 / 2.0.3, small and slow: a third opinion.

It shares nothing with the project's own server or register: bytes are read and written by hand, and
every X and Z is counted anew from the documents of the shift, one rule of the protocol a line. It
keeps no more of a device than the decision table of tokens needs.

    with Peer({100001: (token, rnm)}) as peer:
        peer.address, peer.counts, peer.devices

    cpcr_peer.py REGISTERS.csv [PORT] [MODE[=VALUE] ..]

Modes make it misbehave, so that a register's checks can be seen to fail:

    drop=N            every N-th answer is not sent, and the connection closed
    half=N            every N-th answer is cut in half
    wrong_z=FIELD     a figure of every Z is one too large; FIELD as in Z_FIELDS
    wrong_x=FIELD     the same of every X
    no_z              the answer to CLOSE_SHIFT has no report
    forgets           an exact retry is counted as a new document
    ticket_token      the token of a ticket's answer is not the one that is then wanted
    replay_token      the same of the answers to exact retries
    system_token      SYSTEM, INFO and REPORT change the token
    zero_token        the token of answers is 0
    reqnum            answers have another request number
    refuse=CODE       tickets are refused with this code, one in three
    busy=N            every N-th request is answered with 254
    number            all tickets get the same number
    no_number         tickets get none
    type              the Z of a close says that it is an X
    qr                the QR code has another sum
    garbage           answers are no messages
    auth_all          every password is the right one
    auth_none         none is
    auth_name         operators have other names
    auth_tells        a wrong password is told the operator's code
    list_version      a list that a register has already has another version
    list_again        the list is told whatever the register has
    list_short        the last element of a list is left away
    list_more         a group is told with what has a bar code
    list_price        items have other bar codes than those that were loaded
"""
import asyncio
import collections
import csv
import datetime
import struct
import sys
import threading

from cpcr_documents import (CASH, CLOSE_SHIFT, DIRECTION, PLACEMENT, TICKET, Close, Placement,
                            Ticket)
from cpcr_known import OK, WRONG_PASSWORD, Goods, people_read
from cpcr_figures import Z_FIELDS, figures, lasting, put_report, read_report
from cpcr_wire import Message, Refusal, put

HEAD = struct.Struct("<HHIIIH")
APPLICATION = 0x81A2
FRAME_MAX = 256 * 1024

SYSTEM, REPORT, NOMENCLATURE, INFO, AUTH = 0, 3, 4, 5, 8
DOCUMENTS = (TICKET, CLOSE_SHIFT, PLACEMENT)
REPORT_Z, REPORT_X = 0, 1


class Device:
    """One register as the server sees it."""

    def __init__(self, number, token, rnm):
        self.number, self.rnm = number, rnm
        self.token = token
        self.last_token = self.last_reqnum = self.last_command = self.last_answer = None
        self.shift, self.documents, self.before = 1, [], {}
        self.opened = self.first_ticket = self.last_z = None
        self.history = []  # documents of all shifts

    def next_token(self):
        """Any number but 0 and the one before."""
        self.token = (self.token * 1664525 + 1013904223 + self.number) % 2**32 or 1

    def judge(self, command, token, reqnum):
        """The decision table. Returns the stored answer of an exact retry, or None: count it."""
        if (token, reqnum) == (self.last_token, self.last_reqnum):
            if command == self.last_command:
                return self.last_answer
            raise Refusal(9, "the same request number and token, another command")
        if token == self.token and reqnum == self.last_reqnum:
            raise Refusal(8, "the request number of the request before")
        if token != self.token or token == 0:
            raise Refusal(2, "the token is not the issued one")
        return None

    def figures(self):
        return figures(self.shift, self.documents, self.before)

    def check(self, document):
        if document.shift not in (0, self.shift):
            raise Refusal(13, f"shift {document.shift}, and the register is in {self.shift}")
        if self.documents and document.time < self.documents[-1].time:
            raise Refusal(13, "time goes back")
        if document.offline or document.kind == CLOSE_SHIFT:
            return
        if document.kind == TICKET and self.first_ticket and \
                document.time - self.first_ticket > datetime.timedelta(hours=24):
            raise Refusal(11, "the shift is longer than 24 hours")
        spent = 0
        if document.kind == PLACEMENT and document.operation == 1:
            spent = document.sum
        elif document.kind == TICKET and DIRECTION[document.operation] < 0:
            spent = sum(total for kind, total in document.payments if kind == CASH)
        if spent > self.figures()["cash",]:
            raise Refusal(14, "not enough cash")

    def count(self, document):
        self.documents.append(document)
        self.history.append(document)
        self.opened = self.opened or document.time
        if document.kind == TICKET:
            self.first_ticket = self.first_ticket or document.time

    def close(self, close, wrong):
        """Close the shift; returns the Z and the figures that are in it."""
        cash = self.figures()["cash",]
        if close.withdraws and cash:
            withdrawal = Placement.__new__(Placement)
            withdrawal.kind, withdrawal.operation, withdrawal.sum = PLACEMENT, 1, cash
            withdrawal.time, withdrawal.offline = close.time, close.offline
            self.documents.append(withdrawal)
        out = self.figures()
        self.last_z = put_report(out, close.time, self.opened, close.time, wrong)
        self.before = lasting(out)
        self.shift, self.documents = self.shift + 1, []
        self.opened = self.first_ticket = None
        self.history.append(close)
        return out


# ---- the server ------------------------------------------------------------------------------------

class Peer:
    """A server on a free port of 127.0.0.1, in a thread of its own, until the block ends."""

    def __init__(self, registers, modes=(), port=0, people=(), goods=()):
        self.people, self.goods = people_read(people), Goods(goods)
        self.devices = {number: Device(number, token, rnm)
                        for number, (token, rnm) in registers.items()}
        self.modes = dict(mode.split("=", 1) if "=" in mode else (mode, "1") for mode in modes)
        self.counts = collections.Counter()  # what happened, by name
        self.results = collections.Counter()  # result codes
        self.sources = set()
        self.errors = []
        self.ticket_number = 4228000000
        self.port = port
        self.server, self.writers = None, set()
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        if not self.ready.wait(20):
            raise RuntimeError("the peer does not listen")
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(20)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def go_away(self):
        """Refuse and drop all connections until come_back(); what is counted stays counted."""
        asyncio.run_coroutine_threadsafe(self._go_away(), self.loop).result(20)

    def come_back(self):
        asyncio.run_coroutine_threadsafe(self._listen(), self.loop).result(20)

    async def _go_away(self):
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()

    async def _listen(self):
        self.server = await asyncio.start_server(self._talk, "127.0.0.1", self.port, backlog=4096)
        self.port = self.server.sockets[0].getsockname()[1]

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._listen())
        self.ready.set()
        self.loop.run_forever()
        self.server.close()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    async def _talk(self, reader, writer):
        self.counts["connections"] += 1
        self.writers.add(writer)
        self.sources.add(writer.get_extra_info("peername")[0])
        try:
            while True:
                head = await reader.readexactly(HEAD.size)
                code, version, size, device, token, reqnum = HEAD.unpack(head)
                if code != APPLICATION or not HEAD.size <= size <= FRAME_MAX:
                    self.counts["framing"] += 1
                    break
                body = await reader.readexactly(size - HEAD.size)
                answer = self._answer(version, device, token, reqnum, body)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
                if self._is_turn("half", self.counts["requests"]):
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            self.counts["broken"] += 1
        finally:
            self.writers.discard(writer)
            writer.close()

    def _is_turn(self, mode, count):
        return mode in self.modes and count % int(self.modes[mode]) == 0

    def _answer(self, version, number, token, reqnum, body):
        """The bytes to send, or None to close without."""
        self.counts["requests"] += 1
        command, next_token = 127, token
        try:
            request = Message(body)
            command = request.number(1)
            if self._is_turn("busy", self.counts["requests"]):
                raise Refusal(254, "try again later")
            content, next_token = self._serve(request, command, version, number, token, reqnum)
            result = put(2, put(1, 0))
        except Refusal as refusal:
            self.results[refusal.code] += 1
            if refusal.code not in (0, 2, 254):
                self.errors.append(f"{number}: {refusal.code} {refusal}")
            content, result = b"", put(2, put(1, refusal.code) + put(2, str(refusal)))
        except Exception as error:  # a bug here must not look like a lost answer
            self.errors.append(f"{number}: {error!r}")
            return None
        answer = put(1, command) + result + content
        return self._spoil(version, number, next_token, reqnum, answer)

    def _spoil(self, version, number, token, reqnum, answer):
        if "garbage" in self.modes:
            answer = b"\xff" * len(answer)
        if "zero_token" in self.modes:
            token = 0
        if "reqnum" in self.modes:
            reqnum = reqnum ^ 1
        data = HEAD.pack(APPLICATION, version, HEAD.size + len(answer), number, token,
                         reqnum) + answer
        if self._is_turn("drop", self.counts["requests"]):
            self.counts["dropped"] += 1
            return None
        if self._is_turn("half", self.counts["requests"]):
            self.counts["dropped"] += 1
            return data[:len(data) // 2]
        return data

    def _serve(self, request, command, version, number, token, reqnum):
        """(fields 3.. of the answer, token of its head), or a refusal."""
        if version not in (202, 203):
            raise Refusal(3, "the version is not known")
        if number not in self.devices:
            raise Refusal(1, "the device is not known")
        device = self.devices[number]
        self._check_service(request.sub(6), command, version, device)
        if command in DOCUMENTS:
            return self._document(request, command, version, device, token, reqnum)
        if command == REPORT:
            report = request.sub(4)
            self.results[0] += 1
            return self._report(device, report.number(1), report.time(2)), self._same_token(device)
        if command not in (SYSTEM, INFO, AUTH, NOMENCLATURE):
            raise Refusal(4, "the command is not known")
        if token != device.token or token == 0:
            raise Refusal(2, "the token is not the issued one")
        self.results[0] += 1
        self.counts["pings"] += command == SYSTEM
        if command == AUTH:
            return self._auth(request, request.sub(6).sub(12).sub(2).text(3)), \
                self._same_token(device)
        if command == NOMENCLATURE:
            asked = request.sub(5)
            self.counts["barcodes"] += asked.has(2)
            if version < 203 and asked.has(2):
                raise Refusal(3, "2.0.2 has no bar code")
            self.counts["nomenclatures"] += 1
            return put(5, self.goods.answer(asked.number(1), asked.text(2) if asked.has(2) else None,
                                            self.modes)), self._same_token(device)
        content = b""
        if command == INFO:
            content = self._report(device, REPORT_X if device.documents else REPORT_Z, None)
        return content, self._same_token(device)

    def _auth(self, request, organisation):
        asked = request.sub(8)
        password, answer = self.people.get((organisation, asked.text(1)), (None, b""))
        self.counts["auths"] += 1
        is_right = password == asked.text(2) or "auth_all" in self.modes
        self.counts["denied"] += password != asked.text(2)
        if not is_right or "auth_none" in self.modes:
            return put(7, put(1, WRONG_PASSWORD) + (put(2, 1) if "auth_tells" in self.modes else b""))
        if "auth_name" in self.modes:
            answer += put(3, "Another")
        return put(7, answer or put(1, OK))

    def _same_token(self, device):
        if "system_token" in self.modes:
            device.next_token()
        return device.token

    def _check_service(self, service, command, version, device):
        register = service.sub(12)
        if register.sub(1).text(3) != device.rnm or register.sub(1).text(5) != str(device.number):
            raise Refusal(13, "the register is another one")
        if len(register.sub(2).text(3)) != 12:
            raise Refusal(13, "the organisation has no BIN")
        if version >= 203:
            place = service.sub(3).sub(1)
            place.number(1), place.number(2), place.text(3)
        period = service.sub(4)
        if period.time(1) > period.time(2):
            raise Refusal(13, "the time without connection ends before it begins")
        if command in DOCUMENTS and period.time(1) != period.time(2):
            self.counts["drained"] += 1

    def _document(self, request, command, version, device, token, reqnum):
        stored = None if "forgets" in self.modes else device.judge(command, token, reqnum)
        if stored is not None:
            self.counts["replays"] += 1
            self.results[0] += 1
            return stored, device.token ^ ("replay_token" in self.modes)
        if command == TICKET:
            document = Ticket(request.sub(2), version)
        elif command == PLACEMENT:
            document = Placement(request.sub(7))
        else:
            document = Close(request.sub(3))
        device.check(document)
        self.counts["documents"] += 1
        if "refuse" in self.modes and command == TICKET and self.counts["documents"] % 3 == 0:
            raise Refusal(int(self.modes["refuse"]), "as the mode says")
        content = self._count(device, document)
        device.last_token, device.last_reqnum = token, reqnum
        device.last_command, device.last_answer = command, content
        device.next_token()
        self.results[0] += 1
        self.counts["offline"] += document.offline
        told = device.token
        if "ticket_token" in self.modes and command == TICKET:
            told ^= 1
        return content, told

    def _count(self, device, document):
        if document.kind == CLOSE_SHIFT:
            wrong = Z_FIELDS.get(self.modes.get("wrong_z"))
            out = device.close(document, wrong)
            self._compare(out, document.report)
            if "no_z" in self.modes:
                return b""
            kind = REPORT_X if "type" in self.modes else REPORT_Z
            return put(4, put(1, kind) + put(2, device.last_z))
        device.count(document)
        if document.kind == PLACEMENT or "no_number" in self.modes:
            return b""
        self.ticket_number += 0 if "number" in self.modes else 7
        total = document.total + (1 if "qr" in self.modes else 0)
        return put(3, put(1, str(self.ticket_number)) + put(
            2, f"http://consumer.test-oofd.kz?i={self.ticket_number}&f={device.rnm}"
               f"&s={total // 100}.{total % 100:02}&t={document.time:%Y%m%dT%H%M%S}"))

    def _compare(self, out, report):
        """What the register itself says of its shift must be what its documents say."""
        self.counts["shifts"] += 1
        if report is None:
            return
        mine = {key: value for key, value in out.items() if value}
        theirs = read_report(report)
        self.counts["register_z_compared"] += 1
        if mine != theirs:
            self.counts["register_z_differs"] += 1
            self.errors.append(f"the register's Z: {set(mine.items()) ^ set(theirs.items())}")

    def _report(self, device, kind, at):
        at = at or datetime.datetime(2025, 12, 1)
        if kind == REPORT_X:
            data = put_report(device.figures(), at, device.opened, None,
                              Z_FIELDS.get(self.modes.get("wrong_x")))
        else:
            data = device.last_z or put_report(figures(1, [], {}), at, None, None)
        return put(4, put(1, kind) + put(2, data))


def registers_read(lines):
    """{device: (token, RNM)} of a list of registers."""
    return {int(row["device"]): (int(row["token"]), row["rnm"]) for row in csv.DictReader(lines)}


def main(path, port="0", *modes):
    with open(path, encoding="utf-8", newline="") as lines:
        registers = registers_read(lines)
    with Peer(registers, modes, int(port)) as peer:
        print(f"cpcr_peer ready listen={peer.address}", flush=True)
        peer.thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
