#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What registers sell: chek nomenclature, and NOMENCLATURE as registers ask it. test_nomenclature.py BIN [TEST..]

Rules are those of ingest/CPCR.md, R90..R99.
"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import plain_client  # noqa: E402
from cpcr_register import (  # noqa: E402
    NOMENCLATURE, SELL, TICKET, Register, decode, money_read, part, ticket)
from cpcr_shop import organisations, register, run, wants  # noqa: E402

GOODS, ACTUAL, NO_VERSION, NOT_FOUND = range(4)
TEXTS = {3: "title", 7: "title_kk"}
ITEM_TEXTS = {1: "article", 2: "barcode", 3: "description", 14: "measure_title", 16: "measure_unit",
              17: "ntin"}
ITEM_MONEY = {6: "purchase_price", 7: "sell_price", 9: "discount_sum", 11: "markup_sum"}
ITEM_NUMBERS = {8: "discount_percent", 10: "markup_percent", 13: "measure_count",
                15: "measure_fractional", 18: "marked", 19: "social"}
TAX = {1: "taxation_type", 2: "tax_type", 3: "tax_percent"}


def element(data):
    """A NomenclatureElement as a line of JSON would say it."""
    fields = {number: values[0] for number, values in decode(data).items()}
    out = {"id": fields[5], "kind": "group" if fields[1] == 0 else "item"}
    out.update({name: fields[number].decode() for number, name in TEXTS.items()
                if number in fields})
    if 4 in fields:
        out["parent"] = fields[4]
    item = {number: values[0] for number, values in decode(fields.get(6, b"")).items()}
    out.update({name: item[number].decode() for number, name in ITEM_TEXTS.items()
                if number in item})
    out.update({name: money_read(item[number]) for number, name in ITEM_MONEY.items()
                if number in item})
    out.update({name: item[number] for number, name in ITEM_NUMBERS.items() if number in item})
    if 12 in item:
        out["taxes"] = [{name: part(one, number) for number, name in TAX.items()}
                        for one in decode(fields[6])[12]]
    return out


def tax(taxation, percent):
    return {"taxation_type": taxation, "tax_type": 100, "tax_percent": percent}


def ask(kkm, version=0, barcode=None, want=0):
    """(result, version, elements) of a NomenclatureResponse; None when there is none."""
    token = kkm.token
    answer = kkm.send(NOMENCLATURE, {5: {1: version, 2: barcode}}, want)
    wants(answer.token, token, "NOMENCLATURE moves no token")
    told = part(answer.body, 5)
    if told is None:
        return None
    return part(told, 4), part(told, 1), [element(one) for one in decode(told).get(3, [])]


def load(server, organisation, text, **more):
    path = server.home / "goods"
    path.write_text(text)
    return server.json("nomenclature", "load", path, "--org", organisation, **more)


def refused(server, organisation, text, code, field, line=None):
    path = server.home / "goods"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    error = server.error("nomenclature", "load", path, "--org", organisation)
    wants((error["code"], error["field"]), (code, field), text[:60])
    if line is not None:
        wants(error["text"].split(":")[0], f"line {line}", text[:60])


def titles(elements):
    return [one["title"] for one in elements]


