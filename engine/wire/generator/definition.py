# SPDX-License-Identifier: MIT
"""definition.py - read protocol.def into plain objects, and refuse what cannot work.

A definition that this module accepts can be coded in every language of the project: fields do
not have keywords as names, numbers are unique, enums have no holes, records do not contain themselves, and
every opcode says who may use it and how its handler finds what it touches.
"""
import re

FIELDS_A_RECORD = 64  # record number * 64 + field number is a field's number in refusals
RECORD_NUMBER_MAX = 1023

MONEY_MAX = 10**13
QUANTITY_MAX = 10**12
RATE_MAX = 10**6
CIVIL_MIN = 946684800
CIVIL_MAX = 4102444799
BODY_SIZE_MAX = 1048576  # of a request's frame
ANSWER_SIZE_MAX = BODY_SIZE_MAX + 4096  # of an answer's: a document, and what the engine adds

RIGHTS = ("none", "any", "read", "ingest", "admin", "persons")
SCOPES = ("none", "registers", "filter")

# What a field may not be called: words of C, and members that every structure has.
TAKEN = set(
    """auto break case char const continue default do double else enum extern float for goto if
    inline int long register restrict return short signed sizeof static struct switch typedef union
    unsigned void volatile while bool true false present raw""".split()
)

# type -> number of words after it
TYPES = {
    "flag": 0, "u8": 0, "u16": 0, "u32": 0, "u64": 0, "number": 1, "signed": 0, "wide": 0,
    "money": 0, "quantity": 0, "rate": 0, "civil": 0, "utc": 0, "text": 1, "bytes": 1, "id128": 0,
    "enum": 1, "record": 1, "list": 2, "blobs": 2,
}
ATTRIBUTES = ("required", "personal")


class DefinitionError(Exception):
    pass


class Field:
    """A field of a record. `max` is the highest value, size or count that its type allows."""

    def __init__(self, record, number, name, kind):
        self.record, self.number, self.name, self.kind = record, number, name, kind
        self.required = self.personal = False
        self.target = None  # Enum or Record
        self.max = 0
        self.element_size_max = 0  # of a blob
        self.comment = ""

    @property
    def reference(self):
        return self.record.number * FIELDS_A_RECORD + self.number

    @property
    def size_min(self):
        """The fewest bytes that the field takes when it is present."""
        fixed = {"flag": 0, "u16": 2, "u32": 4, "u64": 8, "utc": 8, "civil": 4, "wide": 16,
                 "id128": 16}
        if self.kind == "record":
            return self.target.size_min
        return fixed.get(self.kind, 1)

    @property
    def size_max(self):
        if self.kind in ("flag", "u8", "u16", "u32", "u64", "utc", "civil", "wide", "id128",
                         "enum"):
            return self.size_min
        if self.kind in ("number", "money", "quantity", "rate"):
            return varint_size(self.max)
        if self.kind == "signed":
            return 10
        if self.kind in ("text", "bytes"):
            return varint_size(self.max) + self.max
        if self.kind == "record":
            return self.target.size_max
        if self.kind == "list":
            return varint_size(self.max) + self.max * self.target.size_max
        return varint_size(self.max) + self.max * (
            varint_size(self.element_size_max) + self.element_size_max)


class Record:
    def __init__(self, number, name, mask_bits, raw, comment):
        self.number, self.name, self.mask_bits, self.raw = number, name, mask_bits, raw
        self.comment = comment
        self.chapter, self.place = "", 0
        self.fields = []

    @property
    def mask_size(self):
        return self.mask_bits // 8

    @property
    def size_min(self):
        return self.mask_size + sum(f.size_min for f in self.fields if f.required)

    @property
    def size_max(self):
        return self.mask_size + sum(f.size_max for f in self.fields)

    @property
    def required_mask(self):
        return sum(1 << (f.number - 1) for f in self.fields if f.required)

    @property
    def known_mask(self):
        return sum(1 << (f.number - 1) for f in self.fields)


class Enum:
    def __init__(self, name, comment):
        self.name, self.comment = name, comment
        self.chapter, self.place = "", 0
        self.values = []  # (name, comment), the number is the place


