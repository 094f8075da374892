# SPDX-License-Identifier: Apache-2.0
"""Many pipelines at once on one repository."""

from statistics import median

from apps import KB, fill, revisions
from bare import Bare
from gitcli import Clone

PUSHERS, PULLERS, BY_GIT = 32, 64, 8


class Crowd:
    """Apps of one repository, each with documents without end."""

    def __init__(self, host, service, name, count):
        self.service = service
        self.repo = host.create_repo(f"acme/{name}")
        fill(self.repo, 10)
        workspace = service.make_workspace(self.repo, host)
        self.revisions = [revisions(f"{name} {number}", 300 * KB) for number in range(count)]
        self.documents = [next(revision) for revision in self.revisions]
        self.apps = [service.import_app(workspace, document) for document in self.documents]

    def edit_all(self):
        self.documents = [next(revision) for revision in self.revisions]
        for app, document in zip(self.apps, self.documents, strict=True):
            self.service.put_document(app, document)

    def has_each_once(self):
        """By the ids of git's blobs."""
        there = [line.split()[2] for line in self.repo.text("ls-tree", "-r", "main").splitlines()]
        wanted = [self.repo.text("hash-object", "--stdin", data=document) for document in self.documents]
        return all(there.count(blob) == 1 for blob in wanted)


def bench_pushes(host, service, scratch, runs):
    """32 clients push 32 apps of one repository; git's command line pushes one after the other."""
    crowd = Crowd(host, service, "bench-crowd", PUSHERS)
    for branch in ("git", "bare"):
        crowd.repo.set_branch(branch, "main")
    clone = Clone(crowd.repo, host, scratch / "clone-crowd", "git")
    bare = Bare(crowd.repo, host, scratch / "bare-crowd", "bare")
    content = next(revisions("crowd-git", 300 * KB))
    ours, theirs, floor = [], [], []
    for run in range(runs + 1):
        before = len(crowd.repo.log(limit=100_000))
        seconds = service.push_at_once(crowd.apps)
        commits = len(crowd.repo.log(limit=100_000)) - before
        if commits != PUSHERS or crowd.repo.fsck() or not crowd.has_each_once():
            raise RuntimeError(f"{commits} commits of {PUSHERS} pushes, fsck: {crowd.repo.fsck()!r}")
        numbers = range(run * BY_GIT, (run + 1) * BY_GIT)
        by_git = sum(clone.push_file(f"Git/{n}.json", content + b" " * n) for n in numbers)
        files = [(f"Bare/{n}.json", content + b"\n" * (n + 1 + run)) for n in range(PUSHERS)]
        exchange = bare.push_seconds(*files)
        crowd.edit_all()
        if run > 0:  # the first one makes the mirror
            ours.append(seconds / PUSHERS)
            theirs.append(by_git / BY_GIT)
            floor.append(exchange / PUSHERS)
    return {
        "case": f"{PUSHERS} pushes at once, throughput to git's",
        "gitsyncMs": round(1000 * median(ours), 2),
        "floorMs": round(1000 * median(floor), 2),
        "otherMs": round(1000 * median(theirs), 2),
        "ratio": round(median(theirs) / median(ours), 1),
        "bound": 20,
        "atLeast": True,
    }


def bench_pulls(host, service):
    """64 pulls of a branch that has moved: how many fetches they cost."""
    crowd = Crowd(host, service, "bench-pulls", 1)
    service.push(crowd.apps[0])
    crowd.repo.commit_files("main", {"news.txt": "news\n"}, "The branch moves on")
    host.reset_requests()
    service.pull_at_once(crowd.apps * PULLERS)
    fetches = [
        e
        for e in host.requests(service="git-upload-pack", method="POST")
        if f"/{crowd.repo.name}.git/" in e["path"]
    ]
    return {"case": f"fetches of {PULLERS} pulls at once", "ratio": len(fetches), "bound": 1}
