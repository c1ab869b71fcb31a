# SPDX-License-Identifier: MIT
"""What a principal is answered is what the administrator is, filtered by the principal's scope.

    test_scopes.py BIN_FOLDER [SEED [ROUNDS]]

Random registers, documents, principals and questions (scope_world.py). The model says which
registers a principal sees; the administrator is asked about these by id, and about registers that
do not exist in the place of all others. Both answers must be the same to the byte of a text: lists,
sums, counts, errors with field, index and text. After each round registers have moved to other
points and have sold more.
"""
import random
import sys

from plain_client import DEFINITION, Client, Refused, encode
from scope_world import (DAY_S, KINDS, NOBODY, NOT_A_KEY, ORGANISATIONS, POINTS, TIME, VALUES,
                         World, candidates_text, sums_group)
from server import Failure, Server

SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 3
QUESTIONS = 16  # of a principal in a round


def outcome(client, name, fields):
    """Return what a request is answered: the parts of a stream put together, or the refusal."""
    try:
        if not DEFINITION.opcodes[name].streams:
            return client.call(name, **fields)
        whole = {}
        for part in client.stream(name, **fields):
            for field, value in part.items():
                whole[field] = whole.get(field, []) + value if isinstance(value, list) else value
        return whole
    except Refused as refused:
        return refused.name, refused.field, refused.index, refused.at, refused.text


