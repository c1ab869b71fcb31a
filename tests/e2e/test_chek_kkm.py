#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""chek-kkm against a server that shares nothing with it (cpcr_peer.py): every document is counted
once whatever happens to connections, all figures are equal, and each of its checks is seen to fail
when the server misbehaves.

    test_chek_kkm.py BIN_FOLDER
"""
import json
import pathlib
import resource
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from cpcr_figures import Z_FIELDS
from cpcr_peer import Peer, registers_read

BIN = pathlib.Path(sys.argv[1])
KKM = BIN / "chek-kkm"


def run(*arguments, **options):
    return subprocess.run([KKM, *map(str, arguments)], capture_output=True, text=True, timeout=120,
                          check=False, **options)


def registers(count, seed=1):
    done = run("--csv", "-", "--registers", count, "--seed", seed)
    assert done.returncode == 0, done.stderr
    return registers_read(done.stdout.splitlines())


def known(count, *arguments):
    """The operators and the list that such a run has, as lines of CSV."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder) / name for name in ("people", "goods")]
        done = run("--csv-operators", paths[0], "--csv-nomenclature", paths[1], "--registers", count,
                   *arguments)
        assert done.returncode == 0, done.stderr
        return [path.read_text(encoding="utf-8").splitlines() for path in paths]


def play(peer, count, *arguments, **options):
    """Run all registers against the peer; exit code and what it told."""
    done = run("--json", "--added", "--cpcr", peer.address, "--registers", count,
               "--patience", 20, *arguments, **options)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


class Case(unittest.TestCase):
    def play_right(self, count, *arguments, modes=(), **options):
        """A run that must be right, by its own figures and by the peer's. Returns both."""
        with Peer(registers(count), modes) as peer:
            code, told, errors = play(peer, count, *arguments, **options)
            self.assertEqual(peer.errors, [])
            self.assertEqual((code, errors), (0, ""), told)
            self.assertTrue(told["right"])
            self.assertEqual(told["finished"], count)
            self.assertEqual(told["refused"], 0)
            self.assertEqual(told["documents"], peer.counts["documents"])
            self.assertEqual(told["offline"], peer.counts["offline"])
            self.assertEqual(told["shifts"], peer.counts["shifts"])
            self.assertGreaterEqual(told["z_compared"], told["shifts"])
            # The register's Z that comes with a close is a second statement of the same figures.
            self.assertEqual(peer.counts["register_z_compared"], told["shifts"])
            self.assertEqual(peer.counts["register_z_differs"], 0)
            return told, peer

    def play_wrong(self, count, *arguments, modes=()):
        with Peer(registers(count), modes) as peer:
            code, told, _ = play(peer, count, *arguments)
            self.assertEqual(code, 1, told)
            self.assertFalse(told["right"])
            return told, peer


