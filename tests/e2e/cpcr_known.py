# SPDX-License-Identifier: MIT
"""Who works at registers and what they sell, out of the CSV that chek takes, as a server tells it by hand."""
import csv

from cpcr_wire import put, put_money

OK, WRONG_PASSWORD = 0, 1
IS_ACTUAL, NO_VERSION, NOT_FOUND = 1, 2, 3
ROLES = {"paymaster": 1, "chief": 2, "administrator": 3}


def people_read(lines):
    """{(organisation, login): (password, answer)} of a list of operators."""
    people = {}
    for row in csv.DictReader(lines):
        answer = put(1, OK) + put(2, int(row["code"]))
        answer += put(3, row["name"]) if row["name"] else b""
        answer += put(4, [ROLES[role] for role in row["roles"].split("+") if role])
        people[row["org"], row["login"]] = row["password"], answer
    return people


def element(row):
    item = b"".join(put(number, row[name]) for number, name in ((1, "article"), (2, "barcode"))
                    if row[name])
    item += b"".join(put_money(number, int(row[name]))
                     for number, name in ((6, "purchase_price"), (7, "sell_price")) if row[name])
    for tax in row["taxes"].split():
        item += put(12, b"".join(put(number, int(value))
                                 for number, value in enumerate(tax.split("/"), 1)))
    item += b"".join(put(number, row[name]) for number, name in ((16, "measure_unit"), (17, "ntin"))
                     if row[name])
    item += put(18, 1) if row["marked"] else b""
    out = put(1, int(row["kind"] == "item")) + put(3, row["title"])
    out += put(4, int(row["parent"])) if row["parent"] else b""
    out += put(5, int(row["id"]))
    out += put(6, item) if row["kind"] == "item" else b""
    return out + (put(7, row["title_kk"]) if row["title_kk"] else b"")


class Goods:
    """One list, with a version that nobody would guess."""
    VERSION = 41

    def __init__(self, lines):
        self.elements = [(row["barcode"], element(row)) for row in csv.DictReader(lines)]

    def answer(self, version, barcode, modes):
        if not self.elements:
            return put(1, 0) + put(4, NO_VERSION)
        told = self.VERSION + ("list_version" in modes and version != 0)
        if barcode is None and version == self.VERSION and "list_again" not in modes:
            return put(1, told) + put(4, IS_ACTUAL)
        found = [one for code, one in self.elements if barcode is None or code == barcode]
        if "list_short" in modes and barcode is None:
            found = found[:-1]
        if "list_more" in modes and barcode is not None:
            found = found + [self.elements[0][1]]
        if "list_price" in modes:
            found = [one.replace(b"4870000000", b"4870000001") for one in found]
        return put(1, told) + b"".join(put(3, one) for one in found) + put(
            4, OK if found else NOT_FOUND)
