#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The counter of tools/test finds every failure, whatever a test prints on its way down."""
import contextlib
import io
import os
import pathlib
import sys
import tempfile
import unittest
from xml.sax.saxutils import escape

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tools/scripts"))
import count_tests  # noqa: E402

CMOCKA_GOOD = """[==========] Running 2 test(s).
[ RUN      ] one
[       OK ] one
[ RUN      ] two
[       OK ] two
[==========] 2 test(s) run.
[  PASSED  ] 2 test(s).
"""
CMOCKA_BAD = """[==========] Running 3 test(s).
[ RUN      ] one
[       OK ] one
[ RUN      ] two
[  ERROR   ] --- 1 != 2
[  FAILED  ] two
[ RUN      ] three
[  SKIPPED ] three
[==========] 3 test(s) run.
[  PASSED  ] 1 test(s).
[  SKIPPED ] 1 test(s), listed below:
[  SKIPPED ] three
[  FAILED  ] 1 test(s), listed below:
[  FAILED  ] two
"""


class CountTests(unittest.TestCase):
    def count(self, status, output, detail="", ci="false", known=""):
        """Run the counter over one ctest test; return (what it said, its three numbers)."""
        with tempfile.TemporaryDirectory() as folder:
            junit, skips = pathlib.Path(folder, "junit.xml"), pathlib.Path(folder, "skips")
            junit.write_text(f'<testsuite><testcase name="t" time="1" status="{status}">{detail}'
                             f"<system-out>{escape(output)}</system-out></testcase></testsuite>",
                             encoding="utf-8")
            skips.write_text("# a comment\n" + known, encoding="utf-8")
            os.environ["CI"] = ci
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                count_tests.main("stage", junit, skips)
        lines = said.getvalue().splitlines()
        return "\n".join(lines[:-1]), tuple(int(number) for number in lines[-1].split())

    SKIP = '<skipped message="SKIP_RETURN_CODE=77"/>'

    def test_every_cmocka_case_is_counted(self):
        self.assertEqual(self.count("run", CMOCKA_GOOD)[1], (2, 0, 0))

    def test_two_groups_of_one_program_are_added(self):
        self.assertEqual(self.count("run", CMOCKA_GOOD * 2)[1], (4, 0, 0))

    def test_a_failure_is_counted_once_and_named(self):
        said, numbers = self.count("fail", CMOCKA_BAD)
        self.assertEqual(numbers, (1, 1, 1))
        self.assertIn("FAILED t: two", said)

    def test_a_crash_inside_a_case_fails_that_case(self):
        said, numbers = self.count("fail", CMOCKA_GOOD.split("[       OK ] two")[0])
        self.assertEqual(numbers, (1, 1, 0))
        self.assertIn("FAILED t: two", said)

    def test_a_crash_after_the_last_case_is_a_failure(self):
        self.assertEqual(self.count("fail", CMOCKA_GOOD)[1], (2, 1, 0))

    def test_a_silent_program_is_one_case(self):
        self.assertEqual(self.count("run", "")[1], (1, 0, 0))
        self.assertEqual(self.count("fail", "")[1], (0, 1, 0))

    def test_a_program_that_is_not_there_is_a_failure(self):
        gone = '<skipped message="Unable to find executable"/>'
        self.assertEqual(self.count("notrun", "", gone)[1], (0, 1, 0))

    def test_a_disabled_test_is_a_failure(self):
        self.assertEqual(self.count("disabled", "Disabled")[1], (0, 1, 0))

    def test_a_skip_says_why(self):
        said, numbers = self.count("notrun", "no io_uring here\n", self.SKIP)
        self.assertEqual(numbers, (0, 0, 1))
        self.assertIn("no io_uring here", said)

    def test_a_skip_that_is_not_listed_fails_under_ci(self):
        said, numbers = self.count("notrun", "why", self.SKIP, ci="true")
        self.assertEqual(numbers, (0, 1, 0))
        self.assertIn("not in tests/skips", said)

    def test_a_skip_that_is_listed_passes_under_ci(self):
        self.assertEqual(self.count("notrun", "", self.SKIP, "true", "t reason\n")[1], (0, 0, 1))

    def test_a_skipped_case_that_is_not_listed_fails_under_ci(self):
        self.assertEqual(self.count("fail", CMOCKA_BAD, ci="true")[1], (1, 2, 0))
        self.assertEqual(self.count("fail", CMOCKA_BAD, "", "true", "t/three x\n")[1], (1, 1, 1))

    def test_cases_of_a_python_test_are_counted(self):
        good = "Ran 5 tests in 0.1s\n\nOK (skipped=1)\n"
        bad = "Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=1)\n"
        self.assertEqual(self.count("run", good)[1], (4, 0, 1))
        self.assertEqual(self.count("fail", bad)[1], (3, 2, 0))

    def test_bytes_that_are_not_xml_do_not_stop_the_counter(self):
        self.assertEqual(self.count("fail", "a\x01b\x1b[0m")[1], (0, 1, 0))


if __name__ == "__main__":
    unittest.main()
