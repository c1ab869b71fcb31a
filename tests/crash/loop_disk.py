# SPDX-License-Identifier: MIT
"""A disk whose power can be cut and whose syncs can fail, on a kernel that has no device mapper.

Two file systems, one inside the other:

    chekd -> ext4 `inside` -> loop device -> a file on ext4 `outside` -> loop device -> tmpfs

The page cache of `outside` is the volatile cache of the device that `inside` lies on: a write past
the inner page cache (O_DIRECT) has only come that far, and a flush - fsync, fdatasync, O_DSYNC of
chekd - takes it to the medium. EXT4_IOC_SHUTDOWN without a flush of the journal is the power cut:
what was not flushed is gone, and every write and sync from then on fails.

Everything is mounted in a namespace of its own, which goes with its processes: nothing is left,
whatever happens to the test.
"""
import ctypes
import fcntl
import mmap
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time

SKIP = 77  # what ctest takes for "skipped"
MIB = 1 << 20
ALONE = "CHEK_TEST_IS_ALONE"
EXT4_IOC_SHUTDOWN = 0x8004587d
JOURNAL_FLUSHED, NOTHING_FLUSHED = 1, 2
SYNC_FILE_RANGE_WAIT = 7  # wait for what is under way, write, wait for that
PROGRAMS = ("mkfs.ext4", "mount", "umount", "unshare", "fallocate", "fsfreeze")
os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
system = ctypes.CDLL(None, use_errno=True)


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIP)


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


def isolate():
    """Go on in namespaces of our own, or skip where the machine does not allow it."""
    if os.environ.get(ALONE):
        return
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        skip(f"there is no {', '.join(missing)}")
    command = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
    tried = subprocess.run(command + ["true"], capture_output=True, text=True)
    if tried.returncode != 0:
        skip(f"no mount namespace: {tried.stderr.strip()}")
    os.environ[ALONE] = "yes"
    os.execvp(command[0], command + [sys.executable, *sys.argv])


def shut_down(folder, how):
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.ioctl(handle, EXT4_IOC_SHUTDOWN, struct.pack("I", how))
    finally:
        os.close(handle)


class Disk:
    """`inside` is where data belongs; `outside` is for data whose writes shall fail, not syncs."""

    def __init__(self, size_mib):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="chek-disk-"))
        self.medium, self.outside, self.inside = [
            self.home / name for name in ("medium", "outside", "inside")]
        self.image, self.file = self.medium / "image", self.outside / "file"
        self.ballast = self.medium / "ballast"
        self.size_mib = size_mib
        self.mounted = []

    def __enter__(self):
        try:
            self._make()
            self._prove()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        while self.mounted:
            self._unmount(self.mounted[-1], "--lazy")
        shutil.rmtree(self.home, ignore_errors=True)

    def _mount(self, where, *arguments):
        run("mount", *arguments, where)
        self.mounted.append(where)

    def _unmount(self, where, *arguments):
        """The kernel gives up the files of a ring a moment after its process has ended."""
        for tries_left in range(100, -1, -1):
            try:
                run("umount", *arguments, where)
                break
            except OSError as error:
                if "busy" not in str(error) or tries_left == 0:
                    raise
            time.sleep(0.05)
        self.mounted.remove(where)

    def _make(self):
        outside_mib = self.size_mib * 2 + 48
        for folder in (self.medium, self.outside, self.inside):
            folder.mkdir()
        try:
            self._mount(self.medium, "-t", "tmpfs", "-o", f"size={outside_mib + 16}m", "none")
            # No journal: it would give up at the first error, and all later writes with it.
            self._format(self.image, outside_mib, "-O", "^has_journal")
            self._mount(self.outside, "-o", "loop,errors=remount-ro", self.image)
        except OSError as error:
            skip(f"no ext4 on a loop device: {error}")
        with open(self.file, "wb") as file:  # with blocks, so that flushing it changes nothing else
            for _ in range(self.size_mib):
                file.write(bytes(MIB))
            os.fsync(file.fileno())
        self._format(self.file, None, "-J", "size=4")
        self._mount_inside()

    @staticmethod
    def _format(path, size_mib, *options):
        if size_mib is not None:
            with open(path, "wb") as file:
                file.truncate(size_mib * MIB)
        run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "nodiscard", *options, path)

    def _mount_inside(self):
        self._mount(self.inside, "-o", "loop,errors=remount-ro", self.file)

    # ---- power ------------------------------------------------------------------------------

    def write_back(self, chance, count):
        """Let the device write some of its cache to the medium by itself, here and there."""
        handle = os.open(self.file, os.O_RDWR)
        try:
            for _ in range(count):
                at = chance.randrange(self.size_mib * MIB // 4096) * 4096
                system.sync_file_range(handle, ctypes.c_int64(at),
                                       ctypes.c_int64(4096 * chance.choice([1, 4, 64, 1024])),
                                       SYNC_FILE_RANGE_WAIT)
        finally:
            os.close(handle)

    def cut_power(self):
        """What was not flushed to the device is gone, what the device did not flush as well."""
        shut_down(self.outside, NOTHING_FLUSHED)

    def crash_system(self, how=NOTHING_FLUSHED):
        """The system stops, the device goes on: what was written past the page cache is there."""
        shut_down(self.inside, how)

    def power_on(self):
        """Mount everything again. No process may use the disk any more."""
        self._unmount(self.inside)
        self._unmount(self.outside)
        self._mount(self.outside, "-o", "loop,errors=remount-ro", self.image)
        self._mount_inside()

    # ---- errors that go away again ----------------------------------------------------------

    def fill_medium(self):
        """From now on what is written to places that hold zeros fails, when the device flushes."""
        run("sync", "--file-system", self.inside)
        run("sync", "--file-system", self.outside)
        run("fsfreeze", "--freeze", self.outside)
        try:
            run("fallocate", "--dig-holes", self.image)
            with open(self.ballast, "wb", buffering=0) as ballast:
                for size in (MIB, 4096):
                    self._fill(ballast, size)
        finally:
            run("fsfreeze", "--unfreeze", self.outside)

    @staticmethod
    def _fill(ballast, size):
        try:
            while ballast.write(bytes(size)) == size:
                pass
        except OSError:
            pass  # it is full

    def empty_medium(self):
        """Writes work again."""
        self.ballast.unlink()

    # ---- is this the disk that we take it for? ----------------------------------------------

    def _prove(self):
        """A power cut takes what was written past the page cache and not flushed, and no more."""
        path = self.inside / "proof"
        kept, lost = bytes([1]) * 4096, bytes([2]) * 4096
        path.write_bytes(bytes(3 * 4096))
        self._write_past(path, 0, kept, flush=True)
        self._write_past(path, 4096, lost, flush=False)
        self.cut_power()
        try:
            self._write_past(path, 2 * 4096, lost, flush=True)
            skip("a file system that was shut down goes on writing")
        except OSError:
            pass
        self.power_on()
        if path.read_bytes() != kept + bytes(2 * 4096):
            skip("a power cut does not lose what was not flushed")
        path.unlink()

    @staticmethod
    def _write_past(path, offset, data, flush):
        with mmap.mmap(-1, len(data)) as aligned:
            aligned[:] = data
            handle = os.open(path, os.O_RDWR | os.O_DIRECT)
            try:
                if offset == 0:
                    os.fsync(handle)
                os.pwrite(handle, aligned, offset)
                if flush:
                    os.fdatasync(handle)
            finally:
                os.close(handle)
