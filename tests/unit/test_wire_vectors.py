#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The worked example of PROTOCOL.md: every vector stands in it word by word, and the Python codec
decodes each frame and encodes it again to the same bytes; the splitter gives them out at any split.

    test_wire_vectors.py SOURCE_FOLDER PYTHON_FOLDER
"""
import pathlib
import sys
import unittest

ROOT = pathlib.Path(sys.argv[1])
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[2])
from chek import protocol  # noqa: E402

FILES = sorted((ROOT / "tests/vectors/wire").glob("*.hex"))


def read(path):
    return b"".join(bytes.fromhex(line.split("#")[0]) for line in
                    path.read_text(encoding="utf-8").splitlines())


class WireVectors(unittest.TestCase):
    def test_there_are_vectors(self):
        self.assertGreaterEqual(len(FILES), 5)

    def test_document_has_every_vector(self):
        text = (ROOT / "engine/wire/PROTOCOL.md").read_text(encoding="utf-8")
        for path in FILES:
            with self.subTest(path.name):
                self.assertIn("```\n" + path.read_text(encoding="utf-8") + "```\n", text)

    def test_document_has_no_other_vectors(self):
        text = (ROOT / "engine/wire/PROTOCOL.md").read_text(encoding="utf-8")
        self.assertEqual(text.count('# magic "CK"'), len(FILES))

    def test_frames_decode_and_encode_again(self):
        for path in FILES:
            with self.subTest(path.name):
                data = read(path)
                [frame] = protocol.Splitter().feed(data)
                record = frame.decode()
                body = protocol.encode(record.shape.name, record)
                self.assertEqual(
                    protocol.frame_encode(frame.opcode, body, frame.frame_id, frame.flags), data)

    def test_document_of_the_feed(self):
        [frame] = protocol.Splitter().feed(read(ROOT / "tests/vectors/wire/feed.hex"))
        document = protocol.decode("document", frame.decode().documents[0])
        self.assertEqual(document.registration, 1001)
        self.assertEqual(document.receipt.operation, protocol.Operation.SELL)
        self.assertEqual(document.receipt.lines[0].name, "Хлеб")
        self.assertEqual(document.receipt.lines[0].taxes[0].sum, 17021)
        self.assertIsNone(document.receipt.parent)

    def test_splitter_at_every_split_point(self):
        stream = b"".join(read(path) for path in FILES)
        for at in range(len(stream) + 1):
            splitter = protocol.Splitter()
            frames = splitter.feed(stream[:at]) + splitter.feed(stream[at:])
            self.assertEqual(len(frames), len(FILES))

    def test_splitter_refuses_what_it_cannot_trust(self):
        good = read(ROOT / "tests/vectors/wire/feed.hex")
        for at, value, want in ((0, 0x44, "MAGIC"), (2, 2, "VERSION"), (3, 8, "RESERVED"),
                                (3, 4, "RANGE"), (6, 1, "RESERVED"), (11, 1, "LIMIT"),
                                (40, good[40] ^ 1, "CHECKSUM"), (16, 9, "CHECKSUM")):
            with self.subTest(want):
                data = bytearray(good)
                data[at] = value
                with self.assertRaises(protocol.FrameError) as caught:
                    protocol.Splitter().feed(bytes(data))
                self.assertEqual(protocol.error_name(caught.exception.code), want)

    def test_encode_refuses_a_name_that_is_no_field(self):
        with self.assertRaises(KeyError):
            protocol.encode("payment", {"sums": 1})

    def test_xxh3_of_every_length_class(self):
        # From xxHash 0.8.1: XXH3_64bits_withSeed() of bytes i * 131 + 7 (mod 256).
        for size, seed, want in XXH3_ROWS:
            data = bytes((i * 131 + 7) & 255 for i in range(size))
            self.assertEqual(protocol.xxh3_64(data, seed), want, (size, seed))


XXH3_ROWS = (
    (0, 0x0, 0x2d06800538d394c2),
    (0, 0x123456789abcdef, 0xcc1ca35a1b089c5c),
    (1, 0xfedcba9876543210, 0xc180fe1cbd1d1417),
    (3, 0xfedcba9876543210, 0xfb4631cc669c95da),
    (4, 0xfedcba9876543210, 0x3087febc82009ed1),
    (8, 0x0, 0xf9fd4dd0b04d78f5),
    (8, 0x123456789abcdef, 0x9c622ca7116e701f),
    (9, 0xfedcba9876543210, 0x2c583ceb4c12d473),
    (16, 0xfedcba9876543210, 0x37dcf75edd706253),
    (17, 0xfedcba9876543210, 0xa9771fc8c4f3cb2f),
    (32, 0xfedcba9876543210, 0xe6e7cf802b5735dc),
    (33, 0xfedcba9876543210, 0xd470354eaa9e2620),
    (64, 0x0, 0x1291d2d4042330dd),
    (64, 0x123456789abcdef, 0xda20789f5c6994e7),
    (65, 0xfedcba9876543210, 0x9b700c80abe618ea),
    (128, 0xfedcba9876543210, 0x112fda5b26c1adc5),
    (129, 0xfedcba9876543210, 0xde06f4d13903cb85),
    (240, 0x0, 0xb6cfaf343fab81e6),
    (240, 0x123456789abcdef, 0xd43296f42088f6c4),
    (241, 0xfedcba9876543210, 0x9496d69ce0b7b343),
    (512, 0xfedcba9876543210, 0x10f6c3dc54c576f3),
    (1024, 0xfedcba9876543210, 0xc34fdb955c7b529a),
    (1025, 0x0, 0x66c4487c41e127a7),
    (1025, 0x123456789abcdef, 0x651c371e7c277610),
    (2048, 0xfedcba9876543210, 0x9e5ddf1150ec6e68),
    (5000, 0xfedcba9876543210, 0xde2f9cfe116e0308),
)

if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
