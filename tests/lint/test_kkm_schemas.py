# SPDX-License-Identifier: MIT
"""Two schemas of one protocol say the same where both speak: test_kkm_schemas.py ROOT [-v]

`ingest/cpcr/kkm.proto` is what the server reads and answers, `tools/kkm/register.proto` what the
register simulator does, and each was written from the description of the protocol apart from the
other. From Request and Response on both are walked side by side: fields meet by number, messages by
the fields that they are the types of. Names of messages and enums are each schema's own.

Two differences are everywhere and on purpose, and are no findings: in the server's schema every field
is optional, and every text is `bytes`. Every other one is told, and has to stand in KNOWN. What only
the server's schema has is told with -v: it is a superset. What only the register's has is a finding.
"""
import pathlib
import re
import sys

# (path of the register's field or value, what differs): why it may
KNOWN = {
    ("Request.command", "CommandTypeEnum and uint32"):
        "a number that is no command is answered with 4, not lost as an unknown value of an enum",
    ("Response.command", "CommandTypeEnum and uint32"):
        "the answer repeats what came, also 127 and numbers that are no command",
    ("Request.ticket.payments.card_payment_fields.pos_receipt_number", "uint32 and uint64"):
        "uint32 in 203, which registers play; uint64 in 204, which the server reads too",
    ("Request.service.reg_info.org.address_kz", "only the register has number 6"):
        "a number in 202, a text since 203: the server reads it from the unknown fields (R13)",
}

TOKEN = re.compile(r'"[^"]*"|[A-Za-z_][A-Za-z0-9_.]*|\d+|[{}=;\[\],]')
SCALARS = {"uint32", "uint64", "int32", "int64", "bool", "string", "bytes"}