class Right(Case):
    def test_both_protocols(self):
        for protocol in (202, 203):
            with self.subTest(protocol=protocol):
                told, peer = self.play_right(30, "--protocol", protocol, "--shifts", 3,
                                             "--tickets", 12)
                self.assertEqual(told["tickets"], 30 * 3 * 12)
                self.assertEqual(told["shifts"], 90)
                self.assertGreater(told["x_compared"], 0)
                self.assertEqual(told["connections"], 30)
                self.assertEqual(told["retries"], 0)
                self.assertGreater(told["tickets_per_s"], 0)
                self.assertGreater(told["ack_p99_us"], told["ack_p50_us"])
                self.assertEqual(len(peer.sources), 30)

    def test_everything_that_registers_do_is_done(self):
        """All kinds of figures are there, so that comparing them says something."""
        _, peer = self.play_right(40, "--shifts", 4, "--tickets", 40, "--offline", "3%")
        seen = set()
        for device in peer.devices.values():
            for document in device.history:
                if hasattr(document, "items"):
                    seen |= {("item", item.type, document.operation) for item in document.items}
                    seen |= {("payment", kind) for kind, _ in document.payments}
                    seen |= {("rate", percent) for item in document.items
                             for percent, _ in item.taxes}
                    seen |= {("ticket tax",)} if document.taxes else set()
                    seen |= {("whole", sign, bool(taxes)) for sign, _, taxes in document.whole}
                    seen |= {("change",)} if document.change else set()
                    seen |= {("offline", document.operation)} if document.offline else set()
                elif hasattr(document, "withdraws"):
                    seen.add(("close", document.withdraws, document.offline))
                else:
                    seen.add(("placement", document.operation, document.offline))
        wanted = {("item", kind, 2) for kind in range(1, 7)}
        wanted |= {("item", 1, operation) for operation in range(4)}
        wanted |= {("payment", kind) for kind in (0, 1, 4)}
        wanted |= {("rate", percent) for percent in (0, 5000, 10000, 12000, 16000)}
        wanted |= {("whole", sign, taxed) for sign in (-1, 1) for taxed in (False, True)}
        wanted |= {("offline", 2), ("offline", 3), ("ticket tax",), ("change",)}
        wanted |= {("close", True, False), ("close", False, False), ("close", False, True)}
        wanted |= {("placement", kind, offline) for kind in (0, 1) for offline in (False, True)}
        self.assertEqual(wanted - seen, set())

    def test_connection_per_ticket(self):
        told, _ = self.play_right(10, "--connection-per-ticket", "--tickets", 10)
        self.assertEqual(told["connections"], told["requests"])

    def test_registers_take_turns(self):
        told, peer = self.play_right(20, "--at-once", 3, "--tickets", 4)
        self.assertEqual(told["at_once"], 3)
        self.assertEqual(len(peer.sources), 20)


