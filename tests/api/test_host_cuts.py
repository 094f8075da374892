# SPDX-License-Identifier: Apache-2.0
"""The connection to the git host ends after every so many bytes of what is sent and of what is answered.

Whatever the byte: nothing is half done, a repetition with the same key tells the truth, the commit is there once.
GITSYNC_EVERY_BYTE=1 cuts at each of them; otherwise it is a few dozen of each exchange, the first and the last ones among them.
"""

import os

import pytest
from client import path_of
from faulty import assert_readable
from keyed import is_replayed, keyed, keyed_push, new_key, push_path
from place import with_text

POINTS = None if os.environ.get("GITSYNC_EVERY_BYTE") == "1" else 40
PATH = "Orders/v1.json"
UPLOAD, RECEIVE = "git-upload-pack", "git-receive-pack"
# The answers that promise that nothing has happened, or that what did is not known yet.
UNLUCKY = ("host_unreachable", "host_failed", "host_timeout")


@pytest.fixture(scope="module")
def server(start_daemon, tmp_path_factory):
    """Without pauses for hosts that fail: these tests are about single calls."""
    daemon = start_daemon(tmp_path_factory.mktemp("cuts"), git_timeout="5s", breaker_failures=0)
    yield daemon
    daemon.stop()


@pytest.fixture
def place(server, host, faulty_on):
    made = faulty_on(server)
    yield made
    host.clear_faults()
    made.assert_sound()


def points(total):
    """Where to cut: all bytes, or about POINTS of them with both ends."""
    if not POINTS or total <= POINTS:
        return range(total + 1)
    ends = {0, 1, 2, total - 1, total}
    return sorted(ends | set(range(0, total, max(1, total // (POINTS - 3)))))


def last_size(place, part, direction, **equal):
    """How many bytes the last such exchange had, heads included."""
    entries = [entry for entry in place.host.requests(**equal) if part in entry["path"]]
    return entries[-1]["bytesIn" if direction == "request" else "bytesOut"]


def cut(direction, at, number):
    """FIN or RST, in turn; at every try or at the first one only, in turn."""
    members = {f"after_{direction}_bytes": at}
    if number % 4 < 2:
        members["times"] = 1
    return ("cut" if number % 2 else "reset"), members


def assert_unlucky(answer):
    error = answer.json
    assert answer.status in (502, 504) and error["code"] in UNLUCKY, error
    assert_readable(error)


def repeat(place, first, call):
    """The same call with the same key, after the fault."""
    place.host.clear_faults()
    again = call()
    again.ok()
    if first.status == 200:
        assert is_replayed(again) and again.body == first.body
    else:
        assert_unlucky(first)
    return again.json


def push_through(place, app, number, strike):
    """One push, struck, and repeated; it is in git once, as it was when it was asked for."""
    message = f"Push {number}"
    place.edit(app, with_text(app.document, message))
    before = place.repo.head()
    strike()
    key = new_key()
    first = keyed_push(place, app, key, message)
    answer = repeat(place, first, lambda: keyed_push(place, app, key, message))
    assert answer["commit"]["sha"] == place.repo.head(), answer
    assert place.repo.text("rev-parse", "main^") == before
    assert place.repo.read_file(PATH) == app.bytes
    assert place.client.status(app.id).ok()["state"] == "in_sync"


@pytest.mark.parametrize("direction", ["request", "response"])
def test_a_push_that_is_cut(place, direction):
    """Where the branch is expected: the exchange with the pack alone."""
    app = place.pushed_app()
    total = last_size(place, place.repo.name, direction, service=RECEIVE, method="POST")
    for number, at in enumerate(points(total)):
        action, members = cut(direction, at, number)
        push_through(place, app, number, lambda: place.post_fault(action, **members))
    assert place.repo.fsck() == ""


def test_a_push_whose_question_is_cut(place):
    """Where the server has heard that others push: it asks first."""
    app = place.pushed_app()
    total = last_size(place, place.repo.name, "response", service=RECEIVE, method="GET")
    for number, at in enumerate(points(total)):
        place.repo.commit_files("main", {"theirs.txt": f"{number}\n"}, f"Theirs {number}")
        place.client.send("POST", push_path(app) + "?dryRun=true", {"commitMessage": "Look"}).ok()
        action, members = cut("response", at, number)
        push_through(place, app, number, lambda: place.advert_fault(action, **members))
    assert place.repo.fsck() == ""


def pull_through(place, app, number, strike):
    """One pull of what somebody pushed, struck, and repeated; afterwards it is what git has, or nothing has changed."""
    changed = with_text(app.document, f"Changed in git {number}")
    before = place.exported(app)
    place.commit_document(app, changed, f"Theirs {number}")
    strike()
    key, path = new_key(), path_of("apps", app.id, createMode="git")
    first = keyed(place.client, key, "PUT", path)
    assert place.exported(app) == (place.repo.read_file(PATH) if first.status == 200 else before)
    answer = repeat(place, first, lambda: keyed(place.client, key, "PUT", path))
    assert answer["status"] == "updated"
    assert place.exported(app) == place.repo.read_file(PATH)
    app.document = changed


@pytest.mark.parametrize("step, direction", [("POST", "request"), ("POST", "response"), ("GET", "response")])
def test_a_pull_that_is_cut(place, step, direction):
    """POST fetches, GET asks where the branch is."""
    app = place.pushed_app()
    pull_through(place, app, "first", lambda: None)
    total = last_size(place, place.repo.name, direction, service=UPLOAD, method=step)
    strike = place.post_fault if step == "POST" else place.advert_fault
    for number, at in enumerate(points(total)):
        action, members = cut(direction, at, number)
        pull_through(place, app, number, lambda: strike(action, UPLOAD, **members))


@pytest.mark.parametrize("direction", ["request", "response"])
def test_a_token_that_is_cut(place, direction):
    app = place.pushed_app()
    total = last_size(place, f"/installations/{place.installation}/", direction, method="POST")
    for number, at in enumerate(points(total)):
        place.host.expire_tokens()
        action, members = cut(direction, at, number)
        push_through(place, app, number, lambda: place.api_fault(action, **members))
    assert place.repo.fsck() == ""
