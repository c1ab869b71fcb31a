# SPDX-License-Identifier: MIT
"""chek backup of a server that is fed, and a server on the copy.

    test_backup.py CHEKD_FOLDER CHEK_FOLDER PYTHON_FOLDER [SEED]

Every document that was acknowledged before the backup began is in the copy exactly once, with its
answer; what else is in it was sent meanwhile. A copy that was cut short is marked, and neither
started on nor verified as sound.
"""
import copy
import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
sys.path.insert(0, sys.argv[3])
import chek  # noqa: E402
import feeding  # noqa: E402
import workload  # noqa: E402
from server import Failure, Server  # noqa: E402
from workload import Wrong  # noqa: E402

CHEKD_BIN, CHEK_BIN = sys.argv[1], pathlib.Path(sys.argv[2])
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else 1
OPTIONS = ["--shards", "2", "--partitions", "4"]
MARK = "backup.unfinished"
CUT_AT = 300000  # bytes of a backup; the whole is more than this and what a stream sends unasked
ROUNDS = 6
THREADS = 2


class Proxy(threading.Thread):
    """Hands on what one client and the server say to each other; after CUT_AT bytes it does `then`
    and hands on no more, until closed."""

    def __init__(self, address, then):
        super().__init__(daemon=True)
        host, port = address.rsplit(":", 1)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.server = socket.create_connection((host, int(port)))
        self.then, self.client = then, None
        self.reached = threading.Event()
        self.start()

    def run(self):
        self.client, _ = self.listener.accept()
        threading.Thread(target=self._upwards, daemon=True).start()
        count = 0
        try:
            while count < CUT_AT:
                data = self.server.recv(16384)
                if not data:
                    break
                count += len(data)
                self.client.sendall(data)
            self.then()
        except OSError:
            pass
        self.reached.set()

    def _upwards(self):
        try:
            while data := self.client.recv(16384):
                if self.reached.is_set():
                    return
                self.server.sendall(data)
        except OSError:
            pass

    def close(self):
        for one in (self.client, self.server, self.listener):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()


def backup_begin(server, folder, address=None, prefix=(), token_file=None):
    environment = dict(os.environ, CHEK_SERVER=address or server.address, LC_ALL="C.UTF-8",
                       CHEK_TOKEN_FILE=str(token_file or server.token_file))
    return subprocess.Popen([*prefix, CHEK_BIN / "chek", "backup", folder, "--json"],
                            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True)


def backup_end(process, code):
    out, err = process.communicate(timeout=60)
    if process.returncode != code:
        raise Wrong(f"chek backup: exit {process.returncode}, not {code}: {out} {err}")
    return json.loads((err if code != 0 else out).strip().splitlines()[-1])


def check_refused(folder):
    """A copy that is not whole does not look like one."""
    if not (folder / MARK).exists():
        raise Wrong(f"a copy that was cut short is not marked: {os.listdir(folder)}")
    done = subprocess.run([CHEK_BIN / "chek", "verify", folder], capture_output=True, text=True,
                          timeout=60)
    if done.returncode == 0 or MARK not in done.stdout:
        raise Wrong(f"verify of a copy that was cut short: {done.stdout} {done.stderr}")
    before = sorted(str(path) for path in folder.rglob("*"))
    other = Server(CHEKD_BIN, OPTIONS)
    shutil.rmtree(other.home)
    other.home, other.data, other.log = folder.parent, folder, folder.parent / "refused.log"
    try:
        other.start()
    except Failure as failure:
        if MARK not in str(failure):
            raise Wrong(f"refused, but why: {failure}") from None
    else:
        other.kill()
        raise Wrong("a server started on a copy that was cut short")
    if sorted(str(path) for path in folder.rglob("*")) != before:
        raise Wrong("a refused start changed the folder")


# ---- the copy -----------------------------------------------------------------------------------

def check_copy(home, folder, before, after):
    """Start a server on the copy; `before` is what was acknowledged when the backup began."""
    other = Server(CHEKD_BIN, OPTIONS[:1] + ["3"] + OPTIONS[2:])
    shutil.rmtree(other.home)
    other.home, other.data, other.log = home, folder, home / "restored.log"
    other_token = home / "source" / "admin.token"
    other.start()
    extra = 0
    try:
        with chek.Client(other.address, token_file=other_token) as client:
            workload.claim(client, before)
            for till, later in zip(before, after, strict=True):
                till._maybe_completed = lambda later=later: set(later.completed)
                surplus = till.check_rows(client)
                till.check_repeats(client, list(till.journal))
                extra += check_surplus(later, surplus)
            for till in before:  # it goes on from there
                results = client.feed([till._sale().document for _ in range(3)])
                if any(result.status == chek.Status.REFUSED for result in results):
                    raise Wrong(f"the copy does not take documents: {results}")
    except Exception:
        print(other.log.read_text(encoding="utf-8", errors="replace")[-2000:])
        other.kill()
        raise
    other.stop()
    return extra


def check_surplus(till, rows):
    """What came while the backup ran was sent, and is what was sent."""
    count = 0
    for ordinal, row in rows.items():
        number = (row.receipt or row.movement or row.close).document
        if ordinal in till.journal:
            document, shift, _ = till.journal[ordinal]
            till._compare(row, document, shift)
            count += 1
        elif not (row.close is not None and number == 0):
            till.check_surplus({ordinal: row})
    return count