class Troubles(Case):
    def test_cuts_offline_and_lost_tokens(self):
        for arguments in (("--cut", "20%"), ("--offline", "15%"), ("--forget", "20%"),
                          ("--cut", "30%", "--offline", "20%", "--forget", "10%"),
                          ("--cut", "30%", "--offline", "20%", "--forget", "10%",
                           "--connection-per-ticket", "--protocol", 202)):
            with self.subTest(arguments=arguments):
                told, peer = self.play_right(20, "--shifts", 3, "--tickets", 12, *arguments)
                self.assertEqual(told["tickets"], 20 * 3 * 12)
                if "--cut" in arguments:
                    self.assertGreater(told["cuts"], 0)
                    self.assertGreater(told["retries"], 0)
                    self.assertGreater(told["pings"], 0)
                    self.assertGreater(peer.counts["replays"], 0)
                if "--offline" in arguments:
                    self.assertGreater(peer.counts["offline"], 0)
                    self.assertGreater(peer.counts["drained"], 0)
                if "--forget" in arguments:
                    self.assertGreater(told["recoveries"], 0)
                    self.assertGreater(peer.results[2], 0)
                else:
                    self.assertEqual(told["recoveries"], 0)

    def test_lives_do_not_depend_on_connections(self):
        """The same seed makes the same Z of every register, whatever happens on the way."""
        ends = []
        for arguments in ((), (), ("--cut", "40%"), ("--cut", "20%", "--forget", "20%"),
                          ("--connection-per-ticket",)):
            _, peer = self.play_right(10, "--shifts", 2, "--offline", "10%", *arguments)
            ends.append({number: device.last_z for number, device in peer.devices.items()})
        self.assertEqual(ends[0], ends[1])
        for end in ends[2:]:
            self.assertEqual(end, ends[0])

    def test_another_seed_is_another_life(self):
        ends = []
        for seed in (1, 2):
            with Peer(registers(2, seed)) as peer:
                code, _, _ = play(peer, 2, "--seed", seed)
                self.assertEqual(code, 0)
                ends.append([device.last_z for device in peer.devices.values()])
        self.assertNotEqual(ends[0], ends[1])

    def test_a_register_goes_on_where_it_stands(self):
        """A second run against the same server: a token is set anew, figures are the server's."""
        known = registers(5)
        with Peer(known) as peer:
            self.assertEqual(play(peer, 5, "--shifts", 2)[0], 0)
            for number, (token, _) in known.items():
                peer.devices[number].token = token
            code, told, _ = play(peer, 5, "--shifts", 2)
            self.assertEqual((code, told["z_differences"]), (0, 0))
            self.assertEqual({device.shift for device in peer.devices.values()}, {5})
            self.assertEqual(peer.errors, [])

    def test_answers_that_do_not_come(self):
        for mode in ("drop=5", "half=4", "busy=6", "drop=7 half=9 busy=8"):
            with self.subTest(mode=mode):
                told, peer = self.play_right(10, "--shifts", 2, modes=mode.split())
                self.assertGreater(told["retries"], 0)
                self.assertEqual(peer.counts["replays"] > 0, mode != "busy=6")

    def test_a_server_that_comes_late(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        process = subprocess.Popen([KKM, "--json", "--added", "--cpcr", f"127.0.0.1:{port}",
                                    "--registers", "5"], stdout=subprocess.PIPE, text=True)
        time.sleep(0.7)
        with Peer(registers(5), port=port) as peer:
            out, _ = process.communicate(timeout=60)
            self.assertEqual(peer.errors, [])
        self.assertEqual(process.returncode, 0)
        self.assertTrue(json.loads(out)["right"])

    def test_a_server_that_goes_away_and_comes_back(self):
        with Peer(registers(20)) as peer:
            process = subprocess.Popen(
                [KKM, "--json", "--added", "--cpcr", peer.address, "--registers", "20",
                 "--shifts", "4", "--tickets", "30"], stdout=subprocess.PIPE, text=True)
            for documents in (200, 900, 1500):
                while peer.counts["documents"] < documents and process.poll() is None:
                    time.sleep(0.01)
                peer.go_away()
                time.sleep(0.3)
                peer.come_back()
            told = json.loads(process.communicate(timeout=60)[0])
            self.assertEqual(peer.errors, [])
            self.assertEqual(told["documents"], peer.counts["documents"])
        self.assertEqual(process.returncode, 0, told)
        self.assertGreaterEqual(told["connections"], 4 * 20)
        self.assertGreater(told["retries"], 0)

    def test_a_server_that_does_not_come(self):
        started = time.monotonic()
        done = run("--json", "--added", "--cpcr", "127.0.0.1:1", "--patience", 1)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(json.loads(done.stdout)["gave_up"])
        self.assertLess(time.monotonic() - started, 30)

    def test_a_server_that_is_silent(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(16)
            done = run("--json", "--added", "--cpcr", "127.0.0.1:%d" % silent.getsockname()[1],
                       "--patience", 1, "--timeout-ms", 100)
        told = json.loads(done.stdout)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(told["gave_up"])
        self.assertGreater(told["retries"], 2)

    def test_few_files(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        told, _ = self.play_right(60, "--tickets", 3, preexec_fn=limit)
        # Only root may go beyond the hard limit.
        self.assertIn(told["at_once"], (32, 60))


ASKING = ("--operators", 4, "--nomenclature", 60)


class Questions(Case):
    def ask(self, count, *arguments, modes=()):
        people, goods = known(count, *ASKING)
        with Peer(registers(count), modes, people=people, goods=goods) as peer:
            return (*play(peer, count, *ASKING, "--shifts", 2, *arguments), peer)

    def test_both_protocols(self):
        for protocol in (202, 203):
            with self.subTest(protocol=protocol):
                code, told, errors, peer = self.ask(30, "--protocol", protocol)
                self.assertEqual((code, errors, peer.errors), (0, "", []), told)
                self.assertEqual((told["auths"], told["auths_denied"], told["nomenclatures"]),
                                 (peer.counts["auths"], peer.counts["denied"],
                                  peer.counts["nomenclatures"]))
                self.assertGreater(told["auths"], 60)
                self.assertGreater(told["auths_denied"], 20)
                self.assertEqual(peer.counts["barcodes"] > 0, protocol == 203)

    def test_lives_do_not_depend_on_questions(self):
        ends = []
        for arguments in ((), ("--cut", "20%", "--offline", "0")):
            code, _, _, peer = self.ask(10, *arguments)
            self.assertEqual(code, 0)
            ends.append({number: device.last_z for number, device in peer.devices.items()})
        with Peer(registers(10)) as peer:
            self.assertEqual(play(peer, 10, "--shifts", 2)[0], 0)
            ends.append({number: device.last_z for number, device in peer.devices.items()})
        self.assertEqual(ends[0], ends[1])
        self.assertEqual(ends[0], ends[2])

    def test_wrong_passwords_are_few(self):
        code, told, _, peer = self.ask(10, "--cut", "60%", "--shifts", 3)
        self.assertEqual(code, 0, told)
        self.assertLessEqual(peer.counts["denied"], 20)

    def test_each_check_fails(self):
        for mode, text in (("auth_all", "a wrong login or password is taken"),
                           ("auth_none", "the right password is refused"),
                           ("auth_name", "AUTH tells another operator"),
                           ("auth_tells", "is told who the operator is"),
                           ("list_version", "tells another version"),
                           ("list_again", "with another result"),
                           ("list_short", "another element, or not all"),
                           ("list_more", "an element that there is not"),
                           ("list_price", "another element"),
                           ("system_token", "changes the token")):
            with self.subTest(mode=mode):
                code, told, _, _ = self.ask(20, modes=[mode])
                self.assertEqual(code, 1)
                self.assertGreater(told["wrong_answers"], 0)
                self.assertIn(text, told["first_wrong_answer"])

    def test_a_server_that_knows_nobody(self):
        with Peer(registers(2)) as peer:
            for asking, text in ((ASKING[:2], "the right password is refused"),
                                 (ASKING[2:], "another version")):
                code, told, _ = play(peer, 2, *asking)
                self.assertEqual((code, told["blocked"]), (1, 2))
                self.assertIn(text, told["first_wrong_answer"])


class Misbehaviour(Case):
    """Every check fails when it should."""

    def test_each_figure_of_z(self):
        for field in Z_FIELDS:
            with self.subTest(field=field):
                told, _ = self.play_wrong(2, "--tickets", 15, modes=[f"wrong_z={field}"])
                self.assertEqual(told["z_differences"], told["z_compared"])
                self.assertEqual(told["x_differences"], 0)
                self.assertEqual(told["refused"], 0)
                self.assertIn(": the register has ", told["first_difference"])

    def test_figures_of_x(self):
        for field in ("taxes_without", "cash_sum", "open_shift_time"):
            with self.subTest(field=field):
                told, _ = self.play_wrong(10, "--tickets", 20, modes=[f"wrong_x={field}"])
                self.assertEqual(told["x_differences"], told["x_compared"])
                self.assertEqual(told["z_differences"], 0)

    def test_a_z_that_is_not_there_or_is_an_x(self):
        for mode, text in (("no_z", "no report"), ("type", "of the other type")):
            with self.subTest(mode=mode):
                told, _ = self.play_wrong(2, modes=[mode])
                self.assertGreater(told["z_differences"], 0)
                self.assertIn(text, told["first_difference"])

    def test_a_retry_that_is_counted_twice(self):
        told, peer = self.play_wrong(10, "--cut", "30%", modes=["forgets"])
        self.assertGreater(peer.counts["documents"], told["documents"])
        self.assertGreater(told["z_differences"], 0)

    def test_what_the_protocol_does_not_allow(self):
        for mode, text in (("zero_token", "token is 0"), ("reqnum", "request number"),
                           ("system_token", "changes the token"),
                           ("number", "two tickets have one number"), ("qr", "QR code"),
                           ("no_number", "has no ticket number")):
            with self.subTest(mode=mode):
                told, _ = self.play_wrong(2, modes=[mode])
                self.assertGreater(told["wrong_answers"], 0)
                self.assertIn(text, told["first_wrong_answer"])
        told, _ = self.play_wrong(2, modes=["garbage"])
        self.assertEqual((told["wrong_answers"], told["blocked"]), (2, 2))

    def test_a_wrong_token_is_recovered_from_once(self):
        told, _ = self.play_right(3, "--tickets", 5, modes=["ticket_token"])
        self.assertEqual(told["x_compared"], 0)  # a report would tell the right token
        self.assertGreaterEqual(told["recoveries"], 15)
        told, _ = self.play_wrong(3, modes=["ticket_token", "replay_token"])
        self.assertEqual(told["blocked"], 3)
        self.assertIn("refused with 2", told["first_refusal"])

    def test_refusals(self):
        for code, blocks in ((13, False), (14, False), (11, False), (15, True), (1, True),
                             (3, True)):
            with self.subTest(code=code):
                told, _ = self.play_wrong(3, "--shifts", 2, modes=[f"refuse={code}"])
                self.assertGreater(told["refused"], 0)
                self.assertIn(f"refused with {code} ", told["first_refusal"])
                self.assertEqual(told["blocked"], 3 if blocks else 0)
                # A refused document is in nobody's figures.
                self.assertEqual(told["z_differences"], 0)
                self.assertEqual(told["finished"], 0 if blocks else 3)

    def test_a_queue_that_is_refused_blocks(self):
        told, _ = self.play_wrong(5, "--offline", "100%", modes=["refuse=13"])
        self.assertEqual(told["blocked"], 5)

    def test_registers_that_are_not_known(self):
        with Peer({1: (1, "1")}) as peer:
            code, told, _ = play(peer, 2)
        self.assertEqual((code, told["blocked"], told["refused"]), (1, 2, 2))


class Usage(unittest.TestCase):
    def test_wrong_usage_is_two(self):
        for arguments in ((), ("--cpcr", "x", "--registers", 0), ("--cpcr", "x", "--cut", "95%"),
                          ("--cpcr", "x", "--cut", "-1"), ("--cpcr", "x", "--offline", "101%"),
                          ("--cpcr", "x", "--protocol", 204), ("--cpcr", "x", "more"),
                          ("--cpcr", "x", "--registers", 10001), ("--nothing",),
                          ("--cpcr", "x", "--date", "2026-02-30"),
                          ("--cpcr", "x", "--tickets", 20001),
                          ("--cpcr", "x", "--operators", 101),
                          ("--cpcr", "x", "--nomenclature", 251)):
            with self.subTest(arguments=arguments):
                self.assertEqual(run(*arguments).returncode, 2)

    def test_help(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("--connection-per-ticket", done.stdout)

    def test_an_address_that_is_none(self):
        for address in ("127.0.0.1", ":1", "127.0.0.1:", "no.such.host.invalid:1"):
            with self.subTest(address=address):
                done = run("--json", "--added", "--cpcr", address)
                self.assertEqual(done.returncode, 1)
                self.assertIn("code", json.loads(done.stderr))

    def test_registers_that_cannot_be_added_are_a_failure(self):
        done = run("--json", "--cpcr", "127.0.0.1:1", "--token-file", "/no/such/file")
        self.assertEqual(done.returncode, 1)
        self.assertIn("--token-file", json.loads(done.stderr)["hint"])

    def test_csv(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "registers.csv"
            self.assertEqual(run("--csv", path, "--registers", 10000).returncode, 0)
            lines = path.read_text(encoding="utf-8").splitlines()
        self.assertEqual(lines[0], "device,token,rnm,factory,org,point")
        rows = [line.split(",") for line in lines[1:]]
        self.assertEqual(len({row[0] for row in rows}), 10000)
        self.assertEqual(len({row[2] for row in rows}), 10000)
        self.assertTrue(all(len(row[2]) == 12 and len(row[4]) == 12 for row in rows))
        self.assertTrue(all(0 < int(row[1]) < 2**32 for row in rows))
        self.assertTrue(any(int(row[1]) > 2**31 for row in rows))
        self.assertEqual(run("--csv", "/no/such/folder/file").returncode, 1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
