# SPDX-License-Identifier: MIT
"""A Russian register on a connection: it sends messages, and checks every byte of what it is answered.

Written from ingest/FFD.md and ours alone in bytes: nothing of it is the server's code.
"""
import socket
import struct

import fiscal

ACCEPTED, NOT_RECOGNISED, NOT_VALID = 0, 11, 14
BUYER, BUYER_INN = "Покупатель В.В.", "7825706086"


class Answer:
    """Document 7, or a pong: `code` is tag 1022, None for a pong."""

    def __init__(self, head, body):
        self.bytes = head + body
        if head[:6] != b"\x2a\x08\x41\x0a\x81\xa2":
            raise ValueError(f"an answer that begins with {head[:6].hex()}")
        self.drive = head[8:24].decode("ascii").rstrip()
        size, flags, told = struct.unpack("<HHH", head[24:30])
        mode = flags & 3
        want = {0: 0, 1: fiscal.crc(head[:28]), 2: fiscal.crc(head[:28] + body)}[mode]
        if (size, told) != (len(body), want):
            raise ValueError("the sum of an answer")
        self.mode = mode
        self.code = self.number = self.time = self.operator = None
        if flags & 4:
            self._container(body)
        elif body:
            raise ValueError("a body that is no container")

    def _container(self, body):
        size, told = struct.unpack_from("<HH", body)
        document = body[32:]
        if size != len(body) or told != fiscal.crc(body[:2] + body[4:]):
            raise ValueError("the sum of an answer's container")
        if (body[4], body[5], body[6]) != (0xa5, 7, 1) or \
                int.from_bytes(body[30:32], "big") != len(document):
            raise ValueError(f"the head of an answer's container: {body[:32].hex()}")
        if body[9:17].hex().rstrip("f") != self.drive:
            raise ValueError(f"the drive of an answer's container: {body[9:17].hex()}")
        (code, whole), = elements(document)
        if code != 7:
            raise ValueError(f"document {code} for an answer")
        said = dict(elements(whole))
        if said[1041].decode("cp866").rstrip() != self.drive:
            raise ValueError("the drive of an answer's document")
        if 1040 in said:
            self.number, = struct.unpack("<I", said[1040])
            if int.from_bytes(body[17:20], "big") != self.number & 0xffffff:
                raise ValueError("the number of an answer's container")
        if 1012 in said:
            self.time, = struct.unpack("<I", said[1012])
        if 1017 in said:
            self.operator = said[1017].decode("cp866")
        self.code = dict(elements(said[1068]))[1022][0]


def elements(data):
    found = []
    while data:
        tag, size = struct.unpack_from("<HH", data)
        if len(data) < 4 + size:
            raise ValueError("an element that is cut")
        found.append((tag, data[4:4 + size]))
        data = data[4 + size:]
    return found


def exactly(connection, size):
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise EOFError(f"closed after {len(data)} of {size} bytes")
        data += piece
    return data


class Line:
    """A connection to HOST:PORT."""

    def __init__(self, address, timeout=20):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def receive(self):
        head = exactly(self.socket, 30)
        return Answer(head, exactly(self.socket, struct.unpack_from("<H", head, 24)[0]))

    def ask(self, data):
        self.socket.sendall(data)
        return self.receive()

    def is_closed(self):
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


# ---- documents of every kind ----------------------------------------------------------------------

def correction(number, code=31, drive=fiscal.DRIVE):
    """Of format 1.05: totals, no lines."""
    return fiscal.document(
        code, number, fiscal.u32(1042, 74) + fiscal.byte(1054, 1) + fiscal.byte(1055, 1)
        + fiscal.byte(1173, 0)
        + fiscal.element(1174, fiscal.u32(1178, fiscal.seconds("2026-08-01T00:00:00"))
                         + fiscal.text(1179, "7"))
        + fiscal.vln(1020, 5000) + fiscal.vln(1031, 5000) + fiscal.vln(1102, 833), drive)


def marked(number, drive=fiscal.DRIVE):
    """Of format 1.2: a marking code, a measure, a phone, and who buys."""
    code = fiscal.element(1163, fiscal.text(1305, "010460043993125621JgXJ5.T"))
    return fiscal.document(
        3, number, fiscal.byte(1209, 4) + fiscal.u32(1042, 75) + fiscal.byte(1054, 1)
        + fiscal.byte(1055, 1) + fiscal.vln(1020, 9900) + fiscal.vln(1081, 9900)
        + fiscal.line("Сок", 9900, fiscal.byte(1199, 1) + fiscal.byte(2108, 0) + code)
        + fiscal.text(1008, "+79990000001") + fiscal.vln(1102, 1650)
        + fiscal.element(1256, fiscal.text(1227, BUYER) + fiscal.text(1228, BUYER_INN, 12)
                         + fiscal.text(1254, "г. Образцовый")), drive)


def bought(number, drive=fiscal.DRIVE):
    """Of format 1.05: the buyer's name and INN."""
    whole = fiscal.receipt(number, drive)
    more = fiscal.text(1228, BUYER_INN) + fiscal.text(1227, BUYER)
    return fiscal.element(3, whole[4:] + more)


