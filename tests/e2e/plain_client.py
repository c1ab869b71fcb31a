# SPDX-License-Identifier: MIT
"""A client written from engine/wire/PROTOCOL.md alone: it holds the document to its word.

It shares no code with the package of tools/python and with nothing that is generated: it reads
protocol.def when it is imported and interprets it, so that a field is never more than a row of a
table. Records are dictionaries by the names of protocol.def, enums are their words, an answer's
record also has its fields as attributes, and there an absent field is zero, empty, false or None.

    with Client("127.0.0.1:7420", token) as client:
        results = client.feed([{"registration": 1, "receipt": {...}}])
        shifts = client.gather("ask_shifts", target={"registration": 1})

Chapters named below are those of PROTOCOL.md. One connection, one thread, nothing reconnects.
"""
import pathlib
import re
import socket
import struct
import time

from plain_xxh3 import xxh3_64

ROOT = pathlib.Path(__file__).resolve().parents[2]

# ------------------------------------------------------------ protocol.def and the errors

class Field:
    def __init__(self, record, number, name, words):
        self.record, self.number, self.name = record, number, name
        self.reference = record.number * 64 + number
        self.type, self.arguments, self.required = words[0], words[1:], "required" in words

    def limit(self, place=0):
        return int(self.arguments[place])


class Definition:
    """What protocol.def says: records, enums and opcodes by name."""

    def __init__(self, text):
        self.records, self.enums, self.opcodes = {}, {}, {}
        self.version, self.revision, block = 0, 0, None
        for line in text.splitlines():
            words = line.split("#")[0].split()
            if not words:
                continue
            if words[0] in ("version", "revision"):
                setattr(self, words[0], int(words[1]))
            elif words[0] == "enum":
                block = self.enums[words[1]] = {}
            elif words[0] == "record":
                block = self.records[words[2]] = RecordType(int(words[1]), words[2], int(words[3]))
            elif words[0] == "opcode":
                self.opcodes[words[2]] = Opcode(words)
            elif isinstance(block, dict):
                block[int(words[0])] = words[1]
            else:
                block.fields.append(Field(block, int(words[0]), words[1], words[2:]))
        self.references = {field.reference: f"{record.name}.{field.name}"
                           for record in self.records.values() for field in record.fields}


class RecordType:
    def __init__(self, number, name, mask_bits):
        self.number, self.name, self.mask_size, self.fields = number, name, mask_bits // 8, []


class Opcode:
    def __init__(self, words):
        self.number, self.name, self.request, self.answer = int(words[1]), words[2], *words[6:9:2]
        self.streams = words[9:] == ["stream"]


DEFINITION = Definition((ROOT / "engine/wire/protocol.def").read_text(encoding="utf-8"))
ERRORS = {int(number): name for name, number in re.findall(
    r"X\((\w+), (\d+),", (ROOT / "engine/base/error.h").read_text(encoding="utf-8"))}
NUMBERS = {name: number for number, name in ERRORS.items()}


def error_name(code):
    return ERRORS.get(code, str(code))


def field_name(reference):
    """Return "record.field" for a reference number, "record" for a record as a whole."""
    if reference % 64 == 0:
        return next((r.name for r in DEFINITION.records.values() if r.number * 64 == reference), "")
    return DEFINITION.references.get(reference, str(reference))


class Refused(Exception):
    """The server's refusal, or a value that our own reader refuses by the same rules."""

    def __init__(self, code, reference=0, index=0, at=0, text=""):
        self.code, self.name = code, error_name(code)
        self.reference, self.field = reference, field_name(reference) if reference else ""
        self.index, self.at, self.text = index, at, text
        super().__init__(f"{self.name} {self.field}[{index}] at {at}: {text}")


# ------------------------------------------------------------ records (chapter 4)

FIXED = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "utc": 8, "civil": 4, "wide": 16}
AMOUNTS = {"money": 10 ** 13, "quantity": 10 ** 12, "rate": 10 ** 6}
CIVIL_MIN, CIVIL_MAX = 946_684_800, 4_102_444_799


class Record(dict):
    """A record of an answer: what was there, and as attributes also what was not. Fields that have
    the name of a dictionary's method (`keys`, `items`) are there by index only."""

    def __init__(self, record):
        super().__init__()
        self.__dict__["record type"] = record  # not a name that a field can have

    def __getattr__(self, name):
        record = self.__dict__["record type"]
        field = next((field for field in record.fields if field.name == name), None)
        if field is None:
            raise AttributeError(f"{record.name} has no field {name}")
        return self.get(name, zero(field))


