# SPDX-License-Identifier: MIT
"""chek - feed receipts to a chek server and ask it about them. Standard library only.

    import chek

    with chek.Client("127.0.0.1:7420", token_file="data/admin.token") as client:
        register = client.claim([{"keys": [{"kind": chek.KeyKind.REGISTRATION_NUMBER,
                                            "value": "000123456789"}],
                                  "organisation": "123456789012"}])[0].registration
        results = client.feed([{"registration": register,
                                "receipt": {"time": chek.civil("2026-01-05T10:00:00"),
                                            "document": 1, "total": 100, "payments": [{"sum": 100}],
                                            "lines": [{"code": "A", "quantity": 1000000,
                                                       "price": 100, "sum": 100}]}}])
        print(results[0].status, client.report({"registration": register}).report.revenue)

Records are dicts in both directions, with the names of protocol.def; money in minor units,
quantities in 10^-6, times in seconds of the wall clock on the receipt. What is absent reads as zero.
"""
import calendar
import collections
import os
import socket
import time as _time

from . import protocol
from .protocol import (E, EventKind, Fault, Form, FrameError, KeyKind, LineKind, Operation,
                       PaymentKind, PersonKind, Right, Status, SumsBy, SumsStep, TaxKind, Warning)

__all__ = ["Client", "Refused", "Unknown", "civil", "civil_text", "protocol", "E", "EventKind",
           "Fault", "Form", "FrameError", "KeyKind", "LineKind", "Operation", "PaymentKind",
           "PersonKind", "Right", "Status", "SumsBy", "SumsStep", "TaxKind", "Warning"]

DOCUMENTS_A_FRAME = 1000
FRAME_SIZE = 256 * 1024
RECEIVE_SIZE = 256 * 1024


class Refused(Exception):
    """The server said no, and what it said no to left no trace."""

    def __init__(self, refusal):
        self.code = refusal.code
        self.name = protocol.error_name(refusal.code)
        self.field = protocol.field_name(refusal.field) if refusal.field else ""
        self.index = refusal.index
        self.text = refusal.text or protocol.error_text(refusal.code)
        where = f" ({self.field}[{self.index}])" if self.field else ""
        super().__init__(f"{self.name}{where}: {self.text}")


class Unknown(Exception):
    """The connection broke: whether the request was done is not known. Documents may be fed again;
    those that were stored come back as duplicates."""


def civil(text):
    """Seconds of a wall clock time "YYYY-MM-DD" or "YYYY-MM-DDTHH:MM:SS"."""
    form = "%Y-%m-%d" if len(text) == 10 else "%Y-%m-%dT%H:%M:%S"
    return calendar.timegm(_time.strptime(text, form))


def civil_text(seconds):
    """The reverse of civil()."""
    return _time.strftime("%Y-%m-%dT%H:%M:%S", _time.gmtime(seconds))


