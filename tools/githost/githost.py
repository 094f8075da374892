#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A GitHub-like host on loopback: `githost.py start --dir DIR` serves until it is told to stop,
`githost.py check` proves with a real clone and push that it works on this machine.
"""

import argparse
import asyncio
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # this file is also the package's name

from githost import children, selfcheck, supervisor  # noqa: E402


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start", help="serve in the foreground")
    start.add_argument("--dir", required=True, help="folder for all state; host.json appears there")
    start.add_argument("--tls", action="store_true", help="also serve TLS, with a CA of its own")
    for name in ("port", "tls-port", "admin-port", "fault-port"):
        start.add_argument(f"--{name}", type=int, default=0, help="0 picks a free one")
    start.add_argument("--lifeline", action="store_true", help="stop when stdin ends")
    commands.add_parser("check", help="start a host in a temporary folder and prove it")
    return parser.parse_args()


def main():
    options = parse_arguments()
    if options.command == "check":
        return selfcheck.run()
    try:
        return asyncio.run(supervisor.Host(options).run())
    except children.MissingProgram as cause:
        print(f"githost: {cause}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
