# SPDX-License-Identifier: MIT
"""A Kazakh register of the tests: the wire form of protocol 2.0.x by hand, and a register's habits.

Messages are dictionaries {field number: value}: int and bool are varints, str and bytes are texts,
a dictionary is a message, a list is the field again and again. It shares nothing with ingest/cpcr.
"""
import socket
import struct

HEAD = struct.Struct("<HHIIIH")
APPLICATION = 0x81A2
SYSTEM, TICKET, CLOSE, REPORT, NOMENCLATURE, INFO, PLACEMENT, CANCEL, AUTH = range(9)
BUY, BUY_RETURN, SELL, SELL_RETURN = range(4)
CASH, CARD = 0, 1
OPERATIONS = {BUY: "buy", BUY_RETURN: "buy_return", SELL: "sell", SELL_RETURN: "sell_return"}


def varint(value):
    out = bytearray()
    value &= (1 << 64) - 1
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode(message):
    out = bytearray()
    for field, value in message.items():
        for one in value if isinstance(value, list) else [value]:
            if one is None:
                continue
            if isinstance(one, (bool, int)):
                out += varint(field << 3) + varint(int(one))
                continue
            if isinstance(one, dict):
                one = encode(one)
            elif isinstance(one, str):
                one = one.encode()
            out += varint(field << 3 | 2) + varint(len(one)) + one
    return bytes(out)


