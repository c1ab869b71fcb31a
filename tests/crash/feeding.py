# SPDX-License-Identifier: MIT
"""What the crash tests do to a server: feed it from several threads, ask it, check its folder."""
import random
import signal
import subprocess
import threading
import time

import chek
import workload

CHECKED_COUNT = 60  # documents of a register that are sent again after a restart
QUIET_S = 0.2       # a log has its mark and its next file by then
END_S = 20          # in which a server whose log failed must have ended
CORRUPT = 5302      # an error code


class Feeder(threading.Thread):
    """Feeds its tills over one connection until the server is gone.

    `cut_at` returns when the disk failed, or None: what is sent after that is never acknowledged.
    """

    def __init__(self, server, tills, seed, cut_at=lambda: None):
        super().__init__()
        self.server, self.tills, self.cut_at = server, tills, cut_at
        self.random = random.Random(seed)
        self.wrong = None
        self.acknowledged = 0
        self.gate = threading.Event()  # closed: it sends nothing
        self.gate.set()
        self.waits = threading.Event()

    def run(self):
        try:
            self.feed()
        except (chek.Unknown, OSError):
            pass  # the server was killed: what is pending is not known
        except Exception as wrong:  # told by the main thread
            self.wrong = wrong
        finally:
            self.waits.set()

    def feed(self):
        with chek.Client(self.server.address, token_file=self.server.token_file) as client:
            workload.claim(client, self.tills)
            again = {till: bool(till.pending) for till in self.tills}
            while True:
                self.waits.set()
                self.gate.wait()
                self.waits.clear()
                till = self.random.choice(self.tills)
                sent_at = time.monotonic()
                results = client.feed(till.documents(self.random.randrange(1, 30)))
                if self._is_of_cut_disk(results):
                    return
                till.answered(results, again.pop(till, False))
                self.acknowledged += len(results)
                self._check_cut(sent_at, results)

    def _is_of_cut_disk(self, results):
        """Rows that cannot be read are as good as damaged; without power none can, and it ends then."""
        if all(result.code != CORRUPT for result in results):
            return False
        end = time.monotonic() + 2
        while self.cut_at() is None and time.monotonic() < end:
            time.sleep(0.01)
        return self.cut_at() is not None

    def _check_cut(self, sent_at, results):
        cut_at = self.cut_at()
        if cut_at is not None and sent_at > cut_at and any(
                result.status in (workload.STORED, workload.COMPLETED) for result in results):
            raise workload.Wrong("documents were acknowledged that no disk can hold")


def feeders_start(server, tills, count, chance, cut_at=lambda: None):
    feeders = [Feeder(server, tills[i::count], chance.random(), cut_at) for i in range(count)]
    for feeder in feeders:
        feeder.start()
    return feeders


def feeders_pause(feeders):
    """Have everything answered and nothing under way, until feeders_go_on()."""
    for feeder in feeders:
        feeder.gate.clear()
    for feeder in feeders:
        feeder.waits.wait()
    time.sleep(QUIET_S)


def feeders_go_on(feeders):
    for feeder in feeders:
        feeder.gate.set()


def feeders_join(feeders):
    """Wait until the server is gone for all of them; returns how much was acknowledged."""
    for feeder in feeders:
        feeder.join()
    for feeder in feeders:
        if feeder.wrong is not None:
            raise feeder.wrong
    return sum(feeder.acknowledged for feeder in feeders)


def end_by_itself(server):
    """The log has failed: the server ends, and not as if all were well."""
    try:
        code = server.process.wait(timeout=END_S)
    except subprocess.TimeoutExpired:
        raise workload.Wrong(f"{END_S} s after its disk failed the server still runs") from None
    server.end(signal.SIGKILL)  # what is left of it in our books
    if code != 1:
        raise workload.Wrong(f"a server whose log failed ended with {code}")


def check(server, tills, everything):
    """Ask the server for what it acknowledged, and send part of it again."""
    with chek.Client(server.address, token_file=server.token_file) as client:
        workload.claim(client, tills)
        for till in tills:
            ordinals = list(till.journal)
            if not everything:
                older = ordinals[:-CHECKED_COUNT]
                ordinals = ordinals[-CHECKED_COUNT:]
                ordinals += random.sample(older, min(len(older), CHECKED_COUNT))
            till.check_repeats(client, ordinals)
            till.check_surplus(till.check_rows(client))


def snapshot_now(server):
    try:
        with chek.Client(server.address, token_file=server.token_file) as client:
            client.snapshot()
    except (chek.Unknown, chek.Refused, OSError):
        pass


def verify(chek_bin, data):
    """Run chek verify on the folder of a server that does not run; returns what it said."""
    done = subprocess.run([chek_bin / "chek", "verify", data], capture_output=True, text=True,
                          timeout=60)
    if done.returncode != 0:
        raise workload.Wrong(f"chek verify: {done.stdout[-3000:]} {done.stderr[-1000:]}")
    return done.stdout