def test_what_was_loaded_is_told(server):
    organisation = next(organisations)
    kkm, stranger = register(server, organisation), register(server, next(organisations))
    wants(ask(kkm), (NO_VERSION, 0, []), "nothing was loaded")
    wants(ask(kkm, 3, "11"), (NO_VERSION, 0, []))
    told = load(server, organisation,
                "\ufeffkind,id,parent,title,title_kk,barcode,sell_price,marked,taxes\r\n"
                "group,1,,Выпечка,Нан,,,,\r\n"
                'item,10,1,"Bread, ""white""",,4870001,25000,true,100/100/0  101/100/16000 \r\n'
                "\r\n"
                ",11,1,Bun,,4870002,150,,0/100/12000\r\n"
                "item,12,,Water,,4870002,,,\r\n")
    wants(told, {"organisation": str(organisation), "version": 1, "elements": 4})
    bread = {"id": 10, "kind": "item", "title": 'Bread, "white"', "parent": 1,
             "barcode": "4870001", "sell_price": 25000, "marked": 1,
             "taxes": [tax(100, 0), tax(101, 16000)]}
    bun = {"id": 11, "kind": "item", "title": "Bun", "parent": 1, "barcode": "4870002",
           "sell_price": 150, "taxes": [tax(0, 12000)]}
    water = {"id": 12, "kind": "item", "title": "Water", "barcode": "4870002"}
    group = {"id": 1, "kind": "group", "title": "Выпечка", "title_kk": "Нан"}
    wants(ask(kkm), (GOODS, 1, [group, bread, bun, water]))
    wants(ask(kkm, 1), (ACTUAL, 1, []))
    wants(ask(kkm, 2), (GOODS, 1, [group, bread, bun, water]))
    wants(ask(kkm, 1, "4870002"), (GOODS, 1, [bun, water]))
    wants(ask(kkm, 0, "487"), (NOT_FOUND, 1, []))
    wants(ask(stranger), (NO_VERSION, 0, []), "another organisation's")
    kkm.send(TICKET, ticket(SELL, 100))
    kkm.request += 1
    ask(kkm, 1)
    kkm.token += 1
    wants(ask(kkm, want=2), None)


def test_a_retry_of_a_ticket_goes_past_it(server):
    organisation = next(organisations)
    kkm = register(server, organisation)
    load(server, organisation, '{"id": 1, "title": "a"}\n')
    first = kkm.send(TICKET, ticket(SELL, 100))
    sent = kkm.sent
    ask(kkm)
    again = kkm.take(kkm.exchange(sent))
    wants(again.frame, first.frame, "NOMENCLATURE is no exchange that counts")


def test_every_value_comes_through_json(server):
    organisation = next(organisations)
    kkm = register(server, organisation)
    line = {"id": 18446744073709551615, "kind": "item", "title": "т", "title_kk": "қ",
            "article": "a", "barcode": "b", "description": "d\"\\,", "purchase_price": 1,
            "sell_price": 10000000000000, "discount_percent": 5000, "discount_sum": 102,
            "markup_percent": 4294967295, "markup_sum": 3,
            "taxes": [tax(100 + i, 4294967295 - i) for i in range(8)],
            "measure_count": 1000, "measure_title": "kg",
            "measure_fractional": True, "measure_unit": "166", "ntin": "0200", "marked": True,
            "social": True}
    bare = {"id": 1, "title": "x", "kind": "item"}
    text = json.dumps(line) + "\n\n" + json.dumps({**bare, "social": False, "parent": None}) + "\n"
    path = server.home / "goods"
    path.write_text(text)
    wants(server.json("nomenclature", "load", path, "--org", organisation, "--created",
                      "2026-03-02T10:11:12")["version"], 1)
    wants(ask(kkm), (GOODS, 1, [line, bare]))
    answer = kkm.send(NOMENCLATURE, {5: {1: 0}})
    created = part(answer.body, 5, 2)
    wants([decode(part(created, 1))[i][0] for i in (1, 2, 3)], [2026, 3, 2])
    wants([decode(part(created, 2))[i][0] for i in (1, 2, 3)], [10, 11, 12])
    shown = server.json("nomenclature", "show", "--org", organisation)
    wants((shown["version"], shown["created"], shown["organisation"]),
          (1, "2026-03-02T10:11:12", str(organisation)))
    wants({name: shown["elements"][0][name] for name in line}, line)
    again = "".join(json.dumps(one) + "\n" for one in shown["elements"])
    wants(load(server, organisation, again)["version"], 1, "what is shown is what was loaded")
    table = server.chek("nomenclature", "show", "--org", organisation)
    wants([row.split() for row in table.splitlines() if row.startswith(" " * 19 + "1 ")],
          [["1", "item", "x"]])


