# SPDX-License-Identifier: MIT
"""Documents of CPCR as a server reads and checks them: a ticket, a cash movement, a close."""
import collections

from cpcr_wire import Refusal

TICKET, CLOSE_SHIFT, PLACEMENT = 1, 2, 6
BUY, BUY_RETURN, SELL, SELL_RETURN = range(4)
CASH = 0
DIRECTION = {BUY: -1, BUY_RETURN: 1, SELL: 1, SELL_RETURN: -1}


def taxes_of(message, number):
    """(percent, sum) of a list of taxes; one entry a percent."""
    taxes = [(tax.number(3), tax.money(4)) for tax in message.subs(number)]
    for tax in message.subs(number):
        if tax.number(1) != 100 or not tax.number(5):
            raise Refusal(13, "a tax that is not VAT, or is not in the sum")
    if len(dict(taxes)) != len(taxes):
        raise Refusal(13, "two taxes of one percent")
    return taxes


# Item type -> (field of the item, its part's fields of section, sum, taxes, unit; sign in the goods)
ITEMS = {1: (2, 3, 6, 7, 13, 1), 2: (3, 2, 5, 6, 12, -1),
         3: (4, None, 2, 3, None, 1), 4: (5, None, 2, 3, None, -1),
         5: (6, None, 2, 3, None, -1), 6: (7, None, 2, 3, None, 1)}

Item = collections.namedtuple("Item", "type section sum sign taxes")


def read_item(item, version):
    kind = item.number(1)
    if kind not in ITEMS:
        raise Refusal(3, "an item of no known type")
    field, section, total, taxes, unit, sign = ITEMS[kind]
    part = item.sub(field)
    if section is None:
        if not part.has(1):
            raise Refusal(15, "a modifier without a name")
        return Item(kind, None, part.money(total), sign, taxes_of(part, taxes))
    if not part.has(unit):
        raise Refusal(15, "no measure unit")
    price, quantity = part.money(total - 1), part.number(total - 2)
    if (2 * price * quantity + 1000) // 2000 != part.money(total):
        raise Refusal(13, "price times quantity is not the sum")
    return Item(kind, part.text(section), part.money(total), sign, taxes_of(part, taxes))


class Ticket:
    def __init__(self, message, version):
        amounts = message.sub(8)
        self.kind = TICKET
        self.operation = message.number(1)
        self.time = message.time(2)
        self.offline = message.has(10)
        self.shift = message.number_or(14)
        self.items = [read_item(item, version) for item in message.subs(5)]
        self.payments = [(one.number(1), one.money(2)) for one in message.subs(6)]
        self.taxes = taxes_of(message, 7)
        self.total = amounts.money(1)
        self.change = amounts.money_or(3)
        # (sign in the goods, sum, taxes) of the markup and the discount of the whole ticket
        self.whole = [(sign, amounts.sub(field).money(2), taxes_of(amounts.sub(field), 3))
                      for field, sign in ((4, 1), (5, -1)) if amounts.has(field)]
        self.check(message, amounts, version)

    def check(self, message, amounts, version):
        wrong = None
        cash = [total for kind, total in self.payments if kind == CASH]
        goods = sum(item.sign * item.sum for item in self.items)
        goods += sum(sign * total for sign, total, _ in self.whole)
        item_taxes = any(item.taxes for item in self.items) or any(one[2] for one in self.whole)
        if not self.items or self.total <= 0:
            wrong = "no items or no total"
        elif sum(total for _, total in self.payments) != self.total:
            wrong = "payments are not the total"
        elif len(dict(self.payments)) != len(self.payments):
            wrong = "two payments of one type"
        elif len(self.whole) == 2:
            wrong = "a markup and a discount on one ticket"
        elif self.taxes and item_taxes:
            wrong = "taxes on the ticket and on its items"
        elif goods != self.total:
            wrong = f"the goods are worth {goods}, not {self.total}"
        elif cash and not (amounts.has(2) and amounts.has(3)):
            wrong = "cash without what was taken and the change"
        elif amounts.has(2) and amounts.money(2) - self.change != self.total:
            wrong = "taken without the change is not the total"
        if wrong:
            raise Refusal(13, wrong)
        if version >= 203:
            if not message.has(4) or not message.sub(4).has(1):
                raise Refusal(15, "no domain")
            if self.operation in (BUY_RETURN, SELL_RETURN):
                parent = message.sub(17)
                parent.text(1), parent.time(2), parent.text(3), parent.number(5)
                if parent.money(4) < self.total:
                    raise Refusal(13, "more is returned than was sold")


class Placement:
    def __init__(self, message):
        self.kind = PLACEMENT
        self.time = message.time(1)
        self.operation = message.number(2)
        self.sum = message.money(3)
        self.offline = bool(message.number_or(4))
        self.shift = message.number_or(5)
        if not message.sub(7).has(1):
            raise Refusal(15, "no operator")


class Close:
    def __init__(self, message):
        self.kind = CLOSE_SHIFT
        self.time = message.time(1)
        self.offline = bool(message.number_or(2))
        self.shift = message.number_or(3)
        self.withdraws = bool(message.number_or(4))
        self.report = message.sub(5) if message.has(5) else None
        if not message.sub(6).has(1):
            raise Refusal(15, "no operator")
