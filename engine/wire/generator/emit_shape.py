# SPDX-License-Identifier: MIT
"""emit_shape.py - protocol_shape.c: the records as data, for code that handles any of them."""
from definition import FIELDS_A_RECORD
from emit_c import NOTICE, c_type, number_literal


def member_size(field):
    sizes = {"id128": 16, "record": 0, "list": 0, "blobs": 0, "text": 0, "bytes": 0}
    if field.kind in sizes:
        return sizes[field.kind]
    return {"bool": 1, "uint8_t": 1, "uint16_t": 2, "uint32_t": 4, "uint64_t": 8, "int64_t": 8,
            "chek_i128": 16}[c_type(field)]


def field_row(record, field):
    offset = f"offsetof(struct chek_{record.name}, {field.name})"
    count = f"offsetof(struct chek_{record.name}, {field.name}_count)" \
        if field.kind in ("list", "blobs") else "0"
    target = f"&record_{field.target.name}" if field.kind in ("record", "list") else "NULL"
    values = f"{field.target.name}_values" if field.kind == "enum" else "NULL"
    return (f"    {{\"{field.name}\", {target}, {values}, {number_literal(field.max)}, {offset}, "
            f"{count}, {number_literal(field.element_size_max)}, {field.reference}, "
            f"CHEK_SHAPE_{field.kind.upper()}, {member_size(field)}, "
            f"{str(field.required).lower()}, {str(field.personal).lower()}}},")


def record_lines(record):
    name = record.name
    yield "static int"
    yield f"decode_{name}(const void *bytes, size_t size, struct chek_arena *arena, void *ret,"
    yield "    struct chek_fault *fault)"
    yield "{"
    yield f"    return chek_{name}_decode_whole(bytes, size, arena, ret, fault);"
    yield "}"
    yield "static void"
    yield f"encode_{name}(struct chek_writer *out, const void *record)"
    yield "{"
    yield f"    chek_{name}_encode(out, record);"
    yield "}"
    if record.fields:
        yield f"static const struct chek_field_shape {name}_fields[] = {{"
        for field in record.fields:
            yield field_row(record, field)
        yield "};"
    fields = f"{name}_fields" if record.fields else "NULL"
    yield f"static const struct chek_record_shape record_{name} = {{"
    yield f'    "{name}", {fields}, {len(record.fields)}, sizeof(struct chek_{name}),'
    yield f"    {record.size_min}, {number_literal(record.size_max)},"
    yield f"    {record.number}, {record.mask_size}, decode_{name}, encode_{name}}};"
    yield ""


def source(protocol):
    lines = ["/* SPDX-License-Identifier: MIT */", f"/* protocol_shape.c - {NOTICE} */",
             '#include "engine/wire/shape.h"', "", '#include "engine/wire/protocol.h"', ""]
    for enum in protocol.enums.values():
        used = any(f.target is enum for r in protocol.records.values() for f in r.fields)
        if used:
            names = ", ".join(f'"{name}"' for name, _ in enum.values)
            lines.append(f"static const char *const {enum.name}_values[] = {{{names}}};")
    lines.append("")
    for record in protocol.records_inner_first():
        lines.extend(record_lines(record))
    lines.append("const struct chek_record_shape *const chek_record_shapes[] = {")
    lines.extend(f"    &record_{name}," for name in protocol.records)
    lines += ["};", "const size_t chek_record_shape_count = CHEK_COUNT(chek_record_shapes);", "",
              f'_Static_assert(CHEK_FIELDS_A_RECORD == {FIELDS_A_RECORD}, "one numbering");', ""]
    return "\n".join(lines)