def test_another_list_takes_the_place_of_all(server):
    organisation = next(organisations)
    kkm = register(server, organisation)
    load(server, organisation, "id,title\n1,a\n2,b\n")
    wants(load(server, organisation, "id,title\n1,a\n2,b\n")["version"], 1, "it is the same")
    wants(load(server, organisation, "id,title\n3,c\n")["version"], 2)
    result, version, elements = ask(kkm, 1)
    wants((result, version, titles(elements)), (GOODS, 2, ["c"]))


def test_what_is_refused(server):
    organisation = next(organisations)
    kkm = register(server, organisation)
    load(server, organisation, "id,title\n1,kept\n")

    def bad(*arguments):
        refused(server, organisation, *arguments)

    bad("", "FIELD_MISSING", "nomenclature.elements")
    bad("id,title\n", "FIELD_MISSING", "nomenclature.elements")
    bad("id,name\n1,a\n", "FIELD_UNKNOWN", "name", 1)
    bad("id,id\n1,1\n", "EXISTS", "id", 1)
    bad("id,title\n1,a\n2\n", "RANGE", None, 3)
    bad('id,title\n1,"a\n', "TEXT", None, 2)
    bad('id,title\n1,"a"b\n', "TEXT", None, 2)
    bad("id,title\nx,a\n", "NUMBER", "id", 2)
    bad("id,title\n1,\n", "FIELD_MISSING", "nomenclature_element.title", 2)
    bad("id,title\n,a\n", "RANGE", "nomenclature_element.id", 2)
    bad("id,title\n\n1,a\n1,b\n", "EXISTS", "nomenclature_element.id", 4)
    bad("id,title,parent\n1,a,\n2,b,1\n", "NOT_FOUND", "nomenclature_element.parent", 3)
    bad("id,title,sell_price\n1,a,1.50\n", "NUMBER", "sell_price", 2)
    bad("id,title,sell_price\n1,a,-5\n", "RANGE", "nomenclature_element.sell_price", 2)
    bad("id,title,sell_price\n1,a,10000000000001\n", "RANGE", "nomenclature_element.sell_price", 2)
    bad("id,title,marked\n1,a,yes\n", "RANGE", "marked", 2)
    for taxes, code, field in (
            ("1/2", "RANGE", "taxes"), ("1/2/3/4", "RANGE", "taxes"), ("100", "RANGE", "taxes"),
            ("/", "NUMBER", "taxation_type"), ("a/2/3", "NUMBER", "taxation_type"),
            ("1//3", "NUMBER", "tax_type"), ("1/2/", "NUMBER", "tax_percent"),
            ("1/2/4294967296", "RANGE", "tax_percent"), ("1/2/3 " * 9, "LIMIT", "taxes")):
        bad(f"id,title,taxes\n1,a,{taxes}\n", code, field, 2)
    for taxes, code, field in (
            (json.dumps([tax(1, 2)] * 9), "LIMIT", "taxes"), ('[{"tax": 1}]', "FIELD_UNKNOWN", "tax"),
            ("1", "FIELD_UNKNOWN", "taxes"), ('"1/2/3"', "FIELD_UNKNOWN", "taxes"),
            ("{}", "MAGIC", None), ("[1]", "MAGIC", None), ("[null]", "MAGIC", None),
            ("[[]]", "MAGIC", None), ('[{"tax_type": [1]}]', "MAGIC", None)):
        bad('{"id": 1, "title": "a", "taxes": %s}' % taxes, code, field, 1)
    bad('{"id": 1, "title": ["a"]}', "MAGIC", None, 1)
    bad('{"id": 1, "title": "a", "article": [{"tax_type": 1}]}', "MAGIC", None, 1)
    bad("id,title\n1," + "a" * 256 + "\n", "LIMIT", "title", 2)
    bad("id,title\n1," + "a" * 20000 + "\n", "TEXT", None, 2)
    bad(b"id,title\n1,\xff\n", "TEXT", "title", 2)
    bad(b"id,title\n1,a\0b\n", "TEXT", None, 2)
    bad('{"id": 1, "title": "a"}\n{"id": 2, "title": {}}\n', "MAGIC", None, 2)
    bad('{"id": 1, "title": "a"} {"id": 2}\n', "MAGIC", None, 1)
    bad('{"id": 1, "title": "a"\n', "MAGIC", None, 1)
    bad('{"id": 1, "titel": "a"}\n', "FIELD_UNKNOWN", "titel", 1)
    bad("id,title\n" + "".join(f"{i + 1},a\n" for i in range(4097)), "LIMIT", "elements", 4098)
    rows = "".join(f"{i + 1},{'a' * 200},{'b' * 900}\n" for i in range(300))
    bad("id,title,description\n" + rows, "LIMIT", "file")
    rows = "".join(f"{i + 1},{'a' * 44},1\n" for i in range(4096))
    bad("id,title,sell_price\n" + rows, "LIMIT", "file")
    wants(server.error("nomenclature", "load", server.home / "none", "--org", organisation)["field"],
          "file")
    for options in ((), (server.home / "goods",), ("--org", organisation),
                    (server.home / "goods", "--org", "1" * 33),
                    (server.home / "goods", "--org", organisation, "--created", "now")):
        server.error("nomenclature", "load", *options, code=2)
    wants(server.error("nomenclature", "show", "--org", next(organisations))["code"], "NOT_FOUND")
    wants(ask(kkm, 1), (ACTUAL, 1, []))
    wants(titles(ask(kkm)[2]), ["kept"])


