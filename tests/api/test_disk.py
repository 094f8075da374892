# SPDX-License-Identifier: Apache-2.0
"""The disk of the data folder is full, or cannot be written: calls say so, nothing is half done, and it goes on when there is room.

Each test has a small file system of its own, which takes the right to mount one.
"""

import base64
import contextlib
import os
import subprocess

import pytest
from client import Client
from daemon import DaemonError
from keyed import keyed, keyed_push, new_key, until
from place import Place, new_document, with_text

SIZE = "48m"
# More than the database's log has room for without growing, and nothing that could be compressed.
LARGE = 6 << 20


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", folder], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("a small file system takes the right to mount one")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def daemon(start_daemon, disk):
    running = start_daemon(disk / "data")
    yield running
    running.stop()


@pytest.fixture
def place(daemon, host, make_repo):
    made = Place(Client(daemon), host, make_repo("disk"))
    made.configure().ok(201)
    return made


@contextlib.contextmanager
def full(disk):
    """No byte is left on the disk."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    try:
        yield
    finally:
        ballast.unlink()


@contextlib.contextmanager
def read_only(folder):
    """For what is opened from now on."""
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def large(document):
    return with_text(document, base64.b64encode(os.urandom(LARGE)).decode())


def assert_no_room(answer):
    """It tells the cause, and that room is what is missing."""
    assert answer.status == 500, answer.body[:1000]
    error = answer.json
    assert error["code"] == "store_failed", error
    assert "make room" in error["message"], error


def assert_ready(place):
    def look():
        answer = place.client.send("GET", "/readyz", headers={"Authorization": None})
        return answer.status == 200

    until(look)


def test_an_import_without_room(place, disk):
    document = large(new_document("Large"))
    with full(disk), place.unchanged():
        assert_no_room(place.client.import_app(place.id, document))
    assert_ready(place)
    app = place.import_app(document)
    assert place.exported(app) == app.bytes


def test_an_edit_without_room(place, disk):
    app = place.new_app()
    document = large(app.document)
    with full(disk), place.unchanged():
        assert_no_room(place.client.put_version(app.id, app.version, document))
    assert_ready(place)
    place.edit(app, document)
    assert place.exported(app) == app.bytes


def test_a_push_without_room(place, disk):
    """Whether the host has it is not the disk's business: it is there once, or not, and the key tells which."""
    app = place.pushed_app()
    place.edit(app, large(app.document))
    head, key = place.repo.head(), new_key()
    with full(disk):
        first = keyed_push(place, app, key, "Large")
        if first.status == 200:
            assert first.json["commit"]["sha"] == place.repo.head()
        else:
            assert_no_room(first)
    # The answer tells what the host has, even when the mirror could not keep it.
    assert_ready(place)
    again = keyed_push(place, app, key, "Large").ok()
    assert again["commit"]["sha"] == place.repo.head() != head
    assert [commit.subject for commit in place.repo.log()].count("Large") == 1
    assert place.repo.read_file("Orders/v1.json") == app.bytes
    assert place.client.status(app.id, refresh="true").ok()["state"] == "in_sync"
    assert place.push(app).ok()["status"] == "up_to_date"
    assert place.repo.fsck() == ""


def test_a_pull_without_room(place, disk):
    app = place.pushed_app()
    changed = large(app.document)
    place.commit_document(app, changed)
    key, path = new_key(), f"/api/ext/apps/{app.id}?createMode=git"
    with full(disk):
        before = place.exported(app)
        assert_no_room(keyed(place.client, key, "PUT", path))
        assert place.exported(app) == before
    assert_ready(place)
    assert keyed(place.client, key, "PUT", path).ok()["status"] == "updated"
    assert place.exported(app) == place.repo.read_file("Orders/v1.json")


def test_a_full_disk_at_the_start(place, daemon, disk):
    """What is there can be read; what is to be written is refused until there is room."""
    app = place.pushed_app()
    daemon.stop()
    try:
        with full(disk), contextlib.suppress(DaemonError):
            daemon.start()
            assert place.exported(app) == app.bytes
    finally:
        with contextlib.suppress(DaemonError, ProcessLookupError):
            daemon.stop()
        daemon.start()
    place.edit(app, large(app.document))
    assert place.push(app).ok()["status"] == "pushed"


def test_a_folder_that_becomes_read_only(place, daemon):
    """What is open already stays writable; what a fetch would add to a mirror does not."""
    app = place.pushed_app()
    changed = large(app.document)
    place.commit_document(app, changed)
    with read_only(daemon.data):
        before = place.exported(app)
        answer = place.client.pull(app.id)
        assert (answer.status, answer.json["code"]) == (500, "store_failed"), answer.body
        assert place.exported(app) == before
    assert place.client.pull(app.id).ok()["status"] == "updated"
    app.document = changed
    assert place.push(app).ok()["status"] == "up_to_date"


def test_a_read_only_folder_at_the_start(place, daemon):
    app = place.pushed_app()
    daemon.stop()
    first = daemon.log_size
    with read_only(daemon.data), pytest.raises(DaemonError):
        daemon.start()
    assert "cannot be written" in daemon.log(first) or "Read-only file system" in daemon.log(first)
    daemon.start()
    assert place.push(app).ok()["status"] == "up_to_date"
