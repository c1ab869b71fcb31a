# SPDX-License-Identifier: MIT
"""emit_reference.py - protocol_tables.md for people, protocol.dict for fuzzers."""
import definition as d


def type_text(field):
    if field.kind == "enum":
        return f"enum `{field.target.name}`"
    if field.kind == "record":
        return f"record `{field.target.name}`"
    if field.kind == "list":
        return f"list of `{field.target.name}`"
    return field.kind


def limit_text(field):
    return {
        "number": f"0..{field.max}", "enum": f"0..{field.max}", "text": f"{field.max} bytes",
        "bytes": f"{field.max} bytes", "list": f"{field.max} records",
        "blobs": f"{field.max} of {field.element_size_max} bytes", "money": f"0..{field.max}",
        "quantity": f"0..{field.max}", "rate": f"0..{field.max}",
        "civil": f"{d.CIVIL_MIN}..{d.CIVIL_MAX}",
    }.get(field.kind, "")


def size_text(low, high):
    return f"{low}" if low == high else f"{low}..{high}"


def note_text(field):
    words = [w for w in ("required", "personal") if getattr(field, w)]
    return "; ".join(words + ([field.comment] if field.comment else [])).replace("|", "\\|")


def tables(protocol, errors):
    lines = [
        f"# Reference tables of the chek protocol, version {protocol.version}.{protocol.revision}", "",
        "Made from `engine/wire/protocol.def`. How a record is written stands in "
        "`engine/wire/PROTOCOL.md`.", "",
        "*Reference* is the number that `refusal.field` and `result.field` carry: record number "
        f"x {d.FIELDS_A_RECORD} + field number. *Size* is that of a present field, in bytes.", "",
        "## Opcodes", "",
        "| number | name | right | scope | largest body | request | answer | |",
        "|---:|---|---|---|---:|---|---|---|"]
    for o in protocol.opcodes:
        lines.append(f"| {o.number} | {o.name} | {o.right} | {o.scope} | {o.body_size_max} | "
                     f"`{o.request.name}` | `{o.answer.name}` | {'stream' if o.stream else ''} |")
    chapter = None
    for block in sorted(list(protocol.enums.values()) + list(protocol.records.values()),
                        key=lambda b: b.place):
        if block.chapter != chapter:
            chapter = block.chapter
            lines += ["", f"## {chapter.capitalize()}"]
        lines += [""] + (enum_lines(block) if isinstance(block, d.Enum) else record_lines(block))
    lines += ["", "## Errors", "", "| number | name | meaning |", "|---:|---|---|"]
    lines += [f"| {number} | {name} | {text} |" for name, number, text in errors]
    return "\n".join(lines) + "\n"


def enum_lines(enum):
    lines = [f"### enum `{enum.name}`", ""] + ([enum.comment, ""] if enum.comment else [])
    lines += ["| number | name | |", "|---:|---|---|"]
    return lines + [f"| {number} | {name} | {comment} |"
                    for number, (name, comment) in enumerate(enum.values)]


def record_lines(record):
    lines = [f"### record `{record.name}`", "",
             f"Record {record.number}, mask of {record.mask_size} byte"
             f"{'s' if record.mask_size > 1 else ''}, "
             f"{size_text(record.size_min, record.size_max)} bytes."]
    if record.comment:
        lines.append(record.comment)
    if not record.fields:
        return lines + ["", "No fields: the mask is 0."]
    lines += ["", "| field | reference | name | type | allowed | size | |",
              "|---:|---:|---|---|---|---|---|"]
    for f in record.fields:
        lines.append(f"| {f.number} | {f.reference} | {f.name} | {type_text(f)} | {limit_text(f)} "
                     f"| {size_text(f.size_min, f.size_max)} | {note_text(f)} |")
    return lines


def escaped(data):
    return '"' + "".join(f"\\x{byte:02x}" for byte in data) + '"'


def dictionary(protocol):
    """Words that a fuzzer would take long to find: masks, limits, heads of frames."""
    words = {"head": b"CK\x01\x00", "answer": b"CK\x01\x03", "refusal": b"CK\x01\x07"}
    for record in protocol.records.values():
        for label, mask in (("required", record.required_mask), ("all", record.known_mask)):
            words[f"{record.name}_{label}"] = mask.to_bytes(record.mask_size, "little")
        for field in record.fields:
            if field.kind in ("number", "money", "quantity", "rate", "list", "text", "blobs"):
                for limit in (field.max, field.max + 1):
                    words[f"varint_{limit}"] = varint(limit)
    for value in (d.CIVIL_MIN, d.CIVIL_MAX):
        words[f"civil_{value}"] = value.to_bytes(4, "little")
    for o in protocol.opcodes:
        words[f"opcode_{o.name}"] = o.number.to_bytes(2, "little") + b"\0\0"
    return "# protocol.dict - made from protocol.def\n" + "".join(
        f"{name}={escaped(data)}\n" for name, data in words.items() if data)


def varint(value):
    ret = bytearray()
    while value >= 0x80:
        ret.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(ret + bytes([value]))
