# SPDX-License-Identifier: MIT
"""Bytes of CPCR by hand: protobuf fields as they come, money and civil times. No type is known here."""
import collections
import datetime


class Refusal(Exception):
    """A result code other than 0, and why."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def read_varint(data, at):
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Refusal(3, "a number does not end")
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


class Message:
    """The fields of a message: number -> values as they came. Nothing is known of types."""

    def __init__(self, data):
        self.fields = collections.defaultdict(list)
        at = 0
        while at < len(data):
            key, at = read_varint(data, at)
            if key & 7 == 0:
                value, at = read_varint(data, at)
            elif key & 7 == 2:
                size, at = read_varint(data, at)
                value, at = bytes(data[at:at + size]), at + size
                if at > len(data):
                    raise Refusal(3, "a field does not end")
            else:
                raise Refusal(3, "a wire type that the protocol does not use")
            self.fields[key >> 3].append(value)

    def has(self, number):
        return number in self.fields

    def _one(self, number, kind):
        values = self.fields.get(number, [])
        if len(values) != 1 or not isinstance(values[0], kind):
            raise Refusal(3, f"field {number} is there {len(values)} times, or of another type")
        return values[0]

    def number(self, number):
        return self._one(number, int)

    def number_or(self, number, otherwise=0):
        return self.number(number) if self.has(number) else otherwise

    def text(self, number):
        return self._one(number, bytes).decode("utf-8")

    def sub(self, number):
        return Message(self._one(number, bytes))

    def subs(self, number):
        return [Message(value) for value in self.fields.get(number, [])]

    def money(self, number):
        value = self.sub(number)
        if value.number(2) > 99:
            raise Refusal(13, "more than 99 coins")
        return value.number(1) * 100 + value.number(2)

    def money_or(self, number, otherwise=0):
        return self.money(number) if self.has(number) else otherwise

    def time(self, number):
        value = self.sub(number)
        date, time = value.sub(1), value.sub(2)
        return datetime.datetime(date.number(1), date.number(2), date.number(3), time.number(1),
                                 time.number(2), time.number_or(3))


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def put(number, value):
    """One field: an int (or bool), bytes, a str, or a list of them, which repeats the field."""
    if isinstance(value, list):
        return b"".join(put(number, one) for one in value)
    if isinstance(value, int):
        return varint(number << 3) + varint(int(value))
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def put_money(number, tiyn):
    return put(number, put(1, abs(tiyn) // 100) + put(2, abs(tiyn) % 100))


def put_time(number, at):
    date = put(1, at.year) + put(2, at.month) + put(3, at.day)
    time = put(1, at.hour) + put(2, at.minute) + put(3, at.second)
    return put(number, put(1, date) + put(2, time))