class Schema:
    """Messages {name: {number: (label, type, name)}} and enums {name: {number: name}}."""

    def __init__(self, text):
        self.messages, self.enums = {}, {}
        text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)
        self.tokens = TOKEN.findall(text)
        self.at = 0
        while self.at < len(self.tokens):
            word = self.next()
            if word in ("syntax", "package", "option"):
                self.skip()
            elif not self.definition(word, ""):
                raise SyntaxError(f"what is {word}?")

    def next(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def want(self, token):
        got = self.next()
        if got != token:
            raise SyntaxError(f"{got}, not {token}, behind {self.tokens[self.at - 6:self.at]}")

    def skip(self):
        while self.next() != ";":
            pass

    def definition(self, word, scope):
        if word == "message":
            self.message(scope)
        elif word == "enum":
            self.enum(scope)
        else:
            return False
        return True

    def enum(self, scope):
        values = self.enums.setdefault(scope + self.next(), {})
        self.want("{")
        while (name := self.next()) != "}":
            self.want("=")
            values[int(self.next())] = name
            self.want(";")

    def message(self, scope):
        name = scope + self.next()
        fields = self.messages.setdefault(name, {})
        self.want("{")
        while (word := self.next()) != "}":
            if self.definition(word, name + "."):
                continue
            if word not in ("optional", "required", "repeated"):
                raise SyntaxError(f"{name}: what is {word}?")
            kind, field = self.next(), self.next()
            self.want("=")
            number = int(self.next())
            if self.tokens[self.at] == "[":
                while self.next() != "]":
                    pass
            self.want(";")
            if number in fields:
                raise SyntaxError(f"{name} has {number} twice")
            fields[number] = (word, kind, field)

    def resolve(self, kind, scope):
        """The full name of a type that is named inside a message."""
        while True:
            name = f"{scope}.{kind}" if scope else kind
            if name in self.messages or name in self.enums:
                return name
            if not scope:
                raise SyntaxError(f"there is no {kind}")
            scope = scope.rpartition(".")[0]

    def sort(self, kind, scope):
        """("scalar", its type), ("enum", name) or ("message", name)."""
        if kind in SCALARS:
            return "scalar", "bytes" if kind == "string" else kind
        name = self.resolve(kind, scope)
        return ("message" if name in self.messages else "enum"), name


def bare(values):
    """Names of an enum without the words that all of them begin with."""
    split = {number: name.split("_") for number, name in values.items()}
    while len(split) > 1 and len({words[0] for words in split.values()}) == 1 and all(
            len(words) > 1 for words in split.values()):
        split = {number: words[1:] for number, words in split.items()}
    return {number: words for number, words in split.items()}


class Walk:
    def __init__(self, register, server):
        self.register, self.server = register, server
        self.found, self.only_server, self.met = {}, [], set()
        self.field_count = self.value_count = 0

    def differ(self, path, what):
        self.found[path, what] = f"{path}: {what}"

    def enums(self, path, mine, theirs):
        mine, theirs = self.register.enums[mine], self.server.enums[theirs]
        for number, name in mine.items():
            self.value_count += 1
            if number not in theirs:
                self.differ(f"{path}={number}", f"only the register knows {name}")
                continue
            # One has perhaps one word more in front, when its enum has fewer values.
            a, b = bare(mine)[number], bare(theirs)[number]
            if a[-min(len(a), len(b)):] != b[-min(len(a), len(b)):]:
                self.differ(f"{path}={number}", f"{name} and {theirs[number]}")
        self.only_server += [f"{path}={number} {theirs[number]}" for number in theirs
                             if number not in mine]

    def fields(self, path, mine, theirs):
        label, kind, name = mine[1]
        label_theirs, kind_theirs, name_theirs = theirs[1]
        self.field_count += 1
        if name != name_theirs:
            self.differ(path, f"named {name} and {name_theirs}")
        if (label == "repeated") != (label_theirs == "repeated"):
            self.differ(path, f"{label} and {label_theirs}")
        if label_theirs == "required":
            self.differ(path, "the server's is required")
        sort, what = self.register.sort(kind, mine[0])
        sort_theirs, what_theirs = self.server.sort(kind_theirs, theirs[0])
        if sort != sort_theirs or (sort == "scalar" and what != what_theirs):
            self.differ(path, f"{kind} and {kind_theirs}")
        elif sort == "enum":
            self.enums(path, what, what_theirs)
        elif sort == "message":
            self.messages(path, what, what_theirs)

    def messages(self, path, mine, theirs):
        if (mine, theirs) in self.met:
            return
        self.met.add((mine, theirs))
        ours, others = self.register.messages[mine], self.server.messages[theirs]
        for number, field in ours.items():
            where = f"{path}.{field[2]}"
            if number in others:
                self.fields(where, (mine, field), (theirs, others[number]))
            else:
                self.differ(where, f"only the register has number {number}")
        self.only_server += [f"{path}.{others[number][2]}" for number in others
                             if number not in ours]


def selftest():
    """Each kind of difference is seen."""
    server = Schema("enum E { A_X = 0; A_Y = 1; } message Request { optional M m = 1; optional E e "
                    "= 2; repeated bytes t = 3; } message M { optional uint32 n = 1; }")
    for text, what in (
            ("optional uint32 n = 2;", "only the register has number 2"),
            ("optional uint64 n = 1;", "uint64 and uint32"),
            ("required uint32 o = 1;", "named o and n"),
            ("repeated uint32 n = 1;", "repeated and optional"),
            ("required uint32 n = 1;", None)):
        for enum, what_enum in (("A_X = 0; A_Z = 1;", "A_Z and A_Y"),
                                ("A_X = 0; A_Y = 3;", "only the register knows A_Y"),
                                ("A_X = 0;", None)):
            walk = Walk(Schema(f"message Request {{ message I {{ {text} }} enum E {{ {enum} }} "
                               "required I m = 1; optional E e = 2; repeated string t = 3; }"),
                        server)
            walk.messages("Request", "Request", "Request")
            found = {key[1] for key in walk.found}
            if found != {what, what_enum} - {None}:
                raise AssertionError(f"{text} {enum}: {found}")


def main(root, is_verbose):
    selftest()
    walk = Walk(Schema((root / "tools/kkm/register.proto").read_text(encoding="utf-8")),
                Schema((root / "ingest/cpcr/kkm.proto").read_text(encoding="utf-8")))
    for name in ("Request", "Response"):
        walk.messages(name, name, name)
    apart = set(walk.register.messages) - {mine for mine, _ in walk.met}
    wrong = [text for key, text in walk.found.items() if key not in KNOWN]
    wrong += [f"{path}: no longer differs: {what}" for path, what in KNOWN
              if (path, what) not in walk.found]
    wrong += [f"{name}: neither Request nor Response leads to it" for name in sorted(apart)]
    for text in wrong:
        print(text)
    for key, reason in KNOWN.items():
        print(f"known: {key[0]}: {key[1]}: {reason}")
    if is_verbose:
        print("\n".join(f"only the server's: {text}" for text in walk.only_server))
    print(f"{walk.field_count} fields and {walk.value_count} values are in both, {len(wrong)} "
          f"differences are not known; {len(walk.only_server)} more are the server's alone")
    return 1 if wrong or walk.field_count < 100 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), "-v" in sys.argv[2:]))