def varint_read(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def decode(data):
    """Every field as the list of its values; messages stay bytes."""
    fields, at = {}, 0
    while at < len(data):
        key, at = varint_read(data, at)
        if key & 7 == 0:
            value, at = varint_read(data, at)
        else:
            assert key & 7 == 2, f"wire type {key & 7}"
            size, at = varint_read(data, at)
            value, at = data[at:at + size], at + size
            assert len(value) == size
        fields.setdefault(key >> 3, []).append(value)
    return fields


def part(data, *path):
    """The message or value at a path of field numbers; None when it is not there."""
    for number in path:
        fields = decode(data)
        if number not in fields:
            return None
        data = fields[number][0]
    return data


def money(minor):
    return {1: minor // 100, 2: minor % 100}


def money_read(data):
    return part(data, 1) * 100 + part(data, 2)


def when(text):
    """'2026-03-02 10:11:12'"""
    day, clock = text.split()
    return {1: dict(zip((1, 2, 3), map(int, day.split("-")))),
            2: dict(zip((1, 2, 3), map(int, clock.split(":"))))}


class Answer:
    def __init__(self, frame):
        self.frame = frame
        code, self.version, size, self.device, self.token, self.request = HEAD.unpack(frame[:18])
        assert code == APPLICATION and size == len(frame)
        self.body = frame[18:]
        self.command = part(self.body, 1)
        self.result = part(self.body, 2, 1)
        text = part(self.body, 2, 2)
        self.text = text.decode() if text else ""

    @property
    def ticket_number(self):
        return part(self.body, 3, 1).decode()

    @property
    def qr(self):
        return part(self.body, 3, 2).decode()

    @property
    def report_type(self):
        return part(self.body, 4, 1)

    @property
    def figures(self):
        """The ZXReport as {name: value}, amounts in minor units, rows by operation."""
        report = part(self.body, 4, 2)
        fields = decode(report)
        out = {"shift": fields[2][0], "cash": money_read(fields[13][0]),
               "revenue": money_read(part(report, 14, 1)) * (-1 if part(report, 14, 2) else 1),
               "closed": 17 in fields, "opened": 16 in fields}
        for number, name in ((4, "operations"), (5, "discounts"), (6, "markups"), (7, "result")):
            out[name] = {OPERATIONS[part(row, 1)]: (part(row, 2), money_read(part(row, 3)))
                         for row in fields.get(number, [])}
        for number, name in ((9, "start"), (15, "sums")):
            out[name] = {OPERATIONS[part(row, 1)]: money_read(part(row, 2))
                         for row in fields.get(number, [])}
        out["tickets"] = {}
        for row in fields.get(10, []):
            row_fields = decode(row)
            out["tickets"][OPERATIONS[part(row, 1)]] = {
                "total": part(row, 2), "count": part(row, 3), "sum": money_read(part(row, 4)),
                "payments": {part(pay, 1): (part(pay, 3), money_read(part(pay, 2)))
                             for pay in row_fields.get(5, [])},
                "offline": part(row, 6), "discount": money_read(part(row, 7)),
                "change": money_read(part(row, 9))}
        out["placements"] = {part(row, 1): (part(row, 2), part(row, 3), money_read(part(row, 4)),
                                            part(row, 5)) for row in fields.get(11, [])}
        out["taxes"] = {}
        for row in fields.get(8, []):
            for operation in decode(row)[3]:
                out["taxes"][part(row, 2), OPERATIONS[part(operation, 1)]] = (
                    money_read(part(operation, 2)), money_read(part(operation, 3)),
                    money_read(part(operation, 4)))
        out["sections"] = {}
        for row in fields.get(3, []):
            for operation in decode(row)[2]:
                out["sections"][part(row, 1).decode(), OPERATIONS[part(operation, 1)]] = (
                    part(operation, 2), money_read(part(operation, 3)))
        return out


def frame(command, message, device, token, request, version=203):
    body = encode({1: command, **message})
    return HEAD.pack(APPLICATION, version, 18 + len(body), device, token, request) + body


def receive(connection):
    data = b""
    while len(data) < 18 or len(data) < HEAD.unpack(data[:18])[2]:
        wanted = HEAD.unpack(data[:18])[2] - len(data) if len(data) >= 18 else 18 - len(data)
        more = connection.recv(wanted)
        if not more:
            raise ConnectionError(f"closed after {len(data)} bytes")
        data += more
    return Answer(data)


def line(total, name="Bread", section="1", quantity=1000, price=None, percent=None, tax=0,
         **more):
    taxes = None if percent is None else {1: 100, 3: percent, 4: money(tax), 5: True}
    return {1: 1, 2: {2: name, 3: section, 4: quantity,
                      5: money(total if price is None else price), 6: money(total), 7: taxes,
                      13: "796", **more}}


def modifier(kind, total, percent=None, tax=0):
    """kind: 3 markup, 4 its storno, 5 discount, 6 its storno"""
    taxes = None if percent is None else {1: 100, 3: percent, 4: money(tax), 5: True}
    return {1: kind, kind + 1: {1: "modifier", 2: money(total), 3: taxes}}


def storno(total, section="1", percent=None, tax=0):
    taxes = None if percent is None else {1: 100, 3: percent, 4: money(tax), 5: True}
    return {1: 2, 3: {1: "Bread", 2: section, 3: 1000, 4: money(total), 5: money(total), 6: taxes,
                      12: "796"}}


def ticket(operation, total, items=None, payments=None, at="2026-03-02 10:00:00", offline=None,
           shift=None, taken=None, change=None, discount=None, markup=None, **more):
    payments = {CASH: total} if payments is None else payments
    return {2: {1: operation, 2: when(at), 3: {1: 1, 2: "Aliya"},
                5: [line(total)] if items is None else items,
                6: [{1: kind, 2: money(paid)} for kind, paid in payments.items()],
                8: {1: money(total), 2: None if taken is None else money(taken),
                    3: None if change is None else money(change),
                    4: None if markup is None else {2: money(markup)},
                    5: None if discount is None else {2: money(discount)}},
                10: offline, 14: shift, **more}}


class Register:
    """Sends and keeps its token and request number as registers do."""

    def __init__(self, address, device, token, version=203):
        host, port = address.rsplit(":", 1)
        self.address = (host, int(port))
        self.device, self.token, self.version = device, token, version
        self.request = 0
        self.sent = None

    def frame(self, command, message, token=None, request=None):
        return frame(command, message, self.device, self.token if token is None else token,
                     self.request if request is None else request, self.version)

    def exchange(self, data):
        with socket.create_connection(self.address, timeout=20) as connection:
            connection.sendall(data)
            return receive(connection)

    def send(self, command, message=None, want=0):
        """A new request; `want` is the result that is expected."""
        self.request = (self.request + 1) % 65536
        self.sent = self.frame(command, message or {})
        return self.take(self.exchange(self.sent), want)

    def retry(self, want=0):
        return self.take(self.exchange(self.sent), want)

    def take(self, answer, want=0):
        assert answer.result == want, (answer.result, answer.text, want)
        assert answer.device == self.device and answer.version == self.version
        if answer.result == 0:
            self.token = answer.token
        return answer

    def close_shift(self, at="2026-03-02 20:00:00", want=0, **more):
        return self.send(CLOSE, {3: {1: when(at), 6: {1: 1}, **{int(k[1:]): v for k, v in
                                                                more.items()}}}, want)

    def report_x(self, at="2026-03-02 19:00:00"):
        return self.send(REPORT, {4: {1: 1, 2: when(at)}}).figures

    def place(self, direction, total, at="2026-03-02 09:00:00", want=0, offline=None):
        return self.send(PLACEMENT, {7: {1: when(at), 2: direction, 3: money(total), 4: offline,
                                         7: {1: 1}}}, want)
