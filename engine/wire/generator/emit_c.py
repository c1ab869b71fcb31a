# SPDX-License-Identifier: MIT
"""emit_c.py - protocol.h and protocol.c: structures, and straight-line code to read and write them.

A record's decoder has one `if` a field and nothing between them; how a step works and what a
failure means is hand-written in codec.h and codec.c.
"""
from definition import FIELDS_A_RECORD

NOTICE = "Made from protocol.def by protocol_generate.py: change those."


def mask_literal(value):
    return f"UINT32_C(0x{value:x})"


def number_literal(value):
    if value < 2**31:
        return str(value)
    return f"UINT32_C({value})" if value < 2**32 else f"UINT64_C({value})"


def c_type(field):
    """Type of the member that holds the value; (alignment, declaration) pairs order the members."""
    kind = field.kind
    if kind == "number":
        return "uint32_t" if field.max < 2**32 else "uint64_t"
    return {
        "flag": "bool", "u8": "uint8_t", "enum": "uint8_t", "u16": "uint16_t", "u32": "uint32_t",
        "rate": "uint32_t", "u64": "uint64_t", "utc": "uint64_t", "signed": "int64_t",
        "money": "int64_t", "quantity": "int64_t", "civil": "int64_t", "wide": "chek_i128",
        "text": "struct chek_bytes_view", "bytes": "struct chek_bytes_view",
    }[kind]


ALIGNMENT = {"bool": 1, "uint8_t": 1, "uint16_t": 2, "uint32_t": 4, "chek_i128": 16}


def declarations(field):
    """(alignment, text, comment) of each member that the field needs."""
    kind, name = field.kind, field.name
    if kind == "id128":
        return [(1, f"uint8_t {name}[16];", field.comment)]
    if kind == "record":
        return [(8, f"const struct chek_{field.target.name} *{name};",
                 field.comment or "NULL when absent")]
    if kind in ("list", "blobs"):
        element = "bytes_view" if kind == "blobs" else field.target.name
        return [(8, f"const struct chek_{element} *{name};", field.comment),
                (4, f"uint32_t {name}_count;", "")]
    type_name = c_type(field)
    comment = field.comment
    if kind == "enum":
        comment = f"enum chek_{field.target.name}" + (f"; {comment}" if comment else "")
    return [(ALIGNMENT.get(type_name, 8), f"{type_name} {name};", comment)]


def comment_of(text):
    return f" /* {text} */" if text else ""


class Header:
    def __init__(self, definition):
        self.definition = definition
        self.lines = []

    def put(self, *lines):
        self.lines.extend(lines)

    def make(self, preamble):
        self.put(preamble.rstrip("\n"), "")
        self.put(f"#define CHEK_PROTOCOL_VERSION {self.definition.version}",
                 f"#define CHEK_PROTOCOL_REVISION {self.definition.revision}", "")
        for enum in self.definition.enums.values():
            self.enum(enum)
        self.record_numbers()
        self.field_numbers()
        self.opcodes()
        for record in self.definition.records_inner_first():
            self.structure(record)
        for record in self.definition.records.values():
            self.prototypes(record)
        self.put("#endif")
        return "\n".join(self.lines) + "\n"

    def enum(self, enum):
        if enum.comment:
            self.put(f"/* {enum.comment} */")
        upper = f"CHEK_{enum.name.upper()}"
        self.put(f"enum chek_{enum.name} {{")
        for number, (name, comment) in enumerate(enum.values):
            self.put(f"    {upper}_{name.upper()} = {number},{comment_of(comment)}")
        self.put("};", f"#define {upper}_COUNT {len(enum.values)}", "")

    def record_numbers(self):
        self.put("/* Numbers of the records in the reference table. */", "enum chek_record {")
        for record in self.definition.records.values():
            self.put(f"    CHEK_RECORD_{record.name.upper()} = {record.number},")
        self.put("};", "")
        self.put("/* Bytes of the longest encoding that is valid; a frame may allow less. */")
        for record in self.definition.records.values():
            self.put(f"#define CHEK_{record.name.upper()}_SIZE_MAX "
                     f"{number_literal(record.size_max)}")
        self.put("")

    def field_numbers(self):
        self.put("/* Numbers of the fields in the reference table, as faults and refusals name "
                 "them. */", "enum chek_field {")
        for record in self.definition.records.values():
            for field in record.fields:
                self.put(f"    CHEK_FIELD_{record.name.upper()}_{field.name.upper()} = "
                         f"{field.reference},")
        self.put("};", "")

    def opcodes(self):
        rows = []
        for o in self.definition.opcodes:
            rows.append(f"    X({o.number}, {o.name.upper()}, {o.name}, {o.right.upper()}, "
                        f"{o.scope.upper()}, {o.body_size_max}, {o.request.name}, "
                        f"{o.answer.name}, {str(o.stream).lower()})")
        self.put("/* X(number, NAME, name, RIGHT, SCOPE, body_size_max, request, answer, stream) "
                 "for every opcode. */", "#define CHEK_OPCODES(X) \\", " \\\n".join(rows), "")
        self.put("enum chek_opcode {")
        for o in self.definition.opcodes:
            self.put(f"    CHEK_OPCODE_{o.name.upper()} = {o.number},")
        self.put("};", f"#define CHEK_OPCODE_COUNT {len(self.definition.opcodes)}",
                 "#define CHEK_OPCODE_NUMBER_MAX "
                 f"{max(o.number for o in self.definition.opcodes)}", "")

    def structure(self, record):
        if record.comment:
            self.put(f"/* {record.comment} */")
        members = [m for field in record.fields for m in declarations(field)]
        members.append((4, "uint32_t present;",
                        "mask as decoded, bit n-1 for field n; encoders look at it only when told to keep"))
        if record.raw:
            members.append((8, "struct chek_bytes_view raw;",
                            "the encoded record, borrowed; encoders ignore it"))
        self.put(f"struct chek_{record.name} {{")
        for _, text, comment in sorted(members, key=lambda m: -m[0]):
            self.put(f"    {text}{comment_of(comment)}")
        self.put("};", "")

    def prototypes(self, record):
        name = record.name
        self.put(
            f"CHEK_MUST_USE int chek_{name}_decode(struct chek_cursor *in, "
            "struct chek_arena *arena,",
            f"    struct chek_{name} *ret, struct chek_fault *fault);",
            f"CHEK_MUST_USE int chek_{name}_decode_whole(const void *bytes, size_t size,",
            f"    struct chek_arena *arena, struct chek_{name} *ret, struct chek_fault *fault);",
            f"void chek_{name}_encode(struct chek_writer *out, const struct chek_{name} *record);")
        self.put("")