def zero(field):
    if field.type == "enum":
        return DEFINITION.enums[field.arguments[0]].get(0)
    zeros = {"flag": False, "text": "", "bytes": b"", "id128": bytes(16), "record": None}
    return [] if field.type in ("list", "blobs") else zeros.get(field.type, 0)


def leb128(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode(kind, values):
    """Return the bytes of a record; fields that say nothing are left out (chapter 4, "Writer")."""
    record = DEFINITION.records[kind]
    unknown = set(values) - {field.name for field in record.fields}
    if unknown:
        raise KeyError(f"{kind} has no field {', '.join(sorted(unknown))}")
    mask, body = 0, b""
    for field in record.fields:
        value = values.get(field.name, zero(field))
        if value is None or (value == zero(field) and not field.required):
            continue
        mask |= 1 << (field.number - 1)
        body += encode_value(field, value)
    return mask.to_bytes(record.mask_size, "little") + body


def encode_value(field, value):
    kind = field.type
    if kind == "flag":
        return b""
    if kind in FIXED:
        return value.to_bytes(FIXED[kind], "little", signed=kind == "wide")
    if kind in AMOUNTS or kind == "number":
        return leb128(value)
    if kind == "signed":
        return leb128(2 * value if value >= 0 else -2 * value - 1)
    if kind == "enum":
        words = DEFINITION.enums[field.arguments[0]]
        return bytes([next(number for number, word in words.items() if word == value)])
    if kind in ("text", "bytes"):
        data = value.encode() if kind == "text" else value
        return leb128(len(data)) + data
    if kind == "record":
        return encode(field.arguments[0], value)
    if kind == "list":
        return leb128(len(value)) + b"".join(encode(field.arguments[0], item) for item in value)
    if kind == "id128":
        return bytes(value)
    items = [item.encode() if isinstance(item, str) else item for item in value]  # blobs
    return leb128(len(items)) + b"".join(leb128(len(item)) + item for item in items)


def size_min(record):
    """Return the fewest bytes that a record can have: its mask and its required fields."""
    required = (field for field in record.fields if field.required)
    return record.mask_size + sum(value_size_min(field) for field in required)


def value_size_min(field):
    if field.type == "record":
        return size_min(DEFINITION.records[field.arguments[0]])
    return FIXED.get(field.type, {"flag": 0, "id128": 16}.get(field.type, 1))


class Reader:
    """Walks over the bytes of one record, once, and says what is wrong and where."""

    def __init__(self, data):
        self.data, self.at = data, 0
        self.field = self.index = self.start = 0

    def fail(self, name):
        raise Refused(NUMBERS[name], self.field, self.index, self.start)

    def take(self, size):
        if len(self.data) - self.at < size:
            self.fail("SHORT")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if shift == 63 and byte > 1 or byte == 0 and shift > 0:
                self.fail("NUMBER")
            if byte < 0x80:
                return value
            shift += 7

    def count(self, limit):
        value = self.number()
        if value > limit:
            self.fail("LIMIT")
        return value

    def whole(self, kind):
        record = self.record(DEFINITION.records[kind])
        if self.at < len(self.data):
            self.field, self.index, self.start = DEFINITION.records[kind].number * 64, 0, self.at
            self.fail("TRAILING")
        return record

    def record(self, kind):
        self.field, self.start, index = kind.number * 64, self.at, self.index
        mask = int.from_bytes(self.take(kind.mask_size), "little")
        self.check_mask(kind, mask)
        record = Record(kind)
        for field in kind.fields:
            if mask >> (field.number - 1) & 1:
                self.field, self.index, self.start = field.reference, index, self.at
                record[field.name] = self.value(field)
        self.index = index
        return record

    def check_mask(self, kind, mask):
        known = sum(1 << (field.number - 1) for field in kind.fields)
        required = sum(1 << (field.number - 1) for field in kind.fields if field.required)
        for wrong, error in ((mask & ~known, "FIELD_UNKNOWN"), (required & ~mask, "FIELD_MISSING")):
            if wrong:
                self.field += (wrong & -wrong).bit_length()
                self.fail(error)

    def value(self, field):
        kind = field.type
        if kind == "flag":
            return True
        if kind in FIXED:
            value = int.from_bytes(self.take(FIXED[kind]), "little", signed=kind == "wide")
            if kind == "civil" and not CIVIL_MIN <= value <= CIVIL_MAX:
                self.fail("DATE")
            return value
        if kind in AMOUNTS or kind == "number":
            value = self.number()
            if value > (AMOUNTS.get(kind) or field.limit()):
                self.fail("RANGE")
            return value
        if kind == "signed":
            value = self.number()
            return -(value >> 1) - 1 if value & 1 else value >> 1
        if kind == "enum":
            words, value = DEFINITION.enums[field.arguments[0]], self.take(1)[0]
            if value not in words:
                self.fail("RANGE")
            return words[value]
        if kind in ("text", "bytes"):
            data = self.take(self.count(field.limit()))
            return self.text(data) if kind == "text" else data
        if kind == "record":
            return self.record(DEFINITION.records[field.arguments[0]])
        return self.items(field) if kind in ("list", "blobs") else self.take(16)

    def text(self, data):
        if b"\0" in data:
            self.fail("TEXT")
        try:
            return data.decode()
        except UnicodeDecodeError:
            self.fail("TEXT")

    def items(self, field):
        count = self.count(field.limit(1))
        kind = DEFINITION.records[field.arguments[0]] if field.type == "list" else None
        if count * (size_min(kind) if kind else 1) > len(self.data) - self.at:
            self.fail("SHORT")
        items = []
        for self.index in range(count):
            self.field, self.start = field.reference, self.at
            items.append(self.record(kind) if kind else self.take(self.count(field.limit())))
        return items


def decode(kind, data):
    return Reader(data).whole(kind)


# ------------------------------------------------------------ frames (chapter 3)

HEAD = struct.Struct("<2sBBHHIIQQ")
ANSWER_MAX = 1_052_672
LAST, REFUSAL = 2, 4


def frame_encode(opcode, frame, body, flags=0):
    head = HEAD.pack(b"CK", DEFINITION.version, flags, opcode, 0, len(body), 0, frame, 0)[:24]
    return head + struct.pack("<Q", xxh3_64(body, xxh3_64(head))) + body


def head_check(head):
    """Raise what speaks against the head of an answer, by rules 1 to 5."""
    magic, version, flags, _, reserved, size, reserved_too, _, _ = HEAD.unpack(head)
    for right, error in ((magic == b"CK", "MAGIC"), (version == DEFINITION.version, "VERSION"),
                         (flags & 0xF8 == 0 and reserved == 0 and reserved_too == 0, "RESERVED"),
                         (flags in (1, 3, 7), "RANGE"), (size <= ANSWER_MAX, "LIMIT")):
        if not right:
            raise Refused(NUMBERS[error], text="the frame is not valid")


class Frame:
    def __init__(self, head, body):
        _, _, self.flags, self.opcode, _, _, _, self.frame_id, checksum = HEAD.unpack(head)
        self.body, self.size = body, HEAD.size + len(body)
        if checksum != xxh3_64(body, xxh3_64(head[:24])):
            raise Refused(NUMBERS["CHECKSUM"], text="the frame is not valid")


class Splitter:
    """Makes frames of what a connection brings."""

    def __init__(self):
        self.data = b""

    def feed(self, data):
        self.data += data
        frames = []
        while len(self.data) >= HEAD.size:
            head = self.data[:HEAD.size]
            head_check(head)
            size = HEAD.size + HEAD.unpack(head)[5]
            if len(self.data) < size:
                break
            frames.append(Frame(head, self.data[HEAD.size:size]))
            self.data = self.data[size:]
        return frames


class Request:
    """A request that was sent; `answers` are its frames so far, as (record, size)."""

    def __init__(self, opcode, frame, size):
        self.opcode, self.frame, self.size = opcode, frame, size
        self.answers, self.done, self.refused = [], False, None


class Stream:
    """The frames of a streamed answer, each allowed for when it is taken (chapter 8)."""

    def __init__(self, client, request, allowing=True):
        self.client, self.request, self.allowing = client, request, allowing

    def __iter__(self):
        return self

    def __next__(self):
        while not self.request.answers and not self.request.done:
            self.client.receive()
        if self.request.answers:
            record, size = self.request.answers.pop(0)
            if self.allowing and not self.request.done:
                self.client.send("allow", frame=self.request.frame, size=size)
            return record
        if self.request.refused is not None:
            raise self.request.refused
        raise StopIteration

    def cancel(self):
        self.client.call("cancel", frame=self.request.frame)


class Client:
    """One connection, greeted; `welcome` is the server's answer."""

    def __init__(self, address, token, source=0, acknowledged=0, timeout_s=30):
        host, port = address.rsplit(":", 1)
        self.requests, self.frame, self.credits, self.in_flight = {}, 0, 512 + HEAD.size, 0
        self.splitter, self.frames, self.busy_count = Splitter(), [], 0
        self.socket = socket.create_connection((host, int(port)), timeout=timeout_s)
        try:
            self.welcome = self.call("hello", token=token, source=source, acknowledged=acknowledged,
                                     client="plain_client/1", revision=DEFINITION.revision)
        except BaseException:
            self.socket.close()
            raise
        self.credits = self.welcome.credits

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, name, body=None, /, **fields):
        """Send a request as soon as the credits allow and return it."""
        opcode = DEFINITION.opcodes[name]
        body = encode(opcode.request, fields) if body is None else body
        size = HEAD.size + len(body) if name not in ("cancel", "allow") else 0
        while self.in_flight + size > self.credits and self.in_flight > 0:
            self.receive()
        self.frame += 1
        request = self.requests[self.frame] = Request(opcode, self.frame, size)
        self.in_flight += size
        self.socket.sendall(frame_encode(opcode.number, self.frame, body))
        return request

    def frame_read(self):
        while not self.frames:
            data = self.socket.recv(256 * 1024)
            if not data:
                raise Refused(NUMBERS["CLOSED"], text="the server closed the connection")
            self.frames += self.splitter.feed(data)
        return self.frames.pop(0)

    def receive(self):
        """Take one frame and put it to the request that it answers."""
        frame = self.frame_read()
        request = self.requests.get(frame.frame_id)
        refused = self.refusal(frame.body) if frame.flags & REFUSAL else None
        if frame.opcode == 0 or request is None or request.opcode.number != frame.opcode:
            raise refused or Refused(NUMBERS["OPCODE"], text="an answer to nothing")
        if refused is None:
            request.answers.append((decode(request.opcode.answer, frame.body), frame.size))
        if frame.flags & LAST:
            request.done, request.refused = True, refused
            self.in_flight -= request.size
            del self.requests[frame.frame_id]

    @staticmethod
    def refusal(body):
        said = decode("refusal", body)
        return Refused(said.code, said.field, said.index, said.at, said.text)

    def wait(self, request):
        """Return the record of an answer of one frame."""
        while not request.done:
            self.receive()
        if request.refused is not None:
            raise request.refused
        return request.answers[0][0]

    def call(self, name, /, **fields):
        return self.wait(self.send(name, **fields))

    def stream(self, name, allowing=True, /, **fields):
        return Stream(self, self.send(name, **fields), allowing)

    def gather(self, name, /, **fields):
        """Return the list that all frames of a stream make together; its record has one list."""
        kind = DEFINITION.records[DEFINITION.opcodes[name].answer]
        lists = [field.name for field in kind.fields if field.type == "list"]
        return [item for record in self.stream(name, **fields) for item in record.get(lists[0], ())]

    def feed(self, documents, offset=0):
        return self.feed_frames([documents], offset)[0]

    def feed_frames(self, frames, offset=0):
        """
        Feed frames of documents (dictionaries, or bytes as they are) and return the results of
        each. What is refused with BUSY is sent again, in the first order (chapter 6, "BUSY").
        """
        left, results, wait_s = [], {}, 0.05
        for i, documents in enumerate(frames):
            blobs = [d if isinstance(d, bytes) else encode("document", d) for d in documents]
            left.append((i, encode("feed", {"offset": offset, "documents": blobs})))
            offset += len(blobs) if offset else 0
        while left:
            sent = [(i, body, self.send("feed", body)) for i, body in left]
            left = []
            for i, body, request in sent:
                try:
                    results[i] = self.wait(request).results
                except Refused as refused:
                    if refused.name != "BUSY":
                        raise
                    left.append((i, body))
            if left:
                self.busy_count += len(left)
                time.sleep(wait_s)
                wait_s = min(2 * wait_s, 5)
                self.send("resume")
        return [results[i] for i in range(len(frames))]
