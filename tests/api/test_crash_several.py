# SPDX-License-Identifier: Apache-2.0
"""The server is killed in calls that change the version and git together, or several apps at once, and started again."""

import json

import pytest
from crashing import die, needs_hooks, settled
from make_app import app_v2_of
from place import as_version, text_of, with_text

pytestmark = needs_hooks
ARRIVES = ["push.committed", "push.pushed", "push.recorded"]
BEFORE = ["submit.recorded", "push.looked", "push.prepared"]


@pytest.mark.parametrize("point", BEFORE + ARRIVES)
def test_a_pushed_rollback(daemon, crashing, point):
    """Here and in git the same, whenever it happened."""
    place, app = crashing
    first, client = place.repo.head(), place.client
    place.edit(app, with_text(app.document, "second"))
    place.push(app).ok()
    commits, second = len(place.repo.log()), place.exported(app)
    die(daemon, point, lambda: client.rollback(app.id, commit=first, push=True))
    operation = settled(client)[0]
    original = place.repo.read_file("Orders/v1.json", first)
    done = point in ARRIVES
    assert operation["state"] == ("done" if done else "failed")
    assert place.exported(app) == (original if done else second)
    assert place.repo.read_file("Orders/v1.json") == (original if done else second)
    assert len(place.repo.log()) == commits + done
    assert client.status(app.id, refresh="true").ok()["state"] == "in_sync"
    client.rollback(app.id, commit=first, push=True).ok()
    assert place.repo.read_file("Orders/v1.json") == place.exported(app) == original
    assert len(place.repo.log()) == commits + 1


@pytest.mark.parametrize("point", BEFORE + ARRIVES)
def test_a_pushed_rollback_to_a_version_that_is_not_here(daemon, crashing, point):
    """The version that it makes is there exactly when git has it."""
    place, app = crashing
    first, client = place.repo.head(), place.client
    place.edit(app, as_version(app.document, "v2"))
    place.push(app).ok()
    die(daemon, point, lambda: client.rollback(app.id, commit=first, push=True))
    operation = settled(client)[0]
    done = point in ARRIVES
    assert operation["state"] == ("done" if done else "failed")
    versions = client.app(app.id).ok()["versions"]
    assert {version["name"] for version in versions} == ({"v1", "v2"} if done else {"v2"})
    if done:
        told = operation["result"]["version"]
        made = next(version for version in versions if version["name"] == "v1")
        assert (made["id"], made["status"]) == (told["id"], told["status"])
    assert client.status(app.id, refresh="true").ok()["state"] == "in_sync"


@pytest.mark.parametrize("point", ARRIVES)
def test_a_merge_on_pushing(daemon, crashing, point):
    """What git got, the version takes over, although it was made before the crash."""
    place, app = crashing
    client, document = place.client, app.document
    place.commit_document(app, with_text(document, "theirs", component=1))
    place.edit(app, with_text(document, "ours", component=0))
    die(daemon, point, lambda: place.push(app, onConflict="merge"))
    settled(client)
    merged = json.loads(place.exported(app))
    assert (text_of(merged, 0), text_of(merged, 1)) == ("ours", "theirs")
    assert place.repo.read_file("Orders/v1.json") == place.exported(app)
    assert client.status(app.id, refresh="true").ok()["state"] == "in_sync"


@pytest.mark.parametrize("per_app", [True, False])
@pytest.mark.parametrize("point", BEFORE + ARRIVES)
def test_a_push_of_all_apps(daemon, crashing, point, per_app):
    place, first = crashing
    client = place.client
    apps = [first, *(place.new_app(name) for name in ("Sales", "Stock"))]
    place.edit(first, with_text(first.document, "here"))
    die(daemon, point, lambda: client.push_all(place.id, commitPerApp=per_app))
    settled(client)
    in_git = {place.repo.read_file(f"{name}/v1.json") for name in ("Orders", "Sales", "Stock")}
    done = in_git == {app.bytes for app in apps}
    assert done == (point in ARRIVES)
    answer = client.push_all(place.id, commitPerApp=per_app).ok()
    assert answer["summary"]["up_to_date" if done else "pushed"] == 3
    for app in apps:
        name = app_v2_of(app.document)["name"]
        assert place.repo.read_file(f"{name}/v1.json") == app.bytes
        assert client.status(app.id).ok()["state"] == "in_sync"
    assert place.repo.fsck() == ""


@pytest.mark.parametrize("point", ["pull.read", "pull.written", "pull.recorded"])
def test_a_pull_of_all_apps(daemon, crashing, point):
    """Each app has been pulled or not; the call can be repeated."""
    place, first = crashing
    client = place.client
    second = place.pushed_app("Sales")
    for app in (first, second):
        place.commit_document(app, with_text(app.document, "theirs"))
    die(daemon, point, lambda: client.pull_all(place.id))
    settled(client)
    assert client.pull_all(place.id).ok()["summary"]["failed"] == 0
    for app in (first, second):
        assert text_of(json.loads(place.exported(app))) == "theirs"
        assert client.status(app.id).ok()["state"] == "in_sync"