class Source:
    def __init__(self, definition):
        self.definition = definition
        self.lines = []

    def put(self, *lines):
        self.lines.extend(lines)

    def make(self):
        self.put("/* SPDX-License-Identifier: MIT */", f"/* protocol.c - {NOTICE} */",
                 '#include "engine/wire/protocol.h"', "",
                 '#include "engine/base/assertion.h"', '#include "engine/base/civil.h"',
                 '#include "engine/wire/codec.h"', "")
        self.asserts()
        self.names()
        for record in self.definition.records_inner_first():
            Decoder(self, record).make()
            Encoder(self, record).make()
        return "\n".join(self.lines) + "\n"

    def asserts(self):
        import definition as d
        for name, value in (("CHEK_MONEY_MAX", d.MONEY_MAX), ("CHEK_QUANTITY_MAX", d.QUANTITY_MAX),
                            ("CHEK_RATE_MAX", d.RATE_MAX), ("CHEK_CIVIL_MIN", d.CIVIL_MIN),
                            ("CHEK_CIVIL_MAX", d.CIVIL_MAX),
                            ("CHEK_FRAME_BODY_SIZE_MAX", d.BODY_SIZE_MAX)):
            self.put(f'_Static_assert({name} == {number_literal(value)}, "the generator agrees");')
        self.put("")

    def names(self):
        for record in self.definition.records.values():
            names = {0: record.name}
            names.update({f.number: f"{record.name}.{f.name}" for f in record.fields})
            self.put(f"static const char *const {record.name}_names[] = {{")
            self.put("".join(f'    [{n}] = "{text}",\n' for n, text in names.items()) + "};")
        last = max(r.number for r in self.definition.records.values())
        self.put("", "static const struct {", "    const char *const *names;",
                 "    size_t count;", f"}} record_names[{last + 1}] = {{")
        for r in self.definition.records.values():
            self.put(f"    [{r.number}] = {{{r.name}_names, CHEK_COUNT({r.name}_names)}},")
        self.put("};", "", f"""const char *
chek_field_name(uint16_t field)
{{
    size_t record = field / {FIELDS_A_RECORD};
    size_t number = field % {FIELDS_A_RECORD};
    if (record >= CHEK_COUNT(record_names) || number >= record_names[record].count ||
        record_names[record].names[number] == NULL) {{
        return "";
    }}
    return record_names[record].names[number];
}}
""")


