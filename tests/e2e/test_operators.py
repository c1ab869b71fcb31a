#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Operators of registers: chek kkm operator, and AUTH as registers ask it. test_operators.py BIN [TEST..]

Rules are those of ingest/CPCR.md, R30..R36.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import plain_client  # noqa: E402
from cpcr_register import AUTH, SELL, TICKET, Register, decode, part, ticket  # noqa: E402
from cpcr_shop import organisations, register, run, wants  # noqa: E402


def add(server, login, password, *options, **more):
    return server.json("kkm", "operator", "add", login, "--password-file", "-", *options,
                       text_in=password + "\n", **more)


def auth(kkm, login, password, want=0):
    """(result, code, name, roles) of an AuthResponse; None when there is none."""
    token = kkm.token
    answer = kkm.send(AUTH, {8: {1: login, 2: password}}, want)
    wants(answer.token, token, "AUTH moves no token")
    told = part(answer.body, 7)
    if told is None:
        return None
    name = part(told, 3)
    return (part(told, 1), part(told, 2), name and name.decode(), decode(told).get(4, []))


WRONG = (1, None, None, [])


def test_auth_knows_who_was_added(server):
    organisation = next(organisations)
    first, second = register(server, organisation), register(server, organisation)
    stranger = register(server, next(organisations))
    wants(auth(first, "aliya", "s3cret"), WRONG, "nobody was added")
    wants(add(server, "aliya", "s3cret", "--org", organisation, "--code", 7, "--name", "Алия",
              "--roles", "paymaster+administrator"),
          {"login": "aliya", "organisation": str(organisation), "status": "set"})
    for kkm in (first, second):
        wants(auth(kkm, "aliya", "s3cret"), (0, 7, "Алия", [1, 3]))
        wants(auth(kkm, "aliya", "s3cret "), WRONG)
        wants(auth(kkm, "bolat", "s3cret"), WRONG)
    wants(auth(stranger, "aliya", "s3cret"), WRONG, "another organisation's")
    wants(add(server, "aliya", "own", "--device", second.device, "--code", 8)["device"],
          second.device)
    wants(auth(first, "aliya", "s3cret"), (0, 7, "Алия", [1, 3]))
    wants(auth(second, "aliya", "own"), (0, 8, None, []))
    wants(auth(second, "aliya", "s3cret"), WRONG, "the register's own comes first")
    second.send(TICKET, ticket(SELL, 100))
    second.retry()  # AUTH is no exchange that counts
    wants(auth(second, "aliya", "own"), (0, 8, None, []))


def test_a_password_is_replaced_and_an_operator_removed(server):
    organisation = next(organisations)
    kkm = register(server, organisation)
    where = ("--org", organisation)
    add(server, "1", "old", *where)
    add(server, "1", "new", *where)
    wants((auth(kkm, "1", "old"), auth(kkm, "1", "new")), (WRONG, (0, 0, None, [])))
    wants(server.json("kkm", "operator", "remove", "1", *where)["status"], "removed")
    wants(auth(kkm, "1", "new"), WRONG)
    error = server.error("kkm", "operator", "remove", "1", *where)
    wants((error["code"], error["field"]), ("NOT_FOUND", "operator_set.login"))


def test_wrong_passwords_are_limited(server):
    """R37: five, then none for a while, whatever is sent; other registers go on; a kill changes nothing."""
    organisation = next(organisations)
    kkm, other = register(server, organisation), register(server, organisation)
    add(server, "aliya", "right", "--org", organisation, "--code", 7)
    before = counts(server)
    right = (0, 7, None, [])
    for i in range(5):
        wants(auth(kkm, "aliya", "right"), right)
        wants(auth(kkm, "aliya" if i % 2 else "bolat", f"wrong{i}"), WRONG)
    for password in ("wrong", "right"):
        answer = kkm.send(AUTH, {8: {1: "aliya", 2: password}})
        wants((part(part(answer.body, 7), 1), answer.text),
              (1, "too many wrong passwords: try later"))
    wants(auth(other, "aliya", "right"), right)
    kkm.send(TICKET, ticket(SELL, 100))  # it goes on selling
    wants([now - then for now, then in zip(counts(server), before)], [5, 2])
    for end in (server.kill, lambda: (server.chek("snapshot"), server.stop())):
        end()
        server.start()
        for one in (kkm, other):
            one.address = Register(server.cpcr, 0, 0).address
        wants((auth(kkm, "aliya", "right"), auth(other, "aliya", "right")), (WRONG, right))
    server.json("kkm", "unblock", kkm.device)
    wants(auth(kkm, "aliya", "right"), right)


