# SPDX-License-Identifier: MIT
# protocol_runtime.py - the part of protocol.py that the tables above stand in front of: they give
# E, ERRORS, RECORD_ROWS, OPCODE_ROWS and the limits.


class Fault(Exception):
    """What is wrong in a record, and where: error number, field number, list index, offset."""

    def __init__(self, code, field, index, at):
        super().__init__(f"{error_name(code)} {field_name(field)} [{index}] at {at}")
        self.code, self.field, self.index, self.at = code, field, index, at


class Record(dict):
    """A decoded record: a dict of the fields that were present, read as attributes too.

    An absent field reads as zero, empty, False or (a record) None. `raw` is the encoded record
    where the definition asks for it.
    """

    shape = None
    raw = None

    def __getattr__(self, name):
        if name in self:
            return self[name]
        if self.shape is None or name not in self.shape.by_name:
            raise AttributeError(name)
        return self.shape.by_name[name].absent()


class Field:
    def __init__(self, record, number, name, kind, maximum, target, required, personal):
        self.number, self.name, self.kind, self.max, self.target = number, name, kind, maximum, target
        self.required, self.personal = required, personal
        self.reference = record * FIELDS_A_RECORD + number
        self.bit = 1 << (number - 1)

    def absent(self):
        if self.kind in ("list", "blobs"):
            return []
        return {"flag": False, "text": "", "bytes": b"", "id128": bytes(16),
                "record": None}.get(self.kind, 0)


class Shape:
    """What the definition says of a record."""

    def __init__(self, name, number, mask_size, size_min, raw, fields):
        self.name, self.number, self.mask_size = name, number, mask_size
        self.size_min, self.raw = size_min, raw
        self.fields = [Field(number, *field) for field in fields]
        self.by_name = {field.name: field for field in self.fields}
        self.known = sum(field.bit for field in self.fields)
        self.required = sum(field.bit for field in self.fields if field.required)


class Opcode:
    def __init__(self, number, name, right, scope, body_size_max, request, answer, stream):
        self.number, self.name, self.right, self.scope = number, name, right, scope
        self.body_size_max, self.request, self.answer = body_size_max, request, answer
        self.stream = stream


SHAPES = {row[0]: Shape(*row) for row in RECORD_ROWS}
SHAPES_BY_NUMBER = {shape.number: shape for shape in SHAPES.values()}
OPCODES = {row[1]: Opcode(*row) for row in OPCODE_ROWS}
OPCODES_BY_NUMBER = {opcode.number: opcode for opcode in OPCODES.values()}

FIXED = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "utc": 8, "civil": 4}
NUMBERS = ("number", "money", "quantity", "rate")


def error_name(code):
    """Name of an error number, with or without its minus sign."""
    return ERRORS[abs(code)][0] if abs(code) in ERRORS else "UNKNOWN"


def error_text(code):
    return ERRORS[abs(code)][1] if abs(code) in ERRORS else "unknown error"


