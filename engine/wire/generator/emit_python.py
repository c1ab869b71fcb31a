# SPDX-License-Identifier: MIT
"""emit_python.py - protocol.py: the definition as tables, and protocol_runtime.py behind them."""
import re

import definition as d

HEAD = '''# SPDX-License-Identifier: MIT
"""protocol.py - the protocol of chek: records, frames, opcodes, errors. Standard library only.

Made from protocol.def by protocol_generate.py: change those. PROTOCOL.md explains the records.

    encode(name, dict) -> bytes          decode(name, bytes) -> Record, or raises Fault
    request_encode(opcode, dict, id)     Splitter().feed(bytes) -> [Frame], or raises FrameError
"""
import struct
from enum import IntEnum
'''


def camel(name):
    return "".join(word.capitalize() for word in name.split("_"))


def read_errors(path):
    """(name, number, text) rows of the table of errors in error.h."""
    with open(path, encoding="utf-8") as file:
        rows = re.findall(r'X\((\w+), (\d+), "([^"]*)"\)', file.read())
    if not rows:
        raise d.DefinitionError(f"{path}: no table of errors")
    return [(name, int(number), text) for name, number, text in rows]


def target_of(field):
    if field.kind == "blobs":
        return field.element_size_max
    return field.target.name if field.target is not None else None


def tables(protocol, errors):
    yield f"VERSION, REVISION = {protocol.version}, {protocol.revision}"
    yield f"FIELDS_A_RECORD = {d.FIELDS_A_RECORD}"
    yield f"BODY_SIZE_MAX = {d.BODY_SIZE_MAX}"
    yield f"ANSWER_SIZE_MAX = {d.ANSWER_SIZE_MAX}"
    yield f"CIVIL_MIN, CIVIL_MAX = {d.CIVIL_MIN}, {d.CIVIL_MAX}"
    yield "\n\nclass E:\n    \"\"\"Numbers of errors, as refusals carry them.\"\"\"\n"
    for name, number, _ in errors:
        yield f"    {name} = {number}"
    yield "\n\nERRORS = {"
    for name, number, text in errors:
        yield f"    {number}: ({name!r}, {text!r}),"
    yield "}"
    for enum in protocol.enums.values():
        yield f"\n\nclass {camel(enum.name)}(IntEnum):"
        for number, (name, _) in enumerate(enum.values):
            yield f"    {name.upper()} = {number}"
    yield "\n\n# name, number, mask size, least size, raw, fields: (number, name, type, max, what of,"
    yield "# required, personal)"
    yield "RECORD_ROWS = ["
    for record in protocol.records.values():
        yield f"    ({record.name!r}, {record.number}, {record.mask_size}, {record.size_min}, " \
              f"{record.raw}, ["
        for f in record.fields:
            yield f"        ({f.number}, {f.name!r}, {f.kind!r}, {f.max}, {target_of(f)!r}, " \
                  f"{f.required}, {f.personal}),"
        yield "    ]),"
    yield "]\n"
    yield "# number, name, right, scope, largest body, request, answer, stream"
    yield "OPCODE_ROWS = ["
    for o in protocol.opcodes:
        yield f"    ({o.number}, {o.name!r}, {o.right!r}, {o.scope!r}, {o.body_size_max}, " \
              f"{o.request.name!r}, {o.answer.name!r}, {o.stream}),"
    yield "]\n\n"


def module(protocol, errors, runtime):
    # The runtime's own licence line and note are for its source.
    body = runtime[runtime.index("\nclass "):].lstrip("\n")
    return HEAD + "\n" + "\n".join(tables(protocol, errors)) + "\n" + body