def counts(server):
    rows = server.lines("status")
    return [sum(row["value"] for row in rows if row["name"] == name)
            for name in ("cpcr_logins_wrong", "cpcr_logins_limited")]


def test_a_blocked_device_hears_15(server):
    organisation = next(organisations)
    kkm = register(server, organisation)
    add(server, "1", "p", "--device", kkm.device)
    server.json("kkm", "block", kkm.device)
    wants(auth(kkm, "1", "p", want=15), None)
    server.json("kkm", "unblock", kkm.device)
    wants(auth(kkm, "1", "p"), (0, 0, None, []))
    kkm.token += 1
    wants(auth(kkm, "1", "p", want=2), None)


def test_lists(server):
    organisation = next(organisations)
    kkm, other = register(server, organisation), register(server, organisation)
    add(server, "a", "p", "--org", organisation, "--code", 1, "--roles", "chief")
    add(server, "b", "p", "--device", kkm.device, "--name", "B")
    add(server, "c", "p", "--device", other.device)

    def listed(*where):
        return sorted((row["login"], row["device"]) for row in
                      server.lines("kkm", "operator", "list", *where))

    wants(listed("--org", organisation), [("a", 0), ("b", kkm.device), ("c", other.device)])
    wants(listed("--device", kkm.device), [("a", 0), ("b", kkm.device)])
    wants(listed("--org", next(organisations)), [])
    table = server.chek("kkm", "operator", "list", "--org", organisation)
    wants([line.split() for line in table.splitlines() if line.startswith("a ")],
          [["a", "all", "1", "chief"]])


def test_what_is_refused(server):
    organisation = next(organisations)
    kkm = register(server, organisation)

    def refused(code, field, *options, password="p", login="x"):
        error = server.error("kkm", "operator", "add", login, "--password-file", "-", *options,
                             text_in=password + "\n")
        wants((error["code"], error["field"]), (code, field), options)

    refused("NOT_FOUND", "operator_set.device", "--device", 77)
    refused("RANGE", "password", "--device", kkm.device, password="")
    refused("RANGE", "password", "--device", kkm.device, password="p" * 65)
    refused("FIELD_MISSING", "operator_set.login", "--device", kkm.device, login="")
    for options in ((), ("--device", kkm.device, "--org", organisation), ("--device", 0),
                    ("--org", organisation, "--roles", "cook"),
                    ("--org", organisation, "--code", "-1")):
        server.error("kkm", "operator", "add", "x", "--password-file", "-", *options, code=2,
                     text_in="p\n")
    wants(server.lines("kkm", "operator", "list", "--org", organisation), [])
    reader = server.home / "reader.token"
    server.chek("token", "add", "reader", "--rights", "read,ingest", "--out", reader)
    error = server.error("kkm", "operator", "list", "--org", organisation, token_file=reader)
    wants(error["code"], "PERMISSION")


def test_a_register_that_is_no_device_has_no_operators(server):
    organisation = next(organisations)
    with plain_client.Client(server.address, server.token_file.read_text().strip()) as client:
        client.call("claim", registers=[{"keys": [{"kind": "device", "value": "424242"}],
                                         "organisation": str(organisation)}])
    error = server.error("kkm", "operator", "add", "x", "--password-file", "-", "--device", 424242,
                         text_in="p\n")
    wants(error["code"], "NOT_FOUND")
    wants(server.lines("kkm", "operator", "list", "--device", 424242), [])


