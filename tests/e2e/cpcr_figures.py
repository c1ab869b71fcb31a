# SPDX-License-Identifier: MIT
"""X and Z of a shift counted anew from its documents, one rule of the protocol a line; as a message,
and a register's own read back."""
import collections
import datetime

from cpcr_documents import CASH, DIRECTION, PLACEMENT, SELL, TICKET
from cpcr_wire import put, put_money, put_time


def figures(shift, documents, before):
    """All figures of a shift, each counted by itself, as {(name, key ..): number}. `before` is what
    the shifts before have left: cash, sums that are never set to zero, counts of all time."""
    out = collections.Counter()
    out["shift"] = shift
    tickets = [one for one in documents if one.kind == TICKET]
    placements = [one for one in documents if one.kind == PLACEMENT]
    for key, value in before.items():
        if key[0] == "non_nullable":
            out["start_non_nullable", key[1]] = value
        out[key] += value
    for one in tickets:
        op = one.operation
        for item in one.items:
            if item.type in (1, 2):
                for key in (("operations", op), ("sections", item.section, op), ("result", op)):
                    out[(*key, "count")] += item.type == 1
                    out[(*key, "sum")] += item.sign * item.sum
            else:
                name = "markups" if item.type in (3, 4) else "discounts"
                out[name, op, "count"] += item.type in (3, 5)
                out[name, op, "sum"] += item.sum if item.type in (3, 5) else -item.sum
                out["result", op, "sum"] += item.sign * item.sum
        for sign, total, _ in one.whole:
            name = "markups" if sign > 0 else "discounts"
            out[name, op, "count"] += 1
            out[name, op, "sum"] += total
            out["result", op, "sum"] += sign * total
            out["tickets", op, "markup" if sign > 0 else "discount"] += total
        if one.taxes:
            taxed = [(percent, one.total, tax) for percent, tax in one.taxes]
        else:
            taxed = [(percent, item.sign * item.sum, item.sign * tax)
                     for item in one.items for percent, tax in item.taxes]
            taxed += [(percent, sign * total, sign * tax)
                      for sign, total, taxes in one.whole for percent, tax in taxes]
        for percent, turnover, tax in taxed:
            out["taxes", percent, op, "turnover"] += turnover
            out["taxes", percent, op, "sum"] += tax
        out["tickets", op, "total_count"] += 1
        out["tickets", op, "count"] += 1
        out["tickets", op, "sum"] += one.total
        out["tickets", op, "offline"] += one.offline
        out["tickets", op, "change"] += one.change
        for kind, total in one.payments:
            out["payments", op, kind, "count"] += 1
            out["payments", op, kind, "sum"] += total
        out["non_nullable", op] += one.total
        out["cash",] += DIRECTION[op] * sum(total for kind, total in one.payments if kind == CASH)
        out["revenue",] += DIRECTION[op] * one.total
    for one in placements:
        out["placements", one.operation, "total_count"] += 1
        out["placements", one.operation, "count"] += 1
        out["placements", one.operation, "sum"] += one.sum
        out["placements", one.operation, "offline"] += one.offline
        out["cash",] += -one.sum if one.operation else one.sum
    return out


LASTING = {"non_nullable", "cash"}


def lasting(out):
    """What a shift leaves to the next one."""
    return {key: value for key, value in out.items()
            if isinstance(key, tuple) and (key[0] in LASTING or key[-1] == "total_count")}


# What may be made wrong: a name -> the key of a figure that every shift of chek-kkm has.
Z_FIELDS = {
    "shift_number": "shift",
    "sections": ("sections", "1", SELL, "sum"),
    "sections_count": ("sections", "1", SELL, "count"),
    "operations": ("operations", SELL, "sum"),
    "operations_count": ("operations", SELL, "count"),
    "discounts": ("discounts", SELL, "sum"),
    "discounts_count": ("discounts", SELL, "count"),
    "markups": ("markups", SELL, "sum"),
    "markups_count": ("markups", SELL, "count"),
    "total_result": ("result", SELL, "sum"),
    "total_result_count": ("result", SELL, "count"),
    "taxes_turnover": ("taxes", 12000, SELL, "turnover"),
    "taxes_sum": ("taxes", 12000, SELL, "sum"),
    "taxes_without": ("taxes", 12000, SELL, "without"),
    "start_non_nullable": ("start_non_nullable", SELL),
    "tickets_total_count": ("tickets", SELL, "total_count"),
    "tickets_count": ("tickets", SELL, "count"),
    "tickets_sum": ("tickets", SELL, "sum"),
    "payments": ("payments", SELL, CASH, "sum"),
    "payments_count": ("payments", SELL, CASH, "count"),
    "offline_count": ("tickets", SELL, "offline"),
    "discount_sum": ("tickets", SELL, "discount"),
    "markup_sum": ("tickets", SELL, "markup"),
    "change_sum": ("tickets", SELL, "change"),
    "placements_total_count": ("placements", 0, "total_count"),
    "placements_count": ("placements", 0, "count"),
    "placements": ("placements", 0, "sum"),
    "placements_offline": ("placements", 0, "offline"),
    "cash_sum": ("cash",),
    "revenue": ("revenue",),
    "non_nullable": ("non_nullable", SELL),
    "open_shift_time": "open",
    "close_shift_time": "close",
}