def test_the_largest_list_comes_in_one_frame(server):
    organisation = next(organisations)
    kkm = register(server, organisation)
    rows = "".join(f"{i + 1},{i:040}\n" for i in range(4096))
    load(server, organisation, "id,title\n" + rows)
    result, _, elements = ask(kkm)
    wants((result, len(elements), elements[4095]["title"]), (GOODS, 4096, f"{4095:040}"))
    wants(len(server.json("nomenclature", "show", "--org", organisation)["elements"]), 4096)


def test_what_is_sent_without_chek_is_looked_at_too(server):
    organisation = next(organisations)
    kkm = register(server, organisation)
    with plain_client.Client(server.address, server.token_file.read_text().strip()) as client:
        for elements, code, field in (
                ([{"id": 1, "title": "a"}, {"id": 1, "title": "b"}], "EXISTS",
                 "nomenclature_element.id"),
                ([{"id": 0, "title": "a"}], "RANGE", "nomenclature_element.id")):
            try:
                client.call("nomenclature_load", organisation=str(organisation), elements=elements)
                raise AssertionError("it was taken")
            except plain_client.Refused as refusal:
                wants((refusal.name, refusal.field), (code, field))
        told = client.call("nomenclature_load", organisation=str(organisation), version=77,
                           elements=[{"id": 1, "title": "a"}])
        wants(told["version"], 1, "the server counts")
    wants(titles(ask(kkm)[2]), ["a"])


def test_a_list_is_removed(server):
    """R98: durable; what comes later is new to every register."""
    organisation, other = next(organisations), next(organisations)
    kkm, second = register(server, organisation), register(server, other)
    load(server, organisation, "id,title\n1,a\n")
    load(server, other, "id,title\n1,b\n")

    def remove():
        return server.json("nomenclature", "remove", "--org", organisation)

    wants(remove(), {"organisation": str(organisation), "status": "removed"})
    wants(remove()["status"], "removed", "again")
    for end in (server.kill, server.stop):
        wants(ask(kkm, 1), (NO_VERSION, 0, []))
        wants(server.error("nomenclature", "show", "--org", organisation)["code"], "NOT_FOUND")
        wants(titles(ask(second)[2]), ["b"])
        end()
        server.start()
        for one in (kkm, second):
            one.address = Register(server.cpcr, 0, 0).address
    load(server, organisation, "id,title\n1,a\n")
    result, version, elements = ask(kkm, 1)
    wants((result, version, titles(elements)), (GOODS, 2, ["a"]))
    server.error("nomenclature", "remove", code=2)
    server.stop()
    server.chek("verify", server.data)
    server.start()


def of(server, text, *whose, **more):
    """Load for what `whose` says."""
    path = server.home / "goods"
    path.write_text(f"id,title\n1,{text}\n")
    return server.json("nomenclature", "load", path, *whose, **more)


