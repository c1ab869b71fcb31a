# SPDX-License-Identifier: MIT
"""chek verify over a damaged folder: exit code 1, and a line that names the file and the place.

    test_damage.py CHEKD_FOLDER CHEK_FOLDER PYTHON_FOLDER

The folder is made by a server that was killed. It is damaged in one way at a time: bits, pages of
zeros, files cut, longer, gone, swapped, blocks swapped. After each it is put right again.
"""
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
sys.path.insert(0, sys.argv[3])
import chek  # noqa: E402
import workload  # noqa: E402
from server import Server  # noqa: E402

CHEKD_BIN, CHEK_BIN = [pathlib.Path(path) for path in sys.argv[1:3]]
IS_SMALL = CHEKD_BIN != CHEK_BIN  # it has segments
OPTIONS = ["--shards", "2", "--partitions", "2"]
OPTIONS += ["--snapshot-log-kib", "4096"] if IS_SMALL else ["--log-file-mib", "4"]
ORGANISATIONS = 6  # enough that both partitions have some
BLOCK, SECTOR = 4096, 512
HEAD = 64  # of images and segments
NO_PLACE = "no place"


def feed(server, tills, count):
    with chek.Client(server.address, token_file=server.token_file) as client:
        workload.claim(client, tills)
        for till in tills:
            till.answered(client.feed(till.documents(count)), again=False)


