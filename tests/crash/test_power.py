# SPDX-License-Identifier: MIT
"""Power cuts on a real kernel: while serving, while a snapshot is written, while starting.

    test_power.py CHEKD_FOLDER CHEK_FOLDER PYTHON_FOLDER [CYCLES [SEED]]

The disk (loop_disk.py) loses what was not flushed, in one cut and in the device's own cache as well,
or a part of that, in any order. Then chekd ends by itself, because its log fails; the disk is
mounted again, `chek verify` finds nothing, and every acknowledged document is there exactly once.
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
import loop_disk  # noqa: E402
import workload  # noqa: E402
from server import Failure, Server  # noqa: E402

CHEKD_BIN, CHEK_BIN = sys.argv[1], pathlib.Path(sys.argv[2])
CYCLES = int(sys.argv[4]) if len(sys.argv) > 4 else 8
SEED = int(sys.argv[5]) if len(sys.argv) > 5 else 1
TIME_S_MAX = 10  # no new cycle after so long
DISK_MIB = 256
OPTIONS = ["--shards", "2", "--partitions", "4"]
IS_SMALL = pathlib.Path(CHEKD_BIN) != CHEK_BIN  # small files, and told how to sync
OPTIONS += ["--sync-method", "1"] if IS_SMALL else ["--log-file-mib", "4", "--snapshot-log-mib", "4"]
THREADS = 2


class Machine:
    """A server on the disk, and what was done to them."""

    def __init__(self, server, disk, chance):
        self.server, self.disk, self.chance = server, disk, chance
        self.cut_at = None
        self.counts = {}

    def cut(self):
        """Cut the power in one of the ways there are."""
        how = self.chance.choice(["power", "power", "power, some written back", "system",
                                  "system, journal flushed"])
        self.counts[how] = self.counts.get(how, 0) + 1
        if how == "power, some written back":
            self.disk.write_back(self.chance, self.chance.randrange(1, 60))
        if how.startswith("power"):
            self.disk.cut_power()
        else:
            self.disk.crash_system(loop_disk.JOURNAL_FLUSHED if "flushed" in how
                                   else loop_disk.NOTHING_FLUSHED)
        self.cut_at = time.monotonic()

    def power_on(self):
        self.disk.power_on()
        self.cut_at = None

    def cut_while_starting(self):
        """Cut the power in the middle of a start; it may also have come up, or have ended."""
        with open(self.server.log, "ab") as log:
            process = subprocess.Popen(
                [self.server.bin / "chekd", "--data", self.server.data, "--listen", "127.0.0.1:0",
                 *self.server.options], stdout=subprocess.DEVNULL, stderr=log)
        time.sleep(self.chance.uniform(0, 0.3))
        self.cut()
        process.kill()
        process.wait()
        self.counts["while starting"] = self.counts.get("while starting", 0) + 1
        self.power_on()


def cycle(machine, tills):
    """One life of the server up to the cut; returns how many documents it acknowledged."""
    chance, server = machine.chance, machine.server
    feeders = feeding.feeders_start(server, tills, THREADS, chance, lambda: machine.cut_at)
    time.sleep(chance.uniform(0.02, 0.6))
    taker = None
    if chance.random() < 0.5:
        taker = threading.Thread(target=feeding.snapshot_now, args=[server])
        taker.start()
        time.sleep(chance.uniform(0, 0.15))
        machine.counts["while a snapshot runs"] = machine.counts.get("while a snapshot runs", 0) + 1
    machine.cut()
    feeding.end_by_itself(server)
    acknowledged = feeding.feeders_join(feeders)
    if taker is not None:
        taker.join()
    machine.power_on()
    return acknowledged


def run(machine, tills):
    server, chance = machine.server, machine.chance
    begin = time.monotonic()
    done = acknowledged = 0
    for _ in range(2):  # the folder is being made
        machine.cut_while_starting()
    server.start()
    while done < CYCLES and time.monotonic() - begin < TIME_S_MAX:
        acknowledged += cycle(machine, tills)
        done += 1
        if chance.random() < 0.4:
            machine.cut_while_starting()
        feeding.verify(CHEK_BIN, server.data)
        if IS_SMALL:
            server.options[-1] = chance.choice("12")
        server.start()
        feeding.check(server, chance.sample(tills, 2), everything=False)
        if chance.random() < 0.4:
            feeding.snapshot_now(server)  # logs are let go, and the disk does not get full
    feeding.check(server, tills, everything=True)
    server.stop()
    print(feeding.verify(CHEK_BIN, server.data), end="")
    print(f"{done} cuts under load, {acknowledged} documents acknowledged and found")
    for how, count in sorted(machine.counts.items()):
        print(f"{how}: {count}")


def main():
    print(f"seed {SEED}")
    server = Server(CHEKD_BIN, OPTIONS)
    try:
        with loop_disk.Disk(DISK_MIB) as disk:
            server.data = disk.inside / "data"
            try:
                run(Machine(server, disk, random.Random(SEED)), workload.tills(SEED, 5))
            except (Exception, Failure):
                print(server.log.read_text(encoding="utf-8", errors="replace")[-2000:])
                raise
            finally:
                if server.process is not None:
                    server.kill()
    finally:
        server.__exit__()


if __name__ == "__main__":
    loop_disk.isolate()
    main()
