#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kazakh registers lose their connections at any byte and their server at any moment, and every Z is right.

    test_kkm_kill.py CHEKD_FOLDER CHEK_FOLDER REGISTERS SHIFTS TICKETS KILLS SEED

Each register keeps its own figures of what it was told is counted. It repeats a request until it hears
the answer; before it does, the connection may be cut inside the request, behind it, or inside the
answer, and the server killed. In the end every Z it got, and the engine's counters, are its own.
"""
import pathlib
import random
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from cpcr_register import (  # noqa: E402
    BUY, BUY_RETURN, CARD, CASH, CLOSE, OPERATIONS, PLACEMENT, SELL, SELL_RETURN, SYSTEM, TICKET,
    Register, line, money, receive, ticket, when)
from server import Server  # noqa: E402

CUTS = ("none", "none", "request", "behind", "answer")
PATIENCE_S = 90
OPTIONS = ["--cpcr", "127.0.0.1:0", "--shards", "2", "--partitions", "4"]
CHEKD_BIN, CHEK_BIN = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])


class TwoFolders(Server):
    """chekd from one folder, chek from another."""

    def run(self, program, *arguments, **options):
        mine, self.bin = self.bin, CHEK_BIN
        try:
            return super().run(program, *arguments, **options)
        finally:
            self.bin = mine


class Till(Register):
    """A register with figures of its own, on a bad line."""

    def __init__(self, server, device, token, seed):
        super().__init__(server.cpcr, device, token, version=202 + device % 2)
        self.server = server
        self.chance = random.Random(seed)
        self.counted = self.cuts = self.differences = 0
        self.cash = 0
        self.sums = {}
        self.tickets_total = {}
        self.shift_begin()

    def shift_begin(self):
        self.tickets, self.revenue, self.placed = {}, 0, {}

    def attempt(self):
        """One connection; None when it was cut or the server is away."""
        host, port = self.server.cpcr.rsplit(":", 1)
        cut = self.chance.choice(CUTS)
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            if cut == "request":
                connection.sendall(self.sent[:self.chance.randrange(len(self.sent))])
                return None
            connection.sendall(self.sent)
            if cut == "behind":
                return None
            if cut == "answer":
                connection.recv(self.chance.randrange(1, 40))
                return None
            return receive(connection)

    def until_heard(self, command, message):
        self.request = (self.request + 1) % 65536
        self.sent = self.frame(command, message)
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                answer = self.attempt()
            except OSError:  # the server is away
                answer = None
                time.sleep(0.02)
            if answer is not None:
                return self.take(answer)
            self.cuts += 1
        raise AssertionError(f"device {self.device}: no answer in {PATIENCE_S} s")

    def sell(self, at):
        operation = self.chance.choice((SELL, SELL, SELL, SELL_RETURN, BUY, BUY_RETURN))
        total = self.chance.randrange(1, 100000)
        kind = self.chance.choice((CASH, CARD))
        leaves = operation in (SELL_RETURN, BUY)
        if kind == CASH and leaves and total > self.cash:
            kind = CARD
        self.until_heard(TICKET, ticket(operation, total, payments={kind: total}, at=at,
                                        items=[line(total, percent=16000, tax=total * 4 // 29)]))
        name = OPERATIONS[operation]
        count, so_far = self.tickets.get(name, (0, 0))
        self.tickets[name] = (count + 1, so_far + total)
        self.sums[name] = self.sums.get(name, 0) + total
        self.tickets_total[name] = self.tickets_total.get(name, 0) + 1
        self.revenue += -total if leaves else total
        self.cash += (-total if leaves else total) if kind == CASH else 0
        self.counted += 1

    def place_cash(self, at):
        total = self.chance.randrange(1, 50000)
        direction = int(self.cash >= total and self.chance.random() < 0.5)
        self.until_heard(PLACEMENT, {7: {1: when(at), 2: direction, 3: money(total), 7: {1: 1}}})
        count, so_far = self.placed.get(direction, (0, 0))
        self.placed[direction] = (count + 1, so_far + total)
        self.cash += -total if direction else total
        self.counted += 1

    def close(self, at, shift):
        figures = self.until_heard(CLOSE, {3: {1: when(at), 6: {1: 1}}}).figures
        self.counted += 1
        mine = (shift, self.cash, self.revenue, self.tickets, self.tickets_total, self.sums,
                self.placed)
        rows = figures["tickets"]
        theirs = (figures["shift"], figures["cash"], figures["revenue"],
                  {name: (row["count"], row["sum"]) for name, row in rows.items() if row["count"]},
                  {name: row["total"] for name, row in rows.items()}, figures["sums"],
                  {direction: (row[1], row[2]) for direction, row in figures["placements"].items()
                   if row[1]})
        if mine != theirs:
            self.differences += 1
            print(f"device {self.device}, shift {shift}:\n  mine   {mine}\n  theirs {theirs}")
        self.shift_begin()

    def live(self, shifts, tickets):
        for shift in range(1, shifts + 1):
            day = f"2026-03-{shift:02d}"
            for i in range(tickets):
                at = f"{day} {8 + i // 60:02d}:{i % 60:02d}:{self.chance.randrange(60):02d}"
                if self.chance.random() < 0.2:
                    self.place_cash(at)
                elif self.chance.random() < 0.1:
                    self.until_heard(SYSTEM, {})
                else:
                    self.sell(at)
            self.close(f"{day} 22:00:00", shift)


def main(registers, shifts, tickets, kills, seed):
    print(f"seed {seed}")
    failures = []
    with TwoFolders(CHEKD_BIN, OPTIONS) as server:
        tills = []
        for device in range(1, registers + 1):
            added = server.json("kkm", "add", "--device", device, "--rnm", f"R{device}", "--org",
                                f"12345678901{device % 7}", "--point", "main")
            tills.append(Till(server, device, added["token"], seed * 1000 + device))

        def live(till):
            try:
                till.live(shifts, tickets)
            except BaseException as error:  # told by the main thread
                failures.append(f"device {till.device}: {type(error).__name__}: {error}")

        threads = [threading.Thread(target=live, args=(till,)) for till in tills]
        for thread in threads:
            thread.start()
        chance = random.Random(seed)
        done = 0
        for _ in range(kills):
            time.sleep(0.1 + chance.random() / 2)
            if not any(thread.is_alive() for thread in threads):
                break
            server.kill()
            server.start()
            done += 1
        for thread in threads:
            thread.join()
        for till in tills:
            state = server.json("kkm", "device", till.device)
            if (state["documents"], state["retries_differing"], state["cash"]) != (
                    till.counted, 0, till.cash):
                failures.append(f"device {till.device}: {state}, {till.counted} {till.cash}")
        server.stop()
        server.run("chek", "verify", server.data)
        differences = sum(till.differences for till in tills)
        print(f"{sum(till.counted for till in tills)} documents, {sum(till.cuts for till in tills)} "
              f"cuts, {done} kills, {registers * shifts} Z, {differences} differ")
    for failure in failures:
        print(failure)
    return 1 if failures or differences or not done else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[3:])))