class Damage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(CHEKD_BIN, OPTIONS)
        cls.addClassCleanup(cls.server.__exit__)
        tills = workload.tills("damage", ORGANISATIONS, ORGANISATIONS)
        cls.server.start()
        feed(cls.server, tills, 60)
        with chek.Client(cls.server.address, token_file=cls.server.token_file) as client:
            client.snapshot()
        for _ in range(4):
            feed(cls.server, tills, 5)
        cls.server.bin = CHEK_BIN  # where chek is
        cls.server.wait_for_sealing()
        cls.heads = cls.server.chek("status", "--heads")
        cls.reaches = cls.server.lines("status", "--heads")
        cls.server.kill()
        cls.data = cls.server.data

    def verify(self):
        """Exit code and findings, as {file: offset or None} of the first finding about a file."""
        done = subprocess.run([CHEK_BIN / "chek", "verify", self.data, "--json"],
                              capture_output=True, text=True, timeout=60)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        findings = {}
        for row in rows:
            if row["kind"] == "finding":
                findings.setdefault(row["file"], row["offset"])
        return done.returncode, findings

    def files(self, folder, minimum=1):
        names = sorted(f"{folder}/{path.name}" for path in (self.data / folder).iterdir())
        self.assertGreaterEqual(len(names), minimum)
        return names

    def written_log(self):
        """A log file with at least four written blocks, and how many those are."""
        for name in self.files("log"):
            content = (self.data / name).read_bytes()
            count = sum(any(content[at:at + SECTOR]) for at in range(0, len(content), BLOCK))
            if name.endswith(".log") and count >= 4:
                return name, count
        raise self.failureException("no log with four blocks")

    def check(self, changes, name, offset=None):
        """With `changes` ({name: content or None}) made, the finding is of `name` at `offset`."""
        before = {changed: (self.data / changed).read_bytes() for changed in changes}
        try:
            for changed, content in changes.items():
                if content is None:
                    (self.data / changed).unlink()
                else:
                    (self.data / changed).write_bytes(content)
            code, findings = self.verify()
        finally:
            for changed, content in before.items():
                (self.data / changed).write_bytes(content)
        self.assertEqual(code, 1, f"{list(changes)} is damaged, and chek verify found {findings}")
        self.assertIn(name, findings)
        if offset == NO_PLACE:
            self.assertIsNone(findings[name])
        elif offset is not None:
            self.assertEqual(findings[name], offset, name)

    def content(self, name):
        return (self.data / name).read_bytes()

    def flipped(self, name, at):
        content = bytearray(self.content(name))
        content[at] ^= 0x10
        return {name: bytes(content)}

    def swapped(self, first, second):
        return {first: self.content(second), second: self.content(first)}

    # ---- one kind of file after the other ----------------------------------------------------

    def test_a_sound_folder_is_exit_0(self):
        self.assertEqual(self.verify(), (0, {}))

    def test_the_manifest(self):
        name, = [path.name for path in self.data.glob("manifest.*")]
        self.check(self.flipped(name, 20), name, 0)
        self.check({name: self.content(name)[:64]}, name, 0)
        self.check({name: None}, None, NO_PLACE)

    def immutable(self, names):
        for name in names:
            content = self.content(name)
            half = len(content) // 2
            self.check(self.flipped(name, 8), name, 0)
            self.check(self.flipped(name, HEAD), name, HEAD)
            self.check(self.flipped(name, len(content) - 1), name, HEAD)
            self.check({name: content[:-1]}, name)
            self.check({name: content + b"\0"}, name)
            self.check({name: content[:HEAD] + bytes(BLOCK) + content[HEAD + BLOCK:]}, name, HEAD)
            self.check({name: content[:half]}, name)
            self.check({name: None}, name, NO_PLACE)
        for first, second in zip(names, names[1:]):
            self.check(self.swapped(first, second), first, 0)
            self.check(self.swapped(first, second), second, 0)

    def test_images(self):
        self.immutable(self.files("snapshot", 3))

    def test_segments(self):
        self.immutable(self.files("segment", 2)[:2] if IS_SMALL else [])

    def test_the_log(self):
        name, count = self.written_log()
        content = self.content(name)
        for block in range(count - 1):
            self.check(self.flipped(name, block * BLOCK + 100), name, block * BLOCK)
        self.check(self.flipped(name, BLOCK + 3 * SECTOR), name, BLOCK + 3 * SECTOR)
        blocks = [content[at:at + BLOCK] for at in range(0, len(content), BLOCK)]
        swapped = blocks[:1] + [blocks[2], blocks[1]] + blocks[3:]
        self.check({name: b"".join(swapped)}, name, BLOCK)
        old = blocks[:2] + [blocks[1]] + blocks[3:]  # one that was written elsewhere
        self.check({name: b"".join(old)}, name, 2 * BLOCK)
        lost = blocks[:2] + [bytes(BLOCK)] + blocks[3:]  # a write that never came
        self.check({name: b"".join(lost)}, name, 2 * BLOCK)
        self.check({name: b"".join(blocks[:2])}, name)
        self.check({name: None}, name)

    def test_the_watermark(self):
        for name in self.files("log"):
            if name.endswith(".mark") and any(self.content(name)[BLOCK:]):
                self.check(self.flipped(name, BLOCK + 32), name, BLOCK)
                self.check(self.flipped(name, 2 * BLOCK - 1), name, BLOCK)
                self.check({name: self.content(name)[:BLOCK]}, name)
                self.check({name: None}, name)

    def test_events_older_than_the_snapshot(self):
        name = max(self.files("event"), key=lambda name: len(self.content(name)))
        self.check(self.flipped(name, 60), name, 0)
        self.check({name: None}, "event", NO_PLACE)

    # ---- heads of chains -----------------------------------------------------------------------

    def verify_heads(self, *options):
        """Exit code and the texts of the findings."""
        done = subprocess.run([CHEK_BIN / "chek", "verify", self.data, "--json", *options],
                              capture_output=True, text=True, timeout=60)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return done.returncode, [row["text"] for row in rows if row["kind"] == "finding"], rows

    def test_heads_that_the_server_told(self):
        noted = self.data.parent / "heads"
        noted.write_text("# noted elsewhere\n\n" + self.heads)
        code, findings, rows = self.verify_heads("--heads", noted)
        self.assertEqual((code, findings), (0, []))
        partitions = {row["partition"]: row for row in rows if row["kind"] == "partition"}
        self.assertEqual(len(self.heads.split()), sum(row["ranges"] > 0 for row in self.reaches))
        for reach in self.reaches:
            found = partitions[reach["partition"]]
            self.assertEqual((found["chained"], found["head"]), (reach["rows"], reach["head"]))
            self.assertEqual(found["rows"], reach["rows"] + reach["open"])
        if IS_SMALL:
            self.assertGreater(len(self.heads.split()), 1)

    def test_heads_that_are_others(self):
        for head in self.heads.split():
            partition, rows, digits = head.split(":")
            other = f"{int(digits[0], 16) ^ 1:x}" + digits[1:]
            code, findings, _ = self.verify_heads("--head", f"{partition}:{rows}:{other}")
            self.assertEqual((code, len(findings)), (1, 1))
            self.assertIn("changed, inserted or taken away", findings[0])
        code, findings, _ = self.verify_heads("--head", "1:100000000:" + 32 * "ab")
        self.assertEqual((code, len(findings)), (1, 1))
        self.assertIn("no such range", findings[0])

    def test_what_is_no_head_is_wrong_usage(self):
        for text in ("", "1:2", "1:2:ab", "1:2:" + 31 * "ab" + "xy", "x:2:" + 32 * "ab",
                     "1:-2:" + 32 * "ab", "1:2:" + 33 * "ab"):
            self.assertEqual(self.verify_heads("--head", text)[0], 2, text)

    def test_files_of_another_kind(self):
        image, log = self.files("snapshot")[-1], self.written_log()[0]
        self.check(self.swapped(image, log), image, 0)
        self.check(self.swapped(image, log), log)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
