# SPDX-License-Identifier: MIT
"""Russian fiscal documents and the messages that registers send them in, for tests.

Written from ingest/FFD.md, not from the code that reads them.
"""
import base64
import calendar
import struct

DRIVE = "9999078900000031"
INN = "0000000027"
SIGN = 3576535964
TIME = "2026-08-03T16:44:00"
TOTAL = 17700


def element(tag, value):
    return struct.pack("<HH", tag, len(value)) + value


def byte(tag, value):
    return element(tag, bytes([value]))


def u32(tag, value):
    return element(tag, struct.pack("<I", value))


def vln(tag, value):
    return element(tag, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "little"))


def text(tag, value, width=0):
    return element(tag, value.encode("cp866").ljust(width))


def seconds(time):
    """Of the wall clock, as if it were UTC."""
    return calendar.timegm(tuple(int(part) for part in time.replace("T", "-").replace(":", "-")
                                 .split("-")))


def document(code, number, more=b"", drive=DRIVE, shift=245):
    head = (text(1041, drive) + text(1037, "0000000006000031", 20) + text(1018, INN, 12)
            + u32(1040, number) + u32(1012, seconds(TIME) + number)
            + element(1077, b"\x31\x04" + struct.pack(">I", SIGN)) + u32(1038, shift))
    return element(code, head + more)


def line(name, total, more=b""):
    return element(1059, text(1030, name) + vln(1079, total) + element(1023, b"\x03\xe8\x03")
                   + vln(1043, total) + more)


def receipt(number, drive=DRIVE, operation=1, shift=245):
    return document(3, number, u32(1042, 73) + byte(1054, operation) + byte(1055, 1)
                    + vln(1020, TOTAL) + vln(1031, TOTAL)
                    + line("Вода", 12200, byte(1199, 1)) + line("Сырок", 5500, byte(1199, 2))
                    + vln(1102, 2033) + vln(1103, 500) + text(1021, "Петрова Ё.")
                    + text(1009, "г. Образцовый"), drive, shift)


def as_json(number):
    """The same receipt as its JSON."""
    time = f"{TIME[:-2]}{number:02d}"
    return {"receipt": {
        "fiscalDriveNumber": DRIVE, "kktRegId": "0000000006000031", "userInn": INN,
        "fiscalDocumentNumber": number, "fiscalSign": SIGN, "dateTime": time, "shiftNumber": 245,
        "requestNumber": 73, "operationType": 1, "taxationType": 1, "totalSum": TOTAL,
        "cashTotalSum": TOTAL, "nds18": 2033, "nds10": 500, "operator": "Петрова Ё.",
        "retailPlaceAddress": "г. Образцовый",
        "items": [{"name": "Вода", "price": 12200, "quantity": 1, "sum": 12200, "nds": 1},
                  {"name": "Сырок", "price": 5500, "quantity": 1, "sum": 5500, "nds": 2}]}}


def with_bytes(number):
    """The JSON of a dialect that writes times in UTC and carries the bytes."""
    told = as_json(number)
    told["receipt"]["dateTime"] = told["receipt"]["dateTime"].replace("T16", "T13")
    told["receipt"]["rawData"] = base64.b64encode(receipt(number)).decode()
    return told


def without_lines(number):
    """The JSON of one who knows no more than the sums."""
    told = as_json(number)
    del told["receipt"]["items"], told["receipt"]["operator"]
    return told


def crc(data):
    """CRC-16/CCITT-FALSE, bit by bit."""
    value = 0xffff
    for one in data:
        value ^= one << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xffff
    return value


def container(body, number, drive=DRIVE):
    content = (bytes([0xa5, body[0], 1, 0x10, 9]) + bytes.fromhex(drive)
               + number.to_bytes(3, "big") + bytes(10) + len(body).to_bytes(2, "big") + body
               + bytes.fromhex("81062ef455f892ba0000"))
    size = struct.pack("<H", len(content) + 4)
    return size + struct.pack("<H", crc(size + content)) + content


def framed(body, drive=DRIVE, mode=2, flags=0x14):
    """A message: mode 0 without a sum, 1 of its head, 2 of all of it."""
    head = (b"\x2a\x08\x41\x0a\x81\xa2\x01\x05" + drive.encode()
            + struct.pack("<HH", len(body), flags | mode))
    value = {0: 0, 1: crc(head), 2: crc(head + body)}[mode]
    return head + struct.pack("<H", value) + body


def number_of(body):
    at = body.index(struct.pack("<HH", 1040, 4)) + 4
    return struct.unpack_from("<I", body, at)[0]


def message(body, drive=DRIVE, mode=2):
    return framed(container(body, number_of(body), drive), drive, mode)


def ping(drive=DRIVE):
    return framed(b"", drive, 0, 0x10)