class Opcode:
    def __init__(self, number, name, right, scope, body_size_max, request, answer, stream):
        self.number, self.name, self.right, self.scope = number, name, right, scope
        self.body_size_max, self.request, self.answer = body_size_max, request, answer
        self.stream = stream


class Definition:
    def __init__(self):
        self.version, self.revision = 0, 0
        self.enums, self.records, self.opcodes = {}, {}, []

    def records_inner_first(self):
        """The records, each behind those that it contains."""
        done, path, order = set(), [], []

        def visit(record):
            if record.name in path:
                raise DefinitionError(f"record {record.name} contains itself")
            if record.name in done:
                return
            path.append(record.name)
            for field in record.fields:
                if field.kind in ("record", "list"):
                    visit(field.target)
            path.pop()
            done.add(record.name)
            order.append(record)

        for record in self.records.values():
            visit(record)
        return order


def varint_size(value):
    size = 1
    while value >= 0x80:
        value >>= 7
        size += 1
    return size


class Reader:
    """One pass over the lines; references to records are resolved at the end."""

    def __init__(self, path):
        self.path, self.line = path, 0
        self.ret = Definition()
        self.block = None
        self.pending, self.chapter = [], ""

    def fail(self, message):
        raise DefinitionError(f"{self.path}:{self.line}: {message}")

    def name(self, word):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", word):
            self.fail(f"'{word}' is not a name")
        return word

    def number(self, word, low, high):
        if not word.isdigit() or not low <= int(word) <= high:
            self.fail(f"'{word}' is not a number of {low}..{high}")
        return int(word)

    def read(self):
        with open(self.path, encoding="utf-8") as lines:
            for text in lines:
                self.line += 1
                self.read_line(text.rstrip("\n"))
        self.resolve()
        return self.ret

    def read_line(self, text):
        chapter = re.fullmatch(r"# -{20,} (.*)", text)
        if chapter:
            self.chapter, self.pending, self.block = chapter[1], [], None
            return
        code, _, comment = text.partition("#")
        comment = comment.strip()
        words = code.split()
        if not words:
            # Comment lines directly above a block describe it; an empty line ends them.
            self.pending = self.pending + [comment] if text.startswith("#") else []
            return
        if text[0] != " ":
            self.read_head(words)
            self.pending = []
        elif self.block is None:
            self.fail("an indented line outside of a block")
        elif isinstance(self.block, Enum):
            self.read_value(words, comment)
        else:
            self.read_field(words, comment)

    def read_head(self, words):
        self.block = None
        if words[0] == "version" and len(words) == 2:
            self.ret.version = self.number(words[1], 1, 255)
        elif words[0] == "revision" and len(words) == 2:
            self.ret.revision = self.number(words[1], 0, 65535)
        elif words[0] == "enum" and len(words) == 2:
            self.block = Enum(self.name(words[1]), " ".join(self.pending))
            self.block.chapter, self.block.place = self.chapter, self.line
            self.add(self.ret.enums, self.block)
        elif words[0] == "record" and 4 <= len(words) <= 5:
            self.read_record(words)
        elif words[0] == "opcode":
            self.read_opcode(words)
        else:
            self.fail(f"'{' '.join(words)}' is not understood")

    def add(self, where, block):
        # Both are tags in C, and C has one space of tags.
        if block.name in self.ret.enums or block.name in self.ret.records:
            self.fail(f"'{block.name}' is defined twice")
        where[block.name] = block

    def read_record(self, words):
        if len(words) == 5 and words[4] != "raw":
            self.fail(f"'{words[4]}' is not an attribute of a record")
        number = self.number(words[1], 1, RECORD_NUMBER_MAX)
        if any(r.number == number for r in self.ret.records.values()):
            self.fail(f"record number {number} is taken")
        if words[3] not in ("8", "16", "32"):
            self.fail("a mask has 8, 16 or 32 bits")
        self.block = Record(number, self.name(words[2]), int(words[3]), len(words) == 5,
                            " ".join(self.pending))
        self.block.chapter, self.block.place = self.chapter, self.line
        self.add(self.ret.records, self.block)

    def read_value(self, words, comment):
        if len(words) != 2 or self.number(words[0], 0, 255) != len(self.block.values):
            self.fail("the numbers of an enum count from 0 without holes")
        if any(name == words[1] for name, _ in self.block.values):
            self.fail(f"'{words[1]}' is there already")
        self.block.values.append((self.name(words[1]), comment))

    def read_field(self, words, comment):
        record = self.block
        if len(words) < 3 or words[2] not in TYPES:
            self.fail("a field is NUMBER NAME TYPE")
        number = self.number(words[0], 1, record.mask_bits)
        if words[1] in TAKEN:
            self.fail(f"'{words[1]}' cannot be the name of a field in C")
        if record.fields and number <= record.fields[-1].number:
            self.fail("fields stand in the order of their numbers, each once")
        if any(f.name == words[1] for f in record.fields):
            self.fail(f"'{words[1]}' is there already")
        field = Field(record, number, self.name(words[1]), words[2])
        field.comment = comment
        count = TYPES[field.kind]
        self.read_bounds(field, words[3:3 + count])
        for word in words[3 + count:]:
            if word not in ATTRIBUTES:
                self.fail(f"'{word}' is not an attribute of a field")
            setattr(field, word, True)
        if field.required and field.kind == "flag":
            self.fail("a required flag says nothing")
        record.fields.append(field)

    def read_bounds(self, field, words):
        if len(words) != TYPES[field.kind]:
            self.fail(f"type {field.kind} wants {TYPES[field.kind]} words")
        bounds = {"u8": 2**8 - 1, "u16": 2**16 - 1, "u32": 2**32 - 1, "u64": 2**64 - 1,
                  "utc": 2**64 - 1, "money": MONEY_MAX, "quantity": QUANTITY_MAX,
                  "rate": RATE_MAX, "civil": CIVIL_MAX}
        field.max = bounds.get(field.kind, 0)
        if field.kind == "number":
            field.max = self.number(words[0], 1, 2**64 - 1)
        elif field.kind in ("text", "bytes"):
            field.max = self.number(words[0], 1, BODY_SIZE_MAX)
        elif field.kind in ("enum", "record"):
            field.target = words[0]
        elif field.kind == "list":
            field.target = words[0]
            field.max = self.number(words[1], 1, 65535)
        elif field.kind == "blobs":
            field.element_size_max = self.number(words[0], 1, BODY_SIZE_MAX)
            field.max = self.number(words[1], 1, 65535)

    def read_opcode(self, words):
        stream = words[-1] == "stream"
        words = words[:-1] if stream else words
        if len(words) != 9 or words[7] != "->":
            self.fail("opcode NUMBER NAME RIGHT SCOPE BODY_SIZE_MAX REQUEST -> ANSWER [stream]")
        if words[3] not in RIGHTS:
            self.fail(f"'{words[3]}' is not a right: {', '.join(RIGHTS)}")
        if words[4] not in SCOPES:
            self.fail(f"'{words[4]}' is not a scope: {', '.join(SCOPES)}")
        opcode = Opcode(self.number(words[1], 1, 65535), self.name(words[2]), words[3], words[4],
                        self.number(words[5], 1, BODY_SIZE_MAX), words[6], words[8], stream)
        for other in self.ret.opcodes:
            if opcode.number == other.number or opcode.name == other.name:
                self.fail(f"opcode {opcode.number} {opcode.name} is there already")
        self.ret.opcodes.append(opcode)

    def resolve(self):
        ret = self.ret
        for record in ret.records.values():
            for field in record.fields:
                if field.target is None:
                    continue
                where = ret.enums if field.kind == "enum" else ret.records
                if field.target not in where:
                    raise DefinitionError(
                        f"{record.name}.{field.name}: there is no '{field.target}'")
                field.target = where[field.target]
                if field.kind == "enum":
                    field.max = len(field.target.values) - 1
        for opcode in ret.opcodes:
            for name in (opcode.request, opcode.answer):
                if name not in ret.records:
                    raise DefinitionError(f"opcode {opcode.name}: there is no record '{name}'")
        if ret.version == 0 or not ret.opcodes:
            raise DefinitionError(f"{self.path}: a version and opcodes are needed")
        ret.records_inner_first()
        for opcode in ret.opcodes:
            opcode.request = ret.records[opcode.request]
            opcode.answer = ret.records[opcode.answer]
            if opcode.request.size_min > opcode.body_size_max:
                raise DefinitionError(f"opcode {opcode.name}: no request fits its body size")


def read(path):
    return Reader(path).read()