def test_points_and_registers_have_lists(server):
    """R99: the nearest one is told; versions are of one list each, also across a kill."""
    organisation, other = next(organisations), next(organisations)
    kkm, second = register(server, organisation), register(server, organisation, "far")
    strange = register(server, other)
    of_all, of_point = ("--org", organisation), ("--org", organisation, "--point", "main")
    of_one = ("--device", kkm.device)
    of(server, "all", *of_all)
    wants(of(server, "point", *of_point),
          {"organisation": str(organisation), "point": "main", "version": 2, "elements": 1})
    wants(of(server, "one", *of_one),
          {"organisation": str(organisation), "device": kkm.device, "version": 3, "elements": 1})
    of(server, "theirs", "--org", other, "--point", "main")

    def told(register_of, had, version, title):
        result, now, elements = ask(register_of, had)
        wants((result, now, titles(elements)),
              (NO_VERSION, 0, []) if version == 0 else (ACTUAL, had, []) if had == version else
              (GOODS, version, [title]))

    def again():
        server.kill()
        server.start()
        for one in (kkm, second, strange):
            one.address = Register(server.cpcr, 0, 0).address

    told(kkm, 1, 3, "one")
    told(second, 0, 1, "all")
    told(strange, 1, 1, "theirs")
    wants([(row.get("point"), row.get("device"), row["version"], row["elements"])
           for row in server.lines("nomenclature", "list", "--org", organisation)],
          [(None, None, 1, 1), (None, kkm.device, 3, 1), ("main", None, 2, 1)])
    table = server.chek("nomenclature", "list", "--org", organisation)
    wants([row.split()[:2] for row in table.splitlines() if "main" in row], [["point", "main"]])
    shown = server.json("nomenclature", "show", *of_point)
    wants((shown["point"], shown["version"], titles(shown["elements"])), ("main", 2, ["point"]))
    wants(server.json("nomenclature", "show", *of_one)["device"], kkm.device)
    again()
    wants(server.json("nomenclature", "remove", *of_one),
          {"organisation": str(organisation), "device": kkm.device, "status": "removed"})
    told(kkm, 3, 2, "point")
    server.chek("snapshot")
    server.json("nomenclature", "remove", *of_point)
    told(kkm, 2, 1, "all")
    told(kkm, 1, 1, "all")
    again()
    wants(of(server, "all", *of_point)["version"], 4, "as the one of all, but another list")
    told(kkm, 1, 4, "all")
    told(second, 4, 1, "all")
    server.json("nomenclature", "remove", *of_all)
    told(second, 1, 0, None)
    told(kkm, 4, 4, "all")
    wants(server.error("nomenclature", "show", *of_all)["code"], "NOT_FOUND")
    again()
    told(kkm, 0, 4, "all")
    server.stop()
    server.chek("verify", server.data)
    server.start()


def test_whose_is_refused(server):
    organisation = next(organisations)
    kkm = register(server, organisation)
    goods = server.home / "goods"
    goods.write_text("id,title\n1,a\n")
    for command in (("load", goods), ("show",), ("remove",)):
        for whose in ((), ("--point", "main"), ("--device", 0), ("--device", "x"),
                      ("--org", organisation, "--device", kkm.device),
                      ("--point", "main", "--device", kkm.device),
                      ("--org", organisation, "--point", "p" * 65)):
            server.error("nomenclature", *command, *whose, code=2)
        error = server.error("nomenclature", *command, "--device", 4999)
        wants((error["code"], error["field"]), ("NOT_FOUND", "nomenclature.device"))
    for whose in ((), ("--org", organisation, "--point", "main"), ("--device", kkm.device)):
        server.error("nomenclature", "list", *whose, code=2)
    with plain_client.Client(server.address, server.token_file.read_text().strip()) as client:
        for values, field in (({"organisation": str(organisation), "device": kkm.device}, "device"),
                              ({"point": "main", "device": kkm.device}, "device"),
                              ({"point": "main"}, "organisation")):
            try:
                client.call("nomenclature_load", elements=[{"id": 1, "title": "a"}], **values)
                raise AssertionError("it was taken")
            except plain_client.Refused as refusal:
                wants((refusal.name, refusal.field),
                      ("FIELD_MISSING" if field == "organisation" else "RANGE",
                       "nomenclature." + field))
        try:
            client.call("ask_nomenclatures", device=kkm.device)
            raise AssertionError("it was taken")
        except plain_client.Refused as refusal:
            wants((refusal.name, refusal.field), ("RANGE", "nomenclature.device"))
    wants(ask(kkm), (NO_VERSION, 0, []))