class Decoder:
    """Writes the decoder of one record."""

    def __init__(self, source, record):
        self.put, self.record = source.put, record

    def make(self):
        self.function()
        self.public()
        self.whole()

    def function(self):
        record = self.record
        size = record.mask_size
        load = "*at" if size == 1 else f"chek_load_u{size * 8}(at)"
        zero = f"{record.number * FIELDS_A_RECORD}"
        full = record.known_mask == 2**record.mask_bits - 1
        checks = [] if full else [f"(present & ~{mask_literal(record.known_mask)}) != 0"]
        if record.required_mask:
            required = mask_literal(record.required_mask)
            checks.append(f"(present & {required}) != {required}")
        self.put("static const uint8_t *", f"decode_{record.name}(struct wire__decoding *decoding, "
                 f"const uint8_t *at, struct chek_{record.name} *ret)", "{",
                 "    const uint8_t *const end = decoding->end;")
        if record.raw:
            self.put("    const uint8_t *const begin = at;")
        self.put(f"    if (CHEK_UNLIKELY(end - at < {size})) {{",
                 f"        return wire__fail(decoding, at, CHEK_E_SHORT, {zero});", "    }",
                 f"    uint32_t present = {load};")
        if checks:
            self.put(f"    if (CHEK_UNLIKELY({' || '.join(checks)})) {{",
                     "        return wire__fail_mask(decoding, at, present,",
                     f"            {mask_literal(record.known_mask)}, "
                     f"{mask_literal(record.required_mask)}, {zero});", "    }")
        self.put(f"    at += {size};", "    wire__clear(ret, sizeof *ret);",
                 "    ret->present = present;")
        for field in record.fields:
            self.field(field)
        if record.raw:
            self.put("    ret->raw = chek_bytes_view_of(begin, (size_t)(at - begin));")
        self.put("    return at;", "}", "")

    def field(self, field):
        bit = mask_literal(1 << (field.number - 1))
        if field.kind == "flag":
            self.put(f"    ret->{field.name} = (present & {bit}) != 0;")
            return
        if field.required:
            self.put("    {")
        else:
            self.put(f"    if ((present & {bit}) != 0) {{")
        getattr(self, "field_" + SHAPE[field.kind])(field)
        self.put("    }")

    def fixed(self, field, size, check, code, store):
        """A value of `size` bytes at `at`, and what makes it wrong."""
        self.put(f"        if (CHEK_UNLIKELY(end - at < {size})) {{",
                 f"            return wire__fail(decoding, at, CHEK_E_SHORT, {field.reference});",
                 "        }")
        if check:
            self.put(f"        if (CHEK_UNLIKELY({check})) {{",
                     f"            return wire__fail(decoding, at, {code}, {field.reference});",
                     "        }")
        self.put(f"        {store}", f"        at += {size};")

    def field_byte(self, field):
        check = f"*at >= {field.max + 1}" if field.kind == "enum" else ""
        self.fixed(field, 1, check, "CHEK_E_RANGE", f"ret->{field.name} = *at;")

    def field_word(self, field):
        size = field.size_min
        self.fixed(field, size, "", "", f"ret->{field.name} = chek_load_u{size * 8}(at);")

    def field_civil(self, field):
        self.fixed(field, 4, "!chek_civil_is_valid(chek_load_u32(at))", "CHEK_E_DATE",
                   f"ret->{field.name} = chek_load_u32(at);")

    def field_wide(self, field):
        self.fixed(field, 16, "", "", f"ret->{field.name} = wire__load_wide(at);")

    def field_id(self, field):
        self.fixed(field, 16, "", "", f"memcpy(ret->{field.name}, at, 16);")

    def field_number(self, field):
        limit = "" if field.max == 2**64 - 1 else \
            f" || number.value > {number_literal(field.max)}"
        self.put("        struct wire__number number = wire__number(at, end);",
                 f"        if (CHEK_UNLIKELY(number.size == 0{limit})) {{",
                 "            return wire__fail_number(decoding, at, CHEK_E_RANGE, "
                 f"{field.reference});", "        }",
                 f"        ret->{field.name} = ({c_type(field)})number.value;",
                 "        at += number.size;")

    def field_signed(self, field):
        self.put("        struct wire__number number = wire__number(at, end);",
                 "        if (CHEK_UNLIKELY(number.size == 0)) {",
                 "            return wire__fail_number(decoding, at, CHEK_E_RANGE, "
                 f"{field.reference});", "        }",
                 f"        ret->{field.name} = wire__unzigzag(number.value);",
                 "        at += number.size;")

    def field_view(self, field):
        step = "wire__text" if field.kind == "text" else "wire__view"
        self.put(f"        const uint8_t *behind = {step}(at, end, {field.max}, "
                 f"&ret->{field.name});",
                 "        if (CHEK_UNLIKELY(behind == NULL)) {",
                 f"            return wire__fail_view(decoding, at, {field.max}, "
                 f"{field.reference});", "        }", "        at = behind;")

    def field_record(self, field):
        target = field.target.name
        self.put(f"        struct chek_{target} *inner =",
                 f"            wire__take(decoding, sizeof(struct chek_{target}), 1);",
                 "        if (CHEK_UNLIKELY(inner == NULL)) {",
                 f"            return wire__fail(decoding, at, CHEK_E_LIMIT, {field.reference});",
                 "        }", f"        ret->{field.name} = inner;",
                 f"        at = decode_{target}(decoding, at, inner);",
                 "        if (CHEK_UNLIKELY(at == NULL)) {", "            return NULL;",
                 "        }")

    def count(self, field):
        """The count, checked against its maximum and against what is left."""
        element_min = field.target.size_min if field.kind == "list" else 1
        self.put("        struct wire__number number = wire__small_number(at, end);",
                 "        uint64_t count = number.value;",
                 f"        if (CHEK_UNLIKELY(number.size == 0 || count > {field.max} ||",
                 f"                          count * {element_min} > "
                 "(size_t)(end - at) - number.size)) {",
                 f"            return wire__fail_list(decoding, at, {field.max}, {element_min}, "
                 f"{field.reference});", "        }",
                 f"        ret->{field.name}_count = (uint32_t)count;")

    def elements(self, field, element):
        """Room for the elements; the failure is one of the list, whose count is at `at`."""
        self.put(f"            struct chek_{element} *elements =",
                 f"                wire__take(decoding, sizeof(struct chek_{element}), count);",
                 "            if (CHEK_UNLIKELY(elements == NULL)) {",
                 f"                return wire__fail(decoding, at, CHEK_E_LIMIT, "
                 f"{field.reference});", "            }",
                 f"            ret->{field.name} = elements;")

    def field_list(self, field):
        target = field.target.name
        self.count(field)
        self.put("        if (count != 0) {")
        self.elements(field, target)
        self.put("            at += number.size;",
                 "            for (uint32_t i = 0; i < (uint32_t)count; i++) {",
                 f"                at = decode_{target}(decoding, at, &elements[i]);",
                 "                if (CHEK_UNLIKELY(at == NULL)) {",
                 "                    return wire__fail_in_list(decoding, i);",
                 "                }", "            }", "        } else {",
                 "            at += number.size;", "        }")

    def field_blobs(self, field):
        limit = field.element_size_max
        self.count(field)
        self.put("        if (count != 0) {")
        self.elements(field, "bytes_view")
        self.put("            at += number.size;",
                 "            for (uint32_t i = 0; i < (uint32_t)count; i++) {",
                 f"                const uint8_t *behind = wire__view(at, end, {limit}, "
                 "&elements[i]);",
                 "                if (CHEK_UNLIKELY(behind == NULL)) {",
                 f"                    (void)wire__fail_view(decoding, at, {limit}, "
                 f"{field.reference});",
                 "                    return wire__fail_in_list(decoding, i);",
                 "                }", "                at = behind;", "            }",
                 "        } else {", "            at += number.size;", "        }")

    def public(self):
        name = self.record.name
        self.put("int", f"chek_{name}_decode(struct chek_cursor *in, struct chek_arena *arena,",
                 f"    struct chek_{name} *ret, struct chek_fault *fault)", "{",
                 "    if (CHEK_UNLIKELY(in->error != CHEK_OK)) {",
                 "        return wire__failed_before(in, fault);", "    }",
                 "    struct wire__decoding decoding = wire__decoding_begin(in, arena);",
                 f"    struct chek_{name} record;",
                 f"    const uint8_t *at = decode_{name}(&decoding, decoding.begin, &record);",
                 "    int error = wire__decoding_end(&decoding, in, at, fault);",
                 "    if (CHEK_LIKELY(error == CHEK_OK)) {", "        *ret = record;", "    }",
                 "    return error;", "}", "")

    def whole(self):
        name = self.record.name
        zero = self.record.number * FIELDS_A_RECORD
        self.put("int", f"chek_{name}_decode_whole(const void *bytes, size_t size,",
                 f"    struct chek_arena *arena, struct chek_{name} *ret, "
                 "struct chek_fault *fault)", "{",
                 "    struct chek_cursor in = chek_cursor_over(bytes, size);",
                 "    struct wire__decoding decoding = wire__decoding_begin(&in, arena);",
                 f"    struct chek_{name} record;",
                 f"    const uint8_t *at = decode_{name}(&decoding, decoding.begin, &record);",
                 "    if (CHEK_UNLIKELY(at != NULL && at != decoding.end)) {",
                 f"        at = wire__fail(&decoding, at, CHEK_E_TRAILING, {zero});", "    }",
                 "    int error = wire__decoding_end(&decoding, &in, at, fault);",
                 "    if (CHEK_LIKELY(error == CHEK_OK)) {", "        *ret = record;", "    }",
                 "    return error;", "}", "")