def test_copy(home):
    """Feed, back up amid it, kill the server, and bring the copy back."""
    chance = random.Random(SEED)
    with Server(CHEKD_BIN, OPTIONS) as server:
        tills = workload.tills(SEED, 6)
        feeders = feeding.feeders_start(server, tills, THREADS, chance)
        time.sleep(1.5)
        feeding.feeders_pause(feeders)
        before = copy.deepcopy(tills)
        feeding.feeders_go_on(feeders)
        time.sleep(0.1)
        told = backup_end(backup_begin(server, home / "copy"), 0)
        time.sleep(0.2)
        (home / "source").mkdir()
        for name in ("secret.key", "admin.token"):
            if (home / "copy" / name).exists():
                raise Wrong(f"{name} is in the copy")
            shutil.copy2(server.data / name, home / "source" / name)
        server.kill()
        acknowledged = feeding.feeders_join(feeders)
    known = sum(len(till.journal) for till in before)
    feeding.verify(CHEK_BIN, home / "copy")
    other = Server(CHEKD_BIN, OPTIONS)
    shutil.rmtree(other.home)
    other.home, other.data, other.log = home, home / "copy", home / "keyless.log"
    try:
        other.start()
    except Failure as failure:
        if "secret.key" not in str(failure):
            raise
    else:
        other.kill()
        raise Wrong("a server started without its key")
    shutil.copy2(home / "source" / "secret.key", home / "copy" / "secret.key")
    extra = check_copy(home, home / "copy", before, tills)
    print(feeding.verify(CHEK_BIN, home / "copy"), end="")
    print(f"{known} documents before the backup found, {extra} more of {acknowledged}; {told}")
    if told["files"] < 5 or told["log_commands"] == 0 or "secret.key" not in told["hint"]:
        raise Wrong(f"what it told: {told}")


# ---- copies that do not come to be --------------------------------------------------------------

def test_refusals(home, server):
    """A folder that is not empty, a principal that is not an administrator."""
    (home / "full").mkdir()
    (home / "full" / "a").write_text("mine")
    if backup_end(backup_begin(server, home / "full"), 1)["code"] != "EXISTS":
        raise Wrong("a folder that is not empty")
    if os.listdir(home / "full") != ["a"]:
        raise Wrong("a refused backup wrote into the folder")
    added = subprocess.run(
        [CHEK_BIN / "chek", "token", "add", "reader", "--rights", "read", "--json", "--server",
         server.address, "--token-file", server.token_file], capture_output=True, check=True)
    (home / "reader.token").write_text(json.loads(added.stdout)["token"])
    error = backup_end(backup_begin(server, home / "denied", token_file=home / "reader.token"), 1)
    if error["code"] != "PERMISSION" or (home / "denied").exists():
        raise Wrong(f"a backup by a reader: {error}")


def test_full_disk(home, server):
    """A disk that fills up is told, and the copy is marked."""
    (home / "small").mkdir()
    inside = f'mount -t tmpfs -o size=400k none "$0" && "$@"; code=$?; ls "$0"; exit $code'
    prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", inside, home / "small"]
    if subprocess.run(prefix[:4] + ["true"], capture_output=True).returncode != 0:
        print("no mount namespace: a full disk is not tried")
        return
    process = backup_begin(server, home / "small", prefix=prefix)
    out, err = process.communicate(timeout=60)
    if process.returncode != 1 or "ENOSPC" not in err or MARK not in out.split():
        raise Wrong(f"a full disk: exit {process.returncode}, {out} {err}")


def test_cut(home, server):
    """The connection breaks amid the copy. Until then no snapshot begins; after it, one does."""
    proxy = Proxy(server.address, lambda: None)
    process = backup_begin(server, home / "cut", proxy.address)
    proxy.reached.wait(30)
    taker = threading.Thread(target=feeding.snapshot_now, args=[server])
    taker.start()
    taker.join(1)
    if not taker.is_alive():
        raise Wrong("a snapshot was taken while a backup copied the last one")
    proxy.close()
    backup_end(process, 1)
    taker.join(20)
    if taker.is_alive():
        raise Wrong("a backup that was cut short still holds snapshots")
    check_refused(home / "cut")


def test_killed(home, server):
    """The server is killed amid the copy: the copy is marked, the folder as good as ever."""
    proxy = Proxy(server.address, server.kill)
    process = backup_begin(server, home / "killed", proxy.address)
    proxy.reached.wait(30)
    proxy.close()
    backup_end(process, 1)
    check_refused(home / "killed")
    feeding.verify(CHEK_BIN, server.data)
    server.start()


def main():
    print(f"seed {SEED}")
    home = pathlib.Path(tempfile.mkdtemp(prefix="chek-backup-"))
    try:
        test_copy(home)
        with Server(CHEKD_BIN, OPTIONS) as server:
            tills = workload.tills(SEED, 4)
            with chek.Client(server.address, token_file=server.token_file) as client:
                workload.claim(client, tills)
                for till in tills * ROUNDS:
                    till.answered(client.feed(till.documents(300)), again=False)
            test_refusals(home, server)
            test_full_disk(home, server)
            test_cut(home, server)
            test_killed(home, server)
            feeding.check(server, tills, everything=True)
            backup_end(backup_begin(server, home / "whole"), 0)
            server.stop()  # what was held is let go
            feeding.verify(CHEK_BIN, server.data)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