def field_name(reference):
    """Name of a field of the reference table, "line.price"; "line" for the record; "" if none."""
    shape = SHAPES_BY_NUMBER.get(reference // FIELDS_A_RECORD)
    number = reference % FIELDS_A_RECORD
    if shape is None:
        return ""
    if number == 0:
        return shape.name
    return next((f"{shape.name}.{f.name}" for f in shape.fields if f.number == number), "")


# ---- encoding ----


def encode_number(value):
    if value < 0 or value >= 1 << 64:
        raise ValueError(f"{value} is not an unsigned 64-bit number")
    ret = bytearray()
    while value >= 0x80:
        ret.append(value & 0x7F | 0x80)
        value >>= 7
    ret.append(value)
    return bytes(ret)


def encode_signed(value):
    return encode_number(value << 1 if value >= 0 else (-value << 1) - 1)


def encode(name, record):
    """Bytes of a record given as a dict: its required fields, and those that are not absent.

    As in C, a value is not compared with its maximum: a reader refuses it.
    """
    shape = SHAPES[name]
    for key in record:
        if key not in shape.by_name:
            raise KeyError(f"record {name} has no field '{key}'")
    present, parts = 0, []
    for field in shape.fields:
        value = record.get(field.name, field.absent())
        if not field.required and (value is None or value == field.absent()):
            continue
        present |= field.bit
        parts.append(encode_value(field, value))
    return present.to_bytes(shape.mask_size, "little") + b"".join(parts)


def encode_value(field, value):
    kind = field.kind
    if kind == "flag":
        return b""
    if kind in NUMBERS:
        return encode_number(value)
    if kind == "signed":
        return encode_signed(value)
    if kind in FIXED:
        return value.to_bytes(FIXED[kind], "little")
    if kind == "enum":
        return bytes([value])
    if kind == "wide":
        return value.to_bytes(16, "little", signed=True)
    if kind == "text":
        value = value.encode("utf-8")
        return encode_number(len(value)) + value
    if kind == "bytes":
        return encode_number(len(value)) + value
    if kind == "id128":
        if len(value) != 16:
            raise ValueError(f"{field.name} has 16 bytes")
        return bytes(value)
    if kind == "record":
        return encode(field.target, value)
    if kind == "list":
        return encode_number(len(value)) + b"".join(encode(field.target, v) for v in value)
    return encode_number(len(value)) + b"".join(encode_number(len(v)) + v for v in value)


# ---- decoding ----


class Decoder:
    """Walks over bytes; a failure is a Fault that names the field being read."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def left(self):
        return len(self.data) - self.at

    def fail(self, code, field, at, index=None):
        fault = Fault(code, field, 0 if index is None else index, at)
        fault.indexed = index is not None
        raise fault

    def take(self, size, field, start):
        if size > self.left():
            self.fail(E.SHORT, field, start)
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, field, start):
        value = 0
        for i in range(10):
            if self.at == len(self.data):
                self.fail(E.SHORT, field, start)
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << (7 * i)
            if byte < 0x80:
                if (i > 0 and byte == 0) or (i == 9 and byte > 1):
                    break
                return value
        return self.fail(E.NUMBER, field, start)

    def record(self, name):
        shape, start = SHAPES[name], self.at
        zero = shape.number * FIELDS_A_RECORD
        present = int.from_bytes(self.take(shape.mask_size, zero, start), "little")
        for wrong, code in ((present & ~shape.known, E.FIELD_UNKNOWN),
                            (shape.required & ~present, E.FIELD_MISSING)):
            if wrong:
                self.fail(code, zero + (wrong & -wrong).bit_length(), start)
        ret = Record()
        ret.shape = shape
        for field in shape.fields:
            if present & field.bit:
                ret[field.name] = self.value(field)
        if shape.raw:
            ret.raw = bytes(self.data[start:self.at])
        return ret

    def value(self, field):
        kind, start, reference = field.kind, self.at, field.reference
        if kind == "flag":
            return True
        if kind in NUMBERS:
            value = self.number(reference, start)
            if value > field.max:
                self.fail(E.RANGE, reference, start)
            return value
        if kind == "signed":
            value = self.number(reference, start)
            return value >> 1 if value & 1 == 0 else -(value >> 1) - 1
        if kind in FIXED:
            value = int.from_bytes(self.take(FIXED[kind], reference, start), "little")
            if kind == "civil" and not CIVIL_MIN <= value <= CIVIL_MAX:
                self.fail(E.DATE, reference, start)
            return value
        if kind == "enum":
            value = self.take(1, reference, start)[0]
            if value > field.max:
                self.fail(E.RANGE, reference, start)
            return value
        if kind == "wide":
            return int.from_bytes(self.take(16, reference, start), "little", signed=True)
        if kind == "id128":
            return bytes(self.take(16, reference, start))
        if kind == "record":
            return self.record(field.target)
        if kind in ("text", "bytes"):
            return self.view(reference, field.max, kind == "text")
        return self.elements(field)

    def view(self, reference, size_max, is_text):
        start = self.at
        size = self.number(reference, start)
        if size > size_max:
            self.fail(E.LIMIT, reference, start)
        value = bytes(self.take(size, reference, start))
        if not is_text:
            return value
        try:
            text = value.decode("utf-8")
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            self.fail(E.TEXT, reference, start)
        return text

    def elements(self, field):
        start, reference = self.at, field.reference
        count = self.number(reference, start)
        if count > field.max:
            self.fail(E.LIMIT, reference, start)
        is_list = field.kind == "list"
        size_min = SHAPES[field.target].size_min if is_list else 1
        if count * size_min > self.left():
            self.fail(E.SHORT, reference, start)
        ret = []
        for index in range(count):
            try:
                ret.append(self.record(field.target) if is_list else
                           self.view(reference, field.target, False))
            except Fault as fault:
                if not fault.indexed:
                    self.fail(fault.code, fault.field, fault.at, index)
                raise
        return ret


def decode(name, data):
    """The record that is all of `data`; raises Fault."""
    decoder = Decoder(data)
    record = decoder.record(name)
    if decoder.left() != 0:
        decoder.fail(E.TRAILING, SHAPES[name].number * FIELDS_A_RECORD, decoder.at)
    return record


def decode_at(name, data, at):
    """One record at an offset; returns it and the offset behind it; raises Fault."""
    decoder = Decoder(data, at)
    return decoder.record(name), decoder.at


# ---- frames ----

FRAME_MAGIC = 0x4B43
FRAME_VERSION = 1
FRAME_HEAD = struct.Struct("<HBBHHIIQQ")
ANSWER, LAST, REFUSAL = 1, 2, 4


class FrameError(Exception):
    """A frame that cannot be read: the connection cannot be trusted any more."""

    def __init__(self, code):
        super().__init__(error_name(code))
        self.code = code


class Frame:
    def __init__(self, opcode, flags, frame_id, body):
        self.opcode, self.flags, self.frame_id, self.body = opcode, flags, frame_id, body

    @property
    def last(self):
        return self.flags & LAST != 0

    @property
    def refused(self):
        return self.flags & REFUSAL != 0

    def decode(self):
        """The record in the body: the request's, the answer's, or a refusal."""
        if self.refused:
            return decode("refusal", self.body)
        opcode = OPCODES_BY_NUMBER[self.opcode]
        return decode(opcode.answer if self.flags & ANSWER else opcode.request, self.body)


def frame_encode(opcode, body, frame_id, flags=0):
    head = FRAME_HEAD.pack(FRAME_MAGIC, FRAME_VERSION, flags, opcode, 0, len(body), 0, frame_id, 0)
    checksum = xxh3_64(body, xxh3_64(head[:24]))
    return head[:24] + checksum.to_bytes(8, "little") + body


def request_encode(name, record, frame_id):
    """The frame of a request: the opcode's name, and its record as a dict."""
    opcode = OPCODES[name]
    return frame_encode(opcode.number, encode(opcode.request, record), frame_id)


def frame_head_check(head, body_size_max):
    """Flags, opcode, body size, frame id and checksum of a head; raises FrameError."""
    magic, version, flags, opcode, low, size, high, frame_id, checksum = FRAME_HEAD.unpack(head)
    if magic != FRAME_MAGIC:
        raise FrameError(E.MAGIC)
    if version != FRAME_VERSION:
        raise FrameError(E.VERSION)
    if flags & ~7 or low or high:
        raise FrameError(E.RESERVED)
    if flags not in (0, ANSWER, ANSWER | LAST, ANSWER | LAST | REFUSAL):
        raise FrameError(E.RANGE)
    if size > body_size_max:
        raise FrameError(E.LIMIT)
    return flags, opcode, size, frame_id, checksum


class Splitter:
    """Cuts received bytes, however segmented, into frames."""

    def __init__(self, body_size_max=ANSWER_SIZE_MAX):
        self.body_size_max, self.data = body_size_max, bytearray()

    def feed(self, data):
        """Add bytes; returns the frames that are whole now; raises FrameError."""
        self.data += data
        ret, at = [], 0
        while len(self.data) - at >= FRAME_HEAD.size:
            head = bytes(self.data[at:at + FRAME_HEAD.size])
            flags, opcode, size, frame_id, checksum = frame_head_check(head, self.body_size_max)
            begin = at + FRAME_HEAD.size
            if len(self.data) - begin < size:
                break
            body = bytes(self.data[begin:begin + size])
            if xxh3_64(body, xxh3_64(head[:24])) != checksum:
                raise FrameError(E.CHECKSUM)
            ret.append(Frame(opcode, flags, frame_id, body))
            at = begin + size
        del self.data[:at]
        return ret


# ---- XXH3, 64 bits, default secret: xxHash, doc/xxhash_spec.md ----

M32, M64 = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF
P32_1, P32_2, P32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
P64_1, P64_2, P64_3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P64_4, P64_5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e")


def u64_at(data, at):
    return int.from_bytes(data[at:at + 8], "little")


def fold(a, b):
    product = a * b
    return (product ^ product >> 64) & M64


def avalanche(h):
    h ^= h >> 37
    h = h * 0x165667919E3779F9 & M64
    return h ^ h >> 32


def avalanche_64(h):
    h ^= h >> 33
    h = h * P64_2 & M64
    h ^= h >> 29
    h = h * P64_3 & M64
    return h ^ h >> 32


def mix_16(data, at, secret_at, seed):
    return fold(u64_at(data, at) ^ (u64_at(SECRET, secret_at) + seed & M64),
                u64_at(data, at + 8) ^ (u64_at(SECRET, secret_at + 8) - seed & M64))


def xxh3_short(data, seed):
    size = len(data)
    if size > 8:
        flip_1 = (u64_at(SECRET, 24) ^ u64_at(SECRET, 32)) + seed & M64
        flip_2 = (u64_at(SECRET, 40) ^ u64_at(SECRET, 48)) - seed & M64
        low, high = u64_at(data, 0) ^ flip_1, u64_at(data, size - 8) ^ flip_2
        swapped = int.from_bytes(low.to_bytes(8, "little"), "big")
        return avalanche(size + swapped + high + fold(low, high) & M64)
    if size >= 4:
        seed ^= int.from_bytes((seed & M32).to_bytes(4, "little"), "big") << 32
        first = int.from_bytes(data[:4], "little")
        last = int.from_bytes(data[size - 4:], "little")
        h = last + (first << 32) ^ (u64_at(SECRET, 8) ^ u64_at(SECRET, 16)) - seed & M64
        h ^= (h << 49 | h >> 15) & M64 ^ (h << 24 | h >> 40) & M64
        h = h * 0x9FB21C651E98DF25 & M64
        h ^= (h >> 35) + size
        h = h * 0x9FB21C651E98DF25 & M64
        return h ^ h >> 28
    if size > 0:
        combined = data[0] << 16 | data[size >> 1] << 24 | data[size - 1] | size << 8
        flip = (int.from_bytes(SECRET[:4], "little") ^ int.from_bytes(SECRET[4:8], "little"))
        return avalanche_64(combined ^ flip + seed & M64)
    return avalanche_64(seed ^ u64_at(SECRET, 56) ^ u64_at(SECRET, 64))


def xxh3_middle(data, seed):
    size = len(data)
    h = size * P64_1
    if size <= 128:
        for i in range((size - 1) // 32, -1, -1):
            h += mix_16(data, 16 * i, 32 * i, seed)
            h += mix_16(data, size - 16 * (i + 1), 32 * i + 16, seed)
        return avalanche(h & M64)
    for i in range(8):
        h += mix_16(data, 16 * i, 16 * i, seed)
    h = avalanche(h & M64)
    for i in range(8, size // 16):
        h += mix_16(data, 16 * i, 16 * (i - 8) + 3, seed)
    return avalanche(h + mix_16(data, size - 16, 136 - 17, seed) & M64)


def xxh3_accumulate(lanes, stripe, key):
    for i, value in enumerate(stripe):
        mixed = value ^ key[i]
        lanes[i ^ 1] += value
        lanes[i] += (mixed & M32) * (mixed >> 32)
    for i in range(8):
        lanes[i] &= M64


def xxh3_long(data, seed):
    secret = b"".join(
        (u64_at(SECRET, 16 * i) + seed & M64).to_bytes(8, "little") +
        (u64_at(SECRET, 16 * i + 8) - seed & M64).to_bytes(8, "little") for i in range(12))
    words = struct.Struct("<8Q")
    keys = [words.unpack_from(secret, 8 * i) for i in range(16)]
    lanes = [P32_3, P64_1, P64_2, P64_3, P64_4, P32_2, P64_5, P32_1]
    scramble, size = words.unpack_from(secret, 128), len(data)
    stripes = (size - 1) // 64
    for i in range(stripes):
        xxh3_accumulate(lanes, words.unpack_from(data, 64 * i), keys[i % 16])
        if i % 16 == 15 and i // 16 < (size - 1) // 1024:
            for j in range(8):
                lanes[j] = ((lanes[j] ^ lanes[j] >> 47) ^ scramble[j]) * P32_1 & M64
    xxh3_accumulate(lanes, words.unpack_from(data, size - 64), words.unpack_from(secret, 121))
    h = size * P64_1
    for i in range(4):
        h += fold(lanes[2 * i] ^ u64_at(secret, 11 + 16 * i),
                  lanes[2 * i + 1] ^ u64_at(secret, 19 + 16 * i))
    return avalanche(h & M64)


def xxh3_64(data, seed=0):
    """XXH3-64 of bytes, the checksum of every format of chek."""
    if len(data) <= 16:
        return xxh3_short(data, seed)
    return xxh3_middle(data, seed) if len(data) <= 240 else xxh3_long(data, seed)