# kind -> method of Decoder
SHAPE = {
    "u8": "byte", "enum": "byte", "u16": "word", "u32": "word", "u64": "word", "utc": "word",
    "number": "number", "money": "number", "quantity": "number", "rate": "number",
    "signed": "signed", "wide": "wide", "civil": "civil", "text": "view", "bytes": "view",
    "id128": "id", "record": "record", "list": "list", "blobs": "blobs",
}


class Encoder:
    """Writes the encoder of one record."""

    def __init__(self, source, record):
        self.put, self.record = source.put, record

    def make(self):
        record = self.record
        self.put("void", f"chek_{record.name}_encode(struct chek_writer *out, "
                 f"const struct chek_{record.name} *record)", "{",
                 f"    uint32_t present = {mask_literal(record.required_mask)};")
        if not record.fields:
            self.put("    (void)record;")
        for field in record.fields:
            if field.required:
                if field.kind == "record":
                    self.put(f"    CHEK_ASSERT(record->{field.name} != NULL);")
                continue
            bit = mask_literal(1 << (field.number - 1))
            self.put(f"    present |= {has(field)} ? {bit} : 0;")
        kept = sum(1 << (field.number - 1) for field in record.fields
                   if not field.required and field.kind not in ("flag", "record"))
        if kept != 0:
            self.put(f"    present |= record->present & out->keep & {mask_literal(kept)};")
        size = record.mask_size * 8
        cast = "present" if size == 32 else f"(uint{size}_t)present"
        self.put(f"    chek_writer_u{size}(out, {cast});")
        for field in record.fields:
            self.field(field)
        self.put("}", "")

    def field(self, field):
        if field.kind == "flag":
            return
        lines = write(field)
        if field.required:
            self.put(*("    " + line for line in lines))
            return
        bit = mask_literal(1 << (field.number - 1))
        self.put(f"    if ((present & {bit}) != 0) {{", *("        " + line for line in lines),
                 "    }")


