#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""chek-load against a real server: both profiles are stored and compare equal, what it prints is
what its users were told, and the comparison fails when the server's figures are other ones.

    test_chek_load.py BIN_FOLDER
"""
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

BIN = pathlib.Path(sys.argv[1])
MEMBERS = """receipts lines seconds receipts_per_s bytes_per_s ack_p50_us ack_p99_us ack_p999_us
    ack_max_us send_lag_p99_us void prepared frames_per_send sync_method cpu_s_per_million
    server_allocations server_allocations_late server_rss_bytes disk_bytes log_bytes event_bytes cold_reads stream_xxh3 commit
    machine""".split()


def load(*arguments):
    done = subprocess.run([BIN / "chek-load", "--json", *map(str, arguments)],
                          capture_output=True, text=True, timeout=120)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


class Spawned(unittest.TestCase):
    def run_one(self, *arguments):
        code, told, errors = load("--spawn", *arguments)
        self.assertEqual((code, errors), (0, ""))
        self.assertTrue(told["right"])
        # A server that is ready has what it needs, however it is fed.
        self.assertEqual((told["server_allocations"], told["server_allocations_late"]), (0, 0))
        return told

    def test_profile_a(self):
        told = self.run_one("--receipts", 1000)
        for name in MEMBERS:
            self.assertIn(name, told)
        self.assertEqual(told["stream_xxh3"], "c05e2534b611f86c")  # tests/vectors/workload
        self.assertEqual(told["total"], 1870767000)
        self.assertEqual(told["stored"], 1992)
        self.assertEqual(told["compared"], 8000)
        self.assertGreater(told["reports_compared"], 0)
        self.assertGreater(told["log_bytes"], 0)
        self.assertGreater(told["server_rss_bytes"], 0)

    def test_profile_b(self):
        told = self.run_one("--receipts", 20000, "--profile", "b", "--registers", 500)
        self.assertGreater(told["late"], 0)
        self.assertGreater(told["duplicates"], 0)
        self.assertGreater(told["conflicts"], 0)

    def test_rate_is_kept(self):
        told = self.run_one("--receipts", 4000, "--rate", 8000, "--frame-bytes", 4096)
        self.assertGreaterEqual(told["seconds"], 0.49)
        self.assertLess(told["seconds"], 20)
        self.assertGreater(told["ack_p50_us"], 0)

    def test_frames_of_any_size_and_shards(self):
        for arguments in (("--frame-bytes", 256, "--connections", 3, "--shards", 2),
                          ("--frame-bytes", 500000, "--connections", 1, "--window", 1),
                          ("--prepared", "--connections", 40)):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.run_one("--receipts", 1000, *arguments)["stored"], 1992)

    def test_a_document_a_frame_and_a_frame_a_send(self):
        told = self.run_one("--receipts", 1000, "--frame-receipts", 1, "--window", 64)
        self.assertEqual((told["stored"], told["frames"]), (1992, 1992))
        told = self.run_one("--receipts", 1000, "--frame-receipts", 7, "--send-each")
        self.assertGreaterEqual(told["frames"], 1992 / 7)
        self.assertLess(told["frames"], 1992 / 7 + 32)
        self.assertEqual(told["frames_per_send"], 1)

    def test_what_comes_after_the_warm_up_is_told_apart(self):
        told = self.run_one("--receipts", 12000, "--rate", 8000, "--frame-bytes", 2048,
                            "--warm-up", 1)
        self.assertGreater(told["warm_frames"], 0)
        self.assertLess(told["warm_frames"], told["frames"])
        self.assertGreater(told["warm_p99_us"], 0)


class AgainstAServer(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.server = subprocess.Popen(
            [BIN / "chekd", "--data", self.folder.name, "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, text=True)
        ready = self.server.stdout.readline()
        self.address = ready.split("listen=")[1].split()[0]

    def tearDown(self):
        self.server.send_signal(signal.SIGTERM)
        self.assertEqual(self.server.wait(60), 0)
        self.server.stdout.close()
        self.folder.cleanup()

    def load(self, *arguments):
        return load("--server", self.address,
                    "--token-file", self.folder.name + "/admin.token", *arguments)

    def test_the_comparison_sees_a_difference(self):
        code, told, _ = self.load("--receipts", 1000)
        self.assertEqual((code, told["stored"]), (0, 1992))

        # The same again: all of it is there, and the figures are the same.
        code, told, _ = self.load("--receipts", 1000)
        self.assertEqual((code, told["stored"], told["duplicates"]), (0, 0, 1992))

        # Half the receipts over half the days are the first half of the stream. Every document is
        # known to the server and acknowledged, but its sums are those of the whole stream.
        code, told, _ = self.load("--receipts", 500, "--days", 15)
        self.assertEqual(code, 1)
        self.assertEqual(told["stored"], 0)
        self.assertEqual(told["conflicts"], 0)
        self.assertFalse(told["right"])
        self.assertGreater(told["differences"], 0)
        self.assertIn("tickets", told["first_difference"])

        # Other receipts under the same numbers are conflicts, and a failure too.
        code, told, _ = self.load("--receipts", 900)
        self.assertEqual(code, 1)
        self.assertGreater(told["conflicts"], 0)

    def test_repeats_are_streams_of_their_own(self):
        code, told, _ = self.load("--receipts", 500, "--repeat", 3)
        self.assertEqual(code, 0)
        self.assertEqual(len(told["runs"]), 3)

    def test_a_server_that_goes_away_is_a_failure(self):
        code, _, errors = load("--server", "127.0.0.1:1", "--receipts", 1,
                               "--token-file", self.folder.name + "/admin.token")
        self.assertEqual(code, 1)
        self.assertIn("code", json.loads(errors))


class Usage(unittest.TestCase):
    def test_wrong_usage_is_two(self):
        for arguments in ((), ("--receipts", 0), ("--receipts", "x"), ("--spawn",),
                          ("--receipts", 1, "--profile", "c"), ("--receipts", 1, "more"),
                          ("--nothing",)):
            with self.subTest(arguments=arguments):
                self.assertEqual(load(*arguments)[0], 2)

    def test_help(self):
        done = subprocess.run([BIN / "chek-load", "--help"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0)
        self.assertIn("--frame-bytes", done.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
