#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A C program outside the project compiles with chek.h alone, links by pkg-config, and works.

    test_libchek.py CMAKE BUILD COMPILER
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import server  # noqa: E402

CMAKE, BUILD, COMPILER = sys.argv.pop(1), pathlib.Path(sys.argv.pop(1)), sys.argv.pop(1)
SOURCE = server.ROOT / "tests/e2e/outside.c"


class Outside(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="chek-outside-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.home = pathlib.Path(cls.folder.name)
        subprocess.run([CMAKE, "--install", BUILD, "--prefix", cls.home, "--component", "libchek"],
                       check=True, stdout=subprocess.DEVNULL)

    def flags(self, *what):
        folder = next(self.home.rglob("chek.pc")).parent
        done = subprocess.run(["pkg-config", *what, "chek"], check=True, capture_output=True,
                              text=True, env=dict(os.environ, PKG_CONFIG_PATH=str(folder)))
        return done.stdout.split()

    def compile(self, *more):
        program = self.home / "outside"
        done = subprocess.run([COMPILER, "-std=gnu17", "-Wall", "-Wextra", "-Werror", SOURCE,
                               *self.flags("--cflags", "--libs"), "-o", program, *more],
                              cwd=self.home, capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        return program

    def test_programs_are_installed(self):
        subprocess.run([CMAKE, "--install", BUILD, "--prefix", self.home, "--component", "programs"],
                       check=True, stdout=subprocess.DEVNULL)
        for name in ("chekd", "chek", "chek-load", "chek-kkm"):
            subprocess.run([self.home / "bin" / name, "--help"], check=True,
                           stdout=subprocess.DEVNULL)

    def test_the_header_needs_nothing_of_ours(self):
        header = next(self.home.rglob("chek.h")).read_text(encoding="utf-8")
        self.assertNotIn('#include "', header)

    def test_it_feeds_and_asks(self):
        program = self.compile()
        with server.Server(BUILD / "bin") as chekd:
            token = chekd.token_file.read_text(encoding="utf-8").strip()
            for told in ("stored 1000, duplicate 0", "stored 0, duplicate 1000"):
                done = subprocess.run([program, chekd.address, token], capture_output=True,
                                      text=True, timeout=60)
                said = done.stdout.splitlines()
                self.assertEqual(said[-3:-1], [told, "cash 123000"], done.stdout)
                self.assertEqual(done.returncode, 0)

    def test_a_wrong_token_is_told(self):
        program = self.compile()
        with server.Server(BUILD / "bin") as chekd:
            done = subprocess.run([program, chekd.address, "1." + "0" * 64], capture_output=True,
                                  text=True, timeout=60)
            self.assertEqual(done.stdout.splitlines()[-1], "the token is not valid")
            self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    unittest.main()
