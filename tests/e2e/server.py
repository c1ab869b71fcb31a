# SPDX-License-Identifier: MIT
"""A chekd of its own for a test: started on a fresh folder and a free port, always stopped.

    with Server(bin_folder) as server:
        server.chek("report", "x", "--kkm", "1")

A program is looked for in `bin_folder`. Everything runs below a temporary folder that goes at the end.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
READY_S = 20
SKIP = 77  # what ctest takes for "skipped"


class Failure(Exception):
    """A program did not do what it should."""


class Server:
    def __init__(self, bin_folder, options=()):
        self.bin = pathlib.Path(bin_folder)
        self.options = list(options)
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="chek-e2e-"))
        self.data = self.home / "data"
        self.log = self.home / "chekd.log"
        self.process = None
        self.address = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None
        shutil.rmtree(self.home, ignore_errors=True)

    def start(self):
        """Start and wait for the line that says where it listens."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.bin / "chekd", "--data", self.data, "--listen", "127.0.0.1:0", *self.options],
                stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        words = line.split()
        if words[:2] != ["chekd", "ready"]:
            said = self.log.read_text(encoding="utf-8", errors="replace")
            if "io_uring" in said:
                print(f"skipped: {said.strip().splitlines()[-1]}")
                self.__exit__()
                sys.exit(SKIP)
            raise Failure(f"chekd is not ready: {line!r} {said[-2000:]}")
        where = dict(word.split("=", 1) for word in words[2:])
        self.address = where["listen"]
        self.metrics = where["metrics"]
        self.cpcr = where["cpcr"]
        self.ffd = where["ffd"]

    def end(self, how):
        """End the process by a signal and return its exit code."""
        self.process.send_signal(how)
        code = self.process.wait(timeout=60)
        self.process.stdout.close()
        self.process = None
        return code

    def stop(self):
        code = self.end(signal.SIGTERM)
        if code != 0:
            raise Failure(f"chekd ended with {code}: {self.log.read_text()[-2000:]}")

    def kill(self):
        self.end(signal.SIGKILL)

    def restart(self):
        self.stop()
        self.start()

    @property
    def token_file(self):
        return self.data / "admin.token"

    def run(self, program, *arguments, token_file=None, code=0, text_in=None):
        """Run a program of ours against the server and return (stdout, stderr)."""
        environment = dict(os.environ, CHEK_SERVER=self.address, LC_ALL="C.UTF-8",
                           CHEK_TOKEN_FILE=str(token_file or self.token_file))
        done = subprocess.run([self.bin / program, *map(str, arguments)], env=environment,
                              capture_output=True, text=True, timeout=120, input=text_in)
        if code is not None and done.returncode != code:
            raise Failure(f"{program} {' '.join(map(str, arguments))}: exit {done.returncode}, not "
                          f"{code}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done.stdout, done.stderr

    def chek(self, *arguments, **options):
        return self.run("chek", *arguments, **options)[0]

    def json(self, *arguments, **options):
        """The one JSON document that a command prints."""
        return json.loads(self.chek(*arguments, "--json", **options))

    def lines(self, *arguments, **options):
        """The JSON lines that a command prints."""
        return [json.loads(line) for line in self.chek(*arguments, "--json", **options).splitlines()]

    def wait_for_sealing(self):
        """How far chains reach depends on it; full sets are sealed from the start of the server on."""
        for _ in range(1000):
            if all(row["value"] == 0 for row in self.lines("status")
                   if row["name"] == "seals_running"):
                return
        raise AssertionError("sealing does not end")

    def error(self, *arguments, code=1, **options):
        """The error that a command ends with, as JSON."""
        said = self.run("chek", *arguments, "--json", code=code, **options)[1]
        return json.loads(said.strip().splitlines()[-1])
