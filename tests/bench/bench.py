#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How long the server takes, as a ratio against git's own command line on the same host in the same run.

Every figure is a median of runs taken in turn, so that a machine that slows down slows both. docs/performance.md
tells how to read the table; build/bench.json keeps the numbers.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "fixtures"), str(ROOT / "tests" / "bench")]

from githost.client import Host  # noqa: E402

import machine  # noqa: E402
from gitcli import Clone  # noqa: E402
from jsbytes import to_js_bytes  # noqa: E402
from make_app import app_v2_of, make_app  # noqa: E402
from service import Service  # noqa: E402

KB, MB = 1 << 10, 1 << 20
PUSH_CASES = [
    # name, files in the repository, bytes of the document, bound of the ratio
    ("push 300 KB, 10 files", 10, 300 * KB, 0.35),
    ("push 300 KB, 20,000 files", 20_000, 300 * KB, 0.35),
    ("push 5 MB, 10 files", 10, 5 * MB, 0.5),
]


def milliseconds(seconds):
    return round(1000 * seconds, 2)


def fill(repo, files):
    """Other people's files, a hundred to a folder."""
    content = {f"folder{i // 100}/file{i}.txt": f"file {i}\n" for i in range(files)}
    repo.commit_files("main", content, "Files of other people")


def documents(seed, size):
    """Ever new revisions of one app, each of the same size."""
    app = make_app(seed, name=f"Bench {seed}", size=size)
    version = app_v2_of(app)["appVersions"][0]
    number = 0
    while True:
        number += 1
        version["createdAt"] = f"2026-01-01T00:00:00.{number % 1000:03}Z"
        yield to_js_bytes(app)


def timed(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def bench_push(host, service, scratch, case, runs):
    """One push through the API, one by git's command line, in turn."""
    name, files, size, bound = case
    repo = host.create_repo(f"acme/bench-{files}-{size}")
    fill(repo, files)
    workspace = service.make_workspace(repo, host)
    revisions = documents(f"{files}-{size}", size)
    app = service.import_app(workspace, next(revisions))
    clone = Clone(repo, host, scratch / f"clone-{files}-{size}")
    foreign = to_js_bytes(make_app("foreign", name="Foreign", size=size))
    ours, theirs = [], []
    for run in range(runs + 1):
        service.put_document(app, next(revisions))
        mine = timed(lambda: service.push(app))
        other = clone.push_file("Foreign/v1.json", foreign + b" " * run)
        if run:  # the first one warms the mirror and the clone
            ours.append(mine)
            theirs.append(other)
    return row(name, ours, theirs, bound)


def row(name, ours, theirs, bound):
    mine, other = statistics.median(ours), statistics.median(theirs)
    return {
        "case": name,
        "gitsyncMs": milliseconds(mine),
        "gitMs": milliseconds(other),
        "ratio": round(mine / other, 3),
        "bound": bound,
        "runs": len(ours),
        "gitsyncSpreadMs": [milliseconds(min(ours)), milliseconds(max(ours))],
        "gitSpreadMs": [milliseconds(min(theirs)), milliseconds(max(theirs))],
    }


def print_table(rows):
    print(f"{'case':34} {'gitsync ms':>11} {'git ms':>9} {'ratio':>7} {'bound':>7}")
    for entry in rows:
        mark = "" if entry["ratio"] <= entry["bound"] else "  over its bound"
        print(
            f"{entry['case']:34} {entry['gitsyncMs']:11} {entry['gitMs']:9} "
            f"{entry['ratio']:7} {entry['bound']:7}{mark}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", default=str(ROOT / "build" / "bench.json"))
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="gitsync-bench-") as folder:
        scratch = Path(folder)
        with Host.start(scratch / "host", tls=False) as host:
            host.settings(rateLimit=10_000_000)
            with Service(ROOT / "build" / "gitsync", scratch / "data") as service:
                for case in PUSH_CASES:
                    rows.append(bench_push(host, service, scratch, case, arguments.runs))
                    print(rows[-1]["case"], "done", file=sys.stderr)
    about = machine.describe()
    print(about["text"])
    print_table(rows)
    Path(arguments.json).write_text(json.dumps({"machine": about, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
