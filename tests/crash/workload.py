# SPDX-License-Identifier: MIT
"""Registers that sell, and a journal of what the server acknowledged to them.

A till makes documents of every kind: sales and returns, movements, closes, late ones, poorer copies
that are completed later, repeats, conflicts. It knows what the server may answer to each, also when
the first answer was lost; and it can ask again about everything that was ever acknowledged.
"""
import random

import chek

DAY_S = 86400
START = chek.civil("2026-01-05T08:00:00")
STORED, DUPLICATE, CONFLICT = chek.Status.STORED, chek.Status.DUPLICATE, chek.Status.CONFLICT
COMPLETED = chek.Status.COMPLETED


class Wrong(Exception):
    """The server did what it may never do."""


class Sending:
    """A document on its way. `kind` is what it is: new, fuller, repeat or conflict."""

    def __init__(self, document, kind, poorer=None):
        self.document, self.kind, self.poorer = document, kind, poorer
        self.ordinal = None  # of its row, once the server said so


class Till:
    """One register. What was sent and not answered stays in `pending`, to be sent again first."""

    def __init__(self, seed, name, organisation):
        self.random = random.Random(f"{seed}/{name}")
        self.profile = {"keys": [{"kind": chek.KeyKind.REGISTRATION_NUMBER, "value": name}],
                        "organisation": organisation, "point": f"point {self.random.randrange(3)}"}
        self.registration = 0
        self.number = 0
        self.sign = self.random.randrange(1 << 40)
        self.time = START
        self.shift = 1
        self.holes = []      # numbers left out, to come late
        self.poorer = []     # (sending, fuller document) that may still be completed
        self.pending = []    # sent or about to be, in order
        self.journal = {}    # ordinal -> (document, shift, warnings)
        self.completed = {}  # ordinal -> ordinal of the copy that took its place
        self.conflicts = []

    # ---- making documents -------------------------------------------------------------------

    def chance(self, percent):
        return self.random.randrange(100) < percent

    def _number(self):
        if self.holes and self.chance(20):
            return self.holes.pop(self.random.randrange(len(self.holes)))
        self.number += 1
        if self.chance(3):
            self.holes.append(self.number)
            self.number += 1
        return self.number

    def _shift(self):
        if self.shift > 1 and self.chance(6):
            return self.random.randrange(1, self.shift)
        return self.shift if self.chance(60) else 0

    def _line(self):
        total = self.random.randrange(100, 90000)
        line = {"code": f"P{self.random.randrange(40)}", "name": f"Goods {self.random.randrange(40)}",
                "section": str(self.random.randrange(1, 6)), "quantity": 1000000, "price": total,
                "sum": total}
        if self.chance(80):
            rate = self.random.choice([12000, 16000])
            line["taxes"] = [{"kind": chek.TaxKind.VAT, "rate": rate,
                              "sum": (total * rate + (100000 + rate) // 2) // (100000 + rate)}]
        if self.chance(5):
            line["markings"] = [bytes(self.random.randrange(33, 120) for _ in range(30))]
        return line

    def _payments(self, total):
        if total > 10 and self.chance(25):
            card = self.random.randrange(1, total)
            return [{"kind": chek.PaymentKind.CASH, "sum": total - card},
                    {"kind": chek.PaymentKind.CARD, "sum": card}], 0
        change = self.random.randrange(1, 500) if self.chance(30) else 0
        return [{"kind": chek.PaymentKind.CASH, "sum": total + change}], change

    def _receipt(self):
        lines = [self._line() for _ in range(self.random.choice([1, 1, 2, 3, 5, 12]))]
        total = sum(line["sum"] for line in lines)
        if len(lines) > 1 and self.chance(20):
            off = self.random.randrange(1, total // 3 + 2)
            lines.append({"kind": chek.LineKind.DISCOUNT, "sum": off})
            total -= off
        payments, change = self._payments(total)
        self.sign += 1
        receipt = {"operation": 0 if self.chance(80) else self.random.randrange(4), "time": self.time,
                   "shift": self._shift(), "document": self._number(), "sign": self.sign,
                   "total": total, "payments": payments, "change": change, "lines": lines,
                   "operator": f"Cashier {self.random.randrange(4)}"}
        if self.chance(10):
            receipt["buyer"] = f"+7701{self.random.randrange(10000000):07}"
        if self.chance(10):
            receipt["offline"] = True
        return receipt

    def _wrap(self, **document):
        if self.chance(10):
            return {"profile": self.profile, **document}
        return {"registration": self.registration, **document}

    def _make(self):
        self.time += self.random.randrange(5, 600)
        what = self.random.randrange(100)
        if what < 4:
            self.shift += 1
            return Sending(self._wrap(close={"time": self.time, "document": self._number(),
                                             "withdraw": self.chance(50)}), "new")
        if what < 9:
            return Sending(self._wrap(movement={
                "direction": self.random.randrange(2), "time": self.time,
                "document": self._number(), "sum": self.random.randrange(1, 50000)}), "new")
        if what < 13 and self.poorer:
            poorer, fuller = self.poorer.pop(0)
            return Sending(fuller, "fuller", poorer)
        if what < 17 and self.journal:
            return Sending(self.journal[self.random.choice(list(self.journal))][0], "repeat")
        if what < 20 and self.journal:
            document = self.journal[self.random.choice(list(self.journal))][0]
            if "receipt" in document:
                return Sending(self._conflict(document), "conflict")
        return self._sale()

    def _sale(self):
        receipt = self._receipt()
        whole = self._wrap(receipt=receipt)
        if not self.chance(8):
            return Sending(whole, "new")
        fewer = {key: value for key, value in receipt.items() if key not in ("lines", "operator")}
        sending = Sending(self._wrap(receipt=fewer), "new")
        self.poorer.append((sending, whole))
        return sending

    @staticmethod
    def _conflict(document):
        total = document["receipt"]["total"] + 100
        other = dict(document["receipt"], total=total, change=0,
                     payments=[{"kind": chek.PaymentKind.CASH, "sum": total}])
        other.pop("lines", None)
        return dict(document, receipt=other)

    def documents(self, count):
        """The next documents to send: those without an answer first, filled up with new ones."""
        while len(self.pending) < count:
            self.pending.append(self._make())
        return [sending.document for sending in self.pending]

    # ---- answers ----------------------------------------------------------------------------

    def answered(self, results, again):
        """Take the answers to all of `pending`. `again`: some of it may have been stored before."""
        for sending, result in zip(self.pending, results, strict=True):
            allowed = {"new": [STORED], "fuller": [COMPLETED], "repeat": [DUPLICATE],
                       "conflict": [CONFLICT]}[sending.kind] + ([DUPLICATE] if again else [])
            if result.status not in allowed:
                raise Wrong(f"{sending.kind} document {sending.document} answered {result}")
            if sending.kind == "conflict":
                self.conflicts.append(sending.document)
            elif sending.kind != "repeat":
                self._stored(sending, result)
        self.pending = []

    def _stored(self, sending, result):
        known = self.journal.get(result.ordinal)
        poorer = sending.poorer
        # When both copies were stored and no answer came, the poorer is answered with the fuller.
        both = poorer is not None and poorer.ordinal == result.ordinal
        if known is not None and not both:
            raise Wrong(f"ordinal {result.ordinal} for two documents: {sending.document}, {known}")
        sending.ordinal = result.ordinal
        self.journal[result.ordinal] = (sending.document, result.shift, result.warnings)
        if poorer is not None and not both:
            self.completed[poorer.ordinal] = result.ordinal

    def standing(self, ordinal):
        while ordinal in self.completed:
            ordinal = self.completed[ordinal]
        return ordinal

    # ---- asking again -----------------------------------------------------------------------

    def check_repeats(self, client, ordinals):
        """Acknowledged documents sent again are duplicates with the answers of the first time."""
        ordinals = [ordinal for ordinal in ordinals
                    if self.standing(ordinal) not in self._maybe_completed()]
        results = client.feed([self.journal[ordinal][0] for ordinal in ordinals])
        for ordinal, result in zip(ordinals, results, strict=True):
            standing = self.standing(ordinal)
            _, shift, warnings = self.journal[standing]
            if (result.status, result.ordinal, result.shift, result.warnings) != (
                    DUPLICATE, standing, shift, warnings):
                raise Wrong(f"row {ordinal} sent again: {result}, not row {standing} of shift "
                            f"{shift} with warnings {warnings}")

    def _maybe_completed(self):
        """Rows that a fuller copy may have taken the place of, unless it was never stored."""
        return {sending.poorer.ordinal for sending in self.pending if sending.poorer is not None}

    def check_rows(self, client):
        """Every acknowledged document is there exactly once; returns the rows beside them."""
        seen = {}
        maybe_completed = self._maybe_completed()
        for row in client.receipts({"registration": self.registration}):
            if row.ordinal in seen:
                raise Wrong(f"row {row.ordinal} is there twice")
            seen[row.ordinal] = row
        for ordinal, (document, shift, _) in self.journal.items():
            if ordinal in self.completed:
                continue
            row = seen.pop(ordinal, None)
            if row is None and ordinal in maybe_completed:
                continue
            if row is None:
                raise Wrong(f"acknowledged row {ordinal} of registration {self.registration} is "
                            f"gone: {document}")
            self._compare(row, document, shift)
        return seen

    def check_each(self, client, stride):
        """The same of some documents, each asked for by its ordinal."""
        maybe_completed = self._maybe_completed()
        for ordinal, (document, shift, _) in list(self.journal.items())[::stride]:
            if ordinal not in self.completed and ordinal not in maybe_completed:
                target = {"registration": self.registration}
                row = client.receipt(target=target, ordinal=ordinal + 1)
                self._compare(row, document, shift)

    def _compare(self, row, document, shift):
        kind = next(kind for kind in ("receipt", "movement", "close") if kind in document)
        stored, sent = getattr(row, kind), document[kind]
        if stored is None or row.shift != shift:
            raise Wrong(f"row {row.ordinal} is not {document}")
        for name in ("time", "document", "total", "sum", "sign"):
            if name in sent and getattr(stored, name) != sent[name]:
                raise Wrong(f"row {row.ordinal}: {name} is {getattr(stored, name)}, not {sent[name]}")
        if len(stored.lines if kind == "receipt" else []) != len(sent.get("lines", [])):
            raise Wrong(f"row {row.ordinal}: lines of {document} are missing")

    def check_surplus(self, rows):
        """Rows that no answer told of are the engine's own closes, or what is still pending."""
        pending = {sending.document[kind]["document"] for sending in self.pending
                   for kind in ("receipt", "movement", "close") if kind in sending.document}
        for row in rows.values():
            number = (row.receipt or row.movement or row.close).document
            if not (row.close is not None and number == 0) and number not in pending:
                raise Wrong(f"row {row.ordinal} was never acknowledged, and is not pending: {row}")


def tills(seed, count, organisations=3):
    return [Till(seed, f"{100000000000 + i}", f"{900000000000 + i % organisations}")
            for i in range(count)]


def claim(client, registers):
    """Give every till its registration; a repeat gives the same."""
    rows = client.claim([till.profile for till in registers])
    for till, row in zip(registers, rows, strict=True):
        if till.registration not in (0, row.registration):
            raise Wrong(f"{till.profile} is now registration {row.registration}")
        till.registration = row.registration
