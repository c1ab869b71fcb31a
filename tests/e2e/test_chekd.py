# SPDX-License-Identifier: MIT
"""chekd as its operator meets it: what it refuses and what it says, metrics, secrets on disk.

    test_chekd.py BIN_FOLDER PYTHON_FOLDER
"""
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from plain_xxh3 import xxh3_64
from server import Server

ARGUMENTS = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
sys.path.insert(0, ARGUMENTS[1])
import chek  # noqa: E402  (its folder is known only now)

CHEKD = pathlib.Path(ARGUMENTS[0]) / "chekd"
ROOT = pathlib.Path(__file__).resolve().parents[2]


def chekd(*arguments):
    """Run chekd to its end: exit code and what it said."""
    done = subprocess.run([CHEKD, *map(str, arguments)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


class Start(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name)

    def test_wrong_usage_is_exit_2_and_says_what_to_do(self):
        config = self.home / "chekd.conf"
        config.write_text("shard = 2\n", encoding="utf-8")
        data = self.home / "data"
        rows = [([], "--data DIR is needed"),
                (["--data", data, "--shards", "0"], "--shards cannot be '0'"),
                (["--data", data, "--shards", "many"], "--shards cannot be 'many'"),
                (["--data", data, "--what"], "see chekd --help"),
                (["--data", data, "more"], "'more' is not an option"),
                (["--data", data, "--listen", "0.0.0.0:7420"], "stunnel"),
                (["--data", data, "--config", self.home / "none"], "cannot read"),
                (["--data", data, "--config", config], "line 1: the key 'shard' is not known")]
        for arguments, want in rows:
            with self.subTest(want):
                code, said = chekd(*arguments)
                self.assertEqual(code, 2, said)
                self.assertIn(want, said)
        self.assertFalse(data.exists())

    def test_help_and_version(self):
        code, said = chekd("--help")
        self.assertEqual(code, 0)
        for option in ("--data", "--listen", "--metrics", "--shards", "--config", "Examples"):
            self.assertIn(option, said)
        self.assertEqual(chekd("--version")[0], 0)

    def test_the_example_configuration_is_accepted(self):
        text = (ROOT / "tools/systemd/chekd.conf").read_text(encoding="utf-8")
        config = self.home / "chekd.conf"
        config.write_text(text.replace("/var/lib/chek", str(self.home / "data"))
                          .replace(":7420", ":0").replace(":9420", ":0"), encoding="utf-8")
        with Server(ARGUMENTS[0], ["--config", config, "--partitions", "2"]) as server:
            self.assertRegex(server.address, r"^127\.0\.0\.1:[1-9]")

    def test_a_folder_that_is_held_is_refused(self):
        with Server(ARGUMENTS[0], ["--partitions", "2"]) as server:
            code, said = chekd("--data", server.data, "--listen", "127.0.0.1:0")
            self.assertEqual(code, 1)
            self.assertIn("another process holds the data folder", said)
            self.assertIn("stop the other chekd", said)

    def test_an_address_that_is_taken_is_said(self):
        with Server(ARGUMENTS[0], ["--partitions", "2"]) as server:
            code, said = chekd("--data", self.home / "data", "--listen", server.address,
                               "--partitions", "2")
            self.assertEqual(code, 1)
            self.assertIn("use", said)

    def test_a_manifest_of_a_later_version_is_refused(self):
        with Server(ARGUMENTS[0], ["--partitions", "2"]) as server:
            server.stop()
            for file in server.data.glob("manifest.*"):
                record = bytearray(file.read_bytes())
                size, number = struct.unpack_from("<IQ", record, 12)
                struct.pack_into("<I", record, 8, 2)  # the version (persist/FORMAT.md "Manifest")
                struct.pack_into("<Q", record, size - 8, xxh3_64(bytes(record[:size - 8]), number))
                file.write_bytes(record)
            code, said = chekd("--data", server.data, "--listen", "127.0.0.1:0")
            self.assertEqual(code, 1)
            self.assertIn("the version is not supported", said)
            self.assertIn("start that one, or restore a backup", said)

    def test_a_log_without_a_manifest_is_refused(self):
        with Server(ARGUMENTS[0], ["--partitions", "2"]) as server:
            server.stop()
            for file in server.data.glob("manifest.*"):
                file.unlink()
            code, said = chekd("--data", server.data, "--listen", "127.0.0.1:0")
            self.assertEqual(code, 1)
            self.assertIn("there is a log but no manifest", said)


class Metrics(unittest.TestCase):
    def test_metrics_are_served_in_prometheus_text(self):
        with Server(ARGUMENTS[0], ["--partitions", "2", "--metrics", "127.0.0.1:0"]) as server:
            url = f"http://{server.metrics}/metrics"
            with urllib.request.urlopen(url, timeout=10) as answer:
                text = answer.read().decode()
                self.assertIn("version=0.0.4", answer.headers["Content-Type"])
            self.assertIn("chek_documents{shard=\"0\"} 0\n", text)
            self.assertRegex(text, r"(?m)^chek_version\{text=\"[^\"]+\"\} 1$")
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(url.replace("/metrics", "/other"), timeout=10)
            self.assertEqual(refused.exception.code, 404)

    def test_who_asks_nothing_keeps_nobody_out(self):
        with Server(ARGUMENTS[0], ["--partitions", "2", "--metrics", "127.0.0.1:0"]) as server:
            host, port = server.metrics.rsplit(":", 1)
            silent = [socket.create_connection((host, int(port))) for _ in range(8)]
            for number, one in enumerate(silent):
                self.addCleanup(one.close)
                one.sendall(b"GET /metrics HTTP/1.1\r\n"[:number])
            end = time.monotonic() + 30
            while True:
                try:
                    with urllib.request.urlopen(f"http://{server.metrics}/metrics",
                                                timeout=10) as answer:
                        self.assertIn(b"chek_documents", answer.read())
                    break
                except OSError:  # refused: all places are taken
                    self.assertLess(time.monotonic(), end)
                    time.sleep(0.2)


class Stop(unittest.TestCase):
    def test_a_client_that_does_not_read_does_not_hold_the_end(self):
        with Server(ARGUMENTS[0], ["--partitions", "2", "--shards", "2"]) as server:
            with chek.Client(server.address, token_file=server.token_file) as client:
                for first in range(0, 8000, 1000):
                    client.claim([{"keys": [{"value": f"R{number}"}], "organisation": "1",
                                   "address": "x" * 200} for number in range(first, first + 1000)])
                # More than the system's buffers hold, and never read.
                for frame in range(1000, 1020, 2):
                    client._socket.sendall(
                        chek.protocol.request_encode("ask_registers", {}, frame) +
                        chek.protocol.request_encode("allow", {"frame": frame, "size": 1 << 30},
                                                     frame + 1))
                time.sleep(1)
                begin = time.monotonic()
                server.stop()
                self.assertLess(time.monotonic() - begin, 15)


class Secrets(unittest.TestCase):
    BUYERS = ["canary.buyer@example.kz", "+77011234567"]

    def feed(self, server):
        with chek.Client(server.address, token_file=server.token_file) as client:
            added = client.token_add("canary", 1 << chek.Right.READ)
            profile = {"keys": [{"value": "SECRET-1"}], "organisation": "1"}
            register = client.claim([profile])[0].registration
            results = client.feed([
                {"registration": register,
                 "receipt": {"time": chek.civil("2026-01-05"), "document": number, "total": 100,
                             "payments": [{"sum": 100}], "buyer": self.BUYERS[number % 2],
                             "lines": [{"sum": 100}]}} for number in range(1, 9)])
            self.assertEqual({row.status for row in results}, {chek.Status.STORED})
            subjects = {row.receipt.subject for row in client.receipts({"registration": register})}
            self.assertEqual(len(subjects), 2)  # the same buyer is the same subject
            self.assertTrue(all(row.receipt.buyer == ""
                                for row in client.receipts({"registration": register})))
            return [added.token.split(".")[1], server.token_file.read_text().strip().split(".")[1]]

    def test_no_secret_and_no_buyer_is_on_disk_in_clear(self):
        with Server(ARGUMENTS[0], ["--partitions", "2"]) as server:
            tokens = self.feed(server)
            secrets = [text.encode() for text in self.BUYERS + tokens]
            secrets += [bytes.fromhex(token) for token in tokens]
            key = (server.data / "secret.key").read_bytes()
            secrets += [key[:32], key[32:]]
            for end in (server.kill, server.stop):
                end()
                for path in server.data.rglob("*"):
                    if path.is_file() and path.name not in ("admin.token", "secret.key"):
                        content = path.read_bytes()
                        for secret in secrets:
                            self.assertNotIn(secret, content, path)
                server.start()

    def test_the_folder_is_for_its_owner_alone(self):
        with Server(ARGUMENTS[0], ["--partitions", "2"]) as server:
            for path in [server.data, *server.data.rglob("*")]:
                self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
