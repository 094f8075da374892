#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How long the server takes, as a ratio against what people would use instead, on the same host in the same run.

Runs are taken in turn, so that a machine that slows down slows both; figures are medians. docs/performance.md
tells how to read the table; build/bench.json keeps the numbers.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "fixtures"), str(ROOT / "tests" / "bench")]

from githost.client import Host  # noqa: E402

import crowd  # noqa: E402
import machine  # noqa: E402
from apps import KB, MB, fill, revisions  # noqa: E402
from bare import Bare  # noqa: E402
from gitcli import Clone  # noqa: E402
from jsbytes import to_js_bytes  # noqa: E402
from make_app import make_app  # noqa: E402
from relay import Relay  # noqa: E402
from service import Service  # noqa: E402
from table import compare, host_seconds, print_table, timed  # noqa: E402

AWAY_MS = 40  # the round trip to a host that is not on this machine

PUSHES = [
    # name, files in the repository, bytes of the document, same branch as git's, bound of the ratio
    ("push 300 KB, 10 files", 10, 300 * KB, False, 0.35),
    ("push 300 KB, 20,000 files", 20_000, 300 * KB, False, 0.35),
    ("push 5 MB, 10 files", 10, 5 * MB, False, 0.5),
    ("push 300 KB behind git's commit", 10, 300 * KB, True, None),
]

PUSHES_AWAY = [
    (f"push 300 KB, 10 files, {AWAY_MS} ms away", 10, 300 * KB, False, 0.2),
    (f"push 300 KB, 20,000 files, {AWAY_MS} ms away", 20_000, 300 * KB, False, 0.2),
]


def bench_push(host, service, scratch, case, runs):
    """One push through the API, one by git's command line, one bare exchange, in turn, on branches of their own or the first two on one."""
    name, files, size, shared, bound = case
    key = name.replace(" ", "-").replace(",", "").replace("'", "")
    repo = host.create_repo(f"acme/bench-{key}")
    fill(repo, files)
    branch = "main" if shared else "git"
    if not shared:
        repo.set_branch(branch, "main")
    repo.set_branch("bare", "main")
    bare = Bare(repo, host, scratch / f"bare-{key}", "bare")
    workspace = service.make_workspace(repo, host)
    documents = revisions(key, size)
    app = service.import_app(workspace, next(documents))
    clone = Clone(repo, host, scratch / f"clone-{key}", branch)
    theirs_document = to_js_bytes(make_app("git", name="Git", size=size))
    ours, theirs, hosts, floor = [], [], [], []
    for run in range(runs + 2):
        service.put_document(app, next(documents))
        host.reset_requests()
        mine = timed(lambda: service.push(app))
        spent = host_seconds(host, repo)
        other = clone.push_file("Git/v1.json", theirs_document + b" " * run)
        exchange = bare.push_seconds(("Git/v1.json", theirs_document + b"\n" * (run + 1)))
        if run > 1:  # the first ones warm the mirror and the clone
            ours.append(mine)
            theirs.append(other)
            hosts.append(spent)
            floor.append(exchange)
    return compare(name, ours, theirs, bound, host=hosts, floor=floor)


def curl_seconds(url, token):
    command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{time_total}", "-u", f"x-access-token:{token}"]
    return float(subprocess.check_output([*command, url], text=True))


def bench_pull(host, service, runs):
    """A pull that finds nothing new, against the one exchange that anybody needs to know that."""
    repo = host.create_repo("acme/bench-pull")
    fill(repo, 10)
    workspace = service.make_workspace(repo, host)
    app = service.import_app(workspace, next(revisions("pull", 300 * KB)))
    service.push(app)
    url = f"{repo.url}/info/refs?service=git-upload-pack"
    token = host.token()
    ours, theirs = [], []
    for run in range(3 * runs + 2):
        mine = timed(lambda: service.pull(app))
        other = curl_seconds(url, token)
        if run > 1:
            ours.append(mine)
            theirs.append(other)
    return compare("pull without changes, to curl's GET", ours, theirs, 1.5)


def bench_memory(host, scratch):
    """The most memory that a server of its own takes while it pushes a large document, in documents."""
    repo = host.create_repo("acme/bench-memory")
    fill(repo, 10)
    size = 20 * MB
    documents = revisions("memory", size)
    with Service(ROOT / "build" / "gitsync", scratch / "memory") as service:
        workspace = service.make_workspace(repo, host)
        app = service.import_app(workspace, next(documents))
    # Started anew, so that only the push is in the peak.
    with Service(ROOT / "build" / "gitsync", scratch / "memory") as service:
        before = service.memory("VmRSS")
        service.push(app)
        peak = service.memory("VmHWM") - before
    return {"case": "peak memory of a 20 MB push, in documents", "ratio": round(peak * KB / size, 2), "bound": 5}


def bench_growth(host, scratch, pushes):
    """What a server of its own takes after many pushes, to what it takes after the first tenth of them."""
    repo = host.create_repo("acme/bench-growth")
    fill(repo, 10)
    documents = revisions("growth", 300 * KB)
    with Service(ROOT / "build" / "gitsync", scratch / "growth") as service:
        workspace = service.make_workspace(repo, host)
        app = service.import_app(workspace, next(documents))
        for number in range(1, pushes + 1):
            service.put_document(app, next(documents))
            service.push(app)
            if number == pushes // 10:
                before = service.memory("VmRSS")
        after = service.memory("VmRSS")
    return {
        "case": f"memory after {pushes:,} pushes, to after {pushes // 10:,}",
        "ratio": round(after / before, 3),
        "bound": 1.05,
        "megabytes": [round(before / KB, 1), round(after / KB, 1)],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--pushes", type=int, default=2000, help="of the row about memory; 0: no such row")
    parser.add_argument("--json", default=str(ROOT / "build" / "bench.json"))
    arguments = parser.parse_args()
    rows = []

    def add(row):
        rows.append(row)
        print(row["case"], "done", file=sys.stderr)

    with tempfile.TemporaryDirectory(prefix="gitsync-bench-") as folder:
        scratch = Path(folder)
        with Host.start(scratch / "host", tls=False) as host:
            host.settings(rateLimit=10_000_000)
            with Service(ROOT / "build" / "gitsync", scratch / "data") as service:
                for case in PUSHES:
                    add(bench_push(host, service, scratch, case, arguments.runs))
                with Relay(host.info["gitBase"], AWAY_MS) as relay:
                    away = Host(host.info | {"gitBase": relay.address})
                    for case in PUSHES_AWAY:
                        add(bench_push(away, service, scratch, case, arguments.runs))
                add(bench_pull(host, service, arguments.runs))
                add(crowd.bench_pushes(host, service, scratch, arguments.runs))
                add(crowd.bench_pulls(host, service))
            add(bench_memory(host, scratch))
            if arguments.pushes >= 10:
                add(bench_growth(host, scratch, arguments.pushes))
    about = machine.describe()
    print(about["text"])
    print_table(rows)
    Path(arguments.json).write_text(json.dumps({"machine": about, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