class Asker:
    def __init__(self, world, admin):
        self.world, self.admin, self.chance = world, admin, world.chance
        self.counts = {}

    # ---- what is asked ------------------------------------------------------------------------

    def register(self, principal):
        """Any register, more often one that is seen."""
        seen = self.world.seen(principal)
        return self.chance.choice(seen if seen and self.chance.random() < 0.6
                                  else self.world.registers)

    def target(self, register):
        """A register by its id or a key of it, or what there is not."""
        chance = self.chance
        if chance.random() < 0.5:
            return {"registration": chance.choices([register.registration, NOBODY], [20, 1])[0]}
        kind, value = chance.choice(register.keys)
        number = chance.choices([KINDS.index(kind) + 1, chance.randint(1, len(KINDS)), 77, 0],
                                [12, 1, 1, 6])[0]
        return {"key": chance.choices([value, NOT_A_KEY], [20, 1])[0], "kind": number}

    def any(self, principal):
        return self.target(self.register(principal))

    def bounds(self, *names):
        chance, days = self.chance, [self.chance.randint(0, 5 * DAY_S) for _ in range(2)]
        bounds = {"from": TIME + min(days), "to": TIME + max(days), "shift_from": 1, "shift_to": 2,
                  "count_max": 5, "after": 2}
        return {name: bounds[name] for name in names if chance.random() < 0.3}

    def expected_of(self, principal, target, field, ask):
        """Return what a question about one target must be answered; `ask` asks the administrator
        with another target in its place."""
        found = self.world.find(principal, target)
        if len(found) > 1:
            return "AMBIGUOUS", field, 0, 0, candidates_text(found)
        if found:
            return ask({"registration": found[0].registration})
        return ask({"registration": NOBODY} if target.get("registration")
                   else dict(target, key=NOT_A_KEY))

    def about_one(self, principal, name, fields):
        """A question with a target."""
        return outcome(principal.client, name, fields), self.expected_of(
            principal, fields["target"], name + ".target",
            lambda target: outcome(self.admin, name, dict(fields, target=target)))

    def ask_report(self, principal):
        fields = {"shift": self.chance.randint(0, 3), "closed": self.chance.random() < 0.3,
                  "revision": self.chance.choice([0, 0, 1, 2])}
        return self.about_one(principal, "ask_report", {"target": self.any(principal), **fields})

    def ask_shifts(self, principal):
        fields = self.bounds("from", "to", "shift_from", "shift_to")
        return self.about_one(principal, "ask_shifts", {"target": self.any(principal), **fields})

    def ask_receipts(self, principal):
        fields = self.bounds("from", "to", "shift_from", "shift_to", "count_max", "after")
        return self.about_one(principal, "ask_receipts", {"target": self.any(principal), **fields})

    def ask_receipt(self, principal):
        register = self.register(principal)
        receipts = [one["receipt"] for one in register.documents if "receipt" in one]
        receipt = (self.chance.choice(receipts) if receipts
                   else {"document": 1, "sign": 1, "time": TIME, "total": 1})
        names = self.chance.choice([["document"], ["sign"], ["document", "sign"],
                                    ["sign", "day"], ["document", "total"]])
        known = {"document": receipt["document"], "sign": receipt["sign"], "day": receipt["time"],
                 "total": receipt["total"]}
        fields = {name: known[name] for name in names}
        return self.about_one(principal, "ask_receipt", {"target": self.target(register), **fields})

    def ask_receipt_by_paper(self, principal):
        """By the number of a fiscal drive, or a QR code of either country."""
        register = self.register(principal)
        receipt = next((d["receipt"] for d in register.documents if "receipt" in d), None)
        kind = self.chance.choice(["registration_number", "fiscal_drive"])
        values = [value for of, value in register.keys if of == kind and value.isdigit()]
        if receipt is None or not values:
            return self.ask_receipt(principal)
        target = {"key": values[0], "kind": KINDS.index(kind) + 1}
        total = self.chance.choice([receipt["total"], receipt["total"] + 1])
        checked = {"sign": receipt["sign"], "total": total}
        checked |= ({"document": receipt["document"]} if kind == "fiscal_drive"
                    else {"day": receipt["time"]})

        def paper(value):
            if kind == "fiscal_drive" and total == receipt["total"]:
                return {"fiscal_drive": value, **checked}
            total_text = f"{total // 100}.{total % 100:02}"
            return {"qr": f"fn={value}&i={receipt['document']}&fp={receipt['sign']}&s={total_text}"
                    if kind == "fiscal_drive" else
                    f"https://x/?f={value}&i={receipt['sign']}&s={total_text}"}

        def ask(instead):
            if "registration" in instead:
                return outcome(self.admin, "ask_receipt", {"target": instead, **checked})
            return outcome(self.admin, "ask_receipt", paper(NOT_A_KEY))

        if kind != "fiscal_drive":
            del checked["day"]  # the code has no time, so the whole history is searched
        field = "ask_receipt." + ("qr" if "qr" in paper("") else "fiscal_drive")
        return (outcome(principal.client, "ask_receipt", paper(values[0])),
                self.expected_of(principal, target, field, ask))

    def ask_registers(self, principal):
        chance, fields = self.chance, {}
        for name, values in (("organisation", ORGANISATIONS), ("point", POINTS), ("key", VALUES)):
            if chance.random() < 0.3:
                fields[name] = chance.choice(values)
        if chance.random() < 0.3:
            fields["registration"] = self.register(principal).registration
        want = [row for row in outcome(self.admin, "ask_registers", {})["registers"]
                for register in self.world.seen(principal)
                if row.registration == register.registration and self.fits(register, fields)]
        return outcome(principal.client, "ask_registers", fields).get("registers", []), want

    @staticmethod
    def fits(register, fields):
        return (fields.get("organisation", "") in ("", register.organisation) and
                fields.get("point", "") in ("", register.point) and
                ("key" not in fields or register.has(fields["key"])) and
                fields.get("registration", 0) in (0, register.registration))

    def ask_sums(self, principal):
        chance = self.chance
        fields = {"by": chance.choice(["register", "point", "organisation"]),
                  "step": chance.choice(["all", "day", "hour"]), **self.bounds("from", "to")}
        if fields["step"] != "all" and chance.random() < 0.9:
            fields |= {"from": TIME, "to": TIME + chance.randint(0, 9 * DAY_S)}
        picked = {name: chance.choice(values) for name, values in
                  (("organisation", ORGANISATIONS), ("point", POINTS)) if chance.random() < 0.2}
        targets = [self.any(principal) for _ in range(chance.choice([0, 0, 1, 3]))]
        got = outcome(principal.client, "ask_sums", {**fields, **picked, "targets": targets})
        want = self.sums_expected(principal, fields, picked, targets)
        if isinstance(got, dict):
            got = sums_group(got.get("rows", []), fields["by"])
        return got, want

    def sums_expected(self, principal, fields, picked, targets):
        meant = []
        for index, target in enumerate(targets):
            found = self.world.find(principal, target)
            if len(found) > 1:
                return "AMBIGUOUS", "ask_sums.targets", index, 0, candidates_text(found)
            if not found:
                name, field, _, at, text = outcome(self.admin, "ask_sums",
                                                   {"targets": [{"registration": NOBODY}]})
                return name, field, index, at, text
            meant += found
        base = outcome(self.admin, "ask_sums", dict(fields, by="register"))
        if not isinstance(base, dict):
            return base
        wanted = {one.registration for one in (meant if targets else self.world.seen(principal))
                  if self.fits(one, picked)}
        groups = sums_group([row for row in base.get("rows", []) if row.registration in wanted],
                            fields["by"])
        if groups is None:
            return "CURRENCY", "ask_sums.by", 0, 0, "the currency is not the register's"
        return groups

    def ask_gaps(self, principal):
        """Of one register, or of all that fit: the administrator's, less what is not seen."""
        if self.chance.random() < 0.4:
            return self.about_one(principal, "ask_gaps", {"target": self.any(principal)})
        fields = {name: self.chance.choice(values) for name, values in
                  (("organisation", ORGANISATIONS), ("point", POINTS))
                  if self.chance.random() < 0.4}
        seen = {one.registration for one in self.world.seen(principal) if self.fits(one, fields)}
        want = [row for row in outcome(self.admin, "ask_gaps", {}).get("gaps", [])
                if row.registration in seen]
        return outcome(principal.client, "ask_gaps", fields).get("gaps", []), want

    def ask_warnings(self, principal):
        """How many documents are marked, or which: the administrator's, less what is not seen."""
        fields = {"documents": True} if self.chance.random() < 0.5 else {}
        if self.chance.random() < 0.3:
            fields["warnings"] = 1 << self.chance.randint(0, 10)
        if self.chance.random() < 0.4:
            return self.about_one(principal, "ask_warnings",
                                  {"target": self.any(principal), **fields})
        narrow = {name: self.chance.choice(values) for name, values in
                  (("organisation", ORGANISATIONS), ("point", POINTS))
                  if self.chance.random() < 0.4}
        seen = {one.registration for one in self.world.seen(principal) if self.fits(one, narrow)}
        name = "documents" if fields.get("documents") else "registers"
        want = [row for row in outcome(self.admin, "ask_warnings", fields).get(name, [])
                if row.registration in seen]
        return outcome(principal.client, "ask_warnings", {**fields, **narrow}).get(name, []), want

    def ask_marked(self, principal):
        """Receipts by marking code: the administrator's, less what is not seen."""
        fields = {"codes": [code.encode() for code in self.chance.sample(VALUES, 2)]}
        if self.chance.random() < 0.3:
            return self.about_one(principal, "ask_marked",
                                  {"target": self.any(principal), **fields})
        narrow = {name: self.chance.choice(values) for name, values in
                  (("organisation", ORGANISATIONS), ("point", POINTS))
                  if self.chance.random() < 0.4}
        seen = {one.registration for one in self.world.seen(principal) if self.fits(one, narrow)}
        want = [row for row in outcome(self.admin, "ask_marked", fields).get("receipts", [])
                if row.stored.registration in seen]
        fields.update(narrow)
        if self.chance.random() < 0.5:
            fields["count_max"] = self.chance.randint(1, 9)
            want = want[:fields["count_max"]]
        return outcome(principal.client, "ask_marked", fields).get("receipts", []), want

    def ask_sold_again(self, principal):
        """Sales of goods that were sold: the administrator's, less what is not seen of either."""
        narrow = {name: self.chance.choice(values) for name, values in
                  (("organisation", ORGANISATIONS), ("point", POINTS))
                  if self.chance.random() < 0.4}
        seen = {one.registration for one in self.world.seen(principal)}
        fits = {one.registration for one in self.world.seen(principal) if self.fits(one, narrow)}

        def rows(client, fields):
            return [(row.stored.registration, row.stored.ordinal, row.code,
                     (row.get("before_registration", 0), row.get("before_ordinal", 0)))
                    for row in outcome(client, "ask_sold_again", fields).get("receipts", [])]

        return rows(principal.client, narrow), [
            (*row[:3], row[3] if row[3][0] in seen else (0, 0))
            for row in rows(self.admin, {}) if row[0] in fits]

    def ask_events(self, principal):
        fields = {}
        if self.chance.random() < 0.3:
            fields["partition"] = 1 + self.chance.randint(0, 9)
        if self.chance.random() < 0.5:
            parts = list(self.admin.stream("ask_events"))
            fields["cursor"] = self.chance.choice(parts).cursor
        got = outcome(principal.client, "ask_events", fields)
        want = outcome(self.admin, "ask_events", fields)
        seen = {0} | {one.registration for one in self.world.seen(principal)}
        return ([(e.partition, e.seq, e.event) for e in got.get("events", [])], got["cursor"]), (
            [(e.partition, e.seq, e.event) for e in want.get("events", [])
             if e.event.registration in seen], want["cursor"])

    def feed(self, principal):
        """Documents that are there already: fed again, what is seen is a duplicate for both."""
        documents = []
        for _ in range(8):
            made = self.register(principal).documents
            documents += [self.chance.choice(made)] if made else []
        seen = {one.registration for one in self.world.seen(principal)}
        instead = [document if document["registration"] in seen
                   else dict(document, registration=NOBODY) for document in documents]
        return (outcome(principal.client, "feed", {"documents": encoded(documents)}),
                outcome(self.admin, "feed", {"documents": encoded(instead)}))

    # ---- and whether the answer is right -------------------------------------------------------

    QUESTIONS = {"ask_report": 3, "ask_shifts": 2, "ask_receipts": 3, "ask_receipt": 3,
                 "ask_receipt_by_paper": 3, "ask_registers": 2, "ask_sums": 5, "ask_events": 1,
                 "ask_gaps": 3, "ask_warnings": 3, "ask_marked": 3, "ask_sold_again": 2,
                 "feed": 1}

    def check(self, principal):
        name = self.chance.choices(list(self.QUESTIONS), list(self.QUESTIONS.values()))[0]
        right = 2 if name == "feed" else 1
        if not principal.rights & right:
            opcode = "feed" if name == "feed" else "ask_registers"
            got = outcome(principal.client, opcode, {"documents": []} if name == "feed" else {})
            want = ("PERMISSION", "", 0, 0, "the principal has no right to do this")
        else:
            got, want = getattr(self, name)(principal)
        if got != want:
            raise Failure(f"seed {SEED}: {name} of {principal.name}, scope {principal.scope}\n"
                          f"  got  {got}\n  want {want}")
        kind = got[0] if isinstance(got, tuple) and isinstance(got[0], str) else "answered"
        self.counts[name, kind] = self.counts.get((name, kind), 0) + 1


