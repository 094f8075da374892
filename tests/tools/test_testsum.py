# The sum of a test run: what is counted, and that nothing that went wrong is lost.
# SPDX-License-Identifier: Apache-2.0
import pathlib
import subprocess
import sys

import pytest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "testsum.py"

CMOCKA_GOOD = """[==========] Running 3 test(s).
[ RUN      ] one
text without an end of line[       OK ] one
[ RUN      ] two
[       OK ] two
[ RUN      ] three
[  SKIPPED ] three
[==========] 3 test(s) run.
"""
CMOCKA_BAD = """[==========] Running 3 test(s).
[ RUN      ] one
[       OK ] one
[ RUN      ] two
[  FAILED  ] two
[ RUN      ] three
[  FAILED  ] three
[==========] 3 test(s) run.
"""


def call_tool(*args):
    return subprocess.run(
        [sys.executable, TOOL, *args], capture_output=True, text=True, check=False
    )


@pytest.fixture
def results(tmp_path):
    return tmp_path / "results"


def run_step(results, name, *command, junit=None):
    options = ["--junit", junit] if junit else []
    return call_tool("run", "--results", results, "--name", name, *options, "--", *command)


def total(results):
    """(exit status, last line) of the sum."""
    done = call_tool("sum", "--results", results)
    return done.returncode, done.stdout.splitlines()[-1]


def report(results, body):
    results.mkdir(exist_ok=True)
    (results / "unit.xml").write_text(f"<testsuites><testsuite>{body}</testsuite></testsuites>")


def test_nothing_executed_is_a_failure(results):
    assert total(results) == (1, "0 passed, 0 failed")


def test_a_step_counts_as_one(results):
    assert run_step(results, "good", "true").returncode == 0
    assert total(results) == (0, "1 passed, 0 failed")
    assert run_step(results, "bad", "false").returncode == 1
    assert total(results) == (1, "1 passed, 1 failed")


def test_a_missing_program_is_a_failure(results):
    run_step(results, "bad", "/nonexistent/program")
    assert total(results) == (1, "0 passed, 1 failed")


def test_a_report_counts_by_its_cases(results):
    report(
        results,
        '<testcase name="a"/><testcase name="b"/><testcase name="c"><skipped/></testcase>'
        '<testcase name="d"><failure/></testcase><testcase name="e"><error/></testcase>',
    )
    assert total(results) == (1, "2 passed, 2 failed")


def test_cmocka_functions_are_counted(results):
    report(results, f'<testcase name="t"><system-out>{CMOCKA_GOOD}</system-out></testcase>')
    assert total(results) == (0, "2 passed, 0 failed")


def test_cmocka_failures_are_counted(results):
    summary = "[  PASSED  ] 1 test(s).\n[  FAILED  ] 2 test(s), listed below:\n[  FAILED  ] two\n"
    report(
        results,
        f'<testcase name="t"><failure/><system-out>{CMOCKA_BAD}</system-out>'
        f"<system-err>{summary}</system-err></testcase>",
    )
    assert total(results) == (1, "1 passed, 2 failed")


def test_a_crash_after_good_functions_is_a_failure(results):
    report(
        results, f'<testcase name="t"><failure/><system-out>{CMOCKA_GOOD}</system-out></testcase>'
    )
    assert total(results) == (1, "2 passed, 1 failed")


def test_a_broken_report_is_a_failure(results):
    results.mkdir()
    (results / "unit.xml").write_text("<testsuites>")
    assert total(results) == (1, "0 passed, 1 failed")


def test_a_step_without_its_report_is_a_failure(results, tmp_path):
    run_step(results, "unit", "true", junit=tmp_path / "absent.xml")
    assert total(results) == (1, "0 passed, 1 failed")


def test_an_old_report_does_not_count(results, tmp_path):
    old = tmp_path / "old.xml"
    old.write_text('<testsuite><testcase name="a"/></testsuite>')
    run_step(results, "unit", "true", junit=old)
    assert total(results) == (1, "0 passed, 1 failed")


def write_report(path, text):
    return [sys.executable, "-c", f"open({str(path)!r}, 'w').write({text!r})"]


def test_a_step_with_its_report_counts_by_the_cases(results, tmp_path):
    path = tmp_path / "report.xml"
    command = write_report(path, '<testsuite><testcase name="a"/><testcase name="b"/></testsuite>')
    run_step(results, "unit", *command, junit=path)
    assert total(results) == (0, "2 passed, 0 failed")


def test_a_failed_step_whose_report_is_good_is_a_failure(results, tmp_path):
    path = tmp_path / "report.xml"
    command = write_report(path, '<testsuite><testcase name="a"/></testsuite>')
    command[-1] += "; raise SystemExit(3)"
    run_step(results, "unit", *command, junit=path)
    assert total(results) == (1, "1 passed, 1 failed")


def test_an_empty_report_is_a_failure(results, tmp_path):
    path = tmp_path / "report.xml"
    run_step(results, "unit", *write_report(path, "<testsuite/>"), junit=path)
    assert total(results) == (1, "0 passed, 1 failed")
