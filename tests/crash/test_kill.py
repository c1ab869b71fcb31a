# SPDX-License-Identifier: MIT
"""kill -9, again and again: while serving, while a snapshot is written, while starting.

    test_kill.py CHEKD_FOLDER CHEK_FOLDER PYTHON_FOLDER [CYCLES [SEED]]

After every restart what was acknowledged is there exactly once, with the answers of the first time;
what was not acknowledged is sent again. At the end `chek verify` finds nothing.
"""
import pathlib
import random
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
sys.path.insert(0, sys.argv[3])
import chek  # noqa: E402
import workload  # noqa: E402
from server import Server  # noqa: E402

CHEKD_BIN, CHEK_BIN = sys.argv[1], pathlib.Path(sys.argv[2])
CYCLES = int(sys.argv[4]) if len(sys.argv) > 4 else 15
SEED = int(sys.argv[5]) if len(sys.argv) > 5 else 1
TIME_S_MAX = 25  # no new cycle after so long
OPTIONS = ["--shards", "2", "--partitions", "4"]
THREADS = 2
CHECKED_COUNT = 60  # documents of a register that are sent again after a restart


class Feeder(threading.Thread):
    """Feeds its tills over one connection until the server is gone."""

    def __init__(self, server, tills, seed):
        super().__init__()
        self.server, self.tills = server, tills
        self.random = random.Random(seed)
        self.wrong = None
        self.acknowledged = 0

    def run(self):
        try:
            self.feed()
        except (chek.Unknown, OSError):
            pass  # the server was killed: what is pending is not known
        except Exception as wrong:  # told by the main thread
            self.wrong = wrong

    def feed(self):
        with chek.Client(self.server.address, token_file=self.server.token_file) as client:
            workload.claim(client, self.tills)
            again = {till: bool(till.pending) for till in self.tills}
            while True:
                till = self.random.choice(self.tills)
                results = client.feed(till.documents(self.random.randrange(1, 30)))
                till.answered(results, again.pop(till, False))
                self.acknowledged += len(results)


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


def kill_while_starting(server, chance):
    """Start and kill at once, a few times: recovery itself is cut short."""
    for _ in range(chance.randrange(1, 3)):
        with open(server.log, "ab") as log:
            process = subprocess.Popen(
                [server.bin / "chekd", "--data", server.data, "--listen", "127.0.0.1:0", *OPTIONS],
                stdout=subprocess.DEVNULL, stderr=log)
        time.sleep(chance.uniform(0, 0.25))
        process.kill()
        process.wait()


def cycle(server, tills, chance):
    """One life of the server; returns how many documents it acknowledged."""
    feeders = [Feeder(server, tills[i::THREADS], chance.random()) for i in range(THREADS)]
    for feeder in feeders:
        feeder.start()
    time.sleep(chance.uniform(0.02, 0.5))
    if chance.random() < 0.4:
        taker = threading.Thread(target=snapshot_now, args=[server])
        taker.start()
        time.sleep(chance.uniform(0, 0.1))
        server.kill()
        taker.join()
    else:
        server.kill()
    for feeder in feeders:
        feeder.join()
        if feeder.wrong is not None:
            raise feeder.wrong
    if chance.random() < 0.4:
        kill_while_starting(server, chance)
    return sum(feeder.acknowledged for feeder in feeders)


def verify(server):
    """Run chek verify on the folder of a server that does not run; returns what it said."""
    done = subprocess.run([CHEK_BIN / "chek", "verify", server.data], capture_output=True,
                          text=True, timeout=60)
    if done.returncode != 0:
        raise workload.Wrong(f"chek verify: {done.stdout[-3000:]} {done.stderr[-1000:]}")
    return done.stdout


def main():
    chance = random.Random(SEED)
    begin = time.monotonic()
    done = acknowledged = 0
    print(f"seed {SEED}")
    with Server(CHEKD_BIN, OPTIONS) as server:
        tills = workload.tills(SEED, 5)
        try:
            while done < CYCLES and time.monotonic() - begin < TIME_S_MAX:
                acknowledged += cycle(server, tills, chance)
                done += 1
                if chance.random() < 0.2:
                    verify(server)
                server.start()
                check(server, chance.sample(tills, 2), everything=False)
            check(server, tills, everything=True)
            server.stop()
            print(verify(server), end="")
        except Exception:
            print(server.log.read_text(encoding="utf-8", errors="replace")[-2000:])
            raise
    print(f"{done} kills, {acknowledged} documents acknowledged and found")


if __name__ == "__main__":
    main()
