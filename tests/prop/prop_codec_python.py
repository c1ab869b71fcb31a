#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The C and the Python codec agree: on records, on damaged bytes, and on what is wrong with them.

    prop_codec_python.py PROP_CODEC PYTHON_FOLDER [SEED]

Each side makes random records and damages them; both must say the same text, the same encoding, or
the same fault (error, field, index, offset). Frames are held against the C splitter by their
vectors.
"""
import random
import subprocess
import sys

COUNT = 1500


def print_value(kind, value):
    if kind in ("record", "list"):
        if kind == "record":
            return print_record(value)
        return "[" + ",".join(print_record(v) for v in value) + "]"
    if kind == "blobs":
        return "[" + ",".join("x" + v.hex() for v in value) + "]"
    if kind == "text":
        return "x" + value.encode("utf-8").hex()
    if kind in ("bytes", "id128"):
        return "x" + value.hex()
    return str(int(value))


def print_record(record):
    parts = []
    for field in record.shape.fields:
        value = record.get(field.name, field.absent())
        if value != field.absent():
            parts.append(f"{field.name}:{print_value(field.kind, value)}")
    return "{" + ",".join(parts) + "}"


def outcome(protocol, name, data):
    try:
        record = protocol.decode(name, data)
    except protocol.Fault as fault:
        return f"!{protocol.error_name(fault.code)} {fault.field} {fault.index} {fault.at}"
    return f"{print_record(record)} {protocol.encode(name, record).hex()}"


def random_number(rng, low, high):
    return rng.choice((low, high, rng.randint(low, high),
                       min(high, max(low, rng.getrandbits(rng.randint(1, 64))))))


def random_value(protocol, rng, field):
    kind = field.kind
    if kind == "flag":
        return True
    if kind == "civil":
        return random_number(rng, protocol.CIVIL_MIN, protocol.CIVIL_MAX)
    if kind == "signed":
        return random_number(rng, -2**63, 2**63 - 1)
    if kind == "wide":
        return random_number(rng, -2**127, 2**127 - 1)
    if kind == "text":
        size = min(field.max, rng.choice((0, 3, 8, 9, 20)))
        text = "".join(rng.choice("aZ7\x7f\u00e9\u044f\u20ac\U0001f9fe") for _ in range(size))
        while len(text.encode("utf-8")) > field.max:
            text = text[:-1]
        return text
    if kind == "bytes":
        return rng.randbytes(min(field.max, rng.choice((0, 1, 16, min(field.max, 16384)))))
    if kind == "id128":
        return rng.randbytes(16)
    if kind == "record":
        return random_record(protocol, rng, field.target)
    if kind == "list":
        return [random_record(protocol, rng, field.target)
                for _ in range(min(field.max, rng.choice((0, 1, 2, 3))))]
    if kind == "blobs":
        return [rng.randbytes(min(field.target, rng.choice((0, 1, 30))))
                for _ in range(min(field.max, rng.choice((0, 1, 2, 16))))]
    return random_number(rng, 0, field.max)


def random_record(protocol, rng, name):
    dense = rng.random()
    return {field.name: random_value(protocol, rng, field)
            for field in protocol.SHAPES[name].fields if field.required or rng.random() < dense}


def damage(rng, data):
    data = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(data) + 1)
        step = rng.randrange(3)
        if step == 0:
            data[at:at + 1] = bytes([rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))])
        elif step == 1:
            del data[at:at + rng.randint(1, 4)]
        else:
            data[at:at] = rng.randbytes(rng.randint(1, 2))
    return bytes(data)


def compare(protocol, lines, says):
    """Hold outcomes of the C codec against ours; returns how many there were of each kind."""
    counts = {"good": 0, "fault": 0}
    for line in lines:
        name, data, theirs = line.rstrip("\n").split(" ", 2)
        ours = outcome(protocol, name, bytes.fromhex(data))
        if ours != theirs:
            sys.exit(f"{says}: {name} {data}\n  C      {theirs}\n  Python {ours}")
        counts["fault" if theirs[0] == "!" else "good"] += 1
    return counts


def main(arguments):
    program, folder = arguments[:2]
    seed = int(arguments[2]) if len(arguments) > 2 else 1
    sys.dont_write_bytecode = True
    sys.path.insert(0, folder)
    from chek import protocol

    print(f"seed {seed}")
    made = subprocess.run([program, "random", str(seed), str(COUNT)], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.splitlines()
    from_c = compare(protocol, made, "records of the C side")

    rng = random.Random(seed)
    asked = []
    for _ in range(COUNT):
        name = rng.choice(list(protocol.SHAPES))
        data = protocol.encode(name, random_record(protocol, rng, name))
        asked += [f"{name} {data.hex()}", f"{name} {damage(rng, data).hex()}"]
    answers = subprocess.run([program, "answer"], input="\n".join(asked) + "\n", check=True,
                             text=True, stdout=subprocess.PIPE).stdout.splitlines()
    if [a.split(" ", 2)[:2] for a in answers] != [a.split(" ", 1) for a in asked]:
        sys.exit("the C side did not answer what it was asked")
    from_python = compare(protocol, answers, "records of the Python side")
    print(f"C side {from_c}, Python side {from_python}")
    # A run in which everything is good, or everything is wrong, would show nothing.
    if min(*from_c.values(), *from_python.values()) < COUNT // 2:
        sys.exit("too few of one kind")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
