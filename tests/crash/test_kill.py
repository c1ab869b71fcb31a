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
import feeding  # noqa: E402
import workload  # noqa: E402
from server import Server  # noqa: E402

CHEKD_BIN, CHEK_BIN = sys.argv[1], pathlib.Path(sys.argv[2])
CYCLES = int(sys.argv[4]) if len(sys.argv) > 4 else 15
SEED = int(sys.argv[5]) if len(sys.argv) > 5 else 1
TIME_S_MAX = 25  # no new cycle after so long
OPTIONS = ["--shards", "2", "--partitions", "4"]
THREADS = 2


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
    feeders = feeding.feeders_start(server, tills, THREADS, chance)
    time.sleep(chance.uniform(0.02, 0.5))
    if chance.random() < 0.4:
        taker = threading.Thread(target=feeding.snapshot_now, args=[server])
        taker.start()
        time.sleep(chance.uniform(0, 0.1))
        server.kill()
        taker.join()
    else:
        server.kill()
    acknowledged = feeding.feeders_join(feeders)
    if chance.random() < 0.4:
        kill_while_starting(server, chance)
    return acknowledged


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
                    feeding.verify(CHEK_BIN, server.data)
                server.start()
                feeding.check(server, chance.sample(tills, 2), everything=False)
            feeding.check(server, tills, everything=True)
            server.stop()
            print(feeding.verify(CHEK_BIN, server.data), end="")
        except Exception:
            print(server.log.read_text(encoding="utf-8", errors="replace")[-2000:])
            raise
    print(f"{done} kills, {acknowledged} documents acknowledged and found")


if __name__ == "__main__":
    main()
