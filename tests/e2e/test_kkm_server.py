#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""chek-kkm against chekd: registers that share nothing with the server live through cuts, lost
tokens, times without connection and kills of the server, and every X and Z is theirs.

    test_kkm_server.py BIN_FOLDER
"""
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import unittest

from plain_client import Client
from server import Server

BIN = pathlib.Path(sys.argv[1])
KKM = BIN / "chek-kkm"


def free_address():
    """An address that a server can come back to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % probe.getsockname()[1]


class KkmServer(unittest.TestCase):
    def setUp(self):
        self.server = Server(BIN, ["--cpcr", free_address(), "--shards", "2"])
        self.addCleanup(self.server.__exit__)
        self.server.start()

    def begin(self, *arguments):
        environment = dict(os.environ, CHEK_SERVER=self.server.address,
                           CHEK_TOKEN_FILE=str(self.server.token_file))
        return subprocess.Popen([KKM, "--json", "--cpcr", self.server.cpcr, *map(str, arguments)],
                                env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True)

    def documents(self):
        return sum(row["value"] for row in self.server.lines("status")
                   if row["name"] == "documents")

    def kill_at(self, process, count):
        """Kill the server when it has so many documents, and start it again."""
        client = Client(self.server.address, self.server.token_file.read_text().strip())
        self.addCleanup(client.socket.close)
        while sum(row.value for row in client.call("ask_status")["items"]
                  if row.name == "documents") < count:
            self.assertIsNone(process.poll(), "the registers were through before the kill")
            time.sleep(0.005)
        self.server.kill()
        self.server.start()

    def end(self, process, registers, shifts):
        out, errors = process.communicate(timeout=150)
        self.assertEqual((process.returncode, errors), (0, ""), out)
        told = json.loads(out)
        self.assertTrue(told["right"])
        self.assertEqual((told["finished"], told["blocked"], told["shifts"]),
                         (registers, 0, registers * shifts))
        self.assertGreaterEqual(told["z_compared"], registers * shifts)
        self.assertEqual((told["x_differences"], told["z_differences"]), (0, 0))
        self.assertEqual(self.documents(), told["documents"])
        self.reconcile(registers, shifts)
        return told

    def reconcile(self, registers, shifts):
        """What registers counted themselves came with their closes, and is what the server did."""
        listed = self.server.lines("kkm", "list")
        self.assertEqual(len(listed), registers)
        for row in listed[:20]:
            compared = self.server.lines("reconcile", "--kkm", f"#{row['registration']}")
            self.assertEqual([(shift["stated"], shift["differences"]) for shift in compared],
                             [(True, [])] * shifts)
        self.assertEqual([event for event in self.server.lines("events")
                          if event["kind"] == "differs"], [])

    def verify(self):
        self.server.stop()
        self.server.run("chek", "verify", self.server.data)

    def test_both_protocols(self):
        for protocol, first in ((202, 1001), (203, 2001)):
            with self.subTest(protocol=protocol):
                before = self.documents()
                process = self.begin("--registers", 10, "--shifts", 3, "--tickets", 30,
                                     "--protocol", protocol, "--first-device", first)
                out, errors = process.communicate(timeout=60)
                self.assertEqual((process.returncode, errors), (0, ""), out)
                told = json.loads(out)
                self.assertEqual(self.documents() - before, told["documents"])
                self.assertGreater(told["x_compared"], 0)
        self.verify()

    def test_operators_and_lists(self):
        """AUTH and NOMENCLATURE over both protocols; lives are those of registers that do not ask."""
        for protocol, first in ((202, 1000), (203, 2000)):
            with self.subTest(protocol=protocol):
                told = []
                for device, asking in ((first, ()), (first + 500, ("--operators", 5,
                                                                   "--nomenclature", 250))):
                    before = self.documents()
                    process = self.begin("--registers", 30, "--shifts", 2, "--protocol", protocol,
                                         "--first-device", device, "--cut", "3%", *asking)
                    out, errors = process.communicate(timeout=100)
                    self.assertEqual((process.returncode, errors), (0, ""), out)
                    told.append(json.loads(out))
                    self.assertEqual(self.documents() - before, told[-1]["documents"])
                self.assertEqual([told[0][name] for name in ("auths", "auths_denied",
                                                             "nomenclatures")], [0, 0, 0])
                self.assertGreater(told[1]["auths"], 60)
                self.assertGreater(told[1]["auths_denied"], 10)
                self.assertGreater(told[1]["nomenclatures"], 60)
                lists = self.server.lines("nomenclature", "list", "--org", "900000000%03d" %
                                          ((first + 500) // 20))
                self.assertEqual([(row["version"], row["elements"]) for row in lists], [(1, 250)])
        self.verify()

    def test_what_was_added_as_csv_is_known(self):
        """The files that chek takes say the same as what is added by the native protocol."""
        same = ("--registers", 25, "--operators", 3, "--nomenclature", 40, "--seed", 9)
        home = self.server.home
        files = [home / name for name in ("registers.csv", "operators.csv", "goods.csv")]
        self.begin("--csv", files[0], "--csv-operators", files[1], "--csv-nomenclature", files[2],
                   *same).communicate(timeout=60)
        self.server.chek("kkm", "add", "--file", files[0])
        self.server.chek("kkm", "operator", "add", "--file", files[1])
        for organisation in {line.split(",")[1] for line in files[1].read_text().splitlines()[1:]}:
            self.server.chek("nomenclature", "load", files[2], "--org", organisation)
        out, errors = self.begin("--added", *same).communicate(timeout=60)
        self.assertEqual(errors, "")
        told = json.loads(out)
        self.assertTrue(told["right"], told)
        self.assertGreaterEqual(min(told["auths"], told["nomenclatures"]), 25)
        self.verify()

    def test_cuts_and_kills(self):
        process = self.begin("--registers", 40, "--shifts", 3, "--tickets", 40, "--cut", "5%",
                             "--offline", "5%", "--forget", "2%", "--seed", 7, "--operators", 4,
                             "--nomenclature", 60)
        for count in (1200, 3000):
            self.kill_at(process, count)
        told = self.end(process, 40, 3)
        for name in ("cuts", "retries", "offline", "recoveries", "pings", "x_compared", "auths",
                     "auths_denied", "nomenclatures"):
            self.assertGreater(told[name], 0, name)
        self.verify()

    def test_a_connection_for_every_request(self):
        process = self.begin("--registers", 10, "--shifts", 2, "--tickets", 40, "--protocol", 202,
                             "--connection-per-ticket", "--cut", "10%")
        self.kill_at(process, 300)
        self.end(process, 10, 2)
        self.verify()

    def test_registers_that_are_there_already(self):
        process = self.begin("--registers", 3, "--tickets", 2)
        self.end(process, 3, 1)
        out, errors = self.begin("--registers", 3).communicate(timeout=60)
        told = json.loads(errors)
        self.assertEqual((out, told["code"]), ("", "EXISTS"))
        self.assertIn("--added", told["hint"])

    def test_who_may_not_add(self):
        made = self.server.json("token", "add", "reader", "--rights", "read")
        path = self.server.home / "reader.token"
        path.write_text(made["token"] + "\n", encoding="utf-8")
        for arguments, code in ((("--token-file", path), "PERMISSION"),
                                (("--token-file", "/no/such/file"), "ENOENT"),
                                (("--token-file", "/dev/null"), "AUTHENTICATION"),
                                (("--server", "127.0.0.1:1"), "ECONNREFUSED")):
            with self.subTest(arguments=arguments):
                process = self.begin("--registers", 3, *arguments)
                out, errors = process.communicate(timeout=60)
                self.assertEqual((process.returncode, out), (1, ""))
                self.assertEqual(json.loads(errors)["code"], code)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