def test_who_sees_a_point_has_its_list(server):
    organisation = next(organisations)
    kkm, far = register(server, organisation), register(server, organisation, "far")
    of(server, "all", "--org", organisation)
    token = server.home / "point.token"
    server.chek("token", "add", "mains", "--rights", "admin", "--org", organisation, "--point", "main",
                "--out", token)
    wants(of(server, "a", "--org", organisation, "--point", "main", token_file=token)["version"], 2)
    wants(of(server, "b", "--device", kkm.device, token_file=token)["version"], 3)
    for command in (("load", server.home / "goods"), ("show",), ("remove",)):
        for whose, code in ((("--org", organisation), "PERMISSION"),
                            (("--org", organisation, "--point", "far"), "PERMISSION"),
                            (("--device", far.device), "NOT_FOUND")):
            wants(server.error("nomenclature", *command, *whose, token_file=token)["code"], code)
    wants(server.error("nomenclature", "list", "--org", organisation, token_file=token)["code"],
          "PERMISSION")
    wants((titles(ask(kkm)[2]), titles(ask(far)[2])), (["b"], ["all"]))


def test_scopes(server):
    mine, other = next(organisations), next(organisations)
    boss, point, reader = (server.home / name for name in ("b.token", "p.token", "r.token"))
    server.chek("token", "add", "bosses", "--rights", "admin", "--org", mine, "--out", boss)
    server.chek("token", "add", "points", "--rights", "admin", "--org", mine, "--point", "main",
                "--out", point)
    server.chek("token", "add", "readers", "--rights", "read,ingest", "--out", reader)
    load(server, other, "id,title\n1,theirs\n")
    load(server, mine, "id,title\n1,mine\n", token_file=boss)
    for organisation, token_file in ((other, boss), (mine, point), (mine, reader)):
        for words in (("load", server.home / "goods"), ("show",)):
            error = server.error("nomenclature", *words, "--org", organisation,
                                 token_file=token_file)
            wants(error["code"], "PERMISSION", words)
    wants(titles(server.json("nomenclature", "show", "--org", other)["elements"]), ["theirs"])


def test_lists_survive_kills(server):
    organisation, other = next(organisations), next(organisations)
    kkm, second = register(server, organisation), register(server, other)

    def goods(seed, count):
        return "id,title\n" + "".join(f"{i + 1},{seed}-{i:030}\n" for i in range(count))

    def all_is_there(version, seed, count):
        kkm.address = second.address = Register(server.cpcr, 0, 0).address
        result, told, elements = ask(kkm)
        wants((result, told, len(elements), elements[-1]["title"]),
              (GOODS, version, count, f"{seed}-{count - 1:030}"))
        wants(titles(ask(second)[2]), ["other"])

    load(server, other, "id,title\n9,other\n")
    load(server, organisation, goods("a", 3000))
    server.kill()  # what was answered is in the log
    server.start()
    all_is_there(1, "a", 3000)
    server.chek("snapshot")
    load(server, organisation, goods("b", 10))
    load(server, organisation, goods("c", 4000))
    server.kill()
    server.start()  # a snapshot, and the log behind it
    all_is_there(3, "c", 4000)
    server.chek("snapshot")
    server.restart()
    all_is_there(3, "c", 4000)
    server.stop()
    server.chek("verify", server.data)
    server.start()
    all_is_there(3, "c", 4000)


if __name__ == "__main__":
    sys.exit(run(globals(), sys.argv[1], sys.argv[2:]))
