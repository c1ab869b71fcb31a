#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Count the cases in what ctest wrote, and say which failed or were skipped, and why.

    count_tests.py STAGE JUNIT_FILE [SKIPS_FILE]

Prints a line for each failure and skip, and last "passed failed skipped" as three numbers.

A ctest test is as many cases as its program printed: cmocka's "[       OK ] name" lines, or the
"Ran N tests" of Python's unittest; one when it printed none. A test that ended badly has at least
one failure. SKIPS_FILE lists skips that are known ("name reason", # is a comment); a skip that is
not in it fails under CI=true. Without SKIPS_FILE every skip is only reported.
"""
import os
import re
import sys
import xml.etree.ElementTree as xml

CMOCKA = re.compile(r"^\[\s*(RUN|OK|FAILED|SKIPPED|=+)\s*\] (.*)$")
UNITTEST = re.compile(r"^Ran (\d+) tests? in ")
UNITTEST_END = re.compile(r"^(?:OK|FAILED)(?: \((.*)\))?$")
NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Count:
    """Cases of one ctest test."""

    def __init__(self):
        self.passed = 0
        self.failed = []   # names
        self.skipped = []  # names

    def total(self):
        return self.passed + len(self.failed) + len(self.skipped)


def count_cmocka(lines):
    """Cases of a cmocka program; one that was begun and never ended has failed."""
    count, running, summary = Count(), None, False
    for line in lines:
        match = CMOCKA.match(line)
        if not match:
            continue
        word, name = match.groups()
        if word.startswith("="):
            summary = "run." in name
        elif word == "RUN":
            if running:
                count.failed.append(running)
            running, summary = name, False
        elif not summary and running is not None:
            running = None
            if word == "OK":
                count.passed += 1
            else:
                (count.failed if word == "FAILED" else count.skipped).append(name)
    if running:
        count.failed.append(running)
    return count


def count_unittest(lines):
    """Cases of a Python test, from the two lines that unittest ends with."""
    count, ran = Count(), 0
    for line in lines:
        match = UNITTEST.match(line)
        if match:
            ran = int(match[1])
        match = UNITTEST_END.match(line)
        if match and ran:
            numbers = dict(re.findall(r"(\w+)=(\d+)", match[1] or ""))
            bad = int(numbers.get("failures", 0)) + int(numbers.get("errors", 0))
            skipped = int(numbers.get("skipped", 0))
            count.failed += [f"case {i + 1} of {bad}" for i in range(bad)]
            count.skipped += [f"case {i + 1} of {skipped}" for i in range(skipped)]
            count.passed += max(0, ran - bad - skipped)
            ran = 0
    return count


def count_test(status, output):
    """Cases of one ctest test from its status and what it printed."""
    lines = output.splitlines()
    count = count_cmocka(lines)
    if not count.total():
        count = count_unittest(lines)
    if status == "skipped":
        count = Count()
        count.skipped.append("")
    elif status == "failed" and not count.failed:
        count.failed.append("")
    elif status == "passed" and not count.total():
        count.passed = 1
    return count


def status_of(case):
    """The status that ctest gave: passed, failed or skipped."""
    status = case.get("status")
    if status == "run":
        return "passed"
    if status == "fail":
        return "failed"
    skipped = case.find("skipped")
    reason = skipped.get("message", "") if skipped is not None else ""
    # A test without its program, or with a failed fixture, is "notrun" as well.
    return "skipped" if reason.startswith("SKIP_") else "failed"


def read_known(path):
    """The names of the file of known skips."""
    if not path:
        return None
    with open(path, encoding="utf-8") as rows:
        return {row.split()[0] for row in rows if row.strip() and not row.startswith("#")}


def reason_of(output):
    """The last line that says something: why a test was skipped."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def tail_of(output):
    """The end of what a failed test said, indented."""
    return "".join(f"    {line}\n" for line in output.splitlines()[-40:])


def main(stage, junit, skips=None):
    known = read_known(skips)
    strict = os.environ.get("CI") == "true"
    passed = failed = skipped = 0
    with open(junit, encoding="utf-8", errors="replace") as file:
        root = xml.fromstring(NOT_XML.sub("?", file.read()))
    for case in root.iter("testcase"):
        name = case.get("name")
        output = case.findtext("system-out") or ""
        count = count_test(status_of(case), output)
        passed += count.passed
        if count.failed:
            print(f"{stage}: FAILED {name}: {', '.join(filter(None, count.failed)) or 'ended badly'}"
                  f" ({float(case.get('time', 0)):.1f} s)")
            print(tail_of(output), end="")
        failed += len(count.failed)
        for which in count.skipped:
            full = f"{name}/{which}" if which else name
            allowed = known is None or name in known or full in known
            print(f"{stage}: skipped {full}: {reason_of(output) if not which else 'by the test'}"
                  + ("" if allowed else " (not in tests/skips)"))
            if strict and not allowed:
                failed += 1
            else:
                skipped += 1
    print(passed, failed, skipped)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
