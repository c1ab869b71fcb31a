# SPDX-License-Identifier: MIT
"""A write or a sync fails, and later ones would not: nothing is acknowledged any more.

    test_sync_error.py SMALL_CHEKD_FOLDER CHEK_FOLDER PYTHON_FOLDER [ROUNDS [FLUSH]]

Three errors that a real kernel gives: the device cannot flush its cache, writes past the page cache
fail, a write is cut short by a limit of the process. Each goes away again, as such errors do. The
server must have ended by then, and after a restart everything acknowledged is there exactly once.

The disk fails while nothing is under way, and the next write is the first to meet it. Flushes that
fail are run only with FLUSH as the last argument: the page cache under the emulated device drops what
several writes left in it and tells one of them, the others hear that all is well. Rarely that one is
not the server's, and an acknowledged document is gone that no server could have kept.
"""
import pathlib
import random
import resource
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
sys.path.insert(0, sys.argv[3])
import feeding  # noqa: E402
import loop_disk  # noqa: E402
import workload  # noqa: E402
from server import Server  # noqa: E402

CHEKD_BIN, CHEK_BIN = sys.argv[1], pathlib.Path(sys.argv[2])
ROUNDS = int(sys.argv[4]) if len(sys.argv) > 4 else 2
OPTIONS = ["--shards", "1", "--partitions", "4", "--sync-method"]
DATA_SYNC, WRITE_SYNC = "1", "2"  # O_DSYNC writes; a write, then fdatasync
DISK_MIB = 96
THREADS = 1
FILE_SIZE_MAX = 50000  # inside a block of a log file


class FlushError:
    """The device cannot flush: the sync fails once, its data is dropped, the next sync works."""

    name = "a write that syncs fails, and the next one works"
    method = DATA_SYNC

    def __init__(self, server, disk):
        self.server, self.disk = server, disk
        server.data = disk.inside / self.method

    def begin(self):
        self.disk.fill_medium()

    def end(self):
        """What the failed sync should have made durable shows until the power is gone."""
        self.disk.empty_medium()
        self.disk.cut_power()
        self.disk.power_on()


class SyncError(FlushError):
    name = "a sync fails, and the next one works"
    method = WRITE_SYNC


class WriteError(FlushError):
    """The device refuses writes."""

    name = "a write fails, and the next one works"
    method = WRITE_SYNC

    def __init__(self, server, disk):
        super().__init__(server, disk)
        server.data = disk.outside / "data"

    def end(self):
        self.disk.empty_medium()
        self.disk.power_on()  # the file system may have become read-only


class ShortWrite:
    """A limit on the size of files: the write that reaches it is short, later ones are refused."""

    name = "a write is short"
    method = WRITE_SYNC

    def __init__(self, server, _disk):
        self.server = server

    def begin(self):
        limit = (FILE_SIZE_MAX, resource.RLIM_INFINITY)
        resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE, limit)

    def end(self):
        pass  # the next process has no limit


def round_run(trouble, server, tills, chance):
    """Feed, fail, heal, look; returns how many documents were acknowledged."""
    feeders = feeding.feeders_start(server, tills, THREADS, chance)
    time.sleep(chance.uniform(0.1, 0.4))
    feeding.feeders_pause(feeders)
    trouble.begin()
    feeding.feeders_go_on(feeders)
    feeding.end_by_itself(server)
    acknowledged = feeding.feeders_join(feeders)
    trouble.end()
    feeding.verify(CHEK_BIN, server.data)
    server.start()
    feeding.check(server, tills, everything=True)
    return acknowledged


def case_run(kind, disk):
    chance = random.Random(kind.name)
    tills = workload.tills(kind.name, 4)
    server = Server(CHEKD_BIN, [*OPTIONS, kind.method])
    try:
        trouble = kind(server, disk)
        server.start()
        acknowledged = sum(round_run(trouble, server, tills, chance) for _ in range(ROUNDS))
        server.stop()
        feeding.verify(CHEK_BIN, server.data)
    except Exception:
        print(server.log.read_text(encoding="utf-8", errors="replace")[-2000:])
        raise
    finally:
        server.__exit__()
    print(f"{kind.name}: {ROUNDS} times, {acknowledged} documents acknowledged and found")


def main():
    with loop_disk.Disk(DISK_MIB) as disk:
        flushes = (FlushError, SyncError) if sys.argv[5:] == ["FLUSH"] else ()
        for kind in (*flushes, WriteError, ShortWrite):
            case_run(kind, disk)


if __name__ == "__main__":
    loop_disk.isolate()
    main()
