# SPDX-License-Identifier: MIT
"""The plain client under the names of the Python package, so that test_python.py runs with either.

Enums are words here; only what is counted in bits (rights, warnings) is a number.
"""
import calendar
import time
import types

import plain_client
from plain_client import DEFINITION, Refused  # noqa: F401  (part of the interface)

Unknown = OSError


def words(enum):
    return types.SimpleNamespace(**{word.upper(): word for word in DEFINITION.enums[enum].values()})


def bits(enum):
    return types.SimpleNamespace(**{word.upper(): number
                                    for number, word in DEFINITION.enums[enum].items()})


Operation, PaymentKind, TaxKind = words("operation"), words("payment_kind"), words("tax_kind")
KeyKind, Status, EventKind = words("key_kind"), words("status"), words("event_kind")
SumsBy, SumsStep = words("sums_by"), words("sums_step")
Right, Warning = bits("right"), bits("warning")


def request_encode(name, record, frame_id):
    opcode = DEFINITION.opcodes[name]
    return plain_client.frame_encode(opcode.number, frame_id,
                                     plain_client.encode(opcode.request, record))


protocol = types.SimpleNamespace(
    REFUSAL=plain_client.REFUSAL, Splitter=plain_client.Splitter, encode=plain_client.encode,
    decode=plain_client.decode, error_name=plain_client.error_name,
    field_name=plain_client.field_name, request_encode=request_encode,
    frame_encode=lambda opcode, body, frame_id: plain_client.frame_encode(opcode, frame_id, body))


def civil(text):
    form = "%Y-%m-%d" if len(text) == 10 else "%Y-%m-%dT%H:%M:%S"
    return calendar.timegm(time.strptime(text, form))


class Client(plain_client.Client):
    def __init__(self, address, token=None, token_file=None, **options):
        if token is None:
            token = token_file.read_text(encoding="ascii").strip()
        super().__init__(address, token, **options)
        self._socket, self.alarm = self.socket, self.welcome.alarm

    def close(self):
        self.socket.close()

    def _receive(self):
        return self.frame_read()

    def ask(self, opcode, request):
        return list(self.answers(opcode, request))[-1]

    def answers(self, opcode, request):
        return self.stream(opcode, **request)

    def claim(self, registers):
        return self.call("claim", registers=registers).registers

    def report(self, target, revision=None, **question):
        if revision is not None:
            question["revision"] = revision + 1
        return self.call("ask_report", target=target, **question)

    def receipts(self, target, **bounds):
        return self.gather("ask_receipts", target=target, **bounds)

    def receipt(self, **names):
        return self.call("ask_receipt", **names)

    def sums(self, **question):
        return self.gather("ask_sums", **question)

    def registers(self, **filters):
        return self.gather("ask_registers", **filters)

    def warnings(self, target=None, **filters):
        if target:
            filters["target"] = target
        return [row for chunk in self.stream("ask_warnings", **filters)
                for row in chunk.get("registers", ())]

    def warned(self, target=None, **filters):
        if target:
            filters["target"] = target
        return [row for chunk in self.stream("ask_warnings", documents=True, **filters)
                for row in chunk.get("documents", ())]

    def marked(self, *codes, target=None, **bounds):
        if target:
            bounds["target"] = target
        return self.gather("ask_marked", codes=list(codes), **bounds)

    def sold_again(self, target=None, **bounds):
        return self.gather("ask_sold_again", **bounds, **({"target": target} if target else {}))

    def gaps(self, target=None, **filters):
        return self.gather("ask_gaps", **filters, **({"target": target} if target else {}))

    def reconcile(self, target, **bounds):
        return self.gather("ask_reconcile", target=target, **bounds)

    def events(self, cursor="0"):
        return [(chunk.events, chunk.cursor) for chunk in self.stream("ask_events", cursor=cursor)
                if chunk.events]

    def token_add(self, name, rights, scope=None, trusted=False):
        return self.call("token_add", name=name, rights=rights, scope=scope, trusted=trusted)

    def token_revoke(self, principal):
        self.call("token_revoke", principal=principal)
