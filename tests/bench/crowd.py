# SPDX-License-Identifier: Apache-2.0
"""Many pipelines at once on one repository."""

import concurrent.futures

from apps import KB, fill, revisions
from bare import Bare
from gitcli import Clone
from table import timed

PUSHERS, PULLERS, BY_GIT = 32, 64, 8


def _prepare(host, service, name, count):
    repo = host.create_repo(f"acme/{name}")
    fill(repo, 10)
    workspace = service.make_workspace(repo, host)
    documents = [next(revisions(f"{name} {number}", 300 * KB)) for number in range(count)]
    return repo, [service.import_app(workspace, document) for document in documents], documents


def _has_each_once(repo, documents):
    """By the ids of git's blobs."""
    there = [line.split()[2] for line in repo.text("ls-tree", "-r", "main").splitlines()]
    wanted = [repo.text("hash-object", "--stdin", data=document) for document in documents]
    return all(there.count(blob) == 1 for blob in wanted)


def _all_at_once(actions):
    with concurrent.futures.ThreadPoolExecutor(len(actions)) as pool:
        return [future.result() for future in [pool.submit(action) for action in actions]]


def bench_pushes(host, service, scratch):
    """32 clients push 32 apps of one repository; git's command line pushes one after the other."""
    repo, apps, documents = _prepare(host, service, "bench-crowd", PUSHERS)
    before = len(repo.log(limit=1000))
    seconds = timed(
        lambda: _all_at_once([lambda app=app: service.push(app, service.connect()) for app in apps])
    )
    commits = len(repo.log(limit=1000)) - before
    if commits != PUSHERS or repo.fsck() or not _has_each_once(repo, documents):
        raise RuntimeError(f"{commits} commits of {PUSHERS} pushes, fsck: {repo.fsck()!r}")
    clone = Clone(repo, host, scratch / "clone-crowd")
    content = next(revisions("crowd-git", 300 * KB))
    by_git = sum(clone.push_file(f"Git/{n}.json", content + b" " * n) for n in range(BY_GIT))
    bare = Bare(repo, host, scratch / "bare-crowd")
    files = [(f"Bare/{n}.json", content + b"\n" * (n + 1)) for n in range(PUSHERS)]
    return {
        "case": f"{PUSHERS} pushes at once, throughput to git's",
        "gitsyncMs": round(1000 * seconds / PUSHERS, 2),
        "floorMs": round(1000 * bare.push_seconds(*files) / PUSHERS, 2),
        "otherMs": round(1000 * by_git / BY_GIT, 2),
        "ratio": round((by_git / BY_GIT) / (seconds / PUSHERS), 1),
        "bound": 20,
        "atLeast": True,
    }


def bench_pulls(host, service):
    """64 pulls of a branch that has moved: how many fetches they cost."""
    repo, apps, _ = _prepare(host, service, "bench-pulls", 1)
    service.push(apps[0])
    repo.commit_files("main", {"news.txt": "news\n"}, "The branch moves on")
    host.reset_requests()
    _all_at_once([lambda: service.pull(apps[0], service.connect()) for _ in range(PULLERS)])
    fetches = [
        e
        for e in host.requests(service="git-upload-pack", method="POST")
        if f"/{repo.name}.git/" in e["path"]
    ]
    return {"case": f"fetches of {PULLERS} pulls at once", "ratio": len(fetches), "bound": 1}