def has(field):
    """C expression: whether the field has something to say."""
    value = f"record->{field.name}"
    if field.kind == "flag":
        return value
    if field.kind in ("text", "bytes"):
        return f"{value}.size != 0"
    if field.kind == "id128":
        return f"!wire__is_zero_id({value})"
    if field.kind == "record":
        return f"{value} != NULL"
    if field.kind in ("list", "blobs"):
        return f"{value}_count != 0"
    return f"{value} != 0"


def write(field):
    """C statements that append the value."""
    value, kind = f"record->{field.name}", field.kind
    if kind in ("list", "blobs"):
        step = f"wire__write_view(out, {value}[i]);" if kind == "blobs" else \
            f"chek_{field.target.name}_encode(out, &{value}[i]);"
        return [f"chek_writer_varint(out, {value}_count);",
                f"for (uint32_t i = 0; i < {value}_count; i++) {{", f"    {step}", "}"]
    if kind == "record":
        return [f"chek_{field.target.name}_encode(out, {value});"]
    return [{
        "u8": f"chek_writer_u8(out, {value});", "enum": f"chek_writer_u8(out, {value});",
        "u16": f"chek_writer_u16(out, {value});", "u32": f"chek_writer_u32(out, {value});",
        "u64": f"chek_writer_u64(out, {value});", "utc": f"chek_writer_u64(out, {value});",
        "civil": f"chek_writer_u32(out, (uint32_t){value});",
        "number": f"chek_writer_varint(out, {value});",
        "money": f"chek_writer_varint(out, (uint64_t){value});",
        "quantity": f"chek_writer_varint(out, (uint64_t){value});",
        "rate": f"chek_writer_varint(out, {value});",
        "signed": f"chek_writer_varint_signed(out, {value});",
        "wide": f"wire__write_wide(out, {value});",
        "text": f"wire__write_view(out, {value});", "bytes": f"wire__write_view(out, {value});",
        "id128": f"chek_writer_bytes(out, {value}, 16);",
    }[kind]]


def header(definition, preamble):
    return Header(definition).make(preamble)


def source(definition):
    return Source(definition).make()
