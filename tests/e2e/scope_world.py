# SPDX-License-Identifier: MIT
"""Organisations, points, registers and documents by chance, and a naive model of who sees which.

The names overlap on purpose: points are called the same in several organisations, the name of one
organisation begins another's, a key of one register is a key of another kind or under another
organisation, and a point is called like an organisation. A scope that is compared in a wrong way is
then wrong for somebody.
"""
DAY_S = 86400
TIME = 1_767_225_600  # 2026-01-01T00:00:00
ORGANISATIONS = ["1", "10", "100", "p1", "010"]
POINTS = ["", "p", "p1", "p10", "10"]
CURRENCIES = [398, 398, 398, 643]
KINDS = ["registration_number", "factory_number", "fiscal_drive", "device", "name"]
VALUES = ["1", "10", "100", "1001", "p1", "77", "7", "777"]
NOBODY = 4_000_000_000
NOT_A_KEY = "99999999"
OPERATIONS = ["sell", "sell_return", "buy", "buy_return"]
CANDIDATES = 5  # registers that a refusal AMBIGUOUS names


class Register:
    def __init__(self, chance, organisation, keys):
        self.organisation, self.keys = organisation, keys
        self.point = chance.choice(POINTS)
        self.currency = chance.choice(CURRENCIES)
        self.registration, self.documents, self.shift, self.time = 0, [], 1, TIME
        self.number = 0  # of the last document

    def profile(self):
        return {"keys": [{"kind": kind, "value": value} for kind, value in self.keys],
                "organisation": self.organisation, "point": self.point, "currency": self.currency}

    def has(self, value, kind=None):
        return any(value == mine and kind in (None, of) for of, mine in self.keys)


class Principal:
    """Who asks; `scope` are three lists, and an empty one asks for nothing."""

    def __init__(self, name, rights, scope):
        self.name, self.rights, self.scope, self.client = name, rights, scope, None

    def sees(self, register):
        return ((not self.scope["organisations"] or
                 register.organisation in self.scope["organisations"]) and
                (not self.scope["points"] or register.point in self.scope["points"]) and
                (not self.scope["registers"] or
                 any(value in self.scope["registers"] for _, value in register.keys)))


class World:
    def __init__(self, chance, register_count=30, principal_count=24):
        self.chance, self.registers, taken = chance, [], set()
        while len(self.registers) < register_count:
            organisation = chance.choice(ORGANISATIONS)
            keys = sorted({(chance.choice(KINDS), chance.choice(VALUES))
                           for _ in range(chance.randint(1, 3))})
            drives = [key for key in keys if key[0] == "fiscal_drive"]
            if len(drives) > 1 or any((organisation, *key) in taken for key in keys):
                continue  # it would be another's, or a register of two drives
            taken.update((organisation, *key) for key in keys)
            self.registers.append(Register(chance, organisation, keys))
        self.principals = [self.principal(i) for i in range(principal_count)]

    def principal(self, index):
        chance = self.chance

        def some(names):
            return chance.sample(names, chance.randint(1, 3)) if chance.random() < 0.5 else []

        rights = chance.choices([3, 1, 2, 0], [12, 3, 1, 1])[0]
        return Principal(f"principal {index}", rights,
                         {"organisations": some(ORGANISATIONS + ["nobody"]),
                          "points": some(POINTS + ["nowhere"]), "registers": some(VALUES)})

    def documents(self, register):
        """Make more documents of a register, as its profile is now; returns the new ones."""
        chance = self.chance
        number, made = register.number, []
        for _ in range(chance.randint(0, 16)):
            number += chance.choice([1, 1, 1, 1, 3])  # some were never sent
            register.time += chance.randint(1, 3 * 3600)
            body = {"time": register.time, "shift": register.shift, "document": number}
            if chance.random() < 0.15:
                made.append({"close": body})
                register.shift += 1
            elif chance.random() < 0.15:
                direction = chance.choice(["deposit", "withdrawal"])
                body |= {"direction": direction, "sum": chance.randint(1, 99)}
                made.append({"movement": body})
            else:
                if chance.random() < 0.1:
                    body["shift"] = chance.randint(1, register.shift)  # perhaps late
                made.append({"receipt": self.receipt(body)})
        for document in made:
            document["registration"] = register.registration
        register.documents, register.number = register.documents + made, number
        return made

    def receipt(self, body):
        chance = self.chance
        total = chance.randint(1, 10 ** 6)
        cash = chance.randint(0, total)
        payments = [{"kind": kind, "sum": money} for kind, money in
                    (("cash", cash), (chance.choice(["card", "mobile", "tare"]), total - cash))
                    if money]
        lines = [{"name": "x", "section": chance.choice(POINTS), "sum": total,
                  "taxes": [{"kind": "vat", "rate": 12000, "sum": total * 12 // 112}]}]
        if chance.random() < 0.4:
            lines[0]["markings"] = [code.encode() for code in chance.sample(VALUES, 2)]
        return dict(body, operation=chance.choice(OPERATIONS), total=total, payments=payments,
                    sign=chance.randint(1, 10 ** 6), operator=chance.choice(POINTS),
                    lines=lines if chance.random() < 0.7 else [])

    def seen(self, principal):
        return [register for register in self.registers if principal.sees(register)]

    def find(self, principal, target):
        """Return the registers that a target means for a principal, the newest first."""
        registers = sorted(self.seen(principal), key=lambda one: -one.registration)
        if target.get("registration"):
            return [one for one in registers if one.registration == target["registration"]]
        number = target.get("kind", 0)
        if number > len(KINDS):
            return []
        kind = KINDS[number - 1] if number else None
        return [one for one in registers if one.has(target.get("key", ""), kind)]


def candidates_text(registers):
    return (f"fits {len(registers)} registers; ask by id:" + "".join(
        f" {one.registration} (organisation {one.organisation})" for one in registers[:CANDIDATES]))


NUMBERS = ("tickets", "positions", "gross", "net", "cash", "card", "mobile", "other", "tax")


def sums_group(rows, by):
    """
    Add up rows by register to rows by point or organisation. Returns {what the row is of: sums}, or
    None when a row would be of two currencies.
    """
    groups, currencies = {}, {}
    for row in rows:
        key = (row.registration if by == "register" else 0, row.organisation,
               row.point if by != "organisation" else "", row.time, row.operation)
        if currencies.setdefault(key, row.currency) != row.currency:
            return None
        sums = groups.setdefault((*key, row.currency), [0] * len(NUMBERS))
        for i, name in enumerate(NUMBERS):
            sums[i] += getattr(row, name)
    return groups