def encoded(documents):
    return [encode("document", document) for document in documents]


def claim(world, admin):
    rows = admin.call("claim", registers=[one.profile() for one in world.registers]).registers
    for register, row in zip(world.registers, rows):
        register.registration = row.registration
    if len({row.registration for row in rows}) != len(rows):
        raise Failure(f"seed {SEED}: registers are not told apart")


def grow(world, admin):
    """Let registers sell; each document must be stored."""
    for register in world.registers:
        results = admin.feed(world.documents(register))
        if any(result.status != "stored" for result in results):
            raise Failure(f"seed {SEED}: not stored: {results}")


def move(world, admin):
    """Let some registers change their point, and with it who sees all that they ever sold."""
    for register in world.chance.sample(world.registers, 8):
        register.point = world.chance.choice([point for point in POINTS if point])
    claim(world, admin)


def main():
    print(f"seed {SEED}")
    world = World(random.Random(SEED))
    with Server(sys.argv[1], ["--shards", "2", "--partitions", "3"]) as server:
        token = server.token_file.read_text(encoding="ascii").strip()
        with Client(server.address, token) as admin:
            claim(world, admin)
            for principal in world.principals:
                added = admin.call("token_add", name=principal.name, rights=principal.rights,
                                   scope=principal.scope)
                principal.client = Client(server.address, added.token)
            asker = Asker(world, admin)
            for _ in range(ROUNDS):
                grow(world, admin)
                for principal in world.principals:
                    for _ in range(QUESTIONS):
                        asker.check(principal)
                move(world, admin)
            for (name, kind), count in sorted(asker.counts.items()):
                print(f"{name:22} {kind:14} {count}")


if __name__ == "__main__":
    main()
