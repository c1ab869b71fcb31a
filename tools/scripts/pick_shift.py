# SPDX-License-Identifier: MIT
"""Pick what tools/quickstart shows: prints "Z_REGISTER Z_SHIFT X_REGISTER", "-" where there is none.

    pick_shift.py CHEK      (the program; CHEK_SERVER and CHEK_TOKEN_FILE say where to ask)
"""
import json
import subprocess
import sys


def rows(*arguments):
    done = subprocess.run([sys.argv[1], *arguments, "--json"], check=True, capture_output=True,
                          text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


closed, opened = None, None
for register in rows("kkm", "list"):
    # The longest of its names: a short one may be another register's number here.
    name = max((key["value"] for key in register["profile"]["keys"]), key=len)
    for shift in rows("shifts", "--kkm", name):
        if shift.get("closed"):
            if closed is None or shift["tickets"] > closed[2]:
                closed = (name, shift["shift"], shift["tickets"])
        elif opened is None or shift["tickets"] > opened[1]:
            opened = (name, shift["tickets"])
print(*(closed[:2] if closed else ("-", "-")), opened[0] if opened else "-")
