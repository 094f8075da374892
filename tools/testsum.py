#!/usr/bin/env python3
# Runs the steps of a test run, keeps each one's result as JUnit XML, and sums them up in one line.
# It knows the formats, not the steps.
# SPDX-License-Identifier: Apache-2.0
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

# Meson reports a cmocka program as one case; what cmocka printed tells the functions in it.
CMOCKA_RUN = "[==========] "
CMOCKA_PASSED = "[       OK ] "
CMOCKA_FAILED = re.compile(r"\[  FAILED  \] (?:.*: )?(\d+) test\(s\), listed below")


def case_counts(case):
    """(passed, failed) of one <testcase>."""
    bad = case.find("failure") is not None or case.find("error") is not None
    printed = "".join(e.text or "" for e in case if e.tag in ("system-out", "system-err"))
    if CMOCKA_RUN in printed:
        failed = sum(int(count) for count in CMOCKA_FAILED.findall(printed))
        # A crash or a leak fails the program without a failed function.
        return printed.count(CMOCKA_PASSED), max(failed, 1) if bad else 0
    if case.find("skipped") is not None:
        return 0, 0
    return (0, 1) if bad else (1, 0)


def file_counts(path):
    """(passed, failed, names of failed cases); a file that cannot be read is a failure."""
    try:
        cases = list(ET.parse(path).getroot().iter("testcase"))
    except (OSError, ET.ParseError) as error:
        return 0, 1, [f"{path.name}: {error}"]
    passed, failed, names = 0, 0, []
    for case in cases:
        case_passed, case_failed = case_counts(case)
        passed += case_passed
        failed += case_failed
        if case_failed:
            names.append(f"{case.get('classname', '')} {case.get('name', '')}".strip())
    return passed, failed, names


def write_single(path, name, problem):
    suite = ET.Element("testsuite", name=name)
    case = ET.SubElement(suite, "testcase", classname=name, name=name)
    if problem:
        ET.SubElement(case, "failure", message=problem)
    ET.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def keep_report(args, status):
    """Copies the step's own report and adds a failure that the report does not tell."""
    shutil.copyfile(args.junit, args.results / f"{args.name}.xml")
    passed, failed, _ = file_counts(args.junit)
    if status != 0 and failed == 0:
        problem = f"exit status {status}, though no test failed"
    elif passed + failed == 0:
        problem = "nothing was executed"
    else:
        return
    print(f"{args.name}: {problem}")
    write_single(args.results / f"{args.name}.step.xml", args.name, problem)


def run_step(args):
    print(f"\n== {args.name}", flush=True)
    args.results.mkdir(parents=True, exist_ok=True)
    if args.junit:
        args.junit.unlink(missing_ok=True)
    try:
        status = subprocess.run(args.command, stdin=subprocess.DEVNULL, check=False).returncode
    except OSError as error:
        print(error)
        status = 127
    if args.junit and args.junit.exists():
        keep_report(args, status)
        return status
    problem = f"exit status {status}" if status else "no report was written" if args.junit else None
    write_single(args.results / f"{args.name}.xml", args.name, problem)
    print(f"{args.name}: {problem or 'passed'}", flush=True)
    return status


def sum_up(args):
    passed, failed = 0, 0
    print()
    for path in sorted(args.results.glob("*.xml")):
        file_passed, file_failed, names = file_counts(path)
        passed += file_passed
        failed += file_failed
        for name in names:
            print(f"failed: {path.stem}: {name}")
    print(f"{passed} passed, {failed} failed", flush=True)
    return 0 if passed and not failed else 1


def main():
    parser = argparse.ArgumentParser(description="Runs test steps and sums up their results.")
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="run one step and record its result")
    run.add_argument("--results", type=pathlib.Path, required=True)
    run.add_argument("--name", required=True)
    run.add_argument("--junit", type=pathlib.Path, help="the report that the command writes")
    run.add_argument("command", nargs="+")
    run.set_defaults(action=run_step)
    total = commands.add_parser("sum", help="print the sum of all recorded results")
    total.add_argument("--results", type=pathlib.Path, required=True)
    total.set_defaults(action=sum_up)
    args = parser.parse_args()
    return args.action(args)


if __name__ == "__main__":
    sys.exit(main())
