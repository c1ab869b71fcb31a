# SPDX-License-Identifier: MIT
"""A data folder of the version that made it is opened by every later one, and shows the same.

    test_golden_folder.py CHEKD_FOLDER CHEK_FOLDER PYTHON_FOLDER [--write]

tests/vectors/folder/folder.tar.xz is a small folder with everything in it: two logs that ended, one
that was cut off, watermarks, a manifest, images, a segment, events. answers.json is what is in it:
the state of each partition and the head of its chain as `chek verify` finds them, and what a server
on a copy of it answers.
--write makes both anew, which a change of a format needs that does not read the old one.
"""
import json
import pathlib
import shutil
import sys
import tarfile
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
sys.path.insert(0, sys.argv[3])
import feeding  # noqa: E402
import on_folder  # noqa: E402
import workload  # noqa: E402
from server import ROOT, Server  # noqa: E402

CHEKD_BIN, CHEK_BIN = sys.argv[1], pathlib.Path(sys.argv[2])
FOLDER = ROOT / "tests/vectors/folder"
ARCHIVE, ANSWERS = FOLDER / "folder.tar.xz", FOLDER / "answers.json"
REGISTERS = ("100000000000", "100000000001")


def states(data):
    """What `chek verify` says of the partitions and their chains; it fails when it finds anything."""
    rows = [line.split() for line in feeding.verify(CHEK_BIN, data).splitlines()]
    told = [" ".join(row) for row in rows if len(row) == 10 and row[0].isdigit()]
    heads = [row[0] for row in rows if len(row) == 1 and row[0].count(":") == 2]
    if not told or not heads:
        raise workload.Wrong(f"verify tells no states or no heads: {rows}")
    return told + heads


def answers(data):
    """What a server on the folder answers."""
    server = Server(CHEKD_BIN, on_folder.OPTIONS)
    try:
        shutil.copytree(data, server.data)
        server.start()
        server.bin = CHEK_BIN
        server.wait_for_sealing()
        told = {}
        for name in REGISTERS:
            shifts = server.lines("shifts", "--kkm", name)
            receipts = server.lines("receipts", "--kkm", name)
            told[name] = {
                "x": server.json("report", "x", "--kkm", name),
                "shifts": shifts, "receipts": receipts,
                "z": [server.json("report", "z", "--kkm", name, "--shift", shift["shift"])
                      for shift in shifts if shift.get("closed") is not None]}
        told["events"] = server.lines("events", "--from", "0")
        return told
    finally:
        server.__exit__()


def write():
    server = Server(CHEKD_BIN, on_folder.OPTIONS)
    try:
        on_folder.fill(server, workload.tills("golden", 2), before=45, behind=4)
        with tarfile.open(ARCHIVE, "w:xz", preset=9) as archive:
            def plain(entry):
                entry.uid = entry.gid = entry.mtime = 0
                entry.uname = entry.gname = ""
                return entry
            for path in sorted(server.data.rglob("*")):
                archive.add(path, path.relative_to(server.data), recursive=False, filter=plain)
        told = {"states": states(server.data), "answers": answers(server.data)}
        ANSWERS.write_text(json.dumps(told, separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n",
                           encoding="utf-8")
    finally:
        server.__exit__()


def first_difference(want, got, path=""):
    """Where `got` is not `want`; what later versions tell beside that is theirs."""
    if isinstance(want, dict) and isinstance(got, dict) and want.keys() <= got.keys():
        pairs = [(f"{path}/{key}", want[key], got[key]) for key in want]
    elif isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        pairs = [(f"{path}/{i}", *pair) for i, pair in enumerate(zip(want, got))]
    else:
        return None if want == got else f"{path}: {str(got)[:300]}, not {str(want)[:300]}"
    return next(filter(None, (first_difference(w, g, p) for p, w, g in pairs)), None)


def main():
    if "--write" in sys.argv:
        write()
        return
    home = pathlib.Path(tempfile.mkdtemp(prefix="chek-golden-"))
    try:
        with tarfile.open(ARCHIVE) as archive:
            archive.extractall(home / "data")
        want = json.loads(ANSWERS.read_text(encoding="utf-8"))
        got = {"states": states(home / "data"), "answers": answers(home / "data")}
        difference = first_difference(want, got)
        if difference is not None:
            raise workload.Wrong(difference)
        print(f"{len(got['states'])} states and heads, {len(got['answers']['events'])} events, as they were")
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