def put_tallies(number, out, *key):
    rows = [(op, out[(*key, op, "count")], out[(*key, op, "sum")]) for op in range(4)]
    return b"".join(put(number, put(1, op) + put(2, count) + put_money(3, total))
                    for op, count, total in rows if count or total)


def put_report(out, at, opened, closed, wrong=None):
    """A ZXReport. A row is there when something is in it."""
    late = collections.Counter()
    if wrong is not None:
        late[wrong] = 1
    out = collections.Counter(out)
    if wrong in out or isinstance(wrong, tuple):
        out[wrong] += 1
    data = put_time(1, at) + put(2, out["shift"])
    for section in sorted({key[1] for key in out if key[0] == "sections"}):
        data += put(3, put(1, section) + put_tallies(2, out, "sections", section))
    for number, name in ((4, "operations"), (5, "discounts"), (6, "markups"), (7, "result")):
        data += put_tallies(number, out, name)
    for percent in sorted({key[1] for key in out if key[0] == "taxes"}):
        rows = b""
        for op in range(4):
            turnover = out["taxes", percent, op, "turnover"]
            total = out["taxes", percent, op, "sum"]
            without = turnover - total + late["taxes", percent, op, "without"]
            if wrong in (("taxes", percent, op, "turnover"), ("taxes", percent, op, "sum")):
                without += -1 if wrong[-1] == "turnover" else 1
            if turnover:
                rows += put(3, put(1, op) + put_money(2, turnover) + put_money(3, total)
                            + put_money(4, without))
        data += put(8, put(1, 100) + put(2, percent) + rows)
    for number, name in ((9, "start_non_nullable"), (15, "non_nullable")):
        data += b"".join(put(number, put(1, op) + put_money(2, out[name, op]))
                         for op in range(4) if out[name, op])
    for op in range(4):
        row = {key[2]: value for key, value in out.items() if key[:2] == ("tickets", op)}
        payments = b""
        for kind in range(5):
            count, total = out["payments", op, kind, "count"], out["payments", op, kind, "sum"]
            if count or total:
                payments += put(5, put(1, kind) + put_money(2, total) + put(3, count))
        if any(row.values()):
            get = lambda name: row.get(name, 0)
            data += put(10, put(1, op) + put(2, get("total_count")) + put(3, get("count"))
                        + put_money(4, get("sum")) + payments + put(6, get("offline"))
                        + put_money(7, get("discount")) + put_money(8, get("markup"))
                        + put_money(9, get("change")))
    for op in range(2):
        row = [out["placements", op, name] for name in ("total_count", "count", "sum", "offline")]
        if any(row):
            data += put(11, put(1, op) + put(2, row[0]) + put(3, row[1]) + put_money(4, row[2])
                        + put(5, row[3]))
    second = datetime.timedelta(seconds=1)
    data += put_money(13, out["cash",])
    data += put(14, put_money(1, out["revenue",]) + put(2, out["revenue",] < 0))
    if opened:
        data += put_time(16, opened + second * late["open"])
    if closed:
        data += put_time(17, closed + second * late["close"])
    return data


def read_report(report):
    """A register's ZXReport as figures() has them, without rows of nothing."""
    out = collections.Counter()
    out["shift"] = report.number(2)
    names = {4: "operations", 5: "discounts", 6: "markups", 7: "result"}
    tallies = [((names[number],), row) for number in names for row in report.subs(number)]
    tallies += [(("sections", section.text(1)), row)
                for section in report.subs(3) for row in section.subs(2)]
    for key, row in tallies:
        out[(*key, row.number(1), "count")] = row.number(2)
        out[(*key, row.number(1), "sum")] = row.money(3)
    for tax in report.subs(8):
        for row in tax.subs(3):
            key = ("taxes", tax.number(2), row.number(1))
            out[(*key, "turnover")], out[(*key, "sum")] = row.money(2), row.money(3)
            out["without", *key] = row.money(4) - row.money(2) + row.money(3)
    for number, name in ((9, "start_non_nullable"), (15, "non_nullable")):
        for row in report.subs(number):
            out[name, row.number(1)] = row.money(2)
    for row in report.subs(10):
        op = row.number(1)
        for name, value in (("total_count", row.number(2)), ("count", row.number(3)),
                            ("sum", row.money(4)), ("offline", row.number(6)),
                            ("discount", row.money(7)), ("markup", row.money(8)),
                            ("change", row.money(9))):
            out["tickets", op, name] = value
        for payment in row.subs(5):
            key = ("payments", op, payment.number(1))
            out[(*key, "sum")], out[(*key, "count")] = payment.money(2), payment.number(3)
    for row in report.subs(11):
        for name, value in (("total_count", row.number(2)), ("count", row.number(3)),
                            ("sum", row.money(4)), ("offline", row.number(5))):
            out["placements", row.number(1), name] = value
    out["cash",] = report.money(13)
    revenue = report.sub(14)
    out["revenue",] = -revenue.money(1) if revenue.number(2) else revenue.money(1)
    return {key: value for key, value in out.items() if value}
