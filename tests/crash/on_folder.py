# SPDX-License-Identifier: MIT
"""Make a small data folder with everything in it, and run a program over it.

    on_folder.py SMALL_CHEKD_FOLDER PYTHON_FOLDER PROGRAM [ARGUMENT..]

The program gets the folder as its last argument. In it are two logs that ended and one that is
current, a snapshot with a merged segment and open rows, and events in front of it and behind it.
"""
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
sys.path.insert(0, sys.argv[2])
import chek  # noqa: E402
import workload  # noqa: E402
from server import Server  # noqa: E402

# Three segments of 27 rows (the first of 22) are merged; the other rows stay open.
OPTIONS = ["--shards", "1", "--partitions", "1", "--log-file-kib", "32", "--snapshot-log-kib", "4096",
           "--segment-rows", "27"]


def feed(server, tills, count):
    """Every till sends so many documents."""
    with chek.Client(server.address, token_file=server.token_file) as client:
        workload.claim(client, tills)
        for till in tills:
            till.answered(client.feed(till.documents(count)), again=False)


def wait_for_merge(client):
    """Merging is a worker's, who takes the time that it needs."""
    for _ in range(1000):
        if client.status()["segments_merged", 0] == 1:
            return
        time.sleep(0.01)
    raise AssertionError("segments are not merged")


def fill(server, tills, before, behind):
    """Documents in front of a snapshot and behind it, over several lives of the server."""
    server.start()
    feed(server, tills, before)
    with chek.Client(server.address, token_file=server.token_file) as client:
        wait_for_merge(client)
        client.snapshot()
    feed(server, tills, behind)
    server.kill()
    for _ in range(2):
        server.start()
        feed(server, tills, behind)
        server.kill()


def main():
    server = Server(sys.argv[1], OPTIONS)
    try:
        fill(server, workload.tills("golden", 2), before=45, behind=4)
        return subprocess.run([*sys.argv[3:], server.data]).returncode
    finally:
        server.__exit__()


if __name__ == "__main__":
    sys.exit(main())