def test_scopes(server):
    mine, other = next(organisations), next(organisations)
    kkm, stranger = register(server, mine), register(server, other)
    boss, point = server.home / "boss.token", server.home / "point.token"
    server.chek("token", "add", "boss", "--rights", "admin", "--org", mine, "--out", boss)
    server.chek("token", "add", "point", "--rights", "admin", "--org", mine, "--point", "main",
                "--out", point)
    add(server, "a", "p", "--org", mine, token_file=boss)
    add(server, "b", "p", "--device", kkm.device, token_file=point)
    for whose, token_file, code in ((("--org", other), boss, "PERMISSION"),
                                    (("--org", mine), point, "PERMISSION"),
                                    (("--device", stranger.device), boss, "NOT_FOUND")):
        error = server.error("kkm", "operator", "add", "c", "--password-file", "-", *whose,
                             text_in="p\n", token_file=token_file)
        wants(error["code"], code, whose)
        error = server.error("kkm", "operator", "list", *whose, token_file=token_file)
        wants(error["code"], code, whose)
    wants((auth(kkm, "a", "p")[0], auth(kkm, "b", "p")[0], auth(kkm, "c", "p")[0]), (0, 0, 1))
    wants(auth(stranger, "c", "p"), WRONG)


def test_rows_of_a_file(server):
    organisation = next(organisations)
    kkm = register(server, organisation)
    rows = server.home / "operators.csv"
    rows.write_text("device,org,login,password,code,name,roles\r\n"
                    f",{organisation},a,pa,1,Aliya,paymaster\r\n"
                    f"{kkm.device},,b,pb,2,,chief+administrator\r\n"
                    "\r\n"
                    f"{kkm.device},{organisation},c,pc,,,\r\n"
                    "99999999,,d,pd,,,\r\n"
                    f",{organisation},e,,,,\r\n"
                    f",{organisation},f,pf,x,,\r\n"
                    f",{organisation},g,pg,1,,cook\r\n"
                    "h,i\r\n"
                    f',{organisation},y,"p,""y",8,"Y, Z",\r\n'
                    f',{organisation},x,"p,8,X,\r\n'
                    f",{organisation},z,pz,9,Z,\r\n")
    told = server.lines("kkm", "operator", "add", "--file", rows, code=1)
    wants([(row["line"], row.get("status"), row.get("code"), row.get("field")) for row in told],
          [(2, "set", None, None), (3, "set", None, None), (5, None, "RANGE", "device"),
           (6, None, "NOT_FOUND", "operator_set.device"),
           (7, None, "FIELD_MISSING", "operator_set.password"), (8, None, "NUMBER", "code"),
           (9, None, "RANGE", "roles"), (10, None, "RANGE", ""), (11, "set", None, None),
           (12, None, "RANGE", ""), (13, "set", None, None)])
    wants(auth(kkm, "a", "pa"), (0, 1, "Aliya", [1]))
    wants(auth(kkm, "b", "pb"), (0, 2, None, [2, 3]))
    wants(auth(kkm, "y", 'p,"y'), (0, 8, "Y, Z", []))
    wants(auth(kkm, "z", "pz"), (0, 9, "Z", []))
    rows.write_text("login,password\na,b\n")
    wants(server.error("kkm", "operator", "add", "--file", rows)["field"], "file")


def test_operators_survive_kills_and_no_password_is_on_disk(server):
    organisation = next(organisations)
    kkm = register(server, organisation)
    add(server, "first", "Zebra-Password-1", "--org", organisation, "--code", 1)
    add(server, "gone", "Zebra-Password-2", "--device", kkm.device)
    server.json("kkm", "operator", "remove", "gone", "--device", kkm.device)

    def all_is_there():
        kkm.address = Register(server.cpcr, 0, 0).address
        wants(auth(kkm, "first", "Zebra-Password-1"), (0, 1, None, []))
        wants(auth(kkm, "gone", "Zebra-Password-2"), WRONG)

    server.kill()  # what was answered is in the log
    server.start()
    all_is_there()
    server.chek("snapshot")
    add(server, "last", "Zebra-Password-3", "--device", kkm.device, "--code", 3)
    server.kill()
    server.start()  # a snapshot, and the log behind it
    all_is_there()
    wants(auth(kkm, "last", "Zebra-Password-3"), (0, 3, None, []))
    server.restart()
    all_is_there()
    wants(auth(kkm, "last", "Zebra-Password-3"), (0, 3, None, []))
    server.stop()
    for path in server.data.rglob("*"):
        if path.is_file():
            wants(b"Zebra-Password" in path.read_bytes(), False, path)
    wants("Zebra-Password" in server.log.read_text(), False)
    server.chek("verify", server.data)
    server.start()


if __name__ == "__main__":
    sys.exit(run(globals(), sys.argv[1], sys.argv[2:]))