def counters(tag, receipts, total):
    operation = fiscal.element(1129, fiscal.u32(1135, receipts) + fiscal.vln(1201, total)
                               + fiscal.vln(1136, total))
    return fiscal.element(tag, fiscal.u32(1134, receipts) + operation)


def counted(tag, documents, total, ten=0):
    """An operation of counters, paid in cash, `ten` of it VAT of 10 %."""
    return fiscal.element(tag, fiscal.u32(1135, documents) + fiscal.vln(1201, total)
                          + fiscal.vln(1136, total) + fiscal.vln(1140, ten))


# What counters are called in JSON, those of operations by their parents; other tags are numbers.
SETS = {1194: "shiftSumReports", 1157: "fiscalDriveSumReports",
        1158: "notTransmittedDocumentsSumReports"}
OPERATIONS = {1129: "sellOper", 1130: "sellReturnOper", 1131: "buyOper", 1132: "buyReturnOper",
              1133: "receiptCorrection", 1145: "sellCorrection"}
COUNTED = {1135: "receiptBsoCount", 1201: "totalSum", 1136: "cashSum", 1140: "tax10Sum"}


def counters_as_json(data):
    told = {}
    for tag, value in elements(data):
        if tag in COUNTED:
            told[COUNTED[tag]] = int.from_bytes(value, "little")
        else:
            told[OPERATIONS[tag]] = counters_as_json(value)
    return told


def close_as_json(document):
    """A close as an operator's JSON has it."""
    (_, whole), = elements(document)
    said = dict(elements(whole))
    return {"closeShift": {
        "fiscalDriveNumber": said[1041].decode(), "kktRegId": said[1037].decode(),
        "userInn": said[1018].decode(), "code": 5, "fiscalSign": fiscal.SIGN,
        **{name: int.from_bytes(said[tag], "little")
           for tag, name in ((1040, "fiscalDocumentNumber"), (1012, "dateTime"),
                             (1038, "shiftNumber"))},
        **{name: counters_as_json(said[tag]) for tag, name in SETS.items() if tag in said}}}


def report_as_json(name, code, number, drive):
    """A report as an operator's JSON has it."""
    return {name: {"code": code, "fiscalDriveNumber": drive, "kktRegId": "0000000006000031    ",
                   "userInn": fiscal.INN + "  ", "fiscalDocumentNumber": number,
                   "dateTime": fiscal.seconds(fiscal.TIME), "retailPlaceAddress": "г. Образцовый"}}


def two_shifts(drive=fiscal.DRIVE, off=0):
    """A drive's documents; the counters of its second close are off by so much."""
    total, first = fiscal.TOTAL, 2 * fiscal.TOTAL + 5000
    return [registration(1, drive=drive), fiscal.receipt(2, drive), fiscal.receipt(3, drive),
            fiscal.receipt(4, drive, operation=2), correction(5, 31, drive),
            fiscal.document(5, 6, fiscal.element(
                1194, counted(1129, 2, 2 * total, 1000) + counted(1130, 1, total, 500)
                + fiscal.element(1133, counted(1145, 1, 5000)))
                + fiscal.element(1157, counted(1129, 2, 2 * total) + counted(1130, 1, total)
                                 + fiscal.element(1133, counted(1145, 1, 5000)))
                + fiscal.element(1158, counted(1129, 1, total)), drive),
            fiscal.receipt(7, drive, shift=246),
            fiscal.document(5, 8, fiscal.element(1194, counted(1129, 1, total + off, 500))
                            + fiscal.element(1157, counted(1129, 4, first + total + off)
                                             + counted(1130, 1, total)), drive, 246)]


def registration(number, code=1, address="г. Образцовый", drive=fiscal.DRIVE):
    return fiscal.document(
        code, number, fiscal.text(1048, "ООО «Образец»".replace("«", '"').replace("»", '"'))
        + fiscal.text(1009, address) + fiscal.text(1187, "Касса 1")
        + fiscal.text(1013, "00107200000001") + fiscal.text(1017, "7704211201", 12)
        + fiscal.byte(1189, 2) + fiscal.byte(1209, 2), drive)


def strict_form(number, drive=fiscal.DRIVE):
    whole = fiscal.receipt(number, drive)
    return struct.pack("<H", 4) + whole[2:]


def closing(number, drive=fiscal.DRIVE):
    return fiscal.document(
        5, number, fiscal.text(1021, "Петрова Ё.") + fiscal.u32(1118, 5) + fiscal.u32(1111, 8)
        + counters(1194, 5, 5 * fiscal.TOTAL) + counters(1157, 5, 5 * fiscal.TOTAL), drive)


def every_kind(drive=fiscal.DRIVE):
    """Documents as a drive numbers them, with how many of them are kept and registrations."""
    return [registration(1, drive=drive), fiscal.document(2, 2, drive=drive),
            fiscal.receipt(3, drive), strict_form(4, drive), correction(5, 31, drive),
            correction(6, 41, drive), marked(7, drive), fiscal.receipt(8, drive, operation=2),
            fiscal.document(21, 9, counters(1158, 1, fiscal.TOTAL), drive),
            closing(10, drive), registration(11, 11, "г. Новый", drive),
            fiscal.document(6, 12, counters(1157, 5, 5 * fiscal.TOTAL), drive)]


KEPT, REGISTRATIONS, PASSED = 7, 2, 3