class Client:
    """One connection. Not to be shared between threads.

    address       "HOST:PORT"; default CHEK_SERVER, then 127.0.0.1:7420
    token         the token, or token_file a file with it; default CHEK_TOKEN_FILE
    source        the number of this stream of documents, acknowledged the highest offset that was
                  acknowledged to it; `alarm` is True when the server holds less than that
    """

    def __init__(self, address=None, token=None, token_file=None, source=0, acknowledged=0,
                 timeout_s=60.0):
        address = address or os.environ.get("CHEK_SERVER", "127.0.0.1:7420")
        token_file = token_file or os.environ.get("CHEK_TOKEN_FILE")
        if token is None:
            with open(token_file, encoding="ascii") as file:
                token = file.read().strip()
        host, _, port = address.rpartition(":")
        self._id = 0
        self._splitter = protocol.Splitter()
        self._frames = collections.deque()
        self._socket = socket.create_connection((host, int(port)), timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            welcome = self.ask("hello", {"token": token, "source": source,
                                         "acknowledged": acknowledged, "client": "chek-python"})
        except Exception:
            self._socket.close()
            raise
        self.principal, self.credits = welcome.principal, welcome.credits
        self.rights, self.server, self.alarm = welcome.rights, welcome.server, welcome.alarm

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        self._socket.close()

    # ---- frames -----------------------------------------------------------------------------

    def send(self, opcode, request):
        """Send a request by the name of its opcode; returns its frame id."""
        self._id += 1
        try:
            self._socket.sendall(protocol.request_encode(opcode, request, self._id))
        except OSError as error:
            raise Unknown(str(error)) from error
        return self._id

    def _receive(self):
        while not self._frames:
            try:
                data = self._socket.recv(RECEIVE_SIZE)
            except OSError as error:
                raise Unknown(str(error)) from error
            if not data:
                raise Unknown("the server closed the connection")
            self._frames.extend(self._splitter.feed(data))
        return self._frames.popleft()

    def answers(self, opcode, request):
        """Send a request and yield the records of its answer, allowing more as they are read."""
        frame_id = self.send(opcode, request)
        definition = protocol.OPCODES[opcode]
        while True:
            frame = self._receive()
            if frame.frame_id != frame_id and frame.frame_id != 0:
                continue  # of a request that was cancelled, or of `allow`
            if frame.flags & protocol.REFUSAL:
                raise Refused(protocol.decode("refusal", frame.body))
            last = frame.flags & protocol.LAST
            if definition.stream and not last:
                self.send("allow", {"frame": frame_id, "size": len(frame.body) + 32})
            yield protocol.decode(definition.answer, frame.body)
            if last:
                return

    def ask(self, opcode, request):
        """Send a request that has one answer; returns its record."""
        return list(self.answers(opcode, request))[-1]

    def cancel(self, frame_id):
        """Give up the answer of a request that was sent with send()."""
        self.send("cancel", {"frame": frame_id})

    # ---- feeding ----------------------------------------------------------------------------

    def claim(self, registers):
        """Give registers their registrations; returns one `registered` for each."""
        return self.ask("claim", {"registers": registers}).registers

    def feed(self, documents, offset=0):
        """Store documents (dicts of `document`); returns one `result` for each, in order.

        A server that is busy is asked again until it takes them. `offset` numbers the first
        document in this source's stream; 0 = not numbered.
        """
        results = []
        batch, size = [], 0
        for document in documents:
            body = protocol.encode("document", document)
            if batch and (size + len(body) > FRAME_SIZE or len(batch) == DOCUMENTS_A_FRAME):
                results += self._feed(batch, offset and offset + len(results))
                batch, size = [], 0
            batch.append(body)
            size += len(body)
        if batch:
            results += self._feed(batch, offset and offset + len(results))
        return results

    def _feed(self, bodies, offset):
        wait_s = 0.001
        while True:
            try:
                return self.ask("feed", {"offset": offset, "documents": bodies}).results
            except Refused as refused:
                if refused.code != E.BUSY:
                    raise
            _time.sleep(wait_s)
            wait_s = min(wait_s * 2, 0.25)
            self.ask("resume", {})

    # ---- asking -----------------------------------------------------------------------------

    def report(self, target, shift=0, closed=False, revision=None):
        """X of the open shift, or Z of a closed one; `target` is {"registration": id} or
        {"key": text}. Returns an `answer_report`: .report, .late or None; of a Z .covered and
        .chain."""
        question = {"target": target, "shift": shift, "closed": closed}
        if revision is not None:
            question["revision"] = revision + 1
        return self.ask("ask_report", question)

    def shifts(self, target, **bounds):
        """Yield the shifts of a register. Bounds: from, to (civil), shift_from, shift_to."""
        for chunk in self.answers("ask_shifts", {"target": target, **bounds}):
            yield from chunk.shifts

    def receipts(self, target, **bounds):
        """Yield the documents of a register in the order of their arrival. Bounds as above,
        count_max."""
        for chunk in self.answers("ask_receipts", {"target": target, **bounds}):
            yield from chunk.receipts

    def receipt(self, **names):
        """One document by target and document, ordinal (+ 1), sign or autonomous; by fiscal_drive,
        document and sign; or by qr."""
        return self.ask("ask_receipt", names)

    def sums(self, **question):
        """Yield rows of sums: by, step, targets, organisation, point, from, to."""
        for chunk in self.answers("ask_sums", question):
            yield from chunk.rows

    def registers(self, **filters):
        """Yield registers: organisation, point, key."""
        for chunk in self.answers("ask_registers", filters):
            yield from chunk.registers

    def gaps(self, target=None, **filters):
        """Yield numbers that are missing among the documents of a register, or of all registers of
        an organisation or a point: registration, key, first, last, count."""
        question = dict(filters, target=target) if target is not None else filters
        for chunk in self.answers("ask_gaps", question):
            yield from chunk.gaps

    def warnings(self, target=None, **filters):
        """Yield registers with counts of what their documents are marked with: registration, key,
        counts (warning, count). Filters: organisation, point, warnings (bits)."""
        question = dict(filters, target=target) if target is not None else filters
        for chunk in self.answers("ask_warnings", question):
            yield from chunk.registers

    def warned(self, target=None, **filters):
        """Yield documents that are marked, by register and in the order in which they came. Filters
        as of warnings(), from and to (civil seconds)."""
        question = dict(filters, documents=True)
        if target is not None:
            question["target"] = target
        for chunk in self.answers("ask_warnings", question):
            yield from chunk.documents

    def marked(self, *codes, target=None, **bounds):
        """Yield the receipts that have one of these marking codes (bytes), newest first: key,
        stored. Bounds: count_max."""
        question = dict(bounds, codes=list(codes))
        if target is not None:
            question["target"] = target
        for chunk in self.answers("ask_marked", question):
            yield from chunk.receipts

    def sold_again(self, target=None, **bounds):
        """Yield sales of marked goods that were sold before, without a return in between: key, stored,
        code, before_registration, before_ordinal. Bounds: count_max."""
        question = dict(bounds, target=target) if target is not None else bounds
        for chunk in self.answers("ask_sold_again", question):
            yield from chunk.receipts

    def person(self, **who):
        """Who a subject (16 bytes) is: by organisation, or by target and ordinal (+ 1) of a document that
        names it; kind (PersonKind) and value in the place of the subject. Returns a `known_person`."""
        return self.ask("ask_person", who)

    def person_receipts(self, **who):
        """Yield the receipts that name somebody, newest first: key, stored. By organisation, or by target;
        subject, or kind and value. Bounds: from, to (civil seconds), count_max."""
        for chunk in self.answers("ask_person_receipts", who):
            yield from chunk.receipts

    def reconcile(self, target, **bounds):
        """Yield the closed shifts of a register, each with the differences between what it counted
        itself and what the engine did. Bounds: shift_from, shift_to."""
        for chunk in self.answers("ask_reconcile", {"target": target, **bounds}):
            yield from chunk.shifts

    def events(self, cursor="0", partition=None, follow=False):
        """Yield (events, cursor) pairs; the cursor names the place behind these events."""
        question = {"cursor": cursor, "follow": follow}
        if partition is not None:
            question["partition"] = partition + 1
        for chunk in self.answers("ask_events", question):
            if chunk.events or chunk.idle:
                yield chunk.events, chunk.cursor

    # ---- administration ---------------------------------------------------------------------

    def token_add(self, name, rights, scope=None, trusted=False):
        """Make a token; returns a `token_added`. rights: bits of Right."""
        request = {"name": name, "rights": rights, "trusted": trusted}
        if scope is not None:
            request["scope"] = scope
        return self.ask("token_add", request)

    def token_revoke(self, principal):
        self.ask("token_revoke", {"principal": principal})

    def tokens(self):
        for chunk in self.answers("tokens", {}):
            yield from chunk.principals

    def person_erase(self, organisation, **who):
        """Forget who somebody is: by subject (16 bytes), or by kind (PersonKind) and value. `erased` of
        an erasure runs it again on a copy of the folder. Returns an `erasure`."""
        return self.ask("person_erase", {"organisation": organisation, **who})

    def erasures(self, **filters):
        """Yield who was erased: organisation, subject, erased. Filters: organisation."""
        for chunk in self.answers("ask_erasures", filters):
            yield from chunk.erasures

    def status(self):
        """What the server says of itself: {(name, shard or None): number or text}."""
        rows = self.ask("ask_status", {})["items"]
        return {(row.name, row.shard - 1 if row.shard else None): row.text or row.value
                for row in rows}

    def chains(self):
        """How far the chain over each partition's rows reaches: partition, ranges, rows, open, head
        (bytes)."""
        return self.ask("ask_chains", {})["chains"]

    def snapshot(self):
        self.ask("snapshot", {})
